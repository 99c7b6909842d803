#!/usr/bin/env python3
"""clang-tidy over the product's sources, and every header compiled alone: in parallel, and only what changed.

    compiler_checks.py tidy|headers --database BUILD [--jobs N] [--no-cache] [--within SECONDS] [FILE...]

With --within no file is begun after that time, and the last line says how many are left. The newest come first, and the
others in an order that differs from commit to commit, so that all of them have their turn.

A file that passed is remembered under the hash of everything that can change the verdict: the file, every header of ours
that it reaches, the flags, the configuration and the tool's version. So a second run costs seconds, and a change to a
header checks exactly the files that include it.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRODUCT = ("core/", "net/", "parser/", "tools/")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
REPORT_LINES_MAX = 40
INCLUDE_ANY = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<[^>]+>)', re.MULTILINE)
CLANG_ONLY = ["-Wno-unknown-warning-option", "-Wno-deprecated-declarations", "-Wno-unused-command-line-argument"]


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME") or "/nonexistent", ".cache")
    folder = pathlib.Path(base) / "sluice-checks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return folder if os.access(folder, os.W_OK) else None
    except OSError:
        return None


class Database:
    """compile_commands.json of one build, with absolute paths taken out where they enter a hash."""

    def __init__(self, build):
        self.build = pathlib.Path(build)
        entries = json.loads((self.build / "compile_commands.json").read_text())
        self.commands = {}
        self.include_flags = []
        for entry in entries:
            name = os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
            self.commands.setdefault(name, entry["command"])
            words = entry["command"].split()
            for index, word in enumerate(words):
                flag = [word, words[index + 1]] if word == "-isystem" else [word]
                if re.match(r"-I|-isystem$|-DFMT|-DSPDLOG|-DLLHTTP", word) and flag not in self.include_flags:
                    self.include_flags.append(flag)

    def portable(self, text):
        return text.replace(str(self.build), "BUILD").replace(str(ROOT), "ROOT")


class Reach:
    """The files of ours that a file includes, directly or not, and one hash over all their contents."""

    def __init__(self, include_folders):
        self.folders = include_folders
        self.direct = {}

    def includes(self, path):
        if path not in self.direct:
            text = path.read_text(encoding="utf-8", errors="replace")
            found = []
            for name in INCLUDE.findall(text):
                for folder in [ROOT, path.parent, *self.folders]:
                    if (folder / name).is_file():
                        found.append(folder / name)
                        break
            self.direct[path] = (hashlib.sha256(text.encode()).hexdigest(), found)
        return self.direct[path]

    def digest(self, path):
        seen, todo, total = set(), [path], []
        while todo:
            current = todo.pop()
            if current in seen:
                continue
            seen.add(current)
            digest, more = self.includes(current)
            total.append(digest)
            todo.extend(more)
        return "".join(sorted(total))


def tidy_command(database, name):
    extra = [f"--extra-arg={flag}" for flag in CLANG_ONLY]
    return ["clang-tidy-19", "-p", str(database.build), "--quiet", *extra, str(ROOT / name)]


def header_command(database, name):
    flags = [word for flag in database.include_flags for word in flag]
    return ["g++", "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", *flags, f"-I{ROOT}",
            "-include", str(ROOT / name), "-x", "c++", "/dev/null"]


def newest_first(names):
    """By the time of their last commit among the newest hundred, the rest by a hash that changes with HEAD."""
    def git(*words):
        answer = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
        return answer.stdout.splitlines() if answer.returncode == 0 else []
    changed = git("diff", "--name-only", "HEAD") + git("log", "-100", "--format=", "--name-only")
    place = {}
    for name in changed:
        place.setdefault(name, len(place))
    head = "".join(git("rev-parse", "HEAD"))
    return sorted(names, key=lambda name: (place.get(name, len(place)), hashlib.sha256((head + name).encode()).digest()))


def check(kind, database, name):
    command = tidy_command(database, name) if kind == "tidy" else header_command(database, name)
    answer = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    output = "\n".join(line for line in (answer.stdout + answer.stderr).splitlines()
                       if not re.match(r"\d+ warnings?( and \d+ errors?)? generated|Suppressed \d+ |Use -header-filter", line))
    lines = output.strip().splitlines()
    if len(lines) > REPORT_LINES_MAX:
        lines = lines[:REPORT_LINES_MAX] + [f"... and {len(lines) - REPORT_LINES_MAX} lines more"]
    return answer.returncode == 0, "\n".join(lines)


def tracked(suffix):
    answer = subprocess.run(["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
                            capture_output=True, check=False)
    if answer.returncode == 0:
        names = [name for name in answer.stdout.decode().split("\0") if name]
    else:
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*" + suffix)]
    return sorted(name for name in set(names)
                  if name.endswith(suffix) and (ROOT / name).is_file() and not name.startswith("build/"))


def proved_by_a_source(database):
    """Headers that some source of the build includes before anything else: building it compiles them alone."""
    first = set()
    for name in database.commands:
        path = ROOT / name
        match = INCLUDE_ANY.search(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else None
        if match and match.group(1):
            first.add(match.group(1))
    return first


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["tidy", "headers"])
    parser.add_argument("--database", required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--no-cache", action="store_true")
    parser.add_argument("--within", type=float, default=float("inf"), metavar="SECONDS")
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    kind = arguments.kind
    database = Database(os.path.abspath(arguments.database))
    if kind == "tidy":
        names = [name for name in tracked(".cc") if name.startswith(PRODUCT) and name in database.commands]
        version = subprocess.run(["clang-tidy-19", "--version"], capture_output=True, text=True, check=True).stdout
        version += (ROOT / ".clang-tidy").read_text()
    else:
        proved = proved_by_a_source(database)
        names = [name for name in tracked(".h") if name not in proved]
        version = subprocess.run(["g++", "--version"], capture_output=True, text=True, check=True).stdout
    if arguments.files:
        wanted = {os.path.relpath(os.path.abspath(name), ROOT) for name in arguments.files}
        names = [name for name in names if name in wanted]
    folders = [pathlib.Path(flag[0][2:]) for flag in database.include_flags if flag[0].startswith("-I")]
    reach = Reach(folders)
    cache = None if arguments.no_cache else cache_folder()
    stamps, todo = {}, []
    for name in names:
        command = database.commands.get(name, "") if kind == "tidy" else str(header_command(database, name))
        key = "\0".join([kind, version, database.portable(command), name, reach.digest(ROOT / name)])
        stamps[name] = hashlib.sha256(key.encode()).hexdigest()
        if cache is None or not (cache / stamps[name]).exists():
            todo.append(name)
    if arguments.within != float("inf"):
        todo = newest_first(todo)
    end = time.monotonic() + arguments.within
    failed = left = 0

    def check_in_time(name):
        return check(kind, database, name) if time.monotonic() < end else None

    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, arguments.jobs)) as pool:
        futures = {pool.submit(check_in_time, name): name for name in todo}
        for future in concurrent.futures.as_completed(futures):
            name = futures[future]
            answer = future.result()
            if answer is None:
                left += 1
                continue
            good, output = answer
            if not good:
                failed += 1
                print(f"{kind}: {name} does not pass:\n{output.replace(str(ROOT) + '/', '')}", flush=True)
            elif cache is not None:
                (cache / stamps[name]).touch()
    unseen = f", {left} left for want of time" if left else ""
    print(f"{kind}: {len(names)} files, {len(names) - len(todo)} unchanged since they passed, {failed} failed{unseen}")
    return 1 if failed else 0


if __name__ == "__main__":
    if shutil.which("clang-tidy-19") is None and "tidy" in sys.argv:
        sys.exit("compiler_checks: clang-tidy-19 is not installed; tools/setup test installs it")
    sys.exit(main())
