"""Pushes that repeat each other but for their numbers: what a gateway makes of them by comparison is what a gateway that
has to parse each makes of them."""

import gzip
import json
import random
import re

from compare import pushed_lines
from gateway import Checks, Gateway, Reader, arguments, make_request, read_response

ROUNDS = 1500
NUMBERS = ("0", "1", "-0", "-7.25", "1e5", "NaN", "+Inf", "-inf", "5.", "0.30000000000000004", "9007199254740993", "x", "1 5", "")

KINDS = (
    "# TYPE rows_read gauge\nrows_read{table=\"orders\",stage=\"production\"} %s\n# TYPE rows_written gauge\nrows_written %s\n",
    "# HELP job_seconds Time \\\\ taken.\n# TYPE job_seconds summary\njob_seconds{quantile=\"0.5\",step=\"a\"} %s\n"
    "job_seconds_sum{step=\"a\"} %s\njob_seconds_count{step=\"a\"} %s\n",
    "# TYPE took_seconds histogram\ntook_seconds_bucket{le=\"1\"} %s\ntook_seconds_bucket{le=\"+Inf\"} %s\ntook_seconds_sum %s\n"
    "took_seconds_count %s\n",
    "requests_total{path=\"/b\",code=\"200\"} %s\nrequests_total{path=\"/a\",code=\"200\"} %s\nother{zone=\"mine\",code=\"\"} %s\n",
    "# TYPE rows_read counter\nrows_read{of_another_type=\"than in the first kind of body\"} %s\n",
    "twice{label=\"some value that makes this body long enough\"} %s\ntwice{label=\"some value that makes this body long enough\"} 1\n",
)
PATHS = ("/metrics/job/etl", "/metrics/job/etl/instance/host-%d", "/metrics/job/etl-%d/zone/eu", "/metrics/job@base64/w6Q/instance/%d",
         "/metrics/job/a%%22b%%5Cc/instance/%d", "/metrics/job@base64//zone/%d")


def pushes(seed):
    rng = random.Random(seed)
    for _ in range(ROUNDS):
        kind = rng.choice(KINDS)
        common = rng.random() < 0.8
        numbers = tuple(str(rng.randrange(10 ** rng.randrange(1, 12))) if common else rng.choice(NUMBERS)
                        for _ in range(kind.count("%s")))
        path = rng.choice(PATHS)
        if "%d" in path:
            path = path % rng.randrange(8)
        yield rng.choice(("POST", "PUT")), path.replace("%%", "%"), kind % numbers, rng.random() < 0.2


LARGE_ROUNDS = 60
LARGE_PATHS = ("/metrics/job/large", "/metrics/job/large/instance/host-%d", "/metrics/job/a%%22b%%5Cc/instance/%d",
               "/metrics/job@base64/w6Q/instance/%d")


def large_kinds():
    """Bodies of 20 to 60 KB, with places for numbers."""
    yield "# TYPE large_rows gauge\n" + "".join(
        'large_rows{host="host-%d",stage="production",table="orders"} %%s\n' % index for index in range(700))
    yield "# TYPE large_seconds histogram\n" + "".join(
        'large_seconds_bucket{le="1",step="%d"} %%s\nlarge_seconds_bucket{le="+Inf",step="%d"} %%s\n'
        'large_seconds_sum{step="%d"} %%s\nlarge_seconds_count{step="%d"} %%s\n' % ((index,) * 4) for index in range(150))
    # In no order, and of many families.
    yield "".join('large_%d{zone="b",area="%d"} %%s\nlarge_%d{zone="a",area="%d"} %%s\n'
                  % (index * 7 % 400, index, index * 7 % 400, index) for index in range(400))
    # Of other label names in one family: the canonical text may depend on the grouping labels.
    yield "".join('large_mixed{%s="%d"} %%s\n' % (("zone", "area", "path")[index % 3], index) for index in range(900))
    # A series twice.
    yield "".join('large_twice{host="%d"} %%s\n' % (index % 899) for index in range(900))


def large_pushes(rng):
    kinds = tuple(large_kinds())
    for _ in range(LARGE_ROUNDS):
        kind = rng.choice(kinds)
        numbers = [str(rng.randrange(10 ** rng.randrange(1, 12))) for _ in range(kind.count("%s"))]
        if rng.random() < 0.3:
            numbers[rng.randrange(len(numbers))] = rng.choice(NUMBERS)
        path = rng.choice(LARGE_PATHS)
        if "%d" in path:
            path = path % rng.randrange(4)
        yield rng.choice(("POST", "PUT")), path.replace("%%", "%"), kind % tuple(numbers), rng.random() < 0.2


