"""Requests that keep the executor of a daemon busy, for tests of what happens meanwhile.

"Seconds" are of the daemon's processor time: however busy the machine is, the work takes at least
that long. A daemon that is to be kept busy is started with FLAGS.
"""

import functools
import json
import random

from daemon import Daemon, JSON_TYPE

FLAGS = ("--threads", 1, "--max-evaluations", 10000, "--request-timeout", "10m", "--max-work", "60m")
EVALUATE = "/v1/evaluate"
ITEMS = 100_000
ONE, SOME = 1, 9


@functools.lru_cache(maxsize=None)
def columns():
    """One list without two labels alike, as JSON."""
    rng = random.Random(1)
    labels, scores = list(range(ITEMS)), [round(rng.gauss(0, 1), 6) for _ in range(ITEMS)]
    rng.shuffle(labels)
    return f'"dtype":"float64","y_true":{json.dumps(labels)},"y_pred":{json.dumps(scores)}'


def body_of(evaluations):
    losses = ",".join(['"pairwise_logistic"'] * evaluations)
    return f'{{{columns()},"losses":[{losses}]}}'.encode()


def spent(daemon, wire, evaluations):
    before = daemon.cpu_seconds()
    reply = wire.exchange("POST", EVALUATE, JSON_TYPE, body_of(evaluations))
    assert reply.status == 200, reply
    return daemon.cpu_seconds() - before


@functools.lru_cache(maxsize=None)
def seconds_each():
    """Of one evaluation, on this machine and this build."""
    with Daemon(*FLAGS) as daemon, daemon.connect() as wire:
        spent(daemon, wire, ONE)
        more = spent(daemon, wire, SOME) - spent(daemon, wire, ONE)
    return max(more / (SOME - ONE), 0.001)


@functools.lru_cache(maxsize=None)
def long_work(seconds):
    """A body for EVALUATE."""
    return body_of(max(1, min(10000, round(seconds / seconds_each()))))
