"""Read DER, the encoding of signatures and certificates, which may be damaged or hostile.

Source of the layout: ITU-T X.690. Indefinite lengths, which only BER has, are damage here.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Node", "NotDer", "read_der"]

_LONG, _MOST_LENGTH_BYTES = 0x80, 4
#: Of the tag's number: more bytes follow.
_HIGH_TAG = 0x1F
_CONSTRUCTED = 0x20


class NotDer(Exception):
    """The data is no DER, or not what was expected of it."""


@dataclass(frozen=True)
class Node:
    """One value."""

    tag: int
    content: bytes
    whole: bytes
    """The value with its tag and length."""

    def children(self) -> list[Node]:
        """Return the values inside of a constructed one.

        Raises:
            NotDer: They are no DER, or it holds none.
        """
        if not self.tag & _CONSTRUCTED:
            raise NotDer
        found, rest = [], self.content
        while rest:
            node = read_der(rest)
            found.append(node)
            rest = rest[len(node.whole) :]
        return found

    def child(self, number: int, tag: int | None = None) -> Node:
        """Return one of the values inside.

        Args:
            number: Its place, from 0.
            tag: What its tag must be. None: anything.

        Raises:
            NotDer: It is not there, or has another tag.
        """
        inside = self.children()
        if number >= len(inside) or tag not in {None, inside[number].tag}:
            raise NotDer
        return inside[number]


def read_der(data: bytes) -> Node:
    """Read the first value; what follows it is ignored.

    Raises:
        NotDer: There is none.
    """
    if len(data) < 2 or data[0] & _HIGH_TAG == _HIGH_TAG:  # noqa: PLR2004  tag and length
        raise NotDer
    length, start = data[1], 2
    if length & _LONG:
        count = length & ~_LONG
        if not 1 <= count <= _MOST_LENGTH_BYTES:
            raise NotDer
        start += count
        length = int.from_bytes(data[2:start], "big")
    if start + length > len(data):
        raise NotDer
    return Node(data[0], data[start : start + length], data[: start + length])
