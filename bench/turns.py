#!/usr/bin/env python3
"""The longest turns of a worker while it takes pushes of 100 MB: no turn should be above 1 ms.

    bench/turns.py [--binary build/release/sluice] [--cases simple,families] [--megabytes 100] [--repeats 3]
                   [--backend auto] [--core 0] [--first] [--json FILE]

Each case starts the gateway with one worker, pinned to one core, and prints for its measured requests
  largest   the longest turn (sluice_loop_turn_max_seconds): the smallest of the repeats, since a machine that is busy
            with other processes can only make it longer,
  > 1 ms    turns above 1 ms (sluice_loop_turn_seconds), likewise,
  waits     the longest answer time of small pushes that a second connection makes to the same worker meanwhile.
A case that begins from a state (a group to be replaced) brings it about first; the kernel resets no maximum, so where
the state took longer turns than the case the largest is given as the bound of the histogram.
Standard library only.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Server:
    """The gateway with one worker on one core."""

    def __init__(self, options):
        command = [*(["nice", "-n", "-20"] if options.first else []), "taskset", "-c", options.core, options.binary, "--runtime.workers=1",
                   "--web.listen-address=127.0.0.1:0", "--net.backend=" + options.backend]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        for line in self.process.stderr:
            found = re.search(rb'[Ll]istening on.*?address"?[=:]"?[^\s"]*:(\d+)', line)
            if found:
                self.port = int(found.group(1))
                break
        else:
            sys.exit("the gateway did not start")
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=300)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def request(self, method, target, body=b"", headers=(), chunk_bytes=0):
        """One request on its own connection; its status and body."""
        with self.connect() as connection:
            lines = ["%s %s HTTP/1.1" % (method, target), "Host: bench", "Connection: close", *headers]
            lines.append("Transfer-Encoding: chunked" if chunk_bytes else "Content-Length: %d" % len(body))
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            connection.sendall(chunked(body, chunk_bytes) if chunk_bytes else body)
            parts = []
            while part := connection.recv(1 << 20):
                parts.append(part)
        head, _, rest = b"".join(parts).partition(b"\r\n\r\n")
        return int(head.split()[1]), rest

    def turns(self):
        """What the gateway says of its turns: bounds in seconds with counts up to each, and the longest."""
        _, text = self.request("GET", "/metrics", headers=["Accept-Encoding: identity"])
        at = text.rfind(b"# TYPE sluice_loop_turn_max_seconds ")
        longest = float(re.search(rb"\nsluice_loop_turn_max_seconds\S* (\S+)", text[at:]).group(1))
        at = text.rfind(b"# TYPE sluice_loop_turn_seconds ")
        buckets = re.findall(rb'sluice_loop_turn_seconds_bucket\{[^}]*le="([^"]+)"\} (\S+)', text[at:at + 10000])
        return {float(bound): float(count) for bound, count in buckets}, longest


def chunked(body, size):
    parts = []
    for at in range(0, len(body), size):
        part = body[at:at + size]
        parts += [b"%x\r\n" % len(part), part, b"\r\n"]
    return b"".join(parts) + b"0\r\n\r\n"


class SmallPushes:
    """Pushes of a few lines, one after the other, while a case runs; the longest time to an answer."""

    def __init__(self, server):
        self.server, self.longest, self.count, self.stop = server, 0.0, 0, False
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop = True
        self.thread.join(60)

    def run(self):
        body = b"small_pushes 1\nsmall_bytes 2\n"
        request = b"PUT /metrics/job/small HTTP/1.1\r\nHost: b\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        with self.server.connect() as connection:
            while not self.stop:
                began = time.monotonic()
                connection.sendall(request)
                if b" 200 " not in connection.recv(65536):
                    sys.exit("a small push was refused")
                self.longest = max(self.longest, time.monotonic() - began)
                self.count += 1
                time.sleep(0.0005)


# ---- Bodies ---------------------------------------------------------------------------------------------------------

def filled(size, lines):
    """As many of the lines as fit."""
    parts, used = [], 0
    for line in lines:
        used += len(line)
        if used > size:
            break
        parts.append(line)
    return b"".join(parts)


def simple(size, prefix=b"", first=10_000_000, step=1):
    """One family whose series come in order; lines of about 100 bytes."""
    pad = b"x" * 55
    lines = (b'%srequests_total{path="/%s",id="%d"} %d\n' % (prefix, pad, first + i * step, i) for i in range(1 << 40))
    return b"# TYPE %srequests_total counter\n" % prefix + filled(size, lines)


def shuffled(size):
    """The same family, its series in no order at all."""
    pad = b"x" * 55
    lines = (b'requests_total{path="/%s",id="%08d"} %d\n' % (pad, i * 48271 % 99999989, i) for i in range(1 << 40))
    return b"# TYPE requests_total counter\n" + filled(size, lines)


def short_lines(size):
    """Lines of few bytes: the most entries in the parser's tables for each byte of the body."""
    return filled(size, (b'a{b="%d"} 1\n' % i for i in range(10_000_000, 1 << 40)))


