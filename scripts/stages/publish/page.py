"""The page of a release and the list of a project's releases, for people without Slipway."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from slipway.html import markup
from slipway.html.markup import e
from slipway.model.duration import format_duration
from slipway.scripts.humanize import count_text, size_text
from slipway.scripts.releases.manifest import MANIFEST, SUMS, Artefact, Manifest, StageResult

_COUNTS = (("passed", "passed"), ("failed", "failed"), ("errors", "failed"), ("skipped", "other"))
_SHORT = 12
_KILO = 1000
_MINUTE = 60


def release_page(release: Manifest) -> str:
    """Return the page of one release."""
    name = f"{release.project} {release.version}"
    header = (
        f'<h1>{e(release.project)} <span class="version">{e(release.version)}</span></h1>\n'
        f'<p class="lead">{e(release.subject) or "Released"}</p>\n'
    )
    body = markup.section("Release", _origin(release))
    body += markup.section("Downloads", _downloads(release))
    tests = _tests(release)
    body += markup.section("Test results", tests) if tests else ""
    body += markup.section("How to verify", _how_to_verify(release))
    if release.stages:
        items = "".join(_stage(stage) for stage in release.stages)
        body += markup.section("How it was made", f'<ul class="list">\n{items}</ul>\n')
    files = f"{markup.link(MANIFEST, MANIFEST)}, {markup.link(SUMS, SUMS)}"
    footer = f"<p>For programs: {files}. Published by Slipway.</p>\n"
    return markup.page(name, header, body, footer)


def project_page(releases: list[Manifest], latest: str) -> str:
    """Return the list of a project's releases.

    Args:
        releases: The releases, the newest first; at least one.
        latest: The version that `latest` points at.
    """
    project = releases[0].project
    header = (
        f"<h1>{e(project)}</h1>\n"
        f'<p class="lead">{count_text(len(releases), "release")}, the newest first</p>\n'
    )
    items = "".join(_release_item(one, is_latest=one.version == latest) for one in releases)
    body = markup.section("Releases", f'<ol class="list">\n{items}</ol>\n')
    return markup.page(f"{project}: releases", header, body, "<p>Published by Slipway.</p>\n")


def _release_item(one: Manifest, *, is_latest: bool) -> str:
    mark = '<span class="mark passed">latest</span>' if is_latest else ""
    size = size_text(sum(artefact.size for artefact in one.artefacts))
    files = count_text(len(one.artefacts), "file")
    return (
        f'<li><div class="row"><span class="name">'
        f"{markup.link(f'{one.version}/index.html', one.version)}{mark}</span>"
        f'<span class="aside">{_time(one.published_at)}</span></div>\n'
        f'<p class="text">{e(one.subject)}</p>\n'
        f'<p class="text aside">run {one.run}, {_commit(one)}, {files}, {size}</p></li>\n'
    )


def _origin(release: Manifest) -> str:
    revision = e(release.revision)
    commit = f'<span class="hash">{revision}</span>' if revision else "none: no git repository"
    pairs = [
        ("Published", _time(release.published_at)),
        ("Committed", _time(release.committed_at)),
        ("Branch", e(release.branch) or "none"),
        # The page may be public: the address stays in the manifest.
        ("Author", e(release.author.partition(" <")[0]) or "unknown"),
        ("Run", str(release.run)),
        ("Published from", e(release.worker) or "unknown"),
        ("Commit", commit),
    ]
    if release.local:
        changed = ", with changes that no commit has" if release.dirty else ""
        pairs.append(("Made from", f"a working tree{changed}, without a site"))
    return markup.facts(pairs)


def _downloads(release: Manifest) -> str:
    items = "".join(_download(one) for one in release.artefacts)
    return f'<ul class="list">\n{items}</ul>\n'


def _download(one: Artefact) -> str:
    exact = f" ({one.size:,} bytes)" if one.size >= _KILO else ""
    return (
        f'<li><div class="row"><span class="name">{markup.link(one.name, one.name)}</span>'
        f'<span class="aside">{size_text(one.size)}{exact}</span></div>\n'
        f'<div class="hash"><span class="label">SHA-256</span> {one.sha256}</div></li>\n'
    )


def _tests(release: Manifest) -> str:
    """Return the results of the stages that counted tests or scenarios."""
    items = ""
    for stage in release.stages:
        counts = [
            (key, kind, stage.facts[key])
            for key, kind in _COUNTS
            if isinstance(stage.facts.get(key), int) and stage.facts[key] > 0
        ]
        if not counts:
            continue
        bar = "".join(
            f'<span class="{kind}" style="flex:{count}"></span>' for _, kind, count in counts
        )
        told = ", ".join(
            f'<span class="{kind}">{count} {"broken" if key == "errors" else key}</span>'
            for key, kind, count in counts
        )
        items += (
            f'<li><div class="row"><span class="name">{e(stage.stage)}</span>'
            f'<span class="aside">{_length(stage.seconds)}</span></div>\n'
            f'<div class="bar" aria-hidden="true">{bar}</div>{told}</li>\n'
        )
    return f'<ul class="list">\n{items}</ul>\n' if items else ""


def _how_to_verify(release: Manifest) -> str:
    first = release.artefacts[0].name
    return (
        '<p class="text">In the folder with the downloaded files, on Linux:</p>\n'
        f"<pre>sha256sum --check --ignore-missing {SUMS}</pre>\n"
        '<p class="text">on Windows, in PowerShell, to compare with the SHA-256 above:</p>\n'
        f"<pre>Get-FileHash -LiteralPath '{e(first).replace('&#x27;', '&#x27;&#x27;')}'</pre>\n"
        '<p class="text">and a whole copy of this release, with Slipway:</p>\n'
        "<pre>slipway verify .</pre>\n"
    )


def _stage(stage: StageResult) -> str:
    kind = stage.state if stage.state in {"passed", "failed"} else "other"
    at = (
        f"{_length(stage.seconds)} on {e(stage.worker)}" if stage.worker else _length(stage.seconds)
    )
    rows = [(label, e(value)) for label, value in _flat(stage.facts)]
    more = ""
    if rows:
        title = f"Details of {e(stage.stage)}"
        more = f"<details><summary>{title}</summary>{markup.facts(rows, 'small')}</details>"
    return (
        f'<li><div class="row"><span><span class="name">{e(stage.stage)}</span>'
        f'<span class="mark {kind}">{e(stage.state)}</span></span>'
        f'<span class="aside">{at}</span></div>\n'
        f'<p class="text">{e(stage.summary)}</p>{more}</li>\n'
    )


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, object]]:
    """Return nested facts as plain labels with values."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path} / {key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for number, inner in enumerate(value, 1):
            yield from _flat(inner, f"{path} / {number}")
    elif isinstance(value, list):
        yield path, ", ".join(str(one) for one in value) or "none"
    else:
        yield path, value


def _time(at: datetime) -> str:
    return f'<time datetime="{at.isoformat()}">{at:%d %B %Y, %H:%M} UTC</time>'


def _commit(one: Manifest) -> str:
    return f'<span class="hash">{e(one.revision[:_SHORT]) or "no commit"}</span>'


def _length(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < _MINUTE else format_duration(round(seconds))
