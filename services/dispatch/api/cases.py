"""Special cases: lists, one whole or as it stood, its history; what people do to it and to commitments; my unit's
commitments."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response

from schemas.ids import case_id_of, number_of
from schemas.refusals import Refused
from schemas.vocabulary import CaseState, CommitmentState
from services.chassis.asking import At, decoded
from services.chassis.auth import Principal
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
    settled,
)
from services.dispatch.api.lists import Cursor, Limit, Word
from services.dispatch.handlers.cases import OPEN, CaseCommand
from services.dispatch.rules.cases import showing
from services.dispatch.rules.cases.bodies import CASE_BODIES, COMMITMENT_BODIES, Linking, Opening
from services.dispatch.rules.cases.evolve import rebuilt
from services.dispatch.rules.cases.model import SpecialCase
from services.dispatch.rules.cases.table import OPENERS, check_role
from services.dispatch.store import cases as store
from services.dispatch.store import clocks, reads

routes = APIRouter(prefix="/v1", tags=["special cases"])
_opening = msgspec.json.Decoder(Opening)
_ON_CASE = {action: msgspec.json.Decoder(body) for action, body in CASE_BODIES.items()}
_ON_COMMITMENT = {action: msgspec.json.Decoder(body) for action, body in COMMITMENT_BODIES.items()}
BULK = ("link", "unlink")
_KEY_ONLY = described({OPEN: Opening})
_KEY_ONLY["parameters"] = _KEY_ONLY["parameters"][:1]


@routes.get("/special-cases", summary="Special cases you may see, the youngest first")
async def listed(
    request: Request, state: CaseState | None = None, unit: Word = "", limit: Limit = PAGE, cursor: Cursor = ""
) -> Response:
    """`unit` is one that opened it, leads it, or committed to something in it. A unit sees a case in which it committed
    to something or that it leads, or of whose orders it holds one; a centre also what lies in its boundary."""
    found, caller = rooms(request), reader(request)
    if unit and not found.directory.ever_had(unit):
        raise Refused("unit_unknown", unit)
    name = list_id("special-cases", caller.unit, state, unit)
    scope = scope_of(found.directory, caller)
    page = await store.page(found.pool, scope, state, unit, read_cursor(cursor, name), limit)
    counts = await store.counts(found.pool, [case.case_id for case in page])
    items = [showing.brief(found.directory, case, counts[case.case_id]) for case in page]
    last = page[-1] if len(page) == limit else None
    return answer({"items": items, "next": last and write_cursor(After(last.opened_at, last.case_id), name)})


@routes.post("/special-cases", status_code=201, summary="Open a special case", openapi_extra=_KEY_ONLY)
async def open_one(request: Request) -> Response:
    """By a dispatcher of a centre, with a title, a reason, the unit that answers for it, and its first orders (at most
    1,000, each of which he must see); all of them or none. The same key again gives the first answer."""
    found, caller = rooms(request), principal(request, *OPENERS)
    key, raw = idempotency_key(request), await request.body()
    body = decoded(_opening, raw)
    case_id = case_id_of(caller.id, key)
    command = CaseCommand(caller, key, hash_of(b"special-case", raw), None, case_id, OPEN, body)
    answered = await found.cases.submit(command)
    return Response(answered.body, 201, media_type="application/json", headers={"etag": f'"{answered.version}"'})


@routes.get("/special-cases/{case}", summary="One special case, by id or number")
async def one(request: Request, case: str, as_of: At | None = None) -> Response:
    """With its meetings and commitments, each commitment with its clock and what you may do to it; ETag is its version.
    Its orders are listed by `/v1/orders?case=`. `as_of` shows it as it was recorded then."""
    found, caller = rooms(request), reader(request)
    shown = await _shown(found, caller, case, as_of)
    async with found.pool.acquire() as connection:
        running = await clocks.latest(connection, [shown.case_id], as_of)
    more: dict[str, Any] = {}
    if as_of is None:
        more["reports"] = await store.complainants(found.pool, shown.case_id)
    body = showing.full(found.directory, shown, actor_of(caller), running.get(shown.case_id, ()), **more)
    return answer(body, headers={"etag": f'"{shown.version}"'})


@routes.get("/special-cases/{case}/history", summary="Every change of a special case")
async def history(request: Request, case: str) -> Response:
    """One row a change, the first first, each with the fact as published."""
    found, caller = rooms(request), reader(request)
    shown = await _shown(found, caller, case, None)
    return answer({"items": await store.history(found.pool, shown.case_id), "next": None})


@routes.post(
    "/special-cases/{case}/actions/{action}", summary="Act on a special case", openapi_extra=described(CASE_BODIES)
)
async def act(request: Request, case: str, action: str) -> Response:
    """`link` and `unlink` orders (all of them or none), record a `meeting`, `close`; If-Match is the case's version."""
    return await _act(request, case, action)


