"""Brings the tables of each service to the newest revision: Alembic, as that service's own role, in its own schema.

A service keeps `migrations/versions/*.py` and nothing else; the environment that other projects keep in `env.py` is
here, once. A service whose newest revision the database already has is skipped without loading Alembic.
"""

import ast
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from deploy.stack.home import CHECKOUT, SERVICES
from deploy.stack.roles import role_of
from deploy.stack.trouble import Trouble

__all__ = ["heads_of", "migrate"]

_TABLE = "alembic_version"


def _folder(service: str, checkout: Path) -> Path:
    return checkout / "services" / service / "migrations"


def migrate(urls: Mapping[str, str], checkout: Path = CHECKOUT) -> list[str]:
    """Migrate every service that has migrations; `urls` are by role. The names of those that changed.

    Raises Trouble when a migration fails: the database is then as it was before that migration.
    """
    changed = []
    for service in SERVICES:
        heads = heads_of(_folder(service, checkout) / "versions")
        address = urls[role_of(service)]
        if heads and _stands_at(address, service) != heads:
            _upgrade(address, service, _folder(service, checkout))
            changed.append(service)
    return changed


def heads_of(versions: Path) -> set[str]:
    """The newest revisions among the migration files of a folder, read without running them."""
    revisions: set[str] = set()
    replaced: set[str] = set()
    for file in sorted(versions.glob("*.py")):
        said = _assignments(file)
        if isinstance(revision := said.get("revision"), str):
            revisions.add(revision)
            before = said.get("down_revision")
            replaced |= set(before) if isinstance(before, tuple) else {before} if isinstance(before, str) else set()
    return revisions - replaced


def _assignments(file: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            target, value = node.target, node.value
        else:
            continue
        if isinstance(target, ast.Name) and target.id in ("revision", "down_revision"):
            found[target.id] = ast.literal_eval(value)
    return found


def _stands_at(address: str, service: str) -> set[str]:
    with psycopg.connect(address) as connection:
        try:
            table = sql.Identifier(service, _TABLE)
            rows = connection.execute(sql.SQL("select version_num from {}").format(table)).fetchall()
        except psycopg.errors.UndefinedTable:
            return set()
    return {row[0] for row in rows}


def _upgrade(address: str, service: str, folder: Path) -> None:
    import sqlalchemy
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    engine = sqlalchemy.create_engine(address.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with (
            EnvironmentContext(
                config, script, fn=lambda revision, _context: script._upgrade_revs("heads", revision)
            ) as environment,
            engine.connect() as connection,
        ):
            environment.configure(connection=connection, version_table=_TABLE, version_table_schema=service)
            with environment.begin_transaction():
                environment.run_migrations()
            connection.commit()
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise Trouble(
            f"the migration of {service} failed ({str(error).splitlines()[0]})",
            f"nothing of it was kept; mend {folder}/versions and start again",
        ) from error
    finally:
        engine.dispose()
