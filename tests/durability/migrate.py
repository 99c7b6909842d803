"""D12: files that the real Pushgateway wrote are imported: everything that one can hold, and large ones.

    python3 tests/durability/migrate.py --binary build/release/sluice [--groups 100000] [--series 10]

The tests themselves are in tests/e2e: moving.py, which ctest runs there, and, with --groups, moving_large.py.
"""

import os
import subprocess
import sys

E2E = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e")
sys.path.insert(0, E2E)

from gateway import Checks, arguments  # noqa: E402 (the harness lies in another folder)


def main():
    options = arguments(groups=0, series=10)
    checks = Checks("migrate")
    backend = ["--backend", options.backend] if options.backend else []
    commands = [["moving.py", *backend]]
    if options.groups:
        commands.append(["moving_large.py", "--groups", str(options.groups), "--series", str(options.series)])
    for name, *more in commands:
        done = subprocess.run([sys.executable, os.path.join(E2E, name), "--binary", options.binary, *more], check=False)
        checks.equal(done.returncode, 0, name)
    checks.finish()


if __name__ == "__main__":
    main()
