"""deploy/prometheus and deploy/grafana against a real Prometheus on a real daemon under traffic.

Every query of the dashboard, of the rules and of the autoscaler's adapter must return data there: a
metric that was renamed shows here first.
"""

import glob
import json
import re
import tempfile
import time
import unittest
import urllib.parse

import yaml

from daemon import Daemon
from deployment import Tool, Traffic, answers, fetch, free_port, path, run

VARIABLES = {"$__rate_interval": "10s", "$job": ".*", "$instance": ".*", "$loss": ".*", "$metric": ".*",
             "$name": ".*"}
SCALAR_COMPARISON = re.compile(r"\s(?:[<>]=?|[!=]=)\s+[0-9.e-]+")
# Rates over hours need no hours: two scrapes inside the window are enough.
SCRAPES = 8


def read(*parts):
    with open(path(*parts), encoding="utf-8") as file:
        return file.read()


def rule_expressions():
    """(record or alert, expression) of every rule. promtool has checked that this is YAML."""
    for name in sorted(glob.glob(path("deploy/prometheus/rules/*.yml"))):
        with open(name, encoding="utf-8") as file:
            for group in yaml.safe_load(file)["groups"]:
                for rule in group["rules"]:
                    yield rule.get("record") or rule["alert"], rule["expr"]


