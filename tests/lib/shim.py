"""The test's side of tests/fault/shim.c: arming failures in a running daemon."""

import mmap
import os
import struct
import tempfile

from daemon import ROOT

FIELDS = ("allocations", "fail_at", "persistent", "failed", "threads", "accept_error",
          "accept_times")
LIBRARY = os.environ.get("RANKLOSSD_SHIM_LIBRARY",
                         os.path.join(os.path.dirname(os.environ.get(
                             "RANKLOSSD", os.path.join(ROOT, "build/ranklossd"))),
                             "tests/fault/shim.so"))


class Shim:
    """The shared page. env: what to start the daemon with. Set and read fields as attributes."""

    def __init__(self, **fields):
        file = tempfile.NamedTemporaryFile(prefix="ranklossd-shim-")
        file.write(b"\0" * 8 * len(FIELDS))
        file.flush()
        object.__setattr__(self, "file", file)
        object.__setattr__(self, "page", mmap.mmap(file.fileno(), 8 * len(FIELDS)))
        self.threads = -1
        for name, value in fields.items():
            setattr(self, name, value)

    @property
    def env(self):
        return {"LD_PRELOAD": os.path.abspath(LIBRARY), "SHIM_CONTROL": self.file.name}

    def __setattr__(self, name, value):
        struct.pack_into("q", self.page, 8 * FIELDS.index(name), value)

    def __getattr__(self, name):
        return struct.unpack_from("q", self.page, 8 * FIELDS.index(name))[0]

    def arm(self, number, persistent=False):
        """The allocation of this number from now on fails."""
        self.fail_at = 0
        self.allocations, self.failed, self.persistent = 0, 0, int(persistent)
        self.fail_at = number

    def disarm(self):
        self.fail_at = 0
