"""What a running gateway costs, as the kernel counts it; and a good client beside an attack. Linux only."""

import os
import re
import subprocess
import sys
import threading
import time

E2E = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e")
sys.path.insert(0, E2E)

from gateway import Reader, make_request, read_response  # noqa: E402  pylint: disable=wrong-import-position

MIB = 1 << 20


def confined(*how):
    """A wrapper for Gateway: see tests/e2e/confined.py."""
    return (sys.executable, os.path.join(E2E, "confined.py"), *how, "--")


def has_flag(options, name):
    """Whether the binary knows a flag."""
    told = subprocess.run([options.binary, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    return re.search(r"--(\[no-\])?" + re.escape(name) + r"\b", told) is not None


def path_of(gateway, name):
    return "/proc/%d/%s" % (gateway.process.pid, name)


def status_bytes(gateway, field):
    with open(path_of(gateway, "status"), encoding="ascii") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("no %s: the gateway has ended" % field)


def resident(gateway):
    return status_bytes(gateway, "VmRSS")


class Memory:
    """The most resident memory since it was made, beyond what there was then."""

    def __init__(self, gateway):
        self.gateway = gateway
        with open(path_of(gateway, "clear_refs"), "w", encoding="ascii") as file:
            file.write("5")  # the peak begins anew
        self.before = resident(gateway)

    def grown(self):
        return status_bytes(self.gateway, "VmHWM") - self.before


def is_sanitized(gateway):
    """A sanitizer keeps freed memory and shadows it, so memory is not judged then."""
    with open(path_of(gateway, "exe"), "rb") as file:
        program = file.read()
    return b"__asan_init" in program or b"__tsan_init" in program


def cpu_seconds(gateway):
    """CPU time of all threads that are alive, to the nanosecond."""
    total = 0
    for task in os.listdir(path_of(gateway, "task")):
        try:
            with open(path_of(gateway, "task/%s/schedstat" % task), encoding="ascii") as file:
                total += int(file.read().split()[0])
        except FileNotFoundError:
            pass
    return total / 1e9


def cpu_seconds_in_all(gateway):
    """The same of threads that have ended too, to ten milliseconds."""
    with open(path_of(gateway, "stat"), encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(gateway):
    return len(os.listdir(path_of(gateway, "fd")))


def wait_until(condition, seconds=60):
    """Whether the condition came true. The bound is for a test that would wait for ever, nothing is judged by it."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class GoodClient:
    """A client that asks for something small again and again, each time on a new connection or always on one. Context
    manager; afterwards `statuses`, `errors` and `times` in seconds."""

    def __init__(self, gateway, method="GET", target="/-/ready", body=b"", headers=(), keep_alive=False, pause=0.01):
        self.gateway = gateway
        self.request = make_request(method, target, body, headers)
        self.keep_alive = keep_alive
        self.pause = pause
        self.statuses = {}
        self.errors = []
        self.times = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        sock = reader = None
        while not self.stop.wait(self.pause):
            began = time.monotonic()
            try:
                if sock is None:
                    sock = self.gateway.connect(timeout=60)
                    reader = Reader(sock)
                sock.sendall(self.request)
                status = read_response(reader).status
                self.statuses[status] = self.statuses.get(status, 0) + 1
                self.times.append(time.monotonic() - began)
            except (OSError, EOFError) as error:
                self.errors.append(repr(error))
            if not self.keep_alive or self.errors:
                if sock is not None:
                    sock.close()
                sock = None
        if sock is not None:
            sock.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(120)

    def percentile(self, fraction):
        """Seconds; infinite when nothing was answered."""
        return sorted(self.times)[min(int(len(self.times) * fraction), len(self.times) - 1)] if self.times else float("inf")

    def told(self):
        return "%d answers, median %.1f ms, p99 %.1f ms, longest %.1f ms, %d errors" % (
            len(self.times), 1e3 * self.percentile(0.5), 1e3 * self.percentile(0.99), 1e3 * self.percentile(1), len(self.errors))
