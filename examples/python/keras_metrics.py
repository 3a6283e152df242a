"""A Keras-RS metric over the batches of an evaluation loop."""
import sys
import numpy as np
import ranklossd
metric = ranklossd.NDCG(k=10, url=sys.argv[1] if len(sys.argv) > 1 else None)
for labels, scores in ((np.eye(8), np.random.default_rng(i).random((8, 8))) for i in range(5)):
    metric.update_state(labels, scores)
print(f"NDCG@10 over 5 batches: {metric.result():.4f}")
