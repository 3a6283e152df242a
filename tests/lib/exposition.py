"""Reads Prometheus' text format 0.0.4 and OpenMetrics 1.0.0, strictly enough to notice mistakes."""

import math
import re

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)(?: # (\{.*\}) (\S+)(?: (\S+))?)?\Z')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|\Z)')
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"),
            "summary": ("", "_sum", "_count"), "gauge": ("",), "info": ("_info",),
            "unknown": ("",), "untyped": ("",)}


def unescape(text):
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found.group(1), found.group(1)), text)


def parse_labels(text):
    labels, rest = {}, text[1:-1]
    while rest:
        found = LABEL.match(rest)
        if not found:
            raise AssertionError(f"bad labels {text}")
        if found.group(1) in labels:
            raise AssertionError(f"label {found.group(1)} twice in {text}")
        labels[found.group(1)] = unescape(found.group(2))
        rest = rest[found.end():]
    return labels


class Metrics:
    """Samples by name; families: name -> type; helps: name -> text."""

    def __init__(self):
        self.samples, self.families, self.helps = [], {}, {}

    def value(self, name, **labels):
        """The one sample with exactly these labels among its own; 0 if there is none."""
        found = [value for sample, own, value in self.samples
                 if sample == name and labels.items() <= own.items()]
        if len(found) > 1:
            raise AssertionError(f"{name}{labels}: {len(found)} samples")
        return found[0] if found else 0.0

    def total(self, name, **labels):
        return sum(value for sample, own, value in self.samples
                   if sample == name and labels.items() <= own.items())

    def names(self):
        return {sample for sample, _, _ in self.samples}


def number(text):
    value = float(text.replace("Inf", "inf").replace("NaN", "nan"))
    if text.strip() != text:
        raise AssertionError(f"bad value {text!r}")
    return value


def family_of(name, families):
    for family, kind in families.items():
        for suffix in SUFFIXES[kind]:
            if name == family + suffix or (kind == "counter" and name == family):
                return family
    return None


def check_histograms(metrics):
    series = {}
    for name, labels, value in metrics.samples:
        if name.endswith("_bucket") and metrics.families.get(name[:-7]) == "histogram":
            key = (name[:-7], tuple(sorted((k, v) for k, v in labels.items() if k != "le")))
            series.setdefault(key, []).append((number(labels["le"]), value))
    for (family, labels), buckets in series.items():
        bounds = [bound for bound, _ in buckets]
        counts = [count for _, count in buckets]
        if bounds != sorted(bounds) or counts != sorted(counts) or bounds[-1] != math.inf:
            raise AssertionError(f"histogram {family}{dict(labels)}: {buckets}")
        if metrics.value(family + "_count", **dict(labels)) != counts[-1]:
            raise AssertionError(f"histogram {family}{dict(labels)}: _count is not the last bucket")


def parse(text, openmetrics=False):
    """Metrics of a whole exposition; AssertionError where it breaks the format."""
    if not text.endswith("# EOF\n" if openmetrics else "\n"):
        raise AssertionError(f"bad end {text[-40:]!r}")
    metrics, seen, current, closed = Metrics(), set(), None, set()
    for line in text.splitlines():
        if line in ("", "# EOF"):
            continue
        meta = re.match(r"# (HELP|TYPE|UNIT) (\S+)(?: (.*))?\Z", line)
        if meta:
            kind, name, value = meta.groups()
            store = {"HELP": metrics.helps, "TYPE": metrics.families}.get(kind)
            if store is not None:
                if name in store:
                    raise AssertionError(f"{kind} of {name} twice")
                store[name] = value
            continue
        found = SAMPLE.match(line)
        if not found:
            raise AssertionError(f"bad line {line!r}")
        name, labels = found.group(1), parse_labels(found.group(2) or "{}")
        family = family_of(name, metrics.families)
        if family is None:
            raise AssertionError(f"{name} has no TYPE before it")
        if family != current:
            if family in closed:
                raise AssertionError(f"the samples of {family} are not together")
            closed.add(family)
            current = family
        key = (name, tuple(sorted(labels.items())))
        if key in seen:
            raise AssertionError(f"{key} twice")
        seen.add(key)
        metrics.samples.append((name, labels, number(found.group(3))))
    check_histograms(metrics)
    return metrics
