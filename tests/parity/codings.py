"""Content codings of request bodies: gzip, and snappy's framed format as far as a sender needs it."""

import gzip

STREAM_START = b"\xff\x06\x00\x00sNaPpY"
COMPRESSED, UNCOMPRESSED = 0, 1
CHUNK_BYTES_MAX = 65536


def crc32c_table():
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
        table.append(number)
    return table


TABLE = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def masked(crc):
    """The frame's checksum: rotated and moved, so that a checksum of checksums is none."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def literal_block(data):
    """A snappy block that holds the data as one literal: its length as a varint, then the tag."""
    size, length = b"", len(data)
    while length > 0x7F:
        size += bytes([length & 0x7F | 0x80])
        length >>= 7
    size += bytes([length])
    if not data:
        return size
    return size + bytes([61 << 2]) + (len(data) - 1).to_bytes(2, "little") + data


def chunk(kind, data):
    content = literal_block(data) if kind == COMPRESSED else data
    frame = masked(crc32c(data)).to_bytes(4, "little") + content
    return bytes([kind]) + len(frame).to_bytes(3, "little") + frame


def snappy_frames(data):
    """Both kinds of chunks in turn."""
    out = STREAM_START
    half = max(1, min(CHUNK_BYTES_MAX, (len(data) + 1) // 2))
    for number, start in enumerate(range(0, len(data), half)):
        out += chunk(number % 2, data[start : start + half])
    return out


def encode(coding, data):
    if coding == "gzip":
        return gzip.compress(data, 6, mtime=0)
    if coding == "gzip-members":  # two members, which is one body
        half = len(data) // 2
        return gzip.compress(data[:half], 1, mtime=0) + gzip.compress(data[half:], 9, mtime=0)
    if coding == "snappy":
        return snappy_frames(data)
    return data
