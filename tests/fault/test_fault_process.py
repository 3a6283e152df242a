"""FAULTS 69 to 79: signals, restarts, descriptors, logs, threads."""

import errno
import json
import os
import re
import resource
import signal
import socket
import subprocess
import threading
import time
import unittest

import schema
import busy
from daemon import (Daemon, DaemonCase, JSON_TYPE, eventually, run_once,
                    scratch_directory)
from shim import Shim
from test_fault_resources import BODY, HINGE, LARGE
from wire import Closed, Wire


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Termination(unittest.TestCase):
    def test_fault_69_readiness_falls_at_once_and_serving_goes_on(self):
        with Daemon("--shutdown-delay", "10m") as daemon:
            with daemon.connect() as kept:
                self.assertEqual(daemon.post(HINGE, BODY, wire=kept).status, 200)
                daemon.signal(signal.SIGTERM)
                eventually(lambda: daemon.get("/readyz", check=False).status == 503)
                schema.check_problem(daemon.get("/readyz"))
                self.assertEqual(daemon.get("/livez").status, 200)
                self.assertEqual(daemon.post(HINGE, BODY).status, 200)
                self.assertEqual(daemon.post(HINGE, BODY, wire=kept).status, 200)
            self.assertTrue(daemon.alive())
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(), 0)

    def test_fault_69_the_delay_ends(self):
        with Daemon("--shutdown-delay", "1s") as daemon:
            start = time.monotonic()
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(), 0)
            self.assertGreater(time.monotonic() - start, 0.9)

    def test_fault_69_after_the_delay_new_ones_are_refused_and_old_ones_finish(self):
        work = busy.long_work(3)
        with Daemon(*busy.FLAGS, "--drain-timeout", "10m") as daemon:
            with daemon.connect() as wire, daemon.connect() as second:
                wire.request("POST", "/v1/evaluate", JSON_TYPE, work)
                eventually(lambda: daemon.metrics().value("ranklossd_queue_wait_seconds_count"))
                second.request("POST", HINGE, JSON_TYPE, LARGE)
                eventually(lambda: daemon.metrics().value("ranklossd_queue_depth") == 1)
                daemon.signal(signal.SIGTERM)

                def refused():
                    try:
                        Wire(daemon.address).close()
                        return False
                    except OSError:
                        return True

                eventually(refused)
                for one in (wire, second):
                    reply = one.read_reply()
                    self.assertEqual(reply.status, 200, reply)
                    self.assertEqual((reply.header("Connection") or "").lower(), "close")
            self.assertEqual(daemon.wait(), 0)

    def test_fault_69_nothing_accepted_is_lost(self):
        """Clients in full swing at SIGTERM: each request that was accepted gets its whole reply."""
        for _ in range(3):
            self.swing(Daemon("--shutdown-delay", "300ms"))

    def swing(self, daemon):
        lost, good, over = [], [], threading.Event()

        def client(body):
            while not over.is_set():
                try:
                    wire = Wire(daemon.address)
                except OSError:
                    return
                try:
                    with wire:
                        reply = wire.exchange("POST", HINGE, {**JSON_TYPE, "Connection": "close"},
                                              body)
                    (good if reply.status == 200 else lost).append(reply.status)
                except (Closed, OSError, AssertionError) as error:
                    lost.append(repr(error))

        threads = [threading.Thread(target=client, args=(body,))
                   for body in (BODY, BODY, BODY, LARGE, LARGE)]
        with daemon:
            for thread in threads:
                thread.start()
            eventually(lambda: len(good) > 50, what="traffic")
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(), 0)
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(lost, [])
        self.assertGreater(len(good), 20)

    def test_fault_69_all_that_wait_to_be_accepted_are_served(self):
        """More than the acceptor takes in one round, all of them before it sees the signal."""
        with Daemon() as daemon:
            daemon.signal(signal.SIGSTOP)
            wires = [daemon.connect() for _ in range(600)]
            for wire in wires:
                wire.request("POST", HINGE, JSON_TYPE, BODY)
            daemon.signal(signal.SIGTERM)
            daemon.signal(signal.SIGCONT)
            self.assertEqual([wire.read_reply().status for wire in wires], [200] * 600)
            for wire in wires:
                wire.close()
            self.assertEqual(daemon.wait(), 0)

    def test_fault_69_sigint_does_the_same(self):
        with Daemon() as daemon:
            daemon.signal(signal.SIGINT)
            self.assertEqual(daemon.wait(), 0)

    def test_fault_69_idle_connections_do_not_hold_it_up(self):
        with Daemon("--drain-timeout", "10m") as daemon:
            wires = [daemon.connect() for _ in range(20)]
            for wire in wires[:10]:
                wire.exchange("GET", "/livez")
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(), 0)
            for wire in wires:
                wire.close()

    def cut_short(self, *flags, second=False):
        """A drain that does not wait: what is queued or computed gets 503, and the process ends."""
        work = busy.long_work(30)
        with Daemon(*busy.FLAGS, *flags) as daemon:
            wires = [daemon.connect() for _ in range(4)]
            wires[0].request("POST", "/v1/evaluate", JSON_TYPE, work)
            eventually(lambda: daemon.metrics().value("ranklossd_queue_wait_seconds_count"))
            for wire in wires[1:]:
                wire.request("POST", HINGE, JSON_TYPE, LARGE)
            eventually(lambda: daemon.metrics().value("ranklossd_queue_depth") == 3)
            daemon.signal(signal.SIGTERM)
            if second:
                daemon.log.wait(r"\bstopping\b")
                daemon.signal(signal.SIGTERM)
            self.assertEqual([wire.read_reply().status for wire in wires], [503] * 4)
            for wire in wires:
                wire.close()
            spent = daemon.cpu_seconds()
            self.assertEqual(daemon.wait(), 0)
        self.assertLess(spent, 15)

    def test_fault_70_drain_deadline(self):
        self.cut_short("--drain-timeout", "300ms")

    def test_fault_70_second_signal(self):
        self.cut_short("--drain-timeout", "10m", second=True)

    def test_fault_70_second_signal_cuts_the_delay_short(self):
        with Daemon("--shutdown-delay", "10m") as daemon:
            daemon.signal(signal.SIGTERM)
            daemon.log.wait(r"\bstopping\b")
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(), 0)

    def test_fault_70_clients_that_never_finish_their_body(self):
        with Daemon("--drain-timeout", "500ms", "--body-timeout", "10m",
                    "--min-upload-rate", 0) as daemon:
            with daemon.connect() as wire:
                wire.request("POST", HINGE, {**JSON_TYPE, "Content-Length": "5000"})
                wire.send("{")
                eventually(lambda: daemon.metrics().value("ranklossd_queue_bytes") == 1)
                daemon.signal(signal.SIGTERM)
                self.assertEqual(wire.read_reply().status, 503)
                self.assertEqual(daemon.wait(), 0)


