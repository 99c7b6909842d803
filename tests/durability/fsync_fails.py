"""D4: sync number K of the disk fails, later ones succeed, and what it should have made durable never will be; and a disk
that is full for a while.

The disk is a DiskModel behind FUSE, so the error is that of a ring's completion. Sync number K counted

    start   from a second start's first operation on, whose directory holds what was only written before a SIGKILL
    run     from the moment on at which the gateway is ready and is pushed to
    held    the same, and syncs behind it (with interval those of snapshots and directories) wait until sluice_wal_failed,
            /-/ready and a push were looked at
    full    no sync fails: the disk has room for a few bytes more, and later for all again

With always no change that was sent after the failure of a log's sync may be acknowledged before a snapshot that began
after it is durable; with interval changes go on, and the metric says so. In the end a power cut that keeps nothing, and a
start that has everything.

    python3 tests/durability/fsync_fails.py --binary build/release/sluice --trials 600
"""

import errno
import random
import signal

from boots import next_boot
from disk import Disk, NotHere, is_segment
from gateway import Gateway
from ledger import Ledger, metric, run, wait_for

POSITIONS = 100
FULL = 50
MUCH = 1 << 40


class Trial:
    def __init__(self, checks, options, disk, case, rng):
        self.checks, self.options, self.disk = checks, options, disk
        self.mode, self.kind, self.position = case
        self.workers = rng.choice((1, 2))
        self.error = errno.ENOSPC if self.position % 5 == 0 else errno.EIO
        self.ledger = Ledger(groups=12, connections=4, seed=rng.getrandbits(32))
        self.budget = rng.randrange(3000)
        self.what = (self.mode, self.kind, self.position, "workers", self.workers)
        disk.clear()
        disk.command("delay", 1000)

    def gateway(self, wrapper=()):
        flags = ["--persistence.file=%s/state" % self.disk.path, "--persistence.fsync=" + self.mode,
                 "--persistence.fsync-interval=10ms", "--persistence.interval=100ms", "--runtime.workers=%d" % self.workers]
        return Gateway(self.options.binary, flags, self.options.backend, wrapper=wrapper)

    def arm(self):
        held = "none"
        if self.kind == "held":
            # FUSE has writes of a file wait for its sync, as disks do not; with always nothing is written meanwhile.
            held = "all" if self.mode == "always" else ".seg"
        self.disk.command("fail", self.position - 1, self.error, held)

    def run(self):
        self.fault()
        self.judge()

    def fault(self):
        if self.kind == "start":
            return self.start_again()
        with self.gateway() as gateway:
            if self.kind != "full":
                self.arm()
            self.pushed_to(gateway, self.full if self.kind == "full" else self.fail)
        return None

    def pushed_to(self, gateway, phase):
        """A phase while pushes go on, and the cut."""
        self.ledger.start(gateway)
        try:
            phase(gateway)
            self.cut(gateway)
        except BaseException:
            # A gateway that waits for the disk could not be ended.
            print("failed:", self.what, flush=True)
            self.disk.command("cut", "none", 0)
            raise

    # ---- Before the cut ----------------------------------------------------------------------------------------------

    def start_again(self):
        """What a start that cannot sync does is a sentence and exit code 1; the next one has everything."""
        with self.gateway() as gateway:
            self.ledger.start(gateway)
            self.checks.that(self.ledger.wait_for_acks(20), "pushes", self.what)
            gateway.stop(signal.SIGKILL)
            self.ledger.stop()
        self.arm()
        try:
            gateway = self.gateway()
        except RuntimeError as why:
            said = [line for line in str(why).split("\n") if line.startswith("sluice: error: ")]
            self.checks.that(len(said) == 1, "one sentence", self.what, why)
            gateway = self.gateway()
        with gateway:
            self.pushed_to(gateway, self.fail)

    def fail(self, gateway):
        failed = self.disk.failed_sync
        self.checks.that(self.disk.wait_until(failed), "the sync fails", self.what)
        at = failed()
        of_a_log = self.is_of_a_log(at)
        self.what += ("of", at.name)
        if self.kind == "held" and of_a_log:
            self.look_at_failure(gateway)
        self.disk.command("release")
        self.checks.that(wait_for(lambda: metric(gateway.scrape().text, "sluice_wal_failed") == 0), "it ends", self.what)
        self.checks.equal(gateway.request("GET", "/-/ready").status, 200, "ready again", self.what)
        self.checks.that(self.ledger.wait_for_acks(30), "pushes go on", self.what)
        if self.kind != "start":
            self.checks.that(gateway.wait_for_log("level=error"), "a line in the log", self.what)
        if of_a_log:
            failures = metric(gateway.scrape().text, "sluice_wal_failures_total")
            self.checks.that(failures >= 1 or self.kind == "start", "it is counted", self.what, failures)
        if of_a_log and self.kind != "start" and self.mode == "always":
            self.check_acknowledged(at)

    def is_of_a_log(self, sync):
        """The first sync of a file of the log is that of its header, before a log has it."""
        return is_segment(sync.name) and any(done.kind == "sync" and done.name == sync.name and done.result == 0 and
                                             done.time < sync.begin for done in self.disk.log)

    def look_at_failure(self, gateway):
        """Nothing can be synced at present."""
        always = self.mode == "always"
        shown = wait_for(lambda: metric(gateway.scrape().text, "sluice_wal_failed") == 1)
        self.checks.that(shown, "the metric shows it", self.what)
        self.checks.equal(gateway.request("GET", "/-/ready").status, 503 if always else 200, "ready", self.what)
        self.checks.equal(gateway.request("GET", "/-/healthy").status, 200, "healthy", self.what)
        status = gateway.request("PUT", "/metrics/job/other", b"x 1\n").status
        self.checks.equal(status, 503 if always else 200, "a push", self.what)
        self.checks.equal(gateway.request("DELETE", "/metrics/job/other").status, 503 if always else 202, "delete", self.what)

    def check_acknowledged(self, at):
        """No change was sent after the failure and acknowledged before a snapshot of later was there to stay."""
        def healed():
            named = next((done for done in self.disk.log if done.kind == "rename" and done.begin > at.time
                          and done.name.endswith(".snap")), None)
            return named and next((done for done in self.disk.log if done.kind == "syncdir" and done.result == 0
                                   and done.begin >= named.begin), None)
        if not self.checks.that(self.disk.wait_until(healed), "a snapshot heals it", self.what):
            return
        heal = healed()
        early = [(group.name, number) for sent, acked, group, number in list(self.ledger.acks)
                 if sent > at.time and acked < heal.time]
        self.checks.that(not early, "acknowledged between failure and repair:", self.what, early[:5])

    def full(self, gateway):
        always = self.mode == "always"
        self.checks.that(self.ledger.wait_for_acks(20 + self.position), "pushes", self.what)
        self.disk.command("budget", self.disk.look()["bytes"] + self.budget)
        failed = lambda: metric(gateway.scrape().text, "sluice_wal_failed") == 1  # noqa: E731
        if not wait_for(failed, 1):
            # A snapshot has made room.
            self.disk.command("budget", 0)
        self.checks.that(wait_for(failed), "the metric shows it", self.what)
        self.disk.command("budget", 0)
        if always:
            self.checks.that(wait_for(lambda: gateway.request("GET", "/-/ready").status == 503), "not ready", self.what)
            refused = self.ledger.refused
            self.checks.that(wait_for(lambda: self.ledger.refused > refused), "refused", self.what)
        else:
            self.checks.that(self.ledger.wait_for_acks(20), "pushes go on", self.what)
        self.disk.command("budget", MUCH)
        self.checks.that(wait_for(lambda: not failed()), "it ends", self.what)
        self.checks.equal(gateway.request("GET", "/-/ready").status, 200, "ready again", self.what)
        self.checks.that(self.ledger.wait_for_acks(20), "pushes go on", self.what)

    # ---- The cut and behind it ---------------------------------------------------------------------------------------

    def cut(self, gateway):
        if self.mode == "interval":
            # All is durable a moment after the last push.
            self.ledger.stop()
            self.checks.that(self.disk.wait_until(lambda: self.disk.figures["pending"] == 0), "synced", self.what)
        self.disk.command("cut", "none", 0)
        gateway.stop(signal.SIGKILL)
        self.ledger.stop()

    def judge(self):
        self.disk.command("revive")
        with self.gateway(next_boot(self.disk.folder)) as gateway:
            text = gateway.scrape().text
            # Of look_at_failure().
            text = "\n".join(line for line in text.split("\n") if 'job="other"' not in line)
            self.ledger.judge(self.checks, text, self.what)
            self.checks.equal(metric(text, "sluice_wal_damages"), 0, "no damage", self.what)


def all_cases():
    cases = []
    for mode in ("always", "interval"):
        for kind in ("start", "run", "held"):
            if (mode, kind) != ("interval", "start"):
                cases += [(mode, kind, position) for position in range(1, POSITIONS + 1)]
        cases += [(mode, "full", number) for number in range(FULL)]
    return cases


def main(checks, options):
    rng = random.Random(options.seed)
    cases = all_cases()
    if options.trials < len(cases):
        cases = rng.sample(cases, options.trials)
    acknowledged = refused = 0
    try:
        with Disk(options.binary) as disk:
            for case in cases:
                trial = Trial(checks, options, disk, case, rng)
                trial.run()
                acknowledged += len(trial.ledger.acks)
                refused += trial.ledger.refused
    except NotHere as why:
        return checks.skip("durability_fsync_fails", why)
    print("fsync_fails: %d faults, %d changes acknowledged, %d refused" % (len(cases), acknowledged, refused))
    return None


if __name__ == "__main__":
    run("fsync_fails", main, trials=16)
