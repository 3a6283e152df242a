"""The metrics of keras_rs.metrics, by the same names and arguments, computed by a daemon.

As in Keras a metric is a weighted mean over lists that grows with each batch. Its state is two
numbers, the sum of value x weight and the sum of the weights, which Keras calls total and count.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Optional, Union

import numpy as np

from .batch import Batch
from .client import Client, as_batch, default_client

__all__ = ["AUC", "Bpref", "DCG", "ExpectedReciprocalRank", "HitRate", "MeanAveragePrecision",
           "MeanReciprocalRank", "NDCG", "PrecisionAtK", "RPrecision", "RankBiasedPrecision",
           "RecallAtK"]


class RankingMetric:
    """What the metrics have in common.

    k: how many items from the top count; None: all. name: sent along, for the daemon's dashboards.
    dtype: "float32" (default) or "float64".
    shuffle_ties: put items of equal score in a random order, as Keras always does; seed repeats it.
    Here the default is False: such items keep the order of the input, and a result can be repeated.
    client: the Client that asks; or url: the address of a daemon. Other parameters are the
    daemon's, see its catalogue.
    """

    path = ""

    def __init__(self, k: Optional[int] = None, shuffle_ties: bool = False,
                 seed: Optional[int] = None, name: Optional[str] = None,
                 dtype: Optional[str] = None, *, client: Optional[Client] = None,
                 url: Optional[str] = None, **parameters: Any) -> None:
        if k is not None and (isinstance(k, bool) or not isinstance(k, int) or k < 1):
            raise ValueError(f"`k` should be a positive integer. Received: `k` = {k}.")
        self.k, self.shuffle_ties, self.seed = k, shuffle_ties, seed
        self.name, self.dtype = name or self.path, dtype or "float32"
        self.parameters = parameters
        self._client = client or (Client(url) if url else None)
        self._random = np.random.default_rng(seed)
        self.total = self.count = 0.0

    @property
    def client(self) -> Client:
        return self._client or default_client()

    def update_state(self, y_true: Any, y_pred: Any = None, sample_weight: Any = None) -> None:
        """Adds a batch. y_true may be {"labels": …, "mask": …}; all may be one Batch."""
        batch: Union[Batch, Dict[str, Any]] = as_batch(y_true, y_pred, sample_weight)
        if self.shuffle_ties:
            if not isinstance(batch, Batch):
                raise ValueError("shuffle_ties needs arrays, not nested lists")
            batch = batch.shuffled(self._random)
        sent: Dict[str, Any] = {**self.parameters, "name": self.name, "dtype": self.dtype}
        if self.k is not None:
            sent["k"] = self.k
        if isinstance(batch, Batch):
            totals = self.client.metric(self.path, batch, **sent).totals
        else:
            totals = self.client.metric(self.path, **batch, **sent).totals
        self.total += totals["metric_sum"]
        self.count += totals["weight_sum"]

    def result(self) -> float:
        """The mean so far; 0 where no list had any weight."""
        return self.total / self.count if self.count else 0.0

    def reset_state(self) -> None:
        self.total = self.count = 0.0

    def merge_state(self, metrics: Iterable["RankingMetric"]) -> None:
        """Adds what other metrics of the same kind have seen."""
        for metric in metrics:
            if type(metric) is not type(self):
                raise ValueError(f"{metric!r} cannot be merged into {self!r}")
            self.total += metric.total
            self.count += metric.count

    def __call__(self, y_true: Any, y_pred: Any = None, sample_weight: Any = None) -> float:
        """Adds a batch and returns the mean so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    def spec(self) -> Dict[str, Any]:
        """This metric as an entry of Client.evaluate."""
        k = {} if self.k is None else {"k": self.k}
        return {"name": self.path, **k, **self.parameters}

    def get_config(self) -> Dict[str, Any]:
        return {"k": self.k, "shuffle_ties": self.shuffle_ties, "seed": self.seed,
                "name": self.name, "dtype": self.dtype, **self.parameters}

    @classmethod
    def from_config(cls, config: Dict[str, Any], **where: Any) -> "RankingMetric":
        return cls(**config, **where)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(k={self.k!r}, name={self.name!r})"


class DCG(RankingMetric):
    """discounted cumulative gain: sum of (2^y - 1) / log2(1 + rank)"""

    path = "dcg"


class NDCG(RankingMetric):
    """DCG divided by that of the ideal ranking"""

    path = "ndcg"


class MeanReciprocalRank(RankingMetric):
    """1 / rank of the first relevant item"""

    path = "mean_reciprocal_rank"


class MeanAveragePrecision(RankingMetric):
    """mean over the relevant items of the precision at their ranks"""

    path = "mean_average_precision"


class PrecisionAtK(RankingMetric):
    """share of relevant items among the first k"""

    path = "precision_at_k"


class RecallAtK(RankingMetric):
    """share of the relevant items that are among the first k"""

    path = "recall_at_k"


class HitRate(RankingMetric):
    """1 if a relevant item is among the first k, or 0"""

    path = "hit_rate"


class RPrecision(RankingMetric):
    """precision at the number of relevant items"""

    path = "r_precision"


class Bpref(RankingMetric):
    """how few of the items judged not relevant rank above the relevant ones"""

    path = "bpref"


class AUC(RankingMetric):
    """area under the ROC curve of each list"""

    path = "auc"


class ExpectedReciprocalRank(RankingMetric):
    """1 / rank at which a reader is satisfied, who stops at an item with a chance by its label"""

    path = "expected_reciprocal_rank"


class RankBiasedPrecision(RankingMetric):
    """share of relevant items that a reader sees, who goes on with probability 0.8"""

    path = "rank_biased_precision"
