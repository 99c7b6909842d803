"""Known reasons for a difference. Each counts how often it applied; README.md has the same list for people.

A reason that `ends` leaves the two servers with different contents, so the rest of that sequence is not compared.
"""

import base64
import binascii
import re
import struct
import urllib.parse

import messages
from compare import squeeze


class Case:
    """One difference, with everything that was sent since both servers were empty."""

    def __init__(self, request, difference, theirs, mine, history, profile):
        self.request = request
        self.difference = difference
        self.theirs = theirs
        self.mine = mine
        self.history = history
        self.profile = profile

    def pushed(self):
        return [request for request in self.history if request.method in ("POST", "PUT")]


def components(request):
    """The decoded path's components after /metrics, as bytes."""
    path = request.target.split("?")[0]
    path = re.sub(r"^http://[^/]*", "", path)
    return urllib.parse.unquote_to_bytes(path.encode("utf-8", "surrogateescape")).split(b"/")[2:]


def key_values(request):
    """Pairs of label name and value in a target, base64 decoded."""
    parts = components(request)
    for name, value in zip(parts[::2], parts[1::2]):
        if name.endswith(b"@base64"):
            name = name[: -len(b"@base64")]
            value = value.replace(b"\n", b"").replace(b"\r", b"").rstrip(b"=")
            try:
                value = base64.urlsafe_b64decode(value + b"=" * (-len(value) % 4))
            except (binascii.Error, ValueError):
                continue
        yield name, value


def is_utf8(data):
    try:
        data.decode()
        return True
    except UnicodeDecodeError:
        return False


def value_not_utf8(case):
    return any(not is_utf8(value) for request in case.pushed() for _, value in key_values(request))


def empty_instance(case):
    return any(
        name == b"instance" and value == b""
        for request in case.history
        if request.writes
        for name, value in key_values(request)
    )


def pushes_name(pattern):
    compiled = re.compile(pattern)
    return lambda case: any(compiled.search(request.plain) for request in case.pushed())


def reserved_escape(case):
    targets = [b"/".join(components(request)) for request in [*case.history, case.request]]
    return case.profile.utf8 and any(b"U___5f_" in target for target in targets)


def no_profiling(case):
    return case.request.target.startswith("/debug/pprof") and case.mine.status == 404


def older_go(case):
    return (case.theirs.status, case.mine.status) == (301, 307) and case.theirs.header("Location") == case.mine.header(
        "Location"
    )


def without_metrics(part):
    """Whether a part of a protobuf body is a family without metrics."""
    try:
        return any(all(name != "metric" for name, _ in message) for message in messages.delimited(part))
    except (ValueError, IndexError, KeyError, struct.error):
        return False


def no_metrics(case):
    return any(
        "protobuf" in (request.header("Content-Type") or "") and any(map(without_metrics, request.parts))
        for request in case.pushed()
    )


def damaged_coding(case):
    """Both refuse a body whose coding is damaged: one met the damage first, the other what came out before it."""
    return case.request.coding and case.request.damage and case.theirs.status == case.mine.status == 400


def other_fault(case):
    """Both name the same metric of a push, with all its labels and its value, and another of its faults."""
    pattern = (
        r"(pushed metrics are invalid or inconsistent with existing metrics: collected metric .*\}\}) (?:has|is|must) .*\n"
    )
    one, other = (re.fullmatch(pattern, squeeze(answer.text), re.DOTALL) for answer in (case.theirs, case.mine))
    return one and other and case.theirs.status == case.mine.status == 400 and one.group(1) == other.group(1)


def several_faults(case):
    """The reference lists more than one, or a collision of names, and leaves out those that it does not get to: of one metric it names one fault, and
    a name that collides hides the metrics of its family. Ours is such a one."""
    heads = ("pushed metrics are invalid or inconsistent with existing metrics: ", "An error has occurred while serving metrics:\n\n")
    return (
        case.theirs.status == case.mine.status
        and any(case.mine.text.startswith(head + "collected ") for head in heads)
        and ("error(s) occurred:" in case.theirs.text or "collides with previously" in case.theirs.text)
    )


