"""D6: the limits of a process, reached while it runs: the size of its files (EFBIG), its descriptors (EMFILE), its memory.

    fsize    lowered under load: the log fails, with always changes are refused, the process lives; raised: it goes on
    nofile   lowered below what is open: neither snapshots nor files of the log can be made; pushes on connections that are
             there go on until the log fails too, and go on again once there are descriptors
    start    any low limit from the start: it serves all that there is, or ends with one sentence
    memory   RLIMIT_AS lowered to what is used and little more, and large pushes: it may end, at any moment
    cgroup   the same with memory.limit_in_bytes of a cgroup of version 1, where there is one: the kernel kills

In the end a SIGKILL, and without limits a start that has everything that was acknowledged.

    python3 tests/durability/limits.py --binary build/release/sluice --trials 100
"""

import collections
import contextlib
import os
import random
import re
import resource
import signal
import tempfile
import threading
import time

from ledger import Gateway, Ledger, Reader, make_request, metric, read_response, run, wait_for

KINDS = ("fsize", "nofile", "start", "memory", "cgroup")
CGROUPS = "/sys/fs/cgroup/memory"
INFINITE = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
LARGE_LINES = 4000


class Scraped(Gateway):
    """One that may refuse changes from its start on."""

    def wait_ready(self, timeout=60):
        served = wait_for(lambda: self.process.poll() is not None or self.serves(), timeout)
        if not served or self.process.poll() is not None:
            self.process.kill()
            raise RuntimeError("the gateway does not serve:\n" + "\n".join(self.log))

    def serves(self):
        with contextlib.suppress(OSError, EOFError, ValueError, IndexError):
            return self.scrape().status == 200
        return False


