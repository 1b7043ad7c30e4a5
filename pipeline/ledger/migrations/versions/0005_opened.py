"""What a gate was called that has let its stage go: it is opened; it is the stage that passes."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one version up."""
    op.execute("UPDATE slipway_gate SET state = 'opened' WHERE state = 'passed'")


def downgrade() -> None:
    """Go one version down."""
    op.execute("UPDATE slipway_gate SET state = 'passed' WHERE state = 'opened'")
