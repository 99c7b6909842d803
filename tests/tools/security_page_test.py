"""SECURITY.md's threat model names tests that exist: a row without one says that it is open.

    security_page_test.py BUILD_FOLDER
"""

import os
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "lib"))
from test_list import tests_of  # noqa: E402 (it lies in another folder)

BUILD = None


def rows():
    """(where, cells) of each row of the threat model."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    section = ""
    for line in text[text.index("## Threat model"):].split("\n"):
        if line.startswith("### "):
            section = line[4:]
        elif line.startswith("| ") and not line.startswith(("| who can", "| what happens")):
            yield section, [cell.strip() for cell in line.strip("|").split("|")]


class SecurityPage(unittest.TestCase):
    def test_each_test_is_there(self):
        known = {test["name"] for test in tests_of(BUILD)}
        known |= {re.sub("_(io_uring|epoll)$", "", name) for name in known}
        named = 0
        for section, cells in rows():
            self.assertEqual(len(cells), 3, cells)
            for name in re.findall("`([^`]+)`", cells[2]):
                named += 1
                self.assertIn(name, known, f"{section}: {cells[0]}")
        self.assertGreater(named, 30)

    def test_what_no_test_shows_is_open(self):
        for section, cells in rows():
            self.assertTrue(cells[2] or "**Open**" in cells[1], f"{section}: {cells[0]} has neither a test nor the word Open")


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
