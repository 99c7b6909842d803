"""tools/peers and tools/reference: downloaded and unpacked, never installed; what cannot be had is one sentence and exit 1."""
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
        self.assertIn("needs Go 1.21 or later, and there is no go in PATH", answer.stderr)

    def test_an_old_go(self):
        self.fake("go", 'if [ "$1" = env ]; then echo go1.19.8; else exit 1; fi')
        answer = self.reference()
        self.assertEqual(answer.returncode, 1)
        self.assertIn("needs Go 1.21 or later, this is 1.19.8", answer.stderr)

    def test_install_refused_falls_back_to_the_module(self):
        source = self.folder / "module"
        source.mkdir()
        self.fake("go", f'''case "$1 $2" in
          "env GOVERSION") echo go1.22.1 ;;
          install*) echo "go: loading deprecation: 403 Forbidden" >&2; exit 1 ;;
          "mod download") printf '{{\\n\\t"Dir": "{source}",\\n\\t"Sum": "h1:x"\\n}}\\n' ;;
          build*) while [ "$1" != -o ]; do shift; done; printf '#!/bin/sh\\necho built\\n' >"$2"; chmod +x "$2" ;;
        esac''')
        answer = self.reference()
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(self.run_script(answer.stdout.splitlines()[-1]).stdout, "built\n")

    def test_no_network(self):
        self.fake("go", 'if [ "$1" = env ]; then echo go1.22.1; else echo "dial tcp: lookup proxy: no such host" >&2; exit 1; fi')
        answer = self.reference()
        self.assertEqual(answer.returncode, 1)
        self.assertEqual(answer.stderr, "reference: the reference's source cannot be downloaded: dial tcp: lookup proxy: no such host\n")


if __name__ == "__main__":
    unittest.main()
