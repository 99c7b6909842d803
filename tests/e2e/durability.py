"""What was acknowledged is there after the process was killed, at any moment and in every mode of --persistence.fsync; what
is damaged is said and set aside; two gateways do not share a directory."""

import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from gateway import Checks, Gateway, Reader, arguments, make_request, read_response

GROUPS = 40
CONNECTIONS = 8
KILLS = 25


class Group:
    """What one client knows of its group: the pushes that it has sent, and up to which one they were acknowledged."""

    def __init__(self, name):
        self.name = name
        self.sent = 0       # number of the newest change that was sent
        self.acked = 0      # and of the newest that was acknowledged
        self.deletes = set()  # changes that are a DELETE

    def path(self):
        return "/metrics/job/kill/instance/" + self.name


def body(number):
    # Both halves of one PUT have the same number.
    return b"first %d\nsecond{side=\"other\"} %d\n" % (number, number)


def push_until_killed(gateway, groups, seed, stop):
    rng = random.Random(seed)
    try:
        with gateway.connect() as sock:
            reader = Reader(sock)
            while not stop.is_set():
                group = rng.choice(groups)
                number = group.sent + 1
                delete = rng.random() < 0.1
                if delete:
                    group.deletes.add(number)
                group.sent = number
                method = "DELETE" if delete else rng.choice(("PUT", "PUT", "POST"))
                sock.sendall(make_request(method, group.path(), b"" if delete else body(number)))
                if read_response(reader).status not in (200, 202):
                    return
                group.acked = number
    except (OSError, EOFError, ValueError, IndexError):
        return


def stored(text):
    """Group -> the set of numbers that it shows."""
    found = {}
    for name, value in re.findall(r'^(?:first|second)\{instance="([^"]*)",job="kill"[^}]*\} (\S+)$', text, re.M):
        found.setdefault(name, []).append(int(float(value)))
    return found


def judge(checks, groups, text, trial):
    found = stored(text)
    for group in groups:
        numbers = found.get(group.name)
        if numbers is None:
            # Deleted, never pushed, or: an unacknowledged DELETE has come through.
            last = {number for number in range(group.acked, group.sent + 1)}
            checks.that(group.acked == 0 or last & group.deletes, "lost", trial, group.name, group.acked, group.sent)
            continue
        checks.that(len(numbers) == 2 and numbers[0] == numbers[1], "half of a push", trial, group.name, numbers)
        checks.that(group.acked <= numbers[0] <= group.sent, "an old or unknown value", trial, group.name, numbers,
                    group.acked, group.sent)
        checks.that(numbers[0] not in group.deletes, "never pushed", trial, group.name, numbers)
        group.acked = group.sent = numbers[0]  # what was not acknowledged and is not there, never will be
    for group in groups:
        if group.name not in found:
            group.acked = 0
        group.deletes.clear()  # the numbers that were not acknowledged are used again


def check_kills(checks, options, mode, kills):
    rng = random.Random()
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        flags = ["--persistence.file=" + file, "--persistence.fsync=" + mode, "--persistence.interval=150ms", "--runtime.workers=2"]
        groups = [Group(str(number)) for number in range(GROUPS)]
        acknowledged = 0
        for trial in range(kills):
            with Gateway(options.binary, flags, options.backend) as gateway:
                judge(checks, groups, gateway.scrape().text, (mode, trial))
                stop = threading.Event()
                threads = [threading.Thread(target=push_until_killed, args=(gateway, groups[index::CONNECTIONS], rng.random(), stop))
                           for index in range(CONNECTIONS)]
                for thread in threads:
                    thread.start()
                time.sleep(rng.uniform(0.0, 0.4))
                gateway.stop(signal.SIGKILL)
                stop.set()
                for thread in threads:
                    thread.join()
            acknowledged += sum(group.acked for group in groups)
        with Gateway(options.binary, flags, options.backend) as gateway:
            text = gateway.scrape().text
            judge(checks, groups, text, (mode, "end"))
            checks.that(re.search(r"^sluice_wal_damages 0$", text, re.M), "no damage", mode)
            checks.equal(gateway.stop(), 0, "exit code")
        checks.that(acknowledged > kills, "pushes were acknowledged", mode, acknowledged)


def fill(checks, gateway, count):
    for number in range(count):
        checks.equal(gateway.request("PUT", "/metrics/job/n/instance/%d" % number, b"x %d\n" % number).status, 200, "push", number)


def values(gateway):
    return sorted(int(value) for value in re.findall(r'^x\{instance="\d+",job="n"\} (\d+)$', gateway.scrape().text, re.M))


def segments(file):
    folder = file + ".sluice"
    found = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".seg")]
    return [path for path in found if os.path.getsize(path) > 1024]


