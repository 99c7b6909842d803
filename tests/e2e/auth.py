"""`--auth.file`: who is let, who gets 401 or 403, that refused requests change nothing, and that a changed file holds.

Users of both files, bearer tokens and client certificates; every right; matchers on the grouping key; reloads.
"""

import base64
import hashlib
import os
import ssl
import subprocess
import sys
import tempfile

from certificates import make_all
from gateway import Checks, Gateway, Reader, arguments, make_request, read_response

SECRET = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"  # of "secret"


def digest(token):
    return hashlib.sha256(token.encode("utf-8")).hexdigest()


AUTH = """
basic_auth_users:
  team-a: {secret}
  ops: {secret}
  idle: {secret}
bearer_tokens:
  ci: {ci}
  prometheus: {prometheus}
grants:
  - users: [team-a]
    rights: [push, delete]
    match: ['{{job=~"team-a-.*"}}', '{{job="shared",zone!="eu"}}']
  - tokens: [ci]
    rights: [push]
    match: ['job!~"secret-.*",env=""']
  - tokens: [prometheus]
    rights: [scrape]
  - users: [viewer]
    rights: [ui]
  - users: [ops]
    rights: [push, delete, scrape, admin, ui]
  - certificates: [test3]
    rights: [push]
    match: ['job="by-certificate"']
  - certificates: [test]
    rights: [scrape]
""".format(secret=SECRET, ci=digest("token-of-ci"), prometheus=digest("token-of-prometheus"))

WEB = "basic_auth_users:\n  viewer: %s\n" % SECRET


