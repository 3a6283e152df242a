"""Measures core's kernels beside their peers (numpy, torch, scikit-learn, trec_eval), and writes
docs/kernels.md and docs/kernels.svg.

Every figure is the best of several rounds in several passes; a pass goes through all contenders of
a table in turn, so that a disturbance of the machine does not hit one alone. Peers and kernels get
the same data, and their values are compared.
"""
import argparse
import math
import os
import re
import subprocess
import sys
import tempfile
import time

import numpy

from lines import lines, time_text

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
LOSSES = ("pairwise_hinge", "pairwise_logistic", "pairwise_soft_zero_one",
          "pairwise_mean_squared_error", "list_mle")
METRICS = ("dcg", "ndcg", "mean_reciprocal_rank", "mean_average_precision", "precision_at_k",
           "recall_at_k")
K = {"precision_at_k": 10, "recall_at_k": 10}  # of the metrics; others take the whole list
SETS = ("baseline", "avx2", "avx512")
FIELDS = ("hinge", "step", "softplus", "sigmoid", "bump")
LENGTHS = (10_000, 31_623, 100_000, 316_228, 1_000_000)
PEER_LENGTHS = (100, 316, 1000, 3162, 8000)
POSITIVES = {"one positive": lambda items: 1, "2 % positive": lambda items: items // 50}
# What lists look like: graded by people, one item left out, clicks, a whole catalogue, short.
SHAPES = ((1000, 100, 5), (1000, 101, "one positive"), (100, 1000, "2 % positive"),
          (1, 5000, "one positive"), (1000, 10, 3))
# As trec_eval names them; its gains are given, so that they are those of ndcg here.
TREC = {"ndcg": "ndcg.1=1,2=3,3=7,4=15", "mean_average_precision": "map", "precision_at_k": "P.10",
        "reading alone": "num_q"}


class Bench:
    def __init__(self, program, passes, seconds):
        self.program, self.passes, self.seconds = program, passes, seconds
        self.folder = tempfile.TemporaryDirectory(prefix="kernels-")
        self.random = numpy.random.default_rng(7)
        self.files = {}
        self.values = {}
        self.estimates = {}  # what rl_work_cost says, by shape and measure

    def data(self, lists, items, grades=5):
        """A file of lists with scores around 0 and this many grades; 0: all labels differ; a text:
        this many positive items a list (POSITIVES)."""
        key = lists, items, grades
        if key not in self.files:
            count = lists * items
            labels = self.labels(lists, items, grades).astype(numpy.float32)
            scores = self.random.standard_normal(count).astype(numpy.float32)
            path = os.path.join(self.folder.name, "-".join(map(str, key)))
            numpy.concatenate([labels, scores]).tofile(path)
            self.files[key] = path
        return self.files[key]

    def labels(self, lists, items, grades):
        if grades in POSITIVES:
            labels = numpy.zeros((lists, items))
            for row in labels:
                row[self.random.choice(items, POSITIVES[grades](items), replace=False)] = 1
            return labels.ravel()
        return (self.random.integers(0, grades, lists * items) if grades
                else self.random.permutation(lists * items))

    def call(self, *command):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                              env={**os.environ, "OMP_NUM_THREADS": "", "OMP_WAIT_POLICY": "active",
                                   "OPENBLAS_NUM_THREADS": "1"})
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
        return done.stdout

    def best(self, title, contenders):
        """contenders: {key: function that measures once and gives nanoseconds}; the least of all
        passes, by key."""
        times = {key: math.inf for key in contenders}
        for number in range(1, self.passes + 1):
            for key, measure in contenders.items():
                print(f"\r{title}: pass {number} of {self.passes}, {key}".ljust(90)[:90], end="",
                      file=sys.stderr, flush=True)
                times[key] = min(times[key], measure())
        print(f"\r{title}: done".ljust(90), file=sys.stderr, flush=True)
        return times

    def check_value(self, key, value, digits=None):
        """All contenders must give the same value, to `digits` decimals where they print only those."""
        known = self.values.setdefault(key, value)
        if abs(known - value) > (1e-4 * abs(known) if digits is None else 1.5 * 10 ** -digits):
            raise RuntimeError(f"{key}: {value} here, {known} elsewhere")

    def kernel(self, shape, measure, threads=0, isa="best", dtype="float32", program=None):
        """A contender: core on a batch of this shape."""
        def once():
            k = [K[measure]] if measure in K else []
            out = self.call(program or self.program, "run", self.data(*shape), shape[0], dtype,
                            threads, isa, measure, self.seconds, *k).split()
            self.check_value((shape, measure), float(out[3]))
            self.estimates[shape, measure] = float(out[2])
            return float(out[0])
        return once

    def peer(self, name, shape, chunk=0, measure="pairwise_hinge"):
        def once():
            out = self.call("/usr/bin/python3", os.path.join(HERE, "kernel_peers.py"), name,
                            self.data(*shape), shape[0], chunk, measure, K.get(measure, 0),
                            self.seconds).split()
            self.check_value((shape, measure), float(out[1]))
            return float(out[0])
        return once

    def trec_eval(self, program, shape, measure):
        """A contender: the whole program, from its text to its mean."""
        def once():
            qrels, run = self.trec_files(shape)
            begin = time.perf_counter_ns()
            out = self.call(program, "-m", TREC[measure], qrels, run).split()
            took = time.perf_counter_ns() - begin
            if measure in METRICS:
                self.check_value((shape, measure), float(out[2]), digits=4)  # ties go by document there
            return took
        return once

    def trec_files(self, shape):
        base = self.data(*shape)
        if not os.path.exists(base + ".run"):
            labels, scores = numpy.fromfile(base, numpy.float32).reshape(2, shape[0], -1)
            with open(base + ".qrels", "w", encoding="ascii") as qrels, \
                    open(base + ".run", "w", encoding="ascii") as run:
                for query, row in enumerate(labels):
                    for item, label in enumerate(row):
                        qrels.write(f"q{query} 0 d{item} {label:.0f}\n")
                        run.write(f"q{query} Q0 d{item} 0 {scores[query, item]!r:.12} x\n")
        return base + ".qrels", base + ".run"

    def available(self):
        """The instruction sets that this CPU has."""
        found = []
        for isa in SETS:
            try:
                self.kernel((1, 8), "pairwise_hinge", isa=isa)()
                found.append(isa)
            except RuntimeError as missing:
                print(f"{isa}: not measured: {missing}", file=sys.stderr)
        return found

    def variant(self, *changes):
        """The program with constants of core's files replaced: (file, pattern, replacement)…"""
        folder = tempfile.mkdtemp(dir=self.folder.name)
        texts = {}
        for source, pattern, replacement in changes:
            if source not in texts:
                with open(os.path.join(TREE, source), encoding="utf-8") as file:
                    texts[source] = file.read()
            texts[source], count = re.subn(pattern, replacement, texts[source])
            if not count:
                raise RuntimeError(f"{source}: no {pattern}: the constant has moved; fix kernels.py")
        changed = [os.path.join(folder, os.path.basename(source)) for source in texts]
        for path, text in zip(changed, texts.values()):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        program = os.path.join(folder, "bench_kernels")
        self.call(*os.environ["KERNEL_CC"].split(), f"-I{TREE}", "-o", program,
                  os.path.join(HERE, "bench_kernels.c"), *changed, os.environ["KERNEL_LIBRARY"],
                  "-lm")
        return program

    def sort_variant(self, inserted, bits=8):
        """Sorts by insertion up to so many items, else by digits of so many bits; never counts."""
        source = "core/base/sort.c"
        return self.variant(("core/lists/order.c", r"COUNTED = \d+", "COUNTED = 1"),
                            (source, r"INSERTED = \d+", f"INSERTED = {inserted}"),
                            (source, r"\b(SHORT|MIDDLE|LONG|LONGEST)_BITS = \d+",
                             rf"\1_BITS = {bits}"))


