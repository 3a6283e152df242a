"""deploy/kubernetes: built by kustomize, validated against the real schemas, and made to agree with
the daemon's settings.
"""

import json
import os
import re
import shutil
import tempfile
import unittest
import urllib.error

import yaml

from daemon import Daemon, run_once
from deployment import Tool, answers, fetch, free_port, path, run

SETS = ("base", "overlays/service", "overlays/sidecar")
SECONDS = {"ms": 0.001, "s": 1, "m": 60}


def kustomize(folder):
    """What would be applied, as YAML."""
    if shutil.which("kustomize"):
        return run("kustomize", "build", folder)
    return run("kubectl", "kustomize", folder)


def seconds(text):
    number, unit = re.match(r"([0-9.]+)(ms|s|m)$", text).groups()
    return float(number) * SECONDS[unit]


class Pods:
    """Tests of `objects`, which has the objects of each set by its name."""

    def pods(self):
        for overlay, objects in self.objects.items():
            for item in objects:
                if item["kind"] == "Deployment":
                    yield overlay, item, item["spec"]["template"]["spec"]

    def containers(self):
        for overlay, _, pod in self.pods():
            for container in pod.get("initContainers", []) + pod["containers"]:
                yield overlay, pod, container

    def daemons(self):
        return [(overlay, pod, item) for overlay, pod, item in self.containers()
                if item["name"] == "ranklossd"]

    def settings(self, overlay, container):
        """The daemon's settings in a container: its file's, and its environment's."""
        config = [item for item in self.objects[overlay] if item["kind"] == "ConfigMap"
                  and "ranklossd.json" in item["data"]]
        settings = json.loads(config[0]["data"]["ranklossd.json"]) if config else {}
        for variable in container.get("env", []):
            settings[variable["name"].removeprefix("RANKLOSSD_").lower()] = variable["value"]
        return settings

    def test_pods_meet_the_restricted_standard(self):
        for overlay, pod, container in self.containers():
            with self.subTest(overlay=overlay, container=container["name"]):
                outer, own = pod["securityContext"], container["securityContext"]
                self.assertTrue(own.get("runAsNonRoot", outer.get("runAsNonRoot")))
                self.assertGreater(own.get("runAsUser", outer.get("runAsUser")), 0)
                self.assertIs(own["allowPrivilegeEscalation"], False)
                self.assertIs(own["readOnlyRootFilesystem"], True)
                self.assertEqual(own["capabilities"]["drop"], ["ALL"])
                profile = own.get("seccompProfile", outer.get("seccompProfile"))
                self.assertEqual(profile["type"], "RuntimeDefault")
                self.assertIs(pod["automountServiceAccountToken"], False)
                self.assertFalse(pod.get("hostNetwork") or pod.get("hostPID"))

    def test_daemons_have_probes_and_resources(self):
        self.assertEqual(len(self.daemons()), len(self.objects))
        for overlay, _, container in self.daemons():
            with self.subTest(overlay=overlay):
                for probe in ("startupProbe", "livenessProbe"):
                    self.assertIn(container[probe]["httpGet"]["path"], ("/livez", "/readyz"))
                # The thread count comes from the CPU limit; without one it would be the node's.
                for kind in ("requests", "limits"):
                    self.assertEqual(set(container["resources"][kind]), {"cpu", "memory"})

    def test_ports_of_probes_and_services_exist(self):
        for overlay, deployment, pod in self.pods():
            ports = {port["name"] for container in pod.get("initContainers", []) + pod["containers"]
                     for port in container.get("ports", [])}
            for item in pod.get("initContainers", []) + pod["containers"]:
                for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                    if probe in item:
                        self.assertIn(item[probe]["httpGet"]["port"], ports)
            for service in self.objects[overlay]:
                if service["kind"] == "Service":
                    self.assertLessEqual({port["targetPort"] for port in service["spec"]["ports"]},
                                         ports)
                    self.assertLessEqual(service["spec"]["selector"].items(),
                                         deployment["spec"]["template"]["metadata"]["labels"].items())

    def test_pods_are_given_time_to_drain(self):
        """Grace >= shutdown-delay + drain-timeout + 5 s, and the delay lets readiness be noticed."""
        defaults = {"shutdown_delay": "0s", "drain_timeout": "30s"}
        for overlay, pod, container in self.daemons():
            settings = {**defaults, **self.settings(overlay, container)}
            delay, drain = seconds(settings["shutdown_delay"]), seconds(settings["drain_timeout"])
            with self.subTest(overlay=overlay):
                self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], delay + drain + 5)
                probe = container.get("readinessProbe")
                if probe:
                    self.assertGreater(delay, probe["periodSeconds"] * probe["failureThreshold"])

    def test_the_daemon_accepts_its_settings(self):
        for overlay, _, container in self.daemons():
            config = [item for item in self.objects[overlay] if item["kind"] == "ConfigMap"
                      and "ranklossd.json" in item["data"]]
            environment = {item["name"]: item["value"] for item in container.get("env", [])}
            with self.subTest(overlay=overlay), tempfile.TemporaryDirectory() as folder:
                if config:
                    environment["RANKLOSSD_CONFIG"] = folder + "/ranklossd.json"
                    with open(environment["RANKLOSSD_CONFIG"], "w", encoding="utf-8") as file:
                        file.write(config[0]["data"]["ranklossd.json"])
                done = run_once("--check", env=environment)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_ports_of_containers_are_those_of_the_settings(self):
        for overlay, _, container in self.daemons():
            settings = self.settings(overlay, container)
            listening = {int(settings[name].rsplit(":", 1)[1]) for name in ("listen", "admin_listen")}
            declared = {port["containerPort"] for port in container["ports"]}
            with self.subTest(overlay=overlay):
                self.assertLessEqual(declared, listening)


