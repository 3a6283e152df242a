"""Arrays as bytes: the Open Inference Protocol v2 with its extension for binary tensors.

A request is a JSON header, whose length Inference-Header-Content-Length gives, followed by the
tensors' little-endian bytes in the order of the header. Lists of different lengths travel as flat
tensors beside `lengths`. A reply has the same form.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

import numpy as np

from .batch import Array, Batch
from .session import Reply
from .wire import Members, Message, Wire

__all__ = ["BinaryWire"]

DATATYPES = {"float32": "FP32", "float64": "FP64", "float16": "FP16", "bool": "BOOL"}
DATATYPES.update({f"{sign}int{bits}": f"{sign.upper()}INT{bits}"
                  for sign in ("", "u") for bits in (8, 16, 32, 64)})
NUMPY_TYPES = {name: np.dtype(kind).newbyteorder("<") for kind, name in DATATYPES.items()}


class BinaryWire(Wire):
    """/v2/models/{measure}/infer, binary both ways."""

    def fits(self, kind: str, batch: Union[Batch, Members], parameters: Mapping[str, Any]) -> bool:
        """Whether this wire can carry a request: one measure of a Batch, with scalar parameters, no
        more than the gradient beside the result, and weights that are an array."""
        return (kind != "" and isinstance(batch, Batch) and not batch.groups
                and not batch.list_ids and (batch.weights is None or np.ndim(batch.weights) == 1)
                and set(parameters.get("include") or ()) <= {"gradient"}
                and all(value is None or isinstance(value, (str, int, float, bool))
                        for name, value in parameters.items() if name != "include"))

    def write(self, kind: str, name: str, batch: Union[Batch, Members],
              parameters: Mapping[str, Any]) -> Message:
        assert isinstance(batch, Batch)
        outputs = ["loss" if kind == "losses" else "metric", *(parameters.get("include") or ())]
        described, parts = [], []
        for tensor, array, shape in _tensors(batch):
            raw = np.ascontiguousarray(array, NUMPY_TYPES[DATATYPES[array.dtype.name]]).tobytes()
            described.append({"name": tensor, "shape": shape,
                              "datatype": DATATYPES[array.dtype.name],
                              "parameters": {"binary_data_size": len(raw)}})
            parts.append(raw)
        said = {key: "none" if key == "reduction" and value is None else value
                for key, value in {**batch.parameters, **parameters}.items() if key != "include"}
        header = json.dumps({
            "inputs": described, "parameters": {k: v for k, v in said.items() if v is not None},
            "outputs": [{"name": one, "parameters": {"binary_data": True}} for one in outputs],
        }, allow_nan=False, separators=(",", ":")).encode()
        return Message(f"/v2/models/{name}/infer",
                       {"Content-Type": "application/octet-stream",
                        "Inference-Header-Content-Length": str(len(header))},
                       b"".join([header, *parts]))

    def read(self, reply: Reply) -> Dict[str, Any]:
        length = int(reply.headers.get("Inference-Header-Content-Length", len(reply.data)))
        header = json.loads(reply.data[:length])
        body: Dict[str, Any] = {"totals": dict(header.get("parameters", {})),
                                "name": header["model_name"]}
        body["name"] = body["totals"].pop("name", body["name"])
        at = length
        for output in header["outputs"]:
            kind = NUMPY_TYPES[output["datatype"]]
            size: Optional[int] = output.get("parameters", {}).get("binary_data_size")
            if size is None:
                values = np.array(output["data"], kind).reshape(-1)
            else:
                values = np.frombuffer(reply.data, kind, size // kind.itemsize, at)
                at += size
            scalar = output["shape"] in ([], [1]) and output["name"] in ("loss", "metric")
            body[output["name"]] = float(values[0]) if scalar else values
        if at != len(reply.data):
            raise ValueError(f"{reply.url}: the reply has {len(reply.data)} bytes, "
                             f"its header accounts for {at}")
        return body


def _tensors(batch: Batch) -> List[Tuple[str, Array, List[int]]]:
    """(name, values, shape) of each input."""
    shape = [batch.items] if batch.width is None else [batch.lists, batch.width]
    tensors = [("y_true", _labels(batch.labels), shape), ("y_pred", _floats(batch.scores), shape)]
    if batch.lengths is not None and batch.width is None:
        tensors.append(("lengths", batch.lengths, [batch.lists]))
    if batch.mask is not None:
        tensors.append(("mask", batch.mask, shape))
    if batch.weights is not None:
        of_items = batch.weight_per_item
        tensors.append(("sample_weight", _floats(batch.weights),
                        shape if of_items else [batch.lists]))
    return tensors


def _labels(labels: Array) -> Array:
    """Missing labels as -1, which says "not labelled" too."""
    if labels.dtype.kind != "f" or not np.isnan(labels).any():
        return labels
    return np.where(np.isnan(labels), labels.dtype.type(-1), labels)


def _floats(values: Array) -> Array:
    """Scores and weights are floats in the protocol of the daemon."""
    return values if values.dtype.name in ("float16", "float32", "float64") else (
        values.astype(np.float64))
