"""The recorded collections, run against both servers side by side, with the same list of reasons as the random requests.

The committed recordings of tests/e2e/data always run; the outside collection where it lies beside the repository: request
sequences, every text input of the parsers' tests, protobuf streams, families with their expected text, and Accept headers.
"""

import argparse
import base64
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

# pylint: disable=wrong-import-position
import curl  # noqa: E402
import generate  # noqa: E402
import servers  # noqa: E402
from gateway import SOURCE, shared_cases  # noqa: E402
from protobuf_bodies import CONTENT_TYPE, varint  # noqa: E402
from reasons import Reasons  # noqa: E402
from referee import Referee  # noqa: E402
from request import Request  # noqa: E402
from sides import Side  # noqa: E402

TEXT_FILES = (
    "expfmt_text_parse",
    "expfmt_edge_oracle",
    "expfmt_fuzz_corpus",
    "openmetrics_testdata",
    "prom_textparse",
    "client_python_parsers",
)
PROTO_FILES = ("proto_decode", "prom_textparse_protobuf_inputs")
DELIMITED = (("Accept", CONTENT_TYPE),)
UTF8_TEXT = (("Accept", "text/plain;version=1.0.0;escaping=allow-utf-8"),)
# Cases that are not comparable by an answer: the reference does not survive them, or the page is HTML of our own.
LEFT_OUT = {
    "reference dies": (
        "announced lengths that it believes",
        lambda request: request.plain.startswith(b"\x80\x80\x80\x80\x80"),
    ),
    "the page": (
        "HTML of our own",
        lambda request: request.method == "GET"
        and request.target.split("?")[0].rstrip("/") in ("", "/status", "/pg", "/pg/status", "/prefix", "/prefix/status")
        or "/static/" in request.target
        and request.method == "GET",
    ),
}


