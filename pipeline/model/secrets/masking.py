r"""Mask secrets in texts: replace each value, in all its encodings, with stars.

A value is searched for raw, reversed, in base64 (at each of its three alignments), in hexadecimal,
quoted for URLs, and escaped for JSON, Python, HTML and shells; in Latin-1 and UTF-16, too. Any
character may be escaped by number (%68, &#104;, \x68, \u0068), and colours, line breaks and blanks
between characters are ignored. A long value is split into parts, each masked on its own, so that a
truncated value is masked as far as it goes.

Not found: values that are encrypted, compressed, interleaved with other characters, or printed by
several programs in turns.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any

from slipway.model.protocol.event import AnyEvent, ArtefactLeft, Piece
from slipway.model.secrets.decoding import (
    as_read,
    cut_code,
    numbered_form,
    places_as_read,
    signs_in,
)
from slipway.model.secrets.forms import (
    GAP,
    GAP_WITH_BARS,
    PART,
    SHORTEST,
    base64_forms,
    forms,
    is_short,
    parts_of,
    values_of,
)

__all__ = ["STARS", "MaskedStream", "Masker", "masked_event"]

STARS = "****"
#: Up to this many parts are searched one by one; of more, only those whose first characters occur.
_FEW = 50
_IN_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_PADDING = frozenset("=")
#: Keys of events without free text: a short secret may occur in a hash by chance.
_OF_MACHINES = {
    "event",
    "level",
    "media_type",
    "role",
    "sha256",
    "size",
    "state",
    "status",
    "target",
}
#: Initial number of characters to search for an incomplete secret at a text's end.
_NEAR = 256
_NEAR_CODED = 1_024
#: Maximum number of characters held back because a secret may continue.
_MOST_HELD = 65_536


class Masker:
    """Masks a set of secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Prepare the search.

        Args:
            secrets: The values; shorter ones than `SHORTEST` are ignored.
        """
        values = {value for secret in secrets for value in values_of(secret)}
        self._values, self._plain = values, _Search(values, GAP)

    def __bool__(self) -> bool:
        """Return whether there is anything to mask."""
        return bool(self._plain)

    def mask(self, text: str) -> str:
        """Return a text without the secrets, with the same number of lines."""
        return _starred(text, self.spans(text))

    def masked(self, value: Any) -> Any:
        """Return a JSON value with all its texts masked."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, dict):
            return {self.masked(key): self.masked(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.masked(one) for one in value]
        return value

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of secrets in a text; touching spans are merged."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted(
            {place for search in self._searches(text) for place in search(text)}
        ):
            if merged and first <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            elif merged and not GAP.sub("", text[merged[-1][1] : first]):
                # Only a gap between the two.
                merged[-1] = (merged[-1][0], last)
            else:
                merged.append((first, last))
        return merged

    def open_end(self, text: str, spans: list[tuple[int, int]]) -> int:
        """Return the position of an incomplete secret at the end of a text.

        Args:
            text: The text.
            spans: The spans of complete secrets; a position inside one does not count.

        Returns:
            The position; the text's length if there is none.
        """
        before = max(0, len(text) - _MOST_HELD)
        near = [(start - before, end - before) for start, end in spans]
        searches = self._searches(text)
        return before + min(search.open_end(text[before:], near) for search in searches)

    @cached_property
    def _barred(self) -> _Search:
        return _Search(self._values, GAP_WITH_BARS)

    def _searches(self, text: str) -> list[_Search]:
        return [self._plain, self._barred] if "|" in text else [self._plain]


def _starred(text: str, spans: list[tuple[int, int]]) -> str:
    masked, after = [], 0
    for start, end in spans:
        masked += [text[after:start], STARS, "\n" * text.count("\n", start, end)]
        after = end
    return "".join([*masked, text[after:]]) if masked else text


