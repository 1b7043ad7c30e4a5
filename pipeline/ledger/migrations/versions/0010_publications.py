"""Add publications: what each target has of a release, file by file."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade by one revision."""
    op.create_table(
        "slipway_publication",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=True),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["release_id"],
            ["slipway_release.id"],
            name=op.f("fk_slipway_publication_release_id_slipway_release"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["stage_id"],
            ["slipway_stage.id"],
            name=op.f("fk_slipway_publication_stage_id_slipway_stage"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slipway_publication")),
        sa.UniqueConstraint(
            "release_id", "target", name=op.f("uq_slipway_publication_release_id_target")
        ),
    )
    op.create_index("ix_slipway_publication_stage", "slipway_publication", ["stage_id"])
    op.create_table(
        "slipway_published_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("publication_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("reached", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["publication_id"],
            ["slipway_publication.id"],
            name=op.f("fk_slipway_published_file_publication_id_slipway_publication"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slipway_published_file")),
        sa.UniqueConstraint(
            "publication_id", "name", name=op.f("uq_slipway_published_file_publication_id_name")
        ),
    )


def downgrade() -> None:
    """Downgrade by one revision."""
    op.drop_table("slipway_published_file")
    op.drop_table("slipway_publication")
