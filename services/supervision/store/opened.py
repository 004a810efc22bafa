"""Orders whose clocks can still move, gone over from the first to the last; and the terms that clocks were set by."""

from collections.abc import Collection, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec
from msgspec import Struct

from services.chassis.database import Connection
from services.supervision.rules.stages import TermsData
from services.supervision.rules.timeline import Timeline

_unpack = msgspec.msgpack.Decoder(Timeline).decode
_pack_terms = msgspec.msgpack.Encoder(order="deterministic").encode
_unpack_terms = msgspec.msgpack.Decoder(TermsData).decode


class Spread(Struct, frozen=True):
    """An open order, and over what its clocks are spread: the first and last start, and the latest deadline; None
    where it has no clock."""

    order_id: UUID
    timeline: Timeline
    first: datetime | None
    last: datetime | None
    due: datetime | None


async def spreads(connection: Connection, after: UUID, limit: int) -> list[Spread]:
    """The next open orders by id, behind `after`."""
    rows = await connection.fetch(
        "SELECT o.order_id, o.timeline, min(c.start), max(c.start), max(c.due) FROM"
        " (SELECT order_id, timeline FROM orders WHERE open AND order_id > $1 ORDER BY order_id LIMIT $2) o"
        " LEFT JOIN clocks c USING (order_id) GROUP BY 1, 2 ORDER BY 1",
        after,
        limit,
    )
    return [Spread(row[0], _unpack(row[1]), row[2], row[3], row[4]) for row in rows]


async def next_open(connection: Connection, after: UUID, limit: int) -> list[UUID]:
    """The ids of the next open orders, behind `after`."""
    rows = await connection.fetch(
        "SELECT order_id FROM orders WHERE open AND order_id > $1 ORDER BY order_id LIMIT $2", after, limit
    )
    return [row["order_id"] for row in rows]


async def next_cases(connection: Connection, after: UUID, limit: int) -> list[UUID]:
    """The ids of the next special cases, behind `after`."""
    rows = await connection.fetch(
        "SELECT case_id FROM special_cases WHERE case_id > $1 ORDER BY case_id LIMIT $2", after, limit
    )
    return [row["case_id"] for row in rows]


async def held(connection: Connection, order_ids: Collection[UUID]) -> set[UUID]:
    """Those of which a fact waits or is dead, so that nothing may be said of them."""
    rows = await connection.fetch(
        "SELECT order_id FROM pending WHERE order_id = ANY($1) UNION SELECT order_id FROM dead_facts"
        " WHERE order_id = ANY($1)",
        list(order_ids),
    )
    return {row["order_id"] for row in rows}


async def overdue_of_ended(connection: Connection, low: datetime, limit: int) -> list[tuple[UUID, UUID, str, datetime]]:
    """Clocks (order, clock, stage, since when) of orders that ended which still owe a notice since before `low`."""
    rows = await connection.fetch(
        "SELECT c.order_id, c.clock_id, c.stage, c.next_at FROM clocks c JOIN orders o USING (order_id)"
        " WHERE c.next_at < $1 AND NOT o.open AND NOT EXISTS (SELECT FROM pending p WHERE p.order_id = c.order_id)"
        " AND NOT EXISTS (SELECT FROM dead_facts d WHERE d.order_id = c.order_id) ORDER BY c.next_at LIMIT $2",
        low,
        limit,
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


class Terms(Struct, frozen=True):
    """One state of the terms as a worker had it."""

    digest: str
    data: TermsData


def digest_of(data: TermsData) -> str:
    """The same for the same terms, whichever process reads them."""
    read = _unpack_terms(_pack_terms(data))  # numbers as they will be read: 3 is 3.0
    return sha256(_pack_terms(read)).hexdigest()


async def remember_terms(connection: Connection, data: TermsData) -> None:
    """Note that clocks are set by these terms from now on. The first ones ever need no going over."""
    await connection.execute(
        "INSERT INTO terms (digest, version, body, seen_at, applied_at) SELECT $1, $2, $3, clock_timestamp(),"
        " CASE WHEN EXISTS (SELECT FROM terms) THEN NULL ELSE clock_timestamp() END"
        " ON CONFLICT (digest) DO UPDATE SET seen_at = clock_timestamp()",
        digest_of(data),
        data.version,
        _pack_terms(data),
    )


async def newest_terms(connection: Connection) -> Terms | None:
    """Those that the worker started with last; None before any did, or where they cannot be read any more."""
    row = await connection.fetchrow("SELECT digest, body FROM terms ORDER BY seen_at DESC LIMIT 1")
    found = [] if row is None else _readable([(row["digest"], row["body"])])
    return found[0] if found else None


async def terms_in_use(connection: Connection, digest: str) -> list[Terms] | None:
    """The other terms by which stored clocks may be set: those that were gone over last, and any seen since. None where
    that is not known, so that every order has to be looked into."""
    applied = await connection.fetchrow(
        "SELECT digest, applied_at FROM terms WHERE applied_at IS NOT NULL ORDER BY applied_at DESC LIMIT 1"
    )
    if applied is None:
        return None
    rows = await connection.fetch(
        "SELECT digest, body FROM terms WHERE (digest = $1 OR seen_at >= $2) AND digest <> $3",
        applied["digest"],
        applied["applied_at"],
        digest,
    )
    found = _readable([(row["digest"], row["body"]) for row in rows])
    return found if len(found) == len(rows) else None


async def terms_applied(connection: Connection, digest: str) -> None:
    """Every open order was gone over by these terms."""
    await connection.execute("UPDATE terms SET applied_at = clock_timestamp() WHERE digest = $1", digest)


def _readable(rows: Sequence[tuple[str, bytes]]) -> list[Terms]:
    found = []
    for digest, body in rows:
        try:
            found.append(Terms(digest, _unpack_terms(body)))
        except msgspec.DecodeError:  # of a version that wrote them otherwise
            continue
    return found
