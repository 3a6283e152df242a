"""The request and reply of a loss, member by member."""

import math

import numpy as np

import golden
import oracle
from daemon import DaemonCase

HINGE = "/v1/losses/pairwise_hinge"
LOSSES = ("pairwise_hinge", "pairwise_logistic", "pairwise_soft_zero_one",
          "pairwise_mean_squared_error", "list_mle", "softmax", "approx_ndcg")
PAIRWISE = LOSSES[:4]
LABELS = [[1.0, 0.0, 1.0, 3.0], [0.0, 1.0, 2.0, 3.0]]
SCORES = [[1.0, 3.0, 2.0, 4.0], [1.0, 1.8, 2.0, 3.0]]
BATCH = {"y_true": LABELS, "y_pred": SCORES}
RAGGED = {"y_true": [[1, 0, 2], [], [0, 1], [3]], "y_pred": [[0.5, 0.25, 0.125], [], [1, 2], [9]]}


class Case(DaemonCase):
    def loss(self, body, name="pairwise_hinge", **members):
        return self.daemon.evaluate(f"/v1/losses/{name}", {**body, **members})


class Shapes(Case):
    def test_reply_has_exactly_these_members(self):
        reply = self.loss(BATCH, sample_weight=[[2, 3, 1, 1], [2, 1, 0, 0]])
        self.assertEqual(set(reply), {"loss", "name", "reduction", "temperature", "dtype",
                                      "totals"})
        self.assertEqual({k: v for k, v in reply.items() if k not in ("loss", "totals")},
                         {"name": "pairwise_hinge", "reduction": "sum_over_batch_size",
                          "temperature": 1, "dtype": "float32"})
        sums = reply["totals"]
        golden.assert_close(sums.pop("loss_sum"), 8.2, 1e-7, 0)
        for member, want in (("loss_squares", 8**2 + 0.2**2), ("loss_divisors", 4 * 8.2)):
            golden.assert_close(sums.pop(member), want, 1e-6, 0)
        self.assertEqual(sums, {"lists": 2, "items": 8, "valid_items": 8, "pairs": 11, "values": 8,
                                "weight_sum": 10, "scalar_weight": None, "divisor_sum": 8,
                                "divisor_squares": 32})

    def test_whole_numbers_are_written_without_a_point(self):
        text = self.daemon.post(HINGE, {**BATCH, "reduction": "sum"}).text()
        self.assertIn('"temperature":1,', text.replace(" ", ""))
        self.assertIn('"loss":6', text.replace(" ", ""))

    def test_unbatched(self):
        reply = self.loss({"y_true": [1, 0, 1, 3], "y_pred": [1, 3, 2, 4]}, reduction="none")
        self.assertEqual(reply["loss"], [3, 0, 2, 0])
        self.assertEqual(reply["totals"]["lists"], 1)

    def test_ragged_lists_and_empty_lists(self):
        reply = self.loss(RAGGED, reduction="none")
        self.assertEqual([len(row) for row in reply["loss"]], [3, 0, 2, 1])
        self.assertEqual(reply["totals"]["lists"], 4)
        self.assertEqual(reply["totals"]["items"], 6)

    def test_a_batch_of_only_empty_lists_is_zero(self):
        reply = self.loss({"y_true": [[], []], "y_pred": [[], []]})
        self.assertEqual((reply["loss"], reply["totals"]["values"]), (0, 0))

    def test_one_item(self):
        for name in LOSSES:
            with self.subTest(name):
                reply = self.loss({"y_true": [2], "y_pred": [0.5]}, name)
                best = -1 if name == "approx_ndcg" else 0
                golden.assert_close(reply["loss"], best, 0, 1e-9)

    def test_list_mle_has_one_value_per_list(self):
        many = self.loss(BATCH, "list_mle", reduction="none")
        self.assertEqual(len(many["loss"]), 2)
        self.assertEqual(many["totals"]["values"], 2)
        self.assertEqual(many["totals"]["pairs"], 0)
        one = self.loss({"y_true": LABELS[0], "y_pred": SCORES[0]}, "list_mle", reduction="none")
        self.assertIsInstance(one["loss"], float)
        golden.assert_close(many["loss"][0], one["loss"], 0, 0)

    def test_booleans_are_labels(self):
        self.assertEqual(self.loss({"y_true": [True, False], "y_pred": [0.5, 1]})["loss"],
                         self.loss({"y_true": [1, 0], "y_pred": [0.5, 1]})["loss"])

    def test_members_may_come_in_any_order_and_with_blanks(self):
        text = ('\r\n\t {"reduction" : "sum" , "y_pred" : [ [1 , 3,2,4] , [1,1.8e0,2,3]\n],'
                '"y_true":[[1,0,1,3],[0,1,2,3]]} \n')
        self.assertEqual(self.daemon.evaluate(HINGE, text)["loss"], 6)

    def test_escapes_in_names_of_members(self):
        text = '{"y\\u005ftrue": [1, 0], "y_pred": [0, 1]}'
        self.assertEqual(self.daemon.evaluate(HINGE, text)["totals"]["items"], 2)


