"""Orders to look at: one whole, as it stood at a past moment, its history; and reports."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from schemas.facts import Reporter
from schemas.ids import number_of
from schemas.refusals import Refused
from schemas.vocabulary import OrderStatus
from services.chassis.asking import At
from services.chassis.auth import allow
from services.chassis.web import answer, principal
from services.dispatch.api.attachments import shape as photo_shape
from services.dispatch.api.desk import Rooms, actor_of, check_sight, reader, rooms, settled
from services.dispatch.api.duty import duty_of
from services.dispatch.rules import shapes, visibility
from services.dispatch.rules.order import Order
from services.dispatch.rules.past import rebuilt, reports_in
from services.dispatch.store import attachments, cases, clocks, handovers, reads
from services.dispatch.store.reads import StoredReport

routes = APIRouter(prefix="/v1", tags=["orders"])


@routes.get("/orders/{order}", summary="One order, by id or number")
async def one_order(
    request: Request,
    order: str,
    as_of: At | None = None,
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
    handed = await handovers.of_order(found.pool, shown.order_id) if as_of is None else []
    body = shapes.full(
        found.directory,
        shown,
        reports=[report_shape(report, revealed=bool(reveal)) for report in stored],
        clocks=running.get(shown.order_id, ()),
        actor=actor_of(caller),
        at=as_of,
        handovers=handed,
    )
    if shown.detail.case_id is not None and (told := await cases.title_of(found.pool, shown.detail.case_id)):
        body["case"] |= {"title": told[0], "state": told[1]}
    if shown.detail.split_from is not None:
        about = await reads.reports(found.pool, shown.detail.split_from)
        body["split_from"] = {
            "order_id": shown.detail.split_from,
            "number": number_of(shown.detail.split_from),
            "reports": [report_shape(report, revealed=False) for report in about],
        }
    body["attachments"] = [photo_shape(kept) for kept in await attachments.of_order(found.pool, shown.order_id, as_of)]
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
    """By id or number. Says nothing of the reporter nor of what was reported: any signed-in caller may ask. An agent is
    told of a repeat, with the answer that was given before."""
    found = rooms(request)
    caller = principal(request)
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
    if stored.repeat_of is not None and caller.role in visibility.REVEALERS:
        body |= {"repeat_of": number_of(stored.repeat_of), "answer": await _earlier_answer(found, stored.repeat_of)}
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


async def _earlier_answer(found: Rooms, report_id: UUID) -> str | None:
    """What the sender of an earlier report was told: the conclusion, else what he or all were answered."""
    row = await reads.report(found.pool, report_id)
    if row is None or row[0].order_id is None:
        return None
    order = (await reads.load(found.pool, [row[0].order_id]))[0]
    own = next((v.answer for v in order.voices if v.report_id == report_id), "")
    given = [a.answer for a in order.assignments if a.answer]
    return order.detail.conclusion or own or (given[-1] if given else None)


def report_shape(stored: StoredReport, *, revealed: bool) -> dict[str, Any]:
    """A report inside its order: what was said, and the reporter masked unless revealed."""
    shape = shapes.report(stored.report_id, stored.report, stored.reporter, stored.repeat_of)
    if revealed and stored.reporter is not None:
        shape["reporter"] = _clear(stored.reporter)
    return shape


def _clear(reporter: Reporter) -> dict[str, Any]:
    shape = {
        "name": reporter.name,
        "phone": reporter.phone,
        "person_id": reporter.person_id,
        "address": reporter.address,
    }
    return {key: value for key, value in shape.items() if value} | {"confidential": bool(reporter.confidential)}
