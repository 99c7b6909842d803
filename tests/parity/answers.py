"""Two answers to one request compared: status, the headers that a client looks at, and the body by its kind."""

import dataclasses
import gzip
import zlib

import api_answers
import expositions
import messages
from compare import squeeze
from conflicts import alike

HEADERS = (
    "Content-Type",
    "Content-Encoding",
    "Allow",
    "Location",
    "X-Content-Type-Options",
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
    "Cache-Control",
)


@dataclasses.dataclass
class Difference:
    what: str
    theirs: object
    mine: object


def unzipped(answer):
    if answer.header("Content-Encoding") != "gzip":
        return answer.body
    try:
        return gzip.decompress(answer.body)
    except (OSError, EOFError, zlib.error) as error:
        return b"broken gzip: " + str(error).encode()


def text_of(data):
    return data.decode("utf-8", "backslashreplace")


def compare_bodies(theirs, mine):
    """Differences, and what was left out on purpose by the name of its reason."""
    kind = theirs.header("Content-Type") or ""
    one, other = unzipped(theirs), unzipped(mine)
    if one == other:
        return [], []
    if theirs.status == 200 and kind.startswith("application/json"):
        found, left_out = api_answers.compare(one, other)
        return [Difference("JSON " + where, a, b) for where, a, b in found], left_out
    if theirs.status == 200 and kind.startswith(("text/plain; version=", "application/vnd.google.protobuf")):
        if kind.startswith("text/plain"):
            found = expositions.Comparison(expositions.parse(text_of(one)), expositions.parse(text_of(other)))
        else:
            try:
                found = expositions.Comparison(messages.families(kind, one), messages.families(kind, other))
            except (ValueError, IndexError, KeyError) as error:
                return [Difference("protobuf that cannot be read: %s" % error, one[:200], other[:200])], []
        return [Difference(*difference) for difference in found.differences], [what for what, _, _ in found.left_out]
    one, other = text_of(one), text_of(other)
    if squeeze(one) == squeeze(other):
        return [], ["random blanks"]
    if alike(one, other):
        return [], ["one conflict"]
    return [Difference("body", one, other)], []


def compare(theirs, mine):
    if theirs.status != mine.status:
        return [Difference("status", theirs.status, mine.status)], []
    if theirs.status is None:
        return [], []
    found = [
        Difference(name, theirs.header(name), mine.header(name))
        for name in HEADERS
        if theirs.header(name) != mine.header(name)
    ]
    if found:
        return found, []
    return compare_bodies(theirs, mine)
