"""Orders to look at: lists, one whole, as it stood at a past moment, its history; and reports."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from schemas.facts import Reporter
from schemas.ids import number_of
from schemas.refusals import Refused
from schemas.vocabulary import OrderStatus, Source
from services.chassis.auth import Principal, allow
from services.chassis.web import answer, principal
from services.dispatch.api.desk import MOST, PAGE, Rooms, actor_of, check_sight, reader, rooms, scope_of, sees, settled
from services.dispatch.api.duty import duty_of
from services.dispatch.rules import shapes, visibility
from services.dispatch.rules.order import Order
from services.dispatch.rules.past import rebuilt, reports_in
from services.dispatch.store import clocks, reads
from services.dispatch.store.cursors import After, read_cursor, write_cursor
from services.dispatch.store.reads import Filters, StoredReport

routes = APIRouter(prefix="/v1", tags=["orders"])
SCANS = 5  # pages of candidates one look into the past goes through before it hands out a cursor

Limit = Annotated[int, Query(ge=1, le=MOST)]
Cursor = Annotated[str, Query(max_length=200)]


@routes.get("/orders", summary="Orders you may see, the youngest first")
async def list_orders(
    request: Request,
    status: Annotated[list[OrderStatus] | None, Query()] = None,
    division: str = "",
    unit: str = "",
    class_: Annotated[str, Query(alias="class")] = "",
    source: Source | None = None,
    opened_from: datetime | None = None,
    opened_to: datetime | None = None,
    q: Annotated[str, Query(max_length=100)] = "",
    as_of: datetime | None = None,
    limit: Limit = PAGE,
    cursor: Cursor = "",
) -> Response:
    """Filters narrow together. `division` takes in what lies inside it, `unit` those it leads or takes part in,
    `class` is a key `standard/kind/code`, `q` a number or words, `as_of` shows the list as it was recorded then."""
    found, caller = rooms(request), reader(request)
    for name, moment in (("opened_from", opened_from), ("opened_to", opened_to)):
        if moment is not None and moment.tzinfo is None:
            raise Refused("invalid", f"{name}: without a time zone")
    filters = Filters(
        status=tuple(status or ()),
        division=found.directory.subtree(division) if division else (),
        unit=unit,
        class_key=class_,
        source=source or "",
        opened_from=opened_from,
        opened_to=opened_to,
        q=q.replace("\0", ""),
    )
    if as_of is not None:
        return answer(await _past_list(found, caller, filters, await settled(found, as_of), read_cursor(cursor), limit))
    after = await reads.order_ids(found.pool, scope_of(found.directory, caller), filters, read_cursor(cursor), limit)
    orders = await reads.load(found.pool, [a.id for a in after])
    return answer({"items": [shapes.brief(found.directory, o) for o in orders], "next": following(after, limit)})


async def _past_list(
    found: Rooms, caller: Principal, filters: Filters, as_of: datetime, after: After | None, limit: int
) -> dict[str, Any]:
    """The list as it was recorded at a moment: candidates page by page, each folded from its history."""
    fixed = Filters(source=filters.source, opened_from=filters.opened_from, opened_to=filters.opened_to, q=filters.q)
    items: list[dict[str, Any]] = []
    for _ in range(SCANS):
        page = await reads.order_ids(found.pool, scope_of(found.directory, caller), fixed, after, MOST, before=as_of)
        changes = await reads.changes(found.pool, [a.id for a in page], as_of)
        for a in page:
            after = a
            order = rebuilt(changes.get(a.id, ()))
            if order is not None and sees(found.directory, caller, order) and _fits(order, filters):
                items.append(shapes.brief(found.directory, order))
                if len(items) == limit:
                    return {"items": items, "next": write_cursor(a)}
        if len(page) < MOST:
            return {"items": items, "next": None}
    return {"items": items, "next": write_cursor(after) if after is not None else None}


def _fits(order: Order, f: Filters) -> bool:
    """Whether an order as it stood fits what may have changed since."""
    detail = order.detail
    return (
        (not f.status or order.status in f.status)
        and (not f.division or detail.place.division in f.division)
        and (not f.class_key or detail.class_ref.key == f.class_key)
        and (not f.unit or f.unit == order.lead or any(a.unit == f.unit for a in order.assignments))
    )


@routes.get("/orders/{order}", summary="One order, by id or number")
async def one_order(
    request: Request,
    order: str,
    as_of: datetime | None = None,
    reveal: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """The order whole, with ETag its version. `as_of` shows it as it was recorded then. Reporters are masked;
    `reveal=PURPOSE` shows them to an agent or dispatcher and is logged."""
    found, caller = rooms(request), reader(request)
    if reveal:
        allow(caller, visibility.REVEALERS)
    shown, then = await _shown(found, order, as_of)
    check_sight(found.directory, caller, shown)
    if then is None:
        stored = await reads.reports(found.pool, shown.order_id)
    else:
        stored = await reads.reports_by_id(found.pool, then)
    if reveal:
        await reads.reveal(found.pool, shown.order_id, caller.id, caller.role.value, caller.unit, reveal)
    async with found.pool.acquire() as connection:
        running = await clocks.latest(connection, [shown.order_id], as_of)
    body = shapes.full(
        found.directory,
        shown,
        reports=[report_shape(report, revealed=bool(reveal)) for report in stored],
        clocks=running.get(shown.order_id, ()),
        actor=actor_of(caller),
    )
    if shown.detail.split_from is not None:
        about = await reads.reports(found.pool, shown.detail.split_from)
        body["split_from"] = {
            "order_id": shown.detail.split_from,
            "number": number_of(shown.detail.split_from),
            "reports": [report_shape(report, revealed=False) for report in about],
        }
    if as_of is None and (rung := await duty_of(found, shown, caller)):
        body["duty"] = rung
    return answer(body, headers={"etag": f'"{shown.version}"'})


@routes.get("/orders/{order}/history", summary="Every change of an order")
async def order_history(request: Request, order: str) -> Response:
    """One row a change, the first first: who, for which unit, what, old and new version, when it happened and when it
    was recorded, and the fact as published."""
    found, caller = rooms(request), reader(request)
    shown, _ = await _shown(found, order, None)
    check_sight(found.directory, caller, shown)
    return answer({"items": await reads.history(found.pool, shown.order_id), "next": None})


@routes.get("/reports/{report}", summary="Where a report got to", tags=["reports"])
async def one_report(request: Request, report: str) -> Response:
    """By id or number. Says nothing of the reporter nor of what was reported: any signed-in caller may ask."""
    found = rooms(request)
    principal(request)
    report_id = await reads.find(found.pool, "reports", report)
    row = None if report_id is None else await reads.report(found.pool, report_id)
    if row is None:
        raise Refused("not_found")
    stored, status = row
    order_status = None if status is None else OrderStatus(status)
    body: dict[str, Any] = {
        "report_id": stored.report_id,
        "number": number_of(stored.report_id),
        "source": stored.report.source,
        "received_at": stored.report.received_at,
        "state": shapes.report_state(stored.state, order_status),
    }
    if stored.order_id is not None:
        body |= {
            "order_id": stored.order_id,
            "order_number": number_of(stored.order_id),
            "order_status": order_status,
        }
    return answer(body)


async def _shown(found: Rooms, name: str, as_of: datetime | None) -> tuple[Order, set[UUID] | None]:
    """An order by id or number, now or as it was recorded at a moment; then with the reports it had by then. Raises
    Refused: not_found, moment_too_young."""
    order_id = await reads.find(found.pool, "orders", name)
    if order_id is None:
        raise Refused("not_found")
    if as_of is None:
        return (await reads.load(found.pool, [order_id]))[0], None
    changes = (await reads.changes(found.pool, [order_id], await settled(found, as_of))).get(order_id, [])
    order = rebuilt(changes)
    if order is None:
        raise Refused("not_found", "not yet recorded then")
    return order, reports_in(changes)


def following(page: list[After], limit: int) -> str | None:
    """The cursor behind a full page; None when there is no more."""
    return write_cursor(page[-1]) if len(page) == limit else None


def report_shape(stored: StoredReport, *, revealed: bool) -> dict[str, Any]:
    """A report inside its order: what was said, and the reporter masked unless revealed."""
    report = stored.report
    shape: dict[str, Any] = {
        "report_id": stored.report_id,
        "number": number_of(stored.report_id),
        "source": report.source,
        "received_at": report.received_at,
        "ticket_type": report.ticket_type,
        "title": report.title,
        "text": report.text,
        "address": report.address,
        "source_due": report.source_due,
        "reporter": _clear(stored.reporter) if revealed else shapes.masked(stored.reporter),
    }
    return {key: value for key, value in shape.items() if value not in (None, "")}


def _clear(reporter: Reporter | None) -> dict[str, Any] | None:
    if reporter is None:
        return None
    shape = {
        "name": reporter.name,
        "phone": reporter.phone,
        "person_id": reporter.person_id,
        "address": reporter.address,
    }
    return {key: value for key, value in shape.items() if value} | {"confidential": reporter.confidential}
