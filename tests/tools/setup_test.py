"""tools/setup: each way in which it can fail has its sentence, the exact line and exit 1; nothing is really installed."""
import re
import unittest

from sandbox import ROOT, Sandbox, os_release

SETUP = ROOT / "tools/setup"
LINE = re.compile(r"^  apt-get update && apt-get install --yes --no-install-recommends (.+)$", re.MULTILINE)

# dpkg-query answers from a file of installed packages, and of what they provide when no name is asked for; apt-get install
# adds to it.
DPKG = ('[ $# -gt 2 ] || cat "$INSTALLED.provides" 2>/dev/null; for p in "$@"; do case $p in --*) continue ;; esac; '
        'if grep -qx -- "$p" "$INSTALLED"; then echo "installed $p"; fi; done; exit 0')
APT_WORKS = ('echo "stdin $(cat | wc -c) frontend $DEBIAN_FRONTEND" >>"$INSTALLED.environment"\n'
             'found=no; for p in "$@"; do case $p in install) found=yes ;; -*|*=*) ;; *) [ $found = yes ] && echo "$p" >>"$INSTALLED" ;; esac; done; exit 0')


class Setup(Sandbox):
    def setUp(self):
        super().setUp()
        self.installed = self.folder / "installed"
        self.installed.write_text("")
        self.fake("dpkg-query", DPKG)
        self.be(0)
        self.release = os_release(self.folder, "debian", "12", "bookworm")

    def be(self, uid):
        self.fake("id", f"echo {uid}")

    def setup(self, *arguments, **variables):
        return self.run_script(SETUP, *arguments, INSTALLED=str(self.installed), SLUICE_OS_RELEASE=self.release, **variables)

    def packages(self, mode="build"):
        return LINE.search("  " + self.setup(mode, "--print").stdout).group(1).split()

    def apt_calls(self):
        return [call for call in self.calls() if call.startswith("apt-get ")]

    def assert_gave_up(self, answer, sentence, missing=None):
        self.assertEqual(answer.returncode, 1, answer.stdout + answer.stderr)
        self.assertRegex(answer.stderr, sentence)
        line = LINE.search(answer.stderr)
        self.assertIsNotNone(line, answer.stderr)
        self.assertEqual(line.group(1).split(), missing or self.packages())

    def test_nothing_missing_asks_apt_nothing(self):
        self.fake("apt-get", "exit 100")
        self.installed.write_text("\n".join(self.packages()) + "\n")
        answer = self.setup("build")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(self.apt_calls(), [])

    def test_installs_only_what_is_missing_without_a_question(self):
        self.fake("apt-get", APT_WORKS)
        names = self.packages()
        self.installed.write_text("\n".join(names[2:]) + "\n")
        answer = self.setup("build")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        update, install = self.apt_calls()
        self.assertRegex(update, r" update\b")
        self.assertRegex(install, r" install --yes --no-install-recommends --quiet " + " ".join(map(re.escape, names[:2])) + "$")
        self.assertIn("DPkg::Lock::Timeout=300", install)
        self.assertEqual((self.folder / "installed.environment").read_text(), "stdin 0 frontend noninteractive\n" * 2)

    def test_what_another_package_provides_is_there(self):
        self.fake("apt-get", APT_WORKS)
        names = self.packages("test")
        self.installed.write_text("\n".join(name for name in names if name not in ("npm", "curl")) + "\n")
        (self.folder / "installed.provides").write_text("installed nodejs-dev (= 1), npm\nnot-installed curl\n")
        self.assertEqual(self.setup("test").returncode, 0)
        self.assertRegex(self.apt_calls()[1], "--quiet curl$")

    def test_a_second_run_does_nothing(self):
        self.fake("apt-get", APT_WORKS)
        self.assertEqual(self.setup("build").returncode, 0)
        before = len(self.apt_calls())
        self.assertEqual(self.setup("build").returncode, 0)
        self.assertEqual(len(self.apt_calls()), before)

    def test_a_lock_that_stays_held(self):
        self.fake("apt-get", 'echo "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1 (apt)"; exit 100')
        answer = self.setup("build", SLUICE_LOCK_WAIT_S="2")
        self.assert_gave_up(answer, "has held the dpkg lock for more than 2 seconds")
        self.assertGreater(len(self.apt_calls()), 1, "it has to try again while the time lasts")

    def test_a_lock_that_is_released(self):
        self.fake("apt-get", 'if [ ! -e "$INSTALLED.once" ]; then touch "$INSTALLED.once"; '
                             'echo "E: Could not get lock /var/lib/apt/lists/lock"; exit 100; fi\n' + APT_WORKS)
        answer = self.setup("build", SLUICE_LOCK_WAIT_S="60")
        self.assertEqual(answer.returncode, 0, answer.stderr)

    def test_no_sudo(self):
        self.be(1000)
        self.fake("apt-get", APT_WORKS)
        answer = self.setup("build")
        self.assert_gave_up(answer, "neither root nor able to use sudo")
        self.assertEqual(self.apt_calls(), [])

    def test_sudo_that_wants_a_password_and_no_terminal(self):
        self.be(1000)
        self.fake("apt-get", APT_WORKS)
        self.fake("sudo", "exit 1")
        self.assert_gave_up(self.setup("build"), "neither root nor able to use sudo")
        self.assertEqual(self.apt_calls(), [])

    def test_sudo_is_used_when_not_root(self):
        self.be(1000)
        self.fake("apt-get", APT_WORKS)
        self.fake("sudo", 'shift; exec "$@"')
        answer = self.setup("build")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(len([call for call in self.calls() if call.startswith("sudo -n env ")]), 2)

    def test_sudo_is_not_used_by_root(self):
        self.fake("apt-get", APT_WORKS)
        self.fake("sudo", 'exec "$@"')
        self.assertEqual(self.setup("build").returncode, 0)
        self.assertFalse([call for call in self.calls() if call.startswith("sudo")])

    def test_no_apt(self):
        self.assert_gave_up(self.setup("build"), "no apt-get")

    def test_no_network(self):
        self.fake("apt-get", 'echo "Err:1 http://deb.example bookworm InRelease"; '
                             'echo "  Temporary failure resolving \'deb.example\'"; '
                             'echo "E: Unable to locate package liburing-dev"; exit 100')
        self.assert_gave_up(self.setup("build"), "cannot be downloaded")

    def test_another_failure_is_quoted(self):
        self.fake("apt-get", 'case "$*" in *update*) exit 0 ;; esac; echo "E: Sub-process /usr/bin/dpkg returned an error code (1)"; exit 100')
        self.assert_gave_up(self.setup("build"), r"Sub-process /usr/bin/dpkg returned an error code \(1\)")

    def test_a_broken_mirror_for_something_else_does_not_stop_it(self):
        self.fake("apt-get", 'case "$*" in *update*) echo "E: The repository is not signed"; exit 100 ;; esac\n' + APT_WORKS)
        self.assertEqual(self.setup("build").returncode, 0)

    def test_names_of_each_distribution(self):
        for identifier, version, llhttp in (("debian", "12", "node-llhttp"), ("debian", "13", "libllhttp-dev"),
                                            ("ubuntu", "24.04", "node-llhttp"), ("ubuntu", "26.04", "libllhttp-dev")):
            self.release = os_release(self.folder, identifier, version)
            names = self.packages()
            self.assertIn(llhttp, names)
            self.assertEqual(len({"node-llhttp", "libllhttp-dev"} & set(names)), 1)
            self.assertIn("liburing-dev", names)
            self.assertNotIn("=", names)
            self.assertIn("clang-tidy-19", self.packages("test"))

    def test_arm64_needs_what_the_build_needs_and_a_cross_compiler(self):
        self.assertEqual(set(self.packages("arm64")) - set(self.packages()), {"g++-aarch64-linux-gnu", "qemu-user", "python3", "curl"})
        self.assertEqual(set(self.packages()) - set(self.packages("arm64")), set())

    def test_packages_need_what_the_build_needs_and_the_archive_s_tools(self):
        self.assertEqual(set(self.packages("package")) - set(self.packages()), {"dpkg-dev", "python3"})
        self.assertEqual(set(self.packages()) - set(self.packages("package")), set())

    def test_nothing_that_starts_a_service(self):
        for mode in ("build", "test", "roots", "arm64", "package"):
            for name in self.packages(mode):
                self.assertNotIn(name, ("nginx", "prometheus", "prometheus-pushgateway", "docker.io"))

    def test_an_unknown_distribution_gets_a_line_too(self):
        self.release = os_release(self.folder, "fedora", "43")
        self.assert_gave_up(self.setup("build"), "not in the table")

    def test_print_changes_nothing(self):
        self.fake("apt-get", "exit 100")
        self.assertEqual(self.setup("test", "--print").returncode, 0)
        self.assertEqual(self.apt_calls(), [])

    def test_an_unknown_argument(self):
        answer = self.setup("everything")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("unknown argument 'everything'", answer.stderr)


