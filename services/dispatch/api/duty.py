"""Duty rosters 值班: who answers for a unit now, swaps and hand-over notes, and the shifts that nobody holds."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Query, Request, Response
from msgspec import Struct

from schemas.facts.intake import Moment, Short
from schemas.refusals import Refused
from schemas.rosters import OnDuty, Ring, Rosters
from schemas.vocabulary import Role
from services.chassis.asking import At, decoded
from services.chassis.auth import Principal
from services.chassis.web import answer, principal
from services.dispatch.api.desk import Rooms, hash_of, idempotency_key, reader, rooms
from services.dispatch.rules import shapes
from services.dispatch.rules.acts.asked import Note, Said
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.duty import rung_units
from services.dispatch.rules.order import Order
from services.dispatch.store import duty as store
from services.dispatch.store import reads

routes = APIRouter(prefix="/v1", tags=["duty"])
LONGEST_SWAP = timedelta(days=31)
CLEAR = frozenset({Role.AGENT, Role.DISPATCHER, Role.SUPERVISOR, Role.OPERATOR})


class SwapBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody else is on for a span; `person` empty says that nobody will be."""

    starts: Moment
    ends: Moment
    person: Short = ""
    deputy: Short = ""
    phone: Short = ""
    note: Note = ""


class NoteBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What those who come on have to know."""

    note: Said


_swap = msgspec.json.Decoder(SwapBody)
_note = msgspec.json.Decoder(NoteBody)


@routes.get("/units/{unit}/duty", summary="Who is on duty for a unit")
async def on_duty(request: Request, unit: str, at: At | None = None) -> Response:
    """Person, deputy, phone and note of the shift at a moment (now by default), the last hand-over note, and who is
    rung instead when the shift is empty. The phone is masked unless the caller's role needs it."""
    found, caller = rooms(request), reader(request)
    _known(found, unit)
    moment = at or await reads.now(found.pool)
    ring = (await rings(found.pool, found.directory.rosters, (unit,), moment))[unit]
    handed = await store.handed_over(found.pool, unit, moment)
    body = ring_shape(found.directory, ring, caller) | {"at": moment}
    if handed is not None:
        body["handover"] = {"note": handed.note, "by": handed.by, "at": handed.at}
    return answer(body)


@routes.put("/units/{unit}/duty", summary="Record that somebody else is on, or nobody")
async def swap(request: Request, unit: str) -> Response:
    """Body `{starts, ends, person, deputy?, phone, note?}`; the swap recorded last counts. Raises Refused: other_unit,
    phone_invalid, invalid for a span that is over, backwards or longer than 31 days, or a person without a phone."""
    found, caller, key, raw = await _writer(request, unit)
    body = decoded(_swap, raw)
    now = await reads.now(found.pool)
    if not body.starts < body.ends or body.ends - body.starts > LONGEST_SWAP or body.ends <= now:
        raise Refused("invalid", "starts, ends: a span of at most 31 days that is not over yet")
    if body.person and not body.phone:
        raise Refused("invalid", "phone: an urgent order has to ring somewhere")
    if body.phone and not found.directory.is_phone(body.phone):
        raise Refused("phone_invalid", body.phone)
    entry = store.Entry(
        unit=unit, principal=caller.id, key=key, body_hash=hash_of(b"swap", unit.encode(), raw), **_fields(body)
    )
    return await _recorded(found, entry, caller, max(now, body.starts))


@routes.post("/units/{unit}/duty/notes", summary="Leave a hand-over note")
async def note(request: Request, unit: str) -> Response:
    """Body `{note}`; shown for 48 hours to whoever is on. Raises Refused: other_unit."""
    found, caller, key, raw = await _writer(request, unit)
    body = decoded(_note, raw)
    entry = store.Entry(
        unit=unit, principal=caller.id, key=key, body_hash=hash_of(b"note", unit.encode(), raw), note=body.note
    )
    return await _recorded(found, entry, caller, await reads.now(found.pool))


