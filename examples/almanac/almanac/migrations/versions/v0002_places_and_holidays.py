"""Places, and the days on which the practice is closed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add both tables; an appointment may have a place."""
    op.create_table(
        "places",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("address", sa.String(200)),
        sa.PrimaryKeyConstraint("id", name="pk_places"),
        sa.UniqueConstraint("name", name="uq_places_name"),
    )
    op.create_table(
        "holidays",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_holidays"),
        sa.UniqueConstraint("day", name="uq_holidays_day"),
    )
    with op.batch_alter_table("appointments") as table:
        table.add_column(sa.Column("place_id", sa.Integer()))
        table.create_foreign_key(
            "fk_appointments_place_id", "places", ["place_id"], ["id"], ondelete="SET NULL"
        )
        table.create_index("ix_appointments_place_id", ["place_id"])


def downgrade() -> None:
    """Take them away again."""
    with op.batch_alter_table("appointments") as table:
        table.drop_index("ix_appointments_place_id")
        table.drop_constraint("fk_appointments_place_id", type_="foreignkey")
        table.drop_column("place_id")
    op.drop_table("holidays")
    op.drop_table("places")
