"""Random bodies of delimited protobuf, one part a family: right, at odds with themselves, and broken on the wire.

No length is announced that is far above what follows: the reference believes it and dies.
"""

import struct

import text_bodies
import words
from protobuf_bodies import (
    CONTENT_TYPE,
    COUNTER,
    GAUGE,
    GAUGE_HISTOGRAM,
    HISTOGRAM,
    SUMMARY,
    UNTYPED,
    double,
    gauge,
    metric,
    number,
    part,
    varint,
)

CONTENT_TYPES = (
    CONTENT_TYPE,
    CONTENT_TYPE,
    CONTENT_TYPE,
    CONTENT_TYPE,
    CONTENT_TYPE + "; charset=utf-8",
    "application/vnd.google.protobuf;encoding=delimited;proto=io.prometheus.client.MetricFamily",
    'Application/VND.google.protobuf; PROTO="io.prometheus.client.MetricFamily"; Encoding=delimited',
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text",
    "application/vnd.google.protobuf; proto=io.prometheus.client.metricfamily; encoding=delimited",
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited;",
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; encoding=delimited",
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily encoding=delimited",
    "application/x-protobuf",
)
KINDS = {"counter": COUNTER, "gauge": GAUGE, "summary": SUMMARY, "untyped": UNTYPED, "histogram": HISTOGRAM, "": UNTYPED}
COUNTS = (0, 1, 2, 3, 17, 255, 1 << 31, (1 << 53) + 1, (1 << 64) - 1)
FLOATS = (
    0.0,
    1.0,
    -1.0,
    0.5,
    2.5,
    float("nan"),
    float("inf"),
    float("-inf"),
    -0.0,
    1e300,
    5e-324,
    0.1,
    123456.0,
    1234567.0,
    1e21,
    1e20,
)
STAMPS = (0, 1, 1700000000, -1, 253402300799)


def value(rng):
    if rng.random() < 0.6:
        return rng.choice(FLOATS)
    return (
        struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))[0] if rng.random() < 0.5 else float(rng.randrange(1000))
    )


def zigzag(number_):
    return number_ << 1 if number_ >= 0 else (-number_ << 1) - 1


def stamp(rng, field):
    return part(
        field, number(1, rng.choice(STAMPS) & (1 << 64) - 1), b"" if rng.random() < 0.7 else number(2, rng.randrange(10**9))
    )


def pair(name, text):
    """A label; either may be bytes that are not UTF-8."""
    return part(1, part(1, name), part(2, text))


def exemplar(rng, field):
    return part(
        field,
        pair("trace", rng.choice(words.LABEL_VALUES)),
        double(2, value(rng)),
        stamp(rng, 3) if rng.random() < 0.7 else b"",
    )


def counter(rng):
    return part(
        3,
        double(1, value(rng)),
        exemplar(rng, 2) if rng.random() < 0.2 else b"",
        stamp(rng, 3) if rng.random() < 0.2 else b"",
    )


def summary(rng):
    ranks = rng.sample((0.0, 0.5, 0.9, 0.99, 1.0, float("nan")), rng.randrange(4))
    return part(
        4,
        number(1, rng.choice(COUNTS)),
        double(2, value(rng)),
        *(part(3, double(1, rank), double(2, value(rng))) for rank in ranks),
        stamp(rng, 4) if rng.random() < 0.2 else b""
    )


def buckets(rng, is_float):
    out, count = [], 0
    for bound in sorted(rng.sample((-1.0, 0.1, 0.5, 1.0, 2.5, 10.0, float("inf")), rng.randrange(5))):
        count += rng.randrange(5)
        cumulative = double(4, count + 0.5) if is_float else number(1, count)
        out.append(part(3, cumulative, double(2, bound), exemplar(rng, 3) if rng.random() < 0.1 else b""))
    return out


def spans(rng, field, total):
    """Spans that hold `total` buckets."""
    out = []
    while total > 0:
        length = rng.randrange(1, total + 1)
        out.append(part(field, number(1, zigzag(rng.randrange(-3, 6) if not out else rng.randrange(4))), number(2, length)))
        total -= length
    return out


