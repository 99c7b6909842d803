"""Reads delimited protobuf scrapes: MetricFamily messages as nested lists that compare and print well."""

import struct

LABEL = {1: "name", 2: "value"}
TIMESTAMP = {1: "seconds", 2: "nanos"}
EXEMPLAR = {1: ("label", LABEL), 2: "value", 3: ("timestamp", TIMESTAMP)}
VALUE = {1: "value"}
SPAN = {1: "offset", 2: "length"}
BUCKET = {1: "cumulative_count", 2: "upper_bound", 3: ("exemplar", EXEMPLAR), 4: "cumulative_count_float"}
HISTOGRAM = {
    1: "sample_count", 2: "sample_sum", 3: ("bucket", BUCKET), 4: "sample_count_float", 5: "schema", 6: "zero_threshold",
    7: "zero_count", 8: "zero_count_float", 9: ("negative_span", SPAN), 10: "negative_delta", 11: "negative_count",
    12: ("positive_span", SPAN), 13: "positive_delta", 14: "positive_count", 15: ("created_timestamp", TIMESTAMP),
    16: ("exemplars", EXEMPLAR)}
METRIC = {
    1: ("label", LABEL), 2: ("gauge", VALUE),
    3: ("counter", {1: "value", 2: ("exemplar", EXEMPLAR), 3: ("created_timestamp", TIMESTAMP)}),
    4: ("summary", {1: "sample_count", 2: "sample_sum", 3: ("quantile", {1: "quantile", 2: "value"}),
                    4: ("created_timestamp", TIMESTAMP)}),
    5: ("untyped", VALUE), 6: "timestamp_ms", 7: ("histogram", HISTOGRAM)}
FAMILY = {1: "name", 2: "help", 3: "type", 4: ("metric", METRIC), 5: "unit"}
PACKED_VARINTS, PACKED_DOUBLES = ("negative_delta", "positive_delta"), ("negative_count", "positive_count")


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def double_text(raw):
    return struct.unpack("<d", raw)[0].hex()


def unpack(name, raw):
    values, at = [], 0
    while at < len(raw):
        if name in PACKED_DOUBLES:
            values.append([name, double_text(raw[at:at + 8])])
            at += 8
        else:
            value, at = read_varint(raw, at)
            values.append([name, value])
    return values


def message(data, fields):
    """Fields as [name, value], by number; those of one number in their order."""
    found, at = [], 0
    while at < len(data):
        tag, at = read_varint(data, at)
        kind = fields.get(tag >> 3, str(tag >> 3))
        name = kind if isinstance(kind, str) else kind[0]
        if tag & 7 == 0:
            value, at = read_varint(data, at)
            found.append((tag >> 3, [[name, value]]))
        elif tag & 7 == 1:
            found.append((tag >> 3, [[name, double_text(data[at:at + 8])]]))
            at += 8
        elif tag & 7 == 2:
            size, at = read_varint(data, at)
            raw = data[at:at + size]
            if len(raw) != size:
                raise ValueError("a cut field")
            at += size
            if isinstance(kind, tuple):
                found.append((tag >> 3, [[name, message(raw, kind[1])]]))
            elif name in PACKED_VARINTS + PACKED_DOUBLES:
                found.append((tag >> 3, unpack(name, raw)))
            else:
                found.append((tag >> 3, [[name, raw.decode("utf-8", "backslashreplace")]]))
        else:
            raise ValueError("a wire type that nobody sends")
    found.sort(key=lambda entry: entry[0])
    return [pair for _, pairs in found for pair in pairs]


def families(data):
    """{name: fields} of a delimited scrape."""
    out, at = {}, 0
    while at < len(data):
        size, at = read_varint(data, at)
        if at + size > len(data):
            raise ValueError("a cut message")
        fields = message(data[at:at + size], FAMILY)
        out[dict((key, value) for key, value in fields if key == "name").get("name", "")] = fields
        at += size
    return out
