"""Rulebooks that were taken into force or let run beside the live one: appended to, never changed."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from services.chassis.database import Connection

_TAKING = 0x52554C45  # one taker at a time: processes that see the same changed file at once take it once


class Standing(StrEnum):
    """What a rulebook is taken as."""

    LIVE = "live"
    SHADOW = "shadow"


class Stored(Struct, frozen=True):
    """A rulebook without its text. `n` counts what was ever taken; `origin` is file, posted or back."""

    n: int
    role: Standing
    origin: str
    version: str
    rows: int
    taken_at: datetime
    taken_by: str
    note: str


class Taking(Struct, frozen=True):
    """A rulebook to be taken; `rows` is how many rules it has. A shadow without text ends the shadow."""

    role: Standing
    origin: str
    version: str
    text: str
    rows: int
    by: str = ""
    note: str = ""


_COLUMNS = "n, role, origin, version, rows, taken_at, taken_by, note"


async def take(connection: Connection, taking: Taking) -> Stored | None:
    """Append a rulebook. None where it stands there already: what a file says is taken once until the file says
    something else, and what is posted is not taken again while it is the newest of its role."""
    same = "role = $1 AND origin = 'file'" if taking.origin == "file" else "role = $1"
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _TAKING)
        row = await connection.fetchrow(
            "INSERT INTO rulebooks (role, origin, version, text, rows, taken_at, taken_by, note)"
            " SELECT $1, $2, $3, $4, $5, clock_timestamp(), $6, $7 WHERE $3 IS DISTINCT FROM"
            f" (SELECT version FROM rulebooks WHERE {same} ORDER BY n DESC LIMIT 1) RETURNING {_COLUMNS}",
            taking.role,
            taking.origin,
            taking.version,
            taking.text,
            taking.rows,
            taking.by,
            taking.note,
        )
    return None if row is None else _stored(row)


async def newest(connection: Connection, role: Standing) -> Stored | None:
    """The rulebook of a role that counts; None before the first."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM rulebooks WHERE role = $1 ORDER BY n DESC LIMIT 1", role)
    return None if row is None else _stored(row)


async def taken(connection: Connection, before: int, limit: int) -> list[Stored]:
    """What was ever taken, the newest first, below a number."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM rulebooks WHERE n < $1 ORDER BY n DESC LIMIT $2", before, limit
    )
    return [_stored(row) for row in rows]


async def text_of(connection: Connection, n: int) -> tuple[str, str] | None:
    """Version and text of what was taken under a number."""
    row = await connection.fetchrow("SELECT version, text FROM rulebooks WHERE n = $1", n)
    return None if row is None else (row["version"], row["text"])


async def text_of_version(connection: Connection, version: str) -> str | None:
    """The text of a version; None for one that was never taken here."""
    text: str | None = await connection.fetchval(
        "SELECT text FROM rulebooks WHERE version = $1 AND text <> '' ORDER BY n DESC LIMIT 1", version
    )
    return text


def _stored(row: object) -> Stored:
    return Stored(**dict(row))  # type: ignore[call-overload]
