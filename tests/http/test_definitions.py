"""Whose definition of a metric: parameters, presets, their echo, and their errors."""

import math

from daemon import DaemonCase

BATCH = {"y_true": [[0, 2, 1], [1, 0]], "y_pred": [[0.1, 0.5, 0.9], [0.25, 0.75]]}
NUMBERS = {"relevant_from": (0, -1, "1", None, True, [1]), "max_grade": (0, -1, "4", None),
           "persistence": (0, 1, 1.5, "0.8", None)}
TABLES = ("gain", "discount")
WORDS = ("ties", "without_relevant", "precision_over", "unretrieved", "unlabelled")


def schema_values(schema):
    """The words that a parameter may be."""
    return schema.get("enum") or schema.get("anyOf", [{}])[0].get("enum", [])


class Definitions(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.catalogue = cls.daemon.get("/v1/metrics").json()
        cls.parameters = {row["name"]: row["parameters"] for row in cls.catalogue["metrics"]}

    def metric(self, metric, /, **members):
        return self.daemon.evaluate(f"/v1/metrics/{metric}", {**BATCH, **members})

    def wrong(self, metric, pointer, **members):
        reply = self.daemon.post(f"/v1/metrics/{metric}", {**BATCH, **members})
        return self.refused(reply, 422, pointer)

    def defining(self, name):
        """The parameters of a metric's definition."""
        known = {*NUMBERS, *TABLES, *WORDS}
        return {key: value for key, value in self.parameters[name].items() if key in known}

    # ---- Catalogue -------------------------------------------------------------------------------

    def test_every_value_of_the_catalogue_is_taken_and_said_again(self):
        for name in self.parameters:
            for parameter, schema in self.defining(name).items():
                for value in schema_values(schema):
                    with self.subTest(name, parameter=parameter, value=value):
                        said = self.metric(name, **{parameter: value}).get("definition")
                        default = value == schema["default"]
                        self.assertEqual(said, None if default else {parameter: value})

    def test_defaults_are_what_happens_without_them(self):
        for name in self.parameters:
            defaults = {key: schema["default"] for key, schema in self.defining(name).items()}
            self.assertEqual(self.metric(name, definition="keras", **defaults), self.metric(name))

    def test_every_preset_sets_what_the_catalogue_prints(self):
        for preset, row in self.catalogue["definitions"].items():
            self.assertTrue(row["description"])
            for name in self.parameters:
                with self.subTest(preset, metric=name):
                    want = {**row["sets"], **row["except"].get(name, {})}
                    said = self.metric(name, definition=preset).get("definition", {})
                    keras = self.catalogue["definitions"]["keras"]["sets"]
                    taken = {*self.defining(name), "list_weights"}
                    self.assertEqual(said, {key: want[key] for key in taken
                                            if want[key] != keras[key]})

    def test_parameters_spelled_out_are_the_preset(self):
        """But for the weights of lists, which only a preset sets; here all weigh the same."""
        for preset, row in self.catalogue["definitions"].items():
            for name in self.parameters:
                with self.subTest(preset, metric=name):
                    want = {**row["sets"], **row["except"].get(name, {})}
                    spelled = {key: want[key] for key in self.defining(name)}
                    self.assertEqual(self.metric(name, **spelled)["metric"],
                                     self.metric(name, definition=preset)["metric"])

    # ---- Meaning ---------------------------------------------------------------------------------

    def is_worth(self, want, metric, labels, scores, **members):
        body = {"y_true": labels, "y_pred": scores, "dtype": "float64", **members}
        got = self.daemon.evaluate(f"/v1/metrics/{metric}", body)["metric"]
        self.assertAlmostEqual(got, want, delta=1e-12, msg=f"{metric} {members}")

    def test_gains_and_discounts_by_hand(self):
        """In the order of scores the labels are 0, 1, 2."""
        labels, scores, second = [2, 0, 1], [1, 3, 2], 1 / math.log2(3)
        for want, members in ((second + 3 / 2, {}), (second + 2 / 2, {"gain": "linear"}),
                              (5 * second + 7 / 2, {"gain": [0, 5, 7]}),
                              (4 + second, {"gain": [4, 1, 0]}),
                              (1 / 2 + 3 / 3, {"discount": "reciprocal"}),
                              (1 + 3, {"discount": "none"}), (0.5, {"discount": [1, 0.5]}),
                              (0.25 * 2, {"discount": [1, 0, 0.25], "gain": "linear"})):
            self.is_worth(want, "dcg", labels, scores, **members)

    def test_ties_by_hand(self):
        for ties, want in (("input", 1 / 2), ("worst", 1 / 3), ("best", 1),
                           ("average", (1 + 1 / 2 + 1 / 3) / 3)):
            self.is_worth(want, "mean_reciprocal_rank", [0, 1, 0], [1, 1, 1], ties=ties)

    def test_relevance_by_hand(self):
        for level, want in ((0.5, 1 / 3), (1, 1 / 3), (1.5, 1 / 2), (2, 1 / 2), (3, 1), (3.5, 0)):
            self.is_worth(want, "recall_at_k", [1, 3, 2], [1, 3, 2], k=1, relevant_from=level)

    def test_lists_without_relevant_items_by_hand(self):
        for value, want in (("zero", 1 / 4), ("one", 3 / 4), ("skip", 1 / 2)):
            self.is_worth(want, "precision_at_k", [[0, 1], [0, 0]], [[2, 1], [2, 1]],
                          without_relevant=value)

    def test_precision_by_hand(self):
        for value, want in (("list", 1 / 2), ("k", 1 / 10)):
            self.is_worth(want, "precision_at_k", [1, 0], [2, 1], k=10, precision_over=value)

    def test_unretrieved_by_hand(self):
        """Two relevant items, of which one is ranked."""
        for metric, want in (("recall_at_k", 1 / 2), ("mean_average_precision", 1 / 2),
                             ("r_precision", 1 / 2), ("precision_at_k", 1),
                             ("ndcg", 1 / (1 + 1 / math.log2(3)))):
            self.is_worth(want, metric, [1, 1], [1, None], unretrieved="count")

    def test_unlabelled_by_hand(self):
        for score, value, want in ((2, "drop", 1), (2, "zero", 1 / 2), (None, "zero", 1)):
            self.is_worth(want, "mean_reciprocal_rank", [None, 1], [score, 1], unlabelled=value)
        self.is_worth(1, "mean_reciprocal_rank", [-1, 1], [2, 1], unlabelled="zero")

    def test_numbers_by_hand(self):
        for grade, want in ((4, 3 / 16), (2, 3 / 4)):
            self.is_worth(want, "expected_reciprocal_rank", [2], [1], max_grade=grade)
        for persistence, want in ((0.8, 0.2 * (1 + 0.64)), (0.5, 0.5 * (1 + 0.25))):
            self.is_worth(want, "rank_biased_precision", [1, 0, 1], [3, 2, 1],
                          persistence=persistence)

    # ---- Requests --------------------------------------------------------------------------------

    def test_a_parameter_beside_a_preset_wins_in_any_order(self):
        for members in ({"definition": "trec_eval", "gain": "exponential"},
                        {"gain": "exponential", "definition": "trec_eval"}):
            said = self.metric("ndcg", **members)["definition"]
            self.assertNotIn("gain", said)
            self.assertEqual(said["unretrieved"], "count")

    def test_defaults_of_evaluate_apply_where_they_can(self):
        body = {**BATCH, "ties": "worst", "relevant_from": 2, "gain": "linear", "k": 2,
                "losses": ["pairwise_hinge"],
                "metrics": ["ndcg", "recall_at_k", {"name": "ndcg", "ties": "best"},
                            {"name": "ndcg", "definition": "sklearn"},
                            {"name": "ndcg", "definition": "keras"}]}
        said = [entry.get("definition")
                for entry in self.daemon.evaluate("/v1/evaluate", body)["results"]]
        self.assertEqual(said, [None, {"gain": "linear", "ties": "worst"},
                                {"relevant_from": 2, "ties": "worst"},
                                {"gain": "linear", "ties": "best"},
                                {"gain": "linear", "ties": "average", "list_weights": "as_sent"},
                                None])

    def test_a_comparison_says_its_definition(self):
        body = {"y_true": BATCH["y_true"], "definition": "xgboost",
                "systems": {"a": BATCH["y_pred"], "b": [[3, 2, 1], [1, 2]]},
                "metrics": ["ndcg", {"name": "ndcg", "without_relevant": "skip"}]}
        said = [entry["definition"]
                for entry in self.daemon.evaluate("/v1/compare", body)["results"]]
        self.assertEqual(said, [{"without_relevant": "one", "list_weights": "as_sent"},
                                {"without_relevant": "skip", "list_weights": "as_sent"}])

    def test_tables_are_said_again(self):
        said = self.metric("ndcg", gain=[0, 1, 3.5], discount=[1, 0.5])["definition"]
        self.assertEqual(said, {"gain": [0, 1, 3.5], "discount": [1, 0.5]})
        said = self.metric("ndcg", gain=[0, 1, 3] + [0] * 997)["definition"]
        self.assertEqual(len(said["gain"]), 1000)

    def test_numbers_are_said_again(self):
        for dtype in ("float32", "float64"):
            for metric, member, value in (("recall_at_k", "relevant_from", 0.7),
                                          ("expected_reciprocal_rank", "max_grade", 2.1),
                                          ("rank_biased_precision", "persistence", 0.95)):
                said = self.metric(metric, dtype=dtype, **{member: value})["definition"]
                self.assertEqual(said, {member: value})

    def test_null_dtype_and_name_are_the_defaults(self):
        self.assertEqual(self.metric("ndcg", dtype=None, name=None), self.metric("ndcg"))

    # ---- Errors ----------------------------------------------------------------------------------

    def test_what_a_metric_does_not_take_is_refused(self):
        for name in self.parameters:
            for parameter in {*NUMBERS, *TABLES, *WORDS, "k"} - set(self.parameters[name]):
                with self.subTest(name, parameter=parameter):
                    self.wrong(name, f"/{parameter}", **{parameter: 1})
                    body = {**BATCH, "metrics": ["ndcg", {"name": name, parameter: 1}]}
                    self.refused(self.daemon.post("/v1/evaluate", body), 422,
                                 f"/metrics/1/{parameter}")

    def test_losses_take_none(self):
        for parameter, value in (("definition", "keras"), ("gain", "linear"), ("ties", "input")):
            reply = self.daemon.post("/v1/losses/pairwise_hinge", {**BATCH, parameter: value})
            self.refused(reply, 422, f"/{parameter}")

    def test_wrong_values(self):
        for name in self.parameters:
            for parameter in self.defining(name):
                for value in NUMBERS.get(parameter, ("other", 1, None, True, {})):
                    with self.subTest(name, parameter=parameter, value=value):
                        self.wrong(name, f"/{parameter}", **{parameter: value})
            for value in ("other", 1, None, ["keras"]):
                self.wrong(name, "/definition", definition=value)

    def test_wrong_tables(self):
        for table in TABLES:
            for value, place in (([], ""), ([0, -1], "/1"), ([0, None], "/1"), ([True], "/0"),
                                 ([[0, 1]], ""), (["a"], "")):
                with self.subTest(table, value=value):
                    self.wrong("ndcg", f"/{table}{place}", **{table: value})
            reply = self.daemon.post("/v1/metrics/ndcg", {**BATCH, table: [1] * 1001})
            self.refused(reply, 413, f"/{table}", "at most 1000 numbers were expected, found 1001")

    def test_labels_that_are_no_grades(self):
        self.wrong("ndcg", "/y_true/0/1", gain=[0, 1])
        self.wrong("ndcg", "/y_true/1/0", gain=[0, 1, 2], y_true=[[0, 2, 1], [0.5, 0]])
        self.wrong("dcg", "/y_true/labels/0", gain=[0, 1], y_true={"labels": [2, 1]},
                   y_pred=[1, 2])
        self.metric("ndcg", gain=[0, 1, 2], y_true={"labels": [[7, -1, None], [1, 0]],
                                                    "mask": [[0, 1, 1], [1, 1]]})

    def test_null_scores_need_every_evaluation_to_count_them(self):
        null = {"y_true": [[2, 1], [0, 1]], "y_pred": [[1, None], [1, 2]]}
        self.wrong("ndcg", "/y_pred/0/1", **null)
        self.wrong("ndcg", "/y_pred/0/1", **null, unlabelled="zero")
        self.metric("ndcg", **null, unretrieved="count")
        both = ["ndcg", {"name": "dcg", "unretrieved": "error"}]
        for members, pointer in (({"metrics": both}, "/y_pred/0/1"),
                                 ({"losses": ["softmax"]}, "/y_pred/0/1"),
                                 ({"metrics": ["ndcg", "dcg"]}, None)):
            reply = self.daemon.post("/v1/evaluate", {**null, "unretrieved": "count", **members})
            if pointer:
                self.refused(reply, 422, pointer)
            else:
                self.assertEqual(reply.status, 200)
        body = {"y_true": [[2, 1]], "metrics": ["ndcg"],
                "systems": {"a": [[1, 2]], "b": [[1, None]]}}
        self.refused(self.daemon.post("/v1/compare", body), 422, "/systems/b/0/1")
        self.daemon.evaluate("/v1/compare", {**body, "unretrieved": "count"})

    def test_weights_of_items_have_no_use_for_means_over_lists(self):
        weights = [[1, 2, 3], [1, 2]]
        self.wrong("ndcg", "/sample_weight", definition="sklearn", sample_weight=weights)
        self.metric("ndcg", definition="sklearn", sample_weight=[2, 3])
        body = {**BATCH, "sample_weight": weights, "losses": ["pairwise_hinge"],
                "metrics": ["ndcg", {"name": "ndcg", "definition": "trec_eval"}]}
        self.refused(self.daemon.post("/v1/evaluate", body), 422, "/metrics/1")
