"""Every use case end to end: pushed to the real gateway, scraped by a real Prometheus, there an hour later, gone after
DELETE."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

# pylint: disable=wrong-import-position
from gateway import Checks, Gateway, arguments  # noqa: E402
from prometheus_process import Prometheus, find_prometheus  # noqa: E402


class Stage:
    """What the programs run in: a folder with the repository's layout, and the gateway in the environment."""

    def __init__(self, folder, gateway):
        self.folder = folder
        self.environment = {**os.environ, "PUSHGATEWAY": "http://127.0.0.1:%d" % gateway.port, "HOSTNAME": "db1"}
        shutil.copytree(HERE, os.path.join(folder, "tests", "usecases"))
        with open(os.path.join(folder, "Makefile"), "w", encoding="utf-8") as makefile:
            makefile.write("test:\n\t@test -z '$(BROKEN)'\n")

    def path(self, name):
        return os.path.join(self.folder, "tests", "usecases", name)

    def run(self, *command, **environment):
        return subprocess.run(command, cwd=self.folder, env={**self.environment, **environment}, capture_output=True,
                              text=True, timeout=120, check=False)

    def start(self, *command):
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)


def nightly_etl(checks, stage):
    source = os.path.join(stage.folder, "orders.csv")
    with open(source, "w", encoding="utf-8") as file:
        file.write("# orders\n3,c\n1,a\n2,b\n")
    done = stage.run(stage.path("nightly_etl.sh"), source, source + ".out")
    checks.equal(done.returncode, 0, "nightly_etl.sh", done.stderr)
    failed = stage.run(stage.path("nightly_etl.sh"), "/nowhere", "/nowhere/out")
    checks.that(failed.returncode != 0, "a failed run says so")
    return [('etl_exit_code{job="nightly_etl"}', float(failed.returncode), "/metrics/job/nightly_etl"),
            ('etl_rows_written{job="nightly_etl"}', 0.0, "/metrics/job/nightly_etl"),
            ('etl_last_success_timestamp_seconds{job="nightly_etl",result="success"} > bool 1e9', 1.0,
             "/metrics/job/nightly_etl/result/success")]


def jenkins(checks, stage):
    with open(stage.path("Jenkinsfile"), encoding="utf-8") as file:
        script = re.search(r"sh '''(.*?)'''", file.read(), re.S).group(1)
    done = stage.run("sh", "-exc", script, JOB_NAME="shop/api", BRANCH_NAME="feature/x", STAGE_NAME="test")
    checks.equal(done.returncode, 0, "Jenkinsfile", done.stderr)
    done = stage.run("sh", "-exc", script, JOB_NAME="shop/web", BRANCH_NAME="main", STAGE_NAME="test", BROKEN="1")
    checks.that(done.returncode != 0, "a broken build stays broken")
    return [('ci_stage_success{job="ci",pipeline="shop/api",branch="feature/x",stage="test"}', 1.0,
             "/metrics/job/ci/pipeline@base64/c2hvcC9hcGk/branch@base64/ZmVhdHVyZS94/stage/test"),
            ('ci_stage_success{job="ci",pipeline="shop/web",branch="main"}', 0.0,
             "/metrics/job/ci/pipeline@base64/c2hvcC93ZWI/branch/main/stage/test")]


def gitlab(checks, stage):
    with open(stage.path("gitlab-ci.yml"), encoding="utf-8") as file:
        lines = re.findall(r"^    - (.*)$", file.read(), re.M)
    checks.equal(len(lines), 3, "lines of the job")
    done = stage.run("sh", "-ec", "\n".join(lines), CI_PROJECT_PATH="group/app", CI_COMMIT_REF_NAME="main",
                     CI_JOB_STAGE="test", CI_JOB_STATUS="success")
    checks.equal(done.returncode, 0, "gitlab-ci.yml", done.stderr)
    return [('ci_stage_success{pipeline="group/app",branch="main"}', 1.0,
             "/metrics/job/ci/pipeline@base64/Z3JvdXAvYXBw/branch/main/stage/test")]


def cron(checks, stage):
    done = stage.run(stage.path("cron_run.sh"), "backup", "sh", "-c", "exit 3")
    checks.equal(done.returncode, 3, "cron_run.sh passes the exit code on", done.stderr)
    return [('cron_exit_code{job="backup",instance="db1"}', 3.0, "/metrics/job/backup/instance/db1")]


