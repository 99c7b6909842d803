"""--persistence.file: what was acknowledged is there after a restart, and a file that is not ours is never touched."""

import os
import re
import signal
import subprocess
import tempfile
import time

import protobuf_bodies
from compare import pushed_lines
from gateway import Checks, Gateway, arguments

PUSHES = (
    ("PUT", "/metrics/job/etl/instance/a", b"# HELP rows Rows\\\\written.\\nsecond\n# TYPE rows counter\nrows{t=\"x\\\"y\\\\z\\n\"} 1e+06\n"),
    ("POST", "/metrics/job/etl/instance/a", b"# HELP empty \nempty -0\nplain NaN\nmore{a=\"\"} +Inf\n"),
    ("PUT", "/metrics/job/etl", b"# TYPE rows counter\nrows 3\n"),
    ("PUT", "/metrics/job/sizes/le/x", b"# TYPE s summary\ns{quantile=\"0.5\"} 2\ns_sum 3\ns_count 4\n"),
    ("PUT", "/metrics/job/sizes/le/1", b"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"),
    ("PUT", "/metrics/job/sizes/h/x", b"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"),
    ("PUT", "/metrics/job@base64/w6TDtg", b"x{l=\"\xc3\xa4\"} 4\n"),
    ("PUT", "/metrics/job/empty", b""),
)


UTF8_PUSH = ("PUT", "/metrics/job/dotted/U__a_2e_b/x", b"{\"dotted.name\",\"a b\"=\"c\"} 5\n")


def fill(checks, gateway, pushes):
    for method, target, body in pushes:
        checks.equal(gateway.request(method, target, body).status, 200, method, target)
    answer = gateway.request("PUT", "/metrics/job/pb", protobuf_bodies.KINDS, [("Content-Type", protobuf_bodies.CONTENT_TYPE)])
    checks.equal(answer.status, 200, "protobuf body", answer.text)
    # Failed pushes: of a group that was never pushed, and of one that was.
    for target in ("/metrics/job/failed", "/metrics/job/etl"):
        checks.equal(gateway.request("PUT", target, b"late 1 1\n").status, 400, "timestamp", target)


def state(gateway):
    """All that was pushed, with the times, and HELP and TYPE of it."""
    text = gateway.scrape([("Accept", "text/plain;version=0.0.4;escaping=allow-utf-8")]).text
    lines = sorted(pushed_lines(text, mask_times=False))
    own = re.compile(r"# (HELP|TYPE) (sluice_|process_|pushgateway_)")
    return lines + sorted(line for line in text.split("\n") if line.startswith("# ") and not own.match(line))


def check_restart(checks, options, flags, pushes):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        flags = ["--persistence.file=" + file, *flags]
        with Gateway(options.binary, flags, options.backend) as gateway:
            fill(checks, gateway, pushes)
            before = state(gateway)
            checks.equal(gateway.stop(), 0, "exit code")
        checks.that(any(line.startswith("push_failure_time_seconds{") and not line.endswith(" 0") for line in before),
                    "a failure time is part of it")
        for start in range(2):
            with Gateway(options.binary, flags, options.backend) as gateway:
                checks.equal(state(gateway), before, "the state after start", start + 2)
                checks.equal(gateway.stop(), 0, "exit code")
        with Gateway(options.binary, flags, options.backend) as gateway:
            checks.equal(gateway.request("DELETE", "/metrics/job/etl/instance/a").status, 202, "delete")
            gateway.stop()
        with Gateway(options.binary, flags, options.backend) as gateway:
            after = state(gateway)
        checks.that(after and not any('instance="a"' in line for line in after), "what was deleted stays away")
        checks.equal(os.listdir(folder), ["state.sluice"], "nothing else is left in the folder")
        checks.equal(os.stat(file + ".sluice").st_mode & 0o777, 0o700, "only the owner reads it")
        left = sorted(os.listdir(file + ".sluice"))
        checks.equal([name.split("-")[0] for name in left], ["lock", "snapshot"], "what a clean end leaves", left)
        for name in left:
            checks.equal(os.stat(os.path.join(file + ".sluice", name)).st_mode & 0o777, 0o600, name)


def snapshots(file):
    return sorted(name for name in os.listdir(file + ".sluice") if name.endswith(".snap"))


def check_interval(checks, options):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        flags = ["--persistence.file=" + file, "--persistence.interval=200ms"]
        with Gateway(options.binary, flags, options.backend) as gateway:
            checks.equal(gateway.request("PUT", "/metrics/job/killed", b"x 7\n").status, 200, "push")
            end = time.monotonic() + 60
            counted = re.compile(r'^sluice_persistence_writes_total\{result="ok"\} [1-9]', re.M)
            while not counted.search(text := gateway.scrape().text) and time.monotonic() < end:
                time.sleep(0.05)
            checks.that(counted.search(text), "a snapshot is written while the gateway runs, and counted")
            checks.that('sluice_persistence_writes_total{result="failed"} 0' in text, "no write failed")
            checks.equal(len(snapshots(file)), 1, "snapshots")
            written = snapshots(file)
            time.sleep(1)
            checks.equal(snapshots(file), written, "an unchanged state is not written again")
            gateway.stop(signal.SIGKILL)
        with Gateway(options.binary, flags, options.backend) as gateway:
            checks.that(any(line.startswith("x{") for line in pushed_lines(gateway.scrape().text)), "it survives a kill")


def refused(options, file):
    return subprocess.run([options.binary, "--web.listen-address=127.0.0.1:0", "--persistence.file=" + file],
                          capture_output=True, text=True, timeout=60, check=False)


def check_foreign_files(checks, options):
    """Whatever stands at FILE and is neither ours of before nor a Pushgateway's ends the start, and stays as it is."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        for name, content in (("empty", b""), ("text", b"hello\n"), ("gob", b"\x0f\xff\x81\x04\x01\x02\xff\x82\x00\x01\x0c"),
                              ("only a head", b"sluice state 1\r\n"), ("a head and noise", b"sluice state 1\r\n" + b"\x05" * 40)):
            with open(file, "wb") as out:
                out.write(content)
            ended = refused(options, file)
            last = ended.stderr.strip().split("\n")[-1]
            checks.equal(ended.returncode, 1, name, ended.stderr)
            checks.that(last.startswith("sluice: error: the persistence file " + file), name, last)
            checks.equal(open(file, "rb").read(), content, name, "is left as it is")
        ended = refused(options, folder)
        checks.that(ended.returncode == 1 and folder in ended.stderr, "a folder", ended.stderr)


def check_unwritable(checks, options):
    """A place that cannot be used is said at the start, in one sentence."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "none", "state")
        ended = refused(options, file)
        last = ended.stderr.strip().split("\n")[-1]
        checks.equal(ended.returncode, 1, "no such folder", ended.stderr)
        checks.that(last.startswith("sluice: error: cannot make the directory " + file + ".sluice: "), "it is named", last)


def main():
    options = arguments()
    checks = Checks("persistence")
    check_restart(checks, options, [], PUSHES)
    check_restart(checks, options, ["--push.enable-utf8-names"], (*PUSHES, UTF8_PUSH))
    check_interval(checks, options)
    check_foreign_files(checks, options)
    check_unwritable(checks, options)
    checks.finish()


if __name__ == "__main__":
    main()
