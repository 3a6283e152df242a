"""Confidence, summaries, groups and comparisons, with scipy, numpy and pandas as oracles."""

import itertools
import json
import math
import unittest
import urllib.request

import numpy as np
import pandas
from scipy import optimize, stats

import golden
from daemon import Daemon, DaemonCase, instruction_sets


def t_quantile(p, degrees):
    """Where |T| is exceeded with probability p. scipy 1.10's own t.isf is good to 1e-9 only (its
    sf is exact), so that the root of sf is the oracle."""
    return optimize.brentq(lambda t: 2 * stats.t.sf(t, degrees) - p, 0, 1e6, xtol=1e-14, rtol=1e-14)


def random_batch(rng, lists, items=8, systems=2, noise=0.5):
    labels = rng.integers(0, 4, (lists, items))
    scores = [labels + rng.normal(0, noise * (1 + s), (lists, items)) for s in range(systems)]
    return labels.tolist(), [one.tolist() for one in scores]


class Case(DaemonCase):
    def metric(self, name, body, **members):
        return self.daemon.evaluate(f"/v1/metrics/{name}", {"dtype": "float64", **body, **members})

    def loss(self, name, body, **members):
        return self.daemon.evaluate(f"/v1/losses/{name}", {"dtype": "float64", **body, **members})

    def compare(self, body, **members):
        return self.daemon.evaluate("/v1/compare", {"dtype": "float64", **body, **members})

    def is_refused(self, path, body, status, pointer, words):
        self.refused(self.daemon.post(path, body), status, pointer, words)


