"""Read lists from a remote master, in the form that the local ledger's queries return."""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from pydantic import ValidationError

from slipway.cli.remote.client import URL, Remote
from slipway.cli.remote.projects import check_project
from slipway.model.cell import cell_title
from slipway.model.errors import MissingTool
from slipway.model.records.audit import AuditEntry, Verdict
from slipway.model.records.base import Record
from slipway.model.records.publication import PublicationRecord
from slipway.model.records.release import Blocked, ListedRelease
from slipway.model.records.run import ListedRun
from slipway.model.records.stage import ListedStage
from slipway.model.states import StageState

__all__ = [
    "elsewhere",
    "find_releases",
    "list_audit",
    "list_releases",
    "list_runs",
    "record_of",
    "verify_audit",
]

T = TypeVar("T", bound=Record)

#: Maximum page sizes of a master.
_PAGE, _AUDIT_PAGE = 100, 10_000
#: Number of concurrent requests for runs.
_AT_ONCE = 4


def elsewhere(options: argparse.Namespace) -> bool:
    """Return True if a master is named; otherwise the local ledger is read, without a master."""
    return bool(options.url or os.environ.get(URL))


def list_runs(options: argparse.Namespace) -> list[ListedRun]:
    """Return runs with their stages, newest first."""
    with Remote(options) as master:
        check_project(master, options.project)
        rows = _pages(master, "runs", options.limit, project=options.project)
        paths = [f"runs/{one['project']}/{one['number']}" for one in rows]
        # The list has stages without details; each run's own page has cells, exit codes and
        # releases.
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return [_run(one) for one in pool.map(master.get, paths)]


def list_releases(options: argparse.Namespace) -> list[ListedRelease]:
    """Return releases, newest first."""
    with Remote(options) as master:
        check_project(master, options.project)
        rows = _pages(master, "releases", options.limit, project=options.project)
        return [_release(one) for one in rows]


def find_releases(options: argparse.Namespace, version: str) -> list[ListedRelease]:
    """Return the releases of a version: one, unless several projects have it."""
    with Remote(options) as master:
        check_project(master, options.project)
        found: list[ListedRelease] = []
        before = None
        # Others may have the version as a part of theirs, or of their subject.
        while True:
            asked = {"project": options.project, "text": version, "before": before}
            part = master.get("releases", limit=_PAGE, **asked)
            same = [one for one in part["items"] if one["version"] == version]
            found += [_release(one) for one in same]
            before = part["next"]
            if before is None or (options.project and found):
                return found


def list_audit(options: argparse.Namespace, since: float | None) -> list[AuditEntry]:
    """Return the audit trail, newest first."""
    with Remote(options) as master:
        asked = {"project": options.project, "actor": options.actor, "since": since}
        rows = _pages(master, "audit", options.limit, _AUDIT_PAGE, **asked)
        return [record_of(AuditEntry, one) for one in rows]


def verify_audit(options: argparse.Namespace, anchors: dict[str, str]) -> Verdict:
    """Have the master verify its audit trail, and look for anchors in its rows."""
    with Remote(options) as master:
        whole = master.get("audit/verify")
        problem = str(whole["problem"])
        missing = dict(anchors) if not problem else {}
        before: int | None = None
        while missing:
            part = master.get("audit", limit=_AUDIT_PAGE, before=before)
            for row in part["items"]:
                missing.pop(row["hash"], None)
            before = part["next"]
            if before is None:
                break
    for anchor, holder in missing.items():
        problem = f"{holder} saw a row of the trail that is not in it any more: {anchor}"
        break
    held = len(anchors) - len(missing)
    return Verdict(rows=whole["rows"], head=whole["head"], anchors=held, problem=problem)


def _pages(
    master: Remote, path: str, limit: int, most: int = _PAGE, **query: Any
) -> list[dict[str, Any]]:
    """Return rows of a list up to the limit, page by page."""
    found: list[dict[str, Any]] = []
    before = None
    while len(found) < limit:
        wanted = min(limit - len(found), most)
        part = master.get(path, before=before, limit=wanted, **query)
        found += part["items"]
        before = part["next"]
        if before is None:
            break
    return found


def record_of(kind: type[T], answer: dict[str, Any], **more: Any) -> T:
    """Build a record from a master's answer; `more` adds fields that the answer lacks.

    Raises:
        MissingTool: The answer lacks a field, or it has a value that this version does not know.
    """
    try:
        return kind.pick(answer, **more)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        msg = f"the master's answer is not understood ({key}: {first['msg']})"
        raise MissingTool(f"{msg}; use the version of Slipway that the master has") from None


def _release(answer: dict[str, Any]) -> ListedRelease:
    blocked = answer.get("blocked")
    told = {
        "publications": [record_of(PublicationRecord, one) for one in answer["publications"]],
        "blocked": None if blocked is None else record_of(Blocked, blocked),
    }
    return record_of(ListedRelease, {**answer, **told})


def _run(answer: dict[str, Any]) -> ListedRun:
    stages = {
        cell_title(stage["name"], one["cell"]): _stage(stage, one)
        for stage in answer["stages"]
        for one in stage["results"]
        if one["attempts"] and not one["attempts"][0]["stale"]
    }
    releases = [one["place"] for one in answer["releases"]]
    return record_of(ListedRun, {**answer, "stages": stages, "releases": releases})


def _stage(stage: dict[str, Any], one: dict[str, Any]) -> ListedStage:
    attempt = one["attempts"][0]
    waits = stage["waits"] if attempt["state"] == StageState.QUEUED else ""
    more = {"name": stage["name"], "uses": stage["uses"], "cell": one["cell"], "waits": waits}
    return record_of(ListedStage, attempt, **more)
