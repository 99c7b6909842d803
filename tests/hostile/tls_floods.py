"""Attacks on TLS and on passwords: handshakes that never end, renegotiations, resets within records, guesses."""

import base64
import os
import random
import select
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

from attack import run
from process_figures import GoodClient, Memory, cpu_seconds, descriptors, is_sanitized, wait_until
from tls_gateway import encrypted

from gateway import Gateway, Reader, make_request, read_response

# "secret" at a cost that a busy machine compares at once, and at the cost of the attack.
QUICK_HASH = "$2b$06$abcdefghijklmnopqrstuuxLa0AkDDSrQ9VwNnETzOsObiucpMYgC"
HASH = "$2b$12$abcdefghijklmnopqrstuuT1Iwu6o8Wx7BoOyIMHfgVJq6JO/IJhW"


def client_hello():
    """The first flight of a client, as OpenSSL makes it."""
    to_server = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), to_server, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return to_server.read()


def await_closed(socks, seconds):
    """Seconds until the last has been closed by the gateway, and how many still are open."""
    began, last = time.monotonic(), 0.0
    poller = select.poll()
    left = {sock.fileno(): sock for sock in socks}
    for number in left:
        poller.register(number, select.POLLIN)
    while left and time.monotonic() - began < seconds:
        for number, _ in poller.poll(200):
            try:
                data = left[number].recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                last = time.monotonic() - began
                poller.unregister(number)
                left.pop(number).close()
    count = len(left)
    for sock in left.values():
        sock.close()
    return last, count


def tls_flood(attack):
    """Handshakes that never end: nothing at all, a piece of a hello, a whole hello that is answered."""
    hello = client_hello()
    flags = [] if attack.long else attack.flags(header_time="2s")
    for what, first in (("silent", b""), ("a piece of a hello", hello[:40]), ("a whole hello", hello)):
        count = 500 if attack.long else 50
        with encrypted(attack.options, *flags) as gateway:
            gateway.scrape()
            memory, cpu, began = Memory(gateway), cpu_seconds(gateway), time.monotonic()
            with GoodClient(gateway, keep_alive=True) as good:
                socks = [gateway.plain() for _ in range(count)]
                for sock in socks:
                    sock.sendall(first)
                last, left = await_closed(socks, 120)
            used = (cpu_seconds(gateway) - cpu) / (time.monotonic() - began)
            grown, sanitized = memory.grown(), is_sanitized(gateway)
            attack.that(gateway.scrape().status == 200, what, "a new client afterwards")
        attack.that(left == 0, what, left, "connections are still open")
        attack.that(good.errors == [] and set(good.statuses) == {200}, what, "others", good.statuses, good.errors[:3])
        attack.figure("%s: closed within 15 s" % what, "%d closed, the last after %.1f s; others: %s" % (
            count - left, last, good.told()), last < 15)
        attack.figure("below one core", "%.2f" % used, used < 1)
        if not sanitized:
            attack.figure("below 128 KiB a handshake", "%.1f KiB" % (grown / count / 1024), grown / count < 128 * 1024, always=True)


def handshake_storm(attack):
    """Clients that make a whole handshake, ask nothing, and come again."""
    count = 3000 if attack.long else 50
    with encrypted(attack.options) as gateway:
        with GoodClient(gateway, keep_alive=True) as alone:
            wait_until(lambda: len(alone.times) >= 50)
        before = descriptors(gateway)
        with GoodClient(gateway, keep_alive=True) as good:
            began = time.monotonic()
            for _ in range(count):
                gateway.connect().close()
            took = time.monotonic() - began
            attack.that(wait_until(lambda: len(good.times) >= 20), "others are served")
        attack.that(good.errors == [] and set(good.statuses) == {200}, "others", good.statuses, good.errors[:3])
        attack.figure("good clients are served meanwhile", "%.0f handshakes/s; alone: %s; with them: %s" % (
            count / took, alone.told(), good.told()), len(good.times) > 0)
        attack.that(wait_until(lambda: descriptors(gateway) <= before), "descriptors are given back")


def renegotiation(attack):
    """A client of TLS 1.2 that wants to negotiate again is refused, as often as it tries."""
    for _ in range(20 if attack.long else 3):
        with encrypted(attack.options) as gateway, tempfile.TemporaryFile() as said:
            client = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % gateway.port, "-tls1_2"],
                                      stdin=subprocess.PIPE, stdout=said, stderr=said)
            client.stdin.write(b"R\n" * 5)
            client.stdin.flush()
            ended = wait_until(lambda c=client: c.poll() is not None)
            client.kill()
            client.wait()
            client.stdin.close()
            said.seek(0)
            text = said.read().decode("latin-1")
            attack.that("RENEGOTIATING" in text, "the client tried", text[-500:])
            attack.that(ended and "no renegotiation" in text, "it is refused", text[-500:])
            attack.that(gateway.scrape().status == 200, "others afterwards")
    attack.figure("no second negotiation", "refused each time", True, always=True)


