"""X-Request-Id, traceparent, CORS, media types."""

import re
import unittest

from daemon import Daemon, DaemonCase, JSON_TYPE

HINGE = "/v1/losses/pairwise_hinge"
BODY = b'{"y_true":[1,0],"y_pred":[0,1]}'
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PATHS = (("GET", "/livez", 200), ("POST", HINGE, 200), ("GET", "/nope", 404), ("GET", HINGE, 405))


class RequestIds(DaemonCase):
    def one(self, method, path, headers=()):
        body = BODY if method == "POST" else None
        return self.daemon.exchange(method, path, {**JSON_TYPE, **dict(headers)}, body,
                                    check=False)

    def test_a_new_one_for_each_request(self):
        seen = set()
        for _ in range(30):
            for method, path, status in PATHS:
                reply = self.one(method, path)
                self.assertEqual(reply.status, status)
                self.assertRegex(reply.header("X-Request-Id"), r"^[0-9a-f]{32}$")
                seen.add(reply.header("X-Request-Id"))
        self.assertEqual(len(seen), 30 * len(PATHS))

    def test_the_clients_own(self):
        for own in ("a", "Abc-12_3.x", "x" * 128):
            for method, path, _ in PATHS:
                reply = self.one(method, path, {"X-Request-Id": own})
                self.assertEqual(reply.header("X-Request-Id"), own)

    def test_bad_ones_are_replaced(self):
        for bad in ("", "x" * 129, "a b", "a/b", "ä", "a,b", '"', "${jndi}"):
            reply = self.one("GET", "/livez", {"X-Request-Id": bad})
            self.assertRegex(reply.header("X-Request-Id"), r"^[0-9a-f]{32}$")

    def test_traceparent_is_echoed(self):
        for good in (TRACE, TRACE[:-2] + "00", "cc" + TRACE[2:], "cc" + TRACE[2:] + "-what-ever"):
            reply = self.one("POST", HINGE, {"traceparent": good})
            self.assertEqual(reply.header("traceparent"), good)

    def test_bad_traceparents_are_not(self):
        for bad in ("", "00", TRACE[:-1], TRACE + "0", TRACE + "-x", "ff" + TRACE[2:],
                    TRACE.upper(), "00-" + "0" * 32 + TRACE[35:], TRACE.replace("-", "_"),
                    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"):
            reply = self.one("GET", "/livez", {"traceparent": bad})
            self.assertIsNone(reply.header("traceparent"), bad)

    def test_both_are_logged(self):
        self.one("POST", HINGE, {"X-Request-Id": "look-for-me", "traceparent": TRACE})
        line = self.daemon.log.wait("look-for-me")
        self.assertIn("4bf92f3577b34da6a3ce929d0e0e4736", line)


class MediaTypes(DaemonCase):
    def test_json_in_many_spellings(self):
        for kind in ("application/json", "APPLICATION/JSON", "application/json; charset=utf-8",
                     "application/json;charset=UTF-8", 'application/json ; charset="utf-8"',
                     "application/problem+json", "application/vnd.api+json"):
            reply = self.daemon.post(HINGE, BODY, {"Content-Type": kind}, check=False)
            self.assertEqual(reply.status, 200 if kind.lower().startswith("application/json")
                             else 415, kind)

    def test_replies_are_json_in_utf_8(self):
        self.assertEqual(self.daemon.post(HINGE, BODY).media_type, "application/json")

    def test_accept_is_not_negotiated(self):
        self.assertEqual(self.daemon.post(HINGE, BODY, {"Accept": "text/html"}).status, 200)


class Cors(DaemonCase):
    """A list of two allowed origins."""

    ALLOWED = "https://dash.example:8443"
    flags = ("--cors-origins", f"https://a.example, {ALLOWED}",
             "--max-body-bytes", "1KiB")

    def preflight(self, path, origin, method="POST", headers="content-type"):
        fields = {"Origin": origin, "Access-Control-Request-Method": method}
        if headers:
            fields["Access-Control-Request-Headers"] = headers
        return self.daemon.exchange("OPTIONS", path, fields, check=False)

    def test_preflight(self):
        for path, methods in ((HINGE, "POST"), ("/v1/evaluate", "POST"), ("/v1/losses", "GET")):
            reply = self.preflight(path, self.ALLOWED)
            self.assertEqual(reply.status, 204)
            self.assertEqual(reply.header("Access-Control-Allow-Origin"), self.ALLOWED)
            self.assertIn(methods, reply.header("Access-Control-Allow-Methods"))
            allowed = reply.header("Access-Control-Allow-Headers").lower()
            for name in ("content-type", "authorization", "content-encoding", "x-request-id",
                         "traceparent"):
                self.assertIn(name, allowed)
            self.assertGreater(int(reply.header("Access-Control-Max-Age")), 0)

    def test_every_reply_to_an_allowed_origin(self):
        headers = {"Origin": self.ALLOWED, **JSON_TYPE}
        for method, path, body, status in (
                ("POST", HINGE, BODY, 200), ("POST", HINGE, b"{", 400),
                ("POST", HINGE, b"{}", 422), ("GET", "/nope", None, 404),
                ("GET", HINGE, None, 405), ("POST", HINGE, b" " * 2000, 413)):
            with self.subTest(status):
                reply = self.daemon.exchange(method, path, headers, body, check=False)
                self.assertEqual(reply.status, status)
                self.assertEqual(reply.header("Access-Control-Allow-Origin"), self.ALLOWED)
                exposed = reply.header("Access-Control-Expose-Headers").lower()
                for name in ("x-request-id", "retry-after"):
                    self.assertIn(name, exposed)
                self.assertIn("origin", ",".join(reply.all("Vary")).lower())

    def test_a_foreign_origin_gets_no_allow_header(self):
        for origin in ("https://evil.example", "https://dash.example", "http://a.example", "null",
                       "https://a.example.evil.example", "https://a.example/", "", "*"):
            for reply in (self.preflight(HINGE, origin),
                          self.daemon.post(HINGE, BODY, {"Origin": origin})):
                for name, _ in reply.headers:
                    self.assertFalse(name.lower().startswith("access-control-"), (origin, name))
                self.assertIn("origin", ",".join(reply.all("Vary")).lower())

    def test_no_credentials_are_ever_allowed(self):
        reply = self.daemon.post(HINGE, BODY, {"Origin": self.ALLOWED})
        self.assertIsNone(reply.header("Access-Control-Allow-Credentials"))


class CorsAnyAndNone(unittest.TestCase):
    def test_any(self):
        with Daemon("--cors-origins", "*") as daemon:
            reply = daemon.post(HINGE, BODY, {"Origin": "https://x.example"})
            self.assertEqual(reply.header("Access-Control-Allow-Origin"), "*")
            self.assertNotIn("origin", ",".join(reply.all("Vary")).lower())

    def test_none(self):
        with Daemon() as daemon:
            reply = daemon.post(HINGE, BODY, {"Origin": "https://x.example"})
            self.assertFalse([name for name, _ in reply.headers
                              if re.match("access-control-", name, re.I)])
