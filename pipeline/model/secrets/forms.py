"""How a secret may be written, in texts and in files."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from slipway.model.secrets.decoding import byte_encodings

#: Shorter ones are refused: they would hide half of every log, and are guessed in no time.
SHORTEST = 4
#: Of a longer form each part of this length is looked for.
PART = 32
#: Programs and workers break lines.
GAP = re.compile(r"\s+")
#: Lines that become one sentence have a bar between them. A secret may hold bars of its own, so a
#: text is looked at in both ways: a bar is a part of the secret, or of a gap.
GAP_WITH_BARS = re.compile(r"[\s|]+")
_GROUP = 3
_REPLACED = "\N{REPLACEMENT CHARACTER}"


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
    return found | _misread(value)


def _misread(value: str) -> set[str]:
    """Return how a value reads as UTF-8 that was written in another encoding."""
    texts = {
        data.decode("utf-8", errors=errors).replace("\0", "")
        for data in byte_encodings(value)
        for errors in ("replace", "surrogateescape")
    }
    # Signs for what cannot be read alone stand for anything.
    return {text for text in texts if len(text.replace(_REPLACED, "")) >= SHORTEST}


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
    plain = {GAP.sub("", form).encode("utf-8", errors="surrogatepass") for form in found}
    for one in (secret.strip() for secret in secrets if not is_short(secret)):
        plain |= {data.translate(None, b"\0 \t\r\n\v\f") for data in byte_encodings(one)}
    return {form for form in plain if len(form) >= SHORTEST}


def values_of(secret: str) -> set[str]:
    """Return a secret and, where it has several lines, each of them: output comes in lines."""
    found = {secret, secret.strip(), *(line.strip() for line in secret.splitlines())}
    return {one for one in found if not is_short(one)}


def is_short(secret: str) -> bool:
    """Tell whether a secret is too short to be masked."""
    return len(GAP_WITH_BARS.sub("", secret)) < SHORTEST


def parts_of(form: str, gap: re.Pattern[str]) -> Iterator[str]:
    """Yield a form without gaps, in parts where it is long."""
    text = gap.sub("", form)
    if len(text) <= PART:
        yield text
        return
    for start in range(0, len(text) - PART, PART):
        yield text[start : start + PART]
    yield text[-PART:]
