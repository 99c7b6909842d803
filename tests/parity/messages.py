"""Scrapes in the three protobuf encodings as trees, so that each can be compared like a text exposition.

A message is a list of (field name, value) in the order of the schema; a value is a string or a message. Enums, numbers and
booleans become the strings that Go's prototext prints, so that all three encodings of one family give one tree.
"""

import re
import struct

from expositions import Family

LABEL = {1: ("name", "string"), 2: ("value", "string")}
STAMP = {1: ("seconds", "int"), 2: ("nanos", "int")}
EXEMPLAR = {1: ("label", LABEL), 2: ("value", "double"), 3: ("timestamp", STAMP)}
VALUE = {1: ("value", "double")}
COUNTER = {1: ("value", "double"), 2: ("exemplar", EXEMPLAR), 3: ("created_timestamp", STAMP)}
QUANTILE = {1: ("quantile", "double"), 2: ("value", "double")}
SUMMARY = {
    1: ("sample_count", "int"),
    2: ("sample_sum", "double"),
    3: ("quantile", QUANTILE),
    4: ("created_timestamp", STAMP),
}
BUCKET = {
    1: ("cumulative_count", "int"),
    2: ("upper_bound", "double"),
    3: ("exemplar", EXEMPLAR),
    4: ("cumulative_count_float", "double"),
}
SPAN = {1: ("offset", "zigzag"), 2: ("length", "int")}
HISTOGRAM = {
    1: ("sample_count", "int"),
    2: ("sample_sum", "double"),
    3: ("bucket", BUCKET),
    4: ("sample_count_float", "double"),
    5: ("schema", "zigzag"),
    6: ("zero_threshold", "double"),
    7: ("zero_count", "int"),
    8: ("zero_count_float", "double"),
    9: ("negative_span", SPAN),
    10: ("negative_delta", "zigzag"),
    11: ("negative_count", "double"),
    12: ("positive_span", SPAN),
    13: ("positive_delta", "zigzag"),
    14: ("positive_count", "double"),
    15: ("created_timestamp", STAMP),
    16: ("exemplars", EXEMPLAR),
}
METRIC = {
    1: ("label", LABEL),
    2: ("gauge", VALUE),
    3: ("counter", COUNTER),
    4: ("summary", SUMMARY),
    5: ("untyped", VALUE),
    6: ("timestamp_ms", "int"),
    7: ("histogram", HISTOGRAM),
}
# Among the numbers; of others that come several times the last one counts.
REPEATED = ("negative_delta", "negative_count", "positive_delta", "positive_count")
FAMILY = {1: ("name", "string"), 2: ("help", "string"), 3: ("type", "enum"), 4: ("metric", METRIC), 5: ("unit", "string")}
TYPES = ("COUNTER", "GAUGE", "SUMMARY", "UNTYPED", "HISTOGRAM", "GAUGE_HISTOGRAM")
TOKEN = re.compile(r'\s*(?:([A-Za-z_][A-Za-z_0-9]*)|("(?:[^"\\]|\\.)*")|([{}:<>\[\],;])|([-+.0-9][-+.0-9A-Za-z]*))')


def number(text):
    """One spelling of a number: both programs may print digits of their own choice."""
    value = float(text)
    return repr(int(value)) if value.is_integer() and abs(value) < 1e15 and text != "-0" else repr(value)


