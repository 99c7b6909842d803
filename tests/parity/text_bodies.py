"""Random bodies in the text format, as lists of lines: right, odd but accepted, and subtly broken."""

import math
import struct

# Few names, so that families meet again with other types, help texts and labels; name: its usual type.
NAMES = {
    "m": "gauge", "n": "counter", "x": "", "x_total": "counter", "h": "histogram", "s": "summary", "h_count": "", "s_sum": "gauge",
    "h_bucket": "", "up": "untyped", "a:b": "gauge", "_z": "", "s_count": "counter", "info": "gauge",
}
RARE_NAMES = ("push_time_seconds", "push_failure_time_seconds", "process_open_fds", "go_goroutines", "process_x", "go_x",
              "pushgateway_build_info", "pushgateway_http_requests_total", "promhttp_x", "h_sum")
UTF8_NAMES = ("m.x", "\u6e29\u5ea6", "with blank", "0m", "m-y", "m\\\"q")
TYPES = ("counter", "gauge", "untyped", "summary", "histogram")
ODD_TYPES = ("Gauge", "GAUGE", "gaugehistogram", "info", "stateset", "unknown", "nonsense", "", "gauge ", "gauge x", "uNtYpEd")
HELPS = ("help", "other help", "", "two\\nlines", "back\\\\slash", "\\x", "quote \" and \\\"", "  blanks  ", "tab\there", "\u00e9", "a # b",
         "trailing\\")
LABELS = ("l", "k", "zone", "instance", "job", "z9", "_u", "rack")
BAD_LABELS = ("0l", "l-x", "__name__", "l.x", "le", "quantile", "__x", "", "l ", "\u00e9", "a:b")
LABEL_VALUES = ("1", "2", "", "v", "w", "a b", "\\\"q\\\"", "\\n", "\\\\", "\u00e9", "}", ",", "=", "#", "{", "eu-1", "i", "\\", "\\x", "10", "9")
NUMBERS = ("0", "1", "-1", "2.5", "1e6", "1e-7", "NaN", "+Inf", "-Inf", "inf", "-0", "123456", "1234567", "0.1", "1e21", "1e20", "1e308",
           "5e-324", "12345678901234567890", "0.30000000000000004", "4.9406564584124654e-324", "9007199254740993", ".5", "5.", "+3", "1E5",
           "100000", "999999.5", "0.0001", "0.00001", "1.7976931348623157e308")
BAD_NUMBERS = ("1e309", "0x10", "1_0", "1f", "--1", "", "one", "1,5", "+nan", "1e", "e5", ".", "infinit", "1 ", "0b1", "\u0661", "1e+", "-",
               "nan1", "0x1p-2", "Infinity", "-infinity", "iNf", "+infinity")
COMMENTS = ("", "#", "# comment", "#HELP m h", "# HELP", "# TYPE", "# EOF", "# UNIT m s", "   ", "\t", "## x", "# HELP m", "# TYPE m",
            "#  TYPE\tm  gauge", "# TYPE m gauge counter", "# HELP 0m x", "#TYPE m counter", " # HELP m h")
STRAY = "{}\"\\,=# \t\n\r\0:+-.eE_0a\x7f"


def random_number(rng):
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(NUMBERS)
    if kind == 1:
        return str(rng.randrange(100))
    if kind == 2:
        value = struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))[0]
        return repr(value) if math.isfinite(value) else "NaN"
    digits = "".join(rng.choice("0123456789") for _ in range(rng.randrange(1, 25)))
    at = rng.randrange(len(digits) + 1)
    return rng.choice(("", "-")) + digits[:at] + "." + digits[at:] + rng.choice(("", "", "e%d" % rng.randrange(-330, 308)))


def number(rng):
    return rng.choice(BAD_NUMBERS) if rng.random() < 0.008 else random_number(rng)


def label(rng, utf8):
    name = rng.choice(BAD_LABELS) if rng.random() < 0.01 else rng.choice(LABELS[:3]) if rng.random() < 0.8 else rng.choice(LABELS)
    if rng.random() < (0.15 if utf8 else 0.005):
        name = '"%s"' % rng.choice(UTF8_NAMES)
    value = rng.choice(LABEL_VALUES[:4]) if rng.random() < 0.7 else rng.choice(LABEL_VALUES)
    return '%s="%s"' % (name, value)


def label_set(rng, utf8):
    return [label(rng, utf8) for _ in range(rng.choice((0, 0, 1, 1, 2, 3)))]


def blank(rng):
    return "" if rng.random() < 0.95 else rng.choice((" ", "\t", "  "))