@routes.get("/duty/gaps", summary="Shifts that nobody holds")
async def gaps(request: Request, hours: Annotated[int, Query(ge=1, le=336)] = 24) -> Response:
    """Spans without anybody on, of the units inside the caller's boundary that keep a roster, from now on for some
    hours. `now` says that nobody is on this minute."""
    found = rooms(request)
    caller = principal(request, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR)
    starts = await reads.now(found.pool)
    ends = starts + timedelta(hours=hours)
    swaps = await store.swaps(found.pool, None, starts, ends)
    rosters = found.directory.rosters
    items = [
        {
            "unit": shapes.unit(found.directory, gap.unit),
            "starts": gap.starts,
            "ends": gap.ends,
            "now": gap.starts == starts,
        }
        for unit in rosters.units
        if _inside(found, caller, unit)
        for gap in rosters.gaps(unit, starts, ends, swaps)
    ]
    return answer({"items": sorted(items, key=lambda item: str(item["starts"])), "next": None})


def _inside(found: Rooms, caller: Principal, unit: str) -> bool:
    if not caller.unit:
        return caller.role is not Role.DISPATCHER
    known = found.directory.unit(unit)
    return unit == caller.unit or (known is not None and found.directory.inside(known.division, caller.unit))


async def rings(pool: asyncpg.Pool, rosters: Rosters, units: Iterable[str], at: datetime) -> dict[str, Ring]:
    """Who is rung for each of these units at a moment."""
    asked = tuple(units)
    above = {step for unit in asked for step in rosters.above(unit)}
    swaps = await store.swaps(pool, above, at, at)
    return {unit: rosters.ring(unit, at, swaps) for unit in asked}


async def duty_of(found: Rooms, order: Order, caller: Principal) -> list[dict[str, Any]]:
    """Who is rung for an urgent order as it stands: for each unit that has something to do, and in triage for the
    centre that decides. Nobody for an order that can wait."""
    units = rung_units(order)
    if not units:
        return []
    told = await rings(found.pool, found.directory.rosters, units, await reads.now(found.pool))
    return [ring_shape(found.directory, told[unit], caller) for unit in units]


def ring_shape(directory: Directory, ring: Ring, caller: Principal) -> dict[str, Any]:
    """Who is on for a unit, as a caller may see it; `instead` is who rings while nobody is."""
    shape: dict[str, Any] = {"unit": shapes.unit(directory, ring.unit), "empty": ring.empty, "on": None}
    if ring.on is not None:
        person = _person(directory, ring.on, caller)
        shape["instead" if ring.empty else "on"] = person
    return shape


def _person(directory: Directory, on: OnDuty, caller: Principal) -> dict[str, Any]:
    clear = caller.role in CLEAR or (caller.unit != "" and caller.unit == on.unit)
    shape = {
        "unit": shapes.unit(directory, on.unit),
        "person": on.person,
        "deputy": on.deputy,
        "phone": on.phone if clear else "***" + on.phone[-2:],
        "note": on.note,
        "starts": on.starts,
        "ends": on.ends,
        "swapped": on.swapped,
    }
    return {key: value for key, value in shape.items() if value != ""}


def _known(found: Rooms, unit: str) -> None:
    if found.directory.unit(unit) is None:
        raise Refused("not_found", unit)


async def _writer(request: Request, unit: str) -> tuple[Rooms, Principal, str, bytes]:
    """A caller who may write a unit's roster: its own people, or a dispatcher above it."""
    found = rooms(request)
    caller = principal(request, Role.RESPONDER, Role.DISPATCHER)
    _known(found, unit)
    above = caller.role is Role.DISPATCHER and caller.unit in found.directory.rosters.above(unit)
    if not caller.unit or not (caller.unit == unit or above):
        raise Refused("other_unit")
    return found, caller, idempotency_key(request), await request.body()


def _fields(body: Struct) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.__struct_fields__}


async def _recorded(found: Rooms, entry: store.Entry, caller: Principal, at: datetime) -> Response:
    if not await store.record(found.pool, entry):
        raise Refused("key_reused", entry.key)
    ring = (await rings(found.pool, found.directory.rosters, (entry.unit,), at))[entry.unit]
    return answer(ring_shape(found.directory, ring, caller) | {"at": at})
