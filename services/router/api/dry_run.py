"""`POST /v1/rules/dry-run`: which past reports would go elsewhere by another rulebook. Nothing is changed by asking."""

import asyncio
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from fastapi import Request, Response
from msgspec import Meta, Struct

from schemas.facts.intake import Moment
from schemas.refusals import Refused
from services.chassis.asking import decoded
from services.chassis.city import CityFaults
from services.chassis.cursors import After, list_id, read_cursor, write_cursor
from services.chassis.web import answer, principal
from services.router import store
from services.router.api.rulebooks import BEFORE, OVERSIGHT, faulty
from services.router.handlers.force import InForce
from services.router.rules.atlas import Atlas
from services.router.rules.dry import Trial

PORTION = 2_000  # decisions that are looked at in one go, beside the other work of the process


class Asked(Struct, forbid_unknown_fields=True):
    """A rulebook (its TOML, or the number of one that was taken) and the time it is tried on. `against` is what it is
    compared with: the rulebook in force, asked again today, or what was decided at the time. At most `examine`
    decisions are looked at in one request, `limit` of the reports that would go elsewhere are named, and `cursor` goes
    on behind them."""

    since: Moment
    until: Moment | None = None
    rulebook: str = ""
    n: Annotated[int, Meta(ge=0)] = 0
    against: Literal["live", "decided"] = "live"
    limit: Annotated[int, Meta(ge=0, le=500)] = 100
    examine: Annotated[int, Meta(ge=1, le=20_000)] = 10_000
    cursor: Annotated[str, Meta(max_length=200)] = ""


_asked = msgspec.json.Decoder(Asked)


async def dry_run(request: Request) -> Response:
    """Try a rulebook on the decisions of a time, in the order in which they were taken."""
    caller = principal(request, *OVERSIGHT)
    force: InForce = request.app.state.force
    asked: Asked = decoded(_asked, await request.body())
    would = await _rulebook(request, force, asked)
    of = list_id("dry-run", would.rulebook.version, asked.since, asked.until, asked.against)
    place = read_cursor(asked.cursor, of)
    after = (place.at, place.id) if place else (asked.since, BEFORE)
    trial = Trial(would, force.atlas if asked.against == "live" else None, asked.limit)
    bars = force.atlas.organisation.bars
    after, more = await _look(request, trial, after, asked.until, asked.examine)
    hidden = [one for one in trial.moved if caller.unit and bars(one.accused, caller.unit)]
    return answer(
        {
            "version": would.rulebook.version,
            "against": force.atlas.rulebook.version if asked.against == "live" else "decided",
            "examined": trial.examined,
            "differing": trial.differing,
            "by_class": trial.by_class(),
            "by_unit": trial.by_unit(),
            "items": [one for one in trial.moved if one not in hidden],
            "next": write_cursor(After(*after), of) if more else None,
        }
    )


async def _look(
    request: Request, trial: Trial, after: tuple[datetime, UUID], until: datetime | None, most: int
) -> tuple[tuple[datetime, UUID], bool]:
    """Look at decisions behind a place, at most so many; the last place, and whether there may be more."""
    while trial.examined < most:
        wanted = min(PORTION, most - trial.examined)
        rows = await store.rulings(request.app.state.pool, after, until, wanted)
        await asyncio.to_thread(_portion, trial, rows)
        if rows:
            after = (rows[-1].decided_at, rows[-1].report_id)
        if len(rows) < wanted:
            return after, False
    return after, True


def _portion(trial: Trial, rows: list[store.Ruled]) -> None:
    for row in rows:
        trial.look(row.report_id, row.order_id, row.decided_at, row.ruling)


async def _rulebook(request: Request, force: InForce, asked: Asked) -> Atlas:
    """The city under the rulebook that is asked about. Raises Refused: invalid, not_found, rulebook_faulty."""
    text = asked.rulebook
    if bool(text) == bool(asked.n):
        raise Refused("invalid", "name a rulebook: its text, or the number of one that was taken")
    if asked.n:
        found = await store.text_of(request.app.state.pool, asked.n) if asked.n < 2**63 else None
        if found is None or not found[1]:
            raise Refused("not_found", "no rulebook was taken under this number")
        text = found[1]
    try:
        return await force.compiled(text, checked=True)
    except CityFaults as trouble:
        raise faulty(trouble) from None
