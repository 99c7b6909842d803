"""D11: directories of every format that there was are read, and those of a later format are refused, never emptied.

    python3 tests/durability/upgrade.py --binary build/release/sluice

data/format_N/ holds a directory FILE.sluice/ of format N (`directory`) and what a scrape of it has to show (`expected.json`):
a snapshot, segments of two workers behind it, the last of which ends in the middle of a record. It was made by

    python3 tests/durability/upgrade.py --binary BINARY_OF_THAT_VERSION --make tests/durability/data/format_N

and stays as it is from the first release with that format on. data/format_999 was made in the same way by a gateway that calls
its format 999 (kFormat in core/wal/record.cc): one that does not exist yet, in a file that is whole.
"""

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

from gateway import Checks, Gateway, arguments  # noqa: E402 (the harness lies in another folder)
from moving import looks  # noqa: E402
from moving_pushes import push_everything  # noqa: E402

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
FUTURE = 999


def flags(file):
    return ["--persistence.file=" + file, "--push.enable-utf8-names", "--persistence.fsync=always", "--persistence.interval=1h",
            "--runtime.workers=2"]


def files_of(folder):
    found = {}
    for name in sorted(os.listdir(folder)):
        if name != "lock":
            with open(os.path.join(folder, name), "rb") as file:
                found[name] = file.read()
    return found


def look(gateway):
    # The JSON API writes times in the reader's zone.
    return json.loads(json.dumps({name: value for name, value in looks(gateway).items() if name != "JSON"}))


def make(checks, options):
    directory = os.path.join(options.make, "directory")
    shutil.rmtree(directory, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        with Gateway(options.binary, flags(file), options.backend) as gateway:
            push_everything(checks, gateway)
            checks.equal(gateway.stop(), 0, "exit code")
        with Gateway(options.binary, flags(file), options.backend) as gateway:
            sent = []
            for number in range(12):  # each on a connection of its own, so that both workers have some
                sent.append(gateway.request(("PUT", "POST")[number % 2], "/metrics/job/behind/instance/%d" % (number % 5),
                                            b"# TYPE moved_total counter\nmoved_total %d\nmoved_%d{x=\"y\"} %d.5\n" %
                                            (number, number % 3, number)))
            for number in range(24):  # what comes again but for its numbers: since format 2 patterns and numbers
                sent.append(gateway.request(("POST", "PUT")[number % 2], "/metrics/job/again/instance/%d" % (number % 7),
                                            b"# HELP again_total How often.\n# TYPE again_total counter\n"
                                            b"again_total{kind=\"a=\\\"b\\\"\"} %d\n# TYPE again_seconds gauge\nagain_seconds %d.25\n" %
                                            (number, number)))
            sent.append(gateway.request("DELETE", "/metrics/job/again/instance/2"))
            sent.append(gateway.request("DELETE", "/metrics/job/behind/instance/3"))
            sent.append(gateway.request("DELETE", "/metrics/job/nested/sub/1"))
            sent.append(gateway.request("PUT", "/metrics/job/value/zone@base64/=", b"moved_3 55\n"))
            checks.equal({answer.status for answer in sent} - {200, 202}, set(), "pushes", [answer.text for answer in sent])
            # A timestamp: refused, which is a record too.
            checks.equal(gateway.request("PUT", "/metrics/job/behind/instance/1", b"late 1 1\n").status, 400, "a failed push")
            gateway.stop(signal.SIGKILL)
        os.remove(file + ".sluice/lock")
        segments = sorted(name for name in os.listdir(file + ".sluice") if name.endswith(".seg"))
        longest = max(segments, key=lambda name: os.path.getsize(os.path.join(file + ".sluice", name)))
        with open(os.path.join(file + ".sluice", longest), "ab") as out:
            out.write(struct.pack("<IIQ", 5000, 2, 1) + b"the begin of a record")
        shutil.copytree(file + ".sluice", directory)
        with Gateway(options.binary, flags(file), options.backend) as gateway:
            expected = look(gateway)
    with open(os.path.join(options.make, "expected.json"), "w", encoding="utf-8") as out:
        json.dump(expected, out, indent=1, ensure_ascii=False)
        out.write("\n")


def check_known(checks, options, name):
    directory = os.path.join(DATA, name, "directory")
    with open(os.path.join(DATA, name, "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)
    checks.that(len(expected["text"]) > 50, "something is expected", name)
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        shutil.copytree(directory, file + ".sluice")
        done = subprocess.run([options.binary, "wal", "verify", file + ".sluice"], capture_output=True, text=True, check=False)
        checks.that(done.returncode == 0 and "torn_files   1\n" in done.stdout, "wal verify", name, done.stdout, done.stderr)
        for start in ("the first start", "a start after a kill", "a start after an end"):
            with Gateway(options.binary, flags(file), options.backend) as gateway:
                got = look(gateway)
                for form in expected:
                    checks.equal(got[form], expected[form], name, start, form)
                gateway.stop(signal.SIGTERM if start == "a start after a kill" else signal.SIGKILL)


def check_future(checks, options, name, older):
    """By itself, and one of its files among those of a format that is known."""
    future = os.path.join(DATA, name, "directory")
    newest = next(file for file in sorted(os.listdir(future)) if file.endswith(".seg"))
    for what, mixed in (("all of them", False), ("one of them", True)):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "state")
            shutil.copytree(os.path.join(DATA, older, "directory") if mixed else future, file + ".sluice")
            if mixed:
                shutil.copyfile(os.path.join(future, newest), os.path.join(file + ".sluice", newest))
            before = files_of(file + ".sluice")
            for more in ([], ["--persistence.on-corruption=refuse"], ["--push.disable-consistency-check"]):
                command = [options.binary, "--web.listen-address=127.0.0.1:0", *flags(file), *more]
                try:
                    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
                except subprocess.TimeoutExpired:
                    checks.that(False, "it starts on files that it does not know", name, what, more)
                    return
                last = done.stderr.strip().split("\n")[-1]
                checks.equal(done.returncode, 1, name, what, more, done.stderr[-1000:])
                checks.that(last.startswith("sluice: error: " + file) and "is of format %d, which this version does not know" % FUTURE
                            in last, "one sentence", name, what, last)
                after = files_of(file + ".sluice")
                checks.that(after == before, "nothing is touched and nothing added", name, what, more, sorted(after))
            done = subprocess.run([options.binary, "wal", "verify", file + ".sluice"], capture_output=True, text=True, check=False)
            checks.that(done.returncode == 1 and "is of format %d" % FUTURE in done.stderr, "wal verify", done.stdout, done.stderr)


def main():
    options = arguments(make="")
    checks = Checks("upgrade")
    if options.make:
        os.makedirs(options.make, exist_ok=True)
        make(checks, options)
        checks.finish()
    names = sorted(os.listdir(DATA))
    known = [name for name in names if name != "format_%d" % FUTURE]
    checks.that(len(known) > 0 and len(known) < len(names), "directories", names)
    for name in known:
        check_known(checks, options, name)
    check_future(checks, options, "format_%d" % FUTURE, known[-1])
    checks.finish()


if __name__ == "__main__":
    main()
