"""nginx and HAProxy in front of the gateway, and the gateway by itself, see the same requests in the same bytes.

    python3 tests/hostile/borders.py --binary build/debug/sluice [--count 300] [--seed 7] [--number N]

Mutated streams of pipelined requests go to the gateway directly and through each proxy, which keeps its connections to the
gateway open from stream to stream. Three things must hold for each stream:

- The gateway answers as many requests as the proxy says that it has passed on. One more, and a client has smuggled it.
- What comes through the proxy next, over the same connection, gets its own answer.
- Where neither side complains of a stream, it has as many answers directly as through the proxy; and who complains has
  served no more than who does not.

`--number` runs one stream of a seed and shows it. The proxies are Debian's, unpacked by tools/peers.
"""

import argparse
import os
import random
import re
import select
import socket
import subprocess
import tempfile
import threading
import time

from process_figures import wait_until

from gateway import SOURCE, Checks, Gateway, Reader, make_request, read_response, stop_where_refused

COMPLAINTS = (400, 405, 408, 411, 413, 414, 417, 431, 500, 501, 502, 503, 504, 505)

# Bodies are comments, so that no mutation of one alone makes a push bad.
BODY = b"# PUT /metrics/job/inner HTTP/1.1\n# Host: x\n"
INNER = b"PUT /metrics/job/inner HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n#\n"


def head(method, path, *fields):
    return b"\r\n".join([method + b" " + path + b" HTTP/1.1", b"Host: x", *fields, b"", b""])


def chunked(*parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


REQUESTS = (
    head(b"GET", b"/-/ready"),
    head(b"GET", b"/-/healthy", b"Content-Length: %d" % len(INNER)) + INNER,
    head(b"DELETE", b"/metrics/job/one"),
    head(b"PUT", b"/metrics/job/one", b"Content-Length: %d" % len(BODY)) + BODY,
    head(b"POST", b"/metrics/job/two", b"Transfer-Encoding: chunked") + chunked(BODY, BODY),
    head(b"POST", b"/metrics/job/two", b"Transfer-Encoding: chunked", b"Trailer: X") + chunked(BODY)[:-2] + b"X: y\r\n\r\n",
    head(b"PUT", b"/metrics/job/two", b"X: y", b"Content-Length: 0"),
    head(b"GET", b"/nowhere", b"Connection: keep-alive"),
    head(b"GET", b"/-/ready").replace(b"1.1", b"1.0"),
)

# Without a half-closed connection, after which HAProxy looks at no further request.
CLOSER = head(b"GET", b"/-/ready", b"Connection: close")

PIECES = (
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b" ", b"\t", b":", b",", b";", b"0", b"1", b"-", b"+", b"\0", b"\x0b", b"\x7f", b"\xff",
    b"Content-Length: 0\r\n", b"Content-Length: 5\r\n", b"content-length:44\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding : chunked\r\n", b"Transfer-Encoding:\tchunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n", b"Content-Length: +5\r\n", b"Content-Length: 5, 5\r\n", b"Connection: close\r\n",
    b"Connection: Content-Length\r\n", b"Connection: Transfer-Encoding\r\n", b"Expect: 100-continue\r\n", b"X: y\r\n z\r\n", b"\r\n ",
    b"0\r\n\r\n", b"0;a=b\r\n", b"5;\r\n", b";a=\"\n\"", b"0000000000000000", b"HTTP/1.0", b"Host: y\r\n", INNER)


def mutate(rng, stream):
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(stream) + 1)
        if rng.random() < 0.5:  # at a place where something begins
            at = rng.choice([at] + [place + 2 for place in range(len(stream) - 1) if stream[place:place + 2] == b"\r\n"])
        kind = rng.randrange(5)
        if kind <= 1:
            stream = stream[:at] + rng.choice(PIECES) + stream[at:]
        elif kind == 2:
            stream = stream[:at] + stream[at + rng.randrange(1, 4):]
        elif kind == 3:
            stream = stream[:at] + bytes([rng.randrange(256)]) + stream[at + 1:]
        else:
            begin = rng.randrange(len(stream) + 1)
            stream = stream[:at] + stream[begin:begin + rng.randrange(40)] + stream[at:]
    return stream


def stream_of(seed, number):
    rng = random.Random("%d/%d" % (seed, number))
    stream = b"".join(rng.choice(REQUESTS) for _ in range(rng.randrange(1, 4)))
    return mutate(rng, stream) if number % 10 else stream  # some as they are


