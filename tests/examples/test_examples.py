"""Runs every example against a real daemon, as a person would."""

import functools
import http.server
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import unittest

from daemon import ROOT, Daemon, base_environment, scratch_directory

sys.path[:0] = [os.path.join(ROOT, "examples/python"), os.path.join(ROOT, "examples/parallel")]
import evaluate_dataset  # noqa: E402
import ranklossd_client as keras_like  # noqa: E402

CLASSES = {"pairwise_hinge": keras_like.PairwiseHingeLoss,
           "pairwise_logistic": keras_like.PairwiseLogisticLoss,
           "pairwise_soft_zero_one": keras_like.PairwiseSoftZeroOneLoss,
           "pairwise_mean_squared_error": keras_like.PairwiseMeanSquaredError,
           "list_mle": keras_like.ListMLELoss}


def example(*parts):
    return os.path.join(ROOT, "examples", *parts)


def run_example(*command, env=None, status=0):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=120, check=False, env=base_environment(env))
    assert done.returncode == status, done.stdout + done.stderr
    return done


def flat(value):
    return [x for part in value for x in flat(part)] if isinstance(value, list) else [value]


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
        self.assertEqual(len(replies[4]["losses"]), 5)


class Python(DaemonAt, unittest.TestCase):
    def test_every_golden_request_gives_what_keras_gave(self):
        """The vectors that Keras made, through the class with its arguments."""
        client = keras_like.Client(self.url)
        self.addCleanup(client.close)
        count = 0
        for name in ("losses.jsonl", "losses_long_lists.jsonl"):
            with open(os.path.join(ROOT, "tests/golden", name), encoding="utf-8") as file:
                for line in file:
                    case = json.loads(line)
                    self.check_case(client, case)
                    count += 1
        self.assertGreaterEqual(count, 240)

    def check_case(self, client, case):
        body = dict(case["body"])
        batch = [body.pop(key, None) for key in ("y_true", "y_pred", "sample_weight")]
        loss = CLASSES[case["path"].rsplit("/", 1)[1]](**body, client=client)
        got, expected = loss(*batch), case["expect"]["loss"]
        if isinstance(expected, list):  # the vectors drop an axis of one list
            self.assertIsInstance(got, list, case["id"])
        for a, b in zip(flat(got), flat(expected), strict=True):
            self.assertLessEqual(abs(a - b), case["atol"] + case["rtol"] * abs(b), case["id"])

    def test_arrays_masks_and_nulls(self):
        import numpy
        with keras_like.Client(self.url) as client:
            loss = keras_like.PairwiseHingeLoss(0.5, "sum", "mine", "float64", client=client)
            y_true = numpy.array([[1.0, 0.0, -1.0]], dtype=numpy.float32)
            y_pred = numpy.array([[0.25, 0.5, 9.0]], dtype=numpy.float32)
            self.assertEqual(loss(y_true, y_pred), 1.5)
            self.assertEqual(loss({"labels": y_true, "mask": numpy.array([[True, False, True]])},
                                  y_pred), 0)
            self.assertEqual(loss(y_true, y_pred, numpy.float64(2.0)), 3)
            reply = loss.evaluate(y_true, y_pred, include=["top_pairs", "gradient"], top_k=1)
            self.assertEqual(reply["name"], "mine")
            self.assertEqual(reply["gradient"], [[-2, 2, 0]])
            self.assertEqual(reply["top_pairs"], [[{"i": 0, "j": 1, "loss": 1.5}]])

    def test_configuration_goes_round(self):
        with keras_like.Client(self.url) as client:
            loss = keras_like.PairwiseLogisticLoss(temperature=2.0, reduction=None, client=client)
            again = keras_like.PairwiseLogisticLoss.from_config(loss.get_config(), client=client)
            batch = ([[1, 0, 2]], [[0.1, 0.2, 0.3]])
            self.assertEqual(again(*batch), loss(*batch))
            self.assertEqual(len(loss(*batch)[0]), 3)

    def test_bad_arguments_are_refused_as_keras_does(self):
        for arguments in ({"temperature": 0}, {"temperature": -1.0}, {"reduction": "average"}):
            with self.assertRaises(ValueError):
                keras_like.PairwiseHingeLoss(**arguments)

    def test_the_daemons_words_become_an_exception(self):
        with keras_like.Client(self.url) as client:
            with self.assertRaises(keras_like.Problem) as caught:
                keras_like.PairwiseHingeLoss(client=client)([[1, 0]], [[0.5]])
            self.assertEqual(caught.exception.status, 422)
            self.assertRegex(str(caught.exception), r"/y_(true|pred)/0: .*expected")

    def test_a_restarted_daemon_is_reached_again(self):
        daemon = Daemon()
        port = daemon.address[1]
        with keras_like.Client("http://127.0.0.1:%d" % port) as client:
            loss = keras_like.PairwiseHingeLoss(client=client)
            self.assertEqual(loss([1, 0], [0, 0]), 0.5)
            daemon.stop()
            with Daemon(listen=f"127.0.0.1:{port}"):
                self.assertEqual(loss([1, 0], [0, 0]), 0.5)

    def test_a_wrong_url_is_refused_at_once(self):
        with self.assertRaises(ValueError):
            keras_like.Client("localhost:8080")

    def test_models_are_compared(self):
        said = run_example("/usr/bin/python3", example("python/compare_models.py"), self.url).stdout
        self.assertRegex(said, r"candidate-a: hinge 0\.\d+, logistic 0\.\d+, NDCG@3 [01]\.\d+")
        self.assertIn("candidate-b: hinge", said)
        self.assertIn("list 0: item 0 should stand above item 1", said)


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
            with keras_like.Client(url, token="example-token") as client:
                self.assertEqual(keras_like.PairwiseHingeLoss(client=client)([1, 0], [0, 0]), 0.5)
            with keras_like.Client(url, token="wrong") as client, \
                    self.assertRaises(keras_like.Problem) as caught:
                keras_like.PairwiseHingeLoss(client=client)([1, 0], [0, 0])
            self.assertEqual(caught.exception.status, 401)


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


