"""FAULTS 60 to 68: limits, deadlines, queues, memory."""

import gzip
import json
import threading
import time
import unittest

import numpy as np

import busy
from daemon import SANITIZER, SLOW, Daemon, DaemonCase, JSON_TYPE, eventually
from shim import Shim
from wire import Closed

HINGE = "/v1/losses/pairwise_hinge"
BODY = b'{"y_true":[1,0],"y_pred":[0,1]}'
LARGE = json.dumps({"y_true": [[1, 0, 2, 3] * 25] * 200,
                    "y_pred": [[0.5, 0.25, 1.5, 0.75] * 25] * 200}).encode()



class Limits(unittest.TestCase):
    def test_fault_60_each_limit_names_itself(self):
        with Daemon("--max-lists", 3, "--max-items", 10, "--max-depth", 6, "--max-top-k", 5,
                    "--max-evaluations", 2) as daemon:
            with daemon.connect() as wire:
                for body, limit, path in (
                        ({"y_true": [[1]] * 4, "y_pred": [[1]] * 4}, "max-lists", HINGE),
                        ({"y_true": [1] * 11, "y_pred": [1] * 11}, "max-items", HINGE),
                        ({"y_true": [[1] * 6] * 2, "y_pred": [[1] * 6] * 2}, "max-items", HINGE),
                        ({"y_true": [[[[[[[1]]]]]]], "y_pred": [1]}, "max-depth|nest", HINGE),
                        ({"x": {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}}, "max-depth|nest",
                         HINGE),
                        ({"y_true": [1], "y_pred": [1], "include": ["top_pairs"], "top_k": 6},
                         "max-top-k", HINGE),
                        ({"y_true": [1], "y_pred": [1], "losses": ["list_mle"] * 3},
                         "max-evaluations", "/v1/evaluate")):
                    with self.subTest(limit):
                        reply = daemon.post(path, body, wire=wire)
                        self.assertIn(reply.status, (413, 422), reply)
                        said = reply.json()["detail"] + str(reply.json().get("errors"))
                        self.assertRegex(said, limit)
                for body in ({"y_true": [[1]] * 3, "y_pred": [[1]] * 3},
                             {"y_true": [1] * 10, "y_pred": [1] * 10}):
                    self.assertEqual(daemon.post(HINGE, body, wire=wire).status, 200)

    def test_fault_61_one_list_of_a_million_items(self):
        """In seconds, not the hours of all pairs, and in linear memory."""
        rng = np.random.default_rng(3)
        with Daemon() as daemon:
            for count in (250_000, 1_000_000):
                body = json.dumps({"y_true": rng.integers(0, 5, count).tolist(),
                                   "y_pred": rng.normal(0, 1, count).round(5).tolist()}).encode()
                for loss in ("pairwise_hinge", "pairwise_logistic", "pairwise_soft_zero_one",
                             "pairwise_mean_squared_error", "list_mle"):
                    daemon.reset_peak()
                    before, start = daemon.rss(), time.monotonic()
                    reply = daemon.post(f"/v1/losses/{loss}", body, check=False)
                    spent = time.monotonic() - start
                    self.assertEqual(reply.status, 200)
                    self.assertEqual(reply.json()["totals"]["items"], count)
                    self.assertLess(spent, 20 * SLOW)
                    if not SANITIZER:
                        self.assertLess(daemon.peak_rss() - before, 12 * len(body) + (32 << 20))