def check_damage(checks, options):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        flags = ["--persistence.file=" + file, "--runtime.workers=1", "--persistence.fsync=always"]
        with Gateway(options.binary, flags, options.backend) as gateway:
            fill(checks, gateway, 50)
            gateway.stop(signal.SIGKILL)
        [path] = segments(file)
        whole = open(path, "rb").read()
        # A torn tail: cut off, counted, no damage.
        with open(path, "wb") as out:
            out.write(whole[:-7])
        with Gateway(options.binary, flags, options.backend) as gateway:
            checks.equal(values(gateway), list(range(49)), "all but the torn record")
            for event in ("recovering the state", "read the files of the log", "restored the state"):
                checks.that(any(event in line for line in gateway.log), "progress", event)
            text = gateway.scrape().text
            checks.that(re.search(r"^sluice_wal_torn_files 1$", text, re.M), "it is counted")
            checks.that(re.search(r"^sluice_wal_damages 0$", text, re.M), "and no damage")
            gateway.stop(signal.SIGKILL)
        # The same of a record that is whole, with no mark behind it, is damage: the machine has been up since.
        for name in os.listdir(file + ".sluice"):
            if name != "lock":
                os.remove(os.path.join(file + ".sluice", name))
        with open(path, "wb") as out:
            out.write(whole[:-7] + bytes([whole[-7] ^ 0x01]) + whole[-6:])
        with Gateway(options.binary, flags, options.backend) as gateway:
            checks.equal(values(gateway), list(range(49)), "all but the damaged record")
            checks.that(re.search(r"^sluice_wal_damages 1$", gateway.scrape().text, re.M), "the end is damaged")
            gateway.stop(signal.SIGKILL)
        # A byte in the middle. What the start before has put into a snapshot must not help.
        for name in os.listdir(file + ".sluice"):
            if name != "lock":
                os.remove(os.path.join(file + ".sluice", name))
        where = len(whole) // 2
        broken = whole[:where] + bytes([whole[where] ^ 0x10]) + whole[where + 1:]
        with open(path, "wb") as out:
            out.write(broken)
        refused = subprocess.run([options.binary, "--web.listen-address=127.0.0.1:0", "--persistence.on-corruption=refuse", *flags],
                                 capture_output=True, text=True, timeout=60, check=False)
        last = refused.stderr.strip().split("\n")[-1]
        checks.equal(refused.returncode, 1, "refuse", refused.stderr)
        checks.that(last.startswith("sluice: error: ") and os.path.basename(path) in last and " offset " in last, "one sentence", last)
        checks.equal(open(path, "rb").read(), broken, "the damaged file is as it was")
        with Gateway(options.binary, flags, options.backend) as gateway:
            got = values(gateway)
            checks.that(len(got) == 49 and set(got) < set(range(50)), "all that verifies is served", got)
            checks.that(re.search(r"^sluice_wal_damages 1$", gateway.scrape().text, re.M), "an alarm")
            checks.that(any("level=error" in line and os.path.basename(path) in line for line in gateway.log), "a line in the log")
            end = time.monotonic() + 30
            while not os.path.exists(path + ".corrupt") and time.monotonic() < end:
                time.sleep(0.05)
            checks.equal(open(path + ".corrupt", "rb").read(), broken, "it is set aside, as it was")
            gateway.stop(signal.SIGKILL)
        with Gateway(options.binary, flags, options.backend) as gateway:
            checks.equal(values(gateway), got, "and what it said is elsewhere")


