#!/usr/bin/env python3
"""The house's rules that a compiler does not know: layout, include direction, where atomics and locks may stand.

    source_rules.py [--root FOLDER]

Prints "file:line: rule: sentence" for each violation and exits 1 if there is one. Each rule is a function below with the
reason in its first line; tests/tools/check_test.py plants one violation of each and expects it to be found.
"""
import argparse
import pathlib
import re
import subprocess
import sys

LINES_MAX = 500
TOP_LEVEL = {
    "CMakeLists.txt", "CMakePresets.json", "core", "net", "parser", "bench", "tests", "tools", "README.md", "LICENSE",
    "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "Dockerfile", ".ci", ".clang-format", ".clang-tidy", ".gitignore",
    ".dockerignore",
}

# The folder table of the architecture: what each folder may include besides itself.
MAY_INCLUDE = {
    "core/base": (),
    "core/sync": ("core/base",),
    "core/model": ("core/base",),
    "core/map": ("core/sync", "core/base"),
    "core/store": ("core/map", "core/model", "core/sync", "core/base"),
    "core/render": ("core/store", "core/model", "core/base"),
    "core/wal": ("core/store", "core/model", "core/sync", "core/base"),
    "parser": ("parser/simd", "core/model", "core/base"),
    "parser/simd": ("core/base",),
    "net/ring": ("core/base",),
    "net/loop": ("net/ring", "core/sync", "core/base"),
    "net/http": ("core/base",),
    "net/tls": ("core/base",),
    "net/web": ("net/http", "net/tls", "core/sync", "core/base"),
    "net/auth": ("net/api", "net/web", "net/http", "core/model", "core/sync", "core/base"),
    "net/conn": ("net/loop", "net/ring", "net/http", "net/tls", "core/sync", "core/base"),
    "net/ui": (),
    "net/api": ("net/conn", "net/loop", "net/ring", "net/http", "net/tls", "net/ui", "parser", "parser/simd", "core/wal",
                "core/render", "core/store", "core/map", "core/model", "core/sync", "core/base"),
}

# Bare atomics: epochs, mailboxes and counters, the map, the shape registry, the group and its snapshots' list.
ATOMICS = re.compile(r"^core/(sync|map)/|^core/store/[^/]*(registry|group|reclaim|snapshot|stamp)[^/]*$|/mailbox[^/]*$")
# Blocking is allowed to the shape registry (rare births and deaths of shapes) and to a job's try-lock, nowhere else here.
LOCK_FREE = re.compile(r"^core/(sync|map|store)/")
LOCKS_ALLOWED = re.compile(r"^core/store/[^/]*(shape_registry|registry|job|name_set)[^/]*$")

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
INTRINSICS = re.compile(r"^([a-z0-9]*intrin|arm_neon|arm_sve|arm_acle|cpuid)\.h$")
LOCK_WORDS = re.compile(r"\bstd::(shared_|recursive_|timed_)*mutex\b|\bpthread_(mutex|rwlock|spin|cond)_|"
                        r"\b(lock_guard|unique_lock|shared_lock|scoped_lock|condition_variable(_any)?|call_once|"
                        r"counting_semaphore|binary_semaphore)\b|\bstd::(latch|barrier)\b|\bspin_?lock\b")
SPIN_WORDS = re.compile(r"_mm_pause|__builtin_ia32_pause|\bstd::this_thread::(yield|sleep_for|sleep_until)|"
                        r"\bsched_yield\b|\batomic_flag\b|\b(nanosleep|usleep)\s*\(|"
                        r"\bwhile\s*\([^;{}]*\.(load|test_and_set|exchange)\([^;{}]*\)\s*(;|\{\s*\})")
# Written in two pieces so that this file does not break the rule that it states.
SKIP_WORD = "GTEST" "_SKIP"
STUB_WORDS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b|\bDISABLED" r"_\w|\bnot implemented" r" yet")
PRIVATE_PATHS = re.compile(r"(?<![\w.])/(work/(main|shared|ref)|root/)|\bdebian\.sources\b.*disabled")


