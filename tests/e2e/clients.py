"""Real client libraries and curl push, add and delete. The libraries are fetched from their registries into
build/clients; one that cannot be had prints NOT RUN."""

import os
import shutil
import subprocess
import sys
import tempfile

from compare import pushed_lines
from gateway import SOURCE, Checks, Gateway, arguments

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENTS = os.path.join(SOURCE, "build", "clients")
PYTHON_CLIENT = "prometheus_client==0.23.1"
NODE_CLIENT = "prom-client@15.1.3"


class NotToBeHad(Exception):
    """A client library that this machine cannot get; the reason is the message."""


def run(command, where=None, env=None, why=None):
    try:
        done = subprocess.run(command, cwd=where, env={**os.environ, **(env or {})}, capture_output=True, text=True,
                              timeout=600, check=False)
    except FileNotFoundError:
        raise NotToBeHad("there is no " + command[0]) from None
    if done.returncode != 0 and why:
        raise NotToBeHad("%s: %s" % (why, (done.stderr.strip() or done.stdout.strip())[-300:].replace("\n", " ")))
    return done


def prepare_python():
    folder = os.path.join(CLIENTS, "python")
    if not os.path.isdir(os.path.join(folder, "prometheus_client")):
        run([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, PYTHON_CLIENT], why="pip install")
    return [sys.executable, os.path.join(HERE, "clients", "push_python.py")], {"PYTHONPATH": folder}


def prepare_node():
    folder = os.path.join(CLIENTS, "node")
    os.makedirs(folder, exist_ok=True)
    if not os.path.isdir(os.path.join(folder, "node_modules", "prom-client")):
        run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, NODE_CLIENT], why="npm install")
    return ["node", os.path.join(HERE, "clients", "push_node.js")], {"NODE_PATH": os.path.join(folder, "node_modules")}


def prepare_go():
    folder = os.path.join(CLIENTS, "go")
    program = os.path.join(folder, "pusher")
    source = os.path.join(HERE, "clients", "go", "main.go")
    if not os.path.exists(program) or os.path.getmtime(program) < os.path.getmtime(source):
        shutil.copytree(os.path.join(HERE, "clients", "go"), folder, dirs_exist_ok=True)
        run(["go", "build", "-o", program, "."], where=folder, env={"GOTOOLCHAIN": "local"}, why="go build")
    return [program], {}


def go_lines(job):
    labels = 'instance="g/1",job="%s"' % job
    return ['go_client_gauge{%s,l="x",zone="a+b"} 1.25' % labels,
            'client_seconds_bucket{%s,zone="a+b",le="0.1"} 1' % labels,
            'client_seconds_bucket{%s,zone="a+b",le="+Inf"} 3' % labels,
            'client_bytes{%s,zone="a+b",quantile="0.5"} 10' % labels,
            'client_bytes_count{%s,zone="a+b"} 1' % labels, "# TYPE client_bytes summary",
            'client_jobs_total{%s,zone="a+b"} 3' % labels,
            'client_native_seconds_bucket{%s,zone="a+b",le="+Inf"} 1' % labels,
            'client_native_seconds_sum{%s,zone="a+b"} 0.5' % labels,
            'client_native_seconds_count{%s,zone="a+b"} 1' % labels]


# What each client's groups must look like in a scrape: after push, after add.
CLIENT_LINES = {
    "python": (prepare_python, [
        'py_gauge{empty="",instance="py/1",job="py",zone="eu \\"west\\""} 1.5',
        'py_jobs_total{empty="",instance="py/1",job="py"} 3',
        'py_seconds_bucket{empty="",instance="py/1",job="py",le="0.1"} 1',
        'py_seconds_bucket{empty="",instance="py/1",job="py",le="1"} 2',
        'py_seconds_bucket{empty="",instance="py/1",job="py",le="+Inf"} 3',
        'py_seconds_sum{empty="",instance="py/1",job="py"} 5.55',
        'py_seconds_count{empty="",instance="py/1",job="py"} 3',
        'py_bytes_sum{empty="",instance="py/1",job="py"} 10',
        'py_bytes_count{empty="",instance="py/1",job="py"} 1',
        "# TYPE py_gauge gauge", "# TYPE py_jobs_total counter", "# TYPE py_seconds histogram",
        "# TYPE py_bytes summary"],
               ['py_more{empty="",instance="py/1",job="py"} 7']),
    "node": (prepare_node, [
        'node_gauge{instance="n-1",job="node",zone="us"} 2.5',
        'node_jobs_total{instance="n-1",job="node"} 4',
        'node_seconds_bucket{instance="n-1",job="node",le="0.1"} 1',
        'node_seconds_bucket{instance="n-1",job="node",le="+Inf"} 3',
        'node_seconds_sum{instance="n-1",job="node"} 5.55', "# TYPE node_seconds histogram"],
             ['node_more{instance="n-1",job="node"} 7']),
    "go": (prepare_go, go_lines("go"), ['client_more{instance="g/1",job="go",zone="a+b"} 7']),
    "go-protobuf": (prepare_go, go_lines("go-protobuf"),
                    ['client_more{instance="g/1",job="go-protobuf",zone="a+b"} 7']),
}


