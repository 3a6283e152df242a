"""Runs the Python tests of a directory, each file in a process of its own, several at a time.

usage: runner.py [-jN] DIRECTORY [PATTERN...]

A PATTERN picks the tests whose name (file.Class.method) contains it. TEST_SKIP in the environment
names files to leave out. Every test that was picked counts as passed, failed or skipped: one that
did not run because its class could not be set up has failed. A file without tests, and one that
cannot be loaded, counts as one failure; a file that TEST_SKIP names as one that was skipped. Ends
with "N passed, N failed[, N skipped]", and with status 1 if anything failed or nothing ran.
"""

import argparse
import concurrent.futures
import faulthandler
import glob
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
import unittest

MARK = "runner-result: "
LIMIT_S = int(os.environ.get("TEST_TIMEOUT", "900"))
FIXTURE = re.compile(r"(setUp|tearDown)(?:Class|Module) \((.*)\)$")


class Result(unittest.TextTestResult):
    """Remembers how long each test took, and how each ended, once however many subtests it has."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.slowest, self.started = [], 0.0
        self.passed, self.bad, self.reasons = set(), set(), {}

    def startTest(self, test):
        self.started = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        self.slowest.append((round(time.monotonic() - self.started, 2), test.id()))
        super().stopTest(test)

    def addSuccess(self, test):
        self.passed.add(test.id())
        super().addSuccess(test)

    def addError(self, test, err):
        self.bad.add(test.id())
        super().addError(test, err)

    def addFailure(self, test, err):
        self.bad.add(test.id())
        super().addFailure(test, err)

    def addUnexpectedSuccess(self, test):
        self.bad.add(test.id())
        super().addUnexpectedSuccess(test)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.bad.add(test.id())
        super().addSubTest(test, subtest, err)

    def addSkip(self, test, reason):
        self.reasons[test.id()] = reason
        super().addSkip(test, reason)

    def skip_reason(self, name):
        """Why a test did not run or did not finish, if it or its class says so; else None."""
        for skipped, reason in self.reasons.items():
            fixture = FIXTURE.match(skipped)
            if skipped == name or (fixture and name.startswith(fixture.group(2) + ".")):
                return reason
        return None

    def counts(self, names):
        """What became of the tests of these names."""
        failed, skipped = [], []
        for name in names:
            reason = self.skip_reason(name)
            if name in self.bad or (reason is None and name not in self.passed):
                failed.append(name)
            elif reason is not None:
                skipped.append((name, reason))
        unready = [name for name in failed if name not in self.bad]
        torn = [name for name in self.bad if name not in names and name.startswith("tearDown")]
        return {"passed": len(names) - len(failed) - len(skipped), "failed": len(failed) + len(torn),
                "skipped": skipped, "unready": unready,
                "slowest": sorted(self.slowest, reverse=True)[:1]}


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
    tests = list(pick(unittest.defaultTestLoader.loadTestsFromModule(module), patterns))
    runner = unittest.TextTestRunner(stream=sys.stdout, resultclass=Result, verbosity=0)
    result = runner.run(unittest.TestSuite(tests))
    print(MARK + json.dumps(result.counts([test.id() for test in tests])))
    return 0


def run_child(path, patterns):
    """In the parent: one file; returns (path, counts, seconds, output)."""
    start = time.monotonic()
    command = [sys.executable, "-B", os.path.abspath(__file__), "--file", path, *patterns]
    counts = {"passed": 0, "failed": 1, "skipped": [], "unready": [], "slowest": []}
    try:
        process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True, errors="replace", timeout=LIMIT_S, check=False)
        output, status = process.stdout, process.returncode
    except subprocess.TimeoutExpired as late:
        output, status = f"{late.stdout or ''}\n{path}: still running after {LIMIT_S} s", 1
    lines = output.splitlines()
    for index, line in enumerate(lines):
        if line.startswith(MARK):
            counts = json.loads(line[len(MARK):])
            del lines[index]
            break
    if status and not counts["failed"]:
        counts["failed"] = 1
        lines.append(f"{path}: ended with status {status}")
    if not (patterns or counts["passed"] or counts["failed"] or counts["skipped"]):
        counts["failed"] = 1
        lines.append(f"{path}: has no tests")
    return path, counts, time.monotonic() - start, lines


def report(path, counts, seconds, lines):
    slowest = counts["slowest"][0] if counts["slowest"] else (0, "")
    skipped = f" {len(counts['skipped']):3d} skipped" if counts["skipped"] else ""
    print(f"  {os.path.basename(path):30s} {counts['passed']:4d} passed {counts['failed']:3d} failed"
          f"{skipped} {seconds:6.1f} s  (longest: {slowest[1].split('.')[-1]} {slowest[0]:.1f} s)")
    for test, reason in counts["skipped"]:
        print(f"    skipped {test}: {reason}")
    for test in counts["unready"]:
        print(f"    did not run: {test}")
    if not counts["failed"]:  # then only what a test measured and prints as "note: …"
        lines = [line for line in lines if line.startswith("note: ")]
    for line in lines:
        print("    " + line)
    sys.stdout.flush()


def run_directory(directory, patterns, jobs):
    left_out = os.environ.get("TEST_SKIP", "").split()
    passed = failed = skipped = 0
    paths = []
    for path in sorted(glob.glob(os.path.join(directory, "test_*.py"))):
        if os.path.splitext(os.path.basename(path))[0] in left_out:
            print(f"    skipped {os.path.basename(path)}: TEST_SKIP names it")
            skipped += 1
        else:
            paths.append(path)
    with concurrent.futures.ThreadPoolExecutor(max_workers=jobs) as pool:
        waiting = [pool.submit(run_child, path, patterns) for path in paths]
        for done in concurrent.futures.as_completed(waiting):
            path, counts, seconds, lines = done.result()
            passed += counts["passed"]
            failed += counts["failed"]
            skipped += len(counts["skipped"])
            if counts["passed"] or counts["failed"] or counts["skipped"]:
                report(path, counts, seconds, lines)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed + skipped else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-j", type=int, default=1)
    parser.add_argument("--file")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.file:
        return run_file(options.file, options.names)
    return run_directory(options.names[0], options.names[1:], options.j)


if __name__ == "__main__":
    sys.exit(main())
