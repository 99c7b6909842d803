"""The Google Benchmark programs of bench/, run on one core (or all) and read as numbers."""

import json
import subprocess

from suite.contestants import LOAD_CORE, pinned
from suite.figures import Failed


def run_benchmarks(bench, program, pattern, seconds, all_cores=False):
    """{name: {counter: [value of each round]}} of the benchmarks that the pattern selects."""
    rounds = bench.options.rounds or bench.sizes.rounds
    command = [bench.bench_program(program), "--benchmark_filter=" + pattern, "--benchmark_min_time=%g" % seconds,
               "--benchmark_repetitions=%d" % rounds, "--benchmark_format=json"]
    if not all_cores:
        command = pinned(LOAD_CORE, *command)
    bench.note_command(" ".join(command))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed("%s: %s" % (program, done.stderr.strip()[-300:]))
    return read_benchmarks(done.stdout)


def read_benchmarks(text):
    found = {}
    for entry in json.loads(text)["benchmarks"]:
        if entry.get("run_type") == "aggregate":
            continue
        if entry.get("error_occurred"):
            raise Failed("%s: %s" % (entry["name"], entry.get("error_message")))
        values = found.setdefault(entry["run_name"], {})
        for key, value in entry.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                values.setdefault(key, []).append(value)
    return found
