"""Add the requests ("askings") that approvals name, and rollbacks outside a run's state."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BEFORE = """
UPDATE slipway_gate SET asking = 'before-' || CAST(id AS VARCHAR(20))
WHERE state IN ('asked', 'approved', 'opened')
"""


def upgrade() -> None:
    """Upgrade by one revision."""
    op.create_table(
        "slipway_asking",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("gate_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("secret_names", sa.JSON(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["gate_id"],
            ["slipway_gate.id"],
            name=op.f("fk_slipway_asking_gate_id_slipway_gate"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slipway_asking")),
        sa.UniqueConstraint("name", name=op.f("uq_slipway_asking_name")),
    )
    op.create_index("ix_slipway_asking_gate", "slipway_asking", ["gate_id"])
    with op.batch_alter_table("slipway_gate") as batch_op:
        batch_op.add_column(
            sa.Column("asking", sa.String(length=40), nullable=False, server_default="")
        )
    op.execute(_BEFORE)
    with op.batch_alter_table("slipway_approval") as batch_op:
        batch_op.add_column(
            sa.Column("asking", sa.String(length=40), nullable=False, server_default="")
        )
    with op.batch_alter_table("slipway_stage") as batch_op:
        batch_op.add_column(
            sa.Column("rollback", sa.Boolean(), nullable=False, server_default=sa.false())
        )


def downgrade() -> None:
    """Downgrade by one revision."""
    with op.batch_alter_table("slipway_stage") as batch_op:
        batch_op.drop_column("rollback")
    with op.batch_alter_table("slipway_approval") as batch_op:
        batch_op.drop_column("asking")
    with op.batch_alter_table("slipway_gate") as batch_op:
        batch_op.drop_column("asking")
    op.drop_table("slipway_asking")
