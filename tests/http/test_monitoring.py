"""/metrics in both formats, health, the access log."""

import json
import os
import shutil
import subprocess
import unittest

import exposition
import oracle
from daemon import ROOT, Daemon, DaemonCase, JSON_TYPE, eventually

HINGE = "/v1/losses/pairwise_hinge"
BODY = b'{"y_true":[1,0,-1],"y_pred":[0,1,5]}'
EXPECTED = {
    "http_requests_total", "http_request_duration_seconds", "http_requests_in_flight",
    "http_request_size_bytes", "http_response_size_bytes", "ranklossd_build_info",
    "ranklossd_lists_total", "ranklossd_items_total", "ranklossd_pairs_total",
    "ranklossd_read_duration_seconds", "ranklossd_write_duration_seconds",
    "ranklossd_decode_duration_seconds", "ranklossd_compute_duration_seconds",
    "ranklossd_encode_duration_seconds", "ranklossd_queue_depth", "ranklossd_queue_capacity",
    "ranklossd_queue_wait_seconds", "ranklossd_batch_requests",
    "ranklossd_rejected_requests_total", "ranklossd_threads", "process_cpu_seconds_total",
    "process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds",
    "process_max_fds", "process_start_time_seconds"}


def promtool():
    """Debian's promtool: installed, or unpacked for the tests without installing the server."""
    for path in (shutil.which("promtool"), os.path.join(ROOT, "build/promtool/usr/bin/promtool")):
        if path and os.path.exists(path):
            return path
    return None


