"""The history of all orders, page by page, for whoever makes a view of it anew."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from services.chassis.cursors import After

_COLUMNS = (
    "order_id, seq, type, action, actor, unit, tier, reason, old_version, new_version, order_version, assignment_id,"
    " occurred_at, recorded_at, body"
)
BEGINNING = After(datetime(1, 1, 2, tzinfo=UTC), UUID(int=0))


class Row(Struct, frozen=True):
    """One change as it is told; the fields stand in the order of the query. `fact` are the bytes that went to Kafka;
    what was said to dispatch alone stays out."""

    order_id: UUID
    seq: int
    type: str
    action: str
    actor: str
    unit: str
    tier: str
    reason: str
    old_version: int
    new_version: int
    order_version: int
    assignment_id: UUID | None
    occurred_at: datetime
    recorded_at: datetime
    fact: msgspec.Raw


async def horizon(pool: asyncpg.Pool, settling: timedelta) -> datetime:
    """The moment behind which no change can be recorded any more: every transaction that could still do so began after
    it. A transaction ends after `settling` at the latest, or is still being committed and seen to be."""
    moment: datetime = await pool.fetchval(
        "SELECT least(clock_timestamp() - $1::interval, min(xact_start)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()",
        settling,
    )
    return moment


async def as_recorded(pool: asyncpg.Pool, after: After, until: datetime, limit: int) -> list[Row]:
    """Changes in the order they were recorded, from a place on, none recorded after `until`."""
    rows = await pool.fetch(
        f"SELECT {_COLUMNS} FROM history WHERE (recorded_at, order_id, seq) > ($1, $2, $3) AND recorded_at <= $4"
        " ORDER BY recorded_at, order_id, seq LIMIT $5",
        after.at,
        after.id,
        after.n,
        until,
        limit,
    )
    return _told(rows)


async def by_order(pool: asyncpg.Pool, after: After, limit: int) -> list[Row]:
    """Changes order by order, each order's in the order of `seq`, from a place on."""
    rows = await pool.fetch(
        f"SELECT {_COLUMNS} FROM history WHERE (order_id, seq) > ($1, $2) ORDER BY order_id, seq LIMIT $3",
        after.id,
        after.n,
        limit,
    )
    return _told(rows)


def _told(rows: Sequence[Any]) -> list[Row]:
    found = []
    for row in rows:
        values = list(row)
        values[-1] = msgspec.Raw(values[-1].encode())
        found.append(Row(*values))
    return found
