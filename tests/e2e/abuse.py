"""Clients that misbehave, and what the others see meanwhile. Everything is bounded in count and stops by itself."""

import os
import random
import re
import socket
import struct
import threading
import time
import zlib

from compare import pushed_lines
from gateway import Checks, Gateway, Reader, arguments, make_request, read_response
from process_memory import is_sanitized, resident

SEED = int(os.environ.get("SLUICE_TEST_SEED", "20261125"))


def numbered_body(number, families=10):
    return "".join("# TYPE f%d gauge\nf%d %d\n" % (k, k, number) for k in range(families)).encode()


def numbers_by_group(text):
    """group label -> set of the values of its ten families."""
    seen = {}
    for line in text.split("\n"):
        found = re.match(r'f\d\{g="(\d+)",instance="",job="n"\} (\S+)$', line)
        if found:
            seen.setdefault(found.group(1), []).append(float(found.group(2)))
    return seen


def push_numbers(gateway, groups, rounds, first, stop):
    """Overwrites every group with ten families of one number each, round after round."""
    with gateway.connect() as sock:
        reader = Reader(sock)
        for number in range(first, first + rounds):
            for start in range(0, groups, 32):
                count = min(32, groups - start)
                sock.sendall(b"".join(make_request("PUT", "/metrics/job/n/g/%d" % g, numbered_body(number))
                                      for g in range(start, start + count)))
                for _ in range(count):
                    if read_response(reader).status != 200:
                        stop.set()
                        return
            if stop.is_set():
                return


def check_never_mixed(checks, gateway):
    """Ten families of a group carry one push number, and no scrape under load mixes two."""
    groups = 300
    stop = threading.Event()
    push_numbers(gateway, groups, 1, 0, stop)
    pushers = [threading.Thread(target=push_numbers, args=(gateway, groups, 10**6, base, stop)) for base in (1, 5 * 10**5)]
    for pusher in pushers:
        pusher.start()
    states = set()
    for number in range(60):
        response = gateway.scrape([("Accept-Encoding", "gzip")] if number % 2 else [])
        data = zlib.decompress(response.body, 31) if number % 2 else response.body
        seen = numbers_by_group(data.decode())
        checks.equal(len(seen), groups, "every group is in the scrape")
        for group, numbers in seen.items():
            if len(numbers) != 10 or len(set(numbers)) != 1:
                checks.that(False, "a scrape mixes two pushes of group", group, numbers)
        states.add(tuple(sorted((g, n[0]) for g, n in seen.items())))
    checks.that(not stop.is_set(), "all pushes succeeded")
    stop.set()
    for pusher in pushers:
        pusher.join()
    checks.that(len(states) > 10, "the scrapes saw pushes going on", len(states))


def check_slow_scraper(checks, gateway):
    """A slow reader gets the state of its start while every group is overwritten 100 times."""
    groups = 2000
    stop = threading.Event()
    for number in (1, 2):  # twice, so that tables and pools have grown
        push_numbers(gateway, groups, 1, number, stop)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.settimeout(60)
    slow.connect(("127.0.0.1", gateway.port))
    before = resident(gateway)
    slow.sendall(make_request("GET", "/metrics"))
    got = slow.recv(2000)  # the walk is over once the body has begun
    while got.count(b"\n") < 12:
        got += slow.recv(2000)
    push_numbers(gateway, groups, 100, 100, stop)
    checks.that(not stop.is_set(), "pushes go on beside a slow reader")
    after = resident(gateway)
    reader = Reader(slow)
    reader.buffer = got
    seen = numbers_by_group(read_response(reader).text)
    slow.close()
    checks.equal(len(seen), groups, "the slow reader gets every group")
    checks.equal({number for numbers in seen.values() for number in numbers}, {2.0},
                 "the slow reader gets the state of its start")
    # One version a group is about 1.5 KB here; 100 versions a group would be 300 MB.
    if is_sanitized(gateway):
        print("a sanitizer keeps freed memory: grown by %d MiB, not judged" % ((after - before) >> 20))
    else:
        checks.that(after - before < 40 << 20, "memory grew by", (after - before) >> 20, "MiB")


