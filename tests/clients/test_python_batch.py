"""Batches of the Python package: from arrays, lengths, ids and frames; cut into parts."""

import array
import unittest

import numpy as np
import pandas
import ranklossd
from daemon import DaemonCase
from ranklossd import Batch


class Tensor:
    """What torch's tensors look like to others: on a device, in a graph, numpy at the end."""

    def __init__(self, values, steps=("detach", "cpu")):
        self.values, self.steps = values, list(steps)

    def detach(self):
        return Tensor(self.values, [step for step in self.steps if step != "detach"])

    def cpu(self):
        return Tensor(self.values, [step for step in self.steps if step != "cpu"])

    def __array__(self, dtype=None):
        if self.steps:
            raise RuntimeError(f"call {self.steps[0]}() first")
        return np.asarray(self.values, dtype)


class Forms(DaemonCase):
    """The same lists in many forms give the same bits."""

    def setUp(self):
        super().setUp()
        self.client = ranklossd.Client("http://%s:%d" % self.daemon.address)
        rng = np.random.default_rng(3)
        self.sizes = [3, 7, 1, 5]
        self.labels = [rng.integers(0, 4, n).astype(float) for n in self.sizes]
        self.scores = [rng.normal(size=n).astype(np.float32) for n in self.sizes]
        self.weights = rng.random(4)
        self.want = self.of([y.tolist() for y in self.labels], [s.tolist() for s in self.scores],
                            self.weights.tolist())

    def of(self, *batch):
        report = self.client.evaluate(*batch, losses=["pairwise_hinge", "list_mle"],
                                      metrics=["ndcg@3", "mean_average_precision"])
        return list(report.values().values())

    def columns(self):
        ids = np.repeat(["q3", "q1", "q9", "q0"], self.sizes)
        return ids, np.concatenate(self.labels), np.concatenate(self.scores)

    def test_sequences_of_arrays(self):
        self.assertEqual(self.of(self.labels, self.scores, self.weights), self.want)
        self.assertEqual(self.of([y.tolist() for y in self.labels], self.scores, self.weights),
                         self.want)

    def test_lengths(self):
        _, labels, scores = self.columns()
        batch = Batch.from_lengths(labels, scores, self.sizes_array(), sample_weight=self.weights)
        self.assertEqual(self.of(batch), self.want)

    def sizes_array(self):
        return np.array(self.sizes, dtype=np.int32)

    def test_ids_that_are_adjacent_and_that_are_not(self):
        ids, labels, scores = self.columns()
        weights = np.repeat(self.weights, self.sizes)
        mixed = np.random.default_rng(1).permutation(len(ids))
        pairwise = dict(losses="pairwise_hinge", metrics=["ndcg@3"])
        plain = Batch.from_ids(ids, labels, scores, sample_weight=weights)
        self.assertEqual(plain.list_ids, ["q3", "q1", "q9", "q0"])
        self.assertTrue(plain.weight_per_item)
        shuffled = Batch.from_ids(ids[mixed], labels[mixed], scores[mixed],
                                  sample_weight=weights[mixed])
        for name in shuffled.list_ids:
            for column in ("labels", "scores", "weights"):
                at = [list_of(batch, name, column) for batch in (plain, shuffled)]
                self.assertEqual(sorted(at[0]), sorted(at[1]))
        first = self.client.evaluate(plain, **pairwise).values()
        again = self.client.evaluate(shuffled, **pairwise).values()
        for name, value in first.items():
            self.assertAlmostEqual(again[name], value, places=6)

    def test_frames(self):
        ids, labels, scores = self.columns()
        frame = pandas.DataFrame({"q": ids, "y": labels, "s": scores})
        batch = Batch.from_frame(frame, by="q", label="y", score="s")
        want = self.of([y.tolist() for y in self.labels], [s.tolist() for s in self.scores])
        self.assertEqual(self.of(batch), want)
        self.assertEqual(self.of(frame["y"].iloc[:3], frame["s"].iloc[:3]),
                         self.of(self.labels[0].tolist(), self.scores[0].tolist()))

    def test_missing_values_of_frames_are_not_labelled(self):
        for labels in (pandas.Series([1, None, 0], dtype="Int64"), pandas.Series([1.0, None, 0.0]),
                       np.array([1, np.nan, 0]), np.array([1, None, 0], dtype=object)):
            scores = np.array([0.5, np.nan, 1.0])
            self.assertEqual(self.of(labels, scores), self.of([1, None, 0], [0.5, None, 1.0]))

    def test_tensors_by_their_protocols(self):
        y, s = self.labels[1], self.scores[1]
        want = self.of(y.tolist(), s.tolist())
        self.assertEqual(self.of(Tensor(y), Tensor(s)), want)
        self.assertEqual(self.of(memoryview(y), memoryview(s)), want)
        self.assertEqual(self.of({"labels": Tensor(y), "mask": np.ones(7, bool)}, Tensor(s)), want)

    def test_objects_that_have_one_protocol_only(self):
        class Capsule:
            def __init__(self, values):
                self.values = values

            def __dlpack__(self, **how):
                return self.values.__dlpack__(**how)

            def __dlpack_device__(self):
                return self.values.__dlpack_device__()

        y, s = self.labels[1], self.scores[1]
        want = self.of(y.tolist(), s.tolist())
        self.assertEqual(self.of(Capsule(y), Capsule(s)), want)
        self.assertEqual(self.of(array.array("d", y), array.array("f", s)), want)
        batch = Batch.from_frame({"qid": np.array(["a"] * 7), "label": Capsule(y),
                                  "score": array.array("f", s)})
        self.assertEqual(self.of(batch), self.of([y], [s]))

    def test_torch_itself(self):
        try:
            import torch
        except ImportError:
            self.skipTest("python3-torch is not installed")
        y, s = torch.tensor(self.labels[1]), torch.tensor(self.scores[1], requires_grad=True)
        self.assertEqual(self.of(y, s), self.of(self.labels[1].tolist(), self.scores[1].tolist()))
        half = s.to(torch.bfloat16)
        self.assertEqual(self.of(y, half), self.of(y.tolist(), half.float().tolist()))

    def test_errors_name_the_list_and_the_item(self):
        scores = np.zeros((3, 4))
        scores[1, 2] = np.nan
        with self.assertRaises(ranklossd.InvalidRequest) as caught:
            self.client.loss("pairwise_hinge", np.ones((3, 4)), scores)
        self.assertIn("/y_pred/1/2", str(caught.exception))
        scores[1, 2] = np.inf
        for transport, words in (("json", "item 2 of list 1 is infinite"),
                                 ("binary", "an infinite one .at /y_pred/1/2")):
            client = ranklossd.Client(self.client.session.urls, transport=transport)
            with self.assertRaisesRegex(ValueError, words):
                client.loss("pairwise_hinge", np.ones((3, 4)), scores)


