"""Every instruction set and every architecture gives the same bytes: the replies to a fixed set of
requests are compared with a committed table of their hashes (tests/golden/replies.txt).

The requests cover every measure of the catalogue, both dtypes, all reductions, includes and
definitions, masks, weights, ties, and lists from empty to 100,000 items that take every path through
core; and all measures at once, of one system and of three that are compared.
`make golden-replies` writes the table anew; a change of it is a change of results and needs a reason.
"""

import hashlib
import json
import os
import sys
import unittest

from daemon import JSON_TYPE, ROOT, SLOW, WRAPPER, Daemon, instruction_sets

TABLE = os.path.join(ROOT, "tests/golden/replies.txt")
REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none")
LONG = {"long-grades": 100000, "long-clicks": 40000, "long-distinct": 20000}
PRESETS = ("trec_eval", "sklearn", "xgboost")
SURE = {"include": ["per_list", "confidence", "summary"], "resamples": 100, "top_k": 3}


class Random:
    """A 64-bit linear congruential generator: the same requests on every machine and in every Python."""

    def __init__(self, seed):
        self.state = seed * 2862933555777941757 + 3037000493

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (self.state >> 33) % bound

    def score(self):
        """Between -4 and 4, with up to 9 decimals."""
        return (self.below(8 * 10**9) - 4 * 10**9) / 10**9


def label(random, kind, place):
    if "distinct" in kind:
        return place * 7919 % 100003
    if "clicks" in kind:
        return int(random.below(50) == 0)
    if "one" in kind:
        return int(place == 17)
    return (0, 0, 0, 0, 1, 1, 2, 3, 4, None)[random.below(10)]


def score(random, kind):
    return random.below(7) / 2 if "ties" in kind else random.score()


def lengths(random, kind):
    if kind in LONG:
        return [LONG[kind]]
    if kind == "grades":
        return [0, 1, 2, 3] + [random.below(60) for _ in range(30)]
    return [random.below(400) + 20 for _ in range(8)]


def batch(kind, dtype, weights):
    """A batch; every fifth item of the ragged ones is masked."""
    random = Random(sum(kind.encode()) * 31 + len(kind))
    rows = lengths(random, kind)
    labels = [[label(random, kind, place) for place in range(length)] for length in rows]
    scores = [[None if value is None else score(random, kind) for value in row] for row in labels]
    body = {"y_true": labels, "y_pred": scores, "dtype": dtype}
    if kind == "grades":
        mask = [[random.below(5) > 0 for _ in row] for row in labels]
        body["y_true"] = {"labels": labels, "mask": mask}
    if weights == "item":
        body["sample_weight"] = [[random.below(40) / 8 for _ in row] for row in labels]
    if weights == "list":
        body["sample_weight"] = [1 + random.below(40) / 8 for _ in labels]
    return body


def bounded(body):
    """The batch with smaller labels: the gain 2^y - 1 of larger ones is not finite."""
    return {**body, "y_true": [[value % 50 / 4 for value in row] for row in body["y_true"]]}


def loss_requests(measure):
    if measure["name"] == "approx_ndcg":
        for name, body in requests_of_loss(measure):
            yield name, bounded(body) if "distinct" in name else body
    else:
        yield from requests_of_loss(measure)


def requests_of_loss(measure):
    per_list = measure["name"] in ("list_mle", "softmax", "approx_ndcg")
    pairs = "top_pairs" in json.dumps(measure)
    include = ["per_list", "gradient"] + (["top_pairs"] if pairs else [])
    for dtype in ("float32", "float64"):
        for reduction in REDUCTIONS:
            weights = "list" if per_list else "item"
            yield f"grades {dtype} {reduction}", {
                **batch("grades", dtype, weights), "reduction": reduction, "include": include,
                "temperature": 0.7}
        for kind in ("clicks", "one", "ties", "distinct"):
            yield f"{kind} {dtype}", {**batch(kind, dtype, "list"), "include": include}
    for kind in LONG:
        dtype = "float64" if kind == "long-distinct" else "float32"
        yield f"{kind} {dtype}", {**batch(kind, dtype, "none"), "include": include[:2]}
    for kind in ("long-grades", "long-clicks"):
        yield f"{kind} float64", {**batch(kind, "float64", "none"), "include": include[:2]}
    for kind in ("grades", "ties"):
        yield f"{kind} float32 sure", {**batch(kind, "float32", "list"), **SURE}