class _Search:
    """Search with one definition of a gap: characters in gaps are ignored."""

    def __init__(self, values: set[str], gap: re.Pattern[str]) -> None:
        self._gap = gap
        self._last: tuple[str, str | None] = ("", None)
        plain = {part for one in values for form in forms(one) for part in parts_of(form, gap)}
        self._base64 = {
            part for one in values for form in base64_forms(one) for part in parts_of(form, gap)
        } - plain
        self._all = sorted(one for one in plain | self._base64 if len(one) >= SHORTEST)
        self._by_start: dict[str, list[str]] = defaultdict(list)
        for part in self._all:
            self._by_start[part[:SHORTEST]].append(part)
        numbered = {numbered_form(one) for one in values if not one.isascii()}
        numbered |= {as_read(form, gap) or "" for one in values for form in forms(one)}
        numbered = {part for form in numbered for part in parts_of(form, gap)} - plain
        self._numbered = sorted(one for one in numbered if len(one) >= SHORTEST)
        self._beginning = sorted({*self._all, *self._numbered})
        self._pairs = frozenset((part[0], part[1]) for part in self._beginning)
        self._firsts = frozenset(part[0] for part in self._beginning)

    def __bool__(self) -> bool:
        return bool(self._all)

    def __call__(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of secrets in a text; they may overlap."""
        if not self._all:
            return []
        plain = self._squeezed(text)
        spans: list[tuple[int, int]] = []
        if found := [part for part in self._likely(plain) if part in plain]:
            places = self._places(text)
            spans += [
                (places[first], places[last - 1] + 1)
                for first, last in self._found(plain, found, places)
            ]
        read = self._as_read(plain)
        if read is None:
            return spans
        likely = [*self._likely(read), *self._numbered]
        if found := [part for part in likely if part in read]:
            places, coded = self._places(text), places_as_read(plain, self._gap)
            starts = [places[first] for first, _ in coded]
            spans += [
                (starts[first], places[coded[last - 1][1] - 1] + 1)
                for first, last in self._found(read, found, starts)
            ]
        return spans

    def _squeezed(self, text: str) -> str:
        """Remove gaps from a text; faster than the regular expression."""
        if self._gap is GAP_WITH_BARS:
            text = text.replace("|", " ")
        return "".join(text.split())

    def _as_read(self, plain: str) -> str | None:
        """Decode a text; cached, as both the search and `open_end` need it."""
        if self._last[0] != plain:
            self._last = (plain, as_read(plain, self._gap))
        return self._last[1]

    def _likely(self, plain: str) -> Iterable[str]:
        """Return the parts worth searching for: a multi-line key has thousands."""
        if len(self._all) <= _FEW:
            return self._all
        starts = {plain[at : at + SHORTEST] for at in range(len(plain) - SHORTEST + 1)}
        return [part for start in self._by_start.keys() & starts for part in self._by_start[start]]

    def _found(self, plain: str, found: list[str], places: list[int]) -> Iterator[tuple[int, int]]:
        """Yield the spans of parts in a text without gaps."""

        def beside(at: int, of: int, wanted: frozenset[str]) -> bool:
            near = 0 <= at < len(plain) and abs(places[at] - places[of]) == 1
            return near and plain[at] in wanted

        for part in found:
            at = plain.find(part)
            while at >= 0:
                first, last = at, at + len(part)
                if part in self._base64:
                    # Neighbouring base64 characters contain some of the secret's bits.
                    first -= beside(first - 1, first, _IN_BASE64)
                    last += beside(last, last - 1, _IN_BASE64)
                    while beside(last, last - 1, _PADDING):
                        last += 1
                yield first, last
                at = plain.find(part, at + 1)

    def open_end(self, text: str, spans: list[tuple[int, int]]) -> int:
        """Return the position of an incomplete secret at a text's end."""
        if not self._all:
            return len(text)
        near, plain = self._near_end(text, _NEAR, PART - 1)
        at = len(text)
        if begun := self._begun(plain):
            at = _first_outside(
                (near + self._places(text[near:])[-one] for one in begun), spans, at
            )
        # Without escapes among the last characters, no decoding is needed.
        return min(at, self._open_code(text, spans)) if signs_in(plain[1 - PART :]) else at

    def _open_code(self, text: str, spans: list[tuple[int, int]]) -> int:
        """Return the same for text with escapes or terminal control sequences."""
        near, plain = self._near_end(text, _NEAR_CODED, _NEAR_CODED)
        cut = cut_code(plain)
        read = self._as_read(plain[:cut]) or plain[:cut]
        begun = self._begun(read)
        # A single character is no indication: many lines end with one.
        ends = [cut] if cut < len(plain) - 1 else []
        if not begun and not ends:
            return len(text)
        coded, places = places_as_read(plain[:cut], self._gap), self._places(text[near:])
        ends += [coded[-length][0] for length in begun]
        return _first_outside(sorted(near + places[at] for at in ends), spans, len(text))

    def _near_end(self, text: str, size: int, wanted: int) -> tuple[int, str]:
        """Return the start of a sufficiently long end of a text, and that end without gaps."""
        while True:
            near = max(0, len(text) - size)
            plain = self._squeezed(text[near:])
            if not near or len(plain) >= wanted:
                return near, plain
            size *= 4

    def _begun(self, text: str) -> list[int]:
        """Return the lengths of a text's ends that are the beginning of a part, longest first."""
        end = text[1 - PART :]
        begun = [1] if end[-1:] in self._firsts else []
        if self._pairs.isdisjoint(pairwise(end)):
            return begun
        longer = (one for one in range(len(end), 1, -1) if end[-one] in self._firsts)
        return [one for one in longer if self._begins(end[-one:])] + begun

    def _begins(self, text: str) -> bool:
        at = bisect_right(self._beginning, text)
        return at < len(self._beginning) and self._beginning[at].startswith(text)

    def _places(self, text: str) -> list[int]:
        """Return the positions of a text's characters outside gaps."""
        places: list[int] = []
        after = 0
        for one in self._gap.finditer(text):
            places += range(after, one.start())
            after = one.end()
        places += range(after, len(text))
        return places


def _first_outside(places: Iterable[int], spans: list[tuple[int, int]], other: int) -> int:
    """Return the first position inside no span; `other` if there is none."""
    outside = (at for at in places if not any(start < at < end for start, end in spans))
    return next(outside, other)


def masked_event(event: AnyEvent, masker: Masker) -> AnyEvent:
    """Return an event with all its texts masked.

    Raises:
        ValueError: An artefact's name contains a secret.
    """
    if isinstance(event, Piece) or not masker:
        # A document was masked before it was split; pictures are not masked.
        return event
    plain = event.model_dump(exclude=_OF_MACHINES)
    masked = masker.masked(plain)
    if masked == plain:
        return event
    if isinstance(event, ArtefactLeft):
        msg = "the name of an artefact holds a secret; call the file something else"
        raise ValueError(msg)  # noqa: TRY004  its kind is right, its name is not
    return event.model_copy(update=masked)


class MaskedStream:
    """Masks output in whole lines; a secret may be split over several."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = ""

    def take(self, text: str) -> str:
        """Accept lines; return masked those in which no secret can still be incomplete."""
        text = self._held + text
        spans = self._masker.spans(text)
        cut = self._masker.open_end(text, spans)
        if cut < len(text):
            cut = text.rfind("\n", 0, cut) + 1
            for start, end in reversed(spans):
                if start < cut < end:
                    cut = text.rfind("\n", 0, start) + 1
        self._held, taken = text[cut:], text[:cut]
        if "|" in self._held and "|" not in taken:
            # A bar in the held lines made the earlier ones be searched with bars as gaps, too.
            return self._masker.mask(taken)
        return _starred(taken, [(start, end) for start, end in spans if end <= cut])

    def end(self) -> str:
        """Return the held lines, masked. Call it once, at the end."""
        text, self._held = self._held, ""
        cut = self._masker.open_end(text, self._masker.spans(text))
        masked, rest = self._masker.mask(text[:cut]), text[cut:]
        plain = "".join(rest.split())
        begun = plain[: cut_code(plain)]
        if is_short(as_read(begun, GAP) or begun):
            return masked + rest
        # The output ends within a secret.
        return f"{masked}{STARS}" + "\n" * rest.count("\n")
