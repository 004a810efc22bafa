"""What is mine to do: a unit's queue, today or as it stood, and a centre's triage."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from schemas.facts import ClockView, ReportReceived
from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.asking import At
from services.chassis.cursors import After, Behind, list_id, read_cursor, write_cursor
from services.chassis.web import answer, principal
from services.dispatch.api.desk import PAGE, Rooms, actor_of, reader, rooms, scope_of, settled
from services.dispatch.api.lists import Cursor, Limit, shown
from services.dispatch.rules import shapes
from services.dispatch.rules.order import Order
from services.dispatch.rules.proposals import hint
from services.dispatch.store import clocks, handovers, lists, proposals, queue, reads
from services.dispatch.store.lists import Page
from services.dispatch.store.queue import Asked, By, Item, Whose

routes = APIRouter(prefix="/v1", tags=["queues"])
SAID = 120  # signs of what was said that a card has room for


@routes.get("/me/queue", summary="What my unit has to do, in the order people work in")
async def my_queue(
    request: Request,
    whose: Whose = Whose.UNIT,
    by: By = By.DUE,
    lon: Annotated[float | None, Query(ge=-180, le=180)] = None,
    lat: Annotated[float | None, Query(ge=-90, le=90)] = None,
    as_of: At | None = None,
    limit: Limit = PAGE,
    cursor: Cursor = "",
) -> Response:
    """One item an assignment: the order in brief, the assignment with what may be done to it, the clock that ends
    first, and `said`, the beginning of the report that opened it. `whose`: my unit's parts; those of them that I worked
    on; or also the parts that my unit passed on. `by`: the earliest due first; red before yellow before green; the
    nearest to `lon` and `lat` first (WGS-84, `metres` in each item). `counts` are of the whole queue. `as_of` shows it
    as it was recorded then. Raises Refused `other_unit` for a caller without a unit, `coordinates_incomplete` for a
    distance without a place."""
    found, caller = rooms(request), reader(request)
    if not caller.unit:
        raise Refused("other_unit", "no unit in the token")
    if (lon is None) != (lat is None) or (by is By.DISTANCE and lon is None):
        raise Refused("coordinates_incomplete", "by=distance needs lon and lat")
    name = list_id("queue", caller.unit, whose, by, lon, lat, as_of)
    after = read_cursor(cursor, name, Behind)
    moment = None if as_of is None else await settled(found, as_of)
    units = found.directory.acts_for(caller.unit)
    page = await queue.look(found.pool, Asked(units, caller.id, whose, by, lon, lat, moment), after, limit)
    ids = list(dict.fromkeys(item.order_id for item in page.items))
    orders, running = await _with_clocks(found, ids, moment)
    opened = await reads.opening_reports(found.pool, ids)
    items = [
        _item(found, caller, item, order, running.get(item.order_id, ()), moment) | _said(opened.get(item.order_id))
        for item in page.items
        if (order := orders.get(item.order_id)) is not None and order.assignment(item.assignment_id) is not None
    ]
    last = page.items[-1] if len(page.items) == limit else None
    following = None if last is None else write_cursor(last.place, name)
    return answer({"items": items, "counts": page.counts, "next": following})


def _item(
    found: Rooms, caller: Any, item: Item, order: Order, running: Sequence[ClockView], moment: datetime | None
) -> dict[str, Any]:
    part = order.assignment(item.assignment_id)
    assert part is not None
    actions = shapes.assignment_actions(found.directory, order, part, actor_of(caller))
    shape = shapes.brief(found.directory, order, moment) | {
        "assignment": shapes.assignment(found.directory, order, part, moment) | {"actions": actions},
        "clock": shapes.nearest(running, part.unit),
        "light": clocks.light_of(running),
    }
    if item.metres is not None:
        shape["metres"] = round(item.metres)
    return shape


def _said(report: ReportReceived | None) -> dict[str, str]:
    """The beginning of what the order was opened for, and the place in the reporter's words."""
    if report is None:
        return {}
    shape = {"said": (report.title or report.text)[:SAID], "address": report.address}
    return {key: value for key, value in shape.items() if value}


@routes.get("/triage", summary="Orders that wait for a decision, the oldest first")
async def triage(request: Request, limit: Limit = PAGE, cursor: Cursor = "") -> Response:
    """Each with the ranked candidates, why it was not sure, and the orders that may be about the same matter."""
    found = rooms(request)
    caller = principal(request, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR)
    name = list_id("triage", caller.unit)
    page = await lists.triage(found.pool, scope_of(found.directory, caller), read_cursor(cursor, name), limit)
    orders, running = await _with_clocks(found, [after.id for after in page])
    async with found.pool.acquire() as connection:
        handed = {h.order_id for h in (await handovers.waiting(connection, orders)).values()}
    asked = await proposals.beside(found.pool, scope_of(found.directory, caller), list(orders))
    items = [
        shapes.brief(found.directory, order)
        | {
            "candidates": [
                {**shapes.unit(found.directory, c.value), "score": c.score, "because": c.because}
                for c in order.detail.candidates
            ],
            "why": order.detail.why,
            "merges": [hint(each, order.order_id) for each in asked.get(order.order_id, ())],
            "clock": shapes.nearest(running.get(order.order_id, ()), caller.unit),
            "actions": shapes.order_actions(found.directory, order, actor_of(caller), waiting=order.order_id in handed),
        }
        for order in orders.values()
    ]
    return answer({"items": items, "next": write_cursor(page[-1], name) if len(page) == limit else None})


async def _with_clocks(
    found: Rooms, ids: Sequence[UUID], moment: datetime | None = None
) -> tuple[dict[UUID, Order], dict[UUID, tuple[ClockView, ...]]]:
    """Orders by id, as they stand or stood, and their clocks."""
    if moment is None:
        orders = await reads.load(found.pool, list(ids))
    else:
        orders = await shown(found, Page([After(moment, id_) for id_ in ids], None), moment)
    async with found.pool.acquire() as connection:
        return {o.order_id: o for o in orders}, await clocks.latest(connection, list(ids), moment)
