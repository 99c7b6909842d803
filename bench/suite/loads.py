"""What drives the contestants from the load's core: wrk, sluice-load, curl, and fills."""

import json
import os
import re
import resource
import subprocess
import tempfile
import time

from suite.bodies import fill_batches, request
from suite.contestants import LOAD_CORE, SOURCE, pinned
from suite.figures import Failed, Load

LUA = os.path.join(SOURCE, "bench", "push.lua")


class Late(Exception):
    """The load generator was itself late: the run's latencies mean nothing."""


def run_wrk(wrk, server, seconds, connections=16, timeout=None, openssl_conf=None, **settings):
    """One run of push.lua; settings are its environment without SLUICE_BENCH_. Returns (Load, command)."""
    environment = {"OPENSSL_CONF": openssl_conf} if openssl_conf else {}
    environment |= {"SLUICE_BENCH_" + name.upper(): str(int(value) if isinstance(value, bool) else value)
                   for name, value in settings.items()}
    command = pinned(LOAD_CORE, wrk, "-t1", "-c%d" % connections, "-d%ds" % seconds, "--timeout", "60s", "-s", LUA,
                     server.url + "/")
    shown = " ".join(["%s=%s" % pair for pair in environment.items()] + command)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    before, began = server.cpu_seconds(), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout,
                          env={**os.environ, **environment})
    took, cpu = time.monotonic() - began, server.cpu_seconds() - before
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = (after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime) / took
    found = re.search(r"RESULT requests=(\d+) duration_us=(\d+) status=(\d+) socket=(\d+) p50_us=\d+ p99_us=(\d+)", done.stdout)
    if not found:
        raise Failed("wrk: " + (done.stdout + done.stderr)[-500:])
    requests, duration, bad, broken, p99 = map(int, found.groups())
    # wrk counts the end of each connection that an answer closed among its errors.
    if bad or (broken and not settings.get("close")):
        raise Failed("%s: %d bad statuses, %d broken connections" % (server.name, bad, broken))
    return Load(requests / (duration / 1e6), cpu / max(requests, 1), busy, p99 / 1e6), shown


def run_sluice_load(binary, server, *flags):
    """One run of sluice-load; returns (its JSON, command). Late when it refused its own figures."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = pinned(LOAD_CORE, binary, *flags, "--json", file.name, "--server-pid", str(server.process.pid), server.url)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 3:
            raise Late(json.load(file)["conclusion"])
        if done.returncode != 0:
            raise Failed("sluice-load with %s: %s" % (server.name, (done.stdout + done.stderr).strip()[-500:]))
        return json.load(file), " ".join(command[:-5] + command[-1:])


def as_load(result):
    """The Load of a closed loop by sluice-load."""
    return Load(float(result["throughput"]["per_second"]), float(result["own"]["server_cpu_us_per_request"]) / 1e6,
                float(result["own"]["busy_percent"]) / 100)


class Line:
    """A connection that sends requests and counts their answers; bodies of answers must not look like status lines."""

    def __init__(self, server):
        self.server, self.socket = server, server.connect()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data, answers):
        """Sends, waits for so many answers, and requires each to be of 200 to 299."""
        self.socket.sendall(data)
        got, tail = 0, b""
        while got < answers:
            piece = self.socket.recv(1 << 16)
            if not piece:
                raise Failed(self.server.name + " closed the connection")
            # A status line may be cut in two: what is looked at begins with the end of the piece before, too short
            # to hold one that was counted.
            text = tail + piece
            statuses = re.findall(rb"HTTP/1\.1 (\d\d\d)", text)
            for status in statuses:
                if not 200 <= int(status) < 300:
                    raise Failed("%s answered %s: %r" % (self.server.name, status.decode(), text[-300:]))
            got += len(statuses)
            tail = text[-11:]

    def ask(self, method, target, body=b""):
        self.send(request(method, target, body), 1)


def fill(server, groups, gauges=10):
    """Pushes every group of push.lua once."""
    with Line(server) as line:
        for data, answers in fill_batches(groups, gauges):
            line.send(data, answers)


def scrape_command(server, gzip):
    return pinned(LOAD_CORE, "curl", "--silent", "--show-error", "--output", os.devnull, "--write-out",
                  "%{time_total} %{size_download} %{time_starttransfer} %{http_code}",
                  *(["--header", "Accept-Encoding: gzip"] if gzip else []), server.url + "/metrics")


def scrape(server, gzip=False):
    """(seconds, bytes, seconds to the first byte) of one whole scrape by curl, and the command."""
    command = scrape_command(server, gzip)
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    return scraped(server, done.returncode, done.stdout, done.stderr), " ".join(command)


def scraped(server, code, out, errors):
    if code != 0:
        raise Failed("curl: " + errors.strip())
    text = out.split()
    if text[3] != "200":
        raise Failed("%s: a scrape was answered with %s" % (server.name, text[3]))
    return float(text[0]), int(text[1]), float(text[2])


def scrape_at_once(server, scrapers, gzip):
    """As scrape(), so many that begin together; a list of what it returns, and a command."""
    command = scrape_command(server, gzip)
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for _ in range(scrapers)]
    ended = [(one, *one.communicate(timeout=600)) for one in running]
    return [scraped(server, one.returncode, out, errors) for one, out, errors in ended], " ".join(command)
