"""Running things inside another root file system: its mounts, its packages, and an ordinary user."""

import os
import shutil
import subprocess
import tempfile

from daemon import base_environment, die_with_parent

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("TEST_BUILD", os.path.join(ROOT, "build"))
BASE = os.path.join(BUILD, "base", "bookworm.tar")
NOBODY = 65534


def run(*command, timeout=900, status=0, **options):
    """Runs a tool to its end; its output as text. AssertionError unless it ends with `status`."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                          errors="replace", timeout=timeout, check=False, **options)
    if done.returncode != status:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n"
                             f"{done.stdout[-6000:]}")
    return done.stdout


def scratch(case, purpose):
    """A folder for a root file system or more, gone after the class; in memory where there is room."""
    memory = shutil.disk_usage("/dev/shm").free if os.path.isdir("/dev/shm") else 0
    folder = tempfile.mkdtemp(prefix=f"ranklossd-{purpose}-",
                              dir="/dev/shm" if memory > 6 << 30 else None)
    case.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
    return folder


def make_base():
    run(os.path.join(ROOT, "tests/image/base-rootfs"), BASE)
    return BASE


class Chroot:
    """A folder as a root file system. Mounts go in a namespace of their own, and so need no undoing."""

    def __init__(self, folder):
        self.folder = folder

    def inside(self, *command, user=None, read_only=False):
        """The command line that runs `command` in there."""
        enter = ["chroot", self.folder] if user is None else [
            "setpriv", "--no-new-privs", "--bounding-set=-all,+sys_chroot,+setuid,+setgid",
            "chroot", f"--userspec={user}:{user}", "--groups=", self.folder]
        script = ('root=$1; shift; mount --bind "$root" "$root"; '
                  'mount -t proc proc "$root/proc"; mount -t devtmpfs dev "$root/dev" '
                  '|| mount --rbind /dev "$root/dev"; '
                  + ('mount -o remount,bind,ro "$root"; ' if read_only else "")
                  + 'exec "$@"')
        return ["unshare", "--mount", "sh", "-ec", script, "sh",
                self.folder, *enter, *map(str, command)]

    def run(self, *command, user=None, read_only=False, env=None, **options):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                       "DEBIAN_FRONTEND": "noninteractive", **(env or {})}
        return run(*self.inside(*command, user=user, read_only=read_only), env=environment,
                   **options)

    def start(self, *command, user=NOBODY, read_only=True, env=None, stderr=None):
        """Starts a program in there, by default as one of our daemon's kind: nobody, read only."""
        environment = {**base_environment(), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **(env or {})}
        return subprocess.Popen(self.inside(*command, user=user, read_only=read_only),
                                env=environment, stdin=subprocess.DEVNULL, stderr=stderr,
                                preexec_fn=die_with_parent)
