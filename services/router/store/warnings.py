"""What an hour brought of each topic, and what the router spoke up about."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from zlib import crc32

import asyncpg
import msgspec
from msgspec import Struct, structs

from services.chassis.database import Connection
from services.router.rules.merge import Matter
from services.router.store.matters import matter_of_row

_WATCH = crc32(b"router:watch") & 0x7FFFFFFF
Tally = Counter[tuple[datetime, str, str, bool]]  # hour, class, place, whether a new voice → reports


class Hours(Struct, frozen=True):
    """What one hour brought of a topic."""

    hour: datetime
    class_key: str
    division: str
    reports: int
    voices: int


class Warned(Struct, frozen=True):
    """What the router spoke up about; `body` is the fact as JSON."""

    kind: str
    key: str
    found_at: datetime
    division: str
    level: int
    score: float
    body: str
    subject: str = ""
    ended_at: datetime | None = None


async def save_tally(connection: Connection, tally: Tally) -> None:
    """Add to the hours, in one order for all, so that two lanes never wait for each other in a ring."""
    if not tally:
        return
    sums: dict[tuple[datetime, str, str], list[int]] = {}
    for (hour, class_key, division, new), count in tally.items():
        both = sums.setdefault((hour, class_key, division), [0, 0])
        both[0] += count
        both[1] += count if new else 0
    ordered = sorted(sums)
    await connection.execute(
        "INSERT INTO topic_hours AS t (hour, class_key, division, reports, voices) SELECT * FROM"
        " unnest($1::timestamptz[], $2::text[], $3::text[], $4::int4[], $5::int4[]) ON CONFLICT"
        " (hour, class_key, division) DO UPDATE SET reports = t.reports + excluded.reports,"
        " voices = t.voices + excluded.voices",
        *(list(column) for column in zip(*ordered, strict=True)),
        [sums[key][0] for key in ordered],
        [sums[key][1] for key in ordered],
    )


async def first_hour(connection: Connection) -> datetime | None:
    """Since when hours are counted."""
    found: datetime | None = await connection.fetchval("SELECT min(hour) FROM topic_hours")
    return found


async def hours_of(
    connection: Connection, hours: Collection[datetime], classes: Collection[str] | None = None
) -> list[Hours]:
    """What these hours brought, of all classes or of some."""
    rows = await connection.fetch(
        "SELECT hour, class_key, division, reports, voices FROM topic_hours WHERE hour = ANY($1)"
        " AND ($2::text[] IS NULL OR class_key = ANY($2))",
        list(hours),
        None if classes is None else list(classes),
    )
    return [Hours(*row) for row in rows]


async def forget_hours(connection: Connection, before: datetime) -> None:
    """Drop hours that no test looks at any more."""
    await connection.execute("DELETE FROM topic_hours WHERE hour < $1", before)


async def watching(connection: Connection) -> bool:
    """Whether this transaction may look: one at a time, in whichever process."""
    mine: bool = await connection.fetchval("SELECT pg_try_advisory_xact_lock(0, $1)", _WATCH)
    return mine


async def crowds(connection: Connection, since: datetime, reporters: int) -> list[Matter]:
    """Open matters that so many reports are about and of which somebody spoke since. Never fewer than five: the index
    begins there."""
    rows = await connection.fetch(
        "SELECT * FROM matters WHERE reports >= 5 AND NOT closed AND reports >= $2 AND last_at >= $1", since, reporters
    )
    return [matter_of_row(row) for row in rows]


async def long_open(
    connection: Connection, *, before: datetime, long_before: datetime, voices: int, marks: int, most: int
) -> list[Matter]:
    """Open matters of few voices that nobody spoke up about yet, the oldest first: opened before a moment with one of
    these marks, or long before."""
    rows = await connection.fetch(
        "SELECT m.* FROM matters m WHERE NOT m.closed AND m.opened_at <= $1 AND cardinality(m.voices) <= $3"
        " AND (m.marks & $4 <> 0 OR m.opened_at <= $2) AND NOT EXISTS (SELECT FROM warnings w WHERE w.kind = 'quiet'"
        " AND w.key = m.order_id::text AND w.ended_at IS NULL) ORDER BY m.opened_at LIMIT $5",
        before,
        long_before,
        voices,
        marks,
        most,
    )
    return [matter_of_row(row) for row in rows]


async def end_quiet(connection: Connection, voices: int, now: datetime) -> None:
    """Those of the quiet few whose order has ended, or that are not few any more, leave the list."""
    await connection.execute(
        "UPDATE warnings w SET ended_at = $2 FROM matters m WHERE w.kind = 'quiet' AND w.ended_at IS NULL"
        " AND m.order_id = w.key::uuid AND (m.closed OR cardinality(m.voices) > $1)",
        voices,
        now,
    )


async def end_crowds(connection: Connection, since: datetime, now: datetime) -> None:
    """Crowds whose order has ended, or of which nobody spoke since, leave the list."""
    await connection.execute(
        "UPDATE warnings w SET ended_at = $2 FROM matters m WHERE w.kind = 'crowd' AND w.ended_at IS NULL"
        " AND m.order_id = w.key::uuid AND (m.closed OR m.last_at < $1)",
        since,
        now,
    )


async def open_warnings(connection: Connection, kind: str) -> dict[str, Warned]:
    """The open ones of a kind by their key."""
    rows = await connection.fetch("SELECT * FROM warnings WHERE kind = $1 AND ended_at IS NULL", kind)
    return {row["key"]: _of(row) for row in rows}


async def save_warnings(connection: Connection, warned: Sequence[Warned]) -> None:
    """Write new ones, and those that are open already as they stand now."""
    await connection.executemany(
        "INSERT INTO warnings (kind, key, found_at, ended_at, division, subject, level, score, body)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::json) ON CONFLICT (kind, key, found_at) DO UPDATE SET"
        " ended_at = excluded.ended_at, level = excluded.level, score = excluded.score, body = excluded.body",
        [(w.kind, w.key, w.found_at, w.ended_at, w.division, w.subject, w.level, w.score, w.body) for w in warned],
    )


def ended(warned: Warned, now: datetime) -> Warned:
    """It, from now on past."""
    return structs.replace(warned, ended_at=now)


async def listed(
    pool: asyncpg.Pool,
    kind: str,
    divisions: Iterable[str] | None,
    not_about: Iterable[str],
    after: tuple[float, str] | None,
    limit: int,
) -> list[Warned]:
    """The open ones of a kind in these divisions (None: everywhere), the highest score first, without those that are
    about the caller himself."""
    rows = await pool.fetch(
        "SELECT * FROM warnings WHERE kind = $1 AND ended_at IS NULL AND ($2::text[] IS NULL OR division = ANY($2))"
        " AND subject <> ALL($3) AND ($4::float8 IS NULL OR (-score, key) > (-$4, $5)) ORDER BY -score, key LIMIT $6",
        kind,
        None if divisions is None else list(divisions),
        list(not_about),
        None if after is None else after[0],
        "" if after is None else after[1],
        limit,
    )
    return [_of(row) for row in rows]


def as_json(fact: Any) -> str:
    """A fact as it is kept."""
    return msgspec.json.encode(fact).decode()


def _of(row: Any) -> Warned:
    return Warned(
        kind=row["kind"],
        key=row["key"],
        found_at=row["found_at"],
        division=row["division"],
        level=row["level"],
        score=row["score"],
        body=row["body"],
        subject=row["subject"],
        ended_at=row["ended_at"],
    )
