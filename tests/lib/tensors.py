"""Infer requests of the Open Inference Protocol v2, written byte by byte, and their replies read."""

import json
import struct

import numpy as np

SIZES = {"BOOL": 1, "INT8": 1, "INT16": 2, "INT32": 4, "INT64": 8, "UINT8": 1, "UINT16": 2,
         "UINT32": 4, "UINT64": 8, "FP16": 2, "BF16": 2, "FP32": 4, "FP64": 8}
KINDS = {"BOOL": "?", "INT8": "i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "UINT8": "u1",
         "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "FP16": "<f2", "FP32": "<f4",
         "FP64": "<f8"}


def to_bytes(values, datatype):
    if datatype == "BF16":  # the upper halves of floats
        return (np.ascontiguousarray(values, "<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return np.ascontiguousarray(values, KINDS[datatype]).tobytes()


class Tensor:
    """An input. raw: its bytes; None: they go into the header as `data`."""

    def __init__(self, name, datatype, values, shape=None, binary=True, nested=False):
        values = np.asarray(values)
        self.name, self.datatype = name, datatype
        self.shape = list(values.shape) if shape is None else shape
        self.raw = to_bytes(values, datatype) if binary else None
        self.data = values.tolist() if nested else values.ravel().tolist()

    def described(self):
        about = {"name": self.name, "shape": self.shape, "datatype": self.datatype}
        if self.raw is None:
            return {**about, "data": self.data}
        return {**about, "parameters": {"binary_data_size": len(self.raw)}}


def message(tensors, outputs=None, parameters=None, pad=0, **members):
    """(headers, body) of a request. pad: blanks that end the JSON, so that the bytes shift."""
    header = {"inputs": [tensor.described() for tensor in tensors], **members}
    if outputs is not None:
        header["outputs"] = outputs
    if parameters is not None:
        header["parameters"] = parameters
    text = json.dumps(header).encode() + b" " * pad
    raw = b"".join(tensor.raw for tensor in tensors if tensor.raw is not None)
    fields = {"Inference-Header-Content-Length": str(len(text))} if raw else {}
    return fields, text + raw


def read(reply):
    """(header, outputs by name as arrays of their shape) of a reply."""
    body = reply.plain()
    length = reply.header("Inference-Header-Content-Length")
    header = json.loads(body[:int(length)] if length else body)
    at, outputs = int(length or len(body)), {}
    for one in header["outputs"]:
        size = one.get("parameters", {}).get("binary_data_size")
        if size is None:
            values = np.array(one["data"], KINDS[one["datatype"]])
        else:
            values = np.frombuffer(body[at:at + size], KINDS[one["datatype"]])
            at += size
        outputs[one["name"]] = values.reshape(one["shape"])
    assert at == len(body), (at, len(body))
    return header, outputs


def infer(daemon, model, tensors, outputs=None, parameters=None, headers=(), status=200, version="",
          **how):
    """The outputs and the header of a request that must have this status; the reply of others."""
    fields, body = message(tensors, outputs, parameters, **how)
    path = f"/v2/models/{model}{version}/infer"
    reply = daemon.exchange("POST", path, {**fields, **dict(headers)}, body)
    if reply.status != status:
        raise AssertionError(f"{path}: expected {status}, got {reply}")
    if status != 200:
        return reply
    header, outputs = read(reply)
    return outputs, header


def shortest(value, kind):
    """The bits of a number as JSON gives it in a dtype."""
    return struct.pack("<f" if kind == "float32" else "<d", value)
