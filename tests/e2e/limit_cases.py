"""For each limit how to be at it, and how to go one past it."""

import dataclasses
import gzip
import socket
import struct
import time
import zlib
from typing import Callable, Optional

from early_heads import delete_is_free
from gateway import Reader, make_request, read_response

CLOSED = "closed"


@dataclasses.dataclass
class Case:
    """`flags` without `--limits.`; `at` and `past` take the gateway and return a status, or "closed", or "waits"."""
    flags: dict
    at: Callable
    past: Callable
    accepted: object = 200
    scrape: Callable = lambda gateway: gateway.scrape().text
    searches: bool = False  # the limit is found by trying: refusals before it are counted too
    then: Optional[Callable] = None  # what still has to be possible


def push(gateway, body, key="job/j", method="PUT", headers=()):
    return gateway.request(method, "/metrics/" + key, body.encode() if isinstance(body, str) else body, headers).status


def lines(count, first=0):
    return "".join('m{n="%d"} 1\n' % n for n in range(first, first + count))


def pusher(make_body, **how):
    return lambda gateway: push(gateway, make_body(), **how)


# ---- Heads ----------------------------------------------------------------------------------------------------------

def head_of(count):
    def run(gateway):
        plain = len(make_request("GET", "/-/ready", headers=[("X", "")]))
        return gateway.request("GET", "/-/ready", headers=[("X", "y" * (count - plain))]).status
    return run


def url_of(count):
    return lambda gateway: push(gateway, "a 1\n", "job/" + "j" * (count - len("/metrics/job/")))


def ready(gateway):
    return gateway.request("GET", "/-/ready").status


def left_unfinished(data):
    """What comes back when nothing follows."""
    def run(gateway):
        with gateway.connect() as sock:
            sock.sendall(data)
            return read_response(Reader(sock)).status
    return run


def two_on_one_connection(gateway):
    with gateway.connect() as sock:
        reader = Reader(sock)
        for _ in range(2):
            sock.sendall(make_request("GET", "/-/ready"))
            status = read_response(reader).status
        return status


def idle(gateway):
    with gateway.connect() as sock:
        reader = Reader(sock)
        sock.sendall(make_request("GET", "/-/ready"))
        read_response(reader)
        return CLOSED if reader.rest() == b"" else "bytes"


HALF_A_BODY = make_request("PUT", "/metrics/job/j", b"a 1\n" * 100)[:-200]
NO_BODY = make_request("PUT", "/metrics/job/j", b"a 1\n" * 100)[:-400]

# ---- Connections ----------------------------------------------------------------------------------------------------


def from_address(gateway, address):
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=60, source_address=(address, 0))


ADDRESSES = iter(range(10, 250))


def next_address():
    """One that has asked for nothing yet."""
    return "127.0.0.%d" % next(ADDRESSES)


def ask(sock, target="/-/ready"):
    """A status, or "closed"."""
    try:
        sock.sendall(make_request("GET", target))
        return read_response(Reader(sock)).status
    except (EOFError, ConnectionError):
        return CLOSED


def scrape_and_wait(gateway, address="127.0.0.1"):
    """Its connection is gone when it returns."""
    with from_address(gateway, address) as sock:
        sock.sendall(make_request("GET", "/metrics", headers=[("Connection", "close")]))
        return Reader(sock).rest().decode()


def with_open(count, probe):
    """With so many idle connections that have been served, what `probe(gateway, sockets)` says."""
    def run(gateway):
        sockets = []
        try:
            for _ in range(count):
                sockets.append(gateway.connect())
                if ask(sockets[-1]) != 200:
                    return CLOSED
            return probe(gateway, sockets)
        finally:
            for sock in sockets:
                leave(sock)
            wait_for_closing(gateway)
    return run


def leave(sock):
    """Ends a connection, and waits until the gateway has ended it too."""
    with sock:
        try:
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass
        except OSError:
            pass


