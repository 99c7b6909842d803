"""bench/suite: medians, ratios and verdicts; the report in both forms; what is read from the programs that it runs."""
import json
import pathlib
import socket
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from suite import loads, main, sizes  # noqa: E402
from suite.bodies import fill_batches, gauges_body, large_body, request, series_body  # noqa: E402
from suite.contestants import Server  # noqa: E402
from suite.context import Bench  # noqa: E402
from suite.figures import (Failed, Figure, Load, NotRun, control_ratio, latency_void, meets, number,  # noqa: E402
                           rate_ratio)
from suite.programs import read_benchmarks  # noqa: E402
from suite.latency import Run, left_out_text, left_out_void  # noqa: E402
from suite.report import Report, Row  # noqa: E402
from suite.witness import BEFORE_NS, BEHIND, BEHIND_NS, read_rows, shadows, undisturbed  # noqa: E402


class Figures(unittest.TestCase):
    def test_median_and_spread(self):
        figure = Figure([3, 1, 2], "ms")
        self.assertEqual((figure.median, figure.low, figure.high), (2, 1, 3))
        self.assertEqual(str(figure), "2.00 ms (1.00-3.00)")
        self.assertEqual(str(Figure([1234.5], "/s")), "1234 /s")

    def test_numbers_are_short(self):
        self.assertEqual([number(value) for value in (0, 123456.7, 12.345, 0.5, 0.00123456)],
                         ["0", "123457", "12.35", "0.50", "0.00123"])

    def test_targets(self):
        self.assertTrue(meets(0.9, ">= 0.9"))
        self.assertFalse(meets(0.89, ">= 0.9"))
        self.assertTrue(meets(2, "<= 2"))
        self.assertFalse(meets(2.1, "<= 2"))
        self.assertIsNone(meets(1, ""))
        self.assertIsNone(meets(None, ">= 1"))

    def test_by_rate_while_the_clients_have_time(self):
        ours, theirs = [Load(200, 0.004, 0.5)], [Load(100, 0.012, 0.9)]
        self.assertEqual(rate_ratio(ours, theirs), (2, "rate"))

    def test_by_cpu_when_either_client_is_too_busy(self):
        busy, idle = [Load(200, 0.004, 0.95)], [Load(100, 0.012, 0.5)]
        for ours, theirs, want in ((busy, idle, 3), (idle, busy, 1 / 3)):
            ratio, basis = rate_ratio(ours, theirs)
            self.assertEqual(basis, "CPU")
            self.assertAlmostEqual(ratio, want)

    def test_one_busy_round_of_three_is_not_the_median(self):
        rounds = [Load(100, 0.01, busy) for busy in (0.5, 0.99, 0.5)]
        self.assertEqual(rate_ratio(rounds, rounds), (1, "rate"))

    def test_control(self):
        self.assertAlmostEqual(control_ratio([0.2], [0.1]), 2)
        self.assertAlmostEqual(control_ratio([0.1], [0.2]), 2)

    def test_restless_machines_void_a_latency(self):
        self.assertEqual(latency_void([0.10, 0.11], [0.12, 0.10]), "")
        self.assertIn("A/A", latency_void([0.1], [0.2]))
        self.assertIn("p99", latency_void([5], [5]))


