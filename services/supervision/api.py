"""How people ask supervision: the clocks of orders, and which are missed."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
from fastapi import FastAPI, Query, Request, Response
from msgspec import Struct

from schemas.city import City
from schemas.moments import reckonable
from schemas.refusals import Refused
from schemas.standing import Units, retired_codes
from schemas.vocabulary import ClockState, Role, Stage
from services.chassis.asking import At
from services.chassis.auth import Principal
from services.chassis.clock import SystemClock
from services.chassis.database import ready
from services.chassis.settings import ServiceSettings
from services.chassis.web import answer, principal, web_app
from services.supervision.rules.calendar import SECOND
from services.supervision.rules.shares import shares, uses
from services.supervision.rules.stages import Promises
from services.supervision.rules.timeline import Timeline
from services.supervision.rules.timers import MISS, WARN, light_of
from services.supervision.store import orders, reading
from services.supervision.store.reading import Asked, Read

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
BULK = 500
CATCH_UP_DAYS = timedelta(days=7)
OpenPool = Callable[[], AbstractAsyncContextManager[asyncpg.Pool]]


class Wanted(Struct, frozen=True):
    """The body of a bulk question."""

    order_ids: list[UUID]


class Desk:
    """What answers need of the city: its units, the subtrees of its divisions, its time zone, what it promises."""

    def __init__(self, city: City) -> None:
        self._promises = Promises.of(city)
        self.zone = ZoneInfo(city.timezone)
        self.units = Units(city)
        self._children: dict[str, list[str]] = defaultdict(list)
        for code, parent in (retired_codes(city) | {d.code: d.parent for d in city.divisions}).items():
            self._children[parent].append(code)
        self._clock = SystemClock()

    def unit(self, unit_id: str, at: datetime) -> dict[str, str | None]:
        """A unit as it was called at a moment; one that the pack never had keeps its id as its name."""
        unit = self.units.at(unit_id, at)
        if unit is None:
            return {"unit_id": unit_id, "name": unit_id, "tier": None}
        return {"unit_id": unit_id, "name": unit.name, "tier": unit.tier}

    def subtree(self, division: str) -> list[str]:
        """A division with everything below it."""
        found = [division]
        for code in found:
            found += self._children.get(code, ())
        return found

    def shown(self, row: Read, now: datetime) -> dict[str, Any]:
        """One clock as it stands at `now`, in the city's time. Its owner goes by the name that he had when it was due,
        today's while that is still to come."""
        clock: dict[str, Any] = {
            "clock_id": row.clock_id,
            "stage": row.stage,
            "round": row.round,
            "owner": self.unit(row.owner, min(row.due, now)),
            "start": row.start.astimezone(self.zone),
            "due": row.due.astimezone(self.zone),
            "light": light_of(ClockState(row.state), row.due, row.warn_at, now),
            "state": row.state,
            "policy": row.policy,
        }
        if row.assignment_id is not None:
            clock["assignment_id"] = row.assignment_id
        if row.report_id is not None:
            clock["report_id"] = row.report_id
        return clock

    def used(self, timeline: Timeline, row: Read, now: datetime) -> dict[str, Any] | None:
        """Who used how much of a promise until it was kept, ended, or now; None where nobody has yet."""
        rounds = [place for place, round_ in enumerate(timeline.rounds) if round_.number == row.round]
        voices = [place for place, voice in enumerate(timeline.voices) if voice.report_id == row.report_id]
        found = uses(timeline, self._promises, rounds[0], voices[0], now) if rounds and voices else []
        if not found:
            return None
        terms = self._promises.version(timeline.opened_at, row.start).terms
        parts = shares(found, terms, row.policy)
        whole = sum(part.counted for part in parts)
        return {
            "seconds": sum(part.real for part in parts) / SECOND,
            "counted_seconds": whole / SECOND,
            "by": [
                {
                    "stage": part.stage,
                    "unit": self.unit(part.unit, min(row.due, now)) if part.unit else None,
                    "seconds": part.real / SECOND,
                    "counted_seconds": part.counted / SECOND,
                    "share": round(part.counted / whole, 4) if whole else 0.0,
                }
                for part in parts
            ],
            "course": [
                {
                    "stage": use.stage,
                    "unit_id": use.unit or None,
                    "since": use.since.astimezone(self.zone),
                    "until": use.until.astimezone(self.zone),
                }
                for use in found
            ],
        }

    def now(self) -> datetime:
        """The moment of an answer."""
        return self._clock.now()


