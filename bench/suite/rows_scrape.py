"""P9, P10, P11, P13, P22 and S2: scrapes of a million series, and what they and many groups take of memory."""

import os
import statistics
import tempfile
import urllib.request

from suite.figures import Figure, NotRun
from suite.loads import fill
from suite.rows_push import available_bytes
from suite.sizes import thousands

MEGA = 1_000_000


def times(rounds):
    return Figure([found[0] * 1e3 for found in rounds], "ms")


def p9(bench):
    """identity scrape, its first byte, and resident memory"""
    groups = bench.sizes.scrape_groups
    series = thousands(groups * 10)
    cut = bench.sizes.cut("groups", groups, 100_000)
    with bench.sluice() as ours, tempfile.TemporaryDirectory() as folder:
        empty = ours.resident_bytes()
        fill(ours, groups)
        resident = ours.resident_bytes()
        body = os.path.join(folder, "body")
        with urllib.request.urlopen(ours.url + "/metrics") as answer, open(body, "wb") as file:
            size = file.write(answer.read())
        ours.reset_peak()
        with bench.nginx(folder, body) as opponent:
            got, other = bench.rounds(lambda: bench.scrape(ours), lambda: bench.scrape(opponent))
        peak = ours.peak_resident_bytes()
    took, file_took = times(got), times(other)
    bench.add("P9", "identity scrape of %s series against nginx sendfile of the same %.0f MB" % (series, size / MEGA),
              sluice=str(took), against=str(file_took), ratio=took.median / file_took.median, target="<= 2", note=cut,
              figures={"sluice_ms": took, "against_ms": file_took})
    first = Figure([found[2] * 1e3 for found in got], "ms")
    bench.add("P11", "first byte of the body of that scrape, against its end", sluice=str(first), against=str(took),
              ratio=first.median / took.median, target="<= 0.2", note=cut, figures={"sluice_first_byte_ms": first})
    allowed = 1.5 * size + 250 * groups
    for what, bytes_, target in (("resident memory at %s series" % series, resident, "<= 1"),
                                 ("the same, the most during those scrapes", peak, "<= 2")):
        bench.add("P13", what + ", against 1.5 x the scrape + 250 B a group", sluice="%.0f MB" % (bytes_ / MEGA),
                  against="%.0f MB" % (allowed / MEGA), ratio=bytes_ / allowed, target=target,
                  note="; ".join(part for part in (cut, "empty %.0f MB" % (empty / MEGA)) if part),
                  figures={"sluice_bytes": Figure([bytes_]), "allowed_bytes": Figure([allowed]),
                           "empty_bytes": Figure([empty])})


def p10(bench):
    """scrapes, gzip and identity, against the reference"""
    groups = min(bench.sizes.scrape_groups, bench.sizes.reference_scrape_groups)
    series = thousands(groups * 10)
    cut = bench.sizes.cut("groups", groups, 100_000)
    with bench.sluice() as ours, bench.reference("--push.disable-consistency-check") as opponent:
        fill(ours, groups)
        fill(opponent, groups)
        zipped, zipped_other = bench.rounds(lambda: changed_scrape(bench, ours), lambda: changed_scrape(bench, opponent))
        plain, plain_other = bench.rounds(lambda: bench.scrape(ours), lambda: bench.scrape(opponent))
    took, other_took = times(zipped), times(zipped_other)
    bench.add("P10", "gzip scrape of %s series against the reference" % series,
              sluice="%s, %.1f MB" % (took, zipped[0][1] / MEGA), against="%s, %.1f MB" % (other_took, zipped_other[0][1] / MEGA),
              ratio=other_took.median / took.median, target=">= 50", note=cut,
              figures={"sluice_ms": took, "against_ms": other_took})
    bench.add("P10", "size of that scrape against the reference's", sluice="%.2f MB" % (zipped[0][1] / MEGA),
              against="%.2f MB" % (zipped_other[0][1] / MEGA), ratio=zipped[0][1] / zipped_other[0][1], target="<= 1.4",
              note=cut, figures={"sluice_bytes": Figure([zipped[0][1]]), "against_bytes": Figure([zipped_other[0][1]])})
    took, other_took = times(plain), times(plain_other)
    bench.add("P9", "identity scrape of %s series against the reference" % series, sluice=str(took),
              against=str(other_took), ratio=other_took.median / took.median, target=">= 200", note=cut,
              figures={"sluice_ms": took, "against_ms": other_took})


def changed_scrape(bench, server):
    """Compressed, after a push: what the one before has made is of no use."""
    fill(server, 1)
    return bench.scrape(server, True)


def s2(bench):
    """server CPU of two scrapers at once, against one"""
    groups = bench.sizes.scrape_groups
    cut = bench.sizes.cut("groups", groups, 100_000)
    with bench.sluice() as ours:
        fill(ours, groups)

        def cpu(scrapers, gzip, changed):
            fill(ours, changed)
            before = ours.cpu_seconds()
            bench.scrape_at_once(ours, scrapers, gzip)
            return (ours.cpu_seconds() - before) * 1e3

        for gzip in (False, True):
            name = "gzip" if gzip else "identity"
            one, two, again = bench.rounds(lambda: cpu(1, gzip, groups // 100), lambda: cpu(2, gzip, groups // 100),
                                           lambda: cpu(1, gzip, 0))
            one, two, again = (Figure(found, "ms") for found in (one, two, again))
            bench.add("S2", "CPU of two %s scrapers at once, 1 %% of the groups changed, against one" % name,
                      sluice=str(two), against=str(one), ratio=two.median / one.median, target="<= 1.5", note=cut,
                      figures={"two_ms": two, "one_ms": one})
            bench.add("S2", "CPU of one %s scrape when nothing has changed, against one after a change" % name,
                      sluice=str(again), against=str(one), ratio=again.median / one.median, target="-", note=cut,
                      figures={"unchanged_ms": again, "changed_ms": one})


def p22(bench):
    """resident memory with many groups of one series"""
    full = 10 * MEGA
    groups = bench.options.long_groups if bench.options.long else bench.sizes.one_series_groups
    if available_bytes() < groups * 900:
        raise NotRun("%s groups need more memory than the %.0f GB that are available" % (
            thousands(groups), available_bytes() / 1e9))
    grown = []
    base = []

    def run():
        with bench.sluice() as ours:
            base.append(ours.resident_bytes())
            bench.sluice_load(ours, "--max", "--fill", "--groups", str(groups), "--body", "one", "--pipeline", "32",
                              "--count", "1", "--warmup", "0s", "--no-verify")
            grown.append(ours.resident_bytes() - base[-1])

    if groups == full:
        run()
    else:
        bench.rounds(run)
    each = statistics.median(grown) / groups
    total = statistics.median(base) + each * full
    bench.add("P22", "resident memory with %s groups of one series" % thousands(full), sluice="%.2f GB" % (total / 1e9),
              against="5 GB", ratio=total / 5e9, target="<= 1",
              note="%.0f B a group" % each + ("" if groups == full else
                                              ", measured with %s groups and extrapolated" % thousands(groups)),
              figures={"bytes_a_group": Figure([value / groups for value in grown])})


ROWS = {"P9": p9, "P10": p10, "P22": p22, "S2": s2}
