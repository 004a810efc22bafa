"""The first answers to people's writes, by principal and idempotency key."""

from collections.abc import Sequence

import asyncpg
from msgspec import Struct

from services.chassis.database import Connection
from services.dispatch.store.columns import Columns, insert, send

Key = tuple[str, str]
_KEYS: Columns = (
    ("principal", "text"),
    ("key", "text"),
    ("body_hash", "bytea"),
    ("version", "int"),
    ("answer", "bytea"),
)
_SAVE = insert("idempotency_keys", _KEYS, "ON CONFLICT DO NOTHING")


class Kept(Struct, frozen=True):
    """A first answer: what was asked (its hash), the version it left, and the body."""

    body_hash: bytes
    version: int
    answer: bytes


async def answers(connection: Connection, keys: Sequence[Key]) -> dict[Key, Kept]:
    """The first answers under these keys."""
    rows = await connection.fetch(
        "SELECT k.* FROM idempotency_keys k JOIN unnest($1::text[], $2::text[]) AS asked(principal, key)"
        " USING (principal, key)",
        [principal for principal, _ in keys],
        [key for _, key in keys],
    )
    return {(r["principal"], r["key"]): Kept(r["body_hash"], r["version"], r["answer"]) for r in rows}


async def save(connection: Connection, kept: dict[Key, Kept]) -> None:
    """Keep answers. Raises SerializationError, which means to try again, when another transaction used one of the keys
    at the same time for another order."""
    if not kept:
        return
    rows = [(*key, value.body_hash, value.version, value.answer) for key, value in kept.items()]
    done = await send(connection, _SAVE, rows)
    if done != f"INSERT 0 {len(rows)}":
        raise asyncpg.SerializationError("an idempotency key was used twice at the same time")
