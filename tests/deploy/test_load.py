"""deploy/loadtest: the one command, in short, with an objective met and with one missed."""

import json
import os
import re
import struct
import subprocess
import sys
import unittest
import xml.etree.ElementTree

from daemon import BINARY, Daemon, scratch_directory
from deployment import fetch, path, run

sys.path.insert(0, path("deploy/loadtest"))
import workloads  # noqa: E402

DRIVER = path("deploy/loadtest/run.py")
STATED = {"yahoo": 24, "mslr": 120, "istella": 317, "bulk": 100, "small": 10, "giant": 200_000}


def drive(*arguments, timeout=300):
    return subprocess.run(["/usr/bin/python3", DRIVER, "--binary", BINARY, *map(str, arguments)],
                          capture_output=True, text=True, timeout=timeout, check=False)


class Workloads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch_directory(cls)
        cls.made = {name: workloads.write(name, cls.folder, 7) for name in workloads.WORKLOADS}

    def body(self, name, number=0, suffix="json"):
        with open(f"{self.folder}/{name}/{number:03d}.{suffix}", "rb") as file:
            return file.read()

    def test_lists_are_as_long_as_stated(self):
        for name, mean in STATED.items():
            with self.subTest(workload=name):
                made = self.made[name]
                self.assertAlmostEqual(made["items"] / made["lists"] / mean, 1.0, delta=0.15)

    def test_grades_are_as_stated(self):
        zeros = {}
        for name in ("mslr", "istella", "yahoo"):
            grades = [grade for number in range(self.made[name]["count"])
                      for row in json.loads(self.body(name, number))["y_true"] for grade in row]
            self.assertEqual(set(grades), set(range(5)))
            zeros[name] = grades.count(0) / len(grades)
        self.assertAlmostEqual(zeros["mslr"], 0.52, delta=0.03)
        self.assertAlmostEqual(zeros["istella"], 0.963, delta=0.01)
        self.assertAlmostEqual(zeros["yahoo"], 0.26, delta=0.03)

    def test_ragged_lists_differ_and_hold_nulls(self):
        body = json.loads(self.body("ragged"))
        self.assertGreater(len({len(row) for row in body["y_pred"]}), 30)
        self.assertTrue(any(score is None for row in body["y_pred"] for score in row))

    def test_the_seed_decides(self):
        first = self.body("mslr")
        workloads.write("mslr", self.folder, 7)
        self.assertEqual(self.body("mslr"), first)
        workloads.write("mslr", self.folder, 8)
        self.assertNotEqual(self.body("mslr"), first)
        workloads.write("mslr", self.folder, 7)

    def test_the_daemon_answers_every_body(self):
        with Daemon("--access-log", "none") as daemon:
            for name, made in self.made.items():
                for suffix, headers in (("json", {}), ("json.gz", {"Content-Encoding": "gzip"})):
                    reply = daemon.post(made["path"], self.body(name, 0, suffix), headers,
                                        check=False)
                    self.assertEqual(reply.status, 200, f"{name} {suffix}: {reply}")

    def test_binary_bodies_hold_the_same_numbers(self):
        with Daemon("--access-log", "none") as daemon:
            for name, made in self.made.items():
                length = self.body(name, 0, "bin.length").decode()
                reply = daemon.exchange("POST", made["binary_path"],
                                        {"Inference-Header-Content-Length": length},
                                        self.body(name, 0, "bin"))
                self.assertEqual(reply.status, 200, f"{name}: {reply}")
                answer = daemon.post(made["path"], self.body(name)).json()
                want = [value for entry in answer.get("results", [answer])
                        for value in (entry.get("loss", entry.get("metric")),)]
                tensors = reply.body[int(reply.header("Inference-Header-Content-Length")):]
                self.assertEqual(tensors, struct.pack(f"<{len(want)}f", *want), name)

    def test_k6_script_parses(self):
        copy = self.folder + "/k6.mjs"
        with open(path("deploy/loadtest/k6.js"), encoding="utf-8") as script, \
                open(copy, "w", encoding="utf-8") as file:
            file.write(script.read())
        run("node", "--check", copy)

    def test_k6_script_knows_the_paths(self):
        with open(path("deploy/loadtest/k6.js"), encoding="utf-8") as file:
            script = file.read()
        for name, workload in workloads.WORKLOADS.items():
            if workload.path != "/v1/losses/pairwise_hinge":
                self.assertIn(f'{name}: "{workload.path}"', script)


