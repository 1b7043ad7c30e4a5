"""Add cells, skipped stages, gates, approvals, deployments and freezes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade by one revision."""
    op.create_table(
        "slipway_freeze",
        sa.Column("project", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("project", name=op.f("pk_slipway_freeze")),
    )
    op.create_table(
        "slipway_gate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=40), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=True),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("rollback", sa.Boolean(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("secret_names", sa.JSON(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("asked_at", sa.Double(), nullable=True),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["slipway_run.id"], name=op.f("fk_slipway_gate_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["stage_id"],
            ["slipway_stage.id"],
            name=op.f("fk_slipway_gate_stage_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slipway_gate")),
        sa.UniqueConstraint("stage_id", name=op.f("uq_slipway_gate_stage_id")),
    )
    with op.batch_alter_table("slipway_gate", schema=None) as batch_op:
        batch_op.create_index("ix_slipway_gate_run", ["run_id", "stage"], unique=False)
        batch_op.create_index("ix_slipway_gate_state", ["state"], unique=False)

    op.create_table(
        "slipway_approval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("gate_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["gate_id"],
            ["slipway_gate.id"],
            name=op.f("fk_slipway_approval_gate_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slipway_approval")),
        sa.UniqueConstraint("gate_id", "person", name=op.f("uq_slipway_approval_gate_id_person")),
    )
    op.create_table(
        "slipway_deployment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project", sa.String(length=40), nullable=False),
        sa.Column("environment", sa.String(length=40), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.Column("gate_id", sa.Integer(), nullable=True),
        sa.Column("previous_id", sa.Integer(), nullable=True),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("rollback", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["gate_id"], ["slipway_gate.id"], name=op.f("fk_slipway_deployment_gate_id")
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["slipway_release.id"], name=op.f("fk_slipway_deployment_release_id")
        ),
        sa.ForeignKeyConstraint(
            ["stage_id"], ["slipway_stage.id"], name=op.f("fk_slipway_deployment_stage_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slipway_deployment")),
        sa.UniqueConstraint("stage_id", name=op.f("uq_slipway_deployment_stage_id")),
    )
    with op.batch_alter_table("slipway_deployment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_slipway_deployment_place", ["project", "environment", "state"], unique=False
        )

    with op.batch_alter_table("slipway_release", schema=None) as batch_op:
        batch_op.add_column(sa.Column("artefacts", sa.JSON(), nullable=False, server_default="[]"))

    with op.batch_alter_table("slipway_run", schema=None) as batch_op:
        batch_op.add_column(sa.Column("skips", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("superseded_by", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("pruned_at", sa.Double(), nullable=True))

    with op.batch_alter_table("slipway_stage", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("cell", sa.String(length=60), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(
            sa.Column("stale", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("borrowed_id", sa.Integer(), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_slipway_stage_run_id_name_attempt"), type_="unique")
        batch_op.create_index("ix_slipway_stage_state", ["state"], unique=False)
        batch_op.create_unique_constraint(
            batch_op.f("uq_slipway_stage_run_id_name_cell_attempt"),
            ["run_id", "name", "cell", "attempt"],
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_slipway_stage_borrowed_id"),
            "slipway_stage",
            ["borrowed_id"],
            ["id"],
            ondelete="SET NULL",
        )


def downgrade() -> None:
    """Downgrade by one revision."""
    with op.batch_alter_table("slipway_stage", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_slipway_stage_borrowed_id"), type_="foreignkey")
        batch_op.drop_constraint(
            batch_op.f("uq_slipway_stage_run_id_name_cell_attempt"), type_="unique"
        )
        batch_op.drop_index("ix_slipway_stage_state")
        batch_op.create_unique_constraint(
            batch_op.f("uq_slipway_stage_run_id_name_attempt"), ["run_id", "name", "attempt"]
        )
        batch_op.drop_column("borrowed_id")
        batch_op.drop_column("stale")
        batch_op.drop_column("tries")
        batch_op.drop_column("cell")

    with op.batch_alter_table("slipway_run", schema=None) as batch_op:
        batch_op.drop_column("pruned_at")
        batch_op.drop_column("superseded_by")
        batch_op.drop_column("skips")

    with op.batch_alter_table("slipway_release", schema=None) as batch_op:
        batch_op.drop_column("artefacts")

    with op.batch_alter_table("slipway_deployment", schema=None) as batch_op:
        batch_op.drop_index("ix_slipway_deployment_place")

    op.drop_table("slipway_deployment")
    op.drop_table("slipway_approval")
    with op.batch_alter_table("slipway_gate", schema=None) as batch_op:
        batch_op.drop_index("ix_slipway_gate_state")
        batch_op.drop_index("ix_slipway_gate_run")

    op.drop_table("slipway_gate")
    op.drop_table("slipway_freeze")
