"""The p99 of workload S at half of its maximum rate, with and without something in its way."""

import os
import subprocess
import sys
import threading

from suite.contestants import LOAD_CORE, SOURCE
from suite.figures import Failed, Figure, control_ratio, latency_void, number, pooled
from suite.loads import Late

ATTEMPTS = 3  # of a run for which the load generator or what disturbs it had no time, because others used the core
DISTURB = os.path.join(SOURCE, "bench", "suite", "disturb.py")


class Disturber:
    """A disturb.py, prepared by the constructor, under way from start()."""

    def __init__(self, server, *kind):
        self.kind = kind
        self.command = ["taskset", "-c", LOAD_CORE, "chrt", "--idle", "0", sys.executable, "-B", DISTURB, str(server.port),
                        *map(str, kind)]
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise Failed("disturb.py: " + self.process.communicate()[1].strip())

    def start(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def stop(self):
        """How many things it has done."""
        self.process.terminate()
        out, error = self.process.communicate(timeout=60)
        if self.process.returncode != 0:
            raise Failed("disturb.py %s: %s" % (" ".join(map(str, self.kind)), error.strip()[-300:]))
        return int(out.split()[-1])


def half_rate(bench, server):
    """Half of what 16 connections get done: one figure for all rows of this run."""
    def measure():
        result = bench.sluice_load(server, "--max", "--job", "s", "--no-verify", "--duration", "%gs" % bench.sizes.seconds,
                                   "--warmup", "200ms")
        return max(1, round(float(result["throughput"]["per_second"]) / 2))

    return bench.once("half-rate", measure)


def p99(bench, server, rate, seconds, disturber=None, delay=0.0):
    """One open-loop run, ms. The disturber begins `delay` seconds after the run, and has to get something done."""
    timer = None
    if disturber is not None:
        bench.note_command(" ".join(disturber.command))
        timer = threading.Timer(delay, disturber.start)
        timer.start()
    try:
        result = bench.sluice_load(server, "--rate", str(rate), "--job", "s", "--no-verify", "--duration", "%gs" % seconds,
                                   "--warmup", "300ms", "--lateness-max", "1ms")
    finally:
        done = 1
        if timer is not None:
            timer.join()
            done = disturber.stop()
    if done == 0:
        raise Late("disturb.py %s had no time to finish anything" % " ".join(map(str, disturber.kind)))
    return float(result["latency_ms"]["p99"])


def compare(bench, row, what, server, disturb, seconds=None, delay=0.0, prepare=None, note=""):
    """A row: p99 with the disturber against p99 without, between two runs without, which must agree.

    `disturb` makes a Disturber; `prepare` is called before each run."""
    rate = half_rate(bench, server)
    seconds = seconds or bench.sizes.open_seconds

    def run(with_disturber):
        for attempt in range(ATTEMPTS):
            if prepare is not None:
                prepare()
            try:
                return p99(bench, server, rate, seconds, disturb() if with_disturber else None, delay)
            except Late:
                if attempt == ATTEMPTS - 1:
                    raise
        return None

    before, with_it, after = [], [], []
    try:
        for _ in range(bench.options.rounds or bench.sizes.rounds):
            before.append(run(False))
            with_it.append(run(True))
            after.append(run(False))
    except Late as reason:
        bench.add(row, what, target="<= 2", void=str(reason), note=note)
        return
    control = control_ratio(before, after)
    quiet, loud = Figure(pooled(before, after), "ms", 3), Figure(with_it, "ms", 3)
    bench.add(row, what, sluice=str(loud), against=str(quiet), ratio=loud.median / quiet.median, target="<= 2",
              void=latency_void(before, after),
              note="; ".join(part for part in (note, "%d/s, A/A control %s" % (rate, number(control))) if part),
              figures={"p99_with_ms": loud, "p99_without_ms": quiet, "control_ratio": Figure([control]),
                       "p99_before_ms": Figure(before), "p99_after_ms": Figure(after),
                       "rate": Figure([rate], "/s")})
