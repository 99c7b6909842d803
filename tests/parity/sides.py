"""The two servers that are compared: a process each, or what a test puts in their place, and a connection that stays open."""

import os
import socket
import subprocess
import tempfile
import time

from gateway import Reader, read_response
from request import CLOSE, EXPECT

PATIENCE_S = 0.1


class Answer:
    """What came back; status None where the connection ended without an answer, or none came for long."""

    def __init__(self, status, headers=(), body=b""):
        self.status = status
        self.headers = list(headers)
        self.body = body
        self.by_name = {key.lower(): value for key, value in reversed(self.headers)}

    def header(self, name):
        return self.by_name.get(name.lower())

    @property
    def text(self):
        return self.body.decode("utf-8", "backslashreplace")


class Connection:
    """Requests on one connection, which is opened again when the server has closed it."""

    def __init__(self, port, timeout=30):
        self.port = port
        self.timeout = timeout
        self.reader = None

    def close(self):
        if self.reader is not None:
            self.reader.sock.close()
            self.reader = None

    def open(self):
        if self.reader is None:
            sock = socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.reader = Reader(sock)
        return self.reader

    def send(self, batch):
        """The whole batch in one write; of a request that expects a word first, only its head."""
        if batch[0].framing == CLOSE:
            self.close()
        data = b"".join(r.head() + (b"" if r.framing == EXPECT else r.framed_body()) for r in batch)
        try:
            self.open().sock.sendall(data)
        except OSError:
            # It closed the connection after its last answer and this write was the first to notice.
            self.close()
            self.open().sock.sendall(data)

    def receive(self, batch):
        return [self.receive_one(request) for request in batch]

    def receive_one(self, request):
        if self.reader is None:
            return Answer(None)
        try:
            if request.framing == EXPECT:
                self.after_continue(request)
            response = read_response(self.reader, request.method)
        except (EOFError, ConnectionError, TimeoutError):
            self.close()
            return Answer(None)
        if (response.header("Connection") or "").lower() == "close":
            self.close()
        return Answer(response.status, response.headers, response.body)

    def after_continue(self, request):
        """Sends the body once the server asked for it; a final answer instead stays in the buffer.

        Without either the body goes out after a moment, as clients do it: the reference, where it refuses a path, reads the
        body that it never asked for before it answers.
        """
        reader = self.reader
        reader.sock.settimeout(PATIENCE_S)
        try:
            while b"\r\n\r\n" not in reader.buffer:
                if not reader.more():
                    raise EOFError
        except TimeoutError:
            pass
        reader.sock.settimeout(self.timeout)
        if not reader.buffer or reader.buffer.startswith(b"HTTP/1.1 100"):
            reader.sock.sendall(request.framed_body())


class Side:
    """A server under comparison. `start` gives its port and may be called again after it ended."""

    def __init__(self, name, start):
        self.name = name
        self.start = start
        self.connection = Connection(start())

    def send(self, batch):
        self.connection.send(batch)

    def receive(self, batch):
        return self.connection.receive(batch)

    def ask(self, request):
        """One request by itself, on the connection that stays."""
        self.connection.send([request])
        return self.connection.receive_one(request)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Process:
    """A gateway binary on a free port of loopback; `start` gives the port, `stop` ends it."""

    def __init__(self, name, binary, flags):
        self.name = name
        self.command = [binary, *flags]
        self.process = None
        self.log = tempfile.TemporaryFile()  # its stderr: a pipe would have to be read all the time

    def start(self):
        self.stop()
        for _ in range(3):  # another process may take the port between the look and the start
            port = free_port()
            self.process = subprocess.Popen(
                self.command + ["--web.listen-address=127.0.0.1:%d" % port],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.log,
            )
            if self.wait_for(port):
                return port
        raise RuntimeError("%s did not start: %s" % (self.name, self.last_log()))

    def wait_for(self, port):
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                return True
            except OSError:
                time.sleep(0.02)
        return False

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def last_log(self, count=2000):
        size = self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, size - count))
        return self.log.read().decode("utf-8", "backslashreplace")

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
