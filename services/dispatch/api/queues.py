"""What is mine to do: a unit's queue, and a centre's triage."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from schemas.facts import ClockView
from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.web import answer, principal
from services.dispatch.api.desk import PAGE, Rooms, actor_of, reader, rooms, scope_of
from services.dispatch.api.orders import Cursor, Limit, following
from services.dispatch.rules import shapes
from services.dispatch.rules.order import Order
from services.dispatch.store import clocks, reads
from services.dispatch.store.cursors import After, read_cursor, write_cursor

routes = APIRouter(prefix="/v1", tags=["queues"])
NEVER = datetime.max.replace(tzinfo=UTC)


@routes.get("/me/queue", summary="What my unit has to do, the earliest due first")
async def my_queue(request: Request, limit: Limit = PAGE, cursor: Cursor = "") -> Response:
    """One item an assignment: the order in brief, the assignment with what may be done to it, and the clock that ends
    first. Raises Refused `other_unit` for a caller without a unit."""
    found, caller = rooms(request), reader(request)
    if not caller.unit:
        raise Refused("other_unit", "no unit in the token")
    page = await reads.queue(found.pool, caller.unit, read_cursor(cursor), limit)
    orders, running = await _with_clocks(found, [order_id for _, order_id, _ in page])
    items: list[dict[str, Any]] = []
    for assignment_id, order_id, _ in page:
        order = orders.get(order_id)
        part = None if order is None else order.assignment(assignment_id)
        if order is None or part is None:
            continue
        actions = shapes.assignment_actions(found.directory, order, part, actor_of(caller))
        items.append(
            shapes.brief(found.directory, order)
            | {
                "assignment": shapes.assignment(found.directory, order, part) | {"actions": actions},
                "clock": shapes.nearest(running.get(order_id, ()), caller.unit),
            }
        )
    last = page[-1] if len(page) == limit else None
    return answer({"items": items, "next": last and write_cursor(After(last[2] or NEVER, last[0]))})


@routes.get("/triage", summary="Orders that wait for a decision, the oldest first")
async def triage(request: Request, limit: Limit = PAGE, cursor: Cursor = "") -> Response:
    """Each with the ranked candidates and why it was not sure."""
    found = rooms(request)
    caller = principal(request, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR)
    page = await reads.triage(found.pool, scope_of(found.directory, caller), read_cursor(cursor), limit)
    orders, running = await _with_clocks(found, [after.id for after in page])
    items = [
        shapes.brief(found.directory, order)
        | {
            "candidates": [
                {**shapes.unit(found.directory, c.value), "score": c.score, "because": c.because}
                for c in order.detail.candidates
            ],
            "why": order.detail.why,
            "clock": shapes.nearest(running.get(order.order_id, ()), caller.unit),
            "actions": shapes.order_actions(found.directory, order, actor_of(caller)),
        }
        for order in orders.values()
    ]
    return answer({"items": items, "next": following(page, limit)})


async def _with_clocks(
    found: Rooms, ids: Sequence[UUID]
) -> tuple[dict[UUID, Order], dict[UUID, tuple[ClockView, ...]]]:
    """Orders by id, as they stand, and their clocks."""
    orders = {order.order_id: order for order in await reads.load(found.pool, list(dict.fromkeys(ids)))}
    async with found.pool.acquire() as connection:
        return orders, await clocks.latest(connection, list(orders))
