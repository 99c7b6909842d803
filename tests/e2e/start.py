"""Starts the real binary where something is missing or scarce: it serves all the same, and one log line says what was chosen
and why. What cannot be served ends with one sentence and exit code 1.

Goes through the backends by itself. `--only CHECK` runs one check, as this test does itself inside a network namespace.
"""

import contextlib
import os
import re
import resource
import socket
import stat
import subprocess
import sys
import tempfile
import time

from compare import pushed_lines
from gateway import Checks, Gateway, Reader, arguments, make_request, read_response

HERE = os.path.dirname(os.path.abspath(__file__))
FEATURES = {  # of net/ring/probe: whether io_uring is used without it
    "setup": False, "defer_taskrun": True, "disabled_start": True, "provided_buffers": False, "multishot_accept": False,
    "multishot_receive": False, "cancel": False, "timed_wait": False}


class Unavailable(Exception):
    """A confinement that this machine does not let us make."""


def confined(*how):
    return (sys.executable, os.path.join(HERE, "confined.py"), *how, "--")


@contextlib.contextmanager
def started(options, *how, **more):
    """A gateway under that confinement (see confined.py)."""
    try:
        gateway = Gateway(options.binary, wrapper=confined(*how) if how else (), **more)
    except RuntimeError as error:
        reason = re.search(r"confined\.py: (.*)", str(error))
        if reason:
            raise Unavailable(reason.group(1)) from None
        raise
    with gateway:
        yield gateway
        code = gateway.stop()
        if code != 0:
            raise RuntimeError("exit code %d: %s" % (code, "\n".join(gateway.log[-20:])))


