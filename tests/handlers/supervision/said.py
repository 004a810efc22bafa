"""What supervision has said: the facts in its outbox, in order."""

from typing import Any

import asyncpg
import msgspec
from msgspec import Struct

from schemas.codec import decode
from schemas.envelope import Outgoing, Record

_unpack = msgspec.msgpack.Decoder(tuple[Outgoing, ...]).decode


async def outbox(pool: asyncpg.Pool) -> list[Outgoing]:
    """All messages that wait for the relay."""
    rows = await pool.fetch("SELECT payload FROM outbox ORDER BY n")
    return [each for row in rows for each in _unpack(row["payload"])]


async def said(pool: asyncpg.Pool, kind: type[Struct]) -> list[Any]:
    """Announced facts of one kind."""
    found = []
    for each in await outbox(pool):
        if each.topic == "supervision.events":
            fact = decode(Record(each.topic, 0, 0, each.key, each.value, each.headers))
            if isinstance(fact, kind):
                found.append(fact)
    return found
