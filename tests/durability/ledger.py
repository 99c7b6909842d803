"""What clients know of the changes that they have sent, and what that says of a scrape after a fault.

Every change of a group, a PUT, a POST or a DELETE, has a number of its own; numbers of a group only grow, and one is never
used again. A push writes its number into every value of its body, whose length follows from the number too, so a half
applied or mixed push is seen. Of a group a scrape then has to show one number, or nothing:

    not older than the newest change that was acknowledged (the floor), not newer than the newest that was sent, no change
    that an earlier judgement has found lost, and nothing only if a DELETE is among those that are possible.

A group belongs to one connection, which sends the next change when the last was answered. What was answered with 503, or
not at all, may be there or not.
"""

import argparse
import os
import random
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

from gateway import SOURCE, Checks, Gateway, Reader, make_request, read_response, stop_where_refused  # noqa: E402, F401 (the harness is in another folder)

JOB = "durability"
LINE = re.compile(r'^([a-z_]+)\{instance="([^"]*)",job="([^"]*)"(?:,[a-z]+="([^"]*)")?\} (\S+)$', re.M)
# Series that the gateway adds to every group.
STAMPS = ("push_time_seconds", "push_failure_time_seconds")


class Group:
    def __init__(self, name):
        self.name = name
        self.sent = 0         # number of the newest change that was sent
        self.acked = 0        # the newest that was acknowledged, or that was found to be the state after a fault
        self.base = 0         # the latter
        self.deletes = set()  # numbers that are a DELETE
        self.lost = set()     # numbers that were not acknowledged and were not there after a fault

    def path(self):
        return "/metrics/job/%s/instance/%s" % (JOB, self.name)

    def possible(self, floor, number):
        """Whether the group may be what change `number` made it, when change `floor` is acknowledged."""
        return floor <= number <= self.sent and number not in self.lost


def lines_of(number):
    """How many lines a push has beside the first two: one at least, since a POST leaves families that it lacks."""
    return number * 7 % 23 + 1


def body(number):
    text = ["first %d\n" % number, 'second{side="other"} %d\n' % number]
    text += ['pad{line="%d"} %d\n' % (line, number) for line in range(lines_of(number))]
    return "".join(text).encode()


