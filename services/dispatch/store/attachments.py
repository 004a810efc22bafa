"""Photos of orders, kept in the database beside everything else (decision 0012)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from services.chassis.database import Connection


class Attachment(Struct, frozen=True, kw_only=True):
    """One photo, without its bytes."""

    attachment_id: UUID
    order_id: UUID
    kind: str
    media_type: str
    width: int
    height: int
    size: int
    principal: str
    unit: str
    at: datetime


_SHOWN = ", ".join(Attachment.__struct_fields__)


async def keep(pool: asyncpg.Pool, values: dict[str, Any], most: int) -> Attachment | None:
    """Keep a photo; the same one once more is the one that is kept. None when the order has as many as it may."""
    columns = ", ".join(values)
    places = ", ".join(f"${n}" for n in range(2, len(values) + 2))
    row = await pool.fetchrow(
        f"WITH kept AS (INSERT INTO attachments ({columns}) SELECT {places}"
        f" WHERE (SELECT count(*) FROM attachments WHERE order_id = $3) < $1"
        f" ON CONFLICT (attachment_id) DO NOTHING RETURNING {_SHOWN})"
        f" SELECT {_SHOWN} FROM kept UNION ALL SELECT {_SHOWN} FROM attachments WHERE attachment_id = $2 LIMIT 1",
        most,
        *values.values(),
    )
    return None if row is None else Attachment(**dict(row))


async def of_order(pool: asyncpg.Pool, order_id: UUID, until: datetime | None = None) -> list[Attachment]:
    """The photos of an order, the oldest first; those that were there by a moment."""
    rows = await pool.fetch(
        f"SELECT {_SHOWN} FROM attachments WHERE order_id = $1 AND ($2::timestamptz IS NULL OR at <= $2)"
        " ORDER BY at, attachment_id",
        order_id,
        until,
    )
    return [Attachment(**dict(row)) for row in rows]


async def content(pool: asyncpg.Pool, order_id: UUID, attachment_id: UUID) -> tuple[str, bytes] | None:
    """Media type and bytes of a photo of this order."""
    row = await pool.fetchrow(
        "SELECT media_type, data FROM attachments WHERE attachment_id = $1 AND order_id = $2", attachment_id, order_id
    )
    return None if row is None else (row["media_type"], row["data"])


async def kinds(connection: Connection, order_ids: Iterable[UUID]) -> dict[UUID, dict[UUID, str]]:
    """What the photos of orders show, by order and photo."""
    found: dict[UUID, dict[UUID, str]] = {}
    for row in await connection.fetch(
        "SELECT order_id, attachment_id, kind FROM attachments WHERE order_id = ANY($1)", list(order_ids)
    ):
        found.setdefault(row["order_id"], {})[row["attachment_id"]] = row["kind"]
    return found