class Driver(unittest.TestCase):
    def test_a_met_objective_ends_with_0_a_table_and_a_chart(self):
        folder = scratch_directory(self)
        done = drive("--output", folder, "--workloads", "small,mslr", "--duration", 2, "--rate", 30,
                     "--p99", 20000)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("6 of 6 runs met their objectives", done.stdout)
        for row in (r"small +json +closed", r"small +json +open", r"mslr +gzip +closed",
                    r"mslr +gzip +open"):
            self.assertRegex(done.stdout, row)
        self.assertRegex(done.stdout, r"\d+ s +[1-9]\d* answered", "progress while it runs")
        with open(folder + "/result.json", encoding="utf-8") as file:
            rows = json.load(file)["runs"]
        self.assertEqual(len(rows), 6)
        for row in rows:
            self.assertEqual(row["errors"], 0)
            self.assertTrue(0 < row["p50_ms"] <= row["p90_ms"] <= row["p99_ms"] <= row["max_ms"])
        for row in rows:
            if row["mode"] == "open":
                self.assertAlmostEqual(row["requests"], 60, delta=30)
        chart = xml.etree.ElementTree.parse(folder + "/chart.svg").getroot()
        self.assertEqual(len(chart.findall(".//{http://www.w3.org/2000/svg}title")), 4 * 6)

    def test_binary_bodies_are_driven_both_ways(self):
        folder = scratch_directory(self)
        done = drive("--output", folder, "--workloads", "small,ragged", "--encodings", "binary",
                     "--duration", 2, "--rate", 20, "--p99", 2000)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("4 of 4 runs met their objectives", done.stdout)
        self.assertRegex(done.stdout, r"\d+ s +[1-9]\d* answered", "the daemon counted them")
        with open(folder + "/result.json", encoding="utf-8") as file:
            rows = json.load(file)["runs"]
        self.assertEqual({(row["encoding"], row["mode"], row["errors"]) for row in rows},
                         {("binary", "closed", 0), ("binary", "open", 0)})

    def test_make_takes_the_format(self):
        for words, flag in ((["FORMAT=binary"], "--encodings binary"), ([], "")):
            done = run("make", "-n", "load", *words, cwd=path("."))
            line = re.search(r"loadtest/run\.py.*(\n.*)*", done).group()
            self.assertEqual("--encodings" in line, bool(flag))
            self.assertIn(flag, line)

    def test_an_unknown_format_is_one_clear_line(self):
        done = drive("--output", scratch_directory(self), "--encodings", "xml")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"unknown: xml$")

    def test_a_remote_url_and_a_missed_objective_end_with_1(self):
        folder = scratch_directory(self)
        with Daemon("--access-log", "none") as daemon:
            url = "http://%s:%d" % daemon.address
            done = drive("--output", folder, "--workloads", "bulk", "--encodings", "json",
                         "--modes", "open", "--duration", 2, "--rate", 4, "--p99", 0.01, url)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"p99 [0-9.]+ ms over 0.01 ms")
        self.assertIn("0 of 1 runs met their objectives", done.stdout)

    def test_requests_that_fail_miss_the_objective(self):
        folder = scratch_directory(self)
        with Daemon("--access-log", "none", "--max-body-bytes", "10KiB") as daemon:
            url = "http://%s:%d" % daemon.address
            done = drive("--output", folder, "--workloads", "yahoo", "--duration", 1, "--rate", 20,
                         "--p99", 5000, url)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(len(re.findall(r"(\d+) of \1 requests failed", done.stdout)), 2)

    def test_tokens_are_sent(self):
        folder = scratch_directory(self)
        with open(folder + "/tokens", "w", encoding="utf-8") as file:
            file.write("load-test-token\n")
        os.chmod(folder + "/tokens", 0o600)
        with Daemon("--access-log", "none", "--auth-tokens-file", folder + "/tokens",
                    headers={"Authorization": "Bearer load-test-token"}) as daemon:
            url = "http://%s:%d" % daemon.address
            done = drive("--output", folder, "--workloads", "small", "--duration", 1, "--rate", 20,
                         "--p99", 5000, "--token", "load-test-token", url)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_vegeta_targets_are_good_requests(self):
        folder = scratch_directory(self)
        with Daemon("--access-log", "none") as daemon:
            url = "http://%s:%d" % daemon.address
            drive("--output", folder, "--workloads", "mslr,small", "--bodies-only", url)
            for name in ("mslr", "small"):
                for suffix, kind in (("", "json"), ("-binary", "octet-stream")):
                    with open(f"{folder}/bodies/{name}{suffix}.vegeta", encoding="utf-8") as file:
                        targets = file.read().strip().split("\n\n")
                    self.assertEqual(len(targets), workloads.WORKLOADS[name].variants)
                    for target in targets[:3]:
                        first, *fields, body = target.split("\n")
                        self.assertEqual(fields[0], "Content-Type: application/" + kind)
                        method, where = first.split(" ")
                        with open(body.removeprefix("@"), "rb") as file:
                            reply = daemon.exchange(method, where.removeprefix(url), dict(
                                field.split(": ") for field in fields), file.read())
                        self.assertEqual(reply.status, 200, reply)

    def test_nobody_there_is_one_clear_line(self):
        done = drive("--output", scratch_directory(self), "--workloads", "small",
                     "http://127.0.0.1:9")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^load: http://127\.0\.0\.1:9 cannot be reached")


if __name__ == "__main__":
    unittest.main()
