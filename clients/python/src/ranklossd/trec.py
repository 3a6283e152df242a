"""TREC's files: qrels ("topic 0 document grade") and runs ("topic Q0 document rank score tag").

A topic is a list. Its items are the documents that were judged or that a run retrieved: one that
was not judged has no label, one that was not retrieved has no score. They stand by document id,
descending, since trec_eval breaks ties of scores in that order; the ranks of a run are not read,
as there. Batches carry definition="trec_eval": documents that were not retrieved count, and metrics
are what trec_eval prints. Another definition needs unretrieved="count" beside it.
"""

from __future__ import annotations

import gzip
import os
from typing import Dict, Iterable, Iterator, List, Mapping, Union

import numpy as np

from .batch import Batch

__all__ = ["batches", "read_qrels", "read_run"]

ByTopic = Dict[str, Dict[str, float]]
#: A file (.gz is undone), lines, or {topic: {document: grade or score}}.
Source = Union[str, "os.PathLike[str]", Iterable[str], Mapping[str, Mapping[str, float]]]

QRELS_FIELDS, RUN_FIELDS = 4, 6


def read_qrels(source: Source) -> ByTopic:
    """Grades by topic and document."""
    return _read(source, QRELS_FIELDS, 3)


def read_run(source: Source) -> ByTopic:
    """Scores by topic and document."""
    return _read(source, RUN_FIELDS, 4)


def batches(qrels: Source, runs: Mapping[str, Source], *, complete: bool = True
            ) -> Dict[str, Batch]:
    """One batch per run, all with the same items in the same order, as Client.compare needs them.

    complete: a topic of which a run has nothing counts as nothing retrieved (trec_eval -c); False
    leaves out topics that are not in every run. Topics without judgments are always left out.
    """
    judged, found = read_qrels(qrels), {name: read_run(run) for name, run in runs.items()}
    topics = [topic for topic in judged
              if complete or all(topic in run for run in found.values())]
    labels: List[float] = []
    scores: Dict[str, List[float]] = {name: [] for name in found}
    lengths: List[int] = []
    for topic in topics:
        grades = judged[topic]
        documents = sorted(set(grades).union(*(run.get(topic, ()) for run in found.values())),
                           reverse=True)
        lengths.append(len(documents))
        labels += [grades.get(document, np.nan) for document in documents]
        for name, run in found.items():
            of_topic = run.get(topic, {})
            scores[name] += [of_topic.get(document, np.nan) for document in documents]
    return {name: _batch(labels, column, lengths, topics) for name, column in scores.items()}


def _batch(labels: List[float], scores: List[float], lengths: List[int], topics: List[str]
           ) -> Batch:
    """Grades below 0 say "not judged" in qrels; a negative label would leave the document out."""
    grades = np.array(labels, dtype=np.float64)
    return Batch(np.where(grades < 0, np.nan, grades), np.array(scores, dtype=np.float64),
                 np.array(lengths, dtype=np.int64), list_ids=topics,
                 parameters={"definition": "trec_eval"})


def _read(source: Source, fields: int, value_at: int) -> ByTopic:
    if isinstance(source, Mapping):
        return {str(topic): {str(document): float(value) for document, value in of_topic.items()}
                for topic, of_topic in source.items()}
    if isinstance(source, (str, os.PathLike)):
        name = os.fspath(source)
        with gzip.open(name, "rt", encoding="utf-8") if name.endswith(".gz") else open(
                name, encoding="utf-8") as lines:
            return _parsed(lines, name, fields, value_at)
    return _parsed(iter(source), "lines", fields, value_at)


def _parsed(lines: Iterator[str], name: str, fields: int, value_at: int) -> ByTopic:
    result: ByTopic = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if len(words) != fields:
            raise ValueError(f"{name}, line {number}: {fields} fields were expected, "
                             f"found {len(words)}")
        try:
            value = float(words[value_at])
        except ValueError as error:
            raise ValueError(f"{name}, line {number}: {error}") from error
        of_topic = result.setdefault(words[0], {})
        if words[2] in of_topic:
            raise ValueError(f"{name}, line {number}: document {words[2]} comes again in topic "
                             f"{words[0]}")
        of_topic[words[2]] = value
    return result
