"""The examples of Keras-RS's documentation, to the digit."""

import golden
from daemon import DaemonCase

UNBATCHED = {"y_true": [1.0, 0.0, 1.0, 3.0, 2.0], "y_pred": [1.0, 3.0, 2.0, 4.0, 0.8]}
LABELS = [[1.0, 0.0, 1.0, 3.0], [0.0, 1.0, 2.0, 3.0]]
SCORES = [[1.0, 3.0, 2.0, 4.0], [1.0, 1.8, 2.0, 3.0]]
BATCHED = {"y_true": LABELS, "y_pred": SCORES}
HINGE = "/v1/losses/pairwise_hinge"


class KerasExamples(DaemonCase):
    def hinge(self, body):
        return self.daemon.evaluate(HINGE, body)

    def test_unbatched(self):
        self.assertEqual(self.hinge(UNBATCHED)["loss"], 2.32)

    def test_batched(self):
        self.assertEqual(self.hinge(BATCHED)["loss"], 0.75)

    def test_masked(self):
        masked = {"y_true": {"labels": LABELS, "mask": [[True] * 4, [True, True, False, False]]},
                  "y_pred": SCORES}
        golden.assert_close(self.hinge(masked)["loss"], 0.65, 1e-7, 0)

    def test_weighted(self):
        weighted = {**BATCHED, "sample_weight": [[2.0, 3.0, 1.0, 1.0], [2.0, 1.0, 0.0, 0.0]]}
        golden.assert_close(self.hinge(weighted)["loss"], 1.025, 1e-7, 0)

    def test_none_in_float32(self):
        reply = self.daemon.post(HINGE, {**BATCHED, "reduction": "none"})
        self.assertEqual(reply.json()["loss"], [[3, 0, 2, 0], [0, 0.20000005, 0.79999995, 0]])
        self.assertIn("[[3,0,2,0],[0,0.20000005,0.79999995,0]]",
                      reply.text().replace(" ", ""))

    def test_null_is_none_and_is_echoed(self):
        reply = self.hinge({**BATCHED, "reduction": None})
        self.assertEqual(reply["loss"], [[3, 0, 2, 0], [0, 0.20000005, 0.79999995, 0]])
        self.assertIsNone(reply["reduction"])

    def test_the_other_losses(self):
        for name, one, many in (("pairwise_logistic", 1.70708494, 0.73936751),
                                ("pairwise_soft_zero_one", 0.86103997, 0.46202229),
                                ("pairwise_mean_squared_error", 19.104, 5.58),
                                ("list_mle", 6.86569281, 2.95237179)):
            with self.subTest(name):
                path = f"/v1/losses/{name}"
                golden.assert_close(self.daemon.evaluate(path, UNBATCHED)["loss"], one, 1e-6, 0)
                golden.assert_close(self.daemon.evaluate(path, BATCHED)["loss"], many, 1e-6, 0)

    def test_float64_computes_in_double(self):
        reply = self.hinge({**UNBATCHED, "dtype": "float64"})
        golden.assert_close(reply["loss"], 2.32, 1e-15, 0)
        self.assertEqual(reply["dtype"], "float64")
        logistic = self.daemon.evaluate("/v1/losses/pairwise_logistic",
                                        {**BATCHED, "dtype": "float64"})
        golden.assert_close(logistic["loss"], 0.739367517180369, 1e-11, 0)
