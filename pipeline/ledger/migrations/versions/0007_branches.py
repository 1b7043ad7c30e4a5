"""Create the table of branches that existed when their pattern was first polled."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade by one revision."""
    op.create_table(
        "slipway_branch",
        sa.Column("project", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("revision", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("project", "name", name=op.f("pk_slipway_branch")),
    )


def downgrade() -> None:
    """Downgrade by one revision."""
    op.drop_table("slipway_branch")