def table(head, rows):
    """A Markdown table; numbers to the right."""
    align = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [head, align, *rows])


def ns(value):
    return time_text(value * 1e-9)


def rate(pairs, value):
    return f"{pairs / value:.2f}"


# ---- Short lists --------------------------------------------------------------------------------

def short_lists(bench, sets):
    shape, pairs = (1000, 100), 1000 * 100 * 100
    contenders = {}
    for isa in sets:
        for threads in (0, 2):
            contenders[isa, threads or 1] = bench.kernel(shape, "pairwise_hinge", threads, isa)
    contenders["float64", 1] = bench.kernel(shape, "pairwise_hinge", dtype="float64")
    for name in ("numpy", "torch"):
        contenders[f"{name}, all at once", 1] = bench.peer(name, shape)
        contenders[f"{name}, 10 lists at a time", 1] = bench.peer(name, shape, 10)
    times = bench.best("1000 lists of 100", contenders)
    own = min(times[isa, 1] for isa in sets)
    rows = [[f"{who}", threads, ns(value), rate(pairs, value), f"{value / own:.2f}"]
            for (who, threads), value in times.items()]
    two = {isa: times[isa, 1] / times[isa, 2] for isa in sets}
    text = ("## 1000 lists of 100 items, hinge\n\n"
            "A pair is any (i, j) of a list: n * n of them. Data in float32; the last column is the "
            "time beside the best on one thread.\n\n"
            + table(["contender", "threads", "time", "G pairs/s", "times"], rows)
            + "\n\nTwo threads beside one: "
            + ", ".join(f"{isa} {gain:.2f}" for isa, gain in two.items()) + ".\n")
    return text