class Reload(unittest.TestCase):
    def test_fault_71_a_bad_file_changes_nothing(self):
        directory = scratch_directory(self)
        config, tokens = os.path.join(directory, "config"), os.path.join(directory, "tokens")

        def write(path, text):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

        write(tokens, "the-right-token\n")
        good = json.dumps({"auth_tokens_file": tokens, "cors_origins": ["https://a.example"]})
        write(config, good)
        headers = {"Authorization": "Bearer the-right-token", "Origin": "https://a.example"}
        with Daemon("--config", config, headers=headers) as daemon:
            def failures():
                return sum(value for name, labels, value in daemon.metrics().samples
                           if "reload" in name and "fail" in str(labels) + name)

            for number, (path, text) in enumerate((
                    (config, "{"), (config, '{"nope": 1}'), (config, '{"log_level": "loud"}'),
                    (config, '{"cors_origins": ["no origin"]}'), (tokens, "short\n"),
                    (tokens, ""), (config, '{"auth_tokens_file": "/no/such"}'))):
                with self.subTest(text):
                    start = daemon.log.count()
                    write(path, text)
                    daemon.signal(signal.SIGHUP)
                    daemon.log.wait("(?i)reload", start=start)
                    eventually(lambda: failures() == number + 1)
                    reply = daemon.post(HINGE, BODY)
                    self.assertEqual(reply.status, 200)
                    self.assertEqual(reply.header("Access-Control-Allow-Origin"),
                                     "https://a.example")
                write(config, good)
                write(tokens, "the-right-token\n")
            os.unlink(config)
            daemon.signal(signal.SIGHUP)
            eventually(lambda: failures() == 8)
            self.assertEqual(daemon.post(HINGE, BODY).status, 200)


