"""deploy/compose: what Compose makes of it, without an engine."""

import os
import shutil
import tempfile
import unittest

import yaml

from daemon import run_once
from deployment import path, run


def compose_config():
    """The file as Compose reads it."""
    command = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    return yaml.safe_load(run(*command, "-f", path("deploy/compose/compose.yaml"), "config"))


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.services = compose_config()["services"]

    def test_it_runs_the_daemon_prometheus_and_grafana(self):
        self.assertEqual(set(self.services), {"ranklossd", "prometheus", "grafana"})

    def test_every_mounted_file_exists(self):
        count = 0
        for service in self.services.values():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0] if isinstance(volume, str) else volume["source"]
                if source.startswith("/"):
                    self.assertTrue(os.path.exists(source), source)
                    count += 1
        self.assertEqual(count, 4)

    def test_ports_are_open_on_this_machine_only(self):
        for name, service in self.services.items():
            for port in service["ports"]:
                self.assertTrue(str(port).startswith("127.0.0.1:"), f"{name}: {port}")

    def test_the_daemon_is_shielded_and_given_time_to_drain(self):
        daemon = self.services["ranklossd"]
        self.assertIs(daemon["read_only"], True)
        self.assertEqual(daemon["cap_drop"], ["ALL"])
        self.assertIn("no-new-privileges:true", daemon["security_opt"])
        self.assertGreaterEqual(int(daemon["stop_grace_period"].rstrip("s")), 35)

    def test_the_daemon_accepts_its_environment(self):
        done = run_once("--check", env=self.services["ranklossd"]["environment"])
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_prometheus_accepts_what_it_is_given(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(path("deploy/compose/prometheus.yml"), folder)
            shutil.copytree(path("deploy/prometheus/rules"), folder + "/rules")
            said = run("promtool", "check", "config", folder + "/prometheus.yml")
        self.assertIn("2 rule files found", said)

    def test_grafana_finds_the_data_source_and_the_dashboard(self):
        with open(path("deploy/grafana/provisioning/datasources/prometheus.yml"),
                  encoding="utf-8") as file:
            source = yaml.safe_load(file)["datasources"][0]
        self.assertEqual(source["url"], "http://prometheus:9090")
        with open(path("deploy/grafana/provisioning/dashboards/ranklossd.yml"),
                  encoding="utf-8") as file:
            provider = yaml.safe_load(file)["providers"][0]
        mounts = [volume.split(":")[1] for volume in self.services["grafana"]["volumes"]]
        self.assertIn(provider["options"]["path"], mounts)


if __name__ == "__main__":
    unittest.main()
