"""Measures ranklossd.dask end to end on this machine: items a second, and where the time goes.

    make bench-dask [ARGS="--lists 1000000 --items 100 --workers 1,2 --replicas 1,2,3 --rounds 3"]

Partitions are generated on the workers, so that no file is read. Each daemon has one thread to compute
and one for connections, as a sidecar with one core would. A round has one run of each combination of
workers and replicas, so that the noise of a shared machine meets all of them; the table has medians
over the rounds, and the fastest run.

  client     share of a request's time spent to turn arrays into bytes and the reply into a tally
  network    share spent to wait for the reply beyond the daemon's time: sockets, waits for a core
  daemon     share that the daemons say it took to read, compute and answer

Then CPU seconds: to generate the data; of the workers otherwise, which is the client and Dask; of the
kernel for both sides, which is the network; and of the daemons.
"""

import argparse
import os
import statistics
import sys
import time

import dask

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests/lib"), os.path.join(ROOT, "clients/python/src")]

from daemon import Daemon  # noqa: E402
from distributed import Client as ClusterClient  # noqa: E402
from distributed import LocalCluster  # noqa: E402
from ranklossd.dask import tally  # noqa: E402

EVALUATIONS = {"losses": ["pairwise_hinge"], "metrics": ["ndcg@10", "mean_reciprocal_rank"]}
TICKS = os.sysconf("SC_CLK_TCK")


def make_task(lists, items):
    """Makes one partition, as a local function: it travels to the workers by value."""
    def make(seed):
        import time as clock

        import numpy
        from distributed import get_worker
        from ranklossd import Batch
        start, worker = clock.thread_time(), get_worker()
        rng = numpy.random.default_rng(seed)
        labels = rng.integers(0, 5, (lists, items), dtype=numpy.int8)
        batch = Batch.of(labels, rng.standard_normal((lists, items), dtype=numpy.float32))
        worker.making = getattr(worker, "making", 0.0) + clock.thread_time() - start
        return batch
    return dask.delayed(make)


def cpu_of_daemons(daemons):
    """(user, system) seconds of all."""
    user = system = 0
    for daemon in daemons:
        with open(f"/proc/{daemon.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        user, system = user + int(fields[11]), system + int(fields[12])
    return user / TICKS, system / TICKS


def cpu_of_workers(engine):
    """(user, system) seconds of all."""
    times = engine.run(os.times).values()
    return sum(one.user for one in times), sum(one.system for one in times)


def served_seconds(daemons):
    return sum(value for daemon in daemons for name, labels, value
               in daemon.settled_metrics().samples
               if name == "http_request_duration_seconds_sum" and labels["handler"][:2] == "/v")


def per_task_seconds(engine, tasks=2000):
    """What Dask itself takes for a task that does nothing."""
    work = dask.delayed(sum)([dask.delayed(abs)(-1, dask_key_name=f"abs-{time.time()}-{n}")
                              for n in range(tasks)])
    start = time.perf_counter()
    assert work.compute() == tasks
    return (time.perf_counter() - start) / tasks


def measure(workers, replicas, options):
    daemons = [Daemon("--access-log", "none", "--threads", "1", "--io-threads", "1")
               for _ in range(replicas)]
    urls = ["http://%s:%d" % daemon.address for daemon in daemons]
    os.environ["PYTHONPATH"] = os.path.join(ROOT, "clients/python/src")
    try:
        with LocalCluster(n_workers=workers, threads_per_worker=1, processes=True,
                          dashboard_address=None) as cluster, ClusterClient(cluster) as engine:
            engine.run(lambda: __import__("ranklossd.partition"))
            lists = options.partition_items // options.items
            make = make_task(lists, options.items)
            work = tally([make(seed) for seed in range(-(-options.lists // lists))], urls,
                         items_per_request=options.request_items,
                         client_options={"transport": options.transport}, **EVALUATIONS)
            before = served_seconds(daemons), cpu_of_daemons(daemons), cpu_of_workers(engine)
            start = time.perf_counter()
            total = work.compute()
            seconds = time.perf_counter() - start
            after = served_seconds(daemons), cpu_of_daemons(daemons), cpu_of_workers(engine)
            made = sum(engine.run(lambda dask_worker: getattr(dask_worker, "making", 0.0)).values())
            per_task = per_task_seconds(engine)
    finally:
        for daemon in daemons:
            daemon.kill()
    asked = total.seconds["write"] + total.seconds["wait"] + total.seconds["read"]
    inside = after[0] - before[0]
    daemon_cpu, worker_cpu = ([b - a for a, b in zip(before[i], after[i])] for i in (1, 2))
    return total, {
        "seconds": seconds, "client": (asked - total.seconds["wait"]) / asked,
        "network": (total.seconds["wait"] - inside) / asked, "daemon": inside / asked,
        "made": made, "worker": worker_cpu[0] - made, "kernel": worker_cpu[1] + daemon_cpu[1],
        "served": daemon_cpu[0], "per_task": per_task}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lists", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--partition-items", type=int, default=1_000_000)
    parser.add_argument("--request-items", type=int, default=250_000)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--replicas", default="1,2,3")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--transport", default="binary")
    options = parser.parse_args()
    pairs = [(workers, replicas) for workers in map(int, options.workers.split(","))
             for replicas in map(int, options.replicas.split(","))]
    runs, values = {pair: [] for pair in pairs}, set()
    for number in range(options.rounds):
        for workers, replicas in pairs:
            total, run = measure(workers, replicas, options)
            runs[workers, replicas].append(run)
            values.add(tuple(round(one.value, 9) for one in total.report()))
            print(f"round {number + 1}: {workers} workers, {replicas} daemons:",
                  ", ".join(f"{name} {value:.4g}" for name, value in run.items()), flush=True)
    if len(values) != 1:
        raise SystemExit(f"the results differ: {values}")
    print(f"\n{total.totals['lists']:,} lists, {total.totals['items']:,} items, partitions of "
          f"{options.partition_items:,} items, {total.requests} requests, {options.transport}, "
          f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| workers | daemons | million items/s | fastest | client | network | daemon "
          "| CPU s: generate | client and Dask | kernel | daemons |")
    print("|" + "---:|" * 11)
    for (workers, replicas), of_pair in runs.items():
        middle = {name: statistics.median(run[name] for run in of_pair) for name in of_pair[0]}
        million = total.totals["items"] / 1e6
        print(f"| {workers} | {replicas} | {million / middle['seconds']:.2f} "
              f"| {million / min(run['seconds'] for run in of_pair):.2f} "
              f"| {middle['client']:.0%} | {middle['network']:.0%} | {middle['daemon']:.0%} "
              f"| {middle['made']:.1f} | {middle['worker']:.1f} | {middle['kernel']:.1f} "
              f"| {middle['served']:.1f} |")
    least = min(run["per_task"] for of_pair in runs.values() for run in of_pair)
    print(f"\nDask takes at least {least * 1000:.2f} ms for a task that does nothing. The same "
          "results in every run:", ", ".join(f"{one.label} {one.value:.6f}"
                                             for one in total.report()))


if __name__ == "__main__":
    main()
