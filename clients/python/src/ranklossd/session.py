"""Sends requests to one daemon or to several replicas: pools, timeouts, retries, TLS, unix sockets.

One rule covers busy daemons, restarts and lost replicas. A replica that fails rests: for its
Retry-After if it sent one, else for a time that doubles with each failure, plus jitter. A request
goes to the replica that is not resting and has the fewest requests in flight. If all rest, it waits
for the first to wake, unless that is past the budget. Evaluating changes nothing on the daemon, so
a request whose connection broke can be sent again.
"""

from __future__ import annotations

import email.utils
import math
import os
import random
import socket
import ssl
import threading
import time
import urllib.parse
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Set, Union

import urllib3
from urllib3.connection import HTTPConnection

from ._version import __version__
from .errors import RanklossdError, Unreachable, problem

DEFAULT_URL = "http://127.0.0.1:8080"
BUSY = (429, 503)  # the daemon asks us to come back
BROKEN = (502, 504)  # a proxy lost the daemon
FIRST_REST_S = 0.05
LONGEST_REST_S = 5.0
LONGEST_RETRY_AFTER_S = 60.0
GIVE_UP_AFTER = 6  # connection failures in a row, about 2 s of rests

#: Bytes, or pieces that are sent one after the other, with a Content-Length among the headers.
Body = Union[bytes, Sequence[Union[bytes, memoryview]]]
Trace = Union[str, Callable[[], Optional[str]], None]


@dataclass(frozen=True)
class Reply:
    """A reply with status 200. url: the replica that sent it. seconds: from sending to the end."""

    headers: Mapping[str, str]
    data: bytes
    url: str
    seconds: float


class _Replica:
    """One daemon. The counters belong to Session, which changes them under its lock."""

    def __init__(self, url: str, pool: urllib3.HTTPConnectionPool, prefix: str) -> None:
        self.url, self.pool, self.prefix = url, pool, prefix
        self.in_flight = 0
        self.served = 0
        self.failures = 0  # in a row
        self.lost = 0  # connection failures in a row
        self.awake_at = 0.0


class Session:
    """Requests to `urls`. Threads may share it. See Client for the arguments."""

    def __init__(self, urls: Union[str, Sequence[str], None] = None, *, token: Optional[str] = None,
                 timeout: float = 60.0, connect_timeout: float = 5.0, retry_for: float = 30.0,
                 connections: int = 8, ca: Optional[str] = None, cert: Optional[str] = None,
                 key: Optional[str] = None, ssl_context: Optional[ssl.SSLContext] = None,
                 traceparent: Trace = None) -> None:
        if urls is None:
            urls = os.environ.get("RANKLOSSD_URL") or DEFAULT_URL
        self.urls = [urls] if isinstance(urls, str) else list(urls)
        if not self.urls:
            raise ValueError("at least one URL is needed")
        token = token or os.environ.get("RANKLOSSD_TOKEN")
        self._headers = {"User-Agent": "ranklossd-python/" + __version__}
        if token:
            self._headers["Authorization"] = "Bearer " + token
        self._timeout = urllib3.Timeout(connect=connect_timeout, read=timeout)
        self._retry_for, self._traceparent = retry_for, traceparent
        options = {"maxsize": connections, "block": False, "timeout": self._timeout}
        context = ssl_context or (_context(ca, cert, key) if ca or cert else None)
        self._replicas = [_open(url, options, context) for url in self.urls]
        self._lock = threading.Lock()

    def close(self) -> None:
        """Closes the connections. The session may be used again."""
        for replica in self._replicas:
            replica.pool.close()

    def served(self) -> Dict[str, int]:
        """How many requests each replica has answered."""
        with self._lock:
            return {replica.url: replica.served for replica in self._replicas}

    def request(self, method: str, path: str, body: Optional[Body] = None,
                headers: Optional[Mapping[str, str]] = None) -> Reply:
        """The reply to a request. Raises Problem, or Unreachable."""
        end = time.monotonic() + self._retry_for
        sent = {**self._headers, **(headers or {}), **self._trace()}
        tried: Set[str] = set()
        failure: Optional[RanklossdError] = None
        while True:
            replica = self._take(end, tried, failure)
            try:
                outcome = _send(replica, method, path, body, sent)
            except BaseException:
                self._give_back(replica, None)
                raise
            self._give_back(replica, outcome)
            if outcome.reply:
                return outcome.reply
            failure = outcome.failure
            assert failure is not None
            if not outcome.may_retry:
                raise failure

    def _trace(self) -> Dict[str, str]:
        value = self._traceparent() if callable(self._traceparent) else self._traceparent
        return {"traceparent": value} if value else {}

    def _take(self, end: float, tried: Set[str], failure: Optional[RanklossdError]) -> _Replica:
        """A replica that may be asked now. Raises `failure` where none wakes in time.

        A lost replica is asked once more by each request, so that one that came back is found.
        """
        while True:
            with self._lock:
                now = time.monotonic()
                hopeful = [one for one in self._replicas
                           if one.lost < GIVE_UP_AFTER or one.url not in tried]
                awake = [one for one in hopeful if one.awake_at <= now]
                if awake:
                    chosen = min(awake, key=lambda one: (one.in_flight, one.served))
                    chosen.in_flight += 1
                    tried.add(chosen.url)
                    return chosen
                wakes = min((one.awake_at for one in hopeful), default=math.inf)
            if failure is not None and wakes > end:
                raise failure
            time.sleep(wakes - now)

    def _give_back(self, replica: _Replica, outcome: Optional["_Outcome"]) -> None:
        with self._lock:
            replica.in_flight -= 1
            if outcome is None:
                return
            if not outcome.may_retry:
                replica.failures = replica.lost = 0
                replica.served += 1 if outcome.reply else 0
                return
            replica.lost = replica.lost + 1 if outcome.lost else 0
            rest = min(LONGEST_REST_S, FIRST_REST_S * 2.0 ** min(replica.failures, 10))
            replica.failures += 1
            rest = max(rest, outcome.retry_after) + random.uniform(0, rest)
            replica.awake_at = max(replica.awake_at, time.monotonic() + rest)


