"""P1, P2, P3, P5, P7: pushes of workload S over HTTP, by wrk."""

import urllib.request

from suite.figures import Failed, NotRun
from suite.loads import as_load, fill
from suite.sizes import LONG_GROUPS, thousands


def p1(bench):
    """S, keep-alive, 16 connections, against the reference"""
    groups = bench.sizes.reference_groups
    with bench.filled_reference(groups) as opponent, bench.sluice() as ours:
        got, other = bench.rounds(lambda: bench.push(ours, groups), lambda: bench.push(opponent, groups))
    bench.add_rates("P1", "S, keep-alive, 16 connections, %s groups, against the reference" % thousands(groups), got, other,
                    ">= 1000", bench.sizes.cut("groups", groups, 1000))


def p2(bench):
    """S, keep-alive, against nginx that returns 200 to the same requests"""
    with bench.nginx() as opponent, bench.sluice() as ours:
        got, other = bench.rounds(lambda: bench.push(ours), lambda: bench.push(opponent))
    bench.add_rates("P2", "S, keep-alive, 1,000 groups, against nginx `return 200`", got, other, ">= 1.1")


def p5(bench):
    """one connection per push, against nginx that returns 200 to the same requests"""
    with bench.nginx() as opponent, bench.sluice() as ours:
        got, other = bench.rounds(lambda: bench.push(ours, close=True), lambda: bench.push(opponent, close=True))
    bench.add_rates("P5", "one connection per push, against nginx `return 200`", got, other, ">= 1.4")


def p3(bench):
    """S at many groups against S at 1 k"""
    many = bench.sizes.large_groups
    with bench.sluice() as small, bench.sluice() as large:
        fill(small, 1000)
        fill(large, many)
        got, other = bench.rounds(lambda: bench.push(large, many), lambda: bench.push(small, 1000))
    bench.add_rates("P3", "S at %s groups against 1,000" % thousands(many), got, other, ">= 0.9",
                    bench.sizes.cut("groups", many, 100_000))
    if bench.options.long:
        p3_long(bench)


def p3_long(bench):
    """S at 10 M groups against S at 1 k"""
    groups = bench.options.long_groups
    need = groups * 1900  # what the store and the load generator hold, roughly
    have = available_bytes()
    if have < need:
        raise NotRun("%s groups need some %d GB of memory, %d GB are available" % (thousands(groups), need // 10**9,
                                                                              have // 10**9))

    def run(server, count, *flags):
        return as_load(bench.sluice_load(server, "--max", "--groups", str(count), "--job", "long", "--no-verify", *flags))

    with bench.sluice() as small, bench.sluice() as large:
        for server, count in ((small, 1000), (large, groups)):
            run(server, count, "--fill", "--pipeline", "16", "--count", "1000")
        seconds = "%ds" % bench.sizes.seconds
        got, other = bench.rounds(lambda: run(large, groups, "--duration", seconds),
                                  lambda: run(small, 1000, "--duration", seconds))
        resident = large.resident_bytes()
    bench.add_rates("P3", "S at %s groups against 1,000, by sluice-load" % thousands(groups), got, other, ">= 0.8",
                    "%.1f GB resident" % (resident / 1e9))


def available_bytes():
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable:"))


def p7(bench):
    """delimited protobuf of the same content as S, against text"""
    with bench.sluice() as ours, bench.sluice() as text:
        got, other = bench.rounds(lambda: bench.push(ours, protobuf=True), lambda: bench.push(text))
        if pushed_lines(ours) != pushed_lines(text):
            raise Failed("the two forms of S do not have the same content")
    bench.add_rates("P7", "delimited protobuf of the same content as S, against text", got, other, ">= 0.9")


def pushed_lines(server):
    with urllib.request.urlopen(server.url + "/metrics") as answer:
        return sorted(line for line in answer.read().decode().split("\n") if line.startswith("batch_metric_"))


ROWS = {"P1": p1, "P2": p2, "P3": p3, "P5": p5, "P7": p7}