# ---- Cost follows information --------------------------------------------------------------------

def shape_text(shape):
    lists, items, labels = shape
    return f"{lists} x {items:,}, " + (labels if labels in POSITIVES else f"{labels} grades")


def by_information(bench):
    """Each measure on lists that tell little and much, and the bounds that follow."""
    contenders = {(measure, shape): bench.kernel(shape, measure)
                  for measure in (*LOSSES, *METRICS) for shape in SHAPES}
    alone = next(shape for shape in SHAPES if shape[0] == 1)
    contenders["numpy", alone] = bench.peer("numpy", alone, measure="one_pass")
    times = bench.best("by information", contenders)
    rows = [[measure, *(ns(times[measure, shape] / shape[0]) for shape in SHAPES)]
            for measure in (*LOSSES, *METRICS)]
    hinge = times["pairwise_hinge", SHAPES[0]]
    return ("## Cost follows information\n\nOne thread, time a list, float32. Precision and recall "
            f"are at {K['recall_at_k']}, the other metrics take the whole list.\n\n"
            + table(["measure", *map(shape_text, SHAPES)], rows)
            + f"\n\nOf {shape_text(alone)}, beside numpy's `(scores > s).sum()`, which takes "
            f"{ns(times['numpy', alone])}: " + ", ".join(
                f"{measure} {times[measure, alone] / times['numpy', alone]:.2f}"
                for measure in ("pairwise_hinge", *METRICS))
            + f". Of {shape_text(SHAPES[0])}, beside the hinge: " + ", ".join(
                f"{measure} {times[measure, SHAPES[0]] / hinge:.2f}" for measure in METRICS) + ".\n")


def metric_peers(bench, trec_eval):
    """The metrics beside what people call for them."""
    contenders, notes = {}, []
    for shape in SHAPES[:4]:
        for metric in METRICS:
            contenders[metric, shape, "core"] = bench.kernel(shape, metric)
            contenders[metric, shape, "numpy"] = bench.peer("numpy", shape, measure=metric)
            if trec_eval and metric in TREC:
                contenders[metric, shape, "trec_eval"] = bench.trec_eval(trec_eval, shape, metric)
        contenders["ndcg", shape, "scikit-learn"] = bench.peer("sklearn", shape, measure="ndcg")
        if trec_eval:
            contenders["reading alone", shape, "trec_eval"] = bench.trec_eval(trec_eval, shape,
                                                                              "reading alone")
    times = bench.best("metrics beside peers", contenders)
    if trec_eval:
        notes.append("trec_eval is timed as a whole program, which reads text; `reading alone` is "
                     "the same without a metric (`-m num_q`).")
    else:
        notes.append("trec_eval was left out: `TREC_EVAL=path/to/trec_eval` names a build of it.")
    who = ["core", "numpy", "scikit-learn", *(["trec_eval"] if trec_eval else [])]
    rows = []
    for shape in SHAPES[:4]:
        for metric in (*METRICS, "reading alone"):
            own = times.get((metric, shape, "core"))
            found = [times.get((metric, shape, name)) for name in who]
            if any(found):
                rows.append([shape_text(shape), metric,
                             *(ns(value) + (f" ({value / own:,.0f} x)" if own and value != own else "")
                               if value else "" for value in found)])
    return ("## Metrics beside what people call for them\n\nOne thread, float32, whole batches: "
            "vectorised numpy (argsort, or argpartition at k), scikit-learn's `ndcg_score`, and "
            "trec_eval. " + " ".join(notes) + "\n\n"
            + table(["lists", "metric", *who], rows) + "\n")


