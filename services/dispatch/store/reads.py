"""What the API reads: lists, one order whole, history, queues. Nothing here locks or writes, but for `reveal`."""

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
from services.dispatch.store.cursors import After, id_span, of_span

_report = msgspec.json.Decoder(ReportReceived).decode
_reporter = msgspec.json.Decoder(Reporter).decode


class Scope(Struct, frozen=True):
    """What a caller may see: everything, or what his unit holds (`handler`), or also what lies in `divisions`."""

    everything: bool
    unit: str = ""
    handler: bool = False
    divisions: tuple[str, ...] | None = ()


class Filters(Struct, frozen=True):
    """What a list of orders is narrowed to; empty fields do not narrow."""

    status: tuple[str, ...] = ()
    division: tuple[str, ...] = ()
    unit: str = ""
    class_key: str = ""
    source: str = ""
    opened_from: datetime | None = None
    opened_to: datetime | None = None
    q: str = ""


class StoredReport(Struct, frozen=True):
    """A report with its reporter beside it."""

    report_id: UUID
    order_id: UUID | None
    state: str
    report: ReportReceived
    reporter: Reporter | None


class _Where:
    """Conditions with their parameters."""

    def __init__(self) -> None:
        self.args: list[Any] = []
        self._parts: list[str] = []

    def add(self, text: str, *values: Any) -> None:
        """One condition; each `?` stands for the next value."""
        for value in values:
            self.args.append(value)
            text = text.replace("?", f"${len(self.args)}", 1)
        self._parts.append(text)

    def __str__(self) -> str:
        return " AND ".join(self._parts) or "true"


def _within(where: _Where, scope: Scope) -> None:
    if scope.everything:
        return
    # whom an order complains about does not see it (rules.visibility.shut_out)
    where.add("(o.subjects = '' OR strpos(o.subjects, ?) = 0 OR o.lead = ?)", f"\n{scope.unit}\n", scope.unit)
    mine = "o.lead = ? OR EXISTS (SELECT FROM assignments a WHERE a.order_id = o.order_id AND a.unit = ?)"
    if scope.handler or scope.divisions == ():
        where.add(f"({mine})", scope.unit, scope.unit)
    elif scope.divisions is not None:
        where.add(f"(o.division = ANY(?) OR {mine})", list(scope.divisions), scope.unit, scope.unit)


def _narrow(where: _Where, f: Filters) -> None:
    if f.status:
        where.add("o.status = ANY(?)", list(f.status))
    if f.division:
        where.add("o.division = ANY(?)", list(f.division))
    if f.class_key:
        where.add("o.class_key = ?", f.class_key)
    if f.source:
        where.add("o.source = ?", f.source)
    if f.unit:
        where.add(
            "(o.lead = ? OR EXISTS (SELECT FROM assignments a WHERE a.order_id = o.order_id AND a.unit = ?))",
            f.unit,
            f.unit,
        )
    if f.opened_from:
        where.add("o.opened_at >= ?", f.opened_from)
    if f.opened_to:
        where.add("o.opened_at < ?", f.opened_to)
    if f.q:
        _search(where, f.q)


def _search(where: _Where, q: str) -> None:
    span = id_span(q)
    if span is not None:
        where.add(
            "(o.order_id BETWEEN ? AND ? OR EXISTS (SELECT FROM reports r WHERE r.order_id = o.order_id"
            " AND r.report_id BETWEEN ? AND ?))",
            *span[:2],
            *span[:2],
        )
        return
    pattern = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    where.add(
        "EXISTS (SELECT FROM reports r WHERE r.order_id = o.order_id"
        " AND concat_ws(' ', r.body->>'title', r.body->>'text', r.body->>'address') ILIKE ?)",
        pattern,
    )


async def order_ids(
    pool: asyncpg.Pool,
    scope: Scope,
    filters: Filters,
    after: After | None,
    limit: int,
    *,
    before: datetime | None = None,
) -> list[After]:
    """Orders a caller may see, the youngest first; with `before` those that were recorded by then, whatever they have
    become since (status, unit, class and division are then the caller's to check)."""
    where = _Where()
    _narrow(where, filters)
    if before is None:
        _within(where, scope)
    else:
        where.add(
            "EXISTS (SELECT FROM history h WHERE h.order_id = o.order_id AND h.seq = 1 AND h.recorded_at <= ?)", before
        )
    if after is not None:
        where.add("(o.opened_at, o.order_id) < (?, ?)", after.at, after.id)
    rows = await pool.fetch(
        f"SELECT o.opened_at, o.order_id FROM orders o WHERE {where}"
        f" ORDER BY o.opened_at DESC, o.order_id DESC LIMIT {int(limit)}",
        *where.args,
    )
    return [After(row["opened_at"], row["order_id"]) for row in rows]


