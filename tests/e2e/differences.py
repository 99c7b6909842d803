"""Where the gateway differs from Pushgateway 1.11.3 on purpose: one check for each line of README's compatibility table."""

import socket
import subprocess

from compare import pushed_lines
from gateway import Checks, Gateway, Reader, arguments, make_request, read_response


def check_no_push_breaks_the_scrape(checks, options):
    """1. The reference's scrape fails from each of these requests on, until somebody deletes the group."""
    with Gateway(options.binary, backend=options.backend) as gateway:
        for target in ("/metrics/job/%ff", "/metrics/job@base64/_w", "/metrics/job/t/zone/%ff"):
            checks.equal(gateway.request("POST", target, b"a 1\n").status, 400, target)
        checks.equal(pushed_lines(gateway.scrape().text), [], "they leave no group behind")
        for target, body in (("/metrics/job/j/instance/", b"a 1\n"), ("/metrics/job/j", b"b 1\n")):
            checks.equal(gateway.request("POST", target, body).status, 200, target)
        lines = pushed_lines(gateway.scrape().text)
        checks.equal([line for line in lines if line[0] in "ab"],
                     ['a{instance="",job="j"} 1', 'b{instance="",job="j"} 1'], "an empty instance is the same group")
        checks.equal(len([line for line in lines if line.startswith("push_time_seconds{")]), 1, "one group")


def check_own_names(checks, options):
    """1. A family that we expose too is shared while it has our type; 4. go_* is nobody's."""
    with Gateway(options.binary, backend=options.backend) as gateway:
        counter = b"# TYPE pushgateway_http_requests_total counter\npushgateway_http_requests_total{handler=\"x\"} 1\n"
        checks.equal(gateway.request("POST", "/metrics/job/t", counter).status, 200, "an own name before its first use")
        checks.equal(gateway.request("POST", "/metrics/job/t", b"# TYPE process_cpu_seconds_total gauge\n"
                                                               b"process_cpu_seconds_total 1\n").status,
                     400, "an own name with another type")
        checks.equal(gateway.request("POST", "/metrics/job/t", b"# TYPE process_cpu_seconds_total counter\n"
                                                               b"process_cpu_seconds_total 17\n").status,
                     200, "an own name with its type")
        checks.equal(gateway.request("POST", "/metrics/job/t", b"# TYPE go_goroutines counter\ngo_goroutines 1\n").status,
                     200, "go_goroutines as a counter")
        scrape = gateway.scrape()
        checks.equal(scrape.status, 200, "the scrape goes on")
        text = scrape.text
        for name in ("process_cpu_seconds_total", "pushgateway_http_requests_total"):
            checks.equal(text.count("# TYPE %s counter\n" % name), 1, "one family", name)
        checks.that('process_cpu_seconds_total{instance="",job="t"} 17\n' in text, "the pushed sample is shown")
        checks.that('go_goroutines{instance="",job="t"} 1\n' in text, "go_goroutines is shown")
        checks.equal([line for line in text.split("\n") if line.startswith("# TYPE go_")],
                     ["# TYPE go_goroutines counter"], "no go_* of ours")


def check_first_conflict_is_named(checks, options):
    """2. The same push names the same conflict every time."""
    body = b"# TYPE a counter\na 1\n# TYPE b counter\nb 1\n# TYPE c counter\nc 1\n"
    with Gateway(options.binary, backend=options.backend) as gateway:
        checks.equal(gateway.request("PUT", "/metrics/job/one", b"# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n"
                                                                b"# TYPE c gauge\nc 1\n").status, 200, "first")
        answers = {gateway.request("PUT", "/metrics/job/two", body).text for _ in range(20)}
        checks.equal(len(answers), 1, "one text", answers)
        checks.that("collected metric \"a\" {" in answers.copy().pop(), "the first family is named", answers)


def check_port_in_use(checks, options):
    """3. A port in use ends the start with exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = subprocess.run(
            [options.binary, "--web.listen-address=127.0.0.1:%d" % taken.getsockname()[1]],
            capture_output=True, text=True, timeout=60, check=False)
        checks.equal(ended.returncode, 1, "port in use", ended.stderr)


def check_routes_that_are_not_there(checks, options):
    """5. No profiling endpoints."""
    with Gateway(options.binary, backend=options.backend) as gateway:
        for target in ("/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline"):
            checks.equal(gateway.request("GET", target).status, 404, target)


def check_ambiguous_requests(checks, options):
    """6. What two servers can read differently is refused, and the connection closed."""
    with Gateway(options.binary, backend=options.backend) as gateway:
        with gateway.connect() as sock:
            sock.sendall(make_request("POST", "/metrics/job/t", b"4\r\na 1\n\r\n0\r\n\r\n",
                                      (("Content-Length", "4"), ("Transfer-Encoding", "chunked"))))
            reader = Reader(sock)
            checks.equal(read_response(reader).status, 400, "two lengths")
            checks.equal(reader.rest(), b"", "the connection is closed")
        checks.equal(pushed_lines(gateway.scrape().text), [], "nothing is stored")


def check_order(checks, options):
    """9. Groups inside a family come in an order of our own, which is stable while nothing changes."""
    with Gateway(options.binary, backend=options.backend) as gateway:
        for number in range(200):
            checks.equal(gateway.request("PUT", "/metrics/job/t/n/%d" % number, b"b 1\na 2\na{x=\"y\"} 1\n").status, 200)
        scrapes = [pushed_lines(gateway.scrape().text, mask_times=False) for _ in range(5)]
        checks.that(all(scrape == scrapes[0] for scrape in scrapes), "the order is stable")
        families = [line.split(" ")[2] for line in scrapes[0] if line.startswith("# TYPE")]
        checks.equal(families, ["a", "b", "push_failure_time_seconds", "push_time_seconds"], "sorted and contiguous")


def check_push_times_are_ours(checks, options):
    """10. Both push times are ours, in new and in existing groups."""
    pushed = (b"# TYPE push_time_seconds counter\npush_time_seconds 17\n"
              b"# TYPE push_failure_time_seconds counter\npush_failure_time_seconds{x=\"y\"} 17\na 1\n")
    with Gateway(options.binary, backend=options.backend) as gateway:
        for step in ("new group", "existing group"):
            checks.equal(gateway.request("POST", "/metrics/job/t", pushed).status, 200, step)
            lines = pushed_lines(gateway.scrape().text)
            checks.equal([line for line in lines if line.startswith("push_") or line.startswith("# TYPE push_")],
                         ["# TYPE push_failure_time_seconds gauge", 'push_failure_time_seconds{instance="",job="t"} 0',
                          "# TYPE push_time_seconds gauge", 'push_time_seconds{instance="",job="t"} <TIME>'], step)


def main():
    options = arguments()
    checks = Checks("differences")
    for check in (check_no_push_breaks_the_scrape, check_own_names, check_first_conflict_is_named, check_port_in_use,
                  check_routes_that_are_not_there, check_ambiguous_requests, check_order, check_push_times_are_ours):
        check(checks, options)
    checks.finish()


main()
