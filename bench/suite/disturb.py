#!/usr/bin/env python3
"""A client that is in the way of others; one process, ended by SIGTERM.

    disturb.py PORT scrape | scrape-gzip | big MEGABYTES | pipeline DEPTH | slow CONNECTIONS | wipe | harmless RATE | an attack

Prints "ready" when it is prepared and begins when a line comes on its standard input; at the end it prints how many
things it has done (of slow: pieces it has read). It runs under the policy "idle" (chrt), so that on the load's core it never delays the client whose
latencies are measured.
"""

import os
import signal
import socket
import sys
import time

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from suite.attackers import ATTACKERS, harmless  # noqa: E402  (the path is set just above)
from suite.bodies import gauges_body, group_target, large_body, request  # noqa: E402  (the path is set just above)

PIECE = 1 << 16
# What is sent by one call: the kernel works on a call for as long as the server takes what it sends, and on many kernels
# nothing else has the core meanwhile.
SENT_AT_ONCE = 1 << 15
SLOW_BYTES_PER_SECOND = 200_000


class Ended(Exception):
    pass


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=600)


def read_to_end(sock):
    """Everything until the server closes; returns the first bytes."""
    memory = bytearray(PIECE)
    first = b""
    while True:
        got = sock.recv_into(memory)
        if got == 0:
            return first
        first = first or bytes(memory[:64])


def require(answer):
    if b" 200 " not in answer and b" 202 " not in answer:
        sys.exit("disturb.py: answered %r" % answer[:200])


def scrapes(port, gzip):
    """One whole scrape after the other."""
    head = b"GET /metrics HTTP/1.1\r\nHost: b\r\nConnection: close\r\n%s\r\n" % (
        b"Accept-Encoding: gzip\r\n" if gzip else b"Accept-Encoding: identity\r\n")
    yield
    while True:
        with connect(port) as sock:
            sock.sendall(head)
            require(read_to_end(sock))
        yield


def big(port, megabytes):
    """PUTs of one group, each of so many megabytes."""
    data = request("PUT", "/metrics/job/big/instance/big-1", large_body(megabytes * 1_000_000))
    sock = connect(port)
    yield
    pieces = memoryview(data)
    while True:
        for begin in range(0, len(pieces), SENT_AT_ONCE):
            sock.sendall(pieces[begin:begin + SENT_AT_ONCE])
        require(sock.recv(PIECE))
        yield


def pipeline(port, depth):
    """Pushes of S, always `depth` of them on their way on one connection."""
    data = b"".join(request("POST", group_target(group, "pipelined"), gauges_body(group)) for group in range(1, depth + 1))
    sock = connect(port)
    yield
    sock.sendall(data)
    while True:
        sock.sendall(data)
        got = 0
        while got < depth:
            answers = sock.recv(PIECE)
            if not answers or b"HTTP/1.1 4" in answers or b"HTTP/1.1 5" in answers:
                sys.exit("disturb.py: a pipelined push was answered %r" % answers[:200])
            got += answers.count(b"HTTP/1.1 ")  # one that is cut in two is counted with the next round
        yield


def slow(port, connections):
    """Scrapes that take a few KB at a time."""
    def begin():
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        sock.connect(("127.0.0.1", port))
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n")
        return sock

    yield
    readers = [begin() for _ in range(connections)]
    while True:
        for index, sock in enumerate(readers):
            if not sock.recv(SLOW_BYTES_PER_SECOND // 50):
                sock.close()
                readers[index] = begin()
        time.sleep(0.02)
        yield  # once for each piece: a whole scrape takes minutes


def wipe(port):
    """One wipe, then nothing."""
    sock = connect(port)
    yield
    sock.sendall(request("PUT", "/api/v1/admin/wipe"))
    require(sock.recv(PIECE))
    yield
    while True:
        time.sleep(1)


KINDS = {"scrape": lambda port: scrapes(port, False), "scrape-gzip": lambda port: scrapes(port, True),
         "big": lambda port, size: big(port, int(size)), "pipeline": lambda port, depth: pipeline(port, int(depth)),
         "slow": lambda port, count: slow(port, int(count)), "wipe": wipe,
         "harmless": harmless, **ATTACKERS}


def main():
    port, kind, *arguments = sys.argv[1:]
    work = KINDS[kind](int(port), *arguments)

    def end(*_):
        raise Ended

    signal.signal(signal.SIGTERM, end)
    done = 0
    try:
        next(work)
        print("ready", flush=True)
        sys.stdin.readline()
        while True:
            next(work)
            done += 1
    except Ended:
        print(done, flush=True)


if __name__ == "__main__":
    main()
