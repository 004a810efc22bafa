"""The migration makes exactly the tables that are described."""

import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from deploy.stack.lifecycle import Stack
from services.router.store.tables import metadata


def test_migrations_make_the_tables_that_are_described(servers: Stack) -> None:
    url = servers.database_url("paidan_router").replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        options = {
            "compare_type": True,
            "include_name": lambda name, kind, _: (kind, name) != ("table", "alembic_version"),
        }
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
    engine.dispose()
