"""Say what a program missed in the clean room, by what it printed."""

from __future__ import annotations

import re

__all__ = ["explain"]

#: Characters of the output that are searched; it may have been written to make that slow.
_MOST = 20_000

#: What a program prints, what is not there, and what to do. The first that fits is told.
_MISSED = (
    (
        r"/usr/share/zoneinfo|No time zone found with key|ZoneInfoNotFoundError",
        "/usr/share/zoneinfo is not there",
        "add tzdata to the dependencies",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|unable to get local issuer|/etc/(?:ssl|pki)|ca-certificates",
        "/etc/ssl has no certificates",
        "add certifi or truststore to the dependencies, and use it",
    ),
    (
        r"(?P<what>lib[\w.+-]{1,80}?\.so[\w.]{0,20}): cannot open shared object file",
        "{what} is not there: not every Linux has it",
        "add the package that ships it to the dependencies",
    ),
    (
        r"failure in name resolution|Name or service not known|Network is unreachable",
        "there is no network",
        "write a smoke run that needs none",
    ),
    (
        r"unsupported locale setting|cannot change locale",
        "there are no locales but C, POSIX and C.UTF-8",
        "have the program go on without",
    ),
    (
        r"(?i)fontconfig error|no fonts? (?:found|available)|cannot find font",
        "there are no fonts",
        "ship one by include-files",
    ),
    (
        (
            r"(?s)_execute_child.{1,600}No such file or directory: '(?P<what>[\w.+-]{1,80})'"
            r"|: (?P<tool>[\w.+-]{1,80}): not found"
        ),
        "there is no program {what}: there are a shell and the tools of POSIX",
        "ship it by include-files, or have the program go on without",
    ),
    (
        (
            r"(?:No such file or directory|does not exist|doesn't exist|not find)[^\n]{0,200}?"
            r"['\"](?P<what>/(?!opt/)[^'\"\n]{1,300})['\"]"
        ),
        "{what} is not there",
        "ship it by include-files or in a package",
    ),
)


def explain(output: str) -> str:
    """Return a sentence on what a program missed in the clean room; empty: nothing is known.

    Args:
        output: What it printed.
    """
    output = output[-_MOST:]
    for pattern, what, remedy in _MISSED:
        if match := re.search(pattern, output):
            named = next((one for one in match.groupdict().values() if one), "")
            return f"in the clean room {what.format(what=named)}; {remedy}"
    return ""
