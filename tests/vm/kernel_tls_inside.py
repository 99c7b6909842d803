"""What tests/vm/kernel_tls runs in its machine."""

import argparse
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))

from certificates import make_all  # noqa: E402  (the path is set just above)
from gateway import Checks, Gateway  # noqa: E402

BACKENDS = ("io_uring", "epoll")
CONFIG = "tls_server_config: {cert_file: other.crt, key_file: other.key}\n"


def sealed():
    """Connections whose sending side the kernel has begun to seal, since it started."""
    with open("/proc/net/tls_stat", encoding="ascii") as file:
        return int(next(line.split()[1] for line in file if line.startswith("TlsTxSw")))


def without_kernel(binary, folder):
    path = os.path.join(folder, "sluice-without")
    with open(path, "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\nexec "%s" "$@" --no-net.kernel-tls\n' % os.path.abspath(binary))
    os.chmod(path, 0o755)
    return path


def run_tests(tests, binary, folder, checks):
    for backend in BACKENDS:
        for kernel, program in ((True, os.path.abspath(binary)), (False, without_kernel(binary, folder))):
            for test in tests:
                before = sealed()
                done = subprocess.run([sys.executable, "-B", os.path.join(SOURCE, test), "--binary", program, "--backend", backend],
                                      capture_output=True, text=True, check=False)
                count = sealed() - before
                name = "%s on %s, %s" % (test, backend, "kTLS" if kernel else "OpenSSL")
                checks.that(done.returncode == 0, name, done.stdout[-2000:], done.stderr[-500:])
                checks.that(count > 0 if kernel else count == 0, name, "the kernel sealed %d connections" % count)
                print("%s: exit code %d, %d connections sealed by the kernel" % (name, done.returncode, count), flush=True)


class Client:
    """A connection of HTTP over TLS."""

    def __init__(self, port, version, session=None, receive_bytes=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        self.context = context if session is None else session.context
        raw = socket.socket()
        if receive_bytes is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        raw.settimeout(60)
        raw.connect(("127.0.0.1", port))
        self.socket = self.context.wrap_socket(raw, session=None if session is None else session.socket.session)
        self.file = self.socket.makefile("rb")

    def ask(self, method, path, body=b"", pause=0.0):
        self.socket.sendall(b"%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (method, path, len(body)) + body)
        return self.read(pause)

    def read(self, pause=0.0):
        status = int(self.file.readline().split()[1])
        length, chunked = 0, False
        while (line := self.file.readline().strip()) != b"":
            name, value = line.lower().split(b":", 1)
            length = int(value) if name == b"content-length" else length
            chunked = chunked or (name == b"transfer-encoding" and value.strip() == b"chunked")
        if not chunked:
            return status, self.file.read(length)
        pieces = []
        while size := int(self.file.readline(), 16):
            time.sleep(pause)
            pieces.append(self.file.read(size))
            self.file.readline()
        self.file.readline()
        return status, b"".join(pieces)


def page(scraped):
    """The lines of pushed families."""
    return sorted(line for line in scraped.splitlines() if line.startswith(b"large_"))


def own_checks(binary, folder, kernel, checks):
    """Large answers, read fast and slowly; sessions resumed; an end that is told."""
    body = b"".join(b'large_%d{label="%s"} %d\n' % (i, b"x" * 60, i) for i in range(15_000))
    wanted = len(body.splitlines())
    for backend in BACKENDS:
        before = sealed()
        with Gateway(binary, ("--web.config.file=" + os.path.join(folder, "web.yml"),), backend=backend) as gateway:
            port = gateway.port
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                name = "%s %s" % (backend, version.name)
                first = Client(port, version)
                checks.equal(first.ask(b"POST", b"/metrics/job/large", body)[0], 200, name)
                status, scraped = first.ask(b"GET", b"/metrics")
                checks.equal((status, len(page(scraped))), (200, wanted), name)
                slow = Client(port, version, receive_bytes=4096)
                status, again = slow.ask(b"GET", b"/metrics", pause=0.02)
                checks.equal((status, page(again)), (200, page(scraped)), name + ", read slowly")
                for _ in range(50):
                    checks.equal(first.ask(b"POST", b"/metrics/job/small", b"a 1\n")[0], 200, name)
                resumed = Client(port, version, session=first)
                checks.equal(resumed.ask(b"GET", b"/-/ready")[0], 200, name + ", resumed")
                checks.that(resumed.socket.session_reused, name, "was not resumed")
                resumed.socket.sendall(b"GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                checks.equal(resumed.read()[0], 200, name + ", the last one")
                # Python raises where the end is not told by an alert.
                checks.equal(resumed.file.read(), b"", name + ", end")
        count = sealed() - before
        # As many again have asked at the start which versions and ciphers it takes.
        checks.equal(count, 6 + 6 if kernel else 0, backend, "connections that the kernel sealed")
        print("large answers, resumed sessions and ends on %s: done, %d connections sealed by the kernel" % (backend, count), flush=True)


def cpu_seconds(process):
    with open("/proc/%d/stat" % process.pid, encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(binary, folder, extra, load):
    flags = ("--web.config.file=" + os.path.join(folder, "web.yml"), "--runtime.workers=1", *extra)
    with Gateway(binary, flags, backend="io_uring") as gateway:
        for task in os.listdir("/proc/%d/task" % gateway.process.pid):
            os.sched_setaffinity(int(task), {0})
        return load(gateway)


def pushes(gateway):
    script = os.path.join(SOURCE, "bench", "push.lua")
    command = ["taskset", "-c", "1", os.path.join(SOURCE, "build/peers/bin/wrk"), "-t1", "-c16", "-d4s", "-s", script,
               "https://127.0.0.1:%d/" % gateway.port]
    began = cpu_seconds(gateway.process)
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    count = int(next(line.split()[0] for line in printed.splitlines() if "requests in" in line))
    return (cpu_seconds(gateway.process) - began) / count * 1e6


def scrapes(gateway):
    client = Client(gateway.port, ssl.TLSVersion.TLSv1_3)
    body = b"".join(b'large_%d{label="%s"} %d\n' % (i, b"x" * 30, i) for i in range(15_000))
    for job in range(20):
        client.ask(b"POST", b"/metrics/job/%d" % job, body)
    command = ["taskset", "-c", "1", "curl", "-sk", "-o", "/dev/null"] + ["https://127.0.0.1:%d/metrics" % gateway.port, "-o", "/dev/null"] * 9
    command += ["https://127.0.0.1:%d/metrics" % gateway.port]
    subprocess.run(command, check=True)
    began = cpu_seconds(gateway.process)
    for _ in range(3):
        subprocess.run(command, check=True)
    return (cpu_seconds(gateway.process) - began) / 30 * 1e6


def bench(binary, folder):
    for name, load in (("push", pushes), ("scrape of 300,000 series", scrapes)):
        rounds = {"kTLS": [], "OpenSSL": []}
        for _ in range(5):
            rounds["kTLS"].append(measure(binary, folder, (), load))
            rounds["OpenSSL"].append(measure(binary, folder, ("--no-net.kernel-tls",), load))
        for kind, figures in rounds.items():
            print("%s, %s: %.1f us of CPU (%.1f to %.1f)" % (name, kind, statistics.median(figures), min(figures), max(figures)), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--bench", action="store_true")
    parser.add_argument("--tests", nargs="*", default=[])
    options = parser.parse_args()
    checks = Checks("kernel_tls")
    with tempfile.TemporaryDirectory() as folder:
        make_all(folder)
        with open(os.path.join(folder, "web.yml"), "w", encoding="utf-8") as file:
            file.write(CONFIG)
        if options.bench:
            bench(options.binary, folder)
            return 0
        own_checks(options.binary, folder, True, checks)
        own_checks(without_kernel(options.binary, folder), folder, False, checks)
        run_tests(options.tests, options.binary, folder, checks)
    return checks.finish()


sys.exit(main())
