"""The same action on many orders or assignments at once, in one transaction, with a result for each."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Meta, Raw, Struct

from schemas.refusals import Refused
from services.chassis.asking import decoded
from services.chassis.web import answer, principal, problem_body
from services.dispatch.api.actions import body_of
from services.dispatch.api.desk import KEY_LENGTH, hash_of, rooms
from services.dispatch.handlers import Command
from services.dispatch.rules.lifecycle import check_role

routes = APIRouter(prefix="/v1", tags=["actions"])
MOST = 500


class Item(Struct, frozen=True, forbid_unknown_fields=True):
    """One order or assignment: its id, the version that was seen, the key of this write; a body of its own takes the
    place of the common one."""

    id: UUID
    version: Annotated[int, Meta(ge=1)]
    key: Annotated[str, Meta(min_length=1, max_length=KEY_LENGTH)]
    body: Raw = Raw()


class Bulk(Struct, frozen=True, forbid_unknown_fields=True):
    """What is done to each of the items: `body` is the action's, the same for all."""

    items: tuple[Item, ...]
    body: Raw = Raw(b"{}")


_bulk = msgspec.json.Decoder(Bulk)


@routes.post("/orders/bulk/actions/{action}", summary="Act on many orders at once")
async def act_on_orders(request: Request) -> Response:
    """Body `{items: [{id, version, key, body?}], body?}`, at most 500. In one transaction; each item gets what the
    single write would: its new version, or its own problem. A key that was used already gets the first answer again."""
    return await _act(request, on_assignment=False)


@routes.post("/assignments/bulk/actions/{action}", summary="Act on many assignments at once")
async def act_on_assignments(request: Request) -> Response:
    """As for orders; `id` and `version` are the assignment's."""
    return await _act(request, on_assignment=True)


async def _act(request: Request, *, on_assignment: bool) -> Response:
    found, caller = rooms(request), principal(request)
    action = request.path_params["action"]
    check_role(action, caller.role.value, on_assignment=on_assignment)
    asked = decoded(_bulk, await request.body())
    if not asked.items:
        raise Refused("bulk_empty")
    if len(asked.items) > MOST:
        raise Refused("bulk_too_many", f"at most {MOST} items at a time")
    results: dict[int, Any] = {}
    commands: dict[int, Command] = {}
    for place, item in enumerate(asked.items):
        raw = bytes(item.body or asked.body)
        try:
            if not item.key.isprintable():
                raise Refused("key_invalid")
            body = body_of(action, raw, on_assignment=on_assignment)
        except Refused as refused:
            results[place] = refused
            continue
        hashed = hash_of(action.encode(), item.id.bytes, raw)
        commands[place] = Command(caller, item.key, hashed, item.version, item.id, on_assignment, action, body)
    results |= dict(zip(commands, await found.desk.submit_all(list(commands.values())), strict=True))
    items = [_result(place, item, results[place]) for place, item in enumerate(asked.items)]
    refused_items = sum("problem" in item for item in items)
    return answer({"done": len(items) - refused_items, "refused": refused_items, "items": items})


def _result(place: int, item: Item, result: Any) -> dict[str, Any]:
    if isinstance(result, Refused):
        return {"index": place, "id": item.id, "problem": problem_body(result)}
    if isinstance(result, Exception):
        raise result
    return {"index": place, "id": item.id, "version": result.version, "answer": Raw(result.body)}
