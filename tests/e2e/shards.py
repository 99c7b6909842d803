"""GET /metrics?shard=I&shards=N: the parts of a scrape together are the whole, in every format; a real Prometheus that
scrapes them has the same series as one that scrapes the whole."""

import gzip
import os
import re
import tempfile

import protobuf_bodies
from compare import OWN_FAMILIES, pushed_lines
from gateway import Checks, Gateway, Reader, arguments, make_request, read_response
from protobuf_read import families
from prometheus_process import CONFIG, Prometheus, find_prometheus, scrape_config

GROUPS = 120
UTF8 = "--push.enable-utf8-names"
COUNTS = (1, 2, 3, 7, 16, 1024)
PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding="
ESCAPINGS = ("underscores", "dots", "values", "allow-utf-8")
BAD = ("shard=0", "shards=2", "shard=2&shards=2", "shard=-1&shards=2", "shard=0&shards=0", "shard=x&shards=2", "shard=&shards=2",
       "shard=0&shards=1025", "shard=0&shard=1&shards=2", "shard=0&shards=2&shards=2", "shard=0&shards=99999999999999999999")

# As README's "Scraping at scale" has it.
PARTS_CONFIG = CONFIG + """
  - job_name: pushgateway
    honor_labels: true
    params: {shards: ['3']}
    static_configs:
      - {targets: ['127.0.0.1:%d'], labels: {__param_shard: '0'}}
      - {targets: ['127.0.0.1:%d'], labels: {__param_shard: '1', instance: 'part-1'}}
      - {targets: ['127.0.0.1:%d'], labels: {__param_shard: '2', instance: 'part-2'}}
"""


def body_of(group):
    text = "# HELP rows Rows of kind %d\n# TYPE rows gauge\nrows{k=\"a\"} %d\nrows{k=\"b\"} %d\n" % (group % 3, group, -group)
    if group % 2:
        text += "# TYPE took_seconds histogram\ntook_seconds_bucket{le=\"1\"} 1\ntook_seconds_sum 2\ntook_seconds_count 3\n"
    if group % 10 == 0:
        text += "{\"rare.name\",\"a b\"=\"c\"} 1\n"
    return text.encode()


