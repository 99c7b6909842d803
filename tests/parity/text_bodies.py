"""Random bodies in the text format, as lists of lines: right, odd but accepted, and subtly broken."""

import math
import struct

import words


def random_number(rng):
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(words.NUMBERS)
    if kind == 1:
        return str(rng.randrange(100))
    if kind == 2:
        value = struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))[0]
        return repr(value) if math.isfinite(value) else "NaN"
    digits = "".join(rng.choice("0123456789") for _ in range(rng.randrange(1, 25)))
    at = rng.randrange(len(digits) + 1)
    return rng.choice(("", "-")) + digits[:at] + "." + digits[at:] + rng.choice(("", "", "e%d" % rng.randrange(-330, 308)))


def number(rng):
    return rng.choice(words.BAD_NUMBERS) if rng.random() < 0.008 else random_number(rng)


def label(rng, utf8):
    name = (
        rng.choice(words.BAD_LABELS)
        if rng.random() < 0.01
        else rng.choice(words.LABELS[:3]) if rng.random() < 0.8 else rng.choice(words.LABELS)
    )
    if rng.random() < (0.15 if utf8 else 0.005):
        name = '"%s"' % rng.choice(words.UTF8_NAMES)
    value = rng.choice(words.LABEL_VALUES[:4]) if rng.random() < 0.7 else rng.choice(words.LABEL_VALUES)
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
        lines.append(
            sample(
                rng, name + "_bucket", labels + ['le="%s"' % rng.choice(("one", "", "NaN", "1e999", "+Inf"))], number(rng)
            )
        )
    if rng.random() < 0.9:
        lines.append(sample(rng, name + "_sum", labels, number(rng)))
    if rng.random() < 0.9:
        lines.append(sample(rng, name + "_count", labels, str(count) if rng.random() < 0.9 else number(rng)))
    return shuffled(rng, lines)


def summary(rng, name, labels):
    lines = [
        sample(rng, name, labels + ['quantile="%s"' % rank], number(rng))
        for rank in rng.sample(("0.5", "0.9", "0.99", "1", "0", "1.5"), rng.randrange(4))
    ]
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
        return rng.choice(words.UTF8_NAMES)
    return rng.choice(words.RARE_NAMES) if rng.random() < 0.003 else rng.choice(list(words.NAMES))


def family(rng, utf8):
    name = family_name(rng, utf8)
    kind = words.NAMES.get(name, "gauge") if rng.random() < 0.93 else rng.choice(words.TYPES)
    spelled = '"%s"' % name if name in words.UTF8_NAMES else name
    lines = []
    if rng.random() < 0.3:
        lines.append("# HELP %s %s\n" % (spelled, words.HELPS[0] if rng.random() < 0.6 else rng.choice(words.HELPS)))
    if kind:
        lines.append("# TYPE %s %s\n" % (spelled, rng.choice(words.ODD_TYPES) if rng.random() < 0.01 else kind))
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
        lines[at] = line[:place] + rng.choice(words.STRAY) + line[place:]
    elif kind == 1:
        lines[at] = line[:place] + line[place + 1 :]
    elif kind == 2:
        lines[at] = line[:place] + rng.choice(words.STRAY) + line[place + 1 :]
    elif kind == 3:
        lines.insert(rng.randrange(len(lines) + 1), line)
    elif kind == 4:
        del lines[at]
    elif kind == 5:
        lines[-1] = lines[-1].rstrip("\n")
    elif kind == 6:
        lines.insert(at, rng.choice(words.COMMENTS) + "\n")
    else:
        lines[at] = line[:place] + chr(0xDC00 + rng.randrange(0x80, 0x100)) + line[place:]
    return lines


def body(rng, utf8):
    """The lines of a body, as bytes."""
    lines = []
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        lines += family(rng, utf8)
    if lines and rng.random() < 0.12:
        lines = damaged(rng, lines)
    return tuple(line.encode("utf-8", "surrogateescape") for line in lines if line)
