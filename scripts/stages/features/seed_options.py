"""Seed databases that a developer names: `slipway features --seed NAME=FILE`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.model.errors import WrongInput

if TYPE_CHECKING:
    from slipway.scripts.stages.features.application.postgresql_seeds import Dump

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
# How their files begin: https://www.sqlite.org/fileformat.html, and pg_dump's pg_backup_archiver.h.
_SQLITE = b"SQLite format 3\0"
_POSTGRESQL = b"PGDMP"


@dataclass(frozen=True)
class NamedSeeds:
    """Seeds by name, as an order takes them."""

    seeds: dict[str, Path] = field(default_factory=dict)
    dumps: dict[str, Dump] = field(default_factory=dict)


def read_seeds(words: Sequence[str]) -> NamedSeeds:
    """Return the seeds that were typed.

    Args:
        words: Each NAME=FILE; the file is of SQLite, or a dump of PostgreSQL in pg_dump's custom
            format. The roles of shop.dump are made by shop-roles.sql, if that stands beside it.

    Raises:
        WrongInput: One is not so, its file is missing or of another kind, or two have one name.
    """
    found = NamedSeeds()
    for word in words:
        name, _, typed = word.partition("=")
        if not typed or _NAME.fullmatch(name) is None:
            raise WrongInput(
                f'--seed "{word}" is not NAME=FILE; write such as shop=seeds/shop.sqlite'
            )
        if name in found.seeds or name in found.dumps:
            raise WrongInput(
                f'--seed "{word}": there is a seed "{name}" already; give each its name'
            )
        file = Path(typed).resolve()
        kind = _kind(word, file)
        if kind == _SQLITE:
            found.seeds[name] = file
        else:
            from slipway.scripts.stages.features.application.postgresql_seeds import Dump

            roles = file.with_name(f"{file.stem}-roles.sql")
            found.dumps[name] = Dump(file, roles if roles.is_file() else None)
    return found


def _kind(word: str, file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            head = opened.read(len(_SQLITE))
    except OSError as error:
        told = f'--seed "{word}": {file} cannot be read: {error.strerror}; name a file'
        raise WrongInput(told) from None
    for kind in (_SQLITE, _POSTGRESQL):
        if head.startswith(kind):
            return kind
    raise WrongInput(
        f'--seed "{word}": {file} is neither an SQLite database nor a dump of PostgreSQL in the '
        "custom format; make one with pg_dump --format=custom"
    )
