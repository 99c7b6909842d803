"""D7: damaged files: flipped bits, cut files, garbage, zeros, files in each other's place, an older snapshot.

    python3 tests/durability/bitrot.py --binary build/release/sluice --faults build/debug/tests/durability/sluice_faults
        --bits build/debug/tests/durability/every_bit [--trials 10000] [--step 1] [--seed N]

The gateway has served and was killed; one file is damaged; `sluice wal verify` reads it and the gateway starts on it. Whatever
was there before the damage and in other files is served, what is behind it in the same file is served or cut off, all or
nothing, and no value that was not pushed is. Every damage is reported: a start with --persistence.on-corruption=refuse refuses
and touches nothing, one with salvage says so, and keeps the file as NAME.corrupt. Nothing but a whole number of records that are
missing at the end of a file may go unnoticed. One trial in eight of the long form starts the gateway, the others only verify.
every_bit then leaves nothing to chance: it flips each bit (or each STEP-th) of the files and cuts them at each length.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time

from ledger import Ledger, lines_of, metric, shown, wait_for
from records import HEADER_BYTES, Directory
from steps import Faulty

from gateway import Checks, Gateway, arguments


class Damage:
    """What is done to the files of a directory, and which records may not have survived it."""

    def __init__(self, what, files, lost=lambda record: False, behind=lambda record: False, noticed=True):
        self.what = what          # for messages
        self.files = files        # name -> content, None: not there
        self.lost = lost          # the records that cannot be there
        self.behind = behind      # those that are there, or are not
        self.noticed = noticed    # whether it has to be; None: perhaps


class Bench:
    """Where the damage is done."""

    def __init__(self, options, rng, checks, folder):
        self.options, self.rng, self.checks = options, rng, checks
        self.base = os.path.join(folder, "base")
        self.file = os.path.join(folder, "trial", "state")
        self.whole = None
        for attempt in range(5):
            shutil.rmtree(self.base, ignore_errors=True)
            os.mkdir(self.base)
            self.make()
            try:
                self.whole = Directory(options.binary, os.path.join(self.base, "state.sluice"))
                break
            except ValueError as why:  # the kill tore a write
                print("bitrot: attempt %d: %s" % (attempt, why), flush=True)
        self.older = None
        self.everything = self.whole.state(lambda record: True)

    def flags(self, file=None, more=()):
        return ["--persistence.file=" + (file or self.file), "--persistence.fsync=always", "--persistence.interval=1h",
                "--runtime.workers=2", *more]

    def make(self):
        """A snapshot, and behind it the full and half full segments of two workers."""
        file = os.path.join(self.base, "state")
        book = Ledger(groups=12, connections=4, seed=self.rng.getrandbits(32))
        with Gateway(self.options.binary, self.flags(file), self.options.backend) as gateway:
            book.start(gateway)
            book.wait_for_acks(100)
            book.stop()
            self.checks.equal(gateway.stop(), 0, "exit code")
        gateway = Faulty(self.options, self.flags(file), 0, os.devnull)
        gateway.wait_idle(0)
        book.start(gateway)
        enough = book.wait_for_acks(200)
        gateway.process.kill()
        book.stop()
        gateway.end()
        self.checks.that(enough, "pushes", gateway.log[-5:])
        # A push that was cut off by the kill must not look like damage.
        found = subprocess.run([self.options.binary, "wal", "verify", file + ".sluice"], capture_output=True, text=True, check=False)
        self.checks.equal(found.returncode, 0, "the base is whole", found.stdout)

    def lay(self, damage):
        """The damaged directory."""
        shutil.rmtree(os.path.dirname(self.file), ignore_errors=True)
        shutil.copytree(self.base, os.path.dirname(self.file))
        for name, content in damage.files.items():
            path = os.path.join(self.file + ".sluice", name)
            if content is None:
                os.remove(path)
            else:
                with open(path, "wb") as file:
                    file.write(content)

    def content(self):
        folder = self.file + ".sluice"
        found = {}
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                found[name] = file.read()
        return found

    def verify(self, damage):
        """What `sluice wal verify` says: (exit code, damaged files, torn files)."""
        done = subprocess.run([self.options.binary, "wal", "verify", self.file + ".sluice"], capture_output=True, text=True,
                              timeout=60, check=False)
        numbers = {name: int(value) for name, value in re.findall(r"^(\w+) +(\d+)$", done.stdout, re.M)}
        damaged, torn = numbers.get("damaged", 0), numbers.get("torn_files", 0)
        self.checks.equal(done.returncode, 1 if damaged else 0, "wal verify's exit code", damage.what, done.stdout, done.stderr)
        if damage.noticed is not None:
            self.checks.equal(damaged + torn > 0, damage.noticed, "noticed", damage.what, done.stdout)
        for name in re.findall(r"^  (\S+) \d+: ", done.stdout, re.M):
            self.checks.that(name in damage.files, "the right file is named", damage.what, name)
        return damaged, torn

    def judge(self, damage, text, when):
        """What is served is all that there was before the damage, with what is behind it or without."""
        found, garbage = shown(text)
        self.checks.that(not garbage, "never pushed", damage.what, when, garbage[:5])
        state = {}
        for group, series in found.items():
            numbers = {number for _, number in series}
            state[group] = max(numbers)
            self.checks.that(len(numbers) == 1 and len(series) == 2 + lines_of(state[group]), "half of a push", damage.what, when,
                             group, series)
        with_rest = self.whole.state(lambda record: not damage.lost(record))
        without = self.whole.state(lambda record: not damage.lost(record) and not damage.behind(record))
        self.checks.that(state in (with_rest, without), "the state", damage.what, when, "\n", state, "\n", with_rest, "\n", without)
        return state

    def refuse(self, damage, damaged):
        before = self.content()
        command = [self.options.binary, "--web.listen-address=127.0.0.1:0", "--persistence.on-corruption=refuse", *self.flags()]
        if not damaged:
            with Gateway(self.options.binary, ["--persistence.on-corruption=refuse", *self.flags()], self.options.backend) as gateway:
                self.judge(damage, gateway.scrape().text, "refuse")
                gateway.stop(signal.SIGKILL)
            self.lay(damage)
            return
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        last = done.stderr.strip().split("\n")[-1]
        self.checks.equal(done.returncode, 1, "refuse", damage.what, done.stderr[-1000:])
        self.checks.that(last.startswith("sluice: error: ") and " is damaged at offset " in last, "one sentence", damage.what, last)
        after = self.content()
        before.setdefault("lock", b"")
        self.checks.that(after == before, "nothing is touched and nothing added", damage.what, sorted(after))

    def salvage(self, damage, damaged, torn):
        with Gateway(self.options.binary, self.flags(), self.options.backend) as gateway:
            text = gateway.scrape().text
            state = self.judge(damage, text, "salvage")
            self.checks.equal(metric(text, "sluice_wal_damages"), damaged, "damages", damage.what)
            self.checks.equal(metric(text, "sluice_wal_torn_files"), torn, "torn files", damage.what)
            if damaged:
                self.checks.that(self.kept(damage), "the damaged file is kept as it was", damage.what, sorted(self.content()))
            gateway.stop(self.rng.choice((signal.SIGKILL, signal.SIGTERM)))
        with Gateway(self.options.binary, self.flags(), self.options.backend) as gateway:
            text = gateway.scrape().text
            self.checks.equal(self.judge(damage, text, "one more start"), state, "the same after one more start", damage.what)
            self.checks.equal(metric(text, "sluice_wal_damages"), 0, "set aside", damage.what)
            gateway.stop(signal.SIGKILL)

    def kept(self, damage):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                aside = [content for name, content in self.content().items() if ".corrupt" in name]
            except FileNotFoundError:  # renamed meanwhile
                continue
            if aside:
                return all(content in damage.files.values() for content in aside)
            time.sleep(0.02)
        return False

    def trial(self, damage, start):
        self.lay(damage)
        damaged, torn = self.verify(damage)
        if not start:
            return
        if self.rng.random() < 0.3:
            self.refuse(damage, damaged)
        self.salvage(damage, damaged, torn)


# ---- Kinds of damage -----------------------------------------------------------------------------------------------------

def changed(old, new):
    """The range in which two files of one length differ."""
    differ = [at for at in range(len(old)) if old[at] != new[at]]
    return (differ[0], differ[-1] + 1) if differ else (len(old), len(old))


def of_range(what, name, content, begin, end, noticed=True):
    """The bytes from `begin` to `end` are not what they were."""
    if name.startswith("log-") and len(content) <= HEADER_BYTES:
        noticed = None  # a segment without a record: no one needs its header

    def hit(first, last):
        return first < end and last > begin

    def lost(record):
        patterns = record.patterns  # in its file; one copy is enough
        return record.file == name and (hit(record.begin, record.end) or bool(patterns) and all(hit(*copy) for copy in patterns))

    return Damage(what, {name: content}, lost,
                  lambda record: record.file == name and record.begin >= begin, noticed)


def flip(bench):
    name = bench.rng.choice(sorted(bench.whole.files))
    content = bytearray(bench.whole.files[name])
    bit = bench.rng.randrange(len(content) * 8)
    content[bit // 8] ^= 1 << bit % 8
    return of_range("bit %d of %s" % (bit, name), name, bytes(content), bit // 8, bit // 8 + 1)


def scratch(bench):
    """Up to 2,000 bytes, as a bad sector leaves them."""
    name = bench.rng.choice(sorted(bench.whole.files))
    content = bench.whole.files[name]
    begin = bench.rng.randrange(len(content))
    end = min(len(content), begin + bench.rng.randrange(1, 2000))
    noise = bench.rng.choice((bytes(end - begin), bench.rng.randbytes(end - begin)))
    what = "bytes %d to %d of %s are %s" % (begin, end, name, noise[:2].hex())
    damaged = content[:begin] + noise + content[end:]
    begin, end = changed(content, damaged)
    damage = of_range(what, name, damaged, begin, end, begin < end)
    if begin < HEADER_BYTES // 2 < end:  # both copies of the header: nothing of the file is known
        damage.lost = lambda record: False
        damage.behind = lambda record: record.file == name
    return damage


def cut(bench):
    name = bench.rng.choice(sorted(bench.whole.files))
    content = bench.whole.files[name]
    size = bench.rng.randrange(len(content))
    # Whole records may be missing at an end of which no other file speaks, and a header that is not whole is of a
    # segment that was never begun.
    noticed = True if name.startswith("snapshot") else None
    return of_range("%s cut at %d" % (name, size), name, content[:size], size, len(content), noticed)


def append(bench):
    name = bench.rng.choice(sorted(bench.whole.files))
    content = bench.whole.files[name]
    record = bench.rng.choice(bench.whole.records)
    more = bench.rng.choice((bench.rng.randbytes(bench.rng.randrange(1, 3000)), bytes(4096),
                             bench.whole.files[record.file][record.begin:record.end]))
    return of_range("%d bytes %s behind %s" % (len(more), more[:4].hex(), name), name, content + more, len(content), len(content))


def zero_tail(bench):
    name = bench.rng.choice(sorted(bench.whole.files))
    content = bench.whole.files[name]
    zeros = bench.rng.randrange(1, len(content) - 1000)
    damaged = content[:-zeros] + bytes(zeros)
    begin, end = changed(content, damaged)
    return of_range("%s ends with %d zeros" % (name, zeros), name, damaged, begin, end, begin < end)


def segments(bench):
    return [name for name in bench.whole.files if name.startswith("log-") and len(bench.whole.files[name]) > HEADER_BYTES]


def swap(bench):
    one, other = bench.rng.sample(segments(bench), 2)
    return Damage("%s and %s swapped" % (one, other), {one: bench.whole.files[other], other: bench.whole.files[one]},
                  behind=lambda record: record.file in (one, other))


def duplicate(bench):
    name = bench.rng.choice(segments(bench))
    worker, sequence = bench.rng.choice((("0000", "000000000fff"), ("0001", "000000000001"), ("0007", name[9:21])))
    copy = "log-%s-%s.seg" % (worker, sequence)
    return Damage("%s is there as %s too" % (name, copy), {copy: bench.whole.files[name]})


def old_snapshot(bench):
    """The content of an older snapshot under the name of the newest: that is not what the name says."""
    name = next(name for name in bench.whole.files if name.startswith("snapshot-"))
    return Damage("an older snapshot as " + name, {name: bench.older}, lost=lambda record: record.file == name)


KINDS = ((flip, 20), (scratch, 6), (cut, 8), (append, 4), (zero_tail, 4), (swap, 2), (duplicate, 2), (old_snapshot, 1))


def old_snapshot_of(bench):
    """The snapshot that the base had before, taken from a directory whose life was shorter."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        with Gateway(bench.options.binary, bench.flags(file), bench.options.backend) as gateway:
            gateway.request("PUT", "/metrics/job/durability/instance/0", b"first 1\n")
            gateway.stop()
        [name] = [name for name in os.listdir(file + ".sluice") if name.startswith("snapshot-")]
        with open(os.path.join(file + ".sluice", name), "rb") as content:
            return content.read()


