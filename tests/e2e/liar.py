"""A small gateway that can be told to lie, so that sluice-load can be seen to notice.

Takes pushes in the plain text that sluice-load sends and shows them as a gateway does. One lie at a time:
lose (one push is acknowledged and dropped), double (one series is shown twice), invent (one value that nobody sent), stale
(a deleted group stays), foreign (a series that nobody pushed), refuse (every push is a 500).
"""

import re
import socketserver
import threading

PATH = re.compile(r"/metrics/job/([^/]+)/instance/([^/]+)$")


class Liar(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, lie=None, lose_at=0):
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.server_address[1]
        self.lie, self.lose_at = lie, lose_at
        self.groups = {}
        self.pushes = 0
        self.victim = None  # the instance that the lie is about
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def answer(self, method, path, body):
        """Status and body."""
        if method == "GET":
            with self.lock:
                return 200, self.scrape()
        key = PATH.search(path).groups()
        with self.lock:
            if method == "DELETE":
                if self.lie == "stale":
                    self.victim = self.victim or key[1]
                if self.lie != "stale" or self.victim != key[1]:
                    self.groups.pop(key, None)
                return 202, ""
            if self.lie == "refuse":
                return 500, "no\n"
            self.pushes += 1
            if self.lie == "lose" and self.pushes == self.lose_at:
                self.victim = key[1]
            else:
                self.groups[key] = body
        return 200, ""

    def scrape(self):
        lines = []
        lie = self.lie
        for (job, instance), body in self.groups.items():
            labels = 'instance="%s",job="%s"' % (instance, job)
            for line in body.splitlines():
                if line.startswith("#"):
                    continue
                name, rest = re.match(r"([a-z_0-9]+)(.*)", line).groups()
                line = name + ("{" + labels + "," + rest[1:] if rest.startswith("{") else "{" + labels + "}" + rest)
                if lie in ("double", "invent", "foreign"):
                    self.victim = instance
                    if lie == "double":
                        lines.append(line)
                    elif lie == "foreign":
                        lines.append(line.replace(name, "nobody_pushed_this", 1))
                    else:
                        line = line.rsplit(" ", 1)[0] + " 123456.01"
                    lie = None
                lines.append(line)
            lines += ["push_time_seconds{%s} 1.7e+09" % labels, "push_failure_time_seconds{%s} 0" % labels]
        return "\n".join(lines) + "\n"


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            while self.one():
                pass
        except (ConnectionError, ValueError):
            pass

    def one(self):
        first = self.rfile.readline().decode().split(" ")
        if len(first) < 2:
            return False
        length = 0
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        status, text = self.server.answer(first[0], first[1], self.rfile.read(length).decode())
        data = text.encode()
        self.wfile.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(data)) + data)
        return True
