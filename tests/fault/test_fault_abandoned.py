"""FAULTS 85: jobs that are abandoned in every stage, at the end of the process and before."""

import gzip
import json
import signal
import unittest

import busy
from daemon import Daemon, JSON_TYPE, eventually
from wire import Closed

HINGE = "/v1/losses/pairwise_hinge"
EVALUATE = busy.EVALUATE
GZIP = {**JSON_TYPE, "Accept-Encoding": "gzip;q=0.9, identity;q=0.1", "Origin": "https://a.example",
        "X-Request-Id": "abandoned", "If-None-Match": '"x"'}
# No deadline comes before the end that a test gives its jobs.
PATIENT = (*busy.FLAGS, "--header-timeout", "10m", "--body-timeout", "10m", "--min-upload-rate", 0)
UNREAD = json.dumps({"y_true": [[1, 0] * 25] * 16000, "y_pred": [[0.123456, 0.654321] * 25] * 16000,
                     "reduction": "none", "include": ["gradient"]}).encode()


class Abandoned(unittest.TestCase):
    def begin(self, daemon):
        """One request in each stage: headers, body, computing, queued, reply. Returns the wires."""
        work = busy.long_work(30)
        wires = {name: daemon.connect(receive_buffer=4096)
                 for name in ("headers", "body", "reply", "computing", "queued", "zipped")}
        for wire in wires.values():
            self.addCleanup(wire.close)
        wires["headers"].send(b"POST %s HTTP/1.1\r\nHost: a\r\nAccept-Enc" % HINGE.encode())
        wires["body"].request("POST", HINGE, {**GZIP, "Content-Length": "100000"}, b"{" * 50000)
        wires["reply"].request("POST", HINGE, JSON_TYPE, UNREAD)
        wires["reply"].socket.recv(12)  # it has begun
        waits = daemon.metrics().value("ranklossd_queue_wait_seconds_count")
        wires["computing"].request("POST", EVALUATE, GZIP, work)
        eventually(lambda: daemon.metrics().value("ranklossd_queue_wait_seconds_count") > waits)
        wires["queued"].request("POST", EVALUATE, GZIP, work)
        wires["zipped"].request("POST", EVALUATE, {**GZIP, "Content-Encoding": "gzip"},
                                gzip.compress(work, 1))
        eventually(lambda: daemon.metrics().value("ranklossd_queue_depth") == 2)
        return wires

    def test_fault_85_the_process_ends_around_them(self):
        with Daemon(*PATIENT, "--drain-timeout", "0s", "--write-timeout", "2s",
                    "--cors-origins", "https://a.example") as daemon:
            wires = self.begin(daemon)
            daemon.signal(signal.SIGTERM)
            for name in ("body", "computing", "queued", "zipped"):
                reply = wires[name].read_reply()
                self.assertEqual((name, reply.status), (name, 503))
                self.assertEqual(reply.header("Access-Control-Allow-Origin"), "https://a.example")
            self.assertEqual(daemon.wait(), 0)
            with self.assertRaises(Closed):
                wires["headers"].read_reply()

    def test_fault_85_the_clients_go_and_then_the_process(self):
        with Daemon(*PATIENT, "--drain-timeout", "10m") as daemon:
            for wire in self.begin(daemon).values():
                wire.reset()
            eventually(lambda: daemon.metrics().value("ranklossd_queue_depth") == 0)
            eventually(lambda: daemon.metrics().value("http_requests_in_flight") == 1)
            self.assertEqual(daemon.metrics().total("ranklossd_client_gone_total"), 3)
            daemon.stop()

    def test_fault_85_the_smallest_pool(self):
        """What a job reads late is its own, not the connection's pool."""
        with Daemon(*PATIENT, "--drain-timeout", "0s", "--max-header-bytes", "4KiB",
                    "--write-timeout", "2s") as daemon:
            self.begin(daemon)
            daemon.signal(signal.SIGTERM)
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(), 0)
