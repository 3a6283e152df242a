"""The requests that take the most memory, many at once, and what the daemon comes to hold."""

import functools
import gzip
import threading
import time

from daemon import JSON_TYPE
from wire import Closed

EVALUATE = "/v1/evaluate"
GZIP = {**JSON_TYPE, "Content-Encoding": "gzip"}


def wide_reply(lists):
    """Some 60 bytes of reply for each of 64 evaluations of each list, which takes 6 to send."""
    empty = "[" + ",".join(["[]"] * lists) + "]"
    loss = '{"name":"pairwise_hinge","reduction":"none","include":["per_list"]}'
    return (f'{{"y_true":{empty},"y_pred":{empty},"losses":[' + ",".join([loss] * 64)
            + "]}").encode()


def long_list(items):
    """One list, which takes some 160 bytes of scratch for each of its items."""
    return (b'{"dtype":"float64","y_true":[' + b"1,0," * (items // 2) + b'0],"y_pred":['
            + b"5,4," * (items // 2) + b'4],"losses":["pairwise_logistic","list_mle"],'
            b'"metrics":["ndcg"]}')


def texts(count):
    """Nothing that is taken out of the text before it is parsed."""
    return ('{"y_true":[1],"y_pred":[1],"list_ids":[' + ",".join(['"a"'] * count) + "]}").encode()


@functools.lru_cache(maxsize=None)
def bodies(largest):
    """(headers, body) of each kind, the bodies of at most `largest` bytes inflated."""
    return list(make(largest))


def make(largest):
    for lists in (3000, 20000, 60000):
        yield JSON_TYPE, wide_reply(lists)
    for items in (400_000, largest // 4 - 1000):
        yield GZIP, gzip.compress(long_list(items), 1)
    yield GZIP, gzip.compress(b"[" * (largest - 10), 1)
    yield JSON_TYPE, texts(200_000)


def attack(daemon, largest, seconds):
    """
    Three clients of each kind, which do not read, and start anew when they are refused; then as many
    bodies as are taken, all but their last byte. Returns the peak of resident memory and the
    statuses that were seen.
    """
    made, statuses, lock = bodies(largest), set(), threading.Lock()
    end = time.monotonic() + seconds

    def client(headers, body):
        while time.monotonic() < end:
            try:
                with daemon.connect(receive_buffer=4096) as wire:
                    wire.request("POST", EVALUATE, headers, body)
                    wire.socket.settimeout(max(end - time.monotonic(), 0.1))
                    head = wire.socket.recv(64)
                    with lock:
                        statuses.add(head[9:12].decode())
                    if head[9:12] == b"200":
                        time.sleep(max(end - time.monotonic(), 0))
            except (OSError, Closed):
                pass

    threads = [threading.Thread(target=client, args=kind) for kind in made for _ in range(3)]
    for thread in threads:
        thread.start()
    fill(daemon, min(largest, 4 << 20), end)
    for thread in threads:
        thread.join()
    return daemon.peak_rss(), statuses


def fill(daemon, size, end):
    """Sends bodies that never end, until one is refused or the time is over."""
    wires = []
    while time.monotonic() < end:
        wire = daemon.connect()
        wires.append(wire)
        wire.try_send(b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                      b"Content-Length: %d\r\n\r\n" % (EVALUATE.encode(), size) + b" " * (size - 1))
        wire.socket.settimeout(0.2)
        try:
            wire.socket.recv(12)
            break
        except OSError:
            continue
    time.sleep(max(end - time.monotonic(), 0))
    for wire in wires:
        wire.close()
