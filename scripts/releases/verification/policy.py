"""A policy: what the releases of a project must be, written by whoever downloads them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError

from slipway.model.base import Part
from slipway.model.errors import WrongInput
from slipway.model.git_names import check_branch
from slipway.model.spelling import did_you_mean
from slipway.scripts.humanize import count_text
from slipway.scripts.terminal_text import plain

__all__ = ["Policy", "read_policy"]

_MOST = 1 << 20
#: Characters of a value in a sentence.
_SHOWN = 80
#: What a key may have, as sentences say it.
_ALLOWED = {
    "project": 'a name: "almanac"',
    "builder": 'the URL of a site, with the slash at its end: "https://ci.example.org/"',
    "source": 'the repository: "https://git.example.org/almanac.git"',
    "branches": 'a list of names and patterns: ["main", "release/*"]',
    "keys": 'a list of fingerprints and files: ["sha256:...", "release.pub"]',
    "revoked-keys": 'a list of fingerprints: ["sha256:..."]',
    "minimum-level": "1, 2 or 3",
    "newest-known-run": "the number of a run, from 1 on",
    "published-after": "a date and time with its zone: 2026-01-01T00:00:00Z",
    "parameters": 'a table: "stages.freeze.uses" = "freeze"',
}


class Policy(Part):
    """The content of a policy's file. What it does not name may be anything."""

    project: str | None = None
    """The project's name."""
    builder: str | None = Field(default=None, pattern=r"^https?://[^/\s]+/$")
    """The URL of the site that must have built it."""
    source: str | None = None
    """The repository that it must come from, as in pipeline.toml."""
    branches: tuple[Annotated[str, AfterValidator(check_branch)], ...] = ()
    """The branches that it may come from: names, and patterns ("release/*"). None: any."""
    keys: tuple[str, ...] = ()
    """The keys that are the site's: fingerprints, and files relative to the policy's folder."""
    revoked_keys: tuple[str, ...] = ()
    """Fingerprints of keys by which nothing counts."""
    minimum_level: int = Field(default=1, ge=1, le=3)
    """The level of SLSA's build track that it must have at least."""
    newest_known_run: int | None = Field(default=None, ge=1)
    """The run of the newest release that you know of: an older one is refused."""
    published_after: AwareDatetime | None = None
    """A release that was published before is refused."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """External parameters that the provenance must have, by their path: "stages.freeze.uses"."""


def read_policy(path: Path) -> Policy:
    """Read a policy.

    Raises:
        WrongInput: It is missing, no TOML, or has a key that is wrong; names it.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST)
        content = tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        msg = f"the policy {path} cannot be read: {error.strerror}"
        raise WrongInput(msg) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"the policy {path} is no TOML: {error}"
        raise WrongInput(msg) from None
    try:
        return Policy.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        count = error.error_count()
        more = f" ({count_text(count - 1, 'more error')} after it)" if count > 1 else ""
        msg = f"the policy {path}: {_sentence(first)}{more}"
        raise WrongInput(msg) from None


def _sentence(error: Mapping[str, Any]) -> str:
    """Return a validation error with its place, its value and what is allowed."""
    names = [field.alias or name for name, field in Policy.model_fields.items()]
    key, *rest = [str(part) for part in error["loc"]] or ["the whole file"]
    place = plain(".".join((key, *rest)))[:_SHOWN]
    if error["type"] == "extra_forbidden":
        hint = did_you_mean(key, names) or f" Allowed: {', '.join(names)}."
        return f'unknown key "{place}".{hint}'
    value = error["input"]
    text = f'"{plain(value)}"' if isinstance(value, str) else plain(repr(value))
    if error["type"] == "value_error":
        why = str(error["ctx"]["error"])
    else:
        why = f"write {_ALLOWED.get(key, 'something else')}"
    return f"{place}: {text[:_SHOWN]} is not allowed; {why}"
