"""Two scrapes in the text format, compared: families in order, their lines as a multiset, and within one group in order."""

import collections
import re

from compare import OWN_FAMILIES

LABEL = re.compile(r'("(?:[^"\\]|\\.)*"|[^={},"]+)="((?:[^"\\]|\\.)*)"')
PUSH_TIME = re.compile(r"^(?:push_(?:failure_)?time_seconds|U__push__(?:failure__)?time__seconds)\{")


class Family:
    def __init__(self, name):
        self.name = name
        self.help = None
        self.type = None
        self.lines = []


def masked(line):
    if PUSH_TIME.match(line):
        head, value = line.rsplit(" ", 1)
        return head + (" 0" if value == "0" else " <TIME>")
    return line


def name_of(comment):
    """The name in a HELP or TYPE line, quoted or not, and the rest."""
    rest = comment[7:]
    if rest.startswith('"'):
        found = re.match(r'"((?:[^"\\]|\\.)*)" ?(.*)', rest, re.DOTALL)
        return (found.group(1), found.group(2)) if found else (rest, "")
    name, _, text = rest.partition(" ")
    return name, text


def parse(text):
    """Families by name in the order of the exposition; None where a line belongs to no family."""
    families, current = {}, None
    for line in text.split("\n"):
        if line.startswith("# HELP ") or line.startswith("# TYPE "):
            name, rest = name_of(line)
            if current is None or current.name != name or line.startswith("# HELP "):
                current = Family(name)
                families.setdefault(name, []).append(current)
            if line.startswith("# HELP "):
                current.help = rest
            else:
                current.type = rest
        elif line and current is not None:
            current.lines.append(masked(line))
        elif line:
            return None
    return families


def labels_of(line):
    """Label pairs as spelled; what stands first in braces without a value is the name."""
    start = line.find("{")
    return LABEL.findall(line, start + 1) if start >= 0 else []


def groups_of(families):
    """The label sets of the groups that an exposition shows."""
    found = families.get("push_time_seconds", [])
    return [frozenset(labels_of(line)) for family in found for line in family.lines]


def metrics_of(lines, kind):
    """Lines put together by metric: [(sort key, labels, lines)], the key being the reference's, without the names."""
    out = []
    bound = {"histogram": "le", "summary": "quantile"}.get(kind)
    for line in lines:
        labels = tuple(pair for pair in labels_of(line) if pair[0] != bound)
        if out and out[-1][1] == labels:
            out[-1][2].append(line)
        else:
            out.append(((len(labels), tuple(value for _, value in labels)), labels, [line]))
    return out


def without_ties(metrics):
    """Metrics that sort alike, because only their label names differ, come in an order that is random in the reference."""
    out, run = [], []
    for metric in metrics:
        if run and run[-1][0] != metric[0]:
            out += sorted(run, key=lambda entry: entry[1:])
            run = []
        run.append(metric)
    return out + sorted(run, key=lambda entry: entry[1:])


def owner(line, groups):
    """The group that a line is of, or None where its labels fit several."""
    labels = set(labels_of(line))
    fitting = [group for group in groups if group <= labels]
    return fitting[0] if len(fitting) == 1 else None


def pushed(families):
    """Without the families that each gateway shows of itself."""
    return {name: found for name, found in families.items() if not name.startswith(OWN_FAMILIES)}


class Comparison:
    """What differs between two expositions, and what was left out on purpose, as two lists of (what, reference, ours)."""

    def __init__(self, theirs, mine):
        """Takes families as parse() gives them."""
        self.differences = []
        self.left_out = []
        self.groups = []
        if theirs is None or mine is None:
            self.differences.append(("a line without a family", theirs is None, mine is None))
            return
        theirs, mine = pushed(theirs), pushed(mine)
        if list(theirs) != list(mine):
            self.differences.append(("the families", list(theirs), list(mine)))
        self.groups = groups_of(theirs)
        for name in theirs:
            if len(theirs[name]) > 1 or len(mine.get(name, ())) > 1:
                self.differences.append(
                    ("family %s shown more than once" % name, len(theirs[name]), len(mine.get(name, ())))
                )
            elif name in mine:
                self.compare_family(theirs[name][0], mine[name][0])

    def compare_family(self, theirs, mine):
        if theirs.type != mine.type:
            self.differences.append(("the type of %s" % theirs.name, theirs.type, mine.type))
        if sorted(theirs.lines) != sorted(mine.lines):
            missing = collections.Counter(theirs.lines) - collections.Counter(mine.lines)
            more = collections.Counter(mine.lines) - collections.Counter(theirs.lines)
            self.differences.append(("the lines of %s" % theirs.name, sorted(missing.elements()), sorted(more.elements())))
            return
        owners = {line: owner(line, self.groups) for line in set(theirs.lines)}
        if theirs.help != mine.help:
            several = len(set(owners.values())) > 1 or None in owners.values()
            (self.left_out if several else self.differences).append(
                ("help of %s" % theirs.name if not several else "random help", theirs.help, mine.help)
            )
        if theirs.lines == mine.lines:
            return
        self.left_out.append(("order of groups", None, None))
        for group in set(owners.values()) - {None}:
            self.compare_order(theirs, mine, {line for line, found in owners.items() if found == group})

    def compare_order(self, theirs, mine, lines):
        one, other = ([line for line in family.lines if line in lines] for family in (theirs, mine))
        if one == other:
            return
        one, other = metrics_of(one, theirs.type), metrics_of(other, theirs.type)
        if without_ties(one) == without_ties(other):
            self.left_out.append(("random ties", None, None))
        else:
            self.differences.append(
                ("the order inside a group of %s" % theirs.name, [m[2] for m in one], [m[2] for m in other])
            )
