"""P14, P15, P16: what the durable log costs, and how long a start takes that reads it. On the disk that the sources are on."""

import contextlib
import os
import re
import statistics
import tempfile
import time
import urllib.error
import urllib.request

from suite import contestants
from suite.figures import Figure
from suite.loads import fill
from suite.sizes import thousands


@contextlib.contextmanager
def folder_on_disk():
    """/tmp is in memory on many machines."""
    place = os.path.join(contestants.SOURCE, "build")
    os.makedirs(place, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place, prefix="bench-durable-") as folder:
        yield folder


def durable(bench, folder, name, *flags):
    server = bench.sluice("--persistence.file=" + os.path.join(folder, name), "--persistence.interval=1h", *flags)
    wait_ready(server)
    return server


def wait_ready(server):
    """Seconds since the call until it is ready to be scraped."""
    began = time.monotonic()
    while time.monotonic() - began < 600:
        try:
            with urllib.request.urlopen(server.url + "/-/ready", timeout=60):
                return time.monotonic() - began
        except (urllib.error.HTTPError, OSError):
            time.sleep(0.002)
    raise TimeoutError(server.name)


def own_value(server, name):
    with urllib.request.urlopen(server.url + "/metrics") as answer:
        return float(re.search(r"^%s (\S+)$" % name, answer.read().decode(), re.M).group(1))


def p14(bench):
    """S with the durable log, synced every second, against S without"""
    with folder_on_disk() as folder, durable(bench, folder, "p14") as ours, bench.sluice() as plain:
        got, other = bench.rounds(lambda: bench.push(ours), lambda: bench.push(plain))
    bench.add_rates("P14", "S with the durable log, synced every second, against S without", got, other, ">= 0.85")


def sync_seconds(folder, count):
    """What one write and sync of 4 KiB take here, in seconds, sorted."""
    path = os.path.join(folder, "syncs")
    taken = []
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for index in range(count):
            began = time.monotonic()
            os.pwrite(file, b"x" * 4096, index * 4096)
            os.fdatasync(file)
            taken.append(time.monotonic() - began)
    finally:
        os.close(file)
    return sorted(taken)


def p15(bench):
    """S synced before every acknowledgement, 256 connections, one worker, against a loop of write and fdatasync"""
    with folder_on_disk() as folder, durable(bench, folder, "p15", "--persistence.fsync=always") as ours:
        per_sync, p99, syncs, loads = [], [], [], []

        def push():
            records = own_value(ours, "sluice_wal_records_total")
            count = own_value(ours, "sluice_wal_fsync_duration_seconds_count")
            load = bench.push(ours, connections=256)
            loads.append(load)
            per_sync.append((own_value(ours, "sluice_wal_records_total") - records) /
                            max(1, own_value(ours, "sluice_wal_fsync_duration_seconds_count") - count))
            p99.append(load.p99 * 1e3)

        bench.rounds(push, lambda: syncs.append(statistics.median(sync_seconds(folder, 200)) * 1e3))
    rate = statistics.median(load.rate for load in loads)
    pushes, latency, sync = Figure(per_sync), Figure(p99, "ms"), Figure(syncs, "ms")
    bench.add("P15", "pushes for each fsync, 256 connections, one worker", sluice=str(pushes), against="1", ratio=pushes.median,
              basis="", target=">= 50", note="%.0f/s" % rate, figures={"sluice_pushes_per_fsync": pushes})
    bench.add("P15", "p99 of these pushes against a write and fdatasync of 4 KiB", sluice=str(latency), against=str(sync),
              ratio=latency.median / sync.median, basis="", target="<= 3",
              figures={"sluice_p99_ms": latency, "against_fsync_ms": sync})
    p15_workers(bench)


def p15_workers(bench):
    """the same with eight workers, which sync apart and wait for each other's syncs, on the same core"""
    with folder_on_disk() as folder, durable(bench, folder, "one", "--persistence.fsync=always") as one, \
            durable(bench, folder, "eight", "--persistence.fsync=always", "--runtime.workers=8") as eight:
        got, other = bench.rounds(lambda: bench.push(eight, connections=256), lambda: bench.push(one, connections=256))
    bench.add_rates("P15", "the same with eight workers on one core, against one", got, other, ">= 1")


def p16(bench):
    """a start with 1 M series on disk and the log at its bound, against the reference with the same state"""
    groups = bench.sizes.scrape_groups
    note = bench.sizes.cut("groups", groups, 100_000)
    with folder_on_disk() as folder:
        with durable(bench, folder, "p16") as first:
            # One more time, and a snapshot is due.
            while own_value(first, "sluice_wal_bytes_total") < 120e6 and own_value(first, "sluice_wal_records_total") < 130_000:
                fill(first, groups)
            first.process.kill()
            first.process.wait()
        with contestants.reference("--persistence.file=" + os.path.join(folder, "reference"), "--push.disable-consistency-check") as theirs:
            fill(theirs, groups)

        def start():
            with durable_again(bench, folder) as ours:
                seconds = ours.ready_seconds
                if own_value(ours, "sluice_groups") != groups:
                    raise contestants.Failed("%d groups are missing" % (groups - own_value(ours, "sluice_groups")))
                ours.process.kill()
                ours.process.wait()
            return seconds

        def start_reference():
            began = time.monotonic()
            with bench.reference("--persistence.file=" + os.path.join(folder, "reference")) as theirs:
                wait_ready(theirs)
                return time.monotonic() - began

        ours, other = bench.rounds(start, start_reference)
        size = sum(entry.stat().st_size for entry in os.scandir(os.path.join(folder, "p16.sluice")))
    got, against = Figure(ours, "s"), Figure(other, "s")
    bench.add("P16", "start with %s series until ready, against the reference" % thousands(10 * groups), sluice=str(got),
              against=str(against), ratio=against.median / got.median, basis="", target=">= 5",
              note=", ".join(filter(None, [note, "%.0f MB on disk" % (size / 1e6)])),
              figures={"sluice_seconds": got, "against_seconds": against})


def durable_again(bench, folder):
    """Started as the state is; `ready_seconds` counts from before the process."""
    began = time.monotonic()
    server = durable(bench, folder, "p16")
    server.ready_seconds = time.monotonic() - began
    return server


ROWS = {"P14": p14, "P15": p15, "P16": p16}
