"""Locate the gate of a stage that waits for a person, or the gate that a request would create."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from slipway.ledger import deployments, gate_openings, gates
from slipway.ledger.gate_openings import Opening
from slipway.ledger.tables.gates import Gate
from slipway.model.access import Person
from slipway.model.errors import WrongInput
from slipway.model.kinds.stage import Stage
from slipway.model.site import Project

__all__ = ["ByGate", "EarlyGate", "GateFinder", "GateReference", "RollbackGate"]


@dataclass(frozen=True)
class ByGate:
    """An existing gate, by its id."""

    gate_id: int


@dataclass(frozen=True)
class EarlyGate:
    """A stage of a run; its needs may not have passed yet."""

    run: int
    stage: str


@dataclass(frozen=True)
class RollbackGate:
    """A rollback of an environment to the release of an older run."""

    run: int
    environment: str


GateReference = ByGate | EarlyGate | RollbackGate


class GateFinder:
    """Gate look-up for one project."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._project: Project | None = None

    def reconfigure(self, project: Project) -> None:
        """Set the project's current pipeline."""
        self._project = project

    @property
    def pipeline(self) -> Project:
        """The project's pipeline.

        Raises:
            WrongInput: It has none yet.
        """
        if self._project is None:
            msg = f"{self.name} has no pipeline yet"
            raise WrongInput(msg)
        return self._project

    def permit(self, reference: EarlyGate | RollbackGate, person: Person) -> None:
        """Check a person's permission before anything is looked up in the ledger.

        Raises:
            Forbidden: The person has none of the allowed roles.
            WrongInput: The pipeline has no such gate.
        """
        name, stage = self._stage(reference)
        gates.permit(f"{name} of {self.name}", stage, person)

    def find(
        self,
        session: Session,
        reference: GateReference,
        person: Person | None = None,
        token: str = "",
    ) -> Opening:
        """Return the opening that a reference refers to. Read-only.

        Args:
            session: The transaction.
            reference: The reference.
            person: The person, who must be allowed to open it. None: read without a check.
            token: The token that they were shown, for a request.

        Raises:
            Forbidden: The person has none of the allowed roles.
            WrongInput: There is no such gate, or it cannot be requested now.
        """
        if isinstance(reference, ByGate):
            gate, stage = self.gate(session, reference.gate_id)
            if person is not None:
                gates.permit(gates.name_of(gate), stage, person)
            return gate_openings.of_gate(gate, stage)
        if person is not None:
            self.permit(reference, person)
        name, stage = self._stage(reference)
        asked = token and gate_openings.asked_with(session, self.name, reference.run, name, token)
        if asked:
            return gate_openings.of_gate(asked, stage)
        look = gate_openings.early if isinstance(reference, EarlyGate) else gate_openings.back
        return look(session, self.name, self.pipeline, reference.run, name)

    def gate(self, session: Session, gate_id: int) -> tuple[Gate, Stage]:
        """Return a gate of this project and its stage.

        Raises:
            WrongInput: There is no such gate, or its stage was removed from pipeline.toml.
        """
        gate = session.get(Gate, gate_id)
        if gate is None or gate.run.project != self.name:
            msg = f"{self.name} has no gate {gate_id}; `slipway gate list` shows them"
            raise WrongInput(msg)
        stage = self.pipeline.stages.get(gate.stage)
        if stage is None:
            msg = f"the stage {gate.stage} is no longer in pipeline.toml"
            raise WrongInput(msg)
        return gate, stage

    def _stage(self, reference: EarlyGate | RollbackGate) -> tuple[str, Stage]:
        """Return the stage that a reference refers to.

        Raises:
            WrongInput: There is no such stage, or it is not manual.
        """
        stages = self.pipeline.stages
        name = (
            reference.stage
            if isinstance(reference, EarlyGate)
            else self._deploys_to(reference.environment)
        )
        stage = stages.get(name)
        if stage is not None and stage.manual:
            return name, stage
        if isinstance(reference, RollbackGate):
            msg = f"{name} is no gate; write manual = true in pipeline.toml"
            raise WrongInput(msg)
        there = ", ".join(one for one, its in stages.items() if its.manual)
        msg = f'{self.name} has no gate "{name}"; it has {there or "none"}'
        raise WrongInput(msg)

    def _deploys_to(self, environment: str) -> str:
        places = {
            deployments.environment_of(self.pipeline, name): name for name in self.pipeline.stages
        }
        places.pop(None, None)
        if environment not in places:
            msg = f'no stage of {self.name} deploys to "{environment}"; there are '
            raise WrongInput(msg + (", ".join(map(str, places)) or "none"))
        return places[environment]
