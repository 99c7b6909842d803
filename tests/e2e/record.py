"""Records what the reference answers to our own inputs: writes data/http_cases.json and data/push_results.json.

Run by hand after adding an input below: python3 record.py --binary PATH_TO_PUSHGATEWAY
"""

import base64
import json
import os
import re

from compare import pushed_lines
from gateway import SOURCE, Gateway, arguments
from protobuf_bodies import CASES as PROTOBUF, CONTENT_TYPE

GAUGE = "# TYPE g gauge\ng 1\n"
PUT, POST, DELETE, GET = "PUT", "POST", "DELETE", "GET"

# id: (flags, [(method, target, body or None, headers)])
SEQUENCES = {
    "own-put-replaces": ((), [
        (PUT, "/metrics/job/a", "x 1\ny 2\n"), (PUT, "/metrics/job/a", "z 3\n")]),
    "own-post-merges": ((), [
        (POST, "/metrics/job/a", "x 1\ny{l=\"1\"} 2\n"), (POST, "/metrics/job/a", "y{l=\"2\"} 3\nz 4\n")]),
    "own-empty-bodies": ((), [
        (POST, "/metrics/job/a", "x 1\n"), (POST, "/metrics/job/a", ""), (PUT, "/metrics/job/a", "")]),
    "own-delete": ((), [
        (PUT, "/metrics/job/a", "x 1\n"), (PUT, "/metrics/job/a/i/1", "x 1\n"), (DELETE, "/metrics/job/a", None),
        (DELETE, "/metrics/job/never", None)]),
    "own-labels": ((), [
        (PUT, "/metrics/job/a/zone/eu/rack/7", "x{zone=\"us\",b=\"2\",a=\"1\",job=\"other\"} 1\n"),
        (PUT, "/metrics/job/b", "x{instance=\"i1\"} 1\nx{instance=\"\"} 2\n"),
        (PUT, "/metrics/job/c/instance/box", "x{instance=\"i1\"} 1\n")]),
    "own-base64": ((), [
        (PUT, "/metrics/job@base64/L3Zhci90bXA=/path@base64/L2EvYg", "x 1\n"),
        (PUT, "/metrics/job/a/empty@base64/=", "x 1\n"), (PUT, "/metrics/job/a/bad@base64/!!", "x 1\n")]),
    "own-path-errors": ((), [
        (PUT, "/metrics/job/a/odd", "x 1\n"), (PUT, "/metrics/job/a/0bad/v", "x 1\n"),
        (PUT, "/metrics/job/a/__name__/v", "x 1\n"), (DELETE, "/metrics/job/a/odd", None)]),
    "own-timestamp": ((), [(PUT, "/metrics/job/a", "x 1 1000\n")]),
    "own-type-conflict": ((), [
        (PUT, "/metrics/job/a", "# TYPE x counter\nx 1\n"), (PUT, "/metrics/job/b", "# TYPE x gauge\nx 1\n"),
        (PUT, "/metrics/job/a", "# TYPE x gauge\nx 1\n"), (PUT, "/metrics/job/b", "# TYPE x gauge\nx 1\n")]),
    "own-suffix-conflict": ((), [
        (PUT, "/metrics/job/a", "# TYPE x summary\nx_sum 1\nx_count 1\n"), (PUT, "/metrics/job/b", "x_count 1\n"),
        (PUT, "/metrics/job/b", "x_bucket 1\n")]),
    "own-duplicate-in-push": ((), [(PUT, "/metrics/job/a", "x{a=\"1\"} 1\nx{a=\"1\"} 2\n")]),
    "own-duplicate-across-groups": ((), [
        (PUT, "/metrics/job/a", "x{host=\"h\"} 1\n"), (PUT, "/metrics/job/a/host/h", "x 1\n"),
        (PUT, "/metrics/job/a/host/k", "x 1\n")]),
    "own-malformed-leaves-nothing": ((), [
        (PUT, "/metrics/job/a", "x 1"), (PUT, "/metrics/job/a", "x one\n"), (PUT, "/metrics/job/a", "x 1\r\n"),
        (PUT, "/metrics/job/a", "# TYPE x nonsense\nx 1\n"), (PUT, "/metrics/job/a", "x{a=\"1\" 1\n")]),
    "own-failure-keeps-the-group": ((), [
        (PUT, "/metrics/job/a", "x 1\n"), (PUT, "/metrics/job/a", "y 1 5\n")]),
    "own-help": ((), [
        (PUT, "/metrics/job/a", "# HELP x line\\nnext \\\\ \"q\"\n# TYPE x gauge\nx 1\n"),
        (PUT, "/metrics/job/b", "# HELP y\n# TYPE y gauge\ny 1\n")]),
    "own-numbers": ((), [
        (PUT, "/metrics/job/a", "a 1e6\nb 123456\nc 1234567\nd 0.0001\ne 0.00001\nf +Inf\ng -inf\nh nan\ni -0\n"
                                "j 1e-400\nk 0.1\nl 1.7976931348623157e308\nm 12345678901234567890\n")]),
    "own-histogram": ((), [
        (PUT, "/metrics/job/a", "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2.5\"} 3\nh_sum 4\nh_count 3\n"
                                "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns{quantile=\"0.99\"} 2\ns_sum 3\ns_count 2\n")]),
    "own-order": ((), [
        (PUT, "/metrics/job/a", "b{y=\"2\"} 1\nb{x=\"1\",y=\"1\"} 2\nb 3\nb{x=\"9\"} 4\nb{x=\"10\"} 5\na 1\n")]),
    "own-escapes": ((), [
        (PUT, "/metrics/job/a", "x{l=\"a\\\\b\\\"c\\nd\"} 1\nx{l=\"\u00e9\u20ac\"} 2\n"),
        (PUT, "/metrics/job/%C3%A9/l/a%20b", "x 1\n")]),
    "own-push-of-own-names": ((), [
        (PUT, "/metrics/job/a", "# TYPE push_time_seconds gauge\npush_time_seconds 1\nx 1\n"),
        (PUT, "/metrics/job/b", "# TYPE process_cpu_seconds_total gauge\nprocess_cpu_seconds_total 1\n")]),
    "own-utf8": (("--push.enable-utf8-names",), [
        (PUT, "/metrics/job/a/U__l_2e_x/v", "{\"m.x\",\"k.y\"=\"1\"} 1\n"), (GET, "/metrics/job/a", None)]),
    "own-routes": ((), [
        (GET, "/-/healthy", None), (GET, "/-/ready", None), (GET, "/-/quit", None), (PUT, "/-/quit", ""),
        (GET, "/nothing", None), (GET, "/metrics/job/a", None), ("HEAD", "/metrics", None),
        ("OPTIONS", "/metrics", None), ("BREW", "/metrics", None), (POST, "/metrics/job/a//b/c", "x 1\n"),
        (GET, "/metrics/", None), (PUT, "/metrics/JOB/a", "x 1\n"), (POST, "/metrics/job/", "x 1\n")]),
    "own-wipe": (("--web.enable-admin-api",), [
        (PUT, "/metrics/job/a", "x 1\n"), (PUT, "/metrics/job/b", "x 1\n"), (PUT, "/api/v1/admin/wipe", "")]),
    "own-external-url": (("--web.external-url=http://x.example/ext/",), [
        (GET, "/ext/-/ready", None), (GET, "/-/ready", None), (POST, "/ext/metrics/job/x", "a 1\n"),
        (GET, "/ext/metrics/", None), (GET, "/-/quit", None)]),
    "own-api": ((), [
        (GET, "/api/v1/metrics", None), (PUT, "/metrics/job/a", "# HELP x <h>\n# TYPE x gauge\nx{l=\"<&>\u2028\\n\"} -0\n"
                                                               "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_count 2e6\n"),
        (GET, "/api/v1/metrics", None), (PUT, "/metrics/job/b", "x 1 5\n"), (GET, "/api/v1/metrics", None),
        (GET, "/api/v1/status", None), ("OPTIONS", "/api/v1/metrics", None), ("HEAD", "/api/v1/status", None),
        (POST, "/api/v1/metrics", ""), (GET, "/api/v1", None), (GET, "/api/v1/metrics/", None), (GET, "/api/v1/STATUS", None),
        (PUT, "/api/v1/admin/wipe", ""), ("OPTIONS", "/api/v1/nothing", None), (GET, "/api/v1/nothing", None)]),
    "own-api-wipe": (("--web.enable-admin-api",), [
        (PUT, "/metrics/job/a", "x 1\n"), (GET, "/api/v1/admin/wipe", None), (PUT, "/api/v1/admin/wipe/", ""),
        (PUT, "/api/v1/admin/wipe", ""), ("OPTIONS", "/api/v1/admin/wipe", None)]),
    "own-api-prefix": (("--web.route-prefix=/pg", "--web.telemetry-path=/tele/m"), [
        (PUT, "/pg/metrics/job/a", "x 1\n"), (GET, "/pg/api/v1/metrics", None), (GET, "/api/v1/metrics", None),
        (GET, "/pg/api/v1", None), (GET, "/pg/api/v1/status/", None), (GET, "/pg/TELE/m/", None), (GET, "/pg", None),
        (GET, "/PG/status", None), (GET, "/status", None), ("OPTIONS", "/pg/api/v1/x", None), ("OPTIONS", "/api/v1/x", None)]),
    "own-page-routes": ((), [
        (GET, "/Status/", None), (POST, "/status", ""), ("OPTIONS", "/", None), (GET, "/static", None),
        (GET, "/static/nothing", None), (GET, "/Static/x", None), (POST, "/static/x", ""), (GET, "/static/%2e%2e/x", None),
        (GET, "/debug/pprof", None), (POST, "/debug/pprof/x", ""), (GET, "/%2F", None), (GET, "/x%2F..%2FSTATUS", None)]),
    "own-prefix": (("--web.route-prefix=/pg",), [
        (PUT, "/pg/metrics/job/a", "x 1\n"), (GET, "/-/ready", None), (GET, "/pg/-/ready", None)]),
}

