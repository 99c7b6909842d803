"""What good clients notice of an attack: the p99 of workload S during it, against the p99 under the same CPU load from clients
that mean no harm.

    bench/hostile [--quick] [--attacks slowloris,hash-flood] [--rounds N] [--backend auto] [--json FILE]

Server and load are pinned to one core each, as in bench/compare. Each round has three runs of S at a quarter of its maximum rate
(at half of it the load's core is nearly full, and has no room for attackers): by itself, with the attack, and with pushes of S at the rate at which they cost the server what the attack did. Needs
build/release/sluice and sluice-load (tools/build). How to read it: bench/README.md.
"""

import argparse
import statistics
import sys
import time

from suite.attackers import ATTACKERS
from suite.figures import QUIET_MAX_MS, Figure, number
from suite.latency import ATTEMPTS, Disturber, half_rate, p99
from suite.loads import Late, fill
from suite.main import run_all

# What the server may be busy with before harmless pushes alone would fill its core.
SHARE_MAX = 0.95


class Cost:
    """Share of a core that the server uses inside of a `with`."""

    def __init__(self, server):
        self.server, self.share = server, 0.0

    def __enter__(self):
        self.began, self.before = time.monotonic(), self.server.cpu_seconds()
        return self

    def __exit__(self, *_):
        self.share = (self.server.cpu_seconds() - self.before) / (time.monotonic() - self.began)


def measured(bench, server, rate, make):
    """(p99 in ms, the server's share of its core) of one run."""
    for attempt in range(ATTEMPTS):
        try:
            disturber = make() if make else None
            with Cost(server) as cost:
                result = p99(bench, server, rate, bench.sizes.open_seconds, disturber)
            return result.p99, cost.share
        except Late:
            if attempt == ATTEMPTS - 1:
                raise
    return None


def attack(bench, name):
    """p99 of S during one attack"""
    quiet, loud, harmless, shares, matched = [], [], [], [], []
    with bench.sluice() as server:
        fill(server, 1000)
        rate = half_rate(bench, server) // 2
        try:
            for _ in range(bench.options.rounds or bench.sizes.latency_rounds):
                alone, share_alone = measured(bench, server, rate, None)
                during, share = measured(bench, server, rate, lambda: Disturber(server, name))
                each = max(share_alone, 0.001) / rate  # seconds of the server's core for one push of S
                extra = max(min(share, SHARE_MAX) - share_alone, 0)
                pushes = max(1, round(extra / each))
                beside, share_beside = measured(bench, server, rate, lambda n=pushes: Disturber(server, "harmless", n))
                for values, value in ((quiet, alone), (loud, during), (harmless, beside), (shares, share), (matched, share_beside)):
                    values.append(value)
        except Late as reason:
            bench.add(name, attack.__doc__, target="<= 2", void=str(reason))
            return
    loud, harmless, quiet = Figure(loud, "ms", 3), Figure(harmless, "ms", 3), Figure(quiet, "ms", 3)
    void = ""
    if quiet.median > QUIET_MAX_MS:
        void = "not a quiet machine: the p99 without anything in the way is %s ms" % number(quiet.median)
    bench.add(name, "p99 of S during the attack, against the same load by pushes of S", sluice=str(loud), against=str(harmless),
              ratio=loud.median / harmless.median, target="<= 2", void=void,
              note="%d/s, %s ms by itself; server %.0f %% busy, with harmless clients %.0f %%" % (
                  rate, number(quiet.median, 3), 100 * statistics.median(shares), 100 * statistics.median(matched)),
              figures={"p99_attacked_ms": loud, "p99_harmless_ms": harmless, "p99_alone_ms": quiet, "busy_attacked": Figure(shares),
                       "busy_harmless": Figure(matched), "rate": Figure([rate], "/s")})


def chosen(text):
    names = [name.strip() for name in text.split(",")] if text else list(ATTACKERS)
    for name in names:
        if name not in ATTACKERS:
            sys.exit("there is no attack '%s': %s" % (name, ", ".join(ATTACKERS)))
    return names


def parse(arguments):
    parser = argparse.ArgumentParser(prog="bench/hostile", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attacks", help="of %s; all by default" % ", ".join(ATTACKERS))
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--quick", action="store_true", help="one round, and less of it")
    form.add_argument("--smoke", action="store_true", help="only that every line runs; the figures mean nothing")
    parser.add_argument("--rounds", type=int, help="instead of the form's own number (9; 1 with --quick)")
    parser.add_argument("--backend", default="auto", help="of sluice: auto, io_uring or epoll")
    parser.add_argument("--build", default="build/release", help="where sluice and sluice-load are [build/release]")
    parser.add_argument("--bench-build", default="build/bench", help="where stall_witness is [build/bench]")
    parser.add_argument("--json", metavar="FILE", help="write all figures of all rounds there")
    parser.set_defaults(seconds=None)
    return parser.parse_args(arguments)


def main(arguments):
    options = parse(arguments)
    rows = {name: lambda bench, name=name: attack(bench, name) for name in chosen(options.attacks)}
    return run_all("bench/hostile", arguments, options, None, rows)
