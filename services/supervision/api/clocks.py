"""Clocks of orders, and which were missed."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import Query, Request, Response
from msgspec import Struct

from schemas.ids import number_of
from schemas.refusals import Refused
from schemas.vocabulary import Role, Stage
from services.chassis.asking import At
from services.chassis.auth import Principal
from services.chassis.web import answer, principal
from services.supervision.api.desk import STAFF, Desk, moment_cursor, read_moment_cursor
from services.supervision.rules.timers import MISS, WARN
from services.supervision.store import orders, reading
from services.supervision.store.reading import Asked, Read

BULK = 500
CATCH_UP_DAYS = timedelta(days=7)
WITHIN = {"2h": timedelta(hours=2), "24h": timedelta(hours=24)}


class Wanted(Struct, frozen=True):
    """The body of a bulk question."""

    order_ids: list[UUID]


async def clocks_of_one(request: Request, order_id: UUID) -> Response:
    """Every clock of the order, or of the special case of that id, in the order they fall due. Responders see those on
    which a clock is their unit's. A promise to a reporter (`total`) says who `used` how much of it: `by` stage and
    unit, in real seconds and in those that the limit counts (working time), whose parts add up to the whole; `course`
    is the same in the order it went. A unit of null is nobody: not yet an order, or standing still."""
    caller = principal(request, *STAFF)
    found = await reading.clocks_of(request.app.state.pool, [order_id])
    if order_id not in found:
        raise Refused("not_found", "no such order (yet)")
    if not _sees(request.app.state.desk, caller, found[order_id]):
        raise Refused("other_unit")
    shown = _order(request.app.state.desk, order_id, found[order_id])
    known = (await orders.load_orders(request.app.state.pool, [order_id])).get(order_id)
    if known is not None:
        desk: Desk = request.app.state.desk
        for row, clock in zip(found[order_id], shown["clocks"], strict=True):
            used = desk.used(known.timeline, row, desk.now()) if row.stage == Stage.TOTAL else None
            if used is not None:
                clock["used"] = used
    return answer(shown)


async def clocks_of_many(request: Request, order_ids: Annotated[str, Query(max_length=20_000)]) -> Response:
    """The clocks of up to 500 orders, ids separated by commas; orders that are unknown, or not for the caller to see,
    are left out."""
    caller = principal(request, *STAFF)
    try:
        ids = [UUID(part.strip()) for part in order_ids.split(",") if part.strip()]
    except ValueError:
        raise Refused("invalid", "order_ids: ids separated by commas") from None
    return await _many(request, caller, ids)


async def clocks_of_body(request: Request) -> Response:
    """The clocks of up to 500 orders, given as `{"order_ids": […]}`."""
    caller = principal(request, *STAFF)
    try:
        wanted = msgspec.json.decode(await request.body(), type=Wanted)
    except msgspec.ValidationError as error:
        raise Refused("invalid", str(error)[:300]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused("malformed", str(error)[:300]) from None
    return await _many(request, caller, wanted.order_ids)


async def breaches(
    request: Request,
    unit: Annotated[str | None, Query(max_length=200)] = None,
    stage: Stage | None = None,
    division: Annotated[str | None, Query(max_length=100)] = None,
    since: At | None = None,
    open: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Clocks that were missed: of a unit and those that became part of it, at a stage, in a division and everything
    below it, due since a moment; with `open=true` only of orders that have not ended. Commitments (`stage=commitment`)
    name a `case_id` where others name an `order_id`. Responders see their own unit's."""
    caller = principal(request, *STAFF)
    desk: Desk = request.app.state.desk
    asked = Asked(
        units=desk.whose(caller, unit),
        stage=stage,
        divisions=desk.subtree(division) if division is not None else None,
        since=since,
        open=open,
        after=read_moment_cursor(cursor),
        limit=limit + 1,
    )
    return _page(desk, await reading.breaches(request.app.state.pool, asked), limit)


