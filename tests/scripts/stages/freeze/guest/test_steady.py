"""Compiled modules are the same bytes, whatever else is loaded or was compiled a moment ago."""

import marshal

from slipway.scripts.stages.freeze.guest.slipway_freeze.steady import steady_bytes

SOURCE = """
def outer(argument):
    "A text."
    def inner(other=("zebra_crossing", frozenset({"quagga"}))):
        return argument, other, 12345678901234567890
    return [inner, "zebra_crossing", b"bytes"]
class Okapi:
    size = 1.5
"""


def compiled():
    return compile(SOURCE, "animals.py", "exec", dont_inherit=True)


def test_neither_a_cache_nor_other_modules_change_them():
    first = steady_bytes(compiled())
    read = marshal.loads(marshal.dumps(compiled()))  # noqa: S302
    assert steady_bytes(read) == first
    # Names that other code has as well: marshal itself notices.
    others = [compile("zebra_crossing = quagga = Okapi = inner = 1", "x", "exec") for _ in range(2)]
    assert steady_bytes(compiled()) == first
    assert others


def test_they_are_the_same_code():
    names = {}
    exec(marshal.loads(steady_bytes(compiled())), names)  # noqa: S102, S302
    inner = names["outer"]("x")[0]
    assert inner() == ("x", ("zebra_crossing", frozenset({"quagga"})), 12345678901234567890)
    assert names["outer"].__doc__ == "A text."
