"""Draws how two models differ, list by list, and what is known of the mean difference.

    draw_comparison.py DATA.csv OUT.png [--url URL] [--metric ndcg] [--k 5]

DATA has the columns qid, label, and one column of scores for each model (model_a, model_b).
"""

import argparse
import math

import matplotlib
import numpy as np
import pandas
import ranklossd
from ranklossd.student import t_quantile

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (after the choice of how to draw)


def per_list(client, frame, score, metric, k):
    """The metric's value of each list."""
    batch = ranklossd.Batch.from_frame(frame, by="qid", score=score)
    answer = client.metric(metric, batch, k=k, include=["per_list"])
    return answer.value, np.array([row["metric"] for row in answer["per_list"]])


def interval(differences, level=0.95):
    """The paired t interval of the mean difference."""
    n = len(differences)
    reach = t_quantile((1 + level) / 2, n - 1) * differences.std(ddof=1) / math.sqrt(n)
    return differences.mean() - reach, differences.mean() + reach


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--url")
    parser.add_argument("--models", nargs=2, default=["model_a", "model_b"])
    parser.add_argument("--metric", default="ndcg")
    parser.add_argument("--k", type=int, default=5)
    options = parser.parse_args()

    frame, client = pandas.read_csv(options.data), ranklossd.Client(options.url)
    (first, a), (second, b) = (per_list(client, frame, model, options.metric, options.k)
                               for model in options.models)
    differences = np.sort(b - a)
    low, high = interval(differences)

    figure, (bars, mean) = pyplot.subplots(1, 2, figsize=(9, 3.5), width_ratios=[4, 1],
                                           sharey=True, layout="constrained")
    bars.bar(range(len(differences)), differences, width=1.0,
             color=np.where(differences < 0, "#b2182b", "#2166ac"))
    bars.set(xlabel="lists, sorted", ylabel=f"difference of {options.metric}@{options.k}",
             title="{1} minus {0}, list by list".format(*options.models))
    mean.errorbar([0], [differences.mean()], [[differences.mean() - low],
                                              [high - differences.mean()]], fmt="o", capsize=6,
                  color="black")
    mean.axhline(0, color="grey", linewidth=0.8)
    mean.set(xticks=[], title="mean, 95 %")
    figure.savefig(options.out, dpi=120)
    print(f"{options.models[0]} {first:.4f}, {options.models[1]} {second:.4f}, "
          f"difference {differences.mean():+.4f} [{low:+.4f}, {high:+.4f}]")


if __name__ == "__main__":
    main()