def sample(rng, name, labels, value):
    """A line; a name that is not a legacy one goes into the braces."""
    text = (blank(rng) + "," + blank(rng)).join(labels)
    if not name.replace("_", "a").replace(":", "a").isalnum() or not name.isascii() or name[0].isdigit():
        line = '{"%s"%s} %s' % (name, "," + text if text else "", value)
    elif labels or rng.random() < 0.1:
        line = "%s{%s%s} %s" % (name, text, "," if labels and rng.random() < 0.03 else "", value)
    else:
        line = "%s %s" % (name, value)
    if rng.random() < 0.003:
        line += rng.choice((" 1700000000000", " 0", " -1", " 1.5", " x", " ", " 1 2", "\t17"))
    return line + "\n"


def histogram(rng, name, labels):
    lines, count = [], 0
    for bound in rng.sample(("0.1", "1", "2.5", "10", "1e3", "+Inf", "-1", "0"), rng.randrange(1, 5)):
        count += rng.randrange(5)
        lines.append(sample(rng, name + "_bucket", labels + ['le="%s"' % bound], str(count)))
    if rng.random() < 0.15:
        lines.append(sample(rng, name + "_bucket", labels + ['le="%s"' % rng.choice(("one", "", "NaN", "1e999", "+Inf"))], number(rng)))
    if rng.random() < 0.9:
        lines.append(sample(rng, name + "_sum", labels, number(rng)))
    if rng.random() < 0.9:
        lines.append(sample(rng, name + "_count", labels, str(count) if rng.random() < 0.9 else number(rng)))
    return shuffled(rng, lines)


def summary(rng, name, labels):
    lines = [sample(rng, name, labels + ['quantile="%s"' % rank], number(rng))
             for rank in rng.sample(("0.5", "0.9", "0.99", "1", "0", "1.5"), rng.randrange(4))]
    if rng.random() < 0.1:
        lines.append(sample(rng, name, labels + rng.choice(([], ['quantile="x"'], ['quantile=""'])), number(rng)))
    if rng.random() < 0.9:
        lines.append(sample(rng, name + "_sum", labels, number(rng)))
    if rng.random() < 0.9:
        lines.append(sample(rng, name + "_count", labels, str(rng.randrange(9)) if rng.random() < 0.9 else number(rng)))
    return shuffled(rng, lines)


def shuffled(rng, lines):
    if rng.random() < 0.2:
        rng.shuffle(lines)
    return lines


def family_name(rng, utf8):
    if rng.random() < (0.2 if utf8 else 0.004):
        return rng.choice(UTF8_NAMES)
    return rng.choice(RARE_NAMES) if rng.random() < 0.003 else rng.choice(list(NAMES))


def family(rng, utf8):
    name = family_name(rng, utf8)
    kind = NAMES.get(name, "gauge") if rng.random() < 0.93 else rng.choice(TYPES)
    spelled = '"%s"' % name if name in UTF8_NAMES else name
    lines = []
    if rng.random() < 0.3:
        lines.append("# HELP %s %s\n" % (spelled, HELPS[0] if rng.random() < 0.6 else rng.choice(HELPS)))
    if kind:
        lines.append("# TYPE %s %s\n" % (spelled, rng.choice(ODD_TYPES) if rng.random() < 0.01 else kind))
    if rng.random() < 0.02:
        rng.shuffle(lines)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 5))):
        labels = label_set(rng, utf8)
        if kind == "histogram" and rng.random() < 0.97:
            lines += histogram(rng, name, labels)
        elif kind == "summary" and rng.random() < 0.97:
            lines += summary(rng, name, labels)
        else:
            lines.append(sample(rng, name, labels, number(rng)))
    return lines


def damaged(rng, lines):
    """One small thing wrong: a byte more, less or other, a line twice, away or elsewhere, no last newline."""
    at = rng.randrange(len(lines))
    line, kind = lines[at], rng.randrange(8)
    place = rng.randrange(len(line) + 1)
    if kind == 0:
        lines[at] = line[:place] + rng.choice(STRAY) + line[place:]
    elif kind == 1:
        lines[at] = line[:place] + line[place + 1:]
    elif kind == 2:
        lines[at] = line[:place] + rng.choice(STRAY) + line[place + 1:]
    elif kind == 3:
        lines.insert(rng.randrange(len(lines) + 1), line)
    elif kind == 4:
        del lines[at]
    elif kind == 5:
        lines[-1] = lines[-1].rstrip("\n")
    elif kind == 6:
        lines.insert(at, rng.choice(COMMENTS) + "\n")
    else:
        lines[at] = line[:place] + chr(0xdc00 + rng.randrange(0x80, 0x100)) + line[place:]
    return lines


def body(rng, utf8):
    """The lines of a body, as bytes."""
    lines = []
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        lines += family(rng, utf8)
    if lines and rng.random() < 0.12:
        lines = damaged(rng, lines)
    return tuple(line.encode("utf-8", "surrogateescape") for line in lines if line)
