"""Environment of alembic: migrate only the ledger's tables, on the given connection."""

from alembic import context
from sqlalchemy import Table

from slipway.ledger.tables import gates, publications, releases  # noqa: F401  Run's metadata has them
from slipway.ledger.tables.runs import VERSION_TABLE, Run


def _ours(thing: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:  # noqa: FBT001, ARG001  alembic's signature
    table = thing if isinstance(thing, Table) else getattr(thing, "table", None)
    return table is None or str(table.name).startswith("slipway_")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Run.metadata,
    version_table=VERSION_TABLE,
    include_object=_ours,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
