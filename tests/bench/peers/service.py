"""What one would otherwise write: the pairwise hinge loss and ndcg as a FastAPI service, done well.

BACKEND=numpy or torch. Run with uvicorn, one worker a core:
    BACKEND=numpy uvicorn --workers 2 --loop uvloop --http httptools service:app

Done well means: the body is read by the standard JSON reader without a model in between, arrays are
built straight from the parsed lists, lists of equal length are evaluated together in pieces that
stay in the cache, and a long list goes through blocks of rows, so that n x n never has to fit in
memory. asyncio sets TCP_NODELAY on every connection. Validation is left out, which favours it.
"""
import json
import os
from collections import defaultdict

import numpy as np
from fastapi import FastAPI, Request, Response

BACKEND = os.environ.get("BACKEND", "numpy")
PIECE = 1 << 18  # pairs at once: 1 MiB a temporary in float32

if BACKEND == "torch":
    import torch
    torch.set_num_threads(1)  # one worker a core


def rows_numpy(labels, scores):
    """loss_i of lists of one length, [lists, n] each."""
    lists, n = labels.shape
    out = np.empty((lists, n), np.float32)
    rows = max(1, min(n, PIECE // max(n, 1)))
    step = max(1, PIECE // max(n * n, 1))
    for a in range(0, lists, step):
        y, s = labels[a:a + step], scores[a:a + step]
        for r in range(0, n, rows):
            pair = np.subtract(s[:, None, :], s[:, r:r + rows, None])
            pair += 1
            np.maximum(pair, 0, out=pair)
            pair *= (y[:, r:r + rows, None] > y[:, None, :]) & (y[:, None, :] >= 0)
            out[a:a + step, r:r + rows] = pair.sum(2)
    return out


def rows_torch(labels, scores):
    lists, n = labels.shape
    labels, scores = torch.from_numpy(labels), torch.from_numpy(scores)
    out = torch.empty((lists, n))
    rows = max(1, min(n, PIECE // max(n, 1)))
    step = max(1, PIECE // max(n * n, 1))
    for a in range(0, lists, step):
        y, s = labels[a:a + step], scores[a:a + step]
        for r in range(0, n, rows):
            pair = (s[:, None, :] - s[:, r:r + rows, None]).add_(1).clamp_(min=0)
            pair.mul_((y[:, r:r + rows, None] > y[:, None, :]) & (y[:, None, :] >= 0))
            out[a:a + step, r:r + rows] = pair.sum(2)
    return out.numpy()


def discounted(gains):
    return gains @ (1 / np.log2(2 + np.arange(gains.shape[1], dtype=np.float32)))


def ndcg_numpy(labels, scores):
    """ndcg of lists of one length; 0 for a list without relevance."""
    gains = np.exp2(labels) - 1
    dcg = discounted(np.take_along_axis(gains, np.argsort(-scores, axis=1), 1))
    ideal = discounted(-np.sort(-gains, axis=1))
    return np.divide(dcg, ideal, out=np.zeros_like(dcg), where=ideal > 0)


def ndcg_torch(labels, scores):
    labels, scores = torch.from_numpy(labels), torch.from_numpy(scores)
    gains = torch.exp2(labels) - 1
    discounts = 1 / torch.log2(2 + torch.arange(labels.shape[1], dtype=torch.float32))
    dcg = torch.gather(gains, 1, torch.argsort(scores, 1, descending=True)) @ discounts
    ideal = torch.sort(gains, 1, descending=True).values @ discounts
    return torch.where(ideal > 0, dcg / ideal, torch.zeros_like(dcg)).numpy()


ROWS = rows_torch if BACKEND == "torch" else rows_numpy
NDCG = ndcg_torch if BACKEND == "torch" else ndcg_numpy
app = FastAPI()


def by_list(evaluate, y_true, y_pred):
    """What evaluate gives for every list, in the order of the batch."""
    by_length = defaultdict(list)
    for index, row in enumerate(y_pred):
        by_length[len(row)].append(index)
    values = [None] * len(y_pred)
    for indices in by_length.values():
        whole = len(indices) == len(y_pred)
        labels = np.array(y_true if whole else [y_true[i] for i in indices], np.float32)
        scores = np.array(y_pred if whole else [y_pred[i] for i in indices], np.float32)
        for index, row in zip(indices, evaluate(labels, scores)):
            values[index] = row
    return values


@app.get("/livez")
async def livez():
    return {"status": "alive"}


@app.post("/v1/losses/pairwise_hinge")
async def pairwise_hinge(request: Request):
    body = json.loads(await request.body())
    y_true, y_pred = body["y_true"], body["y_pred"]
    batched = isinstance(y_pred[0], list)
    values = by_list(ROWS, *((y_true, y_pred) if batched else ([y_true], [y_pred])))
    if body.get("reduction") == "none":
        rows = [row.tolist() for row in values]
        loss = rows if batched else rows[0]
    else:
        total = float(sum(row.sum(dtype=np.float64) for row in values))
        divisor = 1 if body.get("reduction") == "sum" else sum(map(len, values))
        loss = total / divisor if divisor else 0.0
    return Response(json.dumps({"loss": loss}), media_type="application/json")


@app.post("/v1/metrics/ndcg")
async def ndcg(request: Request):
    body = json.loads(await request.body())
    values = by_list(NDCG, body["y_true"], body["y_pred"])
    return Response(json.dumps({"metric": float(np.mean(values))}), media_type="application/json")
