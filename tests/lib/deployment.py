"""What the tests of deploy/ and examples/ share: tools beside the daemon, and traffic for it."""

import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
import urllib.request

from daemon import BINARY, ROOT, base_environment, die_with_parent  # noqa: F401 (for the tests)

LOSSES = ("pairwise_hinge", "pairwise_logistic", "pairwise_soft_zero_one",
          "pairwise_mean_squared_error", "list_mle")
METRICS = ("dcg", "ndcg", "mean_reciprocal_rank", "mean_average_precision", "precision_at_k",
           "recall_at_k", "hit_rate", "r_precision", "bpref", "auc", "expected_reciprocal_rank",
           "rank_biased_precision")


def path(*parts):
    return os.path.join(ROOT, *parts)


def free_port():
    """A port of the loopback address that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(*command, timeout=120, status=0, **options):
    """Runs a tool to its end; its output as text. AssertionError unless it ends with `status`."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False,
                          **options)
    if done.returncode != status:
        raise AssertionError(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-6000:]}")
    return done.stdout


class Tool:
    """A program that runs beside the test, and is ended with it."""

    def __init__(self, *command, **options):
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent, **options)
        self.lines = []
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def stop(self, timeout=60):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def fetch(url, body=None, headers=(), timeout=30):
    """GET, or POST of a JSON value; the JSON of the reply. HTTPError for anything but 2xx."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data, {**({"Content-Type": "application/json"} if data else {}), **dict(headers)})
    with urllib.request.urlopen(request, timeout=timeout) as reply:
        return json.loads(reply.read())


def answers(url, timeout=60):
    """Waits until a GET is answered with 200."""
    end = time.monotonic() + timeout
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError as error:
            if time.monotonic() > end:
                raise AssertionError(f"{url}: no answer in {timeout} s: {error}") from error
            time.sleep(0.05)


def batch(rng, lists, items):
    """Members y_true and y_pred of a seeded batch."""
    labels = [[rng.randrange(5) for _ in range(items)] for _ in range(lists)]
    scores = [[round(rng.gauss(label, 2), 4) for label in row] for row in labels]
    return {"y_true": labels, "y_pred": scores}


class Traffic:
    """Seeded requests from a few threads until stopped, of every measure and of several names."""

    def __init__(self, url, threads=3, seed=1):
        self.url, self.stopped, self.sent, self.failed = url, threading.Event(), 0, []
        self.threads = [threading.Thread(target=self._send, args=(random.Random(f"{seed}/{n}"),))
                        for n in range(threads)]

    def _send(self, rng):
        bodies = [batch(rng, 4, 20), batch(rng, 200, 100)]
        while not self.stopped.is_set():
            name = f"model-{rng.randrange(3)}"
            for body in bodies:
                self._one("/v1/losses/" + rng.choice(LOSSES), {**body, "name": name})
            self._one("/v1/metrics/" + rng.choice(METRICS), {**bodies[0], "name": name})
            self._one("/v1/evaluate", {**bodies[0], "losses": ["pairwise_hinge"],
                                       "metrics": ["ndcg"], "name": name})
            self._one("/v1/metrics/ndcg", {**bodies[0], "name": name, "include": ["confidence"]})
            self._one("/v1/losses/list_mle", {**bodies[0], "name": name, "include": ["confidence"]})
            # The same scores twice: neither model is worse.
            self._one("/v1/compare", {"y_true": bodies[0]["y_true"], "metrics": ["ndcg"],
                                      "losses": ["list_mle"], "systems": {
                                          "model-0": bodies[0]["y_pred"],
                                          "model-1": bodies[0]["y_pred"]}})
            self._one("/v1/losses/pairwise_hinge", {"y_true": [1], "y_pred": ["x"]}, expected=422)

    def _one(self, where, body, expected=200):
        status = 200
        try:
            fetch(self.url + where, body)
        except urllib.error.HTTPError as error:
            status = error.code
        except OSError as error:
            status = str(error)
        self.sent += 1
        if status != expected:
            self.failed.append((where, status))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(40)