class Deadlines(DaemonCase):
    flags = ("--header-timeout", "2s", "--body-timeout", "2s", "--write-timeout", "2s",
             "--idle-timeout", "2s")
    LEAST = 1.8  # seconds from before a phase began until its deadline has passed

    def trickle(self, wire, data, pause=0.05):
        """Sends byte by byte until the peer answers or ends the connection."""
        patience = wire.socket.gettimeout()
        try:
            for byte in data:
                wire.send(bytes([byte]))
                wire.socket.settimeout(pause)
                if self.hears(wire):
                    return
        except OSError:
            return
        finally:
            wire.socket.settimeout(patience)
        self.fail("all was sent, which takes longer than the deadline")

    def hears(self, wire):
        """Whether the peer has sent something or ended the connection."""
        try:
            piece = wire.socket.recv(65536)
            wire.buffer += piece
            return True
        except (TimeoutError, BlockingIOError):
            return False

    SLOW_HEADERS = b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 2000

    def test_fault_62_slow_headers(self):
        start = time.monotonic()
        with self.daemon.connect() as wire:
            self.trickle(wire, self.SLOW_HEADERS)
            self.assertGreater(time.monotonic() - start, self.LEAST)

    def test_fault_62_no_headers_at_all(self):
        with self.daemon.connect() as wire:
            self.assertTrue(wire.is_closed())

    def test_fault_62_slow_headers_of_the_second_request(self):
        with self.daemon.connect() as wire:
            self.assertEqual(self.daemon.get("/livez", wire=wire).status, 200)
            self.trickle(wire, self.SLOW_HEADERS)

    def test_fault_63_slow_body(self):
        start = time.monotonic()
        with self.daemon.connect() as wire:
            wire.request("POST", HINGE, {**JSON_TYPE, "Content-Length": "10000",
                                         "X-Request-Id": "slow-body"})
            self.trickle(wire, b" " * 2000)
            self.assertGreater(time.monotonic() - start, self.LEAST)
            reply = wire.read_reply()
            self.refused(reply, 408)
            self.assertEqual(reply.header("X-Request-Id"), "slow-body")
            self.assertTrue(wire.is_closed())

    def test_fault_63_slow_chunked_body(self):
        with self.daemon.connect() as wire:
            wire.request("POST", HINGE, {**JSON_TYPE, "Transfer-Encoding": "chunked"})
            self.trickle(wire, b"1\r\n \r\n" * 2000, 0.02)
            self.refused(wire.read_reply(), 408)

    def test_fault_63_no_body_at_all(self):
        with self.daemon.connect() as wire:
            wire.request("POST", HINGE, {**JSON_TYPE, "Content-Length": "10"})
            self.refused(wire.read_reply(), 408)

    def test_fault_64_a_client_that_does_not_read(self):
        """Its reply is some 16 MB, far more than socket buffers take."""
        body = json.dumps({"y_true": [[1, 0] * 25] * 16000, "reduction": "none",
                           "y_pred": [[0.123456, 0.654321] * 25] * 16000,
                           "include": ["gradient"]}).encode()
        with Daemon("--write-timeout", "1s") as daemon:
            def connections():
                return daemon.metrics().value("ranklossd_connections")

            eventually(lambda: connections() <= 1)
            with daemon.connect(receive_buffer=4096) as wire:
                wire.request("POST", HINGE, JSON_TYPE, body)  # so it was accepted, and counted
                eventually(lambda: connections() <= 1, what="closing a slow reader")
                with self.assertRaises(Closed):
                    wire.read_reply()

    def test_fault_64_idle_connections_are_closed(self):
        with self.daemon.connect() as wire:
            self.assertEqual(self.daemon.get("/livez", wire=wire).status, 200)
            self.assertTrue(wire.is_closed())


