"""File systems in files: made, mounted through a loop device, copied at one moment while they are in use."""

import contextlib
import fcntl
import os
import subprocess
import tempfile

from disk import NotHere
from ledger import wait_for

FICLONE = 0x40049409


def command(*words):
    """Runs one of the system's programs; NotHere when it is not there, or may not do that here."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NotHere("there is no " + words[0]) from None
    if done.returncode != 0:
        raise NotHere(" ".join(words[:1]) + ": " + (done.stderr.strip() or "exit code %d" % done.returncode).split("\n")[0])


def make(path, size, *mkfs):
    with open(path, "wb") as image:
        image.truncate(size)
    command(*mkfs, path)


@contextlib.contextmanager
def mounted(image, folder, options="loop"):
    if os.getuid() != 0:
        raise NotHere("mounting needs root")
    os.makedirs(folder, exist_ok=True)
    command("mount", "-o", options, image, folder)
    try:
        yield folder
    finally:
        # The last operations of a process that was killed hold it a moment longer.
        if not wait_for(lambda: subprocess.run(["umount", folder], capture_output=True, check=False).returncode == 0, 20):
            subprocess.run(["umount", "--lazy", folder], check=False)


class Machine:
    """A disk whose power can be cut: ext4 in a file, that file on an XFS that can copy it at one moment. Context manager;
    `path` is the mounted ext4, `folder` a place for other files."""

    def __init__(self, disk_bytes=512 << 20):
        self._disk_bytes = disk_bytes
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with self._stack as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            self.folder = folder
            host = os.path.join(folder, "host.img")
            make(host, 4 << 30, "mkfs.xfs", "-q", "-m", "reflink=1")
            self._host = stack.enter_context(mounted(host, os.path.join(folder, "host")))
            self._image = os.path.join(self._host, "disk.img")
            make(self._image, self._disk_bytes, "mkfs.ext4", "-q", "-F")
            self.path = stack.enter_context(mounted(self._image, os.path.join(folder, "disk")))
            self._copy, self._cuts = None, 0
            self._copy_folder = os.path.join(folder, "copy")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def cut(self):
        """The disk as it is at this moment, page cache excluded: what a power cut now would leave."""
        if self._copy is not None:
            os.remove(self._copy)
        # A name of its own: the last one may be mounted still, where a process that was killed has not quite ended.
        self._cuts += 1
        self._copy = os.path.join(self._host, "copy-%d.img" % self._cuts)
        with open(self._image, "rb") as disk, open(self._copy, "wb") as copy:
            fcntl.ioctl(copy.fileno(), FICLONE, disk.fileno())

    def booted(self):
        """A context manager: the folder where the last cut() is mounted."""
        return mounted(self._copy, self._copy_folder)
