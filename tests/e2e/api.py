"""The JSON API beside the reference's: the same pushes to both, then both answers compared key by key.

Compared are the order of keys, every value, and which time stamps are equal; the times themselves, the order of groups
(random in the reference) and of the metrics of a family (here the scrape's, there that of the push) are not. Then a
large answer: it is streamed, so memory does not grow with it.
"""

import json
import os
import re
import struct
import subprocess
import threading
import time

from gateway import Checks, Gateway, arguments
from reference import find_reference

ZONE = {"TZ": "Europe/Berlin"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{0,8}[1-9])?\+0[12]:00\Z")
HEADERS = ("Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Access-Control-Allow-Origin",
           "Access-Control-Expose-Headers", "Cache-Control", "Content-Type", "Content-Encoding", "Allow", "Location",
           "X-Content-Type-Options")
PROTOBUF = [("Content-Type", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited")]


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, content):
    """A string, a message, a list of messages, a double or an unsigned integer as a protobuf field."""
    if isinstance(content, list):
        return b"".join(field(number, one) for one in content)
    if isinstance(content, float):
        return varint(number << 3 | 1) + struct.pack("<d", content)
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def zigzag(number):
    return number * 2 if number >= 0 else -number * 2 - 1


def span(offset, length):
    return field(1, zigzag(offset)) + field(2, length)


def family(name, kind, *metrics, help_text=None):
    body = field(1, name) + (field(2, help_text) if help_text is not None else b"") + field(3, kind)
    body += b"".join(field(4, metric) for metric in metrics)
    return varint(len(body)) + body


def label(name, value):
    return field(1, field(1, name) + field(2, value))


def packed(numbers):
    return b"".join(varint(zigzag(number)) for number in numbers)


def doubles(numbers):
    return struct.pack("<%dd" % len(numbers), *numbers)


NATIVE = family(
    "native", 4,
    label("kind", "integer") + field(7, field(1, 20) + field(2, 99.23) + field(5, zigzag(1)) + field(6, 0.001) + field(7, 5)
                                     + field(9, [span(0, 2)]) + field(10, packed([1, 1]))
                                     + field(12, [span(-1, 2), span(0, 0), span(2, 1)]) + field(13, packed([2, -2, 3]))),
    label("kind", "float") + field(7, field(2, -0.0) + field(4, 2.5) + field(5, zigzag(-1)) + field(12, [span(511, 3)])
                                   + field(14, doubles([1.0, 0.0, 1.5]))),
    label("kind", "more spans than buckets") + field(7, field(1, 1) + field(5, zigzag(3)) + field(12, [span(0, 9)]) + field(13, zigzag(1))),
    label("kind", "fine") + field(7, field(1, 3) + field(5, zigzag(8)) + field(9, [span(-5, 1)]) + field(12, [span(300, 2), span(7, 1)])
                                  + field(10, packed([4])) + field(13, packed([1, 0, 7]))),
    label("kind", "coarse") + field(7, field(1, 3) + field(5, zigzag(-4)) + field(12, [span(-70, 2), span(60, 3)])
                                    + field(13, packed([1, 1, 1, 1, 1]))),
    label("kind", "empty") + field(7, field(1, 0) + field(2, 0.0) + field(5, zigzag(3)) + field(6, 1e-128) + field(7, 0)
                                   + field(12, [span(0, 0)])))
CLASSIC = family(
    "classic", 4,
    label("kind", "no +Inf") + field(7, field(1, 2**60) + field(2, 1e300) + field(3, [field(1, 3) + field(2, 0.5), field(1, 2**53 + 1) + field(2, 10.0)])),
    label("kind", "floats") + field(7, field(4, 20.0) + field(3, [field(2, 1.0) + field(4, 1e6), field(2, 9.0) + field(4, 0.25)])),
    label("kind", "nothing") + field(7, b""))
PLAIN = (family("many", 1, label("i", "1") + field(2, field(1, -0.0)), label("i", "2") + field(2, field(1, float("nan"))),
                label("i", "3") + field(2, field(1, float("inf"))), help_text="with <html> & \"quotes\"\u2028\n")
         + family("counts", 0, field(3, field(1, 1e21)), help_text="")
         + family("unknown", 3, field(5, field(1, -1e-7)))
         + family("quantiles", 2, label("i", "1") + field(4, field(1, 2**64 - 1) + field(2, float("-inf"))
                                                         + field(3, [field(1, 0.99) + field(2, -0.0), field(1, 0.5) + field(2, float("nan")), field(1, 0.5) + field(2, 7.0)])),
                  label("i", "2") + field(4, b""))
         + family("gauge_histogram", 5, field(7, field(1, 3) + field(2, 4.0) + field(3, field(1, 3) + field(2, 1.0)))))

TEXT = """# HELP g all kinds of values
# TYPE g gauge
g{i="01"} 1e21
g{i="02"} 1e20
g{i="03"} 0.000001
g{i="04"} 123456789
g{i="05"} NaN
g{i="06"} +Inf
g{i="07"} -Inf
g{i="08"} -0
g{i="09"} 1e6
g{i="10"} 0.1
# TYPE c counter
c{path="C:\\\\x",quote="\\"",line="a\\nb",html="<&>",euro="\u20ac",sep="\u2028\u2029",low="\x01\t\x7f"} 3
u 1
# TYPE s summary
s{quantile="0.99"} 2
s{quantile="0.5"} 1
s{quantile="0.5"} NaN
s_sum 1e7
s_count 3e6
# TYPE empty summary
empty_count -1
# TYPE h histogram
h_bucket{le="9"} 1
h_bucket{le="10"} 2e6
h_bucket{le="+Inf"} 3e6
h_sum -1
h_count 3e6
h_bucket{le="-0",x="fraction"} 0.5
h_bucket{le="+Inf",x="fraction"} 4e6
h_count{x="fraction"} 4e6
h_bucket{le="1",x="no inf"} 5
h_count{x="no inf"} 7
# TYPE big histogram
big_bucket{le="+Inf"} 1e17
big_count 1e17
"""

PUSHES = [
    ("PUT", "/metrics/job/j", TEXT.encode(), []),
    ("POST", "/metrics/job/j/instance/host-1/zone/%3Ca%3E", b"# HELP x h\xc3\xa9lp \\\\ \\n end\n# TYPE x gauge\nx 1\n", []),
    ("POST", "/metrics/job/j/instance/host-1/zone/%3Ca%3E", b"y{job=\"other\",instance=\"i\",zone=\"z\"} 2\n", []),
    ("PUT", "/metrics/job/special", b"labels 1\nlast_push_successful 2\nlast 3\nzz 4\nA 5\npush 6\n", []),
    ("PUT", "/metrics/job/emptied", b"x 1\n", []),
    ("PUT", "/metrics/job/emptied", b"", []),
    ("PUT", "/metrics/job/failed", b"x 1 1\n", []),
    ("PUT", "/metrics/job/failed", b"x 1 2\n", []),
    ("PUT", "/metrics/job/then", b"x 1\n", []),
    ("PUT", "/metrics/job/then", b"x 1 1\n", []),
    ("POST", "/metrics/job/then", b"x 7\n", []),
    ("PUT", "/metrics/job/malformed", b"x\n", []),
    ("PUT", "/metrics/job/proto", NATIVE + CLASSIC + PLAIN, PROTOBUF),
    ("PUT", "/metrics/job@base64/w7wgLyA8/b@base64/Ig", b"t 1\n", []),
    ("DELETE", "/metrics/job/special", b"", []),
]
UTF8_PUSHES = [
    ("PUT", "/metrics/job/j/U__l_2e_x/v", b"{\"m.x\",\"k.\\\"y\"=\"1\",a=\"b\"} 1\n{\"\xc3\xa9\",z=\"<\"} 2\n", []),
    ("PUT", "/metrics/job/h", b"# TYPE \"h.x\" histogram\n{\"h.x_bucket\",\"l.y\"=\"a}\\\" 1\",le=\"+Inf\"} 1\n"
                              b"{\"h.x_count\",\"l.y\"=\"a}\\\" 1\"} 1\n", []),
    ("PUT", "/metrics/job/proto", family("p.\n\"\\", 1, label("l.\"", "v") + field(2, field(1, -0.0))), PROTOBUF),
]


def readable(checks, data, where):
    """The answer of /api/v1/metrics with times replaced by their rank inside the group, arrays in one order."""
    groups = []
    for group in data["data"]:
        stamps = sorted({value["time_stamp"] for value in group.values() if isinstance(value, dict) and "time_stamp" in value})
        for name, value in group.items():
            if not isinstance(value, dict) or "time_stamp" not in value:
                continue
            checks.that(TIME.match(value["time_stamp"]), where, "not a time in this zone:", value["time_stamp"])
            value["time_stamp"] = stamps.index(value["time_stamp"])
            value["metrics"].sort(key=json.dumps)
            for metric in value["metrics"] if name in ("push_time_seconds", "push_failure_time_seconds") else ():
                metric["value"] = "0" if metric["value"] == "0" else "<TIME>"
        groups.append(json.dumps(group))
    return sorted(groups)


def without_times(text):
    return re.sub(r'"1\.\d+e\+09"', '"<TIME>"', re.sub(r'"time_stamp":"[^"]*"', '"time_stamp":"<TIME>"', text))


def compare_headers(checks, theirs, mine, where, but=()):
    checks.equal(mine.status, theirs.status, where, "status")
    for name in HEADERS:
        if name not in but:
            checks.equal(mine.header(name), theirs.header(name), where, name)


def compare_metrics(checks, theirs, mine, prefix, where):
    answers = [side.request("GET", prefix + "/api/v1/metrics", headers=[("Accept-Encoding", "gzip")]) for side in (theirs, mine)]
    compare_headers(checks, *answers, where)
    wanted, got = (readable(checks, json.loads(answer.body), where) for answer in answers)
    checks.equal(len(got), len(wanted), where, "groups")
    for one, other in zip(got, wanted):
        checks.equal(one, other, where)
    return answers


def settle(theirs, mine, prefix):
    """The reference answers a DELETE when it is queued; given up after five seconds, and compared in any case."""
    def groups(side):
        return len(json.loads(side.request("GET", prefix + "/api/v1/metrics").text)["data"])

    until = time.monotonic() + 5
    while groups(theirs) != groups(mine) and time.monotonic() < until:
        time.sleep(0.01)


def run_pushes(checks, options, pushes, flags=(), prefix=""):
    with Gateway(options.reference, flags, env=ZONE) as theirs, Gateway(options.binary, flags, options.backend, env=ZONE) as mine:
        compare_metrics(checks, theirs, mine, prefix, "empty")
        for number, (method, path, body, headers) in enumerate(pushes):
            where = "%s after push %d (%s %s):" % (" ".join(flags), number, method, path)
            statuses = [side.request(method, prefix + path, body, headers).status for side in (theirs, mine)]
            checks.equal(statuses[1], statuses[0], where, "push")
            if method == "DELETE":
                settle(theirs, mine, prefix)
            answers = compare_metrics(checks, theirs, mine, prefix, where)
            if number == 0:  # one group, and its metrics came in the scrape's order: nothing in the bytes is random
                texts = [without_times(answer.text) for answer in answers]
                checks.equal(texts[1], texts[0], where, "bytes")
        check_status(checks, theirs, mine, prefix)
        if "--web.enable-admin-api" in flags:
            answers = [side.request("PUT", prefix + "/api/v1/admin/wipe") for side in (theirs, mine)]
            compare_headers(checks, *answers, "wipe")
            checks.equal(mine.request("GET", prefix + "/api/v1/metrics").text, '{"status":"success","data":[]}', "after wipe")


def check_status(checks, theirs, mine, prefix):
    answers = [side.request("GET", prefix + "/api/v1/status") for side in (theirs, mine)]
    compare_headers(checks, *answers, "status")
    wanted, got = (json.loads(answer.body) for answer in answers)
    checks.equal(list(got), list(wanted), "keys of the status")
    checks.equal(list(got["data"]), list(wanted["data"]), "keys of its data")
    checks.equal(list(got["data"]["build_information"]), list(wanted["data"]["build_information"]), "build information")
    checks.equal(list(got["data"]["flags"]), sorted(got["data"]["flags"]), "flags are sorted")
    checks.that(TIME.match(got["data"]["start_time"]), "start_time", got["data"]["start_time"])
    for name, value in wanted["data"]["flags"].items():
        if name != "web.listen-address":
            checks.equal(got["data"]["flags"].get(name), value, "flag", name)


ROUTES = [
    ("GET", "/api/v1/"), ("GET", "/api/v1"), ("POST", "/api/v1?x=1"), ("GET", "/api/v1/metrics/"), ("GET", "/api/v1/STATUS?a=b"),
    ("GET", "/api/v1//status"), ("GET", "/api/v1/%6detrics"), ("GET", "/api/v1%2Fmetrics"), ("GET", "/API/v1/metrics"),
    ("GET", "/api/v1/x%2F..%2Fstatus"), ("POST", "/api/v1/metrics"), ("HEAD", "/api/v1/status"), ("DELETE", "/api/v1/x"),
    ("OPTIONS", "/api/v1/"), ("OPTIONS", "/api/v1/any/thing"), ("OPTIONS", "/api/v1"), ("OPTIONS", "/api/v2/x"), ("PUT", "/api/v1/admin/wipe"),
    ("GET", "/api/v1/admin/wipe"), ("PUT", "/api/v1/Admin/Wipe/"), ("OPTIONS", "/api/v1/admin/wipe"), ("GET", "/"), ("GET", "/status"),
    ("GET", "/Status/"), ("POST", "/status"), ("OPTIONS", "/"), ("GET", "/static"), ("GET", "/static/"), ("GET", "/static/nothing"),
    ("GET", "/Static/x"), ("POST", "/static/x"), ("OPTIONS", "/static"), ("GET", "/static/%2e%2e/x"), ("GET", "/static/a%2F..%2Fb"),
    ("GET", "/debug/pprof"), ("POST", "/debug/pprof/x"), ("OPTIONS", "/debug/pprof/"), ("GET", "/metrics/"), ("GET", "/METRICS"),
    ("POST", "/metrics"), ("GET", "/-/Healthy/"), ("GET", "/-/ready"), ("PUT", "/-/ready"), ("GET", "/-/quit/"), ("POST", "/-/quit"),
    ("PUT", "/METRICS/job/x%2F%2Fy"), ("GET", "/%2F"), ("GET", "/nothing"), ("OPTIONS", "/nothing"), ("FOO", "/status"), ("CONNECT", "/status")]


def run_routes(checks, options, flags, prefix):
    gzip = [("Content-Encoding", "gzip")]
    with Gateway(options.reference, flags) as theirs, Gateway(options.binary, flags, options.backend) as mine:
        for method, path in ROUTES:
            for target in {path, prefix + path}:
                where = "%s %s %s:" % (" ".join(flags), method, target)
                answers = [side.request(method, target) for side in (theirs, mine)]
                page = method == "GET" and path in ("/", "/status", "/static/") and answers[1].status == 200
                compare_headers(checks, *answers, where, ("Cache-Control", "X-Content-Type-Options") if page else ())
                if page:  # which is our own, and says more about itself
                    checks.equal([answers[1].header(name) for name in ("Cache-Control", "X-Content-Type-Options")], ["no-cache", "nosniff"], where)
        # The API does not look at the coding of a body that it does not want.
        compare_headers(checks, *(side.request("GET", prefix + "/api/v1/status", b"x", gzip) for side in (theirs, mine)), "coding")


def resident_bytes(gateway):
    """(in pages of the usual size, in huge ones): the kernel may back one byte more by 2 MiB."""
    with open("/proc/%d/smaps_rollup" % gateway.process.pid, encoding="ascii") as file:
        kib = dict(re.findall(r"^(Rss|AnonHugePages): +(\d+) kB", file.read(), re.MULTILINE))
    huge = int(kib["AnonHugePages"])
    return (int(kib["Rss"]) - huge) * 1024, huge * 1024


def turns_of(gateway):
    return int(float(re.search(r"^sluice_loop_turn_seconds_count\{.*\} (\S+)$", gateway.scrape().text, re.MULTILINE).group(1)))


def push_many(checks, gateway, groups, series):
    values = "".join('v{i="%06d",text="some text that makes a line longer"} 1\n' % number for number in range(series))
    for number in range(groups):
        checks.equal(gateway.request("PUT", "/metrics/job/t/n/%d" % number, values.encode()).status, 200, "push")


def check_streamed(checks, options):
    """100,000 series: the answer comes in pieces while it is made, and the process does not hold it."""
    with Gateway(options.binary, ["--runtime.workers=1"], options.backend) as gateway:
        push_many(checks, gateway, 100, 1000)
        gateway.request("GET", "/api/v1/metrics")
        turns = turns_of(gateway)
        seen, done = [resident_bytes(gateway)], threading.Event()

        def watch():
            while not done.wait(0.001):
                seen.append(resident_bytes(gateway))

        watcher = threading.Thread(target=watch)
        watcher.start()
        answer = gateway.request("GET", "/api/v1/metrics")
        done.set()
        watcher.join()
        seen.append(resident_bytes(gateway))
        grown, huge = (max(values) - values[0] for values in zip(*seen))
        data = json.loads(answer.body)["data"]
        checks.equal(answer.header("Transfer-Encoding"), "chunked", "framing")
        checks.equal(sum(len(group["v"]["metrics"]) for group in data), 100000, "series")
        checks.that(len(answer.body) > 10_000_000, "bytes", len(answer.body))
        checks.that(grown < 2_000_000, "resident memory grew by", grown, "bytes for an answer of", len(answer.body))
        checks.that(huge <= 2 << 20, "resident memory in huge pages grew by", huge)
        turns = turns_of(gateway) - turns
        checks.that(turns > 50, "turns of the worker", turns)
        print("resident memory grew by %d and %d (huge) bytes for an answer of %d in %d turns" % (grown, huge, len(answer.body), turns))
        # Another connection of the same worker is served between two slices of the long answer.
        with gateway.connect() as slow:
            slow.sendall(b"GET /api/v1/metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            slow.recv(1)
            checks.equal(gateway.request("GET", "/-/healthy", timeout=10).status, 200, "another connection")


def main():
    options = arguments(reference="")
    checks = Checks("api")
    check_streamed(checks, options)
    if not options.reference:
        options.reference, why = find_reference()
        if not options.reference:
            checks.skip("reference", why)
            checks.finish()
    run_pushes(checks, options, PUSHES)
    run_pushes(checks, options, UTF8_PUSHES, ("--push.enable-utf8-names", "--web.enable-admin-api"))
    run_pushes(checks, options, PUSHES[:4], ("--web.route-prefix=/p", "--web.telemetry-path=/m", "--web.enable-admin-api"), "/p")
    run_routes(checks, options, (), "")
    run_routes(checks, options, ("--web.enable-admin-api", "--web.route-prefix=pg/", "--web.telemetry-path=/tele/m"), "/pg")
    checks.finish()


if __name__ == "__main__":
    main()
