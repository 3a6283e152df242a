"""The classes of Keras-RS through the daemon: golden vectors, and metrics over many batches."""

import random
import unittest

import golden
import numpy as np
import ranklossd
from daemon import DaemonCase

CLASSES = {cls.path: cls for cls in (
    ranklossd.PairwiseHingeLoss, ranklossd.PairwiseLogisticLoss, ranklossd.PairwiseSoftZeroOneLoss,
    ranklossd.PairwiseMeanSquaredError, ranklossd.ListMLELoss, ranklossd.SoftmaxLoss,
    ranklossd.ApproxNDCGLoss, ranklossd.DCG, ranklossd.NDCG, ranklossd.MeanReciprocalRank,
    ranklossd.MeanAveragePrecision, ranklossd.PrecisionAtK, ranklossd.RecallAtK)}
METRICS = sorted(name for name, cls in CLASSES.items() if hasattr(cls, "update_state"))
LOSSES = sorted(set(CLASSES) - set(METRICS))


class KerasMean:
    """keras_rs.metrics in plain numpy, in double: the state (total, count) after each batch."""

    def __init__(self, name, k=None):
        self.name, self.k, self.total, self.count = name, k, 0.0, 0.0

    def update(self, y_true, y_pred, weights):
        mask = None
        if isinstance(y_true, dict):
            y_true, mask = y_true["labels"], y_true["mask"]
        values, weighted, relevance, weighs = [], [], [], []
        for i, (labels, scores) in enumerate(zip(y_true, y_pred)):
            w = np.broadcast_to(weights if np.ndim(weights) == 0 else weights[i], len(labels))
            valid = (labels >= 0) & (w > 0) & (True if mask is None else mask[i])
            w, labels = np.where(valid, w, 0.0), np.where(valid, labels, 0.0)
            order = np.argsort(-np.where(valid, scores, -np.inf), kind="stable")[:self.k]
            of_list = self.of_dcg if "dcg" in self.name else self.of_binary
            value, gains = of_list(labels, w, order, valid)
            values.append(value)
            weighted.append((w * gains).sum())
            relevance.append(gains.sum())
            weighs.append(w.sum() > 0)
        self.add(*map(np.array, (values, weighted, relevance, weighs)))

    def of_dcg(self, labels, w, order, valid):
        gains = 2.0 ** labels - 1
        discounts = 1 / np.log2(1 + np.arange(1, len(order) + 1))
        best = np.argsort(-np.where(valid, w * gains, -np.inf), kind="stable")[:self.k]
        dcg, ideal = ((w[o] * gains[o] * discounts).sum() for o in (order, best))
        return (dcg if self.name == "dcg" else dcg / ideal if ideal else 0.0), gains

    def of_binary(self, labels, w, order, valid):
        relevant = (labels >= 1).astype(float)
        ranks, top = np.arange(1, len(order) + 1), relevant[order]
        if self.name == "mean_reciprocal_rank":
            value = (top / ranks).max(initial=0)
        elif self.name == "mean_average_precision":
            all_relevant = (w * relevant).sum()
            hits = (np.cumsum(top) / ranks * w[order] * top).sum()
            value = hits / all_relevant if all_relevant else 0.0
        elif self.name == "precision_at_k":
            counted = min(len(order), int(valid.sum()))
            value = top.sum() / counted if counted else 0.0
        else:
            value = top.sum() / relevant.sum() if relevant.sum() else 0.0
        return value, relevant

    def add(self, values, weighted, relevance, weighs):
        has = relevance > 0
        own = np.where(has, weighted / np.where(has, relevance, 1), 0.0)
        counted = (weighs & has).sum()
        of_rest = own.sum() / counted if counted else 1.0
        list_weights = np.where(weighs, np.where(has, own, of_rest), 0.0)
        if self.name == "dcg":
            values = values * (list_weights > 0) / np.where(list_weights > 0, list_weights, 1)
        self.total += (values * list_weights).sum()
        self.count += list_weights.sum()

    def result(self):
        return self.total / self.count if self.count else 0.0


def random_batch(rng):
    """A random batch as (y_true, y_pred, sample_weight): masks and weights of each kind."""
    lists, items = int(rng.integers(1, 6)), int(rng.integers(1, 12))
    labels = rng.integers(-1, 4, size=(lists, items)).astype(float)
    labels[rng.random(lists) < 0.3] = 0  # some lists without a relevant item
    scores = rng.permutation(lists * items).reshape(lists, items) / 4
    y_true = labels if rng.random() < 0.6 else {"labels": labels,
                                                "mask": rng.random((lists, items)) < 0.8}
    weights = (None, 2.5, rng.integers(0, 4, (lists, 1)) / 2,
               rng.integers(0, 4, (lists, items)) / 2)
    return y_true, scores, weights[rng.integers(4)]


