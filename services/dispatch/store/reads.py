"""What the API reads: one order whole, reports, history. Nothing here locks or writes, but for `reveal`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from schemas.facts import Reporter, ReportReceived
from services.chassis.database import Connection
from services.dispatch.rules.order import Order
from services.dispatch.rules.past import PastChange
from services.dispatch.store import orders
from services.dispatch.store.cursors import id_span, of_span

report_of = msgspec.json.Decoder(ReportReceived).decode
_reporter = msgspec.json.Decoder(Reporter).decode


class StoredReport(Struct, frozen=True):
    """A report with its reporter beside it."""

    report_id: UUID
    order_id: UUID | None
    state: str
    report: ReportReceived
    reporter: Reporter | None
    repeat_of: UUID | None = None


async def load(pool: asyncpg.Pool, ids: Sequence[UUID]) -> list[Order]:
    """Orders in the order of their ids as given."""
    async with pool.acquire() as connection:
        found = await orders.load(connection, ids)
    return [found[id_] for id_ in ids if id_ in found]


async def find(pool: asyncpg.Pool, table: str, name: str) -> UUID | None:
    """The id of an order, report or special case by its id or its number as typed; None if there is none."""
    column = {"orders": "order_id", "reports": "report_id", "special_cases": "case_id"}[table]
    span = id_span(name)
    if span is not None:
        rows = await pool.fetch(f"SELECT {column} FROM {table} WHERE {column} BETWEEN $1 AND $2", *span[:2])
        return of_span(rows, span[2], column)
    try:
        id_ = UUID(name)
    except ValueError:
        return None
    found: UUID | None = await pool.fetchval(f"SELECT {column} FROM {table} WHERE {column} = $1", id_)
    return found


async def reports(
    pool: Connection | asyncpg.Pool, order_id: UUID, then: Iterable[UUID] | None = None
) -> list[StoredReport]:
    """The reports of an order, or those that hung on it `then`, the oldest first, with their reporters."""
    rows = await pool.fetch(
        "SELECT r.report_id, r.order_id, r.state, r.body, r.repeat_of, p.body AS reporter FROM reports r"
        " LEFT JOIN reporters p USING (report_id)"
        f" WHERE {'r.order_id = $1' if then is None else 'r.report_id = ANY($1)'}"
        " ORDER BY r.received_at, r.report_id",
        order_id if then is None else list(then),
    )
    return [stored_report(row) for row in rows]


async def opening_reports(pool: asyncpg.Pool, order_ids: Iterable[UUID]) -> dict[UUID, ReportReceived]:
    """By order, the report that it was opened for: whatever joined or left since, the same at any moment."""
    rows = await pool.fetch(
        "SELECT h.order_id, r.body FROM history h"
        " JOIN reports r ON r.report_id = (h.body->'reports'->0->>'report_id')::uuid"
        " WHERE h.order_id = ANY($1) AND h.seq = 1",
        list(order_ids),
    )
    return {row["order_id"]: report_of(row["body"]) for row in rows}


async def reports_by_id(pool: asyncpg.Pool, ids: Iterable[UUID]) -> list[StoredReport]:
    """Reports wherever they hang now, the first first."""
    rows = await pool.fetch(
        "SELECT r.report_id, r.order_id, r.state, r.body, r.repeat_of, p.body AS reporter FROM reports r"
        " LEFT JOIN reporters p USING (report_id) WHERE r.report_id = ANY($1) ORDER BY r.received_at, r.report_id",
        list(ids),
    )
    return [stored_report(row) for row in rows]


async def report(pool: asyncpg.Pool, report_id: UUID) -> tuple[StoredReport, str | None] | None:
    """A report and the status of its order."""
    row = await pool.fetchrow(
        "SELECT r.report_id, r.order_id, r.state, r.body, r.repeat_of, NULL AS reporter, o.status FROM reports r"
        " LEFT JOIN orders o USING (order_id) WHERE r.report_id = $1",
        report_id,
    )
    return None if row is None else (stored_report(row), row["status"])


def stored_report(row: Any) -> StoredReport:
    """A report out of its row."""
    return StoredReport(
        row["report_id"],
        row["order_id"],
        row["state"],
        report_of(row["body"]),
        None if row["reporter"] is None else _reporter(row["reporter"]),
        row["repeat_of"],
    )


async def changes(pool: asyncpg.Pool, ids: Sequence[UUID], until: datetime) -> dict[UUID, list[PastChange]]:
    """The changes of orders that were recorded by a moment, for folding."""
    rows = await pool.fetch(
        "SELECT order_id, type, body, reason, private FROM history WHERE order_id = ANY($1) AND recorded_at <= $2"
        " ORDER BY order_id, seq",
        list(ids),
        until,
    )
    found: dict[UUID, list[PastChange]] = {}
    for row in rows:
        found.setdefault(row["order_id"], []).append(
            PastChange(row["type"], row["body"], row["reason"], row["private"])
        )
    return found


async def past(pool: asyncpg.Pool, order_id: UUID) -> list[PastChange]:
    """Every change of an order, for folding."""
    rows = await pool.fetch(
        "SELECT type, body, reason, private FROM history WHERE order_id = $1 ORDER BY seq", order_id
    )
    return [PastChange(*row) for row in rows]


async def history(pool: asyncpg.Pool, order_id: UUID) -> list[dict[str, Any]]:
    """All changes of an order, the first first."""
    rows = await pool.fetch("SELECT * FROM history WHERE order_id = $1 ORDER BY seq", order_id)
    return [history_row(row) for row in rows]


def history_row(row: Any) -> dict[str, Any]:
    """A change as the API shows it; what was said to dispatch alone stays out."""
    kept = {key: row[key] for key in row.keys() if key not in ("body", "private")}  # noqa: SIM118 - a Record's values
    return kept | {"fact": msgspec.Raw(row["body"].encode())}


async def recent_changes(connection: Connection, ids: Iterable[UUID], count: int) -> dict[UUID, list[dict[str, Any]]]:
    """The last changes of orders, the newest first, for whoever saw an older version."""
    rows = await connection.fetch(
        "SELECT asked.order_id, h.seq, h.action, h.type, h.unit, h.order_version, h.assignment_id, h.new_version,"
        " h.recorded_at FROM unnest($1::uuid[]) AS asked(order_id) CROSS JOIN LATERAL"
        " (SELECT * FROM history WHERE order_id = asked.order_id ORDER BY seq DESC LIMIT $2) AS h",
        list(ids),
        count,
    )
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["order_id"], []).append({key: row[key] for key in row.keys() if key != "order_id"})  # noqa: SIM118
    return found


async def reveal(pool: asyncpg.Pool, order_id: UUID, principal: str, role: str, unit: str, purpose: str) -> None:
    """Log that somebody saw who reported, before he does."""
    await pool.execute(
        "INSERT INTO reveals (order_id, principal, role, unit, purpose) VALUES ($1, $2, $3, $4, $5)",
        order_id,
        principal,
        role,
        unit,
        purpose,
    )


async def pending_links(pool: asyncpg.Pool) -> tuple[int, float]:
    """How many facts wait for an order or report, and for how many seconds the oldest does."""
    row = await pool.fetchrow(
        "SELECT count(*) AS n, coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 AS age"
        " FROM pending_links"
    )
    return row["n"], row["age"]


async def now(pool: asyncpg.Pool) -> datetime:
    """The database's clock, by which `recorded_at` is written."""
    moment: datetime = await pool.fetchval("SELECT clock_timestamp()")
    return moment


async def since(pool: asyncpg.Pool, moment: datetime) -> list[dict[str, Any]]:
    """The changes recorded after a moment, for the live stream."""
    rows = await pool.fetch(
        "SELECT order_id, seq, type, action, unit, order_version, body->>'status' AS status, occurred_at, recorded_at,"
        " body->>'rung' AS rung, body->>'ring' AS ring"
        " FROM history WHERE recorded_at > $1 ORDER BY recorded_at, order_id, seq",
        moment,
    )
    return [dict(row) for row in rows]
