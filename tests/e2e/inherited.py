"""--web.systemd-socket: listening sockets from a service manager, and a restart behind one that refuses nobody."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from gateway import Checks, Reader, arguments, make_request, read_response


def start(options, sockets, *flags):
    """A gateway that finds `sockets` as a service manager would hand them over."""
    first = 3

    def place():
        # Out of the way first: a source may lie where another one is to go.
        high = [os.dup2(sock.fileno(), 100 + i) for i, sock in enumerate(sockets)]
        for i, descriptor in enumerate(high):
            os.dup2(descriptor, first + i)

    shell = 'LISTEN_PID=$$ LISTEN_FDS=%d exec "$@"' % len(sockets)
    command = ["sh", "-c", shell, "sh", options.binary, "--web.systemd-socket", *flags]
    if options.backend:
        command.append("--net.backend=" + options.backend)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            preexec_fn=place, close_fds=False)


def exchange(address, method, target, body=b""):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as sock:
        sock.settimeout(60)
        sock.connect(address)
        sock.sendall(make_request(method, target, body, [("Connection", "close")]))
        return read_response(Reader(sock), method)


def end(process):
    process.send_signal(signal.SIGTERM)
    log = process.stderr.read().decode()
    return process.wait(60), log


def check_handed_over(checks, options):
    with tempfile.TemporaryDirectory() as folder, socket.socket() as tcp, socket.socket(socket.AF_UNIX) as local:
        path = os.path.join(folder, "gateway.sock")
        tcp.bind(("127.0.0.1", 0))
        tcp.listen(128)
        local.bind(path)
        local.listen(128)
        process = start(options, [tcp, local], "--runtime.workers=3")
        for number in range(24):
            address = path if number % 2 else tcp.getsockname()
            answer = exchange(address, "PUT", "/metrics/job/inherited/n/%d" % number, b"x 1\n")
            checks.equal(answer.status, 200, "push", number)
        text = exchange(path, "GET", "/metrics").text
        checks.equal(len(re.findall(r"^x\{", text, re.M)), 24, "all are in a scrape")
        counts = [int(n) for n in re.findall(r'^sluice_worker_connections\{worker="\d"\} (\d+)', text, re.M)]
        checks.equal(len(counts), 3, "three workers")
        code, log = end(process)
        checks.equal(code, 0, "exit code", log)
        checks.that("Listening on systemd activated listeners instead of port listeners." in log, "it says so", log)
        checks.that("127.0.0.1:%d" % tcp.getsockname()[1] in log, "the address is in the log", log)
        checks.that(os.path.exists(path), "the manager's socket file is left alone")


def check_restart_under_load(checks, options):
    """Connections that come while nobody accepts wait in the socket's queue."""
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen(4096)
        address = tcp.getsockname()
        stop = threading.Event()
        failures = []
        done = [0] * 4

        def load(index):
            while not stop.is_set():
                try:
                    answer = exchange(address, "PUT", "/metrics/job/load/n/%d" % index, b"x 1\n")
                    if answer.status != 200:
                        failures.append("status %d" % answer.status)
                    done[index] += 1
                except (OSError, EOFError) as error:
                    failures.append(repr(error))

        process = start(options, [tcp])
        threads = [threading.Thread(target=load, args=(index,)) for index in range(len(done))]
        for thread in threads:
            thread.start()
        marks = []
        for _ in range(3):
            time.sleep(0.5)
            marks.append(sum(done))
            code, log = end(process)
            checks.equal(code, 0, "exit code", log)
            process = start(options, [tcp])
        time.sleep(0.5)
        marks.append(sum(done))
        stop.set()
        for thread in threads:
            thread.join(120)
        checks.equal(end(process)[0], 0, "exit code")
        checks.equal(failures, [], "no connection failed")
        checks.that(all(later > earlier for earlier, later in zip(marks, marks[1:])), "every process served", marks)


def check_without(checks, options):
    for environment in ({}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_FDS": "x"}):
        ended = subprocess.run([options.binary, "--web.systemd-socket"], capture_output=True, text=True, timeout=60,
                               check=False, env={**os.environ, **environment})
        checks.equal(ended.returncode, 1, environment)
        checks.that(ended.stderr.strip().endswith("no socket activation file descriptors found"), environment, ended.stderr)
    with tempfile.TemporaryFile() as file:
        process = start(options, [file])
        log = process.stderr.read().decode()
        checks.that(process.wait(60) == 1 and "--web.systemd-socket" in log and "not a listening socket" in log,
                    "a file is refused", log)


def check_systemd(checks, options):
    """The service manager's own tool."""
    tool = shutil.which("systemd-socket-activate")
    if tool is None:
        checks.skip("systemd-socket-activate", "not on this machine")
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = ["--web.systemd-socket", *(["--net.backend=" + options.backend] if options.backend else [])]
    process = subprocess.Popen([tool, "-l", "127.0.0.1:%d" % port, options.binary, *flags], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        for _ in range(600):
            try:
                answer = exchange(("127.0.0.1", port), "PUT", "/metrics/job/systemd", b"x 1\n")
                break
            except ConnectionRefusedError:
                time.sleep(0.05)  # the tool does not listen yet
        checks.equal(answer.status, 200, "the connection that started it is served")
        checks.that('x{instance="",job="systemd"} 1' in exchange(("127.0.0.1", port), "GET", "/metrics").text, "scrape")
    finally:
        checks.equal(end(process)[0], 0, "exit code")


def main():
    options = arguments()
    checks = Checks("inherited")
    check_handed_over(checks, options)
    check_restart_under_load(checks, options)
    check_without(checks, options)
    check_systemd(checks, options)
    checks.finish()


if __name__ == "__main__":
    main()
