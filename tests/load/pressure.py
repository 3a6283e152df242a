"""Measures under pressure: SIGTERM under load, overload, thousands of idle connections.

usage: pressure.py sigterm [CYCLES] | overload [SECONDS] | idle [CONNECTIONS]   [--json FILE]

Each prints what it measured, and whether it met its bound, as
"N passed, N failed". tests/load/loadgen.c makes the load, on the same machine as the daemon.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import numpy as np  # noqa: E402 (after the path is set)

import oracle  # noqa: E402
from daemon import BINARY, Daemon, JSON_TYPE  # noqa: E402
from wire import Closed, Wire  # noqa: E402

LOADGEN = os.environ.get("LOADGEN", os.path.join(os.path.dirname(BINARY), "tests/load/loadgen"))
HINGE = "/v1/losses/pairwise_hinge"


class Load:
    """A running loadgen."""

    def __init__(self, daemon, body, connections, seconds, rate=None, path=HINGE, asks=False):
        """`asks`: Expect: 100-continue, as curl says before a body of over 1 MiB."""
        self.file = None
        if body is not None:
            self.file = tempfile.NamedTemporaryFile(prefix="ranklossd-load-")
            self.file.write(body)
            self.file.flush()
        command = [LOADGEN] + ["-e"] * asks + [daemon.address[0], str(daemon.address[1]), path,
                   self.file.name if self.file else "-", str(connections), str(seconds)]
        if rate:
            command.append(f"{rate:.3f}")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def result(self):
        out = self.process.stdout.read()
        _, _, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = 0
        self.found = json.loads(out)
        self.cpu = (usage.ru_utime + usage.ru_stime) / self.found["seconds"]
        self.good = self.found["statuses"].get("200", {"count": 0, "rate": 0})
        return self.found


def small_body():
    return json.dumps(oracle.random_body(np.random.default_rng(1), 4, 12)).encode()


def large_body(count=4000, length=100):
    return json.dumps(oracle.random_body(np.random.default_rng(2), count, length)).encode()


class Verdict:
    def __init__(self):
        self.passed = self.failed = 0
        self.rows = {}

    def hold(self, good, words):
        print(f"  {'holds' if good else 'FAILS'}: {words}", flush=True)
        self.passed += bool(good)
        self.failed += not good

    def note(self, name, value):
        self.rows[name] = value
        print(f"  {name}: {value}", flush=True)


# ---- SIGTERM under load --------------------------------------------------------------------------


class Swing:
    """Clients of mixed sizes on kept and on fresh connections, until they are refused."""

    def __init__(self, daemon, bodies):
        self.daemon, self.bodies = daemon, bodies
        self.good, self.lost, self.refused, self.rejected = 0, [], 0, 0
        self.lock, self.over = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(index,))
                        for index in range(12)]
        for thread in self.threads:
            thread.start()

    def client(self, index):
        """Even ones keep their connection for as long as the daemon allows."""
        body = self.bodies[index % len(self.bodies)]
        headers = JSON_TYPE if index % 2 == 0 else {**JSON_TYPE, "Connection": "close"}
        while not self.over.is_set():
            try:
                wire = Wire(self.daemon.address, timeout=60)
            except OSError:
                with self.lock:
                    self.refused += 1
                return
            with wire:
                while self.ask(wire, headers, body) and not self.over.is_set():
                    pass

    def ask(self, wire, headers, body):
        """One request; whether the connection may be used again."""
        try:
            reply = wire.exchange("POST", HINGE, headers, body)
        except (Closed, OSError, AssertionError) as error:
            with self.lock:
                self.lost.append(repr(error))
            return False
        with self.lock:
            if reply.status == 200:
                self.good += 1
            elif reply.status in (429, 503):
                self.rejected += 1
            else:
                self.lost.append(repr(reply))
        return (reply.header("Connection") or "").lower() != "close"

    def join(self):
        for thread in self.threads:
            thread.join(120)


def sigterm(verdict, cycles):
    rng = np.random.default_rng(3)
    bodies = [json.dumps(oracle.random_body(rng, *size)).encode()
              for size in ((1, 5), (20, 20), (1, 5), (400, 100), (2, 4000), (1500, 100))]
    drains, good, lost, codes, rejected = [], 0, [], [], 0
    for cycle in range(cycles):
        daemon = Daemon("--access-log", "none", "--shutdown-delay", "0s" if cycle % 2 else "200ms")
        swing = Swing(daemon, bodies)
        time.sleep(0.4 + 0.05 * (cycle % 7))
        start = time.monotonic()
        daemon.signal(signal.SIGTERM)
        codes.append(daemon.wait(60))
        drains.append(time.monotonic() - start - (0 if cycle % 2 else 0.2))
        swing.over.set()
        swing.join()
        good, lost, rejected = good + swing.good, lost + swing.lost, rejected + swing.rejected
        daemon.stop()
    verdict.note("cycles", cycles)
    verdict.note("requests answered 200", good)
    verdict.note("requests answered 429 or 503", rejected)
    verdict.note("longest drain, seconds beyond shutdown-delay", round(max(drains), 3))
    verdict.hold(not lost, f"requests lost: {len(lost)} {lost[:3]}")
    verdict.hold(set(codes) == {0}, f"exit statuses: {sorted(set(codes))}")


# ---- Overload ------------------------------------------------------------------------------------


class Round:
    """Peak, calm and storm, one after the other, so that all three see the same machine."""

    def __init__(self, daemon, seconds, asks):
        small, large = small_body(), large_body()
        self.peak = Load(daemon, large, 6, seconds, asks=asks)
        self.peak.result()
        self.calm = Load(daemon, small, 8, seconds, rate=200)
        self.calm.result()
        cpu = daemon.cpu_seconds()
        self.storm = Load(daemon, large, 64, seconds, rate=4 * self.peak.good["rate"], asks=asks)
        self.beside = Load(daemon, small, 8, seconds, rate=200)
        self.storm.result()
        self.beside.result()
        self.daemon_cpu = (daemon.cpu_seconds() - cpu) / seconds
        self.rejected = self.storm.found["statuses"].get("429", {"count": 0, "p99": 0, "max": 0})


def median(values):
    values = sorted(values)
    return values[len(values) // 2]


def overload(verdict, seconds):
    """Twice: with clients that wait to be asked for a large body, as curl does, and with clients that
    send it at once, whose copies into sockets that will be closed take cores on this machine. The
    first are held to the bounds."""
    for asks in (True, False):
        print(f"  -- large bodies sent {'when asked for' if asks else 'at once'}", flush=True)
        with Daemon("--access-log", "none", "--queue-capacity", 8) as daemon:
            Load(daemon, large_body(), 4, 1).result()
            rounds = [Round(daemon, seconds, asks) for _ in range(5)]
            depth = daemon.metrics().value("ranklossd_queue_depth")
        judge_speed(verdict, rounds, bound=asks)
        judge_replies(verdict, rounds)
        verdict.hold(depth == 0, "the queue is empty afterwards")


def judge_speed(verdict, rounds, bound):
    """Medians of rounds, because another process may take a core at any time."""
    ratios = [one.storm.good["rate"] / one.peak.good["rate"] for one in rounds]
    slower = [one.beside.good["p99"] / one.calm.good["p99"] for one in rounds]
    last = rounds[-1]
    verdict.note("large requests a second at the peak", [one.peak.good["rate"] for one in rounds])
    verdict.note("at 4 times that", [one.storm.good["rate"] for one in rounds])
    verdict.note("goodput to peak", [round(ratio, 2) for ratio in ratios])
    verdict.note("small, alone", last.calm.good)
    verdict.note("small, beside the overload", last.beside.good)
    verdict.note("99th percentile of small ones, times that alone", [round(x, 1) for x in slower])
    verdict.note("cores used by the clients and by the daemon",
                 [round(last.storm.cpu + last.beside.cpu, 2), round(last.daemon_cpu, 2)])
    if bound:
        verdict.hold(median(ratios) >= 0.8, f"goodput {median(ratios):.2f} of the peak, at least "
                     "0.80")
        verdict.hold(median(slower) <= 10, f"99th percentile of small ones {median(slower):.1f} "
                     "times that alone, at most 10")


def judge_replies(verdict, rounds):
    waits = [one.rejected["p99"] for one in rounds]
    verdict.note("rejected", rounds[-1].rejected)
    verdict.hold(min(one.rejected["count"] for one in rounds) > 0 and median(waits) <= 50,
                 f"99 % of the rejected answered within {median(waits)} ms, at most 50")
    loads = [load for one in rounds for load in (one.storm, one.calm, one.beside)]
    others = {key for load in loads for key in load.found["statuses"]} - {"200", "429"}
    verdict.hold(not others, f"no other status: {sorted(others)}")
    verdict.hold(sum(load.found["mismatched"] for load in loads) == 0,
                 "every 200 has the same right bytes")


# ---- Idle connections ----------------------------------------------------------------------------


def idle(verdict, connections):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    room = min(hard, connections + 2000)
    verdict.hold(room > connections + 100, f"the descriptor limit {hard} allows {connections}")
    limits = {resource.RLIMIT_NOFILE: room}
    small = small_body()
    with Daemon("--access-log", "none", "--idle-timeout", "300s", "--header-timeout", "300s",
                "--max-connections", connections + 1000, limits=limits) as daemon:
        Load(daemon, small, 16, 1).result()
        rates, before = {"alone": [], "beside": []}, daemon.rss()
        rates["alone"].append(measure(daemon, small))
        holder = Load(daemon, None, connections, 30, path="idle")
        wait_for(lambda: daemon.metrics().value("ranklossd_connections") >= connections)
        memory = daemon.rss() - before
        for _ in range(3):
            rates["beside"].append(measure(daemon, small))
        held = daemon.metrics().value("ranklossd_connections")
        holder.process.terminate()
        holder.process.wait()
        wait_for(lambda: daemon.metrics().value("ranklossd_connections") < 100)
        for _ in range(2):
            rates["alone"].append(measure(daemon, small))
    alone, beside = (sorted(rates[name])[1] for name in ("alone", "beside"))
    verdict.note("idle connections held", int(held))
    verdict.note("memory of each, KiB", round(memory / connections / 1024, 1))
    verdict.note("small requests a second", {"alone": alone, "beside them": beside})
    verdict.hold(held >= connections, f"{connections} connections are held")
    verdict.hold(beside >= 0.7 * alone, f"{beside / alone:.2f} of the unloaded rate, at least 0.70")


def measure(daemon, body):
    load = Load(daemon, body, 16, 3)
    load.result()
    return load.good["rate"]


def wait_for(condition, timeout=60):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not come about")
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("sigterm", "overload", "idle"))
    parser.add_argument("amount", nargs="?", type=float)
    parser.add_argument("--json")
    options = parser.parse_args()
    verdict = Verdict()
    run, usual = {"sigterm": (sigterm, 20), "overload": (overload, 4),
                  "idle": (idle, 10000)}[options.what]
    amount = options.amount or usual
    run(verdict, amount if options.what == "overload" else int(amount))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(verdict.rows, file, indent=1)
    print(f"{verdict.passed} passed, {verdict.failed} failed")
    return 1 if verdict.failed else 0


if __name__ == "__main__":
    sys.exit(main())
