"""tools/test-arm64 with stand-ins for apt-get and dpkg-deb: the libraries are unpacked into a folder of their own, this
machine's packages are never touched, and what cannot work is one sentence."""
import os
import re
import unittest

from sandbox import Sandbox, os_release

# A download is one empty .deb a package, in the archives or, as apt-get download does it, in the current folder.
APT = r'''
[ "$1" = indextargets ] && exit 0
cache='' verb='' names=''
for word in "$@"; do
  case $word in
    Dir::Cache=*) cache=${word#Dir::Cache=} ;;
    update | install | download) verb=$word ;;
    -* | *=*) ;;
    *) [ -n "$verb" ] && names="$names $word" ;;
  esac
done
for name in $names; do
  if [ $verb = install ]; then : >"$cache/archives/$name.deb"; else : >"./$name.deb"; fi
done
'''
# Unpacking makes a library with the absolute link that Debian's zlib1g-dev has.
DPKG_DEB = r'''
name=$(basename "$2" .deb)
mkdir -p "$3/usr/lib/aarch64-linux-gnu" "$3/lib/aarch64-linux-gnu"
: >"$3/lib/aarch64-linux-gnu/$name.so.1"
ln -s "/lib/aarch64-linux-gnu/$name.so.1" "$3/usr/lib/aarch64-linux-gnu/$name.so"
'''


class Arm64(Sandbox):
    def setUp(self):
        super().setUp()
        self.tree = self.copy_of_tools()
        self.root = self.tree / "build/arm64-root"
        self.release = os_release(self.folder, "debian", "12", "bookworm")
        self.fake("apt-get", APT)
        self.fake("dpkg-deb", DPKG_DEB)
        self.fake("uname", "echo x86_64")

    def bash(self, command, **variables):
        script = f'. "{self.tree}/tools/lib/common.sh"; . "{self.tree}/tools/lib/arm64.sh"; {command}'
        return self.run_script("bash", "-c", script, SLUICE_OS_RELEASE=self.release, **variables)

    def make_root(self):
        answer = self.bash("make_arm64_root")
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)
        return answer.stdout

    def apt_calls(self):
        return [call for call in self.calls() if call.startswith("apt-get ") and "indextargets" not in call]

    def test_the_libraries_are_those_of_the_build_and_of_its_tests(self):
        for version, llhttp in (("12", "node-llhttp"), ("13", "libllhttp-dev")):
            self.release = os_release(self.folder, "debian", version)
            names = self.bash("arm64_libraries").stdout.split()
            for name in (llhttp, "liburing-dev", "libisal-dev", "libspdlog-dev", "libgtest-dev", "zlib1g-dev"):
                self.assertIn(name, names)
            for name in names:
                self.assertRegex(name, r"-dev$|^node-llhttp$", "no program of another machine is of use here")

    def test_the_folder_is_complete_in_itself(self):
        self.make_root()
        link = self.root / "usr/lib/aarch64-linux-gnu/zlib1g-dev.so"
        self.assertEqual(os.readlink(link), "../../../lib/aarch64-linux-gnu/zlib1g-dev.so.1")
        self.assertEqual(link.resolve(), (self.root / "lib/aarch64-linux-gnu/zlib1g-dev.so.1").resolve())
        self.assertTrue((self.root / "usr/lib/aarch64-linux-gnu/node-llhttp.so").exists())

    def test_the_loader_is_found_where_lib_has_moved(self):
        self.fake("dpkg-deb", 'mkdir -p "$3/usr/lib"; : >"$3/usr/lib/ld-linux-aarch64.so.1"')
        self.make_root()
        self.assertTrue((self.root / "lib/ld-linux-aarch64.so.1").exists())

    def test_this_machine_is_not_changed(self):
        self.fake("dpkg", "exit 9")
        self.make_root()
        calls = self.apt_calls()
        self.assertEqual([re.search(r" (update|install|download)\b", call).group(1) for call in calls], ["update", "install", "download"])
        state = f"{self.tree}/build/arm64-apt"
        for call in calls:
            for setting in (f"Dir::State={state}/state", f"Dir::State::status={state}/status", f"Dir::Cache={state}/cache",
                            f"Dir::Etc::SourceList={state}/sources.list", "Dir::Etc::SourceParts=/dev/null", "APT::Architecture=arm64"):
                self.assertIn(setting, call)
        self.assertIn(" --download-only ", calls[1])
        self.assertNotIn("node-llhttp", calls[1], "it depends on Node")
        self.assertTrue(calls[2].endswith(" download node-llhttp"))
        self.assertFalse([call for call in self.calls() if call.startswith("dpkg ")])

    def test_once_for_a_list_of_packages(self):
        self.make_root()
        before = len(self.apt_calls())
        self.assertIn("is there", self.make_root())
        self.assertEqual(len(self.apt_calls()), before)
        table = self.tree / "tools/lib/packages.sh"
        table.write_text(table.read_text().replace("libsnappy-dev ", "libbrotli-dev "))
        self.make_root()
        self.assertGreater(len(self.apt_calls()), before)
        self.assertFalse(list(self.root.rglob("libsnappy-dev.so")), "a package that is no longer wanted has to go")

    def test_half_a_folder_is_not_taken_for_a_whole_one(self):
        self.fake("dpkg-deb", 'case $2 in *zlib1g*) exit 2 ;; esac\n' + DPKG_DEB)
        self.assertNotEqual(self.bash("make_arm64_root").returncode, 0)
        self.fake("dpkg-deb", DPKG_DEB)
        self.make_root()
        self.assertTrue((self.root / "usr/lib/aarch64-linux-gnu/zlib1g-dev.so").exists())

    def test_no_network(self):
        self.fake("apt-get", 'case "$*" in *indextargets*) exit 0 ;; esac; echo "E: Failed to fetch http://deb.example/x"; exit 100')
        answer = self.bash("make_arm64_root")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("the arm64 libraries cannot be downloaded: E: Failed to fetch http://deb.example/x", answer.stderr)

    def test_the_mirror_of_this_machine(self):
        self.fake("apt-get", 'echo "http://mirror.example/debian-security"; echo "http://mirror.example/debian"')
        self.assertRegex(self.bash("arm64_source").stdout, r"^deb \[arch=arm64[^\]]*\] http://mirror\.example/debian bookworm main$")

    def test_where_it_cannot_work(self):
        self.assertEqual(self.bash("arm64_impossible").stdout, "")
        self.release = os_release(self.folder, "ubuntu", "24.04", "noble")
        self.assertIn("not a Debian", self.bash("arm64_impossible").stdout)
        self.fake("uname", "echo aarch64")
        answer = self.run_script(self.tree / "tools/test-arm64", SLUICE_OS_RELEASE=self.release)
        self.assertEqual(answer.returncode, 1)
        self.assertIn("this machine is aarch64", answer.stderr)
        self.assertEqual(self.apt_calls(), [])

    def test_an_unknown_argument(self):
        answer = self.run_script(self.tree / "tools/test-arm64", "--fast", SLUICE_OS_RELEASE=self.release)
        self.assertEqual(answer.returncode, 1)
        self.assertIn("unknown argument '--fast'", answer.stderr)


if __name__ == "__main__":
    unittest.main()
