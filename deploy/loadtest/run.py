#!/usr/bin/python3
"""Load-tests a ranklossd, local or remote, and says whether it met its objectives.

    make load                          a daemon of its own, every workload, about two minutes
    make load URL=http://host:8080     that one
    make load FORMAT=binary            arrays as bytes instead of JSON
    deploy/loadtest/run.py --help      everything that can be set

Each run is one workload in one encoding (json, gzip, or binary: its arrays as bytes, by the Open
Inference Protocol), driven in one of two ways:
  closed  wrk keeps a number of connections busy: how much goes through?
  open    Locust sends at a set rate, whatever comes back: how long do clients wait?
Ends with a table, result.json and chart.svg, and with status 1 when an objective was missed: the
p99 of an open run, errors anywhere, or a rate that could not be held.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import chart
import workloads

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SUFFIX = {"json": "json", "gzip": "json.gz", "binary": "bin"}
GZIPPED_TOO = ("mslr", "bulk")  # the workloads that run with gzip as well, unless told otherwise


# ---- The daemon under test -----------------------------------------------------------------------

class Local:
    """A daemon of our own on a free port of the loopback address."""

    def __init__(self, binary):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [binary, "--listen", f"127.0.0.1:{port}", "--access-log", "none"],
            stderr=subprocess.DEVNULL)

    def __enter__(self):
        for _ in range(500):
            if self.process.poll() is not None:
                sys.exit(f"load: the daemon ended with {self.process.returncode}")
            try:
                urllib.request.urlopen(self.url + "/readyz", timeout=1).close()
                return self.url
            except OSError:
                time.sleep(0.02)
        self.__exit__()
        sys.exit("load: the daemon was not ready within 10 s")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Remote:
    """One that is running already."""

    def __init__(self, url):
        self.url = url.rstrip("/")

    def __enter__(self):
        try:
            urllib.request.urlopen(self.url + "/livez", timeout=5).close()
        except OSError as error:
            sys.exit(f"load: {self.url} cannot be reached: {error}")
        return self.url

    def __exit__(self, *_):
        pass


class Counters:
    """The daemon's own count of answered requests, for the progress lines; None if it cannot be reached."""

    LINE = re.compile(r'^http_requests_total\{[^}]*handler="/v[12]/[^"]*"[^}]*\} (\S+)$', re.M)

    def __init__(self, url, token):
        self.request = urllib.request.Request(
            url + "/metrics", headers={"Authorization": "Bearer " + token} if token else {})

    def read(self):
        try:
            with urllib.request.urlopen(self.request, timeout=2) as reply:
                return sum(map(float, self.LINE.findall(reply.read().decode())))
        except OSError:
            return None


# ---- One run -------------------------------------------------------------------------------------

def watch(process, counters, label, limit):
    """Prints a line a second until the process has ended; stops it at the limit (seconds)."""
    start, before = time.monotonic(), counters.read()
    while True:
        try:
            process.wait(1.0)
            return
        except subprocess.TimeoutExpired:
            took, now = time.monotonic() - start, counters.read()
            known = before is not None and now is not None
            print(f"  {label:28s} {took:5.0f} s" + (f"  {now - before:9.0f} answered" if known else ""),
                  flush=True)
            if took > limit:
                process.kill()
                process.wait()
                sys.exit(f"load: {label} did not end in {limit:.0f} s")


def run_closed(url, plan, counters, label):
    command = ["wrk", "-t1", f"-c{plan['connections']}", f"-d{plan['seconds']}s", "--timeout", "60s",
               "-s", str(HERE / "closed.lua"), url, "--", plan["path"], plan["folder"],
               str(plan["count"]), plan["suffix"], plan["token"]]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        watch(process, counters, label, plan["seconds"] + 90)
        output.seek(0)
        text = output.read()
    found = re.search(r"^\{.*\}$", text, re.M)
    if not found:
        sys.exit(f"load: wrk said:\n{text}")
    return json.loads(found.group())


