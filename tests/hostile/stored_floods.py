"""What fills the store, what collides in its tables, and scrapes of it without end."""

import base64
import gzip
import re
import select
import tempfile
import time

from attack import run
from collisions import colliding, harmless
from process_figures import MIB, GoodClient, cpu_seconds, cpu_seconds_in_all, is_sanitized, resident

from gateway import Reader, make_request, read_response


def pushes(gateway, requests, depth=100):
    """{status: count} of many requests on one connection, `depth` of them on their way."""
    statuses = {}
    with gateway.connect(timeout=300) as sock:
        reader = Reader(sock)
        for start in range(0, len(requests), depth):
            batch = requests[start:start + depth]
            sock.sendall(b"".join(batch))
            for _ in batch:
                status = read_response(reader).status
                statuses[status] = statuses.get(status, 0) + 1
    return statuses


def still_usable(attack, gateway, target, body):
    attack.that(gateway.request("PUT", target, body).status == 200, target, "is pushed to once more")
    attack.that(gateway.request("DELETE", target).status == 202, target, "is deleted")
    attack.that(gateway.scrape().status == 200, "a scrape")


def series_bomb(attack):
    """One push of too many series; groups without end."""
    series, groups = (5_000_000, 1_000_000) if attack.long else (20_000, 2000)
    flags = attack.flags(series=series, series_per_push=series, groups=groups)
    if not flags:
        print("series-bomb: not judged without --limits.series")
        return
    with attack.gateway(*flags) as gateway:
        most = b"".join(b'm{n="%d"} 1\n' % number for number in range(series))
        before = resident(gateway)
        answer = gateway.request("PUT", "/metrics/job/large", most, timeout=300)
        attack.that(answer.status == 200, "as many series as are allowed", answer.status, answer.text[:200])
        text = len(gateway.scrape().body)
        each = (resident(gateway) - before - text) / series
        if not is_sanitized(gateway):
            attack.figure("below 400 bytes a series beyond the text", "%d series, %.0f bytes each" % (series, each), each < 400)
        answer = gateway.request("PUT", "/metrics/job/more", most + b'm{n="more"} 1\n', timeout=300)
        attack.that(answer.status == 413, "a push of one series too many", answer.status)
        answer = gateway.request("PUT", "/metrics/job/more", b"m 1\n")
        attack.that(answer.status == 429 and answer.header("Retry-After") is not None and b"limits.series" in answer.body,
                    "one series too many in all", answer.status, answer.text[:200])
        still_usable(attack, gateway, "/metrics/job/large", b"m 1\n")
        gateway.request("DELETE", "/metrics/job/large")
        requests = [make_request("PUT", "/metrics/job/t/number/%d" % number, b"a 1\n") for number in range(groups + 1000)]
        statuses = pushes(gateway, requests)
        attack.figure("429 once there are as many groups as are allowed", statuses, statuses == {200: groups, 429: 1000}, always=True)
        still_usable(attack, gateway, "/metrics/job/t/number/%d" % (groups // 2), b"a 2\n")


UTF8 = "--push.enable-utf8-names"  # the collisions that are known are not all letters


def seconds_of(attack, what, action, *flags):
    """CPU of the gateway for an action on a new one."""
    with attack.gateway(*flags) as gateway:
        before = cpu_seconds(gateway)
        action(gateway)
        took = cpu_seconds(gateway) - before
    print("hash-flood: %s: %.2f s of CPU" % (what, took), flush=True)
    return took


def quoted(names, kind):
    """A family for each name, in the spelling that takes any."""
    if kind == "summary":
        return b"".join(b'# TYPE "%s" summary\n{"%s_sum"} 1\n{"%s_count"} 1\n' % (name, name, name) for name in
                        (name.encode() for name in names))
    return b"".join(b'{"%s"} 1\n' % name.encode() for name in names)


def hash_flood(attack):
    """Strings that collide in the standard library's tables, as values of labels, jobs, names of labels, and families."""
    count = 65_536 if attack.long else 16_384

    def push(body, target="/metrics/job/t"):
        def action(gateway):
            answer = gateway.request("PUT", target, body, timeout=300)
            attack.that(answer.status in (200, 202), target, answer.status, answer.text[:200])
            attack.that(len(gateway.scrape().body) >= len(body) // 2, "it is shown")
        return action

    def jobs(strings):
        requests = [make_request("PUT", "/metrics/job@base64/" + encoded(string), b"a 1\n") for string in strings]
        return lambda gateway: attack.that(pushes(gateway, requests) == {200: len(strings)}, "jobs")

    for what, make in (("values of a label", lambda strings: push(b"".join(b'a{l="%s"} 1\n' % s.encode() for s in strings))),
                       ("names of families", lambda strings: push(quoted(strings, "gauge"))),
                       ("names of summaries, checked at the scrape", lambda strings: push(quoted(strings, "summary"))),
                       ("jobs", jobs)):
        flags = [UTF8] + (["--push.disable-consistency-check"] if "checked" in what else [])
        prepared, random = (seconds_of(attack, "%s, %s" % (what, how), make(strings), *flags)
                            for how, strings in (("colliding", colliding(count)), ("random", harmless(count))))
        # In tables that collide each of them is compared with half of the others: far more than twice the time.
        attack.that(prepared < 3 * max(random, 0.1), what, "cost", prepared, "instead of", random)
        attack.figure("%s: at most twice the CPU of random strings" % what, "%.2f" % (prepared / random), prepared < 2 * random)
    started(attack, count)


def started(attack, count):
    """The same families in the log of a gateway that starts."""
    took = {}
    for how, strings in (("colliding", colliding(count)), ("random", harmless(count))):
        with tempfile.TemporaryDirectory() as folder:
            kept = "--persistence.file=%s/state" % folder
            with attack.gateway(kept, UTF8) as gateway:
                attack.that(gateway.request("PUT", "/metrics/job/t", quoted(strings, "gauge"), timeout=300).status == 200, "the push")
            with attack.gateway(kept, UTF8) as gateway:
                took[how] = cpu_seconds_in_all(gateway)
                attack.that(len(gateway.scrape().body) > 256 * count, "all of it is back")
        print("hash-flood: a start with families, %s: %.2f s of CPU" % (how, took[how]), flush=True)
    attack.that(took["colliding"] < 3 * max(took["random"], 0.1), "a start costs", took)
    attack.figure("a start: at most twice the CPU of random strings", "%.2f" % (took["colliding"] / took["random"]),
                  took["colliding"] < 2 * took["random"])


def encoded(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def counter(gateway, name):
    found = re.search(r"^%s (\S+)$" % name, gateway.scrape().text, re.M)
    return float(found.group(1)) if found else None


SCRAPE = make_request("GET", "/metrics", headers=[("Accept-Encoding", "gzip")])


def storm(gateway, connections, rate, count):
    """Scrapes at a planned rate over so many connections. Returns the seconds of each from its planned time, and how long all took."""
    socks = [gateway.connect() for _ in range(connections)]
    free, waiting, times = list(range(connections)), {}, []
    buffers = [b""] * connections
    poller = select.epoll()
    by_number = {}
    for index, sock in enumerate(socks):
        by_number[sock.fileno()] = index
        poller.register(sock, select.EPOLLIN)
    began, sent = time.monotonic(), 0
    while len(times) < count:
        now = time.monotonic()
        while free and sent < count and began + sent / rate <= now:
            index = free.pop()
            waiting[index] = began + sent / rate
            socks[index].sendall(SCRAPE)
            sent += 1
        for number, _ in poller.poll(0.001, connections):
            index = by_number[number]
            data = socks[index].recv(1 << 20)
            if not data:
                raise EOFError("a scrape was cut")
            # The end of a chunked body, and it is only looked for at the end of what has come.
            buffers[index] = (buffers[index] + data)[-5:]
            if buffers[index] == b"0\r\n\r\n":
                times.append(time.monotonic() - waiting.pop(index))
                buffers[index] = b""
                free.append(index)
    took = time.monotonic() - began
    for sock in socks:
        sock.close()
    return sorted(times), took


def scrape_storm(attack):
    """Scrapes of an exposition of 10 MB, compressed, over 100 connections."""
    lines, count, rate = (160_000, 5000, 1000) if attack.long else (16_000, 300, 1000)
    with attack.gateway() as gateway:
        body = b"".join(b'storm{n="%07d",pad="%s"} %d\n' % (number, b"p" * 30, number) for number in range(lines))
        attack.that(gateway.request("PUT", "/metrics/job/t", body).status == 200, "the push")
        alone = []
        for number in range(5):  # each of a state of its own
            gateway.request("PUT", "/metrics/job/x", b"x %d\n" % number)
            began = time.monotonic()
            answer = gateway.scrape([("Accept-Encoding", "gzip")])
            alone.append(time.monotonic() - began)
        attack.that(answer.status == 200 and len(gzip.decompress(answer.body)) > len(body), "a scrape alone")
        made, single = counter(gateway, "sluice_scrape_cache_misses_total"), sorted(alone)[2]
        with GoodClient(gateway, "PUT", "/metrics/job/x", b"x 9\n", pause=0.05) if attack.long else gateway.connect():
            times, took = storm(gateway, 100, rate, count)
        p99 = times[int(len(times) * 0.99) - 1]
        attack.figure("p99 below twice a single scrape, %.0f ms" % (1e3 * single), "%d scrapes of %.1f MB in %.1f s, p99 %.0f ms" % (
            count, len(body) / MIB, took, 1e3 * p99), p99 < 2 * single)
        if not attack.long and made is not None:
            more = counter(gateway, "sluice_scrape_cache_misses_total") - made
            attack.figure("one encoding for all of one state", "%d of %d made anew" % (more, count), more < count / 10, always=True)


run("stored_floods", {"series-bomb": series_bomb, "hash-flood": hash_flood, "scrape-storm": scrape_storm})