class Start(unittest.TestCase):
    def fails(self, *flags, words="", env=None):
        """One clear line, another status than 0, before listening."""
        done = run_once(*flags, env=env)
        self.assertGreater(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertRegex(done.stderr, words)
        self.assertNotIn("listening", done.stderr)

    def test_fault_72_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            self.fails("--listen", address, words=re.escape(address))
        with Daemon() as daemon:
            self.fails("--listen", "%s:%d" % daemon.address, words="in use")
            self.fails("--listen", "127.0.0.1:0", "--admin-listen", "%s:%d" % daemon.address,
                       words="admin-listen")

    def test_compute_threads_sleep_unless_told_otherwise(self):
        for given, expected in ((None, "passive"), ("active", "active")):
            with Daemon(env={"OMP_WAIT_POLICY": given} if given else None) as daemon:
                self.assertEqual(daemon.get("/readyz").status, 200)
                with open(f"/proc/{daemon.process.pid}/environ", encoding="utf-8") as file:
                    self.assertIn(f"OMP_WAIT_POLICY={expected}", file.read().split("\0"))

    def test_fault_72_files_and_settings(self):
        directory = scratch_directory(self)
        junk = os.path.join(directory, "junk")
        with open(junk, "w", encoding="ascii") as file:
            file.write("junk\n")
        here = ("--listen", "127.0.0.1:0")
        self.fails(*here, "--tls-cert", junk, "--tls-key", junk, words="tls-cert: .*junk")
        self.fails(*here, "--auth-tokens-file", "/no/such", words="auth-tokens-file.*/no/such")
        self.fails(*here, "--auth-tokens-file", directory, words="auth-tokens-file")
        self.fails(*here, "--no-such-setting", "1", words="no-such-setting")
        self.fails(*here, "--config", junk, words="junk")
        self.fails("--listen", "192.0.2.1:0", words="listen")
        self.fails("--listen", "unix:/no/such/directory/socket", words="/no/such")

    def test_fault_72_a_newline_in_a_value_stays_one_line(self):
        self.fails("--listen", "127.0.0.1:0\nfake line", words="listen")
        self.fails("--bad\nflag", words="bad")

    def test_fault_76_threads_cannot_be_created(self):
        """At every point of the start: an exit before listening, never a hang or a crash."""
        needed = None
        for allowed in range(40):
            shim = Shim(threads=allowed)
            daemon = Daemon("--threads", 4, "--io-threads", 2, env=shim.env, start=False)
            daemon.launch()
            try:
                if self.started(daemon):
                    needed = allowed
                    break
                self.assertGreater(daemon.process.returncode, 0, daemon.log.text())
                eventually(daemon.log.text, what="a word of why")
                daemon.check_words()
            finally:
                if daemon.process.poll() is None:
                    daemon.signal(signal.SIGTERM)
                    daemon.wait()
        self.assertGreater(needed, 4)

    def started(self, daemon):
        """Whether it got as far as listening, rather than ending."""
        def decided():
            return "listening" in daemon.log.text() or daemon.process.poll() is not None

        eventually(decided)
        if daemon.process.poll() is not None:
            self.assertNotIn("listening", daemon.log.text())
            return False
        return True


class Descriptors(unittest.TestCase):
    def test_fault_73_none_left(self):
        """No spin, no flood of log lines, and service as soon as there are some again."""
        with Daemon("--threads", 1, "--io-threads", 1) as daemon:
            self.assertEqual(daemon.post(HINGE, BODY).status, 200)
            limit = daemon.descriptors() + 6
            resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (limit, 4096))
            wires = []
            for _ in range(60):
                try:
                    wires.append(Wire(daemon.address, timeout=2))
                except OSError:
                    break
            time.sleep(0.5)
            lines, cpu, start = daemon.log.count(), daemon.cpu_seconds(), time.monotonic()
            time.sleep(2)
            spent = (daemon.cpu_seconds() - cpu) / (time.monotonic() - start)
            self.assertLess(spent, 0.3)
            self.assertLess(daemon.log.count() - lines, 40)
            for wire in wires:
                wire.close()
            eventually(lambda: self.answers(daemon), what="recovery")
            resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (4096, 4096))
            for _ in range(20):
                self.assertEqual(daemon.post(HINGE, BODY).status, 200)

    def answers(self, daemon):
        try:
            return daemon.get("/livez").status == 200
        except (Closed, OSError):
            return False

    def test_fault_73_errors_of_accept(self):
        """Some concern one connection and pass; those that mean exhaustion may last."""
        for number in (errno.ECONNABORTED, errno.EINTR, errno.EPROTO, errno.EPERM, errno.EMFILE,
                       errno.ENFILE, errno.ENOMEM, errno.ENOBUFS):
            shim = Shim()
            with self.subTest(errno.errorcode[number]), Daemon(env=shim.env) as daemon:
                shim.accept_error, shim.accept_times = number, 20
                eventually(lambda: self.answers(daemon))
                if number in (errno.ECONNABORTED, errno.EINTR, errno.EPROTO, errno.EPERM):
                    continue
                shim.accept_error, shim.accept_times = number, 1 << 40
                try:
                    Wire(daemon.address, timeout=1).close()
                except OSError:
                    pass
                lines, cpu = daemon.log.count(), daemon.cpu_seconds()
                time.sleep(1)
                self.assertLess(daemon.cpu_seconds() - cpu, 0.5)
                self.assertLess(daemon.log.count() - lines, 40)
                shim.accept_times = 0
                eventually(lambda: self.answers(daemon))