# ---- One long list -------------------------------------------------------------------------------

def one_million(bench):
    shape = (1, 1_000_000)
    contenders = {}
    for measure in (*LOSSES, "ndcg"):
        for threads in (1, 2):
            contenders[measure, "5 grades", threads] = bench.kernel(shape, measure, threads)
    for measure in LOSSES[:3]:
        for threads in (1, 2):
            contenders[measure, "all distinct", threads] = bench.kernel((*shape, 0), measure,
                                                                        threads)
    times = bench.best("one list of 1,000,000", contenders)
    rows = [[measure, labels, ns(times[measure, labels, 1]), ns(times[measure, labels, 2]),
             f"{times[measure, labels, 1] / times[measure, labels, 2]:.2f}"]
            for measure, labels, threads in contenders if threads == 1]
    return ("## One list of 1,000,000 items\n\n"
            + table(["measure", "labels", "1 thread", "2 threads", "gain"], rows) + "\n")


def exponent(points):
    """Slope of the line through the points, both axes logarithmic."""
    return numpy.polyfit([math.log(x) for x, _ in points], [math.log(y) for _, y in points], 1)[0]


def growth(bench, chart):
    contenders = {(measure, n): bench.kernel((1, n), measure)
                  for measure in LOSSES for n in (*PEER_LENGTHS[:-1], *LENGTHS)}
    contenders.update({("hinge, all distinct", n): bench.kernel((1, n, 0), "pairwise_hinge")
                       for n in (*PEER_LENGTHS[:-1], *LENGTHS)})
    contenders.update({(name, n): bench.peer(name, (1, n))
                       for name in ("numpy", "torch") for n in PEER_LENGTHS})
    times = bench.best("time against n", contenders)
    names = list(dict.fromkeys(name for name, _ in contenders))
    points = {name: [(n, times[key, n] * 1e-9) for key, n in contenders if key == name]
              for name in names}
    drawn = [(f"{name} (hinge, n²)" if name in ("numpy", "torch") else name,
              name in ("numpy", "torch"), points[name]) for name in names]
    with open(chart, "w", encoding="utf-8") as file:
        file.write(lines("One list, one thread: time against its length", "items of the list",
                         drawn, columns=3))
    rows = [[name, *(ns(times[name, n]) for n in LENGTHS),
             f"{exponent([p for p in points[name] if p[0] >= LENGTHS[0]]):.3f}"]
            for name in names if name not in ("numpy", "torch")]
    peer_rows = [[name, *(ns(times[name, n]) for n in PEER_LENGTHS),
                  f"{exponent(points[name][2:]):.3f}"] for name in ("numpy", "torch")]
    largest = PEER_LENGTHS[2]
    own = times["pairwise_hinge", largest]
    return ("## Time against length, one thread\n\n5 grades; the exponent is that of the fitted "
            "power of n over the columns shown (peers: from 1000).\n\n"
            + table(["loss", *(f"{n:,}" for n in LENGTHS), "exponent"], rows)
            + "\n\nHinge by broadcasting, n * n:\n\n"
            + table(["peer", *(f"{n:,}" for n in PEER_LENGTHS), "exponent"], peer_rows)
            + f"\n\nAt {largest} items numpy takes {times['numpy', largest] / own:.0f} times as "
            f"long as the hinge here, torch {times['torch', largest] / own:.0f} times.\n\n"
            f"![Time against length]({os.path.basename(chart)})\n")


