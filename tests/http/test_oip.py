"""The Open Inference Protocol v2: paths, tensors in and out, and the bytes that clients send."""

import gzip
import json
import os
import re
import signal
import struct
import tempfile
import unittest
import zlib

import numpy as np

from daemon import ROOT, Daemon, DaemonCase, eventually
from tensors import Tensor, infer, message, read

MODEL = "/v2/models/pairwise_hinge/infer"
LABELS = np.array([[1, 0, 2], [0, 1, 1]])
SCORES = np.array([[0.5, 0.25, -1], [3, 1.5, 0.1]])


def pair(labels=LABELS, scores=SCORES, of="INT8", scored="FP32"):
    return [Tensor("y_true", of, labels), Tensor("y_pred", scored, scores)]


def as_json(labels=LABELS, scores=SCORES, scored="<f4", **members):
    return {"y_true": np.asarray(labels).tolist(),
            "y_pred": np.asarray(scores, scored).astype(float).tolist(), **members}


class Paths(DaemonCase):
    def test_the_server(self):
        about = self.daemon.get("/v2").json()
        self.assertEqual(about["name"], "ranklossd")
        self.assertEqual(about["extensions"], ["binary_tensor_data"])

    def test_health(self):
        self.assertEqual(self.daemon.get("/v2/health/live").json(), {"live": True})
        self.assertEqual(self.daemon.get("/v2/health/ready").json(), {"ready": True})

    def test_every_measure_is_a_model(self):
        names = ["evaluate"]
        for kind in ("losses", "metrics"):
            names += [row["name"] for row in self.daemon.get(f"/v1/{kind}").json()[kind]]
        for name in names:
            for version in ("", "/versions/1"):
                model = self.daemon.get(f"/v2/models/{name}{version}").json()
                self.assertEqual((model["name"], model["versions"]), (name, ["1"]))
                ready = self.daemon.get(f"/v2/models/{name}{version}/ready").json()
                self.assertEqual(ready, {"name": name, "ready": True})

    def test_metadata_names_what_infer_takes_and_gives(self):
        model = self.daemon.get("/v2/models/ndcg").json()
        self.assertEqual([one["name"] for one in model["inputs"] if not one.get("optional")],
                         ["y_true", "y_pred"])
        wanted = [{"name": one["name"]} for one in model["outputs"]]
        outputs, _ = infer(self.daemon, "ndcg", pair(), wanted)
        self.assertEqual([*outputs], [one["name"] for one in model["outputs"]])

    def test_versions(self):
        plain, _ = infer(self.daemon, "ndcg", pair())
        one, header = infer(self.daemon, "ndcg", pair(), version="/versions/1")
        self.assertEqual(plain, one)
        self.assertEqual(header["model_version"], "1")


