"""A place to run the scripts of tools in: a PATH of chosen programs and stand-ins, so that nothing is ever installed."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLAIN_TOOLS = ("bash env sh cat head tail grep sed awk sort uniq tr rm mkdir mktemp tee dirname basename sleep printf date "
               "stat find ls cp mv ln chmod touch wc paste realpath flock nproc tar xargs true false cut "
               "readlink uname").split()


class Sandbox(unittest.TestCase):
    """Each test gets an empty folder, a PATH with the plain tools only, and stand-ins made with fake()."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-tools-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        for tool in PLAIN_TOOLS:
            path = shutil.which(tool, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            if path:
                (self.bin / tool).symlink_to(path)
        self.home = self.folder / "home"
        self.home.mkdir()

    def fake(self, name, body):
        """A stand-in: a bash script that appends its arguments to calls, then does body."""
        path = self.bin / name
        if path.is_symlink():
            path.unlink()
        path.write_text(f'#!/bin/bash\nprintf "%s\\n" "{name} $*" >>"{self.folder}/calls"\n{body}\n')
        path.chmod(0o755)
        return path

    def calls(self):
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def run_script(self, *command, cwd=None, **variables):
        environment = {"PATH": str(self.bin), "HOME": str(self.home), "LC_ALL": "C.UTF-8", **variables}
        return subprocess.run([str(word) for word in command], env=environment, cwd=cwd or self.folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)

    def copy_of_tools(self):
        """A tree that holds only the scripts, for tests that must not touch this one's build folder."""
        tree = self.folder / "tree"
        shutil.copytree(ROOT / "tools", tree / "tools", ignore=shutil.ignore_patterns("*.cc", "*.h"))
        return tree


def os_release(folder, identifier, version, codename=""):
    path = pathlib.Path(folder) / f"os-release-{identifier}-{version}"
    path.write_text(f'ID={identifier}\nVERSION_ID="{version}"\nVERSION_CODENAME={codename}\n')
    return os.fspath(path)
