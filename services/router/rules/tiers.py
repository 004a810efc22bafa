"""Through which tiers an order goes: city → district → street-town (→ committee), each hop stamped."""

from collections.abc import Iterable
from datetime import datetime

from schemas.city import Unit
from schemas.facts import Hop, Place
from services.router.rules.atlas import RANKS, Atlas


def route(atlas: Atlas, place: Place | None, lead: Unit) -> tuple[Unit, ...]:
    """The units an order passes on its way to its lead: the centre of each tier above the lead that covers the place
    (the lead's own division where no place is known), then the lead."""
    division = place.division if place else lead.division
    if not atlas.covers(lead.division, division):
        division = lead.division
    passed: list[Unit] = []
    for area in reversed(atlas.lineage.get(division, ())):
        centre = atlas.centre_of(area)
        if centre and RANKS[centre.tier] < RANKS[lead.tier]:
            passed.append(centre)
    return (*passed, lead)


def hops(units: Iterable[Unit], now: datetime, by: str) -> tuple[Hop, ...]:
    """These units as hops of an order, passed at `now` (aware) by `by`: a rule's id, or who did it by hand."""
    return tuple(Hop(tier=unit.tier, unit=unit.unit_id, at=now, by=by) for unit in units)
