#!/usr/bin/env python3
"""Writes tools/REFERENCE.md: every flag as --help says it, every metric of the gateway's own as a scrape shows it.

    tools/lib/reference_page.py BINARY           writes the page
    tools/lib/reference_page.py BINARY --check   says what differs from it, exit code 1

The binary is started on a free port of loopback, with a file for its state, a web config and an auth file, and gets a push
of each kind, so that no family is missing.
"""

import difflib
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PAGE = pathlib.Path(__file__).resolve().parent.parent / "REFERENCE.md"

HEAD = """# Reference

Written by `tools/lib/reference_page.py`; a test compares it with the binary. A flag or metric that Pushgateway 1.11.3 has
too has its name, default and meaning; those that begin with `auth.`, `limits.`, `net.`, `runtime.` and `sluice_` are ours.

## Commands

`sluice` alone serves. `sluice import FILE [--dry-run]` takes over the persistence file of a Pushgateway, or says what it
holds. `sluice export --to URL [--from URL]` pushes every group of a running gateway to another. `sluice wal dump DIR` and
`sluice wal verify DIR` show and check the directory of `--persistence.file`. `sluice limits` prints the table of `--limits.*`.
`sluice check-config [FILE] [--auth.file=FILE]` says whether a gateway would start with that web config and that auth file.
`sluice COMMAND --help` has each command's flags and exit codes.

## Flags

Booleans are switched on by `--name` and off by `--no-name` or `--name=false`. Durations are Go's, with days and weeks:
`90s`, `1h30m`, `2d`. Only the three listen addresses may be repeated.
"""


def flags(binary):
    """(group, [(flag, meaning, default)]) in the order of --help."""
    text = subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout
    groups = []
    for line in text.split("\n"):
        if re.match(r"\S.*:$", line):
            groups.append((line[:-1], []))
        elif found := re.match(r"  (-\S+(?: VALUE)?)(?:\s+(\S.*))?$", line):
            groups[-1][1].append([found.group(1), found.group(2) or ""])
        elif line.startswith(" ") and line.strip():
            groups[-1][1][-1][1] += (" " if groups[-1][1][-1][1] else "") + line.strip()
    return [(group, rows) for group, rows in groups if rows]


def flag_row(flag, text):
    default = re.search(r" ?\[([^\[\]]*)\]$", text)
    meaning = text[:default.start()] if default else text
    value = default.group(1) if default else "off" if flag.startswith("--[no-]") else ""
    return "| `%s` | %s | %s |" % (flag.replace(" VALUE", ""), meaning.replace("|", "\\|"), "`%s`" % value if value else "")


TOKEN = "page"
AUTH = "bearer_tokens: {page: %s}\ngrants: [{tokens: [page], rights: [push, delete, scrape]}]\n" % (
    hashlib.sha256(TOKEN.encode()).hexdigest())


def ask(base, method, target, body=None):
    request = urllib.request.Request(base + target, body, {"Authorization": "Bearer " + TOKEN}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def scrape(binary):
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "web.yml").write_text("http_server_config: {}\n", encoding="utf-8")
        pathlib.Path(folder, "auth.yml").write_text(AUTH, encoding="utf-8")
        process = subprocess.Popen(
            [binary, "--web.listen-address=127.0.0.1:0", "--persistence.file=" + folder + "/state",
             "--web.config.file=" + folder + "/web.yml", "--auth.file=" + folder + "/auth.yml"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            for line in process.stderr:
                if found := re.search(r'Listening on"? address="?(127\.0\.0\.1:\d+)', line):
                    break
            base = "http://" + found.group(1)
            while ask(base, "GET", "/-/ready") != "OK":
                time.sleep(0.01)
            for method in ("PUT", "DELETE", "POST"):
                ask(base, method, "/metrics/job/page", None if method == "DELETE" else b"x 1\n")
            return ask(base, "GET", "/metrics")
        finally:
            process.terminate()
            process.communicate(timeout=60)


def metrics(text):
    """(name, type, labels, help) of every family that is not a group's."""
    rows = {}
    for line in text.split("\n"):
        if line.startswith("# HELP "):
            name, help_text = line[7:].split(" ", 1)
            rows[name] = [name, "", set(), help_text]
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            rows.setdefault(name, [name, "", set(), ""])[1] = kind
        elif line:
            series = re.match(r"([^{ ]+)(?:{(.*)})? ", line)
            name = series.group(1)
            while name not in rows:
                name = name.rsplit("_", 1)[0]  # a part of a summary or histogram
            rows[name][2] |= set(re.findall(r'(?:^|,)([^=,]+)="', series.group(2) or "")) - {"le", "quantile"}
    return list(rows.values())


def page(binary):
    out = [HEAD]
    for group, rows in flags(binary):
        if group == "Options":
            continue
        out += ["### " + group, "", "| flag | meaning | default |", "|---|---|---|"]
        out += [flag_row(*row) for row in rows] + [""]
    out += ["## Metrics", "",
            "What the gateway says about itself on its telemetry path. `push_time_seconds` and `push_failure_time_seconds` "
            "belong", "to each group and have its labels.", "", "| metric | type | labels | meaning |", "|---|---|---|---|"]
    for name, kind, labels, help_text in metrics(scrape(binary)):
        group_labels = name in ("push_time_seconds", "push_failure_time_seconds")
        shown = "the group's" if group_labels else ", ".join("`%s`" % label for label in sorted(labels))
        out.append("| `%s` | %s | %s | %s |" % (name, kind, shown, help_text.replace("|", "\\|")))
    return "\n".join(out) + "\n"


def main():
    made = page(sys.argv[1])
    if "--check" not in sys.argv[2:]:
        PAGE.write_text(made, encoding="utf-8")
        return
    known = PAGE.read_text(encoding="utf-8")
    sys.stdout.writelines(difflib.unified_diff(known.splitlines(True), made.splitlines(True), "tools/REFERENCE.md",
                                               "the binary"))
    sys.exit(known != made)


if __name__ == "__main__":
    main()
