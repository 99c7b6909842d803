"""A seeded sequence of requests, from empty servers on. The same seed and number give the same sequence everywhere."""

import dataclasses
import random

import paths
import proto_bodies
import scrapes
import text_bodies
from request import CHUNKED, CLOSE, EXPECT, LENGTH, PIPELINED, Request

LENGTHS = (4, 12, 25, 40)
TEXT_TYPES = (
    None,
    None,
    "text/plain; version=0.0.4",
    "text/plain",
    "application/openmetrics-text; version=1.0.0",
    "application/json",
    "application/x-www-form-urlencoded",
    "nonsense",
    "",
    "application/vnd.google.protobuf",
    "application/vnd.google.protobuf; encoding=delimited",
    "text/plain; version=0.0.4; charset=utf-8",
)
CODINGS = ("gzip", "gzip", "snappy", "gzip-members")
OTHER_CODINGS = ("identity", "x-gzip", "br", "deflate", "gzip, identity", "zstd", "", "Gzip ")


@dataclasses.dataclass(frozen=True)
class Profile:
    """The flags that both servers are started with, and which kinds of requests are sent."""

    name: str
    flags: tuple = ()
    utf8: bool = False
    unchecked: bool = False
    prefix: str = ""  # of every route
    protobuf_bodies: bool = True
    protobuf_scrapes: bool = True
    codings: bool = True
    escapings: bool = True
    api: bool = True


ALL_FLAGS = ("--web.enable-admin-api",)
PROFILES = (
    Profile("plain", ALL_FLAGS),
    Profile("utf8", ALL_FLAGS + ("--push.enable-utf8-names",), utf8=True),
    Profile("unchecked", ALL_FLAGS + ("--push.disable-consistency-check",), unchecked=True),
)


def framing(rng, has_body):
    chance = rng.random()
    if chance < 0.72:
        return LENGTH
    if chance < 0.82:
        return PIPELINED
    if chance < 0.85:
        return CLOSE
    return rng.choice((CHUNKED, CHUNKED, EXPECT)) if has_body else LENGTH


def coded(rng, request):
    """The same push with a content coding: good, damaged, or named otherwise than it is."""
    coding = rng.choice(CODINGS)
    name = coding.split("-")[0]
    damage = ()
    chance = rng.random()
    if chance < 0.25:
        # Of damaged gzip some bytes may come out; as a length of a protobuf message they could kill the reference.
        cut_only = coding != "snappy" and "protobuf" in (request.header("Content-Type") or "")
        damage = ((rng.random(), None if cut_only else rng.choice((None, 0, 255, rng.randrange(256)))),)
    elif chance < 0.35:
        coding = ""
    elif chance < 0.42:
        name = rng.choice(OTHER_CODINGS)
    elif chance < 0.46:
        name = name.upper()
    return request.replace(coding=coding, damage=damage, headers=request.headers + (("Content-Encoding", name),))


def push(rng, profile):
    headers, parts = (), None
    if profile.protobuf_bodies and rng.random() < 0.3:
        headers, parts = proto_bodies.push(rng, profile.utf8)
    else:
        content_type = rng.choice(TEXT_TYPES)
        headers = () if content_type is None else (("Content-Type", content_type),)
        parts = text_bodies.body(rng, profile.utf8)
    request = Request(
        "PUT" if rng.random() < 0.45 else "POST", paths.key(rng, profile.utf8), headers, parts, framing=framing(rng, True)
    )
    if profile.codings and rng.random() < 0.08:
        request = coded(rng, request)
    return request


def delete(rng, profile):
    return Request("DELETE", paths.key(rng, profile.utf8), framing=framing(rng, False))


def scrape(rng, profile):
    headers = scrapes.scrape_headers(rng, profile.protobuf_scrapes, profile.escapings)
    return Request("GET", "/metrics", headers, framing=CLOSE if rng.random() < 0.05 else LENGTH)


def api_call(rng, profile):
    if not profile.api:
        return scrape(rng, profile)
    method, target, headers = scrapes.api_call(rng)
    return Request(method, target, headers)


def wipe(rng, profile):
    return Request("PUT", "/api/v1/admin/wipe", parts=(b"ignored",) if rng.random() < 0.1 else ())


def route(rng, profile):
    """Any method on any route."""
    method = rng.choice(paths.METHODS)
    target = rng.choice(paths.ROUTES) if rng.random() < 0.7 else paths.key(rng, profile.utf8)
    if not profile.api and target.startswith("/api"):
        target = "/-/healthy"
    # The page is HTML of our own; who looks at it is a human.
    if target.split("?")[0].rstrip("/") in ("", "/status") and method == "GET":
        target = "/-/ready"
    parts = (b"m 1\n",) if method in ("POST", "PUT", "PATCH") and rng.random() < 0.7 else ()
    return Request(method, target, parts=parts, framing=CLOSE if method in ("TRACE", "get") else LENGTH)


KINDS = ((push, 62), (delete, 8), (scrape, 14), (api_call, 6), (wipe, 1), (route, 9))


def one(rng, profile):
    kind = rng.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])[0]
    return kind(rng, profile)


def settled(requests, profile):
    """With the check disabled the reference answers before it stores; a scrape before a wipe lets both have the same to wipe."""
    for request in requests:
        if profile.unchecked and request.target.startswith("/api/v1/admin/wipe"):
            yield Request("GET", "/metrics")
        yield request


def without_pipelined_reads(requests):
    """Answers to pipelined reads cannot be asked for again, so only writes are pipelined, and not with what expects a word."""
    out = []
    for request in requests:
        if out and out[-1].framing == PIPELINED and (request.framing in (EXPECT, CLOSE) or not request.writes):
            out[-1] = out[-1].replace(framing=LENGTH)
        out.append(request)
    if out[-1].framing == PIPELINED:
        out[-1] = out[-1].replace(framing=LENGTH)
    return out


def sequence(seed, number, profile):
    rng = random.Random("%d/%d/%s" % (seed, number, profile.name))
    requests = [one(rng, profile) for _ in range(rng.choice(LENGTHS))]
    requests.append(Request("GET", "/metrics"))
    if profile.api:
        requests.append(Request("GET", "/api/v1/metrics"))
    return without_pipelined_reads(list(settled(requests, profile)))
