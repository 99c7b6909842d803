"""Bodies with a Content-Encoding: gzip and framed snappy as the reference takes them, with its texts; bombs; real gzip."""

import gzip
import shutil
import struct
import subprocess
import zlib

from compare import pushed_lines
from gateway import Checks, Gateway, arguments

BODY = b"# TYPE a gauge\na{x=\"y\"} 1\nb 2\n"
LINES = ['a{instance="",job="t",x="y"} 1', 'b{instance="",job="t"} 2']
DECODED_BYTES_MAX = 256 << 20


def crc32c_masked(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def chunk(kind, data):
    return bytes([kind]) + struct.pack("<I", len(data))[:3] + data


def stored(data):
    """A chunk of data that is not compressed."""
    return chunk(1, struct.pack("<I", crc32c_masked(data)) + data)


def literal(data):
    """A compressed chunk that is one literal of up to 60 bytes."""
    return chunk(0, struct.pack("<I", crc32c_masked(data)) + bytes([len(data), len(data) - 1 << 2]) + data)


IDENTIFIER = chunk(0xFF, b"sNaPpY")


def header(flags, rest=b""):
    return bytes([0x1F, 0x8B, 8, flags, 0, 0, 0, 0, 0, 3]) + rest


def with_header(flags, rest):
    """BODY behind a header of one's own."""
    return header(flags, rest) + gzip.compress(BODY)[10:]


def header_crc(good):
    fixed = header(2)
    return with_header(2, struct.pack("<H", (zlib.crc32(fixed) + (not good)) & 0xFFFF))


def gzip_cases():
    whole = gzip.compress(BODY)
    bad_crc = whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:]
    bad_length = whole[:-1] + b"\x01"
    invalid = "gzip: invalid header"
    cut = "unexpected EOF"
    return [
        ("one member", whole, 200, ""),
        ("two members", gzip.compress(BODY[:20]) + gzip.compress(BODY[20:]), 200, ""),
        ("an empty member between", gzip.compress(BODY[:20]) + gzip.compress(b"") + gzip.compress(BODY[20:]), 200, ""),
        ("extra field", with_header(4, b"\x03\x00abc"), 200, ""),
        ("name and comment", with_header(24, b"name\0comment\0"), 200, ""),
        ("longest name", with_header(8, b"n" * 511 + b"\0"), 200, ""),
        ("too long a name", with_header(8, b"n" * 512 + b"\0"), 400, invalid),
        ("header checksum", header_crc(True), 200, ""),
        ("wrong header checksum", header_crc(False), 400, invalid),
        ("no body", b"", 400, "EOF"),
        ("half a header", whole[:9], 400, cut),
        ("header alone", whole[:10], 400, cut),
        ("cut name", header(8, b"name"), 400, cut),
        ("cut extra field", header(4, b"\x03\x00ab"), 400, cut),
        ("not gzip", BODY, 400, invalid),
        ("cut data", whole[:-12], 400, cut),
        ("cut trailer", whole[:-3], 400, cut),
        ("wrong checksum", bad_crc, 400, "gzip: invalid checksum"),
        ("wrong length", bad_length, 400, "gzip: invalid checksum"),
        ("text behind", whole + b"0123456789", 400, invalid),
        ("little behind", whole + b"\n", 400, cut),
        ("an invalid block", header(0, b"\x07" + bytes(20)), 400, "flate: corrupt input before offset 1"),
        ("the text's error comes first", gzip.compress(b"a 1\nb\n" + BODY)[:-3], 400,
         'text format parsing error in line 2: expected float as value, got ""'),
        ("the end of text does not", gzip.compress(b"a 1\nb 2")[:-3], 400, cut),
    ]


def snappy_cases():
    corrupt = "snappy: corrupt input"
    unsupported = "snappy: unsupported input"
    wrong = stored(BODY)
    return [
        ("stored", IDENTIFIER + stored(BODY), 200, ""),
        ("compressed", IDENTIFIER + literal(BODY), 200, ""),
        ("several chunks", IDENTIFIER + stored(BODY[:20]) + IDENTIFIER + chunk(0xFE, bytes(9)) + literal(BODY[20:]), 200, ""),
        ("skippable chunk", IDENTIFIER + chunk(0x80, b"x") + stored(BODY), 200, ""),
        ("no identifier", stored(BODY), 400, corrupt),
        ("wrong identifier", chunk(0xFF, b"sNaPpy") + stored(BODY), 400, corrupt),
        ("unskippable chunk", IDENTIFIER + chunk(2, b"x") + stored(BODY), 400, unsupported),
        ("wrong checksum", IDENTIFIER + wrong[:4] + bytes([wrong[4] ^ 1]) + wrong[5:], 400, corrupt),
        ("cut chunk", IDENTIFIER + stored(BODY)[:-1], 400, corrupt),
        ("cut header", IDENTIFIER + b"\x01\x00", 400, corrupt),
        ("announces 16 MB", IDENTIFIER + b"\x01\xff\xff\xff" + BODY, 400, unsupported),
        ("a block of 4 GB", IDENTIFIER + chunk(0, b"crc!" + b"\xff\xff\xff\xff\x0f" + BODY), 400, corrupt),
        ("unframed", bytes([len(BODY), len(BODY) - 1 << 2]) + BODY, 400, corrupt),
    ]


