"""The documents tell the truth: README's requests are sent and their replies compared, the settings
are current, and every command in any document is run by a test that this file names."""

import glob
import json
import os
import re
import subprocess
import unittest

from daemon import BINARY, ROOT, DaemonCase

BLOCK = re.compile(r"```sh\n(.*?)```\n```json\n(.*?)```", re.S)

# Commands in documents that this file does not run itself: a pattern, and the file that runs the like.
# "" where no test can: the reason is beside it.
RUN_BY = [
    (r"^make( (run|test|test-all)\b|$)", ".ci/run"),
    (r"^make docs\b", "tests/http/test_readme.py"),
    (r"^make (deb|install)\b|^sudo (make (un)?install|apt (install|remove)|systemctl)\b", "tests/image/test_package.py"),
    (r"^make image\b", "tests/image/test_image.py"),
    (r"^make load\b|run\.py --bodies-only", "tests/deploy/test_load.py"),
    (r"^docker compose\b", "tests/deploy/test_compose.py"),
    (r"^docker (build|run|pull|inspect)\b", ""),  # needs a Docker engine; the image itself is tested
    (r"^kubectl apply\b", "tests/deploy/test_kubernetes.py"),
    (r"^haproxy -f\b", "tests/deploy/test_haproxy.py"),
    (r"^pip (install|wheel)\b", "tests/clients/test_python_package.py"),
    (r"^python3? -m ranklossd\b", "tests/clients/test_python_command.py"),
    (r"^(k6|vegeta) ", ""),  # not in Debian, as the document says
]


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def documents():
    found = [name for pattern in ("*.md", "deploy/**/*.md", "docs/*.md", "examples/**/*.md", "clients/**/*.md")
             for name in glob.glob(pattern, root_dir=ROOT, recursive=True)]
    return [name for name in sorted(found) if "node_modules" not in name]


def commands(text):
    """The commands of a document: indented lines and sh blocks that begin with a program's name."""
    text = re.sub(r"```sh\n(.*?)```\n```json", "", text, flags=re.S)  # run and compared in full
    text = re.sub(r"\\\n\s*", "", text)
    lines = re.findall(r"^    (\S.*)$", text, re.M)
    lines += [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.split("\n")]
    starts = r"(sudo|make|docker|curl|kubectl|haproxy|k6|vegeta|python3?|pip|deploy/\S+|examples/\S+|build/\S+)\b"
    return [re.sub(r"(\s+#|\s{2,}).*", "", line) for line in lines if re.match(starts, line)]


class Readme(DaemonCase):
    def here(self, command):
        return command.replace("127.0.0.1:8080", "%s:%d" % self.daemon.address)

    def test_every_example(self):
        blocks = BLOCK.findall(read("README.md"))
        self.assertGreaterEqual(len(blocks), 5)
        for command, reply in blocks:
            with self.subTest(command):
                done = subprocess.run(["sh", "-c", self.here(command)], capture_output=True,
                                      text=True, timeout=60, check=True)
                got, want = json.loads(done.stdout), json.loads(reply)
                got.pop("request_id", None), want.pop("request_id", None)
                self.assertEqual(got, want)

    def test_the_example_that_make_run_prints(self):
        banner = subprocess.run([os.path.join(ROOT, "tools/banner")], capture_output=True,
                                text=True, check=True).stdout
        command = re.search(r"  curl.*?}'\n", banner, re.S).group()
        done = subprocess.run(["sh", "-c", self.here(command)], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(json.loads(done.stdout)["loss"], 0.75)
        self.assertIn("0.75", banner)

    def test_every_command_is_run_or_its_test_is_named(self):
        for name in documents():
            for command in commands(read(name)):
                with self.subTest(name, command=command):
                    if command.startswith("curl"):
                        subprocess.run(["sh", "-c", self.here(command)], capture_output=True,
                                       timeout=60, check=True)
                        continue
                    for part in command.split(" && "):
                        self.check_part(part)

    def check_part(self, part):
        targets = re.match(r"^make((?: [a-z][\w-]*)+)", part)
        if targets:
            for target in targets.group(1).split():
                self.assertRegex(self.makefiles(), rf"(?m)^{target}\b[^=\n]*:", target)
            if not any(re.search(pattern, part) for pattern, _ in RUN_BY):
                return  # a target of changers: it exists
        if os.path.exists(os.path.join(ROOT, part.split()[0])):
            return
        places = [place for pattern, place in RUN_BY if re.search(pattern, part)]
        self.assertTrue(places, f"no test is named for: {part}")
        for place in filter(None, places):
            self.assertTrue(os.path.exists(os.path.join(ROOT, place)), place)

    @staticmethod
    def makefiles():
        names = ["Makefile", *glob.glob("tests/*/*.mk", root_dir=ROOT),
                 *glob.glob("deploy/*.mk", root_dir=ROOT), *glob.glob("clients/*/*.mk", root_dir=ROOT)]
        return "\n".join(map(read, names))


class Settings(unittest.TestCase):
    def test_settings_are_current(self):
        done = subprocess.run([os.path.join(ROOT, "tools/settings-table"), BINARY, "--check"],
                              cwd=ROOT, check=False)
        self.assertEqual(done.returncode, 0, "run `make docs`")


class Links(unittest.TestCase):
    def test_what_documents_name_exists(self):
        for document in documents():
            home = os.path.dirname(document)
            for name in re.findall(r"\]\(((?!http|#)[^)#]+)[^)]*\)", read(document)):
                self.assertTrue(os.path.exists(os.path.join(ROOT, home, name)), (document, name))
        for name in re.findall(r"`((?:deploy|docs|examples|config|tools)/[\w./-]*)`", read("README.md")):
            self.assertTrue(os.path.exists(os.path.join(ROOT, name)), name)

    def test_anchors_of_readme_exist(self):
        heads = re.findall(r"^#+ (.*)$", read("README.md"), re.M)
        anchors = {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}
        for anchor in re.findall(r"\]\(#([^)]+)\)", read("README.md")):
            self.assertIn(anchor, anchors)