class Ledger:
    """Groups, the connections that change them, and the judge. One phase of pushes at a time: start() .. stop()."""

    def __init__(self, groups=40, connections=8, seed=None, deletes=0.1, pause=0.0):
        self.seed = random.randrange(1 << 32) if seed is None else seed
        self.rng = random.Random(self.seed)
        self.groups = [Group(str(number)) for number in range(groups)]
        self.connections = connections
        self.deletes = deletes
        self.pause = pause  # seconds between two changes of a connection
        self.acks = []      # (sent at, acknowledged at, group, number), both of time.monotonic()
        self.order = []     # (group, number, whether it is a DELETE) as they were sent; of one connection an order
        self.refused = 0    # answers with 503
        self.odd = []       # answers that are neither 200, 202 nor 503
        self._stop = threading.Event()
        self._threads = []

    # ---- Pushing ----------------------------------------------------------------------------------------------------

    def start(self, gateway):
        """Pushes over all connections, until stop() or until the gateway closes them."""
        self._stop.clear()
        self._threads = [threading.Thread(target=self._push, args=(gateway, self.groups[index::self.connections],
                                                                   self.rng.getrandbits(32)))
                         for index in range(self.connections)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def keep_acks(self):
        """What is acknowledged now is out of forget_acks()'s reach."""
        for group in self.groups:
            group.base = group.acked

    def forget_acks(self):
        """What was acknowledged may be lost: it counts as sent."""
        for group in self.groups:
            group.acked = group.base

    def wait_for_acks(self, count, timeout=60):
        """Until `count` more changes were acknowledged; false when that does not happen."""
        end, wanted = time.monotonic() + timeout, len(self.acks) + count
        while len(self.acks) < wanted:
            if time.monotonic() > end or not any(thread.is_alive() for thread in self._threads):
                return False
            time.sleep(0.001)
        return True

    def _push(self, gateway, groups, seed):
        rng = random.Random(seed)
        try:
            with gateway.connect() as sock:
                reader = Reader(sock)
                while not self._stop.is_set():
                    if self.change(sock, reader, rng.choice(groups), rng) == 503:
                        time.sleep(0.002)
                    elif self.pause:
                        time.sleep(self.pause)
        except (OSError, EOFError, ValueError, IndexError):
            return

    def change(self, sock, reader, group, rng):
        """The next change of a group, on a connection of the caller's. Returns the status."""
        number = group.sent + 1
        delete = rng.random() < self.deletes
        if delete:
            group.deletes.add(number)
        group.sent = number
        self.order.append((group, number, delete))
        method = "DELETE" if delete else rng.choice(("PUT", "PUT", "POST"))
        sent_at = time.monotonic()
        sock.sendall(make_request(method, group.path(), b"" if delete else body(number)))
        status = read_response(reader).status
        if status in (200, 202):
            group.acked = number
            self.acks.append((sent_at, time.monotonic(), group, number))
        elif status == 503:
            self.refused += 1
        else:
            self.odd.append((group.name, number, status))
        return status

    # ---- Judging ----------------------------------------------------------------------------------------------------

    def floors(self, before=None):
        """What is acknowledged now, or was acknowledged before a moment of time.monotonic(): group name -> number."""
        if before is None:
            return {group.name: group.acked for group in self.groups}
        floors = {group.name: group.base for group in self.groups}
        for _, acked_at, group, number in list(self.acks):
            if acked_at < before:
                floors[group.name] = max(floors[group.name], number)
        return floors

    def judge(self, checks, text, what, floors=None):
        """Compares a scrape with what was acknowledged. Returns group name -> the number that it shows, 0 for nothing."""
        floors = self.floors() if floors is None else floors
        found, garbage = shown(text)
        known = {group.name for group in self.groups}
        garbage += ["group " + name for name in found if name not in known]
        checks.that(not garbage, "never pushed", what, garbage[:5])
        checks.that(not self.odd, "answers", what, self.odd[:5])
        state = {}
        for group in self.groups:
            state[group.name] = self._judge_group(checks, group, found.get(group.name), floors[group.name], what)
        return state

    def _judge_group(self, checks, group, series, floor, what):
        about = (what, "group", group.name, "acknowledged", floor, "sent", group.sent)
        if series is None:
            erased = any(group.possible(floor, number) for number in tuple(group.deletes))
            checks.that(floor == 0 or erased, "lost:", *about)
            return 0
        numbers = sorted({number for _, number in series})
        if not checks.that(len(numbers) == 1, "a mixture of pushes:", *about, numbers):
            return numbers[-1]
        number = numbers[0]
        wanted = {"first", "second"} | {"pad %d" % line for line in range(lines_of(number))}
        checks.equal({name for name, _ in series}, wanted, "half of a push:", *about, number)
        checks.that(number not in group.deletes, "a value that was never sent:", *about, number)
        checks.that(number not in group.lost, "what was lost is back:", *about, number)
        checks.that(floor <= number <= group.sent, "an old or unknown value:", *about, number)
        return number

    def settle(self, state, floors=None):
        """After a restart: what judge() returned is what there is, and what it lacks must never come back."""
        floors = self.floors() if floors is None else floors
        for group in self.groups:
            number, floor = state[group.name], floors[group.name]
            if number == 0:
                # Which of the possible DELETEs it was is not known; no push up to now may return.
                number = max((n for n in group.deletes if group.possible(floor, n)), default=floor)
                group.lost.update(n for n in range(floor + 1, group.sent + 1) if n not in group.deletes)
            else:
                group.lost.update(range(number + 1, group.sent + 1))
            group.acked = group.base = number
        self.acks.clear()


def shown(text):
    """A scrape: group name -> list of (series, number), and what is not a push of a ledger."""
    found, garbage = {}, []
    for name, instance, job, more, value in LINE.findall(text):
        if job != JOB or name in STAMPS:
            continue
        series = name + " " + more if name == "pad" else name
        known = name == "first" and not more or name == "second" and more == "other" or name == "pad" and more.isdigit()
        if known and re.fullmatch(r"\d+(\.\d+)?(e\+\d+)?", value) and float(value) == int(float(value)):
            found.setdefault(instance, []).append((series, int(float(value))))
        else:
            garbage.append("%s{%s,%s} %s" % (name, instance, more, value))
    # Lines that have a job and are not of the form above.
    garbage += [line for line in text.split("\n") if 'job="' in line and not line.startswith("#") and not LINE.match(line)]
    return found, garbage


def wait_for(condition, timeout=60):
    """Until condition() is true; false when that takes too long."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def metric(text, name):
    """The value of one of the gateway's own metrics in a scrape, or None."""
    match = re.search(r"^%s (\S+)$" % re.escape(name), text, re.M)
    return float(match.group(1)) if match else None


def run(name, main, trials):
    """Runs main(checks, options) with the flags that each of these tests has; `trials` is the short form's number."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--backend", default="io_uring", choices=("io_uring", "epoll"))
    parser.add_argument("--trials", type=int, default=trials)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print("%s: --seed %d --trials %d --backend %s" % (name, options.seed, options.trials, options.backend), flush=True)
    if options.backend == "io_uring":
        stop_where_refused(options)
    checks = Checks(name)
    main(checks, options)
    checks.finish()
