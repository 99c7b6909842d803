"""Twenty defects of the reference that a drop-in replacement must not copy: one check a defect, under the defect's name.

    python3 tests/hostile/reference_bugs.py --binary build/debug/sluice [--backend epoll] [--only slowloris]
"""

import gzip
import os
import random
import re
import signal
import socket
import subprocess
import tempfile
import time

from process_figures import MIB, GoodClient, Memory, confined, cpu_seconds, has_flag, is_sanitized, resident, wait_until

import protobuf_bodies as pb
from compare import pushed_lines
from gateway import Checks, Gateway, Reader, arguments, make_request, read_response

PROTOBUF = [("Content-Type", pb.CONTENT_TYPE)]


def pushed(gateway):
    """The samples of a scrape, which has to succeed, without our own and without push times."""
    answer = gateway.scrape()
    if answer.status != 200:
        return ["scrape: %d" % answer.status]
    return [line for line in pushed_lines(answer.text) if not line.startswith(("#", "push_"))]


def statuses(gateway, *pushes):
    return [gateway.request(method, target, body, *headers).status for method, target, body, *headers in pushes]


def check_oom_protobuf_length(checks, options):
    with Gateway(options.binary, backend=options.backend) as gateway:
        memory = Memory(gateway)
        for announced in (1 << 31, 1 << 35, 1 << 40, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
            for body in (pb.varint(announced) + b"abc",  # a family
                         b"\x0c\x0a" + pb.varint(announced) + b"a",  # a name inside of one
                         b"\x10\x22" + pb.varint(announced) + b"\x0a"):  # a metric
                checks.equal(statuses(gateway, ("POST", "/metrics/job/t", body, PROTOBUF)), [400], "announced", announced, body)
        if not is_sanitized(gateway):
            checks.that(memory.grown() < 8 * MIB, "memory grew by", memory.grown())
        checks.equal(gateway.request("GET", "/-/healthy").status, 200, "alive")


def check_poison_nonutf8_job(checks, options):
    for target in ("/metrics/job/%ff", "/metrics/job@base64/_w", "/metrics/job/t/zone/%ff", "/metrics/job/t/zone@base64/_w"):
        with Gateway(options.binary, backend=options.backend) as gateway:
            checks.equal(statuses(gateway, ("POST", target, b"a 1\n"), ("POST", "/metrics/job/good", b"b 1\n")), [400, 200], target)
            checks.equal(pushed(gateway), ['b{instance="",job="good"} 1'], target)


def check_poison_empty_instance(checks, options):
    with Gateway(options.binary, backend=options.backend) as gateway:
        checks.equal(statuses(gateway, ("PUT", "/metrics/job/j/instance/", b"a 1\n"), ("PUT", "/metrics/job/j", b"b 1\n")),
                     [200, 200], "the two groupings")
        checks.equal(pushed(gateway), ['b{instance="",job="j"} 1'], "are one group")
        checks.equal(statuses(gateway, ("PUT", "/metrics/job/other", b"c 1\n")), [200], "others go on")


def check_poison_utf8_reserved(checks, options):
    with Gateway(options.binary, ["--push.enable-utf8-names"], options.backend) as gateway:
        for name in ("U___5f__5f_x", "U___5f___x", "__x"):
            checks.equal(statuses(gateway, ("PUT", "/metrics/job/t/%s/1" % name, b"m 1\n")), [400], name)
        checks.equal(pushed(gateway), [], "the scrape goes on")


def check_poison_internal_name(checks, options):
    body = b"# TYPE pushgateway_http_requests_total counter\npushgateway_http_requests_total{handler=\"x\"} 1\n"
    with Gateway(options.binary, backend=options.backend) as gateway:
        checks.that(statuses(gateway, ("POST", "/metrics/job/j", body))[0] in (200, 400), "a name of our own, not used yet")
        for _ in range(2):
            checks.equal(gateway.scrape().status, 200, "scrape")
        checks.equal(statuses(gateway, ("POST", "/metrics/job/other", b"a 1\n")), [200], "others go on")


def check_family_that_cuts(checks, options, body):
    with Gateway(options.binary, backend=options.backend) as gateway:
        checks.equal(statuses(gateway, ("POST", "/metrics/job/good", b"zzz 1\n"), ("PUT", "/metrics/job/t", body, PROTOBUF)),
                     [200, 400], "the good push and the bad one")
        answer = gateway.scrape()
        checks.that('\nzzz{instance="",job="good"} 1\n' in answer.text and answer.text.endswith("\n"), "the scrape is whole")


def check_truncated_scrape_empty_name(checks, options):
    check_family_that_cuts(checks, options, pb.family("", pb.COUNTER, pb.metric(pb.part(3, pb.double(1, 1)))))


def check_truncated_scrape_enum(checks, options):
    check_family_that_cuts(checks, options, pb.family("mmm", 9, pb.metric(pb.part(5, pb.double(1, 1)))))


def check_panic_empty_braces(checks, options):
    with Gateway(options.binary, backend=options.backend) as gateway:
        answer = gateway.request("POST", "/metrics/job/t", b"{} 1\n")
        checks.equal((answer.status, answer.text), (400, "text format parsing error in line 1: invalid metric name\n"), "{} 1")


def labels_body(count):
    return ("a{%s} 1\n" % ",".join('l%d="v"' % number for number in range(count))).encode()


def check_cpu_many_labels(checks, options):
    with Gateway(options.binary, backend=options.backend) as gateway:
        before = cpu_seconds(gateway)
        for count in (10_000, 100_000):
            checks.equal(statuses(gateway, ("PUT", "/metrics/job/t", labels_body(count))), [400], count, "labels")
        print("cpu-many-labels: 10,000 and 100,000 labels took %.1f ms of CPU" % (1e3 * (cpu_seconds(gateway) - before)))
        # What is accepted costs no square either: the labels that were looked at are bounded.
        checks.equal(statuses(gateway, ("PUT", "/metrics/job/t", labels_body(1000))), [200], "1,000 labels")


def cost_of_pushes(gateway, count):
    """CPU seconds of the gateway for one push."""
    with gateway.connect() as sock:
        reader = Reader(sock)
        before = cpu_seconds(gateway)
        for number in range(count):
            sock.sendall(make_request("POST", "/metrics/job/one", b"one %d\n" % number))
            if read_response(reader).status != 200:
                return float("nan")
        return (cpu_seconds(gateway) - before) / count


def check_cpu_push_cost_grows(checks, options):
    """CPU time and not the clock's; the reference's cost grows by a factor of 60 here."""
    with Gateway(options.binary, ["--runtime.workers=1"], options.backend) as gateway:
        cost_of_pushes(gateway, 200)
        empty = min(cost_of_pushes(gateway, 1000) for _ in range(3))
        for group in range(120):
            body = b"".join(b'stored{line="%d"} %d\n' % (number, number) for number in range(1000))
            checks.equal(statuses(gateway, ("PUT", "/metrics/job/stored/n/%d" % group, body)), [200], "stored")
        full = min(cost_of_pushes(gateway, 1000) for _ in range(3))
        print("cpu-push-cost-grows: %.1f us of CPU a push, %.1f us beside 120,000 series" % (1e6 * empty, 1e6 * full))
        checks.that(full < 5 * empty, "the cost of a push grew", empty, full)


def check_mem_gzip_bomb(checks, options):
    body = gzip.compress(b'a{l="' + b"x" * (256 * MIB) + b'"} 1\n', 9)
    with Gateway(options.binary, backend=options.backend) as gateway:
        memory = Memory(gateway)
        checks.equal(statuses(gateway, ("PUT", "/metrics/job/t", body, [("Content-Encoding", "gzip")])), [413], "status")
        grown = memory.grown()
        print("mem-gzip-bomb: %d bytes, at most %d MiB of memory, %d MiB afterwards" % (
            len(body), grown / MIB, (resident(gateway) - memory.before) / MIB))
        if has_flag(options, "limits.decompressed-ratio") and not is_sanitized(gateway):
            checks.that(grown < 64 * MIB, "memory grew by", grown)
        checks.equal(pushed(gateway), [], "nothing is stored")


def check_slowloris(checks, options):
    """A head that never ends: the connection is closed, and meanwhile others are served."""
    with Gateway(options.binary, backend=options.backend) as gateway:
        slow = [gateway.connect() for _ in range(200)]
        for sock in slow:
            sock.sendall(b"POST /metrics/job/t HTTP/1.1\r\nHost: x\r\nX-")
            sock.settimeout(60)
        with GoodClient(gateway) as good:
            for number, sock in enumerate(slow):
                try:
                    if not checks.equal(read_response(Reader(sock)).status, 408, "a slow head", number):
                        break
                    checks.equal(sock.recv(1), b"", "closed")
                except (OSError, EOFError) as error:
                    checks.that(isinstance(error, (ConnectionResetError, EOFError)), "still open after 60 s", error)
                sock.close()
        print("slowloris: meanwhile " + good.told())
        checks.equal((set(good.statuses), good.errors), ({200}, []), "others meanwhile")


def check_fd_exhaustion(checks, options):
    """Descriptors for 128, 200 idle connections."""
    with Gateway(options.binary, backend=options.backend, wrapper=confined("--nofile", "128")) as gateway:
        idle = [gateway.connect() for _ in range(200)]
        checks.equal(statuses(gateway, ("GET", "/-/ready", b""), ("PUT", "/metrics/job/t", b"a 1\n")), [200, 200], "others")
        for sock in idle:
            sock.close()


def check_te_cl_keepalive(checks, options):
    chunks = b"\r\n4\r\na 1\n\r\n0\r\n\r\n"
    fields = (b"Content-Length: 4", b"Transfer-Encoding: chunked")
    with Gateway(options.binary, backend=options.backend) as gateway:
        for order in (fields, fields[::-1], (b"content-length:\t14", b"tRANSFER-eNCODING: Chunked")):
            with gateway.connect() as sock:
                sock.sendall(b"POST /metrics/job/t HTTP/1.1\r\nHost: x\r\n" + b"\r\n".join(order) + b"\r\n" + chunks +
                             make_request("PUT", "/metrics/job/smuggled", b"a 1\n"))
                reader = Reader(sock)
                checks.equal(read_response(reader).status, 400, order)
                checks.equal(reader.rest(), b"", "closed without another answer", order)
        checks.equal(pushed(gateway), [], "nothing is stored")


def exit_of(options, *flags):
    ended = subprocess.run([options.binary, *flags], capture_output=True, text=True, timeout=60, check=False)
    lines = ended.stderr.strip().split("\n")
    # The sentence on a YAML file has a line for each thing that is wrong in it, like the reference's.
    return ended.returncode, next((line for line in lines if line.startswith("sluice: error: ")), lines[-1])


def check_exit_0_on_bad_config(checks, options):
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as taken:
        config = os.path.join(folder, "web.yml")
        bad = ["tls_server_config: [\n", "no_such_field: 1\n", "tls_server_config:\n  cert_file: none.pem\n",
               "tls_server_config:\n  cert_file: none.pem\n  key_file: none.pem\n", "basic_auth_users:\n  a: not-a-hash\n", "- 1\n"]
        for text in bad:
            with open(config, "w", encoding="utf-8") as file:
                file.write(text)
            code, last = exit_of(options, "--web.listen-address=127.0.0.1:0", "--web.config.file=" + config)
            checks.that(code == 1 and last.startswith("sluice: error: "), "bad configuration", repr(text), code, last)
        for flags in (["--web.listen-address=127.0.0.1:%d" % taken.getsockname()[1]],
                      ["--web.listen-address=127.0.0.1:0", "--web.config.file=" + os.path.join(folder, "none.yml")]):
            code, last = exit_of(options, *flags)
            checks.that(code == 1 and last.startswith("sluice: error: "), flags, code, last)


def check_lost_on_kill9(checks, options):
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--persistence.file=" + os.path.join(folder, "state")]
        with Gateway(options.binary, flags, options.backend) as gateway:
            for number in range(200):
                checks.equal(statuses(gateway, ("PUT", "/metrics/job/t/n/%d" % number, b"a %d\n" % number)), [200], number)
            gateway.stop(signal.SIGKILL)
        with Gateway(options.binary, flags, options.backend) as gateway:
            kept = {int(line.rsplit(" ", 1)[1]) for line in pushed(gateway)}
        checks.equal(kept, set(range(200)), "after a kill")


def damaged(whole, rng):
    """Name and bytes of damages to a file that ends cleanly."""
    yield "cut in the middle", whole[:len(whole) // 2]
    yield "30 bytes behind", whole + bytes(rng.randrange(256) for _ in range(30))
    for _ in range(5):
        where, bit = rng.randrange(len(whole)), 1 << rng.randrange(8)
        yield "bit %d of byte %d" % (bit, where), whole[:where] + bytes([whole[where] ^ bit]) + whole[where + 1:]


def check_corrupt_state_file(checks, options):
    seed = int(os.environ.get("SLUICE_TEST_SEED", "6"))
    print("corrupt-state-file: seed", seed)
    with tempfile.TemporaryDirectory() as folder:
        state = os.path.join(folder, "state")
        flags = ["--persistence.file=" + state, "--runtime.workers=1"]
        with Gateway(options.binary, flags, options.backend) as gateway:
            for number in range(50):
                checks.equal(statuses(gateway, ("PUT", "/metrics/job/t/n/%d" % number, b"a %d\n" % number)), [200], number)
            gateway.stop()
        [name] = [name for name in os.listdir(state + ".sluice") if name.endswith(".snap")]
        with open(os.path.join(state + ".sluice", name), "rb") as file:
            whole = file.read()
        for what, content in damaged(whole, random.Random(seed)):
            for old in os.listdir(state + ".sluice"):
                os.remove(os.path.join(state + ".sluice", old))
            with open(os.path.join(state + ".sluice", name), "wb") as file:
                file.write(content)
            with Gateway(options.binary, flags, options.backend) as gateway:
                kept = pushed(gateway)
                wanted = {'a{instance="",job="t",n="%d"} %d' % (number, number) for number in range(50)}
                checks.that(set(kept) <= wanted, "nothing that was not pushed", what, set(kept) - wanted)
                # A bit costs the group that it is in, or none if it is in the file's own fields.
                least = {"cut in the middle": 15, "30 bytes behind": 50}.get(what, 49)
                print("corrupt-state-file: %s: %d of 50 groups" % (what, len(kept)))
                checks.that(len(kept) >= least, "what verifies is served", what, len(kept))
                text = gateway.scrape().text
                alarm = re.search(r"^sluice_wal_damages ([1-9]\d*)$", text, re.M)
                checks.that(alarm, "an alarm", what, [line for line in text.split("\n") if line.startswith("sluice_wal_")])
                checks.that(any("level=error" in line and name in line for line in gateway.log), "a line in the log", what)
                aside = os.path.join(state + ".sluice", name + ".corrupt")
                if checks.that(wait_until(lambda a=aside: os.path.exists(a)), "set aside", what):
                    with open(aside, "rb") as file:
                        checks.equal(file.read(), content, "as it was", what)


CASES = (
    "oom-protobuf-length", "poison-nonutf8-job", "poison-empty-instance", "poison-utf8-reserved", "poison-internal-name",
    "truncated-scrape-empty-name", "truncated-scrape-enum", "panic-empty-braces", "cpu-many-labels", "cpu-push-cost-grows",
    "mem-gzip-bomb", "slowloris", "fd-exhaustion", "te-cl-keepalive", "exit-0-on-bad-config", "lost-on-kill9",
    "corrupt-state-file")


def main():
    options = arguments(only="")
    checks = Checks("reference_bugs")
    for name in [options.only] if options.only else CASES:
        failed, began = len(checks.failed), time.monotonic()
        globals()["check_" + name.replace("-", "_")](checks, options)
        print("%s: %s, %.1f s" % (name, "ok" if len(checks.failed) == failed else "FAILED", time.monotonic() - began), flush=True)
    checks.finish()


if __name__ == "__main__":
    main()
