"""The gateway built for arm64, under qemu-aarch64: with NEON and epoll it takes pushes and is scraped, and where io_uring is
not to be had, as in qemu-user, it chooses epoll by itself.

    arm64_gateway.py --binary build/arm64/sluice --emulator qemu-aarch64 ...
"""
import argparse
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, os.fspath(ROOT / "tests/e2e"))
from gateway import Gateway  # noqa: E402 the path has to be there first
from smoke import smoke  # noqa: E402


def serve(binary, emulator, kernel, backend=None):
    gateway = Gateway(binary, wrapper=emulator, backend=backend, env={"SLUICE_FORCE_KERNEL": kernel})
    with gateway:
        smoke(gateway.port)
        log = "\n".join(gateway.log)
    assert gateway.process.returncode == 0, gateway.process.returncode
    assert f"kernel={kernel}" in log, f"the log does not name the {kernel} kernel:\n{log}"
    assert "backend epoll" in log, f"the log does not say epoll:\n{log}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--emulator", required=True, nargs=argparse.REMAINDER)
    options = parser.parse_args()
    serve(options.binary, options.emulator, "neon", backend="epoll")
    serve(options.binary, options.emulator, "scalar", backend="epoll")
    serve(options.binary, options.emulator, "neon")
    forced = subprocess.run([*options.emulator, options.binary, "--web.listen-address=127.0.0.1:0"], capture_output=True, text=True,
                            stdin=subprocess.DEVNULL, timeout=120, check=False, env={**os.environ, "SLUICE_FORCE_KERNEL": "avx2"})
    assert forced.returncode == 1 and "no such kernel (neon, scalar)" in forced.stderr, (forced.returncode, forced.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
