"""Parse seed databases that a developer names: `slipway features --seed NAME=FILE`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.model.errors import WrongInput

if TYPE_CHECKING:
    from slipway.scripts.stages.features.application.postgresql_seeds import Dump

__all__ = ["NamedSeeds", "read_seeds"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
# Magic bytes: https://www.sqlite.org/fileformat.html, and pg_dump's pg_backup_archiver.h.
_SQLITE = b"SQLite format 3\0"
_POSTGRESQL = b"PGDMP"


@dataclass(frozen=True)
class NamedSeeds:
    """Seeds by name: SQLite files, and dumps of PostgreSQL."""

    seeds: dict[str, Path] = field(default_factory=dict)
    dumps: dict[str, Dump] = field(default_factory=dict)


def read_seeds(words: Sequence[str]) -> NamedSeeds:
    """Parse the typed seeds.

    Args:
        words: Each NAME=FILE; the file is an SQLite database, or a dump of PostgreSQL in pg_dump's
            custom format. The roles of shop.dump are created by shop-roles.sql, if it exists beside
            it.

    Raises:
        WrongInput: A word has another form, a file is missing or of another type, or a name is used
            twice.
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
        sentence = f'--seed "{word}": {file} cannot be read: {error.strerror}; name a file'
        raise WrongInput(sentence) from None
    for kind in (_SQLITE, _POSTGRESQL):
        if head.startswith(kind):
            return kind
    raise WrongInput(
        f'--seed "{word}": {file} is neither an SQLite database nor a dump of PostgreSQL in the '
        "custom format; make one with pg_dump --format=custom"
    )