# ---- Constants -----------------------------------------------------------------------------------

CROSS_LENGTHS = (128, 256, 384, 512, 768, 1024, 1536, 2048)


def crossing(points):
    """Where the ratio of the two ways passes 1, between two lengths; None where it never does."""
    for (n, ratio), (next_n, next_ratio) in zip(points, points[1:]):
        if ratio < 1 <= next_ratio:
            share = math.log(1 / ratio) / math.log(next_ratio / ratio)
            return round(n * (next_n / n) ** share)
    return None


def crossovers(bench, sets):
    """Pair by pair against sweeps, for each field."""
    best = {}
    for number in range(1, bench.passes + 1):
        for n in CROSS_LENGTHS:
            for isa in sets:
                print(f"\rcrossovers: pass {number} of {bench.passes}, {n} items, {isa}".ljust(90),
                      end="", file=sys.stderr, flush=True)
                out = bench.call(bench.program, "cross", bench.data(1, n), isa, bench.seconds / 8)
                for line in out.splitlines():
                    field, pairs, sweeps = line.split()
                    known = best.get((field, isa, n), (math.inf, math.inf))
                    best[field, isa, n] = (min(known[0], float(pairs)),
                                           min(known[1], float(sweeps)))
    print("\rcrossovers: done".ljust(90), file=sys.stderr, flush=True)
    rows = []
    for field in (*FIELDS, "sigmoid-all", "bump-all"):
        for isa in sets:
            ratios = [(n, best[field, isa, n][0] / best[field, isa, n][1]) for n in CROSS_LENGTHS]
            rows.append([field, isa, *(f"{ratio:.2f}" for _, ratio in ratios),
                         crossing(ratios) or "-"])
    return ("## Pair by pair or by sweeps\n\nTime of the first over time of the second, by length "
            "(`SHORT` in core/fields/field.c; `SHORT_OF_ALL` for sums over all pairs of a list); the last column is where they take equally long. Both dtypes "
            "are computed in double.\n\n"
            + table(["field", "instructions", *CROSS_LENGTHS, "equal at"], rows) + "\n")


def leaves(bench):
    """Where a node of the descent is better finished pair by pair."""
    sizes = (64, 128, 256, 512, 1024)
    programs = {size: bench.variant(("core/fields/descent.c", r"enum \{ LEAF = \d+ \}",
                                     f"enum {{ LEAF = {size} }}")) for size in sizes}
    shapes = {"5 grades": (1, 20_000), "all distinct": (1, 20_000, 0)}
    contenders = {(measure, labels, size): bench.kernel(shape, measure, program=programs[size])
                  for measure in LOSSES[:3] for labels, shape in shapes.items() for size in sizes}
    times = bench.best("leaves", contenders)
    rows = [[measure, labels, *(ns(times[measure, labels, size]) for size in sizes)]
            for measure in LOSSES[:3] for labels in shapes]
    return ("## Leaves of the descent\n\nOne list of 20,000, by the items up to which a node is "
            "finished pair by pair (`LEAF` in core/fields/descent.c).\n\n"
            + table(["loss", "labels", *sizes], rows) + "\n")


def sorting(bench):
    """Insertion against radix, and counting, and digits of several widths."""
    short = (32, 64, 96, 128, 192, 256)
    lengths = (*short, 512, 1000, 2048, 4096, 16_384, 100_000, 1_000_000)
    ways = {"core": bench.program, "insertion": bench.sort_variant(inserted=300)}
    ways.update({f"{bits} bits": bench.sort_variant(inserted=0, bits=bits) for bits in (8, 9, 11)})
    def contender(program, n):
        return lambda: float(bench.call(program, "sort", bench.data(1, n), "float32", "best",
                                        bench.seconds / 8))
    contenders = {(way, n): contender(program, n) for way, program in ways.items()
                  for n in lengths if way != "insertion" or n in short}
    times = bench.best("sorting", contenders)
    rows = [[way, *(f"{times[way, n] / n:.1f}" if (way, n) in times else "" for n in lengths)]
            for way in ways]
    return ("## Sorting\n\nNanoseconds a key, of float32 scores with their places. `core` chooses; "
            "the others are one way at every length (`INSERTED`, `SHORT`, `MIDDLE`, `LONG` in "
            "core/base/sort.c; `COUNTED` in core/lists/order.c).\n\n"
            + table(["way", *(f"{n:,}" for n in lengths)], rows) + "\n")


