"""The golden vectors, and closeness. They are requests with the answers that Keras and Keras-RS gave;
losses_by_list holds what numpy gives for the formulas of TF-Ranking."""

import json
import os

DIRECTORY = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")


def cases(name):
    """Dicts with id, path, body, expect, rtol, atol."""
    with open(os.path.join(DIRECTORY, name + ".jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def flatten(value):
    if isinstance(value, list):
        for item in value:
            yield from flatten(item)
    else:
        yield float(value)


def shape(value):
    """Nested lengths: a number is (), [1, 2] is (2,), ragged lists show each length."""
    return tuple(shape(item) or 1 for item in value) if isinstance(value, list) else ()


def assert_close(got, want, rtol, atol, what=""):
    """Same shape, and |got - want| <= atol + rtol |want| everywhere. One number stands for a list of
    one: the vectors come from a framework that squeezes it."""
    if shape(got) != shape(want) and len(list(flatten(got))) * len(list(flatten(want))) != 1:
        raise AssertionError(f"{what}: shapes differ: {str(got)[:200]} and {str(want)[:200]}")
    for index, (a, b) in enumerate(zip(flatten(got), flatten(want))):
        if not abs(a - b) <= atol + rtol * abs(b):
            raise AssertionError(f"{what}: value {index} is {a!r}, wanted {b!r}")
