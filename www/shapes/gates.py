"""Shapes of gates, deployments and environments."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from slipway.model.parameter import PARAMETERS, Value
from slipway.model.records.commit import CommitFacts
from slipway.model.records.deployment import Deployment
from slipway.model.records.gate import GateRecord
from slipway.model.records.release import Published
from slipway.model.records.stage import AttemptResult
from slipway.model.states import DeploymentState, EnvironmentState, GateState
from slipway.www.shapes.base import Asked, Json, Line, Number, Paging, Shape
from slipway.www.shapes.files import Artefact

__all__ = [
    "Approving",
    "Checked",
    "Checking",
    "Commits",
    "DeploymentMark",
    "Earlier",
    "Environment",
    "EnvironmentsQuery",
    "FieldType",
    "FormChoice",
    "FormField",
    "Gate",
    "GatesQuery",
    "MayGate",
    "Opening",
    "Outcome",
    "Returning",
    "Since",
    "Taken",
    "ToDeploy",
    "WaitsFor",
    "WholeGate",
]

#: The name of a type of parameter.
FieldType = Annotated[str, WithJsonSchema({"type": "string", "enum": [*PARAMETERS]})]


class WaitsFor(Shape):
    """A condition that a gate waits for."""

    what: Literal["person", "approval", "needs", "window", "freeze"]
    text: str
    until: float | None = None


class MayGate(Shape):
    """The current user's permissions on a gate, at this moment."""

    open: bool
    change: bool
    """Ask anew what is asked and not approved yet, with other answers."""
    approve: bool
    reject: bool


class DeploymentMark(Shape):
    """The deployment of an attempt."""

    id: int
    state: DeploymentState
    message: str


class Outcome(AttemptResult, Shape):
    """The outcome of the stage that a gate started."""

    waits: str
    """Why it is queued."""
    deployment: DeploymentMark | None


class Gate(GateRecord, Shape):
    """A stage that waits, or has waited, for a person."""

    environment: str | None
    allowed: list[str]
    approvals_needed: int
    requester_counts: bool
    waits_for: list[WaitsFor]
    may: MayGate
    outcome: Outcome | None
    """None: it has not been opened."""


class Since(Shape):
    """The run from which commits are counted."""

    number: int
    version: str
    revision: str


class Commits(Shape):
    """Commits, newest first."""

    items: list[CommitFacts]
    since: Since | None
    more: bool


class ToDeploy(Published, Shape):
    """The release that will be deployed."""

    release_id: int
    version: str
    run: int
    revision: str
    artefacts: list[Artefact]


class FormChoice(Shape):
    """One thing that may be chosen in a form."""

    value: str
    label: str


class FormField(Shape):
    """One question of a gate's form."""

    name: str
    type: FieldType
    label: str
    help: str | None
    required: bool
    default: Value
    """What would be accepted now; null: nothing."""
    last: Value
    """The last deployment's value."""
    choices: list[FormChoice] | None
    limits: Json


class WholeGate(Gate):
    """A gate with its form and the effects of opening it.

    `id` is 0 where nothing is written down yet: it is made when it is asked.
    """

    ask: str
    """Where answers are sent by POST, below the endpoints' path."""
    token: str | None
    """To be shown by the person who opens it; null for those who may not."""
    form: list[FormField]
    deploys: ToDeploy | None
    replaces: Deployment | None
    """What runs where it deploys to; of a gate that is decided, what ran there then."""
    direction: Literal["first", "forward", "again", "rollback"] | None
    commits: list[CommitFacts]
    commits_more: bool


class GatesQuery(Paging):
    """Filter of a list of gates."""

    state: list[GateState | Literal["all"]] = Field(default_factory=list)
    project: Line | None = None
    environment: Line | None = None
    id: Number | None = None
    """That one alone."""


class Earlier(Shape):
    """A release that was deployed before."""

    run: int
    version: str
    release_id: int
    deployed_at: float
    person: str


class Environment(Shape):
    """An environment and its current deployment."""

    project: str
    name: str
    url: str | None
    description: str
    deployer: str
    stages: list[str]
    state: EnvironmentState
    current: Deployment | None
    running: Deployment | None
    gates: list[Gate]
    """The newest that wait."""
    waiting: int
    """How many wait in all."""
    history: list[Deployment]
    earlier: list[Earlier]


class EnvironmentsQuery(Asked):
    """Filter of a list of environments."""

    project: Line | None = None


class Returning(Asked):
    """The run whose release is to be restored."""

    run: Number


class Approving(Asked):
    """An approval of a request."""

    asking: Annotated[Line, Field(min_length=1)]
    """The `asking` of the gate, as they were shown it."""
    comment: Line = ""


class Opening(Asked):
    """A request at a gate."""

    token: Annotated[Line, Field(min_length=1)]
    """The `token` that the gate showed; to ask anew what is not approved yet, its `asking`."""
    values: Json = Field(default_factory=dict)
    comment: Line = ""


class Checking(Asked):
    """Answers to validate."""

    values: Json = Field(default_factory=dict)


class Checked(Shape):
    """Errors in answers, by parameter."""

    fields: dict[str, str]


class Taken(Shape):
    """Result of an action on a gate."""

    accepted: bool
    """False: this very request had been taken before."""
    gate: Gate
