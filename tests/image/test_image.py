"""The Dockerfile, really built and run: by buildah on a base that debootstrap made."""

import json
import os
import signal
import subprocess
import time
import unittest

from chroot import ROOT, Chroot, make_base, run, scratch
from deployment import answers, fetch, free_port

REVISION = "image-test"
EPOCH = 1700000000
IMAGE = "localhost/ranklossd:test"
EMULATOR = "qemu-aarch64-static"
LARGEST = 25_000_000  # bytes, unpacked


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
        cls.build(IMAGE)
        print(f"note: both architectures built in {time.monotonic() - start:.0f} s")
        cls.config = cls.inspect(IMAGE)["Docker"]["config"]
        cls.container, cls.root = cls.mount("amd64")
        cls.arm64_root = cls.mount("arm64")[1]

    @classmethod
    def build(cls, name):
        cls.buildah("bud", "--isolation", "chroot", "--format", "docker", "--pull-never",
                    "--platform", "linux/amd64,linux/arm64", "--timestamp", EPOCH,
                    "--build-arg", "BASE=localhost/debian:test",
                    "--build-arg", "BUILDPLATFORM=linux/amd64",
                    "--build-arg", "REVISION=" + REVISION,
                    "--build-arg", f"SOURCE_DATE_EPOCH={EPOCH}", "--manifest", name, ROOT)

    @classmethod
    def buildah(cls, verb, *arguments, **options):
        return run("buildah", *cls.store, verb, *arguments, **options)

    @classmethod
    def inspect(cls, image, arch="amd64"):
        return json.loads(cls.buildah("inspect", "--type", "image", cls.digest(image, arch)))

    @classmethod
    def digest(cls, image, arch):
        """The image of one architecture in a manifest, as a name for buildah."""
        listed = json.loads(cls.buildah("manifest", "inspect", image))["manifests"]
        found, = (row["digest"] for row in listed if row["platform"]["architecture"] == arch)
        return f"{image.split(':')[0]}@{found}"

    @classmethod
    def mount(cls, arch):
        """(container, its root) of the image of one architecture."""
        container = cls.buildah("from", "--pull-never", cls.digest(IMAGE, arch))
        container = container.strip().splitlines()[-1]
        return container, cls.buildah("mount", container).strip().splitlines()[-1]

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
        process = Chroot(self.root).start(
            "/usr/bin/ranklossd", user=65532, stderr=subprocess.DEVNULL,
            env={**self.environment(), "RANKLOSSD_LISTEN": f"127.0.0.1:{port}"})
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        answers(f"http://127.0.0.1:{port}/readyz")
        with open(f"/proc/{process.pid}/environ", encoding="utf-8") as file:
            self.assertIn("OMP_WAIT_POLICY=passive", file.read().split("\0"))
        self.assertEqual(fetch(f"http://127.0.0.1:{port}/v1/losses/pairwise_logistic",
                               {"y_true": [0, 1], "y_pred": [0, 5], "reduction": "sum",
                                "dtype": "float64"})["totals"]["pairs"], 1)
        with open(f"/proc/{process.pid}/mountinfo", encoding="utf-8") as file:
            root, = [line.split()[5] for line in file if line.split()[4] == "/"]
        self.assertIn("ro", root.split(","))

    def test_the_arm64_daemon_answers_the_same(self):
        answer = []
        for command in ([EMULATOR, "-L", self.arm64_root, self.arm64_root + "/usr/bin/ranklossd"],
                        [self.root + "/usr/bin/ranklossd"]):
            port = free_port()
            process = subprocess.Popen([*command, "--listen", f"127.0.0.1:{port}"],
                                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.terminate)
            answers(f"http://127.0.0.1:{port}/readyz")
            answer.append(fetch(f"http://127.0.0.1:{port}/v1/losses/pairwise_logistic",
                                {"y_true": [[3, 0, 1], [0, 2]], "y_pred": [[0.1, 0.7, 1.3], [2.5, 3]],
                                 "reduction": "none", "include": ["gradient", "per_list"]}))
        self.assertEqual(answer[0], answer[1])

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

    def test_it_holds_the_daemon_its_libraries_and_their_licences(self):
        """In containers that have not run: running one leaves its mount points behind."""
        for arch, triplet in (("amd64", "x86_64-linux-gnu"), ("arm64", "aarch64-linux-gnu")):
            root = self.mount(arch)[1]
            files = {os.path.relpath(os.path.join(parent, name), root): os.path.getsize(os.path.join(parent, name))
                     for parent, _, names in os.walk(root) for name in names}
            for name in files:
                self.assertRegex(name, rf"^(usr/bin/ranklossd|lib(64)?/ld-linux[\w.-]*|usr/lib/{triplet}/lib[\w.-]*"
                                       r"|usr/share/doc/[\w.+-]+/(copyright|packages\.spdx\.json))$")
            size = sum(files.values())
            libraries = sum(size for name, size in files.items() if name.startswith("usr/lib/"))
            print(f"note: {triplet}: {size / 1e6:.1f} MB in {len(files)} files, "
                  f"{files['usr/bin/ranklossd'] / 1e6:.1f} of it the daemon, {libraries / 1e6:.1f} libraries")
            self.assertLessEqual(size, LARGEST)

    def test_the_list_of_packages(self):
        for root, arch in ((self.root, "amd64"), (self.arm64_root, "arm64")):
            with open(root + "/usr/share/doc/ranklossd/packages.spdx.json", encoding="utf-8") as file:
                listed = json.load(file)
            self.assertEqual(listed["spdxVersion"], "SPDX-2.3")
            names = {row["name"] for row in listed["packages"]}
            self.assertLessEqual({"ranklossd", "libc6", "libmicrohttpd12", "libjansson4", "libgomp1"}, names)
            documented = set(os.listdir(root + "/usr/share/doc"))
            self.assertEqual(names, documented)
            locators = [row["externalRefs"][0]["referenceLocator"] for row in listed["packages"]
                        if "externalRefs" in row]
            self.assertTrue(all(locator.endswith("?arch=" + arch) for locator in locators), locators)

    def test_a_second_build_gives_the_same_layers(self):
        self.build("localhost/ranklossd:again")
        for arch in ("amd64", "arm64"):
            first, second = self.inspect(IMAGE, arch), self.inspect("localhost/ranklossd:again", arch)
            self.assertEqual(first["Docker"]["rootfs"], second["Docker"]["rootfs"], arch)

    def test_only_sources_are_sent_to_the_builder(self):
        with open(os.path.join(ROOT, ".dockerignore"), encoding="utf-8") as file:
            lines = [line.strip() for line in file if line.strip() and not line.startswith("#")]
        self.assertEqual(lines[0], "*")
        for line in lines[1:]:
            self.assertTrue(os.path.exists(os.path.join(ROOT, line.lstrip("!"))), line)


if __name__ == "__main__":
    unittest.main()
