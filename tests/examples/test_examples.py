"""Runs every example against a real daemon, as a person would."""

import csv
import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import unittest

from daemon import ROOT, Daemon, base_environment, scratch_directory

PACKAGE = os.path.join(ROOT, "clients/python/src")


def example(*parts):
    return os.path.join(ROOT, "examples", *parts)


def run_example(*command, env=None, status=0, cwd=None):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=120, check=False, env=base_environment(env), cwd=cwd)
    assert done.returncode == status, done.stdout + done.stderr
    return done


class DaemonAt:
    """A class-wide daemon, and its URL."""

    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(*cls.flags)
        cls.addClassCleanup(cls.daemon.stop)
        cls.url = "http://%s:%d" % cls.daemon.address


class Curl(DaemonAt, unittest.TestCase):
    def test_each_request_is_answered_as_announced(self):
        said = run_example(example("curl/losses.sh"), self.url).stdout
        replies = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        self.assertEqual(len(replies), 5)
        self.assertAlmostEqual(replies[0]["loss"], 1.025, places=6)
        self.assertEqual(len(replies[1]["gradient"]), 5)
        self.assertEqual(replies[1]["gradient"][3], 0)
        self.assertEqual(len(replies[1]["top_pairs"][0]), 3)
        self.assertEqual([entry["name"] for entry in replies[2]["results"]],
                         ["pairwise_hinge", "list_mle", "ndcg"])
        self.assertEqual(replies[3]["status"], 422)
        self.assertEqual(replies[3]["errors"][0]["pointer"], "/y_pred/0/1")
        self.assertEqual(len(replies[4]["losses"]), 7)


class Commands(DaemonAt, unittest.TestCase):
    """Every command line of examples/README.md, as it is written there."""

    WORDS = {
        "losses.sh": r'"loss":1\.025',
        "evaluate.py": r"(?s)hinge +0\.571429.*ndcg@3 +0\.75\n.*0\.666667\n2 lists, 7 items",
        "keras_metrics.py": r"^NDCG@10 over 5 batches: 0\.\d{4}$",
        "frame.py": r"pairwise_logistic +loss",
        "replicas.py": r"(?s)ndcg@5 +0\.\d+.*120 lists, 992 items",
        "draw_comparison.py": r"(?s)ndcg@5, fr: difference [+-]0\.\d{4} \[[+-]0\.\d{4}, [+-]0\.\d{4}\]",
        "gate.sh": r"(?s)ndcg@5 +model_b .*gate: passed",
        "-m": r"(?s)ndcg@5 .*de\nevaluation.*120 lists, 992 items"}

    def command_lines(self):
        with open(example("README.md"), encoding="utf-8") as file:
            return re.findall(r"^\| `([^`]+)` \|", file.read(), re.MULTILINE)

    def test_each_command_does_what_it_says(self):
        folder = scratch_directory(self)
        done = set()
        for line in self.command_lines():
            with self.subTest(line):
                words = line.replace("http://127.0.0.1:8080", self.url).replace(
                    "/tmp/", folder + "/").replace("python3 ", "/usr/bin/python3 ").split()
                name = next(word for word in map(os.path.basename, words) if word in self.WORDS)
                if name == "losses.sh":
                    words.append(self.url)
                said = run_example(*words, cwd=ROOT, env={
                    "RANKLOSSD_URL": self.url, "PYTHONPATH": PACKAGE, "MPLCONFIGDIR": folder,
                    "PYTHON": "/usr/bin/python3"}).stdout
                self.assertRegex(said.strip(), self.WORDS[name])
                done.add(name)
        self.assertEqual(done, set(self.WORDS))
        with open(f"{folder}/comparison.png", "rb") as file:
            self.assertTrue(file.read().startswith(b"\x89PNG"))

    def test_the_first_examples_are_five_lines(self):
        for name in ("evaluate", "keras_metrics", "frame", "replicas"):
            with open(example(f"python/{name}.py"), encoding="utf-8") as file:
                lines = [line for line in file.read().splitlines()[1:]
                         if line and not line.startswith(("import", "from", "if __name__"))]
            self.assertLessEqual(len(lines), 5, name)


class Gate(DaemonAt, unittest.TestCase):
    """examples/ci-gate/gate.sh: its exit status is what a pipeline goes by."""

    def gate(self, *arguments, **env):
        done = subprocess.run(
            [example("ci-gate/gate.sh"), *arguments], capture_output=True, text=True, timeout=120,
            check=False, env={**os.environ, "RANKLOSSD_URL": self.url, "PYTHONPATH": PACKAGE,
                              "PYTHON": "/usr/bin/python3", **env})
        return done.returncode, done.stdout + done.stderr

    def with_reversed(self):
        """The data with a column more: model_b's scores, negated."""
        with open(example("data/models.csv"), encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        name = scratch_directory(self) + "/models.csv"
        with open(name, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0], "reversed"])
            writer.writeheader()
            writer.writerows({**row, "reversed": -float(row["model_b"])} for row in rows)
        return name

    def test_a_worse_candidate_fails(self):
        data = self.with_reversed()
        status, said = self.gate(data, "model_b", "reversed")
        self.assertEqual(status, 1, said)
        self.assertIn("gate: reversed is significantly worse than model_b", said)
        for env in ({}, {"METRIC": "mean_reciprocal_rank", "LEVEL": "0.999"}):
            self.assertEqual(self.gate(data, "reversed", "model_b", **env)[0], 0)

    def test_a_difference_that_is_not_significant_passes(self):
        for baseline, candidate in (("model_a", "model_b"), ("model_b", "model_a")):
            status, said = self.gate(example("data/models.csv"), baseline, candidate)
            self.assertEqual(status, 0, said)

    def test_what_cannot_be_told_is_no_pass(self):
        for arguments, env in ((("no-such.csv", "model_a", "model_b"), {}),
                               ((example("data/models.csv"), "model_a", "model_z"), {}),
                               ((example("data/models.csv"), "model_a"), {}),
                               ((), {}),
                               ((example("data/models.csv"), "model_a", "model_b"),
                                {"METRIC": "no_such_metric"}),
                               ((example("data/models.csv"), "model_a", "model_b"),
                                {"RANKLOSSD_URL": "http://127.0.0.1:1"})):
            status, said = self.gate(*arguments, **env)
            self.assertEqual(status, 2, (arguments, said))
            self.assertIn("gate: no result", said)


