"""P6 and P21: pushes of 15,000 series, small pushes into large groups, jobs with two sets of grouping labels."""

from suite.bodies import gauges_body, group_target, request, series_body
from suite.figures import Figure
from suite.loads import Line, as_load
from suite.programs import run_benchmarks
from suite.sizes import thousands


def p6(bench):
    """pushes of 15,000 series, 1.5 MB, against the reference with one group stored"""
    # By count and not by time: one push takes the reference a tenth of a second, and more on a busy machine.
    def run(server, each_second):
        count = max(3, round(bench.sizes.open_seconds * each_second))
        return as_load(bench.sluice_load(server, "--max", "--body", "large", "--groups", "1", "--connections", "1", "--job",
                                         "large", "--no-verify", "--warmup", "200ms", "--count", str(count)))

    with bench.reference() as opponent, bench.sluice() as ours:
        got, other = bench.rounds(lambda: run(ours, 80), lambda: run(opponent, 8))
    bench.add_rates("P6", "pushes of 15,000 series, 1.5 MB, one group, against the reference", got, other, ">= 50")
    p6_process(bench)


def p6_process(bench):
    """samples a second of such pushes in the process"""
    found = run_benchmarks(bench, "push_bench", "^push/large", bench.sizes.parser_seconds)
    rates = {name.split("/")[1]: [value / 1e6 for value in values["items_per_second"]] for name, values in found.items()}
    ordered = Figure(rates["large"], "M samples/s")
    bench.add("P6", "15,000 series in the process, one core", sluice=str(ordered), against="10 M samples/s",
              ratio=ordered.median / 10, target=">= 1",
              note="a body like none before: %s; in no order: %s" % (Figure(rates["large_first"], "M samples/s"),
                                                                    Figure(rates["large_shuffled"], "M samples/s")),
              figures={"sluice_msamples_per_second": ordered, "sluice_first": Figure(rates["large_first"]),
                       "sluice_shuffled": Figure(rates["large_shuffled"])})


def p21(bench):
    """one gauge into a group of 15,000 series, and S in a job with two sets of grouping labels, against S"""
    series = bench.sizes.large_series
    groups = 1000
    with bench.sluice() as large, bench.sluice() as two_sets, bench.sluice() as plain:
        with Line(large) as line:
            line.ask("PUT", group_target(1), series_body(series))
        with Line(two_sets) as line:
            # Another label beside the job, in as many groups, whose series are the same but for that.
            for group in range(1, groups + 1):
                line.send(request("PUT", "/metrics/job/bench/zone/z%d" % group, gauges_body(group)), 1)
        one, two, other = bench.rounds(lambda: bench.push(large, 1, gauges=1), lambda: bench.push(two_sets, groups),
                                       lambda: bench.push(plain, groups))
    bench.add_rates("P21", "POST of one gauge into a group of %s series, against S" % thousands(series), one, other, ">= 0.5",
                    bench.sizes.cut("series", series, 15_000))
    bench.add_rates("P21", "S in a job with two sets of grouping labels, against one set", two, other, ">= 0.8")


ROWS = {"P6": p6, "P21": p21}
