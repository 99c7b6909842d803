"""Native histograms from a protobuf push into a real Prometheus, through the gateway and through the reference side by side:
the same counts, sums and quantiles. In the text format they have `+Inf`, sum and count only.
"""

import os
import re
import subprocess
import tempfile

from gateway import SOURCE, Checks, Gateway, arguments
from prometheus import Prometheus, find_prometheus
from protobuf_bodies import CONTENT_TYPE, GAUGE_HISTOGRAM, HISTOGRAM, double, family, gauge, label, metric, number, part, varint

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: sluice
    honor_labels: true
{extra}    static_configs: [{{targets: ['127.0.0.1:{ours}'], labels: {{server: sluice}}}}]
  - job_name: reference
    honor_labels: true
{extra}    static_configs: [{{targets: ['127.0.0.1:{theirs}'], labels: {{server: reference}}}}]
"""
QUERIES = ("histogram_count(rpc_seconds)", "histogram_sum(rpc_seconds)", "histogram_quantile(0.1, rpc_seconds)",
           "histogram_quantile(0.5, rpc_seconds)", "histogram_quantile(0.99, rpc_seconds)",
           "histogram_fraction(0, 2, rpc_seconds)", "histogram_count(sum by (server) (rpc_seconds))",
           "histogram_count(queue_seconds)", "histogram_quantile(0.5, queue_seconds)", "classic_seconds_count",
           "histogram_quantile(0.5, classic_seconds_bucket)", "plain")


def zigzag(value):
    return varint((value << 1 ^ value >> 63) & (1 << 64) - 1)


def native(schema, sign):
    """10 observations: 7 in three positive buckets, one in a negative one, two in the zero bucket."""
    return part(7, number(1, 10), double(2, 12.5 * sign), number(5, schema << 1), double(6, 0.001), number(7, 2),
                part(9, number(1, 0), number(2, 1)), part(10, zigzag(1)),
                part(12, number(1, 0), number(2, 2)), part(12, number(1, 2), number(2, 1)),
                part(13, zigzag(2), zigzag(1), zigzag(-1)),
                part(16, label("trace", "t1"), double(2, 1.5), part(3, number(1, 1700000000))))


CLASSIC = part(7, number(1, 4), double(2, 3), part(3, number(1, 1), double(2, 0.5)), part(3, number(1, 3), double(2, 1)))
BODY = (family("rpc_seconds", HISTOGRAM, part(2, "Native."), metric(label("path", "/a"), native(1, 1)),
               metric(label("path", "/b \"\\"), native(3, -1))) +
        family("queue_seconds", GAUGE_HISTOGRAM, metric(native(0, 1))) +
        family("classic_seconds", HISTOGRAM, metric(CLASSIC)) + family("plain", 1, metric(gauge(5))))


def find_reference():
    done = subprocess.run([os.path.join(SOURCE, "tools", "reference")], capture_output=True, text=True, timeout=900, check=False)
    return (done.stdout.strip().split("\n")[-1], None) if done.returncode == 0 else (None, done.stderr.strip()[-300:])


def version_of(program):
    found = re.search(r"version (\d+)\.(\d+)", subprocess.run([program, "--version"], capture_output=True, text=True,
                                                            timeout=60, check=False).stdout)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


def check_text(checks, gateway):
    lines = [line for line in gateway.scrape().text.split("\n") if line.startswith("rpc_seconds")]
    labels = 'instance="",job="batch",path="/a"'
    checks.equal(lines[:3], ['rpc_seconds_bucket{%s,le="+Inf"} 10' % labels, "rpc_seconds_sum{%s} 12.5" % labels,
                             "rpc_seconds_count{%s} 10" % labels], "text has +Inf, sum and count only")
    checks.equal(len(lines), 6, "text")


def of_server(result, server):
    return sorted((sorted((name, value) for name, value in entry["metric"].items() if name != "server"), entry["value"][1])
                  for entry in result if entry["metric"].get("server") == server)


def main():
    options = arguments()
    checks = Checks("native_histograms")
    program, why = find_prometheus()
    reference, why_not = find_reference()
    headers = [("Content-Type", CONTENT_TYPE)]
    with tempfile.TemporaryDirectory() as folder, Gateway(options.binary, backend=options.backend) as ours:
        checks.equal(ours.request("PUT", "/metrics/job/batch", BODY, headers).status, 200, "the push")
        check_text(checks, ours)
        if program is None or reference is None:
            checks.skip("native histograms in prometheus", why or why_not)
            checks.finish()
        with Gateway(reference) as theirs:
            checks.equal(theirs.request("PUT", "/metrics/job/batch", BODY, headers).status, 200, "the push to the reference")
            extra = "    scrape_native_histograms: true\n" if version_of(program) >= (3, 8) else ""
            prometheus = Prometheus(program, folder, config=CONFIG.format(ours=ours.port, theirs=theirs.port, extra=extra),
                                    flags=("--enable-feature=native-histograms",))
            try:
                for query in QUERIES:
                    result = prometheus.wait_for(
                        query, lambda got: len({entry["metric"].get("server") for entry in got}) == 2, 60)
                    checks.equal(of_server(result, "sluice"), of_server(result, "reference"), query)
                    checks.that(of_server(result, "sluice"), query, "has a value")
                count = [value for _, value in of_server(prometheus.query(QUERIES[0]), "sluice")]
                checks.equal(count, ["10", "10"], "the counts that were pushed")
                up = prometheus.query("min_over_time(up[5m])")
                checks.equal([entry["value"][1] for entry in up], ["1", "1"], "no scrape failed")
            finally:
                prometheus.stop()
    checks.finish()


if __name__ == "__main__":
    main()