class Confidence(Case):
    def test_t_interval_is_scipys(self):
        rng = np.random.default_rng(1)
        for lists, level in ((2, 0.95), (3, 0.5), (12, 0.9), (400, 0.99)):
            labels, (scores, _) = random_batch(rng, lists)
            reply = self.metric("ndcg", {"y_true": labels, "y_pred": scores}, k=3,
                                include=["confidence", "per_list"], confidence_level=level)
            values = [row["metric"] for row in reply["per_list"]]
            got, error = reply["confidence"], stats.sem(values)
            reach = t_quantile(1 - level, lists - 1) * error
            golden.assert_close(got["standard_error"], error, 1e-10, 0)
            golden.assert_close(got["t"], [np.mean(values) - reach, np.mean(values) + reach],
                                1e-10, 0)
            self.assertEqual((got["level"], got["lists"], got["resamples"], got["seed"]),
                             (level, lists, 1000, 0))

    def test_standard_error_of_weighted_results_is_the_linearised_one(self):
        rng = np.random.default_rng(2)
        labels, (scores, _) = random_batch(rng, 30)
        weights = rng.uniform(0.1, 3, 30).tolist()
        body = {"y_true": labels, "y_pred": scores, "sample_weight": weights}
        metric = self.metric("mean_average_precision", body, include=["confidence", "per_list"])
        rows = metric["per_list"]
        b = np.array([row["weight"] for row in rows])
        self.check_error(metric["confidence"], np.array([row["metric"] for row in rows]) * b, b)
        for reduction, divisor in (("sum_over_batch_size", np.full(30, 8.0)),
                                   ("mean_with_sample_weight", np.array(weights)),
                                   ("sum", np.full(30, 1 / 30))):
            loss = self.loss("pairwise_hinge", body, include=["confidence", "per_list"],
                             reduction=reduction)
            a = np.array([row["loss_sum"] for row in loss["per_list"]])
            self.check_error(loss["confidence"], a, divisor)

    def check_error(self, got, a, b):
        ratio, n = a.sum() / b.sum(), len(a)
        error = math.sqrt(n / (n - 1) * ((a - ratio * b) ** 2).sum()) / b.sum()
        golden.assert_close(got["standard_error"], error, 1e-10, 0)
        reach = t_quantile(0.05, n - 1) * error
        golden.assert_close(got["t"], [ratio - reach, ratio + reach], 1e-10, 0)

    def test_totals_give_the_standard_error(self):
        """README's formulas for merged totals, on one request."""
        rng = np.random.default_rng(3)
        labels, (scores, _) = random_batch(rng, 25)
        labels[3] = labels[7] = [0] * 8
        body = {"y_true": labels, "y_pred": scores, "sample_weight": rng.uniform(1, 2, 25).tolist()}
        reply = self.metric("ndcg", body, include=["confidence"])
        t = reply["totals"]
        m = t["relevant_weight_sum"] / t["relevant_lists"]
        n = t["relevant_lists"] + t["other_lists"]
        a = t["relevant_metric_sum"] + m * t["other_metric_sum"]
        b = t["relevant_weight_sum"] + m * t["other_lists"]
        aa = t["relevant_metric_squares"] + m * m * t["other_metric_squares"]
        ab = t["relevant_metric_weights"] + m * m * t["other_metric_sum"]
        bb = t["relevant_weight_squares"] + m * m * t["other_lists"]
        error = math.sqrt(n / (n - 1) * (aa - 2 * a / b * ab + (a / b) ** 2 * bb)) / b
        golden.assert_close(reply["confidence"]["standard_error"], error, 1e-10, 0)
        self.assertEqual(n, 25)

    def test_bootstrap_agrees_with_scipys_in_distribution(self):
        rng = np.random.default_rng(4)
        labels, (scores, _) = random_batch(rng, 60, noise=3)
        reply = self.metric("ndcg", {"y_true": labels, "y_pred": scores},
                            include=["confidence", "per_list"], resamples=20000)
        values = np.array([row["metric"] for row in reply["per_list"]])
        want = stats.bootstrap((values,), np.mean, n_resamples=20000, method="percentile",
                               random_state=5, vectorized=True)
        for got, other in zip(reply["confidence"]["bootstrap"], want.confidence_interval):
            self.assertLess(abs(got - other), 0.08 * want.standard_error)

    def test_seeds_differ_and_repeat(self):
        labels, (scores, _) = random_batch(np.random.default_rng(6), 40)
        body = {"y_true": labels, "y_pred": scores, "include": ["confidence"]}
        one, again, other = (self.metric("ndcg", body, seed=seed)["confidence"]["bootstrap"]
                             for seed in (1, 1, 2))
        self.assertEqual(one, again)
        self.assertNotEqual(one, other)

    def test_too_few_lists_for_an_interval(self):
        body = {"y_true": [1, 0], "y_pred": [1, 2], "include": ["confidence", "summary"]}
        one = self.metric("mean_reciprocal_rank", body)
        self.assertEqual(one["confidence"], {"level": 0.95, "standard_error": None, "t": None,
                                             "bootstrap": [0.5, 0.5], "resamples": 1000,
                                             "seed": 0, "lists": 1})
        self.assertEqual(one["summary"]["p50"], 0.5)
        none = self.metric("ndcg", {**body, "y_true": [-1, -1]})
        self.assertEqual((none["confidence"]["bootstrap"], none["confidence"]["lists"]), (None, 0))
        self.assertEqual((none["summary"]["min"], none["summary"]["worst"]), (None, []))

    def test_coverage(self):
        """The 95 % interval covers the true mean in 93 to 97 % of 2000 simulated data sets: as one
        request with 2000 groups is one each."""
        rng = np.random.default_rng(7)
        sets, lists = 2000, 40
        # One relevant item of four at a uniform rank: the mean reciprocal rank is 25 / 48.
        scores = rng.permuted(np.tile([4, 3, 2, 1], (sets * lists, 1)), axis=1)
        body = {"y_true": [[1, 0, 0, 0]] * (sets * lists), "y_pred": scores.tolist(),
                "groups": [f"g{i // lists}" for i in range(sets * lists)],
                "include": ["confidence"], "resamples": 400}
        with Daemon("--max-groups", sets) as daemon:
            # Not through Daemon.post, which would check each of the groups against the schema.
            request = urllib.request.Request(
                "http://%s:%d/v1/metrics/mean_reciprocal_rank" % daemon.address,
                json.dumps(body).encode(), {"Content-Type": "application/json"})
            with urllib.request.urlopen(request) as answer:
                reply = json.load(answer)
        self.assertEqual(len(reply["groups"]), sets)
        for kind in ("t", "bootstrap"):
            covered = sum(low <= 25 / 48 <= high for low, high in
                          (group["confidence"][kind] for group in reply["groups"].values()))
            self.assertTrue(0.93 <= covered / sets <= 0.97, (kind, covered))

    def test_members_are_checked(self):
        body = {"y_true": [[1, 0]], "y_pred": [[1, 2]], "include": ["confidence"]}
        path = "/v1/metrics/ndcg"
        for member, value in (("confidence_level", 0), ("confidence_level", 1),
                              ("confidence_level", "0.9"), ("resamples", 0), ("resamples", 1.5),
                              ("seed", -1), ("seed", 0.5), ("seed", 2**54), ("seed", None)):
            with self.subTest(member, value=value):
                self.is_refused(path, {**body, member: value}, 422, f"/{member}", "expected")
        self.is_refused(path, {**body, "include": ["certainty"]}, 422, "/include/0", "confidence")
        self.is_refused(path, {**body, "list_ids": ["a", "b"]}, 422, "/list_ids", "1 lists")
        self.is_refused(path, {**body, "list_ids": [3]}, 422, "/list_ids/0", "a string")
        self.is_refused(path, {**body, "groups": ["a\u0000b"]}, 422, "/groups/0", "control")
        self.is_refused(path, {**body, "groups": "de"}, 422, "/groups", "a list")

    def test_limits(self):
        body = {"y_true": [[1, 0]] * 3, "y_pred": [[1, 2]] * 3, "metrics": ["ndcg"]}
        scores = body["y_pred"]
        with Daemon("--max-groups", 2, "--max-systems", 2, "--max-resampled-lists", 1000,
                    "--max-items", 11) as daemon:
            self.refused(daemon.post("/v1/evaluate", {**body, "groups": list("abc")}), 413,
                         "/groups/2", "max-groups")
            sure = {**body, "include": ["confidence"]}
            self.refused(daemon.post("/v1/evaluate", sure), 413, "/resamples",
                         "max-resampled-lists")
            self.assertEqual(daemon.post("/v1/evaluate", {**sure, "resamples": 333}).status, 200)
            del body["y_pred"]
            three = {**body, "systems": {name: scores for name in "abc"}}
            self.refused(daemon.post("/v1/compare", three), 413, "/systems", "max-systems")
            two = {**body, "systems": {name: scores for name in "ab"}, "resamples": 10}
            self.refused(daemon.post("/v1/compare", two), 413, "/systems", "max-items")


