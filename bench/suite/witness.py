"""Moments in which the machine itself stood still, and latencies without them.

On a shared host each core of a virtual machine stands still now and then for some milliseconds, often for 1 % of the time in all:
then the p99 of anything is the host's. stall_witness.cc sees these pauses; a request that was planned near one is left out,
whatever became of it. What is left out depends on the planned times only, never on latencies. At other times the host makes
everything slower for some tenths of a second, which nothing sees: so a run is cut into windows, and its figure is the median of
their p99s.
"""

import bisect
import dataclasses
import statistics
import subprocess

from suite.contestants import LOAD_CORE, SERVER_CORE
from suite.figures import Failed

REFUSED = 3  # its exit code where it may not have real-time priority
BEFORE_NS = 1_000_000  # a request of so long ago may still be under way when a pause begins
# Behind a pause everything that came meanwhile has to be worked off: that takes several times as long as the pause, since a server
# is more than half busy at half of its maximum rate.
BEHIND = 10
BEHIND_NS = 5_000_000


class Witness:
    """Sees pauses of both cores inside of a `with`; `pauses` are (begin, end) in ns of the monotonic clock afterwards, None where
    real-time priority is refused."""

    def __init__(self, bench):
        self.command = [bench.bench_program("stall_witness"), *dict.fromkeys([SERVER_CORE, LOAD_CORE])]
        self.pauses = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.watching = self.process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_):
        out, _ = self.process.communicate()
        if self.process.returncode not in (0, REFUSED) or self.watching != (self.process.returncode == 0):
            raise Failed("stall_witness ended with %d" % self.process.returncode)
        if self.watching:
            self.pauses = [tuple(map(int, line.split()[1:])) for line in out.splitlines()]


def shadows(pauses):
    """Stretches of planned times that are left out, in order, none touching another."""
    found = []
    for begin, end in sorted((begin - BEFORE_NS, end + BEHIND * (end - begin) + BEHIND_NS) for begin, end in pauses):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


@dataclasses.dataclass
class Undisturbed:
    windows: list  # of latencies, ns, sorted: those windows of which enough is left
    left_out: float  # share of the requests

    def percentile_ms(self, percent):
        """The median of the windows' percentiles, each as sluice-load has it: the smallest latency that at least so many of
        them do not exceed."""
        return statistics.median(window[max(1, -(-len(window) * percent // 100)) - 1] for window in self.windows) / 1e6


def undisturbed(rows, pauses, window_ns):
    """What no pause reached of [(planned_ns, latency_ns)]. Of a window at least half has to be left, and of all windows one."""
    if not rows:
        raise Failed("no latencies were written")
    stretches = shadows(pauses)
    begins = [begin for begin, _ in stretches]

    def reached(planned):
        index = bisect.bisect_right(begins, planned) - 1
        return index >= 0 and planned <= stretches[index][1]

    start = min(planned for planned, _ in rows)
    windows, planned_in = {}, {}
    for planned, latency in rows:
        number = (planned - start) // window_ns
        planned_in[number] = planned_in.get(number, 0) + 1
        if not reached(planned):
            windows.setdefault(number, []).append(latency)
    kept = sum(map(len, windows.values()))
    return Undisturbed([sorted(window) for number, window in sorted(windows.items()) if len(window) >= planned_in[number] / 2],
                       1 - kept / len(rows))


def read_rows(path):
    """What sluice-load --latencies wrote."""
    with open(path, encoding="ascii") as file:
        next(file)
        return [tuple(map(int, line.split(","))) for line in file]
