"""D8: killed at every step of serving, rotation, recovery and snapshots: a fault point at every call to the disk.

    python3 tests/durability/steps.py --binary build/release/sluice --faults build/debug/tests/durability/sluice_faults
        [--trials 1000000] [--seed N] [--only SCENARIO]

`sluice_faults` is the gateway with a count of what it asks of its disk, calls through the ring included, and with segments of
16 KiB (fault_points.cc). Each scenario is run with a kill at call 1, 2, 3 .. until a run comes to its end; with fewer trials
than calls, at every kind of call and at random ones. Half of the time the start that follows is killed as well, at a random
call. Then the gateway itself is started: its state is what was acknowledged, and so it is after one more start.
"""

import os
import random
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time

from ledger import Ledger, metric

from gateway import Checks, Gateway, arguments

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WRITES = 'sluice_persistence_writes_total{result="ok"}'
ACKS = 100  # of a run that serves


def groups_of(text):
    """The lines of a scrape that belong to groups."""
    return sorted(line for line in text.split("\n") if 'job="' in line and not line.startswith("#"))


class Faulty:
    """sluice_faults on a directory: dead at its call number `at`, or told to end when its work is done."""

    def __init__(self, options, flags, at, trace):
        environment = {**os.environ, "SLUICE_FAULT_AT": str(at), "SLUICE_FAULT_TRACE": trace}
        command = [options.faults, "--web.listen-address=127.0.0.1:0", *flags]
        if options.backend:
            command.append("--net.backend=" + options.backend)
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        env=environment)
        self.port = None
        self.log = []
        self.listening = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.listening.wait(60)

    def _read(self):
        for raw in self.process.stderr:
            line = raw.decode("utf-8", "replace")
            self.log.append(line)
            found = re.search(r'Listening on"? address="?[^\s"]*:(\d+)', line)
            if found:
                self.port = int(found.group(1))
                self.listening.set()
        self.listening.set()

    def connect(self, timeout=60):
        return Gateway.connect(self, timeout)

    def request(self, *more):
        return Gateway.request(self, *more)

    def alive(self):
        return self.process.poll() is None

    def end(self):
        """Its exit code; -9 when it has killed itself."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.reader.join()
        return code

    def wait_idle(self, snapshots, timeout=60):
        """Until it is dead, or ready and has taken so many snapshots, or for a time."""
        end = time.monotonic() + timeout
        while self.alive() and time.monotonic() < end:
            try:
                if self.request("GET", "/-/ready").status == 200 and \
                        metric(self.request("GET", "/metrics").text, WRITES) >= snapshots:
                    return
            except (OSError, EOFError, ValueError, IndexError):
                pass
            time.sleep(0.005)


class Scenario:
    """`prepare` makes the files of `folder`; `run` has a Faulty do its work on a copy of them."""

    snapshots = 1
    more_flags = ()

    def __init__(self, options, rng, folder):
        self.options, self.rng, self.folder = options, rng, folder
        self.base = os.path.join(folder, "base")
        self.file = os.path.join(folder, "trial", "state")
        os.mkdir(self.base)
        self.wanted = None
        self.prepare()
        self.fresh()
        with self.start() as gateway:
            self.wanted = groups_of(gateway.scrape().text)
            gateway.stop(signal.SIGKILL)

    def flags(self, file=None):
        return ["--persistence.file=" + (file or self.file), "--persistence.fsync=always", "--runtime.workers=2", *self.more_flags]

    def start(self):
        return Gateway(self.options.binary, self.flags(), self.options.backend)

    def fresh(self):
        shutil.rmtree(os.path.dirname(self.file), ignore_errors=True)
        shutil.copytree(self.base, os.path.dirname(self.file))

    def run(self, at, trace):
        faulty = Faulty(self.options, self.flags(), at, trace)
        self.work(faulty)
        return faulty.end()

    def work(self, faulty):
        faulty.wait_idle(self.snapshots)

    def judge(self, checks, gateway, what):
        checks.equal(groups_of(gateway.scrape().text), self.wanted, "the state", what)

    def pushed_base(self):
        """A gateway with small segments has served, and was killed."""
        book = Ledger(groups=12, connections=3, seed=self.rng.getrandbits(32))
        faulty = Faulty(self.options, self.flags(os.path.join(self.base, "state")), 0, os.devnull)
        faulty.wait_idle(0)
        book.start(faulty)
        enough = book.wait_for_acks(150)
        faulty.process.kill()
        book.stop()
        faulty.end()
        if not enough:
            raise RuntimeError("nothing could be pushed: " + "".join(faulty.log[-5:]))
        directory = os.path.join(self.base, "state.sluice")
        return [os.path.join(directory, name) for name in sorted(os.listdir(directory)) if name.endswith(".seg")]


class Recovery(Scenario):
    """A start on the log of a gateway that was killed in the middle of a write: recovery, snapshot, removal of segments."""

    more_flags = ("--persistence.interval=1h",)

    def prepare(self):
        # A record of 5,000 bytes, of which the first 30 are there.
        with open(self.pushed_base()[-1], "ab") as file:
            file.write(struct.pack("<IIQ", 5000, 2, self.rng.getrandbits(64)) + self.rng.randbytes(30))


class Snapshots(Recovery):
    """The same with a snapshot beside segments."""

    def prepare(self):
        super().prepare()
        with Gateway(self.options.binary, self.flags(os.path.join(self.base, "state")), self.options.backend) as gateway:
            for number in range(20):
                gateway.request("PUT", "/metrics/job/after/instance/%d" % number, b"x %d\n" % number)
            gateway.request("DELETE", "/metrics/job/after/instance/7")
            gateway.stop(signal.SIGKILL)


class Damaged(Recovery):
    """A start on a log with a damaged file: what verifies is served, and the file is set aside as it was."""

    def prepare(self):
        # Not the last one of its worker: where its end was durable, damage is no torn end.
        path = max(self.pushed_base()[:-2], key=os.path.getsize)
        with open(path, "r+b") as file:
            file.seek(os.path.getsize(path) // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 8]))
        with open(path, "rb") as file:
            self.name, self.content = os.path.basename(path), file.read()

    def judge(self, checks, gateway, what):
        super().judge(checks, gateway, what)
        directory = self.file + ".sluice"
        kept = [name for name in os.listdir(directory) if name.startswith(self.name)]
        checks.that(any(open(os.path.join(directory, name), "rb").read() == self.content for name in kept),
                    "the damaged file is as it was", what, kept)


class Imported(Scenario):
    """The first start on the file of a Pushgateway."""

    more_flags = ("--persistence.interval=1h",)

    def prepare(self):
        shutil.copyfile(os.path.join(TESTS, "parser", "data", "gob", GOB), os.path.join(self.base, "state"))


class Serving(Scenario):
    """Pushes, rotation of segments, snapshots behind which segments go, an orderly end."""

    more_flags = ("--persistence.interval=100ms",)

    def prepare(self):
        self.book = None

    def fresh(self):
        super().fresh()
        self.book = Ledger(groups=12, connections=3, seed=self.rng.getrandbits(32))

    def work(self, faulty):
        faulty.wait_idle(0)
        if not faulty.alive():
            return
        self.book.start(faulty)
        self.book.wait_for_acks(ACKS)
        # Told to end while pushes go on.
        if faulty.alive():
            faulty.process.send_signal(signal.SIGTERM)
        self.book.stop()

    def judge(self, checks, gateway, what):
        self.book.settle(self.book.judge(checks, gateway.scrape().text, what))


GOB = "everything"
SCENARIOS = (Recovery, Snapshots, Damaged, Imported, Serving)


def read_trace(path):
    """Number -> (call, kind of file). Another thread's line may be missing where the process died."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file]
    return {int(number): (call, re.sub(r"[-.].*", "", name) or "-") for number, call, name in lines}


