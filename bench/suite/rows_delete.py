"""P18: groups deleted under load, and all of them at once."""

import contextlib
import json
import os
import subprocess
import time
import urllib.parse
import urllib.request

from suite import rows_latency
from suite.bodies import gauges_body, group_target, request
from suite.contestants import LOAD_CORE, pinned
from suite.figures import Failed, Figure, number
from suite.loads import LUA, Line, fill
from suite.sizes import thousands

PUSHED_GROUPS = 100  # that the load keeps pushing to while the others are deleted
BATCH = 20
GROUPS_PER_SECOND = 150_000  # more than anybody deletes


def p18(bench):
    """deletes under load and the wipe"""
    deletes_under_load(bench)
    delete_rate(bench)
    wipe_time(bench)
    rows_latency.wipe(bench, "P18")


@contextlib.contextmanager
def pushing(bench, server):
    """Closed-loop pushes of S by 16 connections to the first groups, until the block ends."""
    command = pinned(LOAD_CORE, bench.wrk, "-t1", "-c16", "-d3600s", "--timeout", "600s", "-s", LUA, server.url + "/")
    bench.note_command("SLUICE_BENCH_GROUPS=%d " % PUSHED_GROUPS + " ".join(command))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "SLUICE_BENCH_GROUPS": str(PUSHED_GROUPS)})
    try:
        time.sleep(0.3)
        yield
    finally:
        process.kill()
        process.wait()


def timed_deletes(bench, server, groups, seconds):
    """Deletes groups one after the other on one connection, and waits until a push sent behind them is answered: the
    reference answers a DELETE when it is queued, not when it is done. Groups a second."""
    with pushing(bench, server), Line(server) as line:
        began, done = time.monotonic(), 0
        while done < groups and time.monotonic() - began < seconds:
            batch = range(PUSHED_GROUPS + done + 1, PUSHED_GROUPS + 1 + min(done + BATCH, groups))
            line.send(b"".join(request("DELETE", group_target(group)) for group in batch), len(batch))
            done += len(batch)
        line.ask("POST", "/metrics/job/behind", gauges_body(1))
        return done / (time.monotonic() - began)


def deleted_by_one(bench, server, groups):
    """Deletes the same groups by one request to the API. Groups a second."""
    match = '{instance=~"host-[0-9]{3,}",instance!="host-%d"}' % PUSHED_GROUPS
    query = urllib.parse.urlencode({"match[]": match, "count": groups})
    with pushing(bench, server), Line(server) as line:
        began = time.monotonic()
        asked = urllib.request.Request("%s/api/v1/groups?%s" % (server.url, query), method="DELETE")
        with urllib.request.urlopen(asked, timeout=60) as answer:
            deleted = json.load(answer)["data"]["deleted"]
        line.ask("POST", "/metrics/job/behind", gauges_body(1))
        took = time.monotonic() - began
    if deleted != groups:
        raise Failed("%d of %d groups were deleted" % (deleted, groups))
    return groups / took


def deletes_under_load(bench):
    """deleting 5,000 groups under load, against the reference"""
    groups, other_groups = bench.sizes.delete_groups, bench.sizes.reference_delete_groups

    def ours():
        with bench.sluice() as server:
            fill(server, groups + PUSHED_GROUPS)
            return timed_deletes(bench, server, groups, 600)

    def theirs():
        with bench.filled_reference(other_groups + PUSHED_GROUPS) as server:
            return timed_deletes(bench, server, other_groups, bench.sizes.reference_seconds)

    def by_one():
        with bench.sluice("--web.enable-admin-api") as server:
            fill(server, groups + PUSHED_GROUPS)
            return deleted_by_one(bench, server, groups)

    got, one, other = bench.rounds(ours, by_one, theirs)
    rates, against = Figure(got, "groups/s"), Figure(other, "groups/s")
    note = bench.sizes.cut("groups in the reference", other_groups, 5000)
    bench.add("P18", "deleting %s groups on one connection while 16 push, until they are gone" % thousands(groups),
              sluice=str(rates), against=str(against), ratio=rates.median / against.median, target=">= 1000",
              note="; ".join(part for part in (note, "at most %g s of it in the reference" % bench.sizes.reference_seconds)
                             if part),
              figures={"sluice_groups_per_second": rates, "against_groups_per_second": against})
    rates = Figure(one, "groups/s")
    bench.add("P18", "the same by one request, DELETE /api/v1/groups, against one after the other in the reference",
              sluice=str(rates), against=str(against), ratio=rates.median / against.median, target=">= 1000", note=note,
              figures={"sluice_groups_per_second": rates})


def delete_rate(bench):
    """DELETE of existing groups, keep-alive, 16 connections, against pushes"""
    def deletes():
        groups = GROUPS_PER_SECOND if bench.sizes.form != "smoke" else bench.sizes.wipe_groups
        with bench.sluice() as server:
            fill(server, groups, gauges=1)
            return bench.push(server, groups, seconds=1, method="DELETE")

    def pushes():
        with bench.sluice() as server:
            return bench.push(server, 1000)

    got, other = bench.rounds(deletes, pushes)
    bench.add_rates("P18", "DELETE of existing groups, 16 connections, against S", got, other, ">= 0.9",
                    "groups of one gauge")


def wipe_time(bench):
    """wiping 100 k groups, against the reference"""
    groups = bench.sizes.wipe_groups

    def run(start):
        with start() as server:
            fill(server, groups, gauges=1)
            with Line(server) as line:
                began = time.monotonic()
                line.ask("PUT", "/api/v1/admin/wipe")
                line.ask("POST", "/metrics/job/behind", gauges_body(1))
                return (time.monotonic() - began) * 1e3

    got, other = bench.rounds(lambda: run(lambda: bench.sluice("--web.enable-admin-api")),
                              lambda: run(lambda: bench.reference("--web.enable-admin-api",
                                                                  "--push.disable-consistency-check")))
    took, against = Figure(got, "ms"), Figure(other, "ms")
    bench.add("P18", "wiping %s groups of one gauge, until a push behind it is answered" % thousands(groups),
              sluice=str(took), against=str(against), ratio=against.median / took.median,
              note="%s ns a group" % number(took.median * 1e6 / groups, 0),
              figures={"sluice_ms": took, "against_ms": against})


ROWS = {"P18": p18}
