"""Measures ranklossd.dask end to end on this machine: items a second, and where the time goes.

    make bench-dask [ARGS="--lists 1000000 --items 100 --workers 1,2 --replicas 1,2"]

Partitions are generated on the workers, so that no file is read. For each number of worker processes
and of daemons it prints the items per second of the whole and the seconds spent to

  generate   make a partition's labels and scores
  write      turn arrays into a request
  daemon     read, compute and answer (the daemons' own request durations)
  network    wait for the reply beyond that: sockets, scheduling, waits for a free core
  read       turn a reply into a tally

summed over the workers. The rest of workers x seconds is Dask's and idle time.
"""

import argparse
import os
import sys
import time

import dask

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests/lib"), os.path.join(ROOT, "clients/python/src")]

from daemon import Daemon  # noqa: E402
from distributed import Client as ClusterClient  # noqa: E402
from distributed import LocalCluster  # noqa: E402

EVALUATIONS = {"losses": ["pairwise_hinge"], "metrics": ["ndcg@10", "mean_reciprocal_rank"]}


def make_task(urls, lists, items):
    """The work on one partition, as a local function: it travels to the workers by value."""
    def task(seed):
        import time as clock
        from dataclasses import replace

        import numpy
        from ranklossd import Batch
        from ranklossd.partition import evaluate_partition
        start = clock.perf_counter()
        rng = numpy.random.default_rng(seed)
        labels = rng.integers(0, 5, (lists, items)).astype(numpy.int8)
        scores = rng.standard_normal((lists, items), dtype=numpy.float32)
        batch = Batch.of(labels, scores)
        made = clock.perf_counter() - start
        tally = evaluate_partition(batch, urls, **EVALUATIONS)
        return replace(tally, seconds={**tally.seconds, "generate": made})
    return task


def tree(parts, width=8):
    from ranklossd.tally import merge
    while len(parts) > 1:
        parts = [dask.delayed(merge)(parts[at:at + width]) for at in range(0, len(parts), width)]
    return parts[0]


def served_seconds(daemons):
    return sum(daemon.settled_metrics().value("http_request_duration_seconds_sum",
                                              handler="/v1/evaluate") for daemon in daemons)


def measure(workers, replicas, options):
    daemons = [Daemon("--access-log", "none") for _ in range(replicas)]
    urls = ["http://%s:%d" % daemon.address for daemon in daemons]
    os.environ["PYTHONPATH"] = os.path.join(ROOT, "clients/python/src")
    try:
        with LocalCluster(n_workers=workers, threads_per_worker=1, processes=True,
                          dashboard_address=None) as cluster, ClusterClient(cluster) as engine:
            engine.run(lambda: __import__("ranklossd.partition"))
            lists = options.partition_items // options.items
            task = dask.delayed(make_task(urls, lists, options.items))
            parts = [task(seed) for seed in range(-(-options.lists // lists))]
            before, start = served_seconds(daemons), time.perf_counter()
            tally = tree(parts).compute()
            seconds = time.perf_counter() - start
            inside = served_seconds(daemons) - before
    finally:
        for daemon in daemons:
            daemon.kill()
    return tally, seconds, inside


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lists", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--partition-items", type=int, default=1_000_000)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--replicas", default="1,2")
    options = parser.parse_args()
    print(f"{options.lists:,} lists of {options.items} items, partitions of "
          f"{options.partition_items:,} items, {os.cpu_count()} cores")
    print("workers replicas  seconds   items/s  generate  write  daemon network   read  (s, summed)")
    values = set()
    for workers in map(int, options.workers.split(",")):
        for replicas in map(int, options.replicas.split(",")):
            tally, seconds, inside = measure(workers, replicas, options)
            spent = tally.seconds
            print(f"{workers:7d} {replicas:8d} {seconds:8.1f} {tally.totals['items'] / seconds:9,.0f}"
                  f" {spent['generate']:9.1f} {spent['write']:6.1f} {inside:7.1f}"
                  f" {spent['wait'] - inside:7.1f} {spent['read']:6.1f}", flush=True)
            values.add(tuple(round(one.value, 9) for one in tally.report()))
    if len(values) != 1:
        raise SystemExit(f"the results differ: {values}")
    print("the same results in every row:",
          ", ".join(f"{one.label} {one.value:.6f}" for one in tally.report()))


if __name__ == "__main__":
    main()
