"""Scrapes in every format and escaping, against what the reference answered: text, compact-text, text and delimited
protobuf, identity and gzip.

Recorded by: python3 scrape_formats.py --binary PATH_TO_PUSHGATEWAY --record 1
"""

import gzip
import json
import os
import re

from compare import OWN_FAMILIES, pushed_lines, squeeze
from gateway import SOURCE, Checks, Gateway, arguments
from protobuf_bodies import CASES, CONTENT_TYPE, GAUGE, HISTOGRAM, NATIVE, double, family, gauge, label, metric, part
from protobuf_read import families

DATA = os.path.join(SOURCE, "tests", "e2e", "data", "scrape_formats.json")
PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding="
FORMATS = {"plain": "text/plain;version=0.0.4", "delimited": PROTOBUF + "delimited", "text": PROTOBUF + "text",
           "compact": PROTOBUF + "compact-text"}
ESCAPINGS = ("underscores", "dots", "values", "allow-utf-8")
PB = [("Content-Type", CONTENT_TYPE)]

TEXTS = (
    "# HELP g with \\\\ and \\n \"q\"\n# TYPE g gauge\ng{l=\"a\\\\b\\\"c\\nd\"} 1.5\ng{l=\"\u00e9\u20ac\"} -0\ng{l=\"\"} NaN\n"
    "# TYPE c counter\nc 1e20\nc{l=\"1\"} +Inf\nu -Inf\nu{l=\"1\"} 1e-7\nz 0\n# HELP nothing \n# TYPE nothing gauge\nnothing 1\n",
    "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns{quantile=\"0.99\"} NaN\ns_sum 3.5\ns_count 2\ns{l=\"1\",quantile=\"1\"} 7\n"
    "# TYPE t summary\nt_count 5\n# TYPE v summary\nv_sum 5\n# TYPE w summary\nw_sum 5\nw_count 9007199254740994\n",
    "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2.5\"} 3\nh_bucket{le=\"+Inf\"} 4\nh_sum 4\nh_count 4\n"
    "h_bucket{l=\"1\",le=\"0\"} 0\nh_bucket{l=\"1\",le=\"+Inf\"} 1234567\nh_sum{l=\"1\"} -4\nh_count{l=\"1\"} 1234567\n",
    "# TYPE i histogram\ni_bucket{le=\"1\"} 1\ni_sum 4\ni_count 4\n# TYPE j histogram\nj_bucket{le=\"1\"} 0.5\n"
    "j_bucket{le=\"+Inf\"} 2\nj_sum 4\nj_count 2\n# TYPE k histogram\nk_bucket{le=\"+Inf\"} 4\nk_count 4\n",
    "# TYPE l histogram\nl_bucket{le=\"1\"} 18446744073709551615\nl_bucket{le=\"+Inf\"} 1e19\nl_sum 1\nl_count 9007199254740993\n")
UTF8 = "{\"m.x y_z\",\"k.y_1\"=\"1\",plain=\"2\"} 1\n# TYPE \"s.s\" summary\n{\"s.s\",quantile=\"0.5\"} 1\n{\"s.s_sum\"} 1\n{\"s.s_count\"} 2\n"
NATIVE_UTF8 = family("n.1\u00e9", HISTOGRAM, metric(label("a.b_c", "1"), NATIVE), metric(label("a", "2"), NATIVE)) + family(
    "n_2", GAUGE, metric(label("x.y", "line\nq\"\\"), part(2, double(1, -0.0))), metric(label("x", "\u20ac"), gauge(2)))

# name: [(path behind /metrics, body, headers)]; all in one group, since groups inside a family have no order.
PUSHES = {
    "kinds": [("/job/a/zone/eu", CASES["own-pb-kinds"][0], PB)],
    **{"text-%d" % number: [("/job/a", body.encode(), [])] for number, body in enumerate(TEXTS)},
    "utf8": [("/job/a/U__l_2e_x/v", UTF8.encode(), [])],
    "native-utf8": [("/job/a/U__l_2e_x/v", NATIVE_UTF8, PB)],
    "nothing": [],
    "failed": [("/job/a", b"x 1 5\n", [])],
}


def is_own(name):
    return name.startswith(OWN_FAMILIES)


def prototext(text, multiline):
    """Pushed families of a prototext scrape, times masked, blanks squeezed outside of the strings that have none."""
    out = []
    for entry in text.split("\n\n" if multiline else "\n"):
        entry = squeeze(entry.strip("\n"))
        found = re.match(r'name: ?"([^"]*)"', entry)
        if not entry or found and is_own(found.group(1)):
            continue
        if found and found.group(1).startswith("push_"):
            entry = re.sub(r"(gauge: ?\{\s*value: ?)[1-9][^}\n]*", r"\1<TIME>", entry)
        out.append(entry)
    return out


