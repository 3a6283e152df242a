"""FAULTS 47 to 59: well-formed requests that are wrong. 422 with a JSON Pointer, connection kept."""

from daemon import DaemonCase

HINGE = "/v1/losses/pairwise_hinge"
NDCG = "/v1/metrics/ndcg"
MLE = "/v1/losses/list_mle"
ONE = {"y_true": [1, 0], "y_pred": [0, 1]}
MANY = {"y_true": [[1, 0, 2], [0, 1]], "y_pred": [[1, 2, 3], [1, 2]]}


class Meaning(DaemonCase):
    def setUp(self):
        super().setUp()
        self.wire = self.daemon.connect()
        self.addCleanup(self.wire.close)

    def wrong(self, body, *pointers, path=HINGE, words=None):
        """A 422 at one of these places, on a connection that stays usable."""
        reply = self.daemon.post(path, body, wire=self.wire)
        problem = self.refused(reply, 422, words=words)
        self.assertIn(problem["errors"][0]["pointer"], pointers, problem)
        self.assertTrue(problem["errors"][0]["detail"])
        self.assertEqual(self.daemon.post(HINGE, ONE, wire=self.wire).status, 200)

    def right(self, body, path=HINGE):
        return self.daemon.evaluate(path, body, wire=self.wire)

    def test_fault_47_unknown_members(self):
        for name, pointer in (("y_tru", "/y_tru"), ("a/b", "/a~1b"), ("a~b", "/a~0b"), ("", "/"),
                              ("K", "/K"), ("ключ", "/ключ")):
            self.wrong({**ONE, name: 1}, pointer)
            self.wrong({**ONE, name: [1, 2]}, pointer)
            self.wrong({**ONE, name: {"x": ["a"]}}, pointer)
        self.wrong({"y_true": {"labels": [1, 0], "msk": [1, 1]}, "y_pred": [0, 1]}, "/y_true/msk")
        self.wrong({**ONE, "losses": ["pairwise_hinge"]}, "/losses")

    def test_fault_48_missing_members(self):
        self.wrong({"y_pred": [1, 2]}, "/y_true", "")
        self.wrong({"y_true": [1, 2]}, "/y_pred", "")
        self.wrong({}, "/y_true", "/y_pred", "")
        self.wrong({"y_true": {"mask": [1, 1]}, "y_pred": [1, 2]}, "/y_true/labels", "/y_true")

    def test_fault_49_wrong_types(self):
        for value in ("x", 1, True, None, {"a": 1}, ["a", 1], [1, {"a": 1}], [[1], "b"], [[[1]]],
                      [["a"]]):
            for member in ("y_true", "y_pred"):
                reply = self.daemon.post(HINGE, {**ONE, member: value}, wire=self.wire)
                problem = self.refused(reply, 422)
                self.assertTrue(problem["errors"][0]["pointer"].startswith("/" + member), problem)
        self.wrong({**ONE, "y_pred": [1, "2"]}, "/y_pred/1", "/y_pred")
        for member, values in {"temperature": ("1", True, None, [1], {}),
                               "reduction": (1, True, ["sum"], {}),
                               "dtype": (32, True, ["float32"]), "name": (1, True, ["a"], {}),
                               "include": ("per_list", 1, {}, None, [1], [["per_list"]], [None]),
                               "sample_weight": ("1", True, {}, ["a"])}.items():
            for value in values:
                with self.subTest(member, value=value):
                    self.wrong({**ONE, member: value}, "/" + member, f"/{member}/0")

    def test_fault_49_boolean_scores_and_weights(self):
        self.wrong({"y_true": [1, 0], "y_pred": [True, 1]}, "/y_pred/0")
        self.wrong({"y_true": [[1, 0], [1, 0]], "y_pred": [[1, 2], [0, False]]}, "/y_pred/1/1")
        self.wrong({**ONE, "sample_weight": [True, 1]}, "/sample_weight/0")

    def test_fault_50_rank_mismatch(self):
        self.wrong({"y_true": [[1, 0]], "y_pred": [1, 0]}, "/y_pred", "/y_true", "/y_pred/0",
                   "/y_true/0")
        self.wrong({"y_true": [1, 0], "y_pred": [[1, 0]]}, "/y_pred", "/y_true", "/y_pred/0",
                   "/y_true/0")
        self.wrong({"y_true": [[1, 0], 1], "y_pred": [[1, 0], 1]}, "/y_true/1", "/y_true",
                   "/y_pred/1", "/y_pred")
        self.wrong({"y_true": [1, [0]], "y_pred": [1, [0]]}, "/y_true/1", "/y_true", "/y_pred/1",
                   "/y_pred")
        self.wrong({"y_true": {"labels": [[1, 0]], "mask": [1, 1]}, "y_pred": [[1, 0]]},
                   "/y_true/mask", "/y_true/mask/0")

    def test_fault_50_length_mismatch(self):
        self.wrong({"y_true": [1, 0, 2], "y_pred": [1, 2]}, "/y_pred", "/y_true")
        self.wrong({**MANY, "y_pred": [[1, 2, 3]]}, "/y_pred", "/y_true")
        self.wrong({**MANY, "y_pred": [[1, 2, 3], [1]]}, "/y_pred/1", "/y_true/1")
        self.wrong({**MANY, "y_pred": [[1, 2], [1, 2, 3]]}, "/y_pred/0", "/y_true/0")
        self.wrong({**MANY, "y_true": {"labels": MANY["y_true"], "mask": [[1, 1, 1]]}},
                   "/y_true/mask")
        self.wrong({**MANY, "y_true": {"labels": MANY["y_true"], "mask": [[1, 1, 1], [1]]}},
                   "/y_true/mask/1")
        self.wrong({"y_true": {"labels": [1, 0], "mask": [1]}, "y_pred": [0, 1]}, "/y_true/mask")

    def test_fault_51_empty_batches(self):
        self.wrong({"y_true": [], "y_pred": []}, "/y_true", "/y_pred")
        self.wrong({"y_true": {"labels": []}, "y_pred": []}, "/y_true", "/y_true/labels", "/y_pred")
        self.wrong({"y_true": [], "y_pred": []}, "/y_true", "/y_pred", path=NDCG)

    def test_fault_52_mask_elements(self):
        for element in (2, -1, 0.5, None, 1e-300):
            self.wrong({"y_true": {"labels": [1, 0], "mask": [1, element]}, "y_pred": [0, 1]},
                       "/y_true/mask/1")
        for element in ("1", [1], {}):
            self.wrong({"y_true": {"labels": [1, 0], "mask": [1, element]}, "y_pred": [0, 1]},
                       "/y_true/mask/1", "/y_true/mask")
        for mask in (True, "all", {}, 3):
            self.wrong({"y_true": {"labels": [1, 0], "mask": mask}, "y_pred": [0, 1]},
                       "/y_true/mask")

    def test_fault_53_beyond_the_range_of_the_dtype(self):
        self.wrong({"y_true": [1, 0], "y_pred": [1e39, 0]}, "/y_pred/0")
        self.wrong({"y_true": [0, 1e39], "y_pred": [1, 0]}, "/y_true/1")
        self.wrong({"y_true": [[1, 0], [0, 1]], "y_pred": [[1, 0], [0, -3.5e38]]}, "/y_pred/1/1")
        self.wrong({"y_true": {"labels": [0, 1e39]}, "y_pred": [1, 0]}, "/y_true/labels/1",
                   "/y_true/1")
        self.wrong({**ONE, "sample_weight": [1, 1e39]}, "/sample_weight/1")
        self.right({"y_true": [1, 0], "y_pred": [1e39, 0], "dtype": "float64"})
        self.right({"y_true": [1, 0], "y_pred": [3.4e38, 3.4e38]})

    def test_fault_54_null_score_of_a_valid_item(self):
        self.wrong({"y_true": [1, 0], "y_pred": [None, 1]}, "/y_pred/0")
        self.wrong({"y_true": [[1, 0], [2, 1]], "y_pred": [[0, 1], [1, None]]}, "/y_pred/1/1")
        self.wrong({"y_true": {"labels": [1, 0], "mask": [0, 1]}, "y_pred": [1, None]}, "/y_pred/1")

    def test_fault_55_temperature(self):
        for value in (0, -1, -0.0, 1e-320, 1e39, -1e300):
            self.wrong({**ONE, "temperature": value}, "/temperature")
        self.wrong({**ONE, "temperature": 0, "dtype": "float64"}, "/temperature")
        self.wrong({**ONE, "temperature": 0}, "/temperature",
                   path="/v1/losses/pairwise_mean_squared_error")

    def test_fault_56_unknown_words(self):
        for value in ("SUM", "average", "", "sum ", "None"):
            self.wrong({**ONE, "reduction": value}, "/reduction")
        for value in ("float16", "double", "Float32", ""):
            self.wrong({**ONE, "dtype": value}, "/dtype")
        self.wrong({**ONE, "include": ["per_list", "gradients"]}, "/include/1")
        reply = self.daemon.post("/v1/losses/hinge", ONE, wire=self.wire, check=False)
        self.refused(reply, 404)

    def test_fault_56_an_include_twice(self):
        reply = self.daemon.post(HINGE, {**ONE, "include": ["per_list", "per_list"]})
        self.assertEqual(reply.status, 200)

    def test_fault_57_weights_that_fit_nothing(self):
        for weight in ([1, 2, 3], [[1, 2]], [[1], [2]], [[1, 2], [3, 4]], [], [[]]):
            with self.subTest(weight):
                reply = self.daemon.post(HINGE, {**ONE, "sample_weight": weight}, wire=self.wire)
                problem = self.refused(reply, 422)
                self.assertTrue(problem["errors"][0]["pointer"].startswith("/sample_weight"))
        for weight in ([1], [1, 2, 3], [[1, 2, 3]], [[1, 2, 3], [1]], [[1, 2], [1, 2]], [[1], [1, 2]],
                       [1, [1, 2]], [[[1]], [[1]]]):
            with self.subTest(weight):
                reply = self.daemon.post(HINGE, {**MANY, "sample_weight": weight}, wire=self.wire)
                problem = self.refused(reply, 422)
                self.assertTrue(problem["errors"][0]["pointer"].startswith("/sample_weight"))
        self.wrong({**MANY, "sample_weight": [[1, 1, 1], [2, 2]]}, "/sample_weight",
                   "/sample_weight/0", path=MLE)

    def test_fault_58_results_that_are_not_finite(self):
        huge = {"y_true": [0, 1], "y_pred": [3e38, -3e38], "reduction": "sum"}
        self.wrong(huge, "/y_pred", words="finite")
        self.wrong({**huge, "reduction": "none"}, "/y_pred", words="finite")
        self.wrong({"y_true": [[0, 1], [0, 1]], "y_pred": [[1, 2], [3e38, -3e38]],
                    "reduction": "none"}, "/y_pred/1", words="finite")
        self.wrong({"y_true": [0, 1], "y_pred": [1e308, -1e308], "dtype": "float64"}, "/y_pred")
        self.wrong({**ONE, "sample_weight": 3e38, "y_pred": [30, 0], "y_true": [0, 1]}, "/y_pred",
                   "/sample_weight", words="finite")

    def test_fault_59_k(self):
        for value in (0, -1, 1.5, "3", True, [3], {}, 0.0, -2.0):
            self.wrong({**ONE, "k": value}, "/k", path=NDCG)
        self.wrong({**ONE, "metrics": [{"name": "ndcg", "k": 0}]}, "/metrics/0/k",
                   path="/v1/evaluate")
        self.right({**ONE, "k": 1e15}, path=NDCG)

    def test_fine_odd_inputs(self):
        """These are no errors and have defined answers."""
        self.assertEqual(self.right({"y_true": [[1, 0], []], "y_pred": [[0, 1], []]})["loss"], 1)
        self.assertEqual(self.right({"y_true": [3], "y_pred": [1]})["loss"], 0)
        self.assertEqual(self.right({"y_true": [-1, -2], "y_pred": [1, 2]})["loss"], 0)
        self.assertEqual(self.right({"y_true": [2, 2], "y_pred": [1, 2]})["loss"], 0)
        for reduction in ("sum", "mean", "mean_with_sample_weight"):
            self.assertEqual(self.right({**ONE, "sample_weight": [0, 0],
                                         "reduction": reduction})["loss"], 0)
        self.assertEqual(self.right({"y_true": [1, -0.0], "y_pred": [-0.0, 0]})["loss"], 0.5)
        self.assertEqual(self.right({"y_true": [1e-45, 0], "y_pred": [1e-40, 0]})["loss"], 0.5)
