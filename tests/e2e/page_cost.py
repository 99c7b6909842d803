"""What an open page costs the server, beside an identity scrape: processor time of a minute. Run by hand, against a release.

100,000 groups with ten series each; pushes come all the time, so that the page always finds something new. With --shots=DIR
the pictures of the README are taken at the end.
"""

import glob
import json
import os
import subprocess
import threading
import time

from client_programs import NotToBeHad
from gateway import Checks, Gateway, Reader, arguments, make_request, read_response
from page import find_browser, find_modules

HERE = os.path.dirname(os.path.abspath(__file__))
MINUTE = 60
PUSHES_A_SECOND = 20
JOBS = ("nightly-etl", "invoice-export", "thumbnailer", "backup", "search-index", "ledger-close", "ml-features", "mail-digest")
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-south-1")
BUCKETS = ((0.1, 2), (0.25, 9), (0.5, 31), (1, 64), (2.5, 88), (5, 97), (10, 99), ("+Inf", 100))


def path_of(number):
    return "/metrics/job/%s/region/%s/instance/fn-%05d" % (JOBS[number * 7 % len(JOBS)], REGIONS[number % len(REGIONS)], number)


def body_of(number):
    """Ten series."""
    parts = ["# HELP rows_total Rows that the run has written.\n# TYPE rows_total counter\n"]
    parts += ['rows_total{table="%s"} %d\n' % (table, number * factor % 99991) for table, factor in (("orders", 17), ("users", 5), ("events", 31))]
    parts.append("# HELP last_success_timestamp_seconds When a run last ended well.\n# TYPE last_success_timestamp_seconds gauge\n"
                 "last_success_timestamp_seconds 1.7e9\n")
    parts += ["# TYPE %s gauge\n%s %d\n" % (name, name, number % 1000) for name in ("retries", "queue_length", "memory_mib", "files", "warnings", "exit_code")]
    return "".join(parts).encode()


def detailed_body():
    lines = "".join('step_seconds_bucket{step="load",le="%s"} %d\n' % pair for pair in BUCKETS)
    lines += 'step_seconds_sum{step="load"} 131.5\nstep_seconds_count{step="load"} 100\n'
    return body_of(41) + ("# HELP step_seconds How long the steps took.\n# TYPE step_seconds histogram\n" + lines).encode()


def processor_ms(gateway):
    """What all its threads have run so far."""
    total = 0
    for name in glob.glob("/proc/%d/task/*/schedstat" % gateway.process.pid):
        with open(name, encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e6


class Pusher(threading.Thread):
    """Pushes again what is there, at an even pace, one in 200 of them wrong."""

    def __init__(self, gateway, groups):
        super().__init__(daemon=True)
        self.gateway, self.groups, self.ended = gateway, groups, threading.Event()

    def run(self):
        number = 0
        with self.gateway.connect() as sock:
            reader = Reader(sock)
            while not self.ended.wait(1 / PUSHES_A_SECOND):
                number = (number + 7919) % self.groups
                wrong = number % 200 == 7
                sock.sendall(make_request("POST", path_of(number), b"exit_code 1 1700000000\n" if wrong else body_of(number)))
                read_response(reader)


def fill(gateway, count):
    with gateway.connect() as sock:
        reader = Reader(sock)
        for start in range(0, count, 200):
            numbers = range(start, min(start + 200, count))
            sock.sendall(b"".join(make_request("PUT", path_of(number), body_of(number)) for number in numbers))
            for _ in numbers:
                read_response(reader)


def minute(gateway):
    before = processor_ms(gateway)
    time.sleep(MINUTE)
    return processor_ms(gateway) - before


def scrape(gateway):
    before = processor_ms(gateway)
    size = len(gateway.scrape().body)
    return processor_ms(gateway) - before, size


def tell(watcher, *lines):
    for line in lines:
        watcher.stdin.write(line + "\n")
        watcher.stdin.flush()
        watcher.stdout.readline()


def take_pictures(watcher, gateway, folder):
    for _ in range(3):
        gateway.request("POST", path_of(41), b"exit_code 1 1700000000\n")
    gateway.request("PUT", path_of(42), detailed_body())
    os.makedirs(folder, exist_ok=True)
    number = gateway.request("GET", "/api/v1/groups?q=fn-00042&limit=1")
    tell(watcher, "go #jobs", "go #groups", "click [data-sort=last_failure]", "shot %s/groups.png .line.failed" % folder)
    tell(watcher, "dark", "go #group/%s" % json.loads(number.body)["data"]["groups"][0]["id"], "shot %s/group.png .chart" % folder)


def main():
    options = arguments(groups=100000, shots="")
    checks = Checks("page_cost")
    try:
        browser, modules = find_browser(), find_modules()
    except NotToBeHad as reason:
        checks.skip("browser", reason)
        checks.finish()
    with Gateway(options.binary, ["--web.enable-admin-api"], options.backend) as gateway:
        fill(gateway, options.groups)
        pusher = Pusher(gateway, options.groups)
        pusher.start()
        without = minute(gateway)
        told = {"url": "http://127.0.0.1:%d/" % gateway.port, "browser": browser, "modules": modules}
        with subprocess.Popen(["node", os.path.join(HERE, "page", "watch.mjs"), json.dumps(told)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as watcher:
            checks.equal(watcher.stdout.readline(), "ready\n", "the page")
            opened = minute(gateway)
            scrapes = sorted(scrape(gateway) for _ in range(5))
            if options.shots:
                take_pictures(watcher, gateway, options.shots)
            watcher.stdin.close()
        pusher.ended.set()
        pusher.join()
    print("processor time of a minute with %d pushes a second: %.0f ms without a page, %.0f ms with one: %.0f ms for the page"
          % (PUSHES_A_SECOND, without, opened, opened - without))
    print("processor time of an identity scrape of %d bytes: %.0f ms (%.0f to %.0f)" % (scrapes[2][1], scrapes[2][0], scrapes[0][0], scrapes[-1][0]))
    checks.that(opened - without <= scrapes[2][0], "an open page costs more than one identity scrape a minute")
    checks.finish()


main()