class Queue(unittest.TestCase):
    """What happens while the executor is busy with something long."""

    ENDLESS = 30  # seconds of the processor, of which a test waits for far fewer

    def occupy(self, daemon, seconds=3):
        """Starts a long request; returns (thread, list that will hold its status)."""
        result, body = [], busy.long_work(seconds)

        def run():
            try:
                result.append(daemon.post("/v1/evaluate", body, check=False).status)
            except (Closed, OSError) as error:
                result.append(str(error))

        before = daemon.metrics().value("ranklossd_queue_wait_seconds_count")
        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)
        eventually(lambda: daemon.metrics().value("ranklossd_queue_wait_seconds_count") > before,
                   what="the executor taking the long request")
        return thread, result

    def test_fault_65_client_gone_while_queued(self):
        with Daemon(*busy.FLAGS) as daemon:
            thread, result = self.occupy(daemon)
            before = daemon.metrics()
            wires = [daemon.connect() for _ in range(3)]
            for wire in wires:
                wire.request("POST", HINGE, JSON_TYPE, LARGE)
            eventually(lambda: daemon.metrics().value("ranklossd_queue_depth") == 3)
            for wire in wires:
                wire.reset()
            thread.join()
            self.assertEqual(result, [200])
            eventually(lambda: daemon.metrics().value("ranklossd_queue_depth") == 0)
            after = daemon.settled_metrics()
            self.assertEqual(after.total("ranklossd_client_gone_total")
                             - before.total("ranklossd_client_gone_total"), 3)
            self.assertEqual(after.value("ranklossd_lists_total", loss="pairwise_hinge"),
                             before.value("ranklossd_lists_total", loss="pairwise_hinge"))
            self.assertEqual(daemon.post(HINGE, BODY).status, 200)

    def test_fault_66_queue_full(self):
        with Daemon(*busy.FLAGS, "--queue-capacity", 1) as daemon:
            thread, _ = self.occupy(daemon)
            with daemon.connect() as queued, daemon.connect() as refused:
                queued.request("POST", HINGE, JSON_TYPE, LARGE)
                eventually(lambda: daemon.metrics().value("ranklossd_queue_depth") == 1)
                reply = refused.exchange("POST", HINGE, JSON_TYPE, LARGE)
                self.assertEqual((reply.status, reply.header("Retry-After")), (429, "1"))
                DaemonCase.refused(self, reply, 429)
                # The connection stays, and what is small never queues.
                if (reply.header("Connection") or "").lower() != "close":
                    self.assertEqual(daemon.post(HINGE, BODY, wire=refused).status, 200)
                self.assertEqual(daemon.post(HINGE, BODY).status, 200)
                self.assertEqual(queued.read_reply().status, 200)
            thread.join()
            after = daemon.settled_metrics()
            self.assertEqual(after.value("ranklossd_queue_wait_seconds_count"), 2)
            self.assertEqual(after.value("ranklossd_rejected_requests_total",
                                         reason="queue_full"), 1)

    def test_fault_66_refused_before_the_body_is_read(self):
        with Daemon(*busy.FLAGS, "--queue-capacity", 1) as daemon:
            thread, _ = self.occupy(daemon)
            with daemon.connect() as queued, daemon.connect() as refused:
                queued.request("POST", HINGE, JSON_TYPE, LARGE)
                eventually(lambda: daemon.metrics().value("ranklossd_queue_depth") == 1)
                refused.request("POST", HINGE, {**JSON_TYPE, "Content-Length": str(8 << 20)})
                self.assertEqual(refused.read_reply().status, 429)
                self.assertEqual(queued.read_reply().status, 200)
            thread.join()

    def test_fault_66_queue_full_by_bytes(self):
        """Two of four find room: the body of the long request is freed before it is computed."""
        with Daemon(*busy.FLAGS, "--queue-bytes", "8MiB", "--max-body-bytes", "8MiB",
                    "--max-inflated-bytes", "8MiB") as daemon:
            def held():
                return daemon.metrics().value("ranklossd_queue_bytes")

            thread, _ = self.occupy(daemon)
            eventually(lambda: held() == 0)
            body = LARGE + b" " * ((3 << 20) - len(LARGE))
            wires = [daemon.connect() for _ in range(2)]
            for number, wire in enumerate(wires, 1):
                wire.request("POST", HINGE, JSON_TYPE, body)
                eventually(lambda: held() == number * len(body))
            for _ in range(2):
                self.assertEqual(daemon.exchange("POST", HINGE, JSON_TYPE, body).status, 429)
            thread.join()
            for wire in wires:
                self.assertEqual(wire.read_reply().status, 200)
                wire.close()
            self.assertEqual(daemon.post(HINGE, LARGE).status, 200)

    def test_fault_65_client_gone_while_computing(self):
        with Daemon(*busy.FLAGS) as daemon:
            body, before = busy.long_work(self.ENDLESS), daemon.metrics()
            wire = daemon.connect()
            wire.request("POST", "/v1/evaluate", JSON_TYPE, body)
            eventually(lambda: daemon.metrics().value("ranklossd_queue_wait_seconds_count")
                       > before.value("ranklossd_queue_wait_seconds_count"))
            wire.reset()
            self.assertEqual(daemon.post(HINGE, LARGE).status, 200)
            self.assertLess(daemon.cpu_seconds(), self.ENDLESS / 2)
            after = daemon.settled_metrics()
            self.assertEqual(after.total("ranklossd_client_gone_total")
                             - before.total("ranklossd_client_gone_total"), 1)

    def test_fault_67_deadline_passed_while_computing(self):
        with Daemon(*busy.FLAGS, "--request-timeout", "2s") as daemon:
            body, before = busy.long_work(self.ENDLESS), daemon.metrics()
            with daemon.connect() as wire:
                reply = wire.exchange("POST", "/v1/evaluate", JSON_TYPE, body)
                self.assertLess(daemon.cpu_seconds(), self.ENDLESS / 2)
                DaemonCase.refused(self, reply, 503, words="request-timeout")
                self.assertEqual(reply.header("Retry-After"), "1")
                self.assertEqual(daemon.post(HINGE, LARGE, wire=wire).status, 200)
            after = daemon.settled_metrics()
            self.assertEqual(after.value("ranklossd_rejected_requests_total", reason="deadline")
                             - before.value("ranklossd_rejected_requests_total",
                                            reason="deadline"), 1)

    def test_fault_67_deadline_passed_while_queued(self):
        # Bodies over 8 MiB get a pass each, so the last two wait while the others are computed. Each
        # is answered about when its own time is over, not when the executor comes to it.
        pad = b" " * (9 << 20)
        with Daemon(*busy.FLAGS, "--request-timeout", "2s") as daemon:
            body = busy.long_work(self.ENDLESS) + pad
            wires = [daemon.connect() for _ in range(3)]
            for wire in wires:
                wire.request("POST", "/v1/evaluate", JSON_TYPE, body)
            for wire in wires:
                DaemonCase.refused(self, wire.read_reply(), 503, words="request-timeout")
                wire.close()
            self.assertLess(daemon.cpu_seconds(), self.ENDLESS / 2)
            self.assertEqual(daemon.post(HINGE, LARGE).status, 200)

    def test_fault_68_the_reply_counts_as_memory_of_the_request(self):
        # The columns and results take some 10 MB, the texts of 32 gradients some 60.
        body = json.dumps({"y_true": [[0, 1] * 25] * 2000, "y_pred": [[0.123, 0.721] * 25] * 2000,
                           "losses": [{"name": "pairwise_logistic", "include": ["gradient"]}] * 32})
        for limit, status in (("32MiB", 503), ("1GiB", 200)):
            with Daemon("--max-request-memory", limit) as daemon:
                reply = daemon.post("/v1/evaluate", body.encode())
                self.assertEqual(reply.status, status, reply)
                if status == 503:
                    DaemonCase.refused(self, reply, 503, words="max-request-memory")
                self.assertEqual(daemon.post(HINGE, BODY).status, 200)

    def test_fault_60_work_of_one_request(self):
        grades, scores = ",".join(map(str, range(3600000))).encode(), b"5,0.5,-2,1.25," * 900000
        body = (b'{"y_true":[' + grades + b'],"y_pred":[' + scores[:-1] + b'],"dtype":"float64",'
                b'"losses":[' + b",".join([b'"pairwise_soft_zero_one"'] * 64) + b']}')
        for flags in ((), ("--max-work", "1500ms", "--threads", 1)):
            with Daemon(*flags) as daemon:
                reply = daemon.post("/v1/evaluate", body)
                DaemonCase.refused(self, reply, 413, words="max-work")
                self.assertLess(daemon.cpu_seconds(), 20 * SLOW)  # of the minutes it would take
                self.assertEqual(daemon.settled_metrics().value(
                    "ranklossd_rejected_requests_total", reason="too_large"), 1)

    def test_fault_65_gzip_that_swells_is_not_inflated_by_an_io_thread(self):
        text = b'{"y_true":[1,0],"y_pred":[0,1]}' + b" " * (3 << 20)
        stream = gzip.compress(text, 9)
        lie = stream[:-4] + (31).to_bytes(4, "little")  # it claims to inflate to 31 bytes
        self.assertLess(len(stream), 4096)
        coded = {**JSON_TYPE, "Content-Encoding": "gzip"}
        with Daemon("--threads", 1) as daemon:
            before = daemon.metrics().value("ranklossd_queue_wait_seconds_count")
            self.assertEqual(daemon.exchange("POST", HINGE, coded, stream).status, 200)
            self.assertEqual(daemon.exchange("POST", HINGE, coded, lie).status, 400)
            self.assertEqual(daemon.exchange("POST", HINGE, coded, gzip.compress(BODY)).status, 200)
            self.assertEqual(daemon.metrics().value("ranklossd_queue_wait_seconds_count") - before, 2)

    def test_fault_67_no_deadline_for_what_is_not_queued_long(self):
        with Daemon("--request-timeout", "5s") as daemon:
            for _ in range(5):
                self.assertEqual(daemon.post(HINGE, LARGE).status, 200)


