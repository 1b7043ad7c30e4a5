"""Add channels, and blocks of releases."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade by one revision."""
    op.create_table(
        "slipway_channel_move",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project", sa.String(length=40), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"],
            ["slipway_release.id"],
            name=op.f("fk_slipway_channel_move_release_id_slipway_release"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slipway_channel_move")),
    )
    op.create_index(
        "ix_slipway_channel_move_channel", "slipway_channel_move", ["project", "channel"]
    )
    op.create_table(
        "slipway_release_block",
        sa.Column("project", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("project", "version", name=op.f("pk_slipway_release_block")),
    )


def downgrade() -> None:
    """Downgrade by one revision."""
    op.drop_table("slipway_release_block")
    op.drop_table("slipway_channel_move")
