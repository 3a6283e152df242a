"""Arrays as bytes: the Open Inference Protocol v2 with its extension for binary tensors.

A request is a JSON header, whose length Inference-Header-Content-Length gives, followed by the
tensors' little-endian bytes in the order of the header. Lists of different lengths travel as flat
tensors beside `lengths`. A reply has the same form. Parameters are scalars in the protocol, so that
lists (losses, metrics, a table of gains) travel as JSON text.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

import numpy as np

from .batch import Array, Batch
from .errors import Problem
from .session import Reply
from .wire import Members, Message, Wire

__all__ = ["BinaryWire"]

DATATYPES = {"float32": "FP32", "float64": "FP64", "float16": "FP16", "bool": "BOOL"}
DATATYPES.update({f"{sign}int{bits}": f"{sign.upper()}INT{bits}"
                  for sign in ("", "u") for bits in (8, 16, 32, 64)})
NUMPY_TYPES = {name: np.dtype(kind).newbyteorder("<") for kind, name in DATATYPES.items()}
#: Below this, one copy costs less than several writes to the socket.
JOINED_BYTES = 65536

FLOATS = ("float16", "float32", "float64")

#: What `include` may ask for, as outputs; the parts that the protocol cannot carry need JSON.
PER_LIST = {"loss": ("loss_sum", "items", "valid_items", "pairs"),
            "metric": ("metric", "weight", "items", "valid_items")}
INCLUDES = {"gradient", "per_list"}
ONLY_JSON = ("top_k", "confidence_level", "resamples", "seed")

#: Totals that are null in JSON, and left out here, where there is none or it is not finite.
MAY_LACK = {"loss": ("scalar_weight", "loss_squares", "loss_divisors", "divisor_squares"),
            "metric": ("relevant_metric_squares", "relevant_metric_weights",
                       "relevant_weight_squares", "other_metric_squares")}


class BinaryWire(Wire):
    """/v2/models/{measure}/infer and /v2/models/evaluate/infer, binary both ways."""

    def fits(self, name: str, batch: Union[Batch, Members], parameters: Mapping[str, Any]) -> bool:
        """Whether this wire can carry a request: arrays, and nothing that names lists by text or
        includes what is not a tensor."""
        if not isinstance(batch, Batch) or name == "compare" or batch.groups or batch.list_ids:
            return False
        asked = [parameters, *parameters.get("losses", ()), *parameters.get("metrics", ())]
        return not any(set(one.get("include") or ()) - INCLUDES
                       or any(one.get(key) is not None for key in ONLY_JSON) for one in asked)

    def write(self, kind: str, name: str, batch: Union[Batch, Members],
              parameters: Mapping[str, Any]) -> Message:
        assert isinstance(batch, Batch)
        inputs: List[Dict[str, Any]] = []
        parts: List[memoryview] = []
        for tensor, array, shape in _tensors(batch):
            datatype = DATATYPES[array.dtype.name]
            raw = np.ascontiguousarray(array, NUMPY_TYPES[datatype]).view(np.uint8)
            inputs.append({"name": tensor, "shape": shape, "datatype": datatype,
                           "parameters": {"binary_data_size": len(raw)}})
            parts.append(raw.data)
        header = json.dumps({
            "inputs": inputs, "outputs": [{"name": one} for one in _outputs(kind, parameters)],
            "parameters": {"binary_data_output": True, **_said(batch, parameters)},
        }, allow_nan=False, separators=(",", ":")).encode()
        length = len(header) + sum(map(len, parts))
        body = [header, *parts]
        return Message(f"/v2/models/{name}/infer",
                       {"Content-Type": "application/octet-stream", "Content-Length": str(length),
                        "Inference-Header-Content-Length": str(len(header))},
                       b"".join(body) if length < JOINED_BYTES else body)

    def read(self, reply: Reply) -> Dict[str, Any]:
        """The reply with the members that it has in JSON."""
        length = int(reply.headers.get("Inference-Header-Content-Length", len(reply.data)))
        header = json.loads(reply.data[:length])
        values = {**header.get("parameters", {}), **_values(header["outputs"], reply, length)}
        if header["model_name"] != "evaluate":
            return _entry(values)
        results: Dict[int, Dict[str, Any]] = {}
        for key in [key for key in values if key.startswith("results.")]:
            _, number, rest = key.split(".", 2)
            results.setdefault(int(number), {})[rest] = values.pop(key)
        return {"results": [_entry(results[number]) for number in sorted(results)],
                "totals": {key: values[key] for key in ("lists", "items", "valid_items")}}

    def explain(self, problem: Problem, batch: Union[Batch, Members]) -> Problem:
        """The error with a pointer that finds its place in the arrays, as an error in JSON has."""
        found = re.match(r"(/\S*): (.*)", problem.detail, re.DOTALL)
        if not found or not isinstance(batch, Batch):
            return problem
        pointer, detail = _place(found.group(1), batch), found.group(2)
        body = {"detail": detail, "errors": [{"pointer": pointer, "detail": detail}]}
        return type(problem)(problem.status, body, problem.request_id, problem.url)


# ---- Requests ------------------------------------------------------------------------------------


def _tensors(batch: Batch) -> List[Tuple[str, Array, List[int]]]:
    """(name, values, shape) of each input."""
    shape = [batch.items] if batch.width is None else [batch.lists, batch.width]
    tensors = [("y_true", batch.labels, shape), ("y_pred", _floats(batch.scores), shape)]
    if batch.lengths is not None and batch.width is None:
        tensors.append(("lengths", batch.lengths, [batch.lists]))
    if batch.mask is not None:
        tensors.append(("mask", batch.mask, shape))
    if np.ndim(batch.weights):
        of_items = batch.weight_per_item
        tensors.append(("sample_weight", _floats(batch.weights),
                        shape if of_items else [batch.lists]))
    return tensors


def _floats(values: Array) -> Array:
    """Scores and weights are floats in the protocol of the daemon."""
    return values if values.dtype.name in FLOATS else values.astype(np.float64)


def _outputs(kind: str, parameters: Mapping[str, Any]) -> List[str]:
    """The names of the tensors to reply with. kind: "losses", "metrics", or "" for evaluate."""
    if kind:
        return _outputs_of("loss" if kind == "losses" else "metric", parameters.get("include"), "")
    names: List[str] = []
    entries = [("loss", one) for one in parameters.get("losses", ())]
    entries += [("metric", one) for one in parameters.get("metrics", ())]
    for number, (of, entry) in enumerate(entries):
        include = entry.get("include", parameters.get("include"))
        names += _outputs_of(of, include, f"results.{number}.")
    return names


def _outputs_of(of: str, include: Any, prefix: str) -> List[str]:
    names = [of]
    if "gradient" in (include or ()) and of == "loss":
        names.append("gradient")
    if "per_list" in (include or ()):
        names += [f"per_list.{column}" for column in PER_LIST[of]]
    return [prefix + name for name in names]


def _said(batch: Batch, parameters: Mapping[str, Any]) -> Dict[str, Any]:
    """Parameters as the protocol has them: scalars, and lists as JSON text."""
    said: Dict[str, Any] = {}
    for name, value in parameters.items():
        if name == "reduction" and value is None:
            said[name] = "none"
        elif name in ("losses", "metrics"):
            entries = [{key: entry[key] for key in entry if key != "include"} for entry in value]
            said[name] = json.dumps(entries, allow_nan=False)
        elif value is not None and name != "include":
            said[name] = json.dumps(list(value)) if isinstance(value, (list, tuple)) else value
    if batch.weights is not None and not np.ndim(batch.weights):
        said["sample_weight"] = float(batch.weights)
    return said


# ---- Replies -------------------------------------------------------------------------------------


def _values(outputs: List[Dict[str, Any]], reply: Reply, at: int) -> Dict[str, Any]:
    """The outputs by name, flat. The first byte of the binary ones is at `at`."""
    values: Dict[str, Any] = {}
    for output in outputs:
        kind = NUMPY_TYPES[output["datatype"]]
        size: Optional[int] = output.get("parameters", {}).get("binary_data_size")
        if size is None:
            column = np.array(output["data"]).reshape(-1)
        else:
            column = np.frombuffer(reply.data, kind, size // kind.itemsize, at)
            at += size
        values[output["name"]] = column.astype(kind.newbyteorder("="))  # a copy, to write into
    if at != len(reply.data):
        raise ValueError(f"{reply.url}: the reply has {len(reply.data)} bytes, "
                         f"its header accounts for {at}")
    return values


def _entry(values: Dict[str, Any]) -> Dict[str, Any]:
    """One evaluation, as in JSON, but its result and gradient are flat arrays."""
    of = "loss" if "loss" in values else "metric"
    totals = dict.fromkeys(MAY_LACK[of])
    entry: Dict[str, Any] = {"name": values.pop("name"), "totals": totals}
    columns: Dict[str, List[Any]] = {}
    for key, value in values.items():
        if key.startswith("per_list."):
            columns[key[len("per_list."):]] = value.tolist()
        elif isinstance(value, np.ndarray):
            entry[key] = value
        else:
            totals[key] = value
    if columns:
        entry["per_list"] = [dict(zip(columns, row)) for row in zip(*columns.values())]
    return entry


# ---- Errors --------------------------------------------------------------------------------------

INPUTS = re.compile(r"/inputs/(\d+)(?:/data/(\d+))?")


def _place(pointer: str, batch: Batch) -> str:
    if pointer.startswith("/parameters/"):
        return pointer[len("/parameters"):]
    found = INPUTS.match(pointer)
    tensors = _tensors(batch)
    if not found or int(found.group(1)) >= len(tensors):
        return pointer
    name = tensors[int(found.group(1))][0]
    of_items = name != "lengths" and (name != "sample_weight" or batch.weight_per_item)
    if batch.mask is not None:
        name = {"y_true": "y_true/labels", "mask": "y_true/mask"}.get(name, name)
    if found.group(2) is None:
        return f"/{name}"
    index = int(found.group(2))
    if not of_items or batch.lengths is None:
        return f"/{name}/{index}"
    return "/{}/{}/{}".format(name, *batch.place(index))
