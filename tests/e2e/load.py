"""sluice-load: against the gateway, the reference and a server that lies; its three reports; time that a gateway stood still.

How fast anything is decides nothing here: open loops are allowed to be late, except where that is the point.
"""

import argparse
import html.parser
import json
import os
import pty
import re
import signal
import subprocess
import tempfile
import time

from gateway import Checks, Gateway, stop_where_refused
from liar import Liar
from reference import find_reference

PATIENT = "--lateness-max=1h"
QUICK = ("--warmup=100ms", "--duration=400ms", PATIENT)


class Load:
    """How sluice-load is called here."""

    def __init__(self, options):
        self.binary, self.backend = os.path.abspath(options.load), options.backend

    def start(self, port, *flags):
        return subprocess.Popen([self.binary, "--net.backend=" + self.backend, *flags, "http://127.0.0.1:%d" % port],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, port, *flags):
        process = self.start(port, *flags)
        out, err = process.communicate(timeout=180)
        return process.returncode, out, err

    def json(self, port, *flags):
        """Exit code and the JSON report."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "report.json")
            code, out, err = self.run(port, "--json=" + path, *flags)
            with open(path, encoding="utf-8") as file:
                return code, json.load(file), out + err


def check_workloads(checks, load, port):
    """Every kind of load is acknowledged and verified."""
    for flags in (("--max",), ("--max", "--pipeline=16"), ("--max", "--connection-per-push", "--connections=4"),
                  ("--max", "--connection-per-push", "--connections=4", "--source=127.0.0.2", "--source=127.0.0.3"),
                  ("--rate=500", "--arrivals=poisson"),
                  ("--max", "--threads=2", "--zipf=1.1", "--groups=500", "--fill"),
                  ("--max", "--churn=10", "--mix=put=1,post=8,delete=1", "--groups=300"),
                  ("--max", "--body=samples40", "--format=protobuf"), ("--max", "--body=histograms", "--encoding=gzip"),
                  ("--max", "--body=large", "--groups=3", "--connections=2"),
                  ("--max", "--invalid=10", "--conflicting=10")):
        # By count: on a machine that stands still for a while a time may pass without a request.
        count = "--count=5" if "--body=large" in flags else "--count=200"
        code, report, text = load.json(port, "--warmup=100ms", count, PATIENT, *flags)
        if not checks.equal(code, 0, "workload", flags, text[-1500:]):
            continue
        checks.that(report["throughput"]["requests"] > 0, "something was measured", flags)
        checks.that(report["verification"]["groups_seen"] > 0, "groups were verified", flags, report["verification"])
    checks.that(report["answers"]["refused_as_expected"] > 0, "bad pushes were sent", report["answers"])


def check_own_file(checks, load, port):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "body.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write('# TYPE mine counter\nmine{z="1",a="x"} {{seq}}\nfixed 2.5\n')
        code, report, text = load.json(port, *QUICK, "--max", "--body=file:" + path, "--groups=20", "--fill", "--cleanup")
        checks.equal(code, 0, "a file of one's own", text[-1500:])
        checks.equal(report["verification"]["series_seen"], 40, "its series")


def check_beside(checks, load, gateway):
    code, report, text = load.json(gateway.port, "--warmup=0s", "--duration=3s", PATIENT, "--rate=100", "--scrapers=2",
                                   "--scrape-encoding=gzip", "--scrape-interval=50ms", "--slow-readers=1",
                                   "--slow-senders=2", "--idle=20", "--server-pid=%d" % gateway.process.pid)
    checks.equal(code, 0, "beside the load", text[-1500:])
    checks.that(report["beside"]["scrapes"] > 0, "scrapes", report["beside"])
    checks.that(report["beside"]["slow_pushes"] > 0, "slow pushes", report["beside"])
    checks.equal(report["beside"]["idle_closed"], 0, "idle connections stay")
    checks.that(report["own"]["server_cpu_us_per_request"] > 0, "the gateway's cost", report["own"])


class Cells(html.parser.HTMLParser):
    """The values of the report's tables by section and key."""

    def __init__(self):
        super().__init__()
        self.values, self.section, self.key, self.points = {}, None, None, 0

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.section = attrs.get("data-section", self.section)
        self.key = attrs.get("data-key")
        self.points += tag == "polyline" and len(attrs["points"]) > 0

    def handle_data(self, data):
        if self.key:
            self.values[self.section, self.key] = data
            self.key = None


