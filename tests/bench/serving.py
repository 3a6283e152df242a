#!/usr/bin/python3
"""`make bench`: ranklossd and what one would use instead, side by side on this machine.

Every round runs each contender on each workload in turn, so that a noisy neighbour hits all of them;
the table gives medians over the rounds, and goals are ratios of medians of the same run. Progress is
printed while it runs; the result goes to docs/bench.md, with charts beside it.

    make bench [ROUNDS=5] [SECONDS=3] [ONLY=one-5,1000x100]
"""
import argparse
import datetime
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

import binary
import bodies
import contenders
from bars import bars
from measuring import CONNECTIONS, cpu_seconds, drive, goal_table, once, peak_memory, say, scrape

ROOT = bodies.ROOT
# They know one loss and one metric, and n x n of a million is too much for them.
PEERS_CANNOT = {"evaluate-8", "one-1m", "one-1m-squared"}
BIG = {"one-100k"}  # n x n takes the peers many seconds: one request, timed
SERVICES = ("FastAPI + numpy", "FastAPI + torch")
FLOORS = ("empty libmicrohttpd handler", "nginx, a constant")


# ---- Measuring -----------------------------------------------------------------------------------

def jansson_rate(path):
    got = subprocess.run([str(contenders.HELPERS / "json_floor"), str(path), "1"],
                         capture_output=True, text=True, timeout=60, check=True)
    return float(got.stdout)


def loop_rate(work, size, seconds=1.0):
    """Megabytes a second of work() over `size` bytes."""
    count, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        work()
        count += 1
    return count * size / passed / 1e6


# ---- The rounds ----------------------------------------------------------------------------------

def wanted(options):
    names = options.only.split(",") if options.only else list(bodies.BODIES)
    unknown = set(names) - set(bodies.BODIES)
    if unknown:
        raise SystemExit(f"bench: no workload {', '.join(sorted(unknown))}")
    return names


def side_by_side(servers, paths, options):
    """{(contender, workload): [one result a round]}."""
    results = {}
    names = wanted(options)
    for number in range(options.rounds):
        for name in names:
            for server in servers:
                if name in PEERS_CANNOT and server.name in SERVICES:
                    continue
                if name in BIG and server.name in SERVICES:
                    if number == 0:
                        took = once(server, name, paths)
                        results[server.name, name] = [
                            {"rps": 1 / took if took else None, "p50_ms": took and took * 1e3}]
                    continue
                got = drive(server, name, paths, options.seconds)
                results.setdefault((server.name, name), []).append(got)
                say(f"  round {number + 1}/{options.rounds}  {name:12s} {server.name:28s} "
                    f"{got['rps']:10.1f}/s  p50 {got['p50_ms']:9.3f} ms")
    return results


def floors(paths):
    """What the text alone costs, in MB/s: {what: rate}."""
    text = paths["1000x100"].read_bytes()
    packed = (paths["1000x100"].parent / "000.json.gz").read_bytes()
    return {"json_loadb": statistics.median(jansson_rate(paths["1000x100"]) for _ in range(3)),
            "json.loads": loop_rate(lambda: json.loads(text), len(text)),
            "zlib inflate": loop_rate(lambda: zlib.decompress(packed, 31), len(text))}


def one_client(paths, seconds, rounds):
    """Requests a second of one client, with 1 and with 2 threads, and their ratio."""
    rates = {1: [], 2: []}
    with contenders.ranklossd("--threads", "1") as one, contenders.ranklossd("--threads", "2") as two:
        for _ in range(rounds):
            for threads, server in ((1, one), (2, two)):
                rates[threads].append(drive(server, "1000x100", paths, seconds, 1)["rps"])
    return {threads: statistics.median(values) for threads, values in rates.items()}


def logged(paths, seconds, rounds):
    """How much of its requests a second is left with a line of log for each, on a null device."""
    rates = {}
    with contenders.ranklossd() as silent, contenders.ranklossd("--access-log", "all") as talking:
        for _ in range(rounds):
            for server in (silent, talking):
                rates.setdefault(server, []).append(drive(server, "one-5", paths, seconds)["rps"])
        return statistics.median(rates[talking]) / statistics.median(rates[silent])


STAGES = {"read": "ranklossd_read_duration_seconds_sum", "decode":
          "ranklossd_decode_duration_seconds_sum", "compute": "ranklossd_compute_duration_seconds_sum",
          "encode": "ranklossd_encode_duration_seconds_sum",
          "write": "ranklossd_write_duration_seconds_sum"}


