"""Random request targets: grouping keys in every spelling, and the oddities of paths and routes."""

import base64

JOBS = ("a", "b", "some job", "c/d", "\u00e9\u4e16", "e=f&g", "+", "..", "x;y", "%", "")
LABELS = ("instance", "zone", "rack", "k", "job", "_x", "a1")
UTF8_LABELS = ("m.x", "k-y", "\u00e9t\u00e9", "0digit", "with blank", "U__z")
BAD_LABELS = (
    "0bad",
    "a-b",
    "a.b",
    "__name__",
    "__x",
    "",
    "\u00e9",
    "a b",
    "@base64",
    "U__a_2e_b",
    "U___5f__5f_x",
    "U__",
    "U__x_",
    "U__zz_zz_",
    "U__m__x",
    "U__m_D800_",
    "U__m_110000_",
    "le",
    "quantile",
    "x@base64@base64",
)
VALUES = (
    "v",
    "w",
    "eu-1",
    "/var/tmp",
    "a b",
    "",
    "\u00fc",
    '"q"',
    "x\ny",
    "back\\slash",
    "a=b",
    "@base64",
    ".",
    "100%",
    "?",
    "#",
)
NOT_UTF8 = ("%ff", "%c3", "%ed%a0%80", "a%80b")
BAD_BASE64 = ("!!", "a", "ab=c", "YQ==%0a", "Y Q", "YWI+", "YWI/", "====", "=", "Y", "YQ=%3D", "-_", "%0AYQ", "a%00b")
UNRESERVED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~"
# Allowed raw in a path, and read by some servers as more than themselves.
RAW = UNRESERVED + "!$&'()*+,;=:@"


def percent(rng, text, always=False):
    """Percent-encoded as a client does it, which also may encode what needs none."""
    out = ""
    for byte in text.encode():
        char = chr(byte)
        if char in RAW and not always and rng.random() > 0.02:
            out += char
        else:
            out += ("%%%02X" if rng.random() < 0.7 else "%%%02x") % byte
    return out


def base64_of(rng, text):
    coded = base64.urlsafe_b64encode(text.encode()).decode()
    stripped = coded.rstrip("=")
    return rng.choice((coded, stripped, stripped + "=" * rng.randrange(4))) or "="


def escaped(name):
    """A name that is not a legacy one, as a path of a gateway with UTF-8 names spells it."""
    return "U__" + "".join(c if c.isalnum() and c.isascii() else "__" if c == "_" else "_%x_" % ord(c) for c in name)


def pair(rng, name, value):
    """/name/value, or with @base64; a value that must not stand in a path by itself is always coded."""
    if "/" in value or value in ("", ".", "..") or rng.random() < 0.15:
        return "/%s@base64/%s" % (percent(rng, name), base64_of(rng, value))
    return "/%s/%s" % (percent(rng, name), percent(rng, value))


def label_name(rng, utf8):
    if utf8 and rng.random() < 0.3:
        return escaped(rng.choice(UTF8_LABELS))
    return rng.choice(LABELS[:4]) if rng.random() < 0.9 else rng.choice(LABELS)


def common(rng, utf8):
    """A key as clients send them, out of a small set, so that groups are met again."""
    job = rng.choice(JOBS[:3]) if rng.random() < 0.8 else rng.choice(JOBS[:-1])
    path = "/metrics" + pair(rng, "job", job)
    for _ in range(rng.choice((0, 0, 1, 1, 1, 2, 3))):
        value = rng.choice(VALUES[:2]) if rng.random() < 0.75 else rng.choice(VALUES)
        name = label_name(rng, utf8)
        # An empty instance is a difference on purpose, which ends a sequence; it comes rarely.
        if name == "instance" and value == "" and rng.random() < 0.9:
            value = "i"
        path += pair(rng, name, value)
    return path