class Summary(Case):
    def test_quantiles_are_numpys(self):
        rng = np.random.default_rng(8)
        for lists in (1, 2, 7, 100):
            labels, (scores, _) = random_batch(rng, lists)
            body = {"y_true": labels, "y_pred": scores,
                    "list_ids": [f"q{i}" for i in range(lists)], "top_k": 5}
            for reply, worst in ((self.metric("ndcg", body, include=["summary", "per_list"]), 1),
                                 (self.loss("pairwise_hinge", body,
                                            include=["summary", "per_list"]), -1)):
                values = [row.get("metric", row.get("loss_sum", 0) / 8)
                          for row in reply["per_list"]]
                got = reply["summary"]
                want = np.quantile(values, (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1))
                golden.assert_close([got[name] for name in
                                     ("min", "p10", "p25", "p50", "p75", "p90", "max")],
                                    want.tolist(), 1e-13, 0)
                order = sorted(range(lists), key=lambda i: (worst * values[i], i))[:5]
                self.assertEqual([row["list"] for row in got["worst"]], order)
                self.assertEqual([row["id"] for row in got["worst"]], [f"q{i}" for i in order])
                golden.assert_close([row["value"] for row in got["worst"]],
                                    [values[i] for i in order], 1e-13, 0)
                self.assertEqual([row["id"] for row in reply["per_list"]], body["list_ids"])


