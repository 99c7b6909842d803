"""What every row works with: options, sizes, programs, and the alternation of contestants."""

import contextlib
import os
import subprocess
import tempfile

from suite import contestants, loads
from suite.figures import Failed, NotRun, load_figures, load_text, rate_ratio
from suite.report import Row


class Bench:
    def __init__(self, options, sizes, report):
        self.options, self.sizes, self.report = options, sizes, report
        self.commands = []  # of the row that is being measured
        self.once_results = {}

    # ---- Programs ----------------------------------------------------------------------------------------------------
    def product(self, name):
        path = os.path.join(contestants.SOURCE, self.options.build, name)
        if not os.path.exists(path):
            raise NotRun("there is no %s/%s; tools/build makes it" % (self.options.build, name))
        return path

    def bench_program(self, name):
        """A program of bench/, as the sources are now; another folder than that of the preset is its owner's to build."""
        folder = os.path.join(contestants.SOURCE, self.options.bench_build)
        path = os.path.join(folder, "bench", name)
        if os.path.basename(folder) == "bench":
            return self.once("built " + name, lambda: build_program(folder, name, path))
        if not os.path.exists(path):
            raise NotRun("there is no %s" % path)
        return path

    @property
    def wrk(self):
        return self.once("wrk", lambda: contestants.tool("peers", "wrk"))

    def once(self, key, make):
        """What several rows need: made by the first."""
        if key not in self.once_results:
            self.once_results[key] = make()
        return self.once_results[key]

    # ---- Contestants -------------------------------------------------------------------------------------------------
    def note_command(self, command):
        command = command.replace(contestants.SOURCE + "/", "")
        if command not in self.commands:
            self.commands.append(command)

    def started(self, server):
        self.note_command(server.command)
        return server

    def sluice(self, *flags, backend=None, tls=False):
        return self.started(contestants.sluice(self.product("sluice"), backend or self.options.backend, *flags, tls=tls))

    def discard_server(self):
        return self.started(contestants.discard_server(self.bench_program("discard_server"), self.options.backend))

    def reference(self, *flags):
        return self.started(contestants.reference(*flags))

    @contextlib.contextmanager
    def filled_reference(self, groups):
        """The reference with its consistency check on and so many groups: they are loaded from its own file, because
        pushing them against the check takes time that grows with the square of their number."""
        with tempfile.TemporaryDirectory() as folder:
            kept = "--persistence.file=" + os.path.join(folder, "state")
            with contestants.reference(kept, "--push.disable-consistency-check") as unchecked:
                loads.fill(unchecked, groups)
            with self.reference(kept) as server:
                yield server

    @contextlib.contextmanager
    def nginx(self, folder=None, body_file=None, pair=None):
        with contextlib.ExitStack() as stack:
            if folder is None:
                folder = stack.enter_context(tempfile.TemporaryDirectory())
            yield stack.enter_context(self.started(contestants.nginx(folder, body_file, pair)))

    # ---- Loads -------------------------------------------------------------------------------------------------------
    def push(self, server, groups=1000, seconds=None, **settings):
        load, command = loads.run_wrk(self.wrk, server, seconds or self.sizes.seconds, groups=groups, **settings)
        self.note_command(command)
        return load

    def sluice_load(self, server, *flags):
        result, command = loads.run_sluice_load(self.product("sluice-load"), server, *flags)
        self.note_command(command)
        return result

    def scrape(self, server, gzip=False):
        found, command = loads.scrape(server, gzip)
        self.note_command(command)
        return found

    def scrape_at_once(self, server, scrapers, gzip=False):
        found, command = loads.scrape_at_once(server, scrapers, gzip)
        self.note_command(command)
        return found

    # ---- Rounds and rows ---------------------------------------------------------------------------------------------
    def rounds(self, *measures):
        """Calls the measures in turn, alternating who begins; each one's results."""
        results = [[] for _ in measures]
        for number in range(self.options.rounds or self.sizes.rounds):
            order = range(len(measures)) if number % 2 == 0 else reversed(range(len(measures)))
            for index in order:
                results[index].append(measures[index]())
        return results

    def add(self, row, what, **fields):
        self.report.add(Row(row, what, commands=self.commands, **fields))
        self.commands = []

    def add_rates(self, row, what, ours, theirs, target, note=""):
        """A row of two loads: rates, or CPU where a client was what limits."""
        ratio, basis = rate_ratio(ours, theirs)
        self.add(row, what, sluice=load_text(ours), against=load_text(theirs), ratio=ratio, basis=basis, target=target,
                 note=note, figures={**load_figures("sluice", ours), **load_figures("against", theirs)})

    def run(self, row, function):
        """One row family; True unless a contestant did something wrong."""
        self.commands = []
        try:
            function(self)
        except NotRun as reason:
            self.report.add(Row(row, function.__doc__ or "", not_run=str(reason), commands=self.commands))
        except loads.Late as reason:
            self.report.add(Row(row, function.__doc__ or "", void=str(reason), commands=self.commands))
        except Failed as reason:
            self.report.add(Row(row, function.__doc__ or "", note="FAILED: " + str(reason), commands=self.commands))
            return False
        return True


def build_program(folder, name, path):
    """Its path. One that is there may be older than the sources, so it is built in any case."""
    for command in (["cmake", "--preset", "bench"], ["cmake", "--build", folder, "--target", name]):
        done = subprocess.run(command, cwd=contestants.SOURCE, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotRun("%s: %s" % (" ".join(command), (done.stdout + done.stderr).strip()[-200:]))
    return path
