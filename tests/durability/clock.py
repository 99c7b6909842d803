"""The wall clock jumps, mostly back by an hour, under load and before a restart: nothing changes but push times.

    python3 tests/durability/clock.py --binary build/release/sluice [--trials 100] [--seed N]

The gateway's wall clock is libfaketime's; the monotonic one stays. A life of the gateway: pushes with jumps in between, then
groups that are deleted and created again, each with the clock further back, then a kill or an end. After the next start,
whose clock is somewhere else again, the scrape is the same to the last push time: from records alone, from a snapshot, or
from both.
"""

import glob
import os
import random
import re
import signal
import tempfile
import time

from ledger import Ledger
from steps import groups_of

from gateway import Checks, Gateway, arguments

LIVES = 3  # of one directory
JUMPS = (-3600, -3600, -3600, -7, 3600, -86400)


class Clock:
    """How far the gateway's wall clock is from ours, in seconds; it looks each time."""

    def __init__(self, folder):
        self.library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        self.file = os.path.join(folder, "clock")
        self.offset = 0
        self.jump(0)

    def jump(self, seconds):
        self.offset += seconds
        with open(self.file + ".new", "w", encoding="utf-8") as file:
            file.write("%+d\n" % self.offset)
        os.replace(self.file + ".new", self.file)

    def environment(self):
        return {"LD_PRELOAD": self.library[0], "FAKETIME_TIMESTAMP_FILE": self.file, "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_RESET": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Directory:
    """One --persistence.file, whose gateways have one clock."""

    def __init__(self, checks, options, rng, folder):
        self.checks, self.options, self.rng = checks, options, rng
        self.file = os.path.join(folder, "state")
        self.clock = Clock(folder)
        self.book = Ledger(groups=12, connections=4, seed=rng.getrandbits(32))
        self.again = {}  # what the groups that were created again have to show
        self.interval = rng.choice(("100ms", "1h"))

    def start(self):
        flags = ["--persistence.file=" + self.file, "--persistence.fsync=" + self.rng.choice(("always", "interval", "never")),
                 "--persistence.interval=" + self.interval, "--runtime.workers=%d" % self.rng.choice((1, 2))]
        return Gateway(self.options.binary, flags, self.options.backend, env=self.clock.environment())

    def push_time_of(self, gateway, path):
        times = re.findall(r'^push_time_seconds\{instance="([^"]*)",job="again"\} (\S+)$', gateway.scrape().text, re.M)
        return float(dict(times)[path])

    def check_offset(self, gateway, what):
        """What is pushed now is of the gateway's time, not of ours."""
        gateway.request("PUT", "/metrics/job/again/instance/now", b"now 1\n")
        away = self.push_time_of(gateway, "now") - time.time()
        self.checks.that(abs(away - self.clock.offset) < 60, "the clock", what, away, self.clock.offset)

    def jump(self):
        self.clock.jump(self.rng.choice(JUMPS))

    def delete_and_create(self, gateway, what):
        """Each step is of an earlier hour than the one before; connections are new, so workers differ."""
        for group in range(4):
            path = "/metrics/job/again/instance/%d" % group
            old, new = self.rng.randrange(1, 10**6), self.rng.randrange(1, 10**6)
            steps = [("PUT", b"old %d\nboth %d\n" % (old, old)), ("DELETE", b""), ("POST", b"both %d\nnew %d\n" % (new, new))]
            end = self.rng.choice(("created", "created", "deleted", "replaced"))
            if end == "deleted":
                steps.append(("DELETE", b""))
            elif end == "replaced":
                steps.append(("PUT", b"last %d\n" % new))
            for method, body in steps:
                self.clock.jump(-3600)
                self.checks.that(gateway.request(method, path, body).status in (200, 202), method, path, what)
            names = {"created": ("both", "new"), "deleted": (), "replaced": ("last",)}[end]
            self.again[group] = sorted('%s{instance="%d",job="again"} %s' % (name, group, new) for name in names)
        self.clock.jump(3600 * 12)

    def judge(self, gateway, what):
        text = gateway.scrape().text
        ours = "\n".join(line for line in text.split("\n") if 'job="again"' not in line)
        self.book.judge(self.checks, ours, what)
        for group, wanted in self.again.items():
            got = sorted(line for line in groups_of(text) if 'instance="%d",job="again"' % group in line and not line.startswith("push_"))
            self.checks.equal(got, wanted, "a group that was deleted and created again", what, group)
        return groups_of(text)

    def life(self, what, before):
        with self.start() as gateway:
            after = self.judge(gateway, (what, "after the start"))
            self.checks.equal(set(after) ^ set(before), set(), "the same to the push time", what)
            self.book.start(gateway)
            for _ in range(3):
                self.checks.that(self.book.wait_for_acks(15), "pushes go on", what, self.clock.offset)
                self.jump()
            self.checks.that(self.book.wait_for_acks(15), "pushes go on", what, self.clock.offset)
            self.book.stop()
            self.check_offset(gateway, what)
            self.delete_and_create(gateway, what)
            state = self.judge(gateway, (what, "at the end"))
            gateway.stop(self.rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)))
        self.jump()
        return state


def main():
    options = arguments(trials=3, seed=0)
    seed = options.seed or random.SystemRandom().getrandbits(31)
    print("clock: --seed %d" % seed, flush=True)
    checks = Checks("clock")
    with tempfile.TemporaryDirectory() as folder:
        if not Clock(folder).library:
            checks.skip("clock", "libfaketime is not installed")
            checks.finish()
    begin = time.monotonic()
    for trial in range(options.trials):
        with tempfile.TemporaryDirectory() as folder:
            directory = Directory(checks, options, random.Random("%d %d" % (seed, trial)), folder)
            state = []
            for life in range(LIVES):
                state = directory.life((trial, life), state)
            with directory.start() as gateway:
                checks.equal(set(directory.judge(gateway, (trial, "the last start"))) ^ set(state), set(), "the same to the push time", trial)
        if len(checks.failed) > 5:
            break
    print("clock: %d directories, %d lives each, %d s" % (options.trials, LIVES, time.monotonic() - begin))
    checks.finish()


if __name__ == "__main__":
    main()
