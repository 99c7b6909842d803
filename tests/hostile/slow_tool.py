"""The slow attacks again, by slowhttptest, a tool that was not made for this gateway. Debian's, unpacked by tools/peers."""

import os
import re
import subprocess

from attack import run
from process_figures import MIB, Memory, is_sanitized

from gateway import SOURCE


def tool():
    """(path, None), or (None, why there is none)."""
    done = subprocess.run([os.path.join(SOURCE, "tools", "peers"), "slowhttptest"], capture_output=True, text=True, check=False)
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().split("\n")
    return (lines[-1], None) if done.returncode == 0 else (None, lines[-1])


def test(attack, gateway, target, *options):
    """Its last figures: {"closed": 2000, "connected": 0, ...}, and whether its probes of the service were all answered."""
    program, reason = tool()
    if program is None:
        attack.checks.skip("slowhttptest", reason)
        return None, True
    command = ["sh", "-c", 'ulimit -n 8192 && exec "$@"', "sh", program, *map(str, options), "-u", "http://127.0.0.1:%d%s" % (gateway.port, target)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "TERM": "dumb"})
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", done.stdout)
    figures = {}
    for name in ("initializing", "pending", "connected", "error", "closed"):
        found = re.findall(name + r":\s+(\d+)", text)
        if found:
            figures[name] = int(found[-1])
    # It looks every five seconds, and ends when it has none left.
    if "No open connections left" in text and "closed" in figures:
        figures.update(pending=0, connected=0, closed=figures["closed"] + figures["pending"] + figures["connected"])
        figures["all"] = True
    available = re.findall(r"service available:\s+(YES|NO)", text)
    if not attack.that("closed" in figures and available, "slowhttptest says", text[-500:], done.stderr[-500:]):
        return None, False
    return figures, set(available) == {"YES"}


def slow(attack, mode, target, flags, *options):
    count = 2000 if attack.long else 100
    with attack.gateway(*flags) as gateway:
        gateway.request("GET", "/-/ready")
        memory = Memory(gateway)
        figures, available = test(attack, gateway, target, mode, "-c", count, "-r", 500, "-i", 10, "-l", 90, *options)
        if figures is None:
            return
        each = memory.grown() / count
        attack.that(available, "the service is available to its probe")
        attack.figure("all of them closed", figures, figures.get("all", False) or figures["closed"] == count, always=True)
        if not is_sanitized(gateway) and attack.long:
            attack.figure("below 16 KiB a connection", "%.1f KiB" % (each / 1024), each < 16 * 1024)


def slowloris(attack):
    slow(attack, "-H", "/metrics/job/t", [] if attack.long else attack.flags(header_time="2s"))


def slow_body(attack):
    slow(attack, "-B", "/metrics/job/t", [] if attack.long else attack.flags(writer_grace="2s"), "-s", 8192)


def slow_read(attack):
    """Readers with a window of 512 bytes, which keep to the rate that is asked of readers: the service has to go on beside them."""
    count = 800 if attack.long else 100
    with attack.gateway() as gateway:
        body = b"".join(b'slow{n="%07d",pad="%s"} %d\n' % (number, b"p" * 30, number) for number in range(50_000))
        attack.that(gateway.request("PUT", "/metrics/job/t", body).status == 200, "the push")
        whole = len(gateway.scrape().body)
        memory = Memory(gateway)
        figures, available = test(attack, gateway, "/metrics", "-X", "-c", count, "-r", 200, "-w", 512, "-y", 1024, "-n", 5, "-z", 32,
                                  "-k", 3, "-l", 60 if attack.long else 10)
        if figures is None:
            return
        attack.that(available, "the service is available to its probe")
        allowed, grown = 2 * whole + count * 64 * 1024 + (0 if attack.long else 16 * MIB), memory.grown()
        if not is_sanitized(gateway):
            attack.figure("below twice the exposition and 64 KiB a connection, %.1f MiB" % (allowed / MIB),
                          "%.1f MiB, %s" % (grown / MIB, figures), grown < allowed, always=True)
        attack.that(len(gateway.scrape().body) >= whole, "a scrape afterwards")


run("slow_tool", {"slowloris": slowloris, "slow-body": slow_body, "slow-read": slow_read})
