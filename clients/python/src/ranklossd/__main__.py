"""The command: python -m ranklossd evaluate DATA --metric ndcg@10, or compare DATA --system a.

DATA is read in parts, which go to the daemons as they are read; several at once where several
daemons are given; a comparison is one request. The result is printed as a table or as JSON. Ends
with 0; 1 if the daemon or the data are at fault; 2 if the command line is; 3 if --fail-if-worse
found a system that is significantly worse than the baseline.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import os
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Deque, Dict, Iterable, List, Optional, Sequence

from . import trec
from ._version import __version__
from .batch import Batch
from .client import Client
from .errors import RanklossdError
from .files import FORMATS, ITEMS_PER_PART, SCORES_APART, format_of, read
from .partition import evaluate_batch
from .results import Report, table
from .specs import as_specs
from .tally import Tally

COLUMN_OPTIONS = {"by": "column of the list's id (qid)", "label": "column of labels (label)",
                  "mask": "column of masks",
                  "weight": "column of weights, one per item",
                  "list-weight": "column of weights, one per list",
                  "group": "column of groups of lists"}


def main(words: Optional[Sequence[str]] = None) -> int:
    options = _parser().parse_args(words)
    try:
        return _compare(options) if options.command == "compare" else _evaluate(options)
    except (RanklossdError, ValueError, TypeError, OSError) as error:
        print(f"ranklossd: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ranklossd", description=__doc__.split("\n")[0])
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    evaluate = commands.add_parser("evaluate", help="losses and metrics of a data set")
    _add_common(evaluate)
    add = evaluate.add_argument
    add("--scores", metavar="FILE", help="svmlight: the scores, one a line; qrels: the run")
    add("--score", metavar="NAME", help="CSV, Parquet, npz: column of scores (score)")
    add("--jobs", type=int, help="requests at once; default: two per daemon")
    add("--quiet", action="store_true", help="no progress bar")
    compare = commands.add_parser("compare", help="which of several systems is better")
    _add_common(compare)
    add = compare.add_argument
    add("--system", action="append", default=[], metavar="NAME", help="a column of scores; for "
        "svmlight a file of scores, for qrels a run; the first is the baseline; repeat it")
    add("--resamples", type=int)
    add("--seed", type=int)
    add("--fail-if-worse", action="store_true", help="end with 3 if a system is significantly "
        "worse than the baseline by any of the evaluations")
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("data", metavar="DATA", help="a file; .gz is undone for text formats. TREC: the qrels")
    add("--format", choices=sorted(FORMATS), help="default: by the name of the file")
    for name, text in COLUMN_OPTIONS.items():
        add("--" + name, metavar="NAME", help=f"tables and npz: {text}")
    add("--metric", action="append", default=[], metavar="NAME[@K]", help="repeat for more")
    add("--loss", action="append", default=[], metavar="NAME", help="repeat for more")
    add("--definition", choices=["keras", "trec_eval", "sklearn", "xgboost"],
        help="whose definition of the metrics")
    add("--temperature", type=float)
    add("--reduction", choices=["sum_over_batch_size", "sum", "mean_with_sample_weight"])
    add("--dtype", choices=["float32", "float64"], default="float64")
    add("--level", type=float, default=0.95, help="of the confidence intervals (0.95)")
    add("--url", action="append", help="a daemon; repeat for replicas ($RANKLOSSD_URL, else "
        "http://127.0.0.1:8080); the token is $RANKLOSSD_TOKEN")
    add("--ca", help="PEM file of whom to trust with https")
    add("--cert", help="PEM file with the client's certificate")
    add("--key", help="PEM file with its key")
    add("--json", action="store_true", help="print JSON")


def _mistake(options: argparse.Namespace) -> Optional[str]:
    """What is wrong with the command line."""
    if not options.metric and not options.loss:
        return "at least one --metric or --loss is needed"
    if not 0 < options.level < 1:
        return "--level must be between 0 and 1"
    if options.command == "compare" and len(options.system) < 2:
        return "at least two --system are needed"
    return None


def _given(options: argparse.Namespace, *names: str) -> Dict[str, Any]:
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def _compare(options: argparse.Namespace) -> int:
    wrong = _mistake(options)
    if wrong:
        print(f"ranklossd: {wrong}", file=sys.stderr)
        return 2
    systems = _systems(options)
    with Client(options.url, ca=options.ca, cert=options.cert, key=options.key) as client:
        result = client.compare(systems, losses=as_specs(options.loss),
                                metrics=as_specs(options.metric), confidence_level=options.level,
                                **_given(options, "definition", "temperature", "reduction",
                                         "dtype", "resamples", "seed"))
    print(json.dumps(dataclasses.asdict(result), indent=2) if options.json else result)
    return 3 if options.fail_if_worse and result.worse() else 0


def _systems(options: argparse.Namespace) -> Dict[str, Batch]:
    """The batch of each system: a column of the data, or a file where scores are apart."""
    kind = format_of(options.data, options.format)
    names = {os.path.basename(one) if kind in SCORES_APART else one: one for one in options.system}
    if len(names) < len(options.system):
        raise ValueError("two systems have one name")
    if kind == "trec":
        systems = trec.batches(options.data, names)
    else:
        given = _given(options, *(name.replace("-", "_") for name in COLUMN_OPTIONS))
        systems = {}
        for name, where in names.items():
            how: Dict[str, Any] = ({"columns": given, "scores": where} if kind == "svmlight" else
                                   {"columns": {**given, "score": where}})
            for batch in read(options.data, format=kind, items=1 << 62, **how):
                systems[name] = batch
    if len(systems) < len(names) or not all(batch.lists for batch in systems.values()):
        raise ValueError(f"{options.data}: holds no list")
    return systems


def _evaluate(options: argparse.Namespace) -> int:
    wrong = _mistake(options)
    if wrong:
        print(f"ranklossd: {wrong}", file=sys.stderr)
        return 2
    columns = _given(options, "score", *(name.replace("-", "_") for name in COLUMN_OPTIONS))
    parameters = _given(options, "definition", "temperature", "reduction", "dtype")
    bar = _Bar(options.data, options.quiet)
    batches = read(options.data, format=options.format, scores=options.scores, columns=columns,
                   progress=bar.at)
    with Client(options.url, ca=options.ca, cert=options.cert, key=options.key) as client:
        jobs = options.jobs or 2 * len(client.session.urls)
        tally = _in_parallel(batches, client, jobs, bar, losses=as_specs(options.loss),
                             metrics=as_specs(options.metric), **parameters)
    bar.end()
    if not tally.requests:
        raise ValueError(f"{options.data}: holds no list")
    report = tally.report(options.level)
    print(json.dumps(report.as_dict(), indent=2) if options.json else _printed(report))
    return 0


def _in_parallel(batches: Iterable[Batch], client: Client, jobs: int, bar: "_Bar", **how: Any
                 ) -> Tally:
    """The merged tally; at most `jobs` + 1 parts are in memory."""
    total, waiting = Tally(), collections.deque()  # type: Tally, Deque[Future[Tally]]
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        try:
            for batch in batches:
                waiting.append(pool.submit(evaluate_batch, batch, client,
                                           items_per_request=2 * ITEMS_PER_PART, **how))
                if len(waiting) > jobs:
                    total = total.merge(waiting.popleft().result())
                    bar.items(total)
            while waiting:
                total = total.merge(waiting.popleft().result())
                bar.items(total)
        except BaseException:
            for future in waiting:
                future.cancel()
            raise
    return total


def _printed(report: Report) -> str:
    """The table of results, and below it one for each group."""
    head = ["evaluation", "value", "low", "high"]
    rows: List[List[str]] = []
    groups: Dict[str, List[List[str]]] = {}
    for one in report:
        rows.append(_row(one.label, one.value, one["confidence"]))
        for name, group in one.extra.get("groups", {}).items():
            groups.setdefault(name, []).append(_row(one.label, group[one.kind],
                                                    group["confidence"]))
    blocks = [table(head, rows)]
    blocks += [f"{name}\n{table(head, of_group)}" for name, of_group in groups.items()]
    counts = f"{int(report.totals['lists']):,} lists, {int(report.totals['items']):,} items"
    level = report[0]["confidence"]["level"]
    blocks.append(f"{counts}, {report.dtype}; low and high: {level:.0%} t interval")
    return "\n\n".join(blocks)


def _row(name: str, value: float, confidence: Any) -> List[str]:
    interval = confidence["t"]
    ends = ["", ""] if interval is None else [f"{end:.6g}" for end in interval]
    return [name, f"{value:.6g}", *ends]


class _Bar:
    """A progress bar on standard error, where that is a terminal and the work takes a while."""

    WIDTH, AFTER_S, EVERY_S = 30, 0.5, 0.1

    def __init__(self, path: str, quiet: bool) -> None:
        self.shown = not quiet and sys.stderr.isatty()
        self.size = os.path.getsize(path) if self.shown else 1
        self.start = self.last = time.monotonic()
        self.read, self.done = 0, 0

    def at(self, position: int) -> None:
        self.read = position
        self._draw()

    def items(self, tally: Tally) -> None:
        self.done = int(tally.totals["items"])
        self._draw()

    def _draw(self) -> None:
        now = time.monotonic()
        if not self.shown or now - self.start < self.AFTER_S or now - self.last < self.EVERY_S:
            return
        self.last = now
        share = min(1.0, self.read / max(self.size, 1))
        filled = "#" * int(share * self.WIDTH)
        print(f"\r[{filled:<{self.WIDTH}}] {share:4.0%} read, {self.done:,} items evaluated, "
              f"{self.done / (now - self.start):,.0f}/s", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self.shown and self.last != self.start:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
