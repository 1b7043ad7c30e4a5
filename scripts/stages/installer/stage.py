"""Settings of the stage that makes installers."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from slipway.model.kinds.stage import Stage

__all__ = ["Format", "InstallerStage", "Scope"]

Format = Literal["nsis", "msi", "deb"]
Scope = Literal["user", "machine", "ask"]
#: Longest title and publisher that all three formats can hold, and longest description.
_LONGEST, _LONGEST_TEXT = 80, 200


def _one_line(text: str) -> str:
    """Refuse what no line of a control file, a registry or a script can hold."""
    if not text.isprintable() or text != text.strip():
        msg = "write one line without control characters and without blanks at its ends"
        raise ValueError(msg)
    return text


def _as_list(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


_Line = Annotated[str, Field(min_length=1, max_length=_LONGEST), AfterValidator(_one_line)]
_Text = Annotated[str, Field(min_length=1, max_length=_LONGEST_TEXT), AfterValidator(_one_line)]
_Address = Annotated[str, Field(pattern=r"^https?://[!-~]{1,190}$")]
_Mail = Annotated[str, Field(pattern=r"^[A-Za-z0-9._%+-]{1,60}@[A-Za-z0-9.-]{1,90}$")]
_Depends = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9+.-]+( \((<<|<=|=|>=|>>) [A-Za-z0-9.+:~-]+\))?$"),
]
_Icons = Annotated[
    tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=str | tuple[str, ...])
]


class InstallerStage(Stage):
    """Make installers of what was frozen: for Windows by NSIS and as MSI, for Debian as .deb."""

    needs_inputs: ClassVar[bool] = True
    runs_programs: ClassVar[bool] = False

    uses: Literal["installer"]
    formats: Annotated[tuple[Format, ...] | None, Field(min_length=1)] = None
    """What to make: "nsis" and "msi" of what was frozen on Windows, "deb" of what was frozen on
    Linux. None: "nsis" for Windows, "deb" for Linux."""
    name: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]$", max_length=60
    )
    """Name of the installer's file, of the folder that is installed to, and, in lower case, of the
    Debian package. It stays the same for ever. None: the project's name."""
    title: _Line | None = None
    """The product's name for people. None: `name`."""
    publisher: _Line | None = None
    """Who publishes it. None: the first of the authors in the project's pyproject.toml."""
    email: _Mail | None = None
    """Where users of the Debian package write to. None: the first author's address."""
    description: _Text | None = None
    """What it is, in one line. None: the description in pyproject.toml."""
    homepage: _Address | None = None
    """The product's page. None: Homepage, or the first of the urls, in pyproject.toml."""
    icon: _Icons = ()
    """Files of the project: an .ico for Windows, a .png for Debian, or a list of both."""
    licence: str | None = None
    """A text file of the project that the NSIS installer shows, and the Debian package's
    copyright. None: no page of it; Debian gets the licence that pyproject.toml names."""
    scope: Scope = "ask"
    """Whom it is installed for on Windows: "user" (who installs it, without administrator's
    rights), "machine" (all users), or "ask" (whoever installs it chooses)."""
    programs: tuple[str, ...] | None = None
    """Executables that get an entry in the start menu. None: the windowed ones; on Windows, where
    there are none, all."""
    desktop: bool = False
    """True: they also get a shortcut on the Windows desktop."""
    path: bool = False
    """True: the folder of the program is added to PATH on Windows. Debian links each executable in
    /usr/bin anyway."""
    upgrade_code: UUID | None = None
    """What makes two Windows installers versions of one product. None: made of `name` alone;
    write it down before you change that."""
    depends: tuple[_Depends, ...] = ()
    """Debian packages that it needs besides libc6, such as "libgl1" or "git (>= 1:2.30)"."""
    section: str = Field(default="misc", pattern=r"^[a-z][a-z-]*$")
    """The section of the Debian package."""
