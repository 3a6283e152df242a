"""Arrays as binary tensors against the same requests as JSON: the real daemon answers both."""

import unittest

import numpy as np
import ranklossd
from daemon import DaemonCase
from peer import Peer
from ranklossd import Batch

LABELS = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
          "float16", "float32", "float64", "longdouble")
SCORES = ("float16", "float32", "float64", ">f4", "int32")
SIZES = (6, 0, 2, 5)


def exact(value):
    """A result with every bit of its arrays."""
    if isinstance(value, np.ndarray):
        return value.dtype.name, value.shape, value.tobytes()
    if isinstance(value, list):
        return [exact(one) for one in value]
    if isinstance(value, dict):
        return {name: exact(one) for name, one in value.items()}
    return value


class Binary(DaemonCase):
    def setUp(self):
        super().setUp()
        url = "http://%s:%d" % self.daemon.address
        self.json = ranklossd.Client(url, transport="json")
        self.binary, self.paths = ranklossd.Client(url), []
        request = self.binary.session.request

        def note(method, path, *rest):
            if method == "POST":
                self.paths.append(path)
            return request(method, path, *rest)
        self.binary.session.request = note

    def both(self, method, *batch, path="/v2/", **how):
        """What both clients answer, after they were found equal."""
        want, got = (getattr(client, method)(*batch, **how)
                     for client in (self.json, self.binary))
        self.assertTrue(self.paths[-1].startswith(path), self.paths[-1])
        for one, other in zip(*([report] if method != "evaluate" else report
                                for report in (got, want)), strict=True):
            one.extra.pop("definition", None)
            other.extra.pop("definition", None)  # only JSON says it
            for part in ("kind", "name", "value", "spec", "totals", "extra", "label"):
                self.assertEqual(exact(getattr(one, part)), exact(getattr(other, part)),
                                 f"{one.label}, {part}")
        return got

    def loss(self, *batch, **how):
        return self.both("loss", "pairwise_logistic", *batch, **how)

    def test_every_type_and_form(self):
        rng = np.random.default_rng(4)
        labels, scores = rng.integers(0, 4, (4, 6)), rng.integers(0, 99, (4, 6)) / 8
        for number, of_labels in enumerate(LABELS):
            for of_scores in SCORES:
                y, s = labels.astype(of_labels), scores.astype(of_scores)
                dtype = ("float32", "float64")[number % 2]
                self.loss(y, s, dtype=dtype)
                self.loss(y[0], s[0], dtype=dtype)
                self.loss(y.T[::-1], s.T[::-1], dtype=dtype)
                self.loss([y[i, :n] for i, n in enumerate(SIZES)],
                          [s[i, :n] for i, n in enumerate(SIZES)], dtype=dtype)

    def test_bodies_that_are_sent_in_pieces(self):
        rng = np.random.default_rng(2)
        labels, scores = rng.integers(0, 4, (300, 100)), rng.normal(size=(300, 100))
        mask = rng.random((300, 100)) < 0.9
        self.loss({"labels": labels, "mask": mask}, scores, rng.random((300, 100)),
                  dtype="float64", include=["gradient"])
        self.loss(labels.T, scores.T.astype(np.float32)[::-1])
        self.loss([row[:n] for n, row in zip(range(100, 400), labels)],
                  [row[:n] for n, row in zip(range(100, 400), scores)])

    def batches(self, seed):
        """Ragged, even and unbatched batches with masks, weights and missing labels."""
        rng = np.random.default_rng(seed)
        labels = rng.integers(-1, 4, (5, 8)).astype(float)
        labels[rng.random((5, 8)) < 0.1] = np.nan
        scores, mask = rng.normal(size=(5, 8)).astype(np.float32), rng.random((5, 8)) < 0.8
        scores[~mask] = np.nan
        sizes, flat = [8, 0, 3, 7, 1], slice(0, 19)
        for weights in (None, 2.5, "lists", "items"):
            of = {"lists": rng.random(5), "items": rng.random((5, 8)).astype(np.float16)}
            w = of.get(weights, weights)
            yield Batch.of({"labels": labels, "mask": mask}, scores, w), weights
            yield Batch.from_lengths(
                labels.ravel()[flat], scores.ravel()[flat], sizes, mask=mask.ravel()[flat],
                sample_weight=w.ravel()[flat] if weights == "items" else w), weights
            if weights != "lists":
                yield Batch.of({"labels": labels[0], "mask": mask[0]}, scores[0],
                               w[0] if weights == "items" else w), weights

    def test_every_measure_with_masks_weights_and_missing_labels(self):
        catalogue = self.json.catalogue()
        by_list = ("list_mle", "softmax", "approx_ndcg")
        for seed, (batch, weights) in enumerate(self.batches(1)):
            losses = [{"name": one["name"], "reduction": reduction}
                      for one in catalogue["losses"]
                      for reduction in ("sum", "mean_with_sample_weight", None)
                      if weights != "items" or one["name"] not in by_list]
            metrics = [{"name": one["name"], **({"k": 4} if "k" in one["parameters"] else {})}
                       for one in catalogue["metrics"]]
            for dtype in ("float32", "float64"):
                report = self.both("evaluate", batch, losses=losses, metrics=metrics, dtype=dtype,
                                   include=["per_list", "gradient"] if seed % 2 else [])
                self.assertEqual(report.dtype, dtype)
            self.both("loss", losses[seed]["name"], batch, reduction=losses[seed]["reduction"],
                      include=["gradient", "per_list"], temperature=0.5)
            self.both("metric", metrics[seed]["name"], batch, include=["per_list"], name="mine")

    def test_definitions_and_tables(self):
        labels, scores = np.array([[2.0, 0, np.nan], [0, 1, 1]]), np.array([[1, 2, 2], [3, 3, 1.0]])
        self.both("evaluate", labels, scores, gain="linear", ties="average", k=2,
                  metrics=["ndcg", "mean_reciprocal_rank", "recall_at_k@1", "bpref",
                           {"name": "ndcg", "definition": "sklearn"}])
        self.both("metric", "dcg", labels, scores, gain=[0, 1, 5], discount=(1, 0.5))
        trec = Batch.from_trec({"t": {"a": 1, "b": 0}}, {"t": {"b": 2, "x": 1}})
        report = self.both("evaluate", trec, metrics=["ndcg@10", "mean_average_precision"])
        self.assertEqual(report["ndcg@10"].label, "ndcg@10(definition=trec_eval)")

    def test_results_have_the_form_and_the_dtype_of_the_request(self):
        labels, scores = np.array([[1, 0, 2], [0, 1, 0]]), np.array([[0.0, 1, 2], [3, 4, 5]])
        ragged = [labels[0], labels[1, :2]], [scores[0], scores[1, :2]]
        for batch, shapes in (((labels, scores), [(2, 3)]), ((labels[0], scores[0]), [(3,)]),
                              (ragged, [(3,), (2,)]), ((labels[:1, :1], scores[:1, :1]), [(1, 1)])):
            for dtype in ("float32", "float64"):
                got = self.loss(*batch, reduction=None, dtype=dtype, include=["gradient"])
                for part in (got.value, got["gradient"]):
                    part = part if isinstance(part, list) else [part]
                    self.assertEqual([one.shape for one in part], shapes)
                    self.assertEqual({one.dtype.name for one in part}, {dtype})
        got["gradient"][0] = 7  # the caller's own
        one = self.both("loss", "list_mle", labels[0], scores[0], reduction=None)
        self.assertIsInstance(one.value, float)
        two = self.both("loss", "list_mle", labels[:1], scores[:1], reduction=None)
        self.assertEqual(two.value.shape, (1,))

    def test_errors_point_into_the_arrays(self):
        bad, ones = np.zeros((2, 3)), (np.ones((2, 3)), np.ones((2, 3)))
        bad[1, 2] = np.nan
        ragged = Batch.from_lengths(np.ones(5), [0, 0, 0, np.nan, 0], [2, 3])
        mask = {"labels": np.array([[np.inf]]), "mask": np.array([[True]])}
        cases = [(("pairwise_hinge", np.ones((2, 3)), bad), {}, "/y_pred/1/2"),
                 (("pairwise_hinge", np.ones(3), bad[1]), {}, "/y_pred/2"),
                 (("pairwise_hinge", ragged), {}, "/y_pred/1/1"),
                 (("pairwise_hinge", *ones, np.array([1, np.nan])), {}, "/sample_weight/1"),
                 (("pairwise_hinge", *ones), {"temperature": 0}, "/temperature"),
                 (("pairwise_hinge", *ones), {"nonsense": 1}, "/nonsense"),
                 (("pairwise_hinge", mask, np.ones((1, 1))), {}, "/y_true/labels/0/0")]
        for arguments, how, pointer in cases:
            with self.subTest(pointer), self.assertRaises(ranklossd.InvalidRequest) as caught:
                self.binary.loss(*arguments, **how)
            error = caught.exception
            self.assertEqual((error.status, error.pointer), (422, pointer), error)
            self.assertIn(pointer, str(error))
            self.assertNotIn("/inputs", str(error))
            self.daemon.log.wait(error.request_id)
            self.assertTrue(self.paths[-1].startswith("/v2/"))
        with self.assertRaises(ranklossd.InvalidRequest) as caught:
            self.binary.evaluate(np.ones((2, 2)), np.ones((2, 2)), metrics=["ndcg", "nothing"])
        self.assertEqual(caught.exception.pointer[:10], "/metrics/1")

    def test_what_the_protocol_cannot_carry_goes_as_json(self):
        labels, scores = np.eye(3), np.eye(3)
        for how in ({"include": ["confidence"]}, {"include": ["summary"], "top_k": 2}):
            self.both("metric", "ndcg", labels, scores, path="/v1/", **how)
        self.both("loss", "pairwise_hinge", labels, scores, include=["top_pairs"], path="/v1/")
        self.both("loss", "pairwise_hinge", [[1, 0]], [[0, 0]], path="/v1/")
        groups = Batch.of(labels, scores, groups=["a", "b", "a"])
        self.assertEqual(set(self.both("evaluate", groups, metrics="ndcg", path="/v1/")[0]
                             ["groups"]), {"a", "b"})
        named = Batch.of(labels, scores, list_ids=["a", "b", "c"])
        self.both("metric", "ndcg", named)  # no reply names a list here
        self.binary.compare({"a": labels, "b": scores}, labels, metrics="ndcg")
        self.assertEqual(self.paths[-1], "/v1/compare")
        with self.assertRaises(ValueError):
            ranklossd.Client(transport="carrier pigeon")

    def test_a_measure_that_there_is_not(self):
        for client in (self.json, self.binary):
            with self.assertRaises(ranklossd.Problem) as caught:
                client.loss("nothing", np.eye(2), np.eye(2))
            self.assertEqual(caught.exception.status, 404)
        self.loss(np.eye(2), np.eye(2))  # still in binary


