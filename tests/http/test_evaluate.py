"""POST /v1/evaluate: many losses and metrics of one batch."""

from daemon import DaemonCase

BATCH = {"y_true": [[1, 0, 1, 3], [0, 1, 2, 3]], "y_pred": [[1, 3, 2, 4], [1, 1.8, 2, 3]]}
PATH = "/v1/evaluate"


class Evaluate(DaemonCase):
    def many(self, **members):
        return self.daemon.evaluate(PATH, {**BATCH, **members})

    def refuse(self, pointer, **members):
        return self.refused(self.daemon.post(PATH, {**BATCH, **members}), 422, pointer)

    def test_members_of_the_reply(self):
        reply = self.many(losses=["pairwise_hinge"], metrics=["ndcg"])
        self.assertEqual(set(reply), {"results", "dtype", "totals"})
        self.assertEqual(reply["totals"], {"lists": 2, "items": 8, "valid_items": 8})
        loss, metric = reply["results"]
        self.assertEqual(set(loss), {"loss", "name", "reduction", "temperature", "totals"})
        self.assertEqual(set(metric), {"metric", "name", "k", "totals"})

    def test_name_is_echoed_only_if_sent(self):
        reply = self.many(losses=["list_mle"], name="run 7")
        self.assertEqual(reply["name"], "run 7")
        self.assertEqual(reply["results"][0]["name"], "list_mle")

    def test_losses_come_first_then_metrics_in_request_order(self):
        reply = self.many(metrics=["ndcg", "dcg"], losses=["list_mle", "pairwise_hinge"])
        self.assertEqual([entry["name"] for entry in reply["results"]],
                         ["list_mle", "pairwise_hinge", "ndcg", "dcg"])

    def test_the_same_measure_twice_with_other_parameters(self):
        reply = self.many(losses=[{"name": "pairwise_hinge", "temperature": 2},
                                  {"name": "pairwise_hinge", "temperature": 1,
                                   "reduction": "sum"}],
                          metrics=[{"name": "ndcg", "k": 1}, {"name": "ndcg"}])
        self.assertEqual([entry.get("temperature", entry.get("k")) for entry in reply["results"]],
                         [2, 1, 1, None])

    def test_defaults_for_all_entries_and_their_own_values(self):
        reply = self.many(losses=["pairwise_hinge", {"name": "pairwise_logistic",
                                                     "temperature": 3, "reduction": "mean"}],
                          metrics=["ndcg", {"name": "dcg", "k": 2}, {"name": "dcg", "k": None}],
                          temperature=2, reduction="sum", k=3, include=["per_list"])
        hinge, logistic, ndcg, dcg, whole = reply["results"]
        self.assertEqual((hinge["temperature"], hinge["reduction"]), (2, "sum"))
        self.assertEqual((logistic["temperature"], logistic["reduction"]), (3, "mean"))
        self.assertEqual((ndcg["k"], dcg["k"], whole["k"]), (3, 2, None))
        for entry in reply["results"]:
            self.assertIn("per_list", entry)

    def test_includes_apply_where_they_make_sense(self):
        reply = self.many(losses=["pairwise_hinge"], metrics=["ndcg"],
                          include=["per_list", "gradient", "top_pairs"], top_k=1)
        loss, metric = reply["results"]
        self.assertTrue({"per_list", "gradient", "top_pairs"} <= set(loss))
        self.assertEqual([len(row) for row in loss["top_pairs"]], [1, 1])
        self.assertEqual(set(metric) - {"per_list"}, {"metric", "name", "k", "totals"})
        own = self.many(losses=[{"name": "pairwise_hinge", "include": []}], include=["per_list"])
        self.assertNotIn("per_list", own["results"][0])

    def test_at_least_one_entry(self):
        for members in ({}, {"losses": []}, {"losses": [], "metrics": []}):
            reply = self.daemon.post(PATH, {**BATCH, **members})
            self.refused(reply, 422)

    def test_unknown_measures(self):
        self.refuse("/losses/1", losses=["pairwise_hinge", "hinge"])
        self.refuse("/losses/0", losses=["ndcg"])
        self.refuse("/metrics/0", metrics=["pairwise_hinge"])
        self.refuse("/metrics/0/name", metrics=[{"name": "nope"}])

    def test_wrong_types_and_unknown_members(self):
        self.refuse("/losses", losses="pairwise_hinge")
        self.refuse("/losses/0", losses=[3])
        self.refuse("/losses/0/name", losses=[{}])
        self.refuse("/losses/0/k", losses=[{"name": "pairwise_hinge", "k": 3}])
        self.refuse("/losses/0/temperature", losses=[{"name": "pairwise_hinge",
                                                      "temperature": 0}])
        self.refuse("/metrics/0/temperature", metrics=[{"name": "ndcg", "temperature": 1}])
        self.refuse("/metrics/0/include/0", metrics=[{"name": "ndcg", "include": ["gradient"]}])
        self.refuse("/losses/0/top_k", losses=[{"name": "pairwise_hinge", "top_k": 0}])
        self.refuse("/losses/0/dtype", losses=[{"name": "pairwise_hinge", "dtype": "float64"}])
        self.refuse("/extra", losses=["pairwise_hinge"], extra=1)

    def test_list_mle_with_weights_per_item(self):
        weights = [[1, 1, 1, 1], [2, 2, 2, 2]]
        self.refuse("/losses/1", losses=["pairwise_hinge", "list_mle"], sample_weight=weights)
        reply = self.many(losses=["pairwise_hinge"], metrics=["ndcg"], sample_weight=weights)
        self.assertEqual(len(reply["results"]), 2)

    def test_too_many_evaluations(self):
        self.many(losses=["pairwise_hinge"] * 64)
        reply = self.daemon.post(PATH, {**BATCH, "losses": ["pairwise_hinge"] * 65})
        self.assertEqual(reply.status, 413)
        self.refused(reply, reply.status, words="65 losses and metrics are more than max-evaluations allows .64.")

    def test_one_that_is_not_finite_names_its_place(self):
        body = {"y_true": [[0, 1]], "y_pred": [[3e38, -3e38]], "losses": [
            "pairwise_soft_zero_one", "pairwise_mean_squared_error"]}
        self.refused(self.daemon.post(PATH, body), 422)

    def test_null_reduction_for_all(self):
        reply = self.many(losses=["list_mle", "pairwise_hinge"], reduction=None)
        self.assertIsNone(reply["results"][0]["reduction"])
        self.assertEqual(len(reply["results"][0]["loss"]), 2)
        self.assertEqual(reply["results"][1]["loss"][0], [3, 0, 2, 0])