class Validity(Case):
    def test_masked_negative_and_null_labels_are_the_same(self):
        want = self.loss({"y_true": {"labels": [1, 5, 2], "mask": [True, False, True]},
                          "y_pred": [0.5, 7, 0.25]})
        for labels in ([1, -1, 2], [1, None, 2], [1, -0.5, 2]):
            with self.subTest(labels=labels):
                got = self.loss({"y_true": labels, "y_pred": [0.5, 7, 0.25]})
                self.assertEqual(got, want)
        self.assertEqual(want["totals"]["valid_items"], 2)

    def test_mask_of_numbers(self):
        for mask in ([[1, 1, 0, 0], [0, 1, 1, 1]],
                     [[True, 1, 0, False], [False, True, 1, 1.0]]):
            reply = self.loss({"y_true": {"labels": LABELS, "mask": mask}, "y_pred": SCORES})
            self.assertEqual(reply["totals"]["valid_items"], 5)

    def test_labels_as_an_object_without_mask(self):
        self.assertEqual(self.loss({"y_true": {"labels": LABELS}, "y_pred": SCORES}),
                         self.loss(BATCH))

    def test_an_invalid_item_leaks_nothing(self):
        for name in LOSSES:
            replies = [self.loss({"y_true": {"labels": [1, 0, 9, 2], "mask": [1, 1, 0, 1]},
                                  "y_pred": [0.5, 0.25, score, 1]}, name, reduction="none",
                                 include=["per_list", "gradient"])
                       for score in (0, 1e30, -1e30, None)]
            with self.subTest(name):
                for reply in replies[1:]:
                    self.assertEqual(reply, replies[0])
                self.assertEqual(replies[0]["gradient"][2], 0)

    def test_null_scores_of_unlabelled_items(self):
        reply = self.loss({"y_true": [1, None, 0, -3], "y_pred": [0, None, 1, None]},
                          reduction="none")
        self.assertEqual(reply["loss"], [2, 0, 0, 0])

    def test_all_masked_is_zero_and_still_counts_values(self):
        for name in LOSSES:
            with self.subTest(name):
                reply = self.loss({"y_true": [[-1, -1], [-1]], "y_pred": [[1, 2], [3]]}, name)
                self.assertEqual(reply["loss"], 0)
                self.assertEqual(reply["totals"]["values"], 3 if name in PAIRWISE else 2)
                self.assertEqual(reply["totals"]["valid_items"], 0)

    def test_equal_labels_make_no_pairs(self):
        reply = self.loss({"y_true": [2, 2, 2], "y_pred": [1, 2, 3]})
        self.assertEqual((reply["loss"], reply["totals"]["pairs"]), (0, 0))

    def test_minus_zero_and_denormals(self):
        reply = self.loss({"y_true": [-0.0, 1], "y_pred": [-0.0, 0.0]})
        self.assertEqual((reply["loss"], reply["totals"]["valid_items"]), (0.5, 2))
        tiny = self.daemon.evaluate(
            HINGE, '{"y_true":[1,4.9e-324],"y_pred":[4.9e-324,-5e-320],"dtype":"float64"}')
        self.assertEqual(tiny["loss"], 0.5)
        self.assertEqual(tiny["totals"]["pairs"], 1)


