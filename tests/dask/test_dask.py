"""ranklossd.dask on a real cluster of processes, with three daemons of which one is killed."""

import os
import re
import signal
import sys
import unittest

import dask
import dask.bag
import dask.dataframe
import numpy as np
import pandas
from daemon import ROOT, Daemon, scratch_directory
from distributed import Client as ClusterClient
from distributed import LocalCluster

sys.path.insert(0, os.path.join(ROOT, "clients/python/src"))
import ranklossd  # noqa: E402
from ranklossd.dask import evaluate, tally  # noqa: E402

EVALUATIONS = {
    "losses": ["pairwise_hinge", {"name": "list_mle", "reduction": "sum"}],
    "metrics": ["ndcg@10", "mean_average_precision", "recall_at_k@5"], "dtype": "float64"}
COLUMNS = {"by": "qid", "label": "label", "score": "score", "list_weight": "weight",
           "group": "lang"}


def frame_of(lists, seed=0):
    """A frame of random lists, sorted by qid."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 40, lists)
    items = int(lengths.sum())
    return pandas.DataFrame({
        "qid": np.repeat(np.arange(lists), lengths), "label": rng.integers(0, 4, items) % 3,
        "score": rng.normal(size=items), "weight": np.repeat(rng.random(lists), lengths),
        "lang": np.repeat(rng.choice(["de", "en", "fr"], lists), lengths)})


def parts_with_a_kill(frame, count, flag, pid):
    """Delayed parts of the frame; making part 30 first kills the process `pid`, once.

    The function is local, so that it travels to the workers by value.
    """
    def part(number):
        if number == 30:
            try:
                os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
                os.kill(pid, signal.SIGKILL)
            except FileExistsError:
                pass  # the task was run again
        low = number * 25
        return frame[(frame.qid >= low) & (frame.qid < low + 25)]
    return [dask.delayed(part)(number) for number in range(count)]


class Cluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemons = [Daemon("--threads", "1", "--io-threads", "1") for _ in range(3)]
        for daemon in cls.daemons:
            cls.addClassCleanup(daemon.kill)
        cls.urls = ["http://%s:%d" % daemon.address for daemon in cls.daemons]
        os.environ["PYTHONPATH"] = os.path.join(ROOT, "clients/python/src")
        cls.cluster = LocalCluster(n_workers=2, threads_per_worker=2, processes=True,
                                   dashboard_address=None)
        cls.addClassCleanup(cls.cluster.close)
        cls.engine = ClusterClient(cls.cluster)
        cls.addClassCleanup(cls.engine.close)
        cls.frame = frame_of(2000)
        cls.whole = ranklossd.Client(cls.urls[1]).evaluate(
            ranklossd.Batch.from_frame(cls.frame, **COLUMNS), include=["confidence"],
            **EVALUATIONS)

    def agree(self, report, whole=None):
        whole = whole or self.whole
        self.assertEqual(list(report.values()), list(whole.values()))
        self.assertEqual(report.totals, whole.totals)
        for one, want in zip(report, whole):
            self.agree_on(one.kind, {one.kind: one.value, **one.extra},
                          {one.kind: want.value, **want.extra})
            self.assertEqual(set(one["groups"]), {"de", "en", "fr"})
            for name, group in one["groups"].items():
                self.agree_on(one.kind, group, want["groups"][name])

    def agree_on(self, kind, one, want):
        """Values, standard errors and t intervals."""
        np.testing.assert_allclose(one[kind], want[kind], rtol=1e-11)
        self.assertEqual(one["confidence"]["lists"], want["confidence"]["lists"])
        for name in ("standard_error", "t"):
            np.testing.assert_allclose(one["confidence"][name], want["confidence"][name], rtol=1e-9)

    def partitions(self, count):
        """The frame in Dask, cut between lists."""
        cuts = np.linspace(0, 2000, count + 1).astype(int)
        return dask.dataframe.from_delayed(
            [dask.delayed(self.frame[(self.frame.qid >= low) & (self.frame.qid < high)])
             for low, high in zip(cuts, cuts[1:])], meta=self.frame.iloc[:0])

    def test_workers_are_processes_of_their_own(self):
        pids = set(self.engine.run(os.getpid).values())
        self.assertEqual(len(pids | {os.getpid()}), 3)

    def test_a_frame(self):
        self.agree(evaluate(self.partitions(23), self.urls, columns=COLUMNS, **EVALUATIONS))

    def test_the_block_of_the_readme(self):
        with open(os.path.join(ROOT, "clients/python/README.md"), encoding="utf-8") as file:
            code = re.search(r"```python\n(from ranklossd.dask.*?)```", file.read(), re.S).group(1)
        code = code.replace("http://a:8080", self.urls[0]).replace("http://b:8080", self.urls[1])
        names = {"frame": self.partitions(4)}
        exec(compile(code, "README.md", "exec"), names)
        whole = ranklossd.Client(self.urls[0]).evaluate(
            ranklossd.Batch.from_frame(self.frame, by="qid", label="label", score="score"),
            metrics=["ndcg@10"])
        self.assertAlmostEqual(names["report"]["ndcg@10"].value, whole["ndcg@10"].value, places=6)
        self.assertEqual(names["report"].totals, whole.totals)

    def test_a_bag_of_rows(self):
        rows = [{"labels": part.label.tolist(), "scores": part.score.tolist(),
                 "weight": part.weight.iloc[0], "group": part.lang.iloc[0]} for _, part in self.frame.groupby("qid")]
        self.agree(evaluate(dask.bag.from_sequence(rows, npartitions=7), self.urls, **EVALUATIONS))

    def test_small_requests_and_trees_of_any_width(self):
        for width in (2, 50):
            self.agree(evaluate(self.partitions(11), self.urls, columns=COLUMNS,
                                items_per_request=500, split_every=width, **EVALUATIONS))

    def test_a_daemon_killed_on_the_way_costs_nothing_and_nothing_counts_twice(self):
        victim = Daemon("--threads", "1")
        self.addCleanup(victim.kill)
        urls = ["http://%s:%d" % victim.address, *self.urls[:2]]
        parts = parts_with_a_kill(self.frame, 80, scratch_directory(self) + "/killed", victim.pid)
        # Small requests: the parts before the kill use all three daemons.
        work = tally(parts, urls, columns=COLUMNS, items_per_request=50, split_every=4,
                     **EVALUATIONS)
        total = work.compute()
        self.assertNotEqual(victim.process.wait(10), 0)
        self.agree(total.report())
        served = victim.log.text().count("POST")
        self.assertGreater(served, 0)
        self.assertLess(served, total.requests)

    def test_no_daemon_left_is_an_error(self):
        with self.assertRaises(ranklossd.Unreachable):
            evaluate(self.partitions(3), ["http://127.0.0.1:9"], columns=COLUMNS,
                     client_options={"retry_for": 0.5}, **EVALUATIONS)

    def test_wrong_data_are_an_error(self):
        bad = [{"labels": [1, 0], "scores": [0.5, float("nan")]}] * 5
        with self.assertRaisesRegex(ranklossd.InvalidRequest, "/y_pred/0/1"):
            evaluate(dask.bag.from_sequence(bad, npartitions=2), self.urls, **EVALUATIONS)
        with self.assertRaisesRegex(ValueError, "not a single list"):
            evaluate([], self.urls, metrics="ndcg")

    def test_a_list_cut_by_partitions_is_an_error(self):
        cut = dask.dataframe.from_pandas(self.frame.reset_index(drop=True), npartitions=9)
        with self.assertRaisesRegex(ValueError, "is in two parts"):
            evaluate(cut, self.urls, columns=COLUMNS, **EVALUATIONS)

    def test_busy_daemons_hold_the_workers_back(self):
        """Room for one large request: others are refused, wait, and are all answered in the end."""
        with Daemon("--threads", "1", "--io-threads", "1", "--queue-capacity", "1") as daemon:
            url = "http://%s:%d" % daemon.address
            rng = np.random.default_rng(8)
            batches = [dask.delayed(ranklossd.Batch.of)(
                rng.integers(0, 5, (1000, 200)), rng.normal(size=(1000, 200))) for _ in range(24)]
            total = tally(batches, url, losses="pairwise_logistic", metrics="ndcg",
                          client_options={"retry_for": 120.0}).compute()
            self.assertEqual(total.totals["lists"], 24 * 1000)
            refused = daemon.settled_metrics().total("http_requests_total", code="429")
            print(f"note: {refused:.0f} requests were answered 429")
            self.assertGreater(refused, 0)
            self.assertEqual(total.requests, 24)


if __name__ == "__main__":
    unittest.main()
