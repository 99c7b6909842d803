"""A real Prometheus for tests, got by tools/peers and never installed."""

import json
import os
import socket
import subprocess
import time
import urllib.parse
import urllib.request

from gateway import SOURCE

CONFIG = """
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
"""
TARGET = """
  - job_name: %s
    honor_labels: true
    static_configs: [{targets: ['127.0.0.1:%d'], labels: {%s}}]
"""


def scrape_config(*targets):
    """The configuration that scrapes each (job name, port, further labels in YAML) once a second."""
    return CONFIG + "".join(TARGET % target for target in targets)


def find_prometheus():
    """Its path and None, or None and why there is none."""
    done = subprocess.run([os.path.join(SOURCE, "tools", "peers"), "prometheus"], capture_output=True, text=True,
                          timeout=600, check=False)
    path = done.stdout.strip().split("\n")[-1]
    return (path, None) if done.returncode == 0 else (None, done.stderr.strip()[-300:])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prometheus:
    """A Prometheus that scrapes as `config` says, by default the gateway on a port. A folder that another one used before
    goes on with that one's data."""

    def __init__(self, program, folder, gateway_port=None, config=None, flags=()):
        self.port = free_port()
        path = os.path.join(folder, "prometheus.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config or scrape_config(("pushgateway", gateway_port, "")))
        with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [program, *flags, "--config.file=" + path, "--storage.tsdb.path=" + os.path.join(folder, "data"),
                 "--web.listen-address=127.0.0.1:%d" % self.port], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def query(self, text):
        """The result of an instant query; an empty list while it cannot answer."""
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

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.stop()
