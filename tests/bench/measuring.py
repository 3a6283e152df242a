"""What the benchmarks of the daemon share: driving a contender, its memory and its own metrics."""
import http.client
import json
import pathlib
import re
import subprocess
import time
import urllib.request

import bodies
import contenders
from workloads import binary_path

CLOSED = bodies.ROOT / "deploy/loadtest/closed.lua"
CONNECTIONS = {"one-5": 16, "32x10": 16, "one-1m": 1, "one-1m-squared": 1}  # else 4
WARM_UP = "one-5"
LONGER = {"one-1m": 3, "one-1m-squared": 3}  # their requests take a good part of a second


def say(text):
    print(text, flush=True)


def drive(server, name, paths, seconds, connections=None, suffix="json", binary=False):
    """wrk in a closed loop: {rps, p50_ms, p99_ms}."""
    path = bodies.BODIES[name].path
    if binary:
        path, suffix = binary_path(path), "bin"
    seconds *= LONGER.get(name, 1)
    connections = connections or CONNECTIONS.get(name, 4)
    got = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", str(CLOSED),
         server.url, "--", path, str(paths[name].parent), "1", suffix, ""],
        capture_output=True, text=True, timeout=seconds + 120, check=True).stdout
    line = json.loads(re.search(r"^\{.*\}$", got, re.M).group())
    if line["errors"] or not line["requests"]:
        raise SystemExit(f"bench: {server.name}, {name}: {line['errors']} errors of "
                         f"{line['requests']} requests")
    return {"rps": line["requests"] / line["seconds"], "p50_ms": line["p50_ms"],
            "p99_ms": line["p99_ms"]}


def request(name, paths, binary):
    """(path, body, headers) of a workload's request."""
    path, place = bodies.BODIES[name].path, paths[name]
    if not binary:
        return path, place.read_bytes(), {"Content-Type": "application/json"}
    length = place.with_suffix(".bin.length").read_text()
    return binary_path(path), place.with_suffix(".bin").read_bytes(), {
        "Inference-Header-Content-Length": length}


def once(server, name, paths, limit=300, binary=False):
    """Seconds of one request after another, the best of up to three; None when it failed."""
    (path, text, headers), took = request(name, paths, binary), []
    for _ in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=limit)
        start = time.perf_counter()
        try:
            connection.request("POST", path, text, headers)
            reply = connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if reply.status != 200:
            return None
        took.append(time.perf_counter() - start)
        if took[-1] > 5:
            break
    return min(took)


def scrape(server):
    """{series: value} of the daemon's own metrics."""
    with urllib.request.urlopen(server.url + "/metrics", timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in lines if line and line[0] != "#"}


def memory(server):
    """(resident now, resident at most) in bytes."""
    text = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return tuple(1024 * int(re.search(rf"^{key}:\s+(\d+)", text, re.M).group(1))
                 for key in ("VmRSS", "VmHWM"))


def cpu_seconds(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def peak_memory(name, paths, binary=False):
    """Peak resident memory over that of a daemon that has answered a small request, as multiples of
    the one body in flight."""
    with contenders.ranklossd() as server:
        if once(server, WARM_UP, paths, binary=binary) is None:
            raise SystemExit(f"bench: {WARM_UP} failed")
        idle, _ = memory(server)
        for _ in range(20):
            if once(server, name, paths, binary=binary) is None:
                raise SystemExit(f"bench: {name} failed")
        size = len(request(name, paths, binary)[1])
        return (memory(server)[1] - idle) / size


def goal_table(rows):
    return ["| what | measured | goal | met |", "|---|---:|---:|---|"] + [
        f"| {what} | {'no result' if value is None else f'{value:.3g}{unit}'} | {bound} | "
        f"{'yes' if met else '**no**'} |" for what, value, bound, met, unit in rows]
