"""The referee's small parts, each by itself: codings, quoting, the three protobuf encodings, conflicts, reasons, determinism."""

import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

# pylint: disable=wrong-import-position
import api_answers  # noqa: E402
import codings  # noqa: E402
import conflicts  # noqa: E402
import curl  # noqa: E402
import expositions  # noqa: E402
import generate  # noqa: E402
import messages  # noqa: E402
import reasons  # noqa: E402
from answers import Difference  # noqa: E402
from protobuf_bodies import GAUGE, HISTOGRAM, NATIVE, family, gauge, label, metric, part  # noqa: E402
from request import Request  # noqa: E402
from sides import Answer  # noqa: E402

PLAIN, UTF8 = generate.PROFILES[:2]


class Codings(unittest.TestCase):
    def test_crc32c(self):
        self.assertEqual(codings.crc32c(b"123456789"), 0xE3069283)

    def test_snappy_frames(self):
        """The stream's start, then a compressed and an uncompressed chunk; the literal's tag says how many bytes follow."""
        frames = codings.snappy_frames(b"abcd")
        self.assertTrue(frames.startswith(b"\xff\x06\x00\x00sNaPpY\x00\x0a\x00\x00"))
        self.assertEqual(frames[18:23], b"\x02\xf4\x01\x00a")
        self.assertTrue(frames.endswith(b"cd"))


class Quoting(unittest.TestCase):
    def test_bash_reads_what_was_meant(self):
        for data in (b"plain", b"it's", b"a\n\tb\\c\r", b"\xff\xc3\xa91", b'$HOME `x` "q"', b"\x01f", b""):
            shown = subprocess.run(
                ["bash", "-c", "printf %s " + curl.quoted(data)], capture_output=True, check=True, timeout=60
            ).stdout
            self.assertEqual(shown, data)

    def test_nul_goes_as_base64(self):
        self.assertIn("base64 -d <<<YQBi", curl.body_option(b"a\0b"))


class Messages(unittest.TestCase):
    DELIMITED = family(
        "m", GAUGE, part(2, 'a "help"\n'), metric(label("l", "v\\"), gauge(0.5)), metric(label("l", "w"), gauge(1e21))
    )
    TEXT = (
        'name:"m"  help:"a \\"help\\"\\n" type:GAUGE metric:{label:{name:"l" value:"v\\\\"}  gauge:{value:0.5}} '
        'metric:{label:{name:"l" value:"w"} gauge:{value:1e+21}}\n'
    )
    LINES = (
        'name: "m"\nhelp: "a \\"help\\"\\n"\ntype: GAUGE\nmetric: {\n  label: {\n    name: "l"\n    value: "v\\\\"\n  }\n'
        '  gauge: {\n    value: 0.5\n  }\n}\nmetric: {\n  label: {\n    name: "l"\n    value: "w"\n  }\n  gauge: {\n    value: 1e+21\n  }\n}\n'
    )

    def test_three_encodings_of_one_family(self):
        one, compact, text = (
            messages.families("x; encoding=" + encoding, body)
            for encoding, body in (
                ("delimited", self.DELIMITED),
                ("compact-text", self.TEXT.encode()),
                ("text", self.LINES.encode()),
            )
        )
        for other in (compact, text):
            found = expositions.Comparison(one, other)
            self.assertEqual((found.differences, found.left_out), ([], []))
        self.assertEqual(one["m"][0].help, 'a "help"\n')

    def test_a_native_histogram_is_read(self):
        lines = messages.families("encoding=delimited", family("h", HISTOGRAM, metric(NATIVE)))["h"][0].lines
        self.assertIn("positive_delta:'1' positive_delta:'2' positive_span:{length:'2' offset:'0'}", lines[0])

    def test_a_value_that_differs_is_seen(self):
        other = self.DELIMITED[:-1] + b"\x45"
        found = expositions.Comparison(*(messages.families("encoding=delimited", data) for data in (self.DELIMITED, other)))
        self.assertEqual([what for what, _, _ in found.differences], ["the lines of m"])


class Conflicts(unittest.TestCase):
    SAME = 'collected metric "m" { label:{name:"l"  value:"}"} gauge:{value:%d}} was collected before with the same name and label values'
    OTHER = 'collected metric "n" { label:{name:"l" value:"v"} gauge:{value:1}} is not a COUNTER'

    def test_one_of_those_listed(self):
        listed = "invalid: 2 error(s) occurred:\n* %s\n* %s\n" % (self.SAME % 1, self.OTHER)
        self.assertTrue(conflicts.alike(listed, "invalid: " + self.SAME % 2 + "\n"))
        self.assertTrue(conflicts.alike(listed, "invalid: " + self.OTHER + "\n"))
        self.assertFalse(conflicts.alike(listed, "invalid: " + (self.SAME % 1).replace('"m"', '"o"') + "\n"))
        self.assertFalse(conflicts.alike(listed, "invalid: " + (self.SAME % 1).replace('"l"', '"k"') + "\n"))
        self.assertFalse(conflicts.alike(listed, "other: " + self.OTHER + "\n"))


