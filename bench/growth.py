#!/usr/bin/env python3
"""A gateway that is filled with groups of one series: its rate, its memory and its longest turns.

    bench/growth.py [--groups 10000000] [--binary build/release/sluice] [--workers 1] [--core 0] [--load-core 1]
                    [--depth 256] [--backend auto] [--first] [--rate-from 1000] [--no-scrape] [--json FILE]

Pushes come pipelined over one connection. Prints
  rate      pushes a second, of the whole fill and of the parts of it; then pushes to all groups again, and before the
            fill to --rate-from groups: the ratio of the two is how much a large map costs a push,
  resident  bytes of the process, and per group; after the fill, and after a scrape of all groups (in which each group
            must appear once),
  turns     turns above 1 ms and the longest, for each worker (sluice_loop_turn_seconds), by the wall clock. A turn in
            which the worker did not run for a while counts with that while; so beside it stands how long the worker
            waited for its core (schedstat), and its time on the core. Long turns are the gateway's own only
            where that wait is short.
Exits 1 when a group is missing, or more than --bytes-max bytes a group are resident after the fill. Standard library
only.
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
BODY = b"functions_duration_seconds 0.125\n"
REQUEST = (b"PUT /metrics/job/fleet/instance/i-%%010d HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n" % len(BODY)) + BODY
SERIES = b"functions_duration_seconds{"
BATCH = 64


class Gateway:
    def __init__(self, options):
        command = [*(["nice", "-n", "-20"] if options.first else []), "taskset", "-c", options.core, options.binary,
                   "--runtime.workers=%d" % options.workers, "--web.listen-address=127.0.0.1:0",
                   "--net.backend=" + options.backend]
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
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=120)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def resident(self):
        with open("/proc/%d/statm" % self.process.pid, encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def on_core_and_waiting(self):
        """Seconds that the workers' threads ran and waited for a core."""
        ran = waited = 0
        for task in os.listdir("/proc/%d/task" % self.process.pid):
            base = "/proc/%d/task/%s/" % (self.process.pid, task)
            with open(base + "comm", encoding="ascii") as file:
                if not re.search(r"-\d+$", file.read().strip()):
                    continue
            with open(base + "schedstat", encoding="ascii") as file:
                figures = file.read().split()
            ran += int(figures[0])
            waited += int(figures[1])
        return ran / 1e9, waited / 1e9

    def scrape(self):
        """How often the series appears, and the end of the answer: our own metrics."""
        count, tail = 0, b""
        with self.connect() as connection:
            connection.sendall(b"GET /metrics HTTP/1.0\r\nHost: bench\r\n\r\n")  # 1.0: no chunks, whose frames part lines
            while part := connection.recv(1 << 20):
                joined = tail + part
                # What lies wholly in the tail was counted with the part before.
                count += joined.count(SERIES) - tail.count(SERIES)
                tail = joined[-100_000:]
        return count, tail


def turns(tail):
    """For each worker: all turns, those above 1 ms, the longest in ms."""
    at = tail.rfind(b"# TYPE sluice_loop_turn_max_seconds ")
    result = {}
    for worker, longest in re.findall(rb'sluice_loop_turn_max_seconds\{worker="(\d+)"\} (\S+)', tail[at:]):
        pattern = rb'sluice_loop_turn_seconds_bucket\{worker="' + worker + rb'",le="%s"\} (\S+)'
        total = float(re.search(pattern % rb"\+Inf", tail[at:]).group(1))
        short = float(re.search(pattern % rb"0\.001", tail[at:]).group(1))
        result[worker.decode()] = {"turns": int(total), "above_1_ms": int(total - short), "longest_ms": float(longest) * 1e3}
    return result


