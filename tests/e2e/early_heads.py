"""What else is true of the limit of pushes for each job: a DELETE is free, and a slow head makes no push early."""

import contextlib
import time

from gateway import Reader, make_request, read_response


def early_heads(checks, gateway):
    """Heads whose first bytes came a second apart, all completed at once: they count when they are complete."""
    request = make_request("PUT", "/metrics/job/early", b"a 1\n")
    with contextlib.ExitStack() as stack:
        socks = []
        for _ in range(4):
            socks.append(stack.enter_context(gateway.connect()))
            socks[-1].sendall(request[:20])
            time.sleep(1.1)
        for sock in socks:
            sock.sendall(request[20:])
        got = [read_response(Reader(sock)).status for sock in socks]
    checks.that(429 in got, "early heads", "counted when they are complete", got)


def delete_is_free(checks, gateway):
    checks.equal(gateway.request("DELETE", "/metrics/job/k").status, 202, "DELETE")
    early_heads(checks, gateway)