async def falling_due(
    request: Request,
    within: Literal["2h", "24h"] = "2h",
    unit: Annotated[str | None, Query(max_length=200)] = None,
    stage: Stage | None = None,
    division: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Running clocks that fall due within two hours, or a day, of the moment of the question: of a unit and those that
    became part of it, at a stage, in a division and everything below it. A deadline that has just passed stands here
    until it is called missed. Responders see their own unit's."""
    caller = principal(request, *STAFF)
    desk: Desk = request.app.state.desk
    asked = Asked(
        units=desk.whose(caller, unit),
        stage=stage,
        divisions=desk.subtree(division) if division is not None else None,
        until=desk.now() + WITHIN[within],
        after=read_moment_cursor(cursor),
        limit=limit + 1,
    )
    return _page(desk, await reading.falling_due(request.app.state.pool, asked), limit)


def _page(desk: Desk, rows: Sequence[Read], limit: int) -> Response:
    """One page of clocks, of which one more than `limit` was asked for."""
    now, page = desk.now(), rows[:limit]
    items = [{**_named(row), "division": row.division, **desk.shown(row, now)} for row in page]
    return answer(
        {"items": items, "next": moment_cursor(page[-1].due, page[-1].clock_id) if len(rows) > limit else None}
    )


async def catch_ups(
    request: Request, unit: Annotated[str | None, Query(max_length=200)] = None, since: At | None = None
) -> Response:
    """After a standstill: what was warned of and missed long before it was said, one item a unit instead of a notice a
    clock; since a moment, by default of the last seven days. Responders see their own unit's."""
    caller = principal(request, *STAFF)
    desk: Desk = request.app.state.desk
    now = desk.now()
    units = desk.whose(caller, unit)
    rows = await reading.caught_up(request.app.state.pool, since or now - CATCH_UP_DAYS, units)
    items = [
        {
            "unit": desk.unit(owner, now),
            "warned": sum(row.count for row in found if row.notice == WARN),
            "missed": sum(row.count for row in found if row.notice == MISS),
            "by_stage": {f"{row.notice}:{row.stage}": row.count for row in found},
            "due_first": min(row.due_first for row in found).astimezone(desk.zone),
            "due_last": max(row.due_last for row in found).astimezone(desk.zone),
            "said_first": min(row.said_first for row in found).astimezone(desk.zone),
            "said_last": max(row.said_last for row in found).astimezone(desk.zone),
        }
        for owner, each in groupby(rows, key=lambda row: row.owner)
        for found in [list(each)]
    ]
    return answer({"items": items, "next": None})


async def _many(request: Request, caller: Principal, order_ids: Sequence[UUID]) -> Response:
    if not 1 <= len(order_ids) <= BULK:
        raise Refused("invalid", f"order_ids: 1 to {BULK} ids")
    found = await reading.clocks_of(request.app.state.pool, order_ids)
    desk: Desk = request.app.state.desk
    known = [order_id for order_id in dict.fromkeys(order_ids) if order_id in found]
    items = [_order(desk, order_id, found[order_id]) for order_id in known if _sees(desk, caller, found[order_id])]
    return answer({"items": items, "next": None})


def _order(desk: Desk, order_id: UUID, rows: Iterable[Read]) -> dict[str, Any]:
    now = desk.now()
    shown = list(rows)
    return {_owner(shown): order_id, "clocks": [desk.shown(row, now) for row in shown]}


def _named(row: Read) -> dict[str, Any]:
    """Whose clock it is: of an order, with the number that people call it by, or of a special case."""
    owner = _owner([row])
    return {owner: row.order_id} | ({"number": number_of(row.order_id)} if owner == "order_id" else {})


def _owner(rows: Iterable[Read]) -> str:
    """What the clocks belong to: commitments to a special case, all others to an order."""
    return "case_id" if any(row.stage == Stage.COMMITMENT for row in rows) else "order_id"


def _sees(desk: Desk, caller: Principal, rows: Iterable[Read]) -> bool:
    mine = desk.units.acts_for(caller.unit)
    return caller.role is not Role.RESPONDER or any(row.owner in mine for row in rows)