def percentile(values, percent):
    """Of sorted values: the smallest that at least this share does not exceed."""
    index = max(0, -(-len(values) * percent // 100) - 1)
    return values[int(index)]


def run_open(url, plan, counters, label):
    with tempfile.TemporaryDirectory() as folder:
        result = pathlib.Path(folder, "result.json")
        environment = {**os.environ, "LOAD_OPEN": json.dumps({**plan, "result": str(result)})}
        users = str(plan["users"])
        command = ["locust", "-f", str(HERE / "locustfile.py"), "--headless", "--host", url,
                   "-u", users, "-r", users, "-t", f"{plan['seconds'] + 60}s", "-L", "ERROR",
                   "--only-summary", "--reset-stats"]
        with open(folder + "/log", "w+", encoding="utf-8") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
            watch(process, counters, label, plan["seconds"] + 90)
            if not result.exists():
                log.seek(0)
                sys.exit(f"load: locust left no result:\n{log.read()}")
        got = json.loads(result.read_text())
    values = sorted(1000 * latency for latency in got["latencies"])
    if not values:
        sys.exit(f"load: {label}: no request was answered")
    # The rate is that of the arrivals' time; what was late shows in the latencies.
    seconds = max(got["seconds"], plan["seconds"])
    return {"requests": got["requests"], "seconds": seconds, "errors": sum(got["errors"].values()),
            "max_ms": values[-1], **{f"p{p:g}_ms": percentile(values, p)
                                     for p in (50, 90, 99, 99.9)}}


def judge(row, options):
    """What the run missed, in words."""
    missed = []
    if row["errors"] > options.errors * row["requests"]:
        missed.append(f"{row['errors']} of {row['requests']} requests failed")
    if row["mode"] == "open":
        if row["p99_ms"] > row["aim_ms"]:
            missed.append(f"p99 {row['p99_ms']:.1f} ms over {row['aim_ms']:g} ms")
        # Arrivals are random: three standard deviations of their number are allowed for.
        due = row["rate"] * options.duration
        if row["requests"] / row["seconds"] * options.duration < 0.95 * due - 3 * due ** 0.5:
            missed.append(f"{row['rps']:.1f}/s instead of {row['rate']:g}/s")
    return missed


def one_run(url, name, encoding, mode, made, options, counters):
    objective = options.objectives[name]
    path = made["binary_path" if encoding == "binary" else "path"]
    plan = {"path": path, "folder": str(pathlib.Path(options.bodies, name)),
            "count": made["count"], "suffix": SUFFIX[encoding], "token": options.token,
            "seconds": options.duration, "seed": options.seed, "users": options.users,
            "rate": options.rate or objective["rate"],
            "connections": options.connections or objective["connections"]}
    label = f"{name} {encoding}, {mode}"
    got = (run_closed if mode == "closed" else run_open)(url, plan, counters, label)
    rps = got["requests"] / got["seconds"]
    row = {"workload": name, "encoding": encoding, "mode": mode, **got, "rps": rps,
           "lists_per_s": rps * made["lists"], "items_per_s": rps * made["items"],
           "megabytes_per_s": rps * made["sizes"][SUFFIX[encoding]] / 1e6, "connections": plan["connections"]}
    if mode == "open":
        row.update(rate=plan["rate"], aim_ms=options.p99 or objective["p99_ms"])
    row["missed"] = judge(row, options)
    return row


# ---- The report ----------------------------------------------------------------------------------

COLUMNS = (("workload", "<10", "workload"), ("encoding", "<6", "body"), ("mode", "<7", "loop"),
           ("requests", ">9", "requests"), ("errors", ">7", "errors"), ("rps", ">10.1f", "per s"),
           ("items_per_s", ">12,.0f", "items/s"), ("megabytes_per_s", ">7.1f", "MB/s"),
           ("p50_ms", ">9.2f", "p50 ms"), ("p90_ms", ">9.2f", "p90 ms"), ("p99_ms", ">9.2f", "p99 ms"),
           ("p99.9_ms", ">10.2f", "p99.9 ms"), ("max_ms", ">9.2f", "max ms"))


def table(rows):
    def head(form, title):
        return format(title, re.match(r"[<>]\d+", form).group())
    lines = [" ".join(head(form, title) for _, form, title in COLUMNS) + "  objective"]
    for row in rows:
        verdict = "; ".join(row["missed"]) or (
            f"met: p99 <= {row['aim_ms']:g} ms" if row["mode"] == "open" else "met: no errors")
        lines.append(" ".join(format(row[key], form) for key, form, _ in COLUMNS) + "  " + verdict)
    return "\n".join(lines)


def report(rows, url, options):
    folder = pathlib.Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.json").write_text(json.dumps({"url": url, "seed": options.seed,
                                                    "runs": rows}, indent=2) + "\n")
    (folder / "chart.svg").write_text(chart.svg(rows, f"Latency of {url}"))
    missed = [row for row in rows if row["missed"]]
    print("\n" + table(rows))
    print(f"\n{folder}/result.json, {folder}/chart.svg")
    print(f"{len(rows) - len(missed)} of {len(rows)} runs met their objectives")
    return 1 if missed else 0


