"""What real clients of the Open Inference Protocol send, byte by byte.

Heads, headers and tensors are those that Triton's two clients for Python send: the first (gevent) in
lower case, without Content-Type and Accept; the second (aiohttp) with both. Both refer to a reply's
tensors by its Inference-Header-Content-Length, and count inflated bytes.
"""

import gzip
import json
import struct
import zlib

from daemon import DaemonCase

GEVENT = ("POST /v2/models/%s/infer HTTP/1.1\r\nuser-agent: python/gevent-http-client-2.0.8\r\n"
          "%shost: 127.0.0.1:8000\r\ncontent-length: %d\r\n\r\n")
AIOHTTP = ("POST /v2/models/%s/infer HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n%sAccept: */*\r\n"
           "User-Agent: Python/3.11 aiohttp/3.8.4\r\nContent-Length: %d\r\n"
           "Content-Type: application/octet-stream\r\n\r\n")
LABELS, SCORES = [[4, 0, 0, 1], [0, 4, 4, 2], [0, 0, 1, 2]], [
    [-2.019986152648926, -0.2319323718547821, -0.8652130961418152, 3.3229994773864746],
    [0.22578661143779755, -0.3526307940483093, -0.28128743171691895, -0.6680463552474976],
    [-1.0551505088806152, -0.39080098271369934, 0.4819453954696655, -0.23855361342430115]]
LABEL_BYTES = bytes.fromhex("040000010004040200000102")
SCORE_BYTES = bytes.fromhex("744701c0ae7f6dbe9b7e5dbf06ac54409b34673e068cb4bee80490be16052bbf2c0f87bf1117c8be"
                            "8cc1f63e664774be")
INPUTS = ('[{"name":"y_true","shape":[3,4],"datatype":"INT8","parameters":{"binary_data_size":12}},'
          '{"name":"y_pred","shape":[3,4],"datatype":"FP32","parameters":{"binary_data_size":48}}')
AS_JSON = ('[{"name":"y_true","shape":[3,4],"datatype":"INT8","data":[4,0,0,1,0,4,4,2,0,0,1,2]},'
           '{"name":"y_pred","shape":[3,4],"datatype":"FP32","data":[-2.019986152648926,'
           '-0.2319323718547821,-0.8652130961418152,3.3229994773864746,0.22578661143779755,'
           '-0.3526307940483093,-0.28128743171691895,-0.6680463552474976,-1.0551505088806152,'
           '-0.39080098271369934,0.4819453954696655,-0.23855361342430115]}')
BINARY_OUT = '"parameters":{"binary_data_output":true}'


def request(text, raw=b"", head=GEVENT, model="pairwise_hinge", fields="", pack=bytes):
    """The bytes of a request. raw: of the tensors. fields: lines of the head that come first."""
    if raw:
        name = "inference-header-content-length" if head is GEVENT else "Inference-Header-Content-Length"
        fields += f"{name}: {len(text)}\r\n"
    body = pack(text.encode() + raw)
    return (head % (model, fields, len(body))).encode() + body


