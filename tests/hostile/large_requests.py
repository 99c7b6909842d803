"""Requests that are large, or say that they are, or become large: heads, paths, bodies, codings, lengths, labels."""

import gzip
import struct
import time
import zlib

from attack import run
from process_figures import MIB, Memory, is_sanitized

import protobuf_bodies as pb
from gateway import Reader, make_request, read_response

PROTOBUF = [("Content-Type", pb.CONTENT_TYPE)]


def answer(gateway, *pieces):
    """The answer to bytes that may be more than the gateway takes: it has to arrive all the same, and then an end."""
    with gateway.connect() as sock:
        try:
            for piece in pieces:
                sock.sendall(piece)
        except OSError:
            pass  # it has answered and reads no more
        reader = Reader(sock)
        response = read_response(reader)
        try:
            rest = reader.rest()
        except OSError:
            rest = b""
        return response.status, rest


def timed(attack, gateway, what, wanted, seconds, *request):
    began = time.monotonic()
    response = gateway.request(*request)
    took = time.monotonic() - began
    attack.that(response.status in wanted, what, response.status, response.text[:200])
    attack.figure("%s: %s within %d ms" % (what, "/".join(map(str, wanted)), 1e3 * seconds), "%d in %.0f ms" % (response.status, 1e3 * took),
                  took < seconds)


def grown_less(attack, memory, limit, what):
    grown = memory.grown()
    if not is_sanitized(memory.gateway):
        attack.figure("%s: memory grows by less than %.1f MiB" % (what, limit / MIB), "%.1f MiB" % (grown / MIB), grown < limit, always=True)


