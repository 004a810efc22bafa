"""People's writes: one address for each action on an order or an assignment."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Struct

from schemas.refusals import Refused
from services.chassis.asking import decoded
from services.chassis.web import principal
from services.dispatch.api.desk import hash_of, idempotency_key, if_match, rooms
from services.dispatch.handlers import Command
from services.dispatch.rules.acts import ON_ASSIGNMENT, ON_ORDER, Body
from services.dispatch.rules.lifecycle import check_role
from services.dispatch.store import reads

_ON_ORDER: dict[str, type[Body]] = {action: one.body for action, one in ON_ORDER.items()}
_ON_ASSIGNMENT: dict[str, type[Body]] = {action: one.body for action, one in ON_ASSIGNMENT.items()}
_DECODERS = {
    **{(action, False): msgspec.json.Decoder(kind) for action, kind in _ON_ORDER.items()},
    **{(action, True): msgspec.json.Decoder(kind) for action, kind in _ON_ASSIGNMENT.items()},
}
routes = APIRouter(prefix="/v1", tags=["actions"])


def described(bodies: Mapping[str, type[Struct]]) -> dict[str, Any]:
    """What OpenAPI says of the bodies and the headers."""
    schemas, parts = msgspec.json.schema_components(dict.fromkeys(bodies.values()), ref_template="#/components/{name}")
    headers = [
        {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string", "maxLength": 200}},
        {"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}},
    ]
    inlined = msgspec.json.decode(_inline(msgspec.json.encode(schemas), parts))
    body = {"content": {"application/json": {"schema": {"oneOf": inlined}}}}
    return {"parameters": headers, "requestBody": body}


def _inline(text: bytes, parts: dict[str, Any]) -> bytes:
    """Schemas with every reference replaced by what it points to."""
    for _ in range(4):  # as deep as bodies nest
        for name, part in parts.items():
            pointer = msgspec.json.encode({"$ref": f"#/components/{name}"})
            text = text.replace(pointer, msgspec.json.encode(part))
    return text


@routes.post("/orders/{order}/actions/{action}", summary="Act on an order", openapi_extra=described(_ON_ORDER))
async def act_on_order(request: Request) -> Response:
    """Do one thing to an order, named by id or number; If-Match is the order's version."""
    return await _act(request, request.path_params["order"], on_assignment=False)


@routes.post(
    "/assignments/{assignment_id}/actions/{action}",
    summary="Act on an assignment",
    openapi_extra=described(_ON_ASSIGNMENT),
)
async def act_on_assignment(request: Request) -> Response:
    """Do one thing to an assignment; If-Match is the assignment's version."""
    return await _act(request, request.path_params["assignment_id"], on_assignment=True)


async def _act(request: Request, name: str, *, on_assignment: bool) -> Response:
    found = rooms(request)
    caller = principal(request)
    action = request.path_params["action"]
    check_role(action, caller.role.value, on_assignment=on_assignment)
    key = idempotency_key(request)
    raw = await request.body()
    target = await _target(request, name, on_assignment=on_assignment)
    command = Command(
        principal=caller,
        key=key,
        body_hash=hash_of(action.encode(), target.bytes, raw),
        version=if_match(request),
        target=target,
        on_assignment=on_assignment,
        action=action,
        body=body_of(action, raw, on_assignment=on_assignment),
    )
    answered = await found.desk.submit(command)
    return Response(answered.body, media_type="application/json", headers={"etag": f'"{answered.version}"'})


async def _target(request: Request, name: str, *, on_assignment: bool) -> UUID:
    try:
        return UUID(name)
    except ValueError:
        found = None if on_assignment else await reads.find(rooms(request).pool, "orders", name)
    if found is None:
        raise Refused("not_found")
    return found


def body_of(action: str, raw: bytes, *, on_assignment: bool) -> Any:
    """The body of an action; none at all is an empty one. Raises Refused: malformed, invalid, text_unreadable."""
    return decoded(_DECODERS[action, on_assignment], raw or b"{}")
