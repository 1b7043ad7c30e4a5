"""Which branches have a head that no run was started of.

A branch that is named has one when its newest polled run is of another revision. A pattern has to
know more: a branch that was there when the pattern was first looked for is only noted, as a push to
it starts the first run; one that comes later is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from slipway.ledger.tables.runs import Branch, Run
from slipway.model.git_names import is_pattern, matches


def polled_revisions(session: Session, project: str) -> dict[str, str]:
    """Return for each branch the revision of the newest run that a poll started on it."""
    of_polls = (Run.project == project, Run.trigger == "poll")
    newest = select(func.max(Run.id)).where(*of_polls).group_by(Run.branch)
    found = session.execute(select(Run.branch, Run.revision).where(Run.id.in_(newest)))
    return {row.branch: row.revision for row in found}


def take_note(
    session: Session, project: str, asked: Iterable[str], heads: Mapping[str, str]
) -> dict[str, str | None]:
    """Note the branches that patterns mean; return those with news.

    Args:
        session: The transaction.
        project: Whose they are.
        asked: Names and patterns, as pipeline.toml has them.
        heads: The revision of each branch that is there.

    Returns:
        For each branch with news the revision that was last known; None: nothing was. Names that
        are not there are among them.
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
    """Return what was noted, after a pattern that is looked for the first time has been."""
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
