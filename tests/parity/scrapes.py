"""Random scrapes and calls of the API: what is asked for, and in which format."""

PROTO = "application/vnd.google.protobuf"
FAMILY = ";proto=io.prometheus.client.MetricFamily"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
TEXT_ACCEPTS = (
    None,
    "",
    "*/*",
    "text/plain",
    "text/plain;version=0.0.4",
    "text/plain;version=1.0.0",
    "text/plain;version=0.0.4;escaping=allow-utf-8",
    "text/plain;version=1.0.0;escaping=allow-utf-8",
    "text/plain;escaping=dots",
    "text/plain;version=0.0.4;escaping=values",
    "text/plain;version=0.0.4;escaping=underscores",
    "text/plain;version=0.0.4;escaping=nonsense",
    "text/plain;escaping=values,*/*",
    "application/json",
    "text/html",
    "garbage",
    ";;;,",
    'text/plain; version=0.0.4; escaping="dots"',
    "TEXT/PLAIN;version=0.0.4",
    "text/plain;q=0",
    "text/plain;version=2.0.0",
    "application/openmetrics-text;version=1.0.0",
    "application/openmetrics-text",
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
    "*/*;escaping=allow-utf-8",
    "text/*",
    "application/*",
    PROMETHEUS_2,
    PROMETHEUS_3,
    BROWSER,
    PROTO,
    PROTO + FAMILY,
    PROTO + ";encoding=delimited",
    PROTO + ";proto=x;encoding=delimited",
)
PROTO_ACCEPTS = tuple(
    PROTO + FAMILY + ";encoding=" + encoding + escaping
    for encoding in ("delimited", "text", "compact-text")
    for escaping in ("", ";escaping=allow-utf-8", ";escaping=values", ";escaping=dots", ";escaping=underscores")
) + (
    PROTO + FAMILY + ";encoding=delimited;q=0.7," + PROMETHEUS_3,
    PROTO + FAMILY + ";encoding=delimited;q=0.3,text/plain;q=0.5",
    PROTO + FAMILY + ";encoding=DELIMITED",
    PROTO + FAMILY + ";encoding=nonsense,text/plain",
    "text/plain;q=0.5," + PROTO + FAMILY + ";encoding=text;q=0.6",
    PROTO + "; proto=io.prometheus.client.MetricFamily; encoding=text",
)
ENCODINGS = (
    None,
    None,
    None,
    "gzip",
    "identity",
    "",
    "gzip;q=0",
    "gzip;q=0.5, identity;q=1",
    "deflate",
    "br, gzip",
    "*",
    "zstd",
    "zstd, gzip",
    "GZIP",
    "gzip, deflate, br, zstd",
    "identity;q=0",
    "*;q=0",
    "gzip;q=1.0,*;q=0",
    "x-gzip",
    "gzip ; q=0.3",
    "gzip;q=x",
)
RANGES = ("text/plain", "*/*", "text/*", "application/*", PROTO + FAMILY, PROTO, "application/openmetrics-text", "text/html")
PARAMETERS = (
    "version=0.0.4",
    "version=1.0.0",
    "version=0.0.1",
    'version="0.0.4"',
    "encoding=delimited",
    "encoding=text",
    "encoding=compact-text",
    "escaping=allow-utf-8",
    "escaping=underscores",
    "escaping=dots",
    "escaping=values",
    "escaping=x",
    "charset=utf-8",
    "VERSION=1.0.0",
    "proto=io.prometheus.client.MetricFamily",
)
QUALITIES = ("q=1", "q=0", "q=0.5", "q=0.3", "q=1.0", "q=0.501", "q=2", "q=-1", "q=x", "q=", "Q=0.1", "q=.5", "q = 0.5")


def random_accept(rng):
    """Several ranges with parameters and qualities, some of them not as they should be."""
    ranges = []
    for _ in range(rng.randrange(1, 5)):
        words = [rng.choice(RANGES)] + rng.sample(PARAMETERS, rng.choice((0, 0, 1, 1, 2)))
        if rng.random() < 0.6:
            words.append(rng.choice(QUALITIES[:6]) if rng.random() < 0.8 else rng.choice(QUALITIES))
        ranges.append(rng.choice((";", "; ", " ; ")).join(words))
    return rng.choice((",", ", ")).join(ranges)


def random_encoding(rng):
    words = [
        rng.choice(("gzip", "identity", "*", "deflate", "zstd", "br", "GZIP", "x-gzip"))
        + rng.choice(("", "", ";q=0", ";q=0.5", "; q=1", ";q=0.0", ";q"))
        for _ in range(rng.randrange(1, 4))
    ]
    return rng.choice((",", ", ")).join(words)


def scrape_headers(rng, protobuf, escapings=True):
    chance = rng.random()
    if chance < 0.4:
        accept = None
    elif protobuf and chance < 0.65:
        accept = rng.choice(PROTO_ACCEPTS)
    else:
        accept = rng.choice(TEXT_ACCEPTS) if rng.random() < 0.6 or not protobuf else random_accept(rng)
        if not escapings and accept and ("dots" in accept or "values" in accept):
            accept = None
    encoding = rng.choice(ENCODINGS) if rng.random() < 0.8 else random_encoding(rng)
    headers = () if accept is None else (("Accept", accept),)
    if encoding is not None:
        headers += (("Accept-Encoding", encoding),)
    if rng.random() < 0.1:
        headers += (("X-Prometheus-Scrape-Timeout-Seconds", "10"),)
    return headers


def api_call(rng):
    """Method, target and headers of a call that the API answers."""
    headers = (("Origin", "http://page.test"),) if rng.random() < 0.3 else ()
    if rng.random() < 0.2:
        headers += (("Accept-Encoding", "gzip"),)
    target = "/api/v1/" + rng.choice(("metrics", "metrics", "metrics", "status", "anything/else", "metrics?x=y"))
    return "OPTIONS" if rng.random() < 0.1 else "GET", target, headers
