"""Texts that name conflicts, compared: the reference lists all that it met, in an order and from a side that are random."""

import re

from compare import squeeze

LISTED = re.compile(r"\d+ error\(s\) occurred:\n")
SAME_LABELS = re.compile(r'collected metric "(.*?)" (\{.*\}) was collected before with the same name and label values$')
OTHER_TYPE = re.compile(r'collected metric "(.*?)" \{.*\} is not an? \w+$')
COLLISION = re.compile(r'collected [a-z ]+ named "(.*)" collides with previously collected [a-z ]+ named "(.*)"$')
PUSH_TIME = re.compile(r'(push_(?:failure_)?time_seconds" .* gauge:\{value:)[^}]*')
VALUE = re.compile(r" ?(?:gauge|counter|untyped|summary|histogram):\{.*\}\}?$")


def normal(message):
    """What is the same whichever of the two metrics is named, and first."""
    found = SAME_LABELS.search(message)
    if found:
        return "same", found.group(1), VALUE.sub("", found.group(2)).rstrip("} ")
    found = OTHER_TYPE.search(message)
    if found:
        return "type", found.group(1)
    found = COLLISION.search(message)
    if found:
        return ("collides", *sorted(found.groups()))
    return "other", PUSH_TIME.sub(r"\1<TIME>", message)


def messages(text):
    """The text before the conflicts, and the conflicts in their normal form."""
    text = squeeze(text).rstrip("\n")
    found = LISTED.search(text)
    if found:
        head, listed = text[: found.start()], text[found.end() :].split("\n")
        return head.rstrip(), {normal(line.removeprefix("* ")) for line in listed}
    at = text.find("collected ")
    return (text[:at].rstrip(), {normal(text[at:])}) if at >= 0 else (text, set())


def alike(theirs, mine):
    """Whether one conflict that we name is among those that the reference lists."""
    their_head, listed = messages(theirs)
    my_head, named = messages(mine)
    return their_head == my_head and bool(listed & named)


def both_name_one(theirs, mine):
    """Two answers of the same status that each name conflicts."""
    return (
        theirs.status == mine.status
        and theirs.status in (400, 500)
        and all(messages(answer.text)[1] for answer in (theirs, mine))
    )
