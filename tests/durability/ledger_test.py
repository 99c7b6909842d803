"""The judge finds each thing that it is there for, in scrapes that are written here."""

import time
import unittest

import ledger


class Verdicts:
    """Checks that remember what failed."""

    def __init__(self):
        self.failed = []

    def that(self, condition, *what):
        if not condition:
            self.failed.append(str(what[0]))
        return bool(condition)

    def equal(self, got, wanted, *what):
        return self.that(got == wanted, *what)


def series(number, instance="0", values=None, lines=None):
    """The lines of a scrape that change `number` of a group makes."""
    at = 'instance="%s",job="durability"' % instance
    text = ["first{%s} %d" % (at, number), 'second{%s,side="other"} %d' % (at, number if values is None else values)]
    count = ledger.lines_of(number) if lines is None else lines
    return "\n".join(text + ['pad{%s,line="%d"} %d' % (at, line, number) for line in range(count)]) + "\n"


class Judge(unittest.TestCase):
    def setUp(self):
        self.book = ledger.Ledger(groups=1)
        self.group = self.book.groups[0]
        self.group.acked, self.group.sent = 5, 7

    def judge(self, text, floors=None):
        verdicts = Verdicts()
        self.state = self.book.judge(verdicts, text, "here", floors)
        return verdicts.failed

    def test_what_may_be(self):
        for number in (5, 6, 7):
            self.assertEqual(self.judge(series(number)), [], number)
            self.assertEqual(self.state, {"0": number})
        stamp = 'push_time_seconds{instance="0",job="durability"} 1.7e+09\n'
        self.assertEqual(self.judge(stamp + series(6)), [])

    def test_what_is_lost(self):
        self.assertEqual(self.judge(series(4)), ["an old or unknown value:"])
        self.assertEqual(self.judge(""), ["lost:"])
        self.group.deletes = {4}
        self.assertEqual(self.judge(""), ["lost:"])

    def test_deletes(self):
        self.group.deletes = {6}
        self.assertEqual(self.judge(""), [])
        self.assertEqual(self.judge(series(6)), ["a value that was never sent:"])
        self.group.deletes = {5}
        self.assertEqual(self.judge(""), [])
        self.assertEqual(self.judge(series(4)), ["an old or unknown value:"])

    def test_what_was_never_sent(self):
        self.assertEqual(self.judge(series(8)), ["an old or unknown value:"])
        self.assertEqual(self.judge(series(6) + series(6, instance="1")), ["never pushed"])
        self.assertEqual(self.judge(series(6) + 'third{instance="0",job="durability"} 6\n'), ["never pushed"])
        self.assertEqual(self.judge(series(6) + 'x{job="\\377"} 6\n'), ["never pushed"])

    def test_parts(self):
        self.assertEqual(self.judge(series(6, values=5)), ["a mixture of pushes:"])
        self.assertEqual(self.judge(series(6, lines=ledger.lines_of(6) - 1)), ["half of a push:"])
        self.assertEqual(self.judge(series(6).split("\n", 1)[1]), ["half of a push:"])

    def test_what_was_lost_stays_away(self):
        self.assertEqual(self.judge(series(5)), [])
        self.book.settle(self.state)
        self.assertEqual(self.judge(series(5)), [])
        self.assertEqual(self.judge(series(6)), ["what was lost is back:"])
        self.group.sent = 8
        self.assertEqual(self.judge(series(8)), [])

    def test_settled_by_a_delete(self):
        self.group.deletes = {6}
        self.assertEqual(self.judge(""), [])
        self.book.settle(self.state)
        self.assertEqual(self.judge(""), [])
        self.assertIn("what was lost is back:", self.judge(series(7)))

    def test_floors_of_a_moment(self):
        now = time.monotonic()
        self.book.acks = [(now - 9, now - 8, self.group, 3), (now - 2, now - 1, self.group, 5)]
        self.assertEqual(self.book.floors(before=now - 5), {"0": 3})
        self.assertEqual(self.book.floors(before=now), {"0": 5})
        self.assertEqual(self.judge(series(4), self.book.floors(before=now - 5)), [])
        self.assertEqual(self.judge(series(2), self.book.floors(before=now - 5)), ["an old or unknown value:"])


class Shown(unittest.TestCase):
    def test_body(self):
        self.assertEqual(ledger.body(3).decode().split("\n")[:2], ["first 3", 'second{side="other"} 3'])
        self.assertEqual(len(ledger.body(3).split(b"\n")), 2 + ledger.lines_of(3) + 1)
        self.assertEqual(ledger.metric("a 1\nb 2\n", "b"), 2)
        self.assertIsNone(ledger.metric("a 1\nbb 2\n", "b"))


if __name__ == "__main__":
    unittest.main()