class Tap:
    """Between proxy and gateway: passes bytes on, and keeps what the gateway has said on each connection."""

    def __init__(self, port):
        self.port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.said = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                proxy, _ = self.listener.accept()
            except OSError:
                return
            gateway = socket.create_connection(("127.0.0.1", self.port))
            said = bytearray()
            self.said.append(said)
            threading.Thread(target=self.pass_on, args=(proxy, gateway, None), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(gateway, proxy, said), daemon=True).start()

    @staticmethod
    def pass_on(source, target, said):
        try:
            while data := source.recv(1 << 16):
                if said is not None:
                    said += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def answers(self):
        return sum(count_answers(bytes(said)) for said in list(self.said))


class Said:
    """Bytes that were received, for read_response."""

    def __init__(self, data):
        self.data = data

    def recv(self, _):
        data, self.data = self.data, b""
        return data


def count_answers(data):
    reader, count = Reader(Said(data)), 0
    try:
        while reader.buffer or reader.more():
            read_response(reader)
            count += 1
    except EOFError:
        pass
    return count


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Proxy:
    """One proxy in front of a tap. `passed_on()`: how many requests it says it has sent to the gateway."""

    def __init__(self, name, program, port, folder):
        self.name, self.folder, self.port = name, folder, free_port()
        self.tap = Tap(port)
        upstream = self.tap.listener.getsockname()[1]
        self.lines = []
        config = os.path.join(folder, name + ".conf")
        text = self.nginx(upstream) if name == "nginx" else self.haproxy(upstream)
        with open(config, "w", encoding="utf-8") as file:
            file.write(text)
        command = [program, "-p", folder, "-e", folder + "/error.log", "-c", config] if name == "nginx" else [program, "-f", config]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not wait_until(self.is_up):
            self.stop()
            raise RuntimeError("%s does not listen" % name)

    def is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=10).close()
            return True
        except OSError:
            return self.process.poll() is not None and False

    def nginx(self, upstream):
        self.log = os.path.join(self.folder, "access.log")
        return """daemon off; worker_processes 1; pid %(f)s/pid; error_log %(f)s/error.log;
events { worker_connections 256; }
http { log_format passed '$upstream_status|$status|$request'; access_log %(f)s/access.log passed;
  client_body_temp_path %(f)s/b; proxy_temp_path %(f)s/p; fastcgi_temp_path %(f)s/fc; uwsgi_temp_path %(f)s/u; scgi_temp_path %(f)s/s;
  upstream gateway { server 127.0.0.1:%(up)d max_fails=0; keepalive 1; }
  server { listen 127.0.0.1:%(port)d; keepalive_requests 1000000; proxy_next_upstream off; proxy_ignore_client_abort on;
    location / { proxy_pass http://gateway; proxy_http_version 1.1; proxy_set_header Connection ""; } } }
""" % {"f": self.folder, "port": self.port, "up": upstream}

    def haproxy(self, upstream):
        self.log = None
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind(("127.0.0.1", 0))
        threading.Thread(target=self.receive, args=(receiver,), daemon=True).start()
        return """global
  nbthread 1
  log 127.0.0.1:%(log)d format raw local0
defaults
  mode http
  log global
  log-format "%%s|%%ST|%%{+Q}r"
  option http-keep-alive
  option http-buffer-request
  http-reuse always
  retries 0
  timeout connect 60s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:%(port)d
  default_backend back
backend back
  server gateway 127.0.0.1:%(up)d
""" % {"log": receiver.getsockname()[1], "port": self.port, "up": upstream}

    def receive(self, receiver):
        while True:
            self.lines.append(receiver.recv(1 << 16).decode("latin-1"))

    def told(self):
        if self.log is None:
            return list(self.lines)
        with open(self.log, encoding="latin-1") as file:
            return file.read().splitlines()

    def passed_on(self):
        return sum(1 for line in self.told() if line.split("|")[0] not in ("-", "", "<NOSRV>"))

    def stop(self):
        self.tap.listener.close()
        self.process.terminate()
        self.process.wait(60)