@dataclass(frozen=True)
class _Outcome:
    """What one attempt gave: a reply, or a failure and whether another attempt makes sense."""

    reply: Optional[Reply] = None
    failure: Optional[RanklossdError] = None
    may_retry: bool = False
    lost: bool = False  # no answer from the daemon itself
    retry_after: float = 0.0


def _send(replica: _Replica, method: str, path: str, body: Optional[Body],
          headers: Mapping[str, str]) -> _Outcome:
    """One attempt."""
    start = time.monotonic()
    try:
        answer = replica.pool.urlopen(method, replica.prefix + path, body=body,
                                      headers=dict(headers), retries=False, redirect=False)
        data = answer.data
    except (urllib3.exceptions.HTTPError, OSError) as error:
        failure = Unreachable(f"{replica.url}: {error}")
        failure.__cause__ = error
        # A certificate that does not match today will not match in a second.
        final = isinstance(error, urllib3.exceptions.SSLError) or isinstance(error, ssl.SSLError)
        return _Outcome(failure=failure, may_retry=not final, lost=True)
    if answer.status == 200:
        return _Outcome(Reply(answer.headers, data, replica.url, time.monotonic() - start))
    refusal = problem(answer.status, answer.headers, data, replica.url)
    return _Outcome(failure=refusal, may_retry=answer.status in BUSY + BROKEN,
                    lost=answer.status in BROKEN,
                    retry_after=_seconds(answer.headers.get("Retry-After")))


def _seconds(text: Optional[str]) -> float:
    """Retry-After: seconds or an HTTP date. What cannot be read is 0."""
    if not text:
        return 0.0
    try:
        value = float(text)
    except ValueError:
        try:
            value = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        except (TypeError, ValueError):
            return 0.0
    return min(max(value, 0.0), LONGEST_RETRY_AFTER_S)


# ---- Pools ---------------------------------------------------------------------------------------


def _context(ca: Optional[str], cert: Optional[str], key: Optional[str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    if cert:
        context.load_cert_chain(cert, key)
    return context


def _open(url: str, options: Mapping[str, Any], context: Optional[ssl.SSLContext]) -> _Replica:
    """The pool of one URL: http://host:port, https://host:port, or unix:/path."""
    if url.startswith("unix:") and url[5:].lstrip("/"):
        return _Replica(url, _UnixPool("/" + url[5:].lstrip("/"), options), "")
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"neither http://…, https://… nor unix:/path: {url!r}")
    pool: urllib3.HTTPConnectionPool
    if parts.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(parts.hostname, parts.port, **options,
                                           ssl_context=context or ssl.create_default_context())
    else:
        pool = urllib3.HTTPConnectionPool(parts.hostname, parts.port, **options)
    return _Replica(url.rstrip("/"), pool, parts.path.rstrip("/"))


class _UnixConnection(HTTPConnection):
    socket_path = ""

    def _new_conn(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            timeout: Any = self.timeout
            connection.settimeout(timeout if isinstance(timeout, (int, float)) else None)
            connection.connect(self.socket_path)
        except OSError as error:
            connection.close()
            raise urllib3.exceptions.NewConnectionError(self, str(error)) from error
        return connection


class _UnixPool(urllib3.HTTPConnectionPool):
    def __init__(self, path: str, options: Mapping[str, Any]) -> None:
        super().__init__("localhost", **options)
        self.ConnectionCls = type("_Connection", (_UnixConnection,), {"socket_path": path})
