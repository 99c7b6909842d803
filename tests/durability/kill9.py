"""D1: the gateway is killed at random moments while sluice-load and connections of our own push, and is started again.

    python3 tests/durability/kill9.py --binary build/release/sluice [--trials 1000] [--seed N] [--fsync always]
        [--series 100000 --restarts 10]

Afterwards every acknowledged change is there, every push is whole, and nothing is served that was not sent: what our own
connections know (ledger.py), and sluice-load's verification of its own groups, against every ledger that it has written in
this directory. Some kills fall into the recovery of the kill before. How long a restart takes is measured and printed.
"""

import os
import random
import re
import signal
import statistics
import subprocess
import tempfile
import time

from ledger import Ledger, metric

from gateway import Checks, Gateway, arguments

TRIALS_OF_A_DIRECTORY = 10
LOADS = (
    ("--body=s", "--groups=300"),
    ("--body=s", "--groups=40", "--connections=4", "--mix=put=2,post=2,delete=1"),
    ("--body=one", "--groups=2000", "--fill", "--pipeline=16"),
    ("--body=samples40", "--groups=200", "--format=protobuf", "--threads=2", "--mix=put=1"),
    ("--body=histograms", "--groups=50", "--encoding=gzip"),
    ("--body=s", "--groups=300", "--churn=10", "--mix=put=1,post=8,delete=1"),
    ("--body=large", "--groups=3", "--connections=2"),
    ("--body=one", "--groups=500", "--connection-per-push", "--connections=4"),
)


