"""deploy/systemd: verified and scored by systemd-analyze, and its command lines really run.

systemd is not process 1 here, so the test plays its part: a notification socket, a watchdog, a
socket handed over. That the daemon stays within the unit's system call filter is seen with strace.
"""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
import unittest

from daemon import BINARY, PATIENCE, base_environment, die_with_parent, eventually, scratch_directory
from deployment import Traffic, answers, fetch, free_port, path, run

UNIT = path("deploy/systemd/ranklossd.service")
WORST_EXPOSURE = 2.0  # of 10; what systemd-analyze security calls OK ends at 4


def read(name):
    with open(name, encoding="utf-8", errors="replace") as file:
        return file.read()


def directives(name):
    """The lines NAME=… of the unit, in order, without the name."""
    return re.findall(rf"^{name}=(.*)$", read(UNIT), re.M)


class Units(unittest.TestCase):
    """As installed: binary and manual in place, so that nothing is excused."""

    @classmethod
    def setUpClass(cls):
        cls.folder = scratch_directory(cls)
        for name in ("ranklossd.service", "ranklossd.socket"):
            with open(path("deploy/systemd", name), encoding="utf-8") as file:
                text = file.read().replace("/usr/bin/ranklossd", BINARY)
            text = re.sub(r"^Documentation=.*\n", "", text, flags=re.M)
            with open(os.path.join(cls.folder, name), "w", encoding="utf-8") as file:
                file.write(text)

    def test_systemd_verifies_both(self):
        said = run("systemd-analyze", "verify", "--man=no", self.folder + "/ranklossd.service",
                   self.folder + "/ranklossd.socket")
        self.assertEqual([line for line in said.splitlines() if "ranklossd" in line], [])

    def test_exposure_is_low(self):
        said = run("systemd-analyze", "security", "--offline=yes", "--no-pager",
                   self.folder + "/ranklossd.service")
        score = re.search(r"Overall exposure level for \S+: ([0-9.]+) (\w+)", said)
        print(f"note: systemd-analyze security: {score.group(1)} {score.group(2)}")
        self.assertLessEqual(float(score.group(1)), WORST_EXPOSURE)

    def test_stopping_takes_longer_than_draining(self):
        self.assertGreater(int(directives("TimeoutStopSec")[0]), 30 + 5)


class Manager:
    """Plays systemd for one daemon: starts it by the unit's lines and receives its notifications."""

    def __init__(self, case, config='{"listen": "127.0.0.1:0"}', extra=None, watchdog=None):
        self.folder = scratch_directory(case)
        with open(self.folder + "/ranklossd.json", "w", encoding="utf-8") as file:
            file.write(config)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.folder + "/notify")
        self.socket.settimeout(PATIENCE)
        case.addCleanup(self.socket.close)
        self.environment = {**base_environment(), "NOTIFY_SOCKET": self.folder + "/notify",
                            **dict(word.split("=", 1) for line in directives("Environment")
                                   for word in shlex.split(line)), **(extra or {})}
        if watchdog:
            self.environment["WATCHDOG_USEC"] = str(int(watchdog * 1e6))

    def command(self, name):
        line = directives(name)[0]
        return shlex.split(line.replace("/usr/bin/ranklossd", BINARY)
                           .replace("/etc/ranklossd", self.folder))

    def start(self, case, wrapper=(), **options):
        run(*self.command("ExecStartPre"), env=self.environment)
        self.process = subprocess.Popen(
            [*wrapper, *self.command("ExecStart")], env=self.environment, text=True,
            stderr=open(self.folder + "/log", "w", encoding="utf-8"), **options)
        case.addCleanup(lambda: self.process.poll() is None and self.process.kill())
        return self

    def hears(self, word):
        """The first notification that holds a line `word`; what came before is dropped."""
        while True:
            said = self.socket.recv(4096).decode().splitlines()
            if word in said:
                return said

    def log(self):
        with open(self.folder + "/log", encoding="utf-8") as file:
            return file.read()

    def address(self):
        return re.search(r"127\.0\.0\.1:\d+", self.log()).group()