class Reductions(Case):
    WEIGHTS = [[2, 3, 1, 1], [2, 1, 0, 0]]

    def test_each(self):
        # Unweighted values: 3 0 2 0 | 0 0.2 0.8 0; weighted: 6 0 2 0 | 0 0.2 0 0.
        for reduction, plain, weighted in (("sum", 6, 8.2), ("sum_over_batch_size", 0.75, 1.025),
                                           ("mean", 0.75, 1.025),
                                           ("mean_with_sample_weight", 0.75, 0.82)):
            with self.subTest(reduction):
                golden.assert_close(self.loss(BATCH, reduction=reduction)["loss"], plain, 1e-6, 0)
                golden.assert_close(
                    self.loss(BATCH, reduction=reduction, sample_weight=self.WEIGHTS)["loss"],
                    weighted, 1e-6, 0)
                self.assertEqual(self.loss(BATCH, reduction=reduction)["reduction"], reduction)

    def test_weights_as_sent(self):
        """mean_with_sample_weight counts a number once, a list's weight once."""
        for weight, total in ((2, 2), ([3, 1], 4), ([[3], [1]], 4)):
            with self.subTest(weight=weight):
                reply = self.loss(BATCH, sample_weight=weight, reduction="mean_with_sample_weight")
                self.assertEqual(reply["totals"]["weight_sum"], total)
                golden.assert_close(reply["loss"], reply["totals"]["loss_sum"] / total, 1e-6, 0)

    def test_weights_per_list_and_per_item_agree(self):
        by_list = self.loss(BATCH, sample_weight=[3, 0.5], reduction="none")
        column = self.loss(BATCH, sample_weight=[[3], [0.5]], reduction="none")
        by_item = self.loss(BATCH, sample_weight=[[3] * 4, [0.5] * 4], reduction="none")
        self.assertEqual(by_list["loss"], by_item["loss"])
        self.assertEqual(by_list["loss"], column["loss"])

    def test_unbatched_weights_per_item(self):
        reply = self.loss({"y_true": LABELS[0], "y_pred": SCORES[0]},
                          sample_weight=[2, 3, 1, 1], reduction="none")
        self.assertEqual(reply["loss"], [6, 0, 2, 0])

    def test_list_mle_takes_a_number_or_one_weight_per_list(self):
        plain = self.loss(BATCH, "list_mle", reduction="none", dtype="float64")["loss"]
        for weight in ([3, 0.5], [[3], [0.5]]):
            got = self.loss(BATCH, "list_mle", reduction="none", dtype="float64",
                            sample_weight=weight)["loss"]
            golden.assert_close(got, [3 * plain[0], 0.5 * plain[1]], 1e-14, 0)

    def test_zero_weights(self):
        for reduction in ("sum", "mean", "mean_with_sample_weight"):
            reply = self.loss(BATCH, sample_weight=0, reduction=reduction)
            self.assertEqual((reply["loss"], reply["totals"]["weight_sum"]), (0, 0))

    def test_negative_weights_are_numbers_like_others(self):
        reply = self.loss(BATCH, sample_weight=-1, reduction="sum")
        self.assertEqual(reply["loss"], -6)

    def test_weights_that_cancel_divide_by_zero_to_zero(self):
        reply = self.loss(BATCH, sample_weight=[1, -1], reduction="mean_with_sample_weight")
        self.assertEqual(reply["loss"], 0)

    def test_one_number_in_a_list_is_the_weight_of_a_single_list(self):
        body = {"y_true": LABELS[0], "y_pred": SCORES[0], "reduction": "mean_with_sample_weight"}
        one, number = (self.loss(body, sample_weight=weight)["totals"] for weight in ([3], 3))
        self.assertEqual((one.pop("scalar_weight"), number.pop("scalar_weight")), (None, 3))
        for member in ("divisor_sum", "divisor_squares", "loss_divisors"):
            del one[member], number[member]
        self.assertEqual(one, number)

    def test_null_is_no_weight_at_all_and_no_element(self):
        self.assertEqual(self.loss(BATCH, sample_weight=None), self.loss(BATCH))
        reply = self.daemon.post(HINGE, {**BATCH, "sample_weight": [None, 1]})
        self.refused(reply, 422)


