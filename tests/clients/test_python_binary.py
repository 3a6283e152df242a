"""Binary tensors of the Python package, against a server written from the protocol's text."""

import unittest

import numpy as np
import ranklossd
from daemon import DaemonCase
from inference import Inference


class Binary(DaemonCase):
    def setUp(self):
        super().setUp()
        url = "http://%s:%d" % self.daemon.address
        self.server = Inference(url)
        self.addCleanup(self.server.close)
        self.json = ranklossd.Client(url)
        self.binary = ranklossd.Client(self.server.url, transport="binary")

    def test_every_type_and_form_gives_what_json_gives(self):
        rng = np.random.default_rng(4)
        labels, scores = rng.integers(0, 4, (4, 6)), rng.integers(0, 99, (4, 6)) / 8
        sizes = (6, 0, 2, 5)
        forms = [(labels, scores), (labels[0], scores[0]), (scores.T > 5, scores.T),
                 ([labels[i, :n] for i, n in enumerate(sizes)],
                  [scores[i, :n] for i, n in enumerate(sizes)])]
        for of_labels in ("int8", "uint8", "int16", "uint32", "int64", "float16", "float32",
                          "bool"):
            for of_scores in ("float16", "float32", "float64", "int32"):
                for y, s in forms:
                    y, s = ([one.astype(kind) for one in value] if isinstance(value, list) else
                            value.astype(kind) for value, kind in ((y, of_labels), (s, of_scores)))
                    for client in ("json", "binary"):
                        value = getattr(self, client).loss("pairwise_hinge", y, s, dtype="float64")
                        if client == "json":
                            want = value
                    self.assertEqual((value.value, value.totals), (want.value, want.totals))
        self.assertEqual(len(self.server.seen), 8 * 4 * 4)

    def test_masks_weights_missing_labels_and_parameters(self):
        rng = np.random.default_rng(5)
        labels = rng.integers(0, 3, (3, 5)).astype(float)
        labels[1, 2] = np.nan
        scores, mask = rng.normal(size=(3, 5)), rng.random((3, 5)) < 0.7
        for weights in (None, rng.random(3), rng.random((3, 5))):
            batch = ranklossd.Batch.of({"labels": labels, "mask": mask}, scores, weights)
            want, got = (client.metric("ndcg", batch, k=3, name="mine", dtype="float64")
                         for client in (self.json, self.binary))
            self.assertEqual((got.value, got.totals), (want.value, want.totals))
        self.assertEqual(self.server.seen[-1][2], {"k": 3, "name": "mine", "dtype": "float64"})

    def test_none_and_gradients_have_the_form_of_the_scores(self):
        labels, scores = np.array([[1, 0, 2], [0, 1, 0]]), np.array([[0.0, 1, 2], [3, 4, 5]])
        ragged = [labels[0], labels[1, :2]], [scores[0], scores[1, :2]]
        loss = {name: ranklossd.PairwiseLogisticLoss(0.5, None, client=getattr(self, name))
                for name in ("json", "binary")}
        for batch in ((labels, scores), ragged, (labels[0], scores[0])):
            want, got = (loss[name].evaluate(*batch, include=["gradient"])
                         for name in ("json", "binary"))
            for one, other in ((got.value, want.value), (got["gradient"], want["gradient"])):
                self.assertEqual(type(one), type(other))
                for a, b in zip(one, other):
                    np.testing.assert_array_equal(a, b)

    def test_what_cannot_be_said_goes_as_json(self):
        client = ranklossd.Client("http://%s:%d" % self.daemon.address, transport="binary")
        labels, scores = np.eye(3), np.eye(3)
        per_list = client.metric("ndcg", labels, scores, include=["per_list"])["per_list"]
        self.assertEqual(len(per_list), 3)
        self.assertEqual(client.loss("pairwise_hinge", [1, 0], [0, 0]).value, 0.5)
        self.assertEqual(client.loss("pairwise_hinge", np.eye(2)[0], np.zeros(2), 2.0).value, 1.0)
        self.assertEqual(len(client.evaluate(labels, scores, metrics=["ndcg", "dcg"])), 2)
        with self.assertRaises(ValueError):
            ranklossd.Client(transport="carrier pigeon")


if __name__ == "__main__":
    unittest.main()
