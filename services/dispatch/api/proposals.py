"""Whether two orders are one matter: the desk's list of what the router proposes, and the answer."""

from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response

from schemas.refusals import Refused
from schemas.vocabulary import ProposalState, Role
from services.chassis.asking import decoded
from services.chassis.cursors import After, list_id, read_cursor, write_cursor
from services.chassis.web import answer, principal
from services.dispatch.api.actions import described
from services.dispatch.api.desk import PAGE, hash_of, idempotency_key, if_match, rooms, scope_of
from services.dispatch.api.lists import Cursor, Limit
from services.dispatch.handlers.proposals import ProposalCommand
from services.dispatch.rules.proposals import Answer, shape
from services.dispatch.store import proposals, reads

_answer = msgspec.json.Decoder(Answer)
routes = APIRouter(prefix="/v1", tags=["merging"])


@routes.get("/merge-proposals", summary="Orders that may be one matter, the longest waiting first")
async def listed(
    request: Request, state: ProposalState = ProposalState.OPEN, limit: Limit = PAGE, cursor: Cursor = ""
) -> Response:
    """Each with both orders in brief, the score with its parts, and why; only those of which you see both orders. Open
    ones leave the list when one of the two ends."""
    found = rooms(request)
    caller = principal(request, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR)
    name = list_id("merge-proposals", caller.unit, state)
    scope = scope_of(found.directory, caller)
    page = await proposals.page(found.pool, scope, state, read_cursor(cursor, name), limit)
    orders = {o.order_id: o for o in await reads.load(found.pool, list({id_ for p in page for id_ in p.orders}))}
    items = [shape(found.directory, each, orders) for each in page]
    last = page[-1] if len(page) == limit else None
    return answer({"items": items, "next": last and write_cursor(After(last.proposed_at, last.proposal_id), name)})


@routes.post(
    "/merge-proposals/{proposal_id}/answer",
    summary="Say whether they are one matter",
    openapi_extra=described({"answer": Answer}),
)
async def decide(request: Request) -> Response:
    """`accepted` merges the younger order into the older one (or into the one that `into` names), as the action `merge`
    does; `unmerge` takes them apart again. If-Match is the proposal's version."""
    caller = principal(request, Role.DISPATCHER)
    key, raw = idempotency_key(request), await request.body()
    try:
        proposal_id = UUID(request.path_params["proposal_id"])
    except ValueError:
        raise Refused("not_found") from None
    command = ProposalCommand(
        principal=caller,
        key=key,
        body_hash=hash_of(b"merge-proposal", proposal_id.bytes, raw),
        version=if_match(request),
        proposal_id=proposal_id,
        body=decoded(_answer, raw),
    )
    answered = await rooms(request).proposals.submit(command)
    return Response(answered.body, media_type="application/json", headers={"etag": f'"{answered.version}"'})
