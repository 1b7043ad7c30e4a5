"""Verify a release: that it is unchanged, who made it, from what, and that it is the newest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from slipway.model.errors import PASSED, StageFailed, WrongInput
from slipway.scripts.humanize import count_text, size_text
from slipway.scripts.releases.manifest import (
    MANIFEST,
    PAGE,
    SIGNATURE,
    SUMS,
    Manifest,
    ReleaseFile,
    read,
)
from slipway.scripts.releases.strict_json import read_small
from slipway.scripts.releases.verification.authenticity import proofs, signed_by
from slipway.scripts.releases.verification.finding import Finding
from slipway.scripts.releases.verification.newest import named_finding, pointer_finding
from slipway.scripts.releases.verification.trust import Trust
from slipway.scripts.report import hash_file
from slipway.scripts.terminal_text import escape

__all__ = ["Finding", "Found", "check", "conclude", "examine", "find", "find_release", "verify"]

#: Signatures that others have put beside an unsigned manifest, which cannot list them.
_SIGNATURES = frozenset({f"{MANIFEST}.{suffix}" for suffix in ("asc", "sig", "minisig")})
_LATEST = "latest"
_POINTER = f"{_LATEST}.json"
#: Bytes of SHA256SUMS.
_LONGEST = 64_000_000


@dataclass(frozen=True)
class Found:
    """A release, and how it was found."""

    folder: Path
    pointer: Path | None = None
    """The pointer that says that it is the newest. None: it was named itself."""
    called: str = ""
    """The name of the folder that was asked for. Empty: that of this one."""


def find(place: Path, *, is_project: bool = False) -> Found | None:
    """Return the release at a path, or None.

    Args:
        place: A release's folder, its release.json, or a project's folder (its latest release).
        is_project: True: it is known as a project's folder, so no release lies in it itself.
    """
    if place.name == MANIFEST and place.is_file():
        place = place.parent
    if not is_project and (place / MANIFEST).is_file():
        if place.name == _LATEST:
            return Found(place.resolve(), place.parent / _POINTER)
        return Found(place)
    if (place / _LATEST / MANIFEST).is_file():
        return Found((place / _LATEST).resolve(), place / _POINTER)
    if (place / _POINTER).is_file():
        folder = _pointed_at(place)
        return Found(folder, place / _POINTER) if folder is not None else None
    return None


def find_release(place: Path) -> Path | None:
    """Return the folder of the release at a path, or None."""
    found = find(place)
    return found.folder if found is not None else None


def _pointed_at(project: Path) -> Path | None:
    """Follow latest.json, which replaces the symbolic link where links are not allowed."""
    import json

    try:
        version = json.loads((project / _POINTER).read_text(encoding="utf-8"))["version"]
    except (OSError, RecursionError, ValueError, KeyError, TypeError):
        return None
    release = project / str(version)
    return release if (release / MANIFEST).is_file() else None


def verify(place: Path) -> list[str]:
    """Check the files of a release against its manifest; who made it is not asked.

    Returns:
        The problems, one sentence each; empty if there are none.
    """
    folder = find_release(place)
    if folder is None:
        return [f"{place} is no release: there is no {MANIFEST}"]
    return [f"{one.name}: {one.problem}" for one in examine(Found(folder)) if one.problem]


def examine(found: Found, trust: Trust | None = None) -> Iterator[Finding]:
    """Check a release and yield one finding for each file, and others for what it claims.

    Args:
        found: The release.
        trust: What is known of who makes such releases. None: that is not asked.
    """
    folder = found.folder
    try:
        manifest = read(folder / MANIFEST)
    except WrongInput as error:
        yield Finding(MANIFEST, str(error))
        return
    claims = _claims(found, manifest, trust) if trust is not None else []
    told = {one.name: one for one in claims if one.name not in {MANIFEST, _POINTER}}
    listed = (*manifest.artefacts, *manifest.pages, *manifest.evidence)
    for one in listed:
        claim = told.pop(one.name, Finding(one.name))
        problem = _compare(folder / one.name, one) or claim.problem
        yield Finding(one.name, problem, one.size, claim.note)
    yield Finding(SUMS, _compare_sums(folder, manifest))
    yield from (one for one in claims if one.name in {MANIFEST, _POINTER} or one.name in told)
    known = {one.name for one in listed} | {MANIFEST, SUMS}
    known |= {f"{MANIFEST}{SIGNATURE}"} if manifest.key else {PAGE} | _SIGNATURES
    for path in sorted(folder.iterdir()):
        if path.name not in known:
            yield Finding(path.name, "an extra file, which the manifest does not know")


def _claims(found: Found, manifest: Manifest, trust: Trust) -> list[Finding]:
    signed = signed_by(found.folder, manifest, trust)
    claims = [*proofs(found.folder, manifest, signed, trust), signed.finding]
    if found.pointer is not None:
        claims.append(pointer_finding(found.pointer, found.folder, manifest, signed, trust))
    else:
        called = found.called or found.folder.absolute().name
        claims.extend(named_finding(called, manifest))
    return claims


def _compare(path: Path, expected: ReleaseFile) -> str:
    if path.is_symlink():
        return "is a link, and a release holds files alone"
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size != expected.size:
        what, of = ("truncated", "of") if size < expected.size else ("altered", "instead of")
        return f"{what}: {size:,} {of} {expected.size:,} bytes"
    try:
        found = hash_file(path)
    except OSError as error:
        return f"cannot be read: {(error.strerror or str(error)).lower()}"
    same = found == expected.sha256
    return "" if same else f"altered: sha256 {found} instead of {expected.sha256}"


def _compare_sums(folder: Path, manifest: Manifest) -> str:
    try:
        text = read_small(folder, SUMS, _LONGEST).decode("utf-8", errors="replace")
    except WrongInput as error:
        return str(error).partition(f"{SUMS}: ")[2].removeprefix("is ")
    found, expected = text.splitlines(), manifest.sums().splitlines()
    for number, (ours, theirs) in enumerate(zip(found, expected, strict=False), 1):
        if ours != theirs:
            return f"disagrees with {MANIFEST} in line {number}: {ours!r} instead of {theirs!r}"
    if len(found) != len(expected):
        return f"disagrees with {MANIFEST}: {len(found)} instead of {len(expected)} lines"
    return ""


def check(place: Path, console: Console, called: str = "", trust: Trust | None = None) -> int:
    """Check a release and print one line for each file.

    Args:
        place: A release's folder, its release.json, or a project's folder.
        console: The console to print on.
        called: The name of the place for people. Empty: its path.
        trust: What is known of who makes such releases. None: that is not asked.

    Returns:
        The exit code: 0 unchanged, 1 something is wrong, 2 this is not a release.
    """
    found = find(place)
    if found is None:
        _print(
            console,
            f"[red]{escape(called or str(place))} is no release[/]: give a folder that holds "
            f"{MANIFEST}, the {MANIFEST} itself, or a project's folder with a latest release",
        )
        return WrongInput.exit_code
    return conclude(found, examine(found, trust), console, called)


def conclude(found: Found, findings: Iterator[Finding], console: Console, called: str = "") -> int:
    """Print findings, a line for each, and the verdict.

    Args:
        found: The release.
        findings: What was found.
        console: The console to print on.
        called: The name of the place for people. Empty: its path.

    Returns:
        The exit code: 0 unchanged, 1 something is wrong.
    """
    files: dict[str, Finding] = {}
    bad = set()
    for one in findings:
        if one.problem:
            bad.add(one.name)
        if one.problem or one.name not in {MANIFEST, _POINTER}:
            files[one.name] = one
        _print(console, _line(one))
    total = count_text(len(files), "file")
    if bad:
        verdict = f"[bold red]{escape(called or str(found.folder))} is not as it was published[/]"
        _print(console, f"{verdict}: {len(bad)} of {total}")
        return StageFailed.exit_code
    manifest = read(found.folder / MANIFEST)
    name = escape(f"{manifest.project} {manifest.version}")
    size = size_text(sum(one.size for one in files.values()))
    verdict = f"[bold green]{name} is as it was published[/]"
    _print(console, f"{verdict}: {total}, {size}, run {manifest.run}")
    return PASSED


def _line(one: Finding) -> str:
    if one.problem:
        return f"[red]✗[/] {escape(one.name)}: [red]{escape(one.problem)}[/]"
    if one.note.startswith("NOT "):
        return f"[yellow]![/] {escape(one.name)}: [yellow]{escape(one.note)}[/]"
    return f"[green]✓[/] {escape(one.name)}: ok" + (f", {escape(one.note)}" if one.note else "")


def _print(console: Console, text: str) -> None:
    # A hash must not be wrapped: people search and compare lines.
    console.print(text, soft_wrap=True, highlight=False)