class Base(Pods, unittest.TestCase):
    """The files of base as they are, which needs no tool: nothing there patches another file."""

    @classmethod
    def setUpClass(cls):
        folder = path("deploy/kubernetes/base")
        cls.objects = {"base": []}
        for name in ("serviceaccount.yaml", "deployment.yaml", "service.yaml"):
            with open(f"{folder}/{name}", encoding="utf-8") as file:
                cls.objects["base"] += yaml.safe_load_all(file)
        with open(f"{folder}/ranklossd.json", encoding="utf-8") as file:
            cls.objects["base"].append({"kind": "ConfigMap", "data": {"ranklossd.json": file.read()}})

    def test_kustomize_is_given_these_files(self):
        with open(path("deploy/kubernetes/base/kustomization.yaml"), encoding="utf-8") as file:
            told = yaml.safe_load(file)
        self.assertEqual(sorted(told["resources"]),
                         ["deployment.yaml", "service.yaml", "serviceaccount.yaml"])
        self.assertEqual(told["configMapGenerator"], [{"name": "ranklossd",
                                                       "files": ["ranklossd.json"]}])


@unittest.skipUnless(shutil.which("kustomize") or shutil.which("kubectl"),
                     "neither kustomize nor kubectl is here: manifests are not built")
class Manifests(Pods, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = {name: kustomize(path("deploy/kubernetes", name)) for name in SETS}
        cls.objects = {name: [item for item in yaml.safe_load_all(text) if item]
                       for name, text in cls.text.items()}

    def one(self, overlay, kind, name=None):
        found = [item for item in self.objects[overlay]
                 if item["kind"] == kind and name in (None, item["metadata"]["name"])]
        self.assertEqual(len(found), 1, f"{overlay}: {kind}")
        return found[0]

    def test_objects_fit_the_schemas(self):
        schemas = path("tests/deploy/schemas")
        if not os.path.isdir(schemas + "/node_modules"):
            run("npm", "ci", "--no-audit", "--no-fund", cwd=schemas, timeout=300)
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for name, text in self.text.items():
                files.append(f"{folder}/{name.replace('/', '-')}.yaml")
                with open(files[-1], "w", encoding="utf-8") as file:
                    file.write(text)
            said = run("node", schemas + "/validate.mjs", *files)
            count = sum(map(len, self.objects.values()))
            self.assertIn(f"{count} objects, 0 faults", said)
            self.assertGreaterEqual(count, 19)

            broken = folder + "/broken.yaml"
            with open(broken, "w", encoding="utf-8") as file:
                file.write(self.text["base"].replace("maxSurge", "maxSurges")
                           .replace("replicas: 2", "replicas: two"))
            said = run("node", schemas + "/validate.mjs", broken, status=1)
            self.assertIn("maxSurges", said, "the validation must notice members that do not exist")
            self.assertIn("replicas", said)

    def test_namespaces_enforce_the_restricted_standard(self):
        for overlay in SETS[1:]:
            labels = self.one(overlay, "Namespace")["metadata"]["labels"]
            self.assertEqual(labels["pod-security.kubernetes.io/enforce"], "restricted")

    def test_images_are_real(self):
        for overlay, _, container in self.daemons():
            self.assertRegex(container["image"], r"/ranklossd:[0-9.]+$", overlay)

    def test_the_autoscaler_names_what_the_adapter_makes(self):
        with open(path("deploy/kubernetes/prometheus-adapter.yaml"), encoding="utf-8") as file:
            made = yaml.safe_load(file)["rules"]["custom"][0]["name"]["as"]
        scaler = self.one("overlays/service", "HorizontalPodAutoscaler")
        self.assertEqual(scaler["spec"]["metrics"][0]["pods"]["metric"]["name"], made)
        deployment = self.one("overlays/service", "Deployment")
        self.assertEqual(scaler["spec"]["scaleTargetRef"]["name"], deployment["metadata"]["name"])
        self.assertNotIn("replicas", deployment["spec"], "an apply would undo the autoscaler")

    def test_selectors_meet_the_pods(self):
        deployment = self.one("overlays/service", "Deployment")
        labels = deployment["spec"]["template"]["metadata"]["labels"].items()
        for kind, key in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
            selector = self.one("overlays/service", kind)["spec"][key]["matchLabels"]
            self.assertLessEqual(selector.items(), labels, kind)
        service = self.one("overlays/service", "Service")
        monitor = self.one("overlays/service", "ServiceMonitor")["spec"]
        self.assertLessEqual(monitor["selector"]["matchLabels"].items(),
                             service["metadata"]["labels"].items())
        self.assertIn(monitor["endpoints"][0]["port"],
                      [port["name"] for port in service["spec"]["ports"]])
        self.assertEqual(service["metadata"]["labels"][monitor["jobLabel"]], "ranklossd")

    def test_the_network_policy_lets_nothing_out(self):
        policy = self.one("overlays/service", "NetworkPolicy")["spec"]
        self.assertEqual(sorted(policy["policyTypes"]), ["Egress", "Ingress"])
        self.assertFalse(policy.get("egress"))

    def test_rules_are_those_of_prometheus(self):
        groups = []
        for name in ("alerts", "recording"):
            with open(path(f"deploy/prometheus/rules/{name}.yml"), encoding="utf-8") as file:
                groups += yaml.safe_load(file)["groups"]
        rule = self.one("overlays/service", "PrometheusRule")
        self.assertEqual(rule["spec"]["groups"], groups,
                         "run deploy/kubernetes/prometheusrule.py again")

    def test_the_sidecar_starts_first_and_is_reached_on_loopback_only(self):
        pod = self.one("overlays/sidecar", "Deployment")["spec"]["template"]
        sidecar = pod["spec"]["initContainers"][0]
        self.assertEqual(sidecar["restartPolicy"], "Always")
        settings = self.settings("overlays/sidecar", sidecar)
        self.assertTrue(settings["listen"].startswith("127.0.0.1:"))
        service = pod["spec"]["containers"][0]
        url = {item["name"]: item["value"] for item in service["env"]}["RANKLOSSD_URL"]
        self.assertEqual(url, "http://" + settings["listen"])
        monitor = self.one("overlays/sidecar", "PodMonitor")["spec"]
        self.assertLessEqual(monitor["selector"]["matchLabels"].items(),
                             pod["metadata"]["labels"].items())
        self.assertIn(monitor["podMetricsEndpoints"][0]["port"],
                      [port["name"] for port in sidecar["ports"]])


class RankingService(unittest.TestCase):
    """The example service, run as its container would run it, beside a daemon as its sidecar is."""

    @classmethod
    def setUpClass(cls):
        with open(path("deploy/kubernetes/components/sidecar/sidecar.yaml"),
                  encoding="utf-8") as file:
            container = yaml.safe_load(file)["spec"]["template"]["spec"]["initContainers"][0]
        environment = {item["name"]: item["value"] for item in container["env"]}
        environment.update(RANKLOSSD_LISTEN="127.0.0.1:0", RANKLOSSD_ADMIN_LISTEN="127.0.0.1:0")
        cls.daemon = Daemon(listen=None, env=environment)
        cls.addClassCleanup(cls.daemon.stop)
        port = free_port()
        cls.url = f"http://127.0.0.1:{port}"
        host, daemon_port = cls.daemon.address
        cls.tool = Tool("/usr/bin/python3", "-u",
                        path("deploy/kubernetes/overlays/sidecar/ranking_service.py"),
                        env={"PORT": str(port), "RANKLOSSD_URL": f"http://{host}:{daemon_port}"})
        cls.addClassCleanup(cls.tool.stop)
        answers(cls.url + "/healthz")

    def test_it_ranks_and_learns_the_loss_of_its_ranking(self):
        ranked = fetch(self.url + "/rank", {"items": [
            {"id": "a", "features": [0.1, 0, 0, 0]}, {"id": "b", "features": [1, 1, 0, 0]},
            {"id": "c", "features": [0.5, 0, 0, 0]}]})["ranking"]
        self.assertEqual([item["id"] for item in ranked], ["b", "c", "a"])
        reply = fetch(self.url + "/feedback", {"scores": [1.0, 0.35, 0.07], "labels": [0, 0, 1]})
        # Pairs (2, 0) and (2, 1): 1 - (0.07 - 1) and 1 - (0.07 - 0.35), over three items.
        self.assertAlmostEqual(reply["loss"], (1.93 + 1.28) / 3, places=6)
        self.assertEqual([(pair["i"], pair["j"]) for pair in reply["worst_pairs"]], [(2, 0), (2, 1)])

    def test_the_loss_appears_under_the_models_name(self):
        fetch(self.url + "/feedback", {"scores": [1.0, 0.5], "labels": [1, 0]})
        names = [labels["name"] for sample, labels, _ in self.daemon.metrics().samples
                 if sample == "ranklossd_loss" and labels["loss"] == "pairwise_hinge"]
        self.assertIn("ranking-v1", names)

    def test_the_sidecars_words_reach_the_client(self):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            fetch(self.url + "/feedback", {"scores": [1.0, 0.5], "labels": [1]})
        with caught.exception as error:
            self.assertEqual(error.code, 422)
            self.assertIn("errors", json.load(error))

    def test_probes_are_answered_on_the_separate_address(self):
        host, port = self.daemon.admin
        for where in ("/livez", "/readyz"):
            fetch(f"http://{host}:{port}{where}")

    def test_it_leaves_when_told_to(self):
        port = free_port()
        tool = Tool("/usr/bin/python3",
                    path("deploy/kubernetes/overlays/sidecar/ranking_service.py"),
                    env={"PORT": str(port)})
        answers(f"http://127.0.0.1:{port}/healthz")
        self.assertEqual(tool.stop(), 0)


if __name__ == "__main__":
    unittest.main()