def basic(user, password="secret"):
    return [("Authorization", "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode("utf-8")).decode("ascii"))]


def bearer(token):
    return [("Authorization", "Bearer " + token)]


TEAM_A, OPS, VIEWER, IDLE = basic("team-a"), basic("ops"), basic("viewer"), basic("idle")
CI, PROMETHEUS = bearer("token-of-ci"), bearer("token-of-prometheus")
BODY = b"a 1\n"
LONG = "secret-" + "x" * 1100

# Who, what, and the answer. Pushes have a body.
CASES = [
    # Nobody: health, and nothing else.
    ([], "GET", "/-/healthy", 200), ([], "GET", "/-/ready", 200),
    ([], "GET", "/metrics", 401), ([], "PUT", "/metrics/job/team-a-x", 401), ([], "DELETE", "/metrics/job/team-a-x", 401),
    ([], "GET", "/", 401), ([], "GET", "/static/x", 401), ([], "GET", "/api/v1/status", 401),
    ([], "GET", "/api/v1/metrics", 401), ([], "PUT", "/api/v1/admin/wipe", 401), ([], "PUT", "/-/quit", 401),
    ([], "GET", "/nothing", 401), ([], "PATCH", "/metrics", 401), ([], "OPTIONS", "/api/v1/status", 401),
    # Wrong credentials, wherever they are shown.
    (basic("team-a", "wrong"), "PUT", "/metrics/job/team-a-x", 401), (basic("who"), "PUT", "/metrics/job/team-a-x", 401),
    (basic("viewer", "wrong"), "GET", "/", 401), (basic("ops", "wrong"), "GET", "/-/healthy", 401),
    (bearer("token-of-c"), "PUT", "/metrics/job/x", 401), (bearer("token-of-ci2"), "PUT", "/metrics/job/x", 401),
    (bearer(""), "PUT", "/metrics/job/x", 401), (bearer(digest("token-of-ci")), "PUT", "/metrics/job/x", 401),
    (basic("ci", "token-of-ci"), "PUT", "/metrics/job/x", 401), ([("Authorization", "Digest a")], "GET", "/metrics", 401),
    # Rights.
    (TEAM_A, "GET", "/metrics", 403), (TEAM_A, "GET", "/", 403), (TEAM_A, "GET", "/api/v1/metrics", 403),
    (TEAM_A, "PUT", "/api/v1/admin/wipe", 403), (TEAM_A, "PUT", "/-/quit", 403), (TEAM_A, "GET", "/nothing", 404),
    (CI, "DELETE", "/metrics/job/x", 403), (CI, "GET", "/metrics", 403), (CI, "PUT", "/api/v1/admin/wipe", 403),
    (PROMETHEUS, "GET", "/metrics", 200), (PROMETHEUS, "GET", "/api/v1/metrics", 200),
    (PROMETHEUS, "PUT", "/metrics/job/x", 403), (PROMETHEUS, "DELETE", "/metrics/job/x", 403),
    (PROMETHEUS, "GET", "/", 403), (PROMETHEUS, "PUT", "/api/v1/admin/wipe", 403), (PROMETHEUS, "PUT", "/-/quit", 403),
    (VIEWER, "GET", "/", 200), (VIEWER, "GET", "/status", 200), (VIEWER, "GET", "/api/v1/status", 200),
    (VIEWER, "GET", "/api/v1/metrics", 200), (VIEWER, "GET", "/metrics", 403), (VIEWER, "PUT", "/metrics/job/x", 403),
    (VIEWER, "PUT", "/api/v1/admin/wipe", 403), (VIEWER, "DELETE", "/metrics/job/x", 403),
    (IDLE, "GET", "/metrics", 403), (IDLE, "PUT", "/metrics/job/x", 403), (IDLE, "GET", "/-/ready", 200),
    # Matchers: anchored at both ends, any of the selectors, all matchers of one, a missing label is empty.
    (TEAM_A, "PUT", "/metrics/job/team-a-x", 200), (TEAM_A, "POST", "/metrics/job/team-a-x/zone/eu", 200),
    (TEAM_A, "PUT", "/metrics/job/team-a", 403), (TEAM_A, "PUT", "/metrics/job/my-team-a-x", 403),
    (TEAM_A, "POST", "/metrics/job/team-b-x", 403), (TEAM_A, "PUT", "/metrics/job/x/job/team-b", 403),
    (TEAM_A, "PUT", "/metrics/job/other/zone/team-a-x", 403),
    (TEAM_A, "PUT", "/metrics/job@base64/" + base64.urlsafe_b64encode(b"team-b-x").decode("ascii"), 403),
    (TEAM_A, "PUT", "/metrics/job@base64/" + base64.urlsafe_b64encode(b"team-a-y").decode("ascii"), 200),
    (TEAM_A, "PUT", "/metrics/job/shared", 200), (TEAM_A, "PUT", "/metrics/job/shared/zone/us", 200),
    (TEAM_A, "PUT", "/metrics/job/shared/zone/eu", 403), (TEAM_A, "DELETE", "/metrics/job/shared/zone/eu", 403),
    (TEAM_A, "DELETE", "/metrics/job/team-a-x", 202), (TEAM_A, "DELETE", "/metrics/job/team-b-x", 403),
    (TEAM_A, "PUT", "/metrics/job/", 307), (TEAM_A, "PUT", "/metrics/job/team-b-x/odd", 400),
    (CI, "PUT", "/metrics/job/free", 200), (CI, "PUT", "/metrics/job/secret-x", 403),
    (CI, "PUT", "/metrics/job/free/env/prod", 403), (CI, "PUT", "/metrics/job/" + LONG, 403),
    (CI, "PUT", "/metrics/job/secret-%0Ax", 403),
    (OPS, "PUT", "/metrics/job/" + LONG, 200), (OPS, "GET", "/metrics", 200), (OPS, "GET", "/", 200),
    (OPS, "DELETE", "/metrics/job/" + LONG, 202),
]


def stored(gateway):
    """The pushed series of the scrape, by who may."""
    response = gateway.request("GET", "/metrics", headers=PROMETHEUS)
    return sorted(line for line in response.text.split("\n") if line.startswith("a{"))


def write(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def check_answer(checks, response, status, what):
    checks.equal(response.status, status, what)
    challenge = [value for name, value in response.headers if name.lower() == "www-authenticate"]
    checks.equal(challenge, ['Basic realm="sluice"', 'Bearer realm="sluice"'] if status == 401 else [], what + ": challenge")
    if status == 403:
        checks.that(response.text.startswith("Forbidden: ") and response.text.endswith(".\n"), what + ": " + response.text)


def check_cases(checks, gateway):
    for headers, method, target, status in CASES:
        what = "%s %s %s" % (headers[0][1] if headers else "nobody", method, target[:60])
        before = stored(gateway) if status in (401, 403) and method != "GET" else None
        body = BODY if "/job" in target and method in ("PUT", "POST") else b""
        check_answer(checks, gateway.request(method, target, body, headers), status, what)
        if before is not None:
            checks.equal(stored(gateway), before, what + ": what is stored")
    # The wipe comes last, as it should.
    checks.that(stored(gateway), "something is stored")
    checks.equal(gateway.request("PUT", "/api/v1/admin/wipe", headers=OPS).status, 202, "wipe by ops")
    checks.equal(stored(gateway), [], "stored after the wipe")
    refused = {line.split(" ")[0]: float(line.split(" ")[1]) for line in gateway.scrape(OPS).text.split("\n")
               if line.startswith("sluice_auth_refused_total{")}
    for lacks in ("caller", "group", "right"):
        checks.that(refused['sluice_auth_refused_total{lacks="%s"}' % lacks] > 5, "counter of what lacks a " + lacks)


def check_refused_before_body(checks, gateway):
    """A refusal does not wait for the body, compressed or not."""
    for extra in ([], [("Content-Encoding", "gzip")]):
        with gateway.connect() as sock:
            sock.sendall(make_request("PUT", "/metrics/job/x", b"", PROMETHEUS + extra + [("Content-Length", "1000")]))
            checks.equal(read_response(Reader(sock)).status, 403, "before the body %s" % extra)


def check_password_before_body(checks, gateway):
    """Nor does one of a password that is compared first: nothing of the body is sent here."""
    for length, number in ((1000, 1), (200 << 20, 2)):
        with gateway.connect() as sock:
            wrong = basic("team-a", "wrong-before-body-%d" % number)
            sock.sendall(make_request("PUT", "/metrics/job/team-a-x", b"", wrong + [("Content-Length", str(length))]))
            checks.equal(read_response(Reader(sock)).status, 401, "a wrong password before a body of %d" % length)


def check_rate_of_wrong_ones(checks, options, auth):
    """Wrong credentials count as requests of their address."""
    flags = ["--auth.file=" + auth, "--limits.requests-per-second-per-address=5"]
    with Gateway(options.binary, flags, backend=options.backend) as gateway, gateway.connect() as sock:
        sock.sendall(make_request("GET", "/metrics", headers=bearer("nobody's")) * 300)
        reader = Reader(sock)
        statuses = [read_response(reader).status for _ in range(300)]
        checks.equal(set(statuses), {401, 429}, "many wrong tokens")


def check_reload(checks, gateway, path):
    target = "/metrics/job/team-c-x"
    checks.equal(gateway.request("PUT", target, BODY, TEAM_A).status, 403, "before the change")
    write(path, AUTH.replace("team-a-.*", "team-c-.*"))
    checks.equal(gateway.request("PUT", target, BODY, TEAM_A).status, 200, "after the change")
    checks.equal(gateway.request("PUT", "/metrics/job/team-a-x", BODY, TEAM_A).status, 403, "what held before")
    for broken in ("grants: [", "", "grants: []\n", None):
        if broken is None:
            os.remove(path)
        else:
            write(path, broken)
        checks.equal(gateway.request("PUT", target, BODY, TEAM_A).status, 200, "with a broken file: %s" % broken)
        checks.equal(gateway.request("PUT", target, BODY).status, 401, "nobody with a broken file: %s" % broken)
        own = gateway.scrape(PROMETHEUS).text
        checks.that("sluice_auth_file_last_reload_successful 0\n" in own, "the gauge says so: %s" % broken)
    checks.that(gateway.wait_for_log("level=error .*the auth file"), "a line of the log")
    write(path, AUTH.replace("token-of-ci", "x").replace(digest("token-of-ci"), digest("token-of-ci-2")))
    checks.equal(gateway.request("PUT", "/metrics/job/free", BODY, CI).status, 401, "a token that is gone")
    checks.equal(gateway.request("PUT", "/metrics/job/free", BODY, bearer("token-of-ci-2")).status, 200, "the one after it")
    own = gateway.scrape(PROMETHEUS).text
    checks.that("sluice_auth_file_last_reload_successful 1\n" in own, "the gauge after a good file")
    checks.that('sluice_auth_file_reloads_total{result="success"} 2\n' in own, "two good reloads")
    checks.that('sluice_auth_file_reloads_total{result="failure"} 4\n' in own, "four bad ones")


def check_certificates(checks, options, folder):
    tls = ("tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  client_auth_type: %s\n"
           "  client_ca_file: clients.pem\n")
    with open(os.path.join(folder, "clients.pem"), "w", encoding="ascii") as clients:
        for name in ("client_selfsigned.pem", "client2_selfsigned.pem"):
            with open(os.path.join(folder, name), encoding="ascii") as file:
                clients.write(file.read())
    auth = os.path.join(folder, "auth.yml")
    web = os.path.join(folder, "web.yml")
    write(auth, AUTH)
    write(web, tls % "VerifyClientCertIfGiven")

    def ask(gateway, certificate, method, target, headers=(), session=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(os.path.join(folder, "tls-ca-chain.pem"))
        if certificate:
            context.load_cert_chain(os.path.join(folder, certificate + ".pem"), os.path.join(folder, certificate + ".key"))
        with gateway.connect() as plain, context.wrap_socket(plain, server_hostname="localhost", session=session) as sock:
            sock.sendall(make_request(method, target, BODY if method == "PUT" else b"", list(headers)))
            return read_response(Reader(sock), method).status

    by_certificate = "/metrics/job/by-certificate"
    with Gateway(options.binary, ["--web.config.file=" + web, "--auth.file=" + auth], backend=options.backend) as gateway:
        for certificate, method, target, headers, status in (
                (None, "GET", "/metrics", [], 401), (None, "GET", "/-/ready", [], 200), (None, "GET", "/metrics", OPS, 200),
                ("client2_selfsigned", "PUT", by_certificate, [], 200),
                ("client2_selfsigned", "PUT", "/metrics/job/x", [], 403),
                ("client2_selfsigned", "GET", "/metrics", [], 403),
                # The rights of all names; a wrong password beside a good certificate is wrong.
                ("client2_selfsigned", "GET", "/metrics", PROMETHEUS, 200),
                ("client2_selfsigned", "PUT", by_certificate, PROMETHEUS, 200),
                ("client2_selfsigned", "PUT", by_certificate, basic("ops", "wrong"), 401),
                # By the subject's common name, without other names.
                ("client_selfsigned", "GET", "/metrics", [], 200), ("client_selfsigned", "PUT", by_certificate, [], 403)):
            checks.equal(ask(gateway, certificate, method, target, headers), status,
                         "%s %s %s %s" % (certificate, method, target, headers))
        # What nobody has verified gives no name.
        write(web, tls.replace("  client_ca_file: clients.pem\n", "") % "RequireAnyClientCert")
        checks.equal(ask(gateway, "client2_selfsigned", "PUT", by_certificate), 401, "an unverified certificate")
        checks.equal(ask(gateway, "client2_selfsigned", "PUT", by_certificate, OPS), 200, "a password beside it")


BAD = (
    ("", "it grants nothing to anybody"),
    ("grants: []\n", "it grants nothing to anybody"),
    ("grant: []\n", "yaml: unmarshal errors:\\n  line 1: field grant not found in type auth.Config"),
    ("grants: [{users: [a], rights: [pushes]}]\n",
     "grant 1: the right pushes is none of push, delete, scrape, admin and ui"),
    ("grants: [{users: [a], rights: []}]\n", "grant 1: it gives no rights"),
    ("grants: [{rights: [push]}]\n", "grant 1: it names no users, tokens or certificates"),
    ("grants: [{users: [a], rights: [push], match: []}]\n", "grant 1: match is empty: leave it out for all groups"),
    ("grants: [{users: [a], rights: [push], match: }]\n", "grant 1: match is empty: leave it out for all groups"),
    ("grants: [{users: [a], rights: [push], match: ['{}']}]\n",
     "grant 1: match: the selector {} fits every group: leave match out for that"),
    ("grants: [{users: [a], rights: [push], match: ['job']}]\n", "grant 1: match: "),
    ("grants: [{users: [a], rights: [push], match: ['job=~\"(\"']}]\n", "grant 1: match: "),
    ("grants: [{users: [a], rights: [push, scrape], match: ['job=\"a\"']}]\n",
     "grant 1: match cannot limit the right scrape, which concerns all groups: only push and delete have one"),
    ("grants: [{tokens: [a], rights: [push]}]\n", "grant 1: the token a is not in bearer_tokens"),
    ("bearer_tokens: {a: abc}\ngrants: [{tokens: [a], rights: [push]}]\n",
     "bearer_tokens: the value of a is no SHA-256 in 64 hexadecimal digits"),
    ("bearer_tokens: {a: %s}\ngrants: [{tokens: [a], rights: [push]}]\n" % digest(""),
     "bearer_tokens: the token of a is empty"),
    ("bearer_tokens: {a: %s, b: %s}\ngrants: [{tokens: [a], rights: [push]}]\n" % (digest("x"), digest("x").upper()),
     "bearer_tokens: b has the token of another"),
    ("basic_auth_users: {a: plain}\ngrants: [{users: [a], rights: [push]}]\n", "basic_auth_users: "),
    (None, "open "),
)


def check_bad_files(checks, options, folder):
    path = os.path.join(folder, "bad.yml")
    for text, sentence in BAD:
        if text is None:
            os.remove(path)
        else:
            write(path, text)
        wanted = "sluice: error: the auth file %s: %s" % (path, sentence.replace("\\n", "\n"))
        for command in ([options.binary, "--web.listen-address=127.0.0.1:0", "--auth.file=" + path],
                        [options.binary, "check-config", "--auth.file=" + path]):
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
            said = done.stderr.decode("utf-8", "replace")
            checks.equal(done.returncode, 1, "exit code of %r" % text)
            checks.that(wanted in said, "%r: wanted %r, got %r" % (text, wanted, said))
    write(path, AUTH)
    done = subprocess.run([options.binary, "check-config", "--auth.file", path], capture_output=True, timeout=60)
    checks.equal(done.returncode, 0, "check-config of a good file")
    checks.equal(done.stdout.decode("utf-8"), path + ": good; 3 users, 2 tokens, 7 grants\n", "what it says")
    checks.equal(subprocess.run([options.binary, "check-config"], capture_output=True, timeout=60).returncode, 1,
                 "check-config of nothing")


def main():
    options = arguments()
    checks = Checks("auth")
    with tempfile.TemporaryDirectory(prefix="sluice-auth-") as folder:
        auth = os.path.join(folder, "auth.yml")
        web = os.path.join(folder, "web.yml")
        write(auth, AUTH)
        write(web, WEB)
        flags = ["--auth.file=" + auth, "--web.config.file=" + web, "--web.enable-admin-api", "--web.enable-lifecycle"]
        with Gateway(options.binary, flags, backend=options.backend) as gateway:
            check_cases(checks, gateway)
            check_refused_before_body(checks, gateway)
            check_password_before_body(checks, gateway)
            check_reload(checks, gateway, auth)
            checks.equal(gateway.request("PUT", "/-/quit", headers=OPS).status, 200, "quit by ops")
        # Alone, the users of the web config are nobody's business.
        write(auth, AUTH)
        with Gateway(options.binary, ["--auth.file=" + auth], backend=options.backend) as gateway:
            checks.equal(gateway.request("GET", "/", headers=VIEWER).status, 401, "a user of no file")
            checks.equal(gateway.request("PUT", "/metrics/job/team-a-x", BODY, TEAM_A).status, 200, "a user of the file")
            checks.that("sluice_web_config_reloads_total" not in gateway.scrape(OPS).text, "no web config, no figures of it")
        check_rate_of_wrong_ones(checks, options, auth)
        check_bad_files(checks, options, folder)
        make_all(folder)
        check_certificates(checks, options, folder)
    checks.finish()


if __name__ == "__main__":
    sys.exit(main())
