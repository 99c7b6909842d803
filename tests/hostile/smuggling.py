"""Request smuggling: bytes that two servers may read differently, a check for each family.

Each stream carries a second request that only one of the two readings has, a push of job `smuggled`. An ambiguous stream
is refused and the connection closed, so the second request must have had no answer and stored nothing; a stream with one
reading (`ONE`) is served by it.
"""

import socket

from process_figures import GoodClient  # noqa: F401  (makes tests/e2e importable)

from gateway import Checks, Gateway, Reader, arguments, make_request, read_response

NEXT = make_request("PUT", "/metrics/job/smuggled", b"s 1\n")
GET = b"GET /-/ready HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /metrics/job/h HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
EMPTY_CHUNKS = b"\r\n0\r\n\r\n"
HEX = b"%x\r\n" % len(NEXT) + NEXT + b"\r\n0\r\n\r\n"


def length(count):
    return b"Content-Length: %d\r\n" % count


def te(value):
    """An encoding that only some servers take for chunked."""
    return POST + length(len(EMPTY_CHUNKS) + len(NEXT) - 2) + b"Transfer-Encoding:" + value + b"\r\n" + EMPTY_CHUNKS + NEXT


def te_alone(value):
    return POST + b"Transfer-Encoding:" + value + b"\r\n" + EMPTY_CHUNKS + NEXT


def cl(*values):
    """Lengths of which one says that the second request is a body, and another that it is not."""
    return POST + b"".join(b"Content-Length:" + value + b"\r\n" for value in values) + b"\r\n" + NEXT


def chunks(text):
    return POST + CHUNKED + b"\r\n" + text + NEXT


ALL = b"%d" % len(NEXT)

# Family -> streams that must be refused.
REFUSED = {
    "CL.TE": [POST + length(5) + CHUNKED + EMPTY_CHUNKS + NEXT, POST + length(0) + CHUNKED + EMPTY_CHUNKS + NEXT],
    "TE.CL": [POST + CHUNKED + length(4) + b"\r\n" + HEX, POST + CHUNKED + length(0) + EMPTY_CHUNKS + NEXT],
    "TE.TE": [make(value) for make in (te, te_alone) for value in (
        b" chunked, identity", b" identity, chunked", b" identity", b" xchunked", b" chunkedx", b"", b" chunk", b' "chunked"',
        b" chunked,", b" , chunked", b" chunked;q=1", b" chunked\r\nTransfer-Encoding: identity",
        b" identity\r\nTransfer-Encoding: chunked", b" \x0bchunked", b" chunked\x00", b" \xa0chunked", b"\r\n chunked",
        b"\n chunked", b" chunked\r\n\t, identity", b" gzip, chunked", b" chunked\x0c")] +
             [te_alone(b" chunked\r\nTransfer-Encoding: chunked"), te_alone(b" chunked, chunked")],
    "TE of HTTP/1.0": [te_alone(b" chunked").replace(b"1.1", b"1.0", 1)],
    "CL.CL": [cl(b" 0", b" " + ALL), cl(b" " + ALL, b" 0"), cl(b" 0, " + ALL), cl(b" 0,0"), cl(b" " + ALL, b""), cl(b" 0", b" 00")],
    "CL that some read as a number": [cl(value) for value in (
        b" +0", b" -0", b" -1", b" 0x10", b" 1e1", b" 1.0", b" 1 0", b" 0_0", b" \x0b0", b' "0"', b"", b" 0;", b" 18446744073709551616",
        b" 9223372036854775808", b" 4294967296x", b" \xd9\xa0")],
    "blank before the colon": [POST + b"Transfer-Encoding : chunked\r\n" + EMPTY_CHUNKS + NEXT, POST + b"Content-Length : 0\r\n\r\n" + NEXT,
                               POST + b"Transfer-Encoding\t: chunked\r\n" + EMPTY_CHUNKS + NEXT,
                               POST + b"Transfer-Encoding\r\n: chunked\r\n" + EMPTY_CHUNKS + NEXT],
    "folded lines": [POST + b"X: y\r\n " + CHUNKED + EMPTY_CHUNKS + NEXT, POST + b"X:\r\n\t" + CHUNKED + EMPTY_CHUNKS + NEXT,
                     POST + b"Content-Length:\r\n 0\r\n\r\n" + NEXT, b"POST /metrics/job/h HTTP/1.1\r\n " + CHUNKED + b"Host: x\r\n" + EMPTY_CHUNKS + NEXT],
    "CR, NUL and the like inside a field": [POST + b"X: y" + byte + CHUNKED + EMPTY_CHUNKS + NEXT for byte in (b"\r", b"\0", b"\r\r\n", b"\x0b", b"\x1c")] +
                                           [POST + b"X" + byte + b"Y: z\r\n" + CHUNKED + EMPTY_CHUNKS + NEXT for byte in (b"\r", b"\0", b" ", b"\xff")],
    "the end of the head": [POST + length(len(NEXT)) + b"\n" + NEXT, POST + b"\n" + NEXT, POST + CHUNKED + b"\r\r\n" + b"0\r\n\r\n" + NEXT,
                            POST + b"X: y\n\n" + NEXT],
    "sizes of chunks": [chunks(size + b"\r\na 1\n\r\n0\r\n\r\n") for size in (
        b"+4", b"-4", b"0x4", b" 4", b"4 x", b"4g", b"4_", b"", b"\x0b4", b"FFFFFFFFFFFFFFFF", b"10000000000000004", b"\xb4")],
    "ends of chunks": [chunks(text) for text in (
        b"4\na 1\n\r\n0\r\n\r\n", b"4\r\na 1\n\n0\r\n\r\n", b"4\r\na 1\n\r\n0\n\r\n", b"4\r\na 1\n\r\n0\r\n\n", b"4\r\na 1\n0\r\n\r\n",
        b"3\r\na 1\n\r\n0\r\n\r\n", b"5\r\na 1\n\r\n0\r\n\r\n", b"4\r\r\na 1\n\r\n0\r\n\r\n", b"4\r\na 1\n\rx0\r\n\r\n", b"4\r\na 1\nXX0\r\n\r\n")],
    "extensions of chunks": [chunks(b"4;" + extension + b"\r\na 1\n\r\n0\r\n\r\n") for extension in (
        b"a\nb", b"a=\"\n\"", b"a\rb", b"a\0", b"x" * 20_000)],
    "trailers": [chunks(b"4\r\na 1\n\r\n0\r\n" + trailer + b"\r\n\r\n") for trailer in (
        length(len(NEXT))[:-2], CHUNKED[:-2], b": y", b"X : y", b"X: y\r\n z", b"X: y\rZ: z", b"Transfer-Encoding: identity")] +
                [chunks(b"4\r\na 1\n\r\n0\r\nX: y\n\n")],
    "the request line": [b"POST /metrics/job/h HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n" + NEXT, b"POST /metrics/job/h\r\n\r\n" + NEXT,
                         b"POST /metrics/job/h HTTP/1.1\r" + NEXT, b"POST /metrics/job/h\tHTTP/1.1\r\nHost: x\r\n\r\n" + NEXT,
                         b"POST  /metrics/job/h HTTP/1.1\r\nHost: x\r\n\r\n" + NEXT, b"POST /metrics/job/h HTTP/2.0\r\nHost: x\r\n\r\n" + NEXT,
                         b"POST /metrics/job/h HTTP/0.9\r\nHost: x\r\n\r\n" + NEXT, b"POST /metrics/job/h HTTP/1.10\r\nHost: x\r\n\r\n" + NEXT,
                         b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + NEXT],
    "Host": [b"POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + NEXT, b"POST /metrics/job/h HTTP/1.1\r\n\r\n" + NEXT,
             b"POST /metrics/job/h HTTP/1.1\r\nHost: x y\r\n\r\n" + NEXT],
}

