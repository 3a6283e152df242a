"""The Dockerfile, really built and run: by buildah on a base that debootstrap made."""

import json
import os
import re
import signal
import subprocess
import time
import unittest

from chroot import ROOT, Chroot, make_base, run, scratch
from deployment import answers, fetch, free_port

REVISION = "image-test"
LIBRARIES = {"libmicrohttpd", "libjansson", "libgomp", "libgnutls", "libdeflate", "libc"}


def daemon_below(pid):
    """The process id of the daemon among the descendants of a process."""
    children = []
    for task in os.listdir(f"/proc/{pid}/task"):  # buildah forks from any of its threads
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            children += file.read().split()
    for child in children:
        if os.readlink(f"/proc/{child}/exe").endswith("/ranklossd"):
            return int(child)
        found = daemon_below(child)
        if found:
            return found
    return None


class Image(unittest.TestCase):
    """Builds once; storage of its own, so that nothing is left on the machine."""

    @classmethod
    def setUpClass(cls):
        base = make_base()
        folder = scratch(cls, "image")
        cls.store = ["--storage-driver", "vfs", "--root", folder + "/storage",
                     "--runroot", folder + "/run"]
        container = cls.buildah("from", "scratch").strip().splitlines()[-1]
        cls.buildah("add", "--quiet", container, base, "/")
        cls.buildah("config", "--cmd", "/bin/bash", container)
        cls.buildah("commit", "--quiet", "--rm", container, "localhost/debian:test")
        start = time.monotonic()
        cls.buildah("bud", "--isolation", "chroot", "--format", "docker", "--pull-never",
                    "--build-arg", "BASE=localhost/debian:test",
                    "--build-arg", "REVISION=" + REVISION,
                    "--tag", "localhost/ranklossd:test", ROOT)
        print(f"note: built in {time.monotonic() - start:.0f} s")
        inspected = cls.buildah("inspect", "--type", "image", "localhost/ranklossd:test")
        cls.config = json.loads(inspected)["Docker"]["config"]
        cls.container = cls.buildah("from", "--pull-never", "localhost/ranklossd:test").strip()
        cls.root = cls.buildah("mount", cls.container).strip().splitlines()[-1]
        cls.base_size = cls.size_of("localhost/debian:test")

    @classmethod
    def buildah(cls, verb, *arguments, **options):
        return run("buildah", *cls.store, verb, *arguments, **options)

    @classmethod
    def size_of(cls, image):
        listed = json.loads(cls.buildah("images", "--json", image))
        return listed[0]["size"]

    def environment(self):
        return dict(line.split("=", 1) for line in self.config["Env"])

    def start(self, port):
        """The container's own command and user, by buildah; only the port is ours."""
        command = ["buildah", *self.store, "run", "--isolation", "chroot",
                   "--env", f"RANKLOSSD_LISTEN=127.0.0.1:{port}", self.container, "--",
                   *self.config["Entrypoint"]]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        """After a failure: the daemon first, which buildah's end would leave behind."""
        if process.poll() is None:
            os.kill(daemon_below(process.pid) or process.pid, signal.SIGKILL)
            process.wait(20)

    def test_it_answers_a_real_request_and_leaves_on_sigterm(self):
        port = free_port()
        process = self.start(port)
        answers(f"http://127.0.0.1:{port}/readyz")
        reply = fetch(f"http://127.0.0.1:{port}/v1/losses/pairwise_hinge",
                      {"y_true": [[1, 0]], "y_pred": [[0, 0]]})
        self.assertEqual(reply["loss"], 0.5)
        pid = daemon_below(process.pid)
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            self.assertRegex(file.read(), r"Uid:\t65532\t65532")
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)

    def test_the_health_check_is_the_binary_itself(self):
        check = self.config["Healthcheck"]["Test"]
        self.assertEqual(check, ["CMD", "/usr/bin/ranklossd", "--probe"])
        port = free_port()
        process = self.start(port)
        answers(f"http://127.0.0.1:{port}/readyz")
        probe = ("run", "--isolation", "chroot", "--env", f"RANKLOSSD_LISTEN=127.0.0.1:{port}",
                 self.container, "--", *check[1:])
        self.buildah(*probe)
        os.kill(daemon_below(process.pid), signal.SIGTERM)
        process.wait(20)
        self.buildah(*probe, status=1)

    def test_a_read_only_root_is_enough(self):
        port = free_port()
        inside = Chroot(self.root)
        process = inside.start("/usr/bin/ranklossd", user=65532,
                               env={**self.environment(), "RANKLOSSD_LISTEN": f"127.0.0.1:{port}"},
                               stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        answers(f"http://127.0.0.1:{port}/readyz")
        with open(f"/proc/{process.pid}/environ", encoding="utf-8") as file:
            self.assertIn("OMP_WAIT_POLICY=passive", file.read().split("\0"))
        self.assertEqual(fetch(f"http://127.0.0.1:{port}/v1/losses/pairwise_logistic",
                               {"y_true": [0, 1], "y_pred": [0, 5], "reduction": "sum",
                                "dtype": "float64"})["totals"]["pairs"], 1)
        with self.assertRaises(AssertionError):
            inside.run("touch", "/written", read_only=True)

    def test_its_settings(self):
        self.assertRegex(self.config["User"], r"^[1-9][0-9]*:[1-9][0-9]*$")
        self.assertEqual(self.config["Entrypoint"], ["/usr/bin/ranklossd"])
        environment = self.environment()
        self.assertEqual(environment["RANKLOSSD_LISTEN"], "0.0.0.0:8080")
        self.assertIn("8080/tcp", self.config["ExposedPorts"])
        self.assertEqual(self.config["Labels"]["org.opencontainers.image.revision"], REVISION)

    def test_it_knows_its_revision_and_accepts_its_settings(self):
        inside = Chroot(self.root)
        self.assertIn(REVISION, inside.run("/usr/bin/ranklossd", "--version"))
        inside.run("/usr/bin/ranklossd", "--check", user=65532, env=self.environment())

    def test_it_holds_run_time_libraries_only(self):
        inside = Chroot(self.root)
        linked = inside.run("ldd", "/usr/bin/ranklossd")
        self.assertNotIn("not found", linked)
        self.assertLessEqual(LIBRARIES, set(re.findall(r"^\s*(lib\w+?)\.so", linked, re.M)))
        packages = inside.run("dpkg-query", "-W", "-f", "${Package}\n").split()
        unwanted = [name for name in packages
                    if name.endswith("-dev") or name in ("gcc", "make", "binutils", "libc6-dev")]
        self.assertEqual(unwanted, [])
        print(f"note: image {self.size_of('localhost/ranklossd:test')}, "
              f"of which the base is {self.base_size}")

    def test_only_sources_are_sent_to_the_builder(self):
        with open(os.path.join(ROOT, ".dockerignore"), encoding="utf-8") as file:
            lines = [line.strip() for line in file if line.strip() and not line.startswith("#")]
        self.assertEqual(lines[0], "*")
        for line in lines[1:]:
            self.assertTrue(os.path.exists(os.path.join(ROOT, line.lstrip("!"))), line)


if __name__ == "__main__":
    unittest.main()
