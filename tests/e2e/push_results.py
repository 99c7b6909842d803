"""Every text input of the outside collections, pushed to the real server: status, body and scrape as the reference's.

Without the outside collections the committed sample of them runs (tests/e2e/data/push_results.json).
"""

import base64
import json
import os

from compare import pushed_lines, same_text, sort_groups
from gateway import SOURCE, Checks, Gateway, Reader, arguments, make_request, read_response, shared_cases

INPUT_FILES = ("expfmt_text_parse", "expfmt_edge_oracle", "expfmt_fuzz_corpus", "openmetrics_testdata",
               "prom_textparse", "client_python_parsers")

# Ids whose outcome here differs on purpose, with the reason.
DIFFERENT = {}


def load():
    folder = shared_cases()
    if not folder:
        with open(os.path.join(SOURCE, "tests", "e2e", "data", "push_results.json"), encoding="utf-8") as file:
            data = json.load(file)
        return data["inputs"], data["results"]
    inputs = {}
    for name in INPUT_FILES:
        with open(os.path.join(folder, name + ".json"), encoding="utf-8") as file:
            for case in json.load(file)["cases"]:
                inputs[case["id"]] = case["input_b64"]
    with open(os.path.join(folder, "pushgateway_push_results.json"), encoding="utf-8") as file:
        return inputs, json.load(file)["results"]


class Connection:
    """Keep-alive requests on one connection, opened again when the server closed it."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.reader = None

    def request(self, method, target, body=b""):
        if self.reader is None:
            self.reader = Reader(self.gateway.connect())
        self.reader.sock.sendall(make_request(method, target, body))
        response = read_response(self.reader, method)
        if (response.header("Connection") or "").lower() == "close":
            self.close()
        return response

    def close(self):
        if self.reader is not None:
            self.reader.sock.close()
        self.reader = None


def check_one(checks, connection, name, body, expect):
    response = connection.request("PUT", "/metrics/job/t", body)
    if not checks.equal(response.status, expect["status"], name, "status", response.text[:300]):
        connection.request("DELETE", "/metrics/job/t")
        return
    wanted = expect.get("body", expect.get("body_ws_normalized"))
    if wanted is not None and expect["status"] != 200:
        checks.that(same_text(response.text, wanted), name, "\n   got:   ", repr(response.text), "\n   wanted:",
                    repr(wanted))
    lines = expect.get("scrape", expect.get("scrape_after_failure"))
    if lines is not None:
        scrape = connection.request("GET", "/metrics")
        checks.equal(sort_groups(pushed_lines(scrape.text)), sort_groups(pushed_lines("\n".join(lines))), name, "scrape")
    connection.request("DELETE", "/metrics/job/t")


def main():
    options = arguments()
    checks = Checks("push_results")
    inputs, results = load()
    for variant, flags in (("legacy", ()), ("utf8", ("--push.enable-utf8-names",))):
        with Gateway(options.binary, flags, options.backend) as gateway:
            connection = Connection(gateway)
            for case_id, outcomes in results.items():
                if case_id in DIFFERENT or variant not in outcomes or case_id not in inputs:
                    continue
                check_one(checks, connection, case_id + " " + variant, base64.b64decode(inputs[case_id]),
                          outcomes[variant])
            connection.close()
    checks.finish()


main()