def check_cases(checks, gateway):
    for encoding, cases in (("gzip", gzip_cases()), ("snappy", snappy_cases())):
        for name, body, status, text in cases:
            where = encoding + ": " + name
            response = gateway.request("PUT", "/metrics/job/t", body, [("Content-Encoding", encoding)])
            checks.equal((response.status, response.text.rstrip("\n")), (status, text), where)
            lines = [line for line in pushed_lines(gateway.scrape().text) if line[0] in "ab"]
            checks.equal(lines, LINES if status == 200 else [], where, "scrape")
            gateway.request("DELETE", "/metrics/job/t")


def check_routes(checks, gateway):
    """gzip is opened before the request is looked at, on every route but /api and redirects of unclean paths."""
    coded = [("Content-Encoding", "gzip")]
    for method, target, status, opened in (
            ("GET", "/metrics", 200, 200), ("GET", "/-/healthy", 200, 200), ("GET", "/nowhere", 404, 404),
            ("DELETE", "/metrics/job/t", 202, 202), ("OPTIONS", "/metrics/job/t", 200, 200),
            ("GET", "/metrics/job/t", 405, 405), ("PUT", "/metrics/job/t/odd", 400, 400)):
        response = gateway.request(method, target, b"", coded)
        checks.equal((response.status, response.text), (400, "EOF\n"), method, target, "without a body")
        response = gateway.request(method, target, gzip.compress(b""), coded)
        checks.equal(response.status, opened, method, target, "with a good body")
        checks.that(response.text != "EOF\n", method, target)
        checks.equal(gateway.request(method, target).status, status, method, target, "without a coding")
    checks.equal(gateway.request("GET", "/metrics//x", b"", coded).status, 307, "an unclean path")
    for coding in ("x-gzip", "zstd", "br", "deflate", "gzip, identity", "identity"):
        response = gateway.request("PUT", "/metrics/job/t", BODY, [("Content-Encoding", coding)])
        checks.equal(response.status, 200, coding, "is plain text")


def check_bomb(checks, gateway):
    """Decoded size is bounded, whatever the members say."""
    compress = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"#" * (1 << 20)
    bomb = b"".join(compress.compress(block) for _ in range((DECODED_BYTES_MAX >> 20) + 64)) + compress.flush()
    response = gateway.request("PUT", "/metrics/job/t", bomb, [("Content-Encoding", "gzip")], timeout=300)
    checks.equal((response.status, response.text), (413, "the limit --limits.decompressed-ratio=100 is reached\n"), "bomb")
    checks.equal(gateway.request("PUT", "/metrics/job/t", gzip.compress(BODY), [("Content-Encoding", "gzip")]).status, 200,
                 "after the bomb")


def check_real_gzip(checks, gateway):
    """`gzip | curl`, with a body of many slices."""
    if not shutil.which("curl") or not shutil.which("gzip"):
        print("NOT RUN: encodings_curl: gzip or curl is not installed")
        return
    body = b"".join(b"m{n=\"%d\"} %d\n" % (number, number) for number in range(100_000))
    url = "http://127.0.0.1:%d/metrics/job/curl" % gateway.port
    packed = subprocess.run(["gzip", "-c"], input=body, capture_output=True, check=True).stdout
    sent = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", "@-", "-H",
                           "Content-Encoding: gzip", url], input=packed, capture_output=True, check=True, timeout=300)
    checks.equal(sent.stdout, b"200", "gzip | curl")
    checks.equal(gateway.scrape().text.count("\nm{"), 100_000, "every sample has arrived")


def main():
    options = arguments()
    checks = Checks("encodings")
    with Gateway(options.binary, backend=options.backend) as gateway:
        check_cases(checks, gateway)
        check_routes(checks, gateway)
        check_bomb(checks, gateway)
        check_real_gzip(checks, gateway)
    checks.finish()


main()
