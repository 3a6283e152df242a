"""The preset xgboost beside XGBoost, over random groups with ties and without relevant items."""

import numpy as np
import xgboost
from daemon import DaemonCase

SEED = 20261128


def evaluate(rows, metric):
    """What XGBoost says of these scores, which are the margins of a model without trees."""
    labels, scores = (np.concatenate(column) for column in zip(*rows))
    data = xgboost.DMatrix(np.zeros((len(labels), 1)), label=labels, base_margin=scores)
    data.set_group([len(one) for one, _ in rows])
    model = xgboost.Booster({"objective": "rank:pairwise", "eval_metric": metric,
                             "base_score": 0}, [data])
    return float(model.eval(data).split(":")[-1])


def random_rows(rng):
    rows = []
    for _ in range(rng.integers(1, 30)):
        items = rng.integers(1, 40)
        labels = rng.integers(0, 5, items) * (rng.random() < 0.8)
        rows.append((labels, rng.integers(0, 2 + items // 2, items) / 8))
    return rows


class Xgboost(DaemonCase):
    def metric(self, metric, rows, **members):
        body = {"y_true": [labels.tolist() for labels, _ in rows],
                "y_pred": [scores.tolist() for _, scores in rows],
                "definition": "xgboost", "dtype": "float64", **members}
        return self.daemon.evaluate(f"/v1/metrics/{metric}", body)["metric"]

    def compare(self, metric, name, cuts, *suffixes):
        rng = np.random.default_rng(SEED)
        for _ in range(12):
            rows = random_rows(rng)
            for k in cuts:
                for suffix in suffixes:
                    theirs = name + (f"@{k}" if k else "") + suffix
                    with self.subTest(theirs, groups=len(rows)):
                        sent = {"without_relevant": "zero"} if suffix else {}
                        self.assertAlmostEqual(self.metric(metric, rows, k=k, **sent),
                                               evaluate(rows, theirs), delta=1e-6)

    def test_ndcg(self):
        self.compare("ndcg", "ndcg", (None, 1, 3, 10, 100), "", "-")

    def test_mean_average_precision(self):
        self.compare("mean_average_precision", "map", (None, 1, 3, 10, 100), "", "-")

    def test_precision(self):
        self.compare("precision_at_k", "pre", (1, 3, 10, 100), "")
