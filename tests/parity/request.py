"""One request of a sequence, kept as parts so that it can be shrunk, and the bytes that go on the wire."""

import dataclasses

import codings

# How the bytes are sent: Content-Length, chunked, on a connection of its own, sent together with the next request, or with
# "Expect: 100-continue" and the body only after the server's word.
LENGTH, CHUNKED, CLOSE, PIPELINED, EXPECT = "length", "chunked", "close", "pipelined", "expect"
WITH_BODY = ("POST", "PUT")
ANNOUNCED_MORE_MAX = 1 << 20


@dataclasses.dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: tuple = ()  # pairs, beside those that the framing needs
    parts: tuple = ()  # of the body before its coding: lines of a text, families of a protobuf stream
    coding: str = ""  # "", gzip or snappy: how the body is coded, whatever the headers say
    damage: tuple = ()  # pairs (place from 0 to 1, byte or None): bytes of the coded body replaced, or the rest cut off
    framing: str = LENGTH

    @property
    def plain(self):
        return b"".join(self.parts)

    @property
    def body(self):
        """The body as it is sent, after its coding and the damage."""
        data = codings.encode(self.coding, self.plain)
        for place, value in self.damage:
            at = int(place * len(data))
            data = data[:at] if value is None else data[:at] + bytes([value]) + data[at + 1 :]
        return data

    @property
    def kills(self):
        """Read as protobuf, it announces a message far longer than what follows, which the reference makes room for and dies."""
        data, at = self.plain, 0
        while at < len(data):
            length = shift = 0
            while at < len(data) and shift < 70:
                length |= (data[at] & 0x7F) << shift
                shift += 7
                at += 1
                if data[at - 1] < 0x80:
                    break
            if length > len(data) - at + ANNOUNCED_MORE_MAX:
                return "protobuf" in (self.header("Content-Type") or "").lower()
            at += length
        return False

    @property
    def header_names(self):
        return {name.lower() for name, _ in self.headers}

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def writes(self):
        return self.method in ("POST", "PUT", "DELETE")

    def replace(self, **changes):
        return dataclasses.replace(self, **changes)

    def head(self):
        """Request line and headers, with the empty line."""
        lines = ["%s %s HTTP/1.1" % (self.method, self.target), "Host: gateway.test"]
        lines += ["%s: %s" % pair for pair in self.headers]
        if self.framing == CHUNKED:
            lines.append("Transfer-Encoding: chunked")
        elif self.body or self.method in WITH_BODY:
            lines.append("Content-Length: %d" % len(self.body))
        if self.framing == CLOSE:
            lines.append("Connection: close")
        if self.framing == EXPECT:
            lines.append("Expect: 100-continue")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")

    def framed_body(self):
        data = self.body
        if self.framing != CHUNKED:
            return data
        # Three chunks of unequal length, where there are bytes for three.
        cuts = sorted({0, len(data) // 3, len(data) // 2, len(data)})
        chunks = [data[a:b] for a, b in zip(cuts, cuts[1:])]
        return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def batches(requests):
    """Requests that go out together: pipelined ones with the one that follows them."""
    batch = []
    for request in requests:
        batch.append(request)
        if request.framing != PIPELINED:
            yield batch
            batch = []
    if batch:
        yield batch
