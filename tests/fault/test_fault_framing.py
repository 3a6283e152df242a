"""FAULTS 1 to 23: framing, methods, paths, and crowds. Raw sockets throughout."""

import socket

from daemon import SANITIZER, Daemon, DaemonCase, eventually
from wire import Closed, Wire

HINGE = "/v1/losses/pairwise_hinge"
BODY = b'{"y_true":[1,0],"y_pred":[0,1]}'
LIMIT = 1 << 20


def post(*fields, body=BODY, path=HINGE, host="Host: localhost"):
    """A POST with exactly these header fields after the usual ones."""
    lines = [f"POST {path} HTTP/1.1", *([host] if host else []), "Content-Type: application/json",
             *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


LENGTH = f"Content-Length: {len(BODY)}"


class Framing(DaemonCase):
    flags = ("--max-body-bytes", LIMIT, "--header-timeout", "2s", "--body-timeout", "5s",
             "--max-connections", 5000)

    def closed_after(self, data, status, dagger=False):
        """The reply to these bytes, after which the daemon closes."""
        with self.daemon.connect() as wire:
            wire.try_send(data)
            reply = wire.read_reply()
            self.assertEqual(reply.status, status, reply)
            if not dagger:
                self.refused(reply, reply.status)
            self.assertTrue(wire.is_closed(), "stays open")
        self.serves()
        return reply

    def kept_after(self, data, status, method="POST"):
        """The reply to these bytes, after which the same connection serves on."""
        with self.daemon.connect() as wire:
            wire.send(data)
            reply = wire.read_reply(method)
            if status >= 400:
                self.refused(reply, status)
            self.assertEqual(reply.status, status)
            self.assertEqual(self.daemon.post(HINGE, BODY, wire=wire).status, 200)
        return reply

    def serves(self):
        self.assertEqual(self.daemon.post(HINGE, BODY).status, 200)

    def test_fault_01_transfer_encoding_with_content_length(self):
        chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
        for fields in (("Transfer-Encoding: chunked", LENGTH),
                       (LENGTH, "Transfer-Encoding: chunked"),
                       ("Transfer-Encoding: chunked", "Content-Length: 0")):
            self.closed_after(post(*fields, body=chunked), 400)

    def test_fault_02_transfer_encoding_other_than_chunked(self):
        for coding in ("gzip", "identity", "gzip, chunked", "chunked, chunked", "xchunked",
                       "chunked;q=1", ""):
            with self.subTest(coding):
                self.closed_after(post(f"Transfer-Encoding: {coding}"), 501)

    def test_fault_02_two_transfer_encodings(self):
        self.closed_after(post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
                          400)

    def test_fault_03_two_content_lengths(self):
        for other in (LENGTH, "Content-Length: 3", "content-length: 0"):
            self.closed_after(post(LENGTH, other), 400)

    def test_fault_04_malformed_content_length(self):
        for value in ("+5", "-1", "0x5", "5,5", "5 5", "", "5.0", "five"):
            with self.subTest(value):
                self.closed_after(post(f"Content-Length: {value}"), 400, dagger=True)

    def test_fault_05_content_length_of_2_to_the_64(self):
        for value in (1 << 64, (1 << 64) + 5, 10 ** 40):
            self.closed_after(post(f"Content-Length: {value}"), 413, dagger=True)

    def test_fault_06_content_length_over_the_limit(self):
        for value in (LIMIT + 1, 1 << 40, (1 << 63) - 1):
            reply = self.closed_after(post(f"Content-Length: {value}", body=b""), 413)
            self.refused(reply, 413, words="max-body-bytes")

    def test_fault_06_no_100_continue_before_it(self):
        with self.daemon.connect() as wire:
            wire.send(post(f"Content-Length: {LIMIT + 1}", "Expect: 100-continue", body=b""))
            head = wire._until(b"\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 413"), head)

    def test_fault_06_a_body_of_exactly_the_limit_is_read(self):
        self.kept_after(post(f"Content-Length: {LIMIT}", body=BODY + b" " * (LIMIT - len(BODY))),
                        200)

    def test_fault_07_chunked_body_over_the_limit(self):
        self.serves()
        self.daemon.reset_peak()
        before = self.daemon.peak_rss()
        with self.daemon.connect() as wire:
            wire.send(post("Transfer-Encoding: chunked", body=b""))
            chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
            for _ in range(1024):
                wire.try_send(chunk)
            wire.try_send(b"0\r\n\r\n")
            reply = wire.read_reply()
            self.refused(reply, 413)
            self.assertTrue(wire.is_closed())
        self.assertLess(self.daemon.peak_rss() - before, 16 << 20)
        self.serves()

    def test_fault_08_post_without_a_length(self):
        self.kept_after(post(body=b""), 411)

    def test_fault_09_bad_chunk_sizes(self):
        for size, status in ((b"xyz", 400), (b"-5", 400), (b"0x5", 400), (b"", 400), (b"5 5", 400),
                             (b"fffffffffffffffff", 413)):
            with self.subTest(size):
                self.closed_after(post("Transfer-Encoding: chunked",
                                       body=size + b"\r\n" + BODY + b"\r\n0\r\n\r\n"), status,
                                  dagger=True)

    def test_fault_10_bodies_cut_short(self):
        self.serves()
        baseline, rss = self.daemon.descriptors(), self.daemon.rss()
        for number in range(300):
            with self.daemon.connect() as wire:
                wire.send(post(f"Content-Length: {500000}", body=BODY * (number % 50)))
                if number % 3 == 0:
                    wire.reset()
        eventually(lambda: self.daemon.descriptors() <= baseline + 1, what="reaping")
        self.assertLess(self.daemon.rss() - rss, 32 << 20)
        self.serves()

    def test_fault_10_chunked_bodies_cut_short(self):
        baseline = self.daemon.descriptors()
        for _ in range(50):
            with self.daemon.connect() as wire:
                wire.send(post("Transfer-Encoding: chunked", body=b"fff\r\n{"))
        eventually(lambda: self.daemon.descriptors() <= baseline + 1, what="reaping")

    def test_fault_11_space_before_the_colon(self):
        for field in ("Content-Length : 38", "X-Thing : 1", "Host : x", "X\t: 1"):
            self.closed_after(post(LENGTH, field), 400)

    def test_fault_12_control_characters_in_values(self):
        for value in ("a\rb", "a\x01b", "a\x7fb", "\x1b[31m", "a\x0bb"):
            with self.subTest(repr(value)):
                self.closed_after(post(LENGTH, f"X-Thing: {value}"), 400)

    def test_fault_13_empty_header_name(self):
        self.closed_after(post(LENGTH, ": value"), 400)

    def test_fault_13_names_that_are_no_tokens(self):
        for name in ("X Thing", "X@Thing", "(X)", "\x80X", "X[1]"):
            with self.subTest(name):
                self.closed_after(post(LENGTH, f"{name}: 1"), 400)

    def test_fault_14_no_host(self):
        self.closed_after(post(LENGTH, host=None), 400)

    def test_fault_14_two_hosts(self):
        self.closed_after(post(LENGTH, "Host: other"), 400)
        self.closed_after(post(LENGTH, "Host: localhost"), 400)

    def test_fault_15_url_too_long(self):
        for length in (8100, 20000):
            self.closed_after(f"GET /{'x' * length} HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 414)
        self.closed_after(f"GET /{'x' * 200000} HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 414,
                          dagger=True)

    def test_fault_15_headers_too_long(self):
        self.closed_after(post(LENGTH, f"X-Thing: {'x' * 100000}"), 431, dagger=True)
        many = [f"X-Thing-{number}: {number}" for number in range(5000)]
        self.closed_after(post(LENGTH, *many), 431, dagger=True)

    def test_fault_16_tls_on_the_plain_port(self):
        hello = bytes.fromhex("16030100c8010000c40303") + bytes(range(1, 190))
        with self.daemon.connect() as wire:
            wire.try_send(hello)
            try:
                wire.read_reply()
            except Closed:
                pass
            except AssertionError:
                pass
            self.assertTrue(wire.is_closed())
        self.serves()

    def test_fault_16_garbage_on_the_plain_port(self):
        for junk, status in ((b"\0" * 100 + b"\r\n\r\n", None), (b"\xff" * 1000 + b"\r\n\r\n", None),
                             (b"GET\r\n\r\n", None), (b"\r\n" * 1000, None),
                             (b" / HTTP/1.1\r\nHost: a\r\n\r\n", None),
                             (b"GET / / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
                             (b"GET / HTTP/9.9\r\n\r\n", 505),
                             (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)):
            with self.subTest(junk[:20]), self.daemon.connect() as wire:
                wire.try_send(junk)
                try:
                    self.assertEqual(wire.read_reply().status, status)
                except Closed:
                    self.assertIsNone(status)
            self.serves()

    def test_fault_17_unknown_path(self):
        self.kept_after(post(LENGTH, path="/nope"), 404)
        self.kept_after(b"GET /nope HTTP/1.1\r\nHost: a\r\n\r\n", 404)

    def test_fault_18_wrong_method(self):
        reply = self.kept_after(b"GET " + HINGE.encode() + b" HTTP/1.1\r\nHost: a\r\n\r\n", 405)
        self.assertEqual({word.strip() for word in reply.header("Allow").split(",")},
                         {"POST", "OPTIONS"})
        reply = self.kept_after(post(LENGTH, path="/livez"), 405)
        self.assertIn("GET", reply.header("Allow"))

    def test_fault_19_hostile_paths(self):
        for path in ("/livez%00", "/%00", "/v1%2flosses", "/v1/losses/%2e%2e/metrics",
                     "/v1/../livez", "/../etc/passwd", "/v1/losses/..", "//", "/./livez",
                     "/%6civez", "/livez%20", "/v1/losses/pairwise_hinge%00x", "/%", "/%zz"):
            with self.subTest(path):
                self.kept_after(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 404)
                self.kept_after(post(LENGTH, path=path), 404)

    def test_fault_20_unknown_expect(self):
        self.closed_after(post(LENGTH, "Expect: 200-ok"), 417)

    def test_fault_21_three_pipelined_requests(self):
        bodies = [b'{"y_true":[1,0],"y_pred":[%d,1],"reduction":"sum"}' % score
                  for score in (0, -1, -2)]
        with self.daemon.connect() as wire:
            wire.send(b"".join(post(f"Content-Length: {len(body)}", f"X-Request-Id: r{index}",
                                    body=body) for index, body in enumerate(bodies)))
            for index in range(3):
                reply = wire.read_reply()
                self.assertEqual((reply.json()["loss"], reply.header("X-Request-Id")),
                                 (2 + index, f"r{index}"))

    def test_fault_21_pipelined_small_after_large_after_bad(self):
        large = (b'{"y_true":[' + b",".join([b"[1,0,2,3]"] * 20000) + b'],"y_pred":['
                 + b",".join([b"[0.5,0.25,0.125,0.75]"] * 20000) + b"]}")
        with self.daemon.connect() as wire:
            wire.send(post(f"Content-Length: {len(large)}", body=large)
                      + post("Content-Length: 1", body=b"{") + post(LENGTH))
            self.assertEqual([wire.read_reply().status for _ in range(3)], [200, 400, 200])

    def test_fault_22_head(self):
        reply = self.kept_after(b"HEAD /livez HTTP/1.1\r\nHost: a\r\n\r\n", 200, "HEAD")
        self.assertEqual(reply.body, b"")
        with self.daemon.connect() as wire:
            reply = wire.exchange("HEAD", "/nope")
            self.assertEqual(reply.status, 404)
            self.assertEqual(wire.exchange("GET", "/livez").status, 200)

    def test_fault_23_thousands_of_connections(self):
        """2000 idle ones, some of them half way through a request: others are still served."""
        idle = []
        try:
            for number in range(2000):
                sock = socket.create_connection(self.daemon.address, timeout=30)
                if number % 2:
                    sock.sendall(b"POST / HTTP/1.1\r\nHo")
                idle.append(sock)
            for _ in range(50):
                self.serves()
        finally:
            for sock in idle:
                sock.close()

    def test_fault_23_over_the_limit_a_quick_503(self):
        """While the others stay: their deadlines are longer than any test."""
        with Daemon("--max-connections", 20, "--idle-timeout", "10m", "--header-timeout",
                    "10m") as daemon:
            held = []

            def hold():
                """One more that is answered, as soon as those that were closed are counted out."""
                wire = Wire(daemon.address)
                if wire.exchange("GET", "/livez").status == 200:
                    held.append(wire)
                else:
                    wire.close()
                return len(held) == 20

            try:
                eventually(hold, what="twenty connections")
                for _ in range(10):
                    with Wire(daemon.address) as wire:
                        wire.try_send(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
                        reply = wire.read_reply()
                        self.refused(reply, 503)
                        self.assertTrue(reply.header("Retry-After"))
                        self.assertTrue(wire.is_closed())
            finally:
                for wire in held:
                    wire.close()
            eventually(lambda: daemon.get("/livez", check=False).status == 200)
            self.assertGreater(daemon.metrics().total("ranklossd_connections_rejected_total"), 0)


class Arguments(DaemonCase):
    """80: more query arguments than the connection's memory holds records of."""
    flags = ("--io-threads", 2, "--header-timeout", "10m")
    # A sanitizer keeps freed memory for a while, 256 MiB of it; it finds leaks by itself at the end.
    # A job takes some 2.7 KB.
    GROWTH = 300 << 20 if SANITIZER else 2 << 20

    TARGETS = ("/livez?" + "&a" * 600, HINGE + "?" + "&" * 7000,
               "/v1/losses?" + "&".join(f"x{number}=1" for number in range(900)))

    def test_fault_80_too_many_query_arguments_are_414_at_once(self):
        """Not when the deadline of the headers has passed, which is later than the client waits."""
        before = self.daemon.metrics().total("http_requests_total", code="414")
        for target in self.TARGETS:
            with self.daemon.connect() as wire:
                wire.send(f"GET {target} HTTP/1.1\r\nHost: a\r\nX-Request-Id: many\r\n\r\n")
                self.refused(wire.read_reply(), 414, words="arguments", closes=True)
                self.assertTrue(wire.is_closed())
        eventually(lambda: self.daemon.metrics().total("http_requests_total", code="414")
                   == before + len(self.TARGETS))
        eventually(lambda: self.daemon.log.text().count('"many"') >= len(self.TARGETS))

    def test_fault_80_a_hundred_arguments_are_taken(self):
        reply = self.daemon.get("/livez?" + "&".join("a=1" for _ in range(100)))
        self.assertEqual(reply.status, 200)

    def test_fault_80_three_thousand_of_them_cost_no_memory(self):
        def flood(count):
            for number in range(count):
                with self.daemon.connect() as wire:
                    wire.send(f"GET {self.TARGETS[number % 3]} HTTP/1.1\r\nHost: a\r\n\r\n")
                    self.assertEqual(wire.read_reply().status, 414)
        flood(100)
        rss = self.daemon.rss()
        flood(3000)
        self.assertLess(self.daemon.rss() - rss, self.GROWTH)
        self.assertEqual(self.daemon.settled_metrics().value("http_requests_in_flight"), 1)

    def test_fault_80_no_end_of_a_connection_leaves_a_job(self):
        """Heads that overflow the connection's memory in other ways: many fields, many cookies."""
        cookies = "Cookie: " + "; ".join(f"c{number}=1" for number in range(3000))
        fields = "\r\n".join(f"X{number}: 1" for number in range(1500))
        long_line = "X: " + "y" * 40000

        def flood(count):
            for number in range(count):
                with self.daemon.connect() as wire:
                    head = (cookies, fields, long_line)[number % 3]
                    wire.try_send(f"GET /livez HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n")
                    try:
                        wire.read_reply()
                    except Closed:
                        pass
        flood(60)
        rss = self.daemon.rss()
        flood(1800)
        self.assertLess(self.daemon.rss() - rss, self.GROWTH)


class Trailers(DaemonCase):
    """81: what libmicrohttpd shows of the trailer of a chunked body."""

    def send(self, trailer):
        with self.daemon.connect() as wire:
            wire.send(post("Transfer-Encoding: chunked",
                           body=b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(BODY), BODY, trailer)))
            return wire.read_reply()

    def test_fault_81_trailers_that_change_the_framing(self):
        for trailer in (b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n",
                        b"X-Sum: 1\r\nHost: b\r\n"):
            with self.subTest(trailer):
                self.refused(self.send(trailer), 400, words="trailer", closes=True)

    def test_fault_81_trailers_that_are_no_fields(self):
        for trailer in (b"X Sum: 1\r\n", b"X-Sum : 1\r\n", b"X-Sum: a\x01b\r\n"):
            with self.subTest(trailer):
                self.refused(self.send(trailer), 400, words="trailer", closes=True)

    def test_fault_81_a_good_trailer_is_taken(self):
        self.assertEqual(self.send(b"X-Checksum: 12\r\n").status, 200)
