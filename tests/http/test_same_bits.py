"""A reply has the same bytes on every instruction set and every number of threads."""

import json
import unittest

import numpy as np

import golden
import oracle
from daemon import SLOW, Daemon, JSON_TYPE, instruction_sets, run_once

LOSSES = ("pairwise_hinge", "pairwise_logistic", "pairwise_soft_zero_one",
          "pairwise_mean_squared_error", "list_mle", "softmax", "approx_ndcg")


METRICS = ("dcg", "ndcg", "mean_reciprocal_rank", "mean_average_precision", "precision_at_k",
           "recall_at_k", "hit_rate", "r_precision", "bpref", "auc", "expected_reciprocal_rank",
           "rank_biased_precision")
DEFINITIONS = ({"definition": "trec_eval"}, {"definition": "sklearn"}, {"definition": "xgboost"},
               {"ties": "worst", "unlabelled": "zero", "discount": "reciprocal"})


def definition_requests(rng):
    """All metrics under other definitions, with ties, and lists long enough to be split inside."""
    for members in DEFINITIONS:
        for count, length, dtype in ((100, 60, "float64"), (1, 150000 // SLOW, "float32")):
            body = oracle.random_body(rng, count, length, dtype=dtype, metrics=list(METRICS),
                                      include=["per_list"], k=50, **members)
            body["y_pred"] = [np.round(row, 1).tolist() for row in body["y_pred"]]
            yield "/v1/evaluate", body


def requests():
    """(path, body): golden vectors, random batches, and lists long enough to be split inside."""
    rng = np.random.default_rng(29)
    found = [(case["path"], case["body"]) for name in ("losses", "metrics", "losses_long_lists")
             for case in golden.cases(name)][::1 if SLOW == 1 else 7]
    for count, length, dtype in ((40, 60, "float32"), (200, 90, "float64"), (3, 5000, "float32"),
                                 (1, 40000 // SLOW, "float64"), (1, 150000 // SLOW, "float32")):
        for loss in LOSSES:
            include = ["gradient", "per_list"] + (["top_pairs"] if loss.startswith("pairwise")
                                                  and length <= 1000 else [])
            body = oracle.random_body(rng, count, length, dtype=dtype, include=include,
                                      reduction="none" if count > 1 else "sum")
            found.append((f"/v1/losses/{loss}", body))
    found += definition_requests(rng)
    return [(path, json.dumps(body).encode()) for path, body in found]


class SameBits(unittest.TestCase):
    def replies(self, bodies, threads, isa):
        env = {"RANKLOSSD_ISA": isa} if isa else {}
        with Daemon("--threads", threads, "--access-log", "none", env=env) as daemon:
            with daemon.connect(timeout=60) as wire:
                replies = [wire.exchange("POST", path, JSON_TYPE, body) for path, body in bodies]
        self.assertEqual({reply.status for reply in replies}, {200})
        return [reply.text() for reply in replies]

    def test_same_bits(self):
        bodies = requests()
        isas = instruction_sets()
        print(f"instruction sets of this machine: {isas}")
        self.assertIn("baseline", isas)
        want = self.replies(bodies, 1, "baseline")
        for threads, isa in [(5, "baseline")] + [(t, i) for i in isas[1:] for t in (1, 2, 7)]:
            got = self.replies(bodies, threads, isa)
            for (path, _), one, other in zip(bodies, want, got):
                self.assertEqual(one, other, f"{path} on {isa} with {threads} threads")

    def test_an_unknown_instruction_set_stops_the_start(self):
        done = run_once("--listen", "127.0.0.1:0", env={"RANKLOSSD_ISA": "mmx"})
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("mmx", done.stderr)
