"""`--web.push-listen-address` and `--web.read-listen-address`: what each serves, with and without TLS and the auth file."""

import base64
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile

from certificates import make_all
from gateway import Checks, Gateway, Reader, arguments, make_request, read_response

SECRET = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"  # of "secret"
OPS = [("Authorization", "Basic " + base64.b64encode(b"ops:secret").decode("ascii"))]
BODY = b"a 1\n"

PUSHES, READS = "push-listen-address", "read-listen-address"
# Method, target, and the status where everything is served; by which of the two it is served.
CASES = [
    ("PUT", "/metrics/job/x", 200, PUSHES), ("POST", "/metrics/job/x/zone/y", 200, PUSHES),
    ("PUT", "/metrics/job@base64/eA", 200, PUSHES), ("DELETE", "/metrics/job/x/zone/y", 202, PUSHES),
    ("GET", "/metrics", 200, READS), ("GET", "/metrics?shard=0&shards=2", 200, READS), ("GET", "/", 200, READS),
    ("GET", "/status", 200, READS), ("GET", "/api/v1/status", 200, READS), ("GET", "/api/v1/metrics", 200, READS),
    ("OPTIONS", "/api/v1/status", 200, READS),
    ("PUT", "/api/v1/admin/wipe", 202, None), ("GET", "/-/quit", 405, None), ("PUT", "/-/quit", 200, None),
]
BOTH = [("GET", "/-/healthy", 200), ("GET", "/-/ready", 200), ("GET", "/nothing", 404), ("PATCH", "/metrics", 405)]


class Split:
    """A gateway with several addresses, at least one for reads, which it names last."""

    def __init__(self, options, flags, address=""):
        self.gateway = Gateway(options.binary, flags, backend=options.backend, address=address)

    def __enter__(self):
        self.gateway.__enter__()
        self.gateway.wait_for_log("serves=reads")
        return self

    def __exit__(self, *error):
        self.gateway.__exit__(*error)

    def addresses(self, kind):
        """Of the log: [(host, port)] of that kind, in order."""
        serves = {"listen-address": "all", PUSHES: "pushes", READS: "reads"}[kind]
        lines = [line for line in self.gateway.log if "Listening on" in line and re.search(r"serves=%s\b" % serves, line)]
        return [re.search(r"address=\"?([^\s\"]+)", line).group(1) for line in lines]

    def ask(self, address, method, target, headers=(), context=None):
        body = BODY if method in ("PUT", "POST") and "/job" in target else b""
        if address.startswith("unix:"):
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(60)
            sock.connect(address[len("unix://"):])
        else:
            sock = socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=60)
        with sock:
            if context:
                sock = context.wrap_socket(sock, server_hostname="localhost")
            with sock:
                sock.sendall(make_request(method, target, body, list(headers)))
                return read_response(Reader(sock), method)


def check_kind(checks, split, address, kind, headers=(), context=None, skip_quit=True):
    for method, target, status, served in CASES:
        if (method, target) == ("PUT", "/-/quit") and skip_quit and kind == "listen-address":
            continue
        response = split.ask(address, method, target, headers, context)
        what = "%s: %s %s" % (kind, method, target)
        if kind in ("listen-address", served):
            checks.equal(response.status, status, what)
        else:
            checks.equal(response.status, 404, what)
            checks.that(response.text.startswith("404 not served here: ") and "(--web.%s)" % kind in response.text, what,
                        response.text)
    for method, target, status in BOTH:
        checks.equal(split.ask(address, method, target, headers, context).status, status, "%s: %s %s" % (kind, method, target))


