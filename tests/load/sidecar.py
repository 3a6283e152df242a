"""What the daemon costs as a sidecar: at rest, under load and under the worst requests, in a control
group of one tenth of a core and 64 MiB. Needs root; understands both versions of control groups.

usage: sidecar.py [--seconds N] [--output docs/sidecar.md]
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import worst  # noqa: E402
from daemon import BINARY, JSON_TYPE, Daemon  # noqa: E402

MIB = 1 << 20
MEMORY = 64 * MIB
PERIOD_US, QUOTA_US = 100_000, 10_000
INFLATED = 2 * MIB
SETTINGS = {"threads": 1, "io-threads": 1, "access-log": "errors", "max-connections": 64,
            "max-body-bytes": "1MiB", "max-inflated-bytes": "2MiB", "max-request-memory": "20MiB",
            "max-total-memory": "24MiB", "max-json-memory": "4MiB", "queue-bytes": "4MiB",
            "request-timeout": "30s"}
ROOT = "/sys/fs/cgroup"


class Group:
    """A control group of our own, and what it counts."""

    def __init__(self):
        self.second = os.path.exists(f"{ROOT}/cgroup.controllers")
        kinds = [""] if self.second else ["cpu", "cpuacct", "memory"]
        self.folders = {kind: os.path.join(ROOT, kind, f"ranklossd-sidecar-{os.getpid()}") for kind in kinds}
        for folder in {os.path.realpath(folder) for folder in self.folders.values()}:
            os.makedirs(folder)
        if self.second:
            self.write("", "cpu.max", f"{QUOTA_US} {PERIOD_US}")
            self.write("", "memory.max", MEMORY)
        else:
            self.write("cpu", "cpu.cfs_period_us", PERIOD_US)
            self.write("cpu", "cpu.cfs_quota_us", QUOTA_US)
            self.write("memory", "memory.limit_in_bytes", MEMORY)

    def path(self, kind, name):
        return os.path.join(self.folders["" if self.second else kind], name)

    def write(self, kind, name, value):
        with open(self.path(kind, name), "w", encoding="ascii") as file:
            file.write(str(value))

    def read(self, kind, name):
        with open(self.path(kind, name), encoding="ascii") as file:
            return file.read()

    def enter(self):
        """Called in the child."""
        for kind in self.folders:
            self.write(kind, "cgroup.procs", 0)

    def cpu_seconds(self):
        if self.second:
            return int(re.search(r"usage_usec (\d+)", self.read("", "cpu.stat")).group(1)) / 1e6
        return int(self.read("cpuacct", "cpuacct.usage")) / 1e9

    def memory(self):
        return int(self.read("memory", "memory.current" if self.second else "memory.usage_in_bytes"))

    def kills(self):
        events = self.read("memory", "memory.events" if self.second else "memory.oom_control")
        found = re.search(r"oom_kill (\d+)", events)
        return int(found.group(1)) if found else 0

    def remove(self):
        for folder in self.folders.values():
            if os.path.isdir(folder):
                os.rmdir(folder)


def body(items):
    """One list as a ranking service sends it: scores, and which items were clicked."""
    return json.dumps({"y_true": [int(i % 17 == 3) for i in range(items)],
                       "y_pred": [round((i * 7919 % 1009) / 101, 3) for i in range(items)],
                       "losses": ["pairwise_logistic"], "metrics": [{"name": "ndcg", "k": 10}]}).encode()


def at_rest(daemon, group, seconds):
    """A probe every ten seconds, as Kubernetes sends them, and a scrape every thirty."""
    before, start = group.cpu_seconds(), time.monotonic()
    for tick in range(seconds):
        time.sleep(max(0, start + tick + 1 - time.monotonic()))
        if tick % 10 == 5:
            daemon.exchange("GET", "/livez", check=False)
        if tick % 30 == 15:
            daemon.exchange("GET", "/metrics", check=False)
    cores = (group.cpu_seconds() - before) / (time.monotonic() - start)
    return [("at rest, of a core", f"{1000 * cores:.2f} thousandths"),
            ("resident at rest", f"{daemon.rss() / MIB:.1f} MiB"),
            ("counted by the group", f"{group.memory() / MIB:.1f} MiB")]


def under_load(daemon, group, items, clients, seconds):
    """Clients that send one request after the other: a row of the table."""
    text, times, lock = body(items), [], threading.Lock()
    before, end = group.cpu_seconds(), time.monotonic() + seconds

    def client():
        mine = []
        with daemon.connect(timeout=60) as wire:
            while time.monotonic() < end:
                start = time.monotonic()
                assert wire.exchange("POST", "/v1/evaluate", JSON_TYPE, text).status == 200
                mine.append(time.monotonic() - start)
        with lock:
            times.extend(mine)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    each = (group.cpu_seconds() - before) / len(times)
    cuts = statistics.quantiles(times, n=100)
    return [items, clients, f"{len(times) / seconds:.0f}", f"{1e6 * each:.0f} µs",
            f"{1000 * cuts[49]:.1f} ms", f"{1000 * cuts[98]:.0f} ms", f"{daemon.rss() / MIB:.1f} MiB"]


def measure(seconds):
    group = Group()
    flags = [word for name, value in SETTINGS.items() for word in (f"--{name}", value)]
    try:
        start = time.monotonic()
        with Daemon(*flags, preexec=group.enter) as daemon:
            facts = [("ready after", f"{time.monotonic() - start:.2f} s"),
                     ("CPU time until then", f"{1000 * group.cpu_seconds():.0f} ms")]
            most = json.loads(daemon.log.wait("ranklossd listening"))["most_memory"]
            facts += at_rest(daemon, group, seconds)
            rows = [under_load(daemon, group, items, clients, max(seconds // 6, 2))
                    for items, clients in ((10, 1), (100, 1), (100, 4), (1000, 4))]
            peak, statuses = worst.attack(daemon, INFLATED, max(seconds // 2, 5))
            facts += [("resident at most, under the worst requests", f"{peak / MIB:.1f} MiB"),
                      ("their replies", ", ".join(sorted(statuses))),
                      ("the bound that the log names", f"{most / MIB:.0f} MiB"),
                      ("killed for memory", str(group.kills()))]
        return facts, rows
    finally:
        group.remove()


def page(facts, rows, seconds):
    version = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True)
    with open("/proc/cpuinfo", encoding="ascii") as file:
        cpu = re.search(r"model name\s*: (.*)", file.read())
    lines = ["# As a sidecar", "",
             f"Made by `make sidecar` ({seconds} seconds at rest): the daemon in a control group of one tenth "
             "of a core (10 ms of every 100 ms) and 64 MiB, its clients outside.", "",
             f"{cpu.group(1) if cpu else platform.machine()}, load {os.getloadavg()[0]:.1f}; "
             f"{version.stdout.strip()}.", "",
             "    " + " ".join(f"--{name} {value}" for name, value in SETTINGS.items()), "",
             "| | |", "| --- | ---: |", *(f"| {name} | {value} |" for name, value in facts), "",
             "At rest it is probed every ten seconds and scraped every thirty.", "",
             "## Under load", "",
             "`POST /v1/evaluate` of one list: logistic loss and NDCG@10. Each client sends the next request "
             "when it has the reply. The quota, not the work, makes the long waits: who has used 10 ms "
             "waits for the next period.", "",
             "| items | clients | requests/s | CPU time each | p50 | p99 | resident |",
             "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
             *("| " + " | ".join(map(str, row)) + " |" for row in rows), "",
             "## Its memory", "",
             "The bound in the log's first line adds up what every thread, parser and connection could hold "
             "at once, and its fixed part alone is above 64 MiB. Under the worst requests that the tests "
             "know, all at the same time, the settings above keep the process below the limit. Where "
             "nothing but the guarantee will do, give it that bound instead.", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--output")
    options = parser.parse_args()
    text = page(*measure(options.seconds), options.seconds)
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write(text)
    print(text)


if __name__ == "__main__":
    main()