class Bytes(DaemonCase):
    def ask(self, text, raw=LABEL_BYTES + SCORE_BYTES, status=200, **how):
        with self.daemon.connect() as wire:
            wire.send(request(text, raw, **how))
            reply = wire.read_reply()
        self.assertEqual(reply.status, status, reply)
        return reply

    def read(self, reply):
        """{output: (shape, values)} as such a client reads them, and the JSON header."""
        body, length = reply.plain(), reply.header("inference-header-content-length")
        if length is None:
            header = json.loads(body)
            return {one["name"]: (one["shape"], one["data"]) for one in header["outputs"]}, header
        header, at, outputs = json.loads(body[:int(length)]), int(length), {}
        for one in header["outputs"]:
            size = one.get("parameters", {}).get("binary_data_size")
            if size is None:
                outputs[one["name"]] = one["shape"], one["data"]
                continue
            code = {"FP32": "f", "FP64": "d", "INT64": "q"}[one["datatype"]]
            values = struct.unpack(f"<{size // struct.calcsize(code)}{code}", body[at:at + size])
            outputs[one["name"]], at = (one["shape"], list(values)), at + size
        self.assertEqual(at, len(body))
        return outputs, header

    def want(self, path="/v1/losses/pairwise_hinge", labels=None, **members):
        return self.daemon.evaluate(path, {"y_true": labels or LABELS, "y_pred": SCORES, **members})

    def holds(self, reply, **wanted):
        """The outputs have these values, flat."""
        outputs, header = self.read(reply)
        got = {name: values for name, (_, values) in outputs.items()}
        self.assertEqual(narrowed(got), narrowed(wanted))
        return header

    def test_questions_on_one_connection(self):
        end = b" HTTP/1.1\r\nuser-agent: python/gevent-http-client-2.0.8\r\nhost: 127.0.0.1:8000\r\n\r\n"
        with self.daemon.connect() as wire:
            for path, status in (("health/live", 200), ("health/ready", 200), ("models/ndcg/ready", 200),
                                 ("models/ndcg/versions/1/ready", 200), ("models/nope/ready", 404),
                                 ("models/ndcg/versions/7/ready", 404), ("models/ndcg", 200),
                                 ("models/nope", 404), ("models/ndcg/config", 404),
                                 ("models/ndcg/stats", 404)):
                wire.send(b"GET /v2/" + path.encode() + end)
                reply = wire.read_reply()
                self.assertEqual(reply.status, status, path)
                self.assertEqual("error" in reply.json(), status != 200, path)

    def test_binary_in_and_out(self):
        text = '{"inputs":' + INPUTS + "]," + BINARY_OUT + "}"
        for head in (GEVENT, AIOHTTP):
            reply = self.ask(text, head=head)
            self.assertEqual(reply.media_type, "application/octet-stream")
            self.holds(reply, loss=[self.want()["loss"]])

    def test_a_query_and_a_version_in_the_target(self):
        text = '{"inputs":' + INPUTS + "]," + BINARY_OUT + "}"
        for target in ("pairwise_hinge/versions/1/infer", "pairwise_hinge/infer?a=b"):
            with self.daemon.connect() as wire:
                wire.send(request(text, LABEL_BYTES + SCORE_BYTES).replace(
                    b"pairwise_hinge/infer", target.encode()))
                self.holds(wire.read_reply(), loss=[self.want()["loss"]])

    def test_json_in_and_out(self):
        reply = self.ask('{"inputs":' + AS_JSON + '],"outputs":[{"name":"loss","parameters":'
                         '{"binary_data":false}}]}', b"")
        self.assertIsNone(reply.header("Inference-Header-Content-Length"))
        self.holds(reply, loss=[self.want()["loss"]])

    def test_json_in_and_binary_out(self):
        self.holds(self.ask('{"inputs":' + AS_JSON + "]," + BINARY_OUT + "}", b""),
                   loss=[self.want()["loss"]])

    def test_a_mixture_in_and_out(self):
        labels = AS_JSON[:AS_JSON.index(',{"name":"y_pred"')]
        scores = INPUTS[INPUTS.index(',{"name":"y_pred"'):]
        reply = self.ask('{"id":"a-1","inputs":' + labels + scores + '],"outputs":[{"name":"loss",'
                         '"parameters":{"binary_data":true}},{"name":"gradient","parameters":'
                         '{"binary_data":false}}]}', SCORE_BYTES)
        want = self.want(include=["gradient"])
        header = self.holds(reply, loss=[want["loss"]], gradient=sum(want["gradient"], []))
        self.assertEqual(header["id"], "a-1")

    def test_outputs_in_the_order_of_the_request(self):
        names = {"gradient": "true", "per_list.loss_sum": "false", "loss": "true",
                 "per_list.pairs": "true", "per_list.items": "false"}
        outputs = ",".join(f'{{"name":"{name}","parameters":{{"binary_data":{binary}}}}}'
                           for name, binary in names.items())
        got, _ = self.read(self.ask('{"inputs":' + INPUTS + f'],"outputs":[{outputs}]}}'))
        want = self.want(include=["gradient", "per_list"])
        self.assertEqual([*got], [*names])
        self.assertEqual(got["gradient"][0], [3, 4])
        self.assertEqual(got["gradient"][1], [narrow(one) for row in want["gradient"] for one in row])
        for column in ("loss_sum", "pairs", "items"):
            self.assertEqual(got[f"per_list.{column}"][1], [row[column] for row in want["per_list"]])

    def test_mask_weights_and_parameters(self):
        mask, weights = "010000010001010101010001", [0.5, 1.25, 2.0, 0.0] * 3
        text = ('{"inputs":' + INPUTS + ',{"name":"mask","shape":[3,4],"datatype":"BOOL","parameters":'
                '{"binary_data_size":12}},{"name":"sample_weight","shape":[3,4],"datatype":"FP32",'
                '"parameters":{"binary_data_size":48}}],"parameters":{"binary_data_output":true,'
                '"reduction":"none","temperature":0.5}}')
        reply = self.ask(text, LABEL_BYTES + SCORE_BYTES + bytes.fromhex(mask) +
                         struct.pack("<12f", *weights))
        rows = [list(map(bool, bytes.fromhex(mask)[at:at + 4])) for at in (0, 4, 8)]
        want = self.want(labels={"labels": LABELS, "mask": rows}, sample_weight=[weights[:4]] * 3,
                         reduction="none", temperature=0.5)
        self.holds(reply, loss=sum(want["loss"], []))

    def test_lists_of_their_own_lengths(self):
        for kind, code in (("INT32", "<4i"), ("INT64", "<4q")):
            raw = struct.pack(code, 3, 0, 5, 4)
            text = ('{"inputs":' + INPUTS.replace("[3,4]", "[12]") + ',{"name":"lengths","shape":[4],'
                    f'"datatype":"{kind}","parameters":{{"binary_data_size":{len(raw)}}}}}],"parameters":'
                    '{"binary_data_output":true,"reduction":"sum"}}')
            labels, scores = sum(LABELS, []), sum(SCORES, [])
            want = self.daemon.evaluate("/v1/losses/pairwise_hinge", {
                "y_true": [labels[:3], [], labels[3:8], labels[8:]],
                "y_pred": [scores[:3], [], scores[3:8], scores[8:]], "reduction": "sum"})
            self.holds(self.ask(text, LABEL_BYTES + SCORE_BYTES + raw), loss=[want["loss"]])

    def test_lists_without_items(self):
        text = ('{"inputs":' + INPUTS.replace("[3,4]", "[3,0]").replace("12}", "0}").replace("48}", "0}")
                + "]," + BINARY_OUT + "}")
        self.holds(self.ask(text, b"", fields=f"inference-header-content-length: {len(text)}\r\n"), loss=[0])

    def test_evaluate(self):
        text = ('{"inputs":' + INPUTS + '],"parameters":{"binary_data_output":true,"losses":'
                '"[\\"pairwise_hinge\\"]","metrics":"[\\"ndcg\\", {\\"name\\": \\"precision_at_k\\", '
                '\\"k\\": 2}]"}}')
        results = self.want("/v1/evaluate", losses=["pairwise_hinge"],
                            metrics=["ndcg", {"name": "precision_at_k", "k": 2}])["results"]
        self.holds(self.ask(text, model="evaluate"), **{
            "results.0.loss": [results[0]["loss"]], "results.1.metric": [results[1]["metric"]],
            "results.2.metric": [results[2]["metric"]]})

    def test_compressed_requests(self):
        text = '{"inputs":' + INPUTS + "]," + BINARY_OUT + "}"
        for name, pack in (("gzip", gzip.compress), ("deflate", zlib.compress)):
            reply = self.ask(text, fields=f"content-encoding: {name}\r\n", pack=pack)
            self.holds(reply, loss=[self.want()["loss"]])

    def test_compressed_replies(self):
        inputs = INPUTS.replace("[3,4]", "[60,40]").replace("12}", "2400}").replace("48}", "9600}")
        text = ('{"inputs":' + inputs + '],"outputs":[{"name":"gradient","parameters":{"binary_data":true}}]}')
        for name, unpack in (("gzip", gzip.decompress), ("deflate", zlib.decompress)):
            reply = self.ask(text, bytes(12000), fields=f"accept-encoding: {name}\r\n")
            self.assertEqual(reply.header("Content-Encoding"), name)
            length = int(reply.header("Inference-Header-Content-Length"))
            self.assertEqual(unpack(reply.body)[length:], bytes(9600))

    def test_requests_share_a_connection(self):
        text = '{"inputs":' + INPUTS + "]," + BINARY_OUT + "}"
        bad = text.replace('"FP32"', '"BYTES"')
        with self.daemon.connect() as wire:
            for sent in (text, bad, text, text):
                wire.send(request(sent, LABEL_BYTES + SCORE_BYTES))
                reply = wire.read_reply()
                self.assertEqual(reply.status, 422 if sent is bad else 200)
        self.holds(reply, loss=[self.want()["loss"]])

    def test_what_is_not_supported_is_refused(self):
        """Parameters of Triton's extensions, which the metadata does not announce, and types."""
        text = '{"inputs":' + INPUTS + "]"
        for tail, place in ((',"parameters":{"timeout":5000,"binary_data_output":true}}', "/parameters/timeout"),
                            (',"parameters":{"priority":1,"binary_data_output":true}}', "/parameters/priority"),
                            (',"outputs":[{"name":"loss","parameters":{"classification":1,'
                             '"binary_data":true}}]}', "/outputs/0/parameters/classification")):
            self.refused(self.ask(text + tail, status=422), 422, place, inference=True)
        self.refused(self.ask(text.replace('"INT8"', '"BYTES"') + "," + BINARY_OUT + "}", status=422), 422,
                     "/inputs/0/datatype", inference=True)


def narrow(value):
    """The float32 that JSON's shortest text names, as a double."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def narrowed(values):
    return {name: [*map(narrow, column)] for name, column in values.items()}
