"""Gate requests ("askings"): the exact values requested at a gate, under a unique name.

An approver names the asking they saw. Every function works in the caller's transaction.
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

from slipway.ledger.tables.gates import Approval, Asking, Gate
from slipway.ledger.transitions import transition
from slipway.model.access import Person
from slipway.model.errors import WrongInput
from slipway.model.states import Decision, GateState

__all__ = ["Request", "check_seen", "decide", "differences", "take", "void_approvals"]

#: Length of an asking's name, in hexadecimal digits.
_LETTERS = 32


@dataclass(frozen=True)
class Request:
    """A person's request to open a gate."""

    token: str
    values: Mapping[str, Any] = field(default_factory=dict)
    """The validated parameter values, without secrets."""
    secret_names: tuple[str, ...] = ()
    comment: str = ""


def take(session: Session, gate: Gate, person: Person, request: Request, now: float) -> None:
    """Record a request under a new name; delete the approvals of the request before it."""
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


def decide(gate: Gate, person: Person, decision: Decision, comment: str, now: float) -> None:
    """Record a person's decision on the current request of a gate."""
    made = Approval(
        person=person.name, decision=decision, comment=comment, asking=gate.asking, at=now
    )
    gate.approvals.append(made)


def void_approvals(session: Session, gate: Gate) -> None:
    """Delete a gate's approvals, which belong to an older request; the audit trail keeps them."""
    for approval in gate.approvals:
        # Delete the row, do not remove it from the list: the audit trail reads its `gate`.
        session.delete(approval)
    # Flush: a new approval by the same person would violate the unique constraint.
    session.flush()
    session.expire(gate, ["approvals"])


def _name(gate: Gate, person: Person, request: Request, now: float) -> str:
    # Secrets are not hashed: the name is public, so their values could be guessed by brute force.
    facts = [gate.id, dict(request.values), list(request.secret_names), person.name, now]
    text = json.dumps([*facts, secrets.token_hex(16)], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_LETTERS]


def check_seen(session: Session, gate: Gate, seen: str, name: str) -> None:
    """Check that an approver has seen the current request.

    Args:
        session: The transaction.
        gate: The gate.
        seen: The name of the asking that the approver was shown.
        name: The gate's title for messages.

    Raises:
        WrongInput: They have seen another one; the message lists the changes since then.
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
    """Yield the changes as short phrases; of secrets the names only."""
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
    """Yield the differing parameter values as "name: old -> new"."""
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        # Compare as JSON: Python considers True and 1 equal.
        if json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True):
            yield f"{name}: {_shown(before)} -> {_shown(after)}"


def _shown(value: Any) -> str:
    text = "no answer" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


#: Maximum length of a value in a message, in characters.
_LONGEST = 80
