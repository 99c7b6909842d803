"""tools/monitoring: the rules are right by promtool and its own tests, the dashboard and the rules speak only of what a scrape
has, and a real Prometheus with the rules has an answer to every query of the dashboard.

    monitoring_test.py --binary SLUICE
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

import yaml

from promql import labels_of, metrics_of, values_of, variables_replaced

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))
from gateway import Checks, Gateway, arguments  # pylint: disable=wrong-import-position
from prometheus_process import Prometheus, find_prometheus, scrape_config  # pylint: disable=wrong-import-position

FOLDER = os.path.join(SOURCE, "tools", "monitoring")
# With --persistence.file only; the rules and panels on them are empty without it, as their texts say.
DURABLE = ("sluice_wal_", "sluice_persistence_")
# Of Prometheus itself, and the labels that a scrape configuration gives.
FROM_PROMETHEUS, FROM_SCRAPE = {"up"}, {"job", "instance"}


def read(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


def rules():
    return [rule for group in yaml.safe_load(read("rules.yml"))["groups"] for rule in group["rules"]]


def panels():
    found = []
    for panel in json.loads(read("dashboard.json"))["panels"]:
        found += [panel, *panel.get("panels", [])]
    return found


def queries():
    """(where, expression) of everything in the dashboard that asks Prometheus."""
    board = json.loads(read("dashboard.json"))
    for panel in panels():
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for annotation in board["annotations"]["list"]:
        yield "annotation " + annotation["name"], annotation["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            # label_values(METRIC, LABEL): the metric is what matters here, the label comes from the scrape.
            yield "variable " + variable["name"], re.match(r"label_values\((.*), \w+\)$", variable["definition"]).group(1)


def exposed(text):
    """Sample name -> {label -> values} of a scrape."""
    found = {}
    for line in text.split("\n"):
        if match := re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$", line):
            labels = found.setdefault(match.group(1), {})
            for label, value in re.findall(r'(\w+)="((?:\\.|[^"\\])*)"', match.group(2) or ""):
                labels.setdefault(label, set()).add(value)
    return found


def use(checks, gateway):
    """One of everything: a push, one that is inconsistent, one that is malformed, a scrape."""
    for body, status in ((b"x 1\n", 200), (b"x 1 1\n", 400), (b"x \n", 400)):
        checks.equal(gateway.request("PUT", "/metrics/job/etl/status/%d" % status, body).status, status, "push", body)


def scrapes_of(checks, options):
    """What is exposed without and with --persistence.file."""
    with tempfile.TemporaryDirectory(prefix="sluice-monitoring-") as folder:
        found = []
        for flags in ([], ["--persistence.file=" + folder + "/state"]):
            with Gateway(options.binary, flags) as gateway:
                use(checks, gateway)
                found.append(exposed(gateway.scrape().text))
    return found


def check_names(checks, options):
    """Whatever is asked for exists, with its labels and values."""
    plain, durable = scrapes_of(checks, options)
    recorded = {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}
    asked = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()] + list(queries())
    checks.that(len(asked) > 60, "expressions", len(asked))
    used = set()
    for where, expression in asked:
        names = metrics_of(expression)
        checks.that(names, where, "asks for nothing", expression)
        used |= names
        for name in names - FROM_PROMETHEUS - set(recorded):
            checks.that(name in durable, where, "asks for", name, "which no scrape has")
            checks.equal(name in plain, not name.startswith(DURABLE), where, name, "without --persistence.file")
        known = set(FROM_SCRAPE)
        for name in names:
            known |= set(durable.get(name, ())) | labels_of(recorded.get(name, ""))
        checks.that(labels_of(expression) <= known, where, "uses labels that are not there:", labels_of(expression) - known)
        for metric, label, value in values_of(variables_replaced(expression)):
            if label not in FROM_SCRAPE:
                checks.that(value in durable[metric].get(label, ()), where, metric, label, "is never", value)


def check_promql_reader(checks):
    """The reader above finds a name wherever it stands; else the check of the names would be empty."""
    text = 'sum by (job, a) (rate(one{b="x", c=~"y|z"}[5m])) / on (d) group_left two_total > 3e4 and time() - three offset 1h or max(four:sum)'
    checks.equal(metrics_of(text), {"one", "two_total", "three", "four:sum"}, "metrics")
    checks.equal(labels_of(text), {"job", "a", "b", "c", "d"}, "labels")
    checks.equal(values_of(text), {("one", "b", "x"), ("one", "c", "y"), ("one", "c", "z")}, "values")


def check_dashboard(checks):
    """What Grafana needs to show it: numbers that are there once, panels that do not overlap, a data source by variable."""
    shown = panels()
    checks.equal(len({panel["id"] for panel in shown}), len(shown), "ids")
    places = set()
    for panel in shown:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        checks.that(place["x"] + place["w"] <= 24 and not cells & places, "place of", panel["title"], place)
        places |= cells
        if panel["type"] != "row":
            checks.equal(panel["datasource"], {"type": "prometheus", "uid": "${datasource}"}, panel["title"])
            checks.that(panel["targets"], panel["title"], "asks something")


def check_promtool(checks):
    done = subprocess.run([os.path.join(SOURCE, "tools", "peers"), "promtool"], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        checks.skip("promtool", done.stderr.strip()[-300:])
        return
    program = done.stdout.strip().split("\n")[-1]
    for words in (["check", "rules", "rules.yml"], ["test", "rules", "rules_test.yml"]):
        done = subprocess.run([program, *words], cwd=FOLDER, capture_output=True, text=True, timeout=300, check=False)
        checks.equal(done.returncode, 0, "promtool", *words, done.stdout[-3000:], done.stderr[-3000:])
    tested = set(re.findall(r"\b[A-Z]\w+", read("rules_test.yml")))
    for rule in rules():
        if "alert" in rule:
            checks.that(rule["alert"] in tested, rule["alert"], "has a test")
            checks.that(rule["alert"] in read("README.md"), rule["alert"], "is explained")


def check_prometheus(checks, options):
    """Every query of the dashboard and every record has an answer once there is traffic, and the failed push is an alert."""
    program, why = find_prometheus()
    if program is None:
        checks.skip("prometheus", why)
        return
    with tempfile.TemporaryDirectory(prefix="sluice-monitoring-") as folder:
        flags = ["--persistence.file=" + folder + "/state", "--persistence.interval=200ms"]
        with Gateway(options.binary, flags) as gateway:
            config = "rule_files: ['%s/rules.yml']\n" % FOLDER + scrape_config(("pushgateway", gateway.port, "")).replace(
                "scrape_timeout: 1s", "scrape_timeout: 1s, evaluation_interval: 1s")
            wanted = [(where, variables_replaced(text)) for where, text in queries() if not where.startswith("annotation")]
            wanted += [(rule["record"], rule["record"]) for rule in rules() if "record" in rule]
            wanted.append(("the alert", 'ALERTS{alertname="LastPushFailed",job="etl",status="400"}'))
            with Prometheus(program, folder, config=config) as prometheus:
                end = time.monotonic() + 120
                while wanted and time.monotonic() < end:
                    # The rates need pushes that go on.
                    use(checks, gateway)
                    wanted = [(where, text) for where, text in wanted if not prometheus.query(text)]
                checks.equal(wanted, [], "queries without an answer")


def main():
    options = arguments()
    checks = Checks("monitoring")
    check_promql_reader(checks)
    check_dashboard(checks)
    check_names(checks, options)
    check_promtool(checks)
    check_prometheus(checks, options)
    checks.finish()


if __name__ == "__main__":
    main()
