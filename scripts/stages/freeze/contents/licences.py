"""Read the licence of a distribution from its metadata."""

from __future__ import annotations

from email.message import Message

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

__all__ = ["Licences", "read_licences"]

#: What the classifiers of PyPI mean that name one licence.
_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
}
_LONGEST = 120


class Licences(tuple[str, ...]):
    """Names of licences; `is_expression`: there is one, and it is an SPDX expression."""

    __slots__ = ()

    @property
    def is_expression(self) -> bool:
        """True: the only name is an SPDX expression."""
        return len(self) == 1 and _expression(self[0]) == self[0]


def read_licences(metadata: Message) -> Licences:
    """Return the licences that a distribution's metadata state; none: it states none.

    Args:
        metadata: The core metadata. They are somebody else's text.
    """
    for key in ("License-Expression", "License"):
        text = _expression(str(metadata.get(key) or ""))
        if text:
            return Licences([text])
    given = [str(one) for one in metadata.get_all("Classifier") or ()]
    names = [
        one.rpartition(" :: ")[2] for one in given if one.startswith("License :: OSI Approved")
    ]
    known = [_CLASSIFIERS.get(name) or name for name in names if name != "OSI Approved"]
    if known:
        return Licences(dict.fromkeys(known))
    first = next(iter(str(metadata.get("License") or "").strip().splitlines()), "").strip()
    return Licences([first[:_LONGEST]] if first and first != "UNKNOWN" else ())


def _expression(text: str) -> str:
    """Return an SPDX expression in its canonical form; empty: it is none."""
    if not text or len(text) > _LONGEST:
        return ""
    try:
        return str(canonicalize_license_expression(text))
    except (InvalidLicenseExpression, ValueError):
        return ""