class Parallel(unittest.TestCase):
    """A data set over three replicas, against the same in one request."""

    LOSSES = evaluate_dataset.LOSSES

    @classmethod
    def setUpClass(cls):
        cls.daemons = [Daemon("--threads", "1") for _ in range(3)]
        for daemon in cls.daemons:
            cls.addClassCleanup(daemon.kill)
        cls.urls = ["http://%s:%d" % daemon.address for daemon in cls.daemons]
        cls.folder = scratch_directory(cls)

    def data(self, name, weight=None, mask=False, lists=400):
        """A seeded data set: its rows, and the file that holds them."""
        rng, rows = random.Random(name), []
        for _ in range(lists):
            n = rng.randrange(1, 60)
            row = {"labels": [rng.randrange(5) for _ in range(n)],
                   "scores": [rng.gauss(0, 2) for _ in range(n)]}
            if mask:
                row["mask"] = [rng.random() < 0.9 for _ in range(n)]
            if weight == "list":
                row["weight"] = rng.random()
            elif weight == "item":
                row["weight"] = [rng.random() for _ in range(n)]
            rows.append(row)
        target = f"{self.folder}/{name}.jsonl"
        with open(target, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        return rows, target

    def whole(self, rows, losses):
        """The totals of one request that holds everything."""
        with keras_like.Client(self.urls[0]) as client:
            return evaluate_dataset.evaluate(client, rows, losses)

    def agree(self, merged, whole):
        for loss, totals in whole.items():
            for name in evaluate_dataset.COUNTS:
                self.assertEqual(merged[loss][name], totals[name], f"{loss} {name}")
            for name in evaluate_dataset.SUMS:
                self.assertTrue(math.isclose(merged[loss][name], totals[name], rel_tol=1e-13),
                                f"{loss} {name}: {merged[loss][name]!r} {totals[name]!r}")

    def test_parts_add_up_to_the_whole(self):
        for name, weight, mask in (("plain", None, False), ("masked", None, True),
                                   ("weights of lists", "list", True)):
            with self.subTest(name):
                rows, target = self.data(name, weight, mask)
                merged, served = evaluate_dataset.run(
                    self.urls, evaluate_dataset.read_parts(target, 500), self.LOSSES)
                self.agree(merged, self.whole(rows, self.LOSSES))
                self.assertGreater(sum(served.values()), 15)
                self.assertTrue(all(served.values()), served)

    def test_weights_of_items_add_up_too(self):
        pairwise = [loss for loss in self.LOSSES if loss != "list_mle"]
        rows, target = self.data("weights of items", "item")
        merged, _ = evaluate_dataset.run(self.urls, evaluate_dataset.read_parts(target, 700),
                                         pairwise)
        self.agree(merged, self.whole(rows, pairwise))

    def test_the_command_prints_means_and_totals(self):
        rows, target = self.data("command")
        command = ["/usr/bin/python3", example("parallel/evaluate_dataset.py"), "--items", "600",
                   *(word for url in self.urls for word in ("--url", url)),
                   "--loss", "pairwise_hinge", "--loss", "list_mle", target]
        said = json.loads(run_example(*command).stdout)["losses"]
        whole = self.whole(rows, ["pairwise_hinge", "list_mle"])
        for loss, totals in whole.items():
            self.assertTrue(math.isclose(said[loss]["sum_over_batch_size"],
                                         totals["loss_sum"] / totals["values"], rel_tol=1e-13))

    def test_a_replica_lost_on_the_way_costs_nothing(self):
        rows, target = self.data("lost", lists=1500)
        victim = Daemon("--threads", "1")
        self.addCleanup(victim.kill)
        urls = ["http://%s:%d" % victim.address, *self.urls[1:]]

        def parts():
            for number, part in enumerate(evaluate_dataset.read_parts(target, 300)):
                if number == 20:
                    victim.signal(signal.SIGKILL)
                yield part

        merged, served = evaluate_dataset.run(urls, parts(), ["pairwise_logistic"])
        self.agree(merged, self.whole(rows, ["pairwise_logistic"]))
        self.assertLess(served[urls[0]], 30)

    def test_no_replica_left_is_an_error(self):
        with self.assertRaisesRegex(ConnectionError, "no replica is left"):
            evaluate_dataset.run(["http://127.0.0.1:9", "http://127.0.0.1:10"],
                                 [[{"labels": [1], "scores": [1]}]] * 20, ["pairwise_hinge"])

    def test_wrong_data_are_an_error_and_cost_no_replica(self):
        with self.assertRaises(keras_like.Problem) as caught:
            evaluate_dataset.run(self.urls, [[{"labels": [1, 0], "scores": [1]}]] * 5,
                                 ["pairwise_hinge"])
        self.assertEqual(caught.exception.status, 422)


if __name__ == "__main__":
    unittest.main()
