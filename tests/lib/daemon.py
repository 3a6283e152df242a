"""Starts the real daemon, talks to it and stops it.

Every reply got through Daemon.exchange and its shorthands is checked against openapi.json. At the
end the daemon must exit with status 0, and no sanitizer may have reported anything.
"""

import ctypes
import json
import os
import re
import resource
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import schema
from wire import Wire

ROOT = schema.ROOT
BINARY = os.environ.get("RANKLOSSD", os.path.join(ROOT, "build/ranklossd"))
JSON_TYPE = {"Content-Type": "application/json"}
SANITIZER_SAYS = re.compile(
    r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:|ERROR SUMMARY: [1-9]"
    r"|malloc\(\): |free\(\): |double free|stack smashing|Assertion .* failed")
ADDRESS = re.compile(r"(unix:[^\s\"]+|\[[0-9a-f:.]+\]:\d+|\d+\.\d+\.\d+\.\d+:\d+)")


def is_sanitized(binary=BINARY):
    """Which sanitizer is linked into the binary: "address", "thread", "undefined" or None."""
    with open(binary, "rb") as file:
        text = file.read()
    for mark, name in ((b"__asan_init", "address"), (b"__tsan_init", "thread"),
                       (b"__ubsan_handle", "undefined")):
        if mark in text:
            return name
    return None


SANITIZER = is_sanitized() if os.path.exists(BINARY) else None
WRAPPER = os.environ.get("RANKLOSSD_WRAPPER", "").split()  # for example valgrind and its flags
# How much longer than on a plain build things may take.
SLOW = 20 if WRAPPER else 5 if SANITIZER else 1
# How many seconds an event may take to come. Only a test that fails waits that long, so it is far
# more than a slow machine with other work to do needs.
PATIENCE = 60


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def base_environment(extra=None):
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("RANKLOSSD")}
    environment["ASAN_OPTIONS"] = ("detect_leaks=1:exitcode=99:allocator_may_return_null=1:"
                                   "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", ""))
    environment["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1:exitcode=98"
    environment["TSAN_OPTIONS"] = "exitcode=97:" + os.environ.get("TSAN_OPTIONS", "")
    environment.update(extra or {})
    return environment


def run_once(*flags, env=None, timeout=PATIENCE, **options):
    """Runs the daemon's binary to its end (--check, --version, a start that must fail)."""
    return subprocess.run([*WRAPPER, BINARY, *flags], capture_output=True, text=True,
                          timeout=timeout * SLOW, env=base_environment(env), check=False,
                          **options)


def instruction_sets():
    """Those that this machine has and the daemon has kernels for; the first is always there."""
    return [isa for isa in ("baseline", "avx2", "avx512")
            if run_once("--version", env={"RANKLOSSD_ISA": isa}).returncode == 0]


def parse_address(text):
    if text.startswith("unix:"):
        return text[5:]
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


class Log:
    """What the daemon writes to its standard error, line by line, while it runs."""

    def __init__(self, stream):
        self.lines, self.stream = [], stream
        self.changed = threading.Condition()
        self.done = False
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self):
        for line in self.stream:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.done = True
            self.changed.notify_all()

    def wait(self, pattern, timeout=PATIENCE, start=0):
        """The first line from `start` on that the pattern is found in; AssertionError without."""
        pattern, end = re.compile(pattern), time.monotonic() + timeout * SLOW
        with self.changed:
            while True:
                for line in self.lines[start:]:
                    if pattern.search(line):
                        return line
                left = end - time.monotonic()
                if left <= 0 or self.done:
                    raise AssertionError(f"no log line with {pattern.pattern!r} in "
                                         + "\n".join(self.lines[-30:]))
                self.changed.wait(left)

    def wait_end(self):
        """Until the last line of a process that has ended is in."""
        with self.changed:
            self.changed.wait_for(lambda: self.done, PATIENCE * SLOW)

    def text(self):
        with self.changed:
            return "\n".join(self.lines)

    def count(self):
        with self.changed:
            return len(self.lines)


