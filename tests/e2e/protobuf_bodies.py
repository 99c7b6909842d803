"""Protobuf bodies by hand: just enough of the wire format for the recorded cases."""

import struct

CONTENT_TYPE = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
COUNTER, GAUGE, SUMMARY, UNTYPED, HISTOGRAM, GAUGE_HISTOGRAM = range(6)


def varint(value):
    out = b""
    while value > 0x7f:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def double(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def part(field, *content):
    data = b"".join(piece.encode() if isinstance(piece, str) else piece for piece in content)
    return varint(field << 3 | 2) + varint(len(data)) + data


def label(name, value):
    return part(1, part(1, name), part(2, value))


def metric(*fields):
    return part(4, *fields)


def family(name, kind, *rest):
    """A delimited family; `kind` None leaves the type out."""
    data = part(1, name) + (b"" if kind is None else number(3, kind)) + b"".join(rest)
    return varint(len(data)) + data


def gauge(value):
    return part(2, double(1, value))


NATIVE = part(7, number(1, 20), double(2, 99.23), number(5, 2), double(6, 0.001), number(7, 2),
              part(12, number(1, 0), number(2, 2)), part(13, varint(2), varint(4)),
              part(15, number(1, 1700000000)), part(16, label("trace", "t"), double(2, 1), part(3, number(1, 1700000000))))
FLOAT = part(7, double(2, 3.5), part(3, double(2, 1), double(4, 1.5)), double(4, 2.5))
CLASSIC = part(7, number(1, 3), double(2, 4.5), part(3, number(1, 1), double(2, 0.5)), part(3, number(1, 2), double(2, 2)))

# Every kind that the reference accepts, in one body.
KINDS = (
    family("a", GAUGE, part(2, "help \\ \n"), metric(label("z", "1"), label("b", "2"), gauge(1.5)),
           metric(label("job", "mine"), gauge(-0.0))) +
    family("b_total", COUNTER, metric(part(3, double(1, 5), part(3, number(1, 1700000000))))) +
    family("c", UNTYPED, metric(part(5, double(1, float("nan"))))) +
    family("d", SUMMARY, metric(part(4, number(1, 2), double(2, 3), part(3, double(1, 0.5), double(2, 1))))) +
    family("e", HISTOGRAM, metric(CLASSIC)) + family("f", HISTOGRAM, metric(FLOAT)) +
    family("g", HISTOGRAM, metric(NATIVE)) +
    family("i", None, metric(part(3, double(1, 1)))) + family("j", SUMMARY, metric(part(4))))

# Names of cases and the bodies that are pushed one after the other.
CASES = {
    "own-pb-kinds": [
        KINDS + family("h", GAUGE_HISTOGRAM, metric(CLASSIC))],
    "own-pb-conflicts": [
        family("a", COUNTER, metric(gauge(1))), family("a", GAUGE, metric(NATIVE)), family("a", SUMMARY, metric(gauge(1))),
        family("a", GAUGE, metric(label("b\u00e9", "1"), gauge(1), number(6, 5))),
        family("a", GAUGE, metric(part(1, part(1, "b"), part(2, b"\xff")), gauge(1))),
        family("a", GAUGE, metric(part(1, part(1, b"b\xff"), part(2, "c")), gauge(1))),
        family("a", GAUGE, metric(label("b", "1"), label("b", "2"), gauge(1))),
        family("a", GAUGE, metric(label("__b", "1"), gauge(1))), family("a", GAUGE, metric(label("", "1"), gauge(1))),
        family("a", SUMMARY, metric(label("quantile", "1"), part(4))),
        family("a", GAUGE, metric(label("b", "1"), gauge(1)), metric(label("b", "1"), gauge(2))),
        family("a", HISTOGRAM, metric(FLOAT), metric(FLOAT))],
    "own-pb-families": [
        b"", b"\0", family("a", GAUGE), family("a", GAUGE, metric(gauge(1))) + family("a", COUNTER, metric(part(3, double(1, 2)))),
        family("x.y z", GAUGE, metric(label("k.l", "v"), gauge(1))), family("a", None, metric(gauge(1)), number(3, GAUGE))],
    "own-pb-malformed": [
        b"a 1\n", b"\x05", b"\x80", b"\xff" * 11, family("a", GAUGE)[:-1], b"\x02\x0a\x05", b"\x01\x0f", b"\x02\x00\x00",
        b"\x01\x0c", b"\x04\x9b\x06\x9c\x06", b"\x04\x9b\x06\x94\x06", b"\x02\x9b\x06", b"\x02\x08\x07", b"\x03\x22\x01\x12",
        b"\x07\x22\x05\x3a\x03\x72\x01\x00", b"\x07\x22\x05\x3a\x03\x6a\x01\x80", b"\x05\x0d\x01\x02\x03\x04"],
}
