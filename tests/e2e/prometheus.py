"""A real Prometheus scrapes with honor_labels while pushes go on; its query API returns every series as pushed."""

import tempfile
import threading

from gateway import Checks, Gateway, Reader, arguments, make_request, read_response
from prometheus_process import Prometheus, find_prometheus

GROUPS = 200


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
