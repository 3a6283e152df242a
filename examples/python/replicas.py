"""Partitions over replicas with Dask: usage replicas.py DATA.csv URL [URL…]."""
import sys
import dask
import pandas
from ranklossd.dask import evaluate
if __name__ == "__main__":
    frame = pandas.read_csv(sys.argv[1])
    parts = [dask.delayed(part) for _, part in frame.groupby(frame.qid.str[:3])]
    print(evaluate(parts, sys.argv[2:], metrics=["ndcg@5"], columns={"score": "model_a"}))
