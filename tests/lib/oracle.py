"""What a batch must evaluate to, straight from the formulas, in double: numpy, O(n^2) a list.

A second opinion beside the golden vectors, for inputs that tests make up. A batch is a dict as it
is sent; masks, ragged lists, null labels and weights of every shape are understood.
"""

import math

import numpy as np


class List:
    """One list of a batch as arrays."""

    def __init__(self, labels, scores, mask, weights):
        count = len(scores)
        self.labels = np.array([-1.0 if label is None else float(label) for label in labels])
        kept = np.ones(count, bool) if mask is None else np.array(mask, bool)
        self.valid = kept & (self.labels >= 0)
        self.scores = np.array([0.0 if score is None else score for score in scores], float)
        self.weights = np.broadcast_to(np.asarray(weights, float).ravel(), (count,)) if (
            np.size(weights) == 1) else np.asarray(weights, float)
        self.differences = self.scores[:, None] - self.scores[None, :]
        both = self.valid[:, None] & self.valid[None, :]
        self.above = both & (self.labels[:, None] > self.labels[None, :])
        self.other = both & ~np.eye(count, dtype=bool)


def lists(body):
    labels, mask = body["y_true"], None
    if isinstance(labels, dict):
        labels, mask = labels["labels"], labels.get("mask")
    scores, weights = body["y_pred"], body.get("sample_weight", 1)
    if not isinstance(scores[0], list):
        return [List(labels, scores, mask, weights)]
    masks = mask or [None] * len(scores)
    each = weights if isinstance(weights, list) else [weights] * len(scores)
    return [List(*row) for row in zip(labels, scores, masks, each)]


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def item_losses(name, one, temperature):
    """Unweighted loss of each item."""
    scaled = one.differences / temperature
    if name == "pairwise_mean_squared_error":
        errors = (one.labels[:, None] - one.labels[None, :] - one.differences) ** 2
        return np.where(one.other, errors, 0).sum(1)
    pairs = {"pairwise_hinge": lambda: np.maximum(0, 1 - scaled),
             "pairwise_logistic": lambda: softplus(-scaled),
             "pairwise_soft_zero_one": lambda: np.exp(-softplus(scaled))}[name]()
    return np.where(one.above, pairs, 0).sum(1)


def softmax_loss(one, temperature):
    """softmax, unweighted."""
    labels, scaled = one.labels[one.valid], one.scores[one.valid] / temperature
    return float(labels @ (np.logaddexp.reduce(scaled) - scaled)) if len(labels) else 0.0


def list_mle_loss(one, temperature):
    """list_mle, unweighted."""
    order = [i for i in np.argsort(-one.labels, kind="stable") if one.valid[i]]
    if not order:
        return 0.0
    scaled = one.scores[order] / temperature
    scaled = scaled - scaled.max()
    tails = np.exp(scaled)[::-1].cumsum()[::-1]
    return float((np.log(tails + 1e-10) - scaled).sum())


def approx_ndcg_loss(one, temperature):
    """approx_ndcg, unweighted."""
    gains, scores = 2 ** one.labels[one.valid] - 1, one.scores[one.valid] / temperature
    best = -np.sort(-gains) @ (1 / np.log2(2 + np.arange(len(gains))))
    ranks = 0.5 + np.exp(-softplus(scores[:, None] - scores[None, :])).sum(1)
    return float(-(gains @ (1 / np.log2(1 + ranks))) / best) if best > 0 else 0.0


LIST_LOSSES = {"list_mle": list_mle_loss, "softmax": softmax_loss, "approx_ndcg": approx_ndcg_loss}


def values(name, body):
    """Weighted values list by list; one value a list for losses by list."""
    temperature = body.get("temperature", 1.0)
    if name in LIST_LOSSES:
        return [np.array([LIST_LOSSES[name](one, temperature) * one.weights.flat[0]
                          if one.weights.size else 0.0]) for one in lists(body)]
    return [item_losses(name, one, temperature) * one.weights for one in lists(body)]


def totals(name, body):
    """loss_sum, values, pairs, items, valid_items."""
    batch = lists(body)
    weighted = values(name, body)
    pairs = 0 if name in LIST_LOSSES else sum(
        int((one.other if name == "pairwise_mean_squared_error" else one.above).sum())
        for one in batch)
    return {"loss_sum": math.fsum(x for row in weighted for x in row),
            "values": sum(len(row) for row in weighted), "pairs": pairs,
            "items": sum(len(one.scores) for one in batch), "lists": len(batch),
            "valid_items": sum(int(one.valid.sum()) for one in batch)}


def loss(name, body):
    """The loss reduced with sum_over_batch_size."""
    sums = totals(name, body)
    return sums["loss_sum"] / sums["values"] if sums["values"] else 0.0


def random_body(rng, count, length, grades=5, **members):
    """A batch of `count` lists of about `length` items; scores with 6 digits."""
    sizes = rng.integers(max(length // 2, 1), length + 1, count)
    return {"y_true": [rng.integers(0, grades, n).tolist() for n in sizes],
            "y_pred": [np.round(rng.normal(0, 2, n), 6).tolist() for n in sizes], **members}
