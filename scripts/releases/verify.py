"""Verify that a release is unchanged since it was published: `slipway verify PATH`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from slipway.model.errors import PASSED, StageFailed, WrongInput
from slipway.scripts.humanize import count_text, size_text
from slipway.scripts.releases.manifest import MANIFEST, PAGE, SUMS, Manifest, ReleaseFile, read
from slipway.scripts.report import hash_file
from slipway.scripts.terminal_text import escape

__all__ = ["Finding", "check", "examine", "find_release", "verify"]

#: Signatures are made over the manifest, so it cannot list them.
_SIGNATURES = frozenset({f"{MANIFEST}.{suffix}" for suffix in ("asc", "sig", "minisig")})


@dataclass(frozen=True)
class Finding:
    """The result of checking one file."""

    name: str
    problem: str = ""
    """Description of the problem. Empty: the file is as it was published."""
    size: int = 0


def find_release(place: Path) -> Path | None:
    """Return the folder of the release at a path, or None.

    Args:
        place: A release's folder, its release.json, or a project's folder (its latest release).
    """
    if place.name == MANIFEST and place.is_file():
        return place.parent
    if (place / MANIFEST).is_file():
        return place
    if (place / "latest" / MANIFEST).is_file():
        return (place / "latest").resolve()
    if (place / "latest.json").is_file():
        return _pointed_at(place)
    return None


def _pointed_at(project: Path) -> Path | None:
    """Follow latest.json, which replaces the symbolic link where links are not allowed."""
    import json

    try:
        version = json.loads((project / "latest.json").read_text(encoding="utf-8"))["version"]
    except (OSError, RecursionError, ValueError, KeyError, TypeError):
        return None
    release = project / str(version)
    return release if (release / MANIFEST).is_file() else None


def verify(place: Path) -> list[str]:
    """Check a release against its manifest.

    Returns:
        The problems, one sentence each; empty if there are none.
    """
    folder = find_release(place)
    if folder is None:
        return [f"{place} is no release: there is no {MANIFEST}"]
    return [f"{finding.name}: {finding.problem}" for finding in examine(folder) if finding.problem]


def examine(folder: Path) -> Iterator[Finding]:
    """Check the files of a release folder and yield one finding for each."""
    try:
        manifest = read(folder / MANIFEST)
    except WrongInput as error:
        yield Finding(MANIFEST, str(error))
        return
    for one in (*manifest.artefacts, *manifest.pages):
        yield Finding(one.name, _compare(folder / one.name, one), one.size)
    yield Finding(SUMS, _compare_sums(folder / SUMS, manifest))
    known = {one.name for one in (*manifest.artefacts, *manifest.pages)}
    known |= {MANIFEST, SUMS, PAGE} | _SIGNATURES
    for path in sorted(folder.iterdir()):
        if path.name not in known:
            yield Finding(path.name, "an extra file, which the manifest does not know")


def _compare(path: Path, expected: ReleaseFile) -> str:
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size < expected.size:
        return f"truncated: {size:,} of {expected.size:,} bytes"
    if size > expected.size:
        return f"altered: {size:,} instead of {expected.size:,} bytes"
    try:
        found = hash_file(path)
    except OSError as error:
        return f"cannot be read: {(error.strerror or str(error)).lower()}"
    if found != expected.sha256:
        return f"altered: sha256 {found} instead of {expected.sha256}"
    return ""


def _compare_sums(path: Path, manifest: Manifest) -> str:
    if not path.is_file():
        return "missing"
    found = path.read_text(encoding="utf-8", errors="replace").splitlines()
    expected = manifest.sums().splitlines()
    for number, (ours, theirs) in enumerate(zip(found, expected, strict=False), 1):
        if ours != theirs:
            return f"disagrees with {MANIFEST} in line {number}: {ours!r} instead of {theirs!r}"
    if len(found) != len(expected):
        return f"disagrees with {MANIFEST}: {len(found)} instead of {len(expected)} lines"
    return ""


def check(place: Path, console: Console, called: str = "") -> int:
    """Check a release and print one line for each file.

    Args:
        place: A release's folder, its release.json, or a project's folder.
        console: The console to print on.
        called: The name of the place for people. Empty: its path.

    Returns:
        The exit code: 0 unchanged, 1 something is wrong, 2 this is not a release.
    """
    folder = find_release(place)
    if folder is None:
        _print(
            console,
            f"[red]{escape(called or str(place))} is no release[/]: give a folder that holds "
            f"{MANIFEST}, the {MANIFEST} itself, or a project's folder with a latest release",
        )
        return WrongInput.exit_code
    findings = []
    for finding in examine(folder):
        findings.append(finding)
        mark = f"[red]✗[/] {escape(finding.name)}: [red]{escape(finding.problem)}[/]"
        _print(console, mark if finding.problem else f"[green]✓[/] {escape(finding.name)}: ok")
    return _conclude(folder, called or str(folder), findings, console)


def _conclude(folder: Path, called: str, findings: list[Finding], console: Console) -> int:
    total = count_text(len(findings), "file")
    bad = sum(bool(finding.problem) for finding in findings)
    if bad:
        verdict = f"[bold red]{escape(called)} is not as it was published[/]"
        _print(console, f"{verdict}: {bad} of {total}")
        return StageFailed.exit_code
    manifest = read(folder / MANIFEST)
    name = escape(f"{manifest.project} {manifest.version}")
    size = size_text(sum(finding.size for finding in findings))
    verdict = f"[bold green]{name} is as it was published[/]"
    _print(console, f"{verdict}: {total}, {size}, run {manifest.run}")
    return PASSED


def _print(console: Console, text: str) -> None:
    # A hash must not be wrapped: people search and compare lines.
    console.print(text, soft_wrap=True, highlight=False)
