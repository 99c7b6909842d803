"""Plants faults in a copy of the tree, one at a time, and requires that a test finds each. tools/faults and
tests/durability/faults are this with their own lists.

    COMMAND [--only REGEX] [--check] [--build FOLDER] [--markdown FILE] [LIST.json ..]

An entry of a list is

    name      what is wrong
    file      where, from the root of the repository
    old, new  the text, which occurs exactly once in the file, and what takes its place
    test      the ctest that has to fail; its program has the same name, or is one of `targets`
    filter    of GoogleTest, for `test`: only these cases run
    fuzzer    or: the target of tests/fuzz that has to find it under libFuzzer, within `seconds`
    command   or: what has to fail; {build} and {source} stand for the folders, it runs in the latter
    expect    a regular expression that the output has to have then
    targets   what to build
    preset    of CMake, where it is not debug (fuzz for fuzzers)
    seconds   how long the test may take (900; 300 for a fuzzer); a test that does not end has found the fault, a fuzzer
              has not

The copy is of the tracked files, under build/faults, built with ccache. Every test
and command has to pass on it first. A fault that does not compile, does not apply or is not found is an error, and so is one
that is found by something else than what was expected. --check only sees whether every fault can be planted and, with
--build, whether its test exists there.
"""
import argparse
import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import time

from test_list import tests_of

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TREE = os.path.join(SOURCE, "build", "faults", "tree")
TEST_EXPECT = r"\[  FAILED  \]|check failed|CHECK failed|DIFFERENCE|[Tt]imeout|SEGFAULT|Subprocess aborted|\*\*\*Failed|FAILED"
FUZZER_EXPECT = r"DIFFERENCE|check failed|ERROR: |runtime error"
COMMAND_TARGETS = ["sluice", "sluice-load", "sluice_faults"]
KINDS = ("test", "fuzzer", "command")


def read_lists(paths):
    found = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            found += [{"list": os.path.basename(path), **fault} for fault in json.load(file)]
    return found


def preset_of(fault):
    return fault.get("preset", "fuzz" if "fuzzer" in fault else "debug")


def folder_of(fault):
    return os.path.join(TREE, "build", preset_of(fault))


def targets_of(fault):
    if "targets" in fault:
        return fault["targets"]
    return COMMAND_TARGETS if "command" in fault else [fault.get("test") or fault["fuzzer"]]


def finder_of(fault):
    """What has to find it, in a few words."""
    if "command" in fault:
        return re.sub(r"^python3 | --binary.*", "", fault["command"]).replace("{build}/", "")
    return (fault.get("test") or fault["fuzzer"]) + (" " + fault["filter"] if "filter" in fault else "")


def problem_of(fault, tests):
    """Why a fault cannot be planted, or None. `tests`: the names that ctest knows, or None."""
    missing = {"name", "file", "old", "new"} - set(fault)
    if missing:
        return "it has no " + ", ".join(sorted(missing))
    if sum(kind in fault for kind in KINDS) != 1:
        return "it needs one of " + ", ".join(KINDS)
    if fault["old"] == fault["new"]:
        return "it changes nothing"
    path = os.path.join(SOURCE, fault["file"])
    if not os.path.isfile(path):
        return "there is no " + fault["file"]
    with open(path, encoding="utf-8") as file:
        count = file.read().count(fault["old"])
    if count != 1:
        return "its old text occurs %d times in %s" % (count, fault["file"])
    if tests is not None and "test" in fault and fault["test"] not in tests:
        return "there is no test " + fault["test"]
    if "fuzzer" in fault and not os.path.isfile(os.path.join(SOURCE, "tests", "fuzz", fault["fuzzer"] + ".cc")):
        return "there is no fuzzer " + fault["fuzzer"]
    return None


def tests_in(build):
    """The names of the tests of a build folder."""
    return {test["name"] for test in tests_of(build)}


