"""What the scripts of attacks have in common: their options, and how a figure is told and judged.

    python3 tests/hostile/slow_clients.py --binary build/release/sluice [--backend epoll] [--only slowloris] [--long]

The short form is the one of ctest: fewer clients, and nothing that depends on how fast this machine is decides. `--long` is the
attack in full, and its figures of time count too; run it on a release build and an otherwise idle machine.
"""

import argparse

from process_figures import has_flag

from gateway import Checks, Gateway, stop_where_refused


class Attack:
    def __init__(self, options, checks):
        self.options = options
        self.checks = checks
        self.long = options.long
        self.name = ""

    def that(self, condition, *what):
        """What has to hold in both forms."""
        return self.checks.that(condition, self.name + ":", *what)

    def figure(self, wanted, measured, holds, always=False):
        """Tells a figure; it is judged in the long form, or `always`."""
        print("%s: to reach: %s; measured: %s" % (self.name, wanted, measured), flush=True)
        if self.long or always:
            self.checks.that(holds, self.name + ": to reach:", wanted, "measured:", measured)

    def flags(self, **limits):
        """The `--limits.*` among these that the binary knows: header_time="1s" is --limits.header-time=1s."""
        names = {"limits." + name.replace("_", "-"): value for name, value in limits.items()}
        return ["--%s=%s" % (name, value) for name, value in names.items() if self.has(name)]

    def has(self, name):
        return has_flag(self.options, name)

    def gateway(self, *flags, **more):
        return Gateway(self.options.binary, list(flags), self.options.backend, **more)


def run(name, attacks):
    """`attacks`: the attack's name in the list of issue and README -> a function of an Attack."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--backend")
    parser.add_argument("--only", choices=sorted(attacks))
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    if options.backend == "io_uring":
        stop_where_refused(options)
    checks = Checks(name)
    attack = Attack(options, checks)
    for attack.name, function in attacks.items():
        if options.only in (None, attack.name):
            failed = len(checks.failed)
            function(attack)
            print("%s: %s" % (attack.name, "ok" if len(checks.failed) == failed else "FAILED"), flush=True)
    checks.finish()
