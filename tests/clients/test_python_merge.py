"""Parts of a data set, evaluated apart and merged, against one request that holds everything."""

import random
import unittest
from dataclasses import replace

import numpy as np
import pandas
import ranklossd
from daemon import DaemonCase
from ranklossd.partition import evaluate_batch, evaluate_frames, evaluate_partition
from ranklossd.student import t_quantile
from ranklossd.tally import Tally, merge

LOSSES = [{"name": name, "reduction": reduction}
          for name in ("pairwise_hinge", "pairwise_logistic", "pairwise_mean_squared_error")
          for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight")]
METRICS = ["dcg@5", "ndcg@10", "mean_reciprocal_rank", "mean_average_precision@7",
           "precision_at_k@3", "recall_at_k@3"]


def random_batch(seed, lists=300, weights=None):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 30, lists)
    items = int(lengths.sum())
    labels = rng.integers(-1, 4, items).astype(float) * (rng.random(items) < 0.3)
    scores = rng.integers(0, 200, items) / 8
    drawn = {None: None, "number": 2.5, "list": rng.random(lists), "item": rng.random(items)}
    return ranklossd.Batch.from_lengths(labels, scores, lengths, mask=rng.random(items) < 0.9,
                                        sample_weight=drawn[weights])


class Merging(DaemonCase):
    def setUp(self):
        super().setUp()
        self.client = ranklossd.Client("http://%s:%d" % self.daemon.address)

    def agree(self, merged, whole, rtol=1e-11):
        self.assertEqual(list(merged.values()), list(whole.values()))
        for one, want in zip(merged, whole):
            np.testing.assert_allclose(one.value, want.value, rtol=rtol, err_msg=one.label)
        self.assertEqual(merged.totals, whole.totals)

    def test_parts_cut_anywhere_and_merged_in_any_grouping_give_one_requests_result(self):
        for seed, weights in enumerate((None, "number", "list", "item")):
            batch = random_batch(seed, weights=weights)
            evaluations = {"losses": LOSSES, "metrics": METRICS, "dtype": "float64"}
            whole = self.client.evaluate(batch, **evaluations)
            tallies = [evaluate_batch(part, self.client, items_per_request=10**9, **evaluations)
                       for part in batch.split(150)]
            self.assertGreater(len(tallies), 20)
            self.agree(merge(tallies).report(), whole)
            random.Random(seed).shuffle(tallies)
            while len(tallies) > 1:
                tallies = [merge(tallies[at:at + 3]) for at in range(0, len(tallies), 3)]
            self.agree(tallies[0].report(), whole)
            self.agree(evaluate_batch(batch, self.client, items_per_request=333,
                                      **evaluations).report(), whole)

    def test_intervals_are_scipys(self):
        from scipy import stats
        batch = random_batch(9, lists=80)
        tally = evaluate_batch(batch, self.client, metrics=METRICS, dtype="float64",
                               items_per_request=100)
        for one in tally.report(level=0.9):
            rows = self.client.metric(one.name, batch, dtype="float64", include=["per_list"],
                                      **({"k": one.spec["k"]} if "k" in one.spec else {}))
            values = np.array([row["metric"] for row in rows["per_list"] if row["weight"] > 0])
            if one.name == "dcg":
                continue  # its lists weigh differently
            want = stats.t.interval(0.9, len(values) - 1, values.mean(), stats.sem(values))
            self.assertEqual(one["confidence"]["lists"], len(values))
            np.testing.assert_allclose(one["confidence"]["t"], want, rtol=1e-9)

    def test_rows_frames_and_batches_are_partitions(self):
        rng = np.random.default_rng(2)
        rows = [{"labels": rng.integers(0, 3, n).tolist(), "scores": rng.normal(size=n).tolist(),
                 "weight": float(rng.random()), "id": f"q{n}"} for n in range(1, 20)]
        frame = pandas.DataFrame([
            {"q": row["id"], "y": label, "s": score, "w": row["weight"]}
            for row in rows for label, score in zip(row["labels"], row["scores"])])
        url = self.client.session.urls[0]
        how = {"losses": "pairwise_hinge", "metrics": ["ndcg@5", "recall_at_k@2"],
               "dtype": "float64"}
        columns = {"by": "q", "label": "y", "score": "s", "list_weight": "w"}
        whole = self.client.evaluate(ranklossd.Batch.from_rows(rows), **how)
        self.agree(evaluate_partition(rows, url, **how).report(), whole)
        self.agree(evaluate_partition(frame, url, columns=columns, **how).report(), whole)
        halves = [frame[frame["q"] < "q3"], frame[frame["q"] >= "q3"], frame[:0]]
        import pickle
        produced = list(evaluate_frames(iter(halves), url, columns=columns, **how))
        self.agree(pickle.loads(produced[0]["tally"]).report(), whole)
        self.assertEqual(len(produced), 1)

    def test_a_list_in_two_parts_is_refused(self):
        frame = pandas.DataFrame({"qid": [1, 1, 2, 2, 3], "label": [1, 0] * 2 + [1], "score": 0.5})
        url = self.client.session.urls[0]
        parts = [evaluate_partition(part, url, metrics="ndcg") for part in (frame[:3], frame[3:])]
        with self.assertRaisesRegex(ValueError, "list '2' is in two parts"):
            merge(parts)

    def test_what_does_not_merge_is_refused(self):
        batch = random_batch(1, lists=5)
        with self.assertRaisesRegex(ValueError, "do not merge"):
            evaluate_batch(batch, self.client, losses={"name": "list_mle", "reduction": None})
        one = evaluate_batch(batch, self.client, metrics="ndcg@3")
        with self.assertRaisesRegex(ValueError, "different evaluations"):
            one.merge(evaluate_batch(batch, self.client, metrics="ndcg@4"))
        self.assertEqual(Tally().merge(one), one)
        self.assertEqual(one.merge(Tally()), one)
        empty = replace(batch, labels=batch.labels[:0], scores=batch.scores[:0],
                        mask=batch.mask[:0], lengths=batch.lengths[:0])
        self.assertEqual(evaluate_batch(empty, self.client, metrics="ndcg"), Tally())


class Quantiles(unittest.TestCase):
    def test_against_scipy(self):
        from scipy import stats
        for degrees in (1, 2, 3, 7.5, 30, 999, 12345, 10**6, 5 * 10**7, 10**9):
            for p in (0.5, 0.6, 0.9, 0.975, 0.995, 0.99999, 0.025):
                # scipy's own quantiles are good to about 1e-8, its probabilities to all digits.
                np.testing.assert_allclose(stats.t.cdf(t_quantile(p, degrees), degrees), p,
                                           rtol=1e-11, err_msg=f"{p} {degrees}")


if __name__ == "__main__":
    unittest.main()
