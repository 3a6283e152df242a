"""Realistic request bodies, seeded: the same seed gives the same bytes on every machine.

Lengths and grades follow the public learning-to-rank sets (mean documents of a query, share of each
relevance grade): MSLR-WEB30K, Yahoo! LTRC set 1, Istella LETOR. Scores are what a middling model
would give: the grade, and noise of about the same size.
"""

import array
import dataclasses
import gzip
import json
import math
import pathlib
import random
import sys


@dataclasses.dataclass(frozen=True)
class Workload:
    """One kind of request. length: a function of a random.Random; grades: share of 0, 1, 2, …"""

    about: str
    lists: int
    length: object
    grades: tuple
    variants: int  # different bodies, sent in turn
    path: str = "/v1/losses/pairwise_hinge"
    extra: dict = dataclasses.field(default_factory=dict)
    masked: float = 0.0  # share of items that are masked, their score null
    decimals: int = 6    # of the scores


def spread(mean, sigma, most=10**9):
    """Log-normal lengths with this mean: many short lists, a few long ones."""
    mu = math.log(mean) - sigma * sigma / 2
    return lambda rng: min(most, max(1, round(rng.lognormvariate(mu, sigma))))


def fixed(length):
    return lambda rng: length


MSLR = (0.52, 0.32, 0.13, 0.02, 0.01)

WORKLOADS = {
    "small": Workload("one list of 10 items, clicked or not", 1, fixed(10), (0.8, 0.2), 64),
    "yahoo": Workload("64 lists, mean 24 items, 5 grades", 64, spread(24, 0.6),
                      (0.26, 0.36, 0.28, 0.08, 0.02), 32),
    "mslr": Workload("32 lists, mean 120 items, 5 grades: two losses and NDCG@10", 32,
                     spread(120, 0.5), MSLR, 16, "/v1/evaluate",
                     {"losses": ["pairwise_hinge", "pairwise_logistic"],
                      "metrics": [{"name": "ndcg", "k": 10}]}),
    "istella": Workload("16 lists, mean 317 items, 96 % of grade 0", 16, spread(317, 0.5),
                        (0.963, 0.007, 0.013, 0.010, 0.007), 12,
                        "/v1/losses/pairwise_logistic"),
    "bulk": Workload("1000 lists of 100 items", 1000, fixed(100), MSLR, 4),
    "ragged": Workload("150 lists of 1 to 3000 items, a tenth of them masked", 150,
                       spread(60, 1.4, 3000), MSLR, 8, masked=0.1),
    "giant": Workload("one list of 200,000 items", 1, fixed(200_000), MSLR, 2),
}


def body(workload, rng):
    """One request as JSON text, and how many items it holds."""
    labels, scores, masks = [], [], []
    grades = range(len(workload.grades))
    for _ in range(workload.lists):
        row = rng.choices(grades, workload.grades, k=workload.length(rng))
        labels.append(row)
        scores.append([round(rng.gauss(0.8 * grade, 1.0), workload.decimals) for grade in row])
        if workload.masked:
            masks.append([rng.random() >= workload.masked for _ in row])
            scores[-1] = [score if mask else None for score, mask in zip(scores[-1], masks[-1])]
    y_true = {"labels": labels, "mask": masks} if workload.masked else labels
    request = {"y_true": y_true, "y_pred": scores, **workload.extra}
    return json.dumps(request, separators=(",", ":")).encode(), sum(map(len, labels))


def tensor(name, datatype, code, shape, values):
    """What the header says of an input, and its bytes."""
    raw = array.array(code, values)
    if sys.byteorder == "big":
        raw.byteswap()
    return {"name": name, "datatype": datatype, "shape": shape,
            "parameters": {"binary_data_size": len(raw) * raw.itemsize}}, raw.tobytes()


def binary(text):
    """The same request with its arrays as bytes, as the Open Inference Protocol has it: (JSON header,
    tensors). Grades become INT8, scores FP32 and those that are null not-a-number."""
    request = json.loads(text)
    labels, scores = request.pop("y_true"), request.pop("y_pred")
    labels, masks = (labels["labels"], labels["mask"]) if isinstance(labels, dict) else (labels, None)
    lengths = [len(row) for row in labels]
    even = len(set(lengths)) == 1
    shape = [len(lengths), lengths[0]] if even else [sum(lengths)]
    inputs = [tensor("y_true", "INT8", "b", shape, flat(labels)),
              tensor("y_pred", "FP32", "f", shape,
                     [math.nan if score is None else score for score in flat(scores)])]
    if masks:
        inputs.append(tensor("mask", "BOOL", "B", shape, flat(masks)))
    if not even:
        inputs.append(tensor("lengths", "INT32", "i", [len(lengths)], lengths))
    # Parameters are scalars there; lists travel as their text.
    asked = {key: json.dumps(value) if isinstance(value, list) else value
             for key, value in request.items()}
    header = {"inputs": [about for about, _ in inputs],
              "parameters": {"binary_data_output": True, **asked}}
    return json.dumps(header, separators=(",", ":")).encode(), b"".join(raw for _, raw in inputs)


def flat(rows):
    return [value for row in rows for value in row]


def binary_path(path):
    """/v1/losses/NAME, /v1/metrics/NAME or /v1/evaluate as a model."""
    return f"/v2/models/{path.rsplit('/', 1)[1]}/infer"


def write_one(place, text):
    """Writes PLACE.json, PLACE.json.gz, PLACE.bin and, with the length of its JSON header,
    PLACE.bin.length. Returns the bytes of the three bodies."""
    header, raw = binary(text)
    bodies = {"json": text, "json.gz": gzip.compress(text, 6, mtime=0), "bin": header + raw}
    for suffix, data in bodies.items():
        pathlib.Path(f"{place}.{suffix}").write_bytes(data)
    pathlib.Path(f"{place}.bin.length").write_text(str(len(header)))
    return {suffix: len(data) for suffix, data in bodies.items()}


def write(name, folder, seed):
    """
    Writes folder/NAME/NNN.json and the other forms of it, and says what they are: {path, binary_path,
    count, lists, items, sizes} with means over the variants.
    """
    workload, rng = WORKLOADS[name], random.Random(f"{seed}/{name}")
    target = pathlib.Path(folder) / name
    target.mkdir(parents=True, exist_ok=True)
    items, sizes = 0, {"json": 0, "json.gz": 0, "bin": 0}
    for number in range(workload.variants):
        text, count = body(workload, rng)
        items += count
        for suffix, size in write_one(target / f"{number:03d}", text).items():
            sizes[suffix] += size
    n = workload.variants
    return {"path": workload.path, "binary_path": binary_path(workload.path), "count": n,
            "lists": workload.lists, "items": items / n,
            "sizes": {suffix: size / n for suffix, size in sizes.items()}, "about": workload.about}
