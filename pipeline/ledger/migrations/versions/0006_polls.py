"""Add the start time of a poll, and the runs it started."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade by one revision."""
    op.add_column("slipway_poll", sa.Column("began_at", sa.Double(), nullable=True))
    op.add_column("slipway_poll", sa.Column("runs", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Downgrade by one revision."""
    op.drop_column("slipway_poll", "runs")
    op.drop_column("slipway_poll", "began_at")
