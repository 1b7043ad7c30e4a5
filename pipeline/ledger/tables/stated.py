"""Columns that hold a state: everybody reads them, `slipway.ledger.transitions` alone writes them.

A class of the ledger whose rows have a state is `Stated` and has a `state_column`:

    class Gate(Audited, Stated, Base):
        state: ReadOnly[GateState] = state_column(GateState)

`gate.state = ...` is then an error for mypy, and refused when it is run all the same. A new row is
in the first state of its kind, or in another one in which such a row may begin.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Never, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, inspect
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm.attributes import OP_REPLACE, AttributeEventToken, set_attribute

from slipway.model.states import FIRST, State

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
#: As long as the columns have been since the first migration.
_LENGTH = 20


class ReadOnly(Mapped[T]):
    """A column that is read, and compared in queries, and never assigned to."""

    if TYPE_CHECKING:

        def __set__(self, instance: Any, value: Never) -> None:  # type: ignore[override]
            """Accept nothing: no value is a `Never`."""


def state_column(states: type[E]) -> ReadOnly[E]:
    """Return a column that holds one of an enum's values, as text."""
    column: Any = mapped_column(text_enum(states, _LENGTH))
    return column  # type: ignore[no-any-return]


def text_enum(values: type[Enum], length: int) -> sa.Enum:
    """Return the type of a column that holds an enum's values, as text of a length."""
    return sa.Enum(
        values,
        native_enum=False,
        length=length,
        values_callable=lambda members: [one.value for one in members],
    )


class StateError(RuntimeError):
    """Code tried to write a state past `transition`. A defect, no one's wrong input."""


class _ByTransition(AttributeEventToken):
    """Marks the writes of `write`."""

    __slots__ = ()


class Stated:
    """Mixin: the class has a column `state` that transitions alone change. See the module."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        kind: type[State] = inspect(cls).columns["state"].type.enum_class
        first = FIRST[kind]

        def begin(_row: Any, _args: Any, values: dict[str, Any]) -> None:
            values.setdefault("state", first[0])

        def guard(row: Any, value: Any, _old: Any, initiator: Any) -> State:
            state = kind(value)
            begins = state in first and not inspect(row).key
            if not (begins or isinstance(initiator, _ByTransition)):
                msg = f"{cls.__name__}.state is {state} by `transition` alone"
                raise StateError(msg)
            return state

        event.listen(cls, "init", begin)
        event.listen(cls.state, "set", guard, retval=True)  # type: ignore[attr-defined]


def write(row: Any, state: State) -> None:
    """Write a state; only `slipway.ledger.transitions` does so."""
    token = _ByTransition(type(row).state.impl, OP_REPLACE)
    set_attribute(row, "state", state, token)
