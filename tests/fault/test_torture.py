"""FAULT 79: every allocation fails in turn, alone or with all after it, during a request.

The daemon runs with shim.c in front of malloc, so that libmicrohttpd's, jansson's, libdeflate's and
libgomp's allocations fail too. For each request N counts up from 1 until it gets through without a
failure. Each time the client must get a complete, right reply or a closed connection; the next good
request must get the right reply; at the end the daemon must exit with status 0 (and, in a build
with AddressSanitizer, without a leak).

TORTURE_STEP=1 tries every allocation; a larger one samples (make test takes 7, make torture 1).
"""

import gzip
import json
import os
import time
import unittest

from daemon import SANITIZER, SLOW, Daemon, JSON_TYPE, eventually
from shim import Shim
from wire import Closed, strict_json

STEP = int(os.environ.get("TORTURE_STEP", "7"))
SMALL = b'{"y_true":[1,0],"y_pred":[0,1]}'
BATCH = {"y_true": [[1, 0, 2], [0, 3]], "y_pred": [[0.5, 0.25, 0.125], [1, 0]]}
LARGE = json.dumps({"y_true": [[1, 0, 2, 3] * 25] * 250,
                    "y_pred": [[0.5, 0.25, 1.5, 0.75] * 25] * 250}).encode()
EVERYTHING = json.dumps({
    **BATCH, "losses": ["pairwise_hinge", "list_mle", {"name": "pairwise_logistic", "reduction":
                                                       "none"}],
    "metrics": ["ndcg"], "include": ["per_list", "gradient", "top_pairs"], "name": "n"}).encode()
HINGE = "/v1/losses/pairwise_hinge"

# name: (method, path, headers, body, status without failures)
REQUESTS = {
    "small": ("POST", HINGE, JSON_TYPE, SMALL, 200),
    "large": ("POST", HINGE, JSON_TYPE, LARGE, 200),
    "everything": ("POST", "/v1/evaluate", JSON_TYPE, EVERYTHING, 200),
    "large-gzip": ("POST", HINGE, {**JSON_TYPE, "Content-Encoding": "gzip",
                                   "Accept-Encoding": "gzip"},
                   gzip.compress(LARGE[:-1] + b',"reduction":"none"}'), 200),
    "malformed": ("POST", HINGE, JSON_TYPE, b'{"y_true":[1,0],', 400),
    "wrong": ("POST", HINGE, JSON_TYPE, b'{"y_true":[1,0],"y_pred":[1],"x":{"y":["z"]}}', 422),
    "catalogue": ("GET", "/v1/losses", {}, None, 200),
    "metrics": ("GET", "/metrics", {"Accept-Encoding": "gzip"}, None, 200),
    "page": ("GET", "/", {}, None, 200),
    "unknown": ("GET", "/nope", {"Origin": "https://a.example"}, None, 404),
    "preflight": ("OPTIONS", HINGE, {"Origin": "https://a.example",
                                     "Access-Control-Request-Method": "POST"}, None, 204),
}


class Torture(unittest.TestCase):
    def setUp(self):
        self.shim = Shim()
        self.daemon = Daemon("--cors-origins", "https://a.example", "--track-names", 4,
                             "--access-log", "errors", env=self.shim.env)

    def tearDown(self):
        self.shim.disarm()
        if self.daemon.alive():
            self.daemon.stop()

    def attempt(self, request):
        """A reply, or None where the connection was closed without one."""
        method, path, headers, body, _ = request
        try:
            with self.daemon.connect() as wire:
                wire.request(method, path, headers, body)
                return wire.read_reply(method)
        except (Closed, OSError):
            return None

    def check_reply(self, request, reply, want):
        if reply is None:
            return
        if reply.status == want.status:
            if request[0] == "POST" and reply.status == 200:
                self.assertEqual(reply.text(), want.text())
            return
        self.assertIn(reply.status, (500, 503), reply)
        if reply.media_type == "application/problem+json":
            self.assertEqual(strict_json(reply.text())["status"], reply.status)

    def allocations(self, request):
        """About how many allocations the request makes."""
        counts = []
        for _ in range(3):
            self.shim.arm(1 << 40)
            self.attempt(request)
            time.sleep(0.02)
            counts.append(self.shim.allocations)
            self.shim.disarm()
        return max(counts)

    def torture(self, name, persistent):
        request = REQUESTS[name]
        want = self.attempt(request)
        self.assertEqual(want.status, request[4], want)
        most, hits = self.allocations(request), 0
        for number in range(1, most + 3, STEP):
            self.shim.arm(number, persistent)
            reply = self.attempt(request)
            hits += self.shim.failed > 0
            self.shim.disarm()
            if not self.daemon.alive():
                self.fail(f"{name}, allocation {number}, persistent {persistent}: it died\n"
                          + self.daemon.log.text()[-6000:])
            with self.subTest(name, allocation=number, persistent=persistent):
                self.check_reply(request, reply, want)
                again = self.attempt(REQUESTS["small"])
                self.assertIsNotNone(again, "the next request gets no reply")
                self.assertEqual(again.json()["loss"], 1)
        self.assertGreater(hits, 0, "no allocation was made to fail")
        print(f"{name}, {'persistent' if persistent else 'once'}: {hits} failures in a request "
              f"of about {most} allocations")

    def after(self):
        """Nothing is left behind: connections, requests in flight, bytes held."""
        eventually(lambda: self.daemon.metrics().value("http_requests_in_flight") <= 1)
        eventually(lambda: self.daemon.metrics().value("ranklossd_connections") <= 1)
        self.daemon.stop()

    def test_fault_79_each_allocation_once(self):
        for name in REQUESTS:
            self.torture(name, False)
        self.after()

    def test_fault_79_every_allocation_from_each_on(self):
        for name in REQUESTS:
            self.torture(name, True)
        self.after()


@unittest.skipIf(SANITIZER, "the sanitizer's own start cannot do without memory")
class TortureStart(unittest.TestCase):
    """The same while the daemon starts: a clean exit that says why, or a daemon that serves."""

    def start_with(self, number, persistent):
        shim = Shim(fail_at=number, persistent=int(persistent))
        daemon = Daemon("--threads", 2, "--io-threads", 2, "--track-names", 4, env=shim.env,
                        start=False)
        daemon.launch()

        def decided():
            return "listening" in daemon.log.text() or daemon.process.poll() is not None

        try:
            eventually(decided, what="a start or an end")
        finally:
            shim.disarm()
        if daemon.process.poll() is None:
            daemon.stop()
        else:
            eventually(lambda: daemon.log.done)
            self.assertGreater(daemon.process.returncode, 0, daemon.log.text())
            self.assertNotEqual(daemon.log.text(), "", "it ended without a word")
            daemon.check_words()
        return shim.failed

    def test_fault_79_each_allocation_of_the_start(self):
        shim = Shim()
        with Daemon("--threads", 2, "--io-threads", 2, "--track-names", 4, env=shim.env):
            most = shim.allocations
        hits, step = 0, max(STEP * 2 if STEP > 1 else 1, 1)
        for persistent in (False, True):
            for number in range(1, most + 2, step * SLOW):
                with self.subTest(allocation=number, persistent=persistent):
                    hits += self.start_with(number, persistent) > 0
        self.assertGreater(hits, 0)
        print(f"start: {hits} failures among about {most} allocations")


if __name__ == "__main__":
    unittest.main()
