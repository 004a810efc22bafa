"""How people say what the day is like: where resources are and whether they may be called, and weather warnings."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import FastAPI, Request, Response
from msgspec import Meta, Struct

from schemas.city import Resource
from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.auth import Principal
from services.chassis.clock import SystemClock
from services.chassis.web import answer, principal
from services.router import store
from services.router.handlers.forecast import warn
from services.router.handlers.today import FREE
from services.router.rules.atlas import Atlas
from services.router.rules.day import Warning

STAFF = (Role.DISPATCHER, Role.RESPONDER, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR, Role.GATEWAY)
SAY = (Role.RESPONDER, Role.DISPATCHER, Role.GATEWAY, Role.OPERATOR)
WARN = (Role.GATEWAY, Role.SUPERVISOR, Role.OPERATOR)
Moment = Annotated[datetime, Meta(tz=True)]
Word = Annotated[str, Meta(min_length=1, max_length=100)]
_CLOCK = SystemClock()


class SaidOfResource(Struct, frozen=True, forbid_unknown_fields=True):
    """Where it is (WGS-84) and what it may be called for; `at` is when that was so."""

    at: Moment
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    state: Literal["free", "busy", "off"] | None = None


class SaidOfWeather(Struct, frozen=True, forbid_unknown_fields=True):
    """A warning in force from `starts` until `ends`; no areas: the whole city. Lifted early: said again with `ends`."""

    kind: Word
    level: Word
    starts: Moment
    ends: Moment
    areas: Annotated[tuple[Word, ...], Meta(max_length=300)] = ()
    text: Annotated[str, Meta(max_length=2000)] = ""


_RESOURCE = msgspec.json.Decoder(SaidOfResource)
_WEATHER = msgspec.json.Decoder(SaidOfWeather)


def add_day(app: FastAPI) -> None:
    """The paths of this page."""
    app.add_api_route("/v1/resources", resources, tags=["day"], summary="What can be sent, where it is, whether free")
    app.add_api_route("/v1/resources/{resource_id}", say, methods=["PUT"], tags=["day"], summary="Say where one is")
    app.add_api_route("/v1/weather", warnings, tags=["day"], summary="Weather warnings that have not ended")
    app.add_api_route(
        "/v1/weather/{warning_id}", say_warning, methods=["PUT"], tags=["day"], summary="Say that there is a warning"
    )


async def resources(request: Request) -> Response:
    """Every registered resource with what is known of it."""
    principal(request, *STAFF)
    registered = _atlas(request).city.resources
    async with request.app.state.pool.acquire() as connection:
        known = await store.seen(connection, [one.resource_id for one in registered])
    return answer({"items": [_shown(one, known.get(one.resource_id)) for one in registered]})


async def say(request: Request, resource_id: str) -> Response:
    """A unit speaks of its own, a dispatcher of those in its area, gateways and operators of all. Said again, or late,
    it changes nothing. Raises Refused: not_found, other_unit, malformed, invalid, coordinates_incomplete,
    coordinates_outside, time_in_future."""
    caller = principal(request, *SAY)
    atlas = _atlas(request)
    registered = next((one for one in atlas.city.resources if one.resource_id == resource_id), None)
    if registered is None:
        raise Refused("not_found", resource_id)
    _check_unit(caller, registered, atlas)
    body: SaidOfResource = _decoded(_RESOURCE, await request.body())
    if (body.lon is None) != (body.lat is None):
        raise Refused("coordinates_incomplete")
    if body.at > _CLOCK.now():
        raise Refused("time_in_future", "at")
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        before = (await store.seen(connection, [resource_id])).get(resource_id)
        lon, lat = (before.lon, before.lat) if before else (registered.lon, registered.lat)
        if body.lon is not None and body.lat is not None:
            lon, lat = body.lon, body.lat
        west, south, east, north = atlas.city.bounds
        if not (west <= lon <= east and south <= lat <= north):
            raise Refused("coordinates_outside")
        one = store.Seen(resource_id, lon, lat, body.state or FREE, None, body.at)
        return answer(_shown(registered, await store.say(connection, one, body.state)))


async def warnings(request: Request) -> Response:
    """Those in force and those to come."""
    principal(request, *STAFF)
    async with request.app.state.pool.acquire() as connection:
        return answer({"items": await store.warnings_from(connection, _CLOCK.now())})


async def say_warning(request: Request, warning_id: str) -> Response:
    """Keep a warning and send out what the city sends out for it: the same warning twice sends nothing twice. Raises
    Refused: malformed, invalid, division_unknown, time_backwards."""
    caller = principal(request, *WARN)
    atlas = _atlas(request)
    body: SaidOfWeather = _decoded(_WEATHER, await request.body())
    if len(warning_id) > 200:
        raise Refused("invalid", "warning_id: longer than 200 signs")
    if body.ends <= body.starts:
        raise Refused("time_backwards", "ends: not after it starts")
    unknown = [area for area in body.areas if area not in atlas.divisions]
    if unknown:
        raise Refused("division_unknown", unknown[0])
    warning = Warning(warning_id, body.kind, body.level, body.areas, body.starts, body.ends, body.text)
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        sent = await warn(connection, warning, caller.id, _CLOCK.now(), atlas)
    return answer({"warning": warning, "sent": sent})


def _atlas(request: Request) -> Atlas:
    found: Atlas = request.app.state.force.atlas
    return found


def _decoded(decoder: "msgspec.json.Decoder[Any]", raw: bytes) -> Any:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise Refused("invalid", str(error)[:300]) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Refused("malformed", str(error)[:300]) from None


def _check_unit(caller: Principal, registered: Resource, atlas: Atlas) -> None:
    if caller.role in (Role.GATEWAY, Role.OPERATOR) or caller.unit == registered.unit:
        return
    own, theirs = atlas.units.get(caller.unit), atlas.units.get(registered.unit)
    over = own is not None and theirs is not None and atlas.covers(own.division, theirs.division)
    if caller.role is not Role.DISPATCHER or not over:
        raise Refused("other_unit", registered.unit)


def _shown(one: Resource, known: store.Seen | None) -> dict[str, object]:
    return {
        "resource_id": one.resource_id,
        "kind": one.kind,
        "name": one.name,
        "unit": one.unit,
        "lon": known.lon if known else one.lon,
        "lat": known.lat if known else one.lat,
        "state": known.state if known else FREE,
        "order_id": known.order_id if known else None,
        "at": known.at if known else None,
    }
