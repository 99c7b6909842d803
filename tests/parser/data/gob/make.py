#!/usr/bin/env python3
"""Makes the files of this folder again: by the real reference, and by Go programs that use encoding/gob.

    tests/parser/data/gob/make.py

`everything` is what Pushgateway 1.11.3 wrote after the pushes of tests/e2e/moving_pushes.py. The others are made by
make.go: the reference's types with more fields around theirs (`more_fields`), no groups at all (`empty`), the types of a
Pushgateway before 0.10 (`uint_keys`), something else (`other`), and times (`times`). Maps come in random order, so the
files differ from run to run.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "e2e"))

from gateway import Checks, Gateway  # noqa: E402
from moving_pushes import push_everything  # noqa: E402
from reference import find_reference  # noqa: E402


def main():
    binary, why = find_reference()
    if binary is None:
        sys.exit(why)
    checks = Checks("make")
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        with Gateway(binary, ["--persistence.file=" + file, "--push.enable-utf8-names"]) as gateway:
            push_everything(checks, gateway)
            gateway.stop(signal.SIGTERM)
        (HERE / "everything").write_bytes(pathlib.Path(file).read_bytes())
    subprocess.run(["go", "run", str(HERE / "make.go"), str(HERE)], check=True)
    checks.finish()


if __name__ == "__main__":
    main()
