#!/usr/bin/python3
"""Evaluates a data set over several replicas of ranklossd, and merges their totals.

    evaluate_dataset.py --url http://a:8080 --url http://b:8080 [--loss NAME]... DATA.jsonl

DATA holds one ranking list a line: {"labels": […], "scores": […]}, and on every line or on none a
"mask" (a list) and a "weight" (a number, or one for each item). The lists are cut into parts of
about --items items, and each part goes to whichever replica is free. A loss of a part is a sum over
its lists, so the parts' totals add up to the whole's: counts exactly, sums without any rounding
between parts (math.fsum). A replica that cannot be reached is given up, and its part goes to
another. In Spark, Ray or Dask the same job is: map `evaluate` over partitions, reduce with `merge`.
"""

import argparse
import collections
import concurrent.futures
import http.client
import json
import math
import os
import queue
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../python"))
from ranklossd_client import Client, Problem  # noqa: E402  (the folder beside this one)

LOSSES = ["pairwise_hinge", "pairwise_logistic", "pairwise_soft_zero_one",
          "pairwise_mean_squared_error", "list_mle"]
COUNTS = ("lists", "items", "valid_items", "pairs", "values")
SUMS = ("loss_sum", "weight_sum")


def read_parts(path, items):
    """The data set in parts of about `items` items, in the order of the file."""
    part, size = [], 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            part.append(json.loads(line))
            size += len(part[-1]["scores"])
            if size >= items:
                yield part
                part, size = [], 0
    if part:
        yield part


def batch(part):
    """A part as the members of a request."""
    labels = [row["labels"] for row in part]
    body = {"y_true": labels, "y_pred": [row["scores"] for row in part]}
    if "mask" in part[0]:
        body["y_true"] = {"labels": labels, "mask": [row["mask"] for row in part]}
    if "weight" in part[0]:
        body["sample_weight"] = [row["weight"] for row in part]
    return body


def evaluate(client, part, losses, dtype="float64", temperature=1.0):
    """The totals of each loss over one part: {loss: totals}."""
    reply = client.post("/v1/evaluate", {**batch(part), "losses": losses, "dtype": dtype,
                                         "temperature": temperature, "reduction": "sum"})
    return {loss: entry["totals"] for loss, entry in zip(losses, reply["results"])}


def merge(totals):
    """The totals of many parts, for one loss, as those of the whole."""
    return {**{name: sum(part[name] for part in totals) for name in COUNTS},
            **{name: math.fsum(part[name] for part in totals) for name in SUMS}}


class Replicas:
    """The replicas that answer; each serves one part at a time. For any number of threads."""

    def __init__(self, urls):
        self.free, self.lock = queue.Queue(), threading.Lock()
        self.alive, self.served = len(urls), dict.fromkeys(urls, 0)
        for url in urls:
            self.free.put(Client(url, attempts=2))

    def evaluate(self, part, losses, **how):
        while True:
            client = self.free.get()
            if client is None:
                self.free.put(None)  # for whoever else is waiting
                raise ConnectionError("no replica is left")
            try:
                totals = evaluate(client, part, losses, **how)
            except (Problem, OSError, http.client.HTTPException) as error:
                if isinstance(error, Problem) and error.status in (400, 401, 413, 422):
                    self.free.put(client)
                    raise  # no other replica would like these data better
                self._give_up(client, error)
                continue
            self.served[client.url] += 1
            self.free.put(client)
            return totals

    def _give_up(self, client, error):
        print(f"{client.url} is given up: {error}", file=sys.stderr)
        client.close()
        with self.lock:
            self.alive -= 1
            if not self.alive:
                self.free.put(None)


def run(urls, parts, losses, **how):
    """Evaluates every part and merges: ({loss: totals}, {url: parts served})."""
    replicas, done, waiting = Replicas(urls), [], collections.deque()
    with concurrent.futures.ThreadPoolExecutor(len(urls)) as pool:
        for part in parts:
            waiting.append(pool.submit(replicas.evaluate, part, losses, **how))
            if len(waiting) > 2 * len(urls):  # no more of the file in memory than is needed
                done.append(waiting.popleft().result())
        done += [future.result() for future in waiting]
    return {loss: merge([totals[loss] for totals in done]) for loss in losses}, replicas.served


def means(totals):
    """The reductions that follow from merged totals."""
    def ratio(divisor):
        return totals["loss_sum"] / totals[divisor] if totals[divisor] else 0.0
    return {"sum": totals["loss_sum"], "sum_over_batch_size": ratio("values"),
            "mean_with_sample_weight": ratio("weight_sum"), "per_pair": ratio("pairs")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", metavar="DATA.jsonl")
    parser.add_argument("--url", action="append", required=True, help="a replica; repeat it")
    parser.add_argument("--loss", action="append", choices=LOSSES, help="default: pairwise_hinge")
    parser.add_argument("--items", type=int, default=100_000, help="items of one part")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--dtype", default="float64", choices=["float32", "float64"])
    options = parser.parse_args()
    totals, served = run(options.url, read_parts(options.data, options.items),
                         options.loss or ["pairwise_hinge"], dtype=options.dtype,
                         temperature=options.temperature)
    json.dump({"losses": {loss: {**means(merged), "totals": merged}
                          for loss, merged in totals.items()}, "parts": served},
              sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
