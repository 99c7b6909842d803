"""A sequence of requests as commands that a person can run in bash, with what each server answered."""

import base64
import re
import shlex

from answers import unzipped
from compare import pushed_lines
from request import CHUNKED, CLOSE, EXPECT, PIPELINED


def quoted(data):
    """Bytes as one word of bash, or None where it cannot hold them."""
    if b"\0" in data:
        return None
    if re.fullmatch(rb"[\x20-\x7e]*", data):
        return shlex.quote(data.decode())
    out = ""
    for byte in data:
        char = chr(byte)
        out += {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\", "'": "\\'"}.get(
            char, char if 0x20 <= byte < 0x7F else "\\x%02x" % byte
        )
    # bash reads as many hexadecimal digits as there are, at most two, so no digit may follow by accident: \x takes two.
    return "$'%s'" % out


def body_option(data):
    word = quoted(data)
    if word is not None and not data.startswith(b"@"):
        return "--data-binary " + word
    return "--data-binary @<(base64 -d <<<%s)" % base64.b64encode(data).decode()


def command(request):
    words = ["curl --silent --show-error --include --path-as-is --globoff --request %s" % shlex.quote(request.method)]
    if request.method == "HEAD":
        words[0] = words[0].replace("--request HEAD", "--head")
    headers = list(request.headers)
    if request.framing == CHUNKED:
        headers.append(("Transfer-Encoding", "chunked"))
    if request.framing == CLOSE:
        headers.append(("Connection", "close"))
    if request.framing == EXPECT:
        headers.append(("Expect", "100-continue"))
    has_body = bool(request.body) or request.method in ("POST", "PUT")
    if has_body and "content-type" not in request.header_names:
        headers.append(("Content-Type", None))  # curl adds one of its own
    if "accept" not in request.header_names:
        headers.append(("Accept", None))
    for name, value in headers:
        # "Name;" sends an empty header, "Name:" leaves out what curl would send.
        text = name + ":" if value is None else name + ";" if value == "" else "%s: %s" % (name, value)
        words.append("--header " + quoted(text.encode("utf-8", "surrogateescape")))
    if has_body:
        words.append(body_option(request.body))
    target = request.target
    if target.startswith("http://"):
        words.append("--request-target " + shlex.quote(target))
        target = "/"
    elif not target.startswith("/"):
        words.append("--request-target " + shlex.quote(target))
        target = "/"
    words.append('"$AT"' + quoted(target.encode("utf-8", "surrogateescape")))
    line = " ".join(words)
    return line + "  # in one write with the next" if request.framing == PIPELINED else line


def shown(answer, limit=1200):
    if answer.status is None:
        return "(the connection ended without an answer)"
    headers = ["%s: %s" % pair for pair in answer.headers if pair[0].lower() not in ("date",)]
    body = answer.text
    if answer.status == 200 and (answer.header("Content-Type") or "").startswith("text/plain; version="):
        body = "\n".join(pushed_lines(unzipped(answer).decode("utf-8", "backslashreplace")))
    if len(body) > limit:
        body = body[:limit] + "... (%d characters)" % len(body)
    return "\n".join([str(answer.status), *headers, "", body]).rstrip()


def indented(text):
    return "\n".join("#   " + line for line in text.split("\n"))


def script(finding, flags):
    """The whole sequence, runnable, the answers as comments."""
    lines = ["# flags: " + " ".join(flags), "AT=http://127.0.0.1:9091"]
    lines += [command(request) for request in finding.requests]
    for difference in finding.differences:
        lines.append(
            "# differs: %s\n#   reference: %r\n#   sluice:    %r" % (difference.what, difference.theirs, difference.mine)
        )
    lines += [
        "# the reference's answer:",
        indented(shown(finding.theirs)),
        "# sluice's answer:",
        indented(shown(finding.mine)),
    ]
    return "\n".join(lines)