class Memory(unittest.TestCase):
    def test_fault_68_over_the_memory_of_one_request(self):
        with Daemon("--max-request-memory", "1MiB") as daemon:
            body = {"y_true": [1, 0] * 100000, "y_pred": [0, 1] * 100000}
            with daemon.connect() as wire:
                for _ in range(3):
                    reply = daemon.post(HINGE, body, wire=wire)
                    self.assertIn(reply.status, (413, 503))
                    DaemonCase.refused(self, reply, reply.status, words="max-request-memory")
                    self.assertEqual(daemon.post(HINGE, BODY, wire=wire).status, 200)

    def test_fault_68_malloc_fails_for_one_request_while_others_go_on(self):
        shim = Shim()
        with Daemon(env=shim.env) as daemon:
            stop, failures = threading.Event(), []

            def others():
                while not stop.is_set():
                    try:
                        status = daemon.post(HINGE, BODY, check=False).status
                    except Exception as error:  # a hit of the failing allocation: at most one
                        status = repr(error)
                    if status != 200:
                        failures.append(status)

            thread = threading.Thread(target=others)
            thread.start()
            hits = 0
            for number in range(1, 120):
                shim.arm(number)
                try:
                    status = daemon.post(HINGE, LARGE, check=False).status
                    self.assertIn(status, (200, 503))
                except Closed:
                    status = 503
                shim.disarm()
                hits += shim.failed
            stop.set()
            thread.join()
            self.assertGreater(hits, 50)
            self.assertLessEqual(len(failures), hits)
            self.assertEqual(daemon.post(HINGE, LARGE).status, 200)
