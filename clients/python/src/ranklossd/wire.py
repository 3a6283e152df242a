"""How a request is written and its reply read: the interface, and JSON.

A wire turns (kind, name, batch, parameters) into a path, headers and bytes, and a reply's bytes
into the members of the JSON reply. So the rest of the package knows one form of reply.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Union

from .batch import Batch, as_array, is_array
from .errors import Problem
from .session import Body, Reply

__all__ = ["JsonWire", "Message", "Wire"]

#: Nested lists stay as the caller wrote them, so that a pointer in an error finds its place there.
Members = Mapping[str, Any]


@dataclass(frozen=True)
class Message:
    path: str
    headers: Mapping[str, str]
    body: Body


class Wire:
    """kind: "losses", "metrics", or "" for evaluate and compare."""

    def write(self, kind: str, name: str, batch: Union[Batch, Members],
              parameters: Mapping[str, Any]) -> Message:
        raise NotImplementedError

    def read(self, reply: Reply) -> Dict[str, Any]:
        raise NotImplementedError

    def explain(self, problem: Problem, batch: Union[Batch, Members]) -> Problem:
        """The error of a request, in the terms of its arrays."""
        return problem


class JsonWire(Wire):
    """/v1: JSON both ways."""

    headers = {"Content-Type": "application/json", "Accept": "application/json"}

    def write(self, kind: str, name: str, batch: Union[Batch, Members],
              parameters: Mapping[str, Any]) -> Message:
        members = batch.members() if isinstance(batch, Batch) else batch
        body = {**members, **parameters}
        text = json.dumps(body, default=_plain, allow_nan=False, separators=(",", ":"))
        path = "/v1/" + (f"{kind}/{name}" if kind else name)
        return Message(path, self.headers, text.encode())

    def read(self, reply: Reply) -> Dict[str, Any]:
        decoded: Dict[str, Any] = json.loads(reply.data)
        return decoded


def _plain(value: Any) -> Any:
    """Arrays and numbers of numpy inside nested lists."""
    if is_array(value):
        return as_array(value).tolist()
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"cannot be sent as JSON: {type(value).__name__}")
