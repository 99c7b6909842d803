"""Writes the manual page of one program from its own --help, so that the two cannot differ.

    man_page.py PROGRAM "WHAT IT IS" VERSION DATE      to stdout, in man's macros
"""

import re
import subprocess
import sys


def escape(text):
    """A backslash, a hyphen and a leading dot mean something to troff."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def sections(text):
    """(title, [[option, meaning]]) in the order of --help; lines before the first title are left out."""
    found = []
    for line in text.split("\n"):
        if re.match(r"\S.*:$", line):
            found.append((line[:-1], []))
        elif not found or not line.strip():
            continue
        elif line.startswith("   ") and found[-1][1]:
            found[-1][1][-1][1] += " " + line.strip()
        elif match := re.match(r"  (\S.*?)(?:\s{2,}(\S.*))?$", line):
            option, meaning = match.groups()
            # A name that fills its column has but one blank before the meaning.
            if meaning is None and (tight := re.match(r"(--\S+) ([A-Z][a-z].*)$", option)):
                option, meaning = tight.groups()
            found[-1][1].append([option, meaning or ""])
    return found


def main():
    program, what, version, date = sys.argv[1:]
    text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    name = program.rsplit("/", 1)[-1]
    usage = re.search(r"^Usage: \S+ (.*)$", text, re.M).group(1)
    print(f'.TH {name.upper()} 1 "{date}" "{name} {version}" "User Commands"')
    print(f".SH NAME\n{escape(name)} \\- {escape(what)}")
    print(f".SH SYNOPSIS\n.B {escape(name)}\n{escape(usage)}")
    for title, rows in sections(text):
        print(f".SH {escape(title.upper())}")
        for option, meaning in rows:
            print(f".TP\n.B {escape(option)}\n{escape(meaning.strip())}")
    if name == "sluice":
        print(".SH COMMANDS\nWithout a command the program serves. Each of these has a \\-\\-help of its own.")
        for command, meaning in (("import FILE", "takes over the persistence file of a Pushgateway"),
                                 ("export --to URL", "pushes every group of a running gateway to another"),
                                 ("wal dump DIR", "shows the directory of --persistence.file"),
                                 ("wal verify DIR", "checks it")):
            print(f".TP\n.B sluice {escape(command)}\n{escape(meaning)}")
        print(".SH FILES\n.TP\n.I /etc/default/sluice\nThe flags of the service.")
        print(".TP\n.I /var/lib/sluice\nWhat the service keeps.")


if __name__ == "__main__":
    main()
