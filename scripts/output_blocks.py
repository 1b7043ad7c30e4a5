"""Read the output of a program in blocks of whole lines."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator

__all__ = ["read_blocks"]

#: Bytes per read; the capacity of a Linux pipe.
_BLOCK = 65_536
_LONGEST_LINE = 65_536


def read_blocks(stream: io.BufferedReader) -> Iterator[str]:
    """Yield output as it arrives, in blocks of whole lines, because work per line is slow.

    An unterminated line must not fill the memory: beyond `_LONGEST_LINE` it is yielded in pieces.
    """
    decoder = io.IncrementalNewlineDecoder(
        codecs.getincrementaldecoder("utf-8")("replace"), translate=True
    )
    kept: list[str] = []
    size = 0
    while data := stream.read1(_BLOCK):
        text = decoder.decode(data)
        end = text.rfind("\n") + 1
        if end:
            yield "".join([*kept, text[:end]])
            kept, size = [], 0
        kept.append(text[end:])
        size += len(text) - end
        if size > _LONGEST_LINE:
            yield "".join(kept)
            kept, size = [], 0
    if rest := "".join([*kept, decoder.decode(b"", final=True)]):
        yield rest
