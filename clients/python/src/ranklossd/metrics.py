"""The metrics of keras_rs.metrics, by the same names and arguments, computed by a daemon.

As in Keras a metric is a weighted mean over lists that grows with each batch. Its state is two
numbers, the sum of value x weight and the sum of the weights, which Keras calls total and count.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple, Union

import numpy as np

from .batch import Batch, as_array
from .client import Client, as_batch, default_client

__all__ = ["AUC", "Bpref", "DCG", "ExpectedReciprocalRank", "HitRate", "MeanAveragePrecision",
           "MeanReciprocalRank", "NDCG", "PrecisionAtK", "RPrecision", "RankBiasedPrecision",
           "RecallAtK"]


Sent = Union[Batch, Dict[str, Any]]
Function = Callable[[Any], Any]

#: The longest table of discounts that a daemon takes.
LONGEST_TABLE = 1000


def _as_columns(members: Dict[str, Any]) -> Batch:
    """Nested lists as a Batch."""
    y_true = members["y_true"]
    truth = ({name: _arrays(value) for name, value in y_true.items()}
             if isinstance(y_true, Mapping) else _arrays(y_true))
    return Batch.of(truth, _arrays(members["y_pred"]), _arrays(members.get("sample_weight")))


def _arrays(value: Any) -> Any:
    """One array, or one for each list; None in them is NaN."""
    if not isinstance(value, (list, tuple)):
        return value
    if any(isinstance(one, (list, tuple)) for one in value):
        return [np.array(one, dtype=np.float64) for one in value]
    return np.array(value, dtype=np.float64)


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
        batch, asked = self._asked(as_batch(y_true, y_pred, sample_weight))
        if isinstance(batch, Batch):
            totals = self.client.metric(self.path, batch, **asked).totals
        else:
            totals = self.client.metric(self.path, **batch, **asked).totals
        self.total += totals["metric_sum"]
        self.count += totals["weight_sum"]

    def _asked(self, batch: Sent) -> Tuple[Sent, Dict[str, Any]]:
        """The batch and the parameters of the request."""
        parameters: Dict[str, Any] = {**self.parameters, "name": self.name, "dtype": self.dtype}
        if self.k is not None:
            parameters["k"] = self.k
        if self.shuffle_ties:
            batch = batch if isinstance(batch, Batch) else _as_columns(batch)
            batch = batch.shuffled(self._random)
        return batch, parameters

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


class _Gained(RankingMetric):
    """DCG and NDCG, with Keras's functions of gain and discount.

    gain_fn: an array of labels to gains, at least 0 and 0 for the label 0; default 2^y - 1.
    rank_discount_fn: an array of ranks 1, 2, … to what gains are multiplied by; default
    1 / log2(1 + rank). Both are called here; the daemon gets their values. Names are faster:
    gain="linear", discount="reciprocal".
    """

    def __init__(self, k: Optional[int] = None, gain_fn: Optional[Function] = None,
                 rank_discount_fn: Optional[Function] = None, shuffle_ties: bool = False,
                 seed: Optional[int] = None, name: Optional[str] = None,
                 dtype: Optional[str] = None, **parameters: Any) -> None:
        super().__init__(k, shuffle_ties, seed, name, dtype, **parameters)
        for function, parameter in ((gain_fn, "gain"), (rank_discount_fn, "discount")):
            if function is not None and not callable(function):
                raise TypeError(f"{parameter}: a function was expected, not {function!r}")
            if function is not None and parameter in self.parameters:
                raise ValueError(f"{parameter} is given by a name and by a function")
        self.gain_fn, self.rank_discount_fn = gain_fn, rank_discount_fn

    def spec(self) -> Dict[str, Any]:
        if self.gain_fn or self.rank_discount_fn:
            raise ValueError("evaluate takes gains and discounts by name or table, no functions")
        return super().spec()

    def get_config(self) -> Dict[str, Any]:
        return {**super().get_config(), "gain_fn": self.gain_fn,
                "rank_discount_fn": self.rank_discount_fn}

    def _asked(self, batch: Sent) -> Tuple[Sent, Dict[str, Any]]:
        batch, parameters = super()._asked(batch)
        if self.gain_fn or self.rank_discount_fn:
            batch = batch if isinstance(batch, Batch) else _as_columns(batch)
        if self.gain_fn:
            assert isinstance(batch, Batch)
            batch, parameters["gain"] = self._with_gains(batch, self.gain_fn), "linear"
        if self.rank_discount_fn:
            assert isinstance(batch, Batch)
            parameters["discount"] = self._discounts(batch, self.rank_discount_fn)
        return batch, parameters

    def _with_gains(self, batch: Batch, function: Function) -> Batch:
        """The batch with gains for labels, which the daemon then takes as they are."""
        labels = batch.labels.astype(self.dtype)
        valid = labels >= 0
        gains = as_array(function(np.where(valid, labels, 0))).astype(self.dtype)
        if gains.shape != labels.shape:
            raise ValueError(f"gain_fn made {gains.shape} of {labels.shape} labels")
        if not np.isfinite(gains).all() or (gains < 0).any() or gains[labels == 0].any():
            raise ValueError("gain_fn must give numbers of at least 0, and 0 for the label 0")
        return replace(batch, labels=np.where(valid, gains, labels))

    def _discounts(self, batch: Batch, function: Function) -> List[float]:
        longest = batch.items if batch.lengths is None else int(batch.lengths.max(initial=0))
        ranks = np.arange(1, 1 + (longest if self.k is None else min(longest, self.k)))
        if len(ranks) > LONGEST_TABLE:
            raise ValueError(f"rank_discount_fn: the daemon takes at most {LONGEST_TABLE} ranks; "
                             "give a k, or a discount by name")
        table: List[float] = as_array(function(ranks.astype(self.dtype))).tolist()
        return table or [1.0]


class DCG(_Gained):
    """discounted cumulative gain: sum of (2^y - 1) / log2(1 + rank)"""

    path = "dcg"


class NDCG(_Gained):
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