def check_reports_agree(checks, load, port):
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("r.json", "r.html", "r.csv")]
        began = time.monotonic_ns()
        code, table, _ = load.run(port, *QUICK, "--max", "--json=" + paths[0], "--html=" + paths[1], "--latencies=" + paths[2])
        ended = time.monotonic_ns()
        checks.equal(code, 0, "run with reports")
        with open(paths[0], encoding="utf-8") as file:
            raw = file.read()
        with open(paths[1], encoding="utf-8") as file:
            page = file.read()
        with open(paths[2], encoding="utf-8") as file:
            header, *lines = file.read().splitlines()
    # Numbers stay texts, so that they are compared as they are printed.
    report = json.loads(raw, parse_float=str, parse_int=str)
    cells = Cells()
    cells.feed(page)
    compared = 0
    for section, rows in report.items():
        for key, value in rows.items() if isinstance(rows, dict) else ():
            checks.equal(cells.values.get((section, key)), value, "HTML and JSON agree on", section, key)
            checks.that(re.search(r"(^|\s)%s(\s|$)" % re.escape(value), table), "the table has", section, key, value)
            compared += 1
    checks.that(compared > 30, "values were compared", compared)
    checks.that({"p50", "p90", "p99", "p99.9", "p99.99"} <= set(report["latency_ms"]), "percentiles to p99.99")
    checks.that(cells.points >= 5, "plots have lines", cells.points)
    checks.that(not re.search(r"src=|href=|@import|url\(|<script|<link", page), "the page needs nothing from outside")
    curve = [float(ms) for _, ms in report["percentiles_ms"]]
    checks.equal(curve, sorted(curve), "the percentile curve never falls")
    planned, latencies = zip(*(map(int, line.split(",")) for line in lines))
    checks.equal(header, "planned_ns,latency_ns", "the first line of the latencies")
    checks.equal(len(lines), int(report["throughput"]["requests"]), "a row for each measured request")
    checks.that(began < min(planned) and max(planned) < ended, "times by the monotonic clock", began, min(planned), ended)
    checks.that(abs(max(latencies) / 1e6 - float(report["latency_ms"]["max"])) < 0.001, "the longest latency is a row",
                max(latencies), report["latency_ms"]["max"])


def check_lies(checks, load):
    flags = ("--max", "--connections=4", "--warmup=0s", "--groups=300", "--fill", "--count=100")
    with Liar() as honest:
        code, _, text = load.json(honest.port, *flags, "--churn=10")
        checks.equal(code, 0, "an honest server", text[-1000:])
    for lie, more in (("double", ()), ("invent", ()), ("foreign", ()), ("stale", ("--churn=20",))):
        with Liar(lie) as liar:
            code, report, text = load.json(liar.port, *flags, *more)
            checks.equal(code, 1, "lie", lie, text[-1000:])
            group = '{instance="%s",job="%s"}' % (liar.victim, report["run"]["job"])
            checks.that(any(found["group"] == group for found in report["violations"]), "the group is named", lie, group,
                        report["violations"])
            checks.that(group in text, "also on the terminal", lie)
    # One of 10,000 acknowledged pushes, each to a group of its own.
    with Liar("lose", lose_at=5000) as liar:
        code, report, text = load.json(liar.port, "--max", "--connections=4", "--warmup=0s", "--groups=10000", "--fill",
                                       "--count=1", "--body=one")
        checks.equal(code, 1, "one lost push of 10,000", text[-1000:])
        checks.equal([found["group"] for found in report["violations"]],
                     ['{instance="%s",job="%s"}' % (liar.victim, report["run"]["job"])], "exactly that group is named")
    with Liar("refuse") as liar:
        code, _, text = load.json(liar.port, "--max", "--connections=2", "--warmup=0s", "--count=10")
        checks.equal(code, 4, "failed requests", text[-1000:])
        checks.that("status 500: no" in text, "the first failure is quoted", text[-1000:])


