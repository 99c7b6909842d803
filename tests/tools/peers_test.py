"""tools/peers and tools/reference: downloaded and unpacked, never installed; what cannot be had is one sentence and exit 1."""
import re
import shutil
import subprocess
import unittest

from sandbox import ROOT, Sandbox


class Peers(Sandbox):
    def setUp(self):
        super().setUp()
        self.peers = self.folder / "peers"
        self.fake("id", "echo 1000")
        for tool in ("dpkg-deb", "dpkg-query"):
            self.link(tool)

    def link(self, tool):
        path = shutil.which(tool)
        self.assertIsNotNone(path, f"{tool} is part of every Debian")
        (self.bin / tool).symlink_to(path)

    def make_package(self, name, program):
        """A small real package that holds one program, kept where the stand-in apt-get finds it."""
        tree = self.folder / f"{name}-tree"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: none <none@example.org>\nDescription: none\n")
        # A package that starts its service when it is installed: unpacking must not run this.
        (tree / "DEBIAN/postinst").write_text(f"#!/bin/sh\ntouch {self.folder}/service-was-started\n")
        (tree / "DEBIAN/postinst").chmod(0o755)
        (tree / "usr/sbin").mkdir(parents=True)
        (tree / f"usr/sbin/{program}").write_text('#!/bin/sh\necho "hello from $0"\n')
        (tree / f"usr/sbin/{program}").chmod(0o755)
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, self.folder / f"{name}_1_all.deb"], check=True,
                       capture_output=True)

    def peer(self, name, **variables):
        return self.run_script(ROOT / "tools/peers", name, SLUICE_PEERS_DIR=str(self.peers), **variables)

    def test_unpacks_without_installing(self):
        self.make_package("nginx", "nginx")
        self.fake("apt-get", f'[ "$1" = download ] && cp "{self.folder}/$2_1_all.deb" .')
        answer = self.peer("nginx")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        program = answer.stdout.splitlines()[-1]
        self.assertEqual(self.run_script(program).stdout.split()[:2], ["hello", "from"])
        self.assertFalse((self.folder / "service-was-started").exists())
        self.assertEqual([call for call in self.calls() if "install" in call], [])

    def test_the_second_time_nothing_is_downloaded(self):
        self.make_package("prometheus", "promtool")
        self.fake("apt-get", f'[ "$1" = download ] && cp "{self.folder}/$2_1_all.deb" .')
        first = self.peer("promtool")
        self.fake("apt-get", "exit 100")
        second = self.peer("promtool")
        self.assertEqual((second.returncode, second.stdout), (0, first.stdout), second.stderr)

    def test_no_network(self):
        self.fake("apt-get", 'echo "E: Failed to fetch http://deb.example/nginx.deb"; exit 100')
        answer = self.peer("nginx")
        self.assertEqual(answer.returncode, 1)
        self.assertEqual(answer.stderr, "peers: 'nginx' cannot be downloaded (apt-get download nginx): "
                                        "E: Failed to fetch http://deb.example/nginx.deb\n")

    def test_no_apt(self):
        answer = self.peer("nginx")
        self.assertEqual((answer.returncode, answer.stderr.count("\n")), (1, 1))
        self.assertIn("no apt-get", answer.stderr)

    def test_an_unknown_name(self):
        answer = self.peer("apache")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("unknown program 'apache'", answer.stderr)


