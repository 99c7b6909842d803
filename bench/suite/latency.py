"""The p99 of workload S at half of its maximum rate, with and without something in its way."""

import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import threading

from suite.contestants import LOAD_CORE, SOURCE
from suite.figures import Failed, Figure, control_ratio, latency_void, number, pooled
from suite.loads import Late
from suite.witness import Witness, read_rows, undisturbed

ATTEMPTS = 3  # of a run for which the load generator or what disturbs it had no time, because others used the core
WHOLE_TIMES = 3  # as long a run for what takes seconds
WINDOW_NS = 250_000_000
LEFT_OUT_MORE = 0.1  # with a disturber than without: it makes the pauses itself
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


@dataclasses.dataclass
class Run:
    """One open-loop run: the p99 as witness.py has it, that of all requests, ms, and how many were left out near pauses of the
    machine, as a share; None where these cannot be seen."""
    p99: float
    p99_all: float
    left_out: float | None


def p99(bench, server, rate, seconds, disturber=None, delay=0.0, window_ns=WINDOW_NS):
    """The disturber begins `delay` seconds after the run, and has to get something done."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        with Witness(bench) as witness:
            p99_all = disturbed(bench, server, rate, seconds, disturber, delay, file.name)
        if witness.pauses is None:
            return Run(p99_all, p99_all, None)
        found = undisturbed(read_rows(file.name), witness.pauses, window_ns)
    if not found.windows:
        raise Late("the machine stood still so often that %.0f %% of the requests were near a pause" % (100 * found.left_out))
    return Run(found.percentile_ms(99), p99_all, found.left_out)


def disturbed(bench, server, rate, seconds, disturber, delay, latencies):
    """The run itself; the p99 of all requests, ms, each of which is written to the file `latencies`."""
    timer = None
    if disturber is not None:
        bench.note_command(" ".join(disturber.command))
        timer = threading.Timer(delay, disturber.start)
        timer.start()
    try:
        result = bench.sluice_load(server, "--rate", str(rate), "--job", "s", "--no-verify", "--duration", "%gs" % seconds,
                                   "--warmup", "300ms", "--lateness-max", "1ms", "--latencies", latencies)
    finally:
        done = 1
        if timer is not None:
            timer.join()
            done = disturber.stop()
    if done == 0:
        raise Late("disturb.py %s had no time to finish anything" % " ".join(map(str, disturber.kind)))
    return float(result["latency_ms"]["p99"])


def compare(bench, row, what, server, disturb, seconds=None, once_after=None, whole=False, prepare=None, note=""):
    """A row: p99 with the disturber against p99 without, between two runs without, which must agree.

    `disturb` makes a Disturber; `prepare` is called before each run. `once_after`: the disturber does something once, so many
    seconds after the begin; then a run is one window. `whole`: what it does takes seconds, and has to be done once at least."""
    rate = half_rate(bench, server)
    seconds = seconds or bench.sizes.open_seconds * (WHOLE_TIMES if whole else 1)
    rounds = bench.options.rounds or bench.sizes.latency_rounds
    window_ns = WINDOW_NS if once_after is None else int(seconds * 1e9)

    def run(with_disturber):
        for attempt in range(ATTEMPTS):
            if prepare is not None:
                prepare()
            try:
                return p99(bench, server, rate, seconds, disturb() if with_disturber else None, once_after or 0.0, window_ns)
            except Late:
                if attempt == ATTEMPTS - 1:
                    raise
        return None

    before, with_it, after = [], [], []
    try:
        for _ in range(rounds):
            before.append(run(False))
            with_it.append(run(True))
            after.append(run(False))
    except Late as reason:
        bench.add(row, what, target="<= 2", void=str(reason), note=note)
        return
    quiet, loud = (Figure([run.p99 for run in runs], "ms", 3) for runs in (pooled(before, after), with_it))
    first, second = ([run.p99 for run in runs] for runs in (before, after))
    control = control_ratio(first, second)
    bench.add(row, what, sluice=str(loud), against=str(quiet), ratio=loud.median / quiet.median, target="<= 2",
              void=latency_void(first, second) or left_out_void(pooled(before, after), with_it),
              note="; ".join(part for part in (note, "%d/s, A/A control %s" % (rate, number(control)),
                                               left_out_text(pooled(before, after), with_it)) if part),
              figures={"p99_with_ms": loud, "p99_without_ms": quiet, "control_ratio": Figure([control]),
                       "p99_before_ms": Figure(first), "p99_after_ms": Figure(second),
                       **all_figures(pooled(before, after), with_it), "rate": Figure([rate], "/s")})


def left_out(runs):
    """The median share, None where pauses cannot be seen."""
    return None if runs[0].left_out is None else statistics.median(run.left_out for run in runs)


def left_out_void(quiet, loud):
    if left_out(quiet) is None or left_out(loud) <= left_out(quiet) + LEFT_OUT_MORE:
        return ""
    return "the machine stood still more often with the disturber than without"


def left_out_text(quiet, loud):
    if left_out(quiet) is None:
        return "pauses of the machine are not left out: no real-time priority"
    return "near a pause of the machine and left out: %.0f %% and %.0f %%; with these the p99 is %s and %s ms" % (
        100 * left_out(loud), 100 * left_out(quiet), *(number(statistics.median(run.p99_all for run in runs), 3)
                                                       for runs in (loud, quiet)))


def all_figures(quiet, loud):
    figures = {"p99_with_all_ms": Figure([run.p99_all for run in loud]), "p99_without_all_ms": Figure([run.p99_all for run in quiet])}
    if left_out(quiet) is not None:
        figures |= {"left_out_with": Figure([run.left_out for run in loud]),
                    "left_out_without": Figure([run.left_out for run in quiet])}
    return figures
