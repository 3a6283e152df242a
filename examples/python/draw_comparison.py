"""Which of two models is better? A notebook as a script: a cell begins with %%.

    draw_comparison.py DATA.csv OUT.png

DATA has the columns qid, label, lang, and one column of scores for each model. The daemon is
$RANKLOSSD_URL, or http://127.0.0.1:8080.
"""
# %% The data: one row per item
import sys

import matplotlib
import numpy as np
import pandas
import ranklossd

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (after the choice of how to draw)

DATA, OUT = sys.argv[1:3] if len(sys.argv) > 2 else ("examples/data/models.csv", "comparison.png")
METRIC, OTHERS = "ndcg@5", ["mean_average_precision", "mean_reciprocal_rank"]
client, frame = ranklossd.Client(), pandas.read_csv(DATA)
systems = {model: ranklossd.Batch.from_frame(frame, score=model, group="lang")
           for model in ("model_a", "model_b")}

# %% Both models over the same lists: all of them, and those of each language
result = client.compare(systems, metrics=[METRIC, *OTHERS])
print(result)

# %% The change of each list
report = {model: client.evaluate(batch, metrics=METRIC, include=["per_list"])[0]["per_list"]
          for model, batch in systems.items()}
old, new = (np.array([row["metric"] for row in rows]) for rows in report.values())
changes = np.sort(new - old)

# %% The mean difference of each metric with its interval, and of each group by the first
rows = [(contest.label, contest.differences[0]) for contest in result]
rows += [(f"{METRIC}, {name}", contest.differences[0])
         for name, contest in sorted(result[METRIC].groups.items())]
for name, one in rows:
    print(f"{name}: difference {one.difference:+.4f} [{one.t[0]:+.4f}, {one.t[1]:+.4f}]")

# %% The picture
figure, (lists, means) = pyplot.subplots(1, 2, figsize=(11, 4), layout="constrained")
lists.bar(range(len(changes)), changes, width=1.0,
          color=np.where(changes < 0, "#b2182b", "#2166ac"))
lists.set(xlabel="lists, sorted by their change", ylabel=f"change of {METRIC}",
          title="model_b minus model_a, list by list")
for at, (name, one) in enumerate(reversed(rows)):
    low, high = one.t
    color = "#b2182b" if high < 0 else "#2166ac" if low > 0 else "#555555"
    means.errorbar([one.difference], [at], xerr=[[one.difference - low], [high - one.difference]],
                   fmt="o", capsize=5, color=color)
means.axvline(0, color="black", linewidth=0.8)
means.axhline(len(rows) - len(result.results) - 0.5, color="#cccccc", linewidth=0.8)
means.set(yticks=range(len(rows)), yticklabels=[name for name, _ in reversed(rows)],
          xlabel="mean difference with its 95 % interval", title="better to the right of 0")
figure.savefig(OUT, dpi=110)
