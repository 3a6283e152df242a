"""Where the daemon listens: ports, IPv6, unix sockets, the admin address, activation, notify."""

import os
import socket
import stat
import subprocess
import time
import unittest

from daemon import BINARY, Daemon, base_environment, run_once, scratch_directory
from wire import Wire

HINGE = "/v1/losses/pairwise_hinge"
BODY = b'{"y_true":[1,0],"y_pred":[0,1]}'


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


class Listeners(unittest.TestCase):
    def test_port_zero_is_logged(self):
        with Daemon() as daemon:
            self.assertGreater(daemon.address[1], 0)

    def test_a_name(self):
        with Daemon(listen="localhost:0") as daemon:
            self.assertEqual(daemon.get("/livez").status, 200)

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6")
    def test_ipv6(self):
        with Daemon(listen="[::1]:0") as daemon:
            self.assertEqual(daemon.address[0], "::1")
            self.assertEqual(daemon.post(HINGE, BODY).status, 200)
            with self.assertRaises(OSError):
                Wire(("127.0.0.1", daemon.address[1]), timeout=2)

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6")
    def test_every_interface(self):
        with Daemon(listen=":0") as daemon:
            port = daemon.address[1]
            for host in ("127.0.0.1", "::1"):
                with Wire((host, port)) as wire:
                    self.assertEqual(wire.exchange("GET", "/livez").status, 200)

    def test_bad_addresses(self):
        for text in ("", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:x", "::1:80",
                     "[::1", "[::1]", "unix:", "unix:" + "x" * 200, "300.1.1.1:0",
                     "no.such.host.invalid:0", "127.0.0.1:0:0"):
            with self.subTest(text):
                done = run_once("--listen=" + text)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("listen", done.stderr)


class UnixSocket(unittest.TestCase):
    def test_serves_with_the_mode_that_was_asked_for(self):
        for mode, bits in (("owner", 0o600), ("group", 0o660), ("all", 0o666)):
            path = os.path.join(scratch_directory(self), "socket")
            with Daemon("--unix-socket-mode", mode, listen="unix:" + path) as daemon:
                self.assertEqual(daemon.post(HINGE, BODY).json()["loss"], 1)
                self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), bits)
            self.assertFalse(os.path.exists(path), "removed at the end")

    def test_another_daemon_on_it_is_an_error(self):
        path = os.path.join(scratch_directory(self), "socket")
        with Daemon(listen="unix:" + path) as daemon:
            done = run_once("--listen", "unix:" + path)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(path, done.stderr)
            self.assertEqual(daemon.get("/livez").status, 200)

    def test_a_file_of_another_kind_is_not_removed(self):
        path = os.path.join(scratch_directory(self), "file")
        with open(path, "w", encoding="ascii") as file:
            file.write("precious")
        self.assertNotEqual(run_once("--listen", "unix:" + path).returncode, 0)
        with open(path, encoding="ascii") as file:
            self.assertEqual(file.read(), "precious")

    def test_abstract(self):
        name = f"ranklossd-test-{os.getpid()}"
        with Daemon(listen="unix:@" + name, start=False) as daemon:
            daemon.launch()
            daemon.log.wait("listening")
            daemon.address = "\0" + name
            self.assertEqual(daemon.get("/livez").status, 200)

    def test_curl_speaks_to_it(self):
        path = os.path.join(scratch_directory(self), "socket")
        with Daemon(listen="unix:" + path):
            done = subprocess.run(["curl", "-sS", "--unix-socket", path, "http://localhost/livez"],
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.stdout, '{"status":"alive"}')


class AdminAddress(unittest.TestCase):
    def test_metrics_only_there_and_health_on_both(self):
        with Daemon("--admin-listen", "127.0.0.1:0") as daemon:
            with daemon.connect(daemon.admin) as wire:
                for path, status in (("/metrics", 200), ("/livez", 200), ("/readyz", 200),
                                     ("/healthz", 200), (HINGE, 404), ("/v1/losses", 404),
                                     ("/", 404)):
                    self.assertEqual(wire.exchange("GET", path).status, status, path)
            for path, status in (("/metrics", 404), ("/livez", 200), ("/readyz", 200),
                                 ("/v1/losses", 200)):
                self.assertEqual(daemon.get(path, check=False).status, status, path)

    def test_on_a_unix_socket(self):
        path = os.path.join(scratch_directory(self), "admin")
        with Daemon("--admin-listen", "unix:" + path) as daemon:
            self.assertIn("http_requests_total", daemon.metrics().families.keys() | {
                name + "_total" for name in daemon.metrics().families})

    def test_it_asks_for_no_token(self):
        file = os.path.join(scratch_directory(self), "tokens")
        with open(file, "w", encoding="ascii") as tokens:
            tokens.write("a-secret-token\n")
        with Daemon("--admin-listen", "127.0.0.1:0", "--auth-tokens-file", file) as daemon:
            with daemon.connect(daemon.admin) as wire:
                self.assertIn(wire.exchange("GET", "/metrics").status, (200, 401))
                self.assertEqual(wire.exchange("GET", "/livez").status, 200)


