"""`make install` into a folder, the man pages, and `make uninstall`."""

import json
import os
import re
import shutil
import unittest

from daemon import BINARY, ROOT, run_once, scratch_directory
from deployment import path, run

BUILD = os.path.dirname(os.path.abspath(BINARY))


def make(*arguments):
    return run("make", "--no-print-directory", "-C", ROOT, f"BUILD={BUILD}", *arguments, timeout=600)


def files_below(folder):
    return {os.path.relpath(os.path.join(parent, name), folder)
            for parent, _, names in os.walk(folder) for name in names}


class Install(unittest.TestCase):
    def test_everything_lands_below_destdir_and_leaves_again(self):
        folder = scratch_directory(self)
        make("install", f"DESTDIR={folder}")
        self.assertEqual(files_below(folder), {
            "usr/local/bin/ranklossd", "usr/local/share/man/man8/ranklossd.8",
            "usr/local/share/man/man5/ranklossd.json.5", "usr/local/share/doc/ranklossd/copyright",
            "usr/local/share/bash-completion/completions/ranklossd",
            "usr/local/share/doc/ranklossd/README.md",
            "usr/local/share/doc/ranklossd/examples/ranklossd.json",
            "usr/local/lib/systemd/system/ranklossd.service",
            "usr/local/lib/systemd/system/ranklossd.socket", "usr/local/etc/ranklossd/ranklossd.json"})
        run(folder + "/usr/local/bin/ranklossd", "--version")
        make("uninstall", f"DESTDIR={folder}")
        self.assertEqual(files_below(folder), {"usr/local/etc/ranklossd/ranklossd.json"})

    def test_a_prefix_of_usr_keeps_settings_in_etc(self):
        folder = scratch_directory(self)
        make("install", f"DESTDIR={folder}", "PREFIX=/usr")
        self.assertIn("etc/ranklossd/ranklossd.json", files_below(folder))

    def test_units_name_the_places_of_this_installation(self):
        folder = scratch_directory(self)
        make("install", f"DESTDIR={folder}")
        with open(folder + "/usr/local/lib/systemd/system/ranklossd.service",
                  encoding="utf-8") as file:
            unit = file.read()
        self.assertIn("ExecStart=/usr/local/bin/ranklossd --config "
                      "/usr/local/etc/ranklossd/ranklossd.json", unit)
        self.assertNotRegex(unit, r"[ =]/usr/bin/ranklossd|[ =]/etc/ranklossd/ranklossd")

    def test_settings_that_were_changed_are_kept(self):
        folder = scratch_directory(self)
        make("install", f"DESTDIR={folder}", "PREFIX=/usr")
        settings = folder + "/etc/ranklossd/ranklossd.json"
        with open(settings, "w", encoding="utf-8") as file:
            file.write('{"threads": 3}')
        make("install", f"DESTDIR={folder}", "PREFIX=/usr")
        with open(settings, encoding="utf-8") as file:
            self.assertEqual(file.read(), '{"threads": 3}')

    def test_the_installed_settings_and_the_example_are_accepted(self):
        for name in ("deploy/package/ranklossd.json", "config/example.json"):
            done = run_once("--check", "--config", path(name))
            self.assertEqual(done.returncode, 0, done.stderr)


class Manuals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch_directory(cls)
        run("/usr/bin/python3", path("deploy/package/manuals.py"), BINARY, cls.folder)

    def text(self, name):
        with open(f"{self.folder}/{name}", encoding="utf-8") as file:
            return file.read()

    def test_every_setting_has_its_entry_in_both(self):

        rows = json.loads(run_once("--help=json").stdout)["settings"]
        self.assertGreater(len(rows), 30)
        flags, keys = self.text("ranklossd.8"), self.text("ranklossd.json.5")
        for row in rows:
            name = row["name"].replace("-", r"\-")
            self.assertIn(f".It Fl Fl {name} Ar", flags)
            self.assertIn(f".It Cm {row['key']} Pq", keys)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not here")
    def test_mandoc_finds_nothing_wrong(self):
        for name in ("ranklossd.8", "ranklossd.json.5"):
            said = run("mandoc", "-Tlint", "-Wwarning", f"{self.folder}/{name}")
            self.assertEqual([line for line in said.splitlines() if "outdated mandoc.db" not in line],
                             [])

    def test_groff_renders_them(self):
        for name in ("ranklossd.8", "ranklossd.json.5"):
            said = run("man", "--warnings", "-E", "UTF-8", "-l", f"{self.folder}/{name}",
                       env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANPAGER": "cat"})
            self.assertNotIn("warning:", said)
            for section in ("NAME", "DESCRIPTION", "SEE ALSO"):
                self.assertRegex(said, re.compile(rf"^{section}$", re.M))


    def test_quotes_of_commands_can_be_copied(self):
        said = run("man", "-E", "UTF-8", "-l", f"{self.folder}/ranklossd.8",
                   env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100", "MANPAGER": "cat"})
        self.assertIn("curl -H 'Content-Type: application/json' \\", said)
        self.assertIn("""-d '{"y_true": [[1, 0]], "y_pred": [[0.3, 0.9]]}' \\""", said)


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.script = scratch_directory(cls) + "/ranklossd"
        run("/usr/bin/python3", path("deploy/package/completion.py"), BINARY, cls.script)

    def complete(self, *words):
        """What bash offers for the last of these words."""
        said = run("bash", "-c", 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                   '_ranklossd; printf "%s\\n" "${COMPREPLY[@]}"', "bash", self.script,
                   "ranklossd", *words)
        return said.split()

    def test_every_flag_is_offered(self):
        rows = json.loads(run_once("--help=json").stdout)["settings"]
        offered = self.complete("--")
        for row in rows:
            self.assertIn(row["flag"], offered)
        self.assertIn("--no-compression", offered)
        self.assertEqual(self.complete("--max-li"), ["--max-lists"])

    def test_values_are_offered(self):
        self.assertEqual(self.complete("--log-level", "w"), ["warning"])
        self.assertEqual(self.complete("--log-format", "="), ["auto", "text", "json"])
        self.assertEqual(self.complete("--compression", "=", "f"), ["false"])
        self.assertEqual(self.complete("--threads", ""), [])

    def test_files_are_offered(self):
        folder = os.path.dirname(self.script)
        for flag in ("--config", "--tls-cert", "--auth-tokens-file"):
            self.assertEqual(self.complete(flag, folder + "/rank"), [self.script])


if __name__ == "__main__":
    unittest.main()
