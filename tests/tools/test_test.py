"""tools/lib/ctest.sh with a real ctest over made-up tests: what is counted, what fails, what is said at the end."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from sandbox import ROOT


class Ctest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="sluice-ctest-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        shutil.copytree(ROOT / "tools/lib", self.root / "tools/lib", ignore=shutil.ignore_patterns("__pycache__"))
        (self.root / "tests").mkdir()
        (self.root / "tests/not-run.txt").write_text("# reasons: none\nkernel *: the processor\n")

    def preset(self, name, **tests):
        """Each test is one shell command."""
        folder = self.root / "build" / name
        folder.mkdir(parents=True)
        lines = [f'add_test({test} "/bin/sh" "-c" [==[{command}]==])' for test, command in tests.items()]
        (folder / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n")

    def run_all(self, *presets, require_all="0", **variables):
        script = 'set -euo pipefail; SLUICE_SCRIPT=test; . "$SLUICE_ROOT/tools/lib/common.sh"; . "$SLUICE_ROOT/tools/lib/jobs.sh"\n' \
                 '. "$SLUICE_ROOT/tools/lib/ctest.sh"\n' + "\n".join(f"run_ctest {name}" for name in presets) + "\nfinish\n"
        answer = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, stdin=subprocess.DEVNULL,
                                env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin", "SLUICE_ROOT": str(self.root),
                                     "HOME": str(self.root), "SLUICE_REQUIRE_ALL": require_all, **variables})
        return answer.returncode, answer.stdout

    def assert_summary(self, output, summary):
        self.assertEqual(output.rstrip().splitlines()[-1], summary, output)

    def test_all_pass_and_presets_are_added_up(self):
        self.preset("debug", a="true", b="true")
        self.preset("asan", a="true")
        status, output = self.run_all("debug", "asan")
        self.assertEqual(status, 0, output)
        self.assert_summary(output, "100% tests passed, 0 tests failed out of 3")

    def test_a_failure_is_named_and_later_presets_still_run(self):
        self.preset("debug", good="true", bad="echo what went wrong; false")
        self.preset("asan", good="true")
        status, output = self.run_all("debug", "asan")
        self.assertEqual(status, 1)
        self.assertIn("FAILED: debug: bad\n", output)
        self.assertIn("what went wrong", output)
        self.assert_summary(output, "66% tests passed, 1 tests failed out of 3")

    def test_one_that_passes_alone_is_named(self):
        self.preset("debug", shaky=f"test -e {self.root}/seen || {{ touch {self.root}/seen; false; }}")
        status, output = self.run_all("debug")
        self.assertEqual(status, 0, output)
        self.assertIn("PASSED ONLY ALONE: debug: shaky\n", output)
        self.assert_summary(output, "100% tests passed, 0 tests failed out of 1")

    def test_a_sanitizer_report_gets_no_second_try(self):
        for report in ("WARNING: ThreadSanitizer: data race", "ERROR: AddressSanitizer: heap-use-after-free",
                       "a.cc:1:2: runtime error: signed integer overflow"):
            with self.subTest(report):
                shutil.rmtree(self.root / "build", ignore_errors=True)
                (self.root / "seen").unlink(missing_ok=True)
                self.preset("tsan", racy=f"test -e {self.root}/seen || {{ touch {self.root}/seen; echo '{report}'; false; }}")
                status, output = self.run_all("tsan")
                self.assertEqual(status, 1, output)
                self.assertIn("FAILED: tsan: racy\n", output)

    def test_not_run_lines_are_repeated(self):
        self.preset("debug", a="echo 'NOT RUN: client-node: there is no node'")
        status, output = self.run_all("debug")
        self.assertEqual(status, 0, output)
        self.assertIn("NOT RUN: debug: client-node: there is no node\n", output)

    def test_not_run_is_a_failure_when_everything_is_required(self):
        self.preset("debug", a="echo 'NOT RUN: client-node: there is no node'; echo 'NOT RUN: kernel avx512: not this processor'")
        status, output = self.run_all("debug", require_all="1")
        self.assertEqual(status, 1, output)
        self.assertIn("client-node was not run, and tests/not-run.txt does not name it", output)
        self.assertNotIn("kernel avx512 was not run, and", output)

    def test_not_run_without_a_reason_counts_too(self):
        self.preset("debug", a="echo 'NOT RUN: the moon is not full'")
        status, output = self.run_all("debug", require_all="1")
        self.assertEqual(status, 1, output)
        self.assertIn("the moon is not full was not run, and", output)

    def test_not_run_that_the_list_names_is_none(self):
        self.preset("debug", a="echo 'NOT RUN: kernel avx512: not this processor'")
        status, output = self.run_all("debug", require_all="1")
        self.assertEqual(status, 0, output)

    def test_a_forced_kernel_is_named(self):
        self.preset("arm64", a='echo "NOT RUN: io_uring: not with $SLUICE_FORCE_KERNEL"', b="false")
        status, output = self.run_all("arm64", require_all="0", SLUICE_FORCE_KERNEL="neon")
        self.assertEqual(status, 1, output)
        self.assertIn("NOT RUN: arm64, neon kernel: io_uring: not with neon\n", output)
        self.assertIn("FAILED: arm64, neon kernel: b\n", output)

    def test_not_run_with_a_forced_kernel_is_looked_up_by_its_own_name(self):
        self.preset("arm64", a="echo 'NOT RUN: kernel avx512: not this processor'", b="echo 'NOT RUN: client: none'")
        _, output = self.run_all("arm64", require_all="1", SLUICE_FORCE_KERNEL="neon")
        self.assertIn("client was not run, and", output)
        self.assertNotIn("kernel avx512 was not run, and", output)

    def test_long_output_is_not_lost(self):
        self.preset("debug", a="i=0; while [ $i -lt 30000 ]; do echo line; i=$((i+1)); done; echo 'NOT RUN: late: at the very end'")
        _, output = self.run_all("debug")
        self.assertIn("NOT RUN: debug: late: at the very end\n", output)

    def test_no_tests_at_all(self):
        self.preset("debug")
        status, output = self.run_all("debug")
        self.assertNotEqual(status, 0, output)
        self.assertIsNone(re.search("100% tests passed", output))


if __name__ == "__main__":
    unittest.main()
