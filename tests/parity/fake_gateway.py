"""A toy gateway with one flaw of choice, to show that the referee finds and shrinks it. It stores lines, checks nothing."""

import http.server
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Quiet."""

    def answer(self, status, body="", content_type=None, extra=()):
        data = body.encode()
        self.send_response_only(status)
        for name, value in ((("Content-Type", content_type),) if content_type else ()) + tuple(extra):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def read_body(self):
        if (self.headers.get("Transfer-Encoding") or "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while True:
            size = int(self.rfile.readline(), 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body

    def do(self):
        body = self.read_body()
        if self.path == "/api/v1/admin/wipe":
            self.server.groups.clear()
            return self.answer(202)
        if self.path == "/api/v1/metrics":
            return self.answer(
                200, '{"status":"success","data":[%s]}' % ",".join("{}" for _ in self.server.groups), "application/json"
            )
        if self.path == "/metrics" and self.command == "GET":
            return self.answer(200, self.exposition(), "text/plain; version=0.0.4")
        if not self.path.startswith("/metrics/job/"):
            return self.answer(404, "404 page not found\n", "text/plain")
        if self.command == "DELETE":
            self.server.groups.pop(self.path, None)
            return self.answer(202)
        return self.push(body.decode("utf-8", "backslashreplace"))

    do_GET = do_PUT = do_POST = do_DELETE = do

    def push(self, text):
        flaw, groups = self.server.flaw, self.server.groups
        if flaw == "closes" and "n 2\n" in text:
            self.close_connection = True
            return None
        if flaw == "status" and "n 2\n" in text and any("m 1\n" in other for other in groups.values()):
            return self.answer(400, "no\n", "text/plain")
        groups[self.path] = text if self.command == "PUT" else groups.get(self.path, "") + text
        return self.answer(
            200, extra=(("X-Content-Type-Options", "nosniff"),) if flaw == "header" and "n 2\n" in text else ()
        )

    def exposition(self):
        """Families a, ..., in order, each with the lines of every group, and when each group was pushed."""
        flaw, families = self.server.flaw, {}
        groups = sorted(self.server.groups.items(), reverse=flaw == "group order")
        for path, text in groups:
            job = path.split("/")[3]
            for line in text.split("\n"):
                name, _, value = line.partition(" ")
                if line and not line.startswith("#") and not (flaw == "line" and line == "n 2"):
                    families.setdefault(name, []).append('%s{job="%s",l="%s"} %s' % (name, job, value, value))
            families.setdefault("push_time_seconds", []).append('push_time_seconds{job="%s"} %d' % (job, id(self.server)))
        out = ""
        for name in sorted(families, reverse=flaw == "family order"):
            lines = families[name][::-1] if flaw == "order" else families[name]
            out += "# TYPE %s untyped\n%s\n" % (name, "\n".join(lines))
        return out


class FakeGateway(http.server.ThreadingHTTPServer):
    """Start with start(), which gives the port. Flaws: see Handler."""

    daemon_threads = True

    def __init__(self, flaw=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.flaw = flaw
        self.groups = {}

    def start(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self.server_address[1]

    def stop(self):
        self.shutdown()
        self.server_close()