def unknown_fields(case):
    """Fields that metrics.proto does not have, which Go prints by number."""
    known_part = re.sub(r" \d+:(?:\d+|\"(?:[^\"\\]|\\.)*\"|0x[0-9a-f]+|\{[^{}]*\})(?=[ }])", "", squeeze(case.theirs.text))
    return case.theirs.status == case.mine.status == 400 and known_part == squeeze(case.mine.text)


def unchecked_scrape(case):
    """Our 500 names one family that the reference complains about too, and its group."""
    found = re.match(
        r'An error has occurred while serving metrics:\n\ncollected metric family ("(?:[^"\\]|\\.)*") is inconsistent', case.mine.text
    )
    return found and case.theirs.status == case.mine.status == 500 and found.group(1) in case.theirs.text


def limit_of_labels(case):
    return case.mine.status == 400 and case.mine.text == "more than 1024 labels\n"


def nameless_family(case):
    """Refused here, or in the way of our scrape where nothing is refused."""
    return case.mine.status in (400, 500) and re.search(r'"\S* is not a valid metric name', case.mine.text)


def stopping(case):
    """Whoever connects while a gateway stops may still be served."""
    quits = (request.target.startswith("/-/quit") and request.method != "GET" for request in case.history)
    return "--web.enable-lifecycle" in case.profile.flags and any(quits)


def odd_type(case):
    """The reference's scrape fails from such a push on."""
    return case.theirs.status in (200, 202, 400) and case.mine.status == 400 and re.fullmatch(r"unknown metric type -?\d+\n", case.mine.text)


def gauge_histogram(case):
    """The reference's check has no word for them: another content passes, and whether another type of another group is
    refused depends on which it meets first."""
    text = case.mine.text
    behind_another = case.theirs.status in (200, 202) and "histogram:{" in text and "} is not a" in text
    return case.mine.status in (400, 500) and ("is not a GAUGE_HISTOGRAM" in text or behind_another)


def api_panic(case):
    """With the check disabled a summary may be stored that has no summary in it."""
    return case.theirs.status is None and case.mine.status == 200 and case.request.target.startswith("/api/v1/metrics")


def nameless_sample(case):
    """Our 400 names a line that begins with braces without a name."""
    found = re.fullmatch(r"text format parsing error in line (\d+): invalid metric name\n", case.mine.text)
    if not found or case.mine.status != 400:
        return False
    line = case.request.plain.split(b"\n")[int(found.group(1)) - 1]
    return line.lstrip(b" \t").startswith(b"{")


class Reason:
    def __init__(self, name, text, applies=None, ends=True):
        self.name = name
        self.text = text
        self.applies = applies  # None: found by the comparison itself
        self.ends = ends
        self.count = 0


