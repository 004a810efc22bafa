"""What a page needs to know before it asks for work: who is signed in, what each action asks, how units are called."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.chassis.pages import File
from services.chassis.web import answer, principal
from services.dispatch.api.desk import reader, rooms
from services.dispatch.rules import shapes
from services.dispatch.rules.screens import screens

_FORMS = File.of("application/json", msgspec.json.encode(screens()))
MOST_UNITS = 20
routes = APIRouter(prefix="/v1", tags=["me"])


@routes.get("/me", summary="Who is signed in")
async def me(request: Request) -> Response:
    """The token's subject, role, unit and end (seconds since the epoch)."""
    caller = principal(request)
    unit = shapes.unit(rooms(request).directory, caller.unit) if caller.unit else None
    return answer({"id": caller.id, "role": caller.role, "unit": unit, "expires": caller.expires})


@routes.get("/actions", summary="What each action is called and what its body says")
async def actions(request: Request) -> Response:
    """Of assignments, orders and requests, by action: words in both languages and `fields` (name, kind, required,
    limits, options), enough to draw a form. What may be done now stands in `actions` of each of them."""
    principal(request)
    return _FORMS.answer(request, {})


@routes.get("/units", summary="Units of the city by name or id")
async def units(request: Request, q: Annotated[str, Query(min_length=1, max_length=50)]) -> Response:
    """At most 20 whose name or id holds `q`, the shortest names first."""
    found = rooms(request)
    reader(request)
    return answer(
        {"items": [shapes.unit(found.directory, unit.unit_id) for unit in found.directory.named(q, MOST_UNITS)]}
    )
