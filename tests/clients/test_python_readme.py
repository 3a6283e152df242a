"""Every block of Python in the documents that have some runs as it is written."""

import contextlib
import io
import os
import re
import unittest

import numpy as np
import pandas
import ranklossd
from daemon import ROOT, DaemonCase

DOCUMENTS = ("README.md", "clients/python/README.md", "docs/bulk.md")

# Blocks that this file does not run, by a line in them: where they are run, or why nowhere.
ELSEWHERE = {
    "from ranklossd.dask import evaluate": "tests/dask/test_dask.py",
    "import tritonclient": "not in Debian; test_oip_bytes.py has what it sends",
    ".mapInPandas(": "Spark is not in Debian; what it maps is tested in test_python_merge.py",
    ".map_batches(": "Ray is not in Debian; what it maps is tested in test_python_merge.py",
}


def blocks():
    """(document, code) of each block."""
    for name in DOCUMENTS:
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            for code in re.findall(r"```python\n(.*?)```", file.read(), re.S):
                yield name, code


def given():
    """The variables that the documents take for granted: two lists of three items."""
    labels, scores = [[1, 0, 2], [0, 3, 1]], [[0.2, 0.9, 0.4], [1.5, 0.3, 0.1]]
    flat = {"labels": np.ravel(labels), "scores": np.ravel(scores)}
    qid = np.repeat(["q1", "q2"], 3)
    frame = pandas.DataFrame({"qid": qid, "label": flat["labels"], "score": flat["scores"],
                              "weight": np.repeat([1.0, 2.0], 3)})
    return {
        "labels": labels, "scores": scores, "weights": [1.0, 2.0],
        "labels_1": labels[0], "labels_2": labels[1], "scores_1": scores, "scores_2": labels,
        "lengths": [3, 3], "qid": qid, "frame": frame,
        "qrels": {"q1": {"a": 1, "b": 0}}, "run": {"q1": {"a": 0.5}},
        "batch": ranklossd.Batch.of(labels, scores), "y_true": labels, "y_pred": scores,
        "sample_weight": 2.0, "mask": [[True, True, False], [True, True, True]]}, flat


class Blocks(DaemonCase):
    def run_block(self, code):
        url = "http://%s:%d" % self.daemon.address
        names, flat = given()
        if "from_lengths" in code:  # of flat arrays, and of the arrays of each list
            names |= flat | {"scores_1": names["scores"][0], "scores_2": names["scores"][1],
                             "client": ranklossd.Client(url), "ranklossd": ranklossd}
        elif "import ranklossd" not in code:
            names |= {"client": ranklossd.Client(url), "ranklossd": ranklossd}
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(code.replace("http://127.0.0.1:8080", url), "README", "exec"), names)
        return names, said.getvalue()

    def test_every_block(self):
        os.environ["RANKLOSSD_URL"] = "http://%s:%d" % self.daemon.address  # the default client's
        self.addCleanup(os.environ.pop, "RANKLOSSD_URL")
        done = {}
        for document, code in blocks():
            if any(line in code for line in ELSEWHERE):
                continue
            with self.subTest(document, code=code):
                done[document, code] = self.run_block(code)
        self.assertEqual(len(done), 8)

        def of(document, line):
            """The names and the output of the one block of a document with this text in it."""
            found = [came for (place, code), came in done.items()
                     if place == document and line in code]
            self.assertEqual(len(found), 1, line)
            return found[0]
        package = "clients/python/README.md"
        self.assertEqual(of("README.md", "urllib")[0]["gradient"].shape, (2, 3))
        self.assertIn("ndcg@10", of("README.md", "import ranklossd")[1])
        self.assertEqual([one.label for one in of(package, "import ranklossd\n")[0]["report"]],
                         ["pairwise_hinge", "list_mle(temperature=0.5)", "ndcg@10",
                          "mean_reciprocal_rank"])
        self.assertIn("Batch", of(package, "from_lengths")[0])
        compared = of(package, "client.compare")[0]["result"]
        self.assertEqual(compared["ndcg@10"].differences[0].system, "new")
        self.assertAlmostEqual(of(package, "PairwiseHingeLoss")[0]["metric"].result(),
                               value_of_masked_batch(self), places=6)
        said, promised = of("docs/bulk.md", "urllib")[1], "4 [0.75, 0.0, 4.75, 0.0, 2.5]"
        self.assertEqual(said.strip(), promised)
        self.assertTrue(any("# " + promised in code for _, code in blocks()))
        self.assertGreater(float(of("docs/bulk.md", "import ranklossd")[1]), 0)

    def test_every_other_block_is_there(self):
        text = "".join(code for _, code in blocks())
        for line in ELSEWHERE:
            self.assertIn(line, text)


def value_of_masked_batch(case):
    names, _ = given()
    client = ranklossd.Client("http://%s:%d" % case.daemon.address)
    return client.metric("ndcg", {"labels": names["y_true"], "mask": names["mask"]},
                         names["y_pred"], k=10).value


if __name__ == "__main__":
    unittest.main()
