"""What tools/test --all leaves out of one build runs in another: no test is left out of all of them."""
import pathlib
import re
import sys
import tempfile
import unittest

from sandbox import ROOT

sys.path.insert(0, str(ROOT / "tools" / "lib"))
from test_list import tests_of  # noqa: E402 (it lies in another folder)


def shell_words(name):
    text = (ROOT / "tools/lib/ctest.sh").read_text()
    return re.search(rf"\b{name}='([^']*)'", text).group(1)


class All(unittest.TestCase):
    def test_every_test_runs_in_debug_or_with_asan(self):
        labels = {}
        for test in tests_of(BUILD):
            found = [entry["value"] for entry in test["properties"] if entry["name"] == "LABELS"]
            labels[test["name"]] = found[0] if found else []
        self.assertGreater(len(labels), 100)
        once = re.compile(shell_words("ONCE_LABELS"))
        in_debug = {name for name in labels if not re.search(shell_words("ON_IO_URING"), name)}
        with_asan = {name for name in labels if not any(once.search(label) for label in labels[name])
                     and not re.search(shell_words("ON_EPOLL"), name)}
        self.assertEqual(set(labels) - in_debug - with_asan, set())
        self.assertIn("e2e_api_epoll", in_debug)
        self.assertIn("e2e_api_io_uring", with_asan)
        self.assertNotIn("e2e_api_io_uring", in_debug)

    def test_a_look_at_the_list_leaves_the_log_alone(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "CTestTestfile.cmake").write_text("add_test(one true)\n")
            log = folder / "Testing" / "Temporary" / "LastTest.log"
            log.parent.mkdir(parents=True)
            log.write_text("what a run has written so far\n")
            self.assertEqual([test["name"] for test in tests_of(name)], ["one"])
            self.assertEqual(log.read_text(), "what a run has written so far\n")
            self.assertEqual([path.name for path in folder.iterdir() if path.is_file()], ["CTestTestfile.cmake"])


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main()
