"""What a user would write or call instead of core, one thread: the hinge by broadcasting in numpy or
torch, each metric vectorised in numpy, and scikit-learn's ndcg_score.

usage: kernel_peers.py numpy|torch|sklearn FILE LISTS CHUNK MEASURE K SECONDS
Prints the best nanoseconds and the value. CHUNK lists are evaluated at a time (0: all at once); K is
the metric's (0: the whole list). FILE is as bench_kernels.c says.
"""
import sys
import time

import numpy


# Each gets labels and scores [lists][items] and the metric's k, and gives a number for each list, or
# a sum over all.

def numpy_hinge(labels, scores, _):
    d = scores[:, :, None] - scores[:, None, :]
    pairs = labels[:, :, None] > labels[:, None, :]
    return numpy.where(pairs, numpy.maximum(0, 1 - d), 0).sum(dtype=numpy.float64)


def torch_hinge(labels, scores, _):
    import torch
    d = scores[:, :, None] - scores[:, None, :]
    pairs = labels[:, :, None] > labels[:, None, :]
    return (torch.relu(1 - d) * pairs).sum(dtype=torch.float64)


def ranked(labels, scores, k):
    """Labels in descending order of score."""
    order = numpy.argsort(-scores, axis=1, kind="stable")
    return numpy.take_along_axis(labels, order[:, :k] if k else order, 1)


def in_top(labels, scores, k):
    """Relevant items among the k best, in any order."""
    if k >= labels.shape[1]:
        return (labels >= 1).sum(axis=1)
    top = numpy.argpartition(-scores, k, axis=1)[:, :k]
    return (numpy.take_along_axis(labels, top, 1) >= 1).sum(axis=1)


def discounted(labels):
    discounts = 1 / numpy.log2(2 + numpy.arange(labels.shape[1]))
    return (numpy.exp2(labels) - 1) @ discounts


def dcg(labels, scores, k):
    return discounted(ranked(labels, scores, k))


def ndcg(labels, scores, k):
    best = -numpy.sort(-labels, axis=1)
    return dcg(labels, scores, k) / discounted(best[:, :k] if k else best)


def reciprocal_rank(labels, scores, k):
    relevant = ranked(labels, scores, k) >= 1
    return numpy.where(relevant.any(axis=1), 1 / (1 + relevant.argmax(axis=1)), 0)


def average_precision(labels, scores, k):
    relevant = ranked(labels, scores, k) >= 1
    precision = relevant.cumsum(axis=1) / (1 + numpy.arange(relevant.shape[1]))
    return (precision * relevant).sum(axis=1) / (labels >= 1).sum(axis=1)


def precision_at_k(labels, scores, k):
    return in_top(labels, scores, k) / k


def recall_at_k(labels, scores, k):
    return in_top(labels, scores, k) / (labels >= 1).sum(axis=1)


def sklearn_ndcg(labels, scores, k):
    from sklearn.metrics import ndcg_score
    mean = ndcg_score(numpy.exp2(labels) - 1, scores, k=k or None, ignore_ties=True)
    return mean * len(labels)


def one_pass(labels, scores, _):
    """How many scores are above the one positive item's: what any measure of it needs."""
    return (scores[0] > scores[0, labels[0].argmax()]).sum()


PEERS = {
    ("numpy", "pairwise_hinge"): numpy_hinge,
    ("torch", "pairwise_hinge"): torch_hinge,
    ("numpy", "dcg"): dcg,
    ("numpy", "ndcg"): ndcg,
    ("numpy", "mean_reciprocal_rank"): reciprocal_rank,
    ("numpy", "mean_average_precision"): average_precision,
    ("numpy", "precision_at_k"): precision_at_k,
    ("numpy", "recall_at_k"): recall_at_k,
    ("sklearn", "ndcg"): sklearn_ndcg,
    ("numpy", "one_pass"): one_pass,
}


def measure(evaluate, labels, scores, chunk, k, seconds):
    best, until, rounds = float("inf"), time.perf_counter() + seconds, 0
    while rounds < 2 or time.perf_counter() < until:
        begin = time.perf_counter_ns()
        total = sum(float(evaluate(labels[at:at + chunk], scores[at:at + chunk], k).sum())
                    for at in range(0, len(labels), chunk))
        best = min(best, time.perf_counter_ns() - begin)
        rounds += 1
    return best, total


if __name__ == "__main__":
    name, path, lists, chunk, what, k, seconds = sys.argv[1:8]
    columns = numpy.fromfile(path, numpy.float32).reshape(2, int(lists), -1)
    if name == "torch":
        import torch
        torch.set_num_threads(1)
        columns = torch.from_numpy(columns)
    best, total = measure(PEERS[name, what], columns[0], columns[1], int(chunk) or int(lists),
                          int(k), float(seconds))
    print(best, total / (columns[0].shape[0] * (columns[0].shape[1] if "hinge" in what else 1)))
