"""An infer reply and a JSON reply of the same numbers have the same bits: batches of every type and
shape, with masks and weights, at any alignment."""

import gzip

import numpy as np

from daemon import DaemonCase
from tensors import SIZES, Tensor, infer, message, read

SCORE_TYPES = ("FP32", "FP64", "FP16", "BF16")
LOSSES = ("pairwise_hinge", "pairwise_logistic", "pairwise_mean_squared_error", "list_mle",
          "softmax", "approx_ndcg")
METRICS = ("ndcg", "mean_average_precision", "auc", "recall_at_k")


def numbers(values, datatype):
    """What the elements of a tensor are, as Python's numbers."""
    if datatype == "BF16":
        bits = np.ascontiguousarray(values, "<f4").view("<u4") & 0xffff0000
        return bits.view("<f4").astype(float)
    kinds = {"BOOL": bool, "FP16": "f2", "FP32": "f4", "FP64": "f8"}
    return np.asarray(values).astype(kinds.get(datatype, datatype.lower()))


def nested(values, lengths):
    """A list of lists, or one list where there are no lengths; not-a-number as null."""
    flat = [None if isinstance(one, float) and one != one else one
            for one in np.asarray(values).ravel().tolist()]
    if lengths is None:
        return flat
    ends = np.cumsum(lengths)
    return [flat[end - length:end] for end, length in zip(ends, lengths)]


class Batch:
    """A random batch, as tensors and as JSON."""

    def __init__(self, rng):
        self.rng = rng
        form = rng.choice(["even", "ragged", "one"])
        lists = 1 if form == "one" else int(rng.integers(1, 7))
        if form == "ragged":
            self.lengths = rng.integers(0, 9, lists)
        else:
            self.lengths = np.full(lists, rng.integers(1 if form == "one" else 0, 12))
        self.items = int(self.lengths.sum())
        self.shape = [lists, int(self.lengths[0])] if form == "even" else [self.items]
        self.rows = None if form == "one" else self.lengths
        self.tensors, self.body = [], {}
        labels, kind = self.labels()
        mask = self.mask()
        self.scores(labels, mask)
        self.weights(form)
        if form == "ragged":
            self.add("lengths", rng.choice(["INT32", "INT64"]), self.lengths, [lists])
        rng.shuffle(self.tensors)
        self.kind = kind

    def add(self, name, datatype, values, shape=None):
        """The tensor, and the numbers that its elements are. JSON has no form of some."""
        binary = datatype in ("FP16", "BF16") or bool(self.rng.random() < 0.8) or bool(
            np.isnan(np.asarray(values, float)).any())
        of = numbers(values, datatype)
        self.tensors.append(Tensor(name, datatype, of if datatype != "BF16" else values,
                                   self.shape if shape is None else shape, binary))
        return of

    def labels(self):
        kind = self.rng.choice([*SIZES])
        least = 0 if kind == "BOOL" or kind.startswith("U") else -1
        labels = self.rng.integers(least, 2 if kind == "BOOL" else 5, self.items).astype(float)
        if kind.startswith(("FP", "BF")):
            labels[self.rng.random(self.items) < 0.1] = np.nan
            labels += self.rng.choice([0, 0.3])
        of = self.add("y_true", kind, labels)
        self.body["y_true"] = nested(of, self.rows)
        return np.asarray(of, float), kind

    def mask(self):
        if self.rng.random() < 0.5:
            return np.ones(self.items, bool)
        mask = self.rng.random(self.items) < self.rng.choice([0.7, 1])
        self.add("mask", "BOOL", mask)
        self.body["y_true"] = {"labels": self.body["y_true"], "mask": nested(mask, self.rows)}
        return mask

    def scores(self, labels, mask):
        kind = self.rng.choice(SCORE_TYPES)
        scores = self.rng.normal(0, self.rng.choice([0.001, 1, 30]), self.items)
        scores[(~mask | ~(labels >= 0)) & (self.rng.random(self.items) < 0.5)] = np.nan
        of = self.add("y_pred", kind, scores)
        self.body["y_pred"] = nested(np.asarray(of, float), self.rows)

    def weights(self, form):
        choice = self.rng.choice(["none", "list", "column", "item"])
        self.weighs_items = choice == "item"
        if choice == "none" or (form == "one" and choice != "item"):
            return
        kind = self.rng.choice(SCORE_TYPES)
        lists = len(self.lengths)
        if choice == "item":
            weights = self.rng.random(self.items)
            of = self.add("sample_weight", kind, weights)
            self.body["sample_weight"] = nested(np.asarray(of, float), self.rows)
        else:
            shape = [lists] if choice == "list" else [lists, 1]
            of = self.add("sample_weight", kind, self.rng.random(lists), shape)
            self.body["sample_weight"] = np.asarray(of, float).reshape(shape).tolist()

    def takes(self, measure):
        """Losses of lists take no weights of items."""
        return not (self.weighs_items and measure in ("list_mle", "softmax", "approx_ndcg"))


