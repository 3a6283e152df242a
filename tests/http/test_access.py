"""Bearer tokens, TLS and client certificates: what a stranger gets."""

import json
import os
import signal
import socket
import ssl
import subprocess
import unittest

from daemon import (BINARY, PATIENCE, WRAPPER, Daemon, DaemonCase, JSON_TYPE, base_environment,
                    client_context, eventually, run_once, scratch_directory)

HINGE = "/v1/losses/pairwise_hinge"
BODY = b'{"y_true":[1,0],"y_pred":[0,1]}'
TOKENS = ("first-token-0123456789", "second.token_~+/-===")
OPEN = ("/", "/openapi.json", "/livez", "/readyz", "/healthz", "/v2/health/live",
        "/v2/health/ready")
SHUT = ("/v1/losses", "/v1/metrics", "/metrics", "/nope", HINGE)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def bearer(token, scheme="Bearer"):
    return {"Authorization": f"{scheme} {token}"}


class Tokens(DaemonCase):
    @classmethod
    def setUpClass(cls):
        cls.file = os.path.join(scratch_directory(cls), "tokens")
        write(cls.file, "# ours\n\n" + "\n".join(TOKENS) + "\n")
        cls.daemon = Daemon("--auth-tokens-file", cls.file)

    def refused_401(self, reply):
        self.refused(reply, 401)
        self.assertTrue(reply.header("WWW-Authenticate").startswith("Bearer"))

    def test_each_token_opens(self):
        for token in TOKENS:
            for scheme in ("Bearer", "bearer", "BEARER"):
                reply = self.daemon.post(HINGE, BODY, bearer(token, scheme))
                self.assertEqual(reply.status, 200)

    def test_a_stranger_reads_only_what_is_open(self):
        for path in OPEN:
            self.assertEqual(self.daemon.get(path).status, 200, path)
        for path in SHUT:
            for method in ("GET", "HEAD", "PUT"):
                reply = self.daemon.exchange(method, path, check=False)
                self.assertEqual(reply.status, 401, (method, path))
        for path in (HINGE, "/v1/evaluate", "/v1/metrics/ndcg", "/nope", "/", "/livez"):
            reply = self.daemon.exchange("POST", path, JSON_TYPE, BODY, check=False)
            self.assertEqual(reply.status, 401 if path not in OPEN else 405, path)

    def test_wrong_ones(self):
        token = TOKENS[0]
        for value in ("", "Bearer", "Bearer ", token, f"Basic {token}", f"Bearer {token}x",
                      f"Bearer {token[:-1]}", f"Bearer {token} {token}", f"Bearer  x{token}",
                      f"Token {token}", "Bearer " + "x" * 5000, f'Bearer "{token}"',
                      f"Bearer\t{token[1:]}", "Bearer # ours"):
            with self.subTest(value[:40]):
                self.refused_401(self.daemon.post(HINGE, BODY, {"Authorization": value}))

    def test_a_token_in_the_query_does_not_count(self):
        self.refused_401(self.daemon.post(f"{HINGE}?access_token={TOKENS[0]}", BODY))

    def test_metrics_open_with_a_token(self):
        reply = self.daemon.get("/metrics", bearer(TOKENS[1]))
        self.assertEqual(reply.status, 200)
        self.assertIn("ranklossd_rejected_requests_total", reply.text())

    def test_preflight_needs_none(self):
        reply = self.daemon.exchange("OPTIONS", HINGE, {
            "Origin": "https://x.example", "Access-Control-Request-Method": "POST"}, check=False)
        self.assertEqual(reply.status, 204)

    def test_tokens_are_never_logged(self):
        self.daemon.post(f"{HINGE}?access_token={TOKENS[0]}", BODY, bearer("wrong-secret-77777"))
        self.daemon.post(HINGE, BODY, {**bearer(TOKENS[1]), "X-Request-Id": "after-secrets"})
        self.daemon.log.wait("after-secrets")
        for secret in (*TOKENS, "wrong-secret-77777"):
            self.assertNotIn(secret, self.daemon.log.text())

    def test_reload_changes_tokens(self):
        file = write(os.path.join(scratch_directory(self), "tokens"), TOKENS[0] + "\n")
        with Daemon("--auth-tokens-file", file) as daemon:
            self.assertEqual(daemon.post(HINGE, BODY, bearer(TOKENS[1])).status, 401)
            write(file, TOKENS[1])
            daemon.signal(signal.SIGHUP)
            eventually(lambda: daemon.post(HINGE, BODY, bearer(TOKENS[1])).status == 200)
            self.assertEqual(daemon.post(HINGE, BODY, bearer(TOKENS[0])).status, 401)

    def test_open_paths_can_be_chosen(self):
        with Daemon("--auth-tokens-file", self.file, "--open-paths",
                    "/readyz,/metrics,/v1/losses") as daemon:
            for path in ("/readyz", "/metrics", "/v1/losses"):
                self.assertEqual(daemon.get(path).status, 200, path)
            for path in ("/", "/livez", "/v1/metrics", HINGE):
                self.assertEqual(daemon.exchange("GET", path, check=False).status, 401, path)

    def test_bad_files_stop_the_start(self):
        directory = scratch_directory(self)
        for text in ("", "# only a comment\n", "s3cr3t\n", "has blank inside it\n",
                     "x" * 1025 + "\n", "ümlaut-ümlaut\n"):
            file = write(os.path.join(directory, "tokens"), text)
            done = run_once("--listen", "127.0.0.1:0", "--auth-tokens-file", file)
            self.assertNotEqual(done.returncode, 0, text)
            self.assertIn("auth-tokens-file", done.stderr)
            self.assertNotIn(text.strip() or "nothing", done.stderr.replace(file, ""))


