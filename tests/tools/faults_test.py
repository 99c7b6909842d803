"""tools/lib/faults.py judges rightly: what a fault that is found, one that survives, one that cannot be planted and one that
is found by something else come to. In a tree of its own, whose build does nothing."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from sandbox import ROOT

PROGRAM = """import sys
sys.path.insert(0, "tools/lib")
import faults
faults.main("test", "lists")
"""
PRESETS = {"version": 6, "configurePresets": [
    {"name": "debug", "generator": "Ninja", "binaryDir": "${sourceDir}/build/debug"}]}
CMAKE = """cmake_minimum_required(VERSION 3.25)
project(nothing LANGUAGES NONE)
enable_testing()
add_test(NAME says_right COMMAND grep --quiet right ${CMAKE_SOURCE_DIR}/text)
"""
COMMAND = "grep --quiet right {source}/text || (echo FAILED: wrong; false)"


class Faults(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-faults-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "tools/lib").mkdir(parents=True)
        (self.root / "lists").mkdir()
        for name in ("faults.py", "test_list.py"):
            shutil.copy(ROOT / "tools/lib" / name, self.root / "tools/lib")
        for name, text in {"run.py": PROGRAM, "CMakePresets.json": json.dumps(PRESETS), "CMakeLists.txt": CMAKE,
                           "text": "the right text\nanother line\n"}.items():
            (self.root / name).write_text(text, encoding="utf-8")
        subprocess.run(["git", "init", "--quiet"], cwd=self.root, check=True)
        subprocess.run(["git", "add", "."], cwd=self.root, check=True)

    def run_with(self, faults, *arguments):
        whole = [{"file": "text", "targets": [], **fault} for fault in faults]
        (self.root / "lists/all.json").write_text(json.dumps(whole), encoding="utf-8")
        done = subprocess.run([sys.executable, "-B", "run.py", *arguments], cwd=self.root, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_found(self):
        by_command = {"name": "one", "old": "right", "new": "wrong", "command": COMMAND}
        by_test = {"name": "two", "old": "the right", "new": "the left", "test": "says_right"}
        status, output = self.run_with([by_command, by_test])
        self.assertEqual(status, 0, output)
        self.assertIn("| one | text |", output)
        self.assertIn("FAILED: wrong |", output)
        self.assertIn("2 planted, 0 not found", output)
        # The copy is as it was, and so is the tree.
        for text in (self.root / "text", self.root / "build/faults/tree/text"):
            self.assertEqual(text.read_text(encoding="utf-8"), "the right text\nanother line\n")

    def test_survivor(self):
        status, output = self.run_with([{"name": "survivor", "old": "another", "new": "no", "command": COMMAND},
                                        {"name": "other", "old": "another", "new": "no", "test": "says_right"}])
        self.assertEqual(status, 1, output)
        self.assertEqual(output.count("**NOT FOUND: "), 2, output)
        self.assertIn("2 planted, 2 not found", output)

    def test_found_by_something_else(self):
        fault = {"name": "one", "old": "right", "new": "wrong", "command": COMMAND, "expect": "FAILED: lost"}
        status, output = self.run_with([fault])
        self.assertEqual(status, 1, output)
        self.assertIn("says something else", output)

    def test_fails_without_a_fault(self):
        fault = {"name": "one", "old": "right", "new": "wrong", "command": "echo FAILED; false"}
        status, output = self.run_with([fault])
        self.assertEqual(status, 1, output)
        self.assertIn("without a fault: FAILS", output)
        self.assertIn("it fails without a fault", output)

    def test_check(self):
        good = {"name": "good", "old": "right", "new": "wrong", "test": "says_right"}
        self.assertEqual(self.run_with([good], "--check")[0], 0)
        for bad, why in (({"old": "left"}, "occurs 0 times"), ({"old": "t"}, "occurs 5 times"), ({"file": "none"}, "there is no none"),
                         ({"new": "right"}, "changes nothing"), ({"command": "false"}, "needs one of"),
                         ({"fuzzer": "no_fuzz", "test": None}, "needs one of")):
            status, output = self.run_with([{**good, **bad}], "--check")
            self.assertEqual(status, 1, output)
            self.assertIn("good: ", output)
            self.assertIn(why, output)
        subprocess.run(["cmake", "--preset", "debug"], cwd=self.root, capture_output=True, check=True)
        self.assertEqual(self.run_with([good], "--check", "--build", "build/debug")[0], 0)
        status, output = self.run_with([{**good, "test": "says_left"}], "--check", "--build", "build/debug")
        self.assertEqual(status, 1, output)
        self.assertIn("there is no test says_left", output)


if __name__ == "__main__":
    unittest.main()