def push(gateway, numbers, depth, progress=None):
    """Pushes to the groups of these numbers; the seconds that it took."""
    began = last = time.monotonic()
    sent = acked = before = 0
    rest = b""
    with gateway.connect() as connection:
        while acked < len(numbers):
            while sent < len(numbers) and sent - acked + BATCH <= max(depth, BATCH):
                batch = numbers[sent:sent + BATCH]
                connection.sendall(b"".join([REQUEST % number for number in batch]))
                sent += len(batch)
            part = connection.recv(1 << 20)
            answer = rest + part
            if not part or b"HTTP/1.1 4" in answer or b"HTTP/1.1 5" in answer:
                sys.exit("a push failed: %r" % answer[:300])
            acked += answer.count(b"HTTP/1.1 2")
            at = answer.rfind(b"HTTP/1.1 2")
            rest = (answer[at + 10:] if at >= 0 else answer)[-9:]
            if progress and time.monotonic() - last >= 5:
                now = time.monotonic()
                progress(acked, (acked - before) / (now - last))
                last, before = now, acked
    return time.monotonic() - began


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--groups", type=int, default=10_000_000)
    arguments.add_argument("--binary", default=os.path.join(SOURCE, "build", "release", "sluice"))
    arguments.add_argument("--workers", type=int, default=1)
    arguments.add_argument("--core", default="0")
    arguments.add_argument("--load-core", type=int, default=1)
    arguments.add_argument("--depth", type=int, default=256, help="pushes that wait for their answer at a time")
    arguments.add_argument("--backend", default="auto")
    arguments.add_argument("--first", action="store_true",
                           help="run the gateway before other processes (nice -n -20): needs the right to")
    arguments.add_argument("--rate-from", type=int, default=1000)
    arguments.add_argument("--no-scrape", action="store_true")
    arguments.add_argument("--bytes-max", type=int, default=500, help="resident bytes a group that are allowed")
    arguments.add_argument("--json", help="write the figures there")
    options = arguments.parse_args()
    if options.load_core in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {options.load_core})
    results = {"groups": options.groups, "command": sys.argv}
    failed = False
    with Gateway(options) as gateway:
        few = min(options.rate_from, options.groups)
        again = min(1_000_000, options.groups)
        empty = gateway.resident()
        push(gateway, range(few), options.depth)
        results["rate_few"] = again / push(gateway, [i % few for i in range(again)], options.depth)
        print("to %d groups: %.0f pushes a second" % (few, results["rate_few"]), flush=True)

        def progress(done, rate):
            resident = gateway.resident()
            print("%9d groups %7.0f/s, resident %.0f MB" % (done, rate, resident / 1e6), flush=True)

        results["fill_rate"] = options.groups / push(gateway, range(options.groups), options.depth, progress)
        results["resident"] = gateway.resident()
        results["resident_per_group"] = (results["resident"] - empty) / options.groups
        print("filled: %.0f pushes a second; resident %.1f MB, %.0f bytes a group" % (
            results["fill_rate"], results["resident"] / 1e6, results["resident_per_group"]), flush=True)
        # In no order at all: by a step that has no divisor in common with a number of groups that is not its multiple.
        numbers = [i * 7_368_787 % options.groups for i in range(again)]
        results["rate_all"] = again / push(gateway, numbers, options.depth)
        print("to all groups: %.0f pushes a second, %.2f of that to %d groups" % (
            results["rate_all"], results["rate_all"] / results["rate_few"], few), flush=True)
        if not options.no_scrape:
            began = time.monotonic()
            count, tail = gateway.scrape()
            results["scrape_seconds"] = time.monotonic() - began
            results["resident_after_scrape"] = gateway.resident()
            print("a scrape: %.1f s; resident then %.1f MB" % (
                results["scrape_seconds"], results["resident_after_scrape"] / 1e6), flush=True)
            if count != options.groups:
                failed = True
                print("FAILED: the scrape shows %d of %d groups" % (count, options.groups))
            _, tail = gateway.scrape() if options.groups <= 1_000_000 else (count, tail)
            results["turns"] = turns(tail)
            for worker, figures in results["turns"].items():
                print("worker %s: %d turns, %d above 1 ms, the longest %.2f ms (wall clock)" % (
                    worker, figures["turns"], figures["above_1_ms"], figures["longest_ms"]))
        results["ran"], results["waited"] = gateway.on_core_and_waiting()
        print("the workers ran %.1f s and waited %.3f s for a core" % (results["ran"], results["waited"]))
        # A small number of groups does not carry what every process has.
        if options.groups >= 1_000_000 and results["resident_per_group"] > options.bytes_max:
            failed = True
            print("FAILED: more than %d bytes a group" % options.bytes_max)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
