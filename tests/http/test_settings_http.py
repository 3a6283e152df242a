"""Every setting: default, file, environment, flag, out of bounds, wrong type. And the other flags."""

import json
import os
import re
import signal
import subprocess
import unittest

from daemon import ROOT, SLOW, Daemon, eventually, run_once, scratch_directory

UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "ms": 0.001, "s": 1, "m": 60}


def settings():
    done = run_once("--help=json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["settings"]


# A setting at its bound may need another one moved along.
COMPANIONS = {"max-body-bytes": ["--queue-bytes=64GiB"],
              "max-inflated-bytes": ["--queue-bytes=64GiB"],
              "queue-bytes": ["--max-body-bytes=1MiB", "--max-inflated-bytes=1MiB"]}


def number_of(text):
    found = re.fullmatch(r"([\d.]+)([A-Za-z]*)", text)
    return float(found.group(1)) * UNITS.get(found.group(2), 1)


def with_unit(kind, value):
    return f"{int(round(value * 1000))}ms" if kind == "duration" else str(int(value))


class Case(unittest.TestCase):
    def write(self, text):
        path = os.path.join(scratch_directory(self), "config.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text if isinstance(text, str) else json.dumps(text))
        return path

    def check(self, *flags, env=None):
        return run_once("--check", *flags, env=env)

    def good(self, *flags, env=None):
        done = self.check(*flags, env=env)
        self.assertEqual(done.returncode, 0, (flags, env, done.stderr))

    def bad(self, *flags, env=None, names=()):
        done = self.check(*flags, env=env)
        self.assertNotEqual(done.returncode, 0, (flags, env))
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for name in names:
            self.assertIn(name, done.stderr)
        return done.stderr


class EverySetting(Case):
    """Walks the table that the daemon prints of itself."""

    @classmethod
    def setUpClass(cls):
        cls.rows = settings()

    def numeric(self):
        return [row for row in self.rows if row["type"].lower() in ("integer", "size", "duration")]

    def each_source(self, row, value, file_value=None):
        """(flags, environment, what the error must call the source) for one value."""
        config = self.write({row["key"]: value if file_value is None else file_value})
        yield [f"{row['flag']}={value}"], None, row["flag"].lstrip("-")
        if SLOW > 1:  # the other ways are walked on the plain build
            return
        yield [], {row["environment"]: value}, row["environment"]
        yield ["--config", config], None, row["key"]

    def test_the_table_names_each_in_three_forms(self):
        self.assertGreater(len(self.rows), 35)
        for row in self.rows:
            stem = row["name"]
            self.assertEqual(row["flag"], "--" + stem)
            self.assertEqual(row["environment"], "RANKLOSSD_" + stem.upper().replace("-", "_"))
            self.assertEqual(row["key"], stem.replace("-", "_"))
            self.assertTrue(row["help"].endswith("."), row)

    def test_the_documented_defaults(self):
        want = {"listen": "127.0.0.1:8080", "threads": "0", "max-body-bytes": "64MiB",
                "max-lists": "1000000", "max-items": "20000000", "max-depth": "32",
                "queue-capacity": "256", "queue-bytes": "512MiB", "request-timeout": "30s",
                "header-timeout": "10s", "body-timeout": "60s", "write-timeout": "60s",
                "idle-timeout": "60s", "shutdown-delay": "0s", "drain-timeout": "30s",
                "open-paths": "/,/openapi.json,/livez,/readyz,/healthz,/v2/health/live,"
                              "/v2/health/ready", "compression": "true",
                "track-names": "0", "log-level": "info", "max-connections": "20000"}
        got = {row["name"]: str(row["default"]).lower() for row in self.rows}
        for name, value in want.items():
            self.assertEqual(got[name], value.lower(), name)

    def test_defaults_are_valid_from_every_source(self):
        for row in self.rows:
            if row["default"] in ("", None):
                continue
            for flags, env, _ in self.each_source(row, str(row["default"])):
                if row["type"].lower() == "bool" or row["type"].lower() == "integer":
                    if flags and flags[0] == "--config":
                        flags = ["--config", self.write({row["key"]: json.loads(
                            str(row["default"]).lower())})]
                with self.subTest(row["name"], flags=flags, env=env):
                    self.good(*flags, env=env)

    def test_bounds_are_inside_and_one_beyond_is_outside(self):
        for row in self.numeric():
            kind = row["type"].lower()
            step = 0.001 if kind == "duration" else 1
            low, high = number_of(str(row["minimum"])), number_of(str(row["maximum"]))
            for value, inside in ((low, True), (high, True), (low - step, False),
                                  (high + step, False)):
                if value < 0:
                    continue
                text = with_unit(kind, value)
                with self.subTest(row["name"], value=text):
                    self.check_bound(row, text, inside)

    def check_bound(self, row, text, inside):
        file_value = int(text) if row["type"].lower() == "integer" else text
        for flags, env, source in self.each_source(row, text, file_value):
            done = self.check(*flags, *COMPANIONS.get(row["name"], []), env=env)
            if inside:
                self.assertEqual(done.returncode, 0, (row["name"], flags, env, done.stderr))
            elif not inside:
                self.assertNotEqual(done.returncode, 0, (row["name"], flags, env))
                self.assertEqual(len(done.stderr.strip().splitlines()), 1)
                self.assertIn(source, done.stderr)
                self.assertIn(str(row["maximum"]), done.stderr)

    def test_wrong_types_from_every_source(self):
        junk = {"bool": "maybe", "integer": "12x", "size": "12KB", "duration": "5 minutes",
                "choice": "nothing"}
        for row in self.rows:
            kind = row["type"].lower()
            if kind in ("text", "list"):
                continue
            for flags, env, source in self.each_source(row, junk[kind]):
                with self.subTest(row["name"], source=source):
                    self.bad(*flags, env=env, names=[source])

    def test_wrong_json_types_in_the_file(self):
        for row in self.rows:
            for value in (None, {}, [1], [["a"]]):
                with self.subTest(row["name"], value=value):
                    self.bad("--config", self.write({row["key"]: value}), names=[row["key"]])
            if row["type"].lower() in ("bool", "text", "choice"):
                self.bad("--config", self.write({row["key"]: 3}), names=[row["key"]])
            if row["type"].lower() == "integer":
                for value in (True, 1.5, -1, 1e300):
                    self.bad("--config", self.write({row["key"]: value}), names=[row["key"]])

    def test_negative_and_overflowing_numbers(self):
        for row in self.numeric():
            for text in ("-1", "99999999999999999999999", "", " ", "0x10", "1e3", "+1"):
                with self.subTest(row["name"], text=text):
                    self.bad(f"{row['flag']}={text}", names=[row["name"]])


class Precedence(Case):
    """File < environment < flag, seen in what the daemon then does."""

    def limit(self, daemon):
        """The effective max-top-k, from an error's text."""
        body = {"y_true": [1, 0], "y_pred": [0, 1], "include": ["top_pairs"], "top_k": 99999}
        reply = daemon.post("/v1/losses/pairwise_hinge", body)
        self.assertEqual(reply.status, 422)
        return int(re.search(r"\b(1000|11|22|33)\b", reply.text()).group(1))

    def test_each_wins_over_the_former(self):
        file = self.write({"max_top_k": 11})
        flags, env = ["--config", file], {}
        with Daemon() as daemon:
            self.assertEqual(self.limit(daemon), 1000)
        with Daemon(*flags) as daemon:
            self.assertEqual(self.limit(daemon), 11)
        env = {"RANKLOSSD_MAX_TOP_K": "22"}
        with Daemon(*flags, env=env) as daemon:
            self.assertEqual(self.limit(daemon), 22)
        with Daemon(*flags, "--max-top-k", "33", env=env) as daemon:
            self.assertEqual(self.limit(daemon), 33)

    def test_config_by_environment(self):
        with Daemon(env={"RANKLOSSD_CONFIG": self.write({"max_top_k": 11})}) as daemon:
            self.assertEqual(self.limit(daemon), 11)

    def test_the_last_flag_wins(self):
        with Daemon("--max-top-k", "11", "--max-top-k=22") as daemon:
            self.assertEqual(self.limit(daemon), 22)


class Mistakes(Case):
    def test_unknown_names_suggest_the_nearest(self):
        self.assertIn("--max-items", self.bad("--max-itmes", "3"))
        self.assertIn("max_items", self.bad("--config", self.write({"max_itmes": 3})))
        self.assertIn("'foo' is neither json nor example", self.bad("--help=foo"))

    def test_unknown_variables_are_a_warning_with_a_suggestion(self):
        done = self.check(env={"RANKLOSSD_MAX_ITMES": "3", "RANKLOSSD_URL": "http://localhost"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(done.stderr.splitlines()), [
            "ranklossd: warning: unknown variable RANKLOSSD_MAX_ITMES; did you mean "
            "RANKLOSSD_MAX_ITEMS?",
            "ranklossd: warning: unknown variable RANKLOSSD_URL; see --help"])
        with Daemon(env={"RANKLOSSD_THREAD": "1"}) as daemon:
            daemon.log.wait("unknown variable RANKLOSSD_THREAD; did you mean RANKLOSSD_THREADS")
            self.assertEqual(daemon.get("/livez").status, 200)

    def test_errors_name_source_and_bounds(self):
        said = self.bad("--listen", "127.0.0.1:99999")
        self.assertIn("ports 0 to 65535", said)
        self.assertIn("(set by --listen, flag)", said)
        self.assertIn("(set by auth_tokens_file, file)",
                      self.bad("--config", self.write({"auth_tokens_file": "/nonexistent"})))

    def test_variables_that_kubernetes_sets_are_left_alone(self):
        self.good(env={"RANKLOSSD_SERVICE_HOST": "10.0.0.1", "RANKLOSSD_PORT": "tcp://10.0.0.1:80",
                       "RANKLOSSD_PORT_8080_TCP_ADDR": "10.0.0.1"})

    def test_files(self):
        self.bad("--config", "/no/such/file", names=["/no/such/file"])
        self.bad("--config", "/", names=["config"])
        for text in ("", "[]", "3", "{", '{"threads": 1,}', '{"threads": 1, "threads": 2}'):
            self.bad("--config", self.write(text))

    def test_flags_without_values_and_stray_words(self):
        self.bad("--max-items", names=["max-items"])
        self.bad("serve", names=["serve"])
        self.bad("--", names=[])

    def test_booleans(self):
        for flag in ("--compression", "--no-compression", "--compression=off"):
            self.good(flag)
        self.bad("--no-max-items")

    def test_a_bad_setting_stops_the_start_before_listening(self):
        done = run_once("--listen", "127.0.0.1:0", "--max-items", "0")
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("listening", done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1)


class OtherFlags(Case):
    def test_help(self):
        for flag in ("--help", "-h"):
            done = run_once(flag)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for row in settings():
                self.assertIn(row["flag"], done.stdout)
            self.assertLessEqual(max(map(len, done.stdout.splitlines())), 110)

    def test_help_works_beside_a_broken_setting(self):
        self.assertEqual(run_once("--max-items", "x", "--help").returncode, 0)

    def test_version(self):
        done = run_once("--version")
        self.assertEqual(done.returncode, 0)
        with open(os.path.join(ROOT, "VERSION"), encoding="ascii") as file:
            self.assertIn(file.read().strip(), done.stdout)
        self.assertRegex(done.stdout, r"^ranklossd \S+ \(revision \w+, isa (baseline|avx2|avx512), "
                                      r"threads \d+\)\n$")

    def test_check_of_the_example_file(self):
        path = os.path.join(ROOT, "config/example.json")
        self.good("--config", path)
        with open(path, encoding="utf-8") as file:
            keys = set(json.load(file))
        self.assertEqual(keys, {row["key"] for row in settings()})

    def test_check_listens_nowhere(self):
        with Daemon() as daemon:
            self.good("--listen", "%s:%d" % daemon.address)

    def test_probe(self):
        with Daemon() as daemon:
            host, port = daemon.address
            self.assertEqual(run_once(f"--probe=http://{host}:{port}/readyz").returncode, 0)
            self.assertEqual(run_once("--probe", "--listen", f"{host}:{port}").returncode, 0)
            self.assertEqual(run_once("--probe", env={
                "RANKLOSSD_LISTEN": f"{host}:{port}"}).returncode, 0)
            self.assertEqual(run_once(f"--probe=http://{host}:{port}/nope").returncode, 1)
        self.assertEqual(run_once(f"--probe=http://{host}:{port}/readyz").returncode, 1)
        self.assertEqual(run_once("--probe=nonsense").returncode, 1)


class Reload(Case):
    def test_cors_and_log_level_change(self):
        file = self.write({"cors_origins": ["https://a.example"], "log_level": "info"})
        with Daemon("--config", file, log_level=None) as daemon:
            def allowed(origin):
                return daemon.get("/livez", {"Origin": origin}).header(
                    "Access-Control-Allow-Origin")

            self.assertEqual(allowed("https://a.example"), "https://a.example")
            with open(file, "w", encoding="utf-8") as out:
                json.dump({"cors_origins": ["https://b.example"], "log_level": "error"}, out)
            daemon.signal(signal.SIGHUP)
            eventually(lambda: daemon.metrics().value("ranklossd_config_reloads_total", result="ok"))
            self.assertEqual(allowed("https://b.example"), "https://b.example")
            self.assertIsNone(allowed("https://a.example"))
            start = daemon.log.count()
            daemon.get("/livez", {"X-Request-Id": "quiet"})
            daemon.stop()
            self.assertNotIn("quiet", "\n".join(daemon.log.lines[start:]))

    def test_a_setting_that_cannot_change_is_kept_and_named(self):
        file = self.write({"max_top_k": 11})
        with Daemon("--config", file) as daemon:
            with open(file, "w", encoding="utf-8") as out:
                json.dump({"max_top_k": 22}, out)
            daemon.signal(signal.SIGHUP)
            daemon.log.wait("max-top-k")
            body = {"y_true": [1, 0], "y_pred": [0, 1], "include": ["top_pairs"], "top_k": 12}
            self.assertEqual(daemon.post("/v1/losses/pairwise_hinge", body).status, 422)

    def test_many_reloads_under_load(self):
        file = self.write({"cors_origins": ["https://a.example"]})
        with Daemon("--config", file) as daemon:
            for _ in range(40):
                daemon.signal(signal.SIGHUP)
                self.assertEqual(daemon.get("/livez", {"Origin": "https://a.example"}).status, 200)


class Invocation(Case):
    def test_without_any_flag_the_default_address_is_tried(self):
        """Either it serves on 8080 or says that this port is taken: both name the default."""
        from daemon import BINARY, base_environment
        process = subprocess.Popen([BINARY], stderr=subprocess.PIPE, text=True,
                                   env=base_environment())
        try:
            line = process.stderr.readline()
            while "8080" not in line and line:
                line = process.stderr.readline()
            self.assertIn("127.0.0.1:8080", line)
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
