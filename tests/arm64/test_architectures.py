"""The daemon of this machine and the one for aarch64, which an emulator runs, beside each other:
random requests get the same bytes, and no kernel of either fuses a multiplication with an addition.

NATIVE names the daemon of this machine; SEED=N repeats a run.
"""

import json
import os
import re
import subprocess
import time
import unittest

import numpy as np

import oracle
from daemon import BINARY, JSON_TYPE, WRAPPER, Daemon, base_environment

NATIVE = os.environ["NATIVE"]
REQUESTS = 400
LOSSES = ("pairwise_hinge", "pairwise_logistic", "pairwise_soft_zero_one",
          "pairwise_mean_squared_error", "list_mle", "softmax", "approx_ndcg")
BY_LIST = ("list_mle", "softmax", "approx_ndcg")
METRICS = ("dcg", "ndcg", "mean_reciprocal_rank", "mean_average_precision", "precision_at_k",
           "recall_at_k", "hit_rate", "r_precision", "bpref", "auc", "expected_reciprocal_rank",
           "rank_biased_precision")
WITHOUT_K = ("r_precision", "bpref", "auc", "rank_biased_precision")
REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none")


def some(rng, choices):
    """Some of the choices, in their order."""
    return [choice for choice in choices if rng.random() < 0.5]


def random_batch(rng):
    """A batch of up to 40 lists, of up to 5000 items in all, in a shape of its own."""
    length = int(np.exp(rng.uniform(0, np.log(5000))))
    body = oracle.random_body(rng, int(rng.integers(1, 1 + min(5000 // length, 40))), length,
                              grades=int(rng.choice([2, 3, 5, 9])))
    body["dtype"] = str(rng.choice(["float32", "float64"]))
    if rng.random() < 0.4:
        body["y_pred"] = [np.round(row, 1).tolist() for row in body["y_pred"]]
    if rng.random() < 0.3:
        body["y_true"] = {"labels": body["y_true"],
                          "mask": [(rng.random(len(row)) < 0.8).tolist() for row in body["y_pred"]]}
    if rng.random() < 0.4:
        body["sample_weight"] = np.round(rng.uniform(0.1, 3, len(body["y_pred"])), 3).tolist()
    return body


def random_loss(rng):
    loss = str(rng.choice(LOSSES))
    includes = ["per_list", "gradient", "confidence", "summary"] + ["top_pairs"] * (loss not in BY_LIST)
    return f"/v1/losses/{loss}", {
        **random_batch(rng), "include": some(rng, includes), "resamples": 50, "top_k": 3,
        "reduction": str(rng.choice(REDUCTIONS)), "temperature": round(float(rng.uniform(0.1, 4)), 3)}


def random_metric(rng):
    metric = str(rng.choice(METRICS))
    body = {**random_batch(rng), "include": some(rng, ["per_list", "confidence", "summary"]),
            "resamples": 50, "definition": str(rng.choice(["keras", "trec_eval", "sklearn", "xgboost"]))}
    if metric not in WITHOUT_K and rng.random() < 0.5:
        body["k"] = int(rng.integers(1, 30))
    return f"/v1/metrics/{metric}", body


def random_comparison(rng):
    body = {**random_batch(rng), "metrics": list(METRICS[:6]), "losses": list(LOSSES), "resamples": 50}
    scores = body.pop("y_pred")
    body["systems"] = {name: [(np.array(row) + np.round(rng.normal(0, 1, len(row)), 3)).tolist()
                              for row in scores] for name in ("first", "second")}
    return "/v1/compare", body


def requests(seed):
    """(path, body as bytes)"""
    rng = np.random.default_rng(seed)
    for _ in range(REQUESTS):
        kind = rng.choice([random_loss, random_metric, random_comparison], p=[0.5, 0.4, 0.1])
        path, body = kind(rng)
        yield path, json.dumps(body).encode()


def native_isas():
    """The instruction sets of this machine that the native daemon has kernels for."""
    return [isa for isa in ("baseline", "avx2", "avx512")
            if subprocess.run([NATIVE, "--version"], env=base_environment({"RANKLOSSD_ISA": isa}),
                              capture_output=True, check=False).returncode == 0]


def replies(bodies, binary, wrapper, isa):
    with Daemon("--access-log", "none", binary=binary, wrapper=wrapper,
                env={"RANKLOSSD_ISA": isa}) as daemon:
        with daemon.connect(timeout=120) as wire:
            found = [wire.exchange("POST", path, JSON_TYPE, body) for path, body in bodies]
    for (path, body), reply in zip(bodies, found):
        assert reply.status == 200, (path, body[:300], reply.text()[:300])
    return [reply.text() for reply in found]


def code(binary):
    """What the disassembler says of a program, for the architecture that it names."""
    with open(binary, "rb") as file:
        machine = int.from_bytes(file.read(20)[18:], "little")
    prefix = {62: "x86_64", 183: "aarch64"}[machine]
    done = subprocess.run([f"{prefix}-linux-gnu-objdump", "-d", "--no-show-raw-insn", binary],
                          capture_output=True, text=True, check=True)
    return prefix, done.stdout


class Architectures(unittest.TestCase):
    def test_random_requests_get_the_same_bytes(self):
        seed = int(os.environ.get("SEED", time.time_ns() % 1_000_000_007))
        isas = native_isas()
        print(f"note: seed {seed}; {REQUESTS} requests; aarch64 beside {', '.join(isas)}")
        self.assertIn("baseline", isas)
        bodies = list(requests(seed))
        emulated = replies(bodies, BINARY, WRAPPER, "baseline")
        for isa in isas:
            native = replies(bodies, NATIVE, [], isa)
            for place, (path, body) in enumerate(bodies):
                self.assertEqual(emulated[place], native[place],
                                 f"SEED={seed}, request {place}, {path} on {isa}: {body[:300]}")

    def test_nothing_is_fused(self):
        """Some instructions that must be there show that the code was read at all."""
        words = {"x86_64": (r"\svfn?m(add|sub)\w*\s", r"\svmulpd\s.*%zmm"),
                 "aarch64": (r"\s(fml[as]l?2?|fn?m(add|sub))\s", r"\sfmul\sv\d+\.2d")}
        for binary, expected in ((BINARY, "aarch64"), (NATIVE, "x86_64")):
            architecture, text = code(binary)
            self.assertEqual(architecture, expected)
            fused, multiplied = words[architecture]
            self.assertRegex(text, multiplied)
            self.assertEqual(re.findall(fused, text), [], architecture)


if __name__ == "__main__":
    unittest.main()
