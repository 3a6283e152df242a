"""What a user would write instead of core: the hinge by broadcasting, in numpy or torch, one thread.

usage: kernel_peers.py numpy|torch FILE LISTS CHUNK SECONDS
Prints the best nanoseconds and the value. CHUNK lists are evaluated at a time (0: all at once).
FILE is as bench_kernels.c says.
"""
import sys
import time

import numpy


def numpy_sum(labels, scores):
    d = scores[:, :, None] - scores[:, None, :]
    pairs = labels[:, :, None] > labels[:, None, :]
    return float(numpy.where(pairs, numpy.maximum(0, 1 - d), 0).sum(dtype=numpy.float64))


def torch_sum(labels, scores):
    d = scores[:, :, None] - scores[:, None, :]
    pairs = labels[:, :, None] > labels[:, None, :]
    return float((torch.relu(1 - d) * pairs).sum(dtype=torch.float64))


def measure(evaluate, labels, scores, chunk, seconds):
    best, until, rounds = float("inf"), time.perf_counter() + seconds, 0
    while rounds < 2 or time.perf_counter() < until:
        begin = time.perf_counter_ns()
        total = sum(evaluate(labels[at:at + chunk], scores[at:at + chunk])
                    for at in range(0, len(labels), chunk))
        best = min(best, time.perf_counter_ns() - begin)
        rounds += 1
    return best, total / (labels.shape[0] * labels.shape[1])


if __name__ == "__main__":
    name, path, lists, chunk, seconds = sys.argv[1:6]
    columns = numpy.fromfile(path, numpy.float32).reshape(2, int(lists), -1)
    if name == "torch":
        import torch
        torch.set_num_threads(1)
        columns = torch.from_numpy(columns)
    best, value = measure(torch_sum if name == "torch" else numpy_sum, columns[0], columns[1],
                          int(chunk) or int(lists), float(seconds))
    print(best, value)
