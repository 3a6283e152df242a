"""The request and reply of a metric."""

import math

import golden
from daemon import DaemonCase

METRICS = ("dcg", "ndcg", "mean_reciprocal_rank", "mean_average_precision", "precision_at_k",
           "recall_at_k", "hit_rate", "r_precision", "bpref", "auc", "expected_reciprocal_rank",
           "rank_biased_precision")
WHOLE = ("r_precision", "bpref", "auc", "rank_biased_precision")
CUT = [name for name in METRICS if name not in WHOLE]
BATCH = {"y_true": [[0, 2, 1], [1, 0]], "y_pred": [[0.1, 0.5, 0.9], [0.25, 0.75]]}


class MetricContract(DaemonCase):
    def metric(self, name, body, **members):
        return self.daemon.evaluate(f"/v1/metrics/{name}", {**body, **members})

    def test_reply_has_exactly_these_members(self):
        for name in METRICS:
            with self.subTest(name):
                reply = self.metric(name, BATCH)
                self.assertEqual(set(reply), {"metric", "name", "k", "dtype", "totals"})
                self.assertEqual((reply["name"], reply["k"], reply["dtype"]),
                                 (name, None, "float32"))
                self.assertEqual(set(reply["totals"]),
                                 {"lists", "items", "valid_items", "metric_sum", "weight_sum",
                                  "relevant_lists", "relevant_metric_sum", "relevant_weight_sum",
                                  "relevant_metric_squares", "relevant_metric_weights",
                                  "relevant_weight_squares", "other_lists", "other_metric_sum",
                                  "other_metric_squares"})
        for name in CUT:
            self.assertEqual(self.metric(name, BATCH, k=2)["k"], 2)

    def test_by_hand(self):
        """List 1 in order of scores: labels 1 2 0; list 2: 0 1. The weight of a list is the
        weighted mean of its relevance, here 1 for both."""
        expected = {
            "mean_reciprocal_rank": (1 + 1 / 2) / 2,
            "precision_at_k": (2 / 3 + 1 / 2) / 2,
            "recall_at_k": 1,
            "hit_rate": 1,
            "r_precision": (1 + 0) / 2,
            "bpref": (1 + 0) / 2,
            "auc": (1 + 0) / 2,
            "expected_reciprocal_rank": (1 / 16 + 15 / 16 * 3 / 16 / 2 + 1 / 16 / 2) / 2,
            "rank_biased_precision": 0.2 * (1 + 0.8 + 0.8) / 2,
            "mean_average_precision": (1 + 1 / 2) / 2,
            "dcg": (1 + 3 / math.log2(3) + 1 / math.log2(3)) / 2,
            "ndcg": ((1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)) + 1 / math.log2(3)) / 2,
        }
        for name, want in expected.items():
            with self.subTest(name):
                golden.assert_close(self.metric(name, BATCH)["metric"], want, 2e-6, 0)
                golden.assert_close(self.metric(name, BATCH, dtype="float64")["metric"], want,
                                    1e-12, 0)

    def test_totals_give_the_metric(self):
        body = {**BATCH, "sample_weight": [2, 0.5], "dtype": "float64"}
        for name in METRICS:
            with self.subTest(name):
                reply = self.metric(name, body)
                sums = reply["totals"]
                golden.assert_close(reply["metric"], sums["metric_sum"] / sums["weight_sum"],
                                    1e-12, 0)

    def test_parts_merge_as_the_catalogue_says(self):
        """A list without a relevant item weighs as much as the others of the whole do."""
        whole = {"y_true": [[1, 0], [0, 0]], "y_pred": [[1, 2], [1, 2]], "dtype": "float64"}
        self.assertEqual(set(self.daemon.get("/v1/metrics").json()["merging"]),
                         {"metric", "standard_error"})
        for weights, halves in (([3, 1], ([3], [1])), (3, (3, 3)), (None, (None, None))):
            with self.subTest(weights):
                sent = {**whole, "sample_weight": weights} if weights else whole
                parts = [{**whole, **({"sample_weight": half} if weights else {}),
                          "y_true": whole["y_true"][i:i + 1], "y_pred": whole["y_pred"][i:i + 1]}
                         for i, half in enumerate(halves)]
                got = self.merged([self.metric("ndcg", part)["totals"] for part in parts])
                golden.assert_close(got, self.metric("ndcg", sent)["metric"], 1e-15, 0)
                golden.assert_close(got, 0.31546487678572871, 1e-15, 0)

    @staticmethod
    def merged(parts):
        sums = {name: math.fsum(part[name] for part in parts) for name in parts[0]}
        mean = (sums["relevant_weight_sum"] / sums["relevant_lists"] if sums["relevant_lists"]
                else 1)
        return ((sums["relevant_metric_sum"] + mean * sums["other_metric_sum"])
                / (sums["relevant_weight_sum"] + mean * sums["other_lists"]))

    def test_per_list(self):
        for name in METRICS:
            with self.subTest(name):
                reply = self.metric(name, {**BATCH, "dtype": "float64"}, include=["per_list"])
                self.assertEqual([set(row) for row in reply["per_list"]],
                                 [{"metric", "weight", "items", "valid_items"}] * 2)
                golden.assert_close(
                    sum(row["metric"] * row["weight"] for row in reply["per_list"]),
                    reply["totals"]["metric_sum"], 1e-12, 0)

    def test_unbatched(self):
        body = {"y_true": [0, 2, 1], "y_pred": [0.1, 0.5, 0.9], "include": ["per_list"]}
        reply = self.metric("precision_at_k", body, k=1)
        self.assertEqual(reply["metric"], 1)
        self.assertEqual(len(reply["per_list"]), 1)

    def test_ties_keep_input_order(self):
        for labels, want in (([1, 0], 1), ([0, 1], 0.5)):
            reply = self.metric("mean_reciprocal_rank", {"y_true": labels, "y_pred": [0.5, 0.5]})
            self.assertEqual(reply["metric"], want)

    def test_weights_of_zero_mask(self):
        got = self.metric("mean_reciprocal_rank", {"y_true": [0, 1], "y_pred": [2, 1],
                                                   "sample_weight": [0, 1]})
        self.assertEqual(got["metric"], 1)

    def test_masked_items_are_inert(self):
        for name in METRICS:
            with self.subTest(name):
                values = [self.metric(name, {"y_true": {"labels": [3, 1, 0], "mask": [0, 1, 1]},
                                             "y_pred": [score, 0.5, 0.75]})["metric"]
                          for score in (-9, 0.6, 9, None)]
                self.assertEqual(len(set(values)), 1, values)

    def test_nothing_valid(self):
        for name in METRICS:
            reply = self.metric(name, {"y_true": [[-1], []], "y_pred": [[1], []]})
            self.assertEqual(reply["metric"], 0)

    def test_k_beyond_the_list(self):
        for name in CUT:
            self.assertEqual(self.metric(name, BATCH, k=1000)["metric"],
                             self.metric(name, BATCH)["metric"])

    def test_k_null_is_the_whole_list_and_5_point_0_is_5(self):
        self.assertEqual(self.metric("ndcg", BATCH, k=None), self.metric("ndcg", BATCH))
        self.assertEqual(self.metric("ndcg", BATCH, k=2.0), self.metric("ndcg", BATCH, k=2))

    def test_members_of_losses_are_unknown_here(self):
        for member, value in (("temperature", 1), ("reduction", "sum")):
            reply = self.daemon.post("/v1/metrics/ndcg", {**BATCH, member: value})
            self.refused(reply, 422, "/" + member)
        for include in ("gradient", "top_pairs"):
            reply = self.daemon.post("/v1/metrics/ndcg", {**BATCH, "include": [include]})
            self.refused(reply, 422, "/include/0")

    def test_k_is_unknown_to_losses(self):
        self.refused(self.daemon.post("/v1/losses/list_mle", {**BATCH, "k": 3}), 422, "/k")