class LogTargets(unittest.TestCase):
    def serve_with(self, stderr):
        """Keeps serving whatever happens to its log."""
        daemon = Daemon(listen=f"127.0.0.1:{free_port()}", stderr=stderr)
        with daemon:
            for _ in range(300):
                self.assertEqual(daemon.post(HINGE, BODY).status, 200)
            return daemon.metrics()

    def test_fault_74_full_disk(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            self.serve_with(full)

    def test_fault_74_read_only(self):
        with open(__file__, encoding="utf-8") as source:
            self.serve_with(source)

    def test_fault_74_reader_gone(self):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "w") as stderr:
            self.serve_with(stderr)

    def test_fault_74_reader_that_does_not_read(self):
        reader, writer = os.pipe()
        with os.fdopen(writer, "w") as stderr, os.fdopen(reader):
            daemon = Daemon(listen=f"127.0.0.1:{free_port()}", stderr=stderr)
            with daemon:
                for _ in range(1500):
                    self.assertEqual(daemon.get("/livez").status, 200)

    def test_fault_74_closed(self):
        daemon = Daemon(listen=f"127.0.0.1:{free_port()}", stderr=subprocess.DEVNULL,
                        preexec=lambda: os.close(2))
        with daemon:
            for _ in range(50):
                self.assertEqual(daemon.post(HINGE, BODY).status, 200)

    def test_fault_74_a_file_that_reaches_its_size_limit(self):
        path = os.path.join(scratch_directory(self), "log")
        with open(path, "w", encoding="ascii") as file:
            daemon = Daemon(listen=f"127.0.0.1:{free_port()}", stderr=file,
                            limits={resource.RLIMIT_FSIZE: 8192})
            with daemon:
                for _ in range(200):
                    self.assertEqual(daemon.post(HINGE, BODY).status, 200)


