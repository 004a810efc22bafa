"""Rows in bulk: one statement for any number of rows, written from a list of columns and their types."""

from collections.abc import Iterable, Sequence
from typing import Any

Columns = tuple[tuple[str, str], ...]
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


def arrays(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows turned into one list a column."""
    turned = [list(column) for column in zip(*rows, strict=True)]
    return turned or [[] for _ in range(width)]
