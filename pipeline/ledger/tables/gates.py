"""Ledger tables of gates, approvals, deployments and freezes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from slipway.ledger.audit.recording import Audited, Trail
from slipway.ledger.tables.base import Base
from slipway.ledger.tables.runs import Run
from slipway.ledger.tables.stated import ReadOnly, Stated, state_column, text_enum
from slipway.model.states import UNDECIDED, Decision, DeploymentState, GateState

__all__ = ["Approval", "Asking", "Deployment", "Freeze", "Gate"]


class Gate(Audited, Stated, Base):
    """A stage that waits for a person. Each attempt at the stage has its own gate."""

    __tablename__ = "slipway_gate"
    __table_args__ = (
        UniqueConstraint("stage_id"),
        Index("ix_slipway_gate_state", "state"),
        Index("ix_slipway_gate_run", "run_id", "stage"),
    )
    __trail__ = Trail(
        "gate",
        project=lambda gate: str(gate.run.project),
        summary=lambda gate: f"{gate.stage} of run {gate.run.number}",
        secret=("token",),
        silent=("secret_names",),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("slipway_run.id", ondelete="CASCADE"))
    stage: Mapped[str] = mapped_column(String(40))
    stage_id: Mapped[int | None] = mapped_column(ForeignKey("slipway_stage.id", ondelete="CASCADE"))
    """The attempt it releases. None: requested early, while its needs have not passed yet."""
    token: Mapped[str] = mapped_column(String(40))
    """Sent with the request to open: makes repeated clicks idempotent."""
    asking: Mapped[str] = mapped_column(String(40), default="")
    """The name of the current request, sent with an approval. Empty: no request yet."""
    state: ReadOnly[GateState] = state_column(GateState)
    rollback: Mapped[bool] = mapped_column(default=False)
    """True for the rollback to an older release."""
    previous_id: Mapped[int | None]
    """The environment's deployment at the time of the decision, later at the start of its own."""
    values: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The values of the gate's parameters, without secrets."""
    secret_names: Mapped[list[str]] = mapped_column(JSON, default=list)
    """The names of the given secrets; their values are only in the master's memory."""
    comment: Mapped[str] = mapped_column(Text, default="")
    person: Mapped[str] = mapped_column(String(255), default="")
    """The requester."""
    made_at: Mapped[float]
    asked_at: Mapped[float | None]
    expires_at: Mapped[float | None]
    ended_at: Mapped[float | None]

    run: Mapped[Run] = relationship()
    approvals: Mapped[list[Approval]] = relationship(
        back_populates="gate", order_by="Approval.id", cascade="all, delete-orphan"
    )

    def entered(self, now: float) -> None:
        """Record the time of the decision."""
        self.ended_at = None if self.state in UNDECIDED else now


class Asking(Base):
    """One request made at a gate, kept to explain later what has changed since.

    The audit trail of the gate records the same.
    """

    __tablename__ = "slipway_asking"
    __table_args__ = (UniqueConstraint("name"), Index("ix_slipway_asking_gate", "gate_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    gate_id: Mapped[int] = mapped_column(ForeignKey("slipway_gate.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    """The value of `Gate.asking`."""
    person: Mapped[str] = mapped_column(String(255))
    values: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    secret_names: Mapped[list[str]] = mapped_column(JSON, default=list)
    at: Mapped[float]


class Approval(Audited, Base):
    """One person's decision on a gate's request."""

    __tablename__ = "slipway_approval"
    __table_args__ = (UniqueConstraint("gate_id", "person"),)
    __trail__ = Trail(
        "approval",
        project=lambda approval: str(approval.gate.run.project),
        summary=lambda approval: f"{approval.gate.stage} of run {approval.gate.run.number}",
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    gate_id: Mapped[int] = mapped_column(ForeignKey("slipway_gate.id", ondelete="CASCADE"))
    person: Mapped[str] = mapped_column(String(255))
    decision: Mapped[Decision] = mapped_column(text_enum(Decision, 10))
    asking: Mapped[str] = mapped_column(String(40), default="")
    """The name of the request that was decided on (`Gate.asking`)."""
    comment: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[float]

    gate: Mapped[Gate] = relationship(back_populates="approvals")


class Deployment(Audited, Stated, Base):
    """An attempt to deploy a release to an environment."""

    __tablename__ = "slipway_deployment"
    __table_args__ = (
        UniqueConstraint("stage_id"),
        Index("ix_slipway_deployment_place", "project", "environment", "state"),
    )
    __trail__ = Trail(
        "deployment",
        project=lambda deployment: str(deployment.project),
        summary=lambda deployment: f"to {deployment.environment} of {deployment.project}",
        silent=("facts",),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project: Mapped[str] = mapped_column(String(40))
    environment: Mapped[str] = mapped_column(String(40))
    release_id: Mapped[int] = mapped_column(ForeignKey("slipway_release.id"))
    stage_id: Mapped[int] = mapped_column(ForeignKey("slipway_stage.id"))
    gate_id: Mapped[int | None] = mapped_column(ForeignKey("slipway_gate.id"))
    previous_id: Mapped[int | None]
    """The environment's deployment when this one began."""
    person: Mapped[str] = mapped_column(String(255), default="")
    values: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    rollback: Mapped[bool] = mapped_column(default=False)
    state: ReadOnly[DeploymentState] = state_column(DeploymentState)
    message: Mapped[str] = mapped_column(Text, default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    started_at: Mapped[float]
    finished_at: Mapped[float | None]

    def entered(self, now: float) -> None:
        """Record the time at which it began or ended."""
        if self.state == DeploymentState.RUNNING:
            self.started_at, self.finished_at = now, None
        else:
            self.finished_at = now


class Freeze(Audited, Base):
    """A freeze: no gate of the project opens."""

    __tablename__ = "slipway_freeze"
    __trail__ = Trail(
        "freeze",
        project=lambda freeze: str(freeze.project),
        summary=lambda freeze: f"gates of {freeze.project}",
    )

    project: Mapped[str] = mapped_column(String(40), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    person: Mapped[str] = mapped_column(String(255))
    at: Mapped[float]