def check_every_bit(checks, options, bench):
    done = subprocess.run([options.bits, bench.whole.path, str(options.step)], capture_output=True, text=True, check=False)
    checks.equal(done.returncode, 0, "every_bit", done.stdout, done.stderr)
    print(done.stdout.strip(), "(step %d)" % options.step, flush=True)


def check_only_snapshot(checks, options):
    """A clean stop leaves a snapshot and nothing else: damaged in any way it is kept as it was, beside the one that replaces it."""
    for what, damage in (("both copies of the header", lambda content: bytes(min(4096, len(content))) + content[4096:]),
                         ("cut to nothing", lambda content: b""),
                         ("its only group", lambda content: content[:1100] + bytes([content[1100] ^ 1]) + content[1101:])):
        with tempfile.TemporaryDirectory() as folder:
            flags = ["--persistence.file=%s/state" % folder, "--persistence.fsync=always"]
            with Gateway(options.binary, flags, options.backend) as gateway:
                gateway.request("PUT", "/metrics/job/a", b"first %s\n" % (b"1" * 200))
                checks.equal(gateway.stop(), 0, "exit code", what)
            [name] = [name for name in os.listdir(folder + "/state.sluice") if name.startswith("snapshot-")]
            path = os.path.join(folder, "state.sluice", name)
            with open(path, "rb") as file:
                damaged = damage(file.read())
            with open(path, "wb") as file:
                file.write(damaged)
            with Gateway(options.binary, flags, options.backend) as gateway:
                checks.that(wait_for(lambda: os.path.exists(path + ".corrupt"), 30), "set aside", what)
                checks.equal(gateway.request("PUT", "/metrics/job/b", b"second 1\n").status, 200, "pushes go on", what)
                gateway.stop(signal.SIGKILL)
            with open(path + ".corrupt", "rb") as file:
                checks.that(file.read() == damaged, "the damaged file is kept as it was", what)
            with Gateway(options.binary, flags, options.backend) as gateway:
                text = gateway.scrape().text
                checks.that("\nsecond{" in text, "the next life has what was pushed", what)
                checks.equal(metric(text, "sluice_wal_damages"), 0, "set aside", what)