def families(size, count):
    """Many families, each with its comments and as many series as fill the body."""
    help_text = b"h" * 60
    series = max(1, (size // count - 150) // 60)
    return filled(size, (b"# HELP family_%06d %s\n# TYPE family_%06d gauge\n" % (i, help_text, i) + b"".join(
        b'family_%06d{series="%020d"} %d\n' % (i, k, k) for k in range(series)) for i in range(count)))


def histograms(size):
    bounds = (b"0.005", b"0.01", b"0.025", b"0.05", b"0.1", b"0.25", b"0.5", b"1", b"2.5", b"5", b"10", b"+Inf")
    lines = (b"".join(b'seconds_bucket{path="/%d",le="%s"} %d\n' % (i, bound, k) for k, bound in enumerate(bounds)) +
             b'seconds_sum{path="/%d"} 1.5\nseconds_count{path="/%d"} 11\n' % (i, i) for i in range(1 << 40))
    return b"# TYPE seconds histogram\n" + filled(size, lines)


def long_values(size):
    """Every line holds one label value of 60 KB."""
    value = b"v" * 60_000
    return filled(size, (b'long_values{value="%08d%s"} 1\n' % (i, value) for i in range(1 << 40)))


# ---- Cases ----------------------------------------------------------------------------------------------------------
# Each yields "measure" where its measured part begins, and "end" where it ends.

PUT, POST, DELETE = "PUT", "POST", "DELETE"
GROUP = "/metrics/job/big/group/a"


def expect(answer, status, text=b""):
    if answer[0] != status or text not in answer[1]:
        sys.exit("answer %d %r instead of %d %r" % (answer[0], answer[1][:200], status, text))


def push(server, body, method=PUT, status=200, text=b"", target=GROUP, **how):
    expect(server.request(method, target, body, **how), status, text)


def case_simple(server, size):
    """one family of a million series, PUT"""
    body = simple(size)
    yield
    push(server, body)


def case_shuffled(server, size):
    """the same, not sorted"""
    body = shuffled(size)
    yield
    push(server, body)


def case_short(server, size):
    """lines of 17 bytes"""
    body = short_lines(size)
    yield
    push(server, body)


def case_families(server, size):
    """50,000 families"""
    body = families(size, 50_000)
    yield
    push(server, body)


def case_families_again(server, size):
    """the same, PUT again"""
    body = families(size, 50_000)
    push(server, body)
    yield
    push(server, body)


def case_families_merge(server, size):
    """10,000 other families, POST onto 50,000"""
    push(server, families(size, 50_000))
    body = families(size, 10_000).replace(b"family_", b"others_")
    yield
    push(server, body, POST)


def case_histograms(server, size):
    """histograms of 12 buckets"""
    body = histograms(size)
    yield
    push(server, body)


def case_error(server, size):
    """an error in the last line"""
    body = simple(size)
    lines = body.count(b"\n")
    body += b"requests_total{path=} 1\n"
    yield
    push(server, body, status=400, text=b"text format parsing error in line %d:" % (lines + 1))


def case_long_values(server, size):
    """label values of 60 KB"""
    body = long_values(size)
    yield
    push(server, body)


def case_one_long_value(server, size):
    """one label value of 60 KB, the only line"""
    del size
    body = long_values(61_000)
    yield
    for _ in range(100):
        push(server, body)


def case_replace(server, size):
    """PUT over a group of a million series"""
    body = simple(size)
    push(server, body)
    yield
    push(server, body)


def case_merge(server, size):
    """POST of another family, then of the same, onto it"""
    push(server, simple(size))
    body = simple(size // 4, b"other_")
    same = simple(size)
    yield
    push(server, body, POST)
    push(server, same, POST)


def case_delete(server, size):
    """DELETE of a group of a million series"""
    push(server, simple(size))
    yield
    expect(server.request(DELETE, GROUP), 202)


def case_duplicate(server, size):
    """a duplicate series at the end"""
    body = simple(size)
    body += body[body.index(b"\n") + 1:][:200].split(b"\n")[0] + b"\n"
    yield
    push(server, body, status=400, text=b"was collected before with the same name and label values")


def case_scrape(server, size):
    """a scrape of a million series"""
    push(server, simple(size))
    yield
    expect(server.request("GET", "/metrics", headers=["Accept-Encoding: identity"]), 200)


def case_scrape_gzip(server, size):
    """the same, gzip"""
    push(server, simple(size))
    yield
    expect(server.request("GET", "/metrics", headers=["Accept-Encoding: gzip"]), 200)


def case_scrape_families(server, size):
    """a scrape of 50,000 families"""
    push(server, families(size, 50_000))
    yield
    expect(server.request("GET", "/metrics", headers=["Accept-Encoding: identity"]), 200)


def case_check(server, size):
    """a million series checked against another group of the job with as many"""
    push(server, simple(size).replace(b',id="', b',group="a",number="'), target="/metrics/job/big")
    body = simple(size).replace(b',id="', b',number="9')
    yield
    push(server, body)


def case_check_duplicate(server, size):
    """the same with one series in both groups"""
    body = simple(size)
    push(server, body.replace(b',id="', b',group="a",id="'), target="/metrics/job/big")
    lines = body.split(b"\n")
    body = body.replace(b',id="', b',number="') + lines[len(lines) // 2] + b"\n"
    yield
    push(server, body, status=400, text=b"was collected before with the same name and label values")


def case_check_series(server, size):
    """a million series, each projected on the other group's labels"""
    push(server, b"small 1\n", target="/metrics/job/big/id/1")
    body = simple(size)
    yield
    push(server, body, target="/metrics/job/big")


def case_chunked(server, size):
    """chunks of 64 KB"""
    body = simple(size)
    yield
    push(server, body, chunk_bytes=65536)


def case_small_chunks(server, size):
    """chunks of 1 byte, a fiftieth of the size"""
    body = simple(size // 50)
    yield
    push(server, body, chunk_bytes=1)


CASES = {name[5:]: run for name, run in list(globals().items()) if name.startswith("case_")}


def measure(options, run):
    """One run of a case: the longest turn in s and whether that is exact, the turns above 1 ms, the longest wait."""
    with Server(options) as server:
        steps = run(server, options.megabytes * 1_000_000)
        next(steps)
        before, longest_before = server.turns()
        with SmallPushes(server) as small:
            next(steps, None)
            time.sleep(0.3)  # what is freed behind the answer
        after, longest = server.turns()
    new = {bound: after[bound] - before[bound] for bound in after}
    total = new[float("inf")]
    exact = longest > longest_before
    if not exact:
        longest = min([bound for bound in new if new[bound] == total] + [longest])
    return {"largest_ms": longest * 1e3, "exact": exact, "above_1_ms": int(total - new[0.001]), "turns": int(total),
            "wait_ms": small.longest * 1e3, "small_pushes": small.count}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--binary", default=os.path.join(SOURCE, "build", "release", "sluice"))
    arguments.add_argument("--cases", default=",".join(CASES), help="of " + ", ".join(CASES))
    arguments.add_argument("--megabytes", type=int, default=100)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--backend", default="auto")
    arguments.add_argument("--core", default="0")
    arguments.add_argument("--first", action="store_true",
                           help="run the gateway before other processes (nice -n -20): needs the right to")
    arguments.add_argument("--json", help="write the figures of every run there")
    options = arguments.parse_args()
    results = {}
    print("%-20s %12s %7s %9s  %s" % ("case", "largest ms", "> 1 ms", "wait ms", "what"))
    for name in options.cases.split(","):
        runs = [measure(options, CASES[name]) for _ in range(options.repeats)]
        results[name] = runs
        best = min(runs, key=lambda run: run["largest_ms"])
        print("%-20s %2s %9.3f %7d %9.2f  %s" % (
            name, "" if best["exact"] else "<=", best["largest_ms"], min(run["above_1_ms"] for run in runs),
            min(run["wait_ms"] for run in runs), CASES[name].__doc__), flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