class Feeding:
    """The receiving side of a client that sends more while nothing comes: what ends a stream, then what fills a body that the
    stream has left open, then its own end. Whatever the bytes before mean, the server has something to say to one of them."""

    def __init__(self, sock):
        self.sock = sock
        self.more = [CLOSER * 200, None]

    def recv(self, count):
        while self.more and not select.select([self.sock], [], [], 0.3 if len(self.more) == 2 else 5)[0]:
            data = self.more.pop(0)
            try:
                if data is None:
                    self.sock.shutdown(socket.SHUT_WR)
                else:
                    self.sock.sendall(data)
            except OSError:
                pass
        return self.sock.recv(count)


def ask(port, stream):
    """[(status, whether it was the last by its own word)] of all answers until the end."""
    answers = []
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        try:
            sock.sendall(stream + CLOSER)
            reader = Reader(Feeding(sock))
            while reader.buffer or reader.more():
                answer = read_response(reader)
                answers.append((answer.status, (answer.header("Connection") or "").lower() == "close"))
        except (ConnectionError, EOFError):
            pass
    return answers


def served(answers):
    """(how many before the first complaint, whether there was one). To close after an answer that did not say so is one too:
    what is wrong with a body that nobody wanted is found when its answer has gone."""
    for count, (status, _) in enumerate(answers):
        if status in COMPLAINTS:
            return count, True
    return len(answers), not answers or not answers[-1][1]


def disagreement(direct, proxied):
    (ours, we_complain), (theirs, they_complain) = served(direct), served(proxied)
    # Who complains may have served less.
    if ours == theirs or (we_complain if ours < theirs else they_complain):
        return None
    return "directly %s, through the proxy %s" % (direct, proxied)


def closes_early(proxy, stream, proxied):
    """nginx takes every Connection with `close` anywhere in it for one; to the gateway it is a list of words. Nobody serves more."""
    return proxy.name == "nginx" and proxied and proxied[-1][1] and re.search(rb"(?i)\nConnection:[^\n]*close", stream)


def fence(proxy, number):
    """A push whose answer is its own: it quotes what was pushed. True when that is what came."""
    token = "fence%d" % number
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=60) as sock:
        sock.sendall(make_request("PUT", "/metrics/job/" + token, b"a %s\n" % token.encode()))
        answer = read_response(Reader(sock))
    wait_until(lambda: any(token in line for line in proxy.told()[-20:]))
    return answer.status == 400 and token in answer.text


def check(checks, gateway, proxies, seed, number, show):
    stream = stream_of(seed, number)
    direct = ask(gateway.port, stream)
    for proxy in proxies:
        passed, answered = proxy.passed_on(), proxy.tap.answers()
        proxied = ask(proxy.port, stream)
        where = "%s, seed %d, stream %d: %r" % (proxy.name, seed, number, stream)
        checks.that(fence(proxy, number), where, "the next request got another answer")
        passed, answered = proxy.passed_on() - passed, proxy.tap.answers() - answered
        checks.equal(answered, passed, where, "requests that the gateway answered, and that were passed on")
        wrong = None if closes_early(proxy, stream, proxied) else disagreement(direct, proxied)
        checks.that(wrong is None, where, wrong)
        if show:
            print(where, "directly", direct, "through it", proxied, "passed on", passed, "answered", answered, sep="\n  ")
    return len(direct), served(direct)[1]


def find(name):
    done = subprocess.run([os.path.join(SOURCE, "tools", "peers"), name], capture_output=True, text=True, check=False)
    return (done.stdout if done.returncode == 0 else done.stderr).strip().split("\n")[-1], done.returncode == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--backend")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SLUICE_TEST_SEED", "7")))
    parser.add_argument("--number", type=int)
    options = parser.parse_args()
    if options.backend == "io_uring":
        stop_where_refused(options)
    checks = Checks("borders")
    with Gateway(options.binary, backend=options.backend) as gateway, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        proxies = []
        for name in ("nginx", "haproxy"):
            program, found = find(name)
            if found:
                proxies.append(Proxy(name, program, gateway.port, folder))
            else:
                checks.skip(name, program)
        began = time.monotonic()
        try:
            numbers = range(options.count) if options.number is None else [options.number]
            done = [check(checks, gateway, proxies, options.seed, number, options.number is not None) for number in numbers]
        finally:
            for proxy in proxies:
                proxy.stop()
    print("seed %d: %d streams, %d answers directly, %d streams complained of, %.0f s" % (
        options.seed, len(done), sum(answers for answers, _ in done), sum(complained for _, complained in done), time.monotonic() - began))
    checks.finish()


if __name__ == "__main__":
    main()