class Parameters(Case):
    def test_temperature(self):
        for temperature in (0.5, 2, 3.7):
            for name in ("pairwise_hinge", "pairwise_logistic", "pairwise_soft_zero_one",
                         "list_mle", "softmax", "approx_ndcg"):
                with self.subTest(name=name, temperature=temperature):
                    body = {**BATCH, "temperature": temperature, "dtype": "float64"}
                    reply = self.daemon.evaluate(f"/v1/losses/{name}", body)
                    golden.assert_close(reply["loss"], oracle.loss(name, body), 1e-9, 1e-12)
                    self.assertEqual(reply["temperature"], temperature)

    def test_squared_error_ignores_temperature_and_echoes_it(self):
        name = "pairwise_mean_squared_error"
        hot = self.loss(BATCH, name, temperature=7)
        self.assertEqual(hot["temperature"], 7)
        self.assertEqual(hot["loss"], self.loss(BATCH, name)["loss"])

    def test_temperature_in_float32_is_rounded_to_it(self):
        self.assertEqual(self.loss(BATCH, temperature=0.1)["temperature"], 0.1)

    def test_inputs_are_rounded_to_the_dtype_first(self):
        body = {"y_true": [1, 0], "y_pred": [16777217, 16777216]}
        self.assertEqual(self.loss(body, reduction="sum")["loss"], 1)
        self.assertEqual(self.loss(body, reduction="sum", dtype="float64")["loss"], 0)

    def test_name_is_echoed(self):
        for name in ("candidate-b", "модель 7 ☃ \U0001f600", 'quo"te\\', "n" * 128, "</script>"):
            with self.subTest(name):
                reply = self.daemon.evaluate(HINGE, {**BATCH, "name": name})
                self.assertEqual(reply["name"], name)

    def test_name_bounds(self):
        for name in ("n" * 129, "ä" * 65, "a\nb", "a\u007fb", "\u0001", "\u0085"):
            with self.subTest(name):
                self.refused(self.daemon.post(HINGE, {**BATCH, "name": name}), 422, "/name")

    def test_totals_merge_exactly(self):
        """The sums of two halves add up to those of the whole: what lets shards be merged."""
        rng = np.random.default_rng(5)
        whole = oracle.random_body(rng, 20, 30)
        halves = [{name: value[part] for name, value in whole.items()}
                  for part in (slice(0, 10), slice(10, 20))]
        for name in LOSSES:
            with self.subTest(name):
                one = self.loss(whole, name)["totals"]
                parts = [self.loss(half, name)["totals"] for half in halves]
                for member in ("lists", "items", "valid_items", "pairs", "values"):
                    self.assertEqual(one[member], sum(part[member] for part in parts))
                for member in ("loss_sum", "loss_squares", "loss_divisors", "divisor_squares"):
                    golden.assert_close(math.fsum(part[member] for part in parts), one[member],
                                        1e-12, 0)

    def test_a_scalar_weight_merges(self):
        whole = {"y_true": [[1, 0], [0, 1]], "y_pred": [[1, 2], [1, 2]], "sample_weight": 3,
                 "reduction": "mean_with_sample_weight"}
        parts = [self.loss({**whole, "y_true": whole["y_true"][i:i + 1],
                            "y_pred": whole["y_pred"][i:i + 1]})["totals"] for i in range(2)]
        self.assertEqual([part["scalar_weight"] for part in parts], [3, 3])
        self.assertEqual(self.loss(whole)["loss"], sum(part["loss_sum"] for part in parts) / 3)
        self.assertEqual(set(self.daemon.get("/v1/losses").json()["merging"]),
                         {"sum", "sum_over_batch_size", "mean", "mean_with_sample_weight",
                          "standard_error"})

    def test_squares_beyond_double_are_null(self):
        reply = self.loss({"y_true": [1, 0], "y_pred": [0, 1e200], "dtype": "float64"})
        self.assertIsNone(reply["totals"]["loss_squares"])
        self.assertEqual(reply["totals"]["loss_divisors"], 2 * reply["totals"]["loss_sum"])

    def test_random_batches_against_the_oracle(self):
        seed = int.from_bytes(np.random.default_rng().bytes(4), "little")
        print(f"seed {seed}")
        rng = np.random.default_rng(seed)
        for count, length in ((1, 1), (3, 2), (7, 9), (40, 33), (5, 300), (2, 1500)):
            body = oracle.random_body(rng, count, length, dtype="float64")
            for name in LOSSES:
                with self.subTest(name=name, count=count, length=length, seed=seed):
                    reply, want = self.loss(body, name), oracle.totals(name, body)
                    golden.assert_close(reply["totals"]["loss_sum"], want.pop("loss_sum"),
                                        1e-9, 1e-9)
                    for member, value in want.items():
                        self.assertEqual(reply["totals"][member], value, member)


