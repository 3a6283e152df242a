"""`make deb` and `make install`: on a Debian with nothing on it, under the unit's command line."""

import glob
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from chroot import BUILD, ROOT, Chroot, make_base, run, scratch
from deployment import fetch

# What installing any package leaves behind, and what our dependencies bring or change.
NOT_OURS = re.compile(r"^(var/(lib/(dpkg|apt|systemd|ucf)|cache|log|tmp)|tmp|proc|dev|sys|run|root"
                      r"|etc/ld\.so\.cache)(/|$)")


def make(*arguments, **options):
    return run("make", "--no-print-directory", "-C", ROOT, f"BUILD={BUILD}", *arguments, **options)


def files_below(folder):
    found = set()
    for parent, _, names in os.walk(folder):
        found |= {os.path.relpath(os.path.join(parent, name), folder) for name in names}
    return {name for name in found if not NOT_OURS.match(name)}


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        make("deb")
        cls.deb, = glob.glob(os.path.join(BUILD, "ranklossd_*_amd64.deb"))
        cls.folder = scratch(cls, "package")
        run("tar", "-C", cls.folder, "-xf", make_base())
        cls.machine = Chroot(cls.folder)
        cls.machine.run("apt-get", "update", "-q")
        shutil.copy(cls.deb, cls.folder + "/ranklossd.deb")

    def ours(self):
        """The files that bear our name, but for the package itself."""
        return {name for name in files_below(self.folder)
                if "ranklossd" in name and name != "ranklossd.deb"}

    def unit(self):
        with open(self.folder + "/lib/systemd/system/ranklossd.service", encoding="utf-8") as file:
            return file.read()

    def ready(self, notify, log):
        """Waits for READY=1; the address that the daemon then serves on."""
        try:
            while "READY=1" not in notify.recv(4096).decode():
                pass
        except TimeoutError:
            log.seek(0)
            self.fail("not ready: " + log.read())
        log.seek(0)
        return re.search(r"127\.0\.0\.1:[1-9]\d*", log.read()).group()

    def serves(self):
        """Runs the installed unit's command line as a dynamic user would; a request; the end."""
        unit = self.unit()
        command = shlex.split(re.search(r"^ExecStart=(.*)$", unit, re.M).group(1))
        environment = dict(word.split("=", 1) for line in re.findall(r"^Environment=(.*)$", unit, re.M)
                           for word in shlex.split(line))
        check = shlex.split(re.search(r"^ExecStartPre=(.*)$", unit, re.M).group(1))
        self.machine.run(*check, user=61184, env=environment)
        os.makedirs(self.folder + "/run/systemd", exist_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(self.folder + "/run/systemd/notify")
            os.chmod(self.folder + "/run/systemd/notify", 0o777)
            notify.settimeout(20)
            log = open(self.folder + "/run/log", "w+", encoding="utf-8")
            process = self.machine.start(*command, "--listen", "127.0.0.1:0", user=61184, env={
                **environment, "NOTIFY_SOCKET": "/run/systemd/notify"}, stderr=log)
            try:
                address = self.ready(notify, log)
                reply = fetch(f"http://{address}/v1/losses/pairwise_hinge",
                              {"y_true": [[1, 0]], "y_pred": [[0, 0]]})
                self.assertEqual(reply["loss"], 0.5)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(20), 0)
            finally:
                process.kill()
                process.wait()
                log.close()
        os.unlink(self.folder + "/run/systemd/notify")

    def test_it_installs_runs_and_is_removed_without_a_trace(self):
        self.machine.run("apt-get", "install", "-y", "-q", "--no-install-recommends",
                         "/ranklossd.deb")
        added = self.ours()
        for name in ("usr/bin/ranklossd", "etc/ranklossd/ranklossd.json",
                     "usr/lib/systemd/system/ranklossd.service", "usr/lib/systemd/system/ranklossd.socket",
                     "usr/share/doc/ranklossd/copyright"):
            self.assertIn(name, added)
        self.assertIn("ranklossd 0.1.0", self.machine.run("/usr/bin/ranklossd", "--version"))
        self.serves()

        self.machine.run("apt-get", "remove", "-y", "-q", "ranklossd")
        left = self.ours()
        self.assertIn("etc/ranklossd/ranklossd.json", left, "settings stay")
        self.assertEqual({name for name in left if not name.startswith("etc/")}, set())
        self.machine.run("apt-get", "purge", "-y", "-q", "ranklossd")
        self.assertEqual(self.ours(), set())
        self.assertFalse(os.path.exists(self.folder + "/etc/ranklossd"))

    def test_lintian_finds_no_error(self):
        said = run("lintian", "--no-cfg", "--fail-on", "error", "--suppress-tags",
                   "bad-distribution-in-changes-file", "--allow-root", self.deb)
        print("note: lintian: " + (said.strip().replace("\n", "\n      ") or "nothing"))

    def test_it_depends_on_what_it_links(self):
        depends = run("dpkg-deb", "-f", self.deb, "Depends")
        for name in ("libmicrohttpd12", "libjansson4", "libgomp1", "libgnutls30", "libdeflate0"):
            self.assertIn(name, depends)

    def test_the_package_for_arm64(self):
        make("deb", "DEB_ARCH=arm64")
        deb, = glob.glob(os.path.join(BUILD, "ranklossd_*_arm64.deb"))
        self.assertEqual(run("dpkg-deb", "-f", deb, "Architecture").strip(), "arm64")
        self.assertEqual(*(sorted(re.findall(r"lib[\w.+-]+", run("dpkg-deb", "-f", package, "Depends")))
                           for package in (deb, self.deb)))
        with tempfile.TemporaryDirectory() as folder:
            names = []
            for package, place in ((self.deb, folder + "/amd64"), (deb, folder + "/arm64")):
                run("dpkg-deb", "-x", package, place)
                names.append({name for name in files_below(place) if "/.build-id/" not in name})
            self.assertEqual(*names)
            self.assertIn("ranklossd 0.1.0", run("qemu-aarch64-static", folder + "/arm64/usr/bin/ranklossd",
                                                 "--version"))

    def test_the_binary_is_hardened(self):
        with tempfile.TemporaryDirectory() as folder:
            run("dpkg-deb", "-x", self.deb, folder)
            said = run("readelf", "-hldW", folder + "/usr/bin/ranklossd")
            self.assertRegex(said, r"Type:\s+DYN")
            self.assertIn("GNU_RELRO", said)
            self.assertRegex(said, r"BIND_NOW|FLAGS_1.*NOW")
            self.assertRegex(said, r"GNU_STACK.* RW ")


if __name__ == "__main__":
    unittest.main()
