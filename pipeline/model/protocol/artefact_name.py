"""Validate the names of artefacts.

A name becomes part of a path on every machine that fetches the artefact, including Windows, and any
committer can choose it. So it is validated on arrival, in the ledger, and before a file is written.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

__all__ = [
    "FOLDERS",
    "LONGEST",
    "ArtefactName",
    "as_allowed",
    "is_device",
    "name_problem",
    "name_refusal",
]

#: Maximum length in characters; file systems also limit the bytes of its UTF-8.
LONGEST = 200
_MOST_BYTES = 255
#: Folders that a name may begin with; otherwise it must be a plain file name.
FOLDERS = frozenset({"evidence"})
_WRONG = '<>:"|?*\\'
#: Names of devices on Windows, with any extension.
_DEVICE = re.compile(
    r"(con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE
)


def is_device(name: str) -> bool:
    """Return True if a file's name is that of a device on Windows: con, NUL.txt, com1."""
    return bool(_DEVICE.fullmatch(name.partition(".")[0].rstrip()))


def name_problem(name: str) -> str:
    """Return the problem of an artefact's name; empty if it is allowed.

    Args:
        name: A file's name, or one of `FOLDERS`, a slash and a file's name.
    """
    folder, slash, file = name.rpartition("/")
    found = " ".join(sorted(set(_WRONG).intersection(file)))
    checks = (
        (slash and folder not in FOLDERS, "holds a folder"),
        (len(name) > LONGEST, f"has {len(name)} letters, {LONGEST} are allowed"),
        (not file.strip("."), "names no file"),
        # isprintable() also refuses invisible characters, such as marks of text direction.
        (not file.isprintable(), "holds a control character"),
        (found, f"holds {found}"),
        (file.endswith((".", " ")), "ends with a dot or a space"),
        (is_device(file), "is a device on Windows"),
        (
            len(file.encode(errors="replace")) > _MOST_BYTES,
            f"has more than {_MOST_BYTES} bytes in UTF-8",
        ),
    )
    return next((problem for wrong, problem in checks if wrong), "")


def name_refusal(name: str) -> str:
    """Return the sentence that refuses a name; empty if it is allowed."""
    problem = name_problem(name)
    if not problem:
        return ""
    shown = ascii(name if len(name) <= LONGEST else f"{name[:LONGEST]}...")
    return (
        f"an artefact may not be called {shown}: the name {problem}; "
        "give it a plain file name that every machine can write"
    )


def as_allowed(name: str) -> str:
    """Return a similar allowed name, for a file whose exact name does not matter."""
    last = re.split(r"[\\/]", name)[-1]
    plain = "".join("_" if sign in _WRONG or not sign.isprintable() else sign for sign in last)
    while len(plain.encode()) > LONGEST // 2:
        plain = plain[1:]
    plain = plain.strip(". ") or "file"
    return plain if not name_problem(plain) else f"_{plain}"


def _checked(name: str) -> str:
    if refusal := name_refusal(name):
        raise ValueError(refusal)
    return name


#: A validated name.
ArtefactName = Annotated[str, AfterValidator(_checked)]