def check_standstill(checks, load, options):
    """Requests that should have come while the gateway stood still are charged to it."""
    with Gateway(options.binary, backend=options.backend) as gateway:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "report.json")
            process = load.start(gateway.port, "--rate=1000", "--warmup=0s", "--duration=4s", PATIENT, "--json=" + path)
            time.sleep(1.5)
            gateway.process.send_signal(signal.SIGSTOP)
            time.sleep(1)
            gateway.process.send_signal(signal.SIGCONT)
            _, err = process.communicate(timeout=180)
            checks.equal(process.returncode, 0, "a standstill is no failure", err)
            with open(path, encoding="utf-8") as file:
                report = json.load(file)
        checks.that(report["latency_ms"]["p99.9"] >= 900, "p99.9 of a run with a second of standstill", report["latency_ms"])
        # A closed loop would have waited with 16 requests; here a second's worth of 1,000 was late.
        checks.that(report["latency_ms"]["p90"] >= 100, "a quarter of all requests was late", report["latency_ms"])
        checks.equal(report["throughput"]["requests"], 4000, "every planned request was sent")


def check_refusals(checks, load, port):
    code, _, err = load.run(port, "--rate=2000", "--warmup=0s", "--duration=300ms", "--lateness-max=0s")
    checks.equal(code, 3, "a late run", err)
    checks.that("refused: this program was itself late" in err, "says so", err)
    with Liar() as gone:
        unused = gone.port
    for flags, wanted in (((), "either --rate or --max"), (("--max", "--rate=5"), "either --rate or --max"),
                          (("--max", "--mix=get=1"), "--mix"), (("--max", "--body=x"), "'x' is not a body"),
                          (("--max", "--duration=1"), "--duration"), (("--max", "--job=a/b"), "--job"),
                          (("--max", "--body=histograms", "--format=protobuf"), "protobuf"),
                          (("--max", "--churn=5", "--groups=10"), "--churn"), (("--x",), "--x")):
        code, _, err = load.run(port, *flags)
        checks.equal(code, 2, "wrong flags", flags, err)
        checks.that(wanted in err and err.count("\n") == 1, "one line that says why", flags, err)
    code, _, err = load.run(unused, "--max")
    checks.equal(code, 2, "nobody there", err)
    checks.that("cannot connect to 127.0.0.1:%d: Connection refused" % unused in err, "says where", err)


def check_interrupt(checks, load, port):
    process = load.start(port, "--max", "--warmup=0s", "--duration=10m")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    checks.equal(process.returncode, 0, "Ctrl-C ends the load", err)
    checks.that("interrupted" in out and "every acknowledged push is there" in out, "and what was done is verified", out[-800:])


