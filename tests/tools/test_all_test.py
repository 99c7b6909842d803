"""What tools/test --all leaves out of one build runs in another: no test is left out of all of them."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from sandbox import ROOT


def shell_words(name):
    text = (ROOT / "tools/lib/ctest.sh").read_text()
    return re.search(rf"\b{name}='([^']*)'", text).group(1)


class All(unittest.TestCase):
    def test_every_test_runs_in_debug_or_with_asan(self):
        # In a copy of the lists: ctest begins its log anew, and this may run in one that is still written.
        folder = tempfile.mkdtemp(prefix="sluice-lists-")
        self.addCleanup(shutil.rmtree, folder)
        for path in pathlib.Path(BUILD).rglob("CTestTestfile.cmake"):
            copy = pathlib.Path(folder) / path.relative_to(BUILD)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        listed = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1"], capture_output=True, text=True, check=True)
        labels = {}
        for test in json.loads(listed.stdout)["tests"]:
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


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main()
