"""The migration makes exactly the tables that are described, and the database itself refuses what may never be."""

import asyncpg
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from deploy.stack.lifecycle import Stack
from services.dispatch.store.tables import metadata
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import proposed


def test_migrations_make_the_tables_that_are_described(servers: Stack) -> None:
    url = servers.database_url("paidan_dispatch").replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        options = {
            "compare_type": True,
            "include_name": lambda name, kind, _: (kind, name) != ("table", "alembic_version"),
        }
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        inspector = sqlalchemy.inspect(connection)
        checks = {t: {c["name"] for c in inspector.get_check_constraints(t)} for t in ("orders", "assignments")}
    engine.dispose()
    described = {
        t: {c.name for c in metadata.tables[t].constraints if isinstance(c, sqlalchemy.CheckConstraint)} for t in checks
    }
    assert checks == described


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE orders SET lead = ''",
        "UPDATE orders SET status = 'closed'",
        "UPDATE orders SET status = 'sleeping'",
        "UPDATE orders SET closed_at = now()",
        "UPDATE assignments SET role = 'boss'",
        "UPDATE assignments SET status = 'closed'",
        "INSERT INTO history SELECT * FROM history",
        "INSERT INTO reports SELECT * FROM reports",
    ],
)
async def test_the_database_refuses_what_may_never_be(pool: asyncpg.Pool, send: Send, change: str) -> None:
    await send(proposed())
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await pool.execute(change)
