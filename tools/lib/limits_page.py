#!/usr/bin/env python3
"""Writes README's table of limits as `sluice limits` says it.

    tools/lib/limits_page.py BINARY           writes the table
    tools/lib/limits_page.py BINARY --check   says what differs from it, exit code 1
"""

import difflib
import pathlib
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parent.parent.parent / "README.md"
BEGIN, END = "<!-- written by tools/lib/limits_page.py -->\n", "<!-- end -->\n"


def main():
    known = PAGE.read_text(encoding="utf-8")
    before, rest = known.split(BEGIN)
    _, after = rest.split(END)
    table = subprocess.run([sys.argv[1], "limits"], capture_output=True, text=True, check=True).stdout
    made = before + BEGIN + table + END + after
    if "--check" not in sys.argv[2:]:
        PAGE.write_text(made, encoding="utf-8")
        return
    sys.stdout.writelines(difflib.unified_diff(known.splitlines(True), made.splitlines(True), "README.md", "the binary"))
    sys.exit(known != made)


if __name__ == "__main__":
    main()
