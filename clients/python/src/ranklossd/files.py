"""Reads data sets from files, part by part: JSON lines, CSV, svmlight with qid, TREC, npz, Parquet.

A part holds whole lists. Formats with one row per item need the rows of a list to be adjacent; a
list that comes again later is an error, since its first part has been sent by then.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Set

import numpy as np

from .batch import Batch

__all__ = ["FORMATS", "SCORES_APART", "format_of", "read"]

#: Names of columns, in the arguments of Batch.from_frame.
Columns = Mapping[str, str]

DEFAULT_COLUMNS = {"by": "qid", "label": "label", "score": "score"}
ITEMS_PER_PART = 250_000


def read(path: str, *, format: Optional[str] = None, scores: Optional[str] = None,
         columns: Optional[Columns] = None, items: int = ITEMS_PER_PART,
         progress: Optional[Callable[[int], None]] = None) -> Iterator[Batch]:
    """The data set as batches of about `items` items.

    format: one of FORMATS; default: by the ending of the name, a last .gz apart.
    scores: for svmlight, the file of scores, one a line, as LightGBM and XGBoost write them; for
    trec, the run whose qrels `path` holds.
    columns: for CSV and Parquet, as Batch.from_frame takes them; for npz names of arrays; for JSON
    lines names of members.
    progress: told how many bytes of the file have been read.
    """
    kind = format_of(path, format)
    if (scores is not None) != (kind in SCORES_APART):
        raise ValueError("svmlight files and qrels need a file of scores, "
                         "and no other format takes one")
    names = {**DEFAULT_COLUMNS, **(columns or {})}
    try:
        yield from FORMATS[kind](path, scores, names, items, progress or (lambda _: None))
    except (KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error


def format_of(path: str, format: Optional[str] = None) -> str:
    """`format`, or what the name of the file says; one of FORMATS."""
    kind = format or _by_name(path)
    if kind not in FORMATS:
        raise ValueError(f"{path}: unknown format {kind!r}; one of {', '.join(FORMATS)}")
    return kind


def _by_name(path: str) -> str:
    name = path[:-3] if path.endswith(".gz") else path
    if os.path.basename(name).startswith("qrels"):  # as TREC names them: qrels.topics.txt
        return "trec"
    ending = os.path.splitext(name)[1].lstrip(".").lower()
    return {"jsonl": "jsonl", "ndjson": "jsonl", "csv": "csv", "tsv": "csv", "svm": "svmlight",
            "svmlight": "svmlight", "libsvm": "svmlight", "npz": "npz",
            "qrels": "trec", "qrel": "trec", "parquet": "parquet"}.get(ending, ending)


def _lines(path: str, progress: Callable[[int], None]) -> Iterator[str]:
    with open(path, "rb") as raw:
        opened: Iterable[bytes] = gzip.open(raw) if path.endswith(".gz") else raw
        for number, line in enumerate(opened):
            if number % 1024 == 0:
                progress(raw.tell())
            yield line.decode("utf-8-sig" if number == 0 else "utf-8")
        progress(raw.tell())


# ---- One list a row ------------------------------------------------------------------------------


def _read_jsonl(path: str, _: Optional[str], columns: Columns, items: int,
                progress: Callable[[int], None]) -> Iterator[Batch]:
    members = {name: member for name, member in columns.items()
               if member != DEFAULT_COLUMNS.get(name)}
    rows: List[Mapping[str, Any]] = []
    size = 0
    for number, line in enumerate(_lines(path, progress), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            for name, member in members.items():
                row[MEMBERS.get(name, name)] = row[member]
            if not isinstance(row, dict) or len(row["labels"]) != len(row["scores"]):
                raise ValueError("an object with labels and scores of one length was expected")
        except KeyError as error:
            raise ValueError(f"{path}, line {number}: no member {error}") from error
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
        rows.append(row)
        size += len(row["scores"])
        if size >= items:
            yield Batch.from_rows(rows)
            rows, size = [], 0
    if rows:
        yield Batch.from_rows(rows)


#: Members of a row by the names of columns.
MEMBERS = {"by": "id", "label": "labels", "score": "scores", "list_weight": "weight"}


# ---- One item a row ------------------------------------------------------------------------------


class _Lists:
    """Collects items until a part is full and its last list has ended."""

    def __init__(self, path: str, items: int, names: Columns) -> None:
        self.path, self.items, self.names = path, items, names
        self.columns: Dict[str, List[Any]] = {name: [] for name in names}
        self.seen: Set[str] = set()
        self.last: Optional[str] = None

    def add(self, number: int, values: Mapping[str, Any]) -> Optional[Batch]:
        """Adds one item, from line `number`. The batch before it, if this item starts a new one."""
        done, ident = None, values["by"]
        if ident != self.last:
            if ident in self.seen:
                raise ValueError(f"{self.path}, line {number}: list {ident} comes again after "
                                 "others; sort the rows by list")
            if len(self.columns["by"]) >= self.items:
                done = self.end()
            self.seen.add(ident)
            self.last = ident
        for name, column in self.columns.items():
            column.append(values[name])
        return done

    def end(self) -> Optional[Batch]:
        """What is left, as a batch."""
        columns, self.columns = self.columns, {name: [] for name in self.names}
        if not columns["by"]:
            return None
        numbers = {name: np.array(column, dtype=np.float64) for name, column in columns.items()
                   if name not in ("by", "group")}
        return Batch.from_ids(np.array(columns["by"]), numbers["label"], numbers["score"],
                              mask=numbers.get("mask"), sample_weight=numbers.get("weight"),
                              list_weight=numbers.get("list_weight"), groups=columns.get("group"))


def _number(text: str) -> float:
    """A cell of a table. An empty one is not labelled."""
    return float(text) if text.strip() else float("nan")


def _read_csv(path: str, _: Optional[str], names: Columns, items: int,
              progress: Callable[[int], None]) -> Iterator[Batch]:
    lines = _lines(path, progress)
    head = next(lines, "")
    separator = max("\t;,", key=head.count)
    where = {name: position for position, name in enumerate(next(csv.reader([head],
                                                                            delimiter=separator)))}
    for column in names.values():
        if column not in where:
            raise ValueError(f"{path}: no column {column!r} among {', '.join(where)}")
    lists = _Lists(path, items, names)
    places = {name: where[column] for name, column in names.items()}
    reader = csv.reader(lines, delimiter=separator)
    for row in reader:
        number = reader.line_num + 1
        if not row:
            continue
        try:
            values = {name: row[place] if name in ("by", "group") else _number(row[place])
                      for name, place in places.items()}
        except (ValueError, IndexError) as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
        yield from _some(lists.add(number, values))
    yield from _some(lists.end())


def _read_svmlight(path: str, scores: Optional[str], _: Columns, items: int,
                   progress: Callable[[int], None]) -> Iterator[Batch]:
    assert scores is not None
    lists = _Lists(path, items, {name: name for name in DEFAULT_COLUMNS})
    predictions = _filled(_lines(scores, lambda _: None))
    number = 0
    for number, line in enumerate(_filled(_lines(path, progress)), 1):
        words = line.split()
        if len(words) < 2 or not words[1].startswith("qid:"):
            raise ValueError(f"{path}, item {number}: a label and qid:… were expected")
        score = next(predictions, None)
        if score is None:
            raise ValueError(f"{scores}: has fewer lines than {path} has items")
        values = {"by": words[1][4:], "label": float(words[0]), "score": float(score)}
        yield from _some(lists.add(number, values))
    if next(predictions, None) is not None:
        raise ValueError(f"{scores}: has more lines than {path} has items ({number})")
    yield from _some(lists.end())


def _filled(lines: Iterable[str]) -> Iterator[str]:
    """Lines without comments, and without those that hold nothing else."""
    for line in lines:
        text = line.partition("#")[0].strip()
        if text:
            yield text


def _some(batch: Optional[Batch]) -> List[Batch]:
    return [] if batch is None else [batch]


def _read_trec(path: str, scores: Optional[str], _: Columns, items: int,
               progress: Callable[[int], None]) -> Iterator[Batch]:
    batch = Batch.from_trec(path, scores)
    progress(os.path.getsize(path))
    yield from batch.split(items)


# ---- Arrays --------------------------------------------------------------------------------------


def _read_npz(path: str, _: Optional[str], names: Columns, items: int,
              progress: Callable[[int], None]) -> Iterator[Batch]:
    """Arrays label and score of one axis with qid or lengths, or of two; mask, weight if there."""
    with np.load(path, allow_pickle=False) as arrays:
        def array(name: str) -> Any:
            column = names.get(name, name)
            return arrays[column] if column in arrays else None

        labels, scores = array("label"), array("score")
        if labels is None or scores is None:
            raise ValueError(f"{path}: arrays {names['label']!r} and {names['score']!r} are needed")
        if "lengths" in arrays:
            batch = Batch.from_lengths(labels, scores, arrays["lengths"], mask=array("mask"),
                                       sample_weight=array("weight"), groups=array("group"))
        elif array("by") is not None:
            batch = Batch.from_ids(array("by"), labels, scores, mask=array("mask"),
                                   sample_weight=array("weight"),
                                   list_weight=array("list_weight"), groups=array("group"))
        else:
            truth = {"labels": labels} if array("mask") is None else {"labels": labels,
                                                                      "mask": array("mask")}
            batch = Batch.of(truth, scores, array("weight"))
    progress(os.path.getsize(path))
    yield from batch.split(items)


def _read_parquet(path: str, _: Optional[str], names: Columns, items: int,
                  progress: Callable[[int], None]) -> Iterator[Batch]:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ValueError(f"{path}: Parquet needs the package pyarrow") from error
    table = pyarrow.parquet.read_table(path, columns=list(names.values()))
    columns = {column: table[column].to_numpy() for column in names.values()}
    progress(os.path.getsize(path))
    yield from Batch.from_frame(columns, **names).split(items)


#: How each format is read.
FORMATS = {"jsonl": _read_jsonl, "csv": _read_csv, "svmlight": _read_svmlight, "trec": _read_trec,
           "npz": _read_npz, "parquet": _read_parquet}
SCORES_APART = ("svmlight", "trec")
