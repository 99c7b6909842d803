"""What is made of measurements: medians, spreads, ratios, verdicts. Pure functions of numbers."""

import dataclasses
import re
import statistics

BUSY_MAX = 0.9  # above this the client is likely to be what limits a rate
CONTROL_MAX = 1.3  # of two runs that differ in nothing; above it the machine is too restless to compare latencies

QUIET_MAX_MS = 1  # p99 at half the maximum rate with nothing in the way; above it others use the cores


class NotRun(Exception):
    """This row cannot be measured here, for the reason given. No failure."""


class Failed(Exception):
    """A contestant did something wrong: a refused push, a broken connection, a wrong answer."""


@dataclasses.dataclass
class Figure:
    """One quantity of one contestant: the values of all rounds."""
    values: list
    unit: str = ""
    digits: int = 2

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def low(self):
        return min(self.values)

    @property
    def high(self):
        return max(self.values)

    def __str__(self):
        text = "%s%s" % (number(self.median, self.digits), " " + self.unit if self.unit else "")
        if len(self.values) > 1:
            text += " (%s-%s)" % (number(self.low, self.digits), number(self.high, self.digits))
        return text

    def as_json(self):
        return {"median": self.median, "low": self.low, "high": self.high, "rounds": self.values, "unit": self.unit}


@dataclasses.dataclass
class Load:
    """One run of a load: requests a second, the server's CPU seconds a request, how busy the client's core was, and the
    99th percentile of the latency in seconds where the load knows it."""
    rate: float
    cpu: float
    busy: float
    p99: float = 0


def number(value, digits=2):
    """Short for people: 123456, 12.34, 0.0123."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return "%.0f" % value
    if abs(value) >= 0.1:
        return "%.*f" % (digits, value)
    return "%.3g" % value


def meets(ratio, target):
    """Whether '>= 0.9' or '<= 2' holds; None where there is no target or no ratio."""
    found = re.match(r"(>=|<=) ([0-9.]+)", target or "")
    if ratio is None or not found:
        return None
    bound = float(found.group(2))
    return ratio >= bound if found.group(1) == ">=" else ratio <= bound


def rate_ratio(ours, theirs):
    """(ratio, basis) of two lists of Load. By rate, unless a client was too busy: then by the server's CPU a request."""
    busy = max(statistics.median(load.busy for load in side) for side in (ours, theirs))
    if busy > BUSY_MAX:
        cpu_ours, cpu_theirs = (statistics.median(load.cpu for load in side) for side in (ours, theirs))
        return cpu_theirs / cpu_ours, "CPU"
    rate_ours, rate_theirs = (statistics.median(load.rate for load in side) for side in (ours, theirs))
    return rate_ours / rate_theirs, "rate"


def control_ratio(first, second):
    """How far apart two sets of runs are that differ in nothing: at least 1."""
    low, high = sorted((statistics.median(first), statistics.median(second)))
    return high / low


def load_text(loads):
    """A side of a row that is a load: rate with spread, the server's CPU a request, how busy both cores were with it. Where
    neither is near 100 % something else used the cores, or time passed in the kernel that it counts for nobody."""
    rate = Figure([load.rate for load in loads], "/s")
    cpu = statistics.median(load.cpu for load in loads)
    busy = statistics.median(load.busy for load in loads)
    server = statistics.median(load.rate * load.cpu for load in loads)
    return "%s, %s us CPU, server %.0f %% and client %.0f %% busy" % (rate, number(cpu * 1e6), server * 100, busy * 100)


def load_figures(name, loads):
    return {name + "_per_second": Figure([load.rate for load in loads], "/s"),
            name + "_cpu_us": Figure([load.cpu * 1e6 for load in loads], "us"),
            name + "_server_busy": Figure([load.rate * load.cpu for load in loads]),
            name + "_client_busy": Figure([load.busy for load in loads])}


def latency_void(before, after):
    """Why two sets of quiet p99s (ms) cannot be compared with, empty if they can."""
    control = control_ratio(before, after)
    quiet = statistics.median(pooled(before, after))
    if quiet > QUIET_MAX_MS:
        return "not a quiet machine: the p99 without anything in the way is %s ms" % number(quiet)
    if control > CONTROL_MAX:
        return "not a quiet machine: the A/A control is above %g" % CONTROL_MAX
    return ""


def pooled(*lists):
    return [value for values in lists for value in values]
