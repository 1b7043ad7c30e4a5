"""Add the outbox of notices, and people's own rules."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade by one revision."""
    op.create_table(
        "slipway_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("event", sa.String(length=30), nullable=False),
        sa.Column("project", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=True),
        sa.Column("described_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slipway_notice")),
    )
    op.create_index("ux_slipway_notice_key", "slipway_notice", ["key"], unique=True)
    op.create_index("ix_slipway_notice_described", "slipway_notice", ["described_at"])
    op.create_index("ix_slipway_notice_subject", "slipway_notice", ["project", "subject"])
    op.create_table(
        "slipway_delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=100), nullable=False),
        sa.Column("thread", sa.String(length=120), nullable=False),
        sa.Column("topic", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("digest", sa.String(length=4), nullable=False),
        sa.Column("digest_id", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("leased_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["slipway_notice.id"],
            name=op.f("fk_slipway_delivery_notice_id_slipway_notice"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slipway_delivery")),
    )
    op.create_index("ix_slipway_delivery_due", "slipway_delivery", ["channel", "state", "due_at"])
    op.create_index(
        "ix_slipway_delivery_ended", "slipway_delivery", ["channel", "state", "ended_at"]
    )
    op.create_index("ix_slipway_delivery_notice", "slipway_delivery", ["notice_id"])
    op.create_index(
        "ix_slipway_delivery_thread", "slipway_delivery", ["channel", "person", "thread"]
    )
    op.create_index("ix_slipway_delivery_state", "slipway_delivery", ["state", "id"])
    op.create_table(
        "slipway_person_rules",
        sa.Column("person", sa.String(length=100), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_slipway_person_rules")),
    )


def downgrade() -> None:
    """Downgrade by one revision."""
    op.drop_table("slipway_person_rules")
    op.drop_table("slipway_delivery")
    op.drop_table("slipway_notice")
