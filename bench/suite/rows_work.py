"""P4 and P19: full work against the same server without it, and one backend against the other."""


def p4(bench):
    """S, full work, against our own server with a handler that discards the body"""
    for pipeline, target, what in ((1, ">= 0.80", "S, full work, against our HTTP with a handler that discards the body"),
                                   (16, ">= 0.38", "the same, pipelined by 16")):
        with bench.sluice() as ours, bench.discard_server() as opponent:
            got, other = bench.rounds(lambda: bench.push(ours, pipeline=pipeline),
                                      lambda: bench.push(opponent, pipeline=pipeline))
        bench.add_rates("P4", what, got, other, target)


def p19(bench):
    """the epoll backend against io_uring"""
    for close, what in ((False, "S, keep-alive (P1's load)"), (True, "one connection per push (P5's load)")):
        with bench.sluice(backend="epoll") as epoll, bench.sluice(backend="io_uring") as uring:
            got, other = bench.rounds(lambda: bench.push(epoll, close=close), lambda: bench.push(uring, close=close))
        bench.add_rates("P19", what + ": epoll against io_uring", got, other, ">= 0.75",
                        "above 1, `auto` should choose epoll")


ROWS = {"P4": p4, "P19": p19}
