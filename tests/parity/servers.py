"""The two processes of a run, found and started: the reference by tools/reference, sluice as it was built."""

import pathlib
import subprocess

from sides import Process

ROOT = pathlib.Path(__file__).resolve().parents[2]


def reference(binary=None):
    """The reference's path, or None and why there is none; tools/reference refuses what is too old."""
    command = [str(ROOT / "tools" / "reference")] + ([binary] if binary else [])
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode != 0:
        return None, found.stderr.strip().split("\n")[-1]
    return found.stdout.strip().split("\n")[-1], None


def default_binary():
    """Sluice's release build, or the debug build where there is no other."""
    for preset in ("release", "debug"):
        path = ROOT / "build" / preset / "sluice"
        if path.exists():
            return str(path)
    return str(ROOT / "build" / "debug" / "sluice")


def add_arguments(parser):
    parser.add_argument("--binary", default=default_binary())
    parser.add_argument("--backend", default=None)
    parser.add_argument("--reference", default=None, help="default: what tools/reference builds")


def not_run(options):
    """The reference's path, and the exit code to end with where the two cannot be compared here."""
    binary, why = reference(options.reference)
    if binary is None:
        print("NOT RUN: parity: %s" % why)
        return None, 1 if options.reference else 0
    if options.backend == "io_uring":
        probe = Process("sluice", options.binary, ["--net.backend=io_uring"])
        try:
            probe.start()
        except RuntimeError as error:
            if "cannot be used here" not in str(error):
                raise
            print("NOT RUN: io_uring: %s" % error)
            return None, 0
        finally:
            probe.stop()
    return binary, 0


def processes(options, binary, flags):
    """The reference and sluice with the same flags, not started yet."""
    backend = ["--net.backend=" + options.backend] if options.backend else []
    return [
        Process("the reference", binary, [*flags, "--log.level=error"]),
        Process("sluice", options.binary, [*flags, *backend, "--log.level=error"]),
    ]