def check_plain(checks, options, folder):
    unix = "unix://" + os.path.join(folder, "all.sock")
    flags = ["--web.push-listen-address=127.0.0.1:0", "--web.push-listen-address=127.0.0.1:0",
             "--web.read-listen-address=127.0.0.1:0", "--web.enable-admin-api", "--web.enable-lifecycle"]
    with Split(options, flags, unix) as split:
        pushes, reads, both = split.addresses(PUSHES), split.addresses(READS), split.addresses("listen-address")
        checks.equal((len(pushes), len(reads), both), (2, 1, [unix]), "addresses by kind")
        for address in pushes:
            check_kind(checks, split, address, PUSHES)
        checks.that('a{instance="",job="x"} 1\n' in split.ask(reads[0], "GET", "/metrics").text, "a push is read elsewhere")
        check_kind(checks, split, reads[0], READS)
        checks.that('a{instance="",job="x"} 1\n' in split.ask(reads[0], "GET", "/metrics").text, "and was not wiped")
        check_kind(checks, split, unix, "listen-address")
        status = split.ask(reads[0], "GET", "/api/v1/status").text
        checks.that('"web.push-listen-address":"127.0.0.1:0,127.0.0.1:0"' in status, "the flag's value in the status")
        checks.equal(split.ask(unix, "PUT", "/-/quit").status, 200, "quit")


def check_tls_and_rights(checks, options, folder):
    """Both hold on every address; what is not served there is not served to anybody."""
    make_all(folder)
    web, auth = os.path.join(folder, "web.yml"), os.path.join(folder, "auth.yml")
    with open(web, "w", encoding="utf-8") as file:
        file.write("tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n")
    with open(auth, "w", encoding="utf-8") as file:
        file.write("basic_auth_users: {ops: %s}\ngrants: [{users: [ops], rights: [push, delete, scrape, admin, ui]}]\n" % SECRET)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(os.path.join(folder, "tls-ca-chain.pem"))
    flags = ["--web.push-listen-address=127.0.0.1:0", "--web.read-listen-address=127.0.0.1:0", "--web.enable-admin-api",
             "--web.enable-lifecycle", "--web.config.file=" + web, "--auth.file=" + auth]
    with Split(options, flags) as split:
        (pushes,), (reads,) = split.addresses(PUSHES), split.addresses(READS)
        checks.equal(split.addresses("listen-address"), [], "no address for everything by itself")
        for address, kind, target, other in ((pushes, PUSHES, "/metrics/job/x", "/metrics"), (reads, READS, "/metrics", "/")):
            method = "PUT" if kind == PUSHES else "GET"
            checks.equal(split.ask(address, method, target).status, 400, kind + " in plaintext")
            checks.equal(split.ask(address, method, target, (), context).status, 401, kind + " to nobody")
            checks.equal(split.ask(address, method, target, OPS, context).status, 200, kind + " to who may")
        checks.equal(split.ask(pushes, "GET", "/metrics", (), context).status, 404, "what is served to nobody")
        check_kind(checks, split, pushes, PUSHES, OPS, context)
        check_kind(checks, split, reads, READS, OPS, context)


def check_refused_flags(checks, options):
    for flags, sentence in (
            (["--web.push-listen-address=127.0.0.1:0"],
             "--web.push-listen-address alone leaves nothing to scrape from: give --web.read-listen-address or "
             "--web.listen-address too"),
            (["--web.read-listen-address=127.0.0.1:0"],
             "--web.read-listen-address alone leaves nothing to push to: give --web.push-listen-address or "
             "--web.listen-address too"),
            (["--web.systemd-socket", "--web.read-listen-address=127.0.0.1:0"],
             "--web.systemd-socket cannot be combined with --web.push-listen-address or --web.read-listen-address"),
            (["--web.listen-address=127.0.0.1:0", "--web.push-listen-address=nowhere"], "--web.push-listen-address=nowhere: "),
            (["--web.listen-address=127.0.0.1:0", "--web.read-listen-address=192.0.2.1:1"],
             "cannot listen on 192.0.2.1:1 (--web.read-listen-address): ")):
        done = subprocess.run([options.binary, *flags], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        said = done.stderr.decode("utf-8", "replace")
        checks.equal(done.returncode, 1, "exit code of %s" % flags)
        checks.that("sluice: error: " + sentence in said, "%s: %s" % (flags, said))


def main():
    options = arguments()
    checks = Checks("split_addresses")
    with tempfile.TemporaryDirectory(prefix="sluice-split-") as folder:
        check_plain(checks, options, folder)
        check_tls_and_rights(checks, options, folder)
    check_refused_flags(checks, options)
    checks.finish()


if __name__ == "__main__":
    sys.exit(main())
