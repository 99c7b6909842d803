"""The HTTP adapter says the same of the same bytes whatever llhttp it stands on: those of all supported distributions.

    llhttp_versions.py --build build/debug [--mutations 20000] [--seed N] [--only ubuntu-24.04]

tools/llhttp fetches what each distribution builds with; the two files of net/http that see llhttp are compiled against it with
this build's own flags and linked with the rest of this build (verdicts.cc). Every known stream and its mutations must have one
transcript.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
DISTRIBUTIONS = ("debian-12", "debian-13", "ubuntu-24.04")
SEES_LLHTTP = ("request_parser.cc", "head_repair.cc")
PROGRAM = "tests/net/http/http_verdicts"


def run(command, **how):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **how)
    if done.returncode != 0:
        sys.exit("%s:\n%s" % (command if isinstance(command, str) else " ".join(command), (done.stdout + done.stderr)[-3000:]))
    return done.stdout


class Version:
    """One llhttp: its header, and its library or sources."""

    def __init__(self, root):
        found = {name: os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names}
        self.include = os.path.dirname(found["llhttp.h"])
        self.archive = found.get("libllhttp.a")
        self.sources = [] if self.archive else [found[name] for name in ("api.c", "http.c", "llhttp.c")]
        with open(found["llhttp.h"], encoding="ascii") as file:
            numbers = dict(line.split()[1:3] for line in file if line.startswith("#define LLHTTP_VERSION_"))
        self.number = ".".join(numbers["LLHTTP_VERSION_" + part] for part in ("MAJOR", "MINOR", "PATCH"))


def compile_ours(build, version, folder):
    """The objects of net/http that see llhttp, with the flags of this build."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = {os.path.relpath(entry["file"], SOURCE): entry for entry in json.load(file)}
    objects = []
    for name in SEES_LLHTTP:
        entry = commands["net/http/" + name]
        words = shlex.split(entry["command"])
        objects.append(os.path.join(folder, name + ".o"))
        words[words.index("-o") + 1] = objects[-1]
        # In front of the one that this machine has.
        at = next(index for index, word in enumerate(words) if word.startswith("-"))
        run([*words[:at], "-isystem", version.include, "-DLLHTTP_STRICT_MODE=1", *words[at:]], cwd=entry["directory"])
    return objects


def compile_llhttp(version, folder):
    if version.archive:
        return [version.archive]
    objects = []
    for source in version.sources:
        objects.append(os.path.join(folder, os.path.basename(source) + ".o"))
        run(["cc", "-O1", "-w", "-DLLHTTP_STRICT_MODE=1", "-I", version.include, "-c", source, "-o", objects[-1]])
    return objects


def link(build, objects, folder):
    command = run(["ninja", "-t", "commands", PROGRAM], cwd=build).strip().split("\n")[-1]
    program = os.path.join(folder, "verdicts")
    ours = "-o %s " % PROGRAM
    if command.count(ours) != 1:
        sys.exit("the link line is not as it was: " + command)
    command = command.replace(ours, "-o %s %s " % (program, " ".join(objects)))
    words = command.split(" ")
    kept = [word for word in words if not word.endswith(("libsluice_llhttp.a", "libllhttp.so", "-lllhttp"))]
    run(" ".join(kept), cwd=build, shell=True)
    return program


def fetch(name):
    """(root, reason why there is none)."""
    done = subprocess.run([os.path.join(SOURCE, "tools", "llhttp"), name], capture_output=True, text=True, check=False)
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().split("\n")
    return (lines[-1], None) if done.returncode == 0 else (None, lines[-1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--mutations", default="20000")
    parser.add_argument("--seed", default=os.environ.get("SLUICE_TEST_SEED", "1"))
    parser.add_argument("--only", choices=DISTRIBUTIONS)
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    program = os.path.join(build, PROGRAM)
    wanted = run([program, options.mutations, options.seed]).split("\n")
    print("%d streams, seed %s" % (len(wanted) - 1, options.seed), flush=True)
    failed = False
    for name in [options.only] if options.only else DISTRIBUTIONS:
        root, reason = fetch(name)
        if root is None:
            print("NOT RUN: llhttp of %s: %s" % (name, reason))
            continue
        version = Version(root)
        with tempfile.TemporaryDirectory() as folder:
            other = link(build, compile_ours(build, version, folder) + compile_llhttp(version, folder), folder)
            got = run([other, options.mutations, options.seed]).split("\n")
            differ = [number for number, (ours, theirs) in enumerate(zip(wanted, got)) if ours != theirs]
            print("llhttp %s of %s: %d verdicts, %d differ" % (version.number, name, len(got) - 1, len(differ)), flush=True)
            for number in differ[:5]:
                print("stream %d here:\n%s\nand there:\n%s" % (number, *(
                    run([one, options.mutations, options.seed, str(number)], errors="backslashreplace") for one in (program, other))))
            failed = failed or bool(differ) or len(got) != len(wanted)
    sys.exit(failed)


if __name__ == "__main__":
    main()
