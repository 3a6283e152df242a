"""Results as small dataclasses that print as a table and turn into pandas frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from .specs import label

__all__ = ["Comparison", "Difference", "Evaluation", "MeasureComparison", "Report", "table"]


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
        """By position, or by label, without its parameters too: report["ndcg@10"]."""
        if isinstance(which, int):
            return self.results[which]
        for result in self.results:
            if which in (result.label, result.label.partition("(")[0], result.name):
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


@dataclass(frozen=True)
class Difference:
    """A system against the baseline, over the same lists.

    difference: system minus baseline. t, bootstrap: its confidence intervals, None where there are
    too few lists. p_value: of the paired t test ("t"), of random sign flips ("randomization"), and
    "t" corrected for the number of systems ("holm"). better, equal, worse: numbers of lists.
    """

    kind: str
    system: str
    baseline: str
    difference: float
    standard_error: Optional[float]
    t: Optional[Sequence[float]]
    bootstrap: Optional[Sequence[float]]
    p_value: Mapping[str, Optional[float]]
    better: int
    equal: int
    worse: int
    changed_most: Mapping[str, Any]

    def is_significant(self, level: float = 0.95) -> bool:
        """Whether the corrected p value is below 1 - level."""
        holm = self.p_value["holm"]
        return holm is not None and holm < 1 - level

    def is_worse(self, level: float = 0.95) -> bool:
        """Whether the system is significantly worse: a lower metric, a higher loss."""
        down = self.difference < 0 if self.kind == "metric" else self.difference > 0
        return down and self.is_significant(level)


@dataclass(frozen=True)
class MeasureComparison:
    """All systems by one loss or metric.

    systems: value, totals and confidence by name, as the daemon sends them. groups: the same for
    each group of lists.
    """

    kind: str
    name: str
    spec: Mapping[str, Any]
    systems: Mapping[str, Mapping[str, Any]]
    differences: Sequence[Difference]
    groups: Mapping[str, "MeasureComparison"] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return label(self.spec)

    def value(self, system: str) -> float:
        return float(self.systems[system][self.kind])


@dataclass(frozen=True)
class Comparison:
    """Systems over the same lists, by several losses and metrics."""

    results: Sequence[MeasureComparison]
    baseline: str
    level: float
    totals: Mapping[str, float]
    dtype: str = "float32"
    request_id: Optional[str] = None

    def __iter__(self) -> Iterator[MeasureComparison]:
        return iter(self.results)

    def __getitem__(self, which: Any) -> MeasureComparison:
        """By position, or by label: comparison["ndcg@10"]."""
        if isinstance(which, int):
            return self.results[which]
        for contest in self.results:
            if which in (contest.label, contest.label.partition("(")[0], contest.name):
                return contest
        raise KeyError(f"{which!r} is not among {[one.label for one in self.results]}")

    def worse(self) -> List[Difference]:
        """Those by which a system is significantly worse than the baseline."""
        return [one for contest in self for one in contest.differences
                if one.is_worse(self.level)]

    def rows(self) -> List[Dict[str, Any]]:
        """One row per evaluation and system."""
        rows = []
        for contest in self:
            by_name = {one.system: one for one in contest.differences}
            for system in contest.systems:
                row: Dict[str, Any] = {"evaluation": contest.label, "system": system,
                                       "value": contest.value(system)}
                one = by_name.get(system)
                if one is not None:
                    low, high = one.t or (None, None)
                    row.update(difference=one.difference, low=low, high=high,
                               p=one.p_value["holm"], better=one.better, equal=one.equal,
                               worse=one.worse)
                rows.append(row)
        return rows

    def to_frame(self) -> Any:
        """A pandas frame of rows(). Needs pandas."""
        import pandas
        return pandas.DataFrame(self.rows())

    def __str__(self) -> str:
        head = ["evaluation", "system", "value", "difference", "low", "high", "p", "better",
                "equal", "worse"]
        cells = [["" if row.get(name) is None else row[name] if isinstance(row[name], str) else
                  str(row[name]) if isinstance(row[name], int) else f"{row[name]:.4g}"
                  for name in head] for row in self.rows()]
        return (table(head, cells) + f"\n{int(self.totals['lists']):,} lists, {self.dtype}; "
                f"differences from {self.baseline}, {self.level:.0%} t intervals, Holm's p")


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
