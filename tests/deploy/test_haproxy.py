"""deploy/haproxy with real processes: replicas come and go under load, and no client notices."""

import http.client
import json
import os
import random
import signal
import socket
import threading
import time
import unittest

from daemon import PATIENCE, Daemon, eventually, scratch_directory
from deployment import Tool, answers, free_port, path, run

CLIENTS = 8


class Client(threading.Thread):
    """Sends seeded requests over one keep-alive connection, and checks every answer."""

    def __init__(self, port, seed, stop):
        super().__init__()
        self.port, self.rng, self.stopped = port, random.Random(seed), stop
        self.done, self.failures, self.slowest = 0, [], 0.0

    def request(self):
        """A body of one to some hundred lists, and its exact loss: labels (1, 0), scores apart."""
        lists = self.rng.choice((1, 10, 300))
        gaps = [round(self.rng.uniform(-2, 0.75) * 4) / 4 for _ in range(lists)]
        body = {"y_true": [[1, 0]] * lists, "y_pred": [[gap, 0] for gap in gaps],
                "reduction": "sum"}
        return json.dumps(body), sum(1 - gap for gap in gaps)

    def run(self):
        connection = None
        while not self.stopped.is_set():
            body, expected = self.request()
            start = time.monotonic()
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                connection.request("POST", "/v1/losses/pairwise_hinge", body,
                                   {"Content-Type": "application/json"})
                reply = connection.getresponse()
                answer = json.loads(reply.read())
                if reply.status != 200 or answer["loss"] != expected:
                    self.failures.append((reply.status, str(answer)[:200], expected))
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.failures.append(repr(error))
                connection = None
            self.done += 1
            self.slowest = max(self.slowest, time.monotonic() - start)


class Balanced(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ports = [free_port() for _ in range(3)]
        cls.replicas = [cls.replica(port) for port in cls.ports]
        cls.folder = scratch_directory(cls)
        cls.port = free_port()
        cls.environment = {
            **os.environ, "RANKLOSSD_HAPROXY_BIND": f"127.0.0.1:{cls.port}",
            "RANKLOSSD_HAPROXY_SOCKET": cls.folder + "/socket",
            **{f"RANKLOSSD_REPLICA_{n + 1}": f"127.0.0.1:{port}"
               for n, port in enumerate(cls.ports)}}
        cls.haproxy = Tool("haproxy", "-db", "-f", path("deploy/haproxy/haproxy.cfg"),
                           env=cls.environment)
        cls.addClassCleanup(cls.haproxy.stop)
        answers(f"http://127.0.0.1:{cls.port}/readyz")

    @classmethod
    def replica(cls, port):
        daemon = Daemon("--shutdown-delay", "6s", "--access-log", "none", "--threads", "1",
                        listen=f"127.0.0.1:{port}")
        cls.addClassCleanup(daemon.kill)
        return daemon

    @classmethod
    def statistics(cls):
        """Replica -> its row of HAProxy's own statistics."""
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(cls.folder + "/socket")
            wire.sendall(b"show stat\n")
            text = b"".join(iter(lambda: wire.recv(65536), b"")).decode()
        names, *rows = [line.split(",") for line in text.strip().splitlines()]
        rows = [dict(zip(names, row)) for row in rows]
        return {row["svname"]: row for row in rows if row["svname"].startswith("r")}

    @staticmethod
    def all_did(clients, count):
        return all(client.done >= count for client in clients)

    def under_load(self, disturb, seconds_after=2.0):
        """Clients send all the while; disturb() happens in the middle. Returns the clients."""
        stop = threading.Event()
        clients = [Client(self.port, f"{self.id()}/{n}", stop) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            eventually(lambda: self.all_did(clients, 10), what="traffic")
            disturb()
            time.sleep(seconds_after)
            done = max(client.done for client in clients)
            eventually(lambda: self.all_did(clients, done + 2), what="traffic afterwards")
        finally:
            stop.set()
            for client in clients:
                client.join()
        failures = [failure for client in clients for failure in client.failures]
        done = sum(client.done for client in clients)
        again = sum(int(row["wretr"]) + int(row["wredis"]) for row in self.statistics().values())
        print(f"note: {self.id().rsplit('.', 1)[1]}: {done} requests, {len(failures)} failed, "
              f"{again} sent again so far, "
              f"slowest {max(client.slowest for client in clients):.2f} s")
        self.assertEqual(failures, [])
        return clients

    def test_a_the_configuration_is_valid(self):
        run("haproxy", "-c", "-f", path("deploy/haproxy/haproxy.cfg"), env=self.environment)

    def test_b_every_replica_takes_its_share(self):
        self.under_load(lambda: None, 0.5)
        served = {name: int(row["stot"]) for name, row in self.statistics().items()}
        self.assertEqual(len(served), 3)
        self.assertGreater(min(served.values()), sum(served.values()) / 6, served)

    def test_c_a_killed_replica_costs_no_request(self):
        victim = self.replicas[0]
        self.under_load(lambda: victim.signal(signal.SIGKILL))
        self.assertEqual(self.statistics()["r1"]["status"].split()[0], "DOWN")
        self.assertEqual(victim.process.wait(PATIENCE), -signal.SIGKILL)

        self.replicas[0] = self.replica(self.ports[0])  # and it is taken back
        eventually(lambda: self.statistics()["r1"]["status"].startswith("UP"), what="r1 UP")

    def test_d_a_drained_replica_costs_no_request(self):
        victim = self.replicas[1]

        def drain():
            victim.signal(signal.SIGTERM)
            eventually(lambda: self.statistics()["r2"]["status"].split()[0] in ("DOWN", "NOLB"),
                       what="r2 is taken out")
            self.assertTrue(victim.alive(), "it must still serve when the balancer notices")
            self.assertEqual(victim.process.wait(PATIENCE), 0)

        self.under_load(drain)
        self.replicas[1] = self.replica(self.ports[1])
        eventually(lambda: self.statistics()["r2"]["status"].startswith("UP"), what="r2 UP")

    def test_e_one_killed_and_one_drained_at_once(self):
        def disturb():
            self.replicas[2].signal(signal.SIGTERM)
            self.replicas[0].signal(signal.SIGKILL)
            self.assertEqual(self.replicas[2].process.wait(PATIENCE), 0)

        self.under_load(disturb)


if __name__ == "__main__":
    unittest.main()
