"""The rulebook in force and those before it: asked for, posted, taken back, tried beside the live one."""

from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from fastapi import Query, Request, Response
from msgspec import Meta, Struct

from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.asking import decoded
from services.chassis.auth import Principal
from services.chassis.city import CityFaults, Fault
from services.chassis.cursors import After, list_id, read_cursor, write_cursor
from services.chassis.web import answer, principal
from services.router import store
from services.router.handlers.force import InForce
from services.router.rules.atlas import Atlas
from services.router.store import Standing, Stored, Taking

STAFF = (
    Role.AGENT,
    Role.DISPATCHER,
    Role.RESPONDER,
    Role.INSPECTOR,
    Role.SUPERVISOR,
    Role.AUDITOR,
    Role.OPERATOR,
    Role.IMPORT,
)
BEFORE = UUID(int=0)
OVERSIGHT = (Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR)  # who sees the whole city, and what is complained about


class Posted(Struct, forbid_unknown_fields=True):
    """A rulebook to be taken: its TOML, as what, and a word for those who read the list."""

    text: Annotated[str, Meta(min_length=1)]
    role: Standing = Standing.LIVE
    note: Annotated[str, Meta(max_length=500)] = ""


class Back(Struct, forbid_unknown_fields=True):
    """An earlier rulebook to be taken again."""

    n: Annotated[int, Meta(ge=1)]
    note: Annotated[str, Meta(max_length=500)] = ""


_posted, _back = msgspec.json.Decoder(Posted), msgspec.json.Decoder(Back)


async def rulebook(
    request: Request,
    cursor: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
) -> Response:
    """The rulebook in force: its version, how it came, its rows in the order of the file (`cursor` counts them), what
    runs beside it, and what is wrong with the newest one that was not taken."""
    principal(request, *STAFF)
    force: InForce = request.app.state.force
    city = force.atlas.city
    end = cursor + limit
    return answer(
        {
            "city": city.name,
            "version": city.rulebook_version,
            "taken": force.live,
            "shadow": force.beside if force.shadow else None,
            "faults": _told(force.faults),
            "count": len(city.rules),
            "rules": city.rules[cursor:end],
            "next": end if end < len(city.rules) else None,
        }
    )


async def history(
    request: Request,
    cursor: Annotated[int, Query(ge=1)] = 2**62,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """What was ever taken, the newest first, without its text; `cursor` is the number below which to go on."""
    principal(request, *STAFF)
    items = await store.taken(request.app.state.pool, cursor, limit)
    return answer({"items": items, "next": items[-1].n if len(items) == limit else None})


async def text(request: Request, n: int) -> Response:
    """The text of one that was taken, as it was written."""
    principal(request, *STAFF)
    found = await store.text_of(request.app.state.pool, n) if n < 2**63 else None
    if found is None:
        raise Refused("not_found", "no rulebook was taken under this number")
    return Response(found[1], media_type="application/toml")


async def post(request: Request) -> Response:
    """Take a rulebook into force, or let it run beside the live one. It is checked whole first: with a fault nothing
    changes and every fault is named. Every process follows within a few seconds."""
    caller = principal(request, Role.OPERATOR)
    asked: Posted = decoded(_posted, await request.body())
    return await _take(request, caller, asked.text, asked.role, "posted", asked.note)


async def back(request: Request) -> Response:
    """Take an earlier rulebook into force again, if the city still fits it."""
    caller = principal(request, Role.OPERATOR)
    asked: Back = decoded(_back, await request.body())
    found = await store.text_of(request.app.state.pool, asked.n) if asked.n < 2**63 else None
    if found is None or not found[1]:
        raise Refused("not_found", "no rulebook was taken under this number")
    return await _take(request, caller, found[1], Standing.LIVE, "back", asked.note or f"back to {asked.n}")


async def end_shadow(request: Request) -> Response:
    """Let nothing run beside the live rulebook any more."""
    caller = principal(request, Role.OPERATOR)
    force: InForce = request.app.state.force
    async with request.app.state.pool.acquire() as connection:
        await store.take(connection, Taking(Standing.SHADOW, "posted", "", "", 0, by=caller.id))
    await force.look(request.app.state.pool)
    return answer({"shadow": None})


async def shadow(request: Request) -> Response:
    """Where what runs beside the live rulebook would differ since it was taken, counted by class, from unit to unit;
    and where a second model (`model`) would, among the differences that are kept."""
    principal(request, *OVERSIGHT)
    force, pool = request.app.state.force, request.app.state.pool
    model = None
    if force.reader is not None:
        version = force.reader.model_version
        model = {"version": version, **_tallied(await store.tallies(pool, version, None), force.atlas)}
    taken: Stored | None = force.beside
    if taken is None or force.shadow is None:
        return answer({"shadow": None, "examined": 0, "differing": 0, "tallies": [], "model": model})
    found = _tallied(await store.tallies(pool, taken.version, taken.taken_at), force.atlas)
    return answer({"shadow": taken, "examined": await store.examined(pool, taken.taken_at), **found, "model": model})


async def shadow_reports(
    request: Request,
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """The reports themselves, in the order in which they came."""
    principal(request, *OVERSIGHT)
    force: InForce = request.app.state.force
    if force.beside is None:
        return answer({"items": [], "next": None})
    of = list_id("shadow", force.beside.version)
    after = read_cursor(cursor, of)
    begin = (after.at, after.id) if after else (force.beside.taken_at, BEFORE)
    items = await store.differences(request.app.state.pool, force.beside.version, begin, limit)
    place = write_cursor(After(items[-1].at, items[-1].report_id), of) if len(items) == limit else None
    return answer({"items": items, "next": place})


def faulty(trouble: CityFaults) -> Refused:
    """The refusal of a rulebook, with every fault."""
    return Refused("rulebook_faulty", f"{len(trouble.faults)} fault(s)", faults=_told(trouble.faults))


async def _take(request: Request, caller: Principal, text: str, role: Standing, origin: str, note: str) -> Response:
    force: InForce = request.app.state.force
    pool: asyncpg.Pool = request.app.state.pool
    try:
        city = await force.check(text)
    except CityFaults as trouble:
        raise faulty(trouble) from None
    taking = Taking(role, origin, city.rulebook_version, text, len(city.rules), by=caller.id, note=note)
    async with pool.acquire() as connection:
        taken = await store.take(connection, taking)
        newest = taken or await store.newest(connection, role)
    await force.look(pool)
    return answer({"taken": newest, "again": taken is None}, 200 if taken is None else 201)


def _told(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    return [{"file": fault.file, "line": fault.line, "cause": fault.cause} for fault in faults]


def _tallied(found: list[store.Tally], atlas: Atlas) -> dict[str, Any]:
    return {"differing": sum(one.reports for one in found), "tallies": [_tally(one, atlas) for one in found]}


def _tally(tally: store.Tally, atlas: Atlas) -> dict[str, Any]:
    item = atlas.classes.get(tally.class_key)
    return {
        "class_key": tally.class_key,
        "name": item.name if item else "",
        "would_class": tally.would_class,
        "lead": tally.lead,
        "would_lead": tally.would_lead,
        "reports": tally.reports,
    }