class Daemon:
    """
    A running daemon. flags: command line after the usual ones. listen None leaves the address to
    the flags or the environment. stderr: where its log goes instead of being followed (then give
    a fixed `listen`).
    """

    def __init__(self, *flags, listen="127.0.0.1:0", env=None, tls=None, stderr=None,
                 limits=None, start=True, headers=None, log_level="info", log_format="json",
                 preexec=None, binary=BINARY, wrapper=WRAPPER, pass_fds=()):
        self.command = [*wrapper, binary]
        if listen:
            self.command += ["--listen", listen]
        if log_level:
            self.command += ["--log-level", log_level]
        if log_format:
            self.command += ["--log-format", log_format]
        self.command += [str(flag) for flag in flags]
        self.env, self.tls, self.limits = base_environment(env), tls, limits or {}
        self.stderr, self.preexec, self.pass_fds = stderr, preexec, pass_fds
        self.headers = dict(headers or {})
        self.listen, self.admin, self.address = listen, None, None
        self.process = self.log = None
        self.stopped = False
        if start:
            self.start()

    def _prepare_child(self):
        die_with_parent()
        for which, value in self.limits.items():
            resource.setrlimit(which, (value, value))
        if self.preexec:
            self.preexec()

    def launch(self):
        """Starts the process and follows its log, without waiting for anything."""
        self.process = subprocess.Popen(
            self.command, env=self.env, preexec_fn=self._prepare_child, text=True,
            errors="replace", stdin=subprocess.DEVNULL, pass_fds=self.pass_fds,
            stderr=subprocess.PIPE if self.stderr is None else self.stderr)
        if self.stderr is None:
            self.log = Log(self.process.stderr)
        return self

    def start(self):
        self.launch()
        try:
            if self.log:
                self._learn_addresses()
            else:
                self.address = parse_address(self.listen)
            self.wait_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def _learn_addresses(self):
        line = self.log.wait("ranklossd listening")
        self.address = parse_address(ADDRESS.search(line).group(1))
        if any(flag.startswith("--admin-listen") for flag in self.command) or (
                "RANKLOSSD_ADMIN_LISTEN" in self.env):
            line = self.log.wait("admin listening")
            self.admin = parse_address(ADDRESS.search(line).group(1))

    def wait_ready(self, timeout=PATIENCE):
        end = time.monotonic() + timeout * SLOW
        while True:
            try:
                with self.connect(self.admin or self.address) as wire:
                    if wire.exchange("GET", "/readyz").status in (200, 401, 404):
                        return
            except (OSError, AssertionError, Exception) as error:  # not up yet
                if self.process.poll() is not None:
                    raise AssertionError(f"ended with {self.process.returncode}: "
                                         f"{self.log and self.log.text()}") from error
            if time.monotonic() > end:
                raise AssertionError("not ready: " + (self.log.text() if self.log else ""))
            time.sleep(0.02)

    # ---- talking to it ---------------------------------------------------------------------------

    def connect(self, address=None, timeout=PATIENCE, **options):
        use_admin_plain = self.admin and address == self.admin
        tls = None if use_admin_plain else self.tls
        return Wire(address or self.address, timeout=timeout * SLOW, tls=tls, **options)

    def exchange(self, method, path, headers=(), body=None, wire=None, check=True):
        """One checked exchange, on its own connection unless one is given."""
        fields = {**self.headers, **dict(headers)}
        if wire is None:
            with self.connect() as wire:
                reply = wire.exchange(method, path, {**fields, "Connection": "close"}, body)
        else:
            reply = wire.exchange(method, path, fields, body)
        if check:
            plain = body if "content-encoding" not in {n.lower() for n in fields} else None
            schema.check_reply(method, path, reply, plain)
        return reply

    def get(self, path, headers=(), **options):
        return self.exchange("GET", path, headers, **options)

    def post(self, path, value, headers=(), **options):
        """POSTs JSON: bytes and text as they are, anything else serialised."""
        if isinstance(value, str):
            value = value.encode()
        elif not isinstance(value, bytes):
            value = json.dumps(value, allow_nan=False).encode()
        return self.exchange("POST", path, {**JSON_TYPE, **dict(headers)}, value, **options)

    def evaluate(self, path, value, headers=(), status=200, **options):
        """The JSON of a POST that must have this status."""
        reply = self.post(path, value, headers, **options)
        if reply.status != status:
            raise AssertionError(f"{path}: expected {status}, got {reply}")
        return reply.json()

    def metrics(self, address=None):
        import exposition
        with self.connect(address or self.admin) as wire:
            return exposition.parse(wire.exchange("GET", "/metrics", self.headers).text())

    def settled_metrics(self):
        """
        The metrics once no request but the scrape is in flight: a request is counted when the last
        of its reply has left, which its client may have read by then.
        """
        seen = []

        def alone():
            seen.append(self.metrics())
            return seen[-1].value("http_requests_in_flight") <= 1

        eventually(alone, what="an end of all requests")
        return seen[-1]

    # ---- its process -----------------------------------------------------------------------------

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=PATIENCE):
        """The status it ends with; its whole log is in then."""
        status = self.process.wait(timeout * SLOW)
        if self.log:
            self.log.wait_end()
        return status

    def rss(self):
        """Resident bytes now."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def peak_rss(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) * 1024

    def reset_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.stopped = True

    def check_words(self):
        """No sanitizer, allocator or assertion has said anything."""
        text = self.log.text() if self.log else ""
        said = SANITIZER_SAYS.search(text)
        if said:
            raise AssertionError("\n" + text[max(said.start() - 500, 0):said.start() + 10000])

    def stop(self, status=0, timeout=PATIENCE):
        """SIGTERM: the daemon must exit with this status, in this time, without a message."""
        if self.stopped:
            return
        self.stopped = True
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.wait(timeout)
        except subprocess.TimeoutExpired as late:
            self.kill()
            raise AssertionError(f"still running {timeout} s after SIGTERM: "
                                 + (self.log.text()[-4000:] if self.log else "")) from late
        self.check_words()
        if code != status:
            raise AssertionError(f"ended with {code}: "
                                 + (self.log.text()[-4000:] if self.log else ""))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()


class DaemonCase(unittest.TestCase):
    """Tests that share one daemon; `flags` are its flags."""

    flags = ()
    options = {}

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(*cls.flags, **cls.options)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def setUp(self):
        if not self.daemon.alive():
            self.fail(f"the daemon is gone: {self.daemon.log.text()[-4000:]}")

    def refused(self, reply, status, pointer=None, words=None, closes=None, inference=False):
        """A problem with this status, and with an error at this JSON Pointer. inference: an error
        of /v2, whose text begins with the pointer."""
        self.assertEqual(reply.status, status, reply)
        if inference:
            schema.check_inference_error(reply)
            place, _, detail = reply.json()["error"].rpartition(": ") if pointer is None else (
                reply.json()["error"].partition(": "))
            problem = {"detail": place + ": " + detail,
                       "errors": [{"pointer": place, "detail": detail}]}
        else:
            problem = schema.check_problem(reply)
        if pointer is not None:
            pointers = [error["pointer"] for error in problem.get("errors", [])]
            self.assertIn(pointer, pointers, problem)
        if words is not None:
            said = problem["detail"] + " ".join(e["detail"] for e in problem.get("errors", []))
            self.assertRegex(said, words)
        if closes is not None:
            self.assertEqual((reply.header("Connection") or "").lower() == "close", closes, reply)
        return problem


def scratch_directory(case):
    """A directory that lives as long as the test (or the class, given the class)."""
    directory = tempfile.TemporaryDirectory(prefix="ranklossd-test-")
    (case.addClassCleanup if isinstance(case, type) else case.addCleanup)(directory.cleanup)
    return directory.name


def client_context(ca, certificate=None, key=None):
    context = ssl.create_default_context(cafile=ca)
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


def eventually(condition, timeout=PATIENCE, what="the condition"):
    """Waits until condition() is true; AssertionError after the time."""
    end = time.monotonic() + timeout * SLOW
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {timeout * SLOW} s")
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit("a module for tests")
