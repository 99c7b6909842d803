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
    """Runs of blanks as one: the reference's prototext puts one or two at random. Its errors begin with a blank or, as
    the hash of its binary decides, with one that does not break."""
    return re.sub(r" +", " ", text.replace("proto:\u00a0", "proto: "))


MARK = "error(s) occurred:"


def mask(text):
    text = re.sub(r"(\w+:\{)[^{}]*(\}+ was collected before)", r"\1<VALUE>\2", text)  # of either metric
    return re.sub(r"(push_(?:failure_)?time_seconds\" \{[^}]*\} gauge:\{value:)[^}]*", r"\1<TIME>", text)


def collision(text):
    """The two names of a suffix collision: which is met first, and so named first, is random in the reference."""
    found = re.search(r'collected [a-z ]+ named "(\S+)" collides with previously collected [a-z ]+ named "(\S+)"', text)
    return sorted(found.groups()) if found and text.count("collides") == 1 else None


def same_text(got, wanted):
    """One conflict named by us must be among those that the reference lists."""
    got, wanted = mask(squeeze(got)), mask(squeeze(wanted))
    if got == wanted or collision(got) == collision(wanted) is not None:
        return True
    if MARK not in wanted:
        return False
    prefix = wanted[:wanted.index(MARK)]
    prefix = prefix[:prefix.rindex(":") + 2]
    listed = [prefix + line[2:] for line in wanted.split("\n") if line.startswith("* ")]
    return got.strip() in [line.strip() for line in listed]
