"""What an installer says of the product: from the stage's keys, else from pyproject.toml."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from slipway.model.errors import WrongInput
from slipway.model.protocol.artefact_name import name_problem
from slipway.model.protocol.job import Job
from slipway.scripts.python_env.requirements import read_pyproject
from slipway.scripts.stages.installer.stage import InstallerStage, Scope
from slipway.scripts.stages.installer.tree import Program, Tree

__all__ = ["Icon", "Product", "describe"]

#: Uuids of installers are made in it; it never changes.
_OURS = uuid5(NAMESPACE_URL, "https://slipway/installer")
_LONGEST, _LONGEST_TEXT = 80, 200
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,60}@[A-Za-z0-9.-]{1,90}")
_ADDRESS = re.compile(r"https?://[!-~]{1,190}")
_LARGEST = 4 << 20
_ICO, _PNG = b"\0\0\1\0", b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Icon:
    """An icon of the project, checked."""

    content: bytes
    pixels: int = 0
    """Width and height of a square PNG."""


@dataclass(frozen=True)
class Product:
    """The product, as its installers describe it. Each text is one printable line."""

    name: str
    title: str
    publisher: str
    email: str
    description: str
    homepage: str
    version: str
    """The release's version, such as 1.4.0+7."""
    epoch: int
    """The commit's time, in seconds since 1970."""
    scope: Scope
    desktop: bool
    path: bool
    upgrade: UUID
    depends: tuple[str, ...]
    section: str
    ico: Icon | None
    png: Icon | None
    licence: str
    """The text of the licence; may be empty."""
    licence_name: str
    """What pyproject.toml says of it; may be empty."""
    wanted: tuple[str, ...] | None
    """The programs that get an entry in menus, by name. None: not said."""
    windowed: frozenset[str]
    """The programs that pyproject.toml declares as windowed, or the stage wants and no table there
    declares as one for a terminal."""

    def uuid(self, *of: str) -> str:
        """Return a uuid of a part of this product, the same each time."""
        return str(uuid5(self.upgrade, "\0".join(of))).upper()

    def in_menus(self, tree: Tree) -> tuple[Program, ...]:
        """Return the programs of a tree that get an entry in menus.

        Raises:
            WrongInput: One that the stage names is not in the tree.
        """
        if self.wanted is None:
            windowed = tuple(
                one for one in tree.programs if one.windowed or one.name in self.windowed
            )
            return windowed or (tree.programs if tree.windows else ())
        known = {one.name: one for one in tree.programs}
        for name in self.wanted:
            if name not in known:
                msg = f'programs: there is no executable "{name}"; there are {", ".join(known)}'
                raise WrongInput(msg)
        return tuple(known[name] for name in self.wanted)

    def entry_names(self, programs: Sequence[Program]) -> dict[str, str]:
        """Return the name that each program has in menus: of one alone, the product's title."""
        if len(programs) != 1:
            return {one.name: one.name for one in programs}
        return {programs[0].name: self.title}

    def link_names(self, programs: Sequence[Program]) -> dict[str, str]:
        """Return the file name of each program's shortcut on Windows, without a suffix."""
        found = {}
        for name, shown in self.entry_names(programs).items():
            plain = re.sub(r'[<>:"/\\|?*]', "_", shown).strip(". ")
            found[name] = self.name if not plain or name_problem(f"{plain}.lnk") else plain
        return found


