"""Check a person's request to open a gate against the gate as it is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from slipway.ledger import freezes, gates
from slipway.ledger.gate_openings import Opening
from slipway.master.gates.external_choices import Programs
from slipway.master.gates.finder import GateReference
from slipway.model.access import Person
from slipway.model.answers import Answers, WrongAnswers, check_answers
from slipway.model.errors import WrongInput
from slipway.model.kinds.stage import Stage
from slipway.model.parameter import Context

__all__ = ["Asked", "checked_answers", "is_new", "programs_of"]


@dataclass(frozen=True)
class Asked:
    """A person's request, with unvalidated values."""

    reference: GateReference
    person: Person
    token: str
    """The reference's token, as it was displayed to the person."""
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The parameter values, as decoded JSON."""
    comment: str = ""


def is_new(session: Session, opening: Opening, asked: Asked, now: float) -> bool:
    """Return whether a request is new, as far as this is known without its values.

    Raises:
        Forbidden: The person has none of the allowed roles.
        WrongInput: Its gate is not open any more, it has changed since it was displayed, or the
            project is frozen.
    """
    gate, stage = opening.gate, opening.stage
    if gate is not None:
        return gates.may_ask(session, gate, stage, asked.person, asked.token, now)
    if asked.token != opening.token:
        msg = f"{opening.title()}: it is another since you looked; look at it again"
        raise WrongInput(msg)
    freezes.check_not_frozen(session, opening.run.project)
    return True


def checked_answers(opening: Opening, asked: Asked, context: Context, *, new: bool) -> Answers:
    """Return the validated values; for a repeated click only those given that are still valid.

    Raises:
        WrongAnswers: All invalid values at once.
    """
    try:
        answers = check_answers(opening.stage.parameters, asked.given, context)
    except WrongAnswers:
        if new:
            raise
        return Answers({})
    if new:
        return answers
    return Answers({name: one for name, one in answers.values.items() if name in asked.given})


def programs_of(stage: Stage) -> Programs:
    """Return the programs that print choices of a stage's parameters, by parameter."""
    named = {one.name: getattr(one, "choices_from", None) for one in stage.parameters}
    return {name: argv for name, argv in named.items() if argv}