class Token(unittest.TestCase):
    def test_curl_and_python_send_it(self):
        folder = scratch_directory(self)
        with open(folder + "/tokens", "w", encoding="utf-8") as file:
            file.write("example-token\n")
        os.chmod(folder + "/tokens", 0o600)
        with Daemon("--auth-tokens-file", folder + "/tokens",
                    headers={"Authorization": "Bearer example-token"}) as daemon:
            url = "http://%s:%d" % daemon.address
            said = run_example(example("curl/losses.sh"), url, env={
                "RANKLOSSD_TOKEN": "example-token"}).stdout
            self.assertIn('"loss":1.025', said.replace(" ", ""))
            said = run_example("/usr/bin/python3", example("python/evaluate.py"), url, env={
                "RANKLOSSD_TOKEN": "example-token", "PYTHONPATH": PACKAGE}).stdout
            self.assertIn("pairwise_hinge", said)
            said = run_example("/usr/bin/python3", example("python/evaluate.py"), url, status=1,
                               env={"RANKLOSSD_TOKEN": "wrong", "PYTHONPATH": PACKAGE}).stderr
            self.assertIn("Unauthorized: 401", said)


class Browser(unittest.TestCase):
    """The page in a real browser, served from an origin that is not the daemon's."""

    @classmethod
    def setUpClass(cls):
        handler = functools.partial(QuietHandler, directory=example("browser"))
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)
        cls.origin = "http://127.0.0.1:%d" % cls.server.server_address[1]

    def page(self, daemon):
        """What the page says in the end."""
        url = "%s/?url=http://%s:%d" % (self.origin, *daemon.address)
        folder = scratch_directory(self)
        done = run_example("chromium", "--headless", "--no-sandbox", "--disable-gpu",
                           "--disable-dev-shm-usage", f"--user-data-dir={folder}",
                           "--virtual-time-budget=8000", "--dump-dom", url, env={"HOME": folder})
        return re.search(r'<output id="loss">(.*?)</output>.*?(<ol.*?</ol>)', done.stdout, re.S)

    @unittest.skipUnless(shutil.which("chromium"), "chromium is not here")
    def test_an_origin_that_is_let_in_gets_its_loss(self):
        with Daemon("--cors-origins", self.origin) as daemon:
            found = self.page(daemon)
            # max(0, 1 - (0.5 - 0.9)) + max(0, 1 - (0.5 - 0.1)) + two of the second list, over six.
            loss = (1.4 + 0.6 + 0.5 + 0.4) / 6
            self.assertAlmostEqual(float(re.search(r"loss ([0-9.]+) over 4 pairs",
                                                   found.group(1)).group(1)), loss, places=6)
            self.assertIn("item 1 belongs above item 0 (1.40)", found.group(2))

    @unittest.skipUnless(shutil.which("chromium"), "chromium is not here")
    def test_a_foreign_origin_is_kept_out_by_the_browser(self):
        with Daemon() as daemon:
            self.assertIn("cannot reach", self.page(daemon).group(1))

    @unittest.skipUnless(shutil.which("node"), "node is not here")
    def test_the_module_works_in_node_and_tells_of_errors(self):
        script = (f'import {{ evaluate, Problem }} from "{example("browser/ranklossd.js")}";\n'
                  'const url = process.argv[2];\n'
                  'const reply = await evaluate(url, "pairwise_hinge", '
                  '{ y_true: [1, 0], y_pred: [0, 0] });\n'
                  'let caught;\n'
                  'try { await evaluate(url, "pairwise_hinge", { y_true: [1] }); }\n'
                  'catch (error) { caught = error; }\n'
                  'console.log(JSON.stringify([reply.loss, caught instanceof Problem, '
                  'caught.status, caught.message]));\n')
        folder = scratch_directory(self)
        shutil.copy(example("browser/ranklossd.js"), folder + "/ranklossd.mjs")
        with open(folder + "/main.mjs", "w", encoding="utf-8") as file:
            file.write(script.replace(example("browser/ranklossd.js"), "./ranklossd.mjs"))
        with Daemon() as daemon:
            said = run_example("node", folder + "/main.mjs", "http://%s:%d" % daemon.address).stdout
        loss, problem, status, message = json.loads(said)
        self.assertEqual((loss, problem, status), (0.5, True, 422))
        self.assertIn("y_pred", message)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


if __name__ == "__main__":
    unittest.main()