def header_big(attack):
    head = b"GET /-/ready HTTP/1.1\r\nHost: x\r\n"
    with attack.gateway() as gateway:
        for what, stream, wanted in (("one field of 70 KB", head + b"X: " + b"y" * 70_000 + b"\r\n\r\n", 431),
                                     ("one of 8 MB", head + b"X: " + b"y" * (8 << 20) + b"\r\n\r\n", 431),
                                     ("20,000 fields", head + b"X: y\r\n" * 20_000 + b"\r\n", 431),
                                     ("a name of 70 KB", head + b"X" * 70_000 + b": y\r\n\r\n", 431),
                                     ("a target of 70 KB", b"GET /" + b"y" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
                                     ("a method of 70 KB", b"G" * 70_000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n", 400)):
            status, rest = answer(gateway, stream)
            attack.that(status in (wanted, 431, 414, 400) and rest == b"", what, status, rest[:100])
        memory = Memory(gateway)
        count = 1000 if attack.long else 200
        socks = [gateway.connect() for _ in range(count)]
        for sock in socks:
            sock.sendall(head + b"X: " + b"y" * 60_000)
        attack.that(gateway.request("GET", "/-/ready").status == 200, "others meanwhile")
        grown_less(attack, memory, count * 2 * 64 * 1024, "%d heads of 60 KB that do not end" % count)
        for sock in socks:
            sock.close()


def body_big(attack):
    limit = 256 * MIB
    with attack.gateway() as gateway:
        memory = Memory(gateway)
        head = make_request("PUT", "/metrics/job/t", b"", [("Content-Length", str(1 << 40))])
        status, _ = answer(gateway, head, b"a 1\n" * 100_000)
        attack.that(status == 413, "a body of 1 TiB", status)
        grown_less(attack, memory, 4 * MIB, "a body of 1 TiB")
        flags = [] if attack.long else attack.flags(body_bytes=4 * MIB)
    limit = 4 * MIB if flags else limit
    with attack.gateway(*flags) as gateway:
        memory = Memory(gateway)
        chunk = b"100000\r\n" + b"# nothing but comments\n".ljust(1 << 20, b"#") + b"\r\n"
        head = make_request("PUT", "/metrics/job/t", b"", [("Transfer-Encoding", "chunked")])
        status, _ = answer(gateway, head, *[chunk] * (limit // MIB + 40))
        attack.that(status == 413, "chunks without end", status)
        grown_less(attack, memory, limit + 16 * MIB, "chunks without end")


def path_bomb(attack):
    with attack.gateway() as gateway:
        # The first is 889 kB, as the outside list has it; sending it is most of what it takes.
        for count, wanted in ((100_000, (414,)), (3000, (400, 414)), (65, (400,))):
            path = "/metrics/job/x" + "".join("/a%d/b" % number for number in range(count))
            timed(attack, gateway, "a path of %d labels" % count, wanted, 0.02, "POST", path, b"a 1\n")
        attack.that('job="x"' not in gateway.scrape().text, "nothing is stored")


def snappy_frames(*chunks):
    return b"\xff\x06\0\0sNaPpY" + b"".join(bytes([kind]) + struct.pack("<I", len(data))[:3] + data for kind, data in chunks)


def bomb_of(megabytes):
    """So many MiB in a thousandth of it: a compressed MiB that needs nothing before it, again and again."""
    packer, block, crc = zlib.compressobj(9, zlib.DEFLATED, -15), b"x" * MIB, 0
    piece = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(megabytes):
        crc = zlib.crc32(block, crc)
    return (b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + piece * megabytes + b"\x03\0" +
            struct.pack("<II", crc, megabytes * MIB & 0xffffffff))


def gzip_bomb(attack):
    bomb = bomb_of(1024)
    with attack.gateway() as gateway:
        memory = Memory(gateway)
        coded = [("Content-Encoding", "gzip")]
        timed(attack, gateway, "1 GiB in 1 MiB", (413,), 1, "PUT", "/metrics/job/t", bomb, coded)
        if attack.has("limits.decompressed-ratio"):
            grown_less(attack, memory, 64 * MIB, "1 GiB in 1 MiB")
        else:
            print("gzip-bomb: memory is not judged without --limits.decompressed-ratio: %.0f MiB" % (memory.grown() / MIB))
        memory = Memory(gateway)
        empty = gzip.compress(b"", 9)
        timed(attack, gateway, "10,000 empty members", (200, 400, 413), 1, "PUT", "/metrics/job/t", empty * 10_000, coded)
        timed(attack, gateway, "gzip in gzip", (400,), 1, "PUT", "/metrics/job/t", gzip.compress(bomb), coded)
        snappy = [("Content-Encoding", "snappy")]
        for what, body in (("a block that says 4 GiB", snappy_frames((0, b"\0\0\0\0" + b"\xff\xff\xff\xff\x0f" + b"x"))),
                           ("a block that says 65,537 bytes", snappy_frames((0, b"\0\0\0\0" + b"\x81\x80\x04" + b"x" * 100))),
                           ("a stored block of 65,537 bytes", snappy_frames((1, b"\0\0\0\0" + b"x" * 65_537)))):
            timed(attack, gateway, what, (400,), 1, "PUT", "/metrics/job/t", body, snappy)
        grown_less(attack, memory, 64 * MIB, "the others")


def pb_length(attack):
    with attack.gateway() as gateway:
        memory = Memory(gateway)
        for what, body in (("a family of 2^40 bytes", pb.varint(1 << 40) + b"abc"),
                           ("a family of 2^63 bytes", pb.varint(1 << 63) + b"abc"),
                           ("a metric longer than its family", b"\x06\x0a\x01a\x22\x7f\x0a"),
                           ("groups of fields, 100,000 deep", pb.varint(200_000) + b"\x9b\x06" * 100_000),
                           ("10^6 labels", pb.family("a", pb.GAUGE, pb.metric(pb.label("l", "v") * 1_000_000, pb.gauge(1))))):
            timed(attack, gateway, what, (400,), 1, "PUT", "/metrics/job/t", body, PROTOBUF)
        timed(attack, gateway, "10^6 empty messages", (200, 400, 413), 0.1, "PUT", "/metrics/job/t", b"\0" * 1_000_000, PROTOBUF)
        # The body itself, and labels of it.
        grown_less(attack, memory, 96 * MIB, "all of them")


def labels_bomb(attack):
    with attack.gateway() as gateway:
        many = "a{%s} 1\n" % ",".join('l%d="v"' % number for number in range(10_000))
        timed(attack, gateway, "10,000 labels", (400,), 0.05, "PUT", "/metrics/job/t", many.encode())
        value, name = b'a{l="' + b"x" * (16 * MIB) + b'"} 1\n', b"n" * MIB + b" 1\n"
        # Without the flag a value may be as long as the body.
        timed(attack, gateway, "a value of 16 MiB", (400,) if attack.has("limits.value-bytes") else (200,), 0.05, "PUT",
              "/metrics/job/t", value)
        timed(attack, gateway, "a name of 1 MiB", (400,), 0.05, "PUT", "/metrics/job/t", name)
        timed(attack, gateway, "a name of a label of 1 MiB", (400,), 0.05, "PUT", "/metrics/job/t", b"a{" + b"n" * MIB + b'="v"} 1\n')


run("large_requests", {"header-big": header_big, "body-big": body_big, "path-bomb": path_bomb, "gzip-bomb": gzip_bomb,
                       "pb-length": pb_length, "labels-bomb": labels_bomb})
