"""What units ask for: the inbox of those who decide, and the decision."""

from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response

from schemas.refusals import Refused
from schemas.vocabulary import RequestKind, RequestState, Role
from services.chassis.asking import decoded
from services.chassis.auth import Principal
from services.chassis.cursors import After, read_cursor, write_cursor
from services.chassis.web import answer, principal
from services.dispatch.api.actions import described
from services.dispatch.api.desk import (
    PAGE,
    actor_of,
    hash_of,
    idempotency_key,
    if_match,
    reader,
    rooms,
)
from services.dispatch.api.lists import Cursor, Limit
from services.dispatch.handlers import Command
from services.dispatch.rules import shapes, visibility
from services.dispatch.rules.acts.decisions import Decision
from services.dispatch.rules.directory import Directory
from services.dispatch.store import clocks
from services.dispatch.store import requests as store

_decision = msgspec.json.Decoder(Decision)
routes = APIRouter(prefix="/v1", tags=["requests"])


@routes.get("/requests", summary="What units ask for: your inbox, the longest waiting first")
async def list_requests(
    request: Request,
    state: Annotated[list[RequestState] | None, Query()] = None,
    kind: Annotated[list[RequestKind] | None, Query()] = None,
    limit: Limit = PAGE,
    cursor: Cursor = "",
) -> Response:
    """A dispatcher sees what his centre and those under it decide, a responder what its unit asked for and what it has
    to decide about parts it passed on, oversight without a unit everything. Each with the due of its decision, and
    `actions` holds `decision` where the caller may decide. Without `state`, those that are open."""
    found, caller = rooms(request), reader(request)
    page = await store.listed(
        found.pool,
        _deciders(found.directory, caller),
        caller.unit,
        state or [RequestState.OPEN],
        kind or [],
        read_cursor(cursor),
        limit,
    )
    async with found.pool.acquire() as connection:
        running = await clocks.latest(connection, list({r.order_id for r in page}))
    actor = actor_of(caller)
    items = [shapes.request(found.directory, r, running.get(r.order_id, ()), actor) for r in page]
    last = page[-1] if len(page) == limit else None
    return answer({"items": items, "next": last and write_cursor(After(last.since, last.request_id))})


@routes.post(
    "/requests/{request_id}/decision",
    summary="Decide what a unit asks for",
    openapi_extra=described({"decision": Decision}),
)
async def decide(request: Request) -> Response:
    """Grant or refuse, with a note; If-Match is the request's version. Answers the order as it stands then."""
    caller = principal(request, Role.DISPATCHER, Role.RESPONDER)
    key = idempotency_key(request)
    raw = await request.body()
    try:
        target = UUID(request.path_params["request_id"])
    except ValueError:
        raise Refused("not_found") from None
    command = Command(
        principal=caller,
        key=key,
        body_hash=hash_of(b"decision", target.bytes, raw),
        version=if_match(request),
        target=target,
        on_assignment=False,
        on_request=True,
        action="decision",
        body=decoded(_decision, raw),
    )
    answered = await rooms(request).desk.submit(command)
    return Response(answered.body, media_type="application/json", headers={"etag": f'"{answered.version}"'})


def _deciders(directory: Directory, caller: Principal) -> list[str] | None:
    """The units whose requests to decide a caller sees; None is everybody's."""
    if visibility.sees_all(caller.role, caller.unit):
        return None
    if caller.role is Role.RESPONDER:
        return list(directory.acts_for(caller.unit))
    return directory.centres_under(caller.unit)
