"""The runners of tests: what fails, is skipped or runs nothing is named and counted."""

import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Runners(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ranklossd-runner-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text))
        os.chmod(path, mode)
        return path

    def run_tool(self, *command, **env):
        """(status, lines printed) of a command."""
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60,
                              check=False, env={**os.environ, "TEST_SKIP": "", **env})
        return done.returncode, done.stdout.splitlines()

    def run_files(self, *patterns, **env):
        return self.run_tool(sys.executable, "tests/lib/runner.py", self.folder, *patterns, **env)

    def test_each_test_of_a_class_that_cannot_be_set_up_has_failed(self):
        self.write("test_a.py", """
            import unittest
            class Broken(unittest.TestCase):
                @classmethod
                def setUpClass(cls):
                    raise OSError("no such tool")
                def test_one(self): pass
                def test_two(self): pass
            class Whole(unittest.TestCase):
                def test_three(self): pass
            """)
        status, lines = self.run_files()
        self.assertEqual((status, lines[-1]), (1, "1 passed, 2 failed"))
        self.assertIn("    did not run: test_a.Broken.test_one", lines)
        self.assertTrue(any("no such tool" in line for line in lines), lines)

    def test_a_class_that_skips_itself_counts_each_of_its_tests(self):
        self.write("test_a.py", """
            import unittest
            class Absent(unittest.TestCase):
                @classmethod
                def setUpClass(cls):
                    raise unittest.SkipTest("not on this machine")
                def test_one(self): pass
                def test_two(self): pass
            class Some(unittest.TestCase):
                @unittest.skip("not today")
                def test_three(self): pass
                def test_four(self): pass
            """)
        status, lines = self.run_files()
        self.assertEqual((status, lines[-1]), (0, "1 passed, 0 failed, 3 skipped"))
        self.assertIn("    skipped test_a.Absent.test_two: not on this machine", lines)
        self.assertIn("    skipped test_a.Some.test_three: not today", lines)

    def test_failures_after_the_tests_count(self):
        self.write("test_a.py", """
            import unittest
            class Leaves(unittest.TestCase):
                @classmethod
                def tearDownClass(cls):
                    raise OSError("still running")
                def test_one(self): pass
            """)
        self.write("test_b.py", """
            import atexit, os, unittest
            atexit.register(os._exit, 3)
            class Ends(unittest.TestCase):
                def test_one(self): pass
            """)
        status, lines = self.run_files()
        self.assertEqual((status, lines[-1]), (1, "2 passed, 2 failed"))
        self.assertTrue(any("test_b.py: ended with status 3" in line for line in lines), lines)

    def test_a_test_counts_once_however_many_parts_of_it_fail(self):
        self.write("test_a.py", """
            import unittest
            class Parts(unittest.TestCase):
                def test_parts(self):
                    for part in range(5):
                        with self.subTest(part):
                            self.assertEqual(part % 2, 0)
            """)
        self.assertEqual(self.run_files()[1][-1], "0 passed, 1 failed")

    def test_files_that_run_nothing(self):
        self.write("test_a.py", "import unittest\n")
        self.write("test_b.py", "import no_such_module\n")
        self.write("test_c.py", """
            import unittest
            class Whole(unittest.TestCase):
                def test_one(self): pass
            """)
        status, lines = self.run_files(TEST_SKIP="test_c")
        self.assertEqual((status, lines[-1]), (1, "0 passed, 2 failed, 1 skipped"))
        self.assertTrue(any("test_a.py: has no tests" in line for line in lines), lines)
        self.assertTrue(any("no_such_module" in line for line in lines), lines)
        self.assertIn("    skipped test_c.py: TEST_SKIP names it", lines)
        self.assertEqual(self.run_files("test_c")[1][-1], "1 passed, 1 failed")  # b cannot be loaded
        os.remove(os.path.join(self.folder, "test_b.py"))
        self.assertEqual(self.run_files("test_one")[1][-1], "1 passed, 0 failed")
        self.assertEqual(self.run_files("no_such_test"), (1, ["0 passed, 0 failed"]))

    def test_programs(self):
        def program(name, text):
            return self.write(name, "#!/bin/sh\n" + text, 0o755)

        whole = program("whole", "echo '100%: Checks: 3, Failures: 0, Errors: 0'\n")
        nothing = program("nothing", "echo '100%: Checks: 0, Failures: 0, Errors: 0'\n")
        partly = program("partly", "echo 'skipped: no such file'\n"
                                   "echo '100%: Checks: 2, Failures: 0, Errors: 0'\n")
        crashed = program("crashed", "echo '100%: Checks: 2, Failures: 0, Errors: 0'\nexit 4\n")
        silent = program("silent", "exit 0\n")
        for programs, status, last in (
                ([whole], 0, "3 passed, 0 failed"),
                ([whole, nothing], 1, "3 passed, 1 failed"),
                ([partly], 0, "1 passed, 0 failed, 1 skipped"),
                ([crashed], 1, "1 passed, 1 failed"),
                ([silent], 1, "0 passed, 1 failed"),
                ([os.path.join(self.folder, "missing")], 1, "0 passed, 1 failed"),
                ([], 1, "0 passed, 0 failed")):
            with self.subTest(programs):
                code, lines = self.run_tool("tools/run-programs", *programs)
                self.assertEqual((code, lines[-1]), (status, last), lines)
        self.assertTrue(any("ran no test" in line
                            for line in self.run_tool("tools/run-programs", nothing)[1]))

    def test_groups(self):
        """A group is a make target; here a makefile of our own has them."""
        self.write("Makefile", """
            test-good: ; @echo "2 passed, 0 failed, 1 skipped"
            test-bad: ; @echo "1 passed, 0 failed"; exit 1
            test-empty: ; @echo "0 passed, 0 failed"
            test-silent: ; @true
            """)
        for groups, status, last in (
                (["good"], 0, "2 passed, 0 failed, 1 skipped"),
                (["good", "bad"], 1, "3 passed, 1 failed, 1 skipped"),
                (["good", "empty"], 1, "2 passed, 1 failed, 1 skipped"),
                (["silent"], 1, "0 passed, 1 failed"),
                (["missing"], 1, "0 passed, 1 failed")):
            with self.subTest(groups):
                done = subprocess.run([os.path.join(ROOT, "tools/run-tests"), *groups],
                                      capture_output=True, text=True, cwd=self.folder, timeout=60,
                                      check=False)
                lines = done.stdout.splitlines()
                self.assertEqual((done.returncode, lines[-1]), (status, last), lines)
        self.assertIn("test-missing: ended without counting its tests", lines)


if __name__ == "__main__":
    unittest.main()
