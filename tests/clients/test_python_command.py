"""python -m ranklossd evaluate: every format of file gives what one request gives."""

import gzip
import json
import os
import pty
import random
import subprocess
import sys
import unittest

import numpy as np
import ranklossd
from daemon import Daemon, base_environment, scratch_directory
from ranklossd import files

MEASURES = ["--metric", "ndcg@5", "--metric", "mean_average_precision", "--loss", "pairwise_hinge"]


def ranked(*words, status=0, **options):
    done = subprocess.run([sys.executable, "-m", "ranklossd", *map(str, words)], timeout=120,
                          capture_output=True, text=True, check=False, env=base_environment(
                              {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}), **options)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


class Formats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemons = [Daemon() for _ in range(2)]
        for daemon in cls.daemons:
            cls.addClassCleanup(daemon.stop)
        cls.urls = ["http://%s:%d" % daemon.address for daemon in cls.daemons]
        cls.folder = scratch_directory(cls)
        rng = random.Random(6)
        cls.rows = [{"id": f"q{i}", "labels": [rng.randrange(4) for _ in range(n)],
                     "scores": [rng.randrange(999) / 64 for _ in range(n)]}
                    for i, n in enumerate(rng.randrange(1, 30) for _ in range(200))]
        cls.whole = ranklossd.Client(cls.urls[0]).evaluate(
            ranklossd.Batch.from_rows(cls.rows), losses="pairwise_hinge", dtype="float64",
            metrics=["ndcg@5", "mean_average_precision"])

    def file(self, name, text):
        path = f"{self.folder}/{name}"
        with (gzip.open(path, "wt") if name.endswith(".gz") else open(path, "w")) as file:
            file.write(text)
        return path

    def items(self):
        for row in self.rows:
            for label, score in zip(row["labels"], row["scores"]):
                yield row["id"], label, score

    def check(self, path, *words):
        urls = [word for url in self.urls for word in ("--url", url)]
        said = json.loads(ranked("evaluate", path, "--json", *MEASURES, *urls, *words).stdout)
        for got, want in zip(said["results"], self.whole, strict=True):
            np.testing.assert_allclose(got[want.kind], want.value, rtol=1e-11)
            self.assertEqual(got["label"], want.label)
            low, high = got["confidence"]["t"]
            self.assertTrue(low < got[want.kind] < high)
        self.assertEqual(said["totals"], self.whole.totals)

    def test_json_lines_plain_and_gzipped(self):
        text = "\n".join(json.dumps(row) for row in self.rows) + "\n"
        self.check(self.file("data.jsonl", text))
        self.check(self.file("data.jsonl.gz", text))

    def test_csv_with_names_of_its_own_and_tabs(self):
        lines = [f"{ident},{label},{score}" for ident, label, score in self.items()]
        self.check(self.file("data.csv", "\n".join(["qid,label,score", *lines]) + "\n"))
        renamed = [f"{score}\t\t{ident}\t{label}" for ident, label, score in self.items()]
        self.check(self.file("data.tsv", "\n".join(["s\tspare\tq\ty", *renamed])),
                   "--by", "q", "--label", "y", "--score", "s")

    def test_svmlight_with_scores_of_a_model(self):
        data = [f"{label} qid:{ident[1:]} 1:0.5 7:2 # text" for ident, label, _ in self.items()]
        scores = [str(score) for _, _, score in self.items()]
        path = self.file("data.svm", "\n".join(["# comment", *data]) + "\n")
        self.check(path, "--scores", self.file("scores", "\n".join(scores) + "\n"))
        for relation, wrong in (("fewer", scores[:-1]), ("more", scores + ["1"])):
            other = self.file(relation, "\n".join(wrong) + "\n")
            said = ranked("evaluate", path, *MEASURES, "--scores", other, "--url", self.urls[0],
                          status=1).stderr
            self.assertRegex(said, f"has {relation} lines than")

    def test_npz_by_ids_and_by_lengths(self):
        ids, labels, scores = map(np.array, zip(*self.items()))
        np.savez(f"{self.folder}/ids.npz", qid=ids, label=labels, score=scores)
        self.check(f"{self.folder}/ids.npz")
        np.savez(f"{self.folder}/lengths.npz", label=labels, score=scores,
                 lengths=[len(row["labels"]) for row in self.rows])
        self.check(f"{self.folder}/lengths.npz")

    def test_parquet(self):
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            said = ranked("evaluate", self.file("data.parquet", ""), *MEASURES, status=1).stderr
            self.assertIn("needs the package pyarrow", said)
            self.skipTest("Debian 12 has no pyarrow: only the message was tested")
        ids, labels, scores = zip(*self.items())
        pyarrow.parquet.write_table(pyarrow.table({"qid": ids, "label": labels, "score": scores}),
                                    f"{self.folder}/table.parquet")
        self.check(f"{self.folder}/table.parquet")

    def test_small_parts_are_whole_lists(self):
        text = "qid,label,score\n" + "".join(f"{i},{y},{s}\n" for i, y, s in self.items())
        parts = list(files.read(self.file("parts.csv", text), items=100))
        self.assertGreater(len(parts), 10)
        self.assertEqual([name for part in parts for name in part.list_ids],
                         [row["id"] for row in self.rows])
        self.assertEqual([n for part in parts for n in part.lengths.tolist()],
                         [len(row["labels"]) for row in self.rows])

    def test_quoted_fields_and_what_spreadsheets_write(self):
        text = "\ufeff" + "".join(f'"{a}";"{b}";{c};{d}\r\n' for a, b, c, d in [
            ("query; id", "a ""note""", "label", "score"),
            *(("list, " + i, "two\nlines; \"\"quoted\"\"", y, s) for i, y, s in self.items())])
        self.check(self.file("excel.csv", text), "--by", "query; id")
        bad = self.file("bad.csv", 'qid,label,score\n"1\n2",1,1\n3,x,1\n')
        said = ranked("evaluate", bad, *MEASURES, "--url", self.urls[0], status=1).stderr
        self.assertIn("line 4", said)

    def test_members_of_json_lines_by_other_names(self):
        rows = [{"q": row["id"], "y": row["labels"], "s": row["scores"], "t": row["scores"][::-1]}
                for row in self.rows]
        path = self.file("names.jsonl", "\n".join(map(json.dumps, rows)))
        self.check(path, "--label", "y", "--score", "s", "--by", "q")
        said = ranked("compare", path, "--label", "y", "--system", "s", "--system", "t",
                      "--metric", "ndcg@5", "--url", self.urls[0]).stdout
        self.assertRegex(said, r"ndcg@5 +t +0\.\d+ +-?0\.\d+")
        said = ranked("evaluate", path, "--metric", "ndcg", "--score", "s", status=1).stderr
        self.assertIn("line 1: no member 'labels'", said)

    def test_empty_cells_are_not_labelled(self):
        path = self.file("nulls.csv", "qid,label,score\n1,,\n1,1,0.5\n1,0,0.25\n")
        batch, = files.read(path)
        self.assertTrue(np.isnan(batch.labels[0]) and np.isnan(batch.scores[0]))
        said = ranked("evaluate", path, *MEASURES, "--json", "--url", self.urls[0]).stdout
        self.assertEqual(json.loads(said)["totals"], {"lists": 1, "items": 3, "valid_items": 2})

    def test_whose_definition(self):
        path = self.file("definition.jsonl", "\n".join(map(json.dumps, self.rows)))
        want = ranklossd.Client(self.urls[0]).evaluate(
            ranklossd.Batch.from_rows(self.rows), metrics=["ndcg@5"], definition="sklearn",
            dtype="float64")
        said = json.loads(ranked("evaluate", path, "--json", "--metric", "ndcg@5", "--definition",
                                 "sklearn", "--url", self.urls[0]).stdout)["results"]
        self.assertEqual([one["label"] for one in said], ["ndcg@5(definition=sklearn)"])
        np.testing.assert_allclose(said[0]["metric"], want[0].value, rtol=1e-11)
        self.assertNotAlmostEqual(want[0].value, self.whole["ndcg@5"].value, delta=1e-4)

    def test_the_table(self):
        path = self.file("table.jsonl", json.dumps(self.rows[0]) + "\n" + json.dumps(self.rows[1]))
        said = ranked("evaluate", path, *MEASURES, "--level", "0.9", "--url", self.urls[0]).stdout
        lines = said.splitlines()
        self.assertEqual(lines[0].split(), ["evaluation", "value", "low", "high"])
        self.assertEqual([line.split()[0] for line in lines[2:5]],
                         ["pairwise_hinge", "ndcg@5", "mean_average_precision"])
        self.assertIn("2 lists", said)
        self.assertIn("90% t interval", said)

    def test_what_is_wrong_is_named_with_its_line(self):
        cases = [("a.csv", "qid,label,score\n1,1,0.5\n2,0,x\n", "line 3"),
                 ("b.csv", "qid,label,score\n1,1,1\n2,1,1\n1,0,1\n", "line 4: list 1 comes again"),
                 ("c.csv", "qid,score\n", "no column 'label'"),
                 ("d.jsonl", '{"labels": [1], "scores": [1]}\n{"labels": [1]}\n', "line 2"),
                 ("e.jsonl", '{"labels": [1, 0], "scores": [1]}\n', "line 1"),
                 ("f.csv", "qid,label,score\n", "holds no list"),
                 ("g.what", "", "unknown format 'what'"),
                 ("h.svm", "1 qid:1 1:2\n", "need a file of scores")]
        for name, text, words in cases:
            with self.subTest(name):
                said = ranked("evaluate", self.file(name, text), *MEASURES, "--url", self.urls[0],
                              status=1)
                self.assertIn(words, said.stderr)
                self.assertNotIn("Traceback", said.stderr)
                self.assertEqual(said.stdout, "")

    def test_the_daemons_words_and_a_wrong_command_line(self):
        path = self.file("fine.jsonl", json.dumps(self.rows[0]))
        said = ranked("evaluate", path, "--metric", "nothing", "--url", self.urls[0], status=1)
        self.assertIn("/metrics/0", said.stderr)
        ranked("evaluate", path, "--url", self.urls[0], status=2)
        ranked("evaluate", path, *MEASURES, "--level", "95", status=2)
        ranked("evaluate", f"{self.folder}/absent.jsonl", *MEASURES, status=1)

    def test_a_bar_on_a_terminal_and_nothing_else_on_standard_output(self):
        path = f"{self.folder}/many.jsonl"
        with open(path, "w", encoding="ascii") as file:
            for _ in range(500):  # more than half a second's work: the bar is not drawn for less
                file.writelines(json.dumps(row) + "\n" for row in self.rows)
        outer, inner = pty.openpty()
        done = subprocess.Popen([sys.executable, "-m", "ranklossd", "evaluate", path, *MEASURES,
                                 "--url", self.urls[0]], stderr=inner, stdout=subprocess.PIPE,
                                env=base_environment({"PYTHONPATH": os.environ["PYTHONPATH"]}))
        os.close(inner)
        seen = b""
        while True:
            try:
                chunk = os.read(outer, 4096)
            except OSError:  # the end of a terminal
                break
            seen += chunk
            if not chunk:
                break
        os.close(outer)
        output, _ = done.communicate(timeout=60)
        self.assertEqual(done.returncode, 0, seen)
        self.assertRegex(seen.decode(), r"\[#+ *\] +\d+% read, [\d,]+ items evaluated")
        self.assertTrue(output.startswith(b"evaluation"))


if __name__ == "__main__":
    unittest.main()
