"""What every end-to-end test needs: a gateway process of its own, a raw HTTP client, and a count of checks.

Standard library only. Everything talks to loopback and ends the process that it started.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def shared_cases():
    """The folder of outside cases, or None where there is only the repository."""
    folder = os.path.join(os.path.dirname(SOURCE), "shared", "cases")
    return folder if os.path.isdir(folder) else None


class Gateway:
    """One running gateway on a free port. Use as a context manager."""

    def __init__(self, binary, flags=(), backend=None, address="127.0.0.1:0", env=None, wrapper=()):
        command = [*wrapper, binary]
        if address:
            command.append("--web.listen-address=" + address)
        if backend:
            command.append("--net.backend=" + backend)
        command += list(flags)
        self.command = command
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})})
        self.log = []
        self.port = None
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        if not self._listening.wait(60) or self.port is None and not address.startswith("unix:"):
            self.process.kill()
            raise RuntimeError("the gateway did not start: " + "\n".join(self.log))
        if self.port is not None and any(flag.startswith("--persistence.file=") and flag[19:] for flag in flags):
            self.wait_ready()

    def wait_ready(self, timeout=60):
        """It listens before it has recovered its state."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.request("GET", "/-/ready").status == 200:
                    return
            except (OSError, EOFError):  # it may end while it answers
                pass
            time.sleep(0.01)
        self.process.kill()
        raise RuntimeError("the gateway did not become ready: " + "\n".join(self.log))

    def _read_log(self):
        for raw in self.process.stderr:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            self.log.append(line)
            found = re.search(r'[Ll]istening on"?,? ?"?address"?[=:]"?([^\s"]+)', line)
            if found:
                port = re.search(r":(\d+)$", found.group(1))
                if port:
                    self.port = int(port.group(1))
                self._listening.set()
        self._listening.set()

    def stop(self, how=signal.SIGTERM, timeout=60):
        """Ends the process and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError("the gateway did not end within %d s" % timeout) from None
        self._reader.join(10)
        return code

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            print("the gateway's exit code: %s, its last lines:" % self.process.poll(), *self.log[-20:], sep="\n", flush=True)
        self.stop()

    def connect(self, timeout=60):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def request(self, method, target, body=b"", headers=(), timeout=60):
        """One request on a connection of its own."""
        with self.connect(timeout) as sock:
            sock.sendall(make_request(method, target, body, headers))
            return read_response(Reader(sock), method)

    def scrape(self, headers=()):
        return self.request("GET", "/metrics", headers=headers)

    def wait_for_log(self, pattern, timeout=30):
        """True once a line of the log matches."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if any(re.search(pattern, line) for line in list(self.log)):
                return True
            time.sleep(0.02)
        return False


def make_request(method, target, body=b"", headers=()):
    """The bytes of a request with Host, and Content-Length where there is a body or a method that has one."""
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: gateway.test"]
    names = {name.lower() for name, _ in headers}
    lines += ["%s: %s" % tuple(pair) for pair in headers]
    if "content-length" not in names and "transfer-encoding" not in names and (body or method in ("POST", "PUT")):
        lines.append("Content-Length: %d" % len(body))
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


class Reader:
    """Buffered reads from a socket."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def more(self):
        data = self.sock.recv(262144)
        self.buffer += data
        return bool(data)

    def until(self, mark):
        while mark not in self.buffer:
            if not self.more():
                raise EOFError("connection closed after %r" % self.buffer[-200:])
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def exactly(self, count):
        parts = [self.buffer]
        have = len(self.buffer)
        while have < count:
            data = self.sock.recv(min(1 << 20, max(count - have, 1)))
            if not data:
                raise EOFError("connection closed %d bytes too early" % (count - have))
            parts.append(data)
            have += len(data)
        whole = b"".join(parts)
        self.buffer = whole[count:]
        return whole[:count]

    def rest(self):
        while self.more():
            pass
        data, self.buffer = self.buffer, b""
        return data


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # list of pairs, in order
        self.body = body

    def header(self, name):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    @property
    def text(self):
        return self.body.decode("utf-8", "backslashreplace")


def read_response(reader, method="GET"):
    """Reads one response, skipping 100 Continue."""
    while True:
        head = reader.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        if status != 100:
            break
    headers = [tuple(part.strip() for part in line.split(":", 1)) for line in head[1:]]
    response = Response(status, headers, b"")
    if method == "HEAD" or status in (204, 304):
        return response
    length = response.header("Content-Length")
    if (response.header("Transfer-Encoding") or "").lower() == "chunked":
        parts = []
        while True:
            size = int(reader.until(b"\r\n").split(b";")[0], 16)
            parts.append(reader.exactly(size))
            reader.exactly(2)
            if size == 0:
                break
        response.body = b"".join(parts)
    elif length is not None:
        response.body = reader.exactly(int(length))
    else:
        response.body = reader.rest()
    return response


class Checks:
    """Counts checks; the test fails when one failed or when none was made."""

    def __init__(self, name):
        self.name = name
        self.made = 0
        self.failed = []
        self.not_run = []

    def that(self, condition, *what):
        self.made += 1
        if not condition:
            text = " ".join(str(part) for part in what)
            self.failed.append(text)
            print("FAILED:", text[:3000], flush=True)
        return bool(condition)

    def equal(self, got, wanted, *what):
        return self.that(got == wanted, *what, "\n   got:    %r\n   wanted: %r" % (got, wanted))

    def skip(self, name, reason):
        """For what could not run at all on this machine."""
        self.not_run.append((name, reason))
        print("NOT RUN: %s: %s" % (name, reason), flush=True)

    def finish(self):
        print("%s: %d checks, %d failed" % (self.name, self.made, len(self.failed)))
        sys.exit(1 if self.failed or self.made == 0 and not self.not_run else 0)


def arguments(**extra):
    """--binary and --backend, which every test takes; `extra` maps further options to their defaults."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--backend", default=None)
    for name, default in extra.items():
        parser.add_argument("--" + name, default=default, type=type(default) if default is not None else str)
    options = parser.parse_args()
    if options.backend == "io_uring":
        stop_where_refused(options)
    return options


def stop_where_refused(options):
    """Ends the test as not run where the kernel or a container's policy refuses io_uring."""
    try:
        Gateway(options.binary, backend=options.backend).stop()
    except RuntimeError as error:
        if "cannot be used here" not in str(error):
            raise
        print("NOT RUN: io_uring: %s" % error)
        sys.exit(0)