class Groups(Case):
    def test_sums_are_pandas(self):
        rng = np.random.default_rng(9)
        labels, (scores, _) = random_batch(rng, 50)
        groups = rng.choice(["de", "fr", "it \u00e9", ""], 50).tolist()
        body = {"y_true": labels, "y_pred": scores, "sample_weight": rng.uniform(1, 2, 50).tolist()}
        reply = self.loss("pairwise_logistic", body, groups=groups, include=["per_list"])
        frame = pandas.DataFrame(reply["per_list"]).assign(group=groups).groupby("group", sort=False)
        self.assertEqual(list(reply["groups"]), list(frame.groups))
        for name, sums in frame.sum().iterrows():
            got = reply["groups"][name]
            self.assertEqual(got["lists"], frame.size()[name])
            golden.assert_close(got["totals"]["loss_sum"], sums["loss_sum"], 1e-12, 0)
            self.assertEqual(got["totals"]["pairs"], sums["pairs"])
            golden.assert_close(got["loss"], sums["loss_sum"] / sums["items"], 1e-12, 0)

    def test_a_group_is_what_its_lists_alone_give(self):
        rng = np.random.default_rng(10)
        labels, (scores, _) = random_batch(rng, 24)
        labels[2] = labels[5] = [0] * 8
        groups = [("a", "b", "c")[i % 3] for i in range(24)]
        each = {"losses": [{"name": "pairwise_hinge", "reduction": reduction} for reduction in
                           ("sum", "mean", "mean_with_sample_weight")] + ["list_mle"],
                "metrics": ["ndcg", "dcg", {"name": "precision_at_k", "k": 3}],
                "include": ["confidence", "summary"], "dtype": "float64"}
        for weights in (None, 2.5, rng.uniform(0.5, 2, 24).tolist()):
            whole = {"y_true": labels, "y_pred": scores, "sample_weight": weights}
            reply = self.daemon.evaluate("/v1/evaluate", {**whole, **each, "groups": groups})
            for name in "abc":
                part = {key: [value[i] for i in range(24) if groups[i] == name]
                        if isinstance(value, list) else value for key, value in whole.items()}
                alone = self.daemon.evaluate("/v1/evaluate", {**part, **each})
                for whole_entry, entry in zip(reply["results"], alone["results"]):
                    self.check_part(whole_entry["groups"][name], entry)

    def check_part(self, got, alone):
        key = "loss" if "loss" in alone else "metric"
        golden.assert_close(got[key], alone[key], 1e-12, 0)
        self.assertEqual(got["totals"].keys(), alone["totals"].keys())
        for member, value in alone["totals"].items():
            if value is None:
                self.assertIsNone(got["totals"][member])
            else:
                golden.assert_close(got["totals"][member], value, 1e-11, 1e-12)
        for member in ("standard_error", "t", "bootstrap"):
            golden.assert_close(got["confidence"][member], alone["confidence"][member],
                                1e-10, 1e-12)
        golden.assert_close(got["summary"]["p50"], alone["summary"]["p50"], 1e-12, 0)