def describe(job: Job, stage: InstallerStage, source: Path) -> Product:
    """Return what the installers of a release say of it.

    Args:
        job: The job.
        stage: Its keys.
        source: The project.

    Raises:
        WrongInput: A file of the project is missing or no such file.
    """
    table = _table(read_pyproject(source).get("project"))
    name = stage.name or job.project
    author, email = _author(table)
    title = stage.title or name
    publisher = stage.publisher or author or title
    licence = _licence(source, stage.licence)
    icons = {Path(one).suffix.lower(): one for one in stage.icon}
    for suffix, one in icons.items():
        if suffix not in {".ico", ".png"}:
            msg = f"icon: {one} is neither an .ico (for Windows) nor a .png (for Debian)"
            raise WrongInput(msg)
    return Product(
        name=name,
        title=title,
        publisher=publisher,
        email=stage.email or email,
        description=stage.description or _line(table.get("description"), _LONGEST_TEXT) or title,
        homepage=stage.homepage or _homepage(table),
        version=job.run.version,
        epoch=job.run.committed_at,
        scope=stage.scope,
        desktop=stage.desktop,
        path=stage.path,
        upgrade=stage.upgrade_code or uuid5(_OURS, name),
        depends=stage.depends,
        section=stage.section,
        ico=_icon(source, icons.get(".ico"), _ICO),
        png=_icon(source, icons.get(".png"), _PNG),
        licence=licence,
        licence_name=_line(_licence_name(table), _LONGEST),
        wanted=stage.programs,
        windowed=_windowed(stage, table),
    )


def _windowed(stage: InstallerStage, table: dict[str, Any]) -> frozenset[str]:
    console = _table(table.get("scripts"))
    wanted = {name for name in stage.programs or () if name not in console}
    return frozenset(_table(table.get("gui-scripts"))) | wanted


def _table(given: object) -> dict[str, Any]:
    return given if isinstance(given, dict) else {}


def _line(given: object, longest: int) -> str:
    """Return a text of pyproject.toml as one printable line; empty if it is none."""
    if not isinstance(given, str):
        return ""
    plain = "".join(sign if sign.isprintable() else " " for sign in given)
    return " ".join(plain.split())[:longest].strip()


def _author(table: dict[str, Any]) -> tuple[str, str]:
    listed = table.get("authors")
    first = _table(listed[0]) if isinstance(listed, list) and listed else {}
    email = _line(first.get("email"), _LONGEST_TEXT)
    return _line(first.get("name"), _LONGEST), email if _MAIL.fullmatch(email) else ""


def _homepage(table: dict[str, Any]) -> str:
    urls = {name.lower(): one for name, one in _table(table.get("urls")).items()}
    found = urls.get("homepage") or next(iter(urls.values()), "")
    return found if isinstance(found, str) and _ADDRESS.fullmatch(found) else ""


def _licence_name(table: dict[str, Any]) -> object:
    given = table.get("license")
    return given if isinstance(given, str) else _table(given).get("text")


def _read(source: Path, name: str, key: str) -> bytes:
    """Return the content of a file of the project.

    Raises:
        WrongInput: It is missing, too large, or not in the project.
    """
    path = (source / name).resolve()
    if source.resolve() not in path.parents:
        msg = f"{key}: {name} leads out of the project; name a file of it"
        raise WrongInput(msg)
    if not path.is_file():
        msg = f"{key}: {name} is no file of the project"
        raise WrongInput(msg)
    with path.open("rb") as stream:
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        msg = f"{key}: {name} is larger than {_LARGEST >> 20} MB"
        raise WrongInput(msg)
    return content


def _icon(source: Path, name: str | None, magic: bytes) -> Icon | None:
    if name is None:
        return None
    content = _read(source, name, "icon")
    if not content.startswith(magic):
        msg = f"icon: {name} is no {Path(name).suffix[1:].upper()} file, whatever its name says"
        raise WrongInput(msg)
    if magic == _ICO:
        return Icon(content)
    try:
        width, height = struct.unpack_from(">II", content, 16)
    except struct.error:
        width, height = 0, 0
    if width != height or not width:
        msg = (
            f"icon: {name} has {width} x {height} pixels; menus show square ones, such as 256 x 256"
        )
        raise WrongInput(msg)
    return Icon(content, width)


def _licence(source: Path, name: str | None) -> str:
    if name is None:
        return ""
    content = _read(source, name, "licence")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"licence: {name} is no text in UTF-8, at byte {error.start}"
        raise WrongInput(msg) from None
    if text.lstrip().startswith("{\\rtf") or "\0" in text:
        msg = f"licence: {name} is no plain text; the licence page shows plain text alone"
        raise WrongInput(msg)
    return text
