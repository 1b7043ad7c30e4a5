"""The gatekeeper of a project: the one way in to its gates, whoever asks and from wherever."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session
from twisted.internet import defer, threads
from twisted.python import log

from slipway.ledger import deployments, freezes, gates, runs, standing
from slipway.ledger.gate_tables import Gate
from slipway.ledger.gates import Request
from slipway.ledger.questions import context_of
from slipway.ledger.tables import Run, StageResult
from slipway.master.choices import printed
from slipway.master.desk import Desk
from slipway.model.access import Person
from slipway.model.answers import check_answers
from slipway.model.errors import WrongInput
from slipway.model.parameter import Choice, Context
from slipway.model.site import Project

#: A timer that is set for longer is set anew; the wall clock may have jumped meanwhile.
_LONGEST_SLEEP = 600


class Gatekeeper:
    """Opens, approves and rejects gates; keeps their secrets, in memory alone."""

    def __init__(
        self,
        name: str,
        desk: Callable[[], Desk],
        go_on: Callable[[int], Coroutine[Any, Any, None]],
        call_later: Callable[..., Any],
    ) -> None:
        """Make one.

        Args:
            name: The project's name.
            desk: Returns the ledger; while the master starts there is none yet.
            go_on: Starts the stage behind a gate, where nothing is in its way.
            call_later: The reactor's.
        """
        self.name = name
        self.project: Project | None = None
        self._desk = desk
        self._go_on = go_on
        self._secrets: dict[int, dict[str, SecretStr]] = {}
        self._call_later = call_later
        self._timer: Any = None

    def take_up(self, project: Project) -> None:
        """Take up a new pipeline."""
        self.project = project

    # ---- what people do

    async def ask(
        self, gate_id: int, person: Person, token: str, given: Mapping[str, Any], comment: str
    ) -> bool:
        """Open a gate with answers to its parameters, or ask others to approve them.

        Args:
            gate_id: The gate.
            person: Who asks.
            token: The gate's token, as the person was shown it.
            given: The answers, as JSON has them.
            comment: Why, for the trail.

        Returns:
            False where this very request has been taken already (a second click).

        Raises:
            WrongAnswers: Answers that are wrong, each with its sentence.
            Forbidden: The person may not.
            WrongInput: The gate is not open, or the project is frozen.
        """
        choices = await self._choices(gate_id)
        taken, secrets = await self._desk().call(
            self._ask, gate_id, person, token, given, comment, choices
        )
        if taken:
            self._secrets[gate_id] = secrets
            await self._go_on(gate_id)
            await self.set_timer()
        return bool(taken)

    def _ask(
        self,
        session: Session,
        gate_id: int,
        person: Person,
        token: str,
        given: Mapping[str, Any],
        comment: str,
        choices: Mapping[str, tuple[Choice, ...]],
    ) -> tuple[bool, dict[str, SecretStr]]:
        session.info["actor"] = person.name
        gate, stage = self.find(session, gate_id)
        if gate.state == "open" and gate.token == token:
            context = context_of(session, gate, self._pipeline(), choices)
            answers = check_answers(stage.parameters, given, context)
            values, secrets = answers.values, dict(answers.secrets)
        else:
            values, secrets = {}, {}
        request = Request(token, values, tuple(secrets), comment)
        return gates.ask(session, gate, stage, person, request, time.time()), secrets

    async def ask_early(self, run_number: int, stage: str, person: Person) -> int:
        """Return the gate of a stage whose needs have not passed yet; it is made if it is new.

        Raises:
            WrongInput: There is no such run or gate, or the stage has been tried already.
        """
        return await self._desk().call(self._ask_early, run_number, stage, person)

    def _ask_early(self, session: Session, number: int, name: str, person: Person) -> int:
        session.info["actor"] = person.name
        run = session.query(Run).filter_by(project=self.name, number=number).one_or_none()
        if run is None:
            msg = f"{self.name} has no run {number}"
            raise WrongInput(msg)
        stage = self._pipeline().stages.get(name)
        if stage is None or not stage.manual:
            gates_of = [one for one, its in self._pipeline().stages.items() if its.manual]
            msg = f'{self.name} has no gate "{name}"; it has {", ".join(gates_of) or "none"}'
            raise WrongInput(msg)
        for gate in gates.undecided(session, self.name, run.id):
            if gate.stage == name:
                return gate.id
        if standing.state_of(standing.counting(run), name):
            msg = f"{name} of run {number} has been tried already; run it again to ask anew"
            raise WrongInput(msg)
        if run.state not in standing.OPEN_RUN:
            msg = f"run {number} of {self.name} has {run.state}; {name} will not become ready"
            raise WrongInput(msg)
        return gates.make(session, run, name, stage, time.time()).id

    async def approve(self, gate_id: int, person: Person, comment: str) -> None:
        """Approve what somebody asked of a gate.

        Raises:
            Forbidden: The person may not, or asked for it themselves.
            WrongInput: There is nothing to approve, or it is frozen.
        """

        def work(session: Session) -> None:
            session.info["actor"] = person.name
            gate, stage = self.find(session, gate_id)
            lost = set(gate.secret_names) - set(self._secrets.get(gate_id, {}))
            if gate.state == "asked" and lost:
                self._lose(session, gate)
                return
            gates.approve(session, gate, stage, person, comment, time.time())

        await self._desk().call(work)
        await self._go_on(gate_id)
        await self.set_timer()

    async def reject(self, gate_id: int, person: Person, comment: str) -> None:
        """Say no to a gate, with a reason.

        Raises:
            Forbidden: The person may not.
            WrongInput: It is decided already, or the comment is missing.
        """

        def work(session: Session) -> None:
            session.info["actor"] = person.name
            gate, stage = self.find(session, gate_id)
            gates.reject(session, gate, stage, person, comment, time.time())
            runs.settle(gate.run, self._pipeline().stages, time.time())

        await self._desk().call(work)
        self._secrets.pop(gate_id, None)

    async def freeze(self, person: Person, reason: str) -> None:
        """Let no gate of the project open until it is thawed.

        Raises:
            Forbidden: The person may not.
            WrongInput: No reason is given, or it is frozen already.
        """

        def work(session: Session) -> None:
            session.info["actor"] = person.name
            freezes.freeze(session, self.name, person, reason, time.time())

        await self._desk().call(work)

    async def thaw(self, person: Person) -> None:
        """Let gates open again; what was approved meanwhile starts.

        Raises:
            Forbidden: The person may not.
            WrongInput: It is not frozen.
        """

        def work(session: Session) -> None:
            session.info["actor"] = person.name
            freezes.thaw(session, self.name, person)

        await self._desk().call(work)
        await self.look()

    async def roll_back(self, environment: str, run_number: int, person: Person) -> int:
        """Ask for the release of an older run again at an environment, through the same gate.

        Returns:
            The gate to be opened.

        Raises:
            WrongInput: No stage deploys there, or that run has no release to deploy there.
        """
        stage = self.deploys_to(environment)
        return await self._desk().call(self._roll_back, stage, run_number, person)

    def _roll_back(self, session: Session, name: str, number: int, person: Person) -> int:
        session.info["actor"] = person.name
        run = session.query(Run).filter_by(project=self.name, number=number).one_or_none()
        if run is None or deployments.release_of(session, run) is None:
            msg = f"run {number} of {self.name} has made no release"
            raise WrongInput(msg)
        stages, now = self._pipeline().stages, time.time()
        for gate in gates.undecided(session, self.name, run.id):
            if gate.stage == name:
                return gate.id
        unmet = standing.unmet(run, stages[name], stages)
        if unmet:
            msg = f"run {number} cannot be deployed there: {', '.join(unmet)} has not passed in it"
            raise WrongInput(msg)
        last = standing.counting(run).get((name, ""))
        if last is None:
            (result,) = runs.first_try(session, run, name, stages[name], now)
        elif last.state in standing.OPEN_STAGE:
            msg = f"{name} of run {number} is {last.state} already"
            raise WrongInput(msg)
        else:
            result = runs.again(session, run, last, stages[name], now, owner=person.name)
        runs.settle(run, stages, now)
        gate_of = gates.of_stage(session, result)
        if gate_of is None:
            msg = f"{name} is no gate; write manual = true in pipeline.toml"
            raise WrongInput(msg)
        gate_of.rollback = True
        return gate_of.id

    # ---- what a stage needs of its gate

    def secrets_of(self, gate: Gate) -> dict[str, str] | None:
        """Return the secrets that were given for a gate; None where the master has lost them."""
        kept = self._secrets.get(gate.id, {})
        if set(gate.secret_names) - set(kept):
            return None
        return {name: secret.get_secret_value() for name, secret in kept.items()}

    async def forget(self) -> None:
        """Forget the secrets of which nothing needs any more."""
        if self._secrets:
            ended = await self._desk().call(_ended_gates, list(self._secrets))
            for gate_id in ended:
                self._secrets.pop(gate_id, None)

    # ---- time

    async def look(self) -> None:
        """Close what has expired, start what may start, and sleep until the next time."""
        for gate_id in await self._desk().call(self._expire_and_list, time.time()):
            await self._go_on(gate_id)
        await self.set_timer()

    def _expire_and_list(self, session: Session, now: float) -> list[int]:
        approved = []
        for gate in gates.timed(session, self.name):
            if gate.expires_at is not None and gate.expires_at <= now:
                gates.close(session, gate, "expired", "nobody opened it in time", now)
                runs.settle(gate.run, self._pipeline().stages, now)
            elif gate.state == "approved":
                lost = set(gate.secret_names) - set(self._secrets.get(gate.id, {}))
                if lost:
                    self._lose(session, gate)
                else:
                    approved.append(gate.id)
        return approved

    def _lose(self, session: Session, gate: Gate) -> None:
        gates.reopen(gate)
        gate.comment = "the master was restarted and its secrets are lost: it must be asked anew"
        session.flush()

    async def set_timer(self) -> None:
        """Sleep until a window opens or a gate expires."""
        due = await self._desk().call(self._next_due, time.time())
        self.stop()
        if due is not None:
            pause = min(max(due - time.time(), 0.05), _LONGEST_SLEEP)
            self._timer = self._call_later(pause, self._wake)

    def _next_due(self, session: Session, now: float) -> float | None:
        stages = self._pipeline().stages
        dues = [
            gates.due_at(session, gate, stages[gate.stage], now)
            for gate in gates.timed(session, self.name)
            if gate.stage in stages
        ]
        return min((due for due in dues if due is not None), default=None)

    def _wake(self) -> None:
        self._timer = None
        waking = defer.ensureDeferred(self.look())
        waking.addErrback(lambda failure: log.err(failure, f"while looking at {self.name}'s gates"))

    def stop(self) -> None:
        """Sleep no longer."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    # ---- parts

    def find(self, session: Session, gate_id: int) -> tuple[Gate, Any]:
        """Return a gate of this project and its stage.

        Raises:
            WrongInput: There is none.
        """
        gate = session.get(Gate, gate_id)
        if gate is None or gate.run.project != self.name:
            msg = f"{self.name} has no gate {gate_id}; `slipway gate list` shows them"
            raise WrongInput(msg)
        stage = self._pipeline().stages.get(gate.stage)
        if stage is None:
            msg = f"the stage {gate.stage} is no longer in pipeline.toml"
            raise WrongInput(msg)
        return gate, stage

    def deploys_to(self, environment: str) -> str:
        """Return the stage that deploys to an environment.

        Raises:
            WrongInput: There is none.
        """
        project = self._pipeline()
        places = {deployments.environment_of(project, name): name for name in project.stages}
        places.pop(None, None)
        if environment not in places:
            msg = f'no stage of {self.name} deploys to "{environment}"; there are '
            raise WrongInput(msg + (", ".join(map(str, places)) or "none"))
        return places[environment]

    def _pipeline(self) -> Project:
        if self.project is None:
            msg = f"{self.name} has no pipeline yet"
            raise WrongInput(msg)
        return self.project

    async def context(self, gate_id: int) -> Context:
        """Return what a gate's defaults and choices depend on, now."""
        choices = await self._choices(gate_id)

        def work(session: Session) -> Context:
            gate, _ = self.find(session, gate_id)
            return context_of(session, gate, self._pipeline(), choices)

        return await self._desk().call(work)

    async def _choices(self, gate_id: int) -> dict[str, tuple[Choice, ...]]:
        """Return what the programs named by `choices-from` print."""

        def work(session: Session) -> dict[str, tuple[str, ...]]:
            _, stage = self.find(session, gate_id)
            named = {one.name: getattr(one, "choices_from", None) for one in stage.parameters}
            return {name: argv for name, argv in named.items() if argv}

        programs = await self._desk().call(work)
        return {
            name: await threads.deferToThread(printed, name, argv)
            for name, argv in programs.items()
        }


def _ended_gates(session: Session, gate_ids: list[int]) -> list[int]:
    query = (
        select(Gate.id)
        .join(StageResult, Gate.stage_id == StageResult.id)
        .where(Gate.id.in_(gate_ids), StageResult.state.not_in((*standing.OPEN_STAGE, "gate")))
    )
    return list(session.scalars(query))
