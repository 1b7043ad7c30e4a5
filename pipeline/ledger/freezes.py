"""Freezes: no gate of a frozen project opens."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger.tables.gates import Freeze
from slipway.model.access import Person, may, refusal
from slipway.model.errors import Forbidden, WrongInput
from slipway.model.records.gate import Frozen

__all__ = ["check_not_frozen", "find_freeze", "freeze", "list_freezes", "thaw"]


def freeze(session: Session, project: str, person: Person, reason: str, now: float) -> None:
    """Freeze a project: none of its gates opens until it is thawed.

    Raises:
        Forbidden: The person lacks the permission "freeze".
        WrongInput: No reason is given, or it is frozen already.
    """
    _permit(person)
    if not reason.strip():
        msg = f"say why {project} is frozen, in the reason"
        raise WrongInput(msg)
    known = session.get(Freeze, project)
    if known is not None:
        msg = f"{project} is frozen already by {known.person}: {known.reason}"
        raise WrongInput(msg)
    session.add(Freeze(project=project, reason=reason.strip(), person=person.name, at=now))
    session.flush()


def thaw(session: Session, project: str, person: Person) -> None:
    """Thaw a project: its gates may open again.

    Raises:
        Forbidden: The person lacks the permission "freeze".
        WrongInput: It is not frozen.
    """
    _permit(person)
    known = session.get(Freeze, project)
    if known is None:
        msg = f"{project} is not frozen"
        raise WrongInput(msg)
    session.delete(known)
    session.flush()


def find_freeze(session: Session, project: str) -> Freeze | None:
    """Return the freeze of a project; None if it is not frozen."""
    return session.get(Freeze, project)


def check_not_frozen(session: Session, project: str) -> None:
    """Check that a project is not frozen.

    Raises:
        WrongInput: It is frozen; the message names the person and the reason.
    """
    freeze = find_freeze(session, project)
    if freeze is not None:
        msg = f"{project} is frozen by {freeze.person}: {freeze.reason}; no gate opens"
        raise WrongInput(msg)


def list_freezes(session: Session) -> dict[str, Frozen]:
    """Return the freezes of all projects, by project."""
    return {
        row.project: Frozen(reason=row.reason, person=row.person, at=row.at)
        for row in session.scalars(select(Freeze))
    }


def _permit(person: Person) -> None:
    if person.anonymous or not may(person, "freeze"):
        raise Forbidden(refusal(person, "freeze"))
