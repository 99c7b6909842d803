"""The outside collection of raw HTTP/1 requests against the real binary: each gets a reaction that is allowed.

tests/net/conn runs the same requests over the fake ring and over both backends with a handler of its own; here the router
and the endpoints stand behind them. Without the collection nothing runs here; tests/net/http/http1_own_cases.cc always does.
"""

import base64
import json
import os
import socket
import zlib

from process_figures import GoodClient  # noqa: F401  (makes tests/e2e importable)

from gateway import Checks, Gateway, Reader, arguments, read_response, shared_cases

COMPLAINTS = (400, 501, 505)


def parts_of(case):
    if "parts_b64" in case:
        parts = [base64.b64decode(part) for part in case["parts_b64"]]
    elif "raw_zlib_b64" in case:
        parts = [zlib.decompress(base64.b64decode(case["raw_zlib_b64"]))]
    else:
        parts = [base64.b64decode(case["raw_b64"])]
    if case.get("send") == "one byte at a time":
        parts = [bytes([byte]) for part in parts for byte in part]
    return parts


def react(gateway, case, wanted):
    """The statuses; None when the gateway stays open where it must not, or owes an answer. Nothing depends on time: where it
    may stay open, the client reads what the case demands, then shuts its side and reads to the end."""
    parts = parts_of(case)
    method = "HEAD" if parts[0].startswith(b"HEAD ") else "GET"
    with gateway.connect() as sock:
        statuses = []
        reader = Reader(sock)
        try:
            for part in parts:
                sock.sendall(part)
            if case.get("half_close_after_send"):
                sock.shutdown(socket.SHUT_WR)
            elif wanted["close"] != "must":
                while len(statuses) < max(wanted["responses"][0], 1):
                    statuses.append(read_response(reader, method if not statuses else "GET").status)
                sock.shutdown(socket.SHUT_WR)
            while reader.buffer or reader.more():
                statuses.append(read_response(reader, method if not statuses else "GET").status)
        except TimeoutError:
            return None
        except (OSError, EOFError):
            pass  # closed while we were sending, or in the middle of an answer that nobody waited for
        return statuses


def judge(case, wanted, statuses):
    served = [status for status in statuses if status not in COMPLAINTS]
    recorded = max((len(case[name]["responses"]) for name in case if name.startswith("go1.") and isinstance(case[name], dict)
                    and "responses" in case[name]), default=0)
    if statuses is None:
        return "neither answer nor end"
    most = wanted["responses"][1]
    if len(statuses) > most or ("expect" not in case and recorded and len(served) > recorded):
        return "smuggling"
    if len(statuses) < wanted["responses"][0]:
        return "too few responses"
    if statuses and wanted["status"] and statuses[0] not in wanted["status"]:
        return "status"
    return None


def main():
    options = arguments()
    checks = Checks("http1_cases")
    folder = shared_cases()
    if folder is None:
        checks.skip("outside HTTP/1 requests", "the collection is not beside the repository")
        checks.finish()
    with open(os.path.join(folder, "http1.json"), encoding="utf-8") as file:
        cases = json.load(file)["cases"]
    with Gateway(options.binary, backend=options.backend) as gateway:
        for case in cases:
            wanted = {"close": "may", "responses": [0, 1 << 20], "status": [], **case.get("expect", {})}
            statuses = react(gateway, case, wanted)
            wrong = judge(case, wanted, statuses)
            checks.that(wrong is None, case["id"], case["title"], wrong, statuses, wanted)
        checks.equal(gateway.scrape().status, 200, "the scrape afterwards")
    print("%d requests" % len(cases))
    checks.finish()


if __name__ == "__main__":
    main()
