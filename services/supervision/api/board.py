"""How the city stands now, for whoever watches all of it: counts by place and stage, and the ladder."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, Query, Request, Response

from schemas.city import City
from schemas.ids import number_of
from schemas.standing import retired_codes
from schemas.vocabulary import Role, RungKind, Tier
from services.chassis.web import answer, principal
from services.supervision.api.desk import Desk, moment_cursor, read_moment_cursor
from services.supervision.store import board as store
from services.supervision.store import pulse

OVERSIGHT = (Role.SUPERVISOR, Role.DISPATCHER, Role.AUDITOR, Role.OPERATOR)
FRESH = 3.0  # seconds for which counts serve everybody who asks: pages ask every 15
_BELOW = (Tier.COMMITTEE, Tier.SUB_AREA)
_COUNTS = ("breaches", "due_2h", "due_24h")
router = APIRouter(tags=["board"])


class Board:
    """The places of a city's map, and the counts of the last few seconds."""

    def __init__(self, city: City, orders_page: str) -> None:
        self._page = orders_page
        self._known = {division.code: division for division in city.divisions}
        self._parents = retired_codes(city) | {d.code: d.parent for d in city.divisions}
        self._held: tuple[float, dict[str, Any]] | None = None
        self._lock = asyncio.Lock()
        self.places = [
            {"division": d.code, "name": d.name, "tier": d.tier, "parent": d.parent, "lon": d.lon, "lat": d.lat}
            for d in city.divisions
            if d.tier not in _BELOW and d.lon is not None
        ]

    def place(self, division: str) -> str:
        """The street-town of a division, or the first place above it that is one of today's; "" for none."""
        while division and (division not in self._known or self._known[division].tier in _BELOW):
            division = self._parents.get(division, "")
        return division

    def named(self, code: str) -> dict[str, Any]:
        """A place as a row begins with it."""
        found, above = self._known.get(code), self._known.get(self._parents.get(code, ""))
        return {"division": code, "name": found.name if found else "", "district": above.name if above else ""}

    async def counts(self, make: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """What `make` counts, at most once in FRESH seconds."""
        async with self._lock:
            if self._held is None or monotonic() - self._held[0] > FRESH:
                self._held = (monotonic(), {"orders_page": self._page, **await make()})
            return self._held[1]


@router.get("/v1/board", summary="How the city stands now, counted")
async def standing(request: Request) -> Response:
    """`stages` and `places` (street-towns): clocks missed of what is still open (`breaches`), and running ones that
    fall due within two hours and within a day; `ladder`: rungs that stand, by kind and level. `known_until`: what was
    recorded before it is in. `orders_page` is where people open an order. Counted at most once in 3 seconds."""
    principal(request, *OVERSIGHT)
    desk: Desk = request.app.state.desk
    board: Board = request.app.state.board
    return answer(await board.counts(lambda: _counted(request.app.state.pool, desk, board)))


@router.get("/v1/places", summary="The places of the map")
async def places(request: Request) -> Response:
    """Districts and street-towns that have a point (WGS-84)."""
    principal(request, *OVERSIGHT)
    board: Board = request.app.state.board
    return answer({"items": board.places, "next": None})


@router.get("/v1/rungs", summary="Rungs of the ladder that stand, the latest first")
async def rungs(
    request: Request,
    kind: RungKind | None = None,
    level: Annotated[int | None, Query(ge=0, le=9)] = None,
    division: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """What was urged or supervised by the ladder and is neither met nor ended: which rung, since when, of which clock
    of which order; in a division and everything below it."""
    principal(request, *OVERSIGHT)
    desk: Desk = request.app.state.desk
    divisions = None if division is None else desk.subtree(division)
    asked = store.Asked(kind, level, divisions, read_moment_cursor(cursor), limit + 1)
    found = await store.raised(request.app.state.pool, asked)
    now, page = desk.now(), found[:limit]
    items = [
        {
            **{name: getattr(one, name) for name in ("order_id", "clock_id", "rung", "kind", "level", "late", "stage")},
            "number": number_of(one.order_id),
            "division": one.division,
            "owner": desk.unit(one.owner, min(one.due, now)),
            "raised_at": one.raised_at.astimezone(desk.zone),
            "due": one.due.astimezone(desk.zone),
        }
        for one in page
    ]
    after = moment_cursor(page[-1].raised_at, page[-1].clock_id) if len(found) > limit else None
    return answer({"items": items, "next": after})


async def _counted(pool: asyncpg.Pool, desk: Desk, board: Board) -> dict[str, Any]:
    by_stage: dict[str, Counter[str]] = defaultdict(Counter)
    by_place: dict[str, Counter[str]] = defaultdict(Counter)
    for one in await store.late(pool):
        for found in (by_stage[one.stage], by_place[board.place(one.division)]):
            found["breaches"] += one.count
    for due in await pulse.falling_due(pool):
        for found in (by_stage[due.stage], by_place[board.place(due.division)]):
            found["due_2h"] += due.hours
            found["due_24h"] += due.day
    until = await store.known_until(pool)
    return {
        "at": desk.now().astimezone(desk.zone),
        "known_until": until and until.astimezone(desk.zone),
        **{name: sum(found[name] for found in by_stage.values()) for name in _COUNTS},
        "stages": [{"stage": stage} | {name: found[name] for name in _COUNTS} for stage, found in by_stage.items()],
        "places": [
            board.named(code) | {name: found[name] for name in _COUNTS}
            for code, found in sorted(by_place.items(), key=lambda item: (-item[1]["breaches"], item[0]))
        ],
        "ladder": [
            {"kind": one.kind, "level": one.level, "count": one.count, "oldest": one.oldest.astimezone(desk.zone)}
            for one in await store.ladder(pool)
        ],
    }