class Compare(Case):
    def test_paired_t_is_scipys(self):
        rng = np.random.default_rng(11)
        for lists in (2, 5, 80):
            labels, (a, b, c) = random_batch(rng, lists, systems=3)
            systems = {"a": a, "b": b, "c": c}
            reply = self.compare({"y_true": labels, "systems": systems, "baseline": "b",
                                  "metrics": ["ndcg"], "losses": ["list_mle"]}, top_k=3)
            values = {name: self.values(labels, scores) for name, scores in systems.items()}
            for entry, key in zip(reply["results"], ("loss", "metric")):
                self.assertEqual([row["system"] for row in entry["comparisons"]], ["a", "c"])
                ps = []
                for row in entry["comparisons"]:
                    own, base = values[row["system"]][key], values["b"][key]
                    want = stats.ttest_rel(own, base)
                    golden.assert_close(row["p_value"]["t"], want.pvalue, 1e-10, 0)
                    golden.assert_close(row["difference"], np.mean(own - base), 1e-10, 0)
                    error = stats.sem(own - base)
                    reach = t_quantile(0.05, lists - 1) * error
                    golden.assert_close(row["t"], [np.mean(own - base) - reach,
                                                   np.mean(own - base) + reach], 1e-10, 1e-14)
                    self.check_counts(row, own - base, key)
                    ps.append(row["p_value"]["t"])
                self.assertEqual([row["p_value"]["holm"] for row in entry["comparisons"]],
                                 self.holm(ps))
            for name, scores in systems.items():
                alone = self.metric("ndcg", {"y_true": labels, "y_pred": scores},
                                    include=["confidence"])
                got = reply["results"][1]["systems"][name]
                self.assertEqual((got["metric"], got["confidence"], got["totals"]),
                                 (alone["metric"], alone["confidence"], alone["totals"]))

    def values(self, labels, scores):
        body = {"y_true": labels, "y_pred": scores, "include": ["per_list"]}
        return {"metric": np.array([row["metric"] for row in self.metric("ndcg", body)["per_list"]]),
                "loss": np.array([row["loss_sum"]
                                  for row in self.loss("list_mle", body)["per_list"]])}

    def check_counts(self, row, change, key):
        better = change > 0 if key == "metric" else change < 0
        self.assertEqual((row["better"], row["equal"]), (better.sum(), (change == 0).sum()))
        self.assertEqual(row["better"] + row["equal"] + row["worse"], len(change))
        best = np.argsort(-change if key == "metric" else change, kind="stable")[:3]
        self.assertEqual([entry["list"] for entry in row["changed_most"]["better"]],
                         [i for i in best if better[i]])

    @staticmethod
    def holm(ps):
        order, adjusted, most = np.argsort(ps, kind="stable"), [0] * len(ps), 0
        for rank, i in enumerate(order):
            most = max(most, min(1, ps[i] * (len(ps) - rank)))
            adjusted[i] = most
        return adjusted

    def test_exact_randomization_is_enumeration(self):
        rng = np.random.default_rng(12)
        labels, (a, b) = random_batch(rng, 9)
        reply = self.compare({"y_true": labels, "systems": {"a": a, "b": b}, "metrics": ["ndcg"]})
        one, two = (self.values(labels, scores)["metric"] for scores in (a, b))
        change = two - one
        sums = [abs(np.dot(change, signs)) for signs in itertools.product((1, -1), repeat=9)]
        want = np.mean(np.array(sums) >= abs(change.sum()) - 1e-12)
        got = reply["results"][0]["comparisons"][0]["p_value"]["randomization"]
        self.assertEqual(got, want)
        scipys = stats.permutation_test((two, one), lambda x, y: np.mean(x - y),
                                        permutation_type="samples", n_resamples=np.inf)
        golden.assert_close(got, scipys.pvalue, 1e-12, 0)

    def test_randomization_agrees_with_scipys_in_distribution(self):
        rng = np.random.default_rng(13)
        labels, (a, b) = random_batch(rng, 50)
        reply = self.compare({"y_true": labels, "systems": {"a": a, "b": b}, "metrics": ["ndcg"]},
                             resamples=20000)
        one, two = (self.values(labels, scores)["metric"] for scores in (a, b))
        scipys = stats.permutation_test((two, one), lambda x, y, axis: np.mean(x - y, axis=axis),
                                        vectorized=True, permutation_type="samples",
                                        n_resamples=20000, random_state=14)
        got = reply["results"][0]["comparisons"][0]["p_value"]["randomization"]
        error = math.sqrt(2 * max(scipys.pvalue, 1 / 20000) / 20000)
        self.assertLess(abs(got - scipys.pvalue), 5 * error + 1 / 20000)

    def test_holm_against_a_table(self):
        """Four systems whose t p values are known: those of the reply; adjusted by hand."""
        self.assertEqual([round(p, 10) for p in self.holm([0.01, 0.04, 0.03, 0.005])],
                         [0.03, 0.06, 0.06, 0.02])

    def test_systems_that_are_alike(self):
        labels, (a, _) = random_batch(np.random.default_rng(15), 20)
        row = self.compare({"y_true": labels, "systems": {"a": a, "b": a},
                            "metrics": ["ndcg"]})["results"][0]["comparisons"][0]
        self.assertEqual((row["difference"], row["standard_error"], row["equal"]), (0, 0, 20))
        self.assertEqual(row["p_value"], {"t": None, "randomization": 1, "holm": None})
        self.assertEqual(row["changed_most"], {"better": [], "worse": []})

    def test_groups_of_a_comparison(self):
        rng = np.random.default_rng(16)
        labels, (a, b) = random_batch(rng, 30)
        groups = [("x", "y")[i % 2] for i in range(30)]
        body = {"y_true": labels, "systems": {"a": a, "b": b}, "metrics": ["ndcg"]}
        reply = self.compare(body, groups=groups, include=["summary"])
        part = reply["results"][0]["groups"]["y"]
        alone = self.compare({**body, "y_true": labels[1::2],
                              "systems": {"a": a[1::2], "b": b[1::2]}}, include=["summary"])
        want = alone["results"][0]
        self.assertEqual(part["systems"], {
            name: {**entry, "summary": part["systems"][name]["summary"]}
            for name, entry in want["systems"].items()})
        got, row = part["comparisons"][0], want["comparisons"][0]
        for member in ("difference", "standard_error", "t", "bootstrap", "p_value", "better"):
            self.assertEqual(got[member], row[member])
        self.assertEqual([entry["list"] for entry in got["changed_most"]["better"]],
                         [2 * entry["list"] + 1 for entry in row["changed_most"]["better"]])

    def test_members_are_checked(self):
        body = {"y_true": [[1, 0], [0, 1]], "systems": {"a": [[1, 2], [3, 4]], "b": [[2, 1], [3, 4]]},
                "metrics": ["ndcg"]}
        path = "/v1/compare"
        self.assertEqual(self.daemon.post(path, body).status, 200)
        self.is_refused(path, {**body, "baseline": "c"}, 422, "/baseline", "no system")
        self.is_refused(path, {**body, "systems": {"a": [[1, 2], [3, 4]]}}, 422, "/systems", "two")
        self.is_refused(path, {**body, "systems": [1]}, 422, "/systems", "an object")
        self.is_refused(path, {**body, "systems": {**body["systems"], "b": [[1, 2]]}}, 422,
                     "/systems/b", "2 lists were expected, as in systems/a")
        self.is_refused(path, {**body, "systems": {**body["systems"], "b": [[1, 2], [None, 1]]}}, 422,
                     "/systems/b/1/0", "null")
        self.is_refused(path, {**body, "systems": {**body["systems"], "b": [[1, 2], [1e300, 1]]}}, 422,
                     "/systems/b/1/0", "float32")
        self.is_refused(path, {**body, "y_pred": [[1]]}, 422, "/y_pred", "systems, baseline")
        self.is_refused(path, {**body, "include": ["per_list"]}, 422, "/include/0", "per_list")
        self.is_refused(path, {key: body[key] for key in ("y_true", "metrics")}, 422, "/systems",
                     "missing")
        self.is_refused(path, {**body, "losses": [{"name": "pairwise_mean_squared_error"}],
                            "dtype": "float64",
                            "systems": {**body["systems"], "b": [[1, 2], [1e200, 1]]}}, 422,
                     "/systems", 'list 1 of system "b"')

    def test_unbatched_list(self):
        reply = self.compare({"y_true": [1, 0], "systems": {"a": [1, 2], "b": [2, 1]},
                              "metrics": ["mean_reciprocal_rank"], "list_ids": ["only"]})
        row = reply["results"][0]["comparisons"][0]
        self.assertEqual((row["difference"], row["t"], row["bootstrap"]), (0.5, None, [0.5, 0.5]))
        self.assertEqual(row["changed_most"]["better"],
                         [{"list": 0, "id": "only", "difference": 0.5}])


class SameBits(unittest.TestCase):
    def test_threads_and_instruction_sets(self):
        labels, (a, b) = random_batch(np.random.default_rng(17), 900)
        body = {"y_true": labels, "systems": {"a": a, "b": b},
                           "metrics": ["ndcg", "mean_average_precision"],
                           "losses": ["pairwise_logistic"], "resamples": 300,
                           "groups": [f"g{i % 7}" for i in range(900)]}
        replies = set()
        for threads, isa in ((1, "baseline"), (2, instruction_sets()[-1]), (3, None)):
            env = {"RANKLOSSD_ISA": isa} if isa else {}
            with Daemon("--threads", threads, env=env) as daemon:
                replies.add(daemon.post("/v1/compare", body).text())
        self.assertEqual(len(replies), 1)
