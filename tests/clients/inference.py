"""A small server of the Open Inference Protocol v2 with binary tensors, written from its text.

It checks a request against the protocol, and has a real daemon compute the answer from the same
numbers as JSON, so that a client that misplaces a byte gets another number.
"""

import http.server
import json
import struct
import threading
import urllib.request

CODES = {"FP32": "f", "FP64": "d", "FP16": "e", "BOOL": "?", "INT8": "b", "INT16": "h",
         "INT32": "i", "INT64": "q", "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q"}


def parse(headers, body):
    """(tensors by name as (shape, values), parameters, outputs) of a request."""
    length = int(headers["Inference-Header-Content-Length"])
    header, at, tensors = json.loads(body[:length]), length, {}
    for one in header["inputs"]:
        size, code = one["parameters"]["binary_data_size"], CODES[one["datatype"]]
        count = 1
        for extent in one["shape"]:
            count *= extent
        assert size == count * struct.calcsize("<" + code), one
        tensors[one["name"]] = one["shape"], list(struct.unpack_from(f"<{count}{code}", body, at))
        at += size
    assert at == len(body), (at, len(body))
    return tensors, header.get("parameters", {}), [one["name"] for one in header["outputs"]]


def nested(tensor, lengths):
    shape, values = tensor
    if len(shape) == 1 and lengths is None:
        return values
    sizes = lengths[1] if lengths else [shape[1]] * shape[0]
    assert sum(sizes) == len(values)
    values = iter(values)
    return [[next(values) for _ in range(size)] for size in sizes]


class Inference:
    """The server; `daemon_url` computes. `seen` holds each request's tensors and parameters."""

    def __init__(self, daemon_url):
        self.seen = seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                tensors, parameters, outputs = parse(self.headers, body)
                seen.append((self.path, tensors, parameters))
                _, _, _, model, verb = self.path.split("/")
                assert verb == "infer", self.path
                lengths = tensors.get("lengths")
                labels = nested(tensors["y_true"], lengths)
                if "mask" in tensors:
                    labels = {"labels": labels, "mask": nested(tensors["mask"], lengths)}
                asked = {"y_true": labels, "y_pred": nested(tensors["y_pred"], lengths),
                         **parameters, "include": outputs[1:]}
                if "sample_weight" in tensors:
                    per_list = tensors["sample_weight"][0] != tensors["y_pred"][0]
                    asked["sample_weight"] = (tensors["sample_weight"][1] if per_list else
                                              nested(tensors["sample_weight"], lengths))
                kind = "losses" if outputs[0] == "loss" else "metrics"
                request = urllib.request.Request(
                    f"{daemon_url}/v1/{kind}/{model}", json.dumps(asked).encode(),
                    {"Content-Type": "application/json"})
                self.answer(model, outputs, json.load(urllib.request.urlopen(request)))

            def answer(self, model, outputs, reply):
                described, raw = [], b""
                for name in outputs:
                    values = list(flat(reply[name]))
                    part = struct.pack(f"<{len(values)}d", *values)
                    described.append({"name": name, "datatype": "FP64", "shape": [len(values)],
                                      "parameters": {"binary_data_size": len(part)}})
                    raw += part
                header = json.dumps({"model_name": model, "outputs": described,
                                     "parameters": reply["totals"]}).encode()
                self.send_response(200)
                self.send_header("Inference-Header-Content-Length", str(len(header)))
                self.send_header("Content-Length", str(len(header) + len(raw)))
                self.end_headers()
                self.wfile.write(header + raw)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def flat(value):
    if isinstance(value, list):
        for one in value:
            yield from flat(one)
    else:
        yield value
