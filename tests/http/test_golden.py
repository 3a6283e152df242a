"""Every golden vector through HTTP: alone, and again inside /v1/evaluate."""

import collections
import unittest

import golden
from daemon import DaemonCase

MEMBERS = ("y_true", "y_pred", "sample_weight", "dtype", "name")


def by_measure(name):
    groups = collections.defaultdict(list)
    for case in golden.cases(name):
        groups[case["path"]].append(case)
    return groups


def as_evaluate(case):
    """The same evaluation as an entry of /v1/evaluate."""
    kind, measure = case["path"].split("/")[-2:]
    body = {name: value for name, value in case["body"].items() if name in MEMBERS}
    entry = {name: value for name, value in case["body"].items() if name not in MEMBERS}
    body[kind] = [{"name": measure, **entry}]
    return body


class Golden(DaemonCase):
    """Vectors of one file, one test for each."""

    def evaluate_all(self, name, single_only=False):
        for path, cases in by_measure(name).items():
            with self.daemon.connect() as wire:
                for case in cases:
                    with self.subTest(case["id"]):
                        reply = self.daemon.evaluate(path, case["body"], wire=wire)
                        self.compare(case, reply)
                        if not single_only:
                            self.compare_evaluate(case, reply, wire)

    def compare(self, case, reply):
        (key, want), = case["expect"].items()
        golden.assert_close(reply[key], want, case["rtol"], case["atol"], case["id"])
        for member in ("temperature", "reduction", "dtype"):
            if member in case["body"] and member in reply:
                self.assertEqual(reply[member], case["body"][member])

    def compare_evaluate(self, case, reply, wire):
        many = self.daemon.evaluate("/v1/evaluate", as_evaluate(case), wire=wire)
        entry = {name: value for name, value in reply.items() if name != "dtype"}
        self.assertEqual(many["results"], [entry])
        self.assertEqual(many["dtype"], reply["dtype"])

    def test_losses(self):
        self.evaluate_all("losses")

    def test_losses_of_long_lists(self):
        self.evaluate_all("losses_long_lists")

    def test_losses_by_list(self):
        self.evaluate_all("losses_by_list")

    def test_metrics(self):
        self.evaluate_all("metrics")

    def test_all_losses_and_metrics_at_once_equal_the_single_replies(self):
        batch = golden.cases("metrics")[1]["body"]
        batch = {name: batch[name] for name in ("y_true", "y_pred")}
        losses = [row["name"] for row in self.daemon.get("/v1/losses").json()["losses"]]
        metrics = [row["name"] for row in self.daemon.get("/v1/metrics").json()["metrics"]]
        self.assertEqual((len(losses), len(metrics)), (7, 12))
        single = [self.daemon.evaluate(f"/v1/losses/{name}", batch) for name in losses]
        single += [self.daemon.evaluate(f"/v1/metrics/{name}", batch) for name in metrics]
        for entry in single:
            del entry["dtype"]
        many = self.daemon.evaluate("/v1/evaluate", {**batch, "losses": losses, "metrics": metrics})
        self.assertEqual(many["results"], single)
        self.assertEqual([entry["name"] for entry in many["results"]], losses + metrics)


if __name__ == "__main__":
    unittest.main()