class Trial:
    def __init__(self, checks, options, number, rng):
        self.checks, self.options, self.rng = checks, options, rng
        self.kind, self.mode = KINDS[number % len(KINDS)], ("always", "interval")[number // len(KINDS) % 2]
        self.what = (self.kind, self.mode, number)
        self.ledger = Ledger(groups=12, connections=4, seed=rng.getrandbits(32), pause=0.001)
        self.large = set()  # instances whose push was acknowledged

    def gateway(self, folder, kind=Gateway, wrapper=()):
        flags = ["--persistence.file=%s/state" % folder, "--persistence.fsync=" + self.mode,
                 "--persistence.fsync-interval=20ms", "--persistence.interval=100ms", "--runtime.workers=2"]
        return kind(self.options.binary, flags, self.options.backend, wrapper=wrapper)

    def run(self):
        with tempfile.TemporaryDirectory() as folder:
            getattr(self, self.kind)(folder)
            with self.gateway(folder) as gateway:
                text = gateway.scrape().text
                self.checks.equal(metric(text, "sluice_wal_damages"), 0, "no damage", self.what)
                self.judge_large(text)
                self.ledger.judge(self.checks, "\n".join(line for line in text.split("\n") if 'job="large"' not in line),
                                  self.what)

    def judge_large(self, text):
        """Each large push is a group of its own: whole, or not there when it was not acknowledged."""
        lines = collections.Counter(re.findall(r'^large\{instance="(\d+)",job="large",line="\d+"\} \d+$', text, re.M))
        lost = self.large - lines.keys()
        self.checks.that(not lost, "lost:", self.what, sorted(lost)[:5])
        part = {instance: count for instance, count in lines.items() if count != LARGE_LINES}
        self.checks.that(not part, "part of a push:", self.what, part)

    def set_limit(self, gateway, what, soft):
        resource.prlimit(gateway.process.pid, what, (soft, resource.prlimit(gateway.process.pid, what)[1]))

    def end(self, gateway):
        self.checks.equal(gateway.process.poll(), None, "it lives", self.what, gateway.log[-2:])
        gateway.stop(signal.SIGKILL)
        self.ledger.stop()

    # ---- Files and descriptors ---------------------------------------------------------------------------------------

    def fails(self, ask):
        """The log has failed, and the gateway behaves."""
        self.checks.that(wait_for(lambda: metric(ask("GET", "/metrics").text, "sluice_wal_failed") == 1),
                         "the metric shows it", self.what)
        if self.mode == "always":
            self.checks.that(wait_for(lambda: ask("GET", "/-/ready").status == 503), "not ready", self.what)
            refused = self.ledger.refused
            self.checks.that(wait_for(lambda: self.ledger.refused > refused), "refused", self.what)
        else:
            self.checks.that(self.ledger.wait_for_acks(20), "pushes go on", self.what)

    def recovers(self, ask):
        self.checks.that(wait_for(lambda: metric(ask("GET", "/metrics").text, "sluice_wal_failed") == 0),
                         "the service returns by itself", self.what)
        self.checks.that(wait_for(lambda: ask("GET", "/-/ready").status == 200), "ready", self.what)
        self.checks.that(self.ledger.wait_for_acks(20), "pushes go on", self.what)

    @contextlib.contextmanager
    def asking(self, gateway):
        """Requests on a connection that is there already."""
        with gateway.connect() as sock:
            reader = Reader(sock)

            def ask(method, path):
                sock.sendall(make_request(method, path))
                return read_response(reader)
            ask("GET", "/-/ready")
            yield ask

    def fsize(self, folder):
        with self.gateway(folder) as gateway, self.asking(gateway) as ask:
            self.ledger.start(gateway)
            self.checks.that(self.ledger.wait_for_acks(20), "pushes", self.what)
            # Less than a snapshot needs, or the log would begin again and again.
            self.set_limit(gateway, resource.RLIMIT_FSIZE, self.rng.randrange(2000))
            self.fails(ask)
            self.set_limit(gateway, resource.RLIMIT_FSIZE, resource.RLIM_INFINITY)
            self.recovers(ask)
            self.end(gateway)

    def nofile(self, folder):
        with self.gateway(folder) as gateway, self.asking(gateway) as ask:
            self.ledger.start(gateway)
            self.checks.that(self.ledger.wait_for_acks(40), "pushes", self.what)
            before = resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE)[0]
            # The three of the start are open; none at all would be a refusal to poll.
            self.set_limit(gateway, resource.RLIMIT_NOFILE, 3)
            name = 'sluice_persistence_writes_total{result="failed"}'
            self.checks.that(wait_for(lambda: metric(ask("GET", "/metrics").text, name) > 0), "no snapshot", self.what)
            self.checks.that(self.ledger.wait_for_acks(20), "pushes go on", self.what)
            self.set_limit(gateway, resource.RLIMIT_FSIZE, self.rng.randrange(2000))
            self.fails(ask)
            self.set_limit(gateway, resource.RLIMIT_FSIZE, resource.RLIM_INFINITY)
            self.fails(ask)
            self.set_limit(gateway, resource.RLIMIT_NOFILE, before)
            self.recovers(ask)
            self.end(gateway)

    def start(self, folder):
        """On a directory with something in it."""
        with self.gateway(folder) as gateway:
            self.ledger.start(gateway)
            self.checks.that(self.ledger.wait_for_acks(20), "pushes", self.what)
            self.end(gateway)
        self.ledger.keep_acks()
        flag = self.rng.choice(("--fsize=%d" % self.rng.randrange(6000), "--nofile=%d" % self.rng.randrange(8, 60),
                                "--as=%d" % self.rng.randrange(40 << 20, 400 << 20)))
        self.what += (flag,)
        try:
            gateway = self.gateway(folder, Scraped, wrapper=("prlimit", flag))
        except RuntimeError as why:
            if not flag.startswith("--as"):
                self.checks.equal(str(why).count("sluice: error: "), 1, "one sentence", self.what, why)
            return
        with gateway:
            if not flag.startswith("--as"):
                self.ledger.judge(self.checks, gateway.scrape().text, self.what)
            self.ledger.start(gateway)
            self.ledger.wait_for_acks(100, 1)
            gateway.stop(signal.SIGKILL)
            self.ledger.stop()
        if self.mode == "interval":
            # While the log has failed pushes are acknowledged and nowhere but in memory, as the metric says.
            self.ledger.forget_acks()

    # ---- Memory ------------------------------------------------------------------------------------------------------

    def push_large(self, gateway, stop):
        """Ever more groups, until the gateway ends or `stop` says so."""
        number = 0
        with contextlib.suppress(OSError, EOFError, ValueError, IndexError), gateway.connect() as sock:
            reader = Reader(sock)
            while not stop.is_set():
                number += 1
                text = "".join('large{line="%d"} %d\n' % (line, number) for line in range(LARGE_LINES))
                sock.sendall(make_request("PUT", "/metrics/job/large/instance/%d" % number, text.encode()))
                if read_response(reader).status == 200:
                    self.large.add(str(number))

    def grow(self, gateway):
        """Large pushes beside the small ones for as long as it lives, a second at most."""
        stop = threading.Event()
        thread = threading.Thread(target=self.push_large, args=(gateway, stop))
        self.ledger.start(gateway)
        thread.start()
        end = time.monotonic() + 1
        while gateway.process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        gateway.stop(signal.SIGKILL)
        stop.set()
        thread.join()
        self.ledger.stop()

    def memory(self, folder):
        with self.gateway(folder) as gateway:
            with open("/proc/%d/statm" % gateway.process.pid, encoding="ascii") as statm:
                used = int(statm.read().split()[0]) * resource.getpagesize()
            self.set_limit(gateway, resource.RLIMIT_AS, used + self.rng.randrange(1 << 20, 24 << 20))
            self.grow(gateway)

    def cgroup(self, folder):
        group = os.path.join(CGROUPS, "sluice-test-%d" % os.getpid())
        try:
            os.mkdir(group)
        except OSError as why:
            self.checks.skip("cgroup memory", why)
            return
        try:
            with open(os.path.join(group, "memory.limit_in_bytes"), "w", encoding="ascii") as limit:
                limit.write(str(self.rng.randrange(16 << 20, 48 << 20)))
            join = ("sh", "-c", "echo $$ > %s/cgroup.procs && exec \"$@\"" % group, "sh")
            with contextlib.suppress(RuntimeError), self.gateway(folder, wrapper=join) as gateway:
                self.grow(gateway)
        finally:
            self.checks.that(wait_for(lambda: removed(group)), "its cgroup is left", self.what)


def removed(group):
    with contextlib.suppress(OSError):
        os.rmdir(group)
    return not os.path.exists(group)


def main(checks, options):
    rng = random.Random(options.seed)
    acknowledged = refused = large = 0
    for number in range(options.trials):
        trial = Trial(checks, options, number, rng)
        trial.run()
        acknowledged += len(trial.ledger.acks)
        refused += trial.ledger.refused
        large += len(trial.large)
    print("limits: %d trials, %d changes and %d large pushes acknowledged, %d refused" % (options.trials, acknowledged, large,
                                                                                         refused))


if __name__ == "__main__":
    run("limits", main, trials=10)
