"""Good, bad and broken clients together, for a bounded time; everything must stay flat.

usage: soak.py SECONDS [--svg FILE]

Held: every good request is answered with exactly the bytes it got the first time (which were checked
against the formulas); a bad one gets its 4xx; nothing is lost; resident memory, descriptors and
threads at the end are those of the first third; the daemon leaves with status 0. Ends with
"1 passed, 0 failed" or the reasons.
"""

import argparse
import gzip
import json
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import numpy as np  # noqa: E402 (after the path is set)

import oracle  # noqa: E402
import timeline  # noqa: E402
from daemon import SANITIZER, SLOW, Daemon, JSON_TYPE  # noqa: E402
from wire import Closed  # noqa: E402

LOSSES = ("pairwise_hinge", "pairwise_logistic", "pairwise_soft_zero_one",
          "pairwise_mean_squared_error", "list_mle")
BAD = [(b"", 400), (b"{", 400), (b"nonsense", 400), (b'{"y_true":[1,0],"y_pred":[0,1e999]}', 400),
       (b'{"y_true":[1,0]}', 422), (b'{"y_true":[1,0],"y_pred":[1]}', 422),
       (b'{"y_true":[1,0],"y_pred":[0,1],"x":{"deep":[[["a"]]]}}', 422),
       (b'{"y_true":[1,0],"y_pred":[-3e38,3e38],"temperature":1e-30}', 422),
       (b'{"y_true":["a"],"y_pred":[1]}', 422), (b"[" * 5000, 400), (b"\xff" * 100, 400),
       (b'{"a":' * 3000, 400), (b'{"y_true":[' + b'"x",' * 20000 + b'1],"y_pred":[1]}', 422)]


class Good:
    """A request with its right answer, learnt from the daemon and checked against the formulas."""

    def __init__(self, daemon, path, body, headers=()):
        self.path, self.headers = path, {**JSON_TYPE, **dict(headers)}
        text = json.dumps(body).encode()
        packed = self.headers.get("Content-Encoding") == "gzip"
        self.body = gzip.compress(text) if packed else text
        reply = daemon.exchange("POST", path, self.headers, self.body, check=False)
        assert reply.status == 200, reply
        self.want = reply.text()
        kind, name = path.split("/")[-2:]
        if kind == "losses":
            got, right = reply.json()["totals"]["loss_sum"], oracle.totals(name, body)["loss_sum"]
            assert abs(got - right) <= 1e-4 * abs(right) + 1e-6, (path, got, right)


def good_requests(daemon, rng):
    """Small, middle and large ones of every kind."""
    requests = []
    for loss in LOSSES:
        path = f"/v1/losses/{loss}"
        for count, length, members in ((1, 5, {}), (8, 20, {"reduction": "sum"}),
                                       (300, 100, {"include": ["per_list"]}), (2, 3000, {}),
                                       (100, 50, {"reduction": "none", "dtype": "float64"})):
            requests.append(Good(daemon, path, oracle.random_body(rng, count, length, **members)))
        body = oracle.random_body(rng, 50, 50, include=["gradient"])
        requests.append(Good(daemon, path, body, {"Content-Encoding": "gzip",
                                                  "Accept-Encoding": "gzip"}))
    everything = {"losses": list(LOSSES), "metrics": ["ndcg", {"name": "dcg", "k": 5}]}
    for count, length in ((2, 10), (100, 100)):
        requests.append(Good(daemon, "/v1/evaluate",
                             oracle.random_body(rng, count, length, **everything)))
    return requests


