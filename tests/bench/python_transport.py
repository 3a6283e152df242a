"""Measures the Python client from numpy arrays to a result: binary tensors against JSON.

    make bench-python [ARGS="--lists 1000 --items 100 --rounds 60"]

JSON is what a script without the package would do: json.dumps of tolist(), and urllib, each with a
connection of its own; "kept" is the package's own JSON, over a kept connection. The daemon answers
pairwise_hinge of float32 scores and int8 labels. The ways take turns, so that the noise of a shared
machine meets all; medians and least times.
"""

import argparse
import json
import os
import statistics
import sys
import time
import urllib.request

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests/lib"), os.path.join(ROOT, "clients/python/src")]

import ranklossd  # noqa: E402
from daemon import Daemon  # noqa: E402


def ways(url, labels, scores):
    """name -> a function that gives the loss."""
    binary, kept = ranklossd.Client(url), ranklossd.Client(url, transport="json")

    def standard_library():
        body = json.dumps({"y_true": labels.tolist(), "y_pred": scores.tolist()}).encode()
        request = urllib.request.Request(url + "/v1/losses/pairwise_hinge", body,
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)["loss"]
    return {"JSON, standard library": standard_library,
            "JSON, kept": lambda: kept.loss("pairwise_hinge", labels, scores).value,
            "binary": lambda: binary.loss("pairwise_hinge", labels, scores).value}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lists", type=int, default=1000)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    shape = options.lists, options.items
    labels = rng.integers(0, 5, shape, dtype=np.int8)
    scores = rng.standard_normal(shape, dtype=np.float32)
    with Daemon("--access-log", "none") as daemon:
        asked = ways("http://%s:%d" % daemon.address, labels, scores)
        values = {name: ask() for name, ask in asked.items()}
        spent = {name: [] for name in asked}
        for _ in range(options.rounds):
            for name, ask in asked.items():
                start = time.perf_counter()
                assert ask() == values[name]
                spent[name].append(time.perf_counter() - start)
    assert len(set(values.values())) == 1, values
    first = spent["JSON, standard library"]
    print(f"{options.lists} lists of {options.items}, {options.rounds} rounds, "
          f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| from arrays to the loss | median ms | least ms | times as fast (median, least) |")
    print("|---|---:|---:|---:|")
    for name, times in spent.items():
        print(f"| {name} | {1e3 * statistics.median(times):.2f} | {1e3 * min(times):.2f} "
              f"| {statistics.median(first) / statistics.median(times):.1f}, "
              f"{min(first) / min(times):.1f} |")


if __name__ == "__main__":
    main()
