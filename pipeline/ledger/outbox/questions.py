"""Answer questions of a chat in lines: what runs, what ended, what waits. Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from slipway.ledger import run_state
from slipway.ledger.tables.gates import Gate
from slipway.ledger.tables.runs import Run, StageResult
from slipway.model.duration import format_duration
from slipway.model.notices.cleaning import clean_line
from slipway.model.spelling import did_you_mean
from slipway.model.states import GateState, RunState, StageState

__all__ = ["QUESTIONS", "answer"]

QUESTIONS = ("status", "runs", "last", "gates", "help")
#: Lines of an answer, less one that says how many are left out.
_MOST = 5
#: Characters of a line; the chat may cut it shorter.
_LONGEST = 500
_ENDED = (RunState.PASSED, RunState.FAILED, RunState.CANCELLED)
_BAD = (StageState.FAILED, StageState.EXPIRED, StageState.REJECTED)


def answer(
    session: Session, question: str, projects: Collection[str], url: str, now: float
) -> tuple[str, ...]:
    """Answer a question.

    Args:
        session: The transaction; it is read alone.
        question: A word of QUESTIONS, and for all but help perhaps a project.
        projects: The projects that may be told of.
        url: The site's URL, with a trailing slash.
        now: The present time, in seconds since 1970.
    """
    lines = _lines(session, question, projects, url, now)
    return tuple(clean_line(one, _LONGEST) for one in lines)


def _lines(
    session: Session, question: str, projects: Collection[str], url: str, now: float
) -> list[str]:
    word, _, of = question.strip().partition(" ")
    word, of = word.lower(), of.strip()
    if word in {"", "help"}:
        return [f"{_USAGE}; I start, approve and deploy nothing: that is done at {url}"]
    if word not in _ANSWERS:
        return [f'"{word[:40]}" is no question of mine: {_USAGE}; the rest is at {url}']
    if of and of not in projects:
        hint = did_you_mean(of[:40], list(projects))
        return [f'there is no project "{of[:40]}" here.{hint}']
    chosen = [of] if of else sorted(projects)
    return _ANSWERS[word](session, chosen, url, now) if chosen else ["there are no projects here"]


_USAGE = "ask status, runs, last or gates, each with a project or without, or help"


def _status(session: Session, projects: list[str], url: str, now: float) -> list[str]:
    lines = []
    for project in projects[:_MOST]:
        of = select(func.count()).select_from(StageResult).join(Run).where(Run.project == project)
        running = session.scalar(of.where(StageResult.state == StageState.RUNNING)) or 0
        waiting = session.scalar(of.where(StageResult.state == StageState.QUEUED)) or 0
        last = _newest(session, [project], 1, ended=True)
        told = [f"{running} running" if running else "", f"{waiting} waiting" if waiting else ""]
        told.append(f"last {_line(last[0], now)}" if last else "nothing has ended yet")
        lines.append(f"{project}: {', '.join(one for one in told if one)}")
    return _with_rest(lines, len(projects), f"{url}#/pipelines")


def _runs(session: Session, projects: list[str], url: str, now: float) -> list[str]:
    found = _newest(session, projects, _MOST)
    lines = [f"{one.project} {_line(one, now)}" for one in found]
    return lines or [f"nothing has run yet; {url}#/pipelines"]


def _last(session: Session, projects: list[str], url: str, now: float) -> list[str]:
    lines = []
    for run in _newest(session, projects, 1, ended=True):
        lines.append(f"{run.project} {_line(run, now)} {url}#/pipelines/{run.project}/{run.number}")
        bad = [one for one in run_state.counting(run).values() if one.state in _BAD]
        lines += [f"{one.name}: {one.summary or one.state.value}" for one in bad[: _MOST - 1]]
    return lines or [f"nothing has ended yet; {url}#/pipelines"]


def _gates(session: Session, projects: list[str], url: str, now: float) -> list[str]:
    query: Select[Gate] = (
        select(Gate)
        .join(Run)
        .where(
            Run.project.in_(projects),
            Gate.state.in_((GateState.OPEN, GateState.ASKED)),
            Gate.stage_id.is_not(None),
        )
    )
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    lines = []
    for gate in session.scalars(query.order_by(Gate.id.desc()).limit(_MOST)):
        run, since = gate.run, gate.asked_at or gate.made_at
        what = "waits for approval" if gate.asked_at else "waits for somebody to open it"
        place = f"{url}#/pipelines/{run.project}/{run.number}?stage={gate.stage}"
        ago = format_duration(max(0.0, now - since))
        lines.append(f"{run.project} {_named(run)}: {gate.stage} {what} since {ago} ago {place}")
    if not lines:
        return ["nothing waits for anybody"]
    return _with_rest(lines, count, f"{url}#/pipelines")


def _newest(session: Session, projects: list[str], count: int, *, ended: bool = False) -> list[Run]:
    query = select(Run).where(Run.project.in_(projects)).order_by(Run.id.desc())
    if ended:
        query = query.where(Run.state.in_(_ENDED))
    return list(session.scalars(query.limit(count)))


def _named(run: Run) -> str:
    return f"{run.version} ({run.branch})"


def _line(run: Run, now: float) -> str:
    """Return a run in a few words: "1.4.0+7 (main) passed 3m05s ago"."""
    if run.state not in _ENDED:
        return f"{_named(run)} {run.state.value}, begun {_ago(run.started_at, now)}"
    return f"{_named(run)} {run.state.value} {_ago(run.finished_at or run.started_at, now)}"


def _ago(moment: float, now: float) -> str:
    return f"{format_duration(max(0.0, now - moment))} ago"


def _with_rest(lines: list[str], count: int, url: str) -> list[str]:
    left = count - len(lines)
    return [*lines, f"and {left} more: {url}"] if left > 0 else lines


_ANSWERS: dict[str, Callable[[Session, list[str], str, float], list[str]]] = {
    "status": _status,
    "runs": _runs,
    "last": _last,
    "gates": _gates,
}
