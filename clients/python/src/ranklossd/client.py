"""The client: one batch to one daemon (or whichever of several replicas is free), typed results."""

from __future__ import annotations

import ssl
import time
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple, Union

import numpy as np

from .batch import Batch, is_array
from .binary import BinaryWire
from .errors import Busy, Problem
from .results import Comparison, Difference, Evaluation, MeasureComparison, Report
from .session import Reply, Session, Trace
from .specs import Spec, as_specs
from .wire import JsonWire, Wire

__all__ = ["Client", "default_client"]


class Client:
    """Evaluates ranking losses and metrics on a daemon. Threads may share one client.

    url: "http://host:port", "https://host:port", "unix:/path", or several of them: each request
    goes to a replica that is free, and to another one where the first fails. Default: RANKLOSSD_URL
    in the environment, else http://127.0.0.1:8080.
    token: a bearer token, default RANKLOSSD_TOKEN in the environment.
    timeout, connect_timeout: seconds to wait for the next bytes of a reply, and for a connection.
    retry_for: seconds after which a request that was answered 429 or 503, or whose connection
    broke, is not tried again. Retry-After is obeyed within it.
    connections: idle connections kept per replica.
    ca, cert, key: PEM files for TLS: whom to trust, and the client's own certificate and key; or an
    ssl_context of your own.
    traceparent: a W3C trace context to send, or a function that returns the current one.
    transport: "binary" sends arrays as tensors of the Open Inference Protocol where it can carry
    the request (see BinaryWire.fits) and the daemon has it, all else as JSON; "json" all.
    """

    def __init__(self, url: Union[str, Sequence[str], None] = None, *,
                 token: Optional[str] = None, timeout: float = 60.0, connect_timeout: float = 5.0,
                 retry_for: float = 30.0, connections: int = 8, ca: Optional[str] = None,
                 cert: Optional[str] = None, key: Optional[str] = None,
                 ssl_context: Optional[ssl.SSLContext] = None, traceparent: Trace = None,
                 transport: str = "binary") -> None:
        self._options: Dict[str, Any] = dict(
            token=token, timeout=timeout, connect_timeout=connect_timeout, retry_for=retry_for,
            connections=connections, ca=ca, cert=cert, key=key, ssl_context=ssl_context,
            traceparent=traceparent)
        if transport not in ("json", "binary"):
            raise ValueError(f'transport must be "json" or "binary", not {transport!r}')
        self.session = Session(url, **self._options)
        self._options["transport"] = transport
        self._json: Wire = JsonWire()
        self._binary = BinaryWire() if transport == "binary" else None
        self._parameters: Optional[Dict[str, Set[str]]] = None

    def __reduce__(self) -> Any:
        return _rebuild, (self.session.urls, self._options)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Closes the pooled connections."""
        self.session.close()

    # ---- Evaluations -----------------------------------------------------------------------------

    def loss(self, name: str, /, y_true: Any, y_pred: Any = None, sample_weight: Any = None,
             **parameters: Any) -> Evaluation:
        """One loss: temperature, reduction, dtype, include, top_k, name as the daemon takes them.

        y_true, y_pred, sample_weight: arrays or nested lists as Keras takes them, or one Batch.
        """
        return self._one("loss", name, y_true, y_pred, sample_weight, parameters)

    def metric(self, name: str, /, y_true: Any, y_pred: Any = None, sample_weight: Any = None,
               **parameters: Any) -> Evaluation:
        """One metric: k, definition, gain, ties, …, dtype, include, name as the daemon takes them.

        Which metric takes what is in catalogue(). A score of NaN is an item that was not retrieved.
        """
        return self._one("metric", name, y_true, y_pred, sample_weight, parameters)

    def evaluate(self, y_true: Any, y_pred: Any = None, sample_weight: Any = None, *,
                 losses: Union[Spec, Sequence[Spec]] = (),
                 metrics: Union[Spec, Sequence[Spec]] = (), **parameters: Any) -> Report:
        """Many losses and metrics of one batch, which is sent and read once.

        An evaluation is a name ("ndcg", "ndcg@10"), a mapping with its own parameters, or an object
        of this package's classes. Other parameters are defaults for all to which they apply.
        """
        batch = as_batch(y_true, y_pred, sample_weight)
        parameters = {**_defaults(batch), **parameters}
        wanted = {"losses": as_specs(losses), "metrics": as_specs(metrics)}
        asked = {name: specs for name, specs in wanted.items() if specs}
        reply, body, seconds = self._send("", "evaluate", batch, {**parameters, **asked})
        specs = [("loss", spec) for spec in wanted["losses"]]
        specs += [("metric", spec) for spec in wanted["metrics"]]
        dtype = parameters.get("dtype") or "float32"
        results = [_evaluation(kind, self._spec(kind, parameters, spec), entry, batch, dtype)
                   for (kind, spec), entry in zip(specs, body["results"])]
        return Report(results, body["totals"], dtype, reply.headers.get("X-Request-Id"), seconds)

    def compare(self, systems: Mapping[str, Any], y_true: Any = None, sample_weight: Any = None, *,
                baseline: Optional[str] = None, losses: Union[Spec, Sequence[Spec]] = (),
                metrics: Union[Spec, Sequence[Spec]] = (), **parameters: Any) -> Comparison:
        """Which system ranks the same lists better, and how sure that is.

        systems: scores by name, beside y_true and sample_weight; or a Batch by name, which hold the
        labels themselves (the first one's count). baseline: default the first.
        parameters: confidence_level, resamples, seed, dtype, groups, list_ids, ….
        """
        names = list(systems)
        if len(names) < 2:
            raise ValueError("at least two systems are needed")
        batches = {name: one if isinstance(one, Batch) else as_batch(y_true, one, sample_weight)
                   for name, one in systems.items()}
        members = {name: one.members() if isinstance(one, Batch) else one
                   for name, one in batches.items()}
        body = {name: value for name, value in members[names[0]].items() if name != "y_pred"}
        body["systems"] = {name: one["y_pred"] for name, one in members.items()}
        body["baseline"] = baseline or names[0]
        parameters = {**_defaults(batches[names[0]]), **parameters}
        wanted = {"losses": as_specs(losses), "metrics": as_specs(metrics)}
        body.update({name: specs for name, specs in wanted.items() if specs})
        reply, answer, _ = self._send("", "compare", body, parameters)
        specs = [("loss", spec) for spec in wanted["losses"]]
        specs += [("metric", spec) for spec in wanted["metrics"]]
        compared = [_measure_comparison(kind, self._spec(kind, parameters, spec), entry)
                    for (kind, spec), entry in zip(specs, answer["results"])]
        return Comparison(compared, answer["baseline"], answer["level"], answer["totals"],
                          answer["dtype"], reply.headers.get("X-Request-Id"))

    def catalogue(self) -> Dict[str, List[Dict[str, Any]]]:
        """The losses and metrics that the daemon knows, with formulas and parameters."""
        return {kind: self._json.read(self.session.request("GET", "/v1/" + kind))[kind]
                for kind in ("losses", "metrics")}

    def ready(self) -> bool:
        """Whether a daemon takes requests now. Raises Unreachable where there is none."""
        try:
            self.session.request("GET", "/readyz")
        except Busy:
            return False
        return True

    # ---- How -------------------------------------------------------------------------------------

    def _one(self, kind: str, name: str, y_true: Any, y_pred: Any, sample_weight: Any,
             parameters: Dict[str, Any]) -> Evaluation:
        batch = as_batch(y_true, y_pred, sample_weight)
        if kind == "metric":
            parameters = {**_defaults(batch), **parameters}
        folder = "losses" if kind == "loss" else "metrics"
        _, body, _ = self._send(folder, name, batch, parameters)
        return _evaluation(kind, {**parameters, "name": name}, body, batch,
                           parameters.get("dtype") or "float32")

    def _send(self, kind: str, name: str, batch: Union[Batch, Mapping[str, Any]],
              parameters: Mapping[str, Any]
              ) -> Tuple[Reply, Dict[str, Any], Dict[str, float]]:
        if isinstance(batch, Batch) and batch.list_ids and not _names_lists(name, parameters):
            batch = replace(batch, list_ids=None)
        wire = self._json
        if self._binary and self._binary.fits(name, batch, parameters):
            wire = self._binary
        start = time.perf_counter()
        message = wire.write(kind, name, batch, parameters)
        written = time.perf_counter()
        try:
            reply = self.session.request("POST", message.path, message.body, message.headers)
        except Problem as problem:
            if wire is self._json or problem.status != 404:
                raise wire.explain(problem, batch) from None
            return self._send_as_json(kind, name, batch, parameters)
        received = time.perf_counter()
        body = wire.read(reply)
        return reply, body, {"write": written - start, "wait": received - written,
                             "read": time.perf_counter() - received}

    def _send_as_json(self, kind: str, name: str, batch: Union[Batch, Mapping[str, Any]],
                      parameters: Mapping[str, Any]
                      ) -> Tuple[Reply, Dict[str, Any], Dict[str, float]]:
        """After a 404: there is no such measure, or a daemon or proxy without /v2. Where JSON gets
        an answer it was the latter, and arrays go as JSON from now on."""
        binary, self._binary = self._binary, None
        try:
            return self._send(kind, name, batch, parameters)
        except Problem:
            self._binary = binary
            raise

    def _spec(self, kind: str, parameters: Mapping[str, Any], spec: Mapping[str, Any]
              ) -> Dict[str, Any]:
        """An evaluation as it was sent, with the defaults beside the batch that apply to it."""
        if kind == "loss":
            names = set(LOSS_PARAMETERS)
        elif set(parameters) - NOT_OF_METRICS <= {"definition"}:
            names = {"definition"}
        else:
            names = self._taken_by(spec["name"])
        if "definition" in spec:  # it replaces all defaults of definitions
            names = names & {"k"}
        return {**{name: parameters[name] for name in parameters if name in names}, **spec}

    def _taken_by(self, metric: str) -> Set[str]:
        """The parameters of a metric, by the catalogue, which is asked for once."""
        if self._parameters is None:
            self._parameters = {one["name"]: set(one["parameters"]) - NOT_OF_METRICS
                                for one in self.catalogue()["metrics"]}
        return self._parameters.get(metric, set())


def _rebuild(urls: Sequence[str], options: Mapping[str, Any]) -> Client:
    return Client(urls, **options)


def as_batch(y_true: Any, y_pred: Any = None, sample_weight: Any = None
             ) -> Union[Batch, Dict[str, Any]]:
    """A Batch where arrays are involved; else the nested lists as members of a JSON body."""
    if isinstance(y_true, Batch):
        if y_pred is not None or sample_weight is not None:
            raise TypeError("a Batch holds the scores and weights already")
        return y_true
    labels = y_true.get("labels") if isinstance(y_true, Mapping) else y_true
    if any(_has_arrays(value) for value in (labels, y_pred)):
        return Batch.of(y_true, y_pred, sample_weight)
    members = {"y_true": y_true, "y_pred": y_pred}
    if sample_weight is not None:
        members["sample_weight"] = sample_weight
    return members


def _defaults(batch: Union[Batch, Mapping[str, Any]]) -> Mapping[str, Any]:
    return batch.parameters if isinstance(batch, Batch) else {}


def _has_arrays(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and is_array(value[0]) and not isinstance(value[0], np.generic)
    return is_array(value)


def _names_lists(name: str, parameters: Mapping[str, Any]) -> bool:
    """Whether the reply will name lists by their ids; else these need not travel."""
    entries = [parameters, *parameters.get("losses", ()), *parameters.get("metrics", ())]
    return name == "compare" or any("summary" in (entry.get("include") or ()) for entry in entries)


LOSS_PARAMETERS = ("temperature", "reduction")
#: Beside the batch, but no default of metrics that their labels should show.
NOT_OF_METRICS = {*LOSS_PARAMETERS, "dtype", "name", "include", "top_k", "confidence_level",
                  "resamples", "seed"}
ONE_PER_LIST = ("list_mle", "softmax", "approx_ndcg")


def _evaluation(kind: str, spec: Dict[str, Any], entry: Mapping[str, Any],
                batch: Union[Batch, Mapping[str, Any]], dtype: str) -> Evaluation:
    unsaid = ("include", "top_k", "dtype")
    spec = {name: value for name, value in spec.items() if name not in unsaid}
    extra = {name: entry[name] for name in entry if name not in OWN_FIELDS}
    value = entry[kind]
    if isinstance(batch, Batch):
        none = kind == "loss" and spec.get("reduction", "") in (None, "none")
        for_items = none and spec["name"] not in ONE_PER_LIST
        if none and (for_items or batch.lengths is not None):
            value = _shaped(value, batch, for_items, dtype)
        elif isinstance(value, np.ndarray):  # as its text in JSON would be read
            value = float(str(value[0]))
        if "gradient" in extra:
            extra["gradient"] = _shaped(extra["gradient"], batch, True, dtype)
    return Evaluation(kind, entry["name"], value, spec, entry["totals"], extra)


def _measure_comparison(kind: str, spec: Dict[str, Any],
                        entry: Mapping[str, Any]) -> MeasureComparison:
    differences = [Difference(kind, **one) for one in entry["comparisons"]]
    groups = {name: _measure_comparison(kind, spec, {**group, "name": entry["name"]})
              for name, group in entry.get("groups", {}).items()}
    return MeasureComparison(kind, entry["name"], spec, entry["systems"], differences, groups)


OWN_FIELDS = ("loss", "metric", "name", "k", "reduction", "temperature", "dtype", "totals")


def _shaped(value: Any, batch: Batch, for_items: bool, dtype: str) -> Any:
    """The numbers of a reply, flat or as nested lists, in the form of the request's arrays."""
    if not isinstance(value, np.ndarray):
        if for_items and batch.lengths is not None:
            value = [number for one in value for number in one]
        value = np.array(value, dtype=dtype)
    return batch.shaped(value) if for_items else value


_default: Optional[Client] = None


def default_client() -> Client:
    """The client that classes use where none was given."""
    global _default
    if _default is None:
        _default = Client()
    return _default