def strip_comments(text):
    """The text with comments and the insides of strings blanked, line breaks kept, so that words in prose do not count."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)

    def blank(match):
        piece = match.group(0)
        if piece.startswith("'") and match.start() > 0 and text[match.start() - 1].isalnum():
            return piece  # A digit separator, as in 1'000.
        return re.sub(r"[^\n]", " ", piece)

    return pattern.sub(blank, text)


def folder_of(path):
    return path.rpartition("/")[0]


def is_product(path):
    return path.startswith(("core/", "net/", "parser/", "tools/"))


def is_cpp(path):
    return path.endswith((".h", ".cc", ".inc"))


class File:
    def __init__(self, root, path):
        self.path = path
        self.text = (root / path).read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.split("\n")
        self.code = strip_comments(self.text).split("\n") if is_cpp(path) else self.lines
        self.includes = [(number, match.group(1), match.group(2))
                         for number, line in enumerate(self.lines, 1) if (match := INCLUDE.match(line))]


def rule_top_level(file):
    """The top level is fixed: a new idea finds its place in a folder that exists."""
    first = file.path.split("/", 1)[0]
    if first not in TOP_LEVEL:
        yield 1, f"'{first}' is not part of the top level"


def rule_file_length(file):
    """One idea per file: nobody reads the eighth screen."""
    length = len(file.lines) - (file.lines[-1] == "")
    if (is_cpp(file.path) or file.path.endswith((".py", ".sh", ".cmake"))) and length > LINES_MAX:
        yield LINES_MAX + 1, f"{length} lines, the limit is {LINES_MAX}"


def rule_include_direction(file):
    """Arrows never run back up: core never sees parser or net, parser never sees net or the store."""
    if not is_cpp(file.path) or not file.path.startswith(("core/", "net/", "parser/")):
        return
    folder = folder_of(file.path)
    if folder not in MAY_INCLUDE:
        yield 1, f"folder '{folder}' is not in the table of folders"
        return
    for number, quote, name in file.includes:
        target = folder_of(name)
        if quote != '"' or target == folder:
            continue
        if target not in MAY_INCLUDE[folder] and not (folder == "net/ui" and not target):
            yield number, f'{folder} may not include "{name}"'


def rule_intrinsics(file):
    """Built for the baseline CPU: instructions of later ones stand behind the dispatch only."""
    if file.path.startswith(("parser/simd/", "tests/parser/simd/")) or re.match(r"core/base/cpu\.(h|cc)$", file.path):
        return
    for number, _, name in file.includes if is_cpp(file.path) else ():
        if INTRINSICS.match(name):
            yield number, f"<{name}> belongs to parser/simd and core/base/cpu"


def rule_liburing(file):
    """One folder knows the ring, so that the epoll stand-in stays its equal."""
    if file.path.startswith(("net/ring/", "tests/net/ring/")):
        return
    for number, _, name in file.includes if is_cpp(file.path) else ():
        if name.startswith("liburing"):
            yield number, f"<{name}> belongs to net/ring"


def rule_atomics(file):
    """Lock-free code is proved, not sprinkled: bare atomics live where the proofs are."""
    if not is_cpp(file.path) or not file.path.startswith(("core/", "net/", "parser/")) or ATOMICS.search(file.path):
        return
    for number, line in enumerate(file.code, 1):
        if re.search(r"\bstd::atomic(_\w+)?\b|\b__atomic_\w+|\b__sync_\w+|#\s*include\s*<atomic>", line):
            yield number, "bare atomics belong to core/sync, core/map, the registry, the group and mailboxes"


def rule_atomic_orders(file):
    """Every atomic access names its order; a fence of its own is invisible to ThreadSanitizer."""
    if not is_cpp(file.path) or not ATOMICS.search(file.path):
        return
    for number, line in enumerate(file.code, 1):
        if re.search(r"(\.|->)load\(\s*\)", line):
            yield number, "an atomic load without its memory order"
        if re.search(r"\batomic_(thread|signal)_fence\b", line):
            yield number, "a standalone fence, which ThreadSanitizer does not understand"


def rule_no_locks(file):
    """core/map, core/sync and core/store do not block outside the shape registry and a job's try-lock."""
    if not is_cpp(file.path) or not LOCK_FREE.match(file.path) or LOCKS_ALLOWED.match(file.path):
        return
    for number, line in enumerate(file.code, 1):
        if match := LOCK_WORDS.search(line):
            yield number, f"'{match.group(0)}' blocks, and this folder is lock-free"


