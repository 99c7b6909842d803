"""D10: two gateways on one directory: the second refuses, whenever it comes, and the first goes on.

    python3 tests/durability/lock.py --binary build/release/sluice [--trials 10] [--seed N]
"""

import os
import random
import signal
import subprocess
import tempfile
import time

from ledger import Ledger

from gateway import Checks, Gateway, arguments


def command(options, file, *more):
    flags = ["--net.backend=" + options.backend] if options.backend else []
    return [options.binary, "--web.listen-address=127.0.0.1:0", "--persistence.file=" + file, *flags, *more]


def check_second(checks, options, rng, trial):
    """A second one while the first serves: by the same path or through a link; then a third one after a kill."""
    mode = rng.choice(("always", "interval", "never"))
    with tempfile.TemporaryDirectory() as folder:
        real = os.path.join(folder, "real")
        os.mkdir(real)
        os.symlink("real", os.path.join(folder, "link"))
        file = os.path.join(real, "state")
        book = Ledger(groups=6, connections=2, seed=rng.getrandbits(32))
        flags = ["--persistence.file=" + file, "--persistence.fsync=" + mode, "--persistence.interval=100ms"]
        with Gateway(options.binary, flags, options.backend) as gateway:
            book.start(gateway)
            checks.that(book.wait_for_acks(20), "pushes", trial)
            for path in (file, os.path.join(folder, "link", "state")):
                more = rng.choice(([], ["--persistence.on-corruption=refuse"], ["--persistence.fsync=never"]))
                try:
                    second = subprocess.run(command(options, path, *more), capture_output=True, text=True, timeout=60, check=False)
                except subprocess.TimeoutExpired:
                    checks.that(False, "a second one serves", trial, mode, path)
                    continue
                checks.equal(second.returncode, 1, "the second one", trial, mode, second.stderr)
                checks.equal(second.stderr.strip().split("\n")[-1],
                             "sluice: error: another gateway uses the directory %s.sluice" % path, "one sentence", trial)
            checks.that(book.wait_for_acks(20), "the first one goes on", trial, mode)
            book.stop()
            book.judge(checks, gateway.scrape().text, ("beside the second", trial))
            gateway.stop(signal.SIGKILL)
        # Nothing holds the directory any more.
        with Gateway(options.binary, flags, options.backend) as gateway:
            book.settle(book.judge(checks, gateway.scrape().text, ("after a kill", trial)))
            checks.equal(gateway.stop(), 0, "exit code", trial)
        with Gateway(options.binary, flags, options.backend) as gateway:
            book.judge(checks, gateway.scrape().text, ("after an end", trial))


def check_race(checks, options, trial):
    """Three at once on a directory that is not there yet: one serves."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        all_of_them = [subprocess.Popen(command(options, file), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True) for _ in range(3)]
        # Those that refuse end by themselves; the last one has to be told.
        end = time.monotonic() + 30
        while sum(process.poll() is None for process in all_of_them) > 1 and time.monotonic() < end:
            time.sleep(0.01)
        serving = [process for process in all_of_them if process.poll() is None]
        checks.equal(len(serving), 1, "one serves", trial)
        for process in all_of_them:
            if process in serving:
                process.terminate()
            _, err = process.communicate(timeout=60)
            wanted = "sluice: error: another gateway uses the directory %s.sluice" % file
            checks.that(process.returncode == 0 if process in serving else
                        (process.returncode, err.strip().split("\n")[-1]) == (1, wanted), "one sentence", trial, process.returncode, err)


def main():
    options = arguments(trials=10, seed=0)
    seed = options.seed or random.SystemRandom().getrandbits(31)
    print("lock: --seed %d" % seed, flush=True)
    checks = Checks("lock")
    for trial in range(options.trials):
        check_second(checks, options, random.Random("%d %d" % (seed, trial)), trial)
        check_race(checks, options, trial)
    checks.finish()


if __name__ == "__main__":
    main()
