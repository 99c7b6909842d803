"""65,536 strings with one std::hash of libstdc++: one block of each pair, in order. tests/core/map/collisions_test.cc has the
same blocks and checks that they collide. Printable ASCII without quotes, backslashes and slashes: label values, and names in
the quoted spelling."""

import random

BLOCKS = (
    ('lfxctncsucyr8a2p', 'bpcdp3eiG$n{9huH'),
    ('gkk6ifn3wdr8ejb9', 'h4jicglp~Rc5?KsR'),
    ('5m8w6cyndgowggmw', 'tg0twsa2QXj~[YYt'),
    ('1j8xb0bgzoxplcvg', 'd1ixpmrg7q<jSXJ:'),
    ('7rtqt43igtjhza5m', 'zepnnmqxB5f?TNVc'),
    ('qomikanwg46vn4be', 'vy78ph6gw!Xi6vn0'),
    ('zlul8lcxvhu46eb9', '2jltgdgxu@tzo&|L'),
    ('q6nftklzs19kqwop', 'vf2j9o2k0(ymb?&n'),
    ('qfc04ddbixdgfiuz', 'oli4ddpc<h}{JF6N'),
    ('17pkw3s7zjsbc9ky', 'xvdx64p8a^lIGmo{'),
    ('975659igbzluigt4', '33td6ahh1-mU8<v}'),
    ('hl5tpufj8cwq869n', 'nyv56ibkjZYIq?s<'),
    ('ooxe3czmr2bcwlt7', 'ty96yi5doaq3:*uP'),
    ('n6wrrcpb2ve1j56v', 'dkqnc8j6KrtyI<,g'),
    ('y4emdx5vxeq8h7hr', 'w2pm21kkTE(:r7y='),
    ('01k5hwn6o6ca3tx4', 'tpw5vgga9goQ=C3o'),
)


def colliding(count):
    return ["".join(pair[number >> place & 1] for place, pair in enumerate(BLOCKS)) for number in range(count)]


def harmless(count, seed=1):
    """As many strings of the same length and alphabet that have nothing to do with each other."""
    rng = random.Random(seed)
    alphabet = "".join(sorted({char for pair in BLOCKS for block in pair for char in block}))
    return ["".join(rng.choices(alphabet, k=256)) for _ in range(count)]
