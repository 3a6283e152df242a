"""A reply has the same bytes on every instruction set and every number of threads."""

import json
import unittest

import numpy as np

import golden
import oracle
from daemon import SLOW, Daemon, JSON_TYPE, run_once

LOSSES = ("pairwise_hinge", "pairwise_logistic", "pairwise_soft_zero_one",
          "pairwise_mean_squared_error", "list_mle", "softmax")


def requests():
    """(path, body): golden vectors, random batches, and lists long enough to be split inside."""
    rng = np.random.default_rng(29)
    found = [(case["path"], case["body"]) for name in ("losses", "metrics", "losses_long_lists")
             for case in golden.cases(name)][::1 if SLOW == 1 else 7]
    for count, length, dtype in ((40, 60, "float32"), (200, 90, "float64"), (3, 5000, "float32"),
                                 (1, 40000 // SLOW, "float64"), (1, 150000 // SLOW, "float32")):
        for loss in LOSSES:
            include = ["gradient", "per_list"] + ([] if loss in ("list_mle", "softmax") or length > 1000
                                                  else ["top_pairs"])
            body = oracle.random_body(rng, count, length, dtype=dtype, include=include,
                                      reduction="none" if count > 1 else "sum")
            found.append((f"/v1/losses/{loss}", body))
    return [(path, json.dumps(body).encode()) for path, body in found]


class SameBits(unittest.TestCase):
    def replies(self, bodies, threads, isa):
        env = {"RANKLOSSD_ISA": isa} if isa else {}
        with Daemon("--threads", threads, "--access-log", "none", env=env) as daemon:
            with daemon.connect(timeout=60) as wire:
                return [wire.exchange("POST", path, JSON_TYPE, body).text()
                        for path, body in bodies]

    def test_same_bits(self):
        bodies = requests()
        isas = [isa for isa in ("baseline", "avx2", "avx512")
                if run_once("--version", env={"RANKLOSSD_ISA": isa}).returncode == 0]
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
