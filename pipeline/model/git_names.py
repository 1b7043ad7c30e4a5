"""Validate repositories and the names of branches, tags and revisions before git gets them.

All external input passes here: from pipeline.toml, forms, the REST API and jobs. So nothing can be
interpreted as an option, as a program to run, or as another kind of URL.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

__all__ = [
    "LONGEST_NAME",
    "LONGEST_URL",
    "SCHEMES",
    "check_branch",
    "check_name",
    "check_repository",
    "check_revision",
    "is_name",
    "is_pattern",
    "is_revision",
    "is_shortened",
    "is_url",
    "matches",
]

#: Transports that git may use; none of them runs a program named by the URL.
SCHEMES = ("https", "http", "ssh", "git", "file")
#: Maximum length of names and URLs, as in the ledger's columns.
LONGEST_NAME, LONGEST_URL = 255, 2000
_REVISION = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORTENED = re.compile(r"[0-9a-f]{4,64}")
_SCP = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^@/:\[\]]+):(?P<path>.*)")
#: NAME::REST makes git run git-remote-NAME; "ext" would run any program that the URL names.
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
_HOST = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\]")
_USER = re.compile(r"[A-Za-z0-9_.+%][A-Za-z0-9_.+%-]*")
_REF_SIGNS = frozenset(" ~^:?*[\\")


def is_url(repository: str) -> bool:
    """Return whether a repository is a git URL (or scp-like, git@host:path), not a path."""
    return "://" in repository or (
        ":" in repository and "/" not in repository.split(":", maxsplit=1)[0]
    )


def check_repository(text: str) -> str:
    """Validate a repository: a URL with an allowed scheme, or a path.

    Raises:
        ValueError: It could be interpreted as an option, runs a program, or is no valid URL.
    """
    why = _wrong_with_repository(text)
    if why:
        msg = (
            f"{_shown(text)} cannot be a repository: {why}; write a URL "
            f"({', '.join(SCHEMES)}), git@host:path, or a path"
        )
        raise ValueError(msg)
    return text


def _wrong_with_repository(text: str) -> str:
    why = _wrong_with_any(text, LONGEST_URL)
    if why or not is_url(text):
        return why
    return _wrong_with_url(text) if "://" in text else _wrong_with_short_form(text)


def _wrong_with_any(text: str, longest: int) -> str:
    if not text or len(text) > longest:
        return f"it has {len(text)} letters, and may have 1 to {longest}"
    if not text.isprintable():
        return "it holds a control character"
    return 'it starts with "-", as an option does' if text.startswith("-") else ""


def _wrong_with_url(text: str) -> str:
    scheme = text.partition("://")[0]
    if scheme not in SCHEMES:
        return f'"{scheme[:40]}" is no kind of URL that is allowed'
    if " " in text or not unquote(text).isprintable():
        return "it holds a space or a control character"
    try:
        parts = urlsplit(text)
        port_is_bad = parts.port == 0
    except ValueError as error:
        return str(error)
    if port_is_bad:
        return "its port is 0"
    return "" if scheme == "file" else _wrong_with_address(parts.netloc)


def _wrong_with_address(address: str) -> str:
    user, _, host = address.rpartition("@")
    # git decodes both before it passes them to ssh.
    host = unquote(re.sub(r":\d*$", "", host))
    if not _HOST.fullmatch(host):
        return f'"{host[:60]}" is no name of a machine'
    name = unquote(user.partition(":")[0])
    return f'"{name[:60]}" is no name of a user' if name.startswith("-") else ""


def _wrong_with_short_form(text: str) -> str:
    helper = _HELPER.match(text)
    if helper is not None:
        return f'"{helper[0][:40]}" would start a program'
    found = _SCP.fullmatch(text)
    if found is None or not _HOST.fullmatch(found["host"]):
        return "what stands before the colon is no name of a machine"
    if found["user"] is not None and not _USER.fullmatch(found["user"]):
        return f'"{found["user"][:60]}" is no name of a user'
    if not found["path"] or found["path"].startswith("-"):
        return "what stands after the colon is no path"
    return ""


def check_name(text: str) -> str:
    """Validate the name of a branch or tag, or a revision.

    Raises:
        ValueError: git does not allow the name, or it could be interpreted as an option.
    """
    why = _wrong_with_name(text)
    if why:
        msg = f"{_shown(text)} cannot be the name of a branch, tag or commit: {why}"
        raise ValueError(msg)
    return text


def is_name(text: str) -> bool:
    """Return whether `check_name` accepts a name."""
    return not _wrong_with_name(text)


def _wrong_with_name(text: str) -> str:
    why = _wrong_with_any(text, LONGEST_NAME)
    if why:
        return why
    bad = sorted(_REF_SIGNS & set(text))
    if bad:
        return f"it holds {' and '.join(repr(sign) for sign in bad)}"
    parts = text.split("/")
    if "" in parts or any(part.startswith(".") or part.endswith(".lock") for part in parts):
        return 'a part of it is empty, begins with "." or ends with ".lock"'
    if ".." in text or text.endswith(".") or "@{" in text or text == "@":
        return 'it is "@", ends with ".", or holds ".." or "@{"'
    return ""


def is_pattern(text: str) -> bool:
    """Return whether a text is a pattern of branches; git allows no star in names."""
    return "*" in text


def check_branch(text: str) -> str:
    """Validate a branch's name, or a pattern of names such as "feature/*".

    Raises:
        ValueError: It is neither a valid name nor a valid pattern.
    """
    if is_pattern(text):
        why = _wrong_with_name(text.replace("*", "x"))
        if why:
            msg = f"{_shown(text)} cannot be a pattern of branches: {why}"
            raise ValueError(msg)
        return text
    why = _wrong_with_name(text)
    if why:
        more = '; a pattern has stars: "feature/*"' if set("?[^") & set(text) else ""
        msg = f"{_shown(text)} cannot be the name of a branch: {why}{more}"
        raise ValueError(msg)
    return text


def matches(pattern: str, name: str) -> bool:
    """Return whether a branch matches a name or pattern; a star matches anything."""
    first, *middle = pattern.split("*")
    if not middle:
        return name == pattern
    last = middle.pop()
    # Not a regular expression: many stars would take exponential time.
    if len(name) < len(first) + len(last) or not (name.startswith(first) and name.endswith(last)):
        return False
    here, end = len(first), len(name) - len(last)
    for part in middle:
        found = name.find(part, here, end)
        if found < 0:
            return False
        here = found + len(part)
    return True


def is_revision(text: str) -> bool:
    """Return whether a text is a full commit hash: 40 or 64 hexadecimal digits."""
    return bool(_REVISION.fullmatch(text))


def is_shortened(text: str) -> bool:
    """Return whether a text may be an abbreviated commit hash."""
    return bool(_SHORTENED.fullmatch(text))


def check_revision(text: str) -> str:
    """Validate a full commit hash.

    Raises:
        ValueError: The text is not a full commit hash.
    """
    if not is_revision(text):
        msg = f"{_shown(text)} is no revision: 40 or 64 hexadecimal digits"
        raise ValueError(msg)
    return text


def _shown(text: str) -> str:
    cut = text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004  one line of a terminal
    return f'"{cut}"' if cut.isprintable() else ascii(cut)
