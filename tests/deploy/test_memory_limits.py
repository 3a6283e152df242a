"""The memory limit of each deployment holds, whatever clients send.

Each daemon gets the settings that its deployment gives it, and says at the start how much memory
these let it take at most: that must be below the limit. Then the worst requests must keep its
resident memory below it too.
"""

import configparser
import json
import re
import unittest

import yaml

import worst
from daemon import Daemon
from deployment import path

UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "ki": 1 << 10, "mi": 1 << 20,
         "gi": 1 << 30, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}


def size(text):
    number, unit = re.match(r"(\d+)([a-zA-Z]*)$", str(text)).groups()
    return int(number) * UNITS[unit.lower()]


def load(name):
    with open(path(name), encoding="utf-8") as file:
        return yaml.safe_load(file)


def container(name):
    pod = load(name)["spec"]["template"]["spec"]
    return next(item for item in pod.get("initContainers", []) + pod.get("containers", [])
                if item["name"] == "ranklossd")


class Limits(unittest.TestCase):
    SECONDS = 30

    def hold(self, limit, cpus, environment, settings=None):
        """Runs the worst requests against a daemon of these settings, on this many threads."""
        environment = {name: str(value) for name, value in environment.items()
                       if not name.endswith("LISTEN")}
        flags = ["--threads", cpus, "--io-threads", cpus]
        for name, value in (settings or {}).items():
            if not name.endswith("listen"):
                flags += ["--" + name.replace("_", "-"), value]
        with Daemon(*flags, env=environment) as daemon:
            most = json.loads(daemon.log.wait("ranklossd listening"))["most_memory"]
            self.assertLess(most, limit)
            known = {**(settings or {}), **{name[10:].lower(): value
                                            for name, value in environment.items()}}
            largest = size(known.get("max_inflated_bytes", "64MiB"))
            peak, statuses = worst.attack(daemon, largest, self.SECONDS)
            print(f"    {self.id().rsplit('.', 1)[1]}: limit {limit >> 20} MiB, by the settings "
                  f"{most >> 20}, peak {peak >> 20}; replies {sorted(statuses)}")
            self.assertLess(peak, most)
            self.assertIn("200", statuses)
            self.assertEqual(daemon.post("/v1/losses/pairwise_hinge",
                                         {"y_true": [1, 0], "y_pred": [0, 1]}).status, 200)
            daemon.stop(timeout=60)  # up to drain-timeout for what is being computed

    def test_kubernetes_service(self):
        own = container("deploy/kubernetes/base/deployment.yaml")
        with open(path("deploy/kubernetes/base/ranklossd.json"), encoding="utf-8") as file:
            self.hold(size(own["resources"]["limits"]["memory"]),
                      int(own["resources"]["limits"]["cpu"]), {}, json.load(file))

    def test_kubernetes_sidecar(self):
        own = container("deploy/kubernetes/components/sidecar/sidecar.yaml")
        self.hold(size(own["resources"]["limits"]["memory"]),
                  int(own["resources"]["limits"]["cpu"]),
                  {item["name"]: item["value"] for item in own["env"]})

    def test_compose_and_image(self):
        own = load("deploy/compose/compose.yaml")["services"]["ranklossd"]
        with open(path("Dockerfile"), encoding="utf-8") as file:
            image = dict(re.findall(r"(RANKLOSSD_[A-Z_]+)=(\S+)", file.read()))
        self.hold(size(own["mem_limit"]), 2, {**image, **own["environment"]})

    def test_systemd(self):
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str
        unit.read(path("deploy/systemd/ranklossd.service"))
        with open(path("deploy/package/ranklossd.json"), encoding="utf-8") as file:
            self.hold(size(unit["Service"]["MemoryMax"]), 2, {}, json.load(file))


if __name__ == "__main__":
    unittest.main()
