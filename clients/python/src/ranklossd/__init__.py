"""Ranking losses and metrics, evaluated by a ranklossd.

    import ranklossd
    client = ranklossd.Client("http://127.0.0.1:8080")
    client.evaluate(labels, scores, losses="pairwise_hinge", metrics=["ndcg@10"])

Client sends batches; Batch makes them from frames, flat arrays and TREC files; losses and metrics
hold the classes of Keras-RS; ranklossd.dask evaluates what is too large for one machine.
"""

from ._version import __version__
from .batch import Batch
from .client import Client
from .errors import Busy, InvalidRequest, Problem, RanklossdError, Unauthorized, Unreachable
from .losses import (ApproxNDCGLoss, ListMLELoss, PairwiseHingeLoss, PairwiseLogisticLoss,
                     PairwiseMeanSquaredError, PairwiseSoftZeroOneLoss, SoftmaxLoss)
from .metrics import (AUC, DCG, NDCG, Bpref, ExpectedReciprocalRank, HitRate, MeanAveragePrecision,
                      MeanReciprocalRank, PrecisionAtK, RankBiasedPrecision, RecallAtK, RPrecision)
from .results import Comparison, Evaluation, Report

__all__ = [
    "AUC", "ApproxNDCGLoss", "Batch", "Bpref", "Busy", "Client", "Comparison", "DCG", "Evaluation",
    "ExpectedReciprocalRank", "HitRate", "InvalidRequest", "ListMLELoss", "MeanAveragePrecision",
    "MeanReciprocalRank", "NDCG", "PairwiseHingeLoss", "PairwiseLogisticLoss",
    "PairwiseMeanSquaredError", "PairwiseSoftZeroOneLoss", "PrecisionAtK", "Problem", "RPrecision",
    "RankBiasedPrecision", "RanklossdError", "RecallAtK", "Report", "SoftmaxLoss", "Unauthorized",
    "Unreachable", "__version__",
]
