"""GET /v1/losses and /v1/metrics, and whether what they say of bounds and defaults holds."""

from daemon import DaemonCase

BATCH = {"y_true": [[1, 0, 1, 3], [0, 1, 2, 3]], "y_pred": [[1, 3, 2, 4], [1, 1.8, 2, 3]]}
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None]


class Catalogue(DaemonCase):
    def test_losses(self):
        rows = self.daemon.get("/v1/losses").json()["losses"]
        self.assertEqual([row["name"] for row in rows],
                         ["pairwise_hinge", "pairwise_logistic", "pairwise_soft_zero_one",
                          "pairwise_mean_squared_error", "list_mle", "softmax", "approx_ndcg"])
        for row in rows:
            with self.subTest(row["name"]):
                self.assertTrue({"name", "formula", "description", "value_per", "parameters"}
                                <= set(row))
                self.assertEqual(row["value_per"],
                                 "item" if row["name"].startswith("pairwise") else "list")
                self.check_parameters(row)

    def check_parameters(self, row):
        parameters = row["parameters"]
        self.assertEqual(parameters["temperature"],
                         {"type": "number", "default": 1, "exclusiveMinimum": 0})
        self.assertEqual(parameters["reduction"]["default"], "sum_over_batch_size")
        self.assertCountEqual(parameters["reduction"]["enum"], REDUCTIONS)
        self.assertEqual(parameters["dtype"]["default"], "float32")
        self.assertCountEqual(parameters["dtype"]["enum"], ["float32", "float64", None])

    def test_metrics(self):
        rows = self.daemon.get("/v1/metrics").json()["metrics"]
        self.assertEqual([row["name"] for row in rows],
                         ["dcg", "ndcg", "mean_reciprocal_rank", "mean_average_precision",
                          "precision_at_k", "recall_at_k", "hit_rate", "r_precision", "bpref",
                          "auc", "expected_reciprocal_rank", "rank_biased_precision"])
        whole = {"r_precision", "bpref", "auc", "rank_biased_precision"}
        for row in rows:
            self.assertEqual(row["parameters"].get("k"),
                             None if row["name"] in whole else
                             {"type": ["integer", "null"], "minimum": 1, "default": None})
            self.assertTrue(row["formula"] and row["description"])

    def test_every_enumerated_value_is_taken(self):
        for row in self.daemon.get("/v1/losses").json()["losses"]:
            path = f"/v1/losses/{row['name']}"
            for name, parameter in row["parameters"].items():
                values = parameter.get("enum") or parameter.get("items", {}).get("enum", [])
                for value in values:
                    sent = [value] if name == "include" else value
                    with self.subTest(path, parameter=name, value=value):
                        self.assertEqual(self.daemon.post(path, {**BATCH, name: sent}).status, 200)

    def test_defaults_are_what_happens_without_them(self):
        for row in self.daemon.get("/v1/losses").json()["losses"]:
            path = f"/v1/losses/{row['name']}"
            defaults = {name: parameter["default"] for name, parameter in row["parameters"].items()
                        if "default" in parameter}
            self.assertEqual(self.daemon.evaluate(path, {**BATCH, **defaults}),
                             self.daemon.evaluate(path, BATCH))
