"""Boots of the machine, as the gateway tells them apart: behind a power cut a start must find another identity of the boot in
/proc/sys/kernel/random/boot_id than what it finds on the disk was written at."""

import os
import uuid

BOOT_ID = "/proc/sys/kernel/random/boot_id"


def next_boot(folder):
    """The words before a command that make it run at a boot of its own; `folder` has room for a small file."""
    path = os.path.join(folder, "boot_id")
    with open(path, "w", encoding="ascii") as file:
        file.write(str(uuid.uuid4()) + "\n")
    more = () if os.getuid() == 0 else ("--user", "--map-root-user")
    return ("unshare", *more, "--mount", "sh", "-c", 'mount --bind "$0" %s && exec "$@"' % BOOT_ID, path)