def copy_tree():
    """The tracked files as they are here. What is there already and the same stays, so that only what changed is built again;
    what differs becomes new, or a fault that a run that was ended has left would stay in what is built of it."""
    names = subprocess.run(["git", "-C", SOURCE, "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        source, target = os.path.join(SOURCE, name), os.path.join(TREE, name)
        if not os.path.lexists(source):
            continue
        if os.path.isfile(target) and not os.path.islink(source) and filecmp.cmp(source, target, shallow=False):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.lexists(target):
            os.remove(target)
        shutil.copy(source, target, follow_symlinks=False)


def build(preset, targets):
    """The output when it fails, else None."""
    folder = os.path.join(TREE, "build", preset)
    environment = {"CCACHE_BASEDIR": TREE, "CCACHE_NOHASHDIR": "1", **os.environ}
    commands = [["ninja", "-C", folder, *targets]]
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        commands.insert(0, ["cmake", "--preset", preset])
    for command in commands:
        done = subprocess.run(command, cwd=TREE, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return done.stdout + done.stderr
    return None


def command_of(fault):
    if "command" in fault:
        return ["sh", "-c", fault["command"].replace("{build}", folder_of(fault)).replace("{source}", TREE)]
    if "test" in fault:
        return ["ctest", "--test-dir", folder_of(fault), "--output-on-failure", "--no-tests=error", "-R",
                "^" + re.escape(fault["test"]) + "$"]
    name = fault["fuzzer"]
    short = name.removesuffix("_fuzz")
    corpus = os.path.join(TREE, "tests", "fuzz", "corpus", short)
    words = os.path.join(TREE, "tests", "fuzz", short + ".dict")
    found = os.path.join(TREE, "build", "found", name)
    shutil.rmtree(found, ignore_errors=True)
    os.makedirs(found)
    return [os.path.join(folder_of(fault), "tests", "fuzz", name), "-max_total_time=%d" % fault.get("seconds", 300), "-max_len=4096",
            "-seed=1", "-artifact_prefix=" + found + "/", found, corpus] + (["-dict=" + words] if os.path.isfile(words) else [])


def run(fault):
    """(passed, output) of what has to find the fault."""
    seconds = fault.get("seconds", 300 if "fuzzer" in fault else 900)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    if "filter" in fault:
        environment["GTEST_FILTER"] = fault["filter"]
    process = subprocess.Popen(command_of(fault), cwd=TREE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace", env=environment, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=seconds + (60 if "fuzzer" in fault else 0))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
        return "fuzzer" in fault, output + "\nTimeout: it did not end within %d s" % seconds
    return process.returncode == 0, output


def line_at(output, found):
    begin = output.rfind("\n", 0, found.start()) + 1
    return output[begin:].split("\n", 1)[0].strip()


def plant(fault):
    """Builds and runs with the fault; what is wrong with that, or None, and the line that found it."""
    path = os.path.join(TREE, fault["file"])
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(fault["old"], fault["new"]))
    try:
        failed = build(preset_of(fault), targets_of(fault))
        if failed:
            return "it does not compile:\n" + failed[-3000:], ""
        begin = time.monotonic()
        passed, output = run(fault)
        if passed:
            return "NOT FOUND: %s passes" % finder_of(fault), ""
        usual = TEST_EXPECT if "test" in fault else FUZZER_EXPECT if "fuzzer" in fault else "FAILED"
        found = re.search(fault.get("expect", usual), output)
        if not found:
            return "%s fails, and says something else:\n%s" % (finder_of(fault), output[-3000:]), ""
        after = "after %d s: " % (time.monotonic() - begin) if "fuzzer" in fault else ""
        return None, after + line_at(output, found)
    finally:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def baseline(faults):
    """What does not pass without a fault. Fuzzers run over their corpus only."""
    bad = {}
    for preset in sorted({preset_of(fault) for fault in faults}):
        failed = build(preset, sorted({target for fault in faults if preset_of(fault) == preset for target in targets_of(fault)}))
        if failed:
            sys.exit("faults: the copy does not build:\n" + failed[-5000:])
    for finder, fault in {finder_of(fault): fault for fault in faults}.items():
        passed, output = run({**fault, "seconds": 1} if "fuzzer" in fault else fault)
        print("without a fault: %s: %s" % ("passes" if passed else "FAILS", finder), flush=True)
        if not passed:
            bad[finder] = output[-3000:]
            print(bad[finder], flush=True)
    return bad


def table_of(rows):
    lines = ["| fault | where | found by | how |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("lists", nargs="*", help="instead of all")
    parser.add_argument("--only", default="", help="a regular expression for names")
    parser.add_argument("--check", action="store_true", help="plant nothing, see whether everything can be planted")
    parser.add_argument("--build", help="with --check: the tests are those of this build folder")
    parser.add_argument("--markdown", help="the table goes into this file as well, row by row")
    return parser.parse_args()


def main(description, folder):
    options = arguments(description)
    lists = options.lists or [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".json")]
    faults = [fault for fault in read_lists(lists) if re.search(options.only, fault.get("name", ""))]
    tests = tests_in(options.build) if options.build else None
    problems = ["%s: %s: %s" % (fault["list"], fault.get("name"), problem_of(fault, tests)) for fault in faults if problem_of(fault, tests)]
    if problems or not faults:
        sys.exit("\n".join(problems) or "faults: none")
    if options.check:
        print("faults: %d can be planted" % len(faults))
        return
    copy_tree()
    bad = baseline(faults)
    rows, wrong = [], 0
    for fault in faults:
        begin = time.monotonic()
        trouble, line = ("it fails without a fault", "") if finder_of(fault) in bad else plant(fault)
        wrong += trouble is not None
        rows.append((fault["name"], fault["file"], finder_of(fault), line[:100] if trouble is None else "**" + trouble.split("\n")[0] + "**"))
        print("%-8s %3d s  %s%s" % ("found" if trouble is None else "WRONG", time.monotonic() - begin, fault["name"],
                                    "\n" + trouble if trouble else ""), flush=True)
        if options.markdown:
            with open(options.markdown, "w", encoding="utf-8") as file:
                file.write(table_of(rows) + "\n")
    print("\n" + table_of(rows))
    print("\nfaults: %d planted, %d not found as expected" % (len(faults), wrong))
    sys.exit(1 if wrong else 0)
