"""A real Prometheus scrapes with honor_labels while pushes go on; its query API returns every series as pushed."""

import json
import os
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from gateway import SOURCE, Checks, Gateway, Reader, arguments, make_request, read_response

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: pushgateway
    honor_labels: true
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""
GROUPS = 200


def find_prometheus():
    done = subprocess.run([os.path.join(SOURCE, "tools", "peers"), "prometheus"], capture_output=True, text=True,
                          timeout=600, check=False)
    path = done.stdout.strip().split("\n")[-1]
    return (path, None) if done.returncode == 0 else (None, done.stderr.strip()[-300:])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prometheus:
    """A Prometheus that scrapes as `config` says, by default the gateway on a port."""

    def __init__(self, program, folder, gateway_port=None, config=None, flags=()):
        self.port = free_port()
        path = os.path.join(folder, "prometheus.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config or CONFIG.format(port=gateway_port))
        with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [program, *flags, "--config.file=" + path, "--storage.tsdb.path=" + os.path.join(folder, "data"),
                 "--web.listen-address=127.0.0.1:%d" % self.port], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def query(self, text):
        url = "http://127.0.0.1:%d/api/v1/query?%s" % (self.port, urllib.parse.urlencode({"query": text}))
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]["result"]
        except OSError:
            return []

    def wait_for(self, text, good, seconds=120):
        """Queries until `good(result)`; the last result."""
        end = time.monotonic() + seconds
        result = []
        while time.monotonic() < end:
            result = self.query(text)
            if good(result):
                break
            time.sleep(0.2)
        return result

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def body_of(group, value):
    return ("# HELP batch_rows Rows \\\\ written\n# TYPE batch_rows gauge\nbatch_rows{part=\"a\"} %d\nbatch_rows{part=\"b\\\"c\"} %d\n"
            "# TYPE batch_runs_total counter\nbatch_runs_total %d\n# TYPE batch_seconds histogram\n"
            "batch_seconds_bucket{le=\"1\"} %d\nbatch_seconds_sum %g\nbatch_seconds_count %d\n"
            % (group, value, value, value, value / 2, value)).encode()


def push_all(gateway, value):
    with gateway.connect() as sock:
        reader = Reader(sock)
        statuses = set()
        for group in range(GROUPS):
            sock.sendall(make_request("PUT", "/metrics/job/etl/instance/i%d/shard/%d" % (group, group % 7),
                                      body_of(group, value)))
            statuses.add(read_response(reader).status)
        return statuses


def check_values(checks, prometheus, value):
    def complete(result):
        return len(result) == GROUPS and all(float(entry["value"][1]) == value for entry in result)

    checks.that(complete(prometheus.wait_for('batch_rows{part=~"b.*"}', complete)), "batch_rows has its last value", value)
    for text, wanted in (("batch_runs_total", value), ("batch_seconds_count", value), ("batch_seconds_sum", value / 2),
                         ('batch_seconds_bucket{le="+Inf"}', value)):
        result = prometheus.wait_for(text, complete if wanted == value else lambda got: len(got) == GROUPS)
        checks.equal({float(entry["value"][1]) for entry in result}, {wanted}, text)
    labels = {tuple(sorted(entry["metric"].items())) for entry in prometheus.query('batch_rows{part=~"b.*"}')}
    expected = {tuple(sorted({"__name__": "batch_rows", "job": "etl", "instance": "i%d" % group, "shard": str(group % 7),
                              "part": "b\"c"}.items())) for group in range(GROUPS)}
    checks.equal(labels ^ expected, set(), "labels are those that were pushed")
    for entry in prometheus.query('batch_rows{part="a"}'):
        checks.equal(entry["value"][1], entry["metric"]["instance"][1:], "each group keeps its own value")


def main():
    options = arguments()
    checks = Checks("prometheus")
    program, why = find_prometheus()
    if program is None:
        checks.skip("prometheus", why)
        checks.finish()
    with tempfile.TemporaryDirectory() as folder, Gateway(options.binary, backend=options.backend) as gateway:
        prometheus = Prometheus(program, folder, gateway.port)
        try:
            checks.equal(push_all(gateway, 1), {200}, "first pushes")
            check_values(checks, prometheus, 1)
            stop = threading.Event()
            statuses = set()

            def keep_pushing():
                value = 2
                while not stop.is_set():
                    statuses.update(push_all(gateway, value))
                    value += 1

            pusher = threading.Thread(target=keep_pushing)
            pusher.start()
            moving = prometheus.wait_for("sum(changes(batch_runs_total[1m]))",
                                         lambda got: got and float(got[0]["value"][1]) > 3 * GROUPS)
            stop.set()
            pusher.join()
            checks.that(moving and float(moving[0]["value"][1]) > 3 * GROUPS, "scrapes see pushes that go on", moving)
            checks.equal(statuses, {200}, "pushes during scrapes")
            checks.equal(push_all(gateway, 1000), {200}, "last pushes")
            check_values(checks, prometheus, 1000)
            up = prometheus.query('min_over_time(up{job="pushgateway"}[5m])')
            checks.that(up and up[0]["value"][1] == "1", "no scrape failed", up)
        finally:
            prometheus.stop()
    checks.finish()


if __name__ == "__main__":
    main()