def check_client(checks, gateway, name):
    prepare, pushed, added = CLIENT_LINES[name]
    try:
        command, env = prepare()
    except NotToBeHad as error:
        checks.skip("client " + name, str(error))
        return
    address = "127.0.0.1:%d" % gateway.port
    present = []
    for step, more in (("push", pushed), ("add", added), ("delete", [])):
        done = run([*command, address, step, *name.split("-")[1:]], env=env)
        checks.equal(done.returncode, 0, name, step, done.stderr)
        lines = set(gateway.scrape().text.split("\n"))
        present = [] if step == "delete" else present + more
        for line in present:
            checks.that(line in lines, name, step, "lacks", line, sorted(l for l in lines if name[:2] in l))
        if step == "delete":
            job = 'job="%s"' % ("py" if name == "python" else name)
            checks.that(not any(job in line for line in lines), name, "is gone after delete")


def curl(gateway, *words, data=None):
    """Runs curl and returns (exit code, status)."""
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "120", "--output", os.devnull, "--write-out", "%{http_code}",
         *words], input=data, capture_output=True, timeout=180, check=False)
    return done.returncode, done.stdout.decode()


def check_curl(checks, gateway):
    base = "http://127.0.0.1:%d/metrics/job/curl" % gateway.port
    if not shutil.which("curl"):
        checks.skip("curl", "there is no curl")
        return
    big = "".join("big{n=\"%06d\",pad=\"%s\"} %d\n" % (n, "x" * 40, n) for n in range(40000)).encode()
    checks.that(len(big) > 2 << 20, "the large body makes curl expect 100-continue")
    with tempfile.NamedTemporaryFile() as file:
        file.write(big)
        file.flush()
        for words, data in (
                (("--data-binary", "@-", base), b"x 1\n"),
                (("-X", "PUT", "--data-binary", "@-", base), b"x 2\n"),
                (("-T", "-", base + "/how/upload"), b"x 3\n"),
                (("-T", "-", "-H", "Expect:", base + "/how/upload"), b"x 3\n"),
                (("-X", "POST", base + "/how/empty"), None),
                (("--data-binary", "@" + file.name, base + "/how/big"), None),
                (("-T", file.name, base + "/how/big-put"), None),
                (("--http1.0", "--data-binary", "@-", base + "/how/old"), b"x 4\n")):
            checks.equal(curl(gateway, *words, data=data), (0, "200"), "curl", words)
    lines = pushed_lines(gateway.scrape().text)
    for wanted in ('x{instance="",job="curl"} 2', 'x{how="upload",instance="",job="curl"} 3',
                   'x{how="old",instance="",job="curl"} 4', 'push_time_seconds{how="empty",instance="",job="curl"} <TIME>'):
        checks.that(wanted in lines, "curl lacks", wanted)
    for how in ("big", "big-put"):
        got = [line for line in lines if line.startswith('big{how="%s",' % how)]
        checks.equal(len(got), 40000, "every sample of the large body", how)
    checks.equal(curl(gateway, "-X", "DELETE", base), (0, "202"), "curl DELETE")
    scrape = subprocess.run(["curl", "--silent", "--compressed", "http://127.0.0.1:%d/metrics" % gateway.port],
                            capture_output=True, timeout=120, check=False)
    checks.equal(sorted(pushed_lines(scrape.stdout.decode())), sorted(pushed_lines(gateway.scrape().text)),
                 "curl --compressed gets the same scrape")


def main():
    options = arguments()
    checks = Checks("clients")
    with Gateway(options.binary, backend=options.backend) as gateway:
        check_curl(checks, gateway)
        for name in CLIENT_LINES:
            check_client(checks, gateway, name)
    checks.finish()


main()