def check_stopped_in_recovery(checks, options):
    """A gateway that is told to end while it recovers leaves the disk as it is, damaged files among the others."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        flags = ["--persistence.file=" + file, "--runtime.workers=1", "--persistence.fsync=always"]
        with Gateway(options.binary, flags, options.backend) as gateway:
            with gateway.connect() as sock:
                reader = Reader(sock)
                for number in range(600):
                    series = b"".join(b"x%d %d\n" % (index, number) for index in range(40))
                    sock.sendall(make_request("PUT", "/metrics/job/n/instance/%d" % number, b"x %d\n" % number + series))
                    checks.equal(read_response(reader).status, 200, "push", number)
            gateway.stop(signal.SIGKILL)
        [path] = segments(file)
        whole = open(path, "rb").read()
        where = whole.index(b'instance="300"')  # in the only record of that group
        with open(path, "wb") as out:
            out.write(whole[:where] + bytes([whole[where] ^ 0x10]) + whole[where + 1:])
        for milliseconds in (2, 5, 10, 20, 40, 80):
            stopped = subprocess.Popen([options.binary, "--web.listen-address=127.0.0.1:0", *flags], stderr=subprocess.PIPE)
            for line in stopped.stderr:
                if b"Listening on" in line:
                    break
            time.sleep(milliseconds / 1000)
            stopped.terminate()
            stopped.communicate(timeout=60)
        with Gateway(options.binary, flags, options.backend) as gateway:
            checks.equal(len(values(gateway)), 599, "all but the damaged one")


def check_two_gateways(checks, options):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        with Gateway(options.binary, ["--persistence.file=" + file], options.backend) as gateway:
            fill(checks, gateway, 3)
            other = subprocess.run([options.binary, "--web.listen-address=127.0.0.1:0", "--persistence.file=" + file],
                                   capture_output=True, text=True, timeout=60, check=False)
            checks.equal(other.returncode, 1, "the second one", other.stderr)
            checks.equal(other.stderr.strip().split("\n")[-1], "sluice: error: another gateway uses the directory %s.sluice" % file)
            checks.equal(values(gateway), [0, 1, 2], "the first one goes on")


def check_full_disk(checks, options):
    """On a small file system: with always nothing is acknowledged that is not on disk, and the service returns by itself."""
    if os.getuid() != 0:
        print("NOT RUN: e2e_durability, full disk: mounting a small file system needs root", flush=True)
        return
    for mode in ("always", "interval"):
        with tempfile.TemporaryDirectory() as folder:
            if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False).returncode != 0:
                print("NOT RUN: e2e_durability, full disk: tmpfs cannot be mounted here", flush=True)
                return
            try:
                full_disk(checks, options, mode, folder)
            finally:
                subprocess.run(["umount", "--lazy", folder], check=False)


def full_disk(checks, options, mode, folder):
    flags = ["--persistence.file=" + os.path.join(folder, "state"), "--persistence.fsync=" + mode, "--runtime.workers=1"]
    ballast = os.path.join(folder, "ballast")
    with Gateway(options.binary, flags, options.backend) as gateway:
        fill(checks, gateway, 5)
        with open(ballast, "wb") as out:
            out.write(b"x" * 900_000)
        refused = False
        kept = {}
        for number in range(400):
            # Nothing that comes again but for its numbers, of which the log would write those alone.
            text = b"".join(b"y%d{pad=\"%s%d\"} %d\n" % (line, b"p" * 500, number, number) for line in range(8))
            status = gateway.request("PUT", "/metrics/job/big/instance/%d" % (number % 4), text).status
            if status == 200:
                kept[number % 4] = number
            refused |= status == 503
            checks.that(status in (200, 503), "status", mode, status)
        checks.equal(refused, mode == "always", "pushes are refused with always only", mode)
        checks.that(re.search(r"^sluice_wal_failed 1$", gateway.scrape().text, re.M), "an alarm, and scrapes go on", mode)
        os.remove(ballast)
        end = time.monotonic() + 60
        while gateway.request("PUT", "/metrics/job/later", b"z 1\n").status != 200 or \
                not re.search(r"^sluice_wal_failed 0$", gateway.scrape().text, re.M):
            if time.monotonic() > end:
                break
            time.sleep(0.1)
        text = gateway.scrape().text
        checks.that(re.search(r"^sluice_wal_failed 0$", text, re.M), "the service returns by itself", mode, gateway.log[-5:])
        for group, number in kept.items():
            text_of_group = re.findall(r'^y0\{instance="%d",job="big"[^}]*\} (\d+)$' % group, text, re.M)
            checks.that(text_of_group and int(text_of_group[0]) >= number, "acknowledged", mode, group, text_of_group, number)
        before = sorted(line for line in text.split("\n") if re.match(r"(x|y\d|z)\{", line))
        gateway.stop(signal.SIGKILL)
    with Gateway(options.binary, flags, options.backend) as gateway:
        after = sorted(line for line in gateway.scrape().text.split("\n") if re.match(r"(x|y\d|z)\{", line))
        checks.equal(after, before, "nothing was lost", mode)


def check_wiped(checks, options):
    """A wipe is as durable as what it deletes."""
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--persistence.file=" + os.path.join(folder, "state"), "--web.enable-admin-api", "--persistence.fsync=always"]
        with Gateway(options.binary, flags, options.backend) as gateway:
            fill(checks, gateway, 30)
            checks.equal(gateway.request("PUT", "/api/v1/admin/wipe").status, 202, "wipe")
            checks.equal(gateway.request("PUT", "/metrics/job/n/instance/7", b"x 7\n").status, 200, "and a push behind it")
            gateway.stop(signal.SIGKILL)
        with Gateway(options.binary, flags, options.backend) as gateway:
            checks.equal(values(gateway), [7], "after the wipe")


def check_state_of_before(checks, options):
    """The single file of an earlier version is read, and left."""
    data = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "state_1")
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        shutil.copyfile(data, file)
        for start in range(2):
            with Gateway(options.binary, ["--persistence.file=" + file], options.backend) as gateway:
                checks.equal(values(gateway), [0, 1, 2], "its groups", start)
                gateway.stop(signal.SIGKILL)
        checks.equal(open(file, "rb").read(), open(data, "rb").read(), "the file is as it was")


def main():
    options = arguments()
    checks = Checks("durability")
    for mode in ("always", "interval", "never"):
        check_kills(checks, options, mode, KILLS if mode == "always" else 8)
    check_damage(checks, options)
    check_stopped_in_recovery(checks, options)
    check_two_gateways(checks, options)
    check_wiped(checks, options)
    check_full_disk(checks, options)
    check_state_of_before(checks, options)
    checks.finish()


if __name__ == "__main__":
    main()
