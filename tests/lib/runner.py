"""Runs the Python tests of a directory, each file in a process of its own, several at a time.

usage: runner.py [-jN] DIRECTORY [PATTERN...]

A PATTERN picks the tests whose name (file.Class.method) contains it; TEST_SKIP in the environment
names files to leave out. Ends with "N passed, N failed[, N skipped]", and with status 1 if anything
failed or nothing ran.
"""

import argparse
import concurrent.futures
import faulthandler
import glob
import importlib.util
import json
import os
import subprocess
import sys
import time
import unittest

MARK = "runner-result: "
LIMIT_S = int(os.environ.get("TEST_TIMEOUT", "900"))


class Result(unittest.TextTestResult):
    """Remembers how long each test took, and counts a test once however many subtests fail."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.slowest, self.started, self.bad = [], 0.0, set()

    def startTest(self, test):
        self.started = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        self.slowest.append((round(time.monotonic() - self.started, 2), test.id()))
        super().stopTest(test)

    def addError(self, test, err):
        self.bad.add(test.id())
        super().addError(test, err)

    def addFailure(self, test, err):
        self.bad.add(test.id())
        super().addFailure(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.bad.add(test.id())
        super().addSubTest(test, subtest, err)


def pick(suite, patterns):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from pick(item, patterns)
        elif not patterns or any(pattern in item.id() for pattern in patterns):
            yield item


def run_file(path, patterns):
    """In the child: runs the tests of one file and prints their counts as the last line."""
    faulthandler.dump_traceback_later(LIMIT_S - 10, exit=True)
    sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(path)]
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    suite = unittest.TestSuite(pick(unittest.defaultTestLoader.loadTestsFromModule(module),
                                    patterns))
    if suite.countTestCases() == 0:
        print(MARK + json.dumps({"ran": 0, "bad": 0, "skipped": [], "slowest": []}))
        return 0
    runner = unittest.TextTestRunner(stream=sys.stdout, resultclass=Result, verbosity=0)
    result = runner.run(suite)
    print(MARK + json.dumps({
        "ran": result.testsRun, "bad": len(result.bad),
        "skipped": [(test.id(), reason) for test, reason in result.skipped],
        "slowest": sorted(result.slowest, reverse=True)[:3]}))
    return 0


def run_child(path, patterns):
    """In the parent: one file; returns (path, counts, seconds, output)."""
    start = time.monotonic()
    command = [sys.executable, "-B", os.path.abspath(__file__), "--file", path, *patterns]
    try:
        process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True, errors="replace", timeout=LIMIT_S)
        output = process.stdout
    except subprocess.TimeoutExpired as late:
        output = f"{late.stdout or ''}\n{path}: still running after {LIMIT_S} s"
    counts = {"ran": 1, "bad": 1, "skipped": [], "slowest": []}
    lines = output.splitlines()
    for index, line in enumerate(lines):
        if line.startswith(MARK):
            counts = json.loads(line[len(MARK):])
            del lines[index]
            break
    return path, counts, time.monotonic() - start, "\n".join(lines)


def report(path, counts, seconds, output):
    good = counts["ran"] - counts["bad"] - len(counts["skipped"])
    slowest = counts["slowest"][0] if counts["slowest"] else (0, "")
    print(f"  {os.path.basename(path):30s} {good:4d} passed {counts['bad']:3d} failed "
          f"{seconds:6.1f} s  (longest: {slowest[1].split('.')[-1]} {slowest[0]:.1f} s)")
    for test, reason in counts["skipped"]:
        print(f"    skipped {test}: {reason}")
    lines = output.splitlines()
    if not counts["bad"]:  # then only what a test measured and says by a line "note: …"
        lines = [line for line in lines if line.startswith("note: ")]
    for line in lines:
        print("    " + line)
    sys.stdout.flush()
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-j", type=int, default=1)
    parser.add_argument("--file")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.file:
        return run_file(options.file, options.names)
    directory, patterns = options.names[0], options.names[1:]
    left_out = os.environ.get("TEST_SKIP", "").split()
    paths = [path for path in sorted(glob.glob(os.path.join(directory, "test_*.py")))
             if os.path.splitext(os.path.basename(path))[0] not in left_out]
    passed = failed = skipped = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=options.j) as pool:
        waiting = [pool.submit(run_child, path, patterns) for path in paths]
        for done in concurrent.futures.as_completed(waiting):
            path, counts, seconds, output = done.result()
            if counts["ran"]:
                passed += report(path, counts, seconds, output)
                failed += counts["bad"]
                skipped += len(counts["skipped"])
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed + skipped else 0


if __name__ == "__main__":
    sys.exit(main())
