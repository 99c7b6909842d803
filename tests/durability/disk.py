"""A mounted sluice-fuse-disk (fuse_disk.cc), its commands and what it says that was done to it."""

import glob
import os
import subprocess
import tempfile
import time
from collections import namedtuple

from ledger import SOURCE

# One operation: when it ended and began (time.monotonic()), what, on which file, how many bytes, a number of errno.
Done = namedtuple("Done", "time kind name bytes result begin")


def is_segment(name):
    return name.endswith(".seg")


class NotHere(RuntimeError):
    """The disk cannot be had on this machine; the text says why."""


def find_program(binary):
    """Beside the gateway in its build, or in any other build of this tree: the release build has no tests."""
    part = os.path.join("tests", "durability", "sluice-fuse-disk")
    beside = os.path.join(os.path.dirname(os.path.abspath(binary)), part)
    builds = sorted(glob.glob(os.path.join(SOURCE, "build", "*", part)), key=os.path.getmtime, reverse=True)
    for path in [beside, *builds]:
        if os.access(path, os.X_OK):
            return path
    raise NotHere("sluice-fuse-disk is not built: libfuse3 (libfuse3-dev) was not found when this tree was configured")


class Disk:
    """Use as a context manager. `path` is the mounted directory, `folder` a place for other files."""

    def __init__(self, binary):
        self.program = find_program(binary)
        self.log = []      # of Done
        self.figures = {}  # of the newest report

    def __enter__(self):
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            raise NotHere("/dev/fuse is not there or may not be used")
        self._folder = tempfile.TemporaryDirectory()
        self.folder = self._folder.name
        self.path = os.path.join(self.folder, "disk")
        os.mkdir(self.path)
        self._process = subprocess.Popen([self.program, self.path], stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 60
        while not os.path.exists(os.path.join(self.path, "control")):
            if self._process.poll() is not None or time.monotonic() > end:
                why = self._process.stderr.read().strip() if self._process.poll() is not None else "it takes too long"
                self.__exit__()
                raise NotHere("a FUSE file system cannot be mounted: " + why)
            time.sleep(0.005)
        return self

    def __exit__(self, *_):
        for command in (["umount", "--lazy"], ["fusermount3", "-u", "-z"]):
            if os.path.ismount(self.path):
                subprocess.run([*command, self.path], capture_output=True, check=False)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stderr.close()
        self._folder.cleanup()

    def command(self, *words):
        control = os.open(os.path.join(self.path, "control"), os.O_WRONLY)
        try:
            os.write(control, " ".join(str(word) for word in words).encode())
        finally:
            os.close(control)

    def look(self):
        """Brings log and figures up to date, and returns the figures."""
        with open(os.path.join(self.path, "control"), "rb", buffering=0) as control:
            text = b""
            while part := control.read(1 << 20):
                text += part
        for line in text.decode().splitlines():
            words = line.split(" ")
            if len(words) == 2:
                self.figures[words[0]] = int(words[1])
            else:
                self.log.append(Done(float(words[0]), words[1], words[2], int(words[3]), int(words[4]), float(words[5])))
        return self.figures

    def clear(self):
        self.command("clear")
        self.log = []
        self.look()
        self.log = []

    def wait_until(self, condition, timeout=60):
        """Looks until condition() is true; false when that takes too long."""
        end = time.monotonic() + timeout
        while True:
            self.look()
            if condition():
                return True
            if time.monotonic() > end:
                return False
            time.sleep(0.002)

    def dead(self):
        return self.figures["dead"] == 1

    def failed_sync(self):
        """The sync that failed, or None."""
        return next((done for done in self.log if done.kind in ("sync", "syncdir") and done.result != 0), None)
