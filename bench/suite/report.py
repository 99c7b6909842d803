"""The rows of a run and how they are printed: one list, as Markdown while it grows and as JSON at the end."""

import dataclasses
import json

from suite.figures import meets, number

HEAD = "| row | what | sluice | against | ratio | target | met | note |\n|---|---|---|---|---|---|---|---|"


@dataclasses.dataclass
class Row:
    row: str
    what: str
    sluice: str = ""
    against: str = ""
    ratio: float = None
    basis: str = ""  # of the ratio, where there are several: rate or CPU
    target: str = ""
    note: str = ""
    void: str = ""  # why the figures mean nothing
    not_run: str = ""
    figures: dict = dataclasses.field(default_factory=dict)  # name -> Figure
    commands: list = dataclasses.field(default_factory=list)

    @property
    def met(self):
        if self.void or self.not_run:
            return None
        return meets(self.ratio, self.target)

    def ratio_text(self):
        if self.ratio is None:
            return ""
        return number(self.ratio) + (" by " + self.basis if self.basis else "")

    def met_text(self):
        if self.not_run:
            return "not run"
        if self.void:
            return "void"
        return {True: "yes", False: "NO", None: ""}[self.met]

    def note_text(self):
        return "; ".join(part for part in (self.not_run, self.void, self.note) if part)

    def as_markdown(self):
        cells = (self.row, self.what, self.sluice, self.against, self.ratio_text(), self.target, self.met_text(),
                 self.note_text())
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    def as_json(self):
        return {"row": self.row, "what": self.what, "sluice": self.sluice, "against": self.against, "ratio": self.ratio,
                "basis": self.basis, "target": self.target, "met": self.met, "note": self.note, "void": self.void,
                "not_run": self.not_run, "figures": {name: figure.as_json() for name, figure in self.figures.items()},
                "commands": self.commands}


class Report:
    """Prints each row as it comes."""

    def __init__(self, machine, command, form, out=print):
        self.machine, self.command, self.form, self.out = machine, command, form, out
        self.rows = []

    def begin(self):
        self.out("Machine: %s. Command: %s (%s form)\n" % (self.machine, self.command, self.form))
        self.out(HEAD)

    def add(self, row):
        self.rows.append(row)
        self.out(row.as_markdown())

    def end(self, seconds):
        self.out("\n%.0f s. Commands of each row, the first round's:\n" % seconds)
        for row in self.rows:
            for command in row.commands:
                self.out("    %s: %s" % (row.row, command))

    def as_json(self):
        return json.dumps({"machine": self.machine, "command": self.command, "form": self.form,
                           "rows": [row.as_json() for row in self.rows]}, indent=1)