def openssl(*arguments, text=None):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, input=text, text=True)


class Authority:
    """A certificate authority in a directory, and certificates signed by it."""

    def __init__(self, directory, name="ca"):
        self.directory, self.name = directory, name
        self.certificate = self.path(name + ".pem")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.path(name + ".key"), "-out", self.certificate, "-days", "2",
                "-subj", f"/CN=test {name}")

    def path(self, name):
        return os.path.join(self.directory, name)

    def issue(self, name, subject="localhost"):
        """Paths of (certificate, key)."""
        key, request, certificate = (self.path(f"{name}.{end}") for end in ("key", "csr", "pem"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", key, "-out", request, "-subj", f"/CN={subject}")
        extensions = write(self.path(name + ".ext"),
                           f"subjectAltName=DNS:{subject},IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey",
                self.path(self.name + ".key"), "-CAcreateserial", "-days", "2", "-out", certificate,
                "-extfile", extensions)
        return certificate, key


class Hosts(DaemonCase):
    """allowed-hosts, against DNS rebinding."""
    flags = ("--allowed-hosts", "api.example.com,ranklossd")

    def test_known_names_are_served(self):
        for host in ("localhost:1234", "127.0.0.1", "[::1]:80", "API.example.com", "ranklossd:80"):
            with self.subTest(host):
                self.assertEqual(self.daemon.get("/livez", {"Host": host}).status, 200)

    def test_other_names_are_misdirected(self):
        for path in ("/livez", "/metrics", "/"):
            reply = self.daemon.get(path, {"Host": "rebound.example.net"}, check=False)
            self.refused(reply, 421, words="rebound.example.net.*allowed-hosts", closes=True)

    def test_where_a_token_is_asked_for_the_token_decides(self):
        tokens = os.path.join(scratch_directory(self), "tokens")
        with open(tokens, "w", encoding="ascii") as file:
            file.write("0123456789abcdef0123456789abcdef\n")
        with Daemon("--allowed-hosts", "a", "--auth-tokens-file", tokens) as daemon:
            host = {"Host": "rebound.example.net"}
            self.assertEqual(daemon.get("/livez", host).status, 200)
            self.assertEqual(daemon.get("/v1/losses", host).status, 401)

    def test_any_name_is_served_by_default(self):
        with Daemon() as daemon:
            self.assertEqual(daemon.get("/livez", {"Host": "sidecar.internal"}).status, 200)


class Tls(DaemonCase):
    @classmethod
    def setUpClass(cls):
        cls.ca = Authority(scratch_directory(cls))
        cls.files = cls.ca.issue("server")
        cls.daemon = Daemon("--tls-cert", cls.files[0], "--tls-key", cls.files[1],
                            tls=client_context(cls.ca.certificate))

    def test_requests_of_every_size(self):
        self.assertEqual(self.daemon.post(HINGE, BODY).json()["loss"], 1)
        big = {"y_true": [[1, 0] * 50] * 400, "y_pred": [[0.25, 0.5] * 50] * 400,
               "reduction": "none"}
        self.assertEqual(len(self.daemon.evaluate(HINGE, big)["loss"]), 400)

    def test_keep_alive(self):
        with self.daemon.connect() as wire:
            for _ in range(20):
                self.assertEqual(self.daemon.post(HINGE, BODY, wire=wire).status, 200)

    def test_page_and_health(self):
        for path in ("/", "/livez", "/metrics"):
            self.assertEqual(self.daemon.get(path).status, 200)

    def handshake(self, low, high, ciphers=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.ca.certificate)
        context.minimum_version, context.maximum_version = low, high
        context.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
        with Wireless(self.daemon.address, context) as sock:
            return sock.version(), sock.cipher()[0]

    def test_protocol_versions(self):
        versions = ssl.TLSVersion
        self.assertEqual(self.handshake(versions.TLSv1_2, versions.TLSv1_2)[0], "TLSv1.2")
        self.assertEqual(self.handshake(versions.TLSv1_3, versions.TLSv1_3)[0], "TLSv1.3")
        for old in (versions.TLSv1, versions.TLSv1_1):
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                self.handshake(old, old)

    def test_weak_ciphers_are_refused(self):
        v12 = ssl.TLSVersion.TLSv1_2
        for weak in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384",
                     "NULL", "eNULL", "aNULL", "CAMELLIA"):
            with self.subTest(weak), self.assertRaises((ssl.SSLError, ConnectionError)):
                self.handshake(v12, v12, weak + ":@SECLEVEL=0")
        for good in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"):
            self.assertEqual(self.handshake(v12, v12, good)[1], good)

    def test_openssl_s_client_sees_no_compression_and_no_insecure_renegotiation(self):
        done = subprocess.run(
            ["openssl", "s_client", "-connect", "%s:%d" % self.daemon.address, "-tls1_2",
             "-CAfile", self.ca.certificate], input="", capture_output=True, text=True, timeout=60)
        self.assertIn("Secure Renegotiation IS supported", done.stdout)
        self.assertIn("Compression: NONE", done.stdout)
        self.assertIn("Verify return code: 0 (ok)", done.stdout)

    def test_the_probe_speaks_tls(self):
        address = "%s:%d" % self.daemon.address
        tls = ("--tls-cert", self.files[0], "--tls-key", self.files[1])
        self.assertEqual(run_once("--probe", "--listen", address, *tls).returncode, 0)
        self.assertEqual(run_once(f"--probe=https://{address}/livez").returncode, 0)
        self.assertEqual(run_once(f"--probe=https://{address}/nope").returncode, 1)
        self.assertEqual(run_once(f"--probe=http://{address}/livez").returncode, 1)
        with Daemon() as plain:
            done = run_once("--probe=https://%s:%d" % plain.address)
            self.assertEqual(done.returncode, 1)
            self.assertIn("TLS", done.stderr)

    def test_the_probe_gives_up(self):
        """One completes the handshake and sends nothing, one does not even do that."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.files)
        for shakes_hands in (True, False):
            with self.subTest(shakes_hands), socket.create_server(("127.0.0.1", 0)) as server:
                probe = self.probe_in_background(server.getsockname()[1])
                plain, _ = server.accept()
                silent = context.wrap_socket(plain, server_side=True) if shakes_hands else plain
                with silent:
                    self.assertEqual(probe.wait(PATIENCE), 1)

    def probe_in_background(self, port):
        probe = subprocess.Popen([*WRAPPER, BINARY, f"--probe=https://127.0.0.1:{port}"],
                                 stderr=subprocess.DEVNULL, env=base_environment())
        self.addCleanup(probe.wait)
        self.addCleanup(probe.kill)
        return probe

    def test_plain_http_on_the_tls_port(self):
        from wire import Wire
        with Wire(self.daemon.address) as wire:
            wire.try_send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(wire.is_closed())
        self.assertEqual(self.daemon.get("/livez").status, 200)

    def test_garbage_handshakes_and_silent_clients(self):
        import socket
        for junk in (b"\x16\x03\x01\xff\xff" + b"\0" * 100, b"\0" * 1000, b"\x80\x2e\x01\0\x02"):
            with socket.create_connection(self.daemon.address) as sock:
                sock.sendall(junk)
        self.assertEqual(self.daemon.get("/livez").status, 200)

    def test_reload_changes_the_certificate(self):
        directory = scratch_directory(self)
        authority = Authority(directory)
        first, second = authority.issue("one"), authority.issue("two")
        live = [os.path.join(directory, name) for name in ("live.pem", "live.key")]
        for source, target in zip(first, live):
            write(target, open(source, encoding="ascii").read())
        context = client_context(authority.certificate)
        with Daemon("--tls-cert", live[0], "--tls-key", live[1], tls=context) as daemon:
            before = self.serial(daemon)
            for source, target in zip(second, live):
                write(target, open(source, encoding="ascii").read())
            daemon.signal(signal.SIGHUP)
            eventually(lambda: self.serial(daemon) != before, what="a new certificate")
            write(live[1], "garbage")
            daemon.signal(signal.SIGHUP)
            daemon.log.wait("settings not reloaded.*tls-key: ")
            self.assertEqual(daemon.get("/livez").status, 200)

    def test_reload_does_not_turn_tls_on(self):
        directory = scratch_directory(self)
        cert, key = Authority(directory).issue("one")
        file = write(os.path.join(directory, "config.json"), "{}")
        with Daemon("--config", file) as daemon:
            write(file, json.dumps({"tls_cert": cert, "tls_key": key}))
            daemon.signal(signal.SIGHUP)
            daemon.log.wait("not reloaded.*restart")
            self.assertEqual(daemon.get("/livez").status, 200)

    def serial(self, daemon):
        with daemon.connect() as wire:
            wire.exchange("GET", "/livez")
            return wire.socket.getpeercert()["serialNumber"]


class Wireless:
    """A TLS handshake and nothing else."""

    def __init__(self, address, context):
        import socket
        self.plain = socket.create_connection(address, timeout=30)
        self.context = context

    def __enter__(self):
        self.sock = self.context.wrap_socket(self.plain, server_hostname="localhost")
        return self.sock

    def __exit__(self, *_):
        self.plain.close()
        if hasattr(self, "sock"):
            self.sock.close()


class ClientCertificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ca = Authority(scratch_directory(cls))
        cls.clients = Authority(scratch_directory(cls), "clients")
        cls.strangers = Authority(scratch_directory(cls), "strangers")
        server = cls.ca.issue("server")
        own = cls.clients.issue("client", "client-7")
        cls.own = client_context(cls.ca.certificate, *own)
        cls.daemon = Daemon("--tls-cert", server[0], "--tls-key", server[1], "--tls-client-ca",
                            cls.clients.certificate, tls=cls.own)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def attempt(self, context):
        """What a client with this context gets: a status, or None when it is refused."""
        from wire import Closed, Wire
        try:
            with Wire(self.daemon.address, tls=context) as wire:
                return wire.exchange("GET", "/livez").status
        except (ssl.SSLError, Closed, ConnectionError):
            return None

    def test_with_and_without(self):
        stranger = client_context(self.ca.certificate, *self.strangers.issue("x", "client-7"))
        self.assertEqual(self.attempt(self.own), 200)
        self.assertIsNone(self.attempt(client_context(self.ca.certificate)))
        self.assertIsNone(self.attempt(stranger))
        self.assertEqual(self.daemon.post(HINGE, BODY).status, 200)


class BadTlsSettings(unittest.TestCase):
    def test_each_stops_the_start(self):
        directory = scratch_directory(self)
        authority = Authority(directory)
        cert, key = authority.issue("server")
        _, other_key = authority.issue("other")
        junk = write(os.path.join(directory, "junk"), "no pem\n")
        for flags, names in ((("--tls-cert", cert), "tls-key"), (("--tls-key", key), "tls-cert"),
                             (("--tls-cert", junk, "--tls-key", key), "tls-cert"),
                             (("--tls-cert", cert, "--tls-key", junk), "tls-key"),
                             (("--tls-cert", cert, "--tls-key", other_key), "tls-key|tls-cert"),
                             (("--tls-cert", "/none", "--tls-key", key), "/none"),
                             (("--tls-cert", cert, "--tls-key", key, "--tls-client-ca", junk),
                              "tls-client-ca"),
                             (("--tls-client-ca", cert), "tls-client-ca")):
            with self.subTest(flags):
                done = run_once("--listen", "127.0.0.1:0", *flags)
                self.assertNotEqual(done.returncode, 0)
                self.assertRegex(done.stderr, names)
                self.assertEqual(run_once("--check", *flags).returncode, done.returncode)
