#!/usr/bin/python3
"""Arrays as bytes beside the same arrays as JSON, and beside a handler that only reads the body.

    make bench-binary [ROUNDS=5] [SECONDS=3] [ONLY=1000x100,none]

Every round drives each way in turn, so that a noisy neighbour hits all of them; medians over the
rounds, and goals are ratios of medians of the same run. `make bench` has this as a section. Labels
are INT8 and scores FP32, with the JSON header as long as a client makes it, and results come back as
bytes too.
"""
import argparse
import statistics
import tempfile

import bodies
import contenders
from measuring import WARM_UP, drive, goal_table, peak_memory, say

GOALS = {"1000x100": 3, "none": 4, "one-1m": 3, "one-1m-squared": 3}  # requests/s of JSON
NAMES = tuple(GOALS)
OF_EMPTY = 0.5
MEMORY = 2


def ways(server, empty):
    """(name, contender, binary)"""
    return (("JSON", server, False), ("binary", server, True), ("empty handler", empty, True))


def measure(names, paths, seconds, rounds):
    """{workload: {way: median requests/s}}, and bodies of memory that a sum takes at most."""
    rates = {name: {} for name in names}
    with contenders.ranklossd() as server, contenders.empty_handler() as empty:
        for number in range(rounds):
            for name in names:
                for way, contender, binary in ways(server, empty):
                    got = drive(contender, name, paths, seconds, binary=binary)["rps"]
                    rates[name].setdefault(way, []).append(got)
                    say(f"  round {number + 1}/{rounds}  {name:12s} {way:28s} {got:10.1f}/s")
    rates = {name: {way: statistics.median(values) for way, values in by_way.items()}
             for name, by_way in rates.items()}
    memory = peak_memory("1000x100", paths, binary=True) if "1000x100" in names else None
    return rates, memory


def goals(rates, memory):
    """[(what, measured, the goal, met, unit)]"""
    rows = []
    for name, by_way in rates.items():
        about = bodies.BODIES[name].about
        value = by_way["binary"] / by_way["JSON"]
        rows.append((f"{about}: binary, requests/s of JSON", value, f"≥ {GOALS[name]:g}x",
                     value >= GOALS[name], "x"))
        if name == "1000x100":
            value = by_way["binary"] / by_way["empty handler"]
            rows.append((f"{about}: binary, requests/s of the empty handler", value,
                         f"≥ {OF_EMPTY:g}x", value >= OF_EMPTY, "x"))
    if memory is not None:
        rows.append(("peak memory of a sum in binary, bodies in flight", memory, f"≤ {MEMORY:g}x",
                     memory <= MEMORY, "x"))
    return rows


def table(rates, paths):
    lines = ["| workload | body: JSON, binary | JSON | binary | empty handler, binary |",
             "|---|---:|---:|---:|---:|"]
    for name, by_way in rates.items():
        sizes = " kB, ".join(f"{path.stat().st_size / 1e3:,.0f}" for path in
                             (paths[name], paths[name].with_suffix(".bin")))
        lines.append(f"| {bodies.BODIES[name].about} | {sizes} kB | " + " | ".join(
            f"{by_way[way]:,.1f}/s" for way in ("JSON", "binary", "empty handler")) + " |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", default=",".join(NAMES), help="of " + ", ".join(NAMES))
    options = parser.parse_args()
    names = options.only.split(",")
    if set(names) - set(NAMES):
        parser.error("unknown workload")
    with tempfile.TemporaryDirectory() as folder:
        paths = bodies.write(folder, [*names, WARM_UP])
        rates, memory = measure(names, paths, options.seconds, options.rounds)
        say("\n" + "\n".join([*table(rates, paths), "",
                                      *goal_table(goals(rates, memory))]))


if __name__ == "__main__":
    main()
