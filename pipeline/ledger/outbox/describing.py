"""Describe a notice from the ledger: the run, failed tests, pictures, approvals, releases.

Only facts of the ledger and of Buildbot's tables are read here; logs, commits and the site's
settings are the master's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from sqlalchemy import column, func, select, table
from sqlalchemy.orm import Session

from slipway.ledger import run_state
from slipway.ledger.outbox.queue import Undescribed
from slipway.ledger.tables.gates import Deployment, Gate
from slipway.ledger.tables.outbox import PersonRules
from slipway.ledger.tables.publications import Publication
from slipway.ledger.tables.runs import Release, Run, StageResult
from slipway.model.notices.details import MOST_PICTURES, MOST_TESTS
from slipway.model.notices.events import Event
from slipway.model.protocol.result_sets import NOT_PASSED
from slipway.model.states import Decision, PublicationState, RunState, StageState

__all__ = ["Described", "describe", "own_rules"]

_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif")
_MOST_LOGS = 2
_RESULTS = table(
    "test_results",
    *map(column, ("id", "test_result_setid", "test_nameid", "test_code_pathid", "line", "value")),
)
_SETS = table("test_result_sets", *map(column, ("id", "buildid", "category")))
_NAMES = table("test_names", column("id"), column("name"))
_PATHS = table("test_code_paths", column("id"), column("path"))


@dataclass
class Described:
    """What the ledger has of a notice."""

    fields: dict[str, Any]
    """The fields of the notice, as far as the ledger has them."""
    logs: list[tuple[str, int]] = field(default_factory=list)
    """Stages whose log's end belongs to it, with Buildbot's ids of their builds."""
    blame: tuple[str | None, str] | None = None
    """The revisions of the last good run, if there is one, and of this one."""
    gate_stage: str = ""
    """The gate's stage, whose settings say who may approve."""
    approved: tuple[str, ...] = ()
    """Who has approved the gate."""
    asker: str = ""


def describe(session: Session, found: Undescribed, url: str) -> Described:
    """Return what the ledger has of a notice.

    Args:
        session: The transaction.
        found: The notice's facts.
        url: The site's URL, with a trailing slash.
    """
    facts = dict(found.facts)
    event = Event(found.event)
    names = ("stage", "environment", "person", "text", "comment", "worker", "measure", "tests")
    fields: dict[str, Any] = {name: facts[name] for name in names if name in facts}
    fields |= {"id": found.key, "event": event, "at": found.at, "project": found.project}
    fields |= {"url": url, "thread": _thread(found)}
    made = Described(fields)
    run = _run_of(session, facts)
    if run is not None:
        fields.update(_of_run(run), thread=f"run-{run.id}")
    if event in {Event.RUN_FAILED, Event.RUN_STILL_FAILING, Event.RUN_FIXED} and run is not None:
        _add_failures(session, made, run, is_bad=event != Event.RUN_FIXED)
    if event is Event.TEST_FLAKY and run is not None:
        made.blame = (_last_good(session, run), run.revision)
    if event is Event.STAGE_CHANGED:
        changed = dict(facts["changed"])
        cell = f"[{changed['cell']}]" if changed["cell"] else ""
        fields |= {"changed": changed, "topic": f"stage:{changed['name']}{cell}"}
    if "gate_id" in facts:
        _add_gate(session, made, facts)
    if "deployment_id" in facts:
        _add_deployment(session, made, facts)
    if event is Event.PUBLISHED and run is not None:
        fields["places"] = _places(session, run)
    if "release_version" in facts:
        fields["version"] = facts["release_version"]
    fields["url"] = _url(url, run, fields, found)
    return made


def _thread(found: Undescribed) -> str:
    """Return the thread of what belongs to no run: that of a worker, a block."""
    worker = found.facts.get("worker")
    return f"worker-{worker}" if worker and found.key.startswith("worker-") else ""


def _run_of(session: Session, facts: Mapping[str, Any]) -> Run | None:
    if "run_id" in facts:
        return session.get(Run, facts["run_id"])
    if "stage_id" in facts:
        result = session.get(StageResult, facts["stage_id"])
        return result.run if result is not None else None
    return None


def _of_run(run: Run) -> dict[str, Any]:
    return {
        "project": run.project,
        "run": run.number,
        "version": run.version,
        "branch": run.branch,
        "revision": run.revision,
        "subject": run.subject,
        "author": run.author,
    }


