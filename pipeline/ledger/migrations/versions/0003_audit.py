"""Create the append-only audit trail, and the column of its head in releases."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TELL = "BEGIN SELECT RAISE(ABORT, 'the audit trail is only ever added to'); END"
# INSERT OR REPLACE deletes rows without firing the delete trigger: allow only the next number.
_SQLITE = (
    "CREATE TRIGGER slipway_audit_update BEFORE UPDATE ON slipway_audit " + _TELL,
    "CREATE TRIGGER slipway_audit_delete BEFORE DELETE ON slipway_audit " + _TELL,
    """CREATE TRIGGER slipway_audit_insert BEFORE INSERT ON slipway_audit
    WHEN NEW.id <> coalesce((SELECT max(id) FROM slipway_audit), 0) + 1
      OR EXISTS (SELECT 1 FROM slipway_audit
                 WHERE hash = NEW.hash OR previous = NEW.previous)
    BEGIN SELECT RAISE(ABORT, 'the audit trail is only ever added to'); END""",
)
_POSTGRESQL = (
    """CREATE FUNCTION slipway_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit trail is only ever added to'; END $$""",
    """CREATE TRIGGER slipway_audit_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON slipway_audit
    FOR EACH STATEMENT EXECUTE FUNCTION slipway_audit_refuse()""",
)


def upgrade() -> None:
    """Upgrade by one revision."""
    op.create_table(
        "slipway_audit",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("entity", sa.String(length=40), nullable=False),
        sa.Column("entity_id", sa.String(length=255), nullable=False),
        sa.Column("project", sa.String(length=40), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("old", sa.JSON(), nullable=True),
        sa.Column("new", sa.JSON(), nullable=True),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slipway_audit")),
        sa.UniqueConstraint("previous", name=op.f("uq_slipway_audit_previous")),
        sa.UniqueConstraint("hash", name=op.f("uq_slipway_audit_hash")),
    )
    op.create_index("ix_slipway_audit_at", "slipway_audit", ["at"])
    op.create_index("ix_slipway_audit_project", "slipway_audit", ["project"])
    op.create_index("ix_slipway_audit_entity", "slipway_audit", ["entity", "entity_id"])
    op.add_column("slipway_release", sa.Column("audit_head", sa.String(length=64), nullable=True))
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE if sqlite else _POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Downgrade by one revision, if the audit trail is empty.

    Raises:
        RuntimeError: The trail has rows.
    """
    rows = op.get_bind().execute(sa.text("SELECT count(*) FROM slipway_audit")).scalar()
    if rows:
        raise RuntimeError(f"the audit trail has {rows} rows, which going back would remove")
    op.drop_table("slipway_audit")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION slipway_audit_refuse()")
    with op.batch_alter_table("slipway_release") as batch:
        batch.drop_column("audit_head")
