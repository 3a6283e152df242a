"""Open loop for Locust: requests are sent at set times, whatever happens to the others.

Arrivals are a seeded Poisson process at the set rate. A request's latency counts from the moment
it was due, so that waiting behind slow ones shows (no coordinated omission). Users are only places
for requests in flight: when all are taken, the wait for a free one counts too.

Run by run.py, which hands everything over in LOAD_OPEN as JSON: path, folder, count, suffix,
token, rate, seconds, seed, result (a file for the outcome).
"""

import json
import os
import pathlib
import random
import time

import gevent
import gevent.event
from locust import FastHttpUser, constant, events, task
from locust.exception import StopUser

PLAN = json.loads(os.environ["LOAD_OPEN"])


def read(number):
    """(body, headers) of a request."""
    name = f"{PLAN['folder']}/{number:03d}.{PLAN['suffix']}"
    headers = {"Content-Type": "application/json"}
    if PLAN["suffix"] == "json.gz":
        headers["Content-Encoding"] = "gzip"
    if PLAN["suffix"] == "bin":
        headers = {"Content-Type": "application/octet-stream",
                   "Inference-Header-Content-Length": pathlib.Path(name + ".length").read_text()}
    if PLAN["token"]:
        headers["Authorization"] = "Bearer " + PLAN["token"]
    return pathlib.Path(name).read_bytes(), headers


REQUESTS = [read(number) for number in range(PLAN["count"])]


class Arrivals:
    """When each request is due. All users take from it; greenlets do not interrupt each other."""

    def __init__(self):
        self.rng, self.first, self.due, self.taken = random.Random(PLAN["seed"]), None, None, 0
        self.latencies, self.errors = [], {}
        self.started = gevent.event.Event()

    def start(self):
        self.first = self.due = time.monotonic() + 0.1
        self.started.set()

    def take(self):
        """The next moment and the number of its request; None when the time is over."""
        self.started.wait()
        self.due += self.rng.expovariate(PLAN["rate"])
        if self.due > self.first + PLAN["seconds"]:
            return None
        self.taken += 1
        return self.due, self.taken

    def finished(self, due, status):
        self.latencies.append(time.monotonic() - due)
        if status != 200:
            self.errors[str(status)] = self.errors.get(str(status), 0) + 1

    def all_done(self):
        over = self.due is not None and self.due > self.first + PLAN["seconds"]
        return over and len(self.latencies) == self.taken


ARRIVALS = Arrivals()


class Caller(FastHttpUser):
    wait_time = constant(0)
    network_timeout = connection_timeout = 60.0

    @task
    def call(self):
        arrival = ARRIVALS.take()
        if arrival is None:
            raise StopUser()
        due, number = arrival
        gevent.sleep(max(0.0, due - time.monotonic()))
        body, headers = REQUESTS[number % len(REQUESTS)]
        reply = self.client.post(PLAN["path"], data=body, headers=headers)
        ARRIVALS.finished(due, reply.status_code)


@events.spawning_complete.add_listener
def begin(**_):
    ARRIVALS.start()


@events.test_start.add_listener
def quit_when_done(environment, **_):
    def watch():
        while not ARRIVALS.all_done():
            gevent.sleep(0.05)
        environment.runner.quit()
    gevent.spawn(watch)


@events.quitting.add_listener
def write_result(environment, **_):
    lost = ARRIVALS.taken - len(ARRIVALS.latencies)
    if lost:
        ARRIVALS.errors["no reply"] = lost
    took = time.monotonic() - ARRIVALS.first if ARRIVALS.first else 0.0
    pathlib.Path(PLAN["result"]).write_text(json.dumps({
        "requests": ARRIVALS.taken, "latencies": ARRIVALS.latencies, "errors": ARRIVALS.errors,
        "seconds": took}))
    environment.process_exit_code = 0  # run.py judges
