"""P8 and P20: the parser against those of Prometheus and VictoriaMetrics, and the push path in the process."""

import json
import os
import re
import statistics
import subprocess
import tempfile

from suite.contestants import LOAD_CORE, SOURCE, pinned, tool
from suite.figures import Failed, Figure, NotRun, number
from suite.programs import run_benchmarks

BODIES = ("push_S", "series_15000", "histograms_1000")
OPPONENTS = {"prometheus model/textparse": ">= 8", "prometheus/common expfmt": ">= 80", "VictoriaMetrics protoparser": ""}
# By the widest instructions that this processor has: bytes a second of the text parser alone.
SPEED = {"avx512": 2e9, "avx2": 1.2e9}


def p8(bench):
    """the text parser, complete, against Go's parsers on the same bytes"""
    ours = run_benchmarks(bench, "parser_bench", "^(complete|parse)/[^/]*/(avx512|avx2|neon|scalar)$",
                          bench.sizes.parser_seconds)
    kernel = next(kernel for kernel in ("avx512", "avx2", "neon", "scalar") if "complete/push_S/" + kernel in ours)

    def speed(form, body):
        return ours["%s/%s/%s" % (form, body, kernel)]["bytes_per_second"]

    if kernel in SPEED:
        fastest = max(BODIES, key=lambda body: statistics.median(speed("parse", body)))
        figure = Figure([value / 1e9 for value in speed("parse", fastest)], "GB/s")
        bench.add("P8", "the text parser alone, %s, on %s" % (kernel, fastest), sluice=str(figure),
                  against="%.1f GB/s" % (SPEED[kernel] / 1e9), ratio=figure.median * 1e9 / SPEED[kernel], target=">= 1",
                  figures={"sluice_gb_per_second": figure},
                  note="others: " + ", ".join("%s %.2f" % (body, statistics.median(speed("parse", body)) / 1e9)
                                              for body in BODIES if body != fastest))
    others = run_go_parsers(bench)
    for opponent, target in OPPONENTS.items():
        ratios = {body: statistics.median(speed("complete", body)) / statistics.median(others[opponent, body])
                  for body in BODIES}
        bench.add("P8", "parsed, labels sorted, duplicates found (%s), against %s, on push_S" % (kernel, opponent),
                  sluice=str(Figure([value / 1e6 for value in speed("complete", "push_S")], "MB/s")),
                  against=str(Figure([value / 1e6 for value in others[opponent, "push_S"]], "MB/s")),
                  ratio=ratios["push_S"], target=target,
                  note=", ".join("%s: %s" % (body, number(ratios[body], 1)) for body in BODIES[1:]) + "; parsed only: " +
                  number(statistics.median(speed("parse", "push_S")) / statistics.median(others[opponent, "push_S"]), 1),
                  figures={"sluice_bytes_per_second": Figure(speed("complete", "push_S")),
                           "against_bytes_per_second": Figure(others[opponent, "push_S"]),
                           **{"ratio_" + body: Figure([ratio]) for body, ratio in ratios.items()}})


def run_go_parsers(bench):
    """{(parser, body): [bytes a second of each round]}."""
    program = bench.once("go-parsers", build_go_parsers)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        written = subprocess.run([bench.bench_program("write_bodies"), folder], capture_output=True, text=True, check=True)
        bodies = [line.split() for line in written.stdout.splitlines()]
        command = pinned(LOAD_CORE, program, "%g" % bench.sizes.parser_seconds)
        for name, _, samples in bodies:
            command += [os.path.join(folder, name + ".txt"), samples]
        bench.note_command("GOMAXPROCS=1 " + re.sub(re.escape(folder), "BODIES", " ".join(command)))
        for _ in range(bench.options.rounds or bench.sizes.rounds):
            done = subprocess.run(command, capture_output=True, text=True, check=False,
                                  env={**os.environ, "GOMAXPROCS": "1"})
            if done.returncode != 0:
                raise Failed("go-parsers: " + done.stderr.strip()[-300:])
            for line in done.stdout.splitlines():
                entry = json.loads(line)
                body = os.path.basename(entry["file"])[:-len(".txt")]
                found.setdefault((entry["parser"], body), []).append(entry["bytes_per_second"])
    return found


def build_go_parsers():
    go = tool("peers", "go")
    peers = os.environ.get("SLUICE_PEERS_DIR") or os.path.join(SOURCE, "build", "peers")
    program = os.path.join(peers, "go-parsers")
    done = subprocess.run([go, "build", "-buildvcs=false", "-o", program, "."], capture_output=True, text=True, check=False,
                          cwd=os.path.join(SOURCE, "bench", "go-parsers"), env={**os.environ, "GOTOOLCHAIN": "local"})
    if done.returncode != 0:
        raise NotRun("bench/go-parsers cannot be built: " + done.stderr.strip().split("\n")[-1])
    return program


def p20(bench):
    """the push path in the process, one thread against as many as there are cores"""
    found = run_benchmarks(bench, "push_bench", "^(push|read)/S", bench.sizes.parser_seconds, all_cores=True)

    def rates(part, threads):
        return [value for name, values in found.items() for value in values["items_per_second"]
                if name.startswith(part + "/S") and name.endswith("threads:%d" % threads)]

    most = max(int(name.rsplit(":", 1)[1]) for name in found)
    if most == 1:
        raise NotRun("there is one core only")
    one, all_threads = Figure(rates("push", 1), "/s"), Figure(rates("push", most), "/s")
    control = statistics.median(rates("read", most)) / statistics.median(rates("read", 1)) / most
    bench.add("P20", "the push path in the process, %d threads against %d times one" % (most, most),
              sluice=str(all_threads), against=str(one), ratio=all_threads.median / one.median / most, target=">= 0.8",
              note="without the store, so with nothing shared: %s; shared read-modify-writes per push: "
              "tests/core/store/shared_writes_test" % number(control),
              figures={"sluice_all_threads": all_threads, "sluice_one_thread": one, "control_ratio": Figure([control])})


ROWS = {"P8": p8, "P20": p20}
