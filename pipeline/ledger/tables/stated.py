"""State columns: readable everywhere, written only by `slipway.ledger.transitions`.

A class of the ledger with a state derives from `Stated` and has a `state_column`:

    class Gate(Audited, Stated, Base):
        state: ReadOnly[GateState] = state_column(GateState)

mypy rejects `gate.state = ...`, and it raises StateError at run time. A new row begins in the first
state of its kind, or in another state that is allowed for new rows.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Never, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, inspect
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm.attributes import OP_REPLACE, AttributeEventToken, set_attribute

from slipway.model.states import FIRST, State

__all__ = ["ReadOnly", "StateError", "Stated", "state_column", "text_enum", "write"]

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
#: The length of the columns since the first migration.
_LENGTH = 20


class ReadOnly(Mapped[T]):
    """A column that can be read and used in queries, but not assigned."""

    if TYPE_CHECKING:

        def __set__(self, instance: Any, value: Never) -> None:  # type: ignore[override]
            """Accept no value: `Never` has none."""


def state_column(states: type[E], length: int = _LENGTH) -> ReadOnly[E]:
    """Return a column that holds the values of an enum, as text of a given length."""
    column: Any = mapped_column(text_enum(states, length))
    return column  # type: ignore[no-any-return]


def text_enum(values: type[Enum], length: int) -> sa.Enum:
    """Return a column type that holds the values of an enum, as text of a given length."""
    return sa.Enum(
        values,
        native_enum=False,
        length=length,
        values_callable=lambda members: [one.value for one in members],
    )


class StateError(RuntimeError):
    """Code tried to write a state without `transition`; a defect, not wrong input."""


class _ByTransition(AttributeEventToken):
    """Event token that marks the writes made by `write`."""

    __slots__ = ()


class Stated:
    """Mixin: the class has a column `state` that only transitions change. See the module."""

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
    """Write a state; only for `slipway.ledger.transitions`."""
    token = _ByTransition(type(row).state.impl, OP_REPLACE)
    set_attribute(row, "state", state, token)