def delimited(data):
    out = []
    for name, fields in families(data).items():
        if is_own(name):
            continue
        if name.startswith("push_"):
            fields = json.loads(re.sub(r'"0x1\.[0-9a-f]+p\+30"', '"<TIME>"', json.dumps(fields)))
        out.append(fields)
    return out


def without_counters(shown):
    """A family that was pushed without a type is a counter: the reference leaves the type out, here it is said."""
    text = re.sub(r'\["type", 0\], ', "", json.dumps(shown))
    return json.loads(re.sub(r"(\\n| )type: ?COUNTER", "", text))


def scrape(gateway, form, escaping, compressed=False):
    headers = [("Accept", "%s;escaping=%s" % (FORMATS[form], escaping))]
    if compressed:
        headers.append(("Accept-Encoding", "gzip"))
    response = gateway.scrape(headers)
    body = gzip.decompress(response.body) if compressed else response.body
    if form == "delimited":
        shown = delimited(body)
    elif form == "plain":
        shown = pushed_lines(body.decode())
    else:
        shown = prototext(body.decode(), form == "text")
    return {"status": response.status, "type": response.header("Content-Type"), "encoding": response.header("Content-Encoding"),
            "shown": shown}


def run(binary, backend, visit):
    with Gateway(binary, ("--push.enable-utf8-names",), backend) as gateway:
        for name, pushes in PUSHES.items():
            statuses = [gateway.request("PUT", "/metrics" + path, body, headers).status for path, body, headers in pushes]
            for form in FORMATS:
                for escaping in ESCAPINGS:
                    visit(gateway, "%s %s %s" % (name, form, escaping), form, escaping, statuses)
            for path, _, _ in pushes:
                gateway.request("DELETE", "/metrics" + path)


def record(options):
    answers = {}

    def visit(gateway, key, form, escaping, statuses):
        answers[key] = [statuses, scrape(gateway, form, escaping)]

    run(options.binary, None, visit)
    with open(DATA, "w", encoding="utf-8") as file:
        file.write('{"oracle": "Pushgateway 1.11.3, recorded by scrape_formats.py", "answers": {\n')
        file.write(",\n".join("%s: %s" % (json.dumps(key), json.dumps(value)) for key, value in answers.items()))
        file.write("\n}}\n")


def check_help_conflict(checks, options):
    """Two helps of a family: a scrape shows one, whatever is pushed and scraped the log has one line for each family."""
    with Gateway(options.binary, backend=options.backend) as gateway:
        for round_number in range(20):
            for job, help_text in (("a", "first"), ("b", "second")):
                body = "# HELP x %s\n# TYPE x gauge\nx %d\n# HELP y %s\ny 1\n# HELP z same\nz 1\n" % (
                    help_text, round_number, help_text)
                checks.equal(gateway.request("PUT", "/metrics/job/" + job, body.encode()).status, 200, "a help that differs")
            if round_number % 4 == 3:
                helps = [line for line in gateway.scrape().text.split("\n") if line.startswith("# HELP x ")]
                checks.that(helps in (["# HELP x first"], ["# HELP x second"]), "one help", helps)
                checks.equal(set(families(gateway.scrape([("Accept", FORMATS["delimited"])]).body)) >= {"x", "y", "z"}, True)
        checks.that(gateway.wait_for_log("metric_family=y"), "the conflict is logged")
        gateway.stop()
        lines = [line for line in gateway.log if "inconsistent help strings" in line]
        checks.equal(sorted(re.search("metric_family=(\\w+)", line).group(1) for line in lines), ["x", "y"], "once each")


def main():
    options = arguments(record=0)
    if options.record:
        record(options)
        return
    with open(DATA, encoding="utf-8") as file:
        answers = json.load(file)["answers"]
    checks = Checks("scrape_formats")
    seen = set()

    def visit(gateway, key, form, escaping, statuses):
        wanted = answers[key]
        checks.equal(statuses, wanted[0], key, "statuses")
        got = scrape(gateway, form, escaping)
        shown, wanted_shown = got.pop("shown"), dict(wanted[1]).pop("shown")
        checks.equal(got, {name: value for name, value in wanted[1].items() if name != "shown"}, key)
        checks.equal(without_counters(shown), without_counters(wanted_shown), key)
        packed = scrape(gateway, form, escaping, compressed=True)
        checks.equal((packed["shown"], packed["encoding"]), (shown, "gzip"), key, "gzip")
        seen.add(key)

    run(options.binary, options.backend, visit)
    checks.equal(seen, set(answers), "everything that was recorded")
    check_help_conflict(checks, options)
    checks.finish()


main()
