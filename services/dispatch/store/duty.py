"""What people changed about the duty rosters of the pack: swaps for a span, and hand-over notes."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import asyncpg
from msgspec import Struct

from schemas.rosters import Rosters, Swap
from services.dispatch.rules.duty import NOTE_LASTS


class HandOver(Struct, frozen=True):
    """What those who went told those who came."""

    unit: str
    note: str
    by: str
    at: datetime


class Entry(Struct, frozen=True, kw_only=True):
    """One change as somebody records it; without a span it is a hand-over note."""

    unit: str
    principal: str
    key: str
    body_hash: bytes
    starts: datetime | None = None
    ends: datetime | None = None
    person: str = ""
    deputy: str = ""
    phone: str = ""
    note: str = ""


async def swaps(pool: asyncpg.Pool, units: Collection[str] | None, starts: datetime, ends: datetime) -> list[Swap]:
    """The swaps of these units (None: of all) that touch a window."""
    rows = await pool.fetch(
        "SELECT n, unit, starts, ends, person, deputy, phone, note FROM duty_changes"
        " WHERE ends > $2 AND starts <= $3 AND ($1::text[] IS NULL OR unit = ANY($1)) ORDER BY n",
        None if units is None else list(units),
        starts,
        ends,
    )
    return [Swap(**dict(row)) for row in rows]


async def handed_over(pool: asyncpg.Pool, unit: str, at: datetime) -> HandOver | None:
    """The last hand-over note of a unit at a moment; None when it is older than a note lasts."""
    row = await pool.fetchrow(
        "SELECT unit, note, principal, at FROM duty_changes"
        " WHERE unit = $1 AND ends IS NULL AND at <= $2 AND at > $3 ORDER BY at DESC LIMIT 1",
        unit,
        at,
        at - NOTE_LASTS,
    )
    return None if row is None else HandOver(row["unit"], row["note"], row["principal"], row["at"])


async def record(pool: asyncpg.Pool, entry: Entry) -> bool:
    """Record a change. False when the key was used for another one before; a repeat of the same changes nothing."""
    values: list[Any] = [getattr(entry, name) for name in Entry.__struct_fields__]
    columns = ", ".join(Entry.__struct_fields__)
    places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    await pool.execute(
        f"INSERT INTO duty_changes ({columns}) VALUES ({places}) ON CONFLICT (principal, key) DO NOTHING", *values
    )
    kept: bytes = await pool.fetchval(
        "SELECT body_hash FROM duty_changes WHERE principal = $1 AND key = $2", entry.principal, entry.key
    )
    return kept == entry.body_hash


async def empty(pool: asyncpg.Pool, rosters: Rosters) -> int:
    """How many units that keep a roster have nobody on now."""
    now: datetime = await pool.fetchval("SELECT clock_timestamp()")
    changed = await swaps(pool, None, now, now)
    return sum(rosters.on(unit, now, changed) is None for unit in rosters.units)
