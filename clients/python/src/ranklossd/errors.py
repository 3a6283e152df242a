"""What can go wrong: one exception for an answer that is an error, one for no answer at all."""

from __future__ import annotations

import json
from http.client import responses
from typing import Any, Mapping, Optional

__all__ = ["Busy", "InvalidRequest", "Problem", "RanklossdError", "Unauthorized", "Unreachable"]


class RanklossdError(Exception):
    """The base of every exception of this package that is about a daemon."""


class Unreachable(RanklossdError, ConnectionError):
    """No daemon could be reached, or the connection broke and no retry was left."""


class Problem(RanklossdError):
    """The daemon answered with an error.

    status: HTTP status. title, detail: its words. pointer: JSON Pointer of the first place at
    fault, or None. errors: every place, as {"pointer": …, "detail": …}. request_id: what the
    daemon's log calls this request. url: the daemon that answered.
    """

    def __init__(self, status: int, body: Mapping[str, Any], request_id: Optional[str] = None,
                 url: str = "") -> None:
        self.status = status
        self.title = str(body.get("title", responses.get(status, "error")))
        self.detail = str(body.get("detail", body.get("error", "")))
        self.errors = list(body.get("errors", []))
        self.pointer: Optional[str] = self.errors[0].get("pointer") if self.errors else None
        self.request_id = request_id or body.get("request_id")
        self.url = url
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [f"{self.status} {self.title}: {self.detail}"]
        lines += [f"  {error['pointer']}: {error['detail']}" for error in self.errors
                  if error.get("detail") != self.detail or len(self.errors) > 1]
        if self.pointer and len(lines) == 1:
            lines[0] += f" (at {self.pointer})"
        if self.request_id:
            lines.append(f"  request id {self.request_id}")
        return "\n".join(lines)

    def __reduce__(self) -> Any:
        body = {"title": self.title, "detail": self.detail, "errors": self.errors}
        return type(self), (self.status, body, self.request_id, self.url)


class InvalidRequest(Problem, ValueError):
    """400, 413, 415 or 422: the request is at fault. The same request fails everywhere."""


class Unauthorized(Problem):
    """401: no token, or a wrong one."""


class Busy(Problem):
    """429 or 503, and the budget for retries is spent."""


KINDS = {400: InvalidRequest, 413: InvalidRequest, 415: InvalidRequest, 422: InvalidRequest,
         401: Unauthorized, 429: Busy, 503: Busy}


def problem(status: int, headers: Mapping[str, str], data: bytes, url: str) -> Problem:
    """The exception of an error reply. A body that is not JSON, as a proxy may send, is quoted."""
    try:
        body = json.loads(data)
    except ValueError:
        body = {"detail": data[:200].decode("utf-8", "replace")}
    kind = KINDS.get(status, Problem)
    return kind(status, body if isinstance(body, dict) else {}, headers.get("X-Request-Id"), url)
