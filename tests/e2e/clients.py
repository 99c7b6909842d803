"""Real client libraries and curl push, add, are refused and delete, each against sluice and against the reference: the
library tells its caller the same, and scrape and JSON are the same after each step. Then a real Prometheus scrapes both and
holds the same series. A library that cannot be had prints NOT RUN."""

import os
import re
import shutil
import subprocess
import tempfile

from both_gateways import Both, differing
from client_programs import PREPARE, NotToBeHad, run
from compare import OWN_FAMILIES, pushed_lines
from gateway import Checks, arguments
from prometheus_process import Prometheus, find_prometheus, scrape_config


def go_lines(job):
    """The library writes a blank in a grouping value as "+", which both gateways take literally."""
    labels, native = 'instance="g/1",job="%s"' % job, "client_native_text" if job.endswith("text") else "client_native"
    return ['client_gauge{%s,l="x",zone="a+b"} 1.25' % labels,
            'client_seconds_bucket{%s,zone="a+b",le="0.1"} 1' % labels,
            'client_bytes{%s,zone="a+b",quantile="0.5"} 10' % labels, "# TYPE client_bytes summary",
            '%s_seconds_bucket{%s,zone="a+b",le="+Inf"} 4' % (native, labels),
            '%s_seconds_count{%s,zone="a+b"} 4' % (native, labels)]


def java_lines(job):
    labels = 'instance="j/1",job="%s",zone="ä"' % job
    return ['java_jobs_total{%s} 3' % labels, 'java_seconds_bucket{%s,le="1"} 2' % labels,
            'java_both%s_seconds_count{%s} 3' % ("_text" if job.endswith("text") else "", labels), 'java_bytes{%s,quantile="0.5"} 10' % labels]


# The equality of both servers would also hold of two empty ones; these have to be there after the push.
PUSHED = {
    "go": go_lines("go"),
    "go-text": go_lines("go-text"),
    "python": ['py_gauge{empty="",instance="py/1",job="python",zone="eu \\"west\\""} 1.5',
               'py_jobs_total{empty="",instance="py/1",job="python"} 3',
               'py_seconds_bucket{empty="",instance="py/1",job="python",le="1"} 2', "# TYPE py_bytes summary"],
    "java": java_lines("java"),
    "java-text": java_lines("java-text"),
    "simpleclient": ['simple_gauge{instance="s/1",job="simpleclient",zone_name="eu \\"west\\""} 1.5',
                     'simple_seconds_sum{instance="s/1",job="simpleclient"} 5.55', "# TYPE simple_bytes summary"],
    "node": ['node_gauge{instance="n-1",job="node",zone="us"} 2.5', "# TYPE node_seconds histogram"],
    "cpp": ['cpp_gauge{instance="c-1",job="cpp",zone="eu \\"west\\""} 1.5', "# TYPE cpp_bytes summary"],
    "ruby": ['ruby_gauge{instance="r/1",job="ruby",zone="eu \\"west\\""} 1.5'],
}


def outcome(line):
    """What a client said without what is random in it: the reference picks one of two metrics that contradict, and Go's
    library writes the labels of a path in any order."""
    line = re.sub(r"http://<ADDRESS>/metrics/job/\S+", "<GROUP>", line)
    return re.sub(r'collected metric "client_taken" \{.*\} is not a (COUNTER|GAUGE)', "<CONTRADICTION>", line).strip()


def one_step(both, name, program, step):
    """Runs the library's step against both and returns the lines of sluice's scrape."""
    command, env = program
    done = run([*command, step, name, *both.addresses()], env=env)
    both.checks.equal(done.returncode, 0, name, step, done.stderr)
    told = [outcome(both.mask(line)) for line in done.stdout.split("\n") if line.startswith(("ok", "refused", "status"))]
    both.checks.equal(len(told), len(both.gateways), name, step, "tells one outcome for each gateway", told)
    both.checks.equal(told, told[:1] * len(told), name, step, "is told the same by both")
    both.checks.equal("400" in told[0], step == "refused", name, step, told[0])
    return both.compare(name, step)


def check_client(both, name):
    try:
        program = PREPARE[name]()
    except NotToBeHad as error:
        both.checks.skip("client " + name, str(error))
        return None
    lines = one_step(both, name, program, "push")
    for line in PUSHED[name]:
        both.checks.that(line in lines, name, "lacks", line, [line for line in lines if 'job="%s"' % name in line])
    added = set(one_step(both, name, program, "add")) - set(lines)
    both.checks.that(any('job="%s"' % name in line and line.endswith(" 7") for line in added), name, "add", added)
    after = one_step(both, name, program, "refused")
    failure = 'push_failure_time_seconds{'
    both.checks.that(any(line.startswith(failure) and 'job="%s"' % name in line and not line.endswith(" 0") for line in after),
                     name, "the refused push leaves its time")
    return program


def check_deletes(both, programs):
    for name, program in programs.items():
        left = one_step(both, name, program, "delete")
        both.checks.that(not any('job="%s"' % name in line for line in left), name, "is gone after delete")


def curl(gateway, *words, data=None):
    """Runs curl and returns (exit code, status)."""
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "120", "--output", os.devnull, "--write-out", "%{http_code}",
         *words[:-1], "http://127.0.0.1:%d/metrics/job/curl%s" % (gateway.port, words[-1])], input=data,
        capture_output=True, timeout=180, check=False)
    return done.returncode, done.stdout.decode()


