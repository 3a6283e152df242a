"""The preset trec_eval, beside what trec_eval itself answered.

tests/golden/tools/trec_eval.jsonl has a line for each of 50 random topics, and one for all: grades
from 0 to 3 (null: not judged), scores (null: not retrieved) with many ties, and the answers of
trec_eval 10.0-rc3 with the options -q -c (l1), and -l2 beside them (l2). There are topics without a
relevant document, with nothing retrieved, all tied, and hardly judged. Items stand by document id,
descending, since that is how trec_eval breaks ties. What lies in tests/golden itself are requests.
"""

import golden
from daemon import DaemonCase

METRICS = {"map": "mean_average_precision", "ndcg": "ndcg", "ndcg_cut": "ndcg",
           "P": "precision_at_k", "recall": "recall_at_k", "recip_rank": "mean_reciprocal_rank",
           "Rprec": "r_precision", "bpref": "bpref", "success": "hit_rate"}
HALF_A_DIGIT = 0.5e-4 + 1e-9


def entry(measure, level):
    """The entry of evaluate for a measure of trec_eval, such as P_10."""
    name, _, k = measure.rpartition("_")
    if not k.isdigit():
        name, k = measure, None
    metric = METRICS[name]
    cut = {"k": int(k)} if k else {}
    return {"name": metric, **cut, **({} if metric == "ndcg" else {"relevant_from": level})}


class TrecEval(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        *cls.topics, cls.all = golden.cases("tools/trec_eval")

    def check(self, row, y_true, y_pred, dtype):
        for level in (1, 2):
            want = row[f"l{level}"]
            body = {"y_true": y_true, "y_pred": y_pred, "definition": "trec_eval", "dtype": dtype,
                    "metrics": [entry(measure, level) for measure in want]}
            results = self.daemon.evaluate("/v1/evaluate", body)["results"]
            for (measure, value), got in zip(want.items(), results):
                self.assertAlmostEqual(got["metric"], value, delta=HALF_A_DIGIT,
                                       msg=f"{row['topic']}, {measure}, -l{level}")

    def test_each_topic(self):
        self.assertEqual(len(self.topics), 50)
        for topic in self.topics:
            with self.subTest(topic["topic"]):
                self.check(topic, [topic["y_true"]], [topic["y_pred"]], "float64")

    def test_mean_over_topics(self):
        for dtype in ("float32", "float64"):
            self.check(self.all, [topic["y_true"] for topic in self.topics],
                       [topic["y_pred"] for topic in self.topics], dtype)

    def test_other_definitions_differ(self):
        """The answers tell definitions apart: Keras-RS's, with the same items, gives others."""
        for measure in ("ndcg", "P_10"):
            body = {"y_true": [topic["y_true"] for topic in self.topics],
                    "y_pred": [topic["y_pred"] for topic in self.topics],
                    "unretrieved": "count", "metrics": [entry(measure, 1)]}
            if measure == "ndcg":
                body["metrics"][0]["gain"] = "exponential"
            got = self.daemon.evaluate("/v1/evaluate", body)["results"][0]["metric"]
            self.assertGreater(abs(got - self.all["l1"][measure]), 0.001, measure)
