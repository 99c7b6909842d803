"""A large persistence file: written by the real reference, imported, the time and the memory of both. By hand:

    python3 tests/e2e/moving_large.py --binary build/release/sluice [--groups 100000] [--series 10] [--keep FILE]

The reference does not check consistency while it is filled, which would take it hours. FILE is made where it is not there,
and kept.
"""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from gateway import Checks, Gateway, Reader, arguments, make_request, read_response
from reference import find_reference


def body_of(group, series):
    lines = ["# HELP s%d Series number %d.\n# TYPE s%d gauge\ns%d{zone=\"z%d\",path=\"/p/%d\"} %d.5" %
             (k, k, k, k, group % 7, k, group) for k in range(series)]
    return ("\n".join(lines) + "\n").encode()


def fill(gateway, groups, series):
    """Pushes, 50 at a time on one connection."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=300) as sock:
        reader = Reader(sock)
        for first in range(0, groups, 50):
            numbers = range(first, min(first + 50, groups))
            sock.sendall(b"".join(make_request("PUT", "/metrics/job/large/instance/i%d" % number, body_of(number, series))
                                  for number in numbers))
            for _ in numbers:
                if read_response(reader).status != 202:
                    raise RuntimeError("a push was refused")


def make_file(file, groups, series):
    reference, why = find_reference()
    if reference is None:
        return why
    with Gateway(reference, ["--persistence.file=" + file, "--push.disable-consistency-check"]) as theirs:
        begin = time.monotonic()
        fill(theirs, groups, series)
        print("filled the reference in %.1f s" % (time.monotonic() - begin))
        theirs.stop(timeout=300)
    return None


def measured(command):
    """Exit code, output, seconds, and the largest resident memory in MB."""
    begin = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return process.returncode, out.read(), time.monotonic() - begin, usage.ru_maxrss / 1024


def start_time(binary, flags):
    """Seconds until /-/ready answers 200, resident MB then, and lines that a scrape shows."""
    begin = time.monotonic()
    with Gateway(binary, flags) as gateway:
        while gateway.request("GET", "/-/ready").status != 200:
            time.sleep(0.005)
        seconds = time.monotonic() - begin
        with open("/proc/%d/status" % gateway.process.pid, encoding="ascii") as status:
            resident = int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024
        lines = gateway.request("GET", "/metrics", timeout=300).body.count(b'\ns')
        gateway.stop(timeout=300)
    return seconds, resident, lines


def main():
    options = arguments(groups=100_000, series=10, keep="")
    checks = Checks("moving_large")
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        if options.keep and os.path.exists(options.keep):
            shutil.copy2(options.keep, file)
        else:
            why = make_file(file, options.groups, options.series)
            if why:
                checks.skip("reference", why)
                checks.finish()
            if options.keep:
                shutil.copy2(file, options.keep)
        print("the file has %.1f MB" % (os.path.getsize(file) / 1e6))
        before = os.stat(file)
        code, text, seconds, resident = measured([options.binary, "import", file, "--dry-run"])
        print("dry run: %.2f s, at most %.0f MB resident" % (seconds, resident))
        checks.equal(code, 0, text)
        checks.that(re.search("(?m)^series +%d$" % (options.groups * options.series), text), text)
        wanted = options.groups * options.series
        for what in ("first start, with the import", "second start"):
            seconds, resident, lines = start_time(options.binary, ["--persistence.file=" + file])
            print("%s: ready after %.2f s, %.0f MB resident" % (what, seconds, resident))
            checks.that(lines >= wanted, what, lines)
        after = os.stat(file)
        checks.equal((after.st_size, after.st_mtime_ns), (before.st_size, before.st_mtime_ns), "the file")
        reference, _ = find_reference()
        if reference:
            seconds, resident, _ = start_time(reference, ["--persistence.file=" + file])
            print("the reference on the same file: ready after %.2f s, %.0f MB resident" % (seconds, resident))
    checks.finish()


if __name__ == "__main__":
    main()
