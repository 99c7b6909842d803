"""How much of each row is measured: in full, in five minutes, or just so that every line has run."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Sizes:
    form: str
    rounds: int
    seconds: int  # of a closed-loop load
    open_seconds: float  # of a load at a planned rate
    latency_rounds: int  # of the rows that compare p99s: many short ones, since the machine's own noise comes and goes
    scrape_groups: int  # of ten series each: 100,000 are the million of the targets
    reference_scrape_groups: int
    reference_groups: int  # with the consistency check, whose cost grows with them
    reference_delete_groups: int
    reference_seconds: float  # after that it may leave a row unfinished, and is compared by what it got done
    delete_groups: int
    wipe_groups: int
    one_series_groups: int  # P22
    parser_seconds: float
    push_megabytes: int
    large_groups: int  # P3
    large_series: int  # of the group in P21

    def cut(self, what, value, full):
        """A note where a row is smaller than the targets say."""
        return "" if value >= full else "%s instead of %s %s" % (thousands(value), thousands(full), what)


def thousands(value):
    return "{:,}".format(value)


FULL = Sizes("full", rounds=3, seconds=5, open_seconds=2, latency_rounds=9, scrape_groups=100_000, reference_scrape_groups=100_000,
             reference_groups=1000, reference_delete_groups=5000, reference_seconds=60, delete_groups=5000,
             wipe_groups=100_000, one_series_groups=1_000_000, parser_seconds=2, push_megabytes=100, large_groups=100_000,
             large_series=15_000)
QUICK = dataclasses.replace(FULL, form="quick", rounds=1, seconds=2, open_seconds=2, latency_rounds=1, reference_scrape_groups=5000,
                            reference_delete_groups=1000, reference_seconds=5, one_series_groups=200_000,
                            parser_seconds=0.4)
SMOKE = Sizes("smoke", rounds=1, seconds=1, open_seconds=0.3, latency_rounds=1, scrape_groups=200, reference_scrape_groups=100,
              reference_groups=20, reference_delete_groups=50, reference_seconds=1, delete_groups=100, wipe_groups=200,
              one_series_groups=1000, parser_seconds=0.02, push_megabytes=1, large_groups=500, large_series=500)
LONG_GROUPS = 10_000_000