def vegeta_targets(url, made, options):
    """NAME.vegeta and NAME-binary.vegeta beside the bodies, for `vegeta attack -targets=…`."""
    for name, facts in made.items():
        places = [f"{pathlib.Path(options.bodies, name).resolve()}/{number:03d}"
                  for number in range(facts["count"])]
        blocks = [f"POST {url}{facts['path']}\nContent-Type: application/json\n@{place}.json\n"
                  for place in places]
        pathlib.Path(options.bodies, name + ".vegeta").write_text("\n".join(blocks))
        blocks = [f"POST {url}{facts['binary_path']}\nContent-Type: application/octet-stream\n"
                  "Inference-Header-Content-Length: "
                  f"{pathlib.Path(place + '.bin.length').read_text()}\n@{place}.bin\n"
                  for place in places]
        pathlib.Path(options.bodies, name + "-binary.vegeta").write_text("\n".join(blocks))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = list(workloads.WORKLOADS)
    parser.add_argument("url", nargs="?", default="", help="default: start a daemon of our own")
    parser.add_argument("--workloads", default=",".join(known), help="of " + ", ".join(known))
    parser.add_argument("--modes", default="closed,open")
    parser.add_argument("--encodings", default="", help="of json, gzip, binary; default: json, "
                        "and gzip too for " + " and ".join(GZIPPED_TOO))
    parser.add_argument("--duration", type=int, default=5, help="seconds of one run")
    parser.add_argument("--rate", type=float, default=0, help="open loop: requests a second")
    parser.add_argument("--users", type=int, default=100, help="open loop: most in flight")
    parser.add_argument("--connections", type=int, default=0, help="closed loop")
    parser.add_argument("--p99", type=float, default=0, help="objective in ms for every open run")
    parser.add_argument("--errors", type=float, default=0.0, help="share that may fail")
    parser.add_argument("--objectives", default=str(HERE / "objectives.json"),
                        help="file of rate, connections and p99_ms of each workload")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--token", default=os.environ.get("RANKLOSSD_TOKEN", ""))
    parser.add_argument("--binary", default=str(ROOT / "build/ranklossd"))
    parser.add_argument("--output", default=str(ROOT / "build/load"))
    parser.add_argument("--bodies-only", action="store_true",
                        help="only write the bodies, and vegeta's targets beside them")
    options = parser.parse_args()
    options.names = [name for name in re.split(r"[,\s]+", options.workloads) if name]
    options.modes = [mode for mode in re.split(r"[,\s]+", options.modes) if mode]
    options.encodings = [word for word in re.split(r"[,\s]+", options.encodings) if word]
    options.bodies = str(pathlib.Path(options.output, "bodies"))
    unknown = set(options.names) - set(known) or set(options.modes) - {"closed", "open"} \
        or set(options.encodings) - set(SUFFIX)
    if unknown:
        parser.error("unknown: " + ", ".join(sorted(unknown)))
    options.objectives = json.loads(pathlib.Path(options.objectives).read_text())
    return options


def encodings(name, options):
    return options.encodings or (["json", "gzip"] if name in GZIPPED_TOO else ["json"])


def main():
    options = parse()
    for tool, mode in (("wrk", "closed"), ("locust", "open")):
        if mode in options.modes and not options.bodies_only and not shutil.which(tool):
            sys.exit(f"load: {tool} is missing; `make load` installs it, or choose other --modes")
    print(f"writing bodies (seed {options.seed}) ...", flush=True)
    made = {name: workloads.write(name, options.bodies, options.seed) for name in options.names}
    for name, facts in made.items():
        print(f"  {name:8s} {facts['about']}: mean {facts['items']:.0f} items, "
              "{:.1f} kB, {:.1f} kB gzipped, {:.1f} kB binary".format(
                  *(facts["sizes"][suffix] / 1e3 for suffix in ("json", "json.gz", "bin"))))
    vegeta_targets(options.url or "http://127.0.0.1:8080", made, options)
    if options.bodies_only:
        return 0
    with Remote(options.url) if options.url else Local(options.binary) as url:
        counters = Counters(url, options.token)
        print(f"driving {url}, {options.duration} s a run", flush=True)
        rows = [one_run(url, name, encoding, mode, made[name], options, counters)
                for name in options.names for encoding in encodings(name, options)
                for mode in options.modes]
    return report(rows, url, options)


if __name__ == "__main__":
    sys.exit(main())