def send_only(sock, method, path, body, packed):
    headers = [("Content-Encoding", "gzip")] if packed else []
    sock.sendall(make_request(method, path, gzip.compress(body.encode()) if packed else body.encode(), headers))


def send(reader, sock, method, path, body, packed):
    send_only(sock, method, path, body, packed)
    return answer_of(reader)


def answer_of(reader):
    answer = read_response(reader)
    # The unique comment is a line of its own, which error texts count.
    return answer.status, re.sub(r"in line \d+", "in line", answer.text)


def repeated(gateway):
    return int(re.search(r"^sluice_pushes_repeated_total (\d+)$", gateway.scrape().text, re.M).group(1))


def groups(gateway):
    """The JSON API's groups in an order of their own, without the times of their pushes."""
    found = json.loads(gateway.request("GET", "/api/v1/metrics").text)["data"]
    for group in found:
        for name, family in group.items():
            if isinstance(family, dict) and "time_stamp" in family:
                del family["time_stamp"]
            if name in ("push_time_seconds", "push_failure_time_seconds"):
                del family["metrics"]
    return sorted(found, key=lambda group: json.dumps(group["labels"], sort_keys=True))


def check(checks, options, seed, flags=()):
    flags = ["--runtime.workers=1", *flags]
    with Gateway(options.binary, flags, options.backend) as one, Gateway(options.binary, flags, options.backend) as other:
        with one.connect() as sock, other.connect() as other_sock:
            reader, other_reader = Reader(sock), Reader(other_sock)
            for number, (method, path, body, packed) in enumerate(pushes(seed)):
                got = send(reader, sock, method, path, body, packed)
                wanted = send(other_reader, other_sock, method, path, "# push %d\n%s" % (number, body), packed)
                checks.equal(got, wanted, "answer", seed, flags, number, method, path, body)
        checks.equal(groups(one), groups(other), "JSON", seed, flags)
        if flags[1:]:
            return  # a scrape of inconsistent groups fails
        lines = [sorted(pushed_lines(gateway.scrape().text)) for gateway in (one, other)]
        checks.equal(lines[0], lines[1], "scrapes", seed)
        checks.that(repeated(one) > ROUNDS // 2, "many were compared", repeated(one))
        checks.equal(repeated(other), 0, "none that are unique")


def check_large(checks, options, seed, flags=()):
    """Pushes of large bodies are compared in slices, so that others come between; some clients go in the middle."""
    rng = random.Random(seed)
    flags = ["--runtime.workers=1", *flags]
    with Gateway(options.binary, flags, options.backend) as one, Gateway(options.binary, flags, options.backend) as other:
        socks = [one.connect() for _ in range(3)]
        readers = [Reader(sock) for sock in socks]
        with other.connect() as other_sock:
            other_reader = Reader(other_sock)
            for number, push in enumerate(large_pushes(rng)):
                # The same push three times, at once: all but one of them may find the skeleton lent.
                for sock in socks:
                    send_only(sock, *push)
                with one.connect() as leaver:
                    leaver.sendall(make_request(push[0], push[1], push[2].encode())[:-1])
                method, path, body, packed = push
                wanted = send(other_reader, other_sock, method, path, "# push %d\n%s" % (number, body), packed)
                for reader in readers:
                    checks.equal(answer_of(reader), wanted, "answer", seed, flags, number, method, path, body[:100])
        for sock in socks:
            sock.close()
        checks.equal(groups(one), groups(other), "JSON", seed, flags)
        if flags[1:]:
            return  # as above; and where much is refused little is learned
        checks.that(repeated(one) > LARGE_ROUNDS // 3, "many large ones were compared", repeated(one))
        checks.equal(repeated(other), 0, "none that are unique")


def main():
    options = arguments()
    checks = Checks("repeats")
    seed = random.randrange(1 << 32)
    print("seed", seed)
    check(checks, options, seed)
    check(checks, options, seed + 1, ["--push.disable-consistency-check"])
    check_large(checks, options, seed + 2)
    check_large(checks, options, seed + 3, ["--push.disable-consistency-check"])
    check_large(checks, options, seed + 4, ["--limits.expanded-bytes=131072"])
    checks.finish()


if __name__ == "__main__":
    main()
