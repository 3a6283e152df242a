"""Results as small dataclasses that print as a table and turn into pandas frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from .specs import label

__all__ = ["Evaluation", "Report", "table"]


@dataclass(frozen=True)
class Evaluation:
    """One loss or metric of one batch.

    value: a number; for a loss with reduction "none" its values in the form of the scores.
    spec: the entry as it was sent (name, k, temperature, …). totals: sums from which other
    normalisations follow and by which parts of a data set merge, in double.
    extra: what `include` asked for: per_list, gradient, top_pairs, ….
    """

    kind: str  # "loss" or "metric"
    name: str
    value: Any
    spec: Mapping[str, Any]
    totals: Mapping[str, float]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return label(self.spec)

    def __float__(self) -> float:
        return float(self.value)

    def __getitem__(self, name: str) -> Any:
        """What `include` asked for, by name."""
        return self.extra[name]

    def as_dict(self) -> Dict[str, Any]:
        return {self.kind: self.value, "label": self.label, **dict(self.spec),
                "totals": dict(self.totals), **self.extra}


@dataclass(frozen=True)
class Report:
    """The evaluations of one batch, losses first, in the order of the request.

    totals: lists, items and valid_items of the batch. request_id: what the daemon's log calls the
    request. seconds: what the client spent to "write" the request, to "wait" for the reply, with
    retries, and to "read" it.
    """

    results: Sequence[Evaluation]
    totals: Mapping[str, float]
    dtype: str = "float32"
    request_id: Optional[str] = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Evaluation]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, which: Any) -> Evaluation:
        """By position, or by label: report["ndcg@10"]."""
        if isinstance(which, int):
            return self.results[which]
        for result in self.results:
            if which in (result.label, result.name):
                return result
        raise KeyError(f"{which!r} is not among {[one.label for one in self.results]}")

    def values(self) -> Dict[str, Any]:
        """{"ndcg@10": 0.61, …}"""
        return {result.label: result.value for result in self.results}

    def as_dict(self) -> Dict[str, Any]:
        return {"results": [result.as_dict() for result in self.results],
                "totals": dict(self.totals), "dtype": self.dtype}

    def to_frame(self) -> Any:
        """A pandas frame with one row per evaluation. Needs pandas."""
        import pandas
        return pandas.DataFrame([{"evaluation": result.label, "kind": result.kind,
                                  "value": result.value, **dict(result.totals)}
                                 for result in self.results])

    def __str__(self) -> str:
        rows = [[result.label, _number(result.value)] for result in self.results]
        counts = ", ".join(f"{int(self.totals[name]):,} {name.replace('_', ' ')}"
                           for name in ("lists", "items", "valid_items") if name in self.totals)
        return table(["evaluation", "value"], rows) + f"\n{counts}, {self.dtype}"


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, (int, float)) else f"{len(value)} values"


def table(head: List[str], rows: List[List[str]]) -> str:
    """Columns, the first to the left and the others to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
