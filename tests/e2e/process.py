"""The process from outside: start, addresses, signals, refusals, logs. Each check runs the real binary."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time

from compare import pushed_lines
from gateway import Checks, Gateway, Reader, arguments, make_request, read_response


def run_to_end(options, *flags, env=None):
    return subprocess.run([options.binary, *flags], capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, **(env or {})})


def check_flags(checks, options):
    for flags, wanted in (
            (("--x",), "sluice: error: unknown long flag '--x', try --help\n"),
            (("--log.level=loud",), "sluice: error: unrecognized log level loud, try --help\n"),
            (("extra",), "sluice: error: unexpected extra, try --help\n")):
        ended = run_to_end(options, *flags)
        checks.equal((ended.returncode, ended.stdout, ended.stderr), (1, "", wanted), "flags", flags)
    for flag, wanted in (("--help", "--web.listen-address"), ("--version", "sluice, version ")):
        ended = run_to_end(options, flag)
        checks.equal((ended.returncode, ended.stderr), (0, ""), flag)
        checks.that(wanted in ended.stdout, flag, ended.stdout)


def check_bad_addresses(checks, options):
    for address in ("nonsense", "127.0.0.1:99999", "256.0.0.1:9", "unix://", "127.0.0.1:"):
        ended = run_to_end(options, "--web.listen-address=" + address)
        checks.equal(ended.returncode, 1, "bad address", address, ended.stderr)
        last = ended.stderr.strip().split("\n")[-1]
        checks.that(address in last, "bad address", address, last)


def check_second_gateway(checks, options):
    with Gateway(options.binary, backend=options.backend) as first:
        address = "127.0.0.1:%d" % first.port
        ended = run_to_end(options, "--web.listen-address=" + address)
        last = ended.stderr.strip().split("\n")[-1]
        checks.equal(ended.returncode, 1, "second gateway", ended.stderr)
        checks.that(address in last and "web.listen-address" in last, "second gateway names address and flag", last)
        checks.equal(first.request("GET", "/-/ready").text, "OK", "the first one goes on")


def check_every_address(checks, options):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "gateway.sock")
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(path)
        stale.close()  # leaves the file behind
        flags = ["--web.listen-address=unix://" + path, "--web.listen-address=[::1]:0", "--web.unix-socket-mode=0600"]
        with Gateway(options.binary, flags, options.backend) as gateway:
            checks.that(gateway.wait_for_log(r"\[::1\]:\d+"), "IPv6 address in the log", gateway.log)
            checks.equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode of the socket")
            for number in range(32):  # more than one worker's share
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.settimeout(60)
                    sock.connect(path)
                    sock.sendall(make_request("PUT", "/metrics/job/unix/n/%d" % number, b"x 1\n"))
                    checks.equal(read_response(Reader(sock)).status, 200, "push over the Unix socket")
            port = int(re.search(r"\[::1\]:(\d+)", "\n".join(gateway.log)).group(1))
            with socket.create_connection(("::1", port), timeout=60) as sock:
                sock.sendall(make_request("GET", "/metrics"))
                text = read_response(Reader(sock)).text
            checks.equal(len([line for line in pushed_lines(text) if line.startswith("x{")]), 32, "all are in a scrape")
            ended = run_to_end(options, "--web.listen-address=unix://" + path)
            checks.that(ended.returncode == 1 and path in ended.stderr, "a live socket is refused", ended.stderr)
        checks.that(not os.path.exists(path), "the socket file is removed at the end")


def check_both_families(checks, options):
    with Gateway(options.binary, backend=options.backend, address=":0") as gateway:
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, gateway.port), timeout=60) as sock:
                sock.sendall(make_request("GET", "/-/healthy"))
                checks.equal(read_response(Reader(sock)).text, "OK", "address without a host serves", host)


def check_signals(checks, options):
    for how in (signal.SIGTERM, signal.SIGINT):
        gateway = Gateway(options.binary, backend=options.backend)
        idle = gateway.connect()
        busy = gateway.connect()
        request = make_request("PUT", "/metrics/job/late", b"x 1\n")
        busy.sendall(request[:-3])
        time.sleep(0.1)  # so that the head is likely read; the test holds either way
        waiter = threading.Thread(target=lambda g=gateway, h=how: checks.equal(g.stop(h), 0, "exit code after", h))
        waiter.start()
        checks.that(gateway.wait_for_log("SIGINT/SIGTERM"), "the signal is logged", gateway.log)
        busy.sendall(request[-3:])
        answer = b""
        try:
            answer = read_response(Reader(busy)).status
        except (EOFError, OSError):
            pass
        checks.equal(answer, 200, "a request in flight is finished after", how)
        waiter.join(60)
        checks.that(not waiter.is_alive(), "ends within its bound")
        checks.equal(idle.recv(100), b"", "idle connections are closed")
        idle.close()
        busy.close()


def check_accepted_at_stop(checks, options):
    """Connections that wait in the accept queue when SIGTERM comes are served."""
    gateway = Gateway(options.binary, backend=options.backend)
    socks = [gateway.connect() for _ in range(64)]
    for number, sock in enumerate(socks):
        sock.sendall(make_request("PUT", "/metrics/job/q/n/%d" % number, b"x 1\n"))
    checks.equal(gateway.stop(), 0, "exit code with a full queue")
    answers = 0
    for sock in socks:
        try:
            answers += read_response(Reader(sock)).status == 200
        except (EOFError, OSError):
            pass
        sock.close()
    checks.equal(answers, 64, "every waiting connection is served before the end")


def check_logs(checks, options):
    with Gateway(options.binary, ["--log.level=debug"], options.backend) as gateway:
        gateway.request("PUT", "/metrics/job/a", b"x one\n")
        gateway.request("PUT", "/metrics/job/a", b"x 1 5\n")
        line = (r'^ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=error caller=\w+\.cc:\d+ msg="pushed metrics are invalid '
                r'or inconsistent with existing metrics" method=PUT source=127\.0\.0\.1:\d+ '
                r'err="pushed metrics must not have timestamps"$')
        checks.that(gateway.wait_for_log(line), "line of an inconsistent push", gateway.log[-5:])
        checks.that(gateway.wait_for_log(r"level=debug .*text format parsing error"), "line of a malformed push",
                    gateway.log[-5:])
        checks.that(any("backend" in entry for entry in gateway.log), "one line says which backend", gateway.log)
    with Gateway(options.binary, ["--log.format=json"], options.backend) as gateway:
        for entry in gateway.log:
            fields = json.loads(entry)
            checks.that({"ts", "level", "caller", "msg"} <= set(fields), "JSON log", entry)


def check_full_stderr(checks, options):
    """Nobody reads stderr while 10,000 bad pushes arrive: good pushes go on, and the end comes within its bound."""
    reading, writing = os.pipe()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = [options.binary, "--web.listen-address=127.0.0.1:%d" % port, "--log.level=debug"]
    if options.backend:
        flags.append("--net.backend=" + options.backend)
    os.set_blocking(writing, False)
    try:
        while os.write(writing, b"x" * 4096):
            pass
    except BlockingIOError:
        pass
    os.set_blocking(writing, True)
    process = subprocess.Popen(flags, stderr=writing, stdin=subprocess.DEVNULL)
    sock = None
    for _ in range(600):
        try:
            sock = socket.create_connection(("127.0.0.1", port), timeout=60)
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    reader = Reader(sock)
    bad = make_request("PUT", "/metrics/job/bad", b"x 1 5\n")
    statuses = set()
    for _ in range(200):
        sock.sendall(bad * 50)
        statuses |= {read_response(reader).status for _ in range(50)}
    checks.equal(statuses, {400}, "bad pushes are answered")
    sock.sendall(make_request("PUT", "/metrics/job/good", b"x 1\n"))
    checks.equal(read_response(reader).status, 200, "a good push goes on")
    sock.close()
    process.send_signal(signal.SIGTERM)
    checks.equal(process.wait(60), 0, "ends although stderr is full")
    os.close(reading)
    os.close(writing)


def check_quit(checks, options):
    gateway = Gateway(options.binary, ["--web.enable-lifecycle"], options.backend)
    for header in (("Origin", "http://foreign.test"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")):
        answer = gateway.request("POST", "/-/quit", headers=[header])
        checks.equal(answer.status, 403, "a form of a foreign page", header)
    checks.equal(gateway.request("GET", "/-/healthy").status, 200, "after it")
    answer = gateway.request("PUT", "/-/quit")
    checks.equal((answer.status, answer.text), (200, "Requesting termination... Goodbye!"), "/-/quit")
    checks.equal(gateway.process.wait(60), 0, "exit code after /-/quit")


def main():
    options = arguments()
    checks = Checks("process")
    for check in (check_flags, check_bad_addresses, check_second_gateway, check_every_address, check_both_families,
                  check_signals, check_accepted_at_stop, check_logs, check_full_stderr, check_quit):
        check(checks, options)
    checks.finish()


main()
