"""A first evaluation: two lists, one loss, two metrics."""
import sys
import ranklossd
client = ranklossd.Client(sys.argv[1] if len(sys.argv) > 1 else None)
print(client.evaluate([[3, 0, 1, 2], [0, 1, 0]], [[2.1, 0.3, 0.9, 1.7], [0.2, 0.1, 0.8]],
                      losses="pairwise_hinge", metrics=["ndcg@3", "mean_reciprocal_rank"]))