def check_ledger(checks, load, gateway):
    """What was acknowledged is verified by a later process, and what is missing then is named."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "ledger")
        code, _, err = load.run(gateway.port, *QUICK, "--max", "--groups=30", "--fill", "--no-verify", "--job=kept", "--ledger=" + path)
        checks.equal(code, 0, "a run that writes a ledger", err)
        code, out, err = load.run(gateway.port, "--verify-only=" + path)
        checks.equal(code, 0, "it holds", out, err)
        checks.that("every acknowledged push is there, and nothing else: 30 groups" in out, "and says so", out)
        checks.equal(gateway.request("DELETE", "/metrics/job/kept/instance/host-7").status, 202, "a group goes")
        code, out, _ = load.run(gateway.port, "--verify-only=" + path)
        checks.equal(code, 1, "a group is missing", out)
        checks.that('{instance="host-7",job="kept"}: push ' in out and "1 violations" in out, "it is named", out)
        with open(path, "a", encoding="utf-8") as file:
            file.write("group 0 1")
        code, _, err = load.run(gateway.port, "--verify-only=" + path)
        checks.that(code == 4 and "does not end" in err, "a ledger in pieces", code, err)
    code, _, err = load.run(gateway.port, "--verify-only=/no/such/file")
    checks.that(code == 4 and "cannot read '/no/such/file'" in err, "no ledger", code, err)
    code, _, err = load.run(gateway.port, "--verify-only=x", "--max")
    checks.that(code == 2 and "--verify-only makes no load" in err, "contradiction", code, err)


def check_progress(checks, load, port):
    """On a terminal a line says how it goes, and is gone at the end; elsewhere there is none."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([load.binary, "--max", "--warmup=0s", "--duration=1500ms", "http://127.0.0.1:%d" % port],
                               stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 4096):
            shown += data
    except OSError:  # Linux's way to say that the other side is closed
        pass
    os.close(ours)
    checks.equal(process.wait(60), 0, "run on a terminal", shown)
    checks.that(re.search(rb"s of 2 s: \d+/s, p50 .* ms, p99 .* ms, 0 failed", shown), "progress", shown)
    checks.that(shown.endswith(b"\r\x1b[K"), "and nothing stays", shown)
    _, _, err = load.run(port, *QUICK, "--max")
    checks.equal(err, "", "no progress without a terminal")


def check_examples(checks, load, port):
    """The examples of --help work as written; only the port is ours. README has the same ones."""
    text = subprocess.run([load.binary, "--help"], capture_output=True, text=True, check=True).stdout
    examples = re.findall(r"^  (sluice-load .*)$", text, re.MULTILINE)
    checks.equal(len(examples), 3, "three examples")
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "README.md"), encoding="utf-8") as file:
        readme = file.read()
    with tempfile.TemporaryDirectory() as folder:
        running = []
        for example in examples:
            checks.that(example in readme, "README has", example)
            words = example.replace(":9091", ":%d" % port).split()
            running.append(subprocess.Popen([load.binary, *words[1:]], cwd=folder, stdout=subprocess.PIPE,
                                            stderr=subprocess.STDOUT, text=True))
        for example, process in zip(examples, running):
            out, _ = process.communicate(timeout=180)
            # On a busy machine an open loop may refuse its own figures; then it has to say so.
            late = process.returncode == 3 and "--rate" in example and "was itself late" in out
            checks.that(process.returncode == 0 or late, "example", example, process.returncode, out[-1500:])
        checks.that(os.path.getsize(os.path.join(folder, "report.html")) > 1000, "the report was written")


def check_reference(checks, load):
    binary, reason = find_reference()
    if binary is None:
        checks.skip("reference", reason)
        return
    with Gateway(binary) as gateway:
        for flags in (("--max", "--groups=20", "--connections=4", "--fill"),
                      ("--rate=50", "--churn=10", "--mix=put=1,post=4,delete=1", "--groups=20", "--connections=4"),
                      ("--max", "--body=samples40", "--format=protobuf", "--groups=5", "--connections=2"),
                      ("--max", "--body=histograms", "--encoding=gzip", "--groups=5", "--connections=2",
                       "--conflicting=5", "--invalid=5")):
            code, report, text = load.json(gateway.port, *QUICK, *flags)
            checks.equal(code, 0, "the reference", flags, text[-1500:])
            checks.that(report["verification"].get("groups_seen", 0) > 0, "the reference's groups are verified", flags)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--backend", default="auto")
    options = parser.parse_args()
    if options.backend == "io_uring":
        stop_where_refused(options)
    checks = Checks("load")
    load = Load(options)
    with Gateway(options.binary, backend=options.backend) as gateway:
        for check in (check_workloads, check_own_file, check_reports_agree, check_refusals, check_interrupt, check_progress,
                      check_examples):
            check(checks, load, gateway.port)
        check_beside(checks, load, gateway)
        check_ledger(checks, load, gateway)
    check_lies(checks, load)
    check_standstill(checks, load, options)
    check_reference(checks, load)
    checks.finish()


main()