def supervision_app(settings: ServiceSettings, city: City, open_pool: OpenPool) -> FastAPI:
    """Supervision's API on a pool that lives as long as the app."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_pool() as pool:
            app.state.pool = pool
            yield

    async def dependencies() -> dict[str, bool]:
        return {"database": await ready(app.state.pool)}

    app = web_app("supervision", "Paidan 派单 · supervision 督办", settings, lifespan=lifespan, ready=dependencies)
    app.state.desk = Desk(city)
    app.add_api_route("/v1/clocks", clocks_of_many, tags=["clocks"], summary="The clocks of up to 500 orders")
    app.add_api_route(
        "/v1/clocks",
        clocks_of_body,
        methods=["POST"],
        tags=["clocks"],
        summary="The same, with the orders in the body",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": msgspec.json.schema(Wanted)["$defs"]["Wanted"]}},
            }
        },
    )
    app.add_api_route("/v1/clocks/{order_id}", clocks_of_one, tags=["clocks"], summary="The clocks of one order")
    app.add_api_route("/v1/breaches", breaches, tags=["breaches"], summary="Missed clocks, the latest deadline first")
    app.add_api_route("/v1/catch-ups", catch_ups, tags=["breaches"], summary="What was said late, in one word a unit")
    return app


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
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Clocks that were missed: of a unit and those that became part of it, at a stage, in a division and everything
    below it, due since a moment. Commitments (`stage=commitment`) name a `case_id` where others name an `order_id`.
    Responders see their own unit's."""
    caller = principal(request, *STAFF)
    desk: Desk = request.app.state.desk
    units = _whose(desk, caller, unit)
    asked = Asked(
        units=units,
        stage=stage,
        divisions=desk.subtree(division) if division is not None else None,
        since=since,
        after=_read_cursor(cursor),
        limit=limit + 1,
    )
    rows = await reading.breaches(request.app.state.pool, asked)
    now, page = desk.now(), rows[:limit]
    items = [{_owner([row]): row.order_id, "division": row.division, **desk.shown(row, now)} for row in page]
    return answer({"items": items, "next": _cursor(page[-1]) if len(rows) > limit else None})


async def catch_ups(
    request: Request, unit: Annotated[str | None, Query(max_length=200)] = None, since: At | None = None
) -> Response:
    """After a standstill: what was warned of and missed long before it was said, one item a unit instead of a notice a
    clock; since a moment, by default of the last seven days. Responders see their own unit's."""
    caller = principal(request, *STAFF)
    desk: Desk = request.app.state.desk
    now = desk.now()
    units = _whose(desk, caller, unit)
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


def _whose(desk: Desk, caller: Principal, unit: str | None) -> Sequence[str] | None:
    """The units that are asked about: that one with those that became part of it, or all that the caller may see."""
    units = None if unit is None else desk.units.acts_for(unit) or (unit,)
    if caller.role is Role.RESPONDER:
        mine = desk.units.acts_for(caller.unit)
        if unit is not None and unit not in mine:
            raise Refused("other_unit")
        units = units or mine
    return units


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


def _owner(rows: Iterable[Read]) -> str:
    """What the clocks belong to: commitments to a special case, all others to an order."""
    return "case_id" if any(row.stage == Stage.COMMITMENT for row in rows) else "order_id"


def _sees(desk: Desk, caller: Principal, rows: Iterable[Read]) -> bool:
    mine = desk.units.acts_for(caller.unit)
    return caller.role is not Role.RESPONDER or any(row.owner in mine for row in rows)


def _cursor(row: Read) -> str:
    return urlsafe_b64encode(f"{row.due.isoformat()}|{row.clock_id.hex}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, UUID] | None:
    """Where a page ended. Raises Refused `cursor_invalid`."""
    if not cursor:
        return None
    try:
        due, _, clock_id = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition("|")
        at = datetime.fromisoformat(due)
        if at.tzinfo is None or not reckonable(at):
            raise ValueError("no moment of ours")
        return at, UUID(clock_id)
    except ValueError:
        raise Refused("cursor_invalid") from None
