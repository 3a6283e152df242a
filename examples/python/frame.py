"""A frame with one row per item: usage frame.py DATA.csv [URL]."""
import sys
import pandas
import ranklossd
client = ranklossd.Client(sys.argv[2] if len(sys.argv) > 2 else None)
batch = ranklossd.Batch.from_frame(pandas.read_csv(sys.argv[1]), by="qid", score="model_a")
print(client.evaluate(batch, losses="pairwise_logistic", metrics=["ndcg@5"]).to_frame())
