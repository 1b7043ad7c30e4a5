"""Forms in which a secret may appear in texts and files."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from slipway.model.secrets.decoding import byte_encodings

__all__ = [
    "GAP",
    "GAP_WITH_BARS",
    "PART",
    "SHORTEST",
    "base64_forms",
    "byte_forms",
    "forms",
    "is_short",
    "parts_of",
    "values_of",
]

#: Minimum length: masking shorter secrets would hide half of every log, and they can be guessed.
SHORTEST = 4
#: Longer forms are split into parts of this length, each of which is searched for.
PART = 32
#: Programs and workers break lines, so white space is ignored.
GAP = re.compile(r"\s+")
#: Lines joined to one sentence are separated by bars. A secret may contain bars itself, so texts
#: are searched both ways: with bars as characters, and with bars as gaps.
GAP_WITH_BARS = re.compile(r"[\s|]+")
_GROUP = 3
_REPLACED = "\N{REPLACEMENT CHARACTER}"


def forms(value: str) -> set[str]:
    """Return all forms of a secret except base64."""
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
    """Return the forms of a value in other encodings, decoded as UTF-8."""
    texts = {
        data.decode("utf-8", errors=errors).replace("\0", "")
        for data in byte_encodings(value)
        for errors in ("replace", "surrogateescape")
    }
    # Replacement characters would match anything.
    return {text for text in texts if len(text.replace(_REPLACED, "")) >= SHORTEST}


def base64_forms(value: str) -> set[str]:
    """Return the base64 characters that encode only the secret, at each of the three alignments."""
    data = value.encode("utf-8", errors="surrogatepass")
    found: set[str] = set()
    for offset in range(_GROUP):
        text = base64.b64encode(bytes(offset) + data).decode("ascii")
        core = text[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
        found |= {core, core.replace("+", "-").replace("/", "_")}
    return found


def byte_forms(secrets: Iterable[str]) -> set[bytes]:
    """Return the forms of secrets in files, whole and without white space.

    Single lines of a key are not included: its first line is in many files without a key.
    """
    found: set[str] = set()
    for one in (secret.strip() for secret in secrets if not is_short(secret)):
        found |= forms(one)
        # Shorter ones occur in many files by chance.
        found |= {form for form in base64_forms(one) if len(form) >= 2 * SHORTEST}
    plain = {GAP.sub("", form).encode("utf-8", errors="surrogatepass") for form in found}
    for one in (secret.strip() for secret in secrets if not is_short(secret)):
        plain |= {data.translate(None, b"\0 \t\r\n\v\f") for data in byte_encodings(one)}
    return {form for form in plain if len(form) >= SHORTEST}


def values_of(secret: str) -> set[str]:
    """Return a secret and each of its lines, since output is masked line by line."""
    found = {secret, secret.strip(), *(line.strip() for line in secret.splitlines())}
    return {one for one in found if not is_short(one)}


def is_short(secret: str) -> bool:
    """Return whether a secret is too short to be masked."""
    return len(GAP_WITH_BARS.sub("", secret)) < SHORTEST


def parts_of(form: str, gap: re.Pattern[str]) -> Iterator[str]:
    """Yield a form without gaps, split into parts if it is long."""
    text = gap.sub("", form)
    if len(text) <= PART:
        yield text
        return
    for start in range(0, len(text) - PART, PART):
        yield text[start : start + PART]
    yield text[-PART:]
