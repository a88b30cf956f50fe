"""Values that clients echo: chosen ones, random ones, and when two are the same."""
import datetime
import struct

DOUBLES = [
    0.1 + 0.2,
    5e-324,
    2.2250738585072014e-308,
    1.7976931348623157e308,
    -1.7976931348623157e308,
    123456789.12345679,
    1e100,
    1e-7,
    0.0,
    -0.0,
    42.0,
]
INTS = [0, 1, -1, 2**31 - 1, -(2**31), 2**31, 2**53 + 1, 2**63 - 1, -(2**63)]
STRINGS = [
    "",
    " leading and trailing ",
    "<value>&amp;</value> ]]> \"'",
    "tab\tand\nline",
    "Grüße, 世界, 🙂👩‍💻",
    "x" * 100_000,
]
SECOND = datetime.datetime(1998, 7, 17, 14, 8, 55)
ALPHABET = "ab<>&\"' \t\néß世🙂\U0010fffd"


def same(a, b):
    """Equal in type and in every bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("<d", a) == struct.pack("<d", b)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b


def random_string(rng):
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(40)))


def random_double(rng):
    while True:
        (x,) = struct.unpack("<d", rng.randbytes(8))
        if x - x == 0:  # neither NaN nor infinite
            return x


def random_value(rng, depth=4):
    """A value that both protocols can carry; times have whole seconds."""
    leaf = [
        lambda: None,
        lambda: rng.random() < 0.5,
        lambda: rng.randrange(-(2**31), 2**31),
        lambda: rng.randrange(-(2**63), 2**63),
        lambda: random_double(rng),
        lambda: random_string(rng),
        lambda: rng.randbytes(rng.randrange(60)),
    ]
    tree = [
        lambda: [random_value(rng, depth - 1) for _ in range(rng.randrange(5))],
        lambda: {random_string(rng): random_value(rng, depth - 1) for _ in range(rng.randrange(5))},
    ]
    return rng.choice(leaf + tree * 2 if depth else leaf)()