@routes.post(
    "/special-cases/{case}/bulk/actions/{action}",
    summary="Link or unlink many orders, each with a result of its own",
    openapi_extra=described({"link": Linking}),
)
async def act_on_many(request: Request, case: str, action: str) -> Response:
    """`link` or `unlink` at most 1,000 orders: those that can be are, each other one says why not in `items`."""
    if action not in BULK:
        raise Refused("action_unknown", action, allowed=list(BULK))
    return await _act(request, case, action, each=True)


@routes.post(
    "/special-cases/{case}/commitments/{commitment_id}/actions/{action}",
    summary="Act on a commitment",
    openapi_extra=described(COMMITMENT_BODIES),
)
async def act_on_commitment(request: Request, case: str, commitment_id: UUID, action: str) -> Response:
    """`answer` by the unit that committed; `accept`, `send_back` and `withdraw` by the centre, never by that unit
    itself; If-Match is the commitment's version."""
    return await _act(request, case, action, commitment_id)


@routes.get("/me/commitments", summary="What my unit committed to, the earliest due first", tags=["queues"])
async def mine(
    request: Request,
    state: Annotated[list[CommitmentState] | None, Query()] = None,
    limit: Limit = PAGE,
    cursor: Cursor = "",
) -> Response:
    """Each with its clock, what may be done to it, and the title of its special case. Without `state`, those that are
    open. Raises Refused `other_unit` for a caller without a unit."""
    found, caller = rooms(request), reader(request)
    if not caller.unit:
        raise Refused("other_unit", "no unit in the token")
    wanted = state or [CommitmentState.OPEN]
    name = list_id("commitments", caller.unit, wanted)
    units = found.directory.acts_for(caller.unit)
    page = await store.commitments_of(found.pool, units, wanted, read_cursor(cursor, name), limit)
    held = await store.load(found.pool, {each.case_id for each in page})
    async with found.pool.acquire() as connection:
        running = await clocks.latest(connection, list(held))
    items = []
    for each in page:
        case = held[each.case_id]
        by_id = {clock.clock_id: clock for clock in running.get(case.case_id, ())}
        shape = showing.commitment(found.directory, case, each, actor_of(caller), by_id)
        items.append(shape | {"case": {"number": number_of(case.case_id), "title": case.title}})
    last = page[-1] if len(page) == limit else None
    return answer({"items": items, "next": last and write_cursor(After(last.due, last.commitment_id), name)})


async def _act(
    request: Request, name: str, action: str, commitment_id: UUID | None = None, *, each: bool = False
) -> Response:
    found, caller = rooms(request), principal(request)
    check_role(action, caller.role, on_commitment=commitment_id is not None)
    key, raw = idempotency_key(request), await request.body()
    case_id = await reads.find(found.pool, "special_cases", name)
    if case_id is None:
        raise Refused("not_found")
    target = commitment_id or case_id
    command = CaseCommand(
        principal=caller,
        key=key,
        body_hash=hash_of(f"case {action} {each}".encode(), target.bytes, raw),
        version=if_match(request),
        case_id=case_id,
        action=action,
        body=decoded((_ON_CASE if commitment_id is None else _ON_COMMITMENT)[action], raw or b"{}"),
        commitment_id=commitment_id,
        each=each,
    )
    answered = await found.cases.submit(command)
    return Response(answered.body, media_type="application/json", headers={"etag": f'"{answered.version}"'})


async def _shown(found: Rooms, caller: Principal, name: str, as_of: datetime | None) -> SpecialCase:
    """A special case that the caller may see, now or as it was recorded at a moment. Raises Refused: not_found,
    other_unit, moment_too_young."""
    case_id = await reads.find(found.pool, "special_cases", name)
    if case_id is None:
        raise Refused("not_found")
    if not await store.sees(found.pool, scope_of(found.directory, caller), case_id):
        raise Refused("other_unit")
    if as_of is None:
        return (await store.load(found.pool, [case_id]))[case_id]
    case = rebuilt(await store.past(found.pool, case_id, await settled(found, as_of)))
    if case is None:
        raise Refused("not_found", "not yet recorded then")
    return case