def odd_key(rng, utf8):
    """A key that is wrong somewhere, or right in a way that is easily got wrong."""
    path = common(rng, utf8)
    kind = rng.randrange(17)
    if kind == 0:
        return path + pair(rng, rng.choice(BAD_LABELS), "v")
    if kind == 1:
        return path + "/%s@base64/%s" % (rng.choice(LABELS[1:]), rng.choice(BAD_BASE64))
    if kind == 2:
        return "/metrics/job@base64/%s" % rng.choice(BAD_BASE64)
    if kind == 3:
        return path + "/" + rng.choice(("odd", "", "zone", "zone@base64"))
    if kind == 4:
        return "/metrics/job" + rng.choice(("", "/", "@base64/=", "@base64/", "@base64", "//", "/%20", "/%2F", "/%00"))
    if kind == 5:
        return path.replace("/job", rng.choice(("/Job", "/JOB", "/jobs", "/%6Aob", "//job", "/./job", "/x/../job")), 1)
    if kind == 6:
        return path.replace("/metrics", rng.choice(("/Metrics", "/metric", "//metrics", "/../metrics", "/met%72ics")), 1)
    if kind == 7:
        at = rng.randrange(len(path))
        return path[:at] + rng.choice(("/", "//", "/./", "/../", "%2F", "%2f%2F", "/%2e%2E/", "/..", "%")) + path[at:]
    if kind == 8:
        return path + rng.choice(
            ("?", "?x=1", "?a/b", "#frag", ";v=1", "?job=z&x", "%23x", "%3Fx", "/?x", "?%zz", "/zone/v;w")
        )
    if kind == 9:
        return path + "/zone/one/zone/two"
    if kind == 10:
        return path + "/job/other"
    if kind == 11:
        return path + rng.choice(
            ("/zone/a+b", "/zone/a%2Bb", "/zone/a%20b", "/zone/%41", "/zone/a%5Cb", "/zone/%22", "/zone/%0a")
        )
    if kind == 12:
        return "http://elsewhere.test" + path
    if kind == 13:
        return path + rng.choice(("/zone/%", "/zone/%2", "/zone/%zz", "/zone/%u0041", "/zone/%%41"))
    if kind == 14:
        return path + "/" + escaped(rng.choice(UTF8_LABELS)) + "/v"
    if kind == 15:
        return (
            path + "/zone/" + rng.choice(("", "~", "a:b", "a,b", "(x)", "*", "a'b", "[x]", "{x}", "|", "^", "`", "a\u00e9b"))
        )
    return path + "/zone%2Fv"


def poisonous_key(rng, utf8):
    """Keys whose outcome differs on purpose, and ends the sequence."""
    if rng.random() < 0.6:
        value = rng.choice(NOT_UTF8)
        return rng.choice(
            (
                "/metrics/job/" + value,
                common(rng, utf8) + "/zone/" + value,
                "/metrics/job@base64/_w",
                common(rng, utf8) + "/zone@base64/gA",
            )
        )
    return common(rng, utf8) + rng.choice(("/instance@base64/=", "/instance/"))


def key(rng, utf8):
    chance = rng.random()
    if chance < 0.004:
        return poisonous_key(rng, utf8)
    return odd_key(rng, utf8) if chance < 0.1 else common(rng, utf8)


ROUTES = (
    "/-/healthy",
    "/-/ready",
    "/-/quit",
    "/metrics",
    "/metrics/",
    "/api/v1/status",
    "/api/v1/metrics",
    "/api/v1/",
    "/api/v1",
    "/api",
    "/api/v1/admin/wipe",
    "/api/v1/nothing",
    "/api/v2/status",
    "/nothing",
    "/favicon.ico",
    "/static/nothing",
    "/-/",
    "/-/healthy/",
    "//-/healthy",
    "/-/Healthy",
    "/metrics?x=1",
    "/metrics//",
    "/METRICS",
    "/api/v1/status/",
    "/api//v1/status",
    "/api/v1/../v1/status",
    "/debug/pprof/cmdline",
    "/metrics/job",
    "/metrics/jobs/a",
    "/%2D/healthy",
    "/-/ready?x",
    "*",
    "/api/v1/Status",
    "/api/v1/admin",
    "/api/v1/admin/wipe/",
    "/.",
    "/..",
    "/a/b/c",
    "/-/quit/",
    "/metrics/x/../job/a",
)
METHODS = ("GET", "GET", "GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "BREW", "TRACE", "get")
