"""Goes at every limit of `sluice limits` (core/base/limit_table.h): at it a request is accepted, one past it refused with
the status that the table says, and its counter is up by one. A row without a case here fails."""

import concurrent.futures
import re
import subprocess
import sys

from gateway import Checks, Gateway, arguments
from limit_cases import CASES


def table(binary):
    """[(name, default, status)] as the binary says it."""
    text = subprocess.run([binary, "limits"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^\| `--limits\.([a-z-]+)` \| .* \| `([^`]+)` \| (\w+) \|$", text, re.M)


def count(scrape, name):
    found = re.search(r'^sluice_limit_refusals_total\{limit="%s"\} (\d+)$' % name, scrape, re.M)
    return int(found.group(1)) if found else None


def walk(checks, options, name, status):
    case = CASES[name]
    flags = ["--runtime.workers=1"] + ["--limits.%s=%s" % flag for flag in case.flags.items()]
    checks.that(name in case.flags, name, "its case sets its flag")
    with Gateway(options.binary, flags, options.backend) as gateway:
        checks.equal(case.at(gateway), case.accepted, name, "at the limit")
        before = count(case.scrape(gateway), name)
        checks.equal(str(case.past(gateway)), status, name, "one past the limit")
        after = count(case.scrape(gateway), name)
        if checks.that(before is not None and after is not None, name, "has a counter"):
            checks.equal(after - before, 1, name, "counter")
            checks.that(before == 0 or case.searches, name, "nothing was refused before", before)
        if case.then is not None:
            case.then(checks, gateway)


def look_at(checks, options, shown, name, default, status):
    checks.that("--limits.%s VALUE" % name in shown, name, "has a flag")
    refused = subprocess.run([options.binary, "--limits.%s=x" % name], capture_output=True, text=True, check=False)
    checks.that(refused.returncode == 1 and "--limits.%s takes" % name in refused.stderr, name, "judges its flag",
                refused.stderr)
    if not checks.that(name in CASES, name, "has a case"):
        return
    print(name, default, status, flush=True)
    walk(checks, options, name, status)


def main():
    options = arguments(only="")
    checks = Checks("limits")
    rows = table(options.binary)
    checks.that(len(rows) > 20, "the table is there", len(rows))
    shown = subprocess.run([options.binary, "--help"], capture_output=True, text=True, check=True).stdout
    checks.equal(sorted(set(CASES) - {name for name, _, _ in rows}), [], "cases without a limit")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:  # most of them wait for a deadline
        list(pool.map(lambda row: look_at(checks, options, shown, *row),
                      [row for row in rows if not options.only or row[0] == options.only]))
    checks.finish()


if __name__ == "__main__":
    sys.exit(main())