def check_large_push(checks, gateway):
    """A 100 MB push and others on the same workers: the others go on, and every sample arrives."""
    lines = 1_000_000
    body = b"".join(b'huge{n="%07d",pad="%s"} %d\n' % (n, b"p" * 70, n) for n in range(lines))
    checks.that(len(body) > 95 << 20, "size of the large body", len(body))
    done = threading.Event()
    answer = []

    def push_large():
        answer.append(gateway.request("PUT", "/metrics/job/huge", body, timeout=300).status)
        done.set()

    pusher = threading.Thread(target=push_large)
    pusher.start()
    between = 0
    with gateway.connect() as sock:
        reader = Reader(sock)
        while not done.wait(0.005):
            sock.sendall(make_request("PUT", "/metrics/job/small", b"small 1\n"))
            checks.equal(read_response(reader).status, 200, "a small push beside the large one")
            between += 1
    pusher.join()
    checks.equal(answer, [200], "the large push")
    checks.that(between > 3, "small pushes were answered meanwhile", between)
    text = gateway.scrape().text
    checks.equal(text.count("\nhuge{"), lines, "samples of the large push")
    checks.equal(gateway.request("DELETE", "/metrics/job/huge").status, 202, "delete of the large group")


def check_broken_clients(checks, gateway):
    """Cut, reset and garbled requests leave nothing behind and hurt nobody."""
    dice = random.Random(SEED)
    print("seed", SEED)
    before = pushed_lines(gateway.scrape().text)
    whole = make_request("PUT", "/metrics/job/broken", b"x{a=\"1\"} 1\n" * 50, [("X-Pad", "y" * 200)])
    for number in range(600):
        sock = gateway.connect()
        kind = number % 4
        if kind == 0:
            sock.sendall(whole[:dice.randrange(1, len(whole))])
        elif kind == 1:
            sock.sendall(whole[:dice.randrange(1, len(whole))])
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close sends a reset
        elif kind == 2:
            sock.sendall(bytes(dice.randrange(256) for _ in range(dice.randrange(1, 400))))
        else:
            garbled = bytearray(whole)
            for _ in range(3):
                garbled[dice.randrange(30, len(garbled))] = dice.randrange(256)
            # Never a valid push: one byte of the method is broken too.
            garbled[0] = 0x01
            sock.sendall(garbled)
        sock.close()
    checks.equal(gateway.request("PUT", "/metrics/job/after", b"x 1\n").status, 200, "a good push afterwards")
    gateway.request("DELETE", "/metrics/job/after")
    checks.equal(pushed_lines(gateway.scrape().text), before, "nothing of a broken request is stored")


def check_conflicts_under_load(checks, gateway):
    """Two workers push conflicting types of one family: whatever wins, no scrape shows both."""
    stop = threading.Event()
    outcomes = set()

    def push_type(kind):
        with gateway.connect() as sock:
            reader = Reader(sock)
            number = 0
            while not stop.is_set():
                number += 1
                sock.sendall(make_request("PUT", "/metrics/job/%s/n/%d" % (kind, number % 5),
                                          b"# TYPE fight %s\nfight 1\n" % kind.encode()))
                outcomes.add((kind, read_response(reader).status))
                if number % 3 == 0:
                    for n in range(5):
                        sock.sendall(make_request("DELETE", "/metrics/job/%s/n/%d" % (kind, n)))
                        read_response(reader)

    threads = [threading.Thread(target=push_type, args=(kind,)) for kind in ("gauge", "counter")]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 60
    kinds = set()
    while time.monotonic() < end and not (len(outcomes) == 4 and len(kinds) == 2):
        text = gateway.scrape().text
        jobs = set(re.findall(r'^fight\{instance="",job="(\w+)"', text, re.M))
        declared = re.findall(r"^# TYPE fight (\w+)$", text, re.M)
        checks.that(len(jobs) <= 1 and len(declared) <= 1 and (not jobs or jobs == set(declared)), "conflict in a scrape",
                    jobs, declared)
        kinds |= jobs
    stop.set()
    for thread in threads:
        thread.join()
    checks.equal(outcomes, {("gauge", 200), ("gauge", 400), ("counter", 200), ("counter", 400)}, "both verdicts happened")


def main():
    options = arguments()
    checks = Checks("abuse")
    for check in (check_never_mixed, check_slow_scraper, check_large_push, check_broken_clients,
                  check_conflicts_under_load):
        with Gateway(options.binary, ["--runtime.workers=2"], options.backend) as gateway:
            check(checks, gateway)
            checks.equal(gateway.stop(), 0, check.__name__, "exit code")
    checks.finish()


main()
