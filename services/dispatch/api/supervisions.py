"""Supervisions 督办: the list of those a caller sees, the answer, and the word on it."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response

from schemas.refusals import Refused
from schemas.vocabulary import Role, SupervisionKind, SupervisionState
from services.chassis.asking import decoded
from services.chassis.cursors import After, list_id, read_cursor, write_cursor
from services.chassis.web import answer, principal
from services.dispatch.api.actions import described
from services.dispatch.api.desk import (
    PAGE,
    Rooms,
    actor_of,
    hash_of,
    idempotency_key,
    if_match,
    reader,
    rooms,
    scope_of,
)
from services.dispatch.api.lists import Cursor, Limit, Word
from services.dispatch.handlers import Command
from services.dispatch.rules import shapes
from services.dispatch.rules.acts import supervising
from services.dispatch.rules.supervisions.model import Supervision
from services.dispatch.store import clocks, reads
from services.dispatch.store import supervisions as store

_answer = msgspec.json.Decoder(supervising.Answer)
_word = msgspec.json.Decoder(supervising.Word)
routes = APIRouter(prefix="/v1", tags=["supervisions"])
_PAGING = frozenset({"limit", "cursor"})
_ANSWERERS = (Role.RESPONDER, Role.DISPATCHER)
_DECIDERS = (Role.DISPATCHER, Role.SUPERVISOR, Role.RESPONDER)


@routes.get("/supervisions", summary="Supervisions that you may see, the newest first")
async def list_supervisions(
    request: Request,
    state: Annotated[list[SupervisionState] | None, Query()] = None,
    kind: Annotated[list[SupervisionKind] | None, Query()] = None,
    level: Annotated[list[int] | None, Query()] = None,
    unit: Word = "",
    by: Word = "",
    division: Word = "",
    order: Word = "",
    limit: Limit = PAGE,
    cursor: Cursor = "",
) -> Response:
    """Those that your unit answers or accepts, those of orders in its hands, and of a centre those inside its boundary;
    oversight without a unit sees all. Without `state`, those that are live. `unit` has to answer, `by` accepts, of a
    merged unit those of its parts too; `division` takes in everything below it; `order` is an id or a number. `actions`
    says what the caller may do now: `answer`, `decision`."""
    found, caller = rooms(request), reader(request)
    directory = found.directory
    if division and not directory.knows_division(division):
        raise Refused("division_unknown", division)
    order_id = await reads.find(found.pool, "orders", order) if order else None
    if order and order_id is None:
        raise Refused("not_found", order)
    live = [SupervisionState.OPEN, SupervisionState.ANSWERED]
    asked = store.Asked(
        states=state or live,
        kinds=kind or (),
        levels=level or (),
        answerers=_units(found, unit),
        by=_units(found, by),
        divisions=directory.subtree(division) if division else None,
        order_id=order_id,
    )
    of = list_id("supervisions", *sorted((k, v) for k, v in request.query_params.multi_items() if k not in _PAGING))
    page = await store.listed(found.pool, scope_of(directory, caller), asked, read_cursor(cursor, of), limit)
    last = page[-1] if len(page) == limit else None
    after = last and write_cursor(After(last.made_at, last.supervision_id), of)
    return answer({"items": await _shown(request, page), "next": after})


@routes.get("/supervisions/{supervision_id}", summary="One supervision")
async def one_supervision(request: Request, supervision_id: UUID) -> Response:
    """As in the list, for whoever sees it there. Raises Refused: not_found, other_unit."""
    found, caller = rooms(request), reader(request)
    asked = store.Asked(supervision_id=supervision_id)
    page = await store.listed(found.pool, scope_of(found.directory, caller), asked, None, 1)
    if not page:
        async with found.pool.acquire() as connection:
            known = await store.orders_of(connection, [supervision_id])
        raise Refused("other_unit" if known else "not_found")
    (shape,) = await _shown(request, page)
    return Response(msgspec.json.encode(shape), media_type="application/json", headers={"etag": f'"{page[0].version}"'})


@routes.post(
    "/supervisions/{supervision_id}/answer",
    summary="Answer a supervision",
    openapi_extra=described({"answer": supervising.Answer}),
)
async def give_answer(request: Request) -> Response:
    """The unit that has to answer does; If-Match is the supervision's version. Answers the order as it stands then."""
    return await _submit(request, "answer", _answer, _ANSWERERS)


@routes.post(
    "/supervisions/{supervision_id}/decision",
    summary="Accept an answer, or send it back",
    openapi_extra=described({"decision": supervising.Word}),
)
async def decide(request: Request) -> Response:
    """The supervising unit, or one over it, accepts the answer or sends it back, with a word; If-Match is the
    supervision's version. Answers the order as it stands then."""
    return await _submit(request, "decision", _word, _DECIDERS)


async def _submit(
    request: Request, action: str, decoder: "msgspec.json.Decoder[Any]", roles: tuple[Role, ...]
) -> Response:
    caller = principal(request, *roles)
    key = idempotency_key(request)
    raw = await request.body()
    try:
        target = UUID(request.path_params["supervision_id"])
    except ValueError:
        raise Refused("not_found") from None
    command = Command(
        principal=caller,
        key=key,
        body_hash=hash_of(f"supervision {action}".encode(), target.bytes, raw),
        version=if_match(request),
        target=target,
        on_assignment=False,
        on_supervision=True,
        action=action,
        body=decoded(decoder, raw),
    )
    answered = await rooms(request).desk.submit(command)
    return Response(answered.body, media_type="application/json", headers={"etag": f'"{answered.version}"'})


def _units(found: Rooms, unit: str) -> tuple[str, ...]:
    """A unit and those that became part of it. Raises Refused `unit_unknown`."""
    if unit and not found.directory.ever_had(unit):
        raise Refused("unit_unknown", unit)
    return (found.directory.acts_for(unit) or (unit,)) if unit else ()


async def _shown(request: Request, page: list[Supervision]) -> list[dict[str, Any]]:
    found, actor = rooms(request), actor_of(reader(request))
    async with found.pool.acquire() as connection:
        running = await clocks.latest(connection, list({s.order_id for s in page}))
    return [shapes.supervision(found.directory, s, running.get(s.order_id, ()), actor) for s in page]
