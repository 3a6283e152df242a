"""Merging: the totals of the parts of a data set, added, and what one request would have answered.

The formulas are the daemon's own (README.md, "Merging"; also in its catalogue). A part must hold
whole lists.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from .results import Evaluation, Report
from .specs import label
from .student import t_quantile

__all__ = ["Tally", "merge", "merged_value"]

Totals = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One evaluation: its totals over all lists so far, and over the lists of each group."""

    kind: str
    name: str
    spec: Mapping[str, Any]
    totals: Totals
    groups: Mapping[str, Totals] = field(default_factory=dict)


@dataclass(frozen=True)
class Tally:
    """What is known of the parts evaluated so far. An empty one merges with any other.

    edges: ids of the first and the last list of each part, to find a list that was cut in two.
    """

    entries: Tuple[Entry, ...] = ()
    totals: Mapping[str, float] = field(default_factory=dict)
    dtype: str = "float32"
    seconds: Mapping[str, float] = field(default_factory=dict)
    requests: int = 0
    edges: FrozenSet[str] = frozenset()

    @classmethod
    def of(cls, report: Report) -> "Tally":
        """The tally of one reply."""
        entries = []
        for one in report:
            if one.kind == "loss" and one.spec.get("reduction", "") in (None, "none"):
                raise ValueError(f"{one.label}: the values of single items do not merge")
            groups = {name: group["totals"] for name, group in one.extra.get("groups", {}).items()}
            entries.append(Entry(one.kind, one.name, one.spec, one.totals, groups))
        return cls(tuple(entries), report.totals, report.dtype, report.seconds, 1)

    def merge(self, other: "Tally") -> "Tally":
        """Both together. Neither is changed."""
        if not self.requests or not other.requests:
            return self if self.requests else other
        if [label(one.spec) for one in self.entries] != [label(one.spec) for one in other.entries]:
            raise ValueError("tallies of different evaluations do not merge")
        twice = self.edges & other.edges
        if twice:
            raise ValueError(f"list {min(twice)!r} is in two parts; a part must hold whole lists")
        entries = tuple(_both(mine, theirs) for mine, theirs in zip(self.entries, other.entries))
        return Tally(entries, _added(self.totals, other.totals), self.dtype,
                     _added(self.seconds, other.seconds), self.requests + other.requests,
                     self.edges | other.edges)

    def report(self, level: float = 0.95) -> Report:
        """The results over all parts, with a t interval of this confidence level for each."""
        results = []
        for entry in self.entries:
            extra: Dict[str, Any] = {"confidence": confidence(entry.kind, entry.spec, entry.totals,
                                                              level)}
            if entry.groups:
                extra["groups"] = {
                    name: {"lists": totals["lists"],
                           entry.kind: merged_value(entry.kind, entry.spec, totals),
                           "confidence": confidence(entry.kind, entry.spec, totals, level),
                           "totals": dict(totals)} for name, totals in sorted(entry.groups.items())}
            results.append(Evaluation(entry.kind, entry.name,
                                      merged_value(entry.kind, entry.spec, entry.totals),
                                      entry.spec, entry.totals, extra))
        return Report(results, self.totals, self.dtype, seconds=self.seconds)


def merge(tallies: Iterable[Tally]) -> Tally:
    """All of them, in their order."""
    total = Tally()
    for tally in tallies:
        total = total.merge(tally)
    return total


def _both(mine: Entry, theirs: Entry) -> Entry:
    groups = dict(mine.groups)
    for name, totals in theirs.groups.items():
        groups[name] = _added(groups[name], totals) if name in groups else totals
    return Entry(mine.kind, mine.name, mine.spec, _added(mine.totals, theirs.totals), groups)


def _added(a: Totals, b: Totals) -> Dict[str, Any]:
    """Member by member. null (a sum of squares that overflowed) stays null."""
    sums: Dict[str, Any] = {}
    for name in a:
        if name == "scalar_weight":  # one number for all lists is not a sum
            sums[name] = a[name] if a[name] == b[name] else None
        elif a[name] is None or b.get(name) is None:
            sums[name] = None
        else:
            sums[name] = a[name] + b[name]
    return sums


def _reduction(spec: Mapping[str, Any]) -> str:
    return str(spec.get("reduction", "sum_over_batch_size"))


def _loss_divisor(spec: Mapping[str, Any], totals: Totals) -> float:
    reduction = _reduction(spec)
    if reduction == "sum":
        return 1.0
    if reduction == "mean_with_sample_weight":
        scalar = totals.get("scalar_weight")
        return float(totals["weight_sum"] if scalar is None else scalar)
    return float(totals["values"])


def _metric_mean(totals: Totals) -> Tuple[float, float, float]:
    """(A, B, m): the value is A / B; m is the weight of a list without a relevant item."""
    lists = totals["relevant_lists"]
    m = totals["relevant_weight_sum"] / lists if lists else 1.0
    return (totals["relevant_metric_sum"] + m * totals["other_metric_sum"],
            totals["relevant_weight_sum"] + m * totals["other_lists"], m)


def merged_value(kind: str, spec: Mapping[str, Any], totals: Totals) -> float:
    """The result of an evaluation from its added totals."""
    if kind == "loss":
        divisor = _loss_divisor(spec, totals)
        return float(totals["loss_sum"]) / divisor if divisor else 0.0
    a, b, _ = _metric_mean(totals)
    return a / b if b else 0.0


def _standard_error(kind: str, spec: Mapping[str, Any], totals: Totals
                    ) -> Tuple[Optional[float], int]:
    """By linearisation, and the number of lists it rests on; None where it cannot be had."""
    if kind == "loss":
        n, divisor = int(totals["lists"]), _loss_divisor(spec, totals)
        sums: List[Any] = [totals["loss_squares"], totals["loss_divisors"],
                           totals["divisor_squares"]]
        ratio = totals["loss_sum"] / totals["divisor_sum"] if totals["divisor_sum"] else 0.0
    else:
        a, divisor, m = _metric_mean(totals)
        n = int(totals["relevant_lists"] + totals["other_lists"])
        sums = [totals["relevant_metric_squares"], totals["relevant_metric_weights"],
                totals["relevant_weight_squares"]]
        if all(one is not None for one in [*sums, totals["other_metric_squares"]]):
            sums[0] += m * m * totals["other_metric_squares"]
            sums[1] += m * m * totals["other_metric_sum"]
            sums[2] += m * m * totals["other_lists"]
        ratio = a / divisor if divisor else 0.0
    if n < 2 or not divisor or any(one is None for one in sums):
        return None, n
    squares = max(0.0, sums[0] - 2 * ratio * sums[1] + ratio * ratio * sums[2])
    return math.sqrt(n / (n - 1) * squares) / abs(divisor), n


def confidence(kind: str, spec: Mapping[str, Any], totals: Totals, level: float) -> Dict[str, Any]:
    """Standard error and t interval, as `include: ["confidence"]` gives for one request."""
    error, n = _standard_error(kind, spec, totals)
    result: Dict[str, Any] = {"level": level, "lists": n, "standard_error": error, "t": None}
    if error is not None:
        value = merged_value(kind, spec, totals)
        reach = t_quantile((1 + level) / 2, n - 1) * error
        result["t"] = [value - reach, value + reach]
    return result
