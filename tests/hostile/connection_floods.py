"""Many connections, many requests in one, and connections that are reset in the middle of everything."""

import contextlib
import os
import random
import select
import socket
import struct
import time

from attack import run
from process_figures import MIB, GoodClient, Memory, confined, descriptors, is_sanitized, resident, wait_until

from gateway import Reader, make_request, read_response


def conn_flood(attack):
    """400 idle connections to a gateway with 256 descriptors."""
    with attack.gateway(wrapper=confined("--nofile", "256")) as gateway:
        idle = [gateway.connect() for _ in range(400)]
        began = time.monotonic()
        statuses = [gateway.request("GET", "/-/ready").status, gateway.request("PUT", "/metrics/job/t", b"a 1\n").status]
        took = time.monotonic() - began
        attack.that(statuses == [200, 200], "others are served", statuses)
        attack.figure("/-/ready answered within 1 s", "%.0f ms for it and a push" % (1e3 * took), took < 1)
        for sock in idle:
            sock.close()
        attack.that(gateway.request("GET", "/-/ready").status == 200, "afterwards")


def send_until_it_waits(sock, data):
    """Sends until the gateway takes no more for a second. Returns the bytes sent."""
    sock.setblocking(False)
    sent = 0
    while sent < len(data):
        if not select.select([], [sock], [], 1)[1]:
            break
        sent += sock.send(data[sent:sent + (1 << 18)])
    return sent


def pipeline_flood(attack):
    """100,000 requests in one connection whose answers nobody reads, and 300 such connections that hold up nobody."""
    for what, request, count in (("scrapes", make_request("GET", "/metrics"), 100_000),
                                 ("pushes", make_request("PUT", "/metrics/job/t", b"a 1\n"), 100_000)):
        with attack.gateway("--runtime.workers=1") as gateway, contextlib.ExitStack() as floods:
            body = b"".join(b'many{n="%d"} 1\n' % number for number in range(2000))
            attack.that(gateway.request("PUT", "/metrics/job/stored", body).status == 200, "the push")
            # The gateway needs some memory once for such a load, however many do it: receive buffers, which come in turn,
            # and versions on their way out. What a connection holds comes with each of them: the least is its share.
            grown = []
            good = floods.enter_context(GoodClient(gateway))
            for _ in range(5):
                memory, answered = Memory(gateway), len(good.times)
                sent = send_until_it_waits(floods.enter_context(gateway.connect()), request * count)
                attack.that(wait_until(lambda g=good, a=answered: len(g.times) > a + 10), "others are served", what)
                grown.append(memory.grown())
            grown = min(grown)
            if not is_sanitized(gateway):
                attack.figure("below 1 MiB for the connection", "%s: %d of %d taken, %d KiB" % (
                    what, sent // len(request), count, grown >> 10), grown < MIB + MIB // 2, always=True)
            attack.that(good.errors == [], "others", good.errors[:3])
    with attack.gateway("--runtime.workers=1") as gateway:
        socks = [gateway.connect() for _ in range(300)]
        for sock in socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.setblocking(False)
        request = make_request("GET", "/-/ready") * 400
        waiting = set(socks)
        for _ in range(400):  # each until it takes no more
            for sock in list(waiting):
                try:
                    sock.send(request)
                except (BlockingIOError, ConnectionError):  # the head that was cut in two may have had its time
                    waiting.discard(sock)
            if not waiting:
                break
        attack.that(gateway.request("PUT", "/metrics/job/t", b"a 1\n").status == 200, "a push beside 300 of them")
        for sock in socks:
            sock.close()


def kept_memory(attack):
    """200 connections that have each brought a large head, or taken a large answer, and stay open."""
    fields = [("F%d" % number, "v" * 50) for number in range(1000)]
    head = make_request("GET", "/-/ready", headers=fields)
    with attack.gateway("--runtime.workers=1") as gateway:
        body = b"".join(b'many{n="%d"} 1\n' % number for number in range(20_000))
        attack.that(gateway.request("PUT", "/metrics/job/stored", body).status == 200, "the push")
        for what, pieces in (("large heads", (head[:1000], head[1000:])), ("large answers", (make_request("GET", "/metrics"),))):
            def ask(sock, pieces=pieces, what=what):
                for piece in pieces:
                    sock.sendall(piece)
                if read_response(Reader(sock)).status != 200:
                    attack.that(False, what)

            with contextlib.ExitStack() as connections:
                # What the gateway needs once, however many there are: receive buffers, which come in turn.
                first = connections.enter_context(gateway.connect())
                for _ in range(600):
                    ask(first)
                before = resident(gateway)
                for _ in range(200):
                    ask(connections.enter_context(gateway.connect()))
                grown = resident(gateway) - before
            if not is_sanitized(gateway):
                attack.figure("below 16 KiB a connection", "%s: %d KiB for 200" % (what, grown >> 10), grown < 200 * 16 * 1024,
                              always=True)


def half_open_kill(attack):
    """Resets at random points of a head, a body, chunks, an answer."""
    seed = int(os.environ.get("SLUICE_TEST_SEED", "7"))
    print("half-open-kill: seed", seed)
    rng = random.Random(seed)
    body = b"".join(b'reset{n="%d"} %d\n' % (number, number) for number in range(2000))
    streams = [make_request("PUT", "/metrics/job/reset", body), make_request("GET", "/metrics"), make_request("GET", "/api/v1/metrics"),
               make_request("PUT", "/metrics/job/reset", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), [("Transfer-Encoding", "chunked")]),
               make_request("DELETE", "/metrics/job/other") * 20]
    with attack.gateway() as gateway:
        attack.that(gateway.request("PUT", "/metrics/job/stored", body.replace(b"reset", b"stored")).status == 200, "the push")
        gateway.scrape()
        before = descriptors(gateway)
        for number in range(10_000 if attack.long else 1000):
            stream = streams[number % len(streams)]
            sock = gateway.connect()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() resets
            if rng.random() < 0.5:  # within the request
                sock.sendall(stream[:rng.randrange(1, len(stream))])
            else:  # within the answer
                sock.sendall(stream)
                sock.recv(rng.randrange(1, 4096))
            sock.close()
        left = wait_until(lambda: descriptors(gateway) <= before)
        attack.figure("no crash, as many descriptors as before", "%d before, %d after" % (before, descriptors(gateway)), left, always=True)
        with gateway.connect() as sock:
            sock.sendall(make_request("PUT", "/metrics/job/after", b"a 1\n"))
            attack.that(read_response(Reader(sock)).status == 200, "a push afterwards")
        attack.that(gateway.stop() == 0, "exit code")


run("connection_floods", {"conn-flood": conn_flood, "pipeline-flood": pipeline_flood, "half-open-kill": half_open_kill,
                          "kept-memory": kept_memory})