def huge_pages(bench):
    small = bench.variant(("core/base/scratch.c", r"madvise\(memory, size, MADV_HUGEPAGE\);", ""))
    shape = (1, 1_000_000)
    contenders = {(measure, pages): bench.kernel(shape, measure, program=program)
                  for measure in ("pairwise_hinge", "pairwise_mean_squared_error")
                  for pages, program in (("huge", bench.program), ("small", small))}
    times = bench.best("pages", contenders)
    rows = [[measure, ns(times[measure, "huge"]), ns(times[measure, "small"])]
            for measure in ("pairwise_hinge", "pairwise_mean_squared_error")]
    return ("## Pages of large scratch\n\nOne list of 1,000,000, one thread (core/base/scratch.c).\n\n"
            + table(["loss", "huge pages", "small pages"], rows) + "\n")


def estimates(bench):
    """What rl_work_cost says, beside the clock."""
    shapes = ((1, 5, 5), (32, 10, 5), *SHAPES[:4], (20, 1000, 5), (1, 10_000, 5), (1, 1_000_000, 5))
    contenders = {(measure, shape): bench.kernel(shape, measure)
                  for measure in (*LOSSES, *METRICS) for shape in shapes}
    times = bench.best("estimates", contenders)
    rows = [[measure, *(f"{bench.estimates[shape, measure] / times[measure, shape]:.2f}"
                        for shape in shapes)] for measure in (*LOSSES, *METRICS)]
    return ("## Estimated cost over measured time\n\nOne thread, by shape (`rl_work_cost`).\n\n"
            + table(["measure", *map(shape_text, shapes)], rows) + "\n")


# ---- The report ----------------------------------------------------------------------------------

def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*:\s*(.*)", file.read())
    versions = subprocess.run(
        ["/usr/bin/python3", "-c", "import numpy, torch; print(numpy.__version__, torch.__version__)"],
        capture_output=True, text=True, check=True).stdout.split()
    compiler = subprocess.run(["cc", "-dumpfullversion"], capture_output=True, text=True,
                              check=True).stdout.strip()
    revision = subprocess.run(["git", "-C", TREE, "rev-parse", "--short=12", "HEAD"],
                              capture_output=True, text=True, check=False).stdout.strip()
    return (f"{model.group(1) if model else 'unknown CPU'}, {len(os.sched_getaffinity(0))} CPUs, "
            f"load {os.getloadavg()[0]:.1f} at the start; cc {compiler}, numpy {versions[0]}, "
            f"torch {versions[1]}; revision {revision or 'unknown'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="of one measurement")
    parser.add_argument("--trec-eval", help="a build of trec_eval, which is not part of Debian")
    parser.add_argument("--output", default=os.path.join(TREE, "docs"))
    options = parser.parse_args()
    bench = Bench(os.path.abspath(options.program), options.passes, options.seconds)
    head = machine()
    sets = bench.available()
    chart = os.path.join(options.output, "kernels.svg")
    parts = [short_lists(bench, sets), by_information(bench),
             metric_peers(bench, options.trec_eval), one_million(bench), growth(bench, chart),
             crossovers(bench, sets), leaves(bench), sorting(bench), huge_pages(bench),
             estimates(bench)]
    text = ("# Kernels\n\nMade by `make bench-kernels`; every time is the best of several rounds in "
            f"{options.passes} interleaved passes of one run.\n\n{head}.\n\n" + "\n".join(parts))
    with open(os.path.join(options.output, "kernels.md"), "w", encoding="utf-8") as file:
        file.write(text)
    print(text)


if __name__ == "__main__":
    main()
