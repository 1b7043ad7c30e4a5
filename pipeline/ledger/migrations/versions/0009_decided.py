"""Record the deployment at a gate's decision; tell cancelled gates from expired ones."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

#: A gate that ended before its expiry time was cancelled, not expired.
_CANCELLED_GATES = """
UPDATE slipway_gate SET state = 'cancelled'
WHERE state = 'expired'
AND (ended_at IS NULL OR expires_at IS NULL OR ended_at < expires_at)
"""
_CANCELLED_STAGES = """
UPDATE slipway_stage SET state = 'cancelled'
WHERE state = 'expired'
AND id IN (SELECT stage_id FROM slipway_gate WHERE state = 'cancelled')
"""
_EXPIRED_STAGES = """
UPDATE slipway_stage SET state = 'expired'
WHERE state = 'cancelled'
AND id IN (SELECT stage_id FROM slipway_gate WHERE state = 'cancelled')
"""
_OPENED = """
UPDATE slipway_gate SET previous_id = (
  SELECT made.previous_id FROM slipway_deployment made
  WHERE made.gate_id = slipway_gate.id ORDER BY made.id DESC LIMIT 1
)
"""
#: Gates without a deployment: take the environment from other deployments of the same stage.
_CLOSED = """
UPDATE slipway_gate SET previous_id = (
  SELECT old.id FROM slipway_deployment old
  JOIN slipway_run run ON run.project = old.project
  WHERE run.id = slipway_gate.run_id
  AND old.state = 'deployed' AND old.finished_at <= slipway_gate.ended_at
  AND old.environment IN (
    SELECT there.environment FROM slipway_deployment there
    JOIN slipway_stage stage ON stage.id = there.stage_id
    WHERE there.project = run.project AND stage.name = slipway_gate.stage
  )
  ORDER BY old.finished_at DESC, old.id DESC LIMIT 1
)
WHERE ended_at IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM slipway_deployment own WHERE own.gate_id = slipway_gate.id)
"""


def upgrade() -> None:
    """Upgrade by one revision."""
    with op.batch_alter_table("slipway_gate") as batch_op:
        batch_op.add_column(sa.Column("previous_id", sa.Integer(), nullable=True))
    for statement in (_CANCELLED_GATES, _CANCELLED_STAGES, _OPENED, _CLOSED):
        op.execute(statement)


def downgrade() -> None:
    """Downgrade by one revision."""
    op.execute(_EXPIRED_STAGES)
    op.execute("UPDATE slipway_gate SET state = 'expired' WHERE state = 'cancelled'")
    with op.batch_alter_table("slipway_gate") as batch_op:
        batch_op.drop_column("previous_id")
