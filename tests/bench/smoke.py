"""Each row of bench/compare runs to its end, and its two outputs say the same. The figures mean nothing here."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The rows that one function prints, by the name that it is asked for.
FAMILY = {"P11": "P9", "P13": "P9"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", required=True)
    parser.add_argument("--build", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "figures.json"
        done = subprocess.run([sys.executable, "-B", ROOT / "bench/compare", "--smoke", "--rows", options.rows, "--build",
                               options.build, "--bench-build", options.build, "--json", file], stdout=subprocess.PIPE,
                              text=True, check=False)
        print(done.stdout)
        if done.returncode != 0:
            sys.exit("bench/compare ended with %d" % done.returncode)
        found = json.loads(file.read_text())
    shown = [line.split(" | ")[0].strip("| ") for line in done.stdout.splitlines() if line.startswith("| ")][1:]
    rows = [row["row"] for row in found["rows"]]
    if shown != rows:
        sys.exit("the table has the rows %s, the JSON %s" % (shown, rows))
    missing = set(options.rows.split(",")) - {FAMILY.get(row, row) for row in rows}
    if missing:
        sys.exit("no row of " + ", ".join(sorted(missing)))
    for row in found["rows"]:
        if row["not_run"]:
            print("NOT RUN: bench row %s: %s" % (row["row"], row["not_run"]))
        elif not row["void"] and not row["figures"]:
            sys.exit("row %s has no figures" % row["row"])


main()
