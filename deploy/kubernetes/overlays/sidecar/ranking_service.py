"""An example ranking service that asks the ranklossd beside it how good its rankings are.

POST /rank      {"items": [{"id": "a", "features": [1, 2]}, ...]}  -> ids, best first, with scores
POST /feedback  {"scores": [...], "labels": [...]}                 -> the loss of that ranking
GET  /healthz

The model is a fixed dot product: what matters here is the call to the sidecar. Its `name` makes the
loss appear in Prometheus as ranklossd_loss{name="ranking-v1"}. Standard library only.
"""
import http.server
import json
import os
import signal
import threading
import urllib.error
import urllib.request

MODEL = "ranking-v1"
WEIGHTS = (0.7, 0.3, -0.2, 0.1)
SIDECAR = os.environ.get("RANKLOSSD_URL", "http://127.0.0.1:9480")


def score(features):
    return sum(weight * feature for weight, feature in zip(WEIGHTS, features))


def rank(request):
    scored = [{"id": item["id"], "score": score(item["features"])} for item in request["items"]]
    return {"model": MODEL, "ranking": sorted(scored, key=lambda item: -item["score"])}


def feedback(request):
    body = {"y_true": request["labels"], "y_pred": request["scores"], "name": MODEL,
            "include": ["top_pairs"], "top_k": 3}
    call = urllib.request.Request(
        SIDECAR + "/v1/losses/pairwise_hinge", json.dumps(body).encode(),
        {"Content-Type": "application/json"})
    with urllib.request.urlopen(call, timeout=2) as reply:
        answer = json.load(reply)
    return {"model": MODEL, "loss": answer["loss"], "worst_pairs": answer["top_pairs"][0]}


class Handler(http.server.BaseHTTPRequestHandler):
    routes = {"/rank": rank, "/feedback": feedback}

    def do_GET(self):
        self.answer(*((200, {"status": "ok"}) if self.path == "/healthz" else (404, {})))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        route = self.routes.get(self.path)
        if route is None:
            return self.answer(404, {})
        try:
            self.answer(200, route(json.loads(body)))
        except urllib.error.HTTPError as error:  # its body says what is wrong
            self.answer(error.code, json.load(error))
        except OSError as error:
            self.answer(503, {"error": f"ranklossd cannot be reached: {error}"})
        except (ValueError, KeyError, TypeError) as error:
            self.answer(400, {"error": f"not understood: {error!r}"})

    def answer(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, form, *values):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), Handler)
    signal.signal(signal.SIGTERM,
                  lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


if __name__ == "__main__":
    main()
