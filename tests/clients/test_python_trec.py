"""TREC qrels and runs through the Python package, beside what trec_eval itself answered."""

import gzip
import os
import re
import subprocess
import sys
import unittest

import golden
import numpy as np
import ranklossd
from daemon import DaemonCase, base_environment, scratch_directory
from ranklossd import trec

METRICS = {"map": "mean_average_precision", "ndcg": "ndcg", "ndcg_cut_10": "ndcg@10",
           "P_10": "precision_at_k@10", "recall_100": "recall_at_k@100", "bpref": "bpref",
           "recip_rank": "mean_reciprocal_rank", "Rprec": "r_precision", "success_5": "hit_rate@5"}
HALF_A_DIGIT = 0.5e-4 + 1e-9


def as_trec(topics):
    """The topics of the golden file as {topic: {document: grade}} and the same with scores."""
    qrels, run = {}, {}
    for topic in topics:
        size = len(topic["y_true"])
        documents = [f"d{size - i:05d}" for i in range(size)]  # descending, as the file has them
        for target, column in ((qrels, "y_true"), (run, "y_pred")):
            target[topic["topic"]] = {document: value for document, value
                                      in zip(documents, topic[column]) if value is not None}
    return qrels, run


def write(path, by_topic, line, shuffle):
    lines = [line.format(topic, document, value) for topic, of_topic in by_topic.items()
             for document, value in of_topic.items()]
    np.random.default_rng(shuffle).shuffle(lines)
    with (gzip.open if path.endswith(".gz") else open)(path, "wt") as file:
        file.write("\n".join(lines) + "\n")
    return path


class Trec(DaemonCase):
    def setUp(self):
        super().setUp()
        self.url = "http://%s:%d" % self.daemon.address
        self.client = ranklossd.Client(self.url)
        self.folder = scratch_directory(self)
        *topics, self.all = golden.cases("tools/trec_eval")
        self.qrels, self.run_ = as_trec(topics)
        self.files = (write(f"{self.folder}/qrels.topics.txt", self.qrels, "{} 0 {} {}", 1),
                      write(f"{self.folder}/run.gz", self.run_, "{} Q0 {} 1 {} tag", 2))

    def check(self, batch):
        report = self.client.evaluate(batch, metrics=list(METRICS.values()))
        for measure, name in METRICS.items():
            self.assertAlmostEqual(report[name].value, self.all["l1"][measure],
                                   delta=HALF_A_DIGIT, msg=measure)
            self.assertEqual(report[name].label, f"{name}(definition=trec_eval)")

    def test_metrics_are_trec_evals_from_files_lines_and_mappings(self):
        with open(self.files[0], encoding="ascii") as file:
            lines = file.readlines()
        for qrels in (self.files[0], lines, self.qrels):
            for run in (self.files[1], self.run_):
                self.check(ranklossd.Batch.from_trec(qrels, run))

    def test_what_was_not_retrieved_counts_and_what_was_not_judged_is_ranked(self):
        qrels = {"t": {"a": 1, "b": 2, "c": 0, "n": -1}}
        run = {"t": {"x": 9, "b": 8, "c": 7, "n": 6}, "not judged": {"a": 1}}
        batch = ranklossd.Batch.from_trec(qrels, run)
        self.assertEqual(batch.list_ids, ["t"])
        np.testing.assert_array_equal(batch.labels, [np.nan, np.nan, 0, 2, 1])  # x n c b a
        np.testing.assert_array_equal(batch.scores, [9, 6, 7, 8, np.nan])
        report = self.client.evaluate(batch, metrics=["recall_at_k@9", "mean_reciprocal_rank"])
        self.assertEqual(list(report.values().values()), [0.5, 0.5])
        counted = self.client.evaluate(batch, metrics="recall_at_k", definition="keras",
                                       unretrieved="count")
        self.assertEqual(counted[0].value, 0.5)

    def test_topics_that_the_run_lacks(self):
        qrels, run = {"1": {"a": 1}, "2": {"a": 1}}, {"2": {"a": 3.0}}
        for complete, value in ((True, 0.5), (False, 1.0)):
            batch = ranklossd.Batch.from_trec(qrels, run, complete=complete)
            self.assertEqual(self.client.metric("hit_rate", batch).value, value)

    def test_parts_merge_to_the_whole(self):
        from ranklossd.partition import evaluate_batch
        batch = ranklossd.Batch.from_trec(self.qrels, self.run_)
        tally = evaluate_batch(batch, self.client, metrics=["ndcg@10", "bpref"], dtype="float64",
                               items_per_request=50)
        self.assertGreater(tally.requests, 5)
        want = self.client.evaluate(batch, metrics=["ndcg@10", "bpref"], dtype="float64",
                                    include=["confidence"])
        for one, whole in zip(tally.report(), want, strict=True):
            self.assertEqual(one.label, whole.label)
            np.testing.assert_allclose(one.value, whole.value, rtol=1e-12)
            np.testing.assert_allclose(one["confidence"]["t"], whole["confidence"]["t"], rtol=1e-9)

    def test_runs_are_compared_over_all_their_documents(self):
        less = {topic: dict(list(found.items())[::2]) for topic, found in self.run_.items()}
        systems = trec.batches(self.qrels, {"all": self.run_, "half": less, "none": {}})
        result = self.client.compare(systems, metrics=["recall_at_k@1000", "ndcg@10"])
        for name, run in (("all", self.run_), ("half", less), ("none", {})):
            alone = self.client.metric("recall_at_k", ranklossd.Batch.from_trec(self.qrels, run),
                                       k=1000)
            self.assertEqual(result["recall_at_k@1000"].value(name), alone.value)
        self.assertEqual(result["ndcg@10"].value("none"), 0)

    def test_bad_lines_are_named(self):
        for lines, words in ((["1 0 a"], "line 1: 4 fields"), (["1 0 a 1", "1 0 a x"], "line 2"),
                             (["1 0 a 1", "", "1 0 a 1"], "line 3: document a comes again")):
            with self.subTest(lines), self.assertRaisesRegex(ValueError, words):
                trec.read_qrels(lines)

    def command(self, *words, status=0):
        done = subprocess.run([sys.executable, "-m", "ranklossd", *words], capture_output=True,
                              text=True, timeout=120, check=False, env=base_environment(
                                  {"PYTHONPATH": os.environ.get("PYTHONPATH", ""),
                                   "RANKLOSSD_URL": self.url}))
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_the_command(self):
        qrels, run = self.files
        said = self.command("evaluate", qrels, "--scores", run, "--metric", "map", status=1)
        self.assertIn("/metrics/0", said)
        said = self.command("evaluate", qrels, "--scores", run, "--metric", "ndcg@10")
        value = float(re.search(r"ndcg@10\S* +(\S+)", said).group(1))
        self.assertAlmostEqual(value, self.all["l1"]["ndcg_cut_10"], delta=HALF_A_DIGIT)
        other = write(f"{self.folder}/other", {"t00": self.run_["t00"]}, "{} Q0 {} 1 {} tag", 3)
        said = self.command("compare", qrels, "--system", run, "--system", other, "--metric",
                            "ndcg@10")
        self.assertRegex(said, r"ndcg@10\S* +other +0\.\d+ +-0\.\d+")


if __name__ == "__main__":
    unittest.main()