def reset_within_records(attack):
    """Resets at random points of the handshake, of records with a request, of an answer."""
    seed = int(os.environ.get("SLUICE_TEST_SEED", "7"))
    print("half-open-kill-tls: seed", seed)
    rng = random.Random(seed)
    hello = client_hello()
    body = b"".join(b'reset{n="%d"} %d\n' % (number, number) for number in range(500))
    request = make_request("PUT", "/metrics/job/reset", body)
    with encrypted(attack.options) as gateway:
        gateway.scrape()
        before = descriptors(gateway)
        for number in range(2000 if attack.long else 80):
            sock = gateway.plain()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() resets
            if number % 4 == 0:
                sock.sendall(hello[:rng.randrange(1, len(hello) + 1)])
                sock.close()
                continue
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = gateway.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
            while True:
                try:
                    client.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    incoming.write(sock.recv(1 << 16))
            client.write(request)
            records = outgoing.read()
            if number % 4 == 1:  # within the answer
                sock.sendall(records)
                sock.recv(rng.randrange(1, 512))
            else:
                sock.sendall(records[:rng.randrange(1, len(records))])
            sock.close()
        left = wait_until(lambda: descriptors(gateway) <= before)
        attack.figure("no crash, as many descriptors as before", "%d before, %d after" % (before, descriptors(gateway)), left, always=True)
        attack.that(gateway.request("PUT", "/metrics/job/after", b"a 1\n").status == 200, "a push afterwards")
        attack.that(gateway.stop() == 0, "exit code")


def authorization(user, password):
    return ("Authorization", "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode("ascii"))


class Guesser:
    """So many guesses a second, each on a connection of its own whose answer is read later. Context manager."""

    def __init__(self, gateway, per_second, users=("known", "nobody")):
        self.gateway, self.per_second, self.users = gateway, per_second, users
        self.sent, self.waiting, self.statuses = 0, [], {}
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        began = time.monotonic()
        while not self.stop.is_set():
            due = int((time.monotonic() - began) * self.per_second)
            while self.sent < due and not self.stop.is_set():
                sock = self.gateway.connect()
                sock.sendall(make_request("GET", "/-/ready", headers=[
                    authorization(self.users[self.sent % len(self.users)], "wrong-%d" % self.sent), ("Connection", "close")]))
                self.waiting.append(sock)
                self.sent += 1
            self.collect(0)
            self.stop.wait(0.002)

    def collect(self, seconds):
        """Reads what has been answered."""
        if not self.waiting:
            return
        ready = set(select.select(self.waiting, [], [], seconds)[0]) if len(self.waiting) < 900 else set(self.waiting)
        for sock in ready:
            status = read_response(Reader(sock)).status
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.waiting.remove(sock)
            sock.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(120)
        for sock in self.waiting:
            sock.settimeout(120)
        while self.waiting:
            self.collect(120)


def bcrypt_flood(attack):
    """200 wrong passwords a second, each another one, for users that exist and that do not."""
    hashed = HASH if attack.long else QUICK_HASH
    with tempfile.TemporaryDirectory(prefix="sluice-hostile-tls-") as folder:
        path = os.path.join(folder, "web.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("basic_auth_users:\n  good: %s\n  known: %s\n" % (hashed, hashed))
        with Gateway(attack.options.binary, ["--web.config.file=" + path], attack.options.backend) as gateway:
            headers = [authorization("good", "secret")]
            attack.that(gateway.request("GET", "/-/ready", headers=headers).status == 200, "the right password")
            wanted = 2000 if attack.long else 50
            with GoodClient(gateway, headers=headers, keep_alive=True) as alone:
                wait_until(lambda: len(alone.times) >= wanted)
            with Guesser(gateway, 200) as guesses, GoodClient(gateway, headers=headers, keep_alive=True) as good:
                wait_until(lambda: len(good.times) >= wanted and guesses.sent >= wanted, 120)
            attack.that(good.errors == [] and set(good.statuses) == {200}, "who is known", good.statuses, good.errors[:3])
            attack.that(set(guesses.statuses) <= {401, 503} and guesses.statuses.get(401), "guesses", guesses.statuses)
            attack.that(sum(guesses.statuses.values()) == guesses.sent, "each guess is answered", guesses.statuses, guesses.sent)
            ratio = good.percentile(0.99) / alone.percentile(0.99)
            attack.figure("p99 of who is known below 20 ms and within 2 x", "alone: %s; with %d guesses (%s): %s; %.1f x" % (
                alone.told(), guesses.sent, guesses.statuses, good.told(), ratio), good.percentile(0.99) < 0.02 and ratio <= 2)
            attack.that(gateway.request("GET", "/-/ready", headers=headers).status == 200, "the right password afterwards")


run("tls_floods", {"tls-flood": tls_flood, "handshake-storm": handshake_storm, "renegotiation": renegotiation,
                   "half-open-kill-tls": reset_within_records, "bcrypt-flood": bcrypt_flood})
