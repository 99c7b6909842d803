"""Request sequences with every answer of the reference: the outside collection when present, our own always.

A fresh gateway for each set of flags; between cases of the same flags the groups are deleted.
"""

import base64
import json
import os
import re

from compare import MARK, pushed_lines, same_text, sort_groups
from gateway import SOURCE, Checks, Gateway, arguments, shared_cases
from known_differences import reason

COMPARED_HEADERS = ("Content-Type", "Allow", "Location", "X-Content-Type-Options", "Content-Encoding", "Content-Length")

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
        if value is None or name == "Content-Length" and MARK in str(expect):
            continue
        checks.equal(response.header(name), value, where, name)
    for key in ("body", "body_normalized", "body_ws_normalized"):
        if expect.get(key) is not None and wanted != 200:
            checks.that(same_text(response.text, expect[key]), where, "body\n  got:   ", response.text, "\n  wanted:",
                        expect[key])
            return
    if expect.get("body") is not None and len(expect["body"]) < 100:
        checks.equal(response.text, expect["body"], where, "body")


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
            check_scrape(checks, where, after["lines"], gateway.scrape().text)


def delete_groups(gateway):
    """Deletes every group that a scrape shows, so that the next case starts empty."""
    for line in gateway.scrape().text.split("\n"):
        found = re.match(r'push_time_seconds\{(.*)\} ', line)
        if not found:
            continue
        pairs = re.findall(r'([^=,]+)="((?:[^"\\]|\\.)*)"', found.group(1))
        labels = {name.strip('"'): value.encode().decode("unicode_escape").encode("latin-1") for name, value in pairs}
        path = "/metrics/job@base64/" + base64.urlsafe_b64encode(labels.pop("job")).decode()
        for name, value in labels.items():
            if value or name != "instance":
                escaped = name if re.fullmatch(r"[a-zA-Z_]\w*", name, re.ASCII) and not name.startswith("U__") else (
                    "U__" + "".join(c if c.isalnum() and c.isascii() else "__" if c == "_" else "_%x_" % ord(c)
                                    for c in name.encode("latin-1").decode("utf-8")))
                path += "/%s@base64/%s" % (escaped, base64.urlsafe_b64encode(value).decode() or "=")
        gateway.request("DELETE", path)


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
        with Gateway(options.binary, flags, options.backend) as gateway:
            for case in cases:
                run_case(checks, gateway, case)
                delete_groups(gateway)
                left = pushed_lines(gateway.scrape().text)
                if not checks.that(not [line for line in left if not line.startswith("#")], case["id"], "left behind", left):
                    break
    checks.finish()


main()
