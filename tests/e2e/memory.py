"""Near and above --limits.memory: what is refused first, what goes on, and that memory stays below the limit."""

import re
import threading

from gateway import Checks, Gateway, Reader, arguments, make_request, read_response
from process_memory import is_sanitized, resident_peak

LIMIT = 192 << 20
WAVE = 64


def body(series, number):
    pad = "p" * 150
    return "".join('m{n="%d",pad="%s"} %d\n' % (n, pad, number) for n in range(series)).encode()


def push_all(gateway, groups, series, number):
    """{status: count}, and the groups that were accepted; pipelined."""
    counts, accepted = {}, []
    groups = list(groups)
    data = body(series, number)
    with gateway.connect(timeout=120) as sock:
        reader = Reader(sock)
        for start in range(0, len(groups), WAVE):
            wave = groups[start:start + WAVE]
            sock.sendall(b"".join(make_request("PUT", "/metrics/job/j/g/%d" % g, data) for g in wave))
            for group in wave:
                answer = read_response(reader)
                counts[answer.status] = counts.get(answer.status, 0) + 1
                if answer.status == 200:
                    accepted.append(group)
                elif answer.header("Retry-After") is None:
                    counts["without Retry-After"] = 1
            if counts.get(503, 0) > 2000:
                break
    return counts, accepted


def number(text, name):
    return float(re.search(r"^%s (\S+)$" % re.escape(name), text, re.M).group(1))


def fill(checks, gateway):
    """Groups of 40 series until nothing more is taken; what was."""
    counts, accepted = push_all(gateway, range(40_000), 40, 1)
    checks.equal(set(counts), {200, 503}, "what pushes of new groups are told", counts)
    checks.that(len(accepted) > 1000, "groups before that", len(accepted))
    text = gateway.scrape().text
    checks.equal(number(text, "sluice_groups"), len(accepted) + 1, "groups stored, the small one among them")
    checks.equal(number(text, 'sluice_limit_refusals_total{limit="memory"}'), counts.get(503), "refusals counted")
    return accepted


def goes_on(checks, gateway, accepted):
    """At the limit: updates, smaller pushes, DELETE, scrapes; a group that grows does not."""
    counts, _ = push_all(gateway, accepted[:500], 40, 22)
    checks.equal(counts, {200: 500}, "updates of groups that are there")
    counts, _ = push_all(gateway, accepted[:20], 41, 3)
    checks.equal(counts, {503: 20}, "groups that would grow")
    counts, _ = push_all(gateway, accepted[-100:], 20, 4)
    checks.equal(counts, {200: 100}, "groups that shrink")
    checks.equal(gateway.request("DELETE", "/metrics/job/j/g/%d" % accepted.pop()).status, 202, "DELETE")
    for headers in ([], [("Accept-Encoding", "gzip")]):
        checks.equal(gateway.scrape(headers).status, 200, "scrape", headers)
    checks.equal(gateway.scrape().text.count("\nm{"), 40 * (len(accepted) - 99) + 20 * 99, "samples of a scrape")
    failed = gateway.request("PUT", "/metrics/job/new", b"# TYPE m counter\nm 1\n")
    checks.equal(failed.status, 400, "a push that is inconsistent is told so")


def slow_scrapes_and_updates(checks, gateway, accepted):
    """A reader that stands still keeps every version that it has begun to read, and all of them are replaced."""
    with gateway.connect() as sock:
        sock.sendall(make_request("GET", "/metrics"))
        sock.recv(1)
        counts = {}
        threads = []
        for start in (0, 1):
            def work(part=start):
                for status, count in push_all(gateway, accepted[part::2], 10, 5)[0].items():
                    counts[(part, status)] = count
            threads.append(threading.Thread(target=work))
            threads[-1].start()
        for thread in threads:
            thread.join()
    checks.equal({status for _, status in counts}, {200, 503}, "pushes that shrink while a scrape holds what was", counts)
    # Its versions go a few with each turn.
    while push_all(gateway, accepted[:1], 5, 6)[0] != {200: 1}:
        gateway.scrape()


def recovers(checks, gateway, accepted):
    """Room that a DELETE makes may be used again."""
    with gateway.connect() as sock:
        reader = Reader(sock)
        for start in range(0, len(accepted), WAVE):
            wave = accepted[start:start + WAVE]
            sock.sendall(b"".join(make_request("DELETE", "/metrics/job/j/g/%d" % g) for g in wave))
            for _ in wave:
                if read_response(reader).status != 202:
                    checks.that(False, "DELETE")
    while push_all(gateway, [99_999], 40, 6)[0] != {200: 1}:
        gateway.scrape()
    counts, again = push_all(gateway, range(100_000, 101_000), 40, 6)
    checks.equal(counts, {200: 1000}, "new groups in the room of deleted ones")
    checks.equal(len(again), 1000, "all of them")


def large_bodies(checks, gateway):
    """A body needs more than its own size while it is worked on: where that is not there it is not begun."""
    data = b"".join(b'big{n="%07d",pad="%s"} 1\n' % (n, b"p" * 200) for n in range(150_000))  # 35 MB
    answer = gateway.request("PUT", "/metrics/job/big", data, timeout=120)
    checks.equal(answer.status, 503, "a body of a fifth of the limit")
    checks.equal(gateway.request("PUT", "/metrics/job/small", b"a 1\n").status, 200, "a small one behind it")


def main():
    options = arguments()
    checks = Checks("memory")
    with Gateway(options.binary, ["--runtime.workers=2", "--limits.memory=%d" % LIMIT], options.backend) as gateway:
        if is_sanitized(gateway):
            print("a sanitizer keeps freed memory: not judged")
            checks.equal(gateway.request("PUT", "/metrics/job/j", b"a 1\n").status in (200, 503), True, "an answer")
            checks.finish()
        large_bodies(checks, gateway)
        accepted = fill(checks, gateway)
        goes_on(checks, gateway, accepted)
        slow_scrapes_and_updates(checks, gateway, accepted)
        peak = resident_peak(gateway)
        print("%d groups, at most %d MiB of %d resident" % (len(accepted), peak >> 20, LIMIT >> 20))
        checks.that(peak <= LIMIT, "resident at most", peak)
        recovers(checks, gateway, accepted)
    checks.finish()


main()
