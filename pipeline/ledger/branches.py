"""Find the branches whose head has no run yet.

A branch named in pipeline.toml needs a run when its newest polled run has another revision. A
pattern needs state: branches that exist when the pattern is first polled are only recorded, and a
push starts their first run; a branch that appears later counts as new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from slipway.ledger.tables.runs import Branch, Run
from slipway.model.git_names import is_pattern, matches

__all__ = ["polled_revisions", "take_note"]


def polled_revisions(session: Session, project: str) -> dict[str, str]:
    """Return the revision of the newest polled run of each branch."""
    of_polls = (Run.project == project, Run.trigger == "poll")
    newest = select(func.max(Run.id)).where(*of_polls).group_by(Run.branch)
    found = session.execute(select(Run.branch, Run.revision).where(Run.id.in_(newest)))
    return {row.branch: row.revision for row in found}


def take_note(
    session: Session, project: str, asked: Iterable[str], heads: Mapping[str, str]
) -> dict[str, str | None]:
    """Record the branches that match patterns; return those that need a run.

    Args:
        session: The transaction.
        project: The project's name.
        asked: Names and patterns, as pipeline.toml has them.
        heads: The head revision of each existing branch.

    Returns:
        The last known revision of each branch that needs a run, None if there is none. Includes
        named branches that do not exist.
    """
    asked = tuple(asked)
    known = polled_revisions(session, project)
    names = [one for one in asked if not is_pattern(one)]
    patterns = [one for one in asked if is_pattern(one)]
    noted = _noted(session, project, patterns, heads) if patterns else {}
    found = {name: known.get(name) for name in names if known.get(name) != heads.get(name, "")}
    for branch, head in heads.items():
        if branch in names or not any(matches(pattern, branch) for pattern in patterns):
            continue
        last = known.get(branch) or noted.get(branch)
        if last != head:
            found[branch] = last
    return found


def _noted(
    session: Session, project: str, patterns: list[str], heads: Mapping[str, str]
) -> dict[str, str]:
    """Return the recorded branch heads; record new patterns and delete vanished branches."""
    rows = session.scalars(select(Branch).where(Branch.project == project))
    noted = {row.name: row.revision for row in rows}
    for pattern in patterns:
        if pattern in noted:
            continue
        fresh = {name: head for name, head in heads.items() if matches(pattern, name)}
        for name, head in {pattern: "", **fresh}.items():
            if name not in noted:
                noted[name] = head
                session.add(Branch(project=project, name=name, revision=head))
    gone = [name for name in noted if name not in heads and name not in patterns]
    if gone:
        session.execute(delete(Branch).where(Branch.project == project, Branch.name.in_(gone)))
    return noted
