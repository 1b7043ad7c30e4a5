"""Gate service of a project: the single entry point to its gates.

The web UI, the API, the command line and timers all use it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from slipway.ledger import freezes, gates, runs
from slipway.ledger.gate_context import context_of
from slipway.ledger.gate_openings import Opening
from slipway.ledger.gate_requests import Request
from slipway.ledger.tables.gates import Gate
from slipway.ledger.tables.runs import StageResult
from slipway.master.gates.external_choices import Printed, Programs
from slipway.master.gates.given_secrets import Vault
from slipway.master.gates.openable import Door, GateFinder
from slipway.master.gates.timer import Alarm
from slipway.master.ledger_service import LedgerService
from slipway.model.access import Person, may_open
from slipway.model.answers import Answers, WrongAnswers, check_answers
from slipway.model.errors import WrongInput
from slipway.model.kinds.stage import Stage
from slipway.model.parameter import Context
from slipway.model.site import Project
from slipway.model.states import OPEN_STAGE, REFUSED, GateState, IllegalTransition, StageState

_LOST = "the master was restarted and its secrets are lost: it must be asked anew"


@dataclass(frozen=True)
class Asked:
    """A person's request, with unvalidated values."""

    door: Door
    person: Person
    token: str
    """The door's token, as it was displayed to the person."""
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The parameter values, as decoded JSON."""
    comment: str = ""


class GateService:
    """Opens, approves and rejects gates; keeps their secrets, in memory only."""

    def __init__(
        self,
        name: str,
        ledger: Callable[[], LedgerService],
        go_on: Callable[[int], Coroutine[Any, Any, None]],
        call_later: Callable[..., Any],
    ) -> None:
        """Create the service.

        Args:
            name: The project's name.
            ledger: Returns the ledger service; a callable, since it does not exist while the master
                starts.
            go_on: Starts the stage behind a gate if nothing blocks it.
            call_later: The reactor's `callLater`.
        """
        self.name = name
        self.doors = GateFinder(name)
        self._ledger = ledger
        self._go_on = go_on
        self._vault = Vault()
        self._alarm = Alarm(f"{name}'s gates", call_later, self._next_due, self.look)

    def take_up(self, project: Project) -> None:
        """Set the project's current pipeline."""
        self.doors.take_up(project)

    # ---- actions of people

    async def ask(self, asked: Asked) -> tuple[int, bool]:
        """Open a gate with parameter values, or request approvals for them.

        Everything is checked before the transaction, and again in it: the gate of an early opening
        or a rollback is created there.

        Returns:
            The gate's id; False if this same request was recorded before (a repeated click).

        Raises:
            WrongAnswers: Invalid values, each with a sentence.
            Forbidden: The person has none of the allowed roles.
            WrongInput: The gate is not open, or the project is frozen.
        """
        programs = await self._ledger().read(self._programs_for, asked)
        choices = await self._ledger().choices.of(programs)
        kept: list[str] = []
        try:
            gate_id, taken, replaced = await self._ledger().call(self._ask, asked, choices, kept)
        except BaseException:
            self._vault.drop(kept)
            raise
        # A retried transaction has stored its secrets several times.
        self._vault.drop([*kept[:-1], replaced])
        if taken:
            await self._go_on(gate_id)
        return gate_id, taken

    def _programs_for(self, session: Session, asked: Asked) -> Programs:
        """Return the programs that must run before the values can be validated.

        Raises:
            Forbidden: The person has none of the allowed roles.
            WrongInput: The gate is not open.
        """
        opening = self.doors.find(session, asked.door, asked.person, asked.token)
        new = _is_new(session, opening, asked, time.time())
        return _programs(opening.stage) if new else {}

    def _ask(
        self, session: Session, asked: Asked, choices: Printed, kept: list[str]
    ) -> tuple[int, bool, str]:
        session.info["actor"] = asked.person.name
        opening, now = self.doors.find(session, asked.door, asked.person, asked.token), time.time()
        new = _is_new(session, opening, asked, now)
        context = context_of(session, opening.run, opening.name, self.doors.pipeline, choices)
        answers = _answers(opening, asked, context, new=new)
        gate = opening.make(session, asked.person, now)
        replaced, stage = gate.asking, opening.stage
        request = Request(asked.token, answers.values, tuple(answers.secrets), asked.comment)
        taken = gates.ask(session, gate, stage, asked.person, request, now)
        if taken:
            # Before the commit: an approval may arrive immediately after it.
            self._vault.put(gate.asking, answers.secrets)
            kept.append(gate.asking)
        return gate.id, taken, replaced if taken else ""

    async def approve(self, gate_id: int, person: Person, asking: str, comment: str) -> None:
        """Approve the current request of a gate.

        Args:
            gate_id: The gate.
            person: The approver.
            asking: The name of the request that they were shown (`Gate.asking`).
            comment: Free text.

        Raises:
            Forbidden: The person has none of the allowed roles, or made the request themselves.
            WrongInput: There is nothing to approve, the request was replaced, its secrets are lost,
                or it is frozen.
        """

        def work(session: Session) -> str:
            session.info["actor"] = person.name
            gate, stage = self.doors.gate(session, gate_id)
            gates.permit(gates.name_of(gate), stage, person)
            if gate.state == GateState.ASKED and not self._holds(gate):
                gates.reopen(session, gate, _LOST, time.time())
                return f"{gates.name_of(gate)}: {_LOST}"
            gates.approve(session, gate, stage, person, asking, comment, time.time())
            return ""

        lost = await self._ledger().call(work)
        if lost:
            raise WrongInput(lost)
        await self._go_on(gate_id)

    async def reject(self, gate_id: int, person: Person, comment: str) -> None:
        """Reject a gate, with a reason.

        Raises:
            Forbidden: The person has none of the allowed roles.
            WrongInput: It is decided already, or the comment is missing.
        """

        def work(session: Session) -> str:
            session.info["actor"] = person.name
            gate, stage = self.doors.gate(session, gate_id)
            gates.reject(session, gate, stage, person, comment, time.time())
            self._settle(session, gate, time.time())
            return gate.asking

        self._vault.drop([await self._ledger().call(work)])

    async def freeze(self, person: Person, reason: str) -> None:
        """Freeze the project: none of its gates opens until it is thawed.

        Raises:
            Forbidden: The person lacks the permission "freeze".
            WrongInput: No reason is given, or it is frozen already.
        """

        def work(session: Session) -> None:
            session.info["actor"] = person.name
            freezes.freeze(session, self.name, person, reason, time.time())

        await self._ledger().call(work)

    async def thaw(self, person: Person) -> None:
        """Thaw the project; start what was approved during the freeze.

        Raises:
            Forbidden: The person lacks the permission "freeze".
            WrongInput: It is not frozen.
        """

        def work(session: Session) -> None:
            session.info["actor"] = person.name
            freezes.thaw(session, self.name, person)

        await self._ledger().call(work)
        await self.look()

    # ---- display

    async def context(self, door: Door, person: Person, *, asks: bool = False) -> Context:
        """Return the current context of a gate's defaults and choices.

        Programs run only for people who may open the gate; others do not see the programs' choices.

        Args:
            door: The gate.
            person: The viewer.
            asks: True: the person must be allowed to open it.

        Raises:
            Forbidden: `asks` is true, and the person has none of the allowed roles.
            WrongInput: There is no such gate.
        """
        programs = await self._ledger().read(self._shown_programs, door, person, asks)
        choices = await self._ledger().choices.of(programs)

        def work(session: Session) -> Context:
            found = self.doors.find(session, door)
            return context_of(session, found.run, found.name, self.doors.pipeline, choices)

        return await self._ledger().read(work)

    def _shown_programs(self, session: Session, door: Door, person: Person, asks: bool) -> Programs:
        found = self.doors.find(session, door, person if asks else None)
        may = not person.anonymous and may_open(person, found.stage.allowed)
        undecided = found.gate is None or found.gate.state in {GateState.OPEN, GateState.ASKED}
        return _programs(found.stage) if may and undecided else {}

    # ---- called when a stage starts

    def secrets_of(self, gate: Gate) -> dict[str, str] | None:
        """Return the secrets given at a gate; None if the master has lost them."""
        return self._vault.read(gate.asking, gate.secret_names)

    def _holds(self, gate: Gate) -> bool:
        return self._vault.holds(gate.asking, gate.secret_names)

    async def forget(self) -> None:
        """Delete the secrets of gates whose stages have ended."""
        kept = self._vault.askings()
        if kept:
            self._vault.drop(await self._ledger().read(_ended, kept))

    # ---- timers

    async def begin(self) -> None:
        """Start the timer, and process what became due while the master was stopped."""
        self._alarm.begin()
        await self.look()

    def stop(self) -> None:
        """Stop the timer."""
        self._alarm.stop()

    def gates_changed(self) -> None:
        """Reschedule the timer after a gate was created or changed."""
        self._alarm.changed()

    async def look(self) -> None:
        """Close expired gates, start stages that may start, and reschedule the timer."""
        for gate_id in await self._ledger().call(self._expire_and_list, time.time()):
            # One that fails, which is in the log, must not block the others.
            with contextlib.suppress(IllegalTransition):
                await self._go_on(gate_id)
        await self._alarm.set()

    def _expire_and_list(self, session: Session, now: float) -> list[int]:
        approved = []
        for gate in gates.undecided(session, self.name):
            if gates.has_expired(gate, now):
                stage = self.doors.pipeline.stages.get(gate.stage)
                gates.close(
                    session, gate, stage, GateState.EXPIRED, "nobody opened it in time", now
                )
                self._settle(session, gate, now)
            elif gate.state in {GateState.ASKED, GateState.APPROVED} and not self._holds(gate):
                gates.reopen(session, gate, _LOST, now)
            elif gate.state == GateState.APPROVED:
                approved.append(gate.id)
        return approved

    def _settle(self, session: Session, gate: Gate, now: float) -> None:
        """Update the state of a gate's run; a rollback to the run does not change it."""
        if not gates.brings_back(session, gate):
            runs.settle(gate.run, self.doors.pipeline.stages, now)

    async def _next_due(self) -> float | None:
        return await self._ledger().read(self._due, time.time())

    def _due(self, session: Session, now: float) -> float | None:
        stages = self.doors.pipeline.stages
        dues = [
            gates.due_at(session, gate, stages[gate.stage], now)
            for gate in gates.timed(session, self.name)
            if gate.stage in stages
        ]
        return min((due for due in dues if due is not None), default=None)


def _is_new(session: Session, opening: Opening, asked: Asked, now: float) -> bool:
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
    gates.not_frozen(session, opening.run.project)
    return True


def _answers(opening: Opening, asked: Asked, context: Context, *, new: bool) -> Answers:
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


def _programs(stage: Stage) -> Programs:
    named = {one.name: getattr(one, "choices_from", None) for one in stage.parameters}
    return {name: argv for name, argv in named.items() if argv}


def _ended(session: Session, askings: list[str]) -> list[str]:
    """Return the askings whose stages have ended or will never start."""
    over = StageResult.state.not_in((*OPEN_STAGE, StageState.GATE))
    query = (
        select(Gate.asking)
        .outerjoin(StageResult, Gate.stage_id == StageResult.id)
        .where(Gate.asking.in_(askings), or_(over, Gate.state.in_(REFUSED)))
    )
    return list(session.scalars(query))