def known():
    return [
        Reason(
            "difference 1: a grouping value that is not UTF-8",
            "the reference keeps such a group and every later push and scrape fails; here it leaves no group behind",
            value_not_utf8,
        ),
        Reason(
            "difference 1: an empty instance in the key",
            "the reference takes it for another group with the same series as the one without; here both are one group",
            empty_instance,
        ),
        Reason(
            "difference 1: names of the gateway's own families",
            "which of them exist, and since when, is each gateway's own",
            pushes_name(rb"(?:process|pushgateway|promhttp)_"),
        ),
        Reason(
            "difference 2: one conflict is named",
            "the first in a fixed order; the reference lists all, in a random order",
            ends=False,
        ),
        Reason(
            "difference 4: go_* families",
            "the reference shows some of itself, so a push of one may collide",
            pushes_name(rb"go_"),
        ),
        Reason(
            "difference 7: limits",
            "a series has at most 1,024 labels here",
            limit_of_labels,
        ),
        Reason(
            "reference's bug: a family whose name is none",
            "it takes an empty name or one that is not UTF-8 in protobuf, and cannot show it; here it is a 400",
            nameless_family,
        ),
        Reason(
            "after /-/quit",
            "which requests are still answered while a gateway stops",
            stopping,
        ),
        Reason("difference 5: no profiling", "/debug/pprof is not there", no_profiling, ends=False),
        Reason("difference 9: order of groups", "groups inside a family come in an order of our own", ends=False),
        Reason(
            "difference 9: order in the API",
            "metrics of a family are in the order of the scrape, not in that of the push",
            ends=False,
        ),
        Reason(
            "difference 10: push times are ours",
            "the reference keeps a pushed push_failure_time_seconds",
            pushes_name(rb"push_(?:failure_)?time_seconds"),
        ),
        Reason(
            "reference's bug: a reserved name behind an escape",
            "U___5f__5f_x passes its check and breaks every scrape",
            reserved_escape,
        ),
        Reason(
            "reference's bug: a sample without a name",
            "it closes the connection, or takes the line for more of the sample before it; here it is a 400",
            nameless_sample,
        ),
        Reason(
            "difference 8: the text of a failed scrape",
            "without the check, a 500 names the first inconsistent family and its group",
            unchecked_scrape,
            ends=False,
        ),
        Reason(
            "reference's bug: the API panics",
            "on a summary or histogram without its content, which only a gateway without the check stores",
            api_panic,
            ends=False,
        ),
        Reason(
            "two faults of one metric",
            "a label that is not UTF-8 beside a label twice: which is named",
            other_fault,
            ends=False,
        ),
        Reason(
            "unknown protobuf fields in a text",
            "the reference prints them by number",
            unknown_fields,
            ends=False,
        ),
        Reason(
            "one of several faults",
            "the reference lists two or more, or a collision of names, and passes over the one that is named here",
            several_faults,
            ends=False,
        ),
        Reason(
            "a damaged content coding",
            "both answer 400; Go's decompressors give out less before they meet the damage, so one may name "
            "the damage and the other what is wrong before it",
            damaged_coding,
            ends=False,
        ),
        Reason(
            "reference's bug: an unknown type (protobuf only)",
            "it takes one unless something else is wrong, and cannot show it; here it is a 400",
            odd_type,
        ),
        Reason(
            "a family without metrics (protobuf only)",
            "the reference keeps it and judges by its type, at random; here it is not kept",
            no_metrics,
        ),
        Reason(
            "reference's bug: a gauge histogram that is none",
            "its check leaves their content out; here it is a 400, in a group and between two",
            gauge_histogram,
        ),
        Reason("random in the reference: which HELP wins", "of groups that disagree", ends=False),
        Reason("random in the reference: metrics that sort alike", "whose labels differ by name only", ends=False),
        Reason("random in the reference: blanks in prototext", "one or two, by design of Go's library", ends=False),
        Reason("built with Go before 1.26: redirects", "301 instead of 307", older_go, ends=False),
    ]


# What the comparison leaves out, by the reason's name.
LEFT_OUT = {
    "one conflict": "difference 2: one conflict is named",
    "order of groups": "difference 9: order of groups",
    "order in the API": "difference 9: order in the API",
    "random help": "random in the reference: which HELP wins",
    "random ties": "random in the reference: metrics that sort alike",
    "random blanks": "random in the reference: blanks in prototext",
}


class Reasons:
    """The list with its counts, for one run."""

    def __init__(self):
        self.all = known()
        self.by_name = {reason.name: reason for reason in self.all}

    def left_out(self, what):
        self.by_name[LEFT_OUT[what]].count += 1

    def explain(self, case):
        """The first reason that applies, or None. Does not count."""
        return next((reason for reason in self.all if reason.applies is not None and reason.applies(case)), None)

    def lines(self):
        return ["%7d  %s" % (reason.count, reason.name) for reason in self.all]
