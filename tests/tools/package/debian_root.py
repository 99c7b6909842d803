"""A fresh root of this machine's Debian for a test, and commands in it. Needs root, debootstrap and the archive."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
APT = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0",
       "-o", "Acquire::Retries=3"]


def bash(script, *arguments):
    """A script that has the functions of tools/lib/debian.sh; its completed process."""
    head = '. "%s/tools/lib/common.sh"; . "$SLUICE_ROOT/tools/lib/packages.sh"; . "$SLUICE_ROOT/tools/lib/debian.sh"; ' % SOURCE
    return subprocess.run(["bash", "-c", head + script, "debian_root", *arguments], capture_output=True, text=True, timeout=900,
                          check=False)


class DebianRoot:
    """Use as a context manager. `why` says why there is none on this machine, and then nothing else works."""

    def __init__(self):
        self.path = None
        self.why = self._reason()

    def _reason(self):
        if os.getuid() != 0:
            return "a root folder needs root"
        if shutil.which("debootstrap") is None:
            return "there is no debootstrap"
        name = bash("distribution").stdout.strip()
        base = bash('debian_base "$1"', name)
        if base.returncode != 0:
            return base.stderr.strip()[-300:]
        os.makedirs(os.path.join(SOURCE, "build", "distros"), exist_ok=True)
        self._folder = tempfile.mkdtemp(prefix="package-", dir=os.path.join(SOURCE, "build", "distros"))
        self.path = os.path.join(self._folder, "root")
        subprocess.run(["cp", "--archive", base.stdout.strip(), self.path], check=True)
        bash('copy_apt_settings "$1" "$(debian_suite "$2")"', self.path, name)
        os.makedirs(self.archives + "/partial", exist_ok=True)
        updated = self.run(*APT, "update")
        return None if updated.returncode == 0 else updated.stderr.strip()[-300:]

    @property
    def archives(self):
        """Packages that were downloaded once; every run has them."""
        return os.path.join(SOURCE, "build", "distros", "package.archives")

    def wrapper(self, *options):
        """What stands before a command to run it in here."""
        return [sys.executable, "-B", os.path.join(HERE, "rooted.py"), "--root", self.path, *options, "--"]

    def run(self, *command, **more):
        return subprocess.run([*self.wrapper("--bind", self.archives + ":/var/cache/apt/archives"), *command], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=False, **more)

    def shell(self, script):
        return self.run("sh", "-c", script)

    def outside(self, path):
        return self.path + path

    def place(self, file):
        """Copies a file into the root; its path there."""
        shutil.copy(file, self.path + "/srv/")
        return "/srv/" + os.path.basename(file)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if self.path:
            shutil.rmtree(self._folder)