def list_of(batch, name, column):
    at = batch.list_ids.index(name)
    start = int(batch.lengths[:at].sum())
    return getattr(batch, column)[start:start + batch.lengths[at]].tolist()


class Shapes(unittest.TestCase):
    def test_what_does_not_fit_is_refused(self):
        ones = np.ones((2, 3))
        for arguments in ((ones, np.ones((3, 2))), (ones, np.ones(6)), (ones, np.ones((1, 2, 3))),
                          ({"mask": ones}, ones), ({"labels": ones, "mask": np.ones(6)}, ones),
                          (ones, ones, np.ones(5)), ([np.ones(2)], [np.ones(3)])):
            with self.subTest(arguments), self.assertRaises(ValueError):
                Batch.of(*arguments)
        with self.assertRaisesRegex(ValueError, "add up to 5"):
            Batch.from_lengths(np.ones(6), np.ones(6), [2, 3])
        with self.assertRaises(ValueError):
            Batch.from_lengths(np.ones(6), np.ones(6), [-1, 7])
        with self.assertRaisesRegex(ValueError, "one per list or one per item"):
            Batch.from_lengths(np.ones(2), np.ones(2), [2, 0], sample_weight=np.ones(2))
        with self.assertRaises(TypeError):
            Batch.of(np.array(["a"]), np.ones(1))
        with self.assertRaisesRegex(ValueError, "different groups"):
            Batch.from_ids([1, 1], np.ones(2), np.ones(2), groups=["a", "b"])

    def test_parts_are_whole_lists_and_lose_nothing(self):
        rng = np.random.default_rng(4)
        lengths = rng.integers(0, 9, 200)
        items = int(lengths.sum())
        for weights in (None, 2.0, rng.random(200), rng.random(items)):
            batch = Batch.from_lengths(np.arange(items), np.arange(items), lengths,
                                       mask=rng.random(items) < 0.5, sample_weight=weights,
                                       list_ids=range(200), groups=rng.integers(0, 3, 200))
            parts = list(batch.split(50))
            self.assertGreater(len(parts), 10)
            self.assertTrue(all(part.items >= 50 for part in parts[:-1]))
            for name in ("labels", "scores", "mask", "lengths", "list_ids", "groups"):
                joined = np.concatenate([getattr(part, name) for part in parts])
                np.testing.assert_array_equal(joined, getattr(batch, name))
            if np.ndim(weights):
                np.testing.assert_array_equal(np.concatenate([part.weights for part in parts]),
                                              weights)

    def test_no_framework_is_imported(self):
        import subprocess
        import sys
        code = ("import sys, ranklossd, numpy\nfrom ranklossd import Batch\n"
                "Batch.of(numpy.ones(3), numpy.ones(3)).members()\n"
                "print([name for name in ('pandas', 'torch', 'jax', 'polars', 'dask', 'pyarrow') "
                "if name in sys.modules])")
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                              check=True)
        self.assertEqual(done.stdout.strip(), "[]")


if __name__ == "__main__":
    unittest.main()
