"""Rename the state "passed" of gates to "opened": it is the stage that passes."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade by one revision."""
    op.execute("UPDATE slipway_gate SET state = 'opened' WHERE state = 'passed'")


def downgrade() -> None:
    """Downgrade by one revision."""
    op.execute("UPDATE slipway_gate SET state = 'passed' WHERE state = 'opened'")