class Activation(unittest.TestCase):
    """Sockets passed in as systemd does (sd_listen_fds)."""

    def run_activated(self, sockets, names=None, *flags):
        """Starts the daemon with these listening sockets as descriptors 3, 4, …"""
        numbers = [sock.fileno() for sock in sockets]

        def place():
            for index, number in enumerate(numbers):
                os.dup2(number, 100 + index)
            for index in range(len(numbers)):
                os.dup2(100 + index, 3 + index, inheritable=True)
            os.environ["LISTEN_PID"] = str(os.getpid())

        # The variable must hold the pid of the daemon itself, which a shell that execs can say.
        script = 'LISTEN_PID=$$ exec "$@"'
        env = {**base_environment(), "LISTEN_FDS": str(len(sockets))}
        if names:
            env["LISTEN_FDNAMES"] = names
        process = subprocess.Popen(
            ["/bin/sh", "-c", script, "sh", BINARY, "--log-format", "json", *flags], env=env,
            preexec_fn=place, close_fds=False, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def listening(self):
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        sock.listen(16)
        self.addCleanup(sock.close)
        return sock

    def test_main_socket(self):
        sock = self.listening()
        process = self.run_activated([sock])
        with Wire(sock.getsockname(), timeout=60) as wire:
            self.assertEqual(wire.exchange("GET", "/livez").status, 200)
        process.terminate()
        self.assertEqual(process.wait(60), 0)

    def test_main_and_admin_by_name(self):
        first, second = self.listening(), self.listening()
        process = self.run_activated([first, second], "http:admin")
        with Wire(second.getsockname(), timeout=60) as wire:
            self.assertEqual(wire.exchange("GET", "/metrics").status, 200)
        with Wire(first.getsockname(), timeout=60) as wire:
            self.assertEqual(wire.exchange("GET", "/metrics").status, 404)
            self.assertEqual(wire.exchange("GET", "/v1/losses").status, 200)
        process.terminate()
        self.assertEqual(process.wait(60), 0)

    def test_what_is_no_listening_socket_is_refused(self):
        sock = socket.socket()
        self.addCleanup(sock.close)
        process = self.run_activated([sock])
        self.assertNotEqual(process.wait(60), 0)


class Notify(unittest.TestCase):
    """The service manager's socket (sd_notify)."""

    def collect(self, sock, wanted, timeout=60):
        """The lines received until one starts with `wanted`."""
        lines = []
        sock.settimeout(timeout)
        while not any(line.startswith(wanted) for line in lines):
            lines += sock.recv(4096).decode().splitlines()
        return lines

    def test_ready_watchdog_and_stopping(self):
        path = os.path.join(scratch_directory(self), "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.bind(path)
            daemon = Daemon(env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"})
            self.collect(sock, "READY=1")
            self.collect(sock, "WATCHDOG=1")
            self.collect(sock, "WATCHDOG=1")
            daemon.signal(15)
            self.collect(sock, "STOPPING=1")
            daemon.stop()

    def test_reloading(self):
        import signal
        path = os.path.join(scratch_directory(self), "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.bind(path)
            with Daemon(env={"NOTIFY_SOCKET": path}) as daemon:
                self.collect(sock, "READY=1")
                daemon.signal(signal.SIGHUP)
                lines = self.collect(sock, "RELOADING=1")
                if not any(line.startswith("READY=1") for line in lines):
                    lines += self.collect(sock, "READY=1")
                self.assertTrue(any(line.startswith("MONOTONIC_USEC=") for line in lines), lines)

    def test_a_manager_that_does_not_read_blocks_nothing(self):
        path = os.path.join(scratch_directory(self), "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.bind(path)
            with Daemon(env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "20000"}) as daemon:
                time.sleep(1.5)
                self.assertEqual(daemon.get("/livez").status, 200)
