"""P12 and F1 to F4: what others on the same worker do to the p99 of workload S."""

from suite.latency import Disturber, compare
from suite.loads import fill


def p12(bench):
    """p99 of S while 1 M series are scraped back to back"""
    groups = bench.sizes.scrape_groups
    cut = bench.sizes.cut("groups", groups, 100_000)
    for kind, what in (("scrape", "identity"), ("scrape-gzip", "gzip")):
        with bench.sluice() as server:
            fill(server, groups)
            compare(bench, "P12", "p99 of S while everything is scraped back to back (%s), against without" % what, server,
                    lambda kind=kind, server=server: Disturber(server, kind), note=cut, whole=groups == 100_000)


def f1(bench):
    """p99 of S beside a client that pushes 100 MB again and again"""
    size = bench.sizes.push_megabytes
    with bench.sluice() as server:
        compare(bench, "F1", "p99 of S beside a client that pushes %d MB again and again" % size, server,
                lambda: Disturber(server, "big", size), note=bench.sizes.cut("MB", size, 100),
                whole=size == 100)


def f2(bench):
    """p99 of S beside a client that keeps 64 pushes in flight on one connection"""
    with bench.sluice() as server:
        compare(bench, "F2", "p99 of S beside a client that keeps 64 to 128 pushes in flight on one connection", server,
                lambda: Disturber(server, "pipeline", 64))


def f3(bench):
    """p99 of S beside scrapes that are read slowly"""
    groups = bench.sizes.scrape_groups
    with bench.sluice() as server:
        fill(server, groups)
        compare(bench, "F3", "p99 of S beside four scrapers that read 200 KB/s", server, lambda: Disturber(server, "slow", 4),
                note=bench.sizes.cut("groups", groups, 100_000))


def f4(bench):
    """p99 of S in the second of a wipe"""
    wipe(bench, "F4")


def wipe(bench, row):
    groups = bench.sizes.wipe_groups
    with bench.sluice("--web.enable-admin-api") as server:
        compare(bench, row, "p99 of S in the second in which %d groups are wiped" % groups, server,
                lambda: Disturber(server, "wipe"), seconds=1, once_after=0.35, prepare=lambda: fill(server, groups),
                note=bench.sizes.cut("groups", groups, 100_000))


ROWS = {"P12": p12, "F1": f1, "F2": f2, "F3": f3, "F4": f4}
