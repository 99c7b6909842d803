"""The reference gateway's binary, for tests that compare with it."""

import os
import subprocess

from gateway import SOURCE


def find_reference():
    """Its path and None, or None and why there is none. It is built where that has not been done yet."""
    done = subprocess.run([os.path.join(SOURCE, "tools", "reference")], capture_output=True, text=True, timeout=600,
                          check=False)
    path = done.stdout.strip().split("\n")[-1]
    return (path, None) if done.returncode == 0 else (None, done.stderr.strip()[-300:])