class Metrics(DaemonCase):
    def setUp(self):
        super().setUp()
        self.client = ranklossd.Client("http://%s:%d" % self.daemon.address)

    def test_300_random_sequences_of_batches_give_what_keras_gives(self):
        """update_state, result, reset_state and merge_state, in random order, against numpy."""
        merges = resets = 0
        for seed in range(300):
            rng = np.random.default_rng(seed)
            name = METRICS[seed % len(METRICS)]
            k = None if rng.random() < 0.4 else int(rng.integers(1, 8))
            ours = [CLASSES[name](k=k, dtype="float64", client=self.client) for _ in range(2)]
            wanted = [KerasMean(name, k) for _ in range(2)]
            for _ in range(int(rng.integers(1, 7))):
                i, what = int(rng.integers(2)), rng.random()
                if what < 0.1:
                    ours[i].reset_state()
                    wanted[i] = KerasMean(name, k)
                    resets += 1
                elif what < 0.25:
                    ours[i].merge_state([ours[1 - i]])
                    wanted[i].total += wanted[1 - i].total
                    wanted[i].count += wanted[1 - i].count
                    merges += 1
                else:
                    batch = random_batch(rng)
                    ours[i].update_state(*batch)
                    wanted[i].update(*batch[:2], 1.0 if batch[2] is None else batch[2])
                for one, keras in zip(ours, wanted):
                    np.testing.assert_allclose(one.result(), keras.result(), rtol=1e-12,
                                               err_msg=f"seed {seed}, {name}, k {k}")
                    np.testing.assert_allclose(one.count, keras.count, rtol=1e-12)
        self.assertGreater(min(merges, resets), 30)

    def test_the_golden_vectors(self):
        cases = golden.cases("metrics")
        for case in cases:
            self.check(case, "metric")
        self.assertEqual(len(cases), 120)

    def check(self, case, kind):
        body = dict(case["body"])
        batch = [body.pop(key, None) for key in ("y_true", "y_pred", "sample_weight")]
        measure = CLASSES[case["path"].rsplit("/", 1)[1]](**body, client=self.client)
        golden.assert_close(measure(*batch), case["expect"][kind], case["rtol"], case["atol"],
                            case["id"])

    def test_shuffled_ties_are_repeated_by_their_seed(self):
        labels, scores = np.array([[3, 0, 0, 0, 0, 0, 0, 0]]), np.zeros((1, 8))
        results = []
        for seed in (1, 1, 2):
            metric = ranklossd.NDCG(shuffle_ties=True, seed=seed, client=self.client)
            results.append([metric(labels, scores) for _ in range(5)])
        self.assertEqual(results[0], results[1])
        self.assertNotEqual(results[0], results[2])
        self.assertEqual(ranklossd.NDCG(client=self.client)(labels, scores), 1.0)
        nested = ranklossd.NDCG(shuffle_ties=True, seed=1, client=self.client)
        self.assertEqual([nested(labels.tolist(), scores.tolist()) for _ in range(5)], results[0])

    def test_functions_of_gain_and_discount(self):
        """gain_fn and rank_discount_fn as Keras takes them, beside the same by name or table."""
        pairs = (({"gain_fn": lambda y: y}, {"gain": "linear"}),
                 ({"gain_fn": lambda y: 2 ** y - 1}, {}),
                 ({"rank_discount_fn": lambda rank: 1 / rank}, {"discount": "reciprocal"}),
                 ({"gain_fn": lambda y: y * y, "rank_discount_fn": lambda rank: 1 / np.sqrt(rank)},
                  {"gain": [0, 1, 4, 9], "discount": [n ** -0.5 for n in range(1, 13)]}))
        for seed in range(60):
            rng = np.random.default_rng(seed)
            functions, named = pairs[seed % len(pairs)]
            batch, cls = random_batch(rng), (ranklossd.NDCG, ranklossd.DCG)[seed // 4 % 2]
            k = None if rng.random() < 0.4 else int(rng.integers(1, 8))
            got, want = (cls(k, dtype="float64", client=self.client, **parameters)
                         for parameters in (functions, named))
            np.testing.assert_allclose(got(*batch), want(*batch), rtol=1e-12, err_msg=str(seed))
        nested = ranklossd.NDCG(gain_fn=lambda y: y, client=self.client)
        self.assertEqual(nested([[1, 3, None], [2, 1]], [[1, 2, 3], [1, 2]]),
                         ranklossd.NDCG(gain="linear", client=self.client)(
                             [[1, 3, None], [2, 1]], [[1, 2, 3], [1, 2]]))

    def test_functions_that_do_not_fit_are_refused(self):
        ones = np.ones((1, 2))
        for function in (lambda y: y + 1, lambda y: -y, lambda y: y[:1], lambda y: y / 0 * 0):
            with self.assertRaises(ValueError), np.errstate(all="ignore"):
                ranklossd.NDCG(gain_fn=function, client=self.client)(ones * [[1, 0]], ones)
        long = np.ones((1, 1001))
        with self.assertRaisesRegex(ValueError, "at most 1000"):
            ranklossd.NDCG(rank_discount_fn=np.sqrt, client=self.client)(long, long)
        with self.assertRaises(ValueError):
            ranklossd.NDCG(gain_fn=np.sqrt, gain="linear")
        with self.assertRaises(TypeError):
            ranklossd.NDCG(gain_fn="linear")
        with self.assertRaises(ValueError):
            self.client.evaluate(ones, ones, metrics=ranklossd.NDCG(gain_fn=np.sqrt))

    def test_bad_arguments_are_refused_as_keras_does(self):
        for k in (0, -1, 1.5, True, "3"):
            with self.subTest(k), self.assertRaises(ValueError):
                ranklossd.NDCG(k=k)
        with self.assertRaises(ValueError):
            ranklossd.NDCG().merge_state([ranklossd.DCG()])

    def test_configuration_goes_round(self):
        metric = ranklossd.NDCG(k=3, name="mine", seed=4)
        self.assertEqual(ranklossd.NDCG.from_config(metric.get_config()).get_config(),
                         metric.get_config())


class Losses(DaemonCase):
    check = Metrics.check

    def setUp(self):
        super().setUp()
        self.client = ranklossd.Client("http://%s:%d" % self.daemon.address)

    def test_the_golden_vectors(self):
        cases = golden.cases("losses") + golden.cases("losses_long_lists")
        for case in cases:
            self.check(case, "loss")
        self.assertEqual(len(cases), 246)

    def test_arrays_give_the_bits_of_nested_lists(self):
        """Every loss and reduction, matrix and ragged, arrays of each type against lists."""
        rng = np.random.default_rng(7)
        labels = rng.integers(0, 4, size=(5, 9))
        scores = rng.normal(size=(5, 9)).astype(np.float32)
        ragged = [(labels[i, :n], scores[i, :n]) for i, n in enumerate((9, 0, 3, 1, 7))]
        for name in LOSSES:
            for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight", None):
                loss = CLASSES[name](reduction=reduction, client=self.client)
                want = loss(labels.tolist(), scores.tolist())
                for dtype in (np.int8, np.int64, np.float16, np.float64, np.uint32):
                    self.same(loss(labels.astype(dtype), scores), want)
                want = loss([y.tolist() for y, _ in ragged], [s.tolist() for _, s in ragged])
                got = loss([y for y, _ in ragged], [s for _, s in ragged])
                self.same(got, want)

    def same(self, got, want):
        """Arrays are of the dtype, where nested lists hold the numbers of the reply's text."""
        if isinstance(got, list):
            for one, other in zip(got, want, strict=True):
                self.same(one, other)
        elif isinstance(got, np.ndarray):
            want = np.array(want, np.float32)
            self.assertEqual((got.dtype, got.tobytes()), (want.dtype, want.tobytes()))
        else:
            self.assertEqual(got, want)

    def test_none_has_the_form_of_the_scores(self):
        loss = ranklossd.PairwiseHingeLoss(reduction="none", client=self.client)
        for shape in ((4,), (2, 4), (1, 4)):
            scores = np.zeros(shape, np.float32)
            self.assertEqual(loss(np.ones(shape), scores).shape, shape)
        self.assertEqual([len(one) for one in loss([np.ones(3), np.ones(0)],
                                                   [np.zeros(3), np.zeros(0)])], [3, 0])
        self.assertEqual(loss([[1, 0]], [[0, 0]]), [[1, 0]])

    def test_gradient_and_totals_come_with_evaluate(self):
        loss = ranklossd.PairwiseHingeLoss(0.5, "sum", "mine", "float64", client=self.client)
        labels = np.array([[1.0, 0.0, -1.0]])
        scores = np.array([[0.25, 0.5, 9.0]])
        mask = np.array([[True, False, True]])
        self.assertEqual(loss({"labels": labels, "mask": mask}, scores), 0)
        self.assertEqual(loss(labels, scores, np.float64(2.0)), 3)
        answer = loss.evaluate(labels, scores, include=["top_pairs", "gradient"], top_k=1)
        self.assertEqual((answer.value, float(answer), answer.name), (1.5, 1.5, "mine"))
        np.testing.assert_array_equal(answer["gradient"], [[-2, 2, 0]])
        self.assertEqual(answer["top_pairs"], [[{"i": 0, "j": 1, "loss": 1.5}]])
        self.assertEqual(answer.totals["pairs"], 1)

    def test_bad_arguments_are_refused_as_keras_does(self):
        for arguments in ({"temperature": 0}, {"temperature": -1.0}, {"reduction": "average"}):
            with self.subTest(arguments), self.assertRaises(ValueError):
                ranklossd.PairwiseHingeLoss(**arguments)

    def test_configuration_goes_round(self):
        loss = ranklossd.PairwiseLogisticLoss(temperature=2.0, reduction=None)
        self.assertEqual(ranklossd.PairwiseLogisticLoss.from_config(loss.get_config()).get_config(),
                         loss.get_config())


class Evaluate(DaemonCase):
    def setUp(self):
        super().setUp()
        self.client = ranklossd.Client("http://%s:%d" % self.daemon.address)

    def test_many_measures_of_one_batch(self):
        rng = random.Random(5)
        labels = [[rng.randrange(3) for _ in range(8)] for _ in range(4)]
        scores = [[rng.gauss(0, 1) for _ in range(8)] for _ in range(4)]
        report = self.client.evaluate(
            labels, scores, losses=[ranklossd.PairwiseHingeLoss(0.5), "list_mle"],
            metrics=["ndcg@3", {"name": "recall_at_k", "k": 2}, ranklossd.DCG()])
        self.assertEqual(list(report.values()),
                         ["pairwise_hinge(temperature=0.5)", "list_mle", "ndcg@3", "recall_at_k@2",
                          "dcg"])
        self.assertEqual(report["ndcg@3"].value,
                         self.client.metric("ndcg", labels, scores, k=3).value)
        self.assertEqual(report[0].value,
                         self.client.loss("pairwise_hinge", labels, scores, temperature=0.5).value)
        self.assertIn("4 lists, 32 items", str(report))
        frame = report.to_frame()
        self.assertEqual(frame["value"].tolist(), list(report.values().values()))
        with self.assertRaises(KeyError):
            report["ndcg@4"]

    def test_defaults_beside_the_batch(self):
        report = self.client.evaluate([[1, 0]], [[0, 0]], losses="pairwise_hinge", reduction="sum")
        self.assertEqual(report.values(), {"pairwise_hinge(reduction=sum)": 1.0})

    def test_whose_definition(self):
        """Parameters of definitions go along in every form, and are part of labels."""
        labels, scores = [[2, 0, 1], [0, 1, 0]], [[1.0, 2.0, 2.0], [3.0, 3.0, 1.0]]
        forms = ["ndcg@2", {"name": "ndcg", "definition": "sklearn", "k": 2},
                 ranklossd.NDCG(k=2, gain="linear", discount=[1, 0.5]), "recall_at_k@1"]
        report = self.client.evaluate(labels, scores, metrics=forms, ties="worst",
                                      relevant_from=2)
        self.assertEqual(list(report.values()), [
            "ndcg@2(ties=worst)", "ndcg@2(definition=sklearn)",
            "ndcg@2(discount=[1, 0.5], gain=linear, ties=worst)",
            "recall_at_k@1(relevant_from=2, ties=worst)"])
        self.assertEqual(report[1]["definition"], {"gain": "linear", "ties": "average",
                                                   "list_weights": "as_sent"})
        one = self.client.metric("ndcg", np.array(labels), np.array(scores), k=2, ties="worst",
                                 gain="linear", discount=[1, 0.5])
        self.assertEqual(one.value, report[2].value)
        metric = ranklossd.NDCG(k=2, definition="sklearn", client=self.client)
        self.assertAlmostEqual(metric(labels, scores), report[1].value, delta=1e-6)
        self.assertEqual(metric.get_config()["definition"], "sklearn")

    def test_scores_of_items_that_were_not_retrieved(self):
        batch = ([[2, 0, 1]], np.array([[1.0, np.nan, np.nan]]))
        with self.assertRaises(ranklossd.InvalidRequest) as caught:
            self.client.metric("recall_at_k", *batch)
        self.assertEqual(caught.exception.pointer, "/y_pred/0/1")
        for asked in ({"unretrieved": "count"}, {"definition": "trec_eval"}):
            self.assertEqual(self.client.metric("recall_at_k", *batch, **asked).value, 0.5)

    def test_comparisons_under_a_definition(self):
        result = self.client.compare({"a": [[2, 1]], "b": [[1, 1]]}, [[0, 1]], metrics=["ndcg"],
                                     definition="sklearn")
        self.assertEqual(result[0].label, "ndcg(definition=sklearn)")

    def test_bad_entries(self):
        for bad in ("ndcg@", "ndcg@0", "ndcg@x", {"k": 3}):
            with self.subTest(bad), self.assertRaises(ValueError):
                self.client.evaluate([1, 0], [0, 1], metrics=bad)
        with self.assertRaises(TypeError):
            self.client.evaluate([1, 0], [0, 1], metrics=[3])


if __name__ == "__main__":
    unittest.main()
