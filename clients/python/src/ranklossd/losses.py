"""The losses of keras_rs.losses, by the same names and arguments, computed by a daemon; and two of
TF-Ranking's.
"""

from __future__ import annotations

from typing import Any, Dict, Optional, Union

from .client import Client, default_client
from .results import Evaluation

__all__ = ["ApproxNDCGLoss", "ListMLELoss", "PairwiseHingeLoss", "PairwiseLogisticLoss",
           "PairwiseMeanSquaredError", "PairwiseSoftZeroOneLoss", "SoftmaxLoss"]

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)


class RankingLoss:
    """What the losses have in common. Call one as in Keras: loss(y_true, y_pred, sample_weight).

    temperature: score differences are divided by it. reduction: as in Keras. name: sent along, for
    the daemon's dashboards. dtype: "float32" (default) or "float64".
    client: the Client that asks; or url: the address of a daemon.

    Where Keras returns a tensor of rank 0 a float is returned, and for reduction "none" the values
    in the form of y_pred.
    """

    path = ""

    def __init__(self, temperature: float = 1.0, reduction: Optional[str] = "sum_over_batch_size",
                 name: Optional[str] = None, dtype: Optional[str] = None, *,
                 client: Optional[Client] = None, url: Union[str, None] = None) -> None:
        if not temperature > 0:
            raise ValueError(f"`temperature` should be a positive float. Received: {temperature!r}")
        if reduction not in REDUCTIONS:
            raise ValueError(f"`reduction` should be one of {REDUCTIONS}. Received: {reduction!r}")
        self.temperature, self.reduction = temperature, reduction
        self.name, self.dtype = name or self.path, dtype or "float32"
        self._client = client or (Client(url) if url else None)

    @property
    def client(self) -> Client:
        return self._client or default_client()

    def __call__(self, y_true: Any, y_pred: Any = None, sample_weight: Any = None) -> Any:
        return self.evaluate(y_true, y_pred, sample_weight).value

    def evaluate(self, y_true: Any, y_pred: Any = None, sample_weight: Any = None,
                 **parameters: Any) -> Evaluation:
        """The whole answer: value, totals, and what include=[…] asks for, such as "gradient"."""
        return self.client.loss(self.path, y_true, y_pred, sample_weight, **{
            **self.get_config(), **parameters})

    def spec(self) -> Dict[str, Any]:
        """This loss as an entry of Client.evaluate."""
        return {"name": self.path, "temperature": self.temperature, "reduction": self.reduction}

    def get_config(self) -> Dict[str, Any]:
        return {"temperature": self.temperature, "reduction": self.reduction, "name": self.name,
                "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Dict[str, Any], **where: Any) -> "RankingLoss":
        return cls(**config, **where)

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(temperature={self.temperature!r}, "
                f"reduction={self.reduction!r})")


class PairwiseHingeLoss(RankingLoss):
    """sum over pairs with y_i > y_j of max(0, 1 - (s_i - s_j) / temperature)"""

    path = "pairwise_hinge"


class PairwiseLogisticLoss(RankingLoss):
    """sum over pairs with y_i > y_j of log(1 + exp(-(s_i - s_j) / temperature))"""

    path = "pairwise_logistic"


class PairwiseSoftZeroOneLoss(RankingLoss):
    """sum over pairs with y_i > y_j of 1 - sigmoid((s_i - s_j) / temperature)"""

    path = "pairwise_soft_zero_one"


class PairwiseMeanSquaredError(RankingLoss):
    """sum over all pairs of ((y_i - y_j) - (s_i - s_j))^2; the temperature is ignored"""

    path = "pairwise_mean_squared_error"


class ListMLELoss(RankingLoss):
    """one value for each list: the negative log likelihood of the order of the labels"""

    path = "list_mle"


class SoftmaxLoss(RankingLoss):
    """one value for each list: -sum of y_i log softmax(s / temperature)_i, as TF-Ranking's"""

    path = "softmax"


class ApproxNDCGLoss(RankingLoss):
    """one value for each list: minus the NDCG of smooth ranks, as TF-Ranking's.

    The default temperature of TF-Ranking's class is 0.1; here it is 1, as of every other loss.
    """

    path = "approx_ndcg"
