"""Many clients at once, of every size, while the daemon is scraped, reloaded and stopped."""

import json
import random
import signal
import threading
import unittest

import numpy as np

import oracle
from daemon import SLOW, Daemon, JSON_TYPE
from wire import Closed

PATHS = ("/v1/losses/pairwise_hinge", "/v1/losses/pairwise_logistic", "/v1/losses/list_mle",
         "/v1/metrics/ndcg")


def bodies():
    rng = np.random.default_rng(31)
    return [json.dumps(oracle.random_body(rng, *size)).encode()
            for size in ((1, 6), (10, 20), (300, 60), (2, 3000), (1200, 40))]


class Concurrent(unittest.TestCase):
    def setUp(self):
        self.errors = []
        self.bodies = bodies()

    def learn(self, daemon):
        """The right reply to each body on each path, asked for one after the other."""
        with daemon.connect(timeout=60) as wire:
            return {(path, body): wire.exchange("POST", path, JSON_TYPE, body).text()
                    for path in PATHS for body in self.bodies}

    def client(self, daemon, want, seed, rounds):
        rng = random.Random(seed)
        try:
            with daemon.connect(timeout=60) as wire:
                for _ in range(rounds):
                    path, body = rng.choice(PATHS), rng.choice(self.bodies)
                    reply = wire.exchange("POST", path, JSON_TYPE, body)
                    if reply.status != 200 or reply.text() != want[path, body]:
                        self.errors.append(repr(reply))
        except (Closed, OSError, AssertionError) as error:
            self.errors.append(repr(error))

    def together(self, *work):
        threads = [threading.Thread(target=target, args=arguments) for target, *arguments in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.errors, [])

    def test_replies_do_not_mix(self):
        with Daemon("--threads", 3, "--io-threads", 3, "--track-names", 4) as daemon:
            want = self.learn(daemon)
            self.together(*[(self.client, daemon, want, seed, 40 // SLOW + 10)
                            for seed in range(8)])

    def test_scrapes_and_reloads_beside(self):
        with Daemon("--threads", 2, "--io-threads", 2, "--cors-origins", "*") as daemon:
            want, over = self.learn(daemon), threading.Event()

            def operate():
                while not over.is_set():
                    daemon.metrics()
                    daemon.get("/v1/losses", {"Origin": "https://a.example"})
                    daemon.signal(signal.SIGHUP)

            operator = threading.Thread(target=operate)
            operator.start()
            try:
                self.together(*[(self.client, daemon, want, seed, 20) for seed in range(5)])
            finally:
                over.set()
                operator.join()

    def test_connections_come_and_go(self):
        with Daemon("--threads", 2, "--io-threads", 3) as daemon:
            def come_and_go(seed):
                rng = random.Random(seed)
                for _ in range(60 // SLOW + 20):
                    with daemon.connect() as wire:
                        wire.request("POST", PATHS[0], JSON_TYPE, rng.choice(self.bodies))
                        if rng.random() < 0.5:
                            wire.read_reply()
                        elif rng.random() < 0.5:
                            wire.reset()

            self.together(*[(come_and_go, seed) for seed in range(6)])
            self.assertEqual(daemon.get("/livez").status, 200)

    def test_stopped_in_full_swing(self):
        for _ in range(3):
            daemon = Daemon("--threads", 2, "--io-threads", 2)
            threads = [threading.Thread(target=self.until_refused, args=(daemon, seed))
                       for seed in range(6)]
            with daemon:
                for thread in threads:
                    thread.start()
                threads[0].join(0.5)
                daemon.stop(timeout=60)
            for thread in threads:
                thread.join()

    def until_refused(self, daemon, seed):
        rng = random.Random(seed)
        while True:
            try:
                with daemon.connect() as wire:
                    wire.exchange("POST", PATHS[0], JSON_TYPE, rng.choice(self.bodies))
            except (Closed, OSError, AssertionError):
                return