class Table(unittest.TestCase):
    """What CMake looks for has a row, so that a library is never used before setup installs it."""

    KNOWN = {"libxxhash": "hashing", "liburing": "io_uring", "fmt": "formatting", "spdlog": "logging", "simdjson": "utf8-json",
             "libisal": "gzip", "isal": "gzip", "CLI11": "flags", "Llhttp": "http-framing", "libllhttp": "http-framing",
             "GTest": "gtest", "benchmark": "benchmark", "PkgConfig": "pkg-config", "ZLIB": "zlib", "zlib": "zlib",
             "Python3": "python", "OpenSSL": "tls", "snappy": "snappy", "Snappy": "snappy", "libzstd": "zstd",
             "yaml-cpp": "yaml", "protozero": "protobuf", "Protozero": "protobuf", "Threads": "compiler",
             "fuse3": "faulty-disk"}

    def test_every_library_has_a_row(self):
        table = (ROOT / "tools/lib/packages.sh").read_text()
        rows = set(re.findall(r"^([a-z0-9_-]+) +(?:build|test|roots|arm64|package) ", table, re.MULTILINE))
        files = [path for path in [*ROOT.rglob("CMakeLists.txt"), *ROOT.rglob("*.cmake")]
                 if path.relative_to(ROOT).parts[0] != "build"]
        for path in files:
            for call, words in re.findall(r"\b(find_package|pkg_check_modules|pkg_search_module)\s*\(([^)]*)\)", path.read_text()):
                words = [word for word in words.split() if word.upper() != word or word == "ZLIB" or word == "CLI11"]
                names = words[:1] if call == "find_package" else words
                for name in names:
                    name = re.split(r"[<>=]", name)[0]
                    self.assertIn(name, self.KNOWN, f"{path}: {name} needs a row in tools/lib/packages.sh and a word here")
                    self.assertIn(self.KNOWN[name], rows, f"{path}: {name} needs a row in tools/lib/packages.sh")


if __name__ == "__main__":
    unittest.main()
