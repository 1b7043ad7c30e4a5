"""Gate service of a project: the single entry point to its gates.

The web UI, the API, the command line and timers all use it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from slipway.ledger import freezes, gates
from slipway.ledger.gate_context import context_of
from slipway.ledger.gate_requests import Request
from slipway.ledger.tables.gates import Gate
from slipway.ledger.tables.runs import StageResult
from slipway.master.gates.due import LOST, DueGates, Pipeline, settle
from slipway.master.gates.external_choices import Printed, Programs
from slipway.master.gates.finder import GateFinder, GateReference
from slipway.master.gates.given_secrets import GivenSecrets
from slipway.master.gates.requests import Asked, checked_answers, is_new, programs_of
from slipway.master.releases.notes import Span, asks_notes, note_edit, prepare, span_of
from slipway.master.scheduling.dispatch import Orders
from slipway.model.access import Person, may_open
from slipway.model.answers import WrongAnswers, check_answers
from slipway.model.errors import WrongInput
from slipway.model.parameter import Context
from slipway.model.site import Project
from slipway.model.states import OPEN_STAGE, REFUSED, GateState, StageState

__all__ = ["FrozenSince", "GateService"]

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class _Lost:
    """An approval of a request whose secrets are lost."""

    sentence: str


@dataclass(frozen=True)
class FrozenSince:
    """A new freeze."""

    reason: str
    at: float
    """Seconds since 1970."""


class GateService:
    """Opens, approves and rejects gates, freezes and thaws the project."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.name = pipeline.project_name
        self.finder = GateFinder(self.name)
        self._pipeline = pipeline
        self.due = DueGates(pipeline, self.finder)

    def reconfigure(self, project: Project) -> None:
        """Set the project's current pipeline."""
        self.finder.reconfigure(project)

    # ---- actions of people

    async def ask(self, asked: Asked, show: Callable[[Session, int], T]) -> tuple[T, bool]:
        """Open a gate with parameter values, or request approvals for them.

        One transaction checks everything, records the request, queues the stage if nothing blocks
        it, and reads what is displayed afterwards. The gate of an early opening or a rollback is
        created there, too.

        Args:
            asked: The request.
            show: Reads the gate for display, given its id.

        Returns:
            The displayed gate; False if this same request was recorded before (a repeated click).

        Raises:
            WrongAnswers: Invalid values, each with a sentence.
            Forbidden: The person has none of the allowed roles.
            WrongInput: The gate is not open, or the project is frozen.
        """
        choices = await self._choices(self._programs_for, asked)
        notes = await self._notes(asked.reference, asked.person, asked.token)
        # The database may retry the transaction: each time, the secrets are stored anew.
        askings: list[str] = []

        def work(session: Session) -> tuple[tuple[T, bool, str], Orders | None]:
            gate, taken, replaced = self._ask(session, asked, choices, notes)
            askings.append(gate.asking if taken else "")
            orders = self._release(session, gate) if taken else None
            return (_fresh(session, gate.id, show), taken, replaced), orders

        def committed() -> None:
            askings.pop()

        actor = asked.person.name
        try:
            (shown, taken, replaced), _ = await self._pipeline.transact(
                actor, work, committed=committed
            )
        finally:
            self._given.drop(askings)
        self._given.drop([replaced])
        return shown, taken

    def _release(self, session: Session, gate: Gate) -> Orders:
        """Queue the stage behind a gate if nothing blocks it; the machine does this, no person."""
        session.flush()
        session.info["actor"] = ""
        return self._pipeline.transitions.queue_approved(session, gate.id)

    async def _choices(
        self, find: Callable[Concatenate[Session, P], Programs], *args: P.args, **kwargs: P.kwargs
    ) -> Printed:
        """Run the programs that print a gate's choices; most pipelines have none.

        Args:
            find: Returns the programs, given a session and the arguments.
            *args: Passed on to it.
            **kwargs: Passed on to it.
        """
        if not any(programs_of(stage) for stage in self.finder.pipeline.stages.values()):
            return {}
        programs = await self._pipeline.ledger().read(find, *args, **kwargs)
        return await self._pipeline.ledger().choices.of(programs)

    def _programs_for(self, session: Session, asked: Asked) -> Programs:
        """Return the programs that must run before the values can be validated.

        Raises:
            Forbidden: The person has none of the allowed roles.
            WrongInput: The gate is not open.
        """
        opening = self.finder.find(session, asked.reference, asked.person, asked.token)
        new = is_new(session, opening, asked, time.time())
        return programs_of(opening.stage) if new else {}

    async def _notes(
        self, reference: GateReference, person: Person | None = None, token: str = ""
    ) -> str:
        """Return the prepared release notes, if a gate asks for them; most gates do not."""
        if not any(asks_notes(stage) for stage in self.finder.pipeline.stages.values()):
            return ""
        span = await self._pipeline.ledger().read(self._span, reference, person, token)
        return await prepare(self._pipeline.ledger(), span) if span is not None else ""

    def _span(
        self, session: Session, reference: GateReference, person: Person | None, token: str
    ) -> Span | None:
        found = self.finder.find(session, reference, person, token)
        return span_of(session, found.run, found.stage) if asks_notes(found.stage) else None

    def _ask(
        self, session: Session, asked: Asked, choices: Printed, notes: str
    ) -> tuple[Gate, bool, str]:
        opening = self.finder.find(session, asked.reference, asked.person, asked.token)
        now = time.time()
        new = is_new(session, opening, asked, now)
        context = context_of(
            session, opening.run, opening.name, self.finder.pipeline, choices, notes
        )
        answers = checked_answers(opening, asked, context, new=new)
        gate = opening.make(session, asked.person, now)
        replaced, stage = gate.asking, opening.stage
        request = Request(asked.token, answers.values, tuple(answers.secrets), asked.comment)
        taken = gates.ask(session, gate, stage, asked.person, request, now)
        if taken:
            note_edit(session, gate, stage, notes)
            # Before the commit: an approval may arrive immediately after it.
            self._given.put(gate.asking, answers.secrets)
        return gate, taken, replaced if taken else ""

    async def approve(
        self,
        gate_id: int,
        person: Person,
        asking: str,
        comment: str,
        show: Callable[[Session, int], T],
    ) -> T:
        """Approve the current request of a gate; queue its stage with the last approval.

        Args:
            gate_id: The gate.
            person: The approver.
            asking: The name of the request that they were shown (`Gate.asking`).
            comment: Free text.
            show: Reads the gate for display, given its id; in the same transaction.

        Returns:
            The displayed gate.

        Raises:
            Forbidden: The person has none of the allowed roles, or made the request themselves.
            WrongInput: There is nothing to approve, the request was replaced, its secrets are lost,
                or it is frozen.
        """

        def work(session: Session) -> tuple[T | _Lost, Orders | None]:
            gate, stage = self.finder.gate(session, gate_id)
            gates.permit(gates.name_of(gate), stage, person)
            if gate.state == GateState.ASKED and not self._given.holds(gate):
                # Return it: raising would roll the reset back.
                gates.reopen(session, gate, LOST, time.time())
                return _Lost(f"{gates.name_of(gate)}: {LOST}"), None
            gates.approve(session, gate, stage, person, asking, comment, time.time())
            orders = self._release(session, gate)
            return _fresh(session, gate_id, show), orders

        shown, _ = await self._pipeline.transact(person.name, work)
        if isinstance(shown, _Lost):
            raise WrongInput(shown.sentence)
        return shown

    async def reject(
        self, gate_id: int, person: Person, comment: str, show: Callable[[Session, int], T]
    ) -> T:
        """Reject a gate, with a reason.

        Args:
            gate_id: The gate.
            person: The person who rejects it.
            comment: The reason.
            show: Reads the gate for display, given its id; in the same transaction.

        Returns:
            The displayed gate.

        Raises:
            Forbidden: The person has none of the allowed roles.
            WrongAnswers: The comment is missing.
            WrongInput: It is decided already.
        """

        def work(session: Session) -> tuple[str, T]:
            gate, stage = self.finder.gate(session, gate_id)
            gates.permit(gates.name_of(gate), stage, person)
            if not comment.strip():
                raise WrongAnswers({"comment": "say why it is rejected"})
            gates.reject(session, gate, stage, person, comment, time.time())
            settle(session, gate, self.finder.pipeline.stages, time.time())
            return gate.asking, _fresh(session, gate_id, show)

        asking, shown = await self._pipeline.ledger().change(person.name, work)
        self._given.drop([asking])
        return shown

    async def freeze(self, person: Person, reason: str) -> FrozenSince:
        """Freeze the project: none of its gates opens until it is thawed.

        Raises:
            Forbidden: The person lacks the permission "freeze".
            WrongInput: No reason is given, or it is frozen already.
        """

        def work(session: Session) -> FrozenSince:
            now = time.time()
            freezes.freeze(session, self.name, person, reason, now)
            return FrozenSince(reason.strip(), now)

        return await self._pipeline.ledger().change(person.name, work)

    async def thaw(self, person: Person) -> None:
        """Thaw the project; start what was approved during the freeze.

        Raises:
            Forbidden: The person lacks the permission "freeze".
            WrongInput: It is not frozen.
        """
        await self._pipeline.ledger().change(person.name, freezes.thaw, self.name, person)
        await self.due.process_due()

    # ---- display

    async def context(self, reference: GateReference, person: Person) -> Context:
        """Return the current context of a gate's defaults and choices.

        Programs run only for people who may open the gate; others do not see the programs' choices.

        Args:
            reference: The gate.
            person: The viewer.

        Raises:
            WrongInput: There is no such gate.
        """
        choices = await self._choices(self._shown_programs, reference, person)
        notes = await self._notes(reference)
        return await self._pipeline.ledger().read(self._context, reference, choices, notes)

    def _context(
        self, session: Session, reference: GateReference, choices: Printed, notes: str
    ) -> Context:
        found = self.finder.find(session, reference)
        return context_of(session, found.run, found.name, self.finder.pipeline, choices, notes)

    def _shown_programs(
        self, session: Session, reference: GateReference, person: Person, *, asks: bool = False
    ) -> Programs:
        found = self.finder.find(session, reference, person if asks else None)
        may = not person.anonymous and may_open(person, found.stage.allowed)
        undecided = found.gate is None or found.gate.state in {GateState.OPEN, GateState.ASKED}
        return programs_of(found.stage) if may and undecided else {}

    async def check(
        self, reference: GateReference, person: Person, given: Mapping[str, Any]
    ) -> dict[str, str]:
        """Validate parameter values without opening the gate.

        Returns:
            A sentence for each invalid parameter.

        Raises:
            Forbidden: The person has none of the allowed roles.
            WrongInput: There is no such gate.
        """
        choices = await self._choices(self._shown_programs, reference, person, asks=True)
        notes = await self._notes(reference)

        def work(session: Session) -> dict[str, str]:
            found = self.finder.find(session, reference, person)
            pipeline = self.finder.pipeline
            context = context_of(session, found.run, found.name, pipeline, choices, notes)
            try:
                check_answers(found.stage.parameters, given, context)
            except WrongAnswers as wrong:
                return wrong.errors
            return {}

        return await self._pipeline.ledger().read(work)

    # ---- secrets

    @property
    def _given(self) -> GivenSecrets:
        return self._pipeline.ledger().given_secrets

    async def forget(self) -> None:
        """Delete the secrets of gates whose stages have ended."""
        kept = self._given.askings()
        if kept:
            self._given.drop(await self._pipeline.ledger().read(_ended, kept))


def _fresh(session: Session, gate_id: int, show: Callable[[Session, int], T]) -> T:
    """Read a gate for display as the transaction will leave it."""
    session.flush()
    # Relationships that were read before the change would be displayed as they were.
    session.expire_all()
    return show(session, gate_id)


def _ended(session: Session, askings: list[str]) -> list[str]:
    """Return the askings whose stages have ended or will never start."""
    over = StageResult.state.not_in((*OPEN_STAGE, StageState.GATE))
    query = (
        select(Gate.asking)
        .outerjoin(StageResult, Gate.stage_id == StageResult.id)
        .where(Gate.asking.in_(askings), or_(over, Gate.state.in_(REFUSED)))
    )
    return list(session.scalars(query))
