"""`slipway release list` and `slipway release show`: what was decided, and what targets have."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from rich.table import Table

from slipway.cli.lib import tables
from slipway.cli.lib.ledger_listing import ledger_of, moment, show
from slipway.cli.lib.terminal import terminal
from slipway.cli.remote import lists as remote
from slipway.cli.remote.words import print_json
from slipway.ledger.queries import list_releases
from slipway.model.errors import PASSED, WrongInput
from slipway.model.records.publication import PublicationRecord
from slipway.model.records.release import ListedRelease
from slipway.model.states import PublicationState
from slipway.scripts.humanize import count_text
from slipway.scripts.terminal_text import escape

__all__ = ["list_all", "show_one"]

_COLOURS = {
    PublicationState.PUBLIC: "green",
    PublicationState.RUNNING: "cyan",
    PublicationState.FAILED: "red",
    PublicationState.CANCELLED: "yellow",
    PublicationState.REMOVED: "dim",
}


def list_all(options: argparse.Namespace) -> int:
    """List releases, newest first: channels, targets, blocks."""
    found = remote.list_releases(options) if remote.elsewhere(options) else _here(options)
    table = Table(box=None, pad_edge=False)
    for title in ("project", "version", "run", "published", "channels", "targets"):
        table.add_column(title, no_wrap=True)
    table.add_column("remarks", no_wrap=True, overflow="ignore")
    for one in found:
        table.add_row(
            one.project,
            escape(one.version),
            str(one.run),
            moment(one.published_at),
            escape(", ".join(one.channels)),
            ", ".join(_state(target) for target in one.publications),
            "; ".join(_remarks(one)),
        )
    nothing = "no releases yet; a run whose publish stage passes makes one"
    return show(found, table, as_json=options.json, nothing=nothing)


def show_one(options: argparse.Namespace) -> int:
    """Show one release.

    Raises:
        WrongInput: There is none of that version, or several projects have one.
    """
    release = _named(options)
    if options.json:
        print_json(release.model_dump(by_alias=True, mode="json"))
        return PASSED
    console = terminal()
    for line in _head(release):
        console.print(line)
    table = Table(box=None, pad_edge=False)
    for title in ("target", "kind", "state", "files", "since"):
        table.add_column(title, no_wrap=True)
    table.add_column("where", no_wrap=True, overflow="ignore")
    for one in release.publications:
        since = moment(one.finished_at or one.started_at)
        where = f"[red]{escape(one.error)}[/]" if one.error else escape(one.place)
        files = f"{one.public} of {one.files}"
        table.add_row(one.target, one.kind, _coloured(one), files, since, where)
    if release.publications:
        tables.print_table(table)
    else:
        console.print("it has no targets: it lies in the site's own folder alone", markup=False)
    return PASSED


def _here(options: argparse.Namespace, version: str | None = None) -> list[ListedRelease]:
    _, ledger = ledger_of(options)
    if ledger is None:
        return []
    limit = options.limit if version is None else _MOST
    return list_releases(ledger, options.project, limit, version)


#: More projects than these share no version.
_MOST = 1000


def _named(options: argparse.Namespace) -> ListedRelease:
    version = str(options.version)
    if remote.elsewhere(options):
        found = remote.find_releases(options, version)
    else:
        found = _here(options, version)
    if not found:
        of = f"{options.project} has" if options.project else "there is"
        msg = f'{of} no release "{version}"; `slipway release list` lists them'
        raise WrongInput(msg)
    if len(projects := sorted({one.project for one in found})) > 1:
        msg = f"{', '.join(projects)} have a release {version} each: name one with --project"
        raise WrongInput(msg)
    return found[0]


def _head(release: ListedRelease) -> Iterator[str]:
    yield f"[bold]{release.project} {escape(release.version)}[/]  run {release.run}"
    commit = f"{release.branch} {release.revision[:10]} {release.subject}"
    yield escape(f"  {commit} ({release.author})")
    yield f"  published {moment(release.published_at)}"
    yield escape(f"  {release.place}")
    if release.channels:
        yield escape(f"  channels: {', '.join(release.channels)}")
    for remark in _remarks(release):
        yield f"  {remark}"


def _remarks(release: ListedRelease) -> Iterator[str]:
    if (block := release.blocked) is not None:
        who = f"{escape(block.person)} on {moment(block.at)}"
        yield f"[red]blocked[/] by {who}: {escape(' '.join(block.reason.split()))}"
    if release.pruned_at is not None:
        yield f"[dim]its run's artefacts were let go on {moment(release.pruned_at)}[/]"


def _state(one: PublicationRecord) -> str:
    part = ""
    if one.state not in {PublicationState.PUBLIC, PublicationState.REMOVED} and one.public:
        part = f" ({one.public} of {count_text(one.files, 'file')})"
    return f"{one.target}: {_coloured(one)}{part}"


def _coloured(one: PublicationRecord) -> str:
    return f"[{_COLOURS[one.state]}]{one.state}[/]"
