"""Makes a sequence that shows a difference as small as it gets: fewer requests, then less in each."""

import time

from request import LENGTH


def without_pieces(items, still_fails, deadline):
    """The items that are needed, found by leaving out ever smaller runs of them (delta debugging)."""
    items = list(items)
    size = max(1, len(items) // 2)
    while items:
        start, changed = 0, False
        while start < len(items) and time.monotonic() < deadline:
            candidate = items[:start] + items[start + size :]
            if still_fails(candidate):
                items, changed = candidate, True
            else:
                start += size
        if time.monotonic() >= deadline or size == 1 and not changed:
            break
        size = max(1, min(size // 2, len(items) // 2)) if size > 1 else 1
    return items


def simpler(request):
    """The request with one thing taken away, one after the other."""
    if request.framing != LENGTH:
        yield request.replace(framing=LENGTH)
    if request.damage:
        yield request.replace(damage=())
    if request.coding:
        yield request.replace(
            coding="", damage=(), headers=tuple(h for h in request.headers if h[0].lower() != "content-encoding")
        )
    for number in range(len(request.headers)):
        yield request.replace(headers=request.headers[:number] + request.headers[number + 1 :])
    if request.parts:
        yield request.replace(parts=(), coding="", damage=())


class Shrinker:
    """`reproduces` takes a list of requests and says whether the same difference is still there."""

    def __init__(self, reproduces, seconds=60):
        self.reproduces = lambda requests: not any(request.kills for request in requests) and reproduces(requests)
        self.deadline = time.monotonic() + seconds

    def shrink(self, requests):
        requests = without_pieces(requests, self.reproduces, self.deadline)
        before = None
        while requests != before and time.monotonic() < self.deadline:
            before = list(requests)
            for number in range(len(requests)):
                self.simplify(requests, number)
            requests[:] = without_pieces(requests, self.reproduces, self.deadline)
        return requests

    def with_request(self, requests, number, request):
        return requests[:number] + [request] + requests[number + 1 :]

    def simplify(self, requests, number):
        """Makes one request of the list smaller, in place."""
        changed = True
        while changed and time.monotonic() < self.deadline:
            changed = False
            for candidate in simpler(requests[number]):
                if self.reproduces(self.with_request(requests, number, candidate)):
                    requests[number], changed = candidate, True
                    break
        self.shrink_parts(requests, number)

    def shrink_parts(self, requests, number):
        request = requests[number]

        def fails_with(parts):
            return self.reproduces(self.with_request(requests, number, request.replace(parts=tuple(parts))))

        if len(request.parts) > 1:
            request = request.replace(parts=tuple(without_pieces(request.parts, fails_with, self.deadline)))
        for at, part in enumerate(request.parts):

            def fails_with_bytes(data, at=at):
                return fails_with(request.parts[:at] + (bytes(data),) + request.parts[at + 1 :])

            request = request.replace(
                parts=request.parts[:at]
                + (bytes(without_pieces(part, fails_with_bytes, self.deadline)),)
                + request.parts[at + 1 :]
            )
        requests[number] = request