SEQUENCES.update({name: ((), [(PUT, "/metrics/job/a", body, ["Content-Type", CONTENT_TYPE]) for body in bodies])
                  for name, bodies in PROTOBUF.items()})

# Bodies pushed by PUT to /metrics/job/t.
BODIES = {
    "own-body-%02d" % number: body for number, body in enumerate([
        "", "\n", "x 1\n", "x  \t 1 \n", "x 1 \n", "x\t1\n", " x 1\n", "x 1\n\n\ny 2\n", "#\n# \n# comment\nx 1\n",
        "#HELP x h\nx 1\n", "# HELP x h\n# HELP x h\nx 1\n", "# TYPE x gauge\n# TYPE x gauge\nx 1\n",
        "x 1\n# TYPE x gauge\n", "# TYPE x gauge \nx 1\n", "# TYPE x\nx 1\n", "# HELP\nx 1\n", "x{} 1\n", "x{,} 1\n",
        "x{a=\"1\",} 1\n", "x{a=\"1\",,} 1\n", "x{a=\"1\"b=\"2\"} 1\n", "x{a=1} 1\n", "x{a=\"1} 1\n",
        "x{a=\"\\x\"} 1\n", "x{__name__=\"y\"} 1\n", "x{a=\"1\",a=\"2\"} 1\n", "{} 1\n", "{\"x\"} 1\n",
        "{\"x\",a=\"1\"} 1\n", "{a=\"1\",\"x\"} 1\n", "{a=\"1\"} 1\n", "\"x\"{a=\"1\"} 1\n", "x\"y\" 1\n", "0x 1\n",
        "x +1\n", "x +nan\n", "x 0x10\n", "x 1_0\n", "x 1f\n", "x 1e309\n", "x infinity\n", "x --1\n", "x\n", "x 1 2 3\n",
        "x 1 1.5\n", "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_count -1\n",
        "# TYPE h histogram\nh_bucket{le=\"1\"} 0.5\nh_count 1\n", "# TYPE h histogram\nh_bucket 1\n",
        "# TYPE h histogram\nh_bucket{le=\"one\"} 1\n", "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_count -1\n",
        "# TYPE s summary\ns_count NaN\n", "# TYPE s summary\ns 1\n", "# TYPE s summary\ns_sum 1\ns{a=\"b\"} 2\n",
        "x{quantile=\"1\",le=\"2\"} 1\n", "x{a=\"\"} 1\nx 2\n", "x:y{a=\"1\"} 1\n", "x{a:b=\"1\"} 1\n", "x 1\r\n",
        "x{a=\"b\nc\"} 1\n", "# TYPE x counter\nx_total 1\n", "a 1\nb 2\na{x=\"1\"} 3\n"])}


