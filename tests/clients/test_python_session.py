"""How the Python client connects: pools, retries, replicas, tokens, TLS, unix sockets, errors."""

import email.utils
import os
import pickle
import socket
import ssl
import subprocess
import threading
import time
import unittest

import numpy as np
import ranklossd
from daemon import Daemon, DaemonCase, scratch_directory
from peer import Peer

GOOD = (200, {"X-Request-Id": "abc"}, {"loss": 0.5, "name": "pairwise_hinge",
                                       "totals": {"values": 2}})
PAIR = ([1, 0], [0, 0])
LARGE = (np.arange(40000).reshape(200, 200) % 5, np.zeros((200, 200)))  # sent in pieces
LARGE_LOSS = 80.0


def busy(retry_after, status=429):
    return (status, {"Retry-After": retry_after, "X-Request-Id": "r1"},
            {"title": "Busy", "status": status, "detail": "the queue is full"})


def url_of(daemon):
    return "http://%s:%d" % daemon.address


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Retries(unittest.TestCase):
    def test_retry_after_is_obeyed_in_seconds_and_as_a_date(self):
        for least, value_of in ((1.0, lambda: "1"), (0.9, lambda: email.utils.formatdate(
                time.time() + 2, usegmt=True))):
            with self.subTest(least), Peer(busy(value_of()), GOOD) as peer:
                start = time.monotonic()
                client = ranklossd.Client(peer.url)
                self.assertEqual(client.loss("pairwise_hinge", *PAIR).value, 0.5)
                self.assertGreaterEqual(time.monotonic() - start, least)
                self.assertEqual(len(peer.seen), 2)
                self.assertEqual(peer.seen[0][3], peer.seen[1][3])

    def test_past_the_budget_the_daemons_words_are_raised(self):
        with Peer(busy("30")) as peer:
            start = time.monotonic()
            with self.assertRaises(ranklossd.Busy) as caught:
                ranklossd.Client(peer.url, retry_for=5).loss("pairwise_hinge", *PAIR)
            self.assertLess(time.monotonic() - start, 4)  # 30 s would end past the budget
            self.assertEqual((caught.exception.status, caught.exception.request_id), (429, "r1"))
            self.assertEqual(len(peer.seen), 1)

    def test_503_without_retry_after_backs_off_until_the_budget_is_spent(self):
        with Peer((503, {}, b"draining")) as peer:
            with self.assertRaisesRegex(ranklossd.Busy, "draining"):
                ranklossd.Client(peer.url, retry_for=1.0).loss("pairwise_hinge", *PAIR)
            # Rests of 0.05, 0.1, 0.2, 0.4 s, each up to twice as long.
            self.assertGreaterEqual(len(peer.seen), 3)
            self.assertLessEqual(len(peer.seen), 6)

    def test_jitter_spreads_clients_that_were_refused_together(self):
        peers = [Peer(busy("0.2"), GOOD) for _ in range(8)]
        waits = []
        for peer in peers:
            with peer:
                start = time.monotonic()
                ranklossd.Client(peer.url).loss("pairwise_hinge", *PAIR)
                waits.append(time.monotonic() - start)
        self.assertGreater(max(waits) - min(waits), 0.005, waits)

    def test_a_broken_connection_is_tried_again(self):
        with Peer(None, None, GOOD) as peer:
            self.assertEqual(ranklossd.Client(peer.url).loss("pairwise_hinge", *PAIR).value, 0.5)
            self.assertEqual(len(peer.seen), 3)

    def test_a_proxys_page_is_quoted(self):
        with Peer((404, {}, b"<html>no such backend</html>")) as peer:
            with self.assertRaisesRegex(ranklossd.Problem, "404 .*no such backend"):
                ranklossd.Client(peer.url).loss("pairwise_hinge", *PAIR)
            self.assertEqual(len(peer.seen), 1)

    def test_nobody_there(self):
        client = ranklossd.Client("http://127.0.0.1:%d" % free_port())
        start = time.monotonic()
        with self.assertRaises(ranklossd.Unreachable) as caught:
            client.loss("pairwise_hinge", *PAIR)
        self.assertLess(time.monotonic() - start, 15)
        self.assertIsInstance(caught.exception, ConnectionError)

    def test_a_slow_reply_ends_at_the_timeout(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        client = ranklossd.Client("http://127.0.0.1:%d" % listener.getsockname()[1], timeout=0.3,
                                  retry_for=0.1)
        with self.assertRaisesRegex(ranklossd.Unreachable, "timed out"):
            client.loss("pairwise_hinge", *PAIR)


class Replicas(unittest.TestCase):
    def test_a_busy_replica_is_passed_over_at_once(self):
        with Peer(busy("20")) as full, Peer(GOOD) as free:
            client = ranklossd.Client([full.url, free.url])
            start = time.monotonic()
            for _ in range(20):
                client.loss("pairwise_hinge", *PAIR)
            self.assertLess(time.monotonic() - start, 10)
            self.assertEqual(len(full.seen), 1)
            self.assertEqual(client.session.served(), {full.url: 0, free.url: 20})

    def test_a_replica_that_died_costs_no_request(self):
        daemons = [Daemon("--threads", "1") for _ in range(2)]
        for daemon in daemons:
            self.addCleanup(daemon.kill)
        client = ranklossd.Client([url_of(daemon) for daemon in daemons])
        for number in range(60):
            if number == 20:
                daemons[0].kill()
            self.assertEqual(client.loss("pairwise_hinge", *PAIR).value, 0.5)
        served = client.session.served()
        self.assertGreaterEqual(served[url_of(daemons[0])], 5)
        self.assertEqual(sum(served.values()), 60)

    def test_a_restarted_daemon_is_found_again(self):
        daemon = Daemon()
        client = ranklossd.Client(url_of(daemon))
        self.assertEqual(client.loss("pairwise_hinge", *PAIR).value, 0.5)
        daemon.stop()
        with self.assertRaises(ranklossd.Unreachable):
            client.loss("pairwise_hinge", *PAIR)
        with Daemon(listen="127.0.0.1:%d" % daemon.address[1]):
            self.assertEqual(client.loss("pairwise_hinge", *PAIR).value, 0.5)

    def test_threads_share_a_client(self):
        with Daemon() as daemon:
            client = ranklossd.Client(url_of(daemon), connections=4)
            results = []

            def work(seed):
                scores = np.random.default_rng(seed).normal(size=(20, 10))
                labels = (scores > 0.5).astype(float)
                first = client.loss("pairwise_hinge", labels, scores).value
                results.append(all(client.loss("pairwise_hinge", labels, scores).value == first
                                   for _ in range(20)))

            threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(results, [True] * 8)

    def test_bad_urls_are_refused_at_once(self):
        for url in ("localhost:8080", "ftp://host", [""], "unix:", []):
            with self.subTest(url), self.assertRaises(ValueError):
                ranklossd.Client(url)


class Errors(DaemonCase):
    def setUp(self):
        super().setUp()
        self.client = ranklossd.Client(url_of(self.daemon))

    def test_status_pointer_and_request_id(self):
        with self.assertRaises(ranklossd.InvalidRequest) as caught:
            self.client.loss("pairwise_hinge", [[1, 0], [1, 0]], [[0.5, 1], [0.5, None]])
        error = caught.exception
        self.assertEqual((error.status, error.pointer), (422, "/y_pred/1/1"))
        self.daemon.log.wait(error.request_id)  # what the daemon's log calls it
        self.assertIn("/y_pred/1/1", str(error))
        self.assertIn(error.request_id, str(error))

    def test_an_error_survives_pickling(self):
        with self.assertRaises(ranklossd.InvalidRequest) as caught:
            self.client.loss("pairwise_hinge", [1, 0], [0.5, None])
        again = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual(str(again), str(caught.exception))
        self.assertEqual(again.pointer, "/y_pred/1")

    def test_a_client_survives_pickling(self):
        again = pickle.loads(pickle.dumps(self.client))
        self.assertEqual(again.loss("pairwise_hinge", *PAIR).value, 0.5)

    def test_unknown_names(self):
        with self.assertRaises(ranklossd.Problem) as caught:
            self.client.metric("nothing", *PAIR)
        self.assertEqual(caught.exception.status, 404)

    def test_traceparent_is_passed_on(self):
        trace = "0af7651916cd43dd8448eb211c80319c"
        header = f"00-{trace}-b7ad6b7169203331-01"
        for value in (header, lambda: header):
            start = self.daemon.log.count()
            ranklossd.Client(url_of(self.daemon), traceparent=value).loss("pairwise_hinge", *PAIR)
            self.daemon.log.wait(trace, start=start)
        no_trace = ranklossd.Client(url_of(self.daemon), traceparent=lambda: None)
        self.assertEqual(no_trace.loss("pairwise_hinge", *PAIR).value, 0.5)

    def test_ready_and_catalogue(self):
        self.assertTrue(self.client.ready())
        catalogue = self.client.catalogue()
        self.assertIn("pairwise_hinge", [one["name"] for one in catalogue["losses"]])
        self.assertIn("ndcg", [one["name"] for one in catalogue["metrics"]])


class Doors(unittest.TestCase):
    """Ways to a daemon other than plain TCP."""

    def test_a_unix_socket(self):
        folder = scratch_directory(self)
        with Daemon(listen=f"unix:{folder}/socket"):
            with ranklossd.Client(f"unix:{folder}/socket") as client:
                self.assertEqual(client.loss("pairwise_hinge", *PAIR).value, 0.5)
                self.assertEqual(client.loss("pairwise_hinge", *LARGE).value, LARGE_LOSS)
        with self.assertRaises(ranklossd.Unreachable):
            ranklossd.Client(f"unix:{folder}/absent", retry_for=0.2).loss("pairwise_hinge", *PAIR)

    def test_tokens(self):
        folder = scratch_directory(self)
        with open(f"{folder}/tokens", "w", encoding="ascii") as file:
            file.write("opensesame\n")
        with Daemon("--auth-tokens-file", f"{folder}/tokens") as daemon:
            url = url_of(daemon)
            client = ranklossd.Client(url, token="opensesame")
            self.assertEqual(client.loss("pairwise_hinge", *PAIR).value, 0.5)
            for token in (None, "wrong"):
                with self.assertRaises(ranklossd.Unauthorized):
                    ranklossd.Client(url, token=token).loss("pairwise_hinge", *PAIR)
            os.environ["RANKLOSSD_TOKEN"] = "opensesame"
            self.addCleanup(os.environ.pop, "RANKLOSSD_TOKEN")
            self.assertEqual(ranklossd.Client(url).loss("pairwise_hinge", *PAIR).value, 0.5)

    def test_tls_with_and_without_a_client_certificate(self):
        folder = scratch_directory(self)
        make_certificates(folder)
        flags = ("--tls-cert", f"{folder}/server.pem", "--tls-key", f"{folder}/server.key",
                 "--tls-client-ca", f"{folder}/ca.pem")
        context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
        context.load_cert_chain(f"{folder}/client.pem", f"{folder}/client.key")
        with Daemon(*flags, tls=context) as daemon:
            url = "https://localhost:%d" % daemon.address[1]
            pair = {"cert": f"{folder}/client.pem", "key": f"{folder}/client.key"}
            for how in ({"ca": f"{folder}/ca.pem", **pair}, {"ssl_context": context}):
                with ranklossd.Client(url, **how) as client:
                    self.assertEqual(client.loss("pairwise_hinge", *PAIR).value, 0.5)
                    self.assertEqual(client.loss("pairwise_hinge", *LARGE).value, LARGE_LOSS)
            with self.assertRaises(ranklossd.Unreachable):  # no certificate of its own
                ranklossd.Client(url, ca=f"{folder}/ca.pem", retry_for=0.2).loss("pairwise_hinge",
                                                                                *PAIR)
            start = time.monotonic()
            with self.assertRaisesRegex(ranklossd.Unreachable, "(?i)certificate"):
                ranklossd.Client(url, **pair).loss("pairwise_hinge", *PAIR)
            self.assertLess(time.monotonic() - start, 5)


def make_certificates(folder):
    """An authority, and certificates for localhost and for a client."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=test authority")
    with open(f"{folder}/names", "w", encoding="ascii") as file:
        file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl("req", *curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", f"{name}.pem")


if __name__ == "__main__":
    unittest.main()
