#!/usr/bin/python3
"""Compares the rankings of two models on the same lists: losses, metrics, and the worst mistakes.

    examples/python/compare_models.py [URL]
"""

import sys

from ranklossd_client import Client

LABELS = [[3, 0, 1, 2], [0, 1, 0], [2, 0, 0, 1, 0]]
MODELS = {
    "candidate-a": [[2.1, 0.3, 0.9, 1.7], [0.2, 0.8, 0.1], [1.9, 0.1, 0.4, 0.8, 0.2]],
    "candidate-b": [[0.4, 1.3, 0.9, 1.1], [0.9, 0.8, 0.1], [1.0, 1.2, 0.4, 0.3, 0.2]],
}


def main():
    with Client(sys.argv[1] if len(sys.argv) > 1 else None) as client:
        for model, scores in MODELS.items():
            reply = client.post("/v1/evaluate", {
                "y_true": LABELS, "y_pred": scores, "name": model,
                "losses": [{"name": "pairwise_hinge", "include": ["top_pairs"], "top_k": 1},
                           "pairwise_logistic"],
                "metrics": [{"name": "ndcg", "k": 3}, "mean_reciprocal_rank"]})
            hinge, logistic, ndcg, rank = reply["results"]
            print(f"{model}: hinge {hinge['loss']:.4f}, logistic {logistic['loss']:.4f}, "
                  f"NDCG@3 {ndcg['metric']:.4f}, MRR {rank['metric']:.4f}")
            for number, pairs in enumerate(hinge["top_pairs"]):
                for pair in pairs:
                    print(f"  list {number}: item {pair['i']} should stand above item "
                          f"{pair['j']} (loss {pair['loss']:.2f})")


if __name__ == "__main__":
    main()