def fill(checks, gateway):
    with gateway.connect() as sock:
        reader = Reader(sock)
        for group in range(GROUPS):
            sock.sendall(make_request("PUT", "/metrics/job/etl%d/instance/i%d" % (group % 4, group), body_of(group)))
            checks.equal(read_response(reader).status // 100, 2, "push", group)
    answer = gateway.request("PUT", "/metrics/job/pb", protobuf_bodies.KINDS, [("Content-Type", protobuf_bodies.CONTENT_TYPE)])
    checks.equal(answer.status // 100, 2, "protobuf push")


def target(index, count, path="/metrics"):
    return "%s?shard=%d&shards=%d" % (path, index, count)


def get(checks, gateway, path, headers=()):
    answer = gateway.request("GET", path, headers=headers)
    checks.equal(answer.status, 200, path, answer.text[:300] if answer.status != 200 else "")
    if answer.header("Content-Encoding") == "gzip":
        return gzip.decompress(answer.body)
    return answer.body


def text_content(body):
    """{family's header: sorted samples} of what was pushed."""
    content, header, fresh = {}, "", True
    for line in pushed_lines(body.decode(), mask_times=False):
        if line.startswith("# "):
            header = header + "\n" + line if not fresh else line
            fresh = False
            continue
        content.setdefault(header, []).append(line)
        fresh = True
    return content


def delimited_content(body):
    content = {}
    for name, fields in families(body).items():
        if not name.startswith(OWN_FAMILIES):
            head = repr([pair for pair in fields if pair[0] != "metric"])
            content[head] = [repr(value) for key, value in fields if key == "metric"]
    return content


def prototext_content(body):
    """Of either prototext: messages begin with `name:`, metrics with `metric`."""
    content = {}
    for family in re.split(r"^(?=name: ?\")", body.decode(), flags=re.M):
        head, *metrics = re.split(r"(?=\bmetric ?:? ?\{)", re.sub(r"\s+", " ", family))
        if head and not re.match(r'name: ?"(%s)' % "|".join(OWN_FAMILIES), head):
            content[head] = [metric.strip() for metric in metrics]
    return content


def own_names(body):
    return {line.split(" ")[2] for line in body.decode().split("\n")
            if line.startswith("# TYPE ") and line.split(" ")[2].startswith(OWN_FAMILIES)}


def check_parts(checks, gateway, counts, name, read, accept, path="/metrics", headers=()):
    headers = [("Accept", accept), *headers]
    whole = read(get(checks, gateway, path, headers))
    checks.that(sum(map(len, whole.values())) > 3 * GROUPS, name, "the whole has the samples", {k: len(v) for k, v in whole.items()})
    for count in counts:
        together, filled = {}, 0
        for index in range(count):
            part = read(get(checks, gateway, target(index, count, path), headers))
            filled += bool(part)
            for head, samples in part.items():
                together.setdefault(head, []).extend(samples)
        checks.equal({head: sorted(samples) for head, samples in together.items()},
                     {head: sorted(samples) for head, samples in whole.items()}, name, count, "parts together")
        checks.that(filled == count if count <= 7 else filled > min(count, GROUPS) // 2, name, "no part has all", filled, count)


def check_formats(checks, gateway):
    check_parts(checks, gateway, COUNTS, "text", text_content, "text/plain")
    for escaping in ESCAPINGS:
        for name, read, accept in (("text", text_content, "text/plain;version=0.0.4"),
                                   ("delimited", delimited_content, PROTOBUF + "delimited"),
                                   ("prototext", prototext_content, PROTOBUF + "text"),
                                   ("compact prototext", prototext_content, PROTOBUF + "compact-text")):
            accept = "%s;escaping=%s" % (accept, escaping)
            packed = [("Accept-Encoding", "gzip")]
            check_parts(checks, gateway, (3,), name + " " + escaping, read, accept)
            check_parts(checks, gateway, (2,), name + " " + escaping + " gzip", read, accept, headers=packed)


def check_own(checks, gateway):
    whole = own_names(get(checks, gateway, "/metrics"))
    checks.that(len(whole) > 10, "own families", whole)
    checks.equal(own_names(get(checks, gateway, target(0, 3))), whole, "part 0 has the gateway's own metrics")
    for index in (1, 2):
        checks.equal(own_names(get(checks, gateway, target(index, 3))), set(), "part", index, "has none")
    checks.equal(own_names(get(checks, gateway, target(0, 1))), whole, "one part is the whole")
    # Pushed into a family of ours: with our help and type wherever the group is.
    gateway.request("PUT", "/metrics/job/own", b"# TYPE process_open_fds gauge\nprocess_open_fds{own=\"no\"} 1\n")
    parts = [get(checks, gateway, target(index, 2)).decode() for index in (0, 1)]
    having = [part for part in parts if "process_open_fds{" in part]
    checks.equal(len(having), 1, "it is in one part")
    checks.that("# HELP process_open_fds Number" in having[0] and "# TYPE process_open_fds gauge" in having[0], "our help")
    gateway.request("DELETE", "/metrics/job/own")


def check_queries(checks, gateway, path="/metrics"):
    for query in BAD:
        answer = gateway.request("GET", path + "?" + query)
        checks.equal(answer.status, 400, query)
        checks.equal(answer.header("Content-Type"), "text/plain; charset=utf-8", query)
        checks.that(answer.text.startswith("The parameter shard") and answer.text.endswith(".\n"), query, answer.text)
        checks.equal(gateway.request("HEAD", path + "?" + query).status,
                     400 if gateway.request("HEAD", path).status == 200 else 405, "HEAD", query)
    checks.equal(gateway.request("HEAD", path + "?shard=1&shards=3").status, gateway.request("HEAD", path).status, "HEAD")
    whole = text_content(get(checks, gateway, path))
    for query in ("", "name[]=rows", "x=%zz", "collect[]=a&Shard=1", "shar", "a;b"):
        checks.equal(text_content(get(checks, gateway, path + "?" + query)), whole, "other parameters are ignored", query)


def check_restart(checks, options):
    with tempfile.TemporaryDirectory() as folder:
        flags = [UTF8, "--persistence.file=" + os.path.join(folder, "state")]

        def parts(gateway):
            # Without headers: which of several helps is shown is the snapshot's order's to say.
            return [sorted(sum(text_content(get(checks, gateway, target(index, count))).values(), []))
                    for count in (2, 5, 16) for index in range(count)]

        with Gateway(options.binary, flags, options.backend) as gateway:
            fill(checks, gateway)
            before = parts(gateway)
            checks.equal(gateway.stop(), 0, "exit code")
        with Gateway(options.binary, flags, options.backend) as gateway:
            checks.equal(parts(gateway), before, "every group is in the same part after a restart")
            gateway.stop()


def check_elsewhere(checks, options):
    """Other paths, and where scrapes are checked instead of pushes: what is wrong anywhere makes every part a 500."""
    flags = [UTF8, "--web.telemetry-path=/some/where", "--web.route-prefix=/gw", "--push.disable-consistency-check"]
    with Gateway(options.binary, flags, options.backend) as gateway:
        for group in range(GROUPS):
            answer = gateway.request("PUT", "/gw/metrics/job/etl/instance/i%d" % group, body_of(group))
            checks.equal(answer.status, 202, "push")
        check_parts(checks, gateway, (1, 3), "other path", text_content, "text/plain", "/gw/some/where")
        check_queries(checks, gateway, "/gw/some/where")
        gateway.request("PUT", "/gw/metrics/job/other", b"# TYPE rows counter\nrows 1\n")
        for index in range(3):
            answer = gateway.request("GET", target(index, 3, "/gw/some/where"))
            checks.equal(answer.status, 500, "inconsistent", index)
            checks.that("error has occurred while serving metrics" in answer.text, "its reason", answer.text)
        gateway.stop()


def check_prometheus(checks, gateway):
    program, why = find_prometheus()
    if program is None:
        checks.skip("prometheus", why)
        return
    query = '{__name__=~".+",__name__!~"up|scrape_.*"}'

    def series(result):
        return {tuple(sorted(entry["metric"].items())) for entry in result}

    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        with Prometheus(program, one, config=scrape_config(("pushgateway", gateway.port, ""))) as whole:
            # The gateway's own metrics get `instance` from the target; by the port both are the same.
            with Prometheus(program, other, config=PARTS_CONFIG % ((gateway.port,) * 3)) as parts:
                checks.equal(len(parts.wait_for("up == 1", lambda result: len(result) == 3)), 3, "all parts are scraped")
                wanted = series(whole.wait_for(query, lambda result: len(result) > 4 * GROUPS))
                checks.that(len(wanted) > 4 * GROUPS, "the whole has them all", len(wanted))
                got = series(parts.wait_for(query, lambda result: series(result) == series(whole.query(query)), 60))
                wanted = series(whole.query(query))
                checks.equal(sorted(got ^ wanted)[:10], [], "series of the parts and of the whole", len(got), len(wanted))


def main():
    options = arguments()
    checks = Checks("shards")
    with Gateway(options.binary, [UTF8], options.backend) as gateway:
        empty = text_content(get(checks, gateway, target(0, 2)))
        checks.equal((empty, get(checks, gateway, target(1, 2))), ({}, b""), "of nothing")
        fill(checks, gateway)
        check_own(checks, gateway)
        check_formats(checks, gateway)
        check_queries(checks, gateway)
        check_prometheus(checks, gateway)
        gateway.stop()
    check_restart(checks, options)
    check_elsewhere(checks, options)
    checks.finish()


if __name__ == "__main__":
    main()
