"""Database, roles and schemas: one schema and one role per service, and one role that may read all of them.

A service's role owns its schema and sees no other; where the service has a view that can be rebuilt, it also owns
`<service>_shadow`, in which tables are made anew before they take the place of the live ones. `paidan_audit` may only
SELECT, in all of them, also in tables that come later.
With the embedded server everything is made by its superuser; with a server named by DATABASE_URL by the
user of that address, who must be allowed to create roles and schemas.
"""

from collections.abc import Mapping

import psycopg
from psycopg import sql

from deploy.stack.home import SERVICES
from deploy.stack.postgres import AUDIT, DATABASE, ROLES, role_of
from deploy.stack.trouble import Trouble

__all__ = ["AUDIT", "ROLES", "ensure_database", "ensure_roles", "role_of"]


REBUILT = ("router", "supervision")


def ensure_database(superuser_url: str) -> None:
    """Have the database on the embedded server, closed to everyone who is not granted it."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone()
        if known is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
            connection.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(DATABASE)))


def ensure_roles(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Have all roles with the given passwords, and all schemas with their rights.

    Raises Trouble when the user of `admin_url` may not create them.
    """
    try:
        with psycopg.connect(admin_url, autocommit=True) as connection:
            if _in_place(connection, passwords):
                return
            with connection.transaction():
                for role, password in passwords.items():
                    _ensure_role(connection, role, password)
                for service in SERVICES:
                    for schema in _schemas(service):
                        _ensure_schema(connection, service, schema)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Trouble(
            f"the database user may not prepare the database ({error.diag.message_primary})",
            "give it CREATEROLE and CREATE on the database, or name a user that has them in DATABASE_URL",
        ) from error


def _in_place(connection: psycopg.Connection, passwords: Mapping[str, str]) -> bool:
    """Whether the last preparation was complete and with these very passwords: then there is nothing to do."""
    schemas = {schema: role_of(service) for service in SERVICES for schema in _schemas(service)}
    row = connection.execute(
        "select count(*) from pg_namespace n join pg_roles r on r.oid = n.nspowner join pg_roles a on a.rolname = %s"
        " where (n.nspname, r.rolname) in (select s::name, o::name from unnest(%s::text[], %s::text[]) as t(s, o))"
        " and has_schema_privilege(a.oid, n.oid, 'usage')",
        (AUDIT, list(schemas), list(schemas.values())),
    ).fetchone()
    return row == (len(schemas),) and all(_opens(connection, role, word) for role, word in passwords.items())


def _exists(connection: psycopg.Connection, role: str) -> bool:
    return connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone() is not None


def _opens(connection: psycopg.Connection, role: str, password: str) -> bool:
    info = connection.info
    try:
        psycopg.connect(host=info.host, port=info.port, dbname=info.dbname, user=role, password=password).close()
    except psycopg.OperationalError:
        return False
    return True


def _ensure_role(connection: psycopg.Connection, role: str, password: str) -> None:
    verb = "alter" if _exists(connection, role) else "create"
    connection.execute(sql.SQL(verb + " role {} login password {}").format(sql.Identifier(role), sql.Literal(password)))
    connection.execute(
        sql.SQL("grant connect, temporary on database {} to {}").format(
            sql.Identifier(connection.info.dbname), sql.Identifier(role)
        )
    )


def _schemas(service: str) -> tuple[str, ...]:
    return (service, f"{service}_shadow") if service in REBUILT else (service,)


def _ensure_schema(connection: psycopg.Connection, service: str, name: str) -> None:
    role, schema, own = sql.Identifier(role_of(service)), sql.Identifier(name), sql.Identifier(service)
    statements = (
        # needed to give a schema to a role, or to set its defaults, when we are no superuser
        "grant {role} to current_user",
        "create schema if not exists {schema} authorization {role}",
        "revoke all on schema {schema} from public",
        "alter role {role} set search_path = {own}",
        "grant usage on schema {schema} to {audit}",
        "grant select on all tables in schema {schema} to {audit}",
        "alter default privileges for role {role} in schema {schema} grant select on tables to {audit}",
    )
    for statement in statements:
        connection.execute(sql.SQL(statement).format(role=role, schema=schema, own=own, audit=sql.Identifier(AUDIT)))