class Signals(unittest.TestCase):
    def test_fault_75_sigpipe_is_ignored(self):
        with Daemon() as daemon:
            with open(f"/proc/{daemon.pid}/status", encoding="ascii") as file:
                ignored = int(re.search(r"SigIgn:\s+(\w+)", file.read()).group(1), 16)
            self.assertTrue(ignored >> (signal.SIGPIPE - 1) & 1)
            for _ in range(100):
                with daemon.connect() as wire:
                    wire.request("GET", "/openapi.json")
                    wire.request("POST", HINGE, JSON_TYPE, LARGE)
                    wire.reset()
            daemon.signal(signal.SIGPIPE)
            self.assertEqual(daemon.post(HINGE, BODY).status, 200)

    def test_fault_75_other_signals(self):
        """Those that terminals and supervisors send by habit do not end the daemon."""
        with Daemon() as daemon:
            for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGWINCH, signal.SIGURG,
                           signal.SIGCONT):
                daemon.signal(number)
            self.assertEqual(daemon.post(HINGE, BODY).status, 200)

    def test_fault_77_kill_9_and_restart_on_the_same_port(self):
        first = Daemon()
        address = "%s:%d" % first.address
        clients = [first.connect() for _ in range(10)]
        for wire in clients:
            wire.exchange("GET", "/livez")
        for _ in range(3):
            first.kill()
            first = Daemon(listen=address)
            self.assertEqual(first.post(HINGE, BODY).status, 200)
            clients.append(first.connect())
        first.stop()
        for wire in clients:
            wire.close()

    def test_fault_77_a_stale_unix_socket_is_replaced(self):
        path = "unix:" + os.path.join(scratch_directory(self), "socket")
        for _ in range(3):
            daemon = Daemon(listen=path)
            self.assertEqual(daemon.post(HINGE, BODY).status, 200)
            daemon.kill()
        with Daemon(listen=path) as daemon:
            self.assertEqual(daemon.post(HINGE, BODY).status, 200)

    def test_fault_78_sigstop_and_sigcont(self):
        with Daemon("--request-timeout", "10m") as daemon:
            wires = [daemon.connect() for _ in range(12)]
            for index, wire in enumerate(wires[:6]):
                wire.request("POST", HINGE, JSON_TYPE, LARGE if index % 2 else BODY)
            daemon.signal(signal.SIGSTOP)
            for index, wire in enumerate(wires[6:]):
                wire.request("POST", HINGE, JSON_TYPE, LARGE if index % 2 else BODY)
            time.sleep(1.5)
            daemon.signal(signal.SIGCONT)
            self.assertEqual([wire.read_reply().status for wire in wires], [200] * 12)
            for wire in wires:
                wire.close()
            self.assertEqual(daemon.post(HINGE, LARGE).status, 200)

    def test_fault_78_stopped_longer_than_the_deadline(self):
        work = busy.long_work(30)
        with Daemon(*busy.FLAGS, "--request-timeout", "1s") as daemon:
            with daemon.connect() as wire:
                wire.request("POST", "/v1/evaluate", JSON_TYPE, work)
                eventually(lambda: daemon.metrics().value("ranklossd_queue_wait_seconds_count"))
                daemon.signal(signal.SIGSTOP)
                time.sleep(1.2)
                daemon.signal(signal.SIGCONT)
                self.assertEqual(wire.read_reply().status, 503)
            self.assertLess(daemon.cpu_seconds(), 15)
            eventually(lambda: daemon.post(HINGE, LARGE).status == 200)
