"""What every service's `migrations/env.py` calls: bring one schema to its newest revision, as its own role."""

import os

from alembic import context
from sqlalchemy import MetaData, create_engine, pool


def run(metadata: MetaData, schema: str) -> None:
    """Run the migrations of a service's schema. Uses the connection in the Alembic config's attributes, or connects to
    `PAIDAN_DATABASE_URL`."""
    given = context.config.attributes.get("connection")
    if given is not None:
        _run(given, metadata, schema)
        return
    url = os.environ["PAIDAN_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        _run(connection, metadata, schema)
        connection.commit()


def _run(connection, metadata: MetaData, schema: str) -> None:  # type: ignore[no-untyped-def]
    connection.exec_driver_sql(f'SET search_path TO "{schema}"')
    connection.dialect.default_schema_name = schema
    context.configure(
        connection=connection, target_metadata=metadata, version_table_schema=schema, compare_type=True, compare_server_default=False
    )
    with context.begin_transaction():
        context.run_migrations()