class Infer(DaemonCase):
    def test_the_exact_bytes_of_a_binary_exchange(self):
        """No Content-Type, as Triton's client for Python sends it; everything is checked here."""
        header = (b'{"id":"7","inputs":[{"name":"y_true","shape":[1,2],"datatype":"INT8",'
                  b'"parameters":{"binary_data_size":2}},{"name":"y_pred","shape":[1,2],'
                  b'"datatype":"FP32","parameters":{"binary_data_size":8}}],'
                  b'"parameters":{"binary_data_output":true,"reduction":"sum"}}')
        body = header + b"\x01\x00" + struct.pack("<ff", 0.5, 0.25)
        with self.daemon.connect() as wire:
            wire.send(b"POST " + MODEL.encode() + b" HTTP/1.1\r\nHost: localhost\r\n"
                      b"Inference-Header-Content-Length: %d\r\nContent-Length: %d\r\n\r\n"
                      % (len(header), len(body)) + body)
            reply = wire.read_reply()
        self.assertEqual(reply.status, 200, reply)
        self.assertIn("\r\nInference-Header-Content-Length: ", reply.raw_head)
        self.assertEqual(reply.media_type, "application/octet-stream")
        length = int(reply.header("Inference-Header-Content-Length"))
        self.assertEqual(reply.body[length:], struct.pack("<f", 0.75))
        about = json.loads(reply.body[:length])
        self.assertEqual(about["outputs"], [{"name": "loss", "datatype": "FP32", "shape": [1],
                                             "parameters": {"binary_data_size": 4}}])
        self.assertEqual((about["model_name"], about["model_version"], about["id"]),
                         ("pairwise_hinge", "1", "7"))
        self.assertEqual(about["parameters"]["pairs"], 1)

    def test_json_alone(self):
        tensors = [Tensor("y_true", "INT8", LABELS, binary=False),
                   Tensor("y_pred", "FP32", SCORES, binary=False, nested=True)]
        fields, body = message(tensors)
        self.assertEqual(fields, {})
        want = self.daemon.evaluate("/v1/losses/pairwise_hinge", as_json())["loss"]
        for kind in ({}, {"Content-Type": "application/json"},
                     {"Content-Type": "Application/Octet-Stream; x=1"}):
            reply = self.daemon.exchange("POST", MODEL, kind, body)
            self.assertEqual(reply.media_type, "application/json")
            self.assertIsNone(reply.header("Inference-Header-Content-Length"))
            self.assertEqual(read(reply)[1]["loss"].tolist(), [np.float32(want)])

    def test_other_media_types(self):
        fields, body = message(pair())
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/octets"):
            reply = self.daemon.exchange("POST", MODEL, {**fields, "Content-Type": kind}, body)
            self.refused(reply, 415, words="octet-stream", inference=True)

    def test_outputs(self):
        wanted = [{"name": "gradient", "parameters": {"binary_data": True}}, {"name": "loss"},
                  {"name": "per_list.loss_sum", "parameters": {"binary_data": True}},
                  {"name": "per_list.pairs"}, {"name": "per_list.items"},
                  {"name": "per_list.valid_items", "parameters": {"binary_data": False}}]
        outputs, header = infer(self.daemon, "pairwise_hinge", pair(), wanted,
                                {"name": "candidate-b", "temperature": 0.5})
        want = self.daemon.evaluate("/v1/losses/pairwise_hinge", as_json(
            name="candidate-b", temperature=0.5, include=["gradient", "per_list"]))
        self.assertEqual([*outputs], [one["name"] for one in wanted])
        self.assertEqual(outputs["loss"].tolist(), [np.float32(want["loss"])])
        np.testing.assert_array_equal(outputs["gradient"], np.float32(want["gradient"]))
        for column in ("loss_sum", "pairs", "items", "valid_items"):
            self.assertEqual(outputs[f"per_list.{column}"].tolist(),
                             [one[column] for one in want["per_list"]])
        totals = {**want["totals"], "name": "candidate-b"}
        self.assertEqual(header["parameters"],
                         {key: value for key, value in totals.items() if value is not None})

    def test_binary_data_output_is_a_default(self):
        wanted = [{"name": "loss"}, {"name": "gradient", "parameters": {"binary_data": False}}]
        _, header = infer(self.daemon, "pairwise_hinge", pair(), wanted,
                          {"binary_data_output": True})
        self.assertEqual(["data" in one for one in header["outputs"]], [False, True])

    def test_values_that_are_not_reduced(self):
        for model, shape in (("pairwise_hinge", (2, 3)), ("list_mle", (2,))):
            outputs, _ = infer(self.daemon, model, pair(), parameters={"reduction": "none"})
            want = self.daemon.evaluate(f"/v1/losses/{model}", as_json(reduction="none"))["loss"]
            self.assertEqual(outputs["loss"].shape, shape)
            np.testing.assert_array_equal(outputs["loss"], np.float32(want))

    def test_evaluate(self):
        losses = ["pairwise_hinge", {"name": "softmax", "temperature": 2, "reduction": "none"}]
        metrics = [{"name": "ndcg", "gain": [0, 1, 3.5], "k": 2}, "auc"]
        wanted = [{"name": name} for name in
                  ("results.0.loss", "results.1.loss", "results.2.metric", "results.3.metric",
                   "results.0.gradient", "results.2.per_list.metric", "results.2.per_list.weight")]
        outputs, header = infer(self.daemon, "evaluate", pair(), wanted, {
            "losses": json.dumps(losses), "metrics": json.dumps(metrics), "dtype": "float64"})
        losses[0] = {"name": losses[0], "include": ["gradient"]}
        metrics[0]["include"] = ["per_list"]
        want = self.daemon.evaluate("/v1/evaluate", as_json(
            losses=losses, metrics=metrics, dtype="float64"))
        results = want["results"]
        self.assertEqual(outputs["results.0.loss"].tolist(), [results[0]["loss"]])
        self.assertEqual(outputs["results.1.loss"].tolist(), results[1]["loss"])
        self.assertEqual(outputs["results.2.metric"].tolist(), [results[2]["metric"]])
        self.assertEqual(outputs["results.3.metric"].tolist(), [results[3]["metric"]])
        self.assertEqual(outputs["results.0.gradient"].tolist(), results[0]["gradient"])
        self.assertEqual(outputs["results.2.per_list.metric"].tolist(),
                         [one["metric"] for one in results[2]["per_list"]])
        parameters = header["parameters"]
        self.assertEqual(parameters["items"], 6)
        self.assertEqual(parameters["results.2.metric_sum"], results[2]["totals"]["metric_sum"])
        self.assertEqual(parameters["results.3.name"], "auc")

    def test_lists_as_text_or_as_they_are(self):
        for lists in ({"gain": "[0, 1, 3]", "discount": "[1,0.5]"},
                      {"gain": [0, 1, 3], "discount": [1, 0.5]}):
            outputs, _ = infer(self.daemon, "dcg", pair(), parameters=lists)
            want = self.daemon.evaluate("/v1/metrics/dcg", as_json(gain=[0, 1, 3],
                                                                   discount=[1, 0.5]))
            self.assertEqual(outputs["metric"].tolist(), [np.float32(want["metric"])])

    def test_one_weight_for_all_is_a_parameter(self):
        outputs, header = infer(self.daemon, "pairwise_hinge", pair(),
                                parameters={"sample_weight": 2.5, "reduction": "sum"})
        want = self.daemon.evaluate("/v1/losses/pairwise_hinge",
                                    as_json(sample_weight=2.5, reduction="sum"))
        self.assertEqual(outputs["loss"].tolist(), [np.float32(want["loss"])])
        self.assertEqual(header["parameters"]["scalar_weight"], 2.5)

    def test_a_compressed_body_counts_inflated_bytes(self):
        fields, body = message(pair())
        plain = self.daemon.exchange("POST", MODEL, fields, body)
        for coding, pack in (("gzip", gzip.compress), ("deflate", zlib.compress)):
            packed = self.daemon.exchange("POST", MODEL, {**fields, "Content-Encoding": coding},
                                          pack(body))
            self.assertEqual(packed.body, plain.body)

    def test_a_compressed_reply(self):
        scores = np.zeros((40, 40))
        wanted = [{"name": "gradient", "parameters": {"binary_data": True}}]
        fields, body = message(pair(scores.astype(int), scores), wanted)
        plain = self.daemon.exchange("POST", MODEL, fields, body)
        for coding in ("gzip", "deflate"):
            packed = self.daemon.exchange("POST", MODEL, {**fields, "Accept-Encoding": coding}, body)
            self.assertEqual(packed.header("Content-Encoding"), coding)
            self.assertEqual(packed.plain(), plain.body)
            self.assertEqual(packed.header("Inference-Header-Content-Length"),
                             plain.header("Inference-Header-Content-Length"))

    def test_the_example_of_the_readme(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            block = next(block for block in re.findall(r"```python\n(.*?)```", file.read(), re.S)
                         if "/infer" in block)
        names = {}
        exec(block.replace("127.0.0.1:8080", "%s:%d" % self.daemon.address), names)
        want = self.daemon.evaluate("/v1/losses/pairwise_hinge", as_json(
            temperature=0.5, include=["gradient"]))
        np.testing.assert_array_equal(names["gradient"], np.float32(want["gradient"]))

    def test_it_is_counted_and_logged(self):
        infer(self.daemon, "ndcg", pair())
        metrics = self.daemon.settled_metrics()
        self.assertGreater(metrics.value("http_requests_total", method="POST", code="200",
                                         handler="/v2/models/{measure}/infer"), 0)
        self.daemon.log.wait(r'"handler":"/v2/models/\{measure\}/infer".*"lists":2,"items":6')


class Access(unittest.TestCase):
    def test_tokens(self):
        fields, body = message(pair())
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("a-token-of-some-length\n")
            file.flush()
            with Daemon("--auth-tokens-file", file.name) as daemon:
                for path in ("/v2/health/live", "/v2/health/ready"):
                    self.assertEqual(daemon.get(path).status, 200, path)
                for method, path in (("GET", "/v2"), ("GET", "/v2/models/ndcg"), ("POST", MODEL)):
                    sent = body if method == "POST" else None
                    refused = daemon.exchange(method, path, fields, sent)
                    self.assertEqual(refused.status, 401, refused)
                    self.assertTrue(refused.header("WWW-Authenticate").startswith("Bearer"))
                    taken = daemon.exchange(method, path, {
                        **fields, "Authorization": "Bearer a-token-of-some-length"}, sent)
                    self.assertEqual(taken.status, 200, taken)

    def test_origins(self):
        fields, body = message(pair())
        with Daemon("--cors-origins", "https://a.example") as daemon:
            asked = daemon.exchange("OPTIONS", MODEL, {
                "Origin": "https://a.example", "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "inference-header-content-length"}, check=False)
            self.assertEqual(asked.status, 204)
            self.assertIn("Inference-Header-Content-Length",
                          asked.header("Access-Control-Allow-Headers"))
            reply = daemon.exchange("POST", MODEL, {**fields, "Origin": "https://a.example"}, body)
            self.assertEqual(reply.header("Access-Control-Allow-Origin"), "https://a.example")
            self.assertIn("Inference-Header-Content-Length",
                          reply.header("Access-Control-Expose-Headers"))

    def test_a_server_that_leaves_is_alive_and_serves_but_is_not_ready(self):
        fields, body = message(pair())
        with Daemon("--shutdown-delay", "10m") as daemon:
            daemon.signal(signal.SIGTERM)
            eventually(lambda: daemon.get("/v2/health/ready", check=False).status == 503)
            for path in ("/v2/health/ready", "/v2/models/ndcg/ready"):
                reply = daemon.get(path)
                self.assertEqual((reply.status, [*reply.json()]), (503, ["error"]), path)
            self.assertEqual(daemon.get("/v2/health/live").status, 200)
            self.assertEqual(daemon.exchange("POST", MODEL, fields, body).status, 200)
            daemon.signal(signal.SIGTERM)  # which skips the delay
            self.assertEqual(daemon.wait(), 0)
