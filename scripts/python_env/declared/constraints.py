"""Write what Poetry and Pipenv write about versions and places as PEP 508 does.

Source: https://python-poetry.org/docs/dependency-specification/ and https://pipenv.pypa.io/en/latest/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from slipway.scripts.python_env.declared.model import texts

__all__ = ["pep440", "pep508"]

_PLAIN = re.compile(r"\d+(\.\d+)*([a-zA-Z0-9.+!-]*)$")
_SIGNED = re.compile(r"(\^|~=|~|===|==|!=|<=|>=|<|>|=)?\s*(.+)$")


def pep440(text: str) -> str:
    """Return a version constraint as PEP 440 writes it; empty if any version fits.

    Alternatives ("^1 || ^2") cannot be written so: any version fits them.
    """
    text = text.strip()
    if not text or text == "*" or "|" in text:
        return ""
    parts = [_one(part.strip()) for part in re.split(r",|(?<=[\w*])\s+(?=[<>=!~^])", text)]
    return ",".join(part for part in parts if part)


def _one(text: str) -> str:
    match = _SIGNED.match(text)
    if match is None or text == "*":
        return ""
    sign, version = match[1] or "", match[2].strip()
    if sign in ("^", "~"):
        return _range(sign, version)
    if not sign:
        return f"=={version}" if _PLAIN.match(version) or version.endswith(".*") else ""
    return f"{'==' if sign == '=' else sign}{version}"


def _range(sign: str, version: str) -> str:
    """Return the range of a caret (the first figure that is not 0 stays) or a tilde (the minor)."""
    match = re.match(r"\d+(\.\d+)*", version)
    if match is None:
        return ""
    numbers = [int(one) for one in match[0].split(".")]
    if sign == "~":
        kept = min(2, len(numbers))
    else:
        kept = next((at + 1 for at, one in enumerate(numbers) if one), len(numbers))
    upper = [*numbers[: kept - 1], numbers[kept - 1] + 1]
    return f">={version},<{'.'.join(map(str, upper))}"


def pep508(name: str, given: object, source: Path) -> list[str]:
    """Return the requirements that an entry of a table stands for.

    Args:
        name: The package.
        given: Its constraint, its table, or a list of such.
        source: The project, for paths.
    """
    if isinstance(given, list):
        return [one for part in given for one in pep508(name, part, source)]
    if isinstance(given, str):
        given = {"version": given}
    if not isinstance(given, Mapping):
        return []
    text = _text(name, given, source)
    try:
        Requirement(text)
    except InvalidRequirement:
        return []
    return [text]


def _text(name: str, given: Mapping[str, Any], source: Path) -> str:
    extras = ",".join(texts(given.get("extras")))
    text = f"{name}[{extras}]" if extras else name
    place = _place(given, source)
    text += f" @ {place}" if place else pep440(str(given.get("version", "")))
    markers = [f"({given['markers']})"] if isinstance(given.get("markers"), str) else []
    if isinstance(given.get("python"), str) and (versions := pep440(given["python"])):
        markers += [_marker(one) for one in versions.split(",")]
    return f"{text} ; {' and '.join(markers)}" if markers else text


def _marker(versions: str) -> str:
    match = re.match(r"(===|==|!=|<=|>=|<|>|~=)(.+)$", versions)
    sign, version = (match[1], match[2]) if match else ("==", versions)
    # python_version knows two figures: "3.8.1" would compare wrongly with it.
    name = "python_full_version" if version.count(".") > 1 else "python_version"
    return f'{name} {sign} "{version}"'


def _place(given: Mapping[str, Any], source: Path) -> str:
    if isinstance(given.get("git"), str):
        at = next((str(given[key]) for key in ("rev", "tag", "branch", "ref") if key in given), "")
        return f"git+{given['git']}@{at}" if at else f"git+{given['git']}"
    if isinstance(given.get("path"), str):
        return (source / str(given["path"])).resolve().as_uri()
    return next((str(given[key]) for key in ("url", "file") if isinstance(given.get(key), str)), "")
