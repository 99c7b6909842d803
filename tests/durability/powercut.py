"""D2: a power cut. The directory is on ext4 in a file; at random moments, while clients push, that file is copied at one
moment, which is what a disk would hold without the page cache. The copy is mounted, and a second gateway started on it:

    always     shows every change that was acknowledged before the copy began
    interval   lacks none that was acknowledged longer than --persistence.fsync-interval and a sync before
    both       starts, reports no damage, and shows no half of a push and nothing that was not sent

Every four cuts the gateway itself is killed and started again, every twelve on an empty directory; in two of three lives it
takes no snapshot, which would make durable what a sync of the log has to. FSYNC_INTERVAL and the longest syncs, which the
gateway reports, bound what may be missing; one second more is for a busy machine's scheduler.

    python3 tests/durability/powercut.py --binary build/release/sluice --trials 300
"""

import random
import re
import shutil
import signal
import time

from boots import next_boot
from disk import NotHere
from gateway import Gateway
from images import Machine
from ledger import Ledger, metric, run

FSYNC_INTERVAL = 0.2
SCHEDULER = 1.0
CUTS_A_LIFE = 4
LIVES_A_DIRECTORY = 3


def longest_sync(text):
    """An upper bound in seconds from the histogram of syncs."""
    buckets = re.findall(r'^sluice_wal_fsync_duration_seconds_bucket\{le="([^"]+)"\} (\S+)$', text, re.M)
    total = buckets[-1][1]
    return float(next(bound for bound, count in buckets if count == total))


class Cuts:
    def __init__(self, checks, options, mode, rng):
        self.checks, self.options, self.mode, self.rng = checks, options, mode, rng
        self.made = self.acknowledged = self.missing = 0
        self.oldest = self.longest_copy = 0.0

    def gateway(self, folder, snapshots="150ms", wrapper=()):
        flags = ["--persistence.file=%s/state" % folder, "--persistence.fsync=" + self.mode, "--runtime.workers=2",
                 "--persistence.fsync-interval=%dms" % (FSYNC_INTERVAL * 1000), "--persistence.interval=" + snapshots]
        return Gateway(self.options.binary, flags, self.options.backend, wrapper=wrapper)

    def run(self, cuts):
        with Machine() as machine:
            while self.made < cuts:
                ledger = Ledger(connections=6, seed=self.rng.getrandbits(32), pause=0.002)
                for life in range(LIVES_A_DIRECTORY):
                    self.live(machine, ledger, "150ms" if life == 1 else "1h", min(CUTS_A_LIFE, cuts - self.made))
                shutil.rmtree(machine.path + "/state.sluice")

    def live(self, machine, ledger, snapshots, cuts):
        with self.gateway(machine.path, snapshots) as gateway:
            ledger.settle(ledger.judge(self.checks, gateway.scrape().text, (self.mode, "after a kill")))
            ledger.start(gateway)
            for _ in range(cuts):
                time.sleep(self.rng.uniform(0, 0.3))
                self.cut(machine, gateway, ledger)
            gateway.stop(signal.SIGKILL)
            ledger.stop()
        self.acknowledged += len(ledger.acks)

    def cut(self, machine, gateway, ledger):
        self.made += 1
        what = (self.mode, "cut", self.made)
        begin = time.monotonic()
        floors = ledger.floors()
        machine.cut()
        self.longest_copy = max(self.longest_copy, time.monotonic() - begin)
        acks = list(ledger.acks)
        if self.mode != "always":
            longest = longest_sync(gateway.scrape().text)
            floors = ledger.floors(before=begin - FSYNC_INTERVAL - 2 * longest - SCHEDULER)
        with machine.booted() as folder, self.gateway(folder, wrapper=next_boot(machine.folder)) as second:
            text = second.scrape().text
            second.stop(signal.SIGKILL)
        state = ledger.judge(self.checks, text, what, floors)
        self.checks.equal(metric(text, "sluice_wal_damages"), 0, "no damage", what)
        for _, acked_at, group, number in acks:
            if acked_at < begin and number > state[group.name] > 0:
                self.missing += 1
                self.oldest = max(self.oldest, begin - acked_at)


def main(checks, options):
    rng = random.Random(options.seed)
    try:
        for mode in ("always", "interval"):
            cuts = Cuts(checks, options, mode, rng)
            cuts.run(options.trials)
            checks.that(cuts.acknowledged > cuts.made, "changes were acknowledged", mode, cuts.acknowledged)
            print("powercut: %s: %d cuts, %d changes acknowledged meanwhile, %d older than a cut and not there, the oldest "
                  "by %.3f s; the longest copy took %.3f s" % (mode, cuts.made, cuts.acknowledged, cuts.missing, cuts.oldest,
                                                              cuts.longest_copy), flush=True)
    except NotHere as why:
        checks.skip("durability_powercut", why)


if __name__ == "__main__":
    run("powercut", main, trials=8)
