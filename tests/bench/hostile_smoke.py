"""bench/hostile: each attack does its work against a gateway that serves others afterwards, and the bench runs to its end. The
figures mean nothing here."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests/e2e")]

from gateway import Checks, Gateway  # noqa: E402  (the path is set just above)
from suite.attackers import ATTACKERS, harmless  # noqa: E402


def work(checks, binary, name, attacker):
    with Gateway(binary, ["--runtime.workers=1"]) as gateway:
        gateway.request("PUT", "/metrics/job/stored", b"".join(b'stored{n="%d"} 1\n' % number for number in range(1000)))
        attack = attacker(gateway.port)
        for _ in range(25):
            next(attack)
        attack.close()
        checks.equal(gateway.request("PUT", "/metrics/job/after", b"a 1\n").status, 200, name, "a push afterwards")
        print("%s: ok" % name, flush=True)


def run_bench(checks, build):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "figures.json"
        done = subprocess.run([sys.executable, "-B", ROOT / "bench/hostile", "--smoke", "--attacks", "half-open-kill,path-bomb",
                               "--build", build, "--bench-build", build, "--json", file], stdout=subprocess.PIPE, text=True, check=False)
        print(done.stdout)
        checks.equal(done.returncode, 0, "exit code")
        rows = json.loads(file.read_text())["rows"]
    checks.equal([row["row"] for row in rows], ["half-open-kill", "path-bomb"], "rows")
    for row in rows:
        checks.that(row["void"] or "p99_harmless_ms" in row["figures"], row["row"], "has figures")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    options = parser.parse_args()
    checks = Checks("hostile_smoke")
    binary = options.build + "/sluice"
    for name, attacker in ATTACKERS.items():
        work(checks, binary, name, attacker)
    work(checks, binary, "harmless", lambda port: harmless(port, "1000"))
    run_bench(checks, options.build)
    checks.finish()


main()