class Includes(Case):
    def test_per_list(self):
        reply = self.loss(RAGGED, include=["per_list"])
        self.assertEqual(len(reply["per_list"]), 4)
        for row in reply["per_list"]:
            self.assertEqual(set(row), {"loss_sum", "items", "valid_items", "pairs"})
        self.assertEqual([row["items"] for row in reply["per_list"]], [3, 0, 2, 1])
        self.assertEqual([row["pairs"] for row in reply["per_list"]], [3, 0, 1, 0])
        golden.assert_close(sum(row["loss_sum"] for row in reply["per_list"]),
                            reply["totals"]["loss_sum"], 1e-12, 0)

    def test_per_list_unbatched_is_one_entry(self):
        reply = self.loss({"y_true": [1, 0], "y_pred": [0, 1]}, include=["per_list"])
        self.assertEqual(reply["per_list"], [{"loss_sum": 2, "items": 2, "valid_items": 2,
                                              "pairs": 1}])

    def test_gradient_by_differences(self):
        rng = np.random.default_rng(11)
        base = {"y_true": [[3, 0, 1, -1, 2], [1, 0, 0]],
                "y_pred": [rng.normal(0, 1, 5).round(3).tolist(), [0.11, -0.3, 0.77]],
                "sample_weight": [0.5, 2], "dtype": "float64", "temperature": 1.3}
        for name in LOSSES:
            for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none"):
                with self.subTest(name=name, reduction=reduction):
                    self.check_gradient(name, {**base, "reduction": reduction})

    def check_gradient(self, name, body):
        gradient = self.loss(body, name, include=["gradient"])["gradient"]
        self.assertEqual(golden.shape(gradient), golden.shape(body["y_pred"]))
        step, reduced = 1e-5, dict(body)
        if body["reduction"] == "none":
            reduced["reduction"] = "sum"
        for row, scores in enumerate(body["y_pred"]):
            for place in range(len(scores)):
                ends = []
                for sign in (1, -1):
                    moved = [list(line) for line in body["y_pred"]]
                    moved[row][place] += sign * step
                    ends.append(self.loss({**reduced, "y_pred": moved}, name)["loss"])
                golden.assert_close(gradient[row][place], (ends[0] - ends[1]) / (2 * step),
                                    1e-5, 1e-6, f"{name} {row} {place}")

    def test_gradient_unbatched_has_the_shape_of_the_scores(self):
        reply = self.loss({"y_true": [1, 0], "y_pred": [0.25, 0.5]}, include=["gradient"],
                          reduction="sum")
        self.assertEqual(reply["gradient"], [-1, 1])

    def test_gradient_at_the_kink_is_zero(self):
        reply = self.loss({"y_true": [1, 0], "y_pred": [1, 0]}, include=["gradient"])
        self.assertEqual(reply["gradient"], [0, 0])

    def test_top_pairs(self):
        body = {"y_true": [[1, 0, 1, 3], [0, 1, 2, 3]], "y_pred": SCORES, "dtype": "float64"}
        reply = self.loss(body, include=["top_pairs"], top_k=2)
        self.assertEqual(len(reply["top_pairs"]), 2)
        self.assertEqual(reply["top_pairs"][0],
                         [{"i": 0, "j": 1, "loss": 3}, {"i": 2, "j": 1, "loss": 2}])
        second = reply["top_pairs"][1]
        self.assertEqual([(pair["i"], pair["j"]) for pair in second], [(2, 1), (1, 0)])
        golden.assert_close([pair["loss"] for pair in second], [0.8, 0.2], 1e-12, 0)

    def test_top_pairs_are_weighted_and_ordered(self):
        body = {"y_true": [2, 1, 0], "y_pred": [0, 0, 0], "sample_weight": [1, 3, 1]}
        pairs = self.loss(body, include=["top_pairs"])["top_pairs"]
        self.assertEqual(pairs, [[{"i": 1, "j": 2, "loss": 3}, {"i": 0, "j": 1, "loss": 1},
                                  {"i": 0, "j": 2, "loss": 1}]])

    def test_top_pairs_against_all_pairs(self):
        rng = np.random.default_rng(3)
        body = oracle.random_body(rng, 3, 60, dtype="float64")
        for name in PAIRWISE:
            with self.subTest(name):
                reply = self.loss(body, name, include=["top_pairs"], top_k=17)
                for one, got in zip(oracle.lists(body), reply["top_pairs"]):
                    golden.assert_close([pair["loss"] for pair in got],
                                        self.largest(name, one, 17), 1e-9, 1e-12)

    def largest(self, name, one, count):
        losses = []
        for i in range(len(one.scores)):
            for j in range(len(one.scores)):
                if i != j:
                    pair = oracle.List([one.labels[i], one.labels[j]],
                                       [one.scores[i], one.scores[j]], None, 1)
                    losses.append(oracle.item_losses(name, pair, 1.0)[0])
        return sorted((loss for loss in losses if loss > 0), reverse=True)[:count]

    def test_default_of_top_k_is_ten(self):
        body = {"y_true": list(range(8)), "y_pred": [0] * 8}
        self.assertEqual(len(self.loss(body, include=["top_pairs"])["top_pairs"][0]), 10)
        self.assertEqual(len(self.loss(body, include=["top_pairs"], top_k=28.0)["top_pairs"][0]),
                         28)

    def test_all_includes_together_and_an_empty_include(self):
        reply = self.loss(BATCH, include=["gradient", "per_list", "top_pairs"])
        self.assertTrue({"gradient", "per_list", "top_pairs"} <= set(reply))
        self.assertEqual(set(self.loss(BATCH, include=[])), set(self.loss(BATCH)))

    def test_top_pairs_make_no_sense_for_list_mle(self):
        reply = self.daemon.post("/v1/losses/list_mle", {**BATCH, "include": ["per_list",
                                                                             "top_pairs"]})
        self.refused(reply, 422, "/include/1")

    def test_top_k_bounds(self):
        for top_k in (0, -1, 1.5, "3", None, 1001, True):
            with self.subTest(top_k=top_k):
                reply = self.daemon.post(HINGE, {**BATCH, "include": ["top_pairs"],
                                                 "top_k": top_k})
                self.refused(reply, 422, "/top_k")


class Numbers(Case):
    """Numbers in replies are the shortest that read back as the same value of the dtype."""

    def test_shortest_in_each_dtype(self):
        rng = np.random.default_rng(17)
        body = {"y_true": rng.integers(0, 4, 400).tolist(),
                "y_pred": rng.normal(0, 3, 400).round(5).tolist(), "reduction": "none"}
        for dtype, kind in (("float32", np.float32), ("float64", np.float64)):
            text = self.daemon.post("/v1/losses/pairwise_logistic", {**body, "dtype": dtype}).text()
            numbers = text[text.index("[") + 1:text.index("]")].split(",")
            self.assertEqual(len(numbers), 400)
            for number in numbers:
                value = kind(number)
                shortest = np.format_float_scientific(value, unique=True, trim="-")
                self.assertEqual(kind(number), kind(shortest))
                self.assertEqual(digits(number), digits(shortest), number)


def digits(number):
    """The significant digits of a number's text."""
    mantissa = number.lower().split("e")[0].lstrip("-")
    return len(mantissa.replace(".", "").strip("0"))