def record_answer(response):
    expect = {"status": response.status, "headers": {}}
    is_json = response.header("Content-Type") == "application/json"
    for name in ("Content-Type", "Allow", "Location", "X-Content-Type-Options", "Content-Length", "Access-Control-Allow-Headers",
                 "Access-Control-Allow-Methods", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Cache-Control"):
        # Ours is streamed, so it has no length.
        if response.header(name) is not None and not (is_json and name == "Content-Length"):
            expect["headers"][name] = response.header(name)
    if is_json:
        if "start_time" not in response.text:
            text = re.sub(r'"time_stamp":"[^"]*"', '"time_stamp":"<TIME>"', response.text)
            expect["body_normalized"] = re.sub(r'"1\.\d+e\+09"', '"<TIME>"', text)
    elif len(response.body) < 4000:
        # Go's protobuf errors have a no-break space or a blank behind `proto:`, as the build will have it.
        expect["body"] = re.sub(r"[ \u00a0]+", " ", response.text)
        if expect["body"].startswith("proto:"):
            expect["headers"].pop("Content-Length", None)
    return expect


def record_sequence(binary, name, flags, requests):
    steps = []
    prefix = next((flag.split("=")[1] for flag in flags if flag.startswith("--web.route-prefix=")), "")
    with Gateway(binary, flags) as gateway:
        for method, target, body, *headers in requests:
            data = body if isinstance(body, bytes) else (body or "").encode()
            response = gateway.request(method, target, data, headers)
            after = gateway.request("GET", prefix + "/metrics")
            sent = ({"body_b64": base64.b64encode(data).decode()} if isinstance(body, bytes) else {"body": body or ""})
            step = {"request": {"method": method, "target": target, "headers": headers, **sent},
                    "expect": record_answer(response)}
            if not prefix:
                step["scrape_after"] = {"status": after.status, "lines": pushed_lines(after.text)}
            steps.append(step)
    return {"id": name, "flags": list(flags), "steps": steps}


def record_bodies(binary, flags):
    outcomes = {}
    with Gateway(binary, flags) as gateway:
        for name, body in BODIES.items():
            try:
                response = gateway.request("PUT", "/metrics/job/t", body.encode())
            except EOFError:  # it crashes on a sample without a name; required of us is a 400
                outcomes[name] = {"status": 400, "scrape": []}
                continue
            lines = pushed_lines(gateway.scrape().text)
            gateway.request("DELETE", "/metrics/job/t")
            outcomes[name] = {"status": response.status, "scrape": lines}
            if response.status != 200:
                outcomes[name]["body"] = re.sub(r" +", " ", response.text)
    return outcomes


def write(name, data):
    with open(os.path.join(SOURCE, "tests", "e2e", "data", name), "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1, ensure_ascii=True)
        file.write("\n")


def main():
    options = arguments()
    write("http_cases.json", {"oracle": "Pushgateway 1.11.3, recorded by record.py", "cases": [
        record_sequence(options.binary, name, flags, requests) for name, (flags, requests) in SEQUENCES.items()]})
    legacy = record_bodies(options.binary, ())
    utf8 = record_bodies(options.binary, ("--push.enable-utf8-names",))
    write("push_results.json", {
        "oracle": "Pushgateway 1.11.3, recorded by record.py",
        "inputs": {name: base64.b64encode(body.encode()).decode() for name, body in BODIES.items()},
        "results": {name: {"legacy": legacy[name], "utf8": utf8[name]} for name in BODIES}})


if __name__ == "__main__":
    main()