def stages(paths, seconds):
    """CPU seconds per million items, the share of each stage's time, and idle CPU, one client."""
    with contenders.ranklossd("--threads", "1") as server:
        before, used = scrape(server), cpu_seconds(server)
        drive(server, "1000x100", paths, seconds, 1)
        after, used = scrape(server), cpu_seconds(server) - used
        start, idle = time.perf_counter(), cpu_seconds(server)
        time.sleep(10)
        idle = (cpu_seconds(server) - idle) / (time.perf_counter() - start)
    items = after["ranklossd_items_total"] - before.get("ranklossd_items_total", 0)
    spent = {stage: sum(value - before.get(key, 0) for key, value in after.items()
                        if key.split("{")[0] == metric) for stage, metric in STAGES.items()}
    whole = sum(spent.values())
    return {"cpu_per_million": used / items * 1e6, "idle": idle,
            "shares": {stage: value / whole for stage, value in spent.items()}}


# ---- The report ----------------------------------------------------------------------------------

def median(results, contender, name, key="rps"):
    values = [row[key] for row in results.get((contender, name), []) if row[key]]
    return statistics.median(values) if values else None


def spread(results, contender, name):
    values = [row["rps"] for row in results[contender, name] if row["rps"]]
    return (max(values) - min(values)) / statistics.median(values) if len(values) > 1 else 0


def ratio(a, b):
    return a / b if a and b else None


def goals(results, floor, extra, paths):
    """[(what, measured, the goal, met)]; measured is None where a side could not do it."""
    rows = []

    def goal(what, value, bound, below=False, unit="x"):
        met = value is not None and (value <= bound if below else value >= bound)
        rows.append((what, value, ("≤ " if below else "≥ ") + f"{bound:g}{unit}", met, unit))

    ours, empty = "ranklossd", FLOORS[0]
    size = paths["1000x100"].stat().st_size / 1e6
    best = "1000x100"
    if (ours, "one-5") in results:
        goal("one list of 5, requests/s of the empty handler's",
             ratio(median(results, ours, "one-5"), median(results, empty, "one-5")), 0.9)
        goal("one list of 5, median latency of the empty handler's",
             ratio(median(results, ours, "one-5", "p50_ms"),
                   median(results, empty, "one-5", "p50_ms")), 1.1, below=True)
    if (ours, best) in results:
        goal("1000 x 100, MB/s of jansson's bare parse",
             ratio(median(results, ours, best) * size, floor["json_loadb"]), 10)
        for peer in SERVICES:
            goal(f"1000 x 100, requests/s of {peer}",
                 ratio(median(results, ours, best), median(results, peer, best)), 20)
        goal("1000 x 100 gzip, inflated MB/s a core of zlib's own",
             ratio(extra["gzip_rps"] * size, floor["zlib inflate"] * contenders.CORES), 0.8)
        goal("1000 x 100, one client: two threads over one",
             ratio(extra["threads"][2], extra["threads"][1]), 1.6)
        goal("peak memory of a sum, bodies in flight", extra["memory_sum"], 3, below=True)
        goal("peak memory of none, bodies in flight", extra["memory_none"], 5, below=True)
        goal("idle CPU, % of a core", 100 * extra["stages"]["idle"], 0.1, below=True, unit="%")
    if (ours, "none") in results and (ours, best) in results:
        goal("reduction none, requests/s of sum's",
             ratio(median(results, ours, "none"), median(results, ours, best)), 0.5)
    if (ours, "one-100k") in results:
        for peer in SERVICES:
            goal(f"one list of 100,000, one request of {peer}",
                 ratio(extra["one_100k_rps"], median(results, peer, "one-100k")), 200)
    return rows


def table(results, names, servers):
    lines = ["| workload | " + " | ".join(servers) + " |",
             "|---|" + "---:|" * len(servers)]
    for name in names:
        cells = []
        for server in servers:
            rate = median(results, server, name) if (server, name) in results else None
            cells.append("–" if rate is None else
                         f"{rate:,.1f}/s ±{50 * spread(results, server, name):.0f} % "
                         f"(p50 {median(results, server, name, 'p50_ms'):.2f} ms)")
        lines.append(f"| {bodies.BODIES[name].about}, {CONNECTIONS.get(name, 4)} connections | " +
                     " | ".join(cells) + " |")
    return lines


