"""Comparing answers with recorded ones: what is masked, sorted or random in the reference."""

import re

OWN_FAMILIES = ("go_", "process_", "pushgateway_", "promhttp_", "sluice_")


def pushed_lines(text, mask_times=True):
    """The lines of a scrape without the gateway's own families, push times masked unless they are 0."""
    lines = []
    for line in text.split("\n"):
        name = line.split(" ")[2] if line.startswith("# ") else line
        if not line or name.startswith(OWN_FAMILIES):
            continue
        if mask_times and re.match(r"push_(failure_)?time_seconds\{", line):
            value = line.rsplit(" ", 1)[1]
            if value != "0":
                line = line.rsplit(" ", 1)[0] + " <TIME>"
        lines.append(line)
    return lines


def sort_groups(lines):
    """Samples of each family in one order: groups inside a family come in an order of the gateway's own."""
    out, family = [], []
    for line in lines:
        if line.startswith("#"):
            out += sorted(family)
            family = []
            out.append(line)
        else:
            family.append(line)
    return out + sorted(family)


def squeeze(text):
    """Runs of blanks as one: the reference's prototext puts one or two at random."""
    return re.sub(r" +", " ", text)


MARK = "error(s) occurred:"


def mask(text):
    return re.sub(r"(push_(?:failure_)?time_seconds\" \{[^}]*\} gauge:\{value:)[^}]*", r"\1<TIME>", text)


def same_text(got, wanted):
    """One conflict named by us must be among those that the reference lists."""
    got, wanted = mask(squeeze(got)), mask(squeeze(wanted))
    if got == wanted:
        return True
    if MARK not in wanted:
        return False
    prefix = wanted[:wanted.index(MARK)]
    prefix = prefix[:prefix.rindex(":") + 2]
    listed = [prefix + line[2:] for line in wanted.split("\n") if line.startswith("* ")]
    return got.strip() in [line.strip() for line in listed]
