"""Secrets out of texts: each value, as it is and as programs write it, becomes stars.

A value is looked for raw, reversed, in base64 (at each of its three alignments), in hexadecimal,
quoted for URLs, and escaped as JSON, Python, HTML and shells have it. Line breaks and blanks may
stand anywhere in it: they are not compared. Of a long value each part is a secret of its own, so
that one that is cut short is masked, too, as far as it goes.

What no looking finds: a value that is encrypted, packed, told with other characters between its
own, or by several programs in turns.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any
from urllib.parse import quote, quote_plus

from slipway.model.event import AnyEvent, ArtefactLeft, Piece

#: Shorter ones are refused: they would hide half of every log, and are guessed in no time.
SHORTEST = 4
STARS = "****"
#: Of a longer form each part of this length is looked for.
_PART = 32
#: So many parts are looked for one after the other; of more those alone whose beginning is there.
_FEW = 50
#: Programs and workers break lines.
_GAP = re.compile(r"\s+")
#: Lines that become one sentence have a bar between them. A secret may hold bars of its own, so a
#: text is looked at in both ways: a bar is a part of the secret, or of a gap.
_GAP_WITH_BARS = re.compile(r"[\s|]+")
_IN_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_PADDING = frozenset("=")
_GROUP = 3
#: Keys of events that hold no text: a short secret may be in a hash by chance.
_OF_MACHINES = {"event", "sha256", "size", "media_type", "role", "status", "level"}
#: Characters of whole lines that are held back at most while they may go on as a secret.
_MOST_HELD = 65_536


def forms(value: str) -> set[str]:
    """Return how a secret may be written, but for base64."""
    data = value.encode("utf-8", errors="surrogatepass")
    found = {value, value[::-1], data.hex(), data.hex().upper(), shlex.quote(value).strip("'")}
    found |= {repr(value)[1:-1], repr(data)[2:-1]}
    for ascii_only in (True, False):
        escaped = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        found |= {escaped, json.dumps(escaped)[1:-1], escaped.replace("/", r"\/")}
    marked = html.escape(value)
    found |= {marked, html.escape(value, quote=False)}
    found |= {marked.replace("&#x27;", mark) for mark in ("'", "&#39;", "&apos;")}
    for quoted in (quote(data), quote(data, safe=""), quote_plus(data)):
        found |= {quoted, re.sub("%..", lambda one: one[0].lower(), quoted)}
    return found


def base64_forms(value: str) -> set[str]:
    """Return the characters of base64 that hold a secret and nothing else, wherever it begins."""
    data = value.encode("utf-8", errors="surrogatepass")
    found: set[str] = set()
    for offset in range(_GROUP):
        text = base64.b64encode(bytes(offset) + data).decode("ascii")
        core = text[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
        found |= {core, core.replace("+", "-").replace("/", "_")}
    return found


def byte_forms(secrets: Iterable[str]) -> set[bytes]:
    """Return how secrets may be written in a file, whole and without blanks and line breaks.

    A line of a key alone is not among them: its first one is in many files that hold no key.
    """
    found: set[str] = set()
    for one in (secret.strip() for secret in secrets if not is_short(secret)):
        found |= forms(one)
        # What is shorter is in many a file by chance.
        found |= {form for form in base64_forms(one) if len(form) >= 2 * SHORTEST}
    plain = {_GAP.sub("", form).encode("utf-8", errors="surrogateescape") for form in found}
    return {form for form in plain if len(form) >= SHORTEST}


def _values(secret: str) -> set[str]:
    """Return a secret and, where it has several lines, each of them: output comes in lines."""
    found = {secret, secret.strip(), *(line.strip() for line in secret.splitlines())}
    return {one for one in found if not is_short(one)}


def is_short(secret: str) -> bool:
    """Tell whether a secret is too short to be masked."""
    return len(_GAP_WITH_BARS.sub("", secret)) < SHORTEST


def _parts(form: str, gap: re.Pattern[str]) -> Iterator[str]:
    text = gap.sub("", form)
    if len(text) <= _PART:
        yield text
        return
    for start in range(0, len(text) - _PART, _PART):
        yield text[start : start + _PART]
    yield text[-_PART:]


class Masker:
    """Masks certain secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Make it.

        Args:
            secrets: The values; what is shorter than `SHORTEST` is not looked for.
        """
        values = {value for secret in secrets for value in _values(secret)}
        self._values, self._plain = values, _Look(values, _GAP)

    def __bool__(self) -> bool:
        """Tell whether there is anything to mask."""
        return bool(self._plain)

    def mask(self, text: str) -> str:
        """Return a text without the secrets; it has as many lines as before."""
        return _starred(text, self.spans(text))

    def masked(self, value: Any) -> Any:
        """Return a value as JSON has it without the secrets in its texts."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, dict):
            return {self.masked(key): self.masked(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.masked(one) for one in value]
        return value

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where in a text secrets are, those that touch each other as one."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted({place for look in self._looks(text) for place in look(text)}):
            if merged and first <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            elif merged and not _GAP.sub("", text[merged[-1][1] : first]):
                # A gap alone between two of them.
                merged[-1] = (merged[-1][0], last)
            else:
                merged.append((first, last))
        return merged

    def open_end(self, text: str, spans: list[tuple[int, int]]) -> int:
        """Return where a secret may begin that a text ends in the middle of.

        Args:
            text: The text.
            spans: Where whole secrets are in it: what ends one of them begins none.

        Returns:
            The place; the text's length where there is none.
        """
        before = max(0, len(text) - _MOST_HELD)
        near = [(start - before, end - before) for start, end in spans]
        looks = self._looks(text)
        return before + min(look.open_end(text[before:], near) for look in looks)

    @cached_property
    def _barred(self) -> _Look:
        return _Look(self._values, _GAP_WITH_BARS)

    def _looks(self, text: str) -> list[_Look]:
        return [self._plain, self._barred] if "|" in text else [self._plain]


def _starred(text: str, spans: list[tuple[int, int]]) -> str:
    masked, after = [], 0
    for start, end in spans:
        masked += [text[after:start], STARS, "\n" * text.count("\n", start, end)]
        after = end
    return "".join([*masked, text[after:]]) if masked else text


class _Look:
    """One way to look for secrets: what is between their characters does not count."""

    def __init__(self, values: set[str], gap: re.Pattern[str]) -> None:
        self._gap = gap
        plain = {part for one in values for form in forms(one) for part in _parts(form, gap)}
        self._base64 = {
            part for one in values for form in base64_forms(one) for part in _parts(form, gap)
        } - plain
        self._all = sorted(one for one in plain | self._base64 if len(one) >= SHORTEST)
        self._by_start: dict[str, list[str]] = defaultdict(list)
        for part in self._all:
            self._by_start[part[:SHORTEST]].append(part)

    def __bool__(self) -> bool:
        return bool(self._all)

    def __call__(self, text: str) -> list[tuple[int, int]]:
        """Return where in a text secrets are; they may overlap."""
        if not self._all:
            return []
        plain = self._squeezed(text)
        found = [part for part in self._likely(plain) if part in plain]
        if not found:
            return []
        places = self._places(text)
        return [
            (places[first], places[last - 1] + 1)
            for first, last in self._found(plain, found, places)
        ]

    def _squeezed(self, text: str) -> str:
        """Return a text without what is in a gap: what the expression would, sooner."""
        if self._gap is _GAP_WITH_BARS:
            text = text.replace("|", " ")
        return "".join(text.split())

    def _likely(self, plain: str) -> Iterable[str]:
        """Return what is worth looking for: of a key of many lines there are thousands."""
        if len(self._all) <= _FEW:
            return self._all
        starts = {plain[at : at + SHORTEST] for at in range(len(plain) - SHORTEST + 1)}
        return [part for start in self._by_start.keys() & starts for part in self._by_start[start]]

    def _found(self, plain: str, found: list[str], places: list[int]) -> Iterator[tuple[int, int]]:
        """Yield where parts are among the characters that are in no gap."""

        def beside(at: int, of: int, wanted: frozenset[str]) -> bool:
            near = 0 <= at < len(plain) and abs(places[at] - places[of]) == 1
            return near and plain[at] in wanted

        for part in found:
            at = plain.find(part)
            while at >= 0:
                first, last = at, at + len(part)
                if part in self._base64:
                    # The characters beside it hold some of its bits.
                    first -= beside(first - 1, first, _IN_BASE64)
                    last += beside(last, last - 1, _IN_BASE64)
                    while beside(last, last - 1, _PADDING):
                        last += 1
                yield first, last
                at = plain.find(part, at + 1)

    def open_end(self, text: str, spans: list[tuple[int, int]]) -> int:
        """Return where a secret may begin that a text ends in the middle of."""
        if not self._all:
            return len(text)
        plain = self._squeezed(text)
        for length in range(min(_PART - 1, len(plain)), 0, -1):
            if self._begins(plain[-length:]):
                at = self._places(text)[-length]
                if not any(start < at < end for start, end in spans):
                    return at
        return len(text)

    def _begins(self, text: str) -> bool:
        """Tell whether a part begins with a text and goes on."""
        at = bisect_right(self._all, text)
        return at < len(self._all) and self._all[at].startswith(text)

    def _places(self, text: str) -> list[int]:
        """Return where in a text its characters are that are in no gap."""
        places: list[int] = []
        after = 0
        for one in self._gap.finditer(text):
            places += range(after, one.start())
            after = one.end()
        places += range(after, len(text))
        return places


def masked_event(event: AnyEvent, masker: Masker) -> AnyEvent:
    """Return an event without the secrets in its texts.

    Raises:
        ValueError: An artefact's name holds a secret: it would be shown everywhere.
    """
    if isinstance(event, Piece) or not masker:
        # Its document was masked before it was cut; a picture is what it is.
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
    """Masks an output that comes in whole lines; a secret may be split over several."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = ""

    def take(self, text: str) -> str:
        """Take lines; return those, masked, that no secret can go on from."""
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
            # Its bars had the lines before it looked at as if bars were gaps there, too.
            return self._masker.mask(taken)
        return _starred(taken, [(start, end) for start, end in spans if end <= cut])

    def end(self) -> str:
        """Return what was held back; once."""
        text, self._held = self._held, ""
        cut = self._masker.open_end(text, self._masker.spans(text))
        masked, rest = self._masker.mask(text[:cut]), text[cut:]
        if is_short(rest):
            return masked + rest
        # It was cut off amid a secret.
        return f"{masked}{STARS}" + "\n" * rest.count("\n")