class Load:
    """sluice-load, and the ledgers that it has written of a directory."""

    def __init__(self, options, folder):
        self.binary = options.load or os.path.join(os.path.dirname(os.path.abspath(options.binary)), "sluice-load")
        self.folder = folder
        self.ledgers = []
        self.process = None
        self.path = None

    def start(self, gateway, flags):
        self.path = os.path.join(self.folder, "ledger%d" % len(self.ledgers))
        self.process = subprocess.Popen(
            [self.binary, "--max", "--warmup=0s", "--duration=10m", "--no-verify", "--ledger=" + self.path,
             "--job=load_%d" % len(self.ledgers), *flags, "http://127.0.0.1:%d" % gateway.port],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def stop(self, checks, what):
        """After the gateway's death. Returns the number of changes that were acknowledged."""
        self.process.send_signal(signal.SIGINT)
        _, err = self.process.communicate(timeout=60)
        if not os.path.exists(self.path):
            # Killed so early that it had not connected: nothing was sent.
            checks.that(self.process.returncode in (2, -signal.SIGINT), "sluice-load", what, self.process.returncode, err)
            return 0
        self.ledgers.append(self.path)
        with open(self.path, encoding="utf-8") as file:
            return sum(int(line.split()[5]) for line in file if line.startswith("group "))

    def verify(self, checks, gateway, what):
        for path in self.ledgers:
            done = subprocess.run([self.binary, "--verify-only=" + path, "http://127.0.0.1:%d" % gateway.port],
                                  capture_output=True, text=True, timeout=120, check=False)
            checks.equal(done.returncode, 0, "sluice-load:", what, os.path.basename(path), done.stdout[-1500:], done.stderr)


class Directory:
    """One --persistence.file and what is known of it."""

    def __init__(self, checks, options, rng, folder):
        self.checks, self.options, self.rng = checks, options, rng
        self.file = os.path.join(folder, "state")
        self.book = Ledger(seed=rng.getrandbits(32))
        self.load = Load(options, folder)
        self.ready_ms = []

    def flags(self):
        return ["--persistence.file=" + self.file, "--persistence.fsync=" + self.options.fsync,
                "--persistence.interval=%dms" % self.rng.choice((100, 150, 400, 2000)),
                "--persistence.fsync-interval=%dms" % self.rng.choice((20, 1000)),
                "--runtime.workers=%d" % self.rng.choice((1, 2, 2, 3))]

    def start(self):
        begin = time.monotonic()
        gateway = Gateway(self.options.binary, self.flags(), self.options.backend)
        self.ready_ms.append((time.monotonic() - begin) * 1000)
        return gateway

    def kill_in_recovery(self):
        command = [self.options.binary, "--web.listen-address=127.0.0.1:0", *self.flags()]
        if self.options.backend:
            command.append("--net.backend=" + self.options.backend)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(self.rng.uniform(0.0, 0.06))
        process.kill()
        process.wait()

    def judge(self, gateway, what):
        text = gateway.scrape().text
        # What sluice-load sends is its own to verify.
        ours = "\n".join(line for line in text.split("\n") if not re.search(r'job="load_\d+"', line))
        self.book.settle(self.book.judge(self.checks, ours, what))
        self.checks.equal(metric(text, "sluice_wal_damages"), 0, "damages", what)
        self.load.verify(self.checks, gateway, what)

    def trial(self, what):
        """One life of the gateway; returns how many changes were acknowledged in it, to us and to sluice-load."""
        with self.start() as gateway:
            self.judge(gateway, what)
            before = len(self.book.acks)
            self.load.start(gateway, self.rng.choice(LOADS))
            self.book.start(gateway)
            time.sleep(self.rng.uniform(0.0, 0.5))
            gateway.stop(signal.SIGKILL)
            self.book.stop()
            loaded = self.load.stop(self.checks, what)
            acked = len(self.book.acks) - before
        while self.rng.random() < 0.2:
            self.kill_in_recovery()
        return acked, loaded

    def end(self, what):
        for last in ("after the last kill", "after an orderly end"):
            with self.start() as gateway:
                self.judge(gateway, (*what, last))
                self.checks.equal(gateway.stop(), 0, "exit code", what)


def check_kills(checks, options, seed):
    acked = loaded = 0
    ready_ms = []
    begin = time.monotonic()
    for first in range(0, options.trials, TRIALS_OF_A_DIRECTORY):
        rng = random.Random("%d %d" % (seed, first))
        with tempfile.TemporaryDirectory() as folder:
            directory = Directory(checks, options, rng, folder)
            for trial in range(first, min(first + TRIALS_OF_A_DIRECTORY, options.trials)):
                ours, theirs = directory.trial(("trial", trial))
                acked += ours
                loaded += theirs
            directory.end(("directory of trial", first))
            ready_ms += directory.ready_ms
        if checks.failed:
            break
        if options.trials >= 100 and trial % 100 == 99:
            print("kill9: %d kills, %d s" % (trial + 1, time.monotonic() - begin), flush=True)
    checks.that(acked > options.trials and loaded > options.trials, "changes were acknowledged", acked, loaded)
    print("kill9: fsync=%s: %d kills in %d s; %d changes acknowledged to our connections, %d to sluice-load; a start, process "
          "to ready: median %.0f ms, most %.0f ms" % (options.fsync, options.trials, time.monotonic() - begin, acked, loaded,
                                                      statistics.median(ready_ms), max(ready_ms)), flush=True)


def check_restart(checks, options):
    """How long a start after a kill takes with many series: from the log alone, and from a snapshot."""
    for source, interval in (("the log", "1h"), ("a snapshot", "100ms")):
        with tempfile.TemporaryDirectory() as folder:
            flags = ["--persistence.file=" + os.path.join(folder, "state"), "--persistence.fsync=" + options.fsync,
                     "--persistence.interval=" + interval]
            load = Load(options, folder)
            with Gateway(options.binary, flags, options.backend) as gateway:
                path = os.path.join(folder, "ledger")
                done = subprocess.run(
                    [load.binary, "--max", "--warmup=0s", "--fill", "--count=1", "--groups=%d" % (options.series // 10),
                     "--no-verify", "--ledger=" + path, "http://127.0.0.1:%d" % gateway.port],
                    capture_output=True, text=True, timeout=600, check=False)
                checks.equal(done.returncode, 0, "filled", done.stderr)
                load.ledgers = [path]
                if source == "a snapshot":
                    checks.that(wait_for_snapshot(options, os.path.join(folder, "state.sluice")), "a snapshot was taken")
                gateway.stop(signal.SIGKILL)
            took = []
            for _ in range(options.restarts):
                begin = time.monotonic()
                with Gateway(options.binary, flags[:2] + ["--persistence.interval=1h"], options.backend) as gateway:
                    took.append((time.monotonic() - begin) * 1000)
                    load.verify(checks, gateway, source)
                    gateway.stop(signal.SIGKILL)
            print("kill9: %d series from %s, killed and started %d times: ready after %.0f ms (median), %.0f ms (most)" %
                  (options.series, source, options.restarts, statistics.median(took), max(took)), flush=True)


def wait_for_snapshot(options, directory):
    """Until a snapshot holds everything; nothing is pushed meanwhile."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = subprocess.run([options.binary, "wal", "verify", directory], capture_output=True, text=True, check=False).stdout
        numbers = dict(re.findall(r"^(\w+) +(\d+)$", found, re.M))
        if int(numbers.get("snapshot", 0)) > 0 and numbers["snapshot"] == numbers["newest_stamp"]:
            return True
        time.sleep(0.05)
    return False


def main():
    options = arguments(trials=25, seed=0, fsync="always", load="", series=20000, restarts=1)
    seed = options.seed or random.SystemRandom().getrandbits(31)
    print("kill9: --seed %d" % seed, flush=True)
    checks = Checks("kill9")
    check_kills(checks, options, seed)
    check_restart(checks, options)
    checks.finish()


if __name__ == "__main__":
    main()
