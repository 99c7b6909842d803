"""Pushes with everything that a persistence file can hold, for moving in and out."""

import protobuf_bodies
from protobuf_bodies import CONTENT_TYPE, double, family, label, metric, number, part, varint


def zigzag(value):
    return varint((value << 1 ^ value >> 63) & (1 << 64) - 1)


NATIVE = part(7, number(1, 10), double(2, 12.5), number(5, 1 << 1), double(6, 0.001), number(7, 2),
              part(9, number(1, 0), number(2, 1)), part(10, zigzag(1)),
              part(12, number(1, 0), number(2, 2)), part(12, number(1, 2), number(2, 1)),
              part(13, zigzag(2), zigzag(1), zigzag(-1)),
              part(16, label("trace", "t1"), double(2, 1.5), part(3, number(1, 1700000000))))
FLOAT_NATIVE = part(7, double(4, 2.5), double(2, 3), number(5, 0), double(6, 0.5), double(8, 0.5),
                    part(12, number(1, 0), number(2, 1)), part(14, b"\0\0\0\0\0\0\0\x40"))
NATIVES = (family("native_seconds", protobuf_bodies.HISTOGRAM, part(2, "Native."), metric(label("path", "/a"), NATIVE),
                  metric(label("path", "/b \"\\\n"), NATIVE)) +
           family("queue_seconds", protobuf_bodies.GAUGE_HISTOGRAM, metric(NATIVE)) +
           family("float_seconds", protobuf_bodies.HISTOGRAM, metric(FLOAT_NATIVE)))

TEXT = (
    ("PUT", "/metrics/job/etl/instance/a",
     b"# HELP rows Rows\\\\written.\\nsecond\n# TYPE rows counter\nrows{t=\"x\\\"y\\\\z\\n\"} 1e+06\nrows{t=\"\"} 3\n"),
    ("POST", "/metrics/job/etl/instance/a", b"# HELP empty \nempty -0\nplain NaN\nmore{a=\"\"} +Inf\n"),
    # The same help: of two the reference shows one at random.
    ("PUT", "/metrics/job/etl", b"# HELP rows Rows\\\\written.\\nsecond\n# TYPE rows counter\nrows 3\n"),
    ("PUT", "/metrics/job/sizes/q/x", b"# TYPE s summary\ns{quantile=\"0.5\"} 2\ns{quantile=\"0.99\"} NaN\ns_sum 3\ns_count 4\n"),
    ("PUT", "/metrics/job/sizes/b/1",
     b"# TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\nbig 123456789\nsmall 5e-324\n"),
    ("PUT", "/metrics/job@base64/w6TDtg/path@base64/L3Zhci90bXA", b"x{l=\"\xc3\xa4\"} 4\n"),
    ("PUT", "/metrics/job/value/zone@base64/=", b"x 5\n"),
    ("PUT", "/metrics/job/value/zone/a%22b%5C%0Ac", b"x 6\n"),
    ("PUT", "/metrics/job/instances", b"x{instance=\"of the body\"} 7\nx{instance=\"\"} 8\n"),
    ("PUT", "/metrics/job/nested", b"y 1\n"),
    ("PUT", "/metrics/job/nested/sub/1", b"y 2\n"),
    ("PUT", "/metrics/job/nested/sub/1/more/2", b"y 3\n"),
    ("PUT", "/metrics/job/empty", b""),
    ("PUT", "/metrics/job/dotted/U__a_2e_b/x", b"{\"dotted.name\",\"a b\"=\"c\"} 5\n"),
    ("PUT", "/metrics/job/gone", b"x 9\n"),
    ("DELETE", "/metrics/job/gone", b""),
)
FAILED = ("/metrics/job/failed", "/metrics/job/etl")


def push_everything(checks, gateway):
    """Into a gateway with --push.enable-utf8-names."""
    for method, target, body in TEXT:
        checks.equal(gateway.request(method, target, body).status, 202 if method == "DELETE" else 200, method, target)
    for target, body in (("/metrics/job/pb", protobuf_bodies.KINDS), ("/metrics/job/natives/instance/n", NATIVES)):
        answer = gateway.request("PUT", target, body, [("Content-Type", CONTENT_TYPE)])
        checks.equal(answer.status, 200, "protobuf body", answer.text)
    # Failed pushes: of a group that was never pushed, and of one that was.
    for target in FAILED:
        checks.equal(gateway.request("PUT", target, b"late 1 1\n").status, 400, "timestamp", target)
