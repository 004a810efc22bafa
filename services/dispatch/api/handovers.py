"""How other platforms take what is handed to them, and learn what became of what they handed over."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response

from schemas.ids import number_of
from schemas.refusals import Refused
from schemas.vocabulary import HandoverState, Role
from services.chassis.asking import decoded
from services.chassis.auth import Principal
from services.chassis.cursors import After, read_cursor, write_cursor
from services.chassis.web import answer, principal
from services.dispatch.api.desk import PAGE, Rooms, hash_of, idempotency_key, if_match, rooms, sees
from services.dispatch.api.lists import Cursor, Limit
from services.dispatch.api.orders import report_shape
from services.dispatch.handlers.handovers import HandoverCommand
from services.dispatch.rules import shapes
from services.dispatch.rules.acts.handing import ON_HANDOVER
from services.dispatch.rules.handover import Handover, check_platform, platform_of
from services.dispatch.rules.order import Order
from services.dispatch.rules.receipts import receipts, settled
from services.dispatch.rules.visibility import READERS
from services.dispatch.store import handovers as store
from services.dispatch.store import reads

routes = APIRouter(prefix="/v1", tags=["hand-overs"])
_DECODERS = {action: msgspec.json.Decoder(one.body) for action, one in ON_HANDOVER.items()}


@routes.get("/handovers", summary="What waits for my platform, the longest first")
async def inbox(
    request: Request, state: HandoverState = HandoverState.OFFERED, limit: Limit = PAGE, cursor: Cursor = ""
) -> Response:
    """For the gateway of a platform: hand-overs to it in one state. Raises Refused `other_unit` for a token whose unit
    answers for no platform."""
    found, caller = rooms(request), principal(request, Role.GATEWAY)
    platform = _platform(found, caller)
    page = await store.of_platform(found.pool, platform, state.value, read_cursor(cursor), limit)
    orders = {o.order_id: o for o in await reads.load(found.pool, [h.order_id for h in page])}
    numbers = await store.numbers_of(found.pool, list(orders))
    items = [shapes.handover(found.directory, h, orders[h.order_id], numbers.get(h.order_id, ())) for h in page]
    last = page[-1] if len(page) == limit else None
    return answer({"items": items, "next": last and write_cursor(After(last.offered_at, last.handover_id))})


@routes.get("/handovers/{handover_id}", summary="One hand-over")
async def one(request: Request, handover_id: UUID, reveal: Annotated[str, Query(max_length=200)] = "") -> Response:
    """With what was reported. `reveal` names a purpose and shows who reported to the platform that signed; it is
    logged."""
    found, caller = rooms(request), principal(request, Role.GATEWAY, *READERS)
    handover, order = await _of(found, caller, handover_id)
    if reveal and (caller.role is not Role.GATEWAY or handover.state is not HandoverState.SIGNED):
        raise Refused("handover_unsigned")
    stored = await reads.reports(found.pool, order.order_id)
    if reveal:
        await reads.reveal(found.pool, order.order_id, caller.id, caller.role.value, caller.unit, reveal)
    numbers = await store.numbers_of(found.pool, [order.order_id])
    body = shapes.handover(found.directory, handover, order, numbers.get(order.order_id, ()))
    body |= {"reports": [report_shape(report, revealed=bool(reveal)) for report in stored]}
    return answer(body, headers={"etag": f'"{handover.version}"'})


@routes.post("/handovers/{handover_id}/{action}", summary="Sign, decline, or say how far you got")
async def act(request: Request, handover_id: UUID, action: str) -> Response:
    """For the gateway of the platform: `sign` {person, number}, `decline` {reason}, `receipts` {step, answer}; If-Match
    is the hand-over's version."""
    found, caller = rooms(request), principal(request, Role.GATEWAY)
    if action not in _DECODERS:
        raise Refused("action_unknown", action, allowed=list(_DECODERS))
    key = idempotency_key(request)
    raw = await request.body()
    command = HandoverCommand(
        principal=caller,
        key=key,
        body_hash=hash_of(action.encode(), handover_id.bytes, raw),
        version=if_match(request),
        handover_id=handover_id,
        action=action,
        body=decoded(_DECODERS[action], raw),
    )
    answered = await found.handovers.submit(command)
    return Response(answered.body, media_type="application/json", headers={"etag": f'"{answered.version}"'})


@routes.get("/receipts/{source_number}", summary="What became of what I handed over, under my own number")
async def receipts_of(request: Request, source_number: str) -> Response:
    """For the gateway of a platform whose matters come here: signed, arrived, result, each with its time and
    unit; the answer with the result. Nothing of who reported."""
    found, caller = rooms(request), principal(request, Role.GATEWAY)
    row = await store.report_numbered(found.pool, _platform(found, caller), source_number)
    if row is None:
        raise Refused("not_found")
    report_id, order_id, received_at = row
    body: dict[str, Any] = {
        "source_number": source_number,
        "report_id": report_id,
        "number": number_of(report_id),
        "received_at": received_at,
        "receipts": [],
    }
    if order_id is not None:
        order = (await reads.load(found.pool, [order_id]))[0]
        given = receipts(await reads.past(found.pool, order_id))
        body |= {"order_number": number_of(order_id), "order_status": order.status}
        body["receipts"] = [shapes.receipt(found.directory, each) for each in given]
    else:
        (stored,) = await reads.reports_by_id(found.pool, [report_id])
        without_work = settled(stored.state, stored.report, received_at)
        body["receipts"] = [] if without_work is None else [shapes.receipt(found.directory, without_work)]
    return answer(body)


def _platform(found: Rooms, caller: Principal) -> str:
    platform = platform_of(found.directory, caller.unit) if caller.unit else ""
    if not platform:
        raise Refused("other_unit", "no platform in the token")
    return platform


async def _of(found: Rooms, caller: Principal, handover_id: UUID) -> tuple[Handover, Order]:
    """A hand-over that the caller may see: its platform, or whoever sees its order."""
    handover = (await store.load(found.pool, [handover_id])).get(handover_id)
    if handover is None:
        raise Refused("not_found")
    order = (await reads.load(found.pool, [handover.order_id]))[0]
    if caller.role is Role.GATEWAY:
        check_platform(found.directory, handover, caller.unit, order.detail.place.division)
    elif not sees(found.directory, caller, order):
        raise Refused("other_unit")
    return handover, order