def _url(url: str, run: Run | None, fields: Mapping[str, Any], found: Undescribed) -> str:
    if run is None:
        if "worker" in fields:
            return f"{url}#/workers"
        return f"{url}#/pipelines/{found.project}" if found.project else f"{url}#/pipelines"
    stage = fields.get("stage")
    query = f"?stage={quote(stage, safe='')}" if stage else ""
    return f"{url}#/pipelines/{run.project}/{run.number}{query}"


# ---- runs


def _last_good(session: Session, run: Run) -> str | None:
    """Return the revision of the last run before this one, on its branch, that passed."""
    good = select(Run.revision).where(
        Run.project == run.project,
        Run.branch == run.branch,
        Run.number < run.number,
        Run.state == RunState.PASSED,
    )
    return session.scalar(good.order_by(Run.number.desc()).limit(1))


def _add_failures(session: Session, made: Described, run: Run, *, is_bad: bool) -> None:
    made.blame = (_last_good(session, run), run.revision)
    if not is_bad:
        return
    failed = [
        one
        for one in run_state.counting(run).values()
        if one.state in {StageState.FAILED, StageState.EXPIRED, StageState.REJECTED}
    ]
    failed.sort(key=lambda one: one.finished_at or 0.0)
    if not failed:
        return
    made.fields |= {"stage": failed[0].name, "text": failed[0].summary}
    built = [one for one in failed if one.build_id is not None]
    made.logs = [(one.name, one.build_id) for one in built[:_MOST_LOGS] if one.build_id is not None]
    made.fields["tests"], made.fields["tests_failed"] = _tests(session, built)
    made.fields["pictures"] = [
        {"sha256": one.sha256, "name": one.name, "media_type": one.media_type, "size": one.size}
        for result in failed
        for one in result.artefacts
        if one.media_type in _PICTURES and one.role == "report"
    ][:MOST_PICTURES]


def _tests(session: Session, results: Sequence[StageResult]) -> tuple[list[dict[str, Any]], int]:
    stages = {one.build_id: one.name for one in results}
    query = (
        select(_SETS.c.buildid, _NAMES.c.name, _PATHS.c.path, _RESULTS.c.line, _RESULTS.c.value)
        .select_from(_RESULTS)
        .join(_SETS, _SETS.c.id == _RESULTS.c.test_result_setid)
        .join(_NAMES, _NAMES.c.id == _RESULTS.c.test_nameid)
        .outerjoin(_PATHS, _PATHS.c.id == _RESULTS.c.test_code_pathid)
        .where(_SETS.c.buildid.in_(stages), _SETS.c.category == NOT_PASSED, _is_bad())
        .order_by(_RESULTS.c.id)
    )
    if not stages:
        return [], 0
    count = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    rows = session.execute(query.limit(MOST_TESTS)).all()
    return [
        {
            "stage": stages[row.buildid],
            "name": row.name,
            "place": f"{row.path}:{row.line}" if row.path and row.line else row.path or "",
            "message": row.value.partition("\n")[2],
        }
        for row in rows
    ], count


def _is_bad() -> Any:
    value: Any = _RESULTS.c.value
    return value.like("failed%") | value.like("error%")


# ---- gates, deployments, releases


def _add_gate(session: Session, made: Described, facts: Mapping[str, Any]) -> None:
    gate = session.get(Gate, facts["gate_id"])
    made.asker, made.gate_stage = facts.get("asker", ""), facts.get("stage", "")
    if gate is None:
        return
    made.approved = tuple(one.person for one in gate.approvals if one.decision == Decision.APPROVE)
    made.fields["values"] = {name: _shown(value) for name, value in gate.values.items()}
    made.fields["approvals"] = {"given": made.approved, "expires_at": gate.expires_at}


def _add_deployment(session: Session, made: Described, facts: Mapping[str, Any]) -> None:
    row = session.get(Deployment, facts["deployment_id"])
    result = session.get(StageResult, facts["stage_id"])
    if row is not None:
        made.fields["values"] = {name: _shown(value) for name, value in row.values.items()}
        made.asker = row.person
    if result is not None:
        made.fields["stage"] = result.name
        if row is not None and made.fields["event"] is not Event.DEPLOYED and result.build_id:
            made.logs = [(result.name, result.build_id)]


def _places(session: Session, run: Run) -> list[str]:
    query = (
        select(Publication.place)
        .join(Release)
        .where(Release.run_id == run.id, Publication.state == PublicationState.PUBLIC)
    )
    found = [one for one in session.scalars(query.order_by(Publication.id)) if one]
    return (found or [one.place for one in run.releases])[:20]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def own_rules(session: Session) -> dict[str, dict[str, Any]]:
    """Return the rules that people have set for themselves, by person."""
    return {one.person: dict(one.rules) for one in session.scalars(select(PersonRules))}
