"""The documents tell the truth: README's requests are sent and their replies compared, the settings
are current, and every command in any document is run, here or by a test that this file names."""

import glob
import json
import os
import re
import subprocess
import unittest

from daemon import BINARY, ROOT, DaemonCase

BLOCK = re.compile(r"```sh\n(.*?)```\n```json\n(.*?)```", re.S)

# Commands that are run here.
RUN_HERE = r"curl .*|make help|deploy/loadtest/run.py --help"

# Which file runs the commands that match a pattern, and a text in that file that does it.
RUN_BY = [
    (r"make run", ".ci/run", "make run"),
    (r"make test", ".ci/run", "make test"),
    (r"make test-all", ".ci/run", "make test-rest"),
    (r"make", ".ci/run", "make run"),  # which builds what `make` alone builds
    (r"make (check|test-unit|test-property|fuzz-short|soak-short)", "Makefile", "TEST_GROUPS = check unit"),
    (r"make test-http ONLY=\w+", "Makefile", "tests/http $(ONLY)"),
    (r"make test-(python|dask)", "tests/clients/clients.mk", "_GROUPS +="),
    (r"make test-(deploy|examples|image)|make image-test", "tests/deploy/deployed.mk", "SLOW_GROUPS"),
    (r"make test-arm64|make CC=aarch64-linux-gnu-gcc BUILD=build/arm64|tools/deps arm64",
     "tests/arm64/arm64.mk", "tools/deps build test arm64"),
    (r"make deb DEB_ARCH=arm64", "tests/image/test_package.py", "DEB_ARCH=arm64"),
    (r"make test-trial", "tests/trial/trial.mk", "SLOW_GROUPS"),
    (r"make image", "tests/image/test_image.py", "Dockerfile"),
    (r"make deb|sudo apt (install|remove) .*|sudo make (un)?install( \S+)?|make (un)?install",
     "tests/image/test_package.py", "make("),
    (r"make load( \S+)*", "tests/deploy/test_load.py", "run.py"),
    (r"deploy/loadtest/run.py --bodies-only .*", "tests/deploy/test_load.py", "--bodies-only"),
    (r"haproxy -f .*", "tests/deploy/test_haproxy.py", '"haproxy"'),
    (r"pip (install|wheel) .*", "tests/clients/test_python_package.py", '"-m", "pip"'),
    (r"python3? -m ranklossd .*", "tests/clients/test_python_command.py", '"-m", "ranklossd"'),
    (r"(python3 )?examples/.*|python3 -m http.server .*", "tests/examples/test_examples.py", "command_lines"),
    (r"build/ranklossd --help=example > config/example.json", "tests/unit/config/test_manual.c",
     "config/example.json"),
    (r"tools/check-tree dialect", "tools/check", "tools/check-tree"),
]
# Commands that no test runs: a pattern, and the reason. Make targets among these must exist.
RUN_BY_NONE = [
    (r"docker (build|run|pull|inspect) .*", "needs a Docker engine; buildah builds and runs the image"),
    (r"docker compose .*", "needs a Docker engine; test_compose.py has docker-compose read the file"),
    (r"kubectl apply -k .*", "needs a cluster; test_kubernetes.py builds and validates the manifests"),
    (r"sudo systemctl .*|systemctl reload", "needs systemd as process 1; the unit's command lines are run"),
    (r"k6 run .*|vegeta (attack .*|report)", "not in Debian, as the document says"),
    (r"apt install .*|apt-get", "installs; tools/deps does it for every run of the tests"),
    (r"sudo|git rev-parse .*", "part of another command"),
    (r"man ranklossd.json", "shows a page that test_install.py formats"),
    (r"make (asan|ubsan|tsan|torture|fuzz|soak|bench\S*|overload|sidecar|isa|prove-numbers)\b.*",
     "takes minutes to hours; short forms are among the tests"),
    (r"make golden-replies|make docs|tools/series-coefficients", "writes into the tree"),
    (r"([A-Z_]+=\S+ )+make load .*", "measures for minutes"),
]


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def documents():
    found = [name for pattern in ("*.md", "deploy/**/*.md", "docs/*.md", "examples/**/*.md", "clients/**/*.md")
             for name in glob.glob(pattern, root_dir=ROOT, recursive=True)]
    return [name for name in sorted(found) if "node_modules" not in name]


PROGRAMS = (r"(sudo|make|docker|curl|kubectl|haproxy|k6|vegeta|python3?|pip|apt|apt-get|git|systemctl|man"
            r"|tools/\S+|deploy/\S+|examples/\S+|build/\S+|[A-Z_]+=\S+(?= \S))(\s|$)")


def commands(text):
    """The commands of a document: indented lines, sh blocks and code in the text that begin with a
    program's name."""
    text = re.sub(r"```sh\n(.*?)```\n```json", "", text, flags=re.S)  # run and compared in full
    text = re.sub(r"\\\n\s*", "", text)
    lines = re.findall(r"^    (\S.*)$", text, re.M)
    lines += [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.split("\n")]
    lines = [re.sub(r"(\s+#|\s{2,}).*", "", line) for line in lines]
    prose = re.sub(r"```.*?```|^    [^\n]*$", "", text, flags=re.S | re.M)
    lines += [" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose)]
    return [line for line in lines if re.match(PROGRAMS, line) and not is_file_name(line)]


def is_file_name(line):
    """Whether a line is the name of a file or folder that is no program of the tree."""
    place = os.path.join(ROOT, line)
    return "/" in line and " " not in line and (
        line.startswith("build/") or os.path.isdir(place) or not os.access(place, os.X_OK))


class Readme(DaemonCase):
    def here(self, command):
        return command.replace("127.0.0.1:8080", "%s:%d" % self.daemon.address)

    def test_every_example(self):
        blocks = [(name, *block) for name in documents() for block in BLOCK.findall(read(name))]
        self.assertGreaterEqual([name for name, *_ in blocks].count("README.md"), 5)
        for name, command, reply in blocks:
            with self.subTest(name, command=command):
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

    def test_every_command_is_run_or_a_test_is_named(self):
        used = set()
        for name in documents():
            for command in commands(read(name)):
                with self.subTest(name, command=command):
                    if re.fullmatch(RUN_HERE, command):
                        subprocess.run(["sh", "-c", self.here(command)], capture_output=True,
                                       timeout=60, check=True, cwd=ROOT)
                        continue
                    for part in re.split(r" && | \| ", command):
                        used.add(self.check_part(part))
        self.assertEqual({row[0] for row in RUN_BY + RUN_BY_NONE} - used, set(), "rows without a command")

    def check_part(self, part):
        """The pattern that the command matches. Make targets that it names must exist."""
        targets = re.match(r"^(?:sudo )?make((?: [a-z][\w-]*)+)", part)
        for target in targets.group(1).split() if targets else ():
            self.assertRegex(self.makefiles(), rf"(?m)^{target}\b[^=\n]*:", target)
        for pattern, place, proof in RUN_BY:
            if re.fullmatch(pattern, part):
                self.assertIn(proof, read(place), f"{place} does not run {part}")
                return pattern
        for pattern, _ in RUN_BY_NONE:
            if re.fullmatch(pattern, part):
                return pattern
        return self.fail(f"no test is named for: {part}")

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
