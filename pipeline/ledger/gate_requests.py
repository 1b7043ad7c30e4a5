"""Askings: what exactly somebody asked of a gate. Whoever approves names the one they saw.

Every function works in the caller's transaction.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger.tables.gates import Asking, Gate
from slipway.ledger.transitions import transition
from slipway.model.access import Person
from slipway.model.errors import WrongInput
from slipway.model.states import GateState

#: An asking's name has so many letters.
_LETTERS = 32


@dataclass(frozen=True)
class Request:
    """What a person asks of a gate."""

    token: str
    values: Mapping[str, Any] = field(default_factory=dict)
    """The checked answers to its parameters, without secrets."""
    secret_names: tuple[str, ...] = ()
    comment: str = ""


def take(session: Session, gate: Gate, person: Person, request: Request, now: float) -> None:
    """Write down what is asked now, under a name of its own; what was approved was another."""
    void_approvals(session, gate)
    gate.token, gate.asking = request.token, _name(gate, person, request, now)
    gate.values, gate.secret_names = dict(request.values), list(request.secret_names)
    gate.person, gate.comment, gate.asked_at = person.name, request.comment, now
    transition(gate, GateState.ASKED, f"{person.name} has asked", now)
    session.add(
        Asking(
            gate_id=gate.id,
            name=gate.asking,
            person=gate.person,
            values=gate.values,
            secret_names=gate.secret_names,
            at=now,
        )
    )


def void_approvals(session: Session, gate: Gate) -> None:
    """Remove what people said of what is asked no longer; the trail keeps it."""
    for said in gate.approvals:
        # The trail tells of which gate it was: it must not be taken out of the gate's list first.
        session.delete(said)
    # They must be gone before the same person is written down again.
    session.flush()
    session.expire(gate, ["approvals"])


def _name(gate: Gate, person: Person, request: Request, now: float) -> str:
    # Nothing of a secret goes into it: everybody may see it, and could try them all.
    told = [gate.id, dict(request.values), list(request.secret_names), person.name, now]
    text = json.dumps([*told, secrets.token_hex(16)], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_LETTERS]


def check_seen(session: Session, gate: Gate, seen: str, name: str) -> None:
    """See that what somebody approves is what is asked now.

    Args:
        session: The transaction.
        gate: The gate.
        seen: The asking that they were shown.
        name: What the gate is called.

    Raises:
        WrongInput: They have seen another, and what has changed since.
    """
    if seen and seen == gate.asking:
        return
    old = session.scalar(select(Asking).where(Asking.gate_id == gate.id, Asking.name == seen))
    if old is None and gate.state == "open":
        msg = f"{name}: nobody has asked for it yet; open it with its parameters"
        raise WrongInput(msg)
    if old is None:
        msg = f"{name}: what you saw was never asked of this gate; look at it again"
        raise WrongInput(msg)
    if gate.state == "open":
        why = f": {gate.comment}" if gate.comment else ""
        msg = f"{name}: what you saw is no longer asked{why}; look at the gate again"
        raise WrongInput(msg)
    changed = "; ".join(_changes(old, gate)) or "the answers are the same"
    msg = f"{name}: {gate.person} has asked anew since you looked: {changed}; look at it again"
    raise WrongInput(msg)


def _changes(old: Asking, new: Gate) -> Iterable[str]:
    """Return what is different now, each as a few words; of secrets their names alone."""
    if old.person != new.person:
        yield f"asked by {old.person}, now by {new.person}"
    yield from differences(old.values, new.values)
    for name in sorted({*old.secret_names, *new.secret_names}):
        if name not in new.secret_names:
            yield f"the secret {name} is no longer given"
        elif name not in old.secret_names:
            yield f"the secret {name} is given now"
        else:
            yield f"the secret {name} was given anew"


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[str]:
    """Return which answers differ, each with what it was and what it is."""
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        # JSON has true where Python would take 1 for the same.
        if json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True):
            yield f"{name}: {_shown(before)} -> {_shown(after)}"


def _shown(value: Any) -> str:
    text = "no answer" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


#: So much of an answer is told.
_LONGEST = 80
