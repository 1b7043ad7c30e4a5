"""Fees, telephone numbers, people who have left, and one start per person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns and their constraints."""
    with op.batch_alter_table("people") as table:
        table.add_column(sa.Column("phone", sa.String(40)))
        table.add_column(
            sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true())
        )
    with op.batch_alter_table("appointments") as table:
        table.add_column(sa.Column("fee", sa.Numeric(8, 2)))
        table.create_check_constraint("fee_not_negative", "fee >= 0")
        table.create_unique_constraint("uq_appointments_person_id_starts", ["person_id", "starts"])


def downgrade() -> None:
    """Remove them."""
    with op.batch_alter_table("appointments") as table:
        table.drop_constraint("uq_appointments_person_id_starts", type_="unique")
        table.drop_constraint("fee_not_negative", type_="check")
        table.drop_column("fee")
    with op.batch_alter_table("people") as table:
        table.drop_column("active")
        table.drop_column("phone")
