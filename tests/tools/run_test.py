"""tools/run and tools/build in a copy of the scripts with a stand-in compiler, and the real gateway on a port that is taken.

    run_test.py --binary SLUICE
"""
import socket
import subprocess
import sys
import unittest

from sandbox import Sandbox, os_release

BINARY = None

# Stands in for cmake: configuring makes a cache that names its tree, building makes a program that prints its arguments.
CMAKE = r'''
case " $* " in
  *" --preset "*) mkdir -p "$PWD/build/release"
    echo "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" >"$PWD/build/release/CMakeCache.txt" ;;
  *" --build "*) [ -z "$BUILD_FAILS" ] || exit 3
    printf '#!/bin/sh\necho "started with: $*"\n' >"$2/sluice"; cp "$2/sluice" "$2/sluice-load"; chmod +x "$2/sluice" "$2/sluice-load" ;;
esac'''


class Run(Sandbox):
    def setUp(self):
        super().setUp()
        self.tree = self.copy_of_tools()
        self.fake("id", "echo 0")
        self.fake("dpkg-query", 'for p in "$@"; do case $p in --*) ;; *) echo "installed $p" ;; esac; done')
        self.fake("cmake", CMAKE)
        self.release = os_release(self.folder, "debian", "12", "bookworm")

    def run_gateway(self, *arguments, **variables):
        return self.run_script(self.tree / "tools/run", *arguments, SLUICE_OS_RELEASE=self.release, **variables)

    def test_builds_and_starts_with_the_arguments(self):
        answer = self.run_gateway("--web.listen-address=127.0.0.1:1", "--log.level=debug")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(answer.stdout.splitlines()[-1], "started with: --web.listen-address=127.0.0.1:1 --log.level=debug")

    def test_is_safe_to_repeat(self):
        for _ in range(2):
            answer = self.run_gateway()
            self.assertEqual(answer.returncode, 0, answer.stderr)
            self.assertEqual(answer.stdout.splitlines()[-1], "started with: ")

    def test_works_from_any_folder(self):
        answer = self.run_script(self.tree / "tools/run", cwd="/", SLUICE_OS_RELEASE=self.release)
        self.assertEqual(answer.returncode, 0, answer.stderr)

    def test_a_build_made_elsewhere_is_started_anew(self):
        cache = self.tree / "build/release/CMakeCache.txt"
        cache.parent.mkdir(parents=True)
        cache.write_text("CMAKE_HOME_DIRECTORY:INTERNAL=/somewhere/else\n")
        (cache.parent / "left-over").touch()
        answer = self.run_gateway()
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("was made for /somewhere/else", answer.stdout)
        self.assertFalse((cache.parent / "left-over").exists())

    def test_a_failed_build_starts_nothing(self):
        self.run_gateway()
        answer = self.run_gateway(BUILD_FAILS="1")
        self.assertNotEqual(answer.returncode, 0)
        self.assertNotIn("started with", answer.stdout)

    def test_a_failed_setup_builds_nothing(self):
        self.fake("dpkg-query", "exit 1")
        answer = self.run_gateway()
        self.assertEqual(answer.returncode, 1)
        self.assertIn("apt-get install", answer.stderr)
        self.assertFalse([call for call in self.calls() if call.startswith("cmake")])

    def test_warnings_are_not_errors_for_users(self):
        self.run_gateway()
        self.assertFalse([call for call in self.calls() if "WERROR" in call])

    def test_no_cache_folder_is_no_failure(self):
        self.fake("cmake", CMAKE + '\necho "ccache disabled: ${CCACHE_DISABLE:-no}"')
        answer = self.run_script(self.tree / "tools/build", SLUICE_OS_RELEASE=self.release, HOME="/proc/nowhere")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("ccache disabled: 1", answer.stdout)


class TakenPort(unittest.TestCase):
    def test_the_sentence_names_the_port_and_the_flag(self):
        self.assertIsNotNone(BINARY, "run_test.py --binary SLUICE")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            answer = subprocess.run([BINARY, f"--web.listen-address={address}"], capture_output=True, text=True, timeout=60,
                                    stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(answer.returncode, 1, answer.stderr)
        self.assertIn(address, answer.stderr)
        self.assertIn("--web.listen-address", answer.stderr)


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--binary":
        BINARY = sys.argv[2]
        del sys.argv[1:3]
    unittest.main()