def load(folder, name):
    with open(pathlib.Path(folder) / (name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def looked_at(push):
    """A push, and every way to see what it left."""
    return [
        push,
        Request("GET", "/metrics"),
        Request("GET", "/metrics", UTF8_TEXT),
        Request("GET", "/metrics", DELIMITED),
        Request("GET", "/api/v1/metrics"),
        Request("DELETE", push.target),
    ]


def text_sequences(folder):
    """Every text input, as PUT body."""
    inputs = [(case_id, data) for case_id, data in load(SOURCE + "/tests/e2e/data", "push_results")["inputs"].items()]
    for name in TEXT_FILES if folder else ():
        inputs += [(case["id"], case["input_b64"]) for case in load(folder, name)["cases"]]
    for case_id, data in inputs:
        body = base64.b64decode(data)
        yield case_id, looked_at(Request("PUT", "/metrics/job/t", parts=tuple(body.splitlines(keepends=True))))


def protobuf_sequences(folder):
    """Protobuf streams as they are, and families of the text writer's tests behind their length."""
    headers = (("Content-Type", CONTENT_TYPE),)
    for name in PROTO_FILES if folder else ():
        for case in load(folder, name)["cases"]:
            yield case["id"], looked_at(Request("PUT", "/metrics/job/t", headers, (base64.b64decode(case["input_b64"]),)))
    for case in load(folder, "text_create")["cases"] if folder else ():
        message = base64.b64decode(case["metricfamily_pb_b64"])
        yield case["id"], looked_at(Request("PUT", "/metrics/job/t", headers, (varint(len(message)) + message,)))


def accept_sequences(folder):
    """Each Accept header of the negotiation's tests, over something to show."""
    for case in load(folder, "negotiate")["cases"] if folder else ():
        yield case["id"], [
            Request("PUT", "/metrics/job/t", parts=(b"# TYPE m gauge\n", b"m 1\n")),
            Request("GET", "/metrics", (("Accept", case["accept"]),)),
        ]


def value_of(flags, name):
    return next((flag.split("=", 1)[1] for flag in flags if flag.startswith(name + "=")), "")


def as_request(request):
    body = base64.b64decode(request.get("body_b64", "")) or request.get("body", "").encode()
    return Request(
        request["method"], request["target"], tuple(map(tuple, request.get("headers", ()))), (body,) if body else ()
    )


def http_sequences(folder):
    """(flags, id, requests) of the recorded request sequences, a scrape after each step."""
    cases = load(SOURCE + "/tests/e2e/data", "http_cases")["cases"] + (
        load(folder, "pushgateway_http")["cases"] if folder else []
    )
    for case in cases:
        requests = []
        for step in case["steps"]:
            requests += [as_request(step["request"]), Request("GET", "/metrics")]
        yield tuple(case["flags"]), case["id"], requests


def profile_for(flags):
    """With the admin API, which is how both are emptied between two cases."""
    prefix = value_of(flags, "--web.route-prefix").rstrip("/")
    external = value_of(flags, "--web.external-url")
    if not prefix and external.count("/") > 2:
        prefix = "/" + external.split("/", 3)[3].rstrip("/")
    all_flags = tuple(dict.fromkeys(flags + ("--web.enable-admin-api",)))
    return generate.Profile(
        "cases",
        all_flags,
        utf8="--push.enable-utf8-names" in flags,
        unchecked="--push.disable-consistency-check" in flags,
        prefix=prefix.rstrip("/"),
    )


class Runner:
    def __init__(self, options, binary):
        self.options = options
        self.binary = binary
        self.reasons = Reasons()
        self.ran = 0
        self.left_out = {}
        self.findings = []

    def comparable(self, case_id, requests):
        for why, (_, applies) in LEFT_OUT.items():
            if any(applies(request) for request in requests):
                self.left_out.setdefault(why, []).append(case_id)
                return False
        return True

    def run(self, flags, sequences):
        """Sequences of (id, requests) under one set of flags."""
        both = servers.processes(self.options, self.binary, profile_for(flags).flags)
        try:
            sides = [Side(process.name, process.start) for process in both]
            referee = Referee(*sides, profile_for(flags), self.reasons)
            for case_id, requests in sequences:
                if not self.comparable(case_id, requests):
                    continue
                self.ran += 1
                finding = referee.run(requests)
                if finding is not None:
                    self.findings.append(case_id)
                    print("\nDIFFERENCE in %s:\n%s\n" % (case_id, curl.script(finding, flags)), flush=True)
                if "--web.enable-lifecycle" in flags:  # both may have ended themselves
                    sides = [Side(process.name, process.start) for process in both]
                    referee = Referee(*sides, profile_for(flags), self.reasons)
        finally:
            for process in both:
                process.stop()


def main():
    parser = argparse.ArgumentParser()
    servers.add_arguments(parser)
    options = parser.parse_args()
    binary, code = servers.not_run(options)
    if binary is None:
        return code
    folder = shared_cases()
    if folder is None:
        print("NOT RUN: parity cases: the outside collection is not beside the repository; the committed recordings run")
    runner = Runner(options, binary)
    for profile in generate.PROFILES:
        runner.run(profile.flags, [*text_sequences(folder), *protobuf_sequences(folder), *accept_sequences(folder)])
    by_flags = {}
    for flags, case_id, requests in http_sequences(folder):
        by_flags.setdefault(flags, []).append((case_id, requests))
    for flags, sequences in by_flags.items():
        runner.run(flags, sequences)
    for why, ids in runner.left_out.items():
        print("not compared, %s (%s): %s" % (why, LEFT_OUT[why][0], " ".join(ids)))
    print("\n".join(["Known reasons and how often each applied:"] + runner.reasons.lines()))
    print(
        "parity cases: %d sequences, %d differ without a reason %s"
        % (runner.ran, len(runner.findings), " ".join(runner.findings))
    )
    return 1 if runner.findings or runner.ran == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
