"""The migration makes exactly the tables that are described."""

import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from deploy.stack.lifecycle import Stack
from services.supervision.store.tables import metadata


def test_migrations_make_the_tables_that_are_described(servers: Stack) -> None:
    url = servers.database_url("paidan_supervision").replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        options = {
            "compare_type": True,
            "include_name": lambda name, kind, _: (kind, name) != ("table", "alembic_version"),
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        checks = {
            table: {check["name"] for check in sqlalchemy.inspect(connection).get_check_constraints(table)}
            for table in ("orders", "clocks", "notices")
        }
    engine.dispose()
    described = {
        table: {c.name for c in metadata.tables[table].constraints if isinstance(c, sqlalchemy.CheckConstraint)}
        for table in checks
    }
    assert checks == described
