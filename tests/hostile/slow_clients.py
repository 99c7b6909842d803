"""Clients that take their time: heads and bodies that drip, and readers that hardly read."""

import select
import socket
import time

from attack import run
from process_figures import MIB, GoodClient, Memory, is_sanitized, wait_until

from gateway import Reader, make_request, read_response


def drip(attack, gateway, count, first, interval):
    """`count` connections that send `first`, then a byte every `interval` seconds until each has been closed.

    Returns the seconds that the last one lasted, the first statuses that were answered, and how many were closed."""
    open_at = {}
    poller = select.epoll()
    socks = {}
    for _ in range(count):
        sock = gateway.connect()
        sock.sendall(first)
        sock.setblocking(False)
        poller.register(sock, select.EPOLLIN)
        socks[sock.fileno()] = sock
        open_at[sock.fileno()] = time.monotonic()
    answered, last, bound = {}, 0.0, time.monotonic() + 150
    next_drip = time.monotonic() + interval
    while socks and time.monotonic() < bound:
        for number, _ in poller.poll(0.1, 4096):
            try:
                data = socks[number].recv(4096)
            except OSError:
                data = b""
            if data[:9] == b"HTTP/1.1 ":
                answered[int(data[9:12])] = answered.get(int(data[9:12]), 0) + 1
            elif not data:
                last = max(last, time.monotonic() - open_at.pop(number))
                poller.unregister(number)
                socks.pop(number).close()
        if time.monotonic() >= next_drip:
            next_drip += interval
            for sock in socks.values():
                try:
                    sock.send(b"x")
                except OSError:
                    pass  # about to be read as closed
    left = len(socks)
    for sock in socks.values():
        sock.close()
    attack.that(left == 0, left, "connections are still open")
    return last, answered


def slow(attack, count, first, flags, seconds):
    with attack.gateway(*flags) as gateway:
        gateway.request("GET", "/-/ready")
        memory = Memory(gateway)
        with GoodClient(gateway) as good:
            last, answered = drip(attack, gateway, count, first, 10 if attack.long else 0.2)
        each = memory.grown() / count
        sanitized = is_sanitized(gateway)
    attack.that(good.errors == [] and set(good.statuses) == {200}, "others meanwhile", good.statuses, good.errors[:3])
    attack.that(set(answered) == {408} and answered[408] == count, "each is told why", answered)
    attack.figure("all closed within %d s" % seconds, "%d closed, the last after %.1f s" % (count, last), last <= seconds)
    attack.figure("p99 of /-/ready below 50 ms", good.told(), good.percentile(0.99) < 0.05)
    if not sanitized:
        attack.figure("below 16 KiB a connection", "%.1f KiB" % (each / 1024), each < 16 * 1024, always=True)


def slowloris(attack):
    """Heads of which a byte comes every 10 s."""
    flags = [] if attack.long else attack.flags(header_time="1s")
    slow(attack, 2000 if attack.long else 400, b"POST /metrics/job/t HTTP/1.1\r\nHost: x\r\nX-", flags, 15)


def slow_body(attack):
    """Bodies of which a byte comes every 10 s. A body has 30 s and then its rate, so that is when they end."""
    flags = [] if attack.long else attack.flags(writer_grace="1s")
    if not attack.long and not flags:
        print("slow-body: 31 s long without --limits.writer-grace; tests/net/conn/conn_life_test.cc has it with a clock of its own")
        return
    slow(attack, 2000 if attack.long else 400, make_request("POST", "/metrics/job/t", b"a", [("Content-Length", "8192")]), flags, 45)


def reader_that_waits(gateway):
    """A scrape of which its client reads nothing by itself."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(60)
    sock.connect(("127.0.0.1", gateway.port))
    sock.sendall(make_request("GET", "/metrics"))
    return sock


def fill(attack, gateway, lines):
    body = b"".join(b'slow{n="%07d",pad="%s"} %d\n' % (number, b"p" * 30, number) for number in range(lines))
    attack.that(gateway.request("PUT", "/metrics/job/t", body).status == 200, "the push")
    return len(gateway.scrape().body)


def slow_read(attack):
    """Scrapes that are hardly read, of one state: they share what they show."""
    count = 800 if attack.long else 200
    with attack.gateway() as gateway:
        whole = fill(attack, gateway, 60_000)
        memory = Memory(gateway)
        with GoodClient(gateway) as good:
            socks = [reader_that_waits(gateway) for _ in range(count)]
            statuses = {}
            for sock in socks:
                status = Reader(sock).until(b"\r\n")[9:12]
                statuses[status] = statuses.get(status, 0) + 1
            answered = len(good.times)
            attack.that(wait_until(lambda: len(good.times) > answered + 20), "others are served while the readers wait")
            grown = memory.grown()
        attack.that(set(statuses) <= {b"200", b"503"}, "answers", statuses)
        attack.figure("/-/ready always answered", good.told(), good.errors == [] and good.percentile(1) < 3, always=True)
        # Some MiB beside that: the first streams may hold more than the later ones.
        allowed = 2 * whole + count * 64 * 1024
        if not is_sanitized(gateway):
            attack.figure("below twice the exposition and 64 KiB a connection, %.1f MiB" % (allowed / MIB), "%.1f MiB, %s" % (
                grown / MIB, statuses), grown < allowed + (0 if attack.long else 8 * MIB), always=True)
        for sock in socks:
            sock.close()
        attack.that(len(gateway.scrape().body) >= whole, "a scrape afterwards")


def held_snapshots(attack):
    """Ten scrapes of ten states that nobody reads, more than the states that are kept: another scrape succeeds all the same."""
    with attack.gateway() as gateway:
        whole = fill(attack, gateway, 120_000)
        socks = []
        for number in range(10):
            attack.that(gateway.request("PUT", "/metrics/job/x", b"x %d\n" % number).status == 200, "a push between")
            socks.append(reader_that_waits(gateway))
            Reader(socks[-1]).until(b"\r\n")
        began = time.monotonic()
        answer = gateway.scrape()
        attack.figure("a scrape is answered within 10 s", "%.1f s" % (time.monotonic() - began), time.monotonic() - began < 10)
        attack.that(answer.status == 200 and len(answer.body) >= whole and 'job="x"} 9\n' in answer.text, "a whole scrape", answer.status)
        for sock in socks:
            sock.close()


run("slow_clients", {"slowloris": slowloris, "slow-body": slow_body, "slow-read": slow_read, "held-snapshots": held_snapshots})