def check_refusal(checks, options, name, *wanted, how=(), flags=("--web.listen-address=127.0.0.1:0",), env=None):
    """Exit code 1 and one sentence that has each of `wanted`."""
    ended = subprocess.run([*(confined(*how) if how else ()), options.binary, *flags], capture_output=True, text=True,
                           timeout=60, check=False, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
    checks.equal((ended.returncode, ended.stdout, ended.stderr.count("\n")), (1, "", 1), name, ended.stderr)
    checks.that(ended.stderr.startswith("sluice: error: "), name, ended.stderr)
    for part in wanted:
        checks.that(part in ended.stderr, name, "wanted", part, "in", ended.stderr)


def check_serves(checks, gateway, name, *wanted, connect=None):
    """Pushes and scrapes; the one line of the log that says what was chosen has each of `wanted`. Returns that line."""
    connect = connect or gateway.connect
    for number in range(24):  # a connection each, so that every worker gets some
        with connect() as sock:
            sock.sendall(make_request("PUT", "/metrics/job/start/n/%d" % number, b"x %d\n" % number))
            checks.equal(read_response(Reader(sock)).status, 200, name, "push")
    with connect() as sock:
        sock.sendall(make_request("DELETE", "/metrics/job/start/n/7"))
        reader = Reader(sock)
        checks.equal(read_response(reader).status, 202, name, "delete")
        sock.sendall(make_request("GET", "/metrics"))
        lines = pushed_lines(read_response(reader).text)
    values = sorted(float(line.split()[-1]) for line in lines if line.startswith("x{"))
    checks.equal(values, [float(n) for n in range(24) if n != 7], name, "scrape")
    chosen = [line for line in gateway.log if "chosen for this machine" in line]
    checks.equal(len(chosen), 1, name, "one line says what was chosen", gateway.log)
    for part in wanted:
        checks.that(part in chosen[0], name, "wanted", part, "in", chosen)
    return chosen[0]


def has_io_uring(options):
    with started(options) as gateway:
        return any("backend io_uring" in line for line in gateway.log)


def check_setup_refused(checks, options):
    for error, text in (("EPERM", "Operation not permitted"), ("ENOSYS", "Function not implemented")):
        how = ("--refuse", "io_uring_setup=" + error)
        with started(options, *how) as gateway:
            check_serves(checks, gateway, "io_uring_setup: " + error,
                         "backend epoll, because io_uring cannot be used here (io_uring_setup: %s)" % text)
        check_refusal(checks, options, "io_uring asked for, " + error, "--net.backend=io_uring", text, how=how,
                      flags=("--web.listen-address=127.0.0.1:0", "--net.backend=io_uring"))


def check_features_refused(checks, options):
    check_refusal(checks, options, "an unknown feature", 'SLUICE_RING_REFUSE: "warp" is not a feature',
                  env={"SLUICE_RING_REFUSE": "cancel,warp"})
    if not has_io_uring(options):
        checks.skip("io_uring without single features", "io_uring cannot be used here")
        return
    for feature, optional in FEATURES.items():
        shown = ("io_uring_setup" if feature == "setup" else feature) + ": refused by SLUICE_RING_REFUSE"
        with started(options, env={"SLUICE_RING_REFUSE": feature}) as gateway:
            wanted = ("backend io_uring with ", "without " + shown) if optional else ("backend epoll, because ", shown)
            check_serves(checks, gateway, "without " + feature, *wanted)
    refused = {"SLUICE_RING_REFUSE": "defer_taskrun,disabled_start"}
    with started(options, backend="io_uring", env=refused) as gateway:
        check_serves(checks, gateway, "a plain ring", "without defer_taskrun", "without disabled_start")
    check_refusal(checks, options, "io_uring asked for without cancel", "--net.backend=io_uring", "cancel",
                  flags=("--web.listen-address=127.0.0.1:0", "--net.backend=io_uring"), env={"SLUICE_RING_REFUSE": "cancel"})


def limit_of(gateway, name):
    with open("/proc/%d/limits" % gateway.process.pid, encoding="ascii") as file:
        return re.search(r"^%s +(\S+) +(\S+)" % name, file.read(), re.M).groups()


def check_crowd(checks, gateway, name):
    """More clients than descriptors: each is served, and idle ones make room."""
    socks = []
    for number in range(300):
        sock = gateway.connect()
        socks.append(sock)
        sock.sendall(make_request("GET", "/-/healthy"))
        if not checks.equal(read_response(Reader(sock)).text, "OK", name, "client", number):
            break
    for sock in socks:
        sock.close()


def check_few_files(checks, options):
    for backend in (None, "epoll"):
        name = "nofile 256, backend %s" % backend
        with started(options, "--nofile", "256", backend=backend) as gateway:
            check_serves(checks, gateway, name, "RLIMIT_NOFILE 256")
            check_crowd(checks, gateway, name)
            checks.equal(gateway.request("PUT", "/metrics/job/after", b"x 1\n").status, 200, name, "a push afterwards")
        with started(options, "--nofile", "256", backend=backend, flags=["--runtime.workers=100"]) as gateway:
            check_serves(checks, gateway, name + ", 100 workers", "(--runtime.workers=100, cut to RLIMIT_NOFILE 256)")
    with started(options, "--nofile", "64:512") as gateway:
        checks.equal(limit_of(gateway, "Max open files"), ("512", "512"), "the soft limit is raised to the hard one")
        check_serves(checks, gateway, "nofile 64, at most 512", "RLIMIT_NOFILE 512")


def check_little_locked(checks, options):
    how = ("--memlock", "65536")
    with started(options, *how, backend="epoll") as gateway:
        checks.equal(limit_of(gateway, "Max locked memory"), ("65536", "65536"), "memlock")
        line = check_serves(checks, gateway, "memlock 64 KiB, epoll", "backend epoll")
        checks.that("RLIMIT_MEMLOCK" not in line, "epoll locks nothing", line)
    if not has_io_uring(options):
        checks.skip("io_uring with memlock 64 KiB", "io_uring cannot be used here")
        return
    # Newer kernels charge all rings of a user together, so other processes may leave too little for even one.
    for workers in ("1", "2", "40"):
        with started(options, *how, flags=["--runtime.workers=" + workers]) as gateway:
            line = check_serves(checks, gateway, "memlock 64 KiB, io_uring, %s workers" % workers)
            too_little = r"backend epoll, because io_uring cannot be used here \(.*Cannot allocate memory\)"
            checks.that("(cut to RLIMIT_MEMLOCK 64 KiB)" in line or re.search(too_little, line),
                        "memlock 64 KiB, io_uring", line)
            print("memlock 64 KiB, %s workers: %s" % (workers, re.search(r"backend [a-z_]+", line).group()))


def check_tight(checks, options):
    """As in a careful container: no io_uring, few descriptors, hardly any locked memory, no IPv6."""
    with started(options, "--refuse", "io_uring_setup=EPERM", "--refuse", "ipv6=EAFNOSUPPORT", "--nofile", "256", "--memlock",
                 "65536", address=":0") as gateway:
        check_serves(checks, gateway, "everything at once", "backend epoll, because", "RLIMIT_NOFILE 256")


def own_cpu_cgroup():
    """The folder of this process's cgroup that has the cpu controller, and whether it is of version 2."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        for line in file:
            number, controllers, path = line.rstrip("\n").split(":", 2)
            if number == "0" and os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
                return "/sys/fs/cgroup" + path, True
            if "cpu" in controllers.split(",") and os.path.isdir("/sys/fs/cgroup/cpu"):
                return "/sys/fs/cgroup/cpu" + path, False
    raise Unavailable("no cpu controller is mounted")


@contextlib.contextmanager
def half_a_cpu():
    """A cgroup below our own with a quota of half a CPU."""
    parent, second = own_cpu_cgroup()
    folder = os.path.join(parent, "sluice-test-%d" % os.getpid())
    try:
        os.mkdir(folder)
    except OSError as error:
        raise Unavailable(str(error)) from None
    try:
        settings = {"cpu.max": "50000 100000"} if second else {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000"}
        for name, text in settings.items():
            if not os.path.exists(os.path.join(folder, name)):
                raise Unavailable("the own cgroup does not hand its cpu controller on")
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text)
        yield folder
    finally:
        for _ in range(100):  # the last process may still be on its way out
            try:
                os.rmdir(folder)
                break
            except OSError:
                time.sleep(0.05)


def check_cpu_quota(checks, options):
    """A real cgroup where we may make one, and a cgroup's files in a mount namespace where we may do that."""
    reasons = []
    wanted = "1 worker (CPU quota 0.5)"
    try:
        with half_a_cpu() as folder:
            for backend in (None, "epoll"):
                with started(options, "--join", folder, backend=backend) as gateway:
                    check_serves(checks, gateway, "half a CPU, backend %s" % backend, wanted)
            print("CPU quota: a real cgroup")
    except Unavailable as error:
        reasons.append("no cgroup of our own (%s)" % error)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("cpu.max", "50000 100000\n"), ("memory.max", "%d\n" % (64 << 20))):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text)
        try:
            # What a sanitizer needs for itself is more than that: pushes would be refused.
            with started(options, "--cgroup-files", folder, flags=["--limits.memory=4GiB"]) as gateway:
                check_serves(checks, gateway, "half a CPU and 64 MiB", wanted, "(memory of 64 MiB)")
            print("CPU quota: a cgroup's files in a mount namespace")
        except Unavailable as error:
            reasons.append("no mount namespace (%s)" % error)
    if len(reasons) == 2:
        checks.skip("CPU quota", ", ".join(reasons))


