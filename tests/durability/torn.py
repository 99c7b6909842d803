"""D3: a power cut at every operation of the disk, with what was not synced torn and reordered.

The disk is a DiskModel behind FUSE. A gateway is started on it and pushed to; before operation N of the disk the power goes:
from then on everything fails, and of what was not synced the disk keeps nothing, a prefix to any byte, every second
sector, or the last write only, and none, some or all of the names that were made, renamed or removed. A second gateway on
the survivors has to start, to report no damage (torn is not damaged), and to show:

    always     every acknowledged change
    interval   every change that was acknowledged before the first write of a log that no sync followed
    both       with one connection and one worker the state after some number of changes in their order, nothing else

    python3 tests/durability/torn.py --binary build/release/sluice --trials 1600
"""

import random
import signal

from boots import next_boot
from disk import Disk, NotHere, is_segment
from ledger import Ledger, metric, run
from gateway import Gateway

OPERATIONS = 200
PATTERNS = ("none", "prefix", "sectors", "last")
MODES = ("always", "interval")


def flags(disk, mode, workers):
    return ["--persistence.file=%s/state" % disk.path, "--persistence.fsync=" + mode, "--persistence.fsync-interval=20ms",
            "--persistence.interval=100ms", "--runtime.workers=%d" % workers]


def start(options, disk, mode, workers):
    """A gateway, or None when the power went before it was ready."""
    try:
        return Gateway(options.binary, flags(disk, mode, workers), options.backend)
    except (RuntimeError, OSError):
        disk.look()
        if not disk.dead():
            raise
        return None


def floors(ledger, disk, mode):
    """What has to be there after the cut."""
    cut = next(done for done in disk.log if done.kind == "cut")
    if mode == "always":
        return ledger.floors()
    # Of each file of the log the first write behind the last sync that was done: what is older is durable.
    first = {}
    for done in disk.log:
        if done.time > cut.time or done.result != 0 or not is_segment(done.name):
            continue
        if done.kind == "sync" and first.get(done.name, cut.time) < done.begin:
            later = [write.begin for write in disk.log if write.kind == "write" and write.name == done.name
                     and done.begin <= write.time < cut.time]
            first[done.name] = min(later, default=cut.time)
        elif done.kind == "write":
            first.setdefault(done.name, done.begin)
            first[done.name] = min(first[done.name], done.begin)
    return ledger.floors(before=min(first.values(), default=0))


def check_prefix(checks, ledger, state, what):
    """The state is that after the first so many changes."""
    now = dict.fromkeys(state, 0)
    if now == state:
        return
    for group, number, delete in ledger.order:
        now[group.name] = 0 if delete else number
        if now == state:
            return
    checks.that(False, "no prefix of the changes:", what, state)


def trial(checks, options, disk, case, rng):
    mode, position, pattern = case
    workers = rng.choice((1, 2))
    connections = 1 if workers == 1 and rng.random() < 0.7 else 4
    ledger = Ledger(groups=12, connections=connections, seed=rng.getrandbits(32))
    seed = rng.getrandbits(16)
    what = (mode, "operation", position, pattern, "workers", workers, "connections", connections, "seed", seed)
    disk.clear()
    disk.command("delay", 4000)
    disk.command("cut_at", position, pattern, seed)
    gateway = start(options, disk, mode, workers)
    if gateway:
        with gateway:
            ledger.start(gateway)
            checks.that(disk.wait_until(disk.dead), "the disk was used", what)
            gateway.stop(signal.SIGKILL)
            ledger.stop()
    disk.look()
    after(checks, options, disk, ledger, (mode, workers), floors(ledger, disk, mode), what)
    return len(ledger.acks)


def after(checks, options, disk, ledger, how, bounds, what):
    """A start on what survived; then pushes, a second cut that keeps nothing, and another start."""
    disk.command("revive")
    with Gateway(options.binary, flags(disk, *how), options.backend, wrapper=next_boot(disk.folder)) as gateway:
        text = gateway.scrape().text
        state = ledger.judge(checks, text, what, bounds)
        if ledger.connections == 1:
            check_prefix(checks, ledger, state, what)
        checks.equal(metric(text, "sluice_wal_damages"), 0, "torn is not damaged", what)
        ledger.settle(state, bounds)
        ledger.start(gateway)
        checks.that(ledger.wait_for_acks(10), "pushes go on", what)
        disk.command("cut", "none", 0)
        gateway.stop(signal.SIGKILL)
        ledger.stop()
    disk.log = []
    disk.look()
    disk.command("revive")
    again = ledger.floors() if how[0] == "always" else dict.fromkeys(state, 0)
    with Gateway(options.binary, flags(disk, *how), options.backend, wrapper=next_boot(disk.folder)) as gateway:
        text = gateway.scrape().text
        ledger.judge(checks, text, ("after the next", *what), again)
        checks.equal(metric(text, "sluice_wal_damages"), 0, "torn is not damaged", what)


def main(checks, options):
    rng = random.Random(options.seed)
    cases = [(mode, position, pattern) for mode in MODES for position in range(OPERATIONS) for pattern in PATTERNS]
    if options.trials < len(cases):
        cases = rng.sample(cases, options.trials)
    acknowledged = 0
    try:
        with Disk(options.binary) as disk:
            for case in cases:
                acknowledged += trial(checks, options, disk, case, rng)
    except NotHere as why:
        return checks.skip("durability_torn", why)
    checks.that(acknowledged > 0, "changes were acknowledged")
    print("torn: %d cuts, %d changes acknowledged before them" % (len(cases), acknowledged))
    return None


if __name__ == "__main__":
    run("torn", main, trials=24)
