"""Orders, assignments, reports and history, in bulk: loaded for a transaction, and written at its end."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from schemas.envelope import Outgoing
from schemas.facts import (
    AssignmentReturned,
    ClassCorrected,
    LeadChanged,
    OrderConcluded,
    OrderFact,
    OrderLinked,
    OrderReopened,
    OrderRouted,
    OrderSplit,
    OrderUnlinked,
)
from services.chassis.database import Connection
from services.dispatch.rules.book import Book, Change, KeptReport, Waiting
from services.dispatch.rules.lifecycle import ENDED
from services.dispatch.rules.order import Assignment, Order, Stood
from services.dispatch.rules.past import PastChange, fact_of
from services.dispatch.store import handovers, requests, supervisions
from services.dispatch.store.columns import Columns, copy, insert, send, update
from services.dispatch.store.rows import assignment_of, order_of

_encode = msgspec.json.Encoder().encode

ORDER: Columns = (
    ("order_id", "uuid"),
    ("status", "text"),
    ("urgency", "text"),
    ("version", "int"),
    ("seq", "int"),
    ("round", "smallint"),
    ("lead", "text"),
    ("since", "timestamptz"),
    ("closed_at", "timestamptz"),
    ("recorded_at", "timestamptz"),
    ("result", "text"),
    ("citizens", "boolean"),
    ("proposed", "text"),
    ("warned", "boolean"),
    ("voices", "json"),
    ("merged_into", "uuid"),
    ("subjects", "text"),
    ("coordinated", "boolean"),
    ("parked_by", "uuid"),
    ("review_at", "timestamptz"),
    ("requests", "smallint"),
    ("supervisions", "smallint"),
)
# Only what gives an order another place, class or path changes these; they are wide: nothing else writes them again.
ORDER_ROUTED: Columns = (("order_id", "uuid"), ("class_key", "text"), ("division", "text"), ("detail", "json"))
ORDER_FIXED: Columns = (
    ("source", "text"),
    ("verification", "text"),
    ("opened_at", "timestamptz"),
    ("imported", "boolean"),
    ("recurrence_of", "uuid"),
    ("class_intake", "text"),
    *ORDER_ROUTED[1:],
)
ASSIGNMENT: Columns = (
    ("assignment_id", "uuid"),
    ("parent", "uuid"),
    ("role", "text"),
    ("status", "text"),
    ("version", "int"),
    ("accepted_at", "timestamptz"),
    ("contacted_at", "timestamptz"),
    ("arrived_at", "timestamptz"),
    ("done_at", "timestamptz"),
    ("result", "text"),
    ("answer", "text"),
    ("hard_case_owner", "text"),
    ("actors", "text"),
    ("stood_since", "timestamptz"),
    ("pinned", "boolean"),
)
ASSIGNMENT_FIXED: Columns = (
    ("order_id", "uuid"),
    ("unit", "text"),
    ("tier", "text"),
    ("ordinal", "smallint"),
    ("offered_at", "timestamptz"),
    ("told_at", "timestamptz"),
)
QUEUE_PAST: Columns = (
    ("assignment_id", "uuid"),
    ("order_id", "uuid"),
    ("unit", "text"),
    ("status", "text"),
    ("actors", "text"),
    ("stood_since", "timestamptz"),
    ("until", "timestamptz"),
)
HISTORY: Columns = (
    ("order_id", "uuid"),
    ("seq", "int"),
    ("type", "text"),
    ("action", "text"),
    ("actor", "text"),
    ("unit", "text"),
    ("tier", "text"),
    ("reason", "text"),
    ("old_version", "int"),
    ("new_version", "int"),
    ("order_version", "int"),
    ("assignment_id", "uuid"),
    ("occurred_at", "timestamptz"),
    ("recorded_at", "timestamptz"),
    ("changed", "text"),
    ("status", "text"),
    ("urgency", "text"),
    ("lead", "text"),
    ("class_key", "text"),
    ("division", "text"),
    ("round", "smallint"),
    ("closed_at", "timestamptz"),
    ("body", "json"),
    ("private", "json"),
)
REPORT: Columns = (
    ("report_id", "uuid"),
    ("order_id", "uuid"),
    ("state", "text"),
    ("source", "text"),
    ("received_at", "timestamptz"),
    ("recorded_at", "timestamptz"),
    ("body", "json"),
    ("repeat_of", "uuid"),
)
REPORTER: Columns = (
    ("report_id", "uuid"),
    ("body", "json"),
)
PENDING: Columns = (("cause", "uuid"), ("waits_for", "uuid"), ("kind", "text"), ("body", "bytea"))

_ROUTING = (
    OrderRouted,
    OrderSplit,
    LeadChanged,
    AssignmentReturned,
    ClassCorrected,
    OrderConcluded,
    OrderReopened,
    OrderLinked,
    OrderUnlinked,
)
_UPDATE_ORDERS = update("orders", "order_id", ORDER)
_UPDATE_ROUTED = update("orders", "order_id", ORDER_ROUTED)
_UPDATE_ASSIGNMENTS = update("assignments", "assignment_id", ASSIGNMENT)
_MOVE_REPORTS = update("reports", "report_id", (("report_id", "uuid"), ("order_id", "uuid")))
_INSERT_PENDING = insert("pending_links", PENDING, "ON CONFLICT DO NOTHING")


async def load(connection: Connection, order_ids: Iterable[UUID]) -> dict[UUID, Order]:
    """Orders with their assignments, in the order these were offered."""
    wanted = list(order_ids)
    if not wanted:
        return {}
    found = await connection.fetch("SELECT * FROM orders WHERE order_id = ANY($1)", wanted)
    orders = {row["order_id"]: order_of(row) for row in found}
    asked_of = {row["order_id"]: orders[row["order_id"]] for row in found if row["requests"]}
    watched = {row["order_id"]: orders[row["order_id"]] for row in found if row["supervisions"]}
    if orders:
        rows = await connection.fetch(
            "SELECT * FROM assignments WHERE order_id = ANY($1) ORDER BY order_id, ordinal", list(orders)
        )
        for row in rows:
            orders[row["order_id"]].assignments.append(assignment_of(row))
        await requests.load(connection, asked_of)
        await supervisions.load(connection, watched)
    return orders


async def known_reports(connection: Connection, report_ids: Iterable[UUID]) -> dict[UUID, UUID | None]:
    """The order of each report that is kept already; None for one that opened none."""
    rows = await connection.fetch("SELECT report_id, order_id FROM reports WHERE report_id = ANY($1)", list(report_ids))
    return {row["report_id"]: row["order_id"] for row in rows}


async def waiting_for(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, list[Waiting]]:
    """What waits for these orders and reports, the oldest first."""
    rows = await connection.fetch(
        "SELECT cause, waits_for, kind, body FROM pending_links WHERE waits_for = ANY($1) ORDER BY at", list(ids)
    )
    found: dict[UUID, list[Waiting]] = {}
    for row in rows:
        found.setdefault(row["waits_for"], []).append(Waiting(row["cause"], row["waits_for"], row["kind"], row["body"]))
    return found


async def orders_of_assignments(connection: Connection, assignment_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """The order each assignment belongs to, which never changes."""
    rows = await connection.fetch(
        "SELECT assignment_id, order_id FROM assignments WHERE assignment_id = ANY($1)", list(assignment_ids)
    )
    return {row["assignment_id"]: row["order_id"] for row in rows}


async def merged_into(connection: Connection, order_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """The orders that each of these was merged into, one after the other; not locked, so only to know where to look."""
    rows = await connection.fetch(
        "WITH RECURSIVE line(first, next, place) AS (SELECT order_id, merged_into, 1 FROM orders"
        " WHERE order_id = ANY($1) AND merged_into IS NOT NULL UNION SELECT line.first, o.merged_into, place + 1"
        " FROM line JOIN orders o ON o.order_id = line.next WHERE o.merged_into IS NOT NULL AND place < 64)"
        " SELECT first, next FROM line ORDER BY first, place",
        list(order_ids),
    )
    found: dict[UUID, list[UUID]] = {}
    for row in rows:
        found.setdefault(row["first"], []).append(row["next"])
    return found


async def open_of(connection: Connection, order_ids: Iterable[UUID]) -> set[UUID]:
    """Those of these orders that have not ended."""
    rows = await connection.fetch(
        "SELECT order_id FROM orders WHERE order_id = ANY($1) AND status <> ALL($2)", list(order_ids), sorted(ENDED)
    )
    return {row["order_id"] for row in rows}


async def pasts(connection: Connection, order_ids: Iterable[UUID]) -> dict[UUID, list[OrderFact]]:
    """Every fact of these orders, the first first."""
    rows = await connection.fetch(
        "SELECT order_id, type, body FROM history WHERE order_id = ANY($1) ORDER BY order_id, seq", list(order_ids)
    )
    found: dict[UUID, list[OrderFact]] = {}
    for row in rows:
        found.setdefault(row["order_id"], []).append(fact_of(PastChange(row["type"], row["body"])))
    return found


async def save(connection: Connection, book: Book, messages: dict[UUID, Outgoing]) -> None:
    """Write everything a book holds: new and changed orders and assignments, history, reports, what waits.

    `messages` are the facts as they go to Kafka, by fact id: the history keeps the very same bytes.
    """
    opened = list(book.opened.values())
    touched = [order for key, order in book.touched.items() if key not in book.opened]
    parts = [a for o in (*opened, *touched) for a in o.assignments]
    fresh = [(*_assignment(a), *_assignment_fixed(a)) for a in parts if not a.stored]
    reporters = [(kept.report_id, as_json(kept.reporter)) for kept in book.kept if kept.reporter is not None]
    await copy(connection, "orders", ORDER + ORDER_FIXED, [(*_order(o), *_order_fixed(o)) for o in opened])
    await copy(connection, "assignments", ASSIGNMENT + ASSIGNMENT_FIXED, fresh)
    await copy(connection, "history", HISTORY, [_history(change, messages[change.id]) for change in book.changes])
    left = [_stood(stood) for order in (*opened, *touched) for stood in order.left]
    await copy(connection, "queue_past", QUEUE_PAST, left)
    await copy(connection, "reports", REPORT, [_report(kept, book.now) for kept in book.kept])
    await copy(connection, "reporters", REPORTER, reporters)
    await send(connection, _UPDATE_ORDERS, [_order(o) for o in touched])
    await requests.save(connection, touched)
    await supervisions.save(connection, touched)
    routed = {c.order.order_id for c in book.changes if isinstance(c.fact, _ROUTING)}
    await send(connection, _UPDATE_ROUTED, [(o.order_id, *_order_routed(o)) for o in touched if o.order_id in routed])
    await send(connection, _UPDATE_ASSIGNMENTS, [_assignment(a) for a in parts if a.stored and a.changed])
    await handovers.save(connection, book.handovers.values())
    await send(connection, _MOVE_REPORTS, list(book.moved.items()))
    await send(connection, _INSERT_PENDING, [(w.cause, w.waits_for, w.kind, w.body) for w in book.parked])
    if book.released:
        await connection.execute("DELETE FROM pending_links WHERE cause = ANY($1)", book.released)


def as_json(value: Any) -> str:
    """A value as JSON. A text with NUL, which PostgreSQL cannot hold, is refused where messages and bodies are read."""
    return _encode(value).decode()


def _order(o: Order) -> tuple[Any, ...]:
    return (
        o.order_id,
        o.status,
        o.urgency,
        o.version,
        o.seq,
        o.round,
        o.lead,
        o.since,
        o.closed_at,
        o.recorded_at,
        o.result,
        o.citizens,
        o.proposed,
        o.warned,
        as_json(o.voices),
        o.merged_into,
        _lines(o.subjects),
        o.coordinated,
        o.parked_by,
        o.review_at,
        len(o.requests),
        len(o.supervisions),
    )


def _lines(units: tuple[str, ...]) -> str:
    """Unit ids as the column holds them: each between line ends, so that one is found whole."""
    return "".join(f"\n{unit}\n" for unit in units)


def _order_routed(o: Order) -> tuple[Any, ...]:
    return (o.detail.class_ref.key, o.detail.place.division, as_json(o.detail))


def _order_fixed(o: Order) -> tuple[Any, ...]:
    fixed = (o.source, o.verification, o.opened_at, o.imported, o.recurrence_of, o.class_intake)
    return (*fixed, *_order_routed(o))


def _assignment(a: Assignment) -> tuple[Any, ...]:
    return (
        a.assignment_id,
        a.parent,
        a.role,
        a.status,
        a.version,
        a.accepted_at,
        a.contacted_at,
        a.arrived_at,
        a.done_at,
        a.result,
        a.answer,
        a.hard_case_owner,
        "\n".join(a.actors),
        a.stood_since,
        a.pinned,
    )


def _assignment_fixed(a: Assignment) -> tuple[Any, ...]:
    return (a.order_id, a.unit, a.tier, a.ordinal, a.offered_at, a.told_at)


def _stood(s: Stood) -> tuple[Any, ...]:
    return (s.assignment_id, s.order_id, s.unit, s.status, "\n".join(s.actors), s.stood_since, s.until)


def _history(change: Change, message: Outgoing) -> tuple[Any, ...]:
    fact = change.fact
    return (
        fact.order_id,
        fact.seq,
        type(fact).__name__,
        change.action,
        fact.actor,
        fact.unit,
        change.tier,
        change.reason,
        change.old_version,
        change.new_version,
        change.order_version,
        change.assignment_id,
        fact.occurred_at,
        fact.recorded_at,
        change.changed,
        fact.status,
        change.urgency,
        change.lead,
        change.class_key,
        change.division,
        fact.round,
        change.closed_at,
        message.value.decode(),
        change.private,
    )


def _report(kept: KeptReport, now: datetime) -> tuple[Any, ...]:
    report = kept.report
    return (
        kept.report_id,
        kept.order_id,
        kept.state,
        report.source,
        report.received_at,
        now,
        kept.body,
        kept.repeat_of,
    )
