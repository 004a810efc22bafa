"""Rows in bulk: one statement for any number of rows, made from a list of columns and their types."""

from collections.abc import Sequence
from typing import Any

from services.chassis.database import Connection

Columns = tuple[tuple[str, str], ...]
Row = tuple[Any, ...]
# What is sent as text because arrays of it cannot be sent otherwise.
_SENT_AS = {"json": "text"}


def insert(table: str, columns: Columns, tail: str = "") -> str:
    """INSERT … SELECT from one array a column; `tail` is an ON CONFLICT clause."""
    names = ", ".join(name for name, _ in columns)
    arrays = ", ".join(f"${i}::{_SENT_AS.get(kind, kind)}[]" for i, (_, kind) in enumerate(columns, 1))
    taken = ", ".join(f"{name}::{kind}" if kind in _SENT_AS else name for name, kind in columns)
    return f"INSERT INTO {table} ({names}) SELECT {taken} FROM unnest({arrays}) AS rows({names}) {tail}"


def update(table: str, key: str, columns: Columns) -> str:
    """UPDATE … FROM one array a column; the first column is the key."""
    names = ", ".join(name for name, _ in columns)
    arrays = ", ".join(f"${i}::{_SENT_AS.get(kind, kind)}[]" for i, (_, kind) in enumerate(columns, 1))
    sets = ", ".join(
        f"{name} = rows.{name}::{kind}" if kind in _SENT_AS else f"{name} = rows.{name}"
        for name, kind in columns
        if name != key
    )
    return f"UPDATE {table} AS old SET {sets} FROM unnest({arrays}) AS rows({names}) WHERE old.{key} = rows.{key}"


async def send(connection: Connection, statement: str, rows: Sequence[Row]) -> str:
    """Run a statement of `insert` or `update` for these rows; answers its command tag, "" for no rows."""
    if not rows:
        return ""
    tag: str = await connection.execute(statement, *(list(column) for column in zip(*rows, strict=True)))
    return tag


async def copy(connection: Connection, table: str, columns: Columns, rows: Sequence[Row]) -> None:
    """COPY new rows: half the cost of INSERT … unnest for many; a row that is there already fails the transaction."""
    if rows:
        await connection.copy_records_to_table(table, records=rows, columns=[name for name, _ in columns])