class Reference(Sandbox):
    def reference(self, *arguments):
        return self.run_script(ROOT / "tools/reference", *arguments, SLUICE_PEERS_DIR=str(self.folder / "peers"))

    def binary(self, version):
        return self.fake(f"gateway-{version}", f'echo "pushgateway, version {version} (branch: HEAD, revision: x)"')

    def test_another_binary_has_to_be_recent(self):
        for version, good in (("1.11.2", True), ("1.11.3", True), ("1.12.0", True), ("1.11.1", False), ("1.9.9", False)):
            answer = self.reference(self.binary(version))
            self.assertEqual(answer.returncode == 0, good, f"{version}: {answer.stderr}")
            if not good:
                self.assertEqual(answer.stderr.count("\n"), 1)
                self.assertIn(f"is Pushgateway {version}, 1.11.2 or later is needed", answer.stderr)

    def test_a_binary_without_a_version(self):
        answer = self.reference(self.binary(""))
        self.assertEqual(answer.returncode, 1)
        self.assertIn("does not say which version", answer.stderr)

    def test_no_go(self):
        answer = self.reference()
        self.assertEqual(answer.returncode, 1)
        self.assertIn("needs Go, and there is no go in PATH", answer.stderr)

    def old_go(self, answer):
        """Debian 12's Go, whose download of a newer one ends with `answer`, a line of shell."""
        self.fake("go", f'''case "$1 $2" in
          "env GOVERSION") echo go1.19.8 ;;
          "mod download") {answer} ;;
          *) echo "the old one must not build" >&2; exit 1 ;;
        esac''')

    def newer_go(self, total):
        """What the module of a toolchain looks like when it is unpacked: nothing in it may be written or run."""
        builds = 'while [ "$1" != -o ] && [ $# -gt 0 ]; do shift; done; printf "#!/bin/sh\\necho built\\n" >"$GOBIN/pushgateway"'
        return (f'd=$GOMODCACHE/toolchain; mkdir -p "$d/bin" "$d/pkg/tool/x"; touch "$d/pkg/tool/x/compile"; '
                f'printf "%s\\n" "#!/bin/bash" \'mkdir -p "$GOBIN"; {builds}; chmod +x "$GOBIN/pushgateway"\' >"$d/bin/go"; '
                f'chmod -R a-wx,a+X "$d"; printf \'{{\\n\\t"Dir": "%s",\\n\\t"Sum": "%s"\\n}}\\n\' "$d" "{total}"')

    def test_an_old_go_fetches_a_newer_one(self):
        known = re.search("go_fetched_sum='(.*)'", (ROOT / "tools/lib/go.sh").read_text()).group(1)
        self.old_go(self.newer_go(known))
        answer = self.reference()
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(self.run_script(answer.stdout.splitlines()[-1]).stdout, "built\n")
        go = self.run_script(ROOT / "tools/peers", "go", SLUICE_PEERS_DIR=str(self.folder / "peers"))
        self.assertRegex(go.stdout, "/peers/go-[0-9.]+/bin/go\n$")
        self.assertEqual(len([call for call in self.calls() if "download" in call]), 1, "once is enough")

    def test_a_newer_go_that_is_not_the_known_one_is_not_run(self):
        self.old_go(self.newer_go("h1:other"))
        answer = self.reference()
        self.assertEqual(answer.returncode, 1)
        self.assertIn("has the sum 'h1:other'", answer.stderr)
        self.assertEqual([path for path in (self.folder / "peers").rglob("go") if path.is_file()], [])

    def test_an_old_go_and_no_network(self):
        self.old_go('printf \'{\\n\\t"Error": "dial tcp: no such host"\\n}\\n\'; exit 1')
        answer = self.reference()
        self.assertEqual(answer.returncode, 1)
        self.assertEqual(answer.stderr.count("\n"), 1)
        self.assertRegex(answer.stderr, "Go 1.19.8 is older than .* cannot be downloaded: dial tcp: no such host")

    def test_install_refused_falls_back_to_the_module(self):
        source = self.folder / "module"
        source.mkdir()
        self.fake("go", f'''case "$1 $2" in
          "env GOVERSION") echo go1.25.0 ;;
          install*) echo "go: loading deprecation: 403 Forbidden" >&2; exit 1 ;;
          "mod download") printf '{{\\n\\t"Dir": "{source}",\\n\\t"Sum": "h1:x"\\n}}\\n' ;;
          build*) while [ "$1" != -o ]; do shift; done; printf '#!/bin/sh\\necho built\\n' >"$2"; chmod +x "$2" ;;
        esac''')
        answer = self.reference()
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(self.run_script(answer.stdout.splitlines()[-1]).stdout, "built\n")

    def test_no_network(self):
        self.fake("go", 'if [ "$1" = env ]; then echo go1.25.0; else echo "dial tcp: lookup proxy: no such host" >&2; exit 1; fi')
        answer = self.reference()
        self.assertEqual(answer.returncode, 1)
        self.assertEqual(answer.stderr, "reference: the reference's source cannot be downloaded: dial tcp: lookup proxy: no such host\n")


if __name__ == "__main__":
    unittest.main()