def wait_for_closing(gateway):
    """Only the connection that asks is left."""
    while True:
        found = [line for line in scrape_and_wait(gateway, "127.0.0.9").split("\n") if line.startswith("sluice_connections ")]
        if found == ["sluice_connections 1"]:
            return
        time.sleep(0.01)


def oldest(gateway, sockets):
    with gateway.connect() as sock:
        status = ask(sock)
        if status != 200:
            return status
        sockets[0].settimeout(60)
        return CLOSED if sockets[0].recv(1) == b"" else "bytes"


# ---- Readers --------------------------------------------------------------------------------------------------------

def store_much(gateway, count=5_000):
    body = b"".join(b'much{n="%06d",pad="%s"} 1\n' % (n, b"p" * 1000) for n in range(count))
    return push(gateway, body, "job/much")


def narrow(gateway, room=4096):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    sock.settimeout(60)
    sock.connect(("127.0.0.1", gateway.port))
    return sock


def read_at_once(count=5_000):
    def run(gateway):
        store_much(gateway, count)
        return gateway.scrape().status
    return run


def until_cut(gateway, pause, piece):
    """Reads a scrape, slowly or not at all, until it breaks."""
    with narrow(gateway, 65536 if piece else 4096) as sock:
        sock.sendall(make_request("GET", "/metrics"))
        if piece == 0:
            while 'limit="reader-stall"} 0\n' in gateway.scrape().text:
                time.sleep(0.05)
        try:
            data = b""
            while True:
                got = sock.recv(piece or 1 << 20)
                if not got:
                    return "end"
                data = data[-4:] + got
                if data.endswith(b"\r\n0\r\n\r\n"):
                    return 200
                time.sleep(pause)
        except ConnectionError:
            return CLOSED


def while_all_is_held(gateway):
    """Readers that take nothing hold every state that is kept; a scrape of one more succeeds, since one of them is cut."""
    store_much(gateway, 20_000)  # far more than the kernel takes for a reader that takes nothing
    held = []
    for number in range(4):
        push(gateway, "x %d\n" % number)
        held += slow_scrapes(gateway, 1)
    push(gateway, "x 4\n")
    answer = gateway.scrape()
    if answer.status != 200 or "\nx{instance=\"\",job=\"j\"} 4\n" not in answer.text:
        return answer.status
    ends = []
    for sock in held:
        with sock:
            try:
                last = b""
                while last != b"0\r\n\r\n" and (data := sock.recv(1 << 20)):
                    last = (last + data)[-5:]
                ends.append(200 if last == b"0\r\n\r\n" else CLOSED)
            except ConnectionError:
                ends.append(CLOSED)
    return CLOSED if sorted(map(str, ends)) == ["200", "200", "200", CLOSED] else ends


def slow_scrapes(gateway, count):
    sockets = [narrow(gateway) for _ in range(count)]
    for sock in sockets:
        sock.sendall(make_request("GET", "/metrics"))
        # The head may be out before there is a state; with the first of the body it is held.
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += sock.recv(1)
        sock.recv(1)
    return sockets


def scrape_beside(count):
    def run(gateway):
        if count == 1:
            store_much(gateway)
        sockets = slow_scrapes(gateway, count)
        status = gateway.scrape().status
        for sock in sockets:
            reader = Reader(sock)
            reader.until(b"\r\n0\r\n\r\n")  # over when its last byte is here
            sock.close()
        return status
    return run


def pipeline(count):
    def run(gateway):
        """Many requests and no look at their answers: `waits` when the gateway stops taking them."""
        request = make_request("GET", "/api/v1/status")
        with narrow(gateway) as sock:
            if count:
                sock.sendall(request * count)
                reader = Reader(sock)
                return {read_response(reader).status for _ in range(count)}.pop()
            sock.setblocking(False)
            while 'limit="pipelined-bytes"} 0\n' in gateway.scrape().text:
                try:
                    sock.send(request * 100)
                except BlockingIOError:
                    time.sleep(0.01)
            return "waits"
    return run


# ---- Bodies ---------------------------------------------------------------------------------------------------------