class Metrics(DaemonCase):
    def test_all_families_are_there_with_help_and_type(self):
        text = self.daemon.get("/metrics").text()
        metrics = exposition.parse(text)
        families = set(metrics.families) | {name + "_total" for name, kind
                                            in metrics.families.items() if kind == "counter"}
        self.assertEqual(EXPECTED - families, set())
        self.assertEqual(set(metrics.families), set(metrics.helps))

    def test_content_types(self):
        plain = self.daemon.get("/metrics")
        self.assertEqual(plain.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8")
        self.assertEqual(self.daemon.get("/metrics", {"Accept": "text/plain"}).media_type,
                         "text/plain")
        prometheus = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                      "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
        open_metrics = self.daemon.get("/metrics", {"Accept": prometheus})
        self.assertEqual(open_metrics.header("Content-Type"),
                         "application/openmetrics-text; version=1.0.0; charset=utf-8")
        exposition.parse(open_metrics.text(), openmetrics=True)

    @unittest.skipUnless(promtool(), "promtool is not there: tools/promtool fetches it")
    def test_promtool_has_nothing_to_say(self):
        self.daemon.post(HINGE, BODY)
        text = self.daemon.get("/metrics").text()
        done = subprocess.run([promtool(), "check", "metrics"], input=text, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_counters_move_by_what_happened(self):
        before = self.daemon.settled_metrics()
        for _ in range(3):
            self.daemon.post(HINGE, BODY)
        self.daemon.post(HINGE, b"{")
        self.daemon.get("/nope", check=False)
        labels = {"method": "POST", "handler": "/v1/losses/{loss}"}
        after = self.daemon.settled_metrics()

        def grown(name, **own):
            return after.value(name, **own) - before.value(name, **own)

        self.assertEqual(grown("http_requests_total", **labels, code="200"), 3)
        self.assertEqual(grown("http_requests_total", **labels, code="400"), 1)
        self.assertEqual(grown("http_requests_total", method="GET", handler="other", code="404"), 1)
        self.assertEqual(grown("http_request_duration_seconds_count",
                               handler="/v1/losses/{loss}"), 4)
        self.assertEqual(grown("ranklossd_lists_total", loss="pairwise_hinge"), 3)
        self.assertEqual(after.total("ranklossd_items_total")
                         - before.total("ranklossd_items_total"), 9)
        self.assertEqual(after.total("ranklossd_pairs_total")
                         - before.total("ranklossd_pairs_total"), 3)
        self.assertEqual(grown("ranklossd_compute_duration_seconds_count",
                               loss="pairwise_hinge"), 3)

    def test_sizes_are_counted(self):
        before = self.daemon.settled_metrics()
        self.daemon.post(HINGE, BODY)
        after = self.daemon.settled_metrics()
        grown = (after.total("http_request_size_bytes_sum")
                 - before.total("http_request_size_bytes_sum"))
        self.assertGreaterEqual(grown, len(BODY))
        self.assertLess(grown, len(BODY) + 2000)

    def test_hostile_paths_make_no_new_series(self):
        sizes = []
        for turn in range(2):
            for number in range(50):
                self.daemon.get(f"/evil{turn}-{number}", check=False)
                self.daemon.exchange(f"M{turn}-{number}", "/livez", check=False)
            sizes.append(len(self.daemon.settled_metrics().samples))
        self.assertEqual(sizes[0], sizes[1])

    def test_queue_and_batches(self):
        import numpy
        big = oracle.random_body(numpy.random.default_rng(2), 300, 300)
        before = self.daemon.settled_metrics()
        self.assertEqual(self.daemon.post(HINGE, big).status, 200)
        after = self.daemon.settled_metrics()
        self.assertEqual(after.value("ranklossd_queue_wait_seconds_count")
                         - before.value("ranklossd_queue_wait_seconds_count"), 1)
        self.assertEqual(after.value("ranklossd_batch_requests_count")
                         - before.value("ranklossd_batch_requests_count"), 1)
        self.assertEqual(after.value("ranklossd_queue_depth"), 0)
        self.assertEqual(after.value("ranklossd_queue_capacity"), 256)

    def test_in_flight_sees_itself_and_falls_back(self):
        with self.daemon.connect() as wire:
            wire.request("POST", HINGE, {**JSON_TYPE, "Content-Length": "31"})
            eventually(lambda: self.daemon.metrics().value("http_requests_in_flight") >= 2)
        eventually(lambda: self.daemon.metrics().value("http_requests_in_flight") <= 1)

    def test_build_info_and_process(self):
        metrics = self.daemon.metrics()
        (labels,) = [own for name, own, _ in metrics.samples if name == "ranklossd_build_info"]
        self.assertEqual(set(labels), {"version", "revision", "isa"})
        with open(os.path.join(ROOT, "VERSION"), encoding="ascii") as file:
            self.assertEqual(labels["version"], file.read().strip())
        self.assertAlmostEqual(metrics.value("process_resident_memory_bytes"), self.daemon.rss(),
                               delta=64 << 20)
        self.assertGreater(metrics.value("process_open_fds"), 3)


class TrackedNames(unittest.TestCase):
    def test_last_values_by_name(self):
        with Daemon("--track-names", "2") as daemon:
            for name in ("a", 'b"\\\u2603', "c"):
                for score in (5, 0):
                    daemon.post(HINGE, {"y_true": [1, 0], "y_pred": [score, 1], "name": name})
            for accept in ("text/plain", "application/openmetrics-text"):
                text = daemon.get("/metrics", {"Accept": accept}).text()
                metrics = exposition.parse(text, openmetrics=accept != "text/plain")
                found = {own["name"]: value for name, own, value in metrics.samples
                         if name == "ranklossd_loss" and own["loss"] == "pairwise_hinge"}
                self.assertEqual(found, {"a": 1, 'b"\\\u2603': 1})

    def test_a_metric_has_a_family_of_its_own(self):
        with Daemon("--track-names", "2") as daemon:
            daemon.post("/v1/metrics/mean_reciprocal_rank",
                        {"y_true": [1, 0], "y_pred": [0, 1], "name": "a"})
            metrics = exposition.parse(daemon.get("/metrics").text())
            found = [(name, own, value) for name, own, value in metrics.samples
                     if own.get("name") == "a"]
            labels = {"metric": "mean_reciprocal_rank", "name": "a"}
            self.assertEqual(found, [("ranklossd_metric", labels, 0.5),
                                     ("ranklossd_metric_values_sum", labels, 0.5),
                                     ("ranklossd_metric_values_count", labels, 1)])

    def tracked(self, daemon, family):
        """{(labels in order): value} of one family, in both formats."""
        found = []
        for accept in ("text/plain", "application/openmetrics-text"):
            text = daemon.get("/metrics", {"Accept": accept}).text()
            metrics = exposition.parse(text, openmetrics=accept != "text/plain")
            found.append({tuple(own.values()): value for name, own, value in metrics.samples
                          if name == family})
        self.assertEqual(found[0], found[1])
        return found[0]

    def test_bounds_where_confidence_was_asked_for(self):
        body = {"y_true": [[1, 0], [1, 0], [0, 1]], "y_pred": [[0, 1], [1, 0], [1, 0]], "name": "a"}
        with Daemon("--track-names", "2") as daemon:
            for path, family, measure in (("/v1/metrics/ndcg", "ranklossd_metric", "ndcg"),
                                          (HINGE, "ranklossd_loss", "pairwise_hinge")):
                sure = daemon.evaluate(path, {**body, "include": ["confidence"]})
                low, high = sure["confidence"]["t"]
                got = self.tracked(daemon, family + "_confidence")
                self.assertEqual(got, {(measure, "a", "low"): low, (measure, "a", "high"): high})
                self.assertLess(low, high)
                # Of a later value nothing is known: the old bounds would not be its own.
                daemon.evaluate(path, body)
                self.assertEqual(self.tracked(daemon, family + "_confidence"), {})
                self.assertEqual(len(self.tracked(daemon, family)), 1)

    def test_no_bounds_of_a_single_list(self):
        with Daemon("--track-names", "2") as daemon:
            daemon.evaluate(HINGE, {"y_true": [1, 0], "y_pred": [0, 1], "name": "a",
                                    "include": ["confidence"]})
            self.assertEqual(self.tracked(daemon, "ranklossd_loss_confidence"), {})

    def test_systems_of_a_comparison_and_their_differences(self):
        body = {"y_true": [[1, 0]] * 3, "metrics": ["ndcg"], "losses": ["pairwise_hinge"],
                "groups": ["x", "y", "y"], "baseline": "old", "dtype": "float64",
                "systems": {"new": [[2, 1], [3, 0], [1, 0]], "old": [[1, 2], [2, 3], [3, 0]]}}
        with Daemon("--track-names", "3") as daemon:
            results = daemon.evaluate("/v1/compare", body)["results"]
            for family, name, kind, entry in (
                    ("ranklossd_loss", "pairwise_hinge", "loss", results[0]),
                    ("ranklossd_metric", "ndcg", "metric", results[1])):
                self.assertEqual(self.tracked(daemon, family), {
                    (name, system): found[kind] for system, found in entry["systems"].items()})
                self.assertEqual(self.tracked(daemon, family + "_confidence"), {
                    (name, system, side): bound for system, found in entry["systems"].items()
                    for side, bound in zip(("low", "high"), found["confidence"]["t"])})
                row = entry["comparisons"][0]
                self.assertEqual(self.tracked(daemon, family + "_difference"),
                                 {(name, "new", "old"): row["difference"]})
                self.assertEqual(self.tracked(daemon, family + "_difference_confidence"), {
                    (name, "new", "old", "low"): row["t"][0],
                    (name, "new", "old", "high"): row["t"][1]})
            # A pair counts as a name: here it was the third.
            daemon.evaluate("/v1/compare", {**body, "baseline": "new"})
            self.assertEqual(len(self.tracked(daemon, "ranklossd_metric_difference")), 1)
            dropped = exposition.parse(daemon.get("/metrics").text())
            self.assertEqual(dropped.value("ranklossd_names_dropped_total"), 2)

    def test_off_by_default(self):
        with Daemon() as daemon:
            daemon.post(HINGE, {"y_true": [1, 0], "y_pred": [0, 1], "name": "a"})
            daemon.post("/v1/compare", {"y_true": [1, 0], "metrics": ["ndcg"],
                                        "systems": {"a": [1, 2], "b": [2, 1]}})
            self.assertNotIn('name="a"', daemon.get("/metrics").text())


class Health(DaemonCase):
    def test_replies(self):
        self.assertEqual(self.daemon.get("/livez").json(), {"status": "alive"})
        self.assertEqual(self.daemon.get("/healthz").json(), {"status": "alive"})
        self.assertEqual(self.daemon.get("/readyz").json(), {"status": "ready"})
        self.assertEqual(self.daemon.get("/readyz").header("Cache-Control"), "no-store")


class AccessLog(unittest.TestCase):
    def test_json_line_of_a_request(self):
        with Daemon() as daemon:
            daemon.post(HINGE, BODY, {"X-Request-Id": "r-1"})
            line = json.loads(daemon.log.wait('"r-1"'))
            self.assertEqual((line["message"], line["method"], line["path"], line["status"]),
                             ("request", "POST", HINGE, 200))
            self.assertEqual(line["request_id"], "r-1")
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            for raw in daemon.log.lines:
                json.loads(raw)

    def test_text_line_of_a_request(self):
        with Daemon(log_format="text") as daemon:
            daemon.post(HINGE, BODY, {"X-Request-Id": "r-2"})
            self.assertRegex(daemon.log.wait("r-2"), r"^\S+Z info request .*status=200")

    def test_hostile_text_cannot_forge_lines(self):
        with Daemon() as daemon:
            daemon.get('/x"},{"level":"error', {"X-Request-Id": "a\tb"}, check=False)
            daemon.get("/\u001b[31m", check=False)
            daemon.get("/after", {"X-Request-Id": "r-3"}, check=False)
            daemon.log.wait("r-3")
            for raw in daemon.log.lines:
                json.loads(raw)
                self.assertNotIn("\u001b", raw)

    def test_levels(self):
        for flags, seen in ((("--access-log", "none"), ()), (("--access-log", "errors"), ("bad",)),
                            (("--access-log", "all"), ("good", "bad"))):
            with Daemon(*flags) as daemon:
                daemon.get("/livez", {"X-Request-Id": "good"})
                daemon.get("/nope", {"X-Request-Id": "bad"}, check=False)
                daemon.stop()
                text = daemon.log.text()
                for name in ("good", "bad"):
                    self.assertEqual(f'"{name}"' in text, name in seen, (flags, text))


class SlowScrape(unittest.TestCase):
    def test_concurrent_scrapes_and_requests_agree(self):
        import threading
        with Daemon() as daemon:
            def work():
                for _ in range(50):
                    daemon.post(HINGE, BODY)
                    daemon.metrics()
            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(daemon.settled_metrics().total(
                "http_requests_total", handler="/v1/losses/{loss}"), 200)