# Family -> streams that have one reading, and the statuses that it gives.
ONE = {
    "a body of GET": [(GET + length(len(NEXT)) + b"\r\n" + NEXT, [200]), (GET + CHUNKED + b"\r\n" + HEX, [200])],
    "a body of HEAD, of an unknown method, of a wrong path": [
        (b"FOO / HTTP/1.1\r\nHost: x\r\n" + length(len(NEXT)) + b"\r\n" + NEXT, [405]),
        (b"POST /nowhere HTTP/1.1\r\nHost: x\r\n" + CHUNKED + b"\r\n" + HEX, [404]),
        (b"DELETE /metrics/job/h HTTP/1.1\r\nHost: x\r\n" + length(len(NEXT)) + b"\r\n" + NEXT, [202])],
    "a body that is refused": [(b"POST /metrics/job/%ff HTTP/1.1\r\nHost: x\r\n" + length(len(NEXT)) + b"\r\n" + NEXT, [400]),
                               (POST + length(len(NEXT)) + b"Content-Encoding: gzip\r\n\r\n" + NEXT, [400])],
    "Expect": [(POST + length(len(NEXT)) + b"Expect: 100-continue\r\n\r\n" + NEXT, [400]),
               (GET + length(len(NEXT)) + b"Expect: 100-continue\r\n\r\n" + NEXT, [200])],
    "Upgrade": [(GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n" + length(len(NEXT)) +
                 b"\r\n" + NEXT, [200])],
    "fields that name framing fields": [(GET + b"Connection: Content-Length\r\n" + length(len(NEXT)) + b"\r\n" + NEXT, [200]),
                                        (GET + b"Content_Length: 0\r\n" + length(len(NEXT)) + b"\r\n" + NEXT, [200])],
}


def answers(gateway, stream):
    """Statuses of all answers until the gateway closes; the client has shut its side down."""
    with gateway.connect() as sock:
        sock.sendall(stream)
        sock.shutdown(socket.SHUT_WR)
        reader = Reader(sock)
        statuses = []
        while reader.buffer or reader.more():
            statuses.append(read_response(reader).status)
        return statuses


def check_refused(checks, gateway, family, streams):
    for stream in streams:
        for bytes_each in (len(stream), 7):
            with gateway.connect() as sock:
                try:
                    for start in range(0, len(stream), bytes_each):
                        sock.sendall(stream[start:start + bytes_each])
                except OSError:
                    pass  # it has closed already
                reader = Reader(sock)
                answer = read_response(reader)
                checks.that(answer.status in (400, 501, 505), family, stream[:300], answer.status)
                checks.equal(reader.rest(), b"", family, "closed without another answer", stream[:300])


def check_one(checks, gateway, family, streams):
    for stream, wanted in streams:
        statuses = answers(gateway, stream + GET + b"\r\n")
        # Where the body was not wanted the connection may end; the request behind is the only other one.
        checks.that(statuses in (wanted, [*wanted, 200]), family, stream[:300], statuses)


def main():
    options = arguments()
    checks = Checks("smuggling")
    with Gateway(options.binary, backend=options.backend) as gateway:
        for check, families in ((check_refused, REFUSED), (check_one, ONE)):
            for family, streams in families.items():
                failed = len(checks.failed)
                check(checks, gateway, family, streams)
                text = gateway.scrape().text
                checks.that('job="smuggled"' not in text, family, "a second request was served")
                gateway.request("DELETE", "/metrics/job/smuggled")
                print("%s: %d streams, %s" % (family, len(streams), "ok" if len(checks.failed) == failed else "FAILED"), flush=True)
    checks.finish()


if __name__ == "__main__":
    main()
