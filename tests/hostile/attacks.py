"""All attacks, one after the other.

    python3 tests/hostile/attacks.py --binary build/release/sluice [--long] [--only slowloris,hash-flood] [--backend epoll]
    python3 tests/hostile/attacks.py --check

Prints what each has to reach and what it measured, and at the end which have failed. `--check` runs nothing: each attack of the
table is in its script, and each of the outside list, where that lies beside the repository, is in the table.
"""

import argparse
import json
import os
import subprocess
import sys

import process_figures  # noqa: F401  pylint: disable=unused-import  (makes tests/e2e importable)

from gateway import shared_cases

HERE = os.path.dirname(os.path.abspath(__file__))
# Attack -> its scripts.
ATTACKS = {
    "slowloris": ("slow_clients", "slow_tool"),
    "slow-body": ("slow_clients", "slow_tool"),
    "slow-read": ("slow_clients", "slow_tool"),
    "held-snapshots": ("slow_clients",),
    "conn-flood": ("connection_floods",),
    "tls-flood": ("tls_floods",),
    "bcrypt-flood": ("tls_floods",),
    "header-big": ("large_requests",),
    "body-big": ("large_requests",),
    "gzip-bomb": ("large_requests",),
    "pb-length": ("large_requests",),
    "labels-bomb": ("large_requests",),
    "series-bomb": ("stored_floods",),
    "hash-flood": ("stored_floods",),
    "pipeline-flood": ("connection_floods",),
    "half-open-kill": ("connection_floods",),
    "kept-memory": ("connection_floods",),
    "path-bomb": ("large_requests",),
    "scrape-storm": ("stored_floods",),
}


def path_of(script):
    return os.path.join(HERE, script + ".py")


def wrong_with_the_table():
    for name, scripts in ATTACKS.items():
        for script in scripts:
            if not os.path.exists(path_of(script)):
                print("NOT RUN: %s: %s.py is not here" % (name, script))
                continue
            with open(path_of(script), encoding="utf-8") as file:
                if '"%s": ' % name not in file.read():
                    yield "%s is not in %s.py" % (name, script)
    folder = shared_cases()
    if folder is None:
        print("NOT RUN: outside list of attacks: it does not lie beside the repository")
        return
    with open(os.path.join(folder, "dos.json"), encoding="utf-8") as file:
        for case in json.load(file)["cases"]:
            if case["id"] not in ATTACKS:
                yield "%s has no script" % case["id"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--binary")
    parser.add_argument("--backend")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only")
    options = parser.parse_args()
    if options.check:
        wrong = list(wrong_with_the_table())
        print("%d attacks, %d wrong" % (len(ATTACKS), len(wrong)), *wrong, sep="\n")
        sys.exit(bool(wrong))
    names = options.only.split(",") if options.only else list(ATTACKS)
    passed = ["--binary", os.path.abspath(options.binary)] + (["--backend", options.backend] if options.backend else [])
    passed += ["--long"] if options.long else []
    failed = []
    for name in names:
        for script in ATTACKS[name]:
            if not os.path.exists(path_of(script)):
                print("NOT RUN: %s: %s.py is not here" % (name, script), flush=True)
            elif subprocess.run([sys.executable, "-B", path_of(script), *passed, "--only", name], check=False).returncode != 0:
                failed.append("%s of %s.py" % (name, script))
    print("failed: %s" % (", ".join(failed) or "none"))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
