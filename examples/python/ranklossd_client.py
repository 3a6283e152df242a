"""Keras-RS's ranking losses, evaluated by a ranklossd. Standard library only; Python 3.9 or newer.

    from ranklossd_client import PairwiseHingeLoss

    loss = PairwiseHingeLoss(temperature=0.5, url="http://127.0.0.1:8080")
    loss([[1.0, 0.0, 2.0]], [[0.3, 0.9, 0.1]])
    loss({"labels": [[1.0, 0.0]], "mask": [[True, True]]}, [[0.3, 0.9]], sample_weight=[2.0])

The classes take the arguments of keras_rs.losses and are called as those are. Where Keras returns
a tensor of rank 0 they return a float, and where reduction is "none" nested lists in the shape of
y_pred. What they take may be nested lists, or anything with .tolist(): NumPy arrays, pandas
columns, CPU tensors. Lists of different lengths, which Keras cannot batch, are welcome.

    loss.evaluate(y_true, y_pred, include=["per_list", "gradient"])

returns the whole reply instead: totals, and what else was asked for.
"""

import http.client
import json
import os
import time
import urllib.parse

__all__ = ["Client", "ListMLELoss", "PairwiseHingeLoss", "PairwiseLogisticLoss",
           "PairwiseMeanSquaredError", "PairwiseSoftZeroOneLoss", "Problem"]

DEFAULT_URL = "http://127.0.0.1:8080"
REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)


class Problem(Exception):
    """The daemon refused: .status, .title, .detail, .errors (JSON Pointers and texts)."""

    def __init__(self, status, body):
        self.status = status
        self.title = body.get("title", http.client.responses.get(status, "error"))
        self.detail = body.get("detail", "")
        self.errors = body.get("errors", [])
        places = "".join(f"\n  {error['pointer']}: {error['detail']}" for error in self.errors)
        super().__init__(f"{status} {self.title}: {self.detail}{places}")


class Client:
    """One keep-alive connection to a daemon. For one thread at a time; it reconnects as needed.

    url: http://host:port or https://host:port. token: a bearer token. timeout: seconds for each
    attempt. attempts: how often a request is sent before its failure is raised; evaluating changes
    nothing on the server, so a request that was cut off can safely be sent again.
    """

    def __init__(self, url=None, token=None, timeout=60.0, attempts=4, context=None):
        self.url = (url or os.environ.get("RANKLOSSD_URL") or DEFAULT_URL).rstrip("/")
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http or https URL: {self.url!r}")
        self._parts, self._timeout, self._context = parts, timeout, context
        self._attempts = max(1, attempts)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        token = token or os.environ.get("RANKLOSSD_TOKEN")
        if token:
            self._headers["Authorization"] = "Bearer " + token
        self._connection = None

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def post(self, path, body):
        """The JSON of the reply to a POST of `body`. Raises Problem, or OSError at the last."""
        text = json.dumps(body, default=_plain, allow_nan=False).encode()
        for left in reversed(range(self._attempts)):
            try:
                status, headers, answer = self._exchange("POST", path, text)
            except (OSError, http.client.HTTPException):
                self.close()
                if not left:
                    raise
                time.sleep(0.05 * (self._attempts - left))
                continue
            if status == 200:
                return answer
            if not left or status not in (429, 502, 503, 504):
                raise Problem(status, answer)
            time.sleep(min(float(headers.get("Retry-After", 1)), 10.0))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _exchange(self, method, path, text):
        if self._connection is None:
            self._connection = self._connect()
        self._connection.request(method, self._parts.path + path, text, self._headers)
        reply = self._connection.getresponse()
        raw = reply.read()
        try:
            answer = json.loads(raw)
        except ValueError:  # something between us and the daemon, with a page of its own
            answer = {"detail": raw[:200].decode("utf-8", "replace")}
        return reply.status, reply.headers, answer if isinstance(answer, dict) else {}

    def _connect(self):
        host, port = self._parts.hostname, self._parts.port
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=self._timeout,
                                               context=self._context)
        return http.client.HTTPConnection(host, port, timeout=self._timeout)


def _plain(value):
    """What json does not know by itself: arrays, and the numbers inside them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "numpy"):
        return value.numpy().tolist()
    raise TypeError(f"cannot be sent as JSON: {type(value).__name__}")


class _Loss:
    """What the losses have in common. `client` or `url` says which daemon computes."""

    path = ""

    def __init__(self, temperature=1.0, reduction="sum_over_batch_size", name=None, dtype=None, *,
                 url=None, client=None):
        if not temperature > 0:
            raise ValueError(f"temperature must be a positive number, not {temperature!r}")
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction must be one of {REDUCTIONS}, not {reduction!r}")
        self.temperature, self.reduction = temperature, reduction
        self.name, self.dtype = name or self.path, dtype or "float32"
        self.client = client or Client(url)

    def __call__(self, y_true, y_pred, sample_weight=None):
        return self.evaluate(y_true, y_pred, sample_weight)["loss"]

    def evaluate(self, y_true, y_pred, sample_weight=None, include=(), top_k=None):
        """The whole reply: loss, totals, and whatever of per_list, gradient, top_pairs is asked."""
        body = {"y_true": y_true, "y_pred": y_pred, "temperature": self.temperature,
                "reduction": self.reduction, "dtype": self.dtype, "name": self.name}
        if sample_weight is not None:
            body["sample_weight"] = sample_weight
        if include:
            body["include"] = list(include)
        if top_k is not None:
            body["top_k"] = top_k
        return self.client.post("/v1/losses/" + self.path, body)

    def get_config(self):
        return {"temperature": self.temperature, "reduction": self.reduction, "name": self.name,
                "dtype": self.dtype}

    @classmethod
    def from_config(cls, config, **where):
        return cls(**config, **where)


class PairwiseHingeLoss(_Loss):
    """sum over pairs with y_i > y_j of max(0, 1 - (s_i - s_j) / temperature)"""

    path = "pairwise_hinge"


class PairwiseLogisticLoss(_Loss):
    """sum over pairs with y_i > y_j of log(1 + exp(-(s_i - s_j) / temperature))"""

    path = "pairwise_logistic"


class PairwiseSoftZeroOneLoss(_Loss):
    """sum over pairs with y_i > y_j of 1 - sigmoid((s_i - s_j) / temperature)"""

    path = "pairwise_soft_zero_one"


class PairwiseMeanSquaredError(_Loss):
    """sum over all pairs of ((y_i - y_j) - (s_i - s_j))^2; the temperature is ignored"""

    path = "pairwise_mean_squared_error"


class ListMLELoss(_Loss):
    """one value for each list: the negative log likelihood of the labels' order"""

    path = "list_mle"