class SameBits(DaemonCase):
    def check(self, batch, measure, dtype, reduction):
        loss = measure in LOSSES
        kind = np.float32 if dtype == "float32" else np.float64
        wanted = ["loss", "gradient"] if loss else ["metric"]
        columns = (["loss_sum", "pairs"] if loss else ["metric", "weight"]) + ["items",
                                                                               "valid_items"]
        asked = {"dtype": dtype, **({"reduction": reduction} if loss else {})}
        include = ["per_list", *(["gradient"] if loss else [])]
        want = self.daemon.evaluate(f"/v1/{'losses' if loss else 'metrics'}/{measure}",
                                    {**batch.body, **asked, "include": include})
        names = wanted + [f"per_list.{column}" for column in columns]
        binary = batch.rng.random(len(names)) < 0.7
        fields, body = message(batch.tensors,
                               [{"name": name, "parameters": {"binary_data": bool(raw)}}
                                for name, raw in zip(names, binary)], asked,
                               pad=int(batch.rng.integers(0, 9)))
        if batch.rng.random() < 0.2:
            fields["Content-Encoding"] = "gzip"
            body = gzip.compress(body)
        reply = self.daemon.exchange("POST", f"/v2/models/{measure}/infer", fields, body)
        self.assertEqual(reply.status, 200, reply)
        header, outputs = read(reply)
        for name in wanted:
            flat = want[name]
            if isinstance(flat, list) and flat and isinstance(flat[0], list):
                flat = [one for row in flat for one in row]
            np.testing.assert_array_equal(outputs[name].ravel(), np.ravel(kind(flat)), name)
            self.assertEqual(outputs[name].dtype, kind)
        for column in columns:
            np.testing.assert_array_equal(outputs[f"per_list.{column}"],
                                          [row[column] for row in want["per_list"]], column)
        said = {key: value for key, value in want["totals"].items() if value is not None}
        self.assertEqual(header["parameters"], {**said, "name": measure})

    def test_random_batches(self):
        seed = np.random.SeedSequence().entropy % 2**32
        rng = np.random.default_rng(seed)
        for number in range(400):
            batch = Batch(rng)
            measure = str(rng.choice([*LOSSES, *METRICS]))
            if not batch.takes(measure):
                continue
            dtype = str(rng.choice(["float32", "float64"]))
            reduction = str(rng.choice(["sum", "mean", "none", "mean_with_sample_weight"]))
            with self.subTest(seed=seed, number=number, measure=measure, kind=batch.kind):
                self.check(batch, measure, dtype, reduction)

    def test_large_integers_round_as_their_text(self):
        for kind, values in (("INT64", [2**53 + 1, 2**62 + 1, 2**63 - 1, 3]),
                             ("UINT64", [2**64 - 1, 2**63 + 2**39 + 1, 2**24 + 1, 1]),
                             ("INT32", [2**31 - 1, 2**24 + 1, 2**25 + 3, 0])):
            for dtype in ("float32", "float64"):
                labels = np.array(values, KIND[kind])
                scores = [0.5, 0.25, 1, 2]
                asked = {"gain": "linear", "dtype": dtype}
                outputs, _ = infer(self.daemon, "dcg", [Tensor("y_true", kind, labels),
                                                        Tensor("y_pred", "FP32", scores)],
                                   parameters=asked)
                want = self.daemon.evaluate("/v1/metrics/dcg", {
                    "y_true": values, "y_pred": scores, **asked})["metric"]
                self.assertEqual(float(outputs["metric"][0]),
                                 float(np.float32(want) if dtype == "float32" else want))

    def test_a_large_batch_goes_through_the_queue(self):
        rng = np.random.default_rng(5)
        labels, scores = rng.integers(0, 5, (3000, 100)), rng.normal(size=(3000, 100))
        outputs, _ = infer(self.daemon, "pairwise_hinge", [Tensor("y_true", "INT8", labels),
                                                           Tensor("y_pred", "FP32", scores)],
                           [{"name": "loss"}, {"name": "gradient",
                                               "parameters": {"binary_data": True}}])
        want = self.daemon.post("/v1/losses/pairwise_hinge", {
            "y_true": labels.tolist(), "y_pred": np.float32(scores).astype(float).tolist(),
            "include": ["gradient"]}, check=False).json()
        self.assertEqual(outputs["loss"].tolist(), [np.float32(want["loss"])])
        np.testing.assert_array_equal(outputs["gradient"], np.float32(want["gradient"]))
        self.daemon.log.wait(r'"handler":"/v2/models/\{measure\}/infer".*"queue".*"items":300000')


KIND = {"INT64": np.int64, "UINT64": np.uint64, "INT32": np.int32}

