"""gzip and deflate of requests and replies."""

import gzip
import json
import zlib

import numpy as np

import busy
import oracle
from daemon import Daemon, DaemonCase, JSON_TYPE, eventually

HINGE = "/v1/losses/pairwise_hinge"
BODY = b'{"y_true":[1,0],"y_pred":[0,1]}'


def big_request():
    body = oracle.random_body(np.random.default_rng(1), 20, 100, reduction="none")
    return json.dumps(body).encode()


class Coding(DaemonCase):
    def send(self, body, coding="gzip", **headers):
        return self.daemon.post(HINGE, body, {"Content-Encoding": coding, **headers})

    def test_gzip_request(self):
        plain = self.daemon.post(HINGE, big_request()).json()
        for level in (0, 1, 9):
            self.assertEqual(self.send(gzip.compress(big_request(), level)).json(), plain)

    def test_names_of_gzip(self):
        for coding in ("gzip", "GZIP", "x-gzip"):
            self.assertEqual(self.send(gzip.compress(BODY), coding).status, 200, coding)
        self.assertEqual(self.send(BODY, "identity").status, 200)

    def test_deflate_request(self):
        plain = self.daemon.post(HINGE, big_request()).json()
        for body in (zlib.compress(big_request(), 0), zlib.compress(big_request(), 9)):
            self.assertEqual(self.send(body, "deflate").json(), plain)
        self.assertEqual(self.send(zlib.compress(b" " * 500_000 + BODY), "Deflate").status, 200)
        self.refused(self.send(zlib.compress(BODY) + b"x", "deflate"), 400)
        self.refused(self.send(zlib.compress(BODY)[:-1], "deflate"), 400)
        self.refused(self.send(gzip.compress(BODY), "deflate"), 400)

    def test_a_deflate_body_that_inflates_beyond_the_limit(self):
        with Daemon("--max-inflated-bytes", "100000") as daemon:
            bomb = zlib.compress(b" " * 1_000_000 + BODY)
            reply = daemon.post(HINGE, bomb, {"Content-Encoding": "deflate"})
            self.refused(reply, 413, words="max-inflated-bytes")

    def test_deflate_reply(self):
        plain = self.daemon.post(HINGE, big_request())
        for accept in ("deflate", "br, deflate;q=0.5", "gzip;q=0.1, deflate"):
            reply = self.daemon.post(HINGE, big_request(), {"Accept-Encoding": accept})
            self.assertEqual(reply.header("Content-Encoding"), "deflate", accept)
            self.assertLess(len(reply.body), len(plain.body))
            self.assertEqual(reply.json(), plain.json())

    def test_several_members(self):
        self.assertEqual(self.send(gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])).status, 200)

    def test_honest_and_lying_claims_in_one_pass(self):
        """Bodies whose trailer tells less than they inflate to, beside ones that tell the truth, all
        waiting for one long request."""
        text = big_request()
        honest, halves = gzip.compress(text), gzip.compress(text[:-99]) + gzip.compress(text[-99:])
        bomb = gzip.compress(b" " * 3_000_000 + BODY) + gzip.compress(b" ")
        plain, work = self.daemon.post(HINGE, text).json(), busy.long_work(1)
        with Daemon(*busy.FLAGS) as daemon, daemon.connect() as first:
            first.request("POST", busy.EVALUATE, JSON_TYPE, work)
            eventually(lambda: daemon.metrics().value("ranklossd_queue_wait_seconds_count"))
            wires = [daemon.connect() for _ in range(12)]
            for number, wire in enumerate(wires):
                body = (honest, halves, bomb)[number % 3]
                wire.request("POST", HINGE, {**JSON_TYPE, "Content-Encoding": "gzip"}, body)
            for number, wire in enumerate(wires):
                with wire:
                    reply = wire.read_reply()
                self.assertEqual(reply.status, 200, reply)
                if number % 3 < 2:
                    self.assertEqual(reply.json(), plain)
            self.assertEqual(first.read_reply().status, 200)
            passes = daemon.settled_metrics()
        self.assertGreater(passes.value("ranklossd_batch_requests_sum"),
                           passes.value("ranklossd_batch_requests_count"))

    def test_empty_text_inside(self):
        self.refused(self.send(gzip.compress(b"")), 400)

    def test_broken_streams(self):
        whole = gzip.compress(BODY)
        flipped = whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:]
        for broken in (whole[:-1], whole[:8], b"not gzip", whole + b"x", flipped,
                       zlib.compress(BODY)):
            with self.subTest(broken[:12]):
                self.refused(self.send(broken), 400)

    def test_chunked_and_gzip(self):
        with self.daemon.connect() as wire:
            wire.request("POST", HINGE, {**JSON_TYPE, "Content-Encoding": "gzip",
                                         "Transfer-Encoding": "chunked"})
            data = gzip.compress(BODY)
            for start in range(0, len(data), 7):
                piece = data[start:start + 7]
                wire.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            wire.send(b"0\r\n\r\n")
            self.assertEqual(wire.read_reply().status, 200)

    def test_reply_is_compressed_when_asked_for(self):
        plain = self.daemon.post(HINGE, big_request())
        self.assertIsNone(plain.header("Content-Encoding"))
        self.assertIn("accept-encoding", ",".join(plain.all("Vary")).lower())
        for accept in ("gzip", "gzip, deflate, br", "br;q=1, gzip;q=0.5", "x-gzip", "*"):
            reply = self.daemon.post(HINGE, big_request(), {"Accept-Encoding": accept})
            self.assertEqual(reply.header("Content-Encoding"), "gzip", accept)
            self.assertLess(len(reply.body), len(plain.body))
            self.assertEqual(reply.json(), plain.json())
            self.assertIn("accept-encoding", ",".join(reply.all("Vary")).lower())

    def test_reply_is_not_compressed_when_refused(self):
        for accept in ("", "identity", "gzip;q=0", "br", "*;q=0", "gzip;q=0, *"):
            reply = self.daemon.post(HINGE, big_request(), {"Accept-Encoding": accept})
            self.assertIsNone(reply.header("Content-Encoding"), accept)

    def test_small_replies_are_sent_as_they_are(self):
        reply = self.daemon.post(HINGE, BODY, {"Accept-Encoding": "gzip"})
        self.assertIsNone(reply.header("Content-Encoding"))

    def test_static_replies(self):
        plain = self.daemon.get("/openapi.json")
        packed = self.daemon.get("/openapi.json", {"Accept-Encoding": "gzip"})
        if packed.header("Content-Encoding"):
            self.assertNotEqual(packed.header("ETag"), plain.header("ETag"))
        self.assertEqual(packed.json(), plain.json())

    def test_metrics_page(self):
        reply = self.daemon.get("/metrics", {"Accept-Encoding": "gzip"})
        self.assertIn("http_requests_total", reply.text())

    def test_switched_off(self):
        with Daemon("--no-compression") as daemon:
            reply = daemon.post(HINGE, big_request(), {"Accept-Encoding": "gzip"})
            self.assertIsNone(reply.header("Content-Encoding"))
            self.assertEqual(daemon.post(HINGE, gzip.compress(BODY),
                                         {"Content-Encoding": "gzip"}).status, 200)