def native(rng, is_float):
    """The fields of a native histogram; now and then with one bucket too few or too many."""
    out = [number(5, zigzag(rng.choice((0, 1, 3, 8, -4, -53)))), double(6, rng.choice((0.0, 0.001, 2.938735877055719e-39)))]
    out.append(double(8, rng.randrange(5) + 0.25) if is_float else number(7, rng.randrange(5)))
    for span_field, packed_field, float_field in ((9, 10, 11), (12, 13, 14)):
        held = rng.randrange(4)
        out += spans(rng, span_field, held)
        held += rng.choice((-1, 1)) if held and rng.random() < 0.05 else 0
        if held and is_float:
            out.append(part(float_field, b"".join(struct.pack("<d", rng.randrange(9) + 0.5) for _ in range(held))))
        elif held:
            out.append(part(packed_field, b"".join(varint(zigzag(rng.randrange(0, 5))) for _ in range(held))))
    if rng.random() < 0.2:
        out.append(exemplar(rng, 16))
    return out


def histogram(rng):
    is_float = rng.random() < 0.25
    fields = [double(4, rng.randrange(50) + 0.5) if is_float else number(1, rng.choice(COUNTS)), double(2, value(rng))]
    fields += buckets(rng, is_float) if rng.random() < 0.7 else []
    fields += native(rng, is_float) if rng.random() < 0.35 else []
    return part(7, *fields, stamp(rng, 15) if rng.random() < 0.2 else b"")


def content(rng, kind):
    """The value of a metric; rarely of another kind than the family says, twice, or none."""
    if rng.random() < 0.03:
        kind = rng.choice((COUNTER, GAUGE, SUMMARY, UNTYPED, HISTOGRAM, None))
    if kind == COUNTER:
        return counter(rng)
    if kind == GAUGE:
        return gauge(value(rng)) if rng.random() < 0.95 else part(2)
    if kind == SUMMARY:
        return summary(rng)
    if kind == UNTYPED:
        return part(5, double(1, value(rng)))
    return histogram(rng) if kind in (HISTOGRAM, GAUGE_HISTOGRAM) else b""


def labels(rng, utf8):
    out = []
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        name = rng.choice(words.LABELS[:3])
        if rng.random() < (0.2 if utf8 else 0.02):
            name = rng.choice(words.UTF8_NAMES)
        if rng.random() < 0.01:
            name = rng.choice(words.BAD_LABELS)
        text = rng.choice(("1", "2", "", "v", "a b", '"q"', "\\", "\n", "\u00e9"))
        out.append(pair(name, b"\xff" if rng.random() < 0.004 else text))
    return out


def family(rng, utf8):
    name = text_bodies.family_name(rng, utf8)
    kind = KINDS[words.NAMES.get(name, "gauge")] if rng.random() < 0.93 else rng.choice((*KINDS.values(), GAUGE_HISTOGRAM))
    fields = [part(1, name)]
    if rng.random() < 0.3:
        fields.append(part(2, rng.choice(("help", "other help", "", "two\nlines", "back\\slash", "\u00e9"))))
    if rng.random() < 0.97:
        fields.append(number(3, kind))
    else:
        kind = COUNTER  # what no type means on the wire
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3))):
        time = number(6, rng.choice((0, 1700000000000))) if rng.random() < 0.003 else b""
        fields.append(metric(*labels(rng, utf8), content(rng, kind), time))
    if rng.random() < 0.03:
        rng.shuffle(fields)
    if rng.random() < 0.02:
        fields.append(
            rng.choice(
                (part(5, "seconds"), number(9, 1), part(99, b"unknown"), double(98, 1.0), varint(97 << 3 | 5) + b"abcd")
            )
        )
    return b"".join(fields)


def broken(rng, message):
    """One byte of a message changed, or its end cut off."""
    at = rng.randrange(len(message)) if message else 0
    if rng.random() < 0.5:
        return message[:at]
    return message[:at] + bytes([rng.randrange(256)]) + message[at + 1 :]


def framed(rng, message):
    """The message with its length before it; rarely a length that is not its own, a few bytes wrong."""
    length = len(message)
    if rng.random() < 0.01:
        length = max(0, length + rng.choice((-2, -1, 1, 2, 300)))
    prefix = varint(length)
    if rng.random() < 0.01:  # more bytes than needed, which is allowed
        prefix = prefix[:-1] + bytes([prefix[-1] | 0x80, 0])
    return prefix + message


def push(rng, utf8):
    """Headers and parts of a push."""
    parts = []
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        message = family(rng, utf8)
        if rng.random() < 0.04:
            message = broken(rng, message)
        parts.append(framed(rng, message))
    if rng.random() < 0.01:
        parts.append(rng.choice((b"\x80", b"\x05", b"\xff" * 11, b"m 1\n", b"\0", b"\0\0")))
    return (("Content-Type", rng.choice(CONTENT_TYPES)),), tuple(parts)