def check_curl(both):
    """curl's framings: with a length, in chunks, with and without 100-continue, HTTP/1.0, PUT and POST."""
    checks = both.checks
    if not shutil.which("curl"):
        checks.skip("curl", "there is no curl")
        return
    big = "".join("big{n=\"%06d\",pad=\"%s\"} %d\n" % (n, "x" * 40, n) for n in range(20000)).encode()
    checks.that(len(big) > 1 << 20, "the large body makes curl expect 100-continue")
    with tempfile.NamedTemporaryFile() as file:
        file.write(big)
        file.flush()
        for words, data, wanted in (
                (("--data-binary", "@-", ""), b"x 1\n", "200"),
                (("-X", "PUT", "--data-binary", "@-", ""), b"x 2\n", "200"),
                (("-T", "-", "/how/upload"), b"x 3\n", "200"),
                (("-T", "-", "-H", "Expect:", "/how/upload"), b"x 3\n", "200"),
                (("-H", "Expect: 100-continue", "--data-binary", "@-", "/how/small-continue"), b"x 3\n", "200"),
                (("-H", "Transfer-Encoding: chunked", "--data-binary", "@-", "/how/chunked"), b"x 5\n", "200"),
                (("-X", "POST", "/how/empty"), None, "200"),
                (("--data-binary", "@" + file.name, "/how/big"), None, "200"),
                (("-T", file.name, "/how/big-put"), None, "200"),
                (("--http1.0", "--data-binary", "@-", "/how/old"), b"x 4\n", "200"),
                (("--data-binary", "no value", "/how/bad"), None, "400"),
                (("--data", "x 1", "/how/no-newline"), None, "400"),
                (("-X", "DELETE", "/how/old"), None, "202"),
                (("-X", "PATCH", "/how/old"), None, "405")):
            for server, gateway in both.gateways.items():
                checks.equal(curl(gateway, *words, data=data), (0, wanted), "curl", server, words)
    lines = both.compare("curl")
    for wanted in ('x{instance="",job="curl"} 2', 'x{how="upload",instance="",job="curl"} 3',
                   'x{how="chunked",instance="",job="curl"} 5', 'push_time_seconds{how="empty",instance="",job="curl"} <TIME>'):
        checks.that(wanted in lines, "curl lacks", wanted)
    for how in ("big", "big-put"):
        checks.equal(sum(line.startswith('big{how="%s",' % how) for line in lines), 20000, "every sample", how)
    for server, gateway in both.gateways.items():
        scrape = subprocess.run(["curl", "--silent", "--compressed", "http://127.0.0.1:%d/metrics" % gateway.port],
                                capture_output=True, timeout=120, check=False)
        checks.equal(*differing(sorted(pushed_lines(scrape.stdout.decode())), sorted(pushed_lines(gateway.scrape().text))),
                     "curl --compressed gets the same scrape", server)
        for how in ("", "/how/big", "/how/big-put"):
            checks.equal(curl(gateway, "-X", "DELETE", how), (0, "202"), "curl DELETE", server, how)
    both.compare("curl DELETE")


def series(prometheus, server):
    """What was pushed to a server, as Prometheus holds it: lines of labels and value, times masked."""
    lines = []
    for entry in prometheus.query('{server="%s"}' % server):
        labels = {key: value for key, value in entry["metric"].items() if key != "server"}
        name = labels["__name__"]
        if name == "up" or name.startswith(("scrape_", *OWN_FAMILIES)):
            continue
        value = entry["histogram"][1] if "histogram" in entry else entry["value"][1]
        if name.startswith("push_") and value != "0":
            value = "<TIME>"
        lines.append("%s %s" % (sorted(labels.items()), value))
    return sorted(lines)


def check_prometheus(both, program, form, flags):
    """Prometheus holds the same of both, scraping text or, with native histograms on, protobuf."""
    checks = both.checks
    config = scrape_config(*((name, gateway.port, "server: " + name) for name, gateway in both.gateways.items()))
    with tempfile.TemporaryDirectory() as folder, Prometheus(program, folder, config=config, flags=flags) as prometheus:
        up = prometheus.wait_for("up == 1", lambda got: len(got) == len(both.gateways))
        checks.equal(len(up), len(both.gateways), form, "Prometheus scrapes all", up)
        held = [series(prometheus, name) for name in both.gateways]
    checks.that(len(held[0]) > 20, form, "Prometheus holds what was pushed", held[0])
    for other in held[1:]:
        checks.equal(*differing(held[0], other), form, "Prometheus's series of sluice and of the reference")
    native = [line for line in held[0] if "'client_native_seconds')" in line]
    wanted = "'count': '4'" if form == "native" else None
    checks.that(wanted is None and not native or native and all(wanted in line for line in native), form,
                "native histograms", native)


def check_all_prometheus(both):
    program, why = find_prometheus()
    if program is None:
        both.checks.skip("prometheus", why)
        return
    check_prometheus(both, program, "text", [])
    check_prometheus(both, program, "native", ["--enable-feature=native-histograms"])


def main():
    options = arguments()
    checks = Checks("clients")
    with Both(checks, options) as both:
        check_curl(both)
        for gateway in both.gateways.values():
            answer = gateway.request("PUT", "/metrics/job/taken", b"# TYPE client_taken counter\nclient_taken 1\n")
            checks.equal(answer.status, 200, "the name that clients are refused")
        programs = {name: check_client(both, name) for name in PREPARE}
        check_all_prometheus(both)
        check_deletes(both, {name: program for name, program in programs.items() if program})
    checks.finish()


main()
