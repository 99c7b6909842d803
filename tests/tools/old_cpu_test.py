"""The release binary on a processor of 2008: no AVX, no BMI. It has to start, take a push and show it, which it can only do
when no instruction beyond the baseline stands outside the kernels' dispatch.

    old_cpu_test.py --binary build/release/sluice
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, os.fspath(ROOT / "tests/e2e"))
from gateway import Gateway  # noqa: E402 the path has to be there first
from smoke import smoke  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    binary = parser.parse_args().binary
    emulator = shutil.which("qemu-x86_64")
    if emulator is None:
        print("NOT RUN: release on an old CPU: there is no qemu-x86_64; tools/setup test installs it")
        return 0
    if not os.path.exists(binary):
        print("NOT RUN: release on an old CPU: there is no build/release/sluice; tools/build makes it")
        return 0
    with Gateway(binary, wrapper=[emulator, "-cpu", "Nehalem"]) as gateway:
        smoke(gateway.port)
        log = "\n".join(gateway.log)
    assert "scalar" in log, "the log does not name the scalar kernel:\n" + log
    forced = subprocess.run([emulator, "-cpu", "Nehalem", binary, "--web.listen-address=127.0.0.1:0"], capture_output=True, text=True,
                            stdin=subprocess.DEVNULL, timeout=120, check=False, env={**os.environ, "SLUICE_FORCE_KERNEL": "avx2"})
    assert forced.returncode == 1 and "AVX2" in forced.stderr, (forced.returncode, forced.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
