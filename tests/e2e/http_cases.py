"""Request sequences with every answer of the reference: the outside collection when present, our own always.

A fresh gateway for each set of flags; between cases of the same flags the groups are deleted.
"""

import base64
import json
import os
import re
from urllib.parse import urlsplit

from compare import MARK, pushed_lines, same_text, sort_groups
from gateway import SOURCE, Checks, Gateway, arguments, shared_cases
from known_differences import reason

COMPARED_HEADERS = ("Content-Type", "Allow", "Location", "X-Content-Type-Options", "Content-Encoding", "Content-Length",
                    "Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Access-Control-Allow-Origin",
                    "Access-Control-Expose-Headers", "Cache-Control")

def load():
    with open(os.path.join(SOURCE, "tests", "e2e", "data", "http_cases.json"), encoding="utf-8") as file:
        cases = [(case, None) for case in json.load(file)["cases"]]
    folder = shared_cases()
    if folder:
        with open(os.path.join(folder, "pushgateway_http.json"), encoding="utf-8") as file:
            cases += [(case, reason(case["id"])) for case in json.load(file)["cases"]]
    return cases


def check_scrape(checks, where, lines, text):
    wanted = sort_groups(pushed_lines("\n".join(lines)))
    checks.equal(sort_groups(pushed_lines(text)), wanted, where, "scrape")


def check_answer(checks, where, response, expect):
    wanted = expect.get("status_go1.26_and_later") or expect["status"]
    if not checks.equal(response.status, wanted, where, "status", response.text[:300]):
        return
    for name in COMPARED_HEADERS:
        value = (expect.get("headers") or {}).get(name)
        # Lengths are compared where the body is; texts that name one conflict of several are shorter.
        if value is None or name == "Content-Length" and (MARK in str(expect) or "collides" in str(expect)):
            continue
        checks.equal(response.header(name), value, where, name)
    if (response.header("Content-Type") or "").startswith("application/json"):
        if expect.get("body_normalized"):
            checks.equal(json_answer(response.text), json_answer(expect["body_normalized"]), where, "JSON")
        return
    for key in ("body", "body_normalized", "body_ws_normalized"):
        if expect.get(key) is not None and wanted != 200:
            checks.that(same_text(response.text, expect[key]), where, "body\n  got:   ", response.text, "\n  wanted:",
                        expect[key])
            return
    if expect.get("body") is not None and len(expect["body"]) < 100:
        checks.equal(response.text, expect["body"], where, "body")


def json_answer(text):
    """An answer of the API with keys in their order and without times. Groups come in an order that is the server's own,
    the metrics of a family as in a scrape (in the reference as in their push)."""
    answer = json.loads(text)
    for group in answer["data"]:
        for name, value in group.items():
            if isinstance(value, dict) and "time_stamp" in value:
                value["time_stamp"] = "<TIME>"
                for metric in value["metrics"] if name in ("push_time_seconds", "push_failure_time_seconds") else ():
                    metric["value"] = "0" if metric["value"] == "0" else "<TIME>"
                value["metrics"].sort(key=json.dumps)
    answer["data"] = sorted(json.dumps(group) for group in answer["data"])
    return answer


def run_case(checks, gateway, case):
    for number, step in enumerate(case["steps"]):
        request, expect = step["request"], step["expect"]
        where = "%s step %d %s %s:" % (case["id"], number, request["method"], request["target"])
        if expect["status"] is None:
            continue
        body = base64.b64decode(request.get("body_b64", "")) or request.get("body", "").encode()
        target = request["target"].encode("utf-8").decode("utf-8")
        response = gateway.request(request["method"], target, body, request.get("headers", ()))
        check_answer(checks, where, response, expect)
        after = step.get("scrape_after")
        if after and after["status"] == 200:
            # A step that is a scrape itself was recorded with what it asked for.
            own = request["target"] == "/metrics" and (response.header("Content-Type") or "").startswith("text/plain")
            readable = own and response.status == 200 and not response.header("Content-Encoding")
            check_scrape(checks, where, after["lines"], response.text if readable else gateway.scrape().text)


def value_of(flags, name, default):
    return next((flag.split("=", 1)[1] for flag in flags if flag.startswith(name + "=")), default)


def escaped(name):
    """A label name as a path of a gateway with UTF-8 names spells it."""
    return "U__" + "".join(c if c.isalnum() and c.isascii() else "__" if c == "_" else "_%x_" % ord(c) for c in name)


def delete_groups(gateway, prefix, scrape_path):
    """Deletes every group that a scrape shows, so that the next case starts empty."""
    accept = [("Accept", "text/plain;version=0.0.4;escaping=allow-utf-8")]
    for line in gateway.request("GET", scrape_path, headers=accept).text.split("\n"):
        found = re.match(r'push_time_seconds\{(.*)\} ', line)
        if not found:
            continue
        pairs = re.findall(r'([^=,]+)="((?:[^"\\]|\\.)*)"', found.group(1))
        unescape = {"\\\\": "\\", "\\n": "\n", '\\"': '"'}
        labels = {name.strip('"'): re.sub(r"\\.", lambda m: unescape[m.group()], value) for name, value in pairs}
        path = prefix + "/metrics/job@base64/" + base64.urlsafe_b64encode(labels.pop("job").encode()).decode()
        spellings = [path, path]
        for name, value in labels.items():
            if value or name != "instance":
                value = base64.urlsafe_b64encode(value.encode()).decode() or "="
                spellings = [spellings[0] + "/%s@base64/%s" % (name, value),
                             spellings[1] + "/%s@base64/%s" % (escaped(name), value)]
        for spelling in spellings:
            if spelling.isascii():
                gateway.request("DELETE", spelling)


def main():
    options = arguments()
    checks = Checks("http_cases")
    by_flags = {}
    for case, why in load():
        if why:
            print("not compared: %s: %s" % (case["id"], why))
            continue
        by_flags.setdefault(tuple(case["flags"]), []).append(case)
    for flags, cases in by_flags.items():
        prefix = value_of(flags, "--web.route-prefix", "") or urlsplit(value_of(flags, "--web.external-url", "")).path.rstrip("/")
        scrape_path = prefix + value_of(flags, "--web.telemetry-path", "/metrics")
        with Gateway(options.binary, flags, options.backend) as gateway:
            for case in cases:
                run_case(checks, gateway, case)
                if "--web.enable-lifecycle" in flags:  # it has ended itself
                    checks.equal(gateway.process.wait(60), 0, case["id"], "exit code")
                    break
                delete_groups(gateway, prefix, scrape_path)
                left = pushed_lines(gateway.request("GET", scrape_path).text)
                if not checks.that(not [line for line in left if not line.startswith("#")], case["id"], "left behind", left):
                    break
    checks.finish()


main()
