"""Scrape bodies that are kept and shared: the same bytes as without, never an old state, whoever reads how slowly."""

import gzip
import re
import threading

from compare import pushed_lines, sort_groups
from gateway import Checks, Gateway, Reader, arguments, make_request, read_response

GROUPS = 600
LARGE = 1200  # groups, more than 4 MiB of text
SERIES = 40
GZIP = [("Accept-Encoding", "gzip")]
DELIMITED = [("Accept", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")]
KINDS = {"text": [], "gzip": GZIP, "delimited": DELIMITED, "delimited, gzip": DELIMITED + GZIP}


def body_of(group, number):
    lines = ["# TYPE rows gauge"]
    lines += ["rows{table=\"orders-%d\",stage=\"production\",of=\"a-label-that-makes-it-longer\"} %d" % (i, number) for i in range(SERIES)]
    lines += ["# TYPE version gauge", "version %d" % number]
    return ("\n".join(lines) + "\n").encode()


def push(gateway, group, number):
    answer = gateway.request("PUT", "/metrics/job/etl/instance/i%d" % group, body_of(group, number))
    return answer.status


def fill(checks, gateway, groups=GROUPS):
    with gateway.connect() as sock:
        reader = Reader(sock)
        for group in range(groups):
            sock.sendall(make_request("PUT", "/metrics/job/etl/instance/i%d" % group, body_of(group, group)))
            checks.equal(read_response(reader).status, 200, "push", group)


def text_of(answer):
    body = gzip.decompress(answer.body) if answer.header("Content-Encoding") == "gzip" else answer.body
    return body.decode("utf-8", "replace")


def figures(gateway):
    """The cache's own metrics, from the second of two scrapes of a part that nothing else here asks for: between two calls
    lie two hits of theirs."""
    for _ in range(2):
        text = gateway.request("GET", "/metrics?shard=0&shards=1024").text
    return {name: int(float(value)) for name, value in re.findall(r"^sluice_scrape_cache_(\w+) (\S+)$", text, re.M)}


def moved(before, after):
    return {name: after[name] - before[name] for name in before}


def version_of(text, group):
    found = re.findall(r'^version\{instance="i%d",job="etl"\} (\d+)$' % group, text, re.M)
    return [int(value) for value in found]


def check_again(checks, gateway):
    """Nothing changes: the second scrape finds what the first has made."""
    for name, headers in KINDS.items():
        first = gateway.scrape(headers)
        before = figures(gateway)
        second = gateway.scrape(headers)
        change = moved(before, figures(gateway))
        checks.equal(change["hits_total"], 1 + 2, name, "hits", change)
        checks.equal(change["misses_total"], 0, name, "misses", change)
        if "delimited" not in name:
            checks.equal(pushed_lines(text_of(second), mask_times=False), pushed_lines(text_of(first), mask_times=False),
                         name, "the same lines in the same order")
        checks.that(before["bytes"] > 0, name, "bytes are kept", before)


def check_same_as_without(checks, gateway, without):
    for headers in ([], GZIP):
        # The state is kept by now; the order of groups is each gateway's own.
        for _ in range(2):
            checks.equal(sort_groups(pushed_lines(text_of(gateway.scrape(headers)))),
                         sort_groups(pushed_lines(text_of(without.scrape(headers)))), "as without", headers)
    checks.equal({name: value for name, value in figures(without).items() if name in ("hits_total", "bytes")},
                 {"hits_total": 0, "bytes": 0}, "nothing is kept with --runtime.scrape-cache-mib=0")


def check_push_between(checks, gateway):
    for number in range(10_000, 10_020):
        group = number % GROUPS
        checks.equal(push(gateway, group, number), 200, "push")
        for headers in ([], GZIP, GZIP):
            text = text_of(gateway.scrape(headers))
            checks.equal(version_of(text, group), [number], "the push is in it", headers)
            checks.equal(len(re.findall(r"^version\{", text, re.M)), GROUPS, "every group once")
    checks.equal(gateway.request("DELETE", "/metrics/job/etl/instance/i0").status, 202, "delete")
    for headers in ([], GZIP):
        checks.equal(version_of(text_of(gateway.scrape(headers)), 0), [], "the group is gone", headers)
    push(gateway, 0, 0)


def check_at_once(checks, gateway):
    for name, headers in KINDS.items():
        checks.equal(push(gateway, 1, 20_000), 200, "push")
        before = figures(gateway)
        answers = [None] * 6
        start = threading.Barrier(len(answers))

        def scrape(which, headers=headers, answers=answers, start=start):
            start.wait()
            answers[which] = gateway.scrape(headers)

        threads = [threading.Thread(target=scrape, args=(which,)) for which in range(len(answers))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        change = moved(before, figures(gateway))
        checks.equal(change["misses_total"], 1, name, "made once for all", change)
        checks.equal(change["hits_total"] + change["joins_total"], len(answers) - 1 + 2, name, "reused", change)
        if "delimited" not in name:
            lines = [pushed_lines(text_of(answer), mask_times=False) for answer in answers]
            checks.that(all(found == lines[0] for found in lines), name, "all have the same")
            checks.equal(version_of(text_of(answers[0]), 1), [20_000], name, "and it is new")


def begun(gateway, headers):
    """A scrape of which the client has read a little; its socket and reader."""
    sock = gateway.connect()
    sock.sendall(make_request("GET", "/metrics", headers=headers))
    reader = Reader(sock)
    reader.exactly(20_000)
    return sock, reader


def check_slow_and_gone(checks, gateway):
    for headers in ([], GZIP):
        checks.equal(push(gateway, 2, 30_000), 200, "push")
        slow = gateway.connect()
        # Its request waits in the kernel's buffers: it reads nothing before the end.
        slow.sendall(make_request("GET", "/metrics", headers=headers))
        for number in range(30_001, 30_006):
            gone, _ = begun(gateway, headers)
            gone.close()
            text = text_of(gateway.scrape(headers))
            checks.equal(version_of(text, 2), [number - 1], "beside a slow one and one that leaves", headers)
            checks.equal(push(gateway, 2, number), 200, "push")
        text = text_of(read_response(Reader(slow)))
        checks.equal(len(version_of(text, 2)), 1, "the slow one has it once", headers)
        checks.equal(len(re.findall(r"^version\{", text, re.M)), GROUPS, "and all of it")
        slow.close()


def check_small_limit(checks, options):
    """Bodies that do not fit."""
    with Gateway(options.binary, ["--runtime.workers=2", "--runtime.scrape-cache-mib=1"], options.backend) as gateway:
        fill(checks, gateway)
        for name in ("text", "gzip", "text"):
            check = text_of(gateway.scrape(KINDS[name]))
            checks.equal(len(re.findall(r"^version\{", check, re.M)), GROUPS, name, "with a small limit")
        found = figures(gateway)
        checks.that(found["dropped_total"] >= 1, "the limit has bitten", found)
        checks.that(found["bytes"] <= 1 << 20, "and is kept", found)
        check_slow_and_gone(checks, gateway)


def blocks_helped(gateway):
    text = gateway.request("GET", "/metrics?shard=0&shards=1024").text
    return int(re.search(r"^sluice_scrape_blocks_helped_total (\d+)$", text, re.M).group(1))


def check_helped(checks, options):
    """A large compressed scrape is work for all workers, and has the bytes that one worker makes of it."""
    with Gateway(options.binary, ["--runtime.workers=2"], options.backend) as two, \
            Gateway(options.binary, ["--runtime.workers=1"], options.backend) as one:
        fill(checks, two, LARGE)
        fill(checks, one, LARGE)
        wanted = sort_groups(pushed_lines(text_of(one.scrape(GZIP))))
        # A worker that gets no time on a busy machine does not help: it is asked again and again.
        for _ in range(200):
            checks.equal(push(two, 1, 1), 200, "push")
            got = sort_groups(pushed_lines(text_of(two.scrape(GZIP))))
            checks.that(got == wanted, "helped or not, the lines are the same")
            if blocks_helped(two):
                break
        checks.that(blocks_helped(two) > 0, "the other worker has helped")
        checks.equal(blocks_helped(one), 0, "there is no other worker")


def main():
    options = arguments()
    checks = Checks("scrape_reuse")
    flags = ["--runtime.workers=2"]
    with Gateway(options.binary, flags, options.backend) as gateway, \
            Gateway(options.binary, flags + ["--runtime.scrape-cache-mib=0"], options.backend) as without:
        fill(checks, gateway)
        fill(checks, without)
        gateway.scrape()  # all of our own families are there from now on
        check_same_as_without(checks, gateway, without)
        check_again(checks, gateway)
        check_push_between(checks, gateway)
        check_at_once(checks, gateway)
        check_slow_and_gone(checks, gateway)
    check_small_limit(checks, options)
    check_helped(checks, options)
    checks.finish()


if __name__ == "__main__":
    main()
