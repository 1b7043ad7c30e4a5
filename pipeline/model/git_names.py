"""What may be handed to git: repositories, and names of branches, tags and revisions.

Everything that reaches git from outside goes through here: from pipeline.toml, a form, the REST
endpoints, a job. So nothing can be taken for an option, a program to run, or another kind of URL.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

#: Ways git may take to another repository; none of them starts a program that a URL names.
SCHEMES = ("https", "http", "ssh", "git", "file")
#: Letters of a name, and of a URL; the ledger keeps no longer ones.
LONGEST_NAME, LONGEST_URL = 255, 2000
_REVISION = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORTENED = re.compile(r"[0-9a-f]{4,64}")
_SCP = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^@/:\[\]]+):(?P<path>.*)")
#: Git starts git-remote-NAME for NAME::REST; of ext, that is a program by the URL's own choice.
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
_HOST = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\]")
_USER = re.compile(r"[A-Za-z0-9_.+%][A-Za-z0-9_.+%-]*")
_REF_SIGNS = frozenset(" ~^:?*[\\")


def is_url(repository: str) -> bool:
    """Tell a git URL (also ssh's short form, git@host:path) from a path."""
    return "://" in repository or (
        ":" in repository and "/" not in repository.split(":", maxsplit=1)[0]
    )


def check_repository(text: str) -> str:
    """Return a repository that git may be given: a URL of an allowed kind, or a path.

    Raises:
        ValueError: It could be taken for an option, starts a program, or is no URL at all.
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
    # Git itself decodes both before it hands them to ssh.
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
    """Return the name of a branch or tag, or a revision, that git may be given.

    Raises:
        ValueError: Git knows no such names, or it could be taken for an option.
    """
    why = _wrong_with_name(text)
    if why:
        msg = f"{_shown(text)} cannot be the name of a branch, tag or commit: {why}"
        raise ValueError(msg)
    return text


def is_name(text: str) -> bool:
    """Tell whether this is a name that `check_name` takes."""
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
    """Tell a pattern of branches from the name of one: git allows no star in names."""
    return "*" in text


def check_branch(text: str) -> str:
    """Return a branch's name, or a pattern of names: "feature/*".

    Raises:
        ValueError: It is neither.
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
    """Tell whether a branch is one that a name or a pattern means; a star stands for anything."""
    first, *middle = pattern.split("*")
    if not middle:
        return name == pattern
    last = middle.pop()
    # Not a regular expression: of many stars one would take for ever.
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
    """Tell whether this is the whole hash of a commit: 40 hexadecimal digits, or 64."""
    return bool(_REVISION.fullmatch(text))


def is_shortened(text: str) -> bool:
    """Tell whether this may be the beginning of a commit's hash."""
    return bool(_SHORTENED.fullmatch(text))


def check_revision(text: str) -> str:
    """Return a whole hash of a commit.

    Raises:
        ValueError: It is none.
    """
    if not is_revision(text):
        msg = f"{_shown(text)} is no revision: 40 or 64 hexadecimal digits"
        raise ValueError(msg)
    return text


def _shown(text: str) -> str:
    cut = text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004  one line of a terminal
    return f'"{cut}"' if cut.isprintable() else ascii(cut)
