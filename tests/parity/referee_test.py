"""The referee can fail: against toy gateways it finds what is wrong with one of them, and shrinks it to the least that shows it."""

import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

# pylint: disable=wrong-import-position
import curl  # noqa: E402
import generate  # noqa: E402
from fake_gateway import FakeGateway  # noqa: E402
from referee import Referee  # noqa: E402
from request import CHUNKED, CLOSE, EXPECT, LENGTH, PIPELINED, Request  # noqa: E402
from sides import Side  # noqa: E402

PROFILE = generate.Profile("test")
LINES = [b"m 1\n", b"n 2\n", b"o 3\n", b"p 4\n", b"# a comment\n", b"m 5\n"]


def noise(seed, count=30):
    """Pushes of several lines in every framing, scrapes and deletes; the flaws lie in wait for "m 1" and "n 2"."""
    rng = random.Random(seed)
    out = []
    for _ in range(count):
        target = "/metrics/job/" + rng.choice("abc")
        framing = rng.choice((LENGTH, LENGTH, CHUNKED, CLOSE, EXPECT, PIPELINED))
        parts = tuple(rng.sample(LINES, rng.randrange(1, 5)))
        headers = (("Content-Type", "text/plain"), ("X-Some", "header"))
        kind = rng.random()
        if kind < 0.2:
            out.append(Request("GET", "/metrics"))
        elif kind < 0.25:
            out.append(Request("DELETE", target))
        else:
            out.append(Request(rng.choice(("PUT", "POST")), target, headers, parts, framing=framing))
    return generate.without_pipelined_reads(out + [Request("GET", "/metrics")])


class Flaws(unittest.TestCase):
    def found(self, flaw, seed=1):
        """The shrunk finding, or None; and the referee."""
        fakes = FakeGateway(), FakeGateway(flaw)
        for fake in fakes:
            self.addCleanup(fake.stop)
        sides = Side("honest", fakes[0].start), Side("flawed", fakes[1].start)
        for side in sides:
            self.addCleanup(side.connection.close)
        referee = Referee(*sides, PROFILE)
        finding = referee.run(noise(seed))
        return (None if finding is None else referee.shrunk(finding, 60)), referee

    def shape(self, finding):
        return [
            (request.method, request.target, request.plain, request.headers, request.framing) for request in finding.requests
        ]

    def test_two_honest_ones_agree(self):
        for seed in range(5):
            finding, referee = self.found(None, seed)
            self.assertIsNone(finding)
            self.assertGreater(referee.sent, 20)

    def test_a_status_that_needs_two_pushes(self):
        finding, _ = self.found("status")
        self.assertEqual(finding.differences[0].what, "status")
        self.assertEqual((finding.theirs.status, finding.mine.status), (200, 400))
        self.assertEqual(sorted(request.plain for request in finding.requests), [b"m 1\n", b"n 2\n"])
        for request in finding.requests:
            self.assertEqual((request.headers, request.framing, len(request.parts)), ((), LENGTH, 1))

    def test_a_line_that_a_scrape_lacks(self):
        finding, _ = self.found("line")
        self.assertEqual(len(finding.requests), 2, self.shape(finding))
        self.assertEqual(finding.requests[0].plain.rstrip(), b"n 2")
        self.assertEqual((finding.requests[1].method, finding.requests[1].target), ("GET", "/metrics"))

    def test_a_header(self):
        finding, _ = self.found("header")
        self.assertEqual(finding.differences[0].what, "X-Content-Type-Options")
        self.assertEqual([request.plain for request in finding.requests], [b"n 2\n"])

    def test_a_connection_that_ends(self):
        finding, _ = self.found("closes")
        self.assertEqual((finding.theirs.status, finding.mine.status), (200, None))
        self.assertEqual([request.plain for request in finding.requests], [b"n 2\n"])

    def test_the_order_of_families(self):
        finding, _ = self.found("family order")
        self.assertEqual(finding.differences[0].what, "the families")
        self.assertEqual(len(finding.requests), 2, self.shape(finding))

    def test_the_order_inside_a_group(self):
        finding, _ = self.found("order")
        self.assertTrue(finding.differences[0].what.startswith("the order inside a group"), finding.differences)
        pushed = b"".join(request.plain.rstrip() + b"\n" for request in finding.requests[:-1])
        self.assertEqual((len(pushed.split(b"\n")), finding.requests[-1].method), (3, "GET"), self.shape(finding))

    def test_the_order_of_groups_is_left_out_and_counted(self):
        finding, referee = self.found("group order")
        self.assertIsNone(finding)
        self.assertGreater(referee.reasons.by_name["difference 9: order of groups"].count, 0)

    def test_the_report_runs(self):
        """The curl commands show the same difference to a person."""
        finding, _ = self.found("status")
        script = curl.script(finding, ())
        self.assertIn("# differs: status", script)
        flawed = FakeGateway("status")
        self.addCleanup(flawed.stop)
        script = script.replace("http://127.0.0.1:9091", "http://127.0.0.1:%d" % flawed.start())
        answers = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout
        self.assertIn("HTTP/1.1 400", answers.split("HTTP/1.1 200", 1)[1])


class Command(unittest.TestCase):
    """tests/parity/run itself."""

    def run_with(self, version):
        with tempfile.TemporaryDirectory() as folder:
            binary = pathlib.Path(folder) / "pushgateway"
            binary.write_text('#!/bin/sh\necho "pushgateway, version %s (branch: HEAD, revision: x)"\n' % version)
            binary.chmod(0o755)
            return subprocess.run(
                [HERE / "run", "--reference", binary, "--binary", "/bin/false"],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )

    def test_another_version_is_refused_not_compared_with(self):
        for version in ("1.11.1", "1.4.3", "0.9"):
            answer = self.run_with(version)
            self.assertEqual(answer.returncode, 1)
            self.assertIn("is Pushgateway %s, 1.11.2 or later is needed" % version, answer.stdout)
            self.assertNotIn("requests in", answer.stdout)


if __name__ == "__main__":
    unittest.main()