class Soak:
    def __init__(self, seconds):
        self.seconds, self.end = seconds, None
        self.daemon = Daemon("--header-timeout", "2s", "--body-timeout", "3s", "--write-timeout",
                             "5s", "--idle-timeout", "5s", "--access-log", "none",
                             "--track-names", 10, "--cors-origins", "*")
        self.failures, self.counts, self.lock = [], {}, threading.Lock()
        self.samples, self.recent = [], []

    def over(self):
        return time.monotonic() > self.end or len(self.failures) > 20

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def fail(self, words):
        with self.lock:
            self.failures.append(words)

    # ---- clients ---------------------------------------------------------------------------------

    def ask(self, wire, request):
        start = time.monotonic()
        reply = wire.exchange("POST", request.path, request.headers, request.body)
        if reply.status == 429:  # a full queue is an answer; the client tries again later
            self.count("queue full")
            time.sleep(0.05)
            return
        if reply.status != 200 or reply.text() != request.want:
            self.fail(f"{request.path}: {reply}")
        self.count("good")
        if len(request.body) < 2000:
            with self.lock:
                self.recent.append(time.monotonic() - start)

    def good_client(self, requests, seed):
        """Keeps its connection for a while, as clients do."""
        rng = random.Random(seed)
        while not self.over():
            try:
                with self.daemon.connect(timeout=30) as wire:
                    for _ in range(rng.randrange(1, 60)):
                        if self.over():
                            break
                        self.ask(wire, rng.choice(requests))
                        time.sleep(rng.random() * 0.01)
            except (Closed, OSError) as error:
                self.fail(f"a good client lost its connection: {error!r}")

    def bad_client(self, seed):
        rng = random.Random(seed)
        while not self.over():
            try:
                with self.daemon.connect(timeout=30) as wire:
                    for _ in range(rng.randrange(1, 10)):
                        body, status = rng.choice(BAD)
                        reply = wire.exchange("POST", "/v1/losses/pairwise_hinge", JSON_TYPE, body)
                        if reply.status != status and not (status == 400 and 400 <= reply.status
                                                           < 500):
                            self.fail(f"bad input {body[:60]}: {reply}")
                        self.count("bad")
                        if (reply.header("Connection") or "").lower() == "close":
                            break
            except (Closed, OSError) as error:
                self.fail(f"bad input cost a connection: {error!r}")
            time.sleep(rng.random() * 0.05)

    def broken_client(self, requests, seed):
        """Cuts bodies short, resets, trickles, sends rubbish, goes away while being answered."""
        rng = random.Random(seed)
        kinds = (self.cut_body, self.reset_while_answered, self.rubbish, self.silent, self.trickle,
                 self.half_closed)
        while not self.over():
            try:
                with self.daemon.connect(timeout=10) as wire:
                    rng.choice(kinds)(wire, rng.choice(requests), rng)
            except (Closed, OSError, AssertionError):
                pass
            self.count("broken")
            time.sleep(rng.random() * 0.05)

    def cut_body(self, wire, request, rng):
        wire.request("POST", request.path, {**request.headers,
                                            "Content-Length": str(len(request.body))})
        wire.send(request.body[:rng.randrange(len(request.body))])

    def reset_while_answered(self, wire, request, rng):
        wire.request("POST", request.path, request.headers, request.body)
        time.sleep(rng.random() * 0.01)
        wire.reset()

    def rubbish(self, wire, _, rng):
        wire.try_send(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 3000)))
                      + b"\r\n\r\n")
        wire.is_closed(3)

    def silent(self, wire, _, rng):
        time.sleep(rng.random() * 3)

    def trickle(self, wire, request, rng):
        wire.request("POST", request.path, {**request.headers, "Content-Length": "100000"})
        for _ in range(rng.randrange(200)):
            wire.send(b" ")
            time.sleep(0.02)

    def half_closed(self, wire, request, _):
        import socket
        wire.request("POST", request.path, request.headers, request.body)
        wire.socket.shutdown(socket.SHUT_WR)
        wire.read_reply()

    def operator(self):
        """Scrapes, probes, reloads."""
        turn = 0
        while not self.over():
            for path in ("/metrics", "/readyz", "/openapi.json", "/v1/losses"):
                try:
                    reply = self.daemon.get(path, check=False)
                    if reply.status != 200:
                        self.fail(f"{path}: {reply}")
                except (Closed, OSError) as error:
                    self.fail(f"{path}: {error!r}")
            turn += 1
            if turn % 5 == 0:
                self.daemon.signal(signal.SIGHUP)
            time.sleep(1)

    # ---- watching --------------------------------------------------------------------------------

    def sample(self, start):
        with self.lock:
            recent, self.recent = sorted(self.recent), []
        spans = [recent[int(part * (len(recent) - 1))] * 1000 if recent else None
                 for part in (0.5, 0.99)]
        self.samples.append((time.monotonic() - start, self.daemon.rss() / (1 << 20),
                             self.daemon.descriptors(), self.daemon.threads(), *spans))

    def watch(self):
        start, pause = time.monotonic(), max(0.25, self.seconds / 240)
        while not self.over():
            time.sleep(pause)
            if not self.daemon.alive():
                self.fail("the daemon is gone")
                return
            self.sample(start)

    def start_all(self, requests):
        small = [request for request in requests if len(request.body) < 2000]
        work = [(self.good_client, small, seed) for seed in range(2)]
        work += [(self.good_client, requests, seed) for seed in range(10, 12)]
        work += [(self.bad_client, 20), (self.broken_client, requests, 30),
                 (self.broken_client, small, 31), (self.operator,), (self.watch,)]
        threads = [threading.Thread(target=target, args=arguments) for target, *arguments in work]
        for thread in threads:
            thread.start()
        return threads

    def judge_flatness(self, baseline):
        third = len(self.samples) // 3
        if third < 3:
            self.fail("too short to tell anything")
            return
        for column, name, slack in ((1, "resident MiB", 24), (2, "descriptors", 40)):
            early = max(row[column] for row in self.samples[:third])
            late = max(row[column] for row in self.samples[-third:])
            print(f"{name}: at most {early:.1f} in the first third, {late:.1f} in the last")
            # ASan keeps freed memory in quarantine, so its resident size says nothing.
            if late > early * 1.1 + slack and not (column == 1 and (SANITIZER or SLOW > 1)):
                self.fail(f"{name} grew from {early:.1f} to {late:.1f}")
        threads = {row[3] for row in self.samples}
        if len(threads) != 1:
            self.fail(f"the number of threads changed: {sorted(threads)}")
        end = time.monotonic() + 15
        while self.daemon.descriptors() > baseline and time.monotonic() < end:
            time.sleep(0.1)
        if self.daemon.descriptors() > baseline:
            self.fail(f"{self.daemon.descriptors()} descriptors at the end, {baseline} before")

    def run(self):
        rng = np.random.default_rng(7)
        requests = good_requests(self.daemon, rng)
        baseline = self.daemon.descriptors()
        self.end = time.monotonic() + self.seconds
        for thread in self.start_all(requests):
            thread.join()
        self.judge_flatness(baseline)
        metrics = self.daemon.metrics()
        if metrics.value("ranklossd_queue_depth") != 0:
            self.fail("something is left in the queue")
        try:
            self.daemon.stop()
        except AssertionError as error:
            self.fail(str(error))

    def draw(self, path):
        columns = list(zip(*self.samples))
        timeline.draw(path, f"ranklossd under mixed load, {self.seconds:.0f} s", columns[0], [
            ("resident memory", "MiB", {"resident": columns[1]}),
            ("open descriptors and threads", "", {"descriptors": columns[2],
                                                  "threads": columns[3]}),
            ("latency of small requests", "ms", {"median": columns[4], "99th": columns[5]})])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float)
    parser.add_argument("--svg")
    options = parser.parse_args()
    soak = Soak(options.seconds)
    try:
        soak.run()
    finally:
        soak.daemon.kill()
    print(f"{options.seconds:.0f} s: " + ", ".join(f"{count} {what}" for what, count
                                                   in sorted(soak.counts.items())))
    if options.svg:
        soak.draw(options.svg)
        print(f"written: {options.svg}")
    for failure in soak.failures[:20]:
        print(f"  {failure}")
    print("0 passed, 1 failed" if soak.failures else "1 passed, 0 failed")
    return 1 if soak.failures else 0


if __name__ == "__main__":
    sys.exit(main())