def main():
    options = arguments(faults="", bits="", trials=47, seed=0, step=499)
    here = os.path.join(os.path.dirname(os.path.abspath(options.binary)), "tests", "durability")
    options.faults = options.faults or os.path.join(here, "sluice_faults")
    options.bits = options.bits or os.path.join(here, "every_bit")
    seed = options.seed or random.SystemRandom().getrandbits(31)
    print("bitrot: --seed %d" % seed, flush=True)
    checks = Checks("bitrot")
    begin = time.monotonic()
    counts, starts = {}, 0
    for first in range(0, options.trials, 1000):
        rng = random.Random("%d %d" % (seed, first))
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(options, rng, checks, folder)
            bench.older = old_snapshot_of(bench)
            if first == 0:
                check_every_bit(checks, options, bench)
                check_only_snapshot(checks, options)
            kinds = [kind for kind, weight in KINDS for _ in range(weight)]
            for trial in range(first, min(first + 1000, options.trials)):
                kind = kinds[trial % len(kinds)]
                start = options.trials <= 100 and trial % 3 == 0 or options.trials > 100 and rng.random() < 0.125
                bench.trial(kind(bench), start)
                counts[kind.__name__] = counts.get(kind.__name__, 0) + 1
                starts += start
                if len(checks.failed) > 5:
                    break
        if checks.failed:
            break
        print("bitrot: %d trials, %d s" % (trial + 1, time.monotonic() - begin), flush=True)
    print("bitrot: %d damaged directories verified, %d of them started: %s" %
          (sum(counts.values()), starts, ", ".join("%s %d" % pair for pair in counts.items())), flush=True)
    checks.finish()


if __name__ == "__main__":
    main()
