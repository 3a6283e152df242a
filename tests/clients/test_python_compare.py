"""Comparisons, confidence and groups of the Python package, against the daemon's replies."""

import json
import os
import subprocess
import sys
import unittest

import numpy as np
import pandas
import ranklossd
from daemon import ROOT, DaemonCase, base_environment, scratch_directory
from ranklossd.partition import evaluate_batch


def data(lists=150, seed=1):
    """Random lists with one good, one equal and one bad system; a language for each list."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, 15, lists)
    items = int(lengths.sum())
    label = rng.integers(0, 4, items)
    old = label + rng.normal(0, 1.5, items)
    return pandas.DataFrame({
        "qid": np.repeat([f"q{i}" for i in range(lists)], lengths), "label": label,
        "lang": np.repeat(rng.choice(["de", "en", "fr"], lists), lengths), "old": old,
        "same": old + rng.normal(0, 1e-3, items), "bad": rng.normal(0, 1, items)})


class Compare(DaemonCase):
    def setUp(self):
        super().setUp()
        self.url = "http://%s:%d" % self.daemon.address
        self.client = ranklossd.Client(self.url)
        self.frame = data()

    def batch(self, score):
        return ranklossd.Batch.from_frame(self.frame, score=score, group="lang")

    def systems(self, *names):
        return {name: self.batch(name) for name in names}

    def test_it_says_what_the_daemon_says(self):
        body = {"y_true": [[1, 0, 2], [0, 1, 0], [1, 0, 0]], "metrics": [{"name": "ndcg", "k": 2}],
                "losses": [{"name": "pairwise_hinge"}], "baseline": "a", "dtype": "float64",
                "systems": {"a": [[1, 2, 3], [1, 2, 3], [3, 2, 1]],
                            "b": [[3, 2, 1], [1, 2, 3], [1, 2, 3]]}}
        want = self.daemon.evaluate("/v1/compare", body)
        for convert in (list, lambda rows: np.array(rows, float)):
            got = self.client.compare(
                {name: convert(rows) for name, rows in body["systems"].items()},
                convert(body["y_true"]), losses="pairwise_hinge", metrics="ndcg@2",
                dtype="float64")
            for contest, entry in zip(got, want["results"], strict=True):
                self.assertEqual(contest.systems, entry["systems"])
                one, raw = contest.differences[0], entry["comparisons"][0]
                self.assertEqual({name: getattr(one, name) for name in raw}, raw)
            self.assertEqual((got.baseline, got.level), ("a", 0.95))

    def test_t_tests_are_scipys_and_the_worse_is_found(self):
        from scipy import stats
        result = self.client.compare(self.systems("old", "same", "bad"), metrics=["ndcg@5"],
                                     losses=["pairwise_logistic"], dtype="float64")
        values = {}
        for name in ("old", "bad"):
            rows = self.client.metric("ndcg", self.batch(name), k=5, dtype="float64",
                                      include=["per_list"])["per_list"]
            values[name] = np.array([row["metric"] for row in rows])
        one, = (one for one in result["ndcg@5"].differences if one.system == "bad")
        self.assertAlmostEqual(one.p_value["t"], stats.ttest_rel(values["bad"],
                                                                 values["old"]).pvalue, delta=1e-10)
        self.assertEqual({(one.system, one.kind) for one in result.worse()},
                         {("bad", "metric"), ("bad", "loss")})
        # Turned round, the same system is better and not worse.
        turned = self.client.compare(self.systems("old", "bad"), baseline="bad", metrics="ndcg@5",
                                     losses="pairwise_logistic")
        self.assertEqual(turned.worse(), [])
        self.assertTrue(all(one.is_significant() for contest in turned
                            for one in contest.differences))

    def test_groups_print_and_frames(self):
        result = self.client.compare(self.systems("old", "bad"), metrics="ndcg@5")
        self.assertEqual(set(result[0].groups), {"de", "en", "fr"})
        for name, contest in result[0].groups.items():
            part = self.frame[self.frame.lang == name]
            alone = self.client.metric("ndcg", ranklossd.Batch.from_frame(part, score="bad"), k=5)
            self.assertEqual(contest.value("bad"), alone.value)
        worst = result[0].differences[0].changed_most["worse"][0]
        self.assertIn(worst["id"], set(self.frame.qid))
        frame = result.to_frame()
        self.assertEqual(frame.system.tolist(), ["old", "bad"])
        self.assertEqual(frame.difference[1], result[0].differences[0].difference)
        self.assertRegex(str(result), r"(?s)ndcg@5 +bad +0\.\d+ +-0\.\d+.*differences from old")

    def test_bad_calls(self):
        with self.assertRaises(ValueError):
            self.client.compare({"a": [1, 0]}, [1, 0], metrics="ndcg")
        with self.assertRaises(ranklossd.InvalidRequest) as caught:
            self.client.compare({"a": [[1, 0]], "b": [[1, None]]}, [[1, 0]], metrics="ndcg")
        self.assertEqual(caught.exception.pointer, "/systems/b/0/1")

    # ---- Confidence and groups of merged parts ---------------------------------------------------

    def test_merged_confidence_and_groups_are_one_requests(self):
        rng = np.random.default_rng(3)
        for weight in (None, rng.random(150), 2.0):
            batch = ranklossd.Batch(self.batch("old").labels, self.batch("old").scores,
                                    self.batch("old").lengths, None, weight, None, None,
                                    self.batch("old").groups)
            how = {"losses": [{"name": "pairwise_hinge", "reduction": reduction} for reduction in
                              ("sum_over_batch_size", "sum", "mean_with_sample_weight")],
                   "metrics": ["ndcg@5", "dcg", "recall_at_k@3"], "dtype": "float64"}
            whole = self.client.evaluate(batch, include=["confidence"], **how)
            merged = evaluate_batch(batch, self.client, items_per_request=120, **how).report()
            for one, want in zip(merged, whole, strict=True):
                self.check(one.value, one["confidence"], want.value, want["confidence"], one.label)
                self.assertEqual(set(one["groups"]), {"de", "en", "fr"})
                for name, group in one["groups"].items():
                    other = want["groups"][name]
                    self.assertEqual(group["lists"], other["lists"])
                    self.check(group[one.kind], group["confidence"], other[one.kind],
                               other["confidence"], f"{one.label} {name}")

    def check(self, value, confidence, wanted_value, wanted, what):
        np.testing.assert_allclose(value, wanted_value, rtol=1e-11, err_msg=what)
        self.assertEqual(confidence["lists"], wanted["lists"], what)
        for name in ("standard_error", "t"):
            np.testing.assert_allclose(confidence[name], wanted[name], rtol=1e-9, err_msg=what)

    # ---- Commands --------------------------------------------------------------------------------

    def command(self, *words, status=0):
        path = scratch_directory(self) + "/data.csv"
        self.frame.to_csv(path, index=False)
        done = subprocess.run(
            [*words[:1], path, *words[1:]] if words[0].endswith(".sh") else
            [sys.executable, "-m", "ranklossd", words[0], path, *words[1:]], timeout=120,
            capture_output=True, text=True, check=False, env=base_environment(
                {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "RANKLOSSD_URL": self.url,
                 "PYTHON": sys.executable}))
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def test_the_command(self):
        systems = ("--system", "old", "--system", "bad", "--metric", "ndcg@5")
        self.assertRegex(self.command("compare", *systems), r"ndcg@5 +bad +0\.\d+ +-0\.\d+")
        said = json.loads(self.command("compare", *systems, "--json", "--fail-if-worse", status=3))
        self.assertLess(said["results"][0]["differences"][0]["difference"], 0)
        self.command("compare", "--system", "old", "--system", "same", "--metric", "ndcg@5",
                     "--fail-if-worse")
        self.command("compare", "--system", "old", "--metric", "ndcg@5", status=2)
        self.assertRegex(self.command("evaluate", "--score", "old", "--group", "lang", "--metric",
                                      "ndcg@5"), r"(?s)de\nevaluation.*en\nevaluation")

    def test_the_gate_of_a_pipeline(self):
        gate = os.path.join(ROOT, "examples/ci-gate/gate.sh")
        self.assertIn("gate: passed", self.command(gate, "old", "same"))
        self.assertIn("gate: passed", self.command(gate, "bad", "same"))  # better
        self.assertIn("gate: bad is significantly worse than old",
                      self.command(gate, "old", "bad", status=1))


if __name__ == "__main__":
    unittest.main()
