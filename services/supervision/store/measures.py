"""What each order counts, and what that corrects in frozen days: written by the fold of facts and by recounts."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID
from zlib import crc32

import msgspec

from services.chassis.database import Connection
from services.supervision.rules.kpi import Granted, Ledger, Measure, Overdue
from services.supervision.rules.kpi.changes import Changes, Correction

pack = msgspec.msgpack.Encoder(uuid_format="bytes").encode
unpack = msgspec.msgpack.Decoder(Ledger).decode

_KEY = ("subject", "n", "day", "unit")
_REST = ("tier", "district", "major", "source", "den", "num", "tenths", "accept_s", "contact_s", "handle_s")
COLUMNS = (*_KEY, *_REST)
_FREEZING = crc32(b"supervision:freezing") & 0x7FFFFFFF


async def load(connection: Connection, order_ids: Sequence[UUID]) -> dict[UUID, list[Measure]]:
    """What these orders count, as it is stored."""
    found: dict[UUID, list[Measure]] = defaultdict(list)
    if order_ids:
        rows = await connection.fetch(
            f"SELECT order_id, {', '.join(COLUMNS)} FROM measures WHERE order_id = ANY($1)", list(order_ids)
        )
        for row in rows:
            found[row[0]].append(Measure(*row[1:]))
    return found


async def save(connection: Connection, found: Iterable[tuple[UUID, Changes]]) -> None:
    """Write what orders count now."""
    new, changed, gone = [], [], []
    for order_id, each in found:
        new += [(order_id, row) for row in each.new]
        changed += [(order_id, row) for _, row in each.changed]
        gone += [(order_id, row) for row in each.gone]
    if gone:
        await connection.execute(
            "DELETE FROM measures m USING unnest($1::uuid[], $2::uuid[], $3::int[], $4::date[], $5::text[])"
            " AS r(o, s, n, d, u) WHERE m.order_id = o AND m.subject = s AND m.n = r.n AND m.day = d AND m.unit = u",
            *_columns(gone, _KEY),
        )
    if changed:
        await connection.execute(
            "UPDATE measures m SET tier = r.tier, district = r.district, major = r.major, source = r.source,"
            " den = r.den, num = r.num, tenths = r.tenths, accept_s = r.accept_s, contact_s = r.contact_s,"
            " handle_s = r.handle_s FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::date[], $5::text[],"
            " $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::int[], $13::int[],"
            f" $14::int[], $15::int[]) AS r(order_id, {', '.join(COLUMNS)})"
            " WHERE m.order_id = r.order_id AND m.subject = r.subject AND m.n = r.n AND m.day = r.day"
            " AND m.unit = r.unit",
            *_columns(changed, COLUMNS),
        )
    if new:
        await connection.copy_records_to_table(
            "measures",
            columns=("order_id", *COLUMNS),
            records=[
                (
                    order_id,
                    row.subject,
                    row.n,
                    row.day,
                    row.unit,
                    row.tier,
                    row.district,
                    row.major,
                    row.source,
                    row.den,
                    row.num,
                    row.tenths,
                    row.accept_s,
                    row.contact_s,
                    row.handle_s,
                )
                for order_id, row in new
            ],
        )


def _columns(rows: Sequence[tuple[UUID, Measure]], names: Sequence[str]) -> list[list[object]]:
    found: list[list[object]] = [[order_id for order_id, _ in rows]]
    return found + [[getattr(row, name) for _, row in rows] for name in names]


async def save_overdue(connection: Connection, known: Sequence[UUID], found: Sequence[tuple[UUID, Overdue]]) -> None:
    """Of the `known` orders those that are `found` are open past their promise, and the others are not."""
    if known:
        await connection.execute("DELETE FROM overdue WHERE order_id = ANY($1)", list(known))
    if found:
        await connection.copy_records_to_table(
            "overdue",
            columns=("order_id", "unit", "tier", "district", "major", "source"),
            records=[(id_, row.unit, row.tier, row.district, row.major, row.source) for id_, row in found],
        )


async def frozen_through(connection: Connection) -> date | None:
    """The last day whose numbers are frozen; none is frozen until the transaction ends. Ask only for rows of days that
    may be: two batches wait for no one, a freezing for both."""
    await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", _FREEZING)
    found: date | None = await connection.fetchval("SELECT max(day) FROM frozen_days")
    return found


async def begin_freezing(connection: Connection) -> None:
    """Let no batch count for a past day until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _FREEZING)


async def correct(connection: Connection, found: Sequence[tuple[UUID, str, Correction]], now: datetime) -> None:
    """Write corrections (order, cause, what) of frozen days."""
    if not found:
        return
    await connection.copy_records_to_table(
        "kpi_corrections",
        columns=(
            *("at", "day", "kpi", "order_id", "subject", "unit", "n"),
            *("tier", "district", "major", "source", "num", "den", "bucket", "cause"),
        ),
        records=[
            (
                now,
                each.row.day,
                each.kpi,
                order_id,
                each.row.subject,
                each.row.unit,
                each.row.n,
                each.row.tier,
                each.row.district,
                each.row.major,
                each.row.source,
                each.num,
                each.den,
                each.bucket,
                cause,
            )
            for order_id, cause, each in found
        ],
    )


async def granted(connection: Connection, order_ids: Sequence[UUID]) -> dict[UUID, Granted]:
    """The appeals about these orders that were granted."""
    rows = await connection.fetch(
        "SELECT order_id, kpi, subject, day, effect FROM appeals WHERE order_id = ANY($1) AND state = 'granted'",
        list(order_ids),
    )
    found: dict[UUID, dict[tuple[str, UUID, date], str]] = defaultdict(dict)
    for row in rows:
        found[row["order_id"]][row["kpi"], row["subject"], row["day"]] = row["effect"]
    return dict(found)


async def mark(connection: Connection, order_ids: Iterable[UUID], cause: str, *, first: bool = False) -> None:
    """Have these orders counted again soon. Of several causes the first is kept, or the one that must be (`first`)."""
    then = "(order_id) DO UPDATE SET cause = excluded.cause" if first else "DO NOTHING"
    await connection.execute(
        f"INSERT INTO recounts (order_id, cause) SELECT o, $2 FROM unnest($1::uuid[]) AS o ON CONFLICT {then}",
        sorted(set(order_ids)),
        cause,
    )


async def marked(connection: Connection, limit: int) -> list[UUID]:
    """Orders that are to be counted again. Lock them before they are claimed: whoever marks an order holds its lock."""
    rows = await connection.fetch("SELECT order_id FROM recounts LIMIT $1", limit)
    return [row["order_id"] for row in rows]


async def claim_recounts(connection: Connection, order_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Take these orders to count them again, with the cause; those that somebody else took meanwhile are left out."""
    rows = await connection.fetch(
        "DELETE FROM recounts WHERE order_id = ANY($1) RETURNING order_id, cause", list(order_ids)
    )
    return {row["order_id"]: row["cause"] for row in rows}