def check_no_ipv6(checks, options):
    how = ("--refuse", "ipv6=EAFNOSUPPORT")
    for backend in (None, "epoll"):
        with started(options, *how, backend=backend, address=":0") as gateway:
            check_serves(checks, gateway, "IPv6 off, backend %s" % backend)
            line = [entry for entry in gateway.log if "Listening on" in entry]
            checks.equal(len(line), 1, "IPv6 off", gateway.log)
            for part in ("address=0.0.0.0:%d " % gateway.port, "IPv4 alone, because IPv6 is off here ("):
                checks.that(part in line[0], "IPv6 off", part, line)
    check_refusal(checks, options, "IPv6 asked for where it is off", "[::1]:0", "--web.listen-address", how=how,
                  flags=("--web.listen-address=[::1]:0",))
    inner = subprocess.run([*confined("--ipv6-off"), sys.executable, os.path.abspath(__file__), "--binary",
                            options.binary, "--only", "check_inside_namespace"], capture_output=True, text=True,
                           timeout=300, check=False)
    if inner.returncode == 125:
        checks.skip("IPv6 switched off in a network namespace", inner.stderr.strip().split("\n")[-1])
    else:
        print(inner.stdout, end="")
        checks.equal(inner.returncode, 0, "IPv6 switched off in a network namespace", inner.stdout, inner.stderr)