class Service(unittest.TestCase):
    def test_it_says_when_it_is_ready_reloads_and_stops(self):
        manager = Manager(self).start(self)
        manager.hears("READY=1")
        fetch(f"http://{manager.address()}/readyz")
        manager.process.send_signal(signal.SIGHUP)
        manager.hears("RELOADING=1")
        manager.hears("READY=1")
        manager.process.send_signal(signal.SIGTERM)
        manager.hears("STOPPING=1")
        self.assertEqual(manager.process.wait(PATIENCE), 0)

    def test_it_feeds_the_watchdog(self):
        """Twice as often as it must."""
        manager = Manager(self, watchdog=4).start(self)
        manager.hears("READY=1")
        start = time.monotonic()
        for _ in range(3):
            manager.hears("WATCHDOG=1")
        self.assertLess(time.monotonic() - start, 3 * 4)
        manager.process.send_signal(signal.SIGTERM)
        self.assertEqual(manager.process.wait(PATIENCE), 0)

    def test_a_bad_setting_stops_it_before_it_starts(self):
        manager = Manager(self, config='{"listen": "nowhere"}')
        said = run(*manager.command("ExecStartPre"), env=manager.environment, status=1)
        self.assertIn("listen", said)

    def test_it_serves_on_the_socket_that_it_is_handed(self):
        """By systemd's own systemd-socket-activate, which starts it at the first connection."""
        port, manager = free_port(), Manager(self)
        manager.start(self, ("systemd-socket-activate", f"--listen=127.0.0.1:{port}",
                             *(f"--setenv={name}" for name in manager.environment), "--"),
                      preexec_fn=die_with_parent)
        answers(f"http://127.0.0.1:{port}/readyz")
        manager.hears("READY=1")
        self.assertEqual(fetch(f"http://127.0.0.1:{port}/v1/losses/pairwise_hinge",
                               {"y_true": [1, 0], "y_pred": [0, 0]})["loss"], 0.5)
        manager.process.send_signal(signal.SIGTERM)
        self.assertEqual(manager.process.wait(PATIENCE), 0)


@unittest.skipUnless(shutil.which("strace"), "strace is not here")
class SystemCalls(unittest.TestCase):
    """The unit's filter, without a kernel to enforce it: what is called must be what is allowed."""

    @staticmethod
    def names_of(groups):
        names = set()
        for group in groups:
            if group.startswith("@"):
                said = run("systemd-analyze", "syscall-filter", "--no-pager", group)
                members = re.findall(r"^    (@?[a-z0-9_-]+)$", said, re.M)
                names |= SystemCalls.names_of(members)
            else:
                names.add(group)
        return names

    def allowed(self):
        names = set()
        for line in directives("SystemCallFilter"):
            members = self.names_of(line.lstrip("~").split())
            names = names - members if line.startswith("~") else names | members
        return names

    def test_it_calls_only_what_the_unit_allows(self):
        folder = scratch_directory(self)
        trace, port = folder + "/trace", free_port()
        manager = Manager(self, config=f'{{"listen": "127.0.0.1:{port}", "track_names": 5}}')
        # -D: the tracer is the grandchild, so that signals reach the daemon itself.
        manager.start(self, ("strace", "-D", "-f", "-qq", "-o", trace, "--"))
        manager.hears("READY=1")
        with Traffic(f"http://127.0.0.1:{port}", threads=2):
            time.sleep(3)
        manager.process.send_signal(signal.SIGHUP)
        manager.hears("READY=1")
        manager.process.send_signal(signal.SIGTERM)
        self.assertEqual(manager.process.wait(PATIENCE), 0)
        eventually(lambda: "exit_group(0)" in read(trace), what="the end of the trace")
        called = set(re.findall(r"^\d+ +(?:<\.\.\. )?([a-z_0-9]+)(?:\(| resumed)", read(trace), re.M))
        self.assertLessEqual({"accept4", "futex", "epoll_wait"}, called)
        self.assertEqual(called - self.allowed(), set())


class HiddenProc(unittest.TestCase):
    """ProcSubset=pid hides most of /proc: the daemon's metrics must not need it."""

    def test_metrics_are_whole_where_proc_holds_processes_only(self):
        port, folder = free_port(), scratch_directory(self)
        script = ("mount -t proc -o subset=pid,hidepid=2 proc /proc && exec "
                  f"{shlex.quote(BINARY)} --listen 127.0.0.1:{port}")
        try:
            run("unshare", "--mount", "sh", "-c", "mount -t proc -o subset=pid proc /proc")
        except AssertionError as error:
            self.skipTest(f"no mount namespace here: {error}")
        process = subprocess.Popen(["unshare", "--mount", "sh", "-c", script], cwd=folder,
                                   env=base_environment(), preexec_fn=die_with_parent,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        answers(f"http://127.0.0.1:{port}/readyz")
        text = run("curl", "-sf", f"http://127.0.0.1:{port}/metrics")
        for name in ("process_start_time_seconds", "process_cpu_seconds_total",
                     "process_resident_memory_bytes", "process_open_fds", "process_max_fds"):
            value = re.search(rf"^{name} (\S+)$", text, re.M)
            self.assertTrue(value and float(value.group(1)) > 0, name)


if __name__ == "__main__":
    unittest.main()
