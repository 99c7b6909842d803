"""D5, the other half: the directory of the log, or files of it, are taken away while the gateway runs, or its disk becomes
read-only. In turn

    moved     the directory goes to another name and comes back
    emptied   every file of the log is removed, or a few of them
    removed   the directory is removed and does not come back
    read-only an ext4 finds an error and remounts itself

While it is so: with always changes are refused with 503 and /-/ready says so, with interval they go on and
sluice_wal_failed is 1; scrapes go on, and one line of the log says why. What is moved back or emptied heals without a
restart, and then a SIGKILL and a start that has everything that was acknowledged. Where it does not heal a stop says so, in
a sentence and with exit code 1; what an ext4 held when it became read-only is there after the next mount.

    python3 tests/durability/vanish.py --binary build/release/sluice --trials 80
"""

import os
import random
import shutil
import signal
import subprocess
import tempfile

from boots import next_boot
from disk import NotHere
from disk_full import Trial
from images import make, mounted
from ledger import run, wait_for

KINDS = ("moved", "emptied", "removed", "read-only")


def files_of(directory):
    return sorted(name for name in os.listdir(directory) if name.endswith((".seg", ".snap")))


class Vanish(Trial):
    KINDS = KINDS

    def run(self, folder, rng):
        self.directory = os.path.join(folder, "state.sluice")
        {"moved": self.moved, "emptied": self.emptied, "removed": self.removed, "read-only": self.read_only}[self.kind](folder, rng)

    def said(self, gateway, text):
        self.checks.that(wait_for(lambda: any(text in line for line in gateway.log), 20), text, self.what, gateway.log[-3:])

    def fails(self, gateway):
        self.checks.that(wait_for(lambda: self.failed(gateway), 20), "the metric shows it", self.what)
        self.refuses_or_goes_on(gateway)

    def heals(self, gateway):
        self.said(gateway, "the log can be written again")
        self.checks.that(wait_for(lambda: not self.failed(gateway)), "the service returns by itself", self.what)
        self.checks.equal(gateway.request("GET", "/-/ready").status, 200, "ready", self.what)
        self.checks.that(self.ledger.wait_for_acks(20), "pushes go on", self.what)
        gateway.stop(signal.SIGKILL)
        self.ledger.stop()

    def moved(self, folder, _):
        away = os.path.join(folder, "elsewhere")
        with self.gateway(folder) as gateway:
            self.push(gateway)
            os.rename(self.directory, away)
            self.fails(gateway)
            self.said(gateway, "the directory of the log is gone")
            os.rename(away, self.directory)
            self.heals(gateway)
        self.judge(folder)

    def emptied(self, folder, rng):
        with self.gateway(folder) as gateway:
            self.push(gateway)
            names = files_of(self.directory)
            some = [name for name in names if name.endswith(".seg")][-2:] if rng.random() < 0.5 else names
            for name in some:
                # A snapshot may have removed it meanwhile.
                if os.path.exists(os.path.join(self.directory, name)):
                    os.remove(os.path.join(self.directory, name))
            self.said(gateway, "a file of the log is gone")
            self.heals(gateway)
        self.judge(folder)

    def removed(self, folder, _):
        with self.gateway(folder) as gateway:
            self.push(gateway)
            # It makes files meanwhile.
            wait_for(lambda: shutil.rmtree(self.directory, ignore_errors=True) or not os.path.exists(self.directory))
            self.fails(gateway)
            self.said(gateway, "the directory of the log is gone")
            self.ledger.stop()
            self.checks.equal(gateway.stop(signal.SIGTERM), 1, "exit code", self.what)
            self.said(gateway, "the directory is gone")

    def read_only(self, folder, _):
        image, disk = os.path.join(folder, "image"), os.path.join(folder, "disk")
        make(image, 32 << 20, "mkfs.ext4", "-q", "-F", "-m", "0")
        with mounted(image, disk, "loop,errors=remount-ro"), self.gateway(disk) as gateway:
            self.push(gateway)
            device = os.path.basename(device_of(disk))
            trigger = "/sys/fs/ext4/%s/trigger_fs_error" % device
            if not os.path.exists(trigger):
                self.ledger.stop()
                raise NotHere("the kernel cannot be asked for an error of an ext4")
            with open(trigger, "w", encoding="ascii") as out:
                out.write("sluice")
            self.fails(gateway)
            self.ledger.stop()
            gateway.stop(signal.SIGKILL)
        # With interval acknowledged and nowhere but in memory, as the metric has said. With always the last sync that ext4
        # called done in the moment of its error may be lost, as in disk_full; what was acknowledged before is kept.
        self.ledger.forget_acks()
        # It reports what it has repaired with its exit code.
        subprocess.run(["e2fsck", "-fy", image], capture_output=True, check=False)
        # What was written and not synced is lost, as at a boot.
        with mounted(image, disk):
            self.judge(disk, next_boot(folder))


def device_of(folder):
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return next(line.split()[0] for line in mounts if line.split()[1] == os.path.realpath(folder))


def main(checks, options):
    rng = random.Random(options.seed)
    acknowledged = refused = 0
    not_here = {}
    for number in range(options.trials):
        trial = Vanish(checks, options, number, rng)
        with tempfile.TemporaryDirectory() as folder:
            try:
                trial.run(folder, rng)
            except NotHere as why:
                not_here[trial.kind] = why
        acknowledged += len(trial.ledger.acks)
        refused += trial.ledger.refused
    for kind, why in not_here.items():
        checks.skip("durability_vanish_" + kind.replace("-", "_"), why)
    print("vanish: %d times, %d changes acknowledged, %d refused" % (options.trials, acknowledged, refused))


if __name__ == "__main__":
    run("vanish", main, trials=8)