def substitute(expression):
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def dashboard_expressions():
    """(panel, expression) of every query, those of variables and annotations too."""
    dashboard = json.loads(read("deploy/grafana/dashboards/ranklossd.json"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        if "expr" in annotation:
            yield "annotation " + annotation["name"], annotation["expr"]
    for variable in dashboard["templating"]["list"]:
        found = re.match(r"label_values\((.*), (\w+)\)$", variable.get("definition", ""))
        if found:
            yield "variable " + variable["name"], found.group(1)


class Files(unittest.TestCase):
    """What can be checked without a running Prometheus."""

    def test_promtool_accepts_the_configuration(self):
        said = run("promtool", "check", "config", path("deploy/prometheus/prometheus.yml"))
        self.assertIn("2 rule files found", said)

    def test_promtool_accepts_the_rules(self):
        said = run("promtool", "check", "rules", *glob.glob(path("deploy/prometheus/rules/*.yml")))
        self.assertNotIn("FAILED", said)

    def test_alerts_fire_when_they_should_and_not_else(self):
        said = run("promtool", "test", "rules", *glob.glob(path("deploy/prometheus/tests/*.yml")))
        self.assertIn("SUCCESS", said)

    def test_every_alert_is_fired_by_a_test(self):
        tests = "".join(open(name, encoding="utf-8").read()
                        for name in glob.glob(path("deploy/prometheus/tests/*.yml")))
        for name, _ in rule_expressions():
            if name.startswith("Ranklossd"):
                self.assertRegex(tests, rf'\b{name}\b')

    def test_panels_have_titles_units_and_places_of_their_own(self):
        taken = {}
        for panel in json.loads(read("deploy/grafana/dashboards/ranklossd.json"))["panels"]:
            self.assertTrue(panel["title"])
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertIsNone(taken.get((x, y)), panel["title"])
                    taken[x, y] = panel["title"]

    def test_every_measure_has_its_band(self):
        """A band is filled from one series to another, each by its name: a line for each measure."""
        schemas = json.loads(read("server/web/openapi.json"))["components"]["schemas"]
        panels = {panel["title"]: panel for panel in
                  json.loads(read("deploy/grafana/dashboards/ranklossd.json"))["panels"]}
        for kind in ("Loss", "Metric"):
            title = f"{kind}es of $name" if kind == "Loss" else "Metrics of $name"
            overrides = panels[title + " with their intervals"]["fieldConfig"]["overrides"]
            filled = {one["matcher"]["options"]: own["value"] for one in overrides
                      for own in one["properties"] if own["id"] == "custom.fillBelowTo"}
            self.assertEqual(filled, {f"{name} high": f"{name} low"
                                      for name in schemas[kind + "Name"]["enum"]})

    def test_panels_have_ids_of_their_own(self):
        panels = json.loads(read("deploy/grafana/dashboards/ranklossd.json"))["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))


class Live(unittest.TestCase):
    """A daemon, traffic, and a Prometheus that scrapes every second."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--track-names", "10", "--access-log", "none")
        cls.addClassCleanup(cls.daemon.stop)
        host, port = cls.daemon.address
        cls.traffic = Traffic(f"http://{host}:{port}")
        cls.addClassCleanup(cls.traffic.__exit__)
        cls.traffic.__enter__()
        cls.start_prometheus(f"{host}:{port}")
        cls.wait_for_scrapes()

    @classmethod
    def start_prometheus(cls, target):
        folder = tempfile.TemporaryDirectory(prefix="ranklossd-prometheus-")
        cls.addClassCleanup(folder.cleanup)
        # The configuration as shipped, but for its pace and the target; labels as in Kubernetes.
        text = read("deploy/prometheus/prometheus.yml")
        text, paces = re.subn(r"(scrape|evaluation)_interval: \w+", r"\1_interval: 1s", text)
        text, targets = re.subn(
            r'\["127\.0\.0\.1:8080"\]',
            f'["{target}"]\n        labels: {{namespace: ranklossd, pod: ranklossd-0}}', text)
        assert (paces, targets) == (2, 1), text
        text = text.replace("rules/*.yml", path("deploy/prometheus/rules/*.yml"))
        name = folder.name + "/prometheus.yml"
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        port = free_port()
        cls.prometheus = f"http://127.0.0.1:{port}"
        cls.tool = Tool("prometheus", "--config.file=" + name, "--storage.tsdb.path=" + folder.name,
                        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn")
        cls.addClassCleanup(cls.tool.stop)
        answers(cls.prometheus + "/-/ready")

    @classmethod
    def query(cls, expression):
        """The samples of an instant query."""
        url = cls.prometheus + "/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        reply = fetch(url)
        assert reply["status"] == "success", reply
        return reply["data"]["result"]

    @classmethod
    def wait_for_scrapes(cls):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = cls.query('count_over_time(up{job="ranklossd"}[5m])')
            if found and float(found[0]["value"][1]) >= SCRAPES:
                return
            time.sleep(0.25)
        raise AssertionError("no scrapes: " + "".join(cls.tool.lines[-20:]))

    def has_data(self, name, expression):
        for _ in range(240):
            found = self.query(expression)
            values = [sample["value"][1] for sample in found] if isinstance(found, list) else []
            if found and not all(value in ("NaN", "+Inf") for value in values):
                return
            time.sleep(0.25)
        self.fail(f"{name}: no data from {expression}: {found}")

    def test_every_query_of_the_dashboard_returns_data(self):
        expressions = list(dashboard_expressions())
        self.assertGreater(len(expressions), 40)
        for name, expression in expressions:
            with self.subTest(panel=name):
                self.has_data(name, SCALAR_COMPARISON.sub("", substitute(expression)))

    def test_every_rule_returns_data(self):
        """Alerts without their thresholds: what they compare must be there."""
        for name, expression in rule_expressions():
            with self.subTest(rule=name):
                self.has_data(name, SCALAR_COMPARISON.sub("", expression))

    def test_recorded_series_exist(self):
        for name, _ in rule_expressions():
            if ":" in name:
                with self.subTest(rule=name):
                    self.has_data(name, name)

    def test_no_alert_is_pending_or_firing(self):
        alerts = fetch(self.prometheus + "/api/v1/alerts")["data"]["alerts"]
        # The traffic holds refusals by no reason of ours: 422 is the client's mistake.
        self.assertEqual([alert["labels"]["alertname"] for alert in alerts], [])

    def test_a_process_that_goes_on_has_one_start(self):
        found = self.query('changes(process_start_time_seconds{job="ranklossd"}[5m])')
        self.assertEqual([float(sample["value"][1]) for sample in found], [0.0])

    def test_rules_evaluate_without_errors(self):
        for group in fetch(self.prometheus + "/api/v1/rules")["data"]["groups"]:
            for rule in group["rules"]:
                self.assertEqual(rule["health"], "ok", rule)

    def test_the_autoscalers_metric_has_data(self):
        rule = yaml.safe_load(read("deploy/kubernetes/prometheus-adapter.yaml"))["rules"]["custom"][0]
        self.has_data("seriesQuery", rule["seriesQuery"])
        query = (rule["metricsQuery"].replace("<<.GroupBy>>", "pod")
                 .replace("<<.LabelMatchers>>", 'namespace="ranklossd", pod=~"ranklossd-0"'))
        self.has_data("metricsQuery", query)
        self.assertLess(float(self.query(query)[0]["value"][1]), 30.0)

    def test_losses_can_be_followed_by_name(self):
        found = self.query('ranklossd_loss{loss="pairwise_hinge"}')
        self.assertLessEqual({"model-0", "model-1", "model-2"},
                             {sample["metric"]["name"] for sample in found})

    def test_the_traffic_was_answered_as_expected(self):
        self.assertGreater(self.traffic.sent, 20)
        self.assertEqual(self.traffic.failed, [])


if __name__ == "__main__":
    unittest.main()
