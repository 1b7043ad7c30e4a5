"""A policy: what the releases of a project must be, written by whoever downloads them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError

from slipway.model.base import Part
from slipway.model.errors import WrongInput
from slipway.model.git_names import check_branch

__all__ = ["Policy", "read_policy"]

_MOST = 1 << 20


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
        lines = [
            f"{'.'.join(str(part) for part in one['loc']) or 'the whole file'}: {one['msg']}"
            for one in error.errors()
        ]
        msg = f"the policy {path}: {'; '.join(lines)}"
        raise WrongInput(msg) from None
