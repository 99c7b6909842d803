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
    """Scrapes each target (job name, port, further labels in YAML) once a second. A folder that another one used before
    goes on with that one's data."""

    def __init__(self, program, folder, targets, flags=(), wrapper=(), env=None):
        self.port = free_port()
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG + "".join(TARGET % target for target in targets))
        with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*wrapper, program, "--config.file=" + config, "--storage.tsdb.path=" + os.path.join(folder, "data"),
                 "--web.listen-address=127.0.0.1:%d" % self.port, *flags], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})

    def query(self, text, at=None):
        """The result of an instant query, now or at a Unix time; an empty list while it cannot answer."""
        words = {"query": text, **({"time": "%.3f" % at} if at is not None else {})}
        url = "http://127.0.0.1:%d/api/v1/query?%s" % (self.port, urllib.parse.urlencode(words))
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]["result"]
        except OSError:
            return []

    def wait_for(self, text, good, seconds=120, at=None):
        """Queries until `good(result)`; the last result."""
        end = time.monotonic() + seconds
        result = []
        while time.monotonic() < end:
            result = self.query(text, at)
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