class Again(unittest.TestCase):
    def test_a_body_in_pieces_is_sent_again_after_429(self):
        header = (b'{"model_name":"ndcg","parameters":{"name":"ndcg"},"outputs":[{"name":"metric",'
                  b'"datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}}]}')
        good = (200, {"Inference-Header-Content-Length": str(len(header))},
                header + np.float32(0.1).tobytes())
        with Peer((429, {"Retry-After": "0"}, {"error": "the queue is full"}), good) as peer:
            value = ranklossd.Client(peer.url).metric("ndcg", np.eye(200), np.eye(200)).value
            self.assertEqual(value, 0.1)
            bodies = [body for _, _, _, body in peer.seen]
            self.assertEqual(len(bodies), 2)
            self.assertEqual(*bodies)
            self.assertEqual(bodies[0][-320000:], np.eye(200).tobytes())


class Older(unittest.TestCase):
    def test_a_daemon_without_the_protocol_gets_json(self):
        good = (200, {}, {"loss": 0.5, "name": "pairwise_hinge", "totals": {"values": 2}})
        with Peer((404, {}, {"title": "Not found", "status": 404}), good) as peer:
            client = ranklossd.Client(peer.url)
            for _ in range(3):
                self.assertEqual(client.loss("pairwise_hinge", np.eye(2), np.eye(2)).value, 0.5)
            paths = [path for _, path, _, _ in peer.seen]
            self.assertEqual(paths, ["/v2/models/pairwise_hinge/infer",
                                     *3 * ["/v1/losses/pairwise_hinge"]])


if __name__ == "__main__":
    unittest.main()