def lambda_function(checks, stage):
    """Killed the moment its answer is read."""
    code = ("import json, sys; sys.path.insert(0, %r); import lambda_function; "
            "print(json.dumps(lambda_function.handler(json.load(sys.stdin))), flush=True); sys.stdin.read(); "
            "import time; time.sleep(600)" % stage.path(""))
    process = stage.start(sys.executable, "-c", code)
    process.stdin.write('{"shard": 2, "items": [1, 2, 3]}')
    process.stdin.close()
    answer = process.stdout.readline()
    process.kill()
    process.wait(60)
    process.stdout.close()
    checks.equal(answer, '{"statusCode": 200, "resized": 3}\n', "the function's answer")
    return [('function_items{job="resize_images",shard="2"}', 3.0, "/metrics/job/resize_images/shard/2")]


def event_handler(checks, stage):
    """Its group is deleted by itself, so it is looked at on its own, and the handler of another partition goes on."""
    process = stage.start(sys.executable, stage.path("event_handler.py"), "p/7")
    for kind in ("order", "order", 'refund "late"'):
        process.stdin.write('{"kind": %s}\n' % ('"order"' if kind == "order" else '"refund \\"late\\""'))
        process.stdin.flush()
        checks.equal(process.stdout.readline(), "handled\n", "an event")
    stage.handler = process
    return [('events_handled_total{job="order_events",partition="p/7",kind="order"}', 2.0, None),
            ('events_handled_total{partition="p/7",kind="refund \\"late\\""}', 1.0, None)]


USE_CASES = (nightly_etl, jenkins, gitlab, cron, lambda_function, event_handler)


def value(result):
    return float(result[0]["value"][1]) if len(result) == 1 else None


def check_values(checks, prometheus, expected, when):
    for query, wanted, _ in expected:
        result = prometheus.wait_for(query, lambda result, wanted=wanted: value(result) == wanted)
        checks.equal(value(result), wanted, when, query, result)


class Clock:
    """The gateway's own clock: libfaketime's, moved by a file that it reads at each look. Both clocks move."""

    def __init__(self, folder):
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        self.library = found[0] if found else None
        self.file = os.path.join(folder, "clock")
        self.set("+0")

    def set(self, offset):
        with open(self.file + ".new", "w", encoding="utf-8") as file:
            file.write(offset + "\n")
        os.replace(self.file + ".new", self.file)

    def environment(self):
        return {"LD_PRELOAD": self.library, "FAKETIME_TIMESTAMP_FILE": self.file, "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_RESET": "1"}


def check_an_hour_later(checks, gateway, prometheus, clock, expected):
    def age():
        text = gateway.request("PUT", "/metrics/job/clock", b"clock 1\n") and gateway.scrape().text
        times = dict(re.findall(r'^push_time_seconds\{instance="",job="(\w+)"\} (\S+)$', text, re.M))
        return float(times["clock"]) - float(times["nightly_etl"])

    checks.that(age() < 600, "before the hour")
    clock.set("+3700")
    checks.that(3600 < age() < 4400, "an hour has passed for the gateway", age())
    # The samples that Prometheus answers from are younger than the jump: those from before it are older than this range.
    time.sleep(4)
    for query, wanted, _ in expected:
        if " " in query.split("}")[-1]:
            continue
        result = prometheus.wait_for("last_over_time(%s[2s])" % query, lambda result, wanted=wanted: value(result) == wanted)
        checks.equal(value(result), wanted, "an hour later", query, result)


def check_deleted(checks, gateway, stage, prometheus, expected):
    stage.handler.stdin.close()
    checks.equal(stage.handler.wait(60), 0, "the event handler's end")
    stage.handler.stdout.close()
    for _, _, target in expected:
        if target:
            checks.equal(gateway.request("DELETE", target).status, 202, "DELETE", target)
    for query, _, _ in expected:
        result = prometheus.wait_for(query, lambda result: not result)
        checks.equal(result, [], "gone after DELETE", query)


def main():
    options = arguments()
    checks = Checks("usecases")
    program, why = find_prometheus()
    if program is None:
        checks.skip("prometheus", why)
        checks.finish()
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock(folder)
        if clock.library is None:
            checks.skip("faketime", "libfaketime is not installed")
        environment = clock.environment() if clock.library else None
        with Gateway(options.binary, backend=options.backend, env=environment) as gateway:
            stage = Stage(os.path.join(folder, "stage"), gateway)
            os.mkdir(os.path.join(folder, "prometheus"))
            with Prometheus(program, os.path.join(folder, "prometheus"), gateway.port) as prometheus:
                expected = [row for use_case in USE_CASES for row in use_case(checks, stage)]
                check_values(checks, prometheus, expected, "in Prometheus")
                if clock.library:
                    check_an_hour_later(checks, gateway, prometheus, clock, expected)
                check_deleted(checks, gateway, stage, prometheus, expected)
    checks.finish()


if __name__ == "__main__":
    main()
