"""FAULTS 24 to 30: media types, codings, tokens, CORS, probes."""

import gzip
import os
import time
import zlib

from daemon import Daemon, DaemonCase, JSON_TYPE, scratch_directory

HINGE = "/v1/losses/pairwise_hinge"
BODY = b'{"y_true":[1,0],"y_pred":[0,1]}'
TOKEN = "a-token-of-the-tests"


class Access(DaemonCase):
    flags = ("--max-inflated-bytes", "8MiB")

    def test_fault_24_content_types_that_are_not_json(self):
        for kind in ("", "text/plain", "application/x-www-form-urlencoded", "application/jsonx",
                     "application/json; charset=utf-16", "multipart/form-data", "json", "*/*"):
            with self.subTest(kind), self.daemon.connect() as wire:
                reply = wire.exchange("POST", HINGE, {"Content-Type": kind}, BODY)
                self.refused(reply, 415)
                self.assertEqual(self.daemon.get("/livez").status, 200)

    def test_fault_24_no_content_type(self):
        with self.daemon.connect() as wire:
            self.refused(wire.exchange("POST", HINGE, {}, BODY), 415)

    def test_fault_25_unknown_content_encodings(self):
        for coding in ("br", "zstd", "gzip, gzip", "gzip, br", "compress", "gzip, deflate"):
            reply = self.daemon.post(HINGE, BODY, {"Content-Encoding": coding})
            self.refused(reply, 415)
            for known in ("gzip", "deflate"):
                self.assertIn(known, reply.header("Accept-Encoding").lower())

    def test_fault_25_gzip_bombs(self):
        self.daemon.post(HINGE, BODY)
        blanks = zlib.compressobj(9, wbits=31)
        bomb = b"".join(blanks.compress(b" " * (1 << 20)) for _ in range(512)) + blanks.flush()
        members = gzip.compress(b" " * (1 << 20)) * 512
        for body, status in ((bomb, 413), (members, 413), (gzip.compress(gzip.compress(bomb)), 400)):
            self.daemon.reset_peak()
            before = self.daemon.peak_rss()
            reply = self.daemon.post(HINGE, body, {"Content-Encoding": "gzip"})
            self.assertEqual(reply.status, status)
            self.assertLess(self.daemon.peak_rss() - before, 40 << 20)
        reply = self.daemon.post(HINGE, bomb, {"Content-Encoding": "gzip"})
        self.refused(reply, 413, words="max-inflated-bytes")


class Tokens(DaemonCase):
    @classmethod
    def setUpClass(cls):
        path = os.path.join(scratch_directory(cls), "tokens")
        with open(path, "w", encoding="ascii") as file:
            file.write(TOKEN + "\n")
        cls.daemon = Daemon("--auth-tokens-file", path, "--cors-origins", "https://a.example",
                            "--max-body-bytes", "8MiB")

    def test_fault_26_no_token_is_refused_before_the_body(self):
        with self.daemon.connect() as wire:
            wire.request("POST", HINGE, {**JSON_TYPE, "Content-Length": str(4 << 20)})
            reply = wire.read_reply()
            self.refused(reply, 401)
            self.assertRegex(reply.header("WWW-Authenticate"), r"^Bearer\b")

    def test_fault_26_no_100_continue_without_a_token(self):
        with self.daemon.connect() as wire:
            wire.request("POST", HINGE, {**JSON_TYPE, "Content-Length": "50",
                                         "Expect": "100-continue"})
            self.assertTrue(wire._until(b"\r\n\r\n").startswith(b"HTTP/1.1 401"))

    def test_fault_27_wrong_ones(self):
        for value in (f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", "Bearer",
                      "Bearer " + "y" * 10000, f"bearer\t{TOKEN[:4]}", TOKEN):
            reply = self.daemon.post(HINGE, BODY, {"Authorization": value})
            self.refused(reply, 401)
            self.assertIn("invalid_token", reply.header("WWW-Authenticate"))
        self.refused(self.daemon.post(f"{HINGE}?access_token={TOKEN}&token={TOKEN}", BODY), 401)
        self.assertEqual(self.daemon.post(HINGE, BODY, {
            "Authorization": f"Bearer {TOKEN}", "X-Request-Id": "the-last"}).status, 200)
        self.daemon.log.wait("the-last")
        self.assertNotIn(TOKEN[:-1], self.daemon.log.text())

    def test_fault_27_time_does_not_tell_how_much_matched(self):
        """Interleaved medians of a token wrong in its first and in its last byte."""
        first, last = "X" + TOKEN[1:], TOKEN[:-1] + "X"
        times = {first: [], last: []}
        with self.daemon.connect() as wire:
            for _ in range(400):
                for token in times:
                    start = time.perf_counter()
                    reply = wire.exchange("POST", HINGE, {**JSON_TYPE, "Authorization":
                                                          f"Bearer {token}"}, BODY)
                    times[token].append(time.perf_counter() - start)
                    self.assertEqual(reply.status, 401)
                    if (reply.header("Connection") or "").lower() == "close":
                        wire.close()
                        wire.__init__(self.daemon.address)
        low, high = sorted(sorted(spent)[len(spent) // 2] for spent in times.values())
        self.assertLess(high / low, 1.5)

    def test_fault_28_two_authorization_headers(self):
        with self.daemon.connect() as wire:
            wire.send(f"POST {HINGE} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                      f"Content-Length: {len(BODY)}\r\nAuthorization: Bearer {TOKEN}\r\n"
                      f"Authorization: Bearer {TOKEN}\r\n\r\n".encode() + BODY)
            self.refused(wire.read_reply(), 400)

    def test_fault_29_preflight_without_a_token(self):
        for origin, allowed in (("https://a.example", True), ("https://b.example", False)):
            reply = self.daemon.exchange("OPTIONS", HINGE, {
                "Origin": origin, "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type"}, check=False)
            self.assertEqual(reply.status, 204)
            self.assertEqual(reply.header("Access-Control-Allow-Origin"),
                             origin if allowed else None)

    def test_fault_29_errors_carry_cors_headers(self):
        reply = self.daemon.post(HINGE, BODY, {"Origin": "https://a.example"})
        self.refused(reply, 401)
        self.assertEqual(reply.header("Access-Control-Allow-Origin"), "https://a.example")

    def test_fault_30_probes_stay_reachable(self):
        for path in ("/livez", "/readyz", "/healthz"):
            self.assertEqual(self.daemon.get(path).status, 200)
        self.assertEqual(self.daemon.get("/metrics", check=False).status, 401)

    def test_fault_30_metrics_as_configured(self):
        path = os.path.join(scratch_directory(self), "tokens")
        with open(path, "w", encoding="ascii") as file:
            file.write(TOKEN + "\n")
        with Daemon("--auth-tokens-file", path, "--open-paths", "/livez,/metrics") as daemon:
            self.assertEqual(daemon.get("/metrics").status, 200)
            self.assertEqual(daemon.get("/readyz", check=False).status, 401)
