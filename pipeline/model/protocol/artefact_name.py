"""Names of artefacts: what a stage may call a file that others will write on their own machines.

A name becomes part of a path on every machine that fetches the artefact, Windows among them, and
it is chosen by whoever may commit. So it is checked where it is heard, kept and written.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

#: Letters of the longest name; its UTF-8 must fit into a file system's name as well.
LONGEST = 200
_MOST_BYTES = 255
#: The folders a name may begin with; else it is a plain file name.
FOLDERS = frozenset({"evidence"})
_WRONG = '<>:"|?*\\'
#: Files with these names, whatever follows a dot, are devices on Windows.
_DEVICE = re.compile(
    r"(con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE
)


def name_problem(name: str) -> str:
    """Say why an artefact may not have a name; empty: it may.

    Args:
        name: A file's name, or one of `FOLDERS`, a slash and a file's name.
    """
    folder, slash, file = name.rpartition("/")
    found = " ".join(sorted(set(_WRONG).intersection(file)))
    checks = (
        (slash and folder not in FOLDERS, "holds a folder"),
        (len(name) > LONGEST, f"has {len(name)} letters, {LONGEST} are allowed"),
        (not file.strip("."), "names no file"),
        # Also what only changes how a text looks, such as marks that turn its direction.
        (not file.isprintable(), "holds a control character"),
        (found, f"holds {found}"),
        (file.endswith((".", " ")), "ends with a dot or a space"),
        (_DEVICE.fullmatch(file.partition(".")[0].rstrip()), "is a device on Windows"),
        (
            len(file.encode(errors="replace")) > _MOST_BYTES,
            f"has more than {_MOST_BYTES} bytes in UTF-8",
        ),
    )
    return next((problem for wrong, problem in checks if wrong), "")


def name_refusal(name: str) -> str:
    """Return the sentence that refuses a name; empty: it is allowed."""
    problem = name_problem(name)
    if not problem:
        return ""
    shown = ascii(name if len(name) <= LONGEST else f"{name[:LONGEST]}...")
    return (
        f"an artefact may not be called {shown}: the name {problem}; "
        "give it a plain file name that every machine can write"
    )


def as_allowed(name: str) -> str:
    """Return the nearest name that is allowed, for a file whose own name matters to nobody."""
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


#: A name that was checked.
ArtefactName = Annotated[str, AfterValidator(_checked)]
