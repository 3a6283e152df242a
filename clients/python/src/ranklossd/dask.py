"""Evaluates a Dask collection on ranklossd daemons.

    from ranklossd.dask import evaluate
    report = evaluate(frame, ["http://a:8080", "http://b:8080"], metrics=["ndcg@10"])

Partitions go to the daemons from the workers, tallies are merged as a tree, and only the last one
comes to the caller. Needs dask; distributed for clusters.
"""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Union

from dask.delayed import delayed

from .partition import ITEMS_PER_REQUEST, Urls, evaluate_partition
from .results import Report
from .specs import Spec
from .tally import Tally, merge

__all__ = ["evaluate", "tally"]


def tally(data: Any, urls: Urls = None, *, losses: Union[Spec, Sequence[Spec]] = (),
          metrics: Union[Spec, Sequence[Spec]] = (), columns: Optional[Mapping[str, str]] = None,
          items_per_request: int = ITEMS_PER_REQUEST, split_every: int = 8,
          client_options: Optional[Mapping[str, Any]] = None, **parameters: Any) -> Any:
    """The same as evaluate, as a delayed Tally that nothing has computed yet."""
    parts = data.to_delayed() if hasattr(data, "to_delayed") else list(data)
    step = delayed(evaluate_partition, pure=False)
    level: List[Any] = [
        step(part, urls, columns=columns, client_options=client_options, losses=losses,
             metrics=metrics, items_per_request=items_per_request, **parameters)
        for part in parts]
    if not level:
        return delayed(Tally)()
    if split_every < 2:
        raise ValueError("split_every must be 2 or more")
    while len(level) > 1:
        level = [delayed(merge)(level[at:at + split_every])
                 for at in range(0, len(level), split_every)]
    return level[0]


def evaluate(data: Any, urls: Urls = None, *, losses: Union[Spec, Sequence[Spec]] = (),
             metrics: Union[Spec, Sequence[Spec]] = (), level: float = 0.95,
             compute_options: Optional[Mapping[str, Any]] = None, **how: Any) -> Report:
    """The report over all partitions: equal to that of one request, with a t interval for each.

    data: a Dask DataFrame, a Bag of rows (see Batch.from_rows), or delayed Batches. A list must be
    in one partition as a whole; for a DataFrame this is checked at the partitions' edges.
    urls: the daemons. Every worker uses all of them; give each worker its sidecar's address
    instead if it has one.
    losses, metrics, and other parameters: as in Client.evaluate.
    columns: {"by": "qid", "label": "label", "score": "score", …} of a DataFrame.
    items_per_request, split_every: the size of a request, and how many tallies one task merges.
    client_options: arguments of Client. compute_options: arguments of dask's compute.
    """
    work = tally(data, urls, losses=losses, metrics=metrics, **how)
    total: Tally = work.compute(**(compute_options or {}))
    if not total.requests:
        raise ValueError("there is not a single list in the data")
    return total.report(level)
