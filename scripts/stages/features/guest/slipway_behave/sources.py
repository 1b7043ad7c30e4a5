"""Read feature files, and find scenarios that lack their colon."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Any

from .errors import WrongInput, relative

__all__ = ["forgotten_colons", "parse", "text_of"]

_LANGUAGE = re.compile(r"^\s*#\s*language\s*:\s*(\S+)", re.MULTILINE)
_STEPS = ("given", "when", "then")
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_of(filename: str) -> str:
    """Return a feature file's text, without a byte order mark.

    Raises:
        WrongInput: It cannot be read, or is not UTF-8.
    """
    shown = relative(filename)
    try:
        data = Path(filename).read_bytes()
    except OSError as error:
        text = f"{shown} cannot be read: {error.strerror}"
        raise WrongInput(text, "file", shown) from None
    if data.startswith(_WIDE):
        text = f"{shown}:1: the file is UTF-16; save it as UTF-8"
        raise WrongInput(text, "encoding", shown, 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        text = f"{shown}:{line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"
        raise WrongInput(text, "encoding", shown, line) from None


def parse(filename: str, language: str | None = None) -> Any:
    """Parse a feature file to behave's model; replaces behave's own `parse_file`.

    Raises:
        WrongInput: The file is not UTF-8, or not a feature.
    """
    from behave import parser  # behave ships no types

    text = text_of(filename)
    try:
        return parser.parse_feature(text, language, filename)
    except parser.ParserError as error:
        line = getattr(error, "line", 0) or 0
        raise _syntax(filename, text, line, error) from None
    except KeyError as error:
        shown = relative(filename)
        sentence = f"{shown}: there is no language {error}; see `behave --lang-list`"
        raise WrongInput(sentence, "syntax", shown) from None


def _syntax(filename: str, text: str, line: int, error: Exception) -> WrongInput:
    shown = relative(filename)
    lines = text.splitlines()
    written = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    if _looks_like_scenario(written, text):
        return _without_colon(shown, line, written)
    reason = getattr(error, "reason", None) or str(error)
    reason = " ".join(str(reason).split())
    # behave's own message repeats file, line and text, which precede it here already.
    reason = re.sub(
        r'(Failed to parse|Parser failure).*?:\s*|, at line \d+.*$|: ?".*"$', "", reason
    )
    sentence = f'{shown}:{line}: "{written}" cannot stand here' if written else f"{shown}:{line}"
    if reason and reason not in sentence:
        sentence += f": {reason}"
    return WrongInput(sentence, "syntax", shown, line)


def forgotten_colons(feature: Any) -> tuple[list[WrongInput], list[WrongInput]]:
    """Return the errors for descriptions that look like scenarios without their colon.

    Prose may contain lines such as "Scenario outlines are ...". So a line certainly is a scenario
    only in a feature that has none, or if lines that look like steps follow in the description.

    Returns:
        Those that certainly are scenarios, and those that may be: their steps run in the scenario
        before.
    """
    everything = feature.walk_scenarios(with_outlines=True, with_rules=True)
    described = [one for one in (feature, *everything) if getattr(one, "description", None)]
    sure: list[WrongInput] = []
    perhaps: list[WrongInput] = []
    if not described:
        return sure, perhaps
    text = text_of(feature.filename)
    lines = [one.strip() for one in text.splitlines()]
    prose = {line.strip() for one in described for line in one.description}
    bare, words = not feature.walk_scenarios(), _keywords(text)
    for number, line in enumerate(lines, 1):
        if line not in prose or not _looks_like_scenario(line, text):
            continue
        follows = next((one for one in lines[number:] if one and not one.startswith("#")), "")
        steps = _starts(follows, words, _STEPS)
        if bare or (steps and follows in prose):
            sure.append(_without_colon(relative(feature.filename), number, line))
        elif steps:
            perhaps.append(_without_colon(relative(feature.filename), number, line))
    return sure, perhaps


def _without_colon(file: str, line: int, written: str) -> WrongInput:
    sentence = f'{file}:{line}: "{written}" looks like a Scenario without its colon'
    return WrongInput(f'{sentence}; write "{_corrected(written)}"', "colon", file, line)


def _corrected(written: str) -> str:
    for word in ("Scenario Outline", "Scenario Template"):
        if written.lower().startswith(word.lower()):
            return f"{written[: len(word)]}: {written[len(word) :].strip()}".strip()
    first, _, rest = written.partition(" ")
    return f"{first}: {rest}".strip()


def _looks_like_scenario(line: str, text: str) -> bool:
    return _starts(line, _keywords(text), ("scenario", "scenario_outline")) and ":" not in line


def _starts(line: str, words: dict[str, Any], kinds: Any) -> bool:
    """Return True if a line begins with one of a language's keywords, as a whole word."""
    for kind in kinds:
        for word in words.get(kind, ()):
            whole = word.strip()
            rest = line[len(whole) :]
            begins = whole not in {"*", ""} and line.lower().startswith(whole.lower())
            if begins and not rest[:1].isalnum():
                return True
    return False


def _keywords(text: str) -> dict[str, Any]:
    from behave import i18n

    named = _LANGUAGE.search(text)
    languages: dict[str, dict[str, Any]] = i18n.languages
    return languages.get(named.group(1) if named else "en", languages["en"])