async def load(pool: asyncpg.Pool, ids: Sequence[UUID]) -> list[Order]:
    """Orders in the order of their ids as given."""
    async with pool.acquire() as connection:
        found = await orders.load(connection, ids)
    return [found[id_] for id_ in ids if id_ in found]


async def find(pool: asyncpg.Pool, table: str, name: str) -> UUID | None:
    """The id of an order or report by its id or its number as typed; None if there is none."""
    column = {"orders": "order_id", "reports": "report_id"}[table]
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


async def reports(pool: asyncpg.Pool, order_id: UUID) -> list[StoredReport]:
    """The reports of an order, the oldest first, with their reporters."""
    rows = await pool.fetch(
        "SELECT r.report_id, r.order_id, r.state, r.body, p.body AS reporter FROM reports r"
        " LEFT JOIN reporters p USING (report_id) WHERE r.order_id = $1 ORDER BY r.received_at, r.report_id",
        order_id,
    )
    return [stored_report(row) for row in rows]


async def reports_by_id(pool: asyncpg.Pool, ids: Iterable[UUID]) -> list[StoredReport]:
    """Reports wherever they hang now, the first first."""
    rows = await pool.fetch(
        "SELECT r.report_id, r.order_id, r.state, r.body, p.body AS reporter FROM reports r"
        " LEFT JOIN reporters p USING (report_id) WHERE r.report_id = ANY($1) ORDER BY r.received_at, r.report_id",
        list(ids),
    )
    return [stored_report(row) for row in rows]


async def report(pool: asyncpg.Pool, report_id: UUID) -> tuple[StoredReport, str | None] | None:
    """A report and the status of its order."""
    row = await pool.fetchrow(
        "SELECT r.report_id, r.order_id, r.state, r.body, NULL AS reporter, o.status FROM reports r"
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
        _report(row["body"]),
        None if row["reporter"] is None else _reporter(row["reporter"]),
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


async def queue(
    pool: asyncpg.Pool, unit: str, after: After | None, limit: int
) -> list[tuple[UUID, UUID, datetime | None]]:
    """(assignment, order, due) of what a unit has to do, the earliest due first; without a due at the end."""
    rows = await pool.fetch(
        "SELECT * FROM (SELECT a.assignment_id, a.order_id, c.due, coalesce(c.due, 'infinity') AS place"
        " FROM assignments a LEFT JOIN LATERAL (SELECT due FROM clocks WHERE order_id = a.order_id"
        " ORDER BY seq DESC LIMIT 1) c ON true"
        " WHERE a.unit = $1 AND a.status IN ('offered', 'accepted', 'return_requested')) q"
        " WHERE $2::timestamptz IS NULL OR (place, assignment_id) > ($2, $3)"
        " ORDER BY place, assignment_id LIMIT $4",
        unit,
        None if after is None else after.at,
        None if after is None else after.id,
        limit,
    )
    return [(row["assignment_id"], row["order_id"], row["due"]) for row in rows]


async def triage(pool: asyncpg.Pool, scope: Scope, after: After | None, limit: int) -> list[After]:
    """Orders that wait for a dispatcher's decision, the oldest first."""
    where = _Where()
    where.add("o.status = 'triage'")
    _within(where, scope)
    if after is not None:
        where.add("(o.opened_at, o.order_id) > (?, ?)", after.at, after.id)
    rows = await pool.fetch(
        f"SELECT o.opened_at, o.order_id FROM orders o WHERE {where}"
        f" ORDER BY o.opened_at, o.order_id LIMIT {int(limit)}",
        *where.args,
    )
    return [After(row["opened_at"], row["order_id"]) for row in rows]


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
        "SELECT order_id, seq, type, action, unit, order_version, body->>'status' AS status, occurred_at, recorded_at"
        " FROM history WHERE recorded_at > $1 ORDER BY recorded_at, order_id, seq",
        moment,
    )
    return [dict(row) for row in rows]