def numbers_to_try(rng, trace, trials):
    """All of them, or one of every kind and random ones."""
    if trials >= len(trace):
        return None
    kinds = {}
    for number, kind in trace.items():
        kinds.setdefault(kind, []).append(number)
    chosen = {rng.choice(numbers) for numbers in kinds.values()}
    others = [number for number in trace if number not in chosen]
    return sorted(chosen | set(rng.sample(others, max(0, min(len(others), trials - len(chosen))))))


def check_scenario(checks, options, scenario, name, trials, killed_at):
    trace = os.path.join(scenario.folder, "trace")
    scenario.fresh()
    checks.equal(scenario.run(0, trace), 0, "a run without a kill", name)
    all_calls = read_trace(trace)
    chosen = numbers_to_try(scenario.rng, all_calls, trials)
    kills = chained = 0
    numbers = iter(chosen) if chosen is not None else iter(range(1, 1_000_000))
    for at in numbers:
        os.remove(trace)
        scenario.fresh()
        code = scenario.run(at, trace)
        calls = read_trace(trace)
        if code == 0 and chosen is None and max(calls) < at:
            break  # the run came to its end before
        what = (name, "killed at call", at, *calls.get(at, ()))
        # A run that serves may have fewer calls than the one before.
        if checks.that(at in calls if code == -signal.SIGKILL else code == 0 and max(calls) < at, "it ended", what, code) and code:
            kills += 1
            killed_at[calls[at]] = killed_at.get(calls[at], 0) + 1
        if scenario.rng.random() < 0.5:
            again = scenario.rng.randint(1, 30)
            faulty = Faulty(options, scenario.flags(), again, os.devnull)
            # There may be nothing left to take a snapshot of.
            faulty.wait_idle(scenario.snapshots, timeout=0.4)
            chained += faulty.end() == -signal.SIGKILL
            what += ("and then at", again)
        for start in ("the start behind it", "one more"):
            with scenario.start() as gateway:
                scenario.judge(checks, gateway, (*what, start))
                gateway.stop(scenario.rng.choice((signal.SIGKILL, signal.SIGTERM)))
        if len(checks.failed) > 5:
            break
    checks.that(kills > 0, "there were kills", name)
    print("steps: %s: %d calls in a run, killed at %d, %d starts behind it killed too" % (name, len(all_calls), kills, chained),
          flush=True)


def main():
    options = arguments(faults="", trials=8, seed=0, only="")
    here = os.path.dirname(os.path.abspath(options.binary))
    options.faults = options.faults or os.path.join(here, "tests", "durability", "sluice_faults")
    seed = options.seed or random.SystemRandom().getrandbits(31)
    print("steps: --seed %d" % seed, flush=True)
    checks = Checks("steps")
    killed_at = {}
    for kind in SCENARIOS:
        name = kind.__name__.lower()
        if options.only and name != options.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            scenario = kind(options, random.Random("%d %s" % (seed, name)), folder)
            check_scenario(checks, options, scenario, name, options.trials, killed_at)
    print("steps: " + ", ".join("%s %s %d" % (*kind, killed_at[kind]) for kind in sorted(killed_at)))
    checks.finish()


if __name__ == "__main__":
    main()
