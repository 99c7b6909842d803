"""D5: the disk is full and has room again, while the gateway runs. In turn a loop-mounted ext4 of 8 MiB, a tmpfs of 8 MiB,
and an ext4 whose own backing file is on a full tmpfs, so that its syncs fail as those of a broken disk do.

While it is full: with always changes are refused with 503 and /-/ready says so, with interval they go on and
sluice_wal_failed is 1; scrapes go on. With room again so is the service, without a restart (the third kind needs a new
mount: the file system is broken by then). In the end a SIGKILL, and a start that has everything that was acknowledged.

Clients push slowly enough for the log not to fill the small disk by itself, which segments of 64 MiB would else do.

    python3 tests/durability/disk_full.py --binary build/release/sluice --trials 50
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile

from boots import next_boot
from disk import NotHere
from gateway import Gateway
from images import command, make, mounted
from ledger import Ledger, metric, run, wait_for

KINDS = ("ext4", "tmpfs", "backing")


def fill(path, leave):
    """Makes a file as large as there is room for but `leave` bytes, which are freed at the end; again, with what is left."""
    spare = path + ".spare"
    with contextlib.suppress(OSError), open(spare, "wb") as out:
        out.write(b"s" * leave)
    with contextlib.suppress(OSError), open(path, "ab", buffering=0) as out:
        while out.write(b"x" * 4096):
            pass
    os.remove(spare)


@contextlib.contextmanager
def tmpfs(folder, size):
    os.mkdir(folder)
    command("mount", "-t", "tmpfs", "-o", "size=%d" % size, "tmpfs", folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)


class Trial:
    KINDS = KINDS

    def __init__(self, checks, options, number, rng):
        self.checks, self.options = checks, options
        self.kind, self.mode = self.KINDS[number % len(self.KINDS)], ("always", "interval")[number // len(self.KINDS) % 2]
        self.what = (self.kind, self.mode, number)
        self.leave = rng.randrange(1, 60_000)
        self.ledger = Ledger(groups=12, connections=4, seed=rng.getrandbits(32), pause=0.01)

    def gateway(self, folder, wrapper=()):
        flags = ["--persistence.file=%s/state" % folder, "--persistence.fsync=" + self.mode,
                 "--persistence.fsync-interval=20ms", "--persistence.interval=100ms", "--runtime.workers=2"]
        return Gateway(self.options.binary, flags, self.options.backend, wrapper=wrapper)

    def run(self):
        if os.getuid() != 0:
            raise NotHere("mounting needs root")
        with tempfile.TemporaryDirectory() as folder:
            disk = os.path.join(folder, "disk")
            if self.kind == "tmpfs":
                with tmpfs(disk, 8 << 20):
                    self.full(disk, os.path.join(disk, "ballast"))
            elif self.kind == "ext4":
                image = os.path.join(folder, "image")
                make(image, 8 << 20, "mkfs.ext4", "-q", "-F", "-m", "0")
                with mounted(image, disk):
                    self.full(disk, os.path.join(disk, "ballast"))
            else:
                with tmpfs(os.path.join(folder, "host"), 12 << 20) as host:
                    self.broken(host, disk)

    def full(self, disk, ballast):
        with self.gateway(disk) as gateway:
            self.fail(gateway, ballast)
            os.remove(ballast)
            self.checks.that(wait_for(lambda: not self.failed(gateway)), "the service returns by itself", self.what,
                             gateway.log[-3:])
            self.checks.equal(gateway.request("GET", "/-/ready").status, 200, "ready", self.what)
            self.checks.that(self.ledger.wait_for_acks(20), "pushes go on", self.what)
            gateway.stop(signal.SIGKILL)
            self.ledger.stop()
        self.judge(disk)

    def broken(self, host, disk):
        image = os.path.join(host, "image")
        make(image, 32 << 20, "mkfs.ext4", "-q", "-F", "-m", "0")
        with mounted(image, disk), self.gateway(disk) as gateway:
            ballast = os.path.join(host, "ballast")
            self.fail(gateway, ballast)
            self.ledger.stop()
            gateway.stop(signal.SIGKILL)
            os.remove(ballast)
        # With interval acknowledged and nowhere but in memory, as the metric has said. With always what was acknowledged
        # before there was no room is kept: the last sync that ext4 called done in the moment when its journal was aborted may
        # be lost, whatever program made it.
        self.ledger.forget_acks()
        # As at a boot, where nothing knows the broken mount any more: here it may be held for a moment yet.
        after = os.path.join(os.path.dirname(host), "after")
        shutil.copyfile(image, after)
        # It reports what it has repaired with its exit code.
        subprocess.run(["e2fsck", "-fy", after], capture_output=True, check=False)
        with mounted(after, disk):
            self.judge(disk, next_boot(host))

    def failed(self, gateway):
        return metric(gateway.scrape().text, "sluice_wal_failed") == 1

    def fail(self, gateway, ballast):
        self.push(gateway)
        fill(ballast, self.leave)
        # A snapshot makes room, by what it removes.
        failed = any(wait_for(lambda: self.failed(gateway), 2) or fill(ballast, 0) for _ in range(30))
        self.checks.that(failed, "the metric shows it", self.what)
        self.refuses_or_goes_on(gateway)

    def push(self, gateway):
        self.ledger.start(gateway)
        self.checks.that(self.ledger.wait_for_acks(30), "pushes", self.what)
        if self.mode == "always":
            self.ledger.keep_acks()

    def refuses_or_goes_on(self, gateway):
        if self.mode == "always":
            refused = self.ledger.refused
            self.checks.that(wait_for(lambda: self.ledger.refused > refused), "refused", self.what)
            self.checks.that(wait_for(lambda: gateway.request("GET", "/-/ready").status == 503), "not ready", self.what)
        else:
            self.checks.that(self.ledger.wait_for_acks(20), "pushes go on", self.what)
        self.checks.equal(gateway.scrape().status, 200, "scrapes go on", self.what)

    def judge(self, disk, wrapper=()):
        with self.gateway(disk, wrapper) as gateway:
            text = gateway.scrape().text
            self.ledger.judge(self.checks, text, self.what)
            self.checks.equal(metric(text, "sluice_wal_damages"), 0, "no damage", self.what)


def main(checks, options):
    rng = random.Random(options.seed)
    acknowledged = refused = 0
    try:
        for number in range(options.trials):
            trial = Trial(checks, options, number, rng)
            trial.run()
            acknowledged += len(trial.ledger.acks)
            refused += trial.ledger.refused
    except NotHere as why:
        return checks.skip("durability_disk_full", why)
    print("disk_full: %d times full, %d changes acknowledged, %d refused" % (options.trials, acknowledged, refused))
    return None


if __name__ == "__main__":
    run("disk_full", main, trials=6)
