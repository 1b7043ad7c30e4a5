import sqlalchemy as sa
from alembic import op

revision = "v1"
down_revision = None


def upgrade():
    op.create_table(
        "maker",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("founded", sa.Date),
        sa.UniqueConstraint("name", name="uq_maker_name"),
    )
    op.create_table(
        "item",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("maker_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("made", sa.DateTime),
        sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.ForeignKeyConstraint(["maker_id"], ["maker.id"], name="fk_item_maker"),
    )
    op.create_index("ix_item_made", "item", ["made"])
    with op.batch_alter_table("item") as table:
        table.create_check_constraint("ck_named", "name <> ''")
    op.execute("INSERT INTO maker (id, name) VALUES (100, 'From a migration')")


def downgrade():
    op.drop_table("item")
    op.drop_table("maker")
