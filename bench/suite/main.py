"""Measures sluice beside its opponents in one run and prints the ratios: a Markdown table, and JSON if asked for.

    bench/compare [--quick | --long] [--rows P1,P2,F1] [--rounds N] [--backend auto] [--json FILE]

Server and load are pinned to one core each, contestants alternate, figures are medians of the rounds. Needs
build/release/sluice and sluice-load (tools/build); opponents are fetched by tools/peers and tools/reference, programs of
bench/ are built when they are not there. What each row measures, and how: bench/README.md.
"""

import argparse
import dataclasses
import os
import platform
import re
import sys
import time

from suite import (rows_delete, rows_durable, rows_large, rows_latency, rows_parser, rows_push, rows_scrape, rows_tls,
                   rows_work)
from suite.context import Bench
from suite.report import Report
from suite.sizes import FULL, LONG_GROUPS, QUICK, SMOKE

FAMILIES = (rows_push, rows_tls, rows_durable, rows_work, rows_large, rows_parser, rows_scrape, rows_latency, rows_delete)
# P11 and P13 come with P9.
ALIASES = {"P11": "P9", "P13": "P9"}


def all_rows():
    rows = {}
    for family in FAMILIES:
        rows.update(family.ROWS)
    return dict(sorted(rows.items(), key=lambda row: (row[0][0] == "F", int(row[0][1:]))))


def chosen_rows(text, rows):
    """The functions of 'P1,P13,F2', each once, in the order asked for."""
    chosen = {}
    for name in text.split(",") if text else rows:
        name = name.strip().upper()
        name = ALIASES.get(name, name)
        if name not in rows:
            sys.exit("there is no row '%s': %s" % (name, ", ".join([*rows, *ALIASES])))
        chosen[name] = rows[name]
    return chosen


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return "%s, %d cores, Linux %s, load %.2f before the run" % (
        model.group(1) if model else platform.machine(), os.cpu_count(), platform.release(), os.getloadavg()[0])


def parse(arguments):
    parser = argparse.ArgumentParser(prog="bench/compare", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", help="of %s; all by default" % ", ".join(all_rows()))
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--quick", action="store_true", help="all rows within five minutes: one round, and less of it")
    form.add_argument("--long", action="store_true", help="also what takes much memory and minutes: P3 and P22 with 10 M groups")
    form.add_argument("--smoke", action="store_true", help="only that every line runs; the figures mean nothing")
    parser.add_argument("--rounds", type=int, help="instead of the form's own number (3, of latencies 9; 1 with --quick)")
    parser.add_argument("--seconds", type=int, help="of each closed loop, instead of 5 (--quick: 2)")
    parser.add_argument("--backend", default="auto", help="of sluice: auto, io_uring or epoll")
    parser.add_argument("--build", default="build/release", help="where sluice and sluice-load are [build/release]")
    parser.add_argument("--bench-build", default="build/bench", help="where the programs of bench/ are [build/bench]")
    parser.add_argument("--long-groups", type=int, default=LONG_GROUPS, help="of the rows of --long [%d]" % LONG_GROUPS)
    parser.add_argument("--json", metavar="FILE", help="write all figures of all rounds there")
    return parser.parse_args(arguments)


def run_all(program, arguments, options, form, rows):
    """Runs the rows {name: function of a Bench}, prints the report and writes --json; the exit code."""
    sizes = QUICK if options.quick else SMOKE if options.smoke else FULL
    if options.seconds:
        sizes = dataclasses.replace(sizes, seconds=options.seconds)
    report = Report(machine(), " ".join([program, *arguments]), form or sizes.form)
    bench = Bench(options, sizes, report)
    began = time.monotonic()
    report.begin()
    good = [bench.run(name, function) for name, function in rows.items()]
    report.end(time.monotonic() - began)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(report.as_json() + "\n")
    return 0 if all(good) else 1


def main(arguments):
    options = parse(arguments)
    return run_all("bench/compare", arguments, options, "long" if options.long else None, chosen_rows(options.rows, all_rows()))
