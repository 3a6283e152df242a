"""FAULTS 82 and up: what many clients together can make the process hold."""

import resource
import socket
import time
import unittest

import worst
from daemon import SANITIZER, Daemon, DaemonCase, JSON_TYPE, eventually

HINGE = "/v1/losses/pairwise_hinge"
BODY = b'{"y_true":[1,0],"y_pred":[0,1]}'


def allow_descriptors(count):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


class Crowd(unittest.TestCase):
    """82: bodies of 65 KB on thousands of connections."""

    COUNT = 300 if SANITIZER else 3000
    SIZE = 65 * 1000

    def crowd(self, daemon):
        """Connections whose bodies are in but for their last byte."""
        body = BODY + b" " * (self.SIZE - 1 - len(BODY))
        wires = [daemon.connect() for _ in range(self.COUNT)]
        for wire in wires:
            self.addCleanup(wire.close)
            wire.request("POST", HINGE, {**JSON_TYPE, "Content-Length": str(self.SIZE)}, body)
        return wires

    def test_fault_82_every_byte_counts_and_no_memory_stays(self):
        allow_descriptors(self.COUNT + 100)
        with Daemon("--min-upload-rate", "0", "--header-timeout", "10m", "--body-timeout",
                    "10m", "--idle-timeout", "10m") as daemon:
            before = daemon.rss()
            wires, held = self.crowd(daemon), self.COUNT * (self.SIZE - 1)
            eventually(lambda: daemon.metrics().value("ranklossd_queue_bytes") == held)
            for wire in wires:
                wire.send(b" ")
            self.assertEqual({wire.read_reply().status for wire in wires}, {200})
            for wire in wires:
                wire.close()
            eventually(lambda: daemon.metrics().value("ranklossd_queue_bytes") == 0)
            if not SANITIZER:
                eventually(lambda: daemon.rss() < before + (16 << 20), what="memory going back")

    def test_fault_82_small_bodies_have_a_bound_of_their_own(self):
        """An eighth of queue-bytes on top, so that large ones do not keep them out."""
        with Daemon("--queue-bytes", "1MiB", "--max-body-bytes", "1000000",
                    "--max-inflated-bytes", "1000000") as daemon:
            with daemon.connect() as large, daemon.connect() as refused:
                large.request("POST", HINGE, {**JSON_TYPE, "Content-Length": "1000000"},
                              b" " * 999999)
                eventually(lambda: daemon.metrics().value("ranklossd_queue_bytes") == 999999)
                reply = refused.exchange("POST", HINGE, JSON_TYPE, BODY + b" " * 90000)
                self.assertEqual(reply.status, 429)
                self.assertEqual(reply.header("Retry-After"), "1")
                full, held = [daemon.connect() for _ in range(3)], 999999
                for wire in full:
                    eventually(lambda: daemon.metrics().value("ranklossd_queue_bytes") == held)
                    self.addCleanup(wire.close)
                    wire.request("POST", HINGE, {**JSON_TYPE, "Content-Length": "60000"},
                                 b" " * 59999)
                    held += 59999
                self.assertEqual(full[2].send(b" ").read_reply().status, 429)
                held -= 59999
                eventually(lambda: daemon.metrics().value("ranklossd_queue_bytes") == held)
                self.assertEqual(daemon.post(HINGE, BODY).status, 200)
                for wire in full:
                    wire.close()
                eventually(lambda: daemon.metrics().value("ranklossd_queue_bytes") == 999999)
                large.send(b" ")
                self.assertEqual(large.read_reply().status, 400)


class Replies(unittest.TestCase):
    """83: large replies that nobody reads."""

    TOTAL = 64 << 20

    def test_fault_83_unread_replies_count_and_small_requests_go_on(self):
        body, refused = worst.wide_reply(3000), []  # replies of 10 MB
        with Daemon("--max-total-memory", self.TOTAL, "--write-timeout", "600s") as daemon:
            before, wires = daemon.rss(), [daemon.connect(receive_buffer=4096) for _ in range(12)]
            for wire in wires:
                self.addCleanup(wire.close)
                wire.request("POST", worst.EVALUATE, JSON_TYPE, body)

            def settled():
                metrics = daemon.metrics()
                refused[:] = [metrics.value("ranklossd_rejected_requests_total", reason="memory")]
                return refused[0] >= 6 and metrics.value("ranklossd_queue_depth") == 0

            eventually(settled, what="refusals")
            self.assertLessEqual(daemon.metrics().value("ranklossd_request_memory_bytes"),
                                 self.TOTAL)
            if not SANITIZER:
                self.assertLess(daemon.peak_rss() - before, self.TOTAL + (48 << 20))
            self.assertEqual(daemon.post(HINGE, BODY).status, 200)
            for wire in wires:
                if wire.socket.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 503":
                    reply = wire.read_reply()
                    DaemonCase.refused(self, reply, 503, words="max-total-memory")
                    self.assertEqual(reply.header("Retry-After"), "1")
                wire.close()
            eventually(lambda: daemon.metrics().value("ranklossd_request_memory_bytes") < 4 << 20)
            self.assertEqual(daemon.post(worst.EVALUATE, body).status, 200)

    def test_fault_83_a_list_that_never_fits_names_the_limit(self):
        with Daemon("--max-total-memory", "32MiB") as daemon:
            reply = daemon.exchange("POST", worst.EVALUATE, JSON_TYPE, worst.long_list(400_000))
            DaemonCase.refused(self, reply, 413, words="max-total-memory")


class Uploads(unittest.TestCase):
    """84: bodies that stop a byte short of their end."""

    SIZE = 1 << 20

    def head(self, wire, size):
        wire.request("POST", HINGE, {**JSON_TYPE, "Content-Length": str(size)})

    def test_fault_84_stalled_uploads_make_room_for_those_that_arrive(self):
        whole = BODY + b" " * (self.SIZE - len(BODY))
        with Daemon("--queue-bytes", 8 * self.SIZE, "--max-body-bytes", self.SIZE,
                    "--max-inflated-bytes", self.SIZE) as daemon:
            stalled = [daemon.connect() for _ in range(8)]
            for wire in stalled:
                self.addCleanup(wire.close)
                self.head(wire, self.SIZE)
                wire.send(whole[:-1])
            eventually(lambda: daemon.metrics().value("ranklossd_queue_bytes")
                       == 8 * (self.SIZE - 1))
            self.assertEqual(daemon.exchange("POST", HINGE, JSON_TYPE, whole).status, 429)
            for wire in stalled:
                DaemonCase.refused(self, wire.read_reply(), 408, words="min-upload-rate")
            eventually(lambda: daemon.metrics().value("ranklossd_queue_bytes") == 0)
            self.assertEqual(daemon.exchange("POST", HINGE, JSON_TYPE, whole).status, 200)
            self.assertEqual(daemon.settled_metrics().value("ranklossd_rejected_requests_total",
                                                            reason="body_timeout"), 8)

    def test_fault_84_a_slow_body_that_keeps_the_pace_is_read(self):
        """A few times the pace, as the pauses of a busy machine are longer, for two windows."""
        piece, count = b" " * 6000, 66
        body = BODY + piece * count
        with Daemon("--min-upload-rate", "4KiB") as daemon, daemon.connect() as wire:
            self.head(wire, len(body))
            wire.send(BODY)
            for _ in range(count):
                time.sleep(1 / 6)
                wire.send(piece)
            self.assertEqual(wire.read_reply().status, 200)
