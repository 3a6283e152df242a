"""The preset sklearn beside scikit-learn, over random batches with ties."""

import numpy as np
from daemon import DaemonCase
from sklearn.metrics import dcg_score, ndcg_score, roc_auc_score

SEED = 20261128


def random_list(rng, items):
    """Grades, and scores of few different values."""
    return rng.integers(0, 5, items), rng.integers(0, 2 + items // 2, items) / 8


class Sklearn(DaemonCase):
    def metric(self, metric, labels, scores, **members):
        body = {"y_true": [list(map(float, one)) for one in labels],
                "y_pred": [list(map(float, one)) for one in scores],
                "definition": "sklearn", "dtype": "float64", **members}
        return self.daemon.evaluate(f"/v1/metrics/{metric}", body)["metric"]

    def test_gains_of_whole_batches(self):
        rng = np.random.default_rng(SEED)
        for metric, score in (("ndcg", ndcg_score), ("dcg", dcg_score)):
            for _ in range(30):
                lists, items = rng.integers(1, 20), rng.integers(2, 30)
                rows = [random_list(rng, items) for _ in range(lists)]
                labels, scores = (np.array(column) for column in zip(*rows))
                labels[0] *= rng.integers(0, 2)  # half of the batches: nothing relevant
                weights = rng.integers(1, 5, lists) if rng.random() < 0.5 else None
                sent = {} if weights is None else {"sample_weight": weights.tolist()}
                for k in (None, 1, 3, int(items), 100):
                    with self.subTest(metric, lists=lists, items=items, k=k):
                        self.assertAlmostEqual(
                            self.metric(metric, labels, scores, k=k, **sent),
                            score(labels, scores, k=k, sample_weight=weights), delta=1e-12)

    def test_gains_of_ragged_lists(self):
        rng = np.random.default_rng(SEED + 1)
        rows = [random_list(rng, rng.integers(2, 60)) for _ in range(40)]
        for k in (None, 5):
            want = np.mean([ndcg_score([labels], [scores], k=k) for labels, scores in rows])
            self.assertAlmostEqual(self.metric("ndcg", *zip(*rows), k=k), want, delta=1e-12)

    def test_area_under_the_curve(self):
        """scikit-learn has no area for a list of one class."""
        rng = np.random.default_rng(SEED + 2)
        for level in (1, 3):
            rows = [random_list(rng, rng.integers(2, 60)) for _ in range(60)]
            rows = [row for row in rows if 0 < np.sum(row[0] >= level) < len(row[0])]
            self.assertGreater(len(rows), 30)
            want = np.mean([roc_auc_score(labels >= level, scores) for labels, scores in rows])
            self.assertAlmostEqual(self.metric("auc", *zip(*rows), relevant_from=level), want,
                                   delta=1e-12)
