"""Evaluates one partition of a data set. Dask, Spark, Ray and the command line all call this.

A partition goes to the daemons in requests of whole lists. What comes back is a Tally, about
a kilobyte whatever the size of the partition, and tallies merge in any grouping. A busy
daemon holds the caller back (429 and Retry-After), a lost one is replaced by another of `urls`; a
request is counted when its reply has arrived, so once.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any, Dict, Iterable, Iterator, Mapping, Optional, Sequence, Tuple, Union

from .batch import Batch
from .client import Client
from .specs import Spec
from .tally import Tally

__all__ = ["ITEMS_PER_REQUEST", "client_for", "evaluate_batch", "evaluate_frames",
           "evaluate_partition"]

#: Large enough that a request's fixed cost vanishes, small enough for the daemon's default limits.
ITEMS_PER_REQUEST = 250_000

Urls = Union[str, Sequence[str], None]


@functools.lru_cache(maxsize=16)
def _shared_client(urls: Tuple[str, ...], options: Tuple[Tuple[str, Any], ...]) -> Client:
    return Client(list(urls) or None, **dict(options))


def client_for(urls: Urls, options: Optional[Mapping[str, Any]] = None) -> Client:
    """The client of this process for these daemons, so that partitions share its connections."""
    names = () if urls is None else (urls,) if isinstance(urls, str) else tuple(urls)
    return _shared_client(names, tuple(sorted((options or {}).items())))


def evaluate_batch(batch: Batch, client: Client, *, losses: Union[Spec, Sequence[Spec]] = (),
                   metrics: Union[Spec, Sequence[Spec]] = (),
                   items_per_request: int = ITEMS_PER_REQUEST, **parameters: Any) -> Tally:
    """The tally of a batch, sent in requests of about `items_per_request` items."""
    total = Tally()
    if not batch.lists:
        return total
    edges = frozenset([batch.list_ids[0], batch.list_ids[-1]]) if batch.list_ids else frozenset()
    for part in batch.split(items_per_request):
        total = total.merge(Tally.of(client.evaluate(part, losses=losses, metrics=metrics,
                                                     **parameters)))
    return replace(total, edges=edges)


def evaluate_partition(partition: Any, urls: Urls = None, *,
                       columns: Optional[Mapping[str, str]] = None,
                       client_options: Optional[Mapping[str, Any]] = None,
                       **evaluations: Any) -> Tally:
    """The tally of a partition: a Batch, a frame, or an iterable of rows (see Batch.from_rows).

    columns: names of a frame's columns as Batch.from_frame takes them (by, label, score, …).
    evaluations: losses, metrics and parameters as in evaluate_batch.
    """
    if isinstance(partition, Batch):
        batch = partition
    elif hasattr(partition, "columns"):
        if not len(partition):
            return Tally()
        batch = Batch.from_frame(partition, **(columns or {}))
    else:
        rows = list(partition)
        if not rows:
            return Tally()
        batch = Batch.from_rows(rows)
    return evaluate_batch(batch, client_for(urls, client_options), **evaluations)


def evaluate_frames(frames: Iterable[Any], urls: Urls = None, **how: Any
                    ) -> Iterator[Dict[str, bytes]]:
    """For engines that map iterators of frames (Spark's mapInPandas): one pickled tally for all.

    Each list must be in one of the frames as a whole.
    """
    import pickle
    total = Tally()
    for frame in frames:
        total = total.merge(evaluate_partition(frame, urls, **how))
    yield {"tally": pickle.dumps(total)}