def rule_no_spinning(file):
    """Waiting in a loop is a lock under another name."""
    if not is_cpp(file.path) or not LOCK_FREE.match(file.path):
        return
    for number, line in enumerate(file.code, 1):
        if match := SPIN_WORDS.search(line):
            yield number, f"'{match.group(0).strip()}' waits in a loop, and this folder is lock-free"


def rule_keyed_tables(file):
    """What clients name is placed by a hash that they cannot know; the standard one has a seed that everybody knows."""
    if not is_cpp(file.path) or not file.path.startswith(("core/", "net/", "parser/")):
        return
    for number, line in enumerate(file.code, 1):
        if re.search(r"\bunordered_(multi)?(map|set)<\s*std::(basic_)?string", line) and "KeyedHash" not in line:
            yield number, "an unordered container of strings without KeyedHash (core/base/hash.h)"


def rule_pragma_once(file):
    """One include guard for all."""
    if file.path.endswith(".h") and not re.search(r"^#pragma once$", file.text, re.MULTILINE):
        yield 1, "the header has no #pragma once"


def rule_no_stubs(file):
    """What is in the tree works; what does not is an issue, not a comment."""
    if file.path.startswith("tests/tools/check_test") or file.path.endswith((".md", ".json", ".txt")):
        return
    for number, line in enumerate(file.lines, 1):
        if match := STUB_WORDS.search(line):
            yield number, f"'{match.group(0)}' is a promise, not code"
        if SKIP_WORD in line and "NOT RUN: " not in " ".join(file.lines[max(0, number - 4):number + 2]):
            yield number, f'{SKIP_WORD} hides itself; say << "NOT RUN: name: reason", which tools/test counts'


def rule_private_paths(file):
    """A clone works anywhere: no path of somebody's machine."""
    if file.path.startswith("tests/tools/check_test") or file.path.endswith("source_rules.py"):
        return
    for number, line in enumerate(file.lines, 1):
        if match := PRIVATE_PATHS.search(line):
            yield number, f"'{match.group(0)}' is a path of one machine"


RULES = {name[len("rule_"):].replace("_", "-"): function
         for name, function in list(globals().items()) if name.startswith("rule_")}


def tracked_files(root):
    """What git tracks or would track; without git, everything outside build."""
    answer = subprocess.run(["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
                            capture_output=True, check=False)
    if answer.returncode == 0:
        names = [name for name in answer.stdout.decode().split("\0") if name]
    else:
        names = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
    skip = ("build/", ".git/")
    return sorted(name for name in set(names) if not name.startswith(skip) and (root / name).is_file())


def is_text(root, name):
    with open(root / name, "rb") as stream:
        return b"\0" not in stream.read(4096)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    root = arguments.parse_args().root
    found = 0
    names = tracked_files(root)
    for name in names:
        if not is_text(root, name):
            continue
        file = File(root, name)
        for rule, check in RULES.items():
            for line, sentence in check(file):
                print(f"{name}:{line}: {rule}: {sentence}")
                found += 1
    print(f"source rules: {len(names)} files, {len(RULES)} rules, {found} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