class Wire:
    """Reads one message's bytes."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def varint(self):
        shift = value = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF

    def take(self, count):
        piece = self.data[self.at : self.at + count]
        if len(piece) != count:
            raise ValueError("a message ends too early")
        self.at += count
        return piece

    def skip(self, tag):
        """Over a field that the schema does not have."""
        if tag & 7 == 0:
            self.varint()
        elif tag & 7 == 3:
            inner = self.varint()
            while inner & 7 != 4:
                self.skip(inner)
                inner = self.varint()
        else:
            self.take({1: 8, 5: 4}.get(tag & 7) or self.varint())

    def scalar(self, kind, wire_type):
        if wire_type == 1:
            return repr(struct.unpack("<d", self.take(8))[0])
        value = self.varint()
        if kind == "zigzag":
            return str(value >> 1 ^ -(value & 1))
        if kind == "enum":
            return TYPES[value] if value < len(TYPES) else str(value)
        return str(value - (1 << 64) if value >> 63 else value)


def decode(data, schema):
    wire, fields = Wire(data), []
    while wire.at < len(data):
        tag = wire.varint()
        if tag >> 3 not in schema:
            wire.skip(tag)
            continue
        name, kind = schema[tag >> 3]
        if tag & 7 != 2:
            value = wire.scalar(kind, tag & 7)
            fields.append((name, number(value) if kind in ("double", "int") else value))
            continue
        piece = wire.take(wire.varint())
        if isinstance(kind, dict):
            fields.append((name, decode(piece, kind)))
        elif kind == "string":
            fields.append((name, piece.decode("utf-8", "backslashreplace")))
        else:  # packed numbers
            inner = Wire(piece)
            while inner.at < len(piece):
                value = inner.scalar(kind, 1 if kind == "double" else 0)
                fields.append((name, number(value) if kind in ("double", "int") else value))
    fields = [
        field for at, field in enumerate(fields)
        if isinstance(field[1], list) or field[0] in REPEATED or all(field[0] != other[0] for other in fields[at + 1 :])
    ]
    # A message of proto3: a zero on the wire is the same as none.
    return [field for field in fields if field[1] != "0"] if schema is STAMP else fields


def delimited(data):
    wire = Wire(data)
    while wire.at < len(data):
        yield decode(wire.take(wire.varint()), FAMILY)


def unquoted(text):
    raw = re.sub(r"\\(x[0-9a-f]{2}|[0-7]{3}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)", unescaped, text[1:-1])
    return raw


def unescaped(match):
    code = match.group(1)
    if code[0] in "xuU" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code.isdigit():
        return chr(int(code, 8))
    return {"n": "\n", "t": "\t", "r": "\r"}.get(code, code)


def prototext(data):
    """Messages of the text encodings; a field `name` at the outside begins a new family."""
    text = data.decode("utf-8", "backslashreplace")
    outer, stack, field, at = [], [], None, 0
    current = outer
    while at < len(text.rstrip()):
        found = TOKEN.match(text, at)
        if not found:
            raise ValueError("no prototext at %r" % text[at : at + 40])
        at = found.end()
        word, string, mark, digits = found.groups()
        if mark in ("{", "<"):
            stack.append(current)
            current.append((field, []))
            current, field = current[-1][1], None
        elif mark in ("}", ">"):
            current = stack.pop()
        elif word and field is None:
            field = word
            continue
        elif mark is None:
            value = (
                unquoted(string)
                if string
                else number(digits) if digits else number(word) if word in ("nan", "inf") else word
            )
            current.append((field, value))
        if mark in (":", ",", ";", "[", "]"):
            continue
        field = None
    family = []
    for entry in outer:
        if entry[0] == "name" and family:
            yield family
            family = []
        family.append(entry)
    if family:
        yield family


def get(message, field, default=""):
    return next((value for name, value in message if name == field), default)


def canonical(value):
    """A message as one line, fields of different names in one order."""
    if isinstance(value, str):
        return repr(value)
    return "{%s}" % " ".join("%s:%s" % (name, canonical(inner)) for name, inner in sorted(value, key=lambda entry: entry[0]))


def line_of(name, metric):
    labels = [
        '%s="%s"'
        % (re.sub(r'[={},"]', "?", get(pair, "name")), get(pair, "value").replace("\\", "\\\\").replace('"', '\\"'))
        for field, pair in metric
        if field == "label"
    ]
    rest = [entry for entry in metric if entry[0] != "label"]
    if re.fullmatch(r"push_(failure_)?time_seconds|U__push__(failure__)?time__seconds", name):
        rest = [("gauge", "0" if get(get(metric, "gauge", []), "value", "0") == "0" else "<TIME>")]
    return "%s{%s} %s" % (name, ",".join(labels), canonical(rest))


def families(content_type, body):
    """As expositions.parse gives them. An absent type is COUNTER, whether a server spells it out or not."""
    out = {}
    for message in (delimited if "encoding=delimited" in content_type else prototext)(body):
        family = Family(get(message, "name"))
        family.help, family.type = get(message, "help", None), get(message, "type", "COUNTER")
        family.lines = [line_of(family.name, metric) for field, metric in message if field == "metric"]
        out.setdefault(family.name, []).append(family)
    return out
