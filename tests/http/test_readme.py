"""README.md tells the truth: its requests are sent, its replies compared, its table is current."""

import json
import os
import re
import subprocess
import unittest

from daemon import BINARY, ROOT, DaemonCase

BLOCK = re.compile(r"```sh\n(.*?)```\n```json\n(.*?)```", re.S)


def readme():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return file.read()


class Readme(DaemonCase):
    def test_every_example(self):
        blocks = BLOCK.findall(readme())
        self.assertGreaterEqual(len(blocks), 4)
        for command, reply in blocks:
            with self.subTest(command):
                here = command.replace("127.0.0.1:8080", "%s:%d" % self.daemon.address)
                done = subprocess.run(["sh", "-c", here], capture_output=True, text=True,
                                      timeout=60, check=True)
                got, want = json.loads(done.stdout), json.loads(reply)
                got.pop("request_id", None), want.pop("request_id", None)
                self.assertEqual(got, want)

    def test_the_example_that_make_run_prints(self):
        banner = subprocess.run([os.path.join(ROOT, "tools/banner")], capture_output=True,
                                text=True, check=True).stdout
        command = re.search(r"  curl.*?}'\n", banner, re.S).group()
        here = command.replace("127.0.0.1:8080", "%s:%d" % self.daemon.address)
        done = subprocess.run(["sh", "-c", here], capture_output=True, text=True, timeout=60)
        self.assertEqual(json.loads(done.stdout)["loss"], 0.75)
        self.assertIn("0.75", banner)


class Table(unittest.TestCase):
    def test_settings_are_current(self):
        done = subprocess.run([os.path.join(ROOT, "tools/settings-table"), BINARY, "--check"],
                              cwd=ROOT, check=False)
        self.assertEqual(done.returncode, 0, "run `make docs`")

    def test_what_it_names_exists(self):
        for name in re.findall(r"`((?:deploy|docs|examples|config|tools)/[\w./-]*)`", readme()):
            self.assertTrue(os.path.exists(os.path.join(ROOT, name)), name)
        for name in re.findall(r"\]\(((?!http|#)[^)]+)\)", readme()):
            self.assertTrue(os.path.exists(os.path.join(ROOT, name)), name)
