"""Requests as bytes: workload S as push.lua makes it, and the large and odd ones beside it."""

import functools


def gauges_body(group, gauges=10):
    """Workload S of a group: ten gauges with three labels and TYPE lines, about 1.2 KB."""
    lines = []
    for family in range(1, gauges + 1):
        name = "batch_metric_%d" % family
        lines.append('# TYPE %s gauge\n%s{region="eu-west-%d",stage="production",task="step-%d"} %d.%02d\n' % (
            name, name, group % 3, family, (group * 7 + family) % 1000, (group + family) % 100))
    return "".join(lines).encode()


def request(method, target, body=b"", close=False):
    head = "%s %s HTTP/1.1\r\nHost: b\r\n%sContent-Length: %d\r\n\r\n" % (
        method, target, "Connection: close\r\n" if close else "", len(body))
    return head.encode() + body


def group_target(group, job="bench"):
    return "/metrics/job/%s/instance/host-%d" % (job, group)


@functools.lru_cache(maxsize=2)
def fill_batches(groups, gauges=10, batch=64):
    """Pushes of all groups, pipelined by `batch`: (bytes, how many answers) each."""
    return [(b"".join(request("POST", group_target(group), gauges_body(group, gauges))
                      for group in range(start, min(start + batch, groups + 1))), min(batch, groups + 1 - start))
            for start in range(1, groups + 1, batch)]


@functools.lru_cache(maxsize=1)
def large_body(size):
    """One family of a counter with lines of 100 bytes, in order, `size` bytes in all."""
    pad = "x" * 55
    line = 'big_requests_total{path="/%s",id="%d"} %d\n'
    count = max(1, size // len(line % (pad, 10_000_000, 100_000)))
    return ("# TYPE big_requests_total counter\n" + "".join(line % (pad, 10_000_000 + i, i) for i in range(count))).encode()


def series_body(series):
    """`series` series of one gauge, 100 bytes each: what stands in a group before something small is pushed into it."""
    return ("# TYPE stored_rows gauge\n" + "".join(
        'stored_rows{cluster="production-eu-1",node="node-%05d",shard="%03d",zone="eu-west-1a"} %d.25\n' % (i, i % 10, i)
        for i in range(series))).encode()