def access_log_note(extra):
    if "logged" not in extra:
        return []
    return ["None of them writes an access log here. With ours, on by default, one list of 5 comes at "
            f"{100 * extra['logged']:.0f} % of the requests a second.", ""]


def machine(options):
    cpu = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    version = subprocess.run([contenders.BINARY, "--version"], capture_output=True, text=True,
                             check=True).stdout.strip().replace("\n", "; ")
    return [f"- {datetime.date.today()}, {cpu.group(1) if cpu else 'unknown CPU'}, "
            f"{contenders.CORES} cores, shared with the load generator", f"- {version}",
            f"- command: `make bench ROUNDS={options.rounds} SECONDS={options.seconds}"
            + (f" ONLY={options.only}`" if options.only else "`")]


def report(results, names, servers, floor, extra, paths, options):
    rows = goals(results, floor, extra, paths)
    arrays = []
    if extra["binary"]:
        rates, peak = extra["binary"]
        rows += binary.goals(rates, peak)
        arrays = ["## Arrays as bytes", "", "Requests a second again, of a run of its own.", "",
                  *binary.table(rates, paths), ""]
    lines = ["# Measured side by side", "", *machine(options), "",
             "Requests a second in a closed loop (wrk), medians over interleaved rounds, ± half the "
             "spread. One request of the peers is timed for the list of 100,000.", "",
             *table(results, names, servers), "", *access_log_note(extra), *arrays, "## Goals", "",
             *goal_table(rows)]
    lines += ["", "## The floor people pay", "",
              "| reading 1000 x 100 on one thread | MB/s |", "|---|---:|"]
    lines += [f"| {what} | {rate:.1f} |" for what, rate in floor.items()]
    if "stages" in extra:
        shares = extra["stages"]["shares"]
        lines += ["", f"CPU seconds per million items: {extra['stages']['cpu_per_million']:.4f}. "
                  "Share of each stage, from the daemon's own histograms: " +
                  ", ".join(f"{stage} {100 * share:.0f} %" for stage, share in shares.items()) + "."]
    lines += ["", "![Requests a second](bench.svg)", ""]
    return "\n".join(lines)


def extras(names, paths, options):
    say("  arrays as bytes …")
    arrays = [name for name in binary.NAMES if name in names]
    extra = {"binary": binary.measure(arrays, paths, options.seconds, options.rounds) if arrays
             else None}
    if "one-5" in names:
        say("  the price of the access log …")
        extra["logged"] = logged(paths, options.seconds, options.rounds)
    if "1000x100" in names:
        say("  gzip, one client, memory, stages …")
        with contenders.ranklossd() as server:
            extra["gzip_rps"] = statistics.median(
                drive(server, "1000x100", paths, options.seconds, suffix="json.gz")["rps"]
                for _ in range(options.rounds))
        extra["threads"] = one_client(paths, options.seconds, options.rounds)
        extra["memory_sum"] = peak_memory("1000x100", paths)
        extra["memory_none"] = peak_memory("none", paths)
        extra["stages"] = stages(paths, options.seconds)
    if "one-100k" in names:
        with contenders.ranklossd() as server:
            took = once(server, "one-100k", paths)
            extra["one_100k_rps"] = 1 / took if took else None
    return extra


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", default="", help="workloads, by comma")
    parser.add_argument("--out", default=str(ROOT / "docs"), help="where bench.md and bench.svg go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = bodies.write(folder)
        say("starting the contenders …")
        servers = [contenders.ranklossd(), contenders.empty_handler(), contenders.nginx(),
                   contenders.service("numpy"), contenders.service("torch")]
        try:
            results = side_by_side(servers, paths, options)
        finally:
            for server in servers:
                server.stop()
        names = wanted(options)
        extra, floor = extras(names, paths, options), floors(paths)
        text = report(results, names, [server.name for server in servers], floor, extra, paths, options)
    groups = [(bodies.BODIES[name].about,
               [(server.name, median(results, server.name, name)) for server in servers
                if (server.name, name) in results and median(results, server.name, name)])
              for name in names]
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.md").write_text(text)
    (out / "bench.svg").write_text(bars("Requests a second, by workload and contender", "/s", groups))
    say("\n" + text)
    say(f"written to {out}/bench.md and {out}/bench.svg")


if __name__ == "__main__":
    main()
