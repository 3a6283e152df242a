"""The Python package as users get it: a wheel in a clean environment, its types, its lint."""

import os
import shutil
import subprocess
import sys
import unittest

from daemon import ROOT, Daemon, base_environment, scratch_directory

PACKAGE = os.path.join(ROOT, "clients/python")
# What the environment may hold beside the wheel: its two dependencies, as Debian installs them.
ALLOWED = ("numpy", "urllib3", "six")


def run(*command, **options):
    environment = base_environment()
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False,
                          env=environment, **options)
    if done.returncode:
        raise AssertionError(f"{command}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch_directory(cls)
        source = shutil.copytree(PACKAGE, f"{cls.folder}/source", ignore=shutil.ignore_patterns(
            "build", "*.egg-info", "__pycache__"))
        # With build isolation, as people type it: --no-index shows that no build tool is fetched.
        run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--wheel-dir",
            cls.folder, source)
        cls.wheel, = (name for name in os.listdir(cls.folder) if name.endswith(".whl"))
        run(sys.executable, "-m", "venv", f"{cls.folder}/venv")
        cls.python = f"{cls.folder}/venv/bin/python"
        site = run(cls.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        debian = "/usr/lib/python3/dist-packages"
        for name in os.listdir(debian):
            if name.split("-")[0].split(".")[0] in ALLOWED:
                os.symlink(f"{debian}/{name}", f"{site.strip()}/{name}")
        run(cls.python, "-m", "pip", "install", "--no-index", f"{cls.folder}/{cls.wheel}")

    def test_it_needs_nothing_but_numpy_and_urllib3(self):
        self.assertIn("No broken requirements", run(self.python, "-m", "pip", "check"))
        with open(f"{ROOT}/VERSION", encoding="ascii") as file:
            self.assertEqual(self.wheel, f"ranklossd-{file.read().strip()}-py3-none-any.whl")

    def test_it_evaluates(self):
        with Daemon() as daemon:
            url = "http://%s:%d" % daemon.address
            said = run(self.python, "-c",
                       "import sys, numpy, ranklossd\n"
                       "client = ranklossd.Client(sys.argv[1])\n"
                       "print(ranklossd.__file__)\n"
                       "print(client.loss('pairwise_hinge', numpy.array([[1, 0]]), "
                       "numpy.zeros((1, 2))).value)", url, cwd=self.folder)
        where, value = said.split()
        self.assertTrue(where.startswith(f"{self.folder}/venv"), where)
        self.assertEqual(value, "0.5")

    def test_the_same_source_gives_the_same_bytes_and_an_sdist_the_same_wheel(self):
        build = ("import sys; sys.path.insert(0, '.'); import backend; "
                 "print(getattr(backend, sys.argv[1])(sys.argv[2]))")
        name = run(sys.executable, "-c", build, "build_sdist", self.folder,
                   cwd=f"{self.folder}/source").strip()
        shutil.unpack_archive(f"{self.folder}/{name}", self.folder)
        again = scratch_directory(self)
        run(sys.executable, "-c", build, "build_wheel", again,
            cwd=f"{self.folder}/{name.removesuffix('.tar.gz')}")
        wheels = []
        for folder in (self.folder, again):
            with open(f"{folder}/{self.wheel}", "rb") as file:
                wheels.append(file.read())
        self.assertEqual(*wheels)

    def test_an_editable_install_is_the_source(self):
        folder = scratch_directory(self)
        run(sys.executable, "-m", "venv", folder)
        run(f"{folder}/bin/python", "-m", "pip", "install", "--no-index", "--no-deps", "-e",
            f"{self.folder}/source")
        said = run(f"{folder}/bin/python", "-c", "import importlib.util as u; "
                   "print(u.find_spec('ranklossd').origin)")
        self.assertEqual(said.strip(), f"{self.folder}/source/src/ranklossd/__init__.py")

    def test_it_says_that_it_is_typed(self):
        listing = run(self.python, "-m", "zipfile", "--list", f"{self.folder}/{self.wheel}")
        self.assertIn("ranklossd/py.typed", listing)


class Source(unittest.TestCase):
    def test_types(self):
        said = run("mypy", "--config-file", f"{PACKAGE}/pyproject.toml", "--cache-dir", os.devnull,
                   f"{PACKAGE}/src/ranklossd")
        self.assertIn("Success", said)

    def test_every_public_name_is_documented(self):
        sys.path.insert(0, f"{PACKAGE}/src")
        import ranklossd
        for name in ranklossd.__all__:
            thing = getattr(ranklossd, name)
            if callable(thing):
                self.assertTrue(thing.__doc__, name)

    def test_no_line_is_longer_than_100_columns(self):
        long = []
        for folder in (f"{PACKAGE}/src/ranklossd", f"{ROOT}/tests/clients"):
            for name in sorted(os.listdir(folder)):
                if name.endswith(".py"):
                    with open(f"{folder}/{name}", encoding="utf-8") as file:
                        long += [f"{name}:{number}" for number, line in enumerate(file, 1)
                                 if len(line.rstrip("\n")) > 100]
        self.assertEqual(long, [])


if __name__ == "__main__":
    unittest.main()