class Expositions(unittest.TestCase):
    def compare(self, one, other):
        return expositions.Comparison(expositions.parse(one), expositions.parse(other))

    def test_times_are_masked_but_not_zero(self):
        text = '# TYPE push_time_seconds gauge\npush_time_seconds{job="a"} %s\n'
        self.assertEqual(self.compare(text % "1.7e+09", text % "1.8e+09").differences, [])
        self.assertEqual(len(self.compare(text % "1.7e+09", text % "0").differences), 1)

    def test_own_families_are_left_out(self):
        self.assertEqual(
            self.compare("# TYPE go_x gauge\ngo_x 1\n", "# TYPE process_y gauge\nprocess_y 1\n").differences, []
        )

    def test_help_may_differ_only_between_groups(self):
        times = '# TYPE push_time_seconds gauge\npush_time_seconds{job="a"} 0\npush_time_seconds{job="b"} 0\n'
        one = '# HELP m %s\n# TYPE m gauge\nm{job="a"} 1\n'
        self.assertEqual(len(self.compare(one % "x" + times, one % "y" + times).differences), 1)
        both = one + 'm{job="b"} 1\n'
        self.assertEqual(self.compare(both % "x" + times, both % "y" + times).differences, [])

    def test_ties_are_random(self):
        times = '# TYPE push_time_seconds gauge\npush_time_seconds{job="a"} 0\n'
        lines = ['m{job="a",k="1"} 1\n', 'm{job="a",l="1"} 2\n']
        head = "# TYPE m gauge\n"
        found = self.compare(head + "".join(lines) + times, head + "".join(lines[::-1]) + times)
        self.assertEqual(found.differences, [])
        self.assertIn("random ties", [what for what, _, _ in found.left_out])


class Api(unittest.TestCase):
    GROUP = '{"status":"success","data":[{"labels":{"job":"%s"},"m":{"time_stamp":"%s","type":"GAUGE","metrics":[{"value":"%s"}]}}]}'

    def test_times_are_masked_values_are_not(self):
        one = self.GROUP % ("a", "2026-01-01T00:00:00Z", "1")
        self.assertEqual(api_answers.compare(one, self.GROUP % ("a", "2026-02-02T00:00:00Z", "1")), ([], []))
        self.assertEqual(
            api_answers.compare(one, self.GROUP % ("a", "2026-01-01T00:00:00Z", "2")),
            ([(".data[0].m.metrics[0].value", "1", "2")], []),
        )


class KnownReasons(unittest.TestCase):
    def explain(self, *requests, profile=PLAIN, theirs=None, mine=None):
        case = reasons.Case(
            requests[-1], Difference("status", 200, 400), theirs or Answer(200), mine or Answer(400), list(requests), profile
        )
        found = reasons.Reasons().explain(case)
        return found and found.name

    def test_each_applies_to_its_own(self):
        scrape = Request("GET", "/metrics")
        for target, name in (
            ("/metrics/job/%ff", "difference 1: a grouping value that is not UTF-8"),
            ("/metrics/job/t/zone@base64/gA", "difference 1: a grouping value that is not UTF-8"),
            ("/metrics/job/t/instance/", "difference 1: an empty instance in the key"),
            ("/metrics/job/t/instance@base64/==", "difference 1: an empty instance in the key"),
            ("/metrics/job/t/zone@base64/", None),
            ("/metrics/job/t/instance/i", None),
            ("/metrics/job/%C3%A9", None),
        ):
            self.assertEqual(self.explain(Request("PUT", target), scrape), name, target)

    def test_by_the_body(self):
        scrape = Request("GET", "/metrics")
        for body, name in (
            (b"go_x 1\n", "difference 4: go_* families"),
            (b"m 1\n", None),
            (b"push_failure_time_seconds 1\n", "difference 10: push times are ours"),
            (b"process_x 1\n", "difference 1: names of the gateway's own families"),
        ):
            self.assertEqual(self.explain(Request("PUT", "/metrics/job/t", parts=(body,)), scrape), name, body)

    def test_what_is_left_out_has_a_reason(self):
        names = {reason.name for reason in reasons.known()}
        self.assertLessEqual(set(reasons.LEFT_OUT.values()), names)

    def test_the_readme_lists_them_all(self):
        text = (HERE / "README.md").read_text(encoding="utf-8")
        for reason in reasons.known():
            self.assertIn(reason.name, text)


class Sequences(unittest.TestCase):
    def test_the_same_seed_gives_the_same_bytes(self):
        for profile in generate.PROFILES:
            one, other = ([(r.head(), r.framed_body()) for r in generate.sequence(7, 3, profile)] for _ in range(2))
            self.assertEqual(one, other)

    def test_every_kind_comes_up(self):
        requests = [request for number in range(150) for request in generate.sequence(1, number, UTF8)]
        self.assertEqual({r.framing for r in requests}, {"length", "chunked", "close", "pipelined", "expect"})
        self.assertLessEqual({"gzip", "snappy", "gzip-members"}, {r.coding for r in requests})
        self.assertTrue(any("U__" in r.target for r in requests))
        self.assertTrue(any("@base64" in r.target for r in requests))
        self.assertTrue(any(b'{"' in r.plain for r in requests))
        self.assertTrue(any("protobuf" in (r.header("Content-Type") or "") for r in requests))
        self.assertTrue(any("escaping" in (r.header("Accept") or "") for r in requests))
        self.assertLessEqual({"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD"}, {r.method for r in requests})


if __name__ == "__main__":
    unittest.main()