class Pauses(unittest.TestCase):
    SECOND = 1_000_000_000

    def test_a_shadow_begins_before_a_pause_and_grows_with_it(self):
        behind = BEHIND * 2_000_000 + BEHIND_NS
        self.assertEqual(shadows([(self.SECOND, self.SECOND + 2_000_000)]),
                         [(self.SECOND - BEFORE_NS, self.SECOND + 2_000_000 + behind)])

    def test_shadows_that_touch_are_one_also_out_of_order(self):
        long, inside, later = (0, 50_000_000), (60_000_000, 61_000_000), (9 * self.SECOND, 9 * self.SECOND + 1)
        found = shadows([later, inside, long])
        self.assertEqual([found[0][0], len(found)], [-BEFORE_NS, 2])
        self.assertEqual(found[0][1], 50_000_000 + BEHIND * 50_000_000 + BEHIND_NS)

    def test_what_was_planned_near_a_pause_is_left_out_whatever_became_of_it(self):
        rows = [(planned * 1_000_000, 7 if planned % 2 else 900_000_000) for planned in range(0, 1000)]
        found = undisturbed(rows, [(500_000_000, 501_000_000)], self.SECOND)
        gone = BEFORE_NS // 1_000_000 + 1 + BEHIND + BEHIND_NS // 1_000_000 + 1
        self.assertEqual([len(window) for window in found.windows], [1000 - gone])
        self.assertAlmostEqual(found.left_out, gone / 1000)
        self.assertEqual(undisturbed(rows, [], self.SECOND).left_out, 0)

    def test_the_median_of_the_windows_percentiles(self):
        # Five windows of a hundred: the 99th of each is its second longest.
        rows = [(window * 100 + n, 1_000_000 * window if n == 50 else 9_000_000_000 if n == 60 else 1)
                for window in (3, 1, 2, 5, 4) for n in range(100)]
        found = undisturbed(rows, [], 100)
        self.assertEqual(len(found.windows), 5)
        self.assertEqual(found.percentile_ms(99), 3)
        self.assertEqual(found.percentile_ms(100), 9000)
        self.assertEqual(found.percentile_ms(50), 1e-6)

    def test_a_window_of_which_less_than_half_is_left_does_not_count(self):
        rows = [(n * 1_000_000, 1) for n in range(40)]
        found = undisturbed(rows, [(23_000_000, 23_000_001)], 20_000_000)
        self.assertEqual([len(window) for window in found.windows], [20, 13])
        found = undisturbed(rows, [(23_000_000, 23_700_000)], 20_000_000)
        self.assertEqual([len(window) for window in found.windows], [20])

    def test_nothing_to_judge_is_a_failure(self):
        with self.assertRaises(Failed):
            undisturbed([], [], self.SECOND)

    def test_rows_as_sluice_load_writes_them(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("planned_ns,latency_ns\n12,34\n56,78\n")
            file.flush()
            self.assertEqual(read_rows(file.name), [(12, 34), (56, 78)])

    def test_a_disturber_that_stops_the_machine_makes_the_row_void(self):
        quiet, loud = [Run(0.1, 0.2, share) for share in (0.02, 0.04, 0.9)], [Run(0.3, 0.4, 0.2)]
        self.assertIn("more often", left_out_void(quiet, loud))
        self.assertEqual(left_out_void(loud, quiet), "")
        self.assertIn("20 % and 4 %", left_out_text(quiet, loud))
        self.assertEqual(left_out_void([Run(1, 1, None)], [Run(1, 1, None)]), "")
        self.assertIn("no real-time", left_out_text([Run(1, 1, None)], [Run(1, 1, None)]))


class Reports(unittest.TestCase):
    def test_markdown_and_json_agree(self):
        lines = []
        report = Report("a machine", "bench/compare --rows P1", "quick", out=lines.append)
        report.begin()
        report.add(Row("P1", "a | b", sluice="1", against="2", ratio=0.5, basis="rate", target=">= 0.4", note="n",
                       figures={"sluice": Figure([1, 2, 4], "/s")}, commands=["wrk"]))
        report.add(Row("P2", "what", ratio=0.5, target=">= 1"))
        report.add(Row("P3", "what", ratio=0.5, target=">= 0.1", void="restless", note="n"))
        report.add(Row("P4", "what", not_run="no wrk"))
        report.end(1)
        found = json.loads(report.as_json())
        self.assertEqual((found["machine"], found["command"], found["form"]),
                         ("a machine", "bench/compare --rows P1", "quick"))
        self.assertIn("a machine", lines[0])
        table = [line for line in "\n".join(lines).split("\n") if line.startswith("| P")]
        self.assertEqual(len(table), len(found["rows"]))
        for line, row in zip(table, found["rows"]):
            cells = [cell.strip() for cell in line.replace("\\|", "/").strip("|").split("|")]
            self.assertEqual(len(cells), 8)
            self.assertEqual(cells[0], row["row"])
            self.assertEqual(cells[1], row["what"].replace("|", "/"))
            self.assertEqual(cells[5], row["target"])
            if row["ratio"] is not None:
                self.assertTrue(cells[4].startswith(number(row["ratio"])))
        self.assertEqual([row["met"] for row in found["rows"]], [True, False, None, None])
        self.assertEqual([line.split(" | ")[6] for line in table], ["yes", "NO", "void", "not run"])
        self.assertTrue(table[2].endswith("| restless; n |"))
        self.assertEqual(found["rows"][0]["figures"]["sluice"],
                         {"median": 2, "low": 1, "high": 4, "rounds": [1, 2, 4], "unit": "/s"})
        self.assertIn("    P1: wrk", lines)

    def test_rows_are_chosen_once_and_by_their_aliases(self):
        rows = main.all_rows()
        self.assertEqual(list(main.chosen_rows("p13,P9,F1", rows)), ["P9", "F1"])
        self.assertEqual(list(main.chosen_rows(None, rows)), list(rows))
        with self.assertRaises(SystemExit):
            main.chosen_rows("P99", rows)

    def test_every_target_of_this_suite_has_a_row(self):
        wanted = range(1, 23)
        self.assertEqual({*main.all_rows(), *main.ALIASES}, {"P%d" % n for n in wanted} | {"F1", "F2", "F3", "F4", "S2"})

    def test_what_cannot_run_and_what_goes_wrong(self):
        report = Report("m", "c", "quick", out=lambda line: None)
        bench = Bench(main.parse(["--quick"]), sizes.QUICK, report)

        def raising(error):
            def row(_):
                """what it is"""
                raise error
            return row

        self.assertTrue(bench.run("P1", raising(NotRun("no wrk"))))
        self.assertTrue(bench.run("P1", raising(loads.Late("late"))))
        self.assertFalse(bench.run("P1", raising(Failed("refused"))))
        self.assertEqual([(row.not_run, row.void, row.note) for row in report.rows],
                         [("no wrk", "", ""), ("", "late", ""), ("", "", "FAILED: refused")])
        self.assertTrue(all(row.what == "what it is" for row in report.rows))

    def test_contestants_alternate(self):
        order = []
        bench = Bench(main.parse(["--rounds", "3"]), sizes.FULL, None)
        bench.rounds(lambda: order.append("a"), lambda: order.append("b"))
        self.assertEqual("".join(order), "abbaab")


class Programs(unittest.TestCase):
    def test_repetitions_of_google_benchmark(self):
        text = json.dumps({"benchmarks": [
            {"name": "a/repeats:2", "run_name": "a", "run_type": "iteration", "items_per_second": 1.0},
            {"name": "a/repeats:2", "run_name": "a", "run_type": "iteration", "items_per_second": 3.0},
            {"name": "a_mean", "run_name": "a", "run_type": "aggregate", "items_per_second": 2.0}]})
        self.assertEqual(read_benchmarks(text)["a"]["items_per_second"], [1.0, 3.0])

    def test_a_wrong_answer_is_no_figure(self):
        with self.assertRaises(Failed):
            read_benchmarks(json.dumps({"benchmarks": [
                {"name": "a", "run_name": "a", "error_occurred": True, "error_message": "wrong result"}]}))

    def wrk(self, line):
        """run_wrk with a stand-in that prints this line."""
        with tempfile.TemporaryDirectory() as folder:
            stand_in = pathlib.Path(folder) / "wrk"
            stand_in.write_text("#!/bin/sh\necho \"%s\"\n" % line)
            stand_in.chmod(0o755)
            server = type("Fake", (), {"name": "fake", "url": "http://127.0.0.1:1", "cpu_seconds": lambda self: 2.0})()
            return loads.run_wrk(str(stand_in), server, 1, groups=7, close=True)

    def test_wrk(self):
        load, command = self.wrk("RESULT requests=3000 duration_us=1500000 status=0 socket=5 p50_us=1 p99_us=2")
        self.assertEqual((load.rate, load.cpu), (2000, 0))
        self.assertRegex(command, r"^SLUICE_BENCH_GROUPS=7 SLUICE_BENCH_CLOSE=1 (nice -n -20 )?taskset -c \d")

    def test_wrk_with_bad_answers(self):
        for line in ("RESULT requests=1 duration_us=1 status=1 socket=0 p50_us=1 p99_us=1", "unable to connect"):
            with self.assertRaises(Failed):
                self.wrk(line)


class Lines(unittest.TestCase):
    def answered(self, pieces, answers):
        """Line.send() with a server that sends these pieces, one after the other."""
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server = type("Fake", (), {"name": "fake", "connect": lambda self: ours})()

        def serve():
            theirs.recv(10)
            for piece in pieces:
                theirs.sendall(piece)
                threading.Event().wait(0.02)
            theirs.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with loads.Line(server) as line:
                line.send(b"x", answers)
        finally:
            thread.join()

    def test_answers_in_any_pieces(self):
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        for cut in range(1, len(answer)):
            self.answered([answer + answer[:cut], answer[cut:] + answer], 3)

    def test_a_refusal(self):
        with self.assertRaises(Failed):
            self.answered([b"HTTP/1.1 400 Bad Request\r\n\r\n"], 1)

    def test_an_early_end(self):
        with self.assertRaises(Failed):
            self.answered([b"HTTP/1.1 200 OK\r\n\r\n"], 2)


class Bodies(unittest.TestCase):
    def test_workload_s(self):
        body = gauges_body(7)
        self.assertEqual(body.count(b"\n"), 20)
        self.assertTrue(1000 < len(body) < 1300, len(body))
        self.assertEqual(gauges_body(7, 1).count(b"\n"), 2)

    def test_a_fill_has_every_group_once(self):
        batches = fill_batches(150)
        self.assertEqual(sum(answers for _, answers in batches), 150)
        text = b"".join(data for data, _ in batches)
        for group in range(1, 151):
            self.assertEqual(text.count(b"/instance/host-%d HTTP" % group), 1)

    def test_sizes(self):
        self.assertTrue(950_000 < len(large_body(1_000_000)) <= 1_000_000)
        self.assertEqual(series_body(15).count(b"\n"), 16)
        self.assertTrue(request("PUT", "/x", b"abc").endswith(b"Content-Length: 3\r\n\r\nabc"))


class Servers(unittest.TestCase):
    def test_one_that_does_not_start(self):
        with self.assertRaises(Failed) as caught:
            Server("broken", ["sh", "-c", "echo no such thing; exit 3"], 1)
        self.assertIn("no such thing", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
