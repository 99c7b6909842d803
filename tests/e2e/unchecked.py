"""--push.disable-consistency-check beside the reference with the same flag: every push is a 202, timestamps are dropped
with the failure time set, and inconsistent content makes the scrape a 500 until it is gone."""

import time

import protobuf_bodies as pb
from compare import pushed_lines, same_text, sort_groups
from gateway import Checks, Gateway, arguments
from reference import find_reference

HEAD = "An error has occurred while serving metrics:\n\n"
PROTOBUF = [("Content-Type", pb.CONTENT_TYPE)]

# Name, pushes (target below /metrics/job, body, header fields), the group whose DELETE makes the scrape good again.
INCONSISTENT = (
    ("two types", [("/a", b"# TYPE m counter\nm 1\n"), ("/b", b"# TYPE m gauge\nm 2\n")], "/b"),
    ("another type than ours", [("/a", b"# TYPE process_open_fds counter\nprocess_open_fds 1\n")], "/a"),
    ("a series twice in a push", [("/a", b"m{l=\"1\"} 1\nm{l=\"2\"} 1\nm{l=\"1\"} 2\n")], "/a"),
    ("a series of two groups", [("/a/x/1", b"m 1\n"), ("/a", b"m{x=\"1\"} 2\n")], "/a"),
    ("a summary of two groups", [("/a/x/1", b"# TYPE s summary\ns_sum 1\ns_count 1\n"),
                                 ("/a", b"# TYPE s summary\ns_sum{x=\"1\"} 1\ns_count{x=\"1\"} 1\n")], "/a"),
    ("a suffix in a push", [("/a", b"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"),
                            ("/b", b"# TYPE h_count gauge\nh_count 2\n")], "/b"),
    ("not UTF-8", [("/a", pb.family("m", pb.GAUGE, pb.metric(pb.part(1, pb.part(1, "l"), pb.part(2, b"\xff")), pb.gauge(1))),
                    PROTOBUF)], "/a"),
    ("quantile in a summary's group", [("/a/quantile/1", b"# TYPE s summary\ns_sum 1\ns_count 1\n")], "/a/quantile/1"),
    ("a gauge without a gauge", [("/a", pb.family("m", pb.GAUGE, pb.metric(pb.part(3, pb.double(1, 1)))), PROTOBUF)], "/a"),
    ("a label twice", [("/a", pb.family("m", pb.GAUGE, pb.metric(pb.label("l", "1"), pb.label("l", "2"), pb.gauge(1))),
                        PROTOBUF)], "/a"),
)


def scrape(gateway, good):
    """A scrape; of the reference, which acknowledges before it has stored, again until it is `good` or 5 s have passed."""
    end = time.monotonic() + (5 if gateway.is_reference else 0)
    while not good(answer := gateway.scrape()) and time.monotonic() < end:
        time.sleep(0.01)
    return answer


def check_one(checks, gateways, name, pushes, culprit):
    """The same to every gateway; the first is ours, the second, where there is one, the reference."""
    texts = []
    for gateway in gateways:
        for target, body, *headers in pushes:
            answer = gateway.request("POST", "/metrics/job" + target, body, *headers)
            checks.equal((answer.status, answer.body), (202, b""), name, target)
        answer = scrape(gateway, lambda answer: answer.status == 500)
        checks.equal(answer.status, 500, name, answer.text[:200])
        checks.equal(answer.header("Content-Type"), "text/plain; charset=utf-8", name)
        checks.equal(answer.header("X-Content-Type-Options"), "nosniff", name)
        checks.that(answer.text.startswith(HEAD) and answer.text.endswith("\n"), name, answer.text)
        checks.equal(gateway.request("DELETE", "/metrics/job" + culprit).status, 202, name)
        answer = scrape(gateway, lambda answer: answer.status == 200)
        checks.equal(answer.status, 200, name, "after the group was deleted", answer.text[:200])
        texts.append((answer.text, sort_groups(pushed_lines(answer.text))))
        for target, *_ in pushes:
            gateway.request("DELETE", "/metrics/job" + target)
    if len(texts) == 2:
        checks.equal(texts[0][1], texts[1][1], name, "the scrape afterwards")


def check_texts(checks, ours, theirs):
    """The 500's own text. Which of two groups the reference names is random, so it is asked until it names the same."""
    for name, pushes, _ in INCONSISTENT:
        for gateway in (ours, theirs):
            for target, body, *headers in pushes:
                gateway.request("POST", "/metrics/job" + target, body, *headers)
        mine = ours.scrape()
        answer = scrape(theirs, lambda answer, mine=mine: answer.status == 500 and same_text(mine.text, answer.text))
        checks.that(mine.status == answer.status == 500 and same_text(mine.text, answer.text), name, mine.text, answer.text)
        for gateway in (ours, theirs):
            for target, *_ in pushes:
                gateway.request("DELETE", "/metrics/job" + target)


def check_timestamps(checks, gateway):
    checks.equal(gateway.request("PUT", "/metrics/job/late", b"m 1 1\n").status, 202, "a timestamp")
    text = scrape(gateway, lambda answer: 'job="late"' in answer.text).text
    lines = [line for line in pushed_lines(text) if 'job="late"' in line]
    checks.equal(lines, ['push_failure_time_seconds{instance="",job="late"} <TIME>',
                         'push_time_seconds{instance="",job="late"} 0'], "it is dropped, and its time kept")
    checks.equal(gateway.request("PUT", "/metrics/job/late", b"m\n").status, 400, "malformed stays malformed")
    checks.equal(gateway.request("DELETE", "/metrics/job/late").status, 202, "delete")


def check_own(checks, gateway):
    """A group whose own two series would be invalid is still refused: nobody could make the scrape good again."""
    checks.equal(gateway.request("PUT", "/metrics/job/%ff", b"m 1\n").status, 400, "a grouping value that is not UTF-8")
    checks.equal(gateway.scrape().status, 200, "scrape")


def main():
    options = arguments()
    checks = Checks("unchecked")
    flags = ["--push.disable-consistency-check"]
    path, why = find_reference()
    with Gateway(options.binary, flags, options.backend) as ours:
        ours.is_reference = False
        check_timestamps(checks, ours)
        check_own(checks, ours)
        if path is None:
            checks.skip("reference", why)
            for case in INCONSISTENT:
                check_one(checks, [ours], *case)
        else:
            with Gateway(path, flags) as theirs:
                theirs.is_reference = True
                check_timestamps(checks, theirs)
                for case in INCONSISTENT:
                    check_one(checks, [ours, theirs], *case)
                check_texts(checks, ours, theirs)
    checks.finish()


if __name__ == "__main__":
    main()