def metric_requests(measure):
    ks = (None, 3, 20) if "k" in measure["parameters"] else (None,)
    for dtype in ("float32", "float64"):
        for kind in ("grades", "clicks", "one", "ties", "distinct"):
            for k in ks:
                grades = kind != "distinct"
                body = batch(kind, dtype, "item" if grades else "list")
                if not grades:
                    body = bounded(body)
                if k:
                    body["k"] = k
                yield f"{kind} {dtype} k={k}", {**body, "include": ["per_list"]}
    for kind in ("long-grades", "long-clicks"):
        yield f"{kind} float32", batch(kind, "float32", "none")
    yield "long-distinct float64", bounded(batch("long-distinct", "float64", "none"))
    yield "grades float32 sure", {**batch("grades", "float32", "list"), **SURE}
    for name, choice in definitions(measure):
        for kind, dtype in (("grades", "float32"), ("ties", "float64")):
            yield f"{kind} {dtype} {name}", {**batch(kind, dtype, "list"), **choice,
                                             "include": ["per_list"]}


def definitions(measure):
    """(name, parameters): the presets, and each way to rank items of equal score."""
    for preset in PRESETS:
        yield preset, {"definition": preset}
    if "ties" in measure["parameters"]:
        for ties in ("average", "worst", "best"):
            yield f"ties={ties}", {"ties": ties, "unlabelled": "zero", "unretrieved": "count"}


def joint_requests(catalogue):
    """Every measure at once: of one system, and of three that are compared."""
    names = {kind: [measure["name"] for measure in measures] for kind, measures in catalogue.items()}
    for dtype in ("float32", "float64"):
        for kind in ("clicks", "ties"):
            body = {**batch(kind, dtype, "list"), **names}
            yield f"evaluate {kind} {dtype}", "/v1/evaluate", {**body, "include": ["per_list"]}
            random, rows = Random(len(kind)), body.pop("y_pred")
            systems = {name: [[None if value is None else value + step * random.below(3)
                               for value in row] for row in rows]
                       for step, name in enumerate(("first", "second", "third"))}
            yield f"compare {kind} {dtype}", "/v1/compare", {**body, "systems": systems,
                                                             "resamples": 100}


def requests(daemon):
    """(name, path, body) of each request, for what the daemon's catalogue offers."""
    catalogue = {kind: json.loads(daemon.exchange("GET", f"/v1/{kind}").text())[kind]
                 for kind in ("losses", "metrics")}
    for kind, measures in catalogue.items():
        for measure in measures:
            path = f"/v1/{kind}/{measure['name']}"
            cases = loss_requests(measure) if kind == "losses" else metric_requests(measure)
            for name, body in cases:
                yield f"{measure['name']} {name}", path, json.dumps(body).encode()
    for name, path, body in joint_requests(catalogue):
        yield name, path, json.dumps(body).encode()


def hashes(isa, threads):
    """{name of the request: hash of the reply}"""
    found = {}
    with Daemon("--threads", threads, "--access-log", "none", "--request-timeout", "10m",
                env={"RANKLOSSD_ISA": isa} if isa else {}) as daemon:
        with daemon.connect(timeout=300) as wire:
            for name, path, body in requests(daemon):
                reply = wire.exchange("POST", path, JSON_TYPE, body)
                assert reply.status == 200, (name, reply.text()[:300])
                text = reply.text()
                found[name] = hashlib.sha256(text.encode()).hexdigest()[:20]
    return found


def read_table():
    with open(TABLE, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("  ", 1) for line in file if not line.startswith("#")]
    return {name: value for value, name in rows}


class ReplyHashes(unittest.TestCase):
    maxDiff = None

    def check(self, isa, threads):
        want, got = read_table(), hashes(isa, threads)
        self.assertEqual(sorted(want), sorted(got), "run `make golden-replies`")
        different = [name for name in want if want[name] != got[name]]
        self.assertEqual(different, [])

    def test_replies_match_the_table_on_every_instruction_set(self):
        for place, isa in enumerate(instruction_sets()):
            with self.subTest(isa=isa):
                self.check(isa, threads=1 + place)

    @unittest.skipIf(SLOW > 1 and not WRAPPER, "once is enough on a sanitizer's build")
    def test_replies_match_the_table_on_many_threads(self):
        self.check(None, threads=5)


def write_table():
    found = hashes("baseline", 1)
    with open(TABLE, "w", encoding="utf-8") as file:
        file.write("# Hash of the reply, and the request (tests/http/test_reply_hashes.py).\n")
        for name, value in found.items():
            file.write(f"{value}  {name}\n")


if __name__ == "__main__" and "--write" in sys.argv:
    write_table()
