"""Create the tables of runs, stage results, artefacts, releases and polls."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade by one revision."""
    op.create_table(
        "slipway_poll",
        sa.Column("project", sa.String(length=40), nullable=False),
        sa.Column("polled_at", sa.Double(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("project", name=op.f("pk_slipway_poll")),
    )
    op.create_table(
        "slipway_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("branch", sa.String(length=255), nullable=False),
        sa.Column("revision", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=255), nullable=False),
        sa.Column("committed_at", sa.BigInteger(), nullable=False),
        sa.Column("trigger", sa.String(length=20), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slipway_run")),
        sa.UniqueConstraint("project", "number", name=op.f("uq_slipway_run_project_number")),
    )
    with op.batch_alter_table("slipway_run", schema=None) as batch_op:
        batch_op.create_index("ix_slipway_run_project_branch", ["project", "branch"], unique=False)
        batch_op.create_index("ix_slipway_run_state", ["state"], unique=False)

    op.create_table(
        "slipway_release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=255), nullable=False),
        sa.Column("place", sa.String(length=1024), nullable=False),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=False),
        sa.Column("published_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["slipway_run.id"],
            name=op.f("fk_slipway_release_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slipway_release")),
        sa.UniqueConstraint("run_id", "place", name=op.f("uq_slipway_release_run_id_place")),
    )
    op.create_table(
        "slipway_stage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("uses", sa.String(length=20), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("buildset_id", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("build_id", sa.Integer(), nullable=True),
        sa.Column("worker", sa.String(length=50), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("queued_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["slipway_run.id"], name=op.f("fk_slipway_stage_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slipway_stage")),
        sa.UniqueConstraint(
            "run_id", "name", "attempt", name=op.f("uq_slipway_stage_run_id_name_attempt")
        ),
    )
    with op.batch_alter_table("slipway_stage", schema=None) as batch_op:
        batch_op.create_index("ix_slipway_stage_request", ["request_id"], unique=False)

    op.create_table(
        "slipway_artefact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=127), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["stage_id"],
            ["slipway_stage.id"],
            name=op.f("fk_slipway_artefact_stage_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slipway_artefact")),
        sa.UniqueConstraint("stage_id", "name", name=op.f("uq_slipway_artefact_stage_id_name")),
    )
    with op.batch_alter_table("slipway_artefact", schema=None) as batch_op:
        batch_op.create_index("ix_slipway_artefact_sha256", ["sha256"], unique=False)


def downgrade() -> None:
    """Downgrade by one revision."""
    with op.batch_alter_table("slipway_artefact", schema=None) as batch_op:
        batch_op.drop_index("ix_slipway_artefact_sha256")

    op.drop_table("slipway_artefact")
    with op.batch_alter_table("slipway_stage", schema=None) as batch_op:
        batch_op.drop_index("ix_slipway_stage_request")

    op.drop_table("slipway_stage")
    op.drop_table("slipway_release")
    with op.batch_alter_table("slipway_run", schema=None) as batch_op:
        batch_op.drop_index("ix_slipway_run_state")
        batch_op.drop_index("ix_slipway_run_project_branch")

    op.drop_table("slipway_run")
    op.drop_table("slipway_poll")