def comment(count):
    return lambda: b"#" * (count - 1) + b"\n"


def zipped(count):
    return {"make_body": lambda: gzip.compress(comment(count)()), "headers": [("Content-Encoding", "gzip")]}


def member(data, extra):
    """A gzip member with `extra` bytes in its header that say nothing."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + struct.pack("<H", extra) + b"\0" * extra
    return head + packer.compress(data) + packer.flush() + struct.pack("<II", zlib.crc32(data), len(data) & 0xffffffff)


def ratio(missing):
    """5,000,000 bytes in 250,000, or less."""
    def make():
        data = (b"#" * 99 + b"\n") * 50_000
        rest = 250_000 - len(member(data, 0)) - missing
        parts = []
        empty = len(member(b"", 0))
        while rest > 0:
            extra = min(rest - empty, 60_000)
            if 0 < rest - empty - extra < empty:
                extra -= empty
            parts.append(member(b"", extra))
            rest -= empty + extra
        body = b"".join(parts) + member(data, 0)  # the last part is the one that grows
        assert len(body) == 250_000 - missing, len(body)
        return body
    return {"make_body": make, "headers": [("Content-Encoding", "gzip")]}


def expanded(gateway, past):
    """The most lines that are accepted under a long job, or one more."""
    key = "job/" + "j" * 500
    least, most = 1, 1000
    while least < most:
        middle = (least + most + 1) // 2
        if push(gateway, lines(middle), key) == 200:
            least = middle
        else:
            most = middle - 1
    return least + (1 if past else 0)


def at_expanded(gateway):
    gateway.most_lines = expanded(gateway, False)
    return push(gateway, lines(gateway.most_lines), "job/" + "j" * 500)


def past_expanded(gateway):
    return push(gateway, lines(gateway.most_lines + 1), "job/" + "j" * 500)


def labels(count):
    return "m{%s} 1\n" % ",".join('l%d="v"' % n for n in range(count))


def families(count, first=0):
    return "".join("f%d 1\n" % n for n in range(first, first + count))


def key_labels(count):
    return "job/j" + "".join("/l%d/v" % n for n in range(count - 1))


# ---- What is stored -------------------------------------------------------------------------------------------------

def all_of(*steps):
    """The worst status of several."""
    return lambda gateway: max(step(gateway) for step in steps)


def put(body, key="job/j", method="PUT"):
    return lambda gateway: push(gateway, body, key, method)


def shrink_and_delete(key="job/j", body="f0 2\n"):
    def then(checks, gateway):
        checks.equal(push(gateway, body, key), 200, "a PUT that shrinks, at the limit")
        checks.equal(gateway.request("DELETE", "/metrics/" + key).status, 202, "DELETE at the limit")
    return then


def new_names(gateway):
    """Pushes new family names until one is refused; leaves one free."""
    for number in range(1000):
        if push(gateway, "name%d 1\n" % number, "job/j/n/%d" % number) != 200:
            gateway.request("DELETE", "/metrics/job/j/n/%d" % (number - 1))
            return push(gateway, "other 1\n", "job/j/n/other")
    return "never"


def clash(number):
    """A push that contradicts the type of a family, for a group that was never there: 200 if its failure shows."""
    def run(gateway):
        if number == 0:
            push(gateway, "# TYPE f0 gauge\nf0 1\n", "job/good")
        status = push(gateway, "# TYPE f0 counter\nf0 1\n", "job/bad%d" % number)
        shown = 'push_failure_time_seconds{instance="",job="bad%d"}' % number in gateway.scrape().text
        return 200 if shown and status == 400 else status
    return run


def clash_then_good(checks, gateway):
    checks.equal(push(gateway, "# TYPE f0 gauge\nf0 1\n", "job/bad0"), 200, "a group that had failed")
    checks.equal(clash(3)(gateway), 200, "and makes room for another one")


def text_bytes(gateway):
    for line in gateway.scrape().text.split("\n"):
        if line.startswith("sluice_text_bytes "):
            return int(float(line.split(" ")[1]))
    return None


# What three lines of 31 bytes take: beside them 8 bytes each and a header of 24, in steps of 8.
BYTES_OF_THREE = 144
LONGER = lines(3)[:-2] + "100000000\n"


def longer(checks, gateway):
    """Beside what `shrink_and_delete` looks at: what the scrape says is what was limited."""
    checks.equal(text_bytes(gateway), BYTES_OF_THREE, "sluice_text_bytes")
    shrink_and_delete()(checks, gateway)


def two_at_once(target, method="GET", body=b""):
    """Two requests in one segment, from an address that is new: the status of the second."""
    def run(gateway):
        with from_address(gateway, next_address()) as sock:
            sock.sendall(make_request(method, target, body) * 2)
            reader = Reader(sock)
            read_response(reader)
            return read_response(reader).status
    return run


def fill(gateway):
    """Pushes of a megabyte until one is refused."""
    value = "v" * 60_000
    for number in range(10_000):
        body = "".join('m{n="%d",v="%s"} 1\n' % (n, value) for n in range(17))
        status = push(gateway, body, "job/j/g/%d" % number)
        if status != 200:
            return status
    return "never"


def one(method, target, body=b""):
    return lambda gateway: gateway.request(method, target, body).status


CASES = {
    "connections": Case({"connections": 4}, with_open(3, lambda gateway, _: ready(gateway)), with_open(4, oldest),
                        scrape=scrape_and_wait),
    "connections-per-address": Case({"connections-per-address": 2}, with_open(1, lambda gateway, _: ready(gateway)),
                                    with_open(2, lambda gateway, _: ask(gateway.connect())),
                                    scrape=lambda gateway: scrape_and_wait(gateway, "127.0.0.2")),
    # One second's share at once, then nothing for that second.
    "requests-per-second-per-address": Case({"requests-per-second-per-address": 1}, one("GET", "/-/ready"),
                                            two_at_once("/-/ready"),
                                            scrape=lambda gateway: scrape_and_wait(gateway, next_address())),
    "pushes-per-second-per-job": Case({"pushes-per-second-per-job": 1}, one("PUT", "/metrics/job/j", b"a 1\n"),
                                      two_at_once("/metrics/job/k", "PUT", b"a 1\n"),
                                      then=delete_is_free),
    "pipelined-bytes": Case({"pipelined-bytes": "64KiB"}, pipeline(3), pipeline(0)),
    "header-bytes": Case({"header-bytes": 2048}, head_of(2048), head_of(2049)),
    "url-bytes": Case({"url-bytes": 100}, url_of(100), url_of(101)),
    "header-time": Case({"header-time": "2s"}, ready, left_unfinished(b"GET /")),
    "idle-time": Case({"idle-time": "2s"}, two_on_one_connection, idle),
    "request-time": Case({"request-time": "2s"}, put("a 1\n"), left_unfinished(HALF_A_BODY)),
    "writer-grace": Case({"writer-grace": "2s"}, put("a 1\n"), left_unfinished(NO_BODY)),
    "writer-bytes-per-second": Case({"writer-bytes-per-second": "1GiB", "writer-grace": "2s"}, put("a 1\n"),
                                    left_unfinished(HALF_A_BODY)),
    "reader-stall": Case({"reader-stall": "2s"}, read_at_once(), lambda gateway: until_cut(gateway, 0, 0)),
    # A kernel tells a sender of room when a third of its buffer is free: that has to come within the stall.
    "reader-bytes-per-second": Case({"reader-bytes-per-second": "1GiB", "reader-stall": "4s"}, read_at_once(12_000),
                                    lambda gateway: until_cut(gateway, 0.01, 16384)),
    "contended-reader-stall": Case({"contended-reader-stall": "2s"}, read_at_once(), while_all_is_held),
    "contended-reader-time": Case({"contended-reader-time": "2s"}, read_at_once(), while_all_is_held),
    "scrapes": Case({"scrapes": 2}, scrape_beside(1), scrape_beside(2)),
    "body-bytes": Case({"body-bytes": 10_000}, pusher(comment(10_000)), pusher(comment(10_001))),
    "body-memory": Case({"body-memory": "1MiB"}, pusher(comment(1 << 20)), pusher(comment((1 << 20) + 1))),
    "decompressed-bytes": Case({"decompressed-bytes": 100_000}, pusher(**zipped(100_000)), pusher(**zipped(100_001))),
    "decompressed-ratio": Case({"decompressed-ratio": 20}, pusher(**ratio(0)), pusher(**ratio(1))),
    "expanded-bytes": Case({"expanded-bytes": "128KiB"}, at_expanded, past_expanded, searches=True),
    "labels-per-key": Case({"labels-per-key": 3}, put("a 1\n", key_labels(3)), put("a 1\n", key_labels(4))),
    "labels-per-series": Case({"labels-per-series": 3}, put(labels(3)), put(labels(4))),
    "name-bytes": Case({"name-bytes": 20}, put("n" * 20 + " 1\n"), put("n" * 21 + " 1\n")),
    "value-bytes": Case({"value-bytes": 30}, put('a{b="%s"} 1\n' % ("v" * 30)), put('a{b="%s"} 1\n' % ("v" * 31))),
    "families-per-push": Case({"families-per-push": 3}, put(families(3)), put(families(4))),
    "series-per-push": Case({"series-per-push": 5}, put(lines(5)), put(lines(6))),
    "families-per-group": Case({"families-per-group": 3},
                               all_of(put(families(2)), put(families(1, 2), method="POST")),
                               put(families(1, 3), method="POST"), then=shrink_and_delete()),
    "bytes-per-group": Case({"bytes-per-group": BYTES_OF_THREE}, all_of(put(lines(3)), put("f0 1\n", "job/k")),
                            put(LONGER), then=shrink_and_delete()),
    "groups": Case({"groups": 2}, all_of(put("f0 1\n"), put("f0 1\n", "job/k")), put("f0 1\n", "job/l"),
                   then=shrink_and_delete()),
    "groups-per-job": Case({"groups-per-job": 2}, all_of(put("f0 1\n"), put("f0 1\n", "job/j/a/1"), put("f0 1\n", "job/k")),
                           put("f0 1\n", "job/j/a/2"), then=shrink_and_delete()),
    "failed-groups": Case({"failed-groups": 2}, all_of(clash(0), clash(1)), clash(2), then=clash_then_good),
    "series": Case({"series": 5}, all_of(put(lines(3)), put(lines(2, 3), "job/k")), put(lines(4)), then=shrink_and_delete()),
    "series-per-job": Case({"series-per-job": 3}, all_of(put(lines(3)), put("f0 1\n", "job/k")),
                           put(lines(4)), then=shrink_and_delete()),
    "bytes": Case({"bytes": BYTES_OF_THREE}, put(lines(3)), put(LONGER), then=longer),
    "bytes-per-job": Case({"bytes-per-job": BYTES_OF_THREE}, all_of(put(lines(3)), put("f0 1\n", "job/k")),
                          put(LONGER), then=shrink_and_delete()),
    "family-names": Case({"family-names": 150}, new_names, put("one_more 1\n", "job/more"), searches=True,
                         then=shrink_and_delete("job/j/n/0", "name0 2\n")),
    "family-lists": Case({"family-lists": 3}, all_of(*(put(families(n + 1), "job/j%d" % n) for n in range(3))),
                         put(families(4), "job/j9"), then=shrink_and_delete("job/j0")),
    "key-kinds-per-job": Case({"key-kinds-per-job": 2}, all_of(put("f0 1\n"), put("f0 1\n", "job/j/a/1")),
                              put("f0 1\n", "job/j/b/1"), then=shrink_and_delete()),
    "memory": Case({"memory": "512MiB"}, put(lines(10), "job/j/g/0"), fill,
                   then=shrink_and_delete("job/j/g/0", 'm{n="0"} 1\n')),
}