def check_inside_namespace(checks, options):
    """Only called where a namespace has IPv6 switched off and 127.0.0.1 is up."""
    with started(options, address=":0") as gateway:
        check_serves(checks, gateway, "IPv6 switched off")


def check_addresses(checks, options):
    """Several addresses, each served by all workers; a second gateway is refused on each, however it is written."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "gateway.sock")
        flags = ["--web.listen-address=:0", "--web.listen-address=unix://" + path, "--runtime.workers=2"]
        with started(options, flags=flags) as gateway:
            checks.that(gateway.wait_for_log(r"Listening on.*unix:///"), "three addresses in the log", gateway.log)
            ports = re.findall(r'address="?\S+:(\d+)', "\n".join(gateway.log))
            checks.equal(len(ports), 2, "ports in the log", gateway.log)
            checks.equal(stat.S_IMODE(os.stat(path).st_mode), 0o660, "the socket's mode unless said otherwise")

            def unix():
                sock = socket.socket(socket.AF_UNIX)
                sock.settimeout(60)
                sock.connect(path)
                return sock

            check_serves(checks, gateway, "over the Unix socket", connect=unix)
            for port in ports:
                check_serves(checks, gateway, "port " + port,
                             connect=lambda p=port: socket.create_connection(("127.0.0.1", int(p)), timeout=60))
            for address in ("127.0.0.1:" + ports[0], ":" + ports[0], ":" + ports[1], "unix://" + path):
                check_refusal(checks, options, "a second gateway", address, "--web.listen-address",
                              flags=("--web.listen-address=" + address,))
            check_serves(checks, gateway, "the first one goes on")


def check_at_once(checks, options):
    """Of gateways that start on one address at the same moment exactly one serves."""
    for _ in range(5):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [options.binary, "--web.listen-address=127.0.0.1:%d" % port, "--runtime.workers=2"]
        running = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(4)]
        end = time.monotonic() + 60
        while sum(process.poll() is None for process in running) > 1 and time.monotonic() < end:
            time.sleep(0.02)
        left = [process for process in running if process.poll() is None]
        checks.equal(len(left), 1, "gateways that started together: how many serve")
        for process in left:
            process.terminate()
        for process in running:
            errors = process.communicate(timeout=60)[1]
            checks.equal(process.returncode, 0 if process in left else 1, "exit code", errors)


def check_kernels(checks, options):
    check_refusal(checks, options, "an unknown kernel", "SLUICE_FORCE_KERNEL=sse9: this build has no such kernel",
                  env={"SLUICE_FORCE_KERNEL": "sse9"})
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        complete = "avx512_vbmi2" in file.read()
    if complete:
        checks.skip("kernel that this CPU lacks", "it lacks none; the test with an emulated old CPU has one")
        return
    check_refusal(checks, options, "a kernel that this CPU lacks", "SLUICE_FORCE_KERNEL=avx512: this ",
                  env={"SLUICE_FORCE_KERNEL": "avx512"})


def main():
    options = arguments(only="")
    checks = Checks("start")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # for the crowd; the gateways get limits of their own
    everything = [check_setup_refused, check_features_refused, check_few_files, check_little_locked, check_tight,
                  check_cpu_quota, check_no_ipv6, check_addresses, check_at_once, check_kernels]
    for check in [globals()[options.only]] if options.only else everything:
        began = time.monotonic()
        try:
            check(checks, options)
        except Unavailable as error:
            checks.skip(check.__name__.removeprefix("check_").replace("_", " "), str(error))
        print("%s: %.1f s" % (check.__name__, time.monotonic() - began), flush=True)
    checks.finish()


main()
