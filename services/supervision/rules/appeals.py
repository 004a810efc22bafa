"""Appeals (申诉) against a number: a unit says that one item should not count, or should count in its favour; the
district's centre reviews first, the city last, each by somebody who is neither of that unit nor was there before.

| state   | left by                                                             |
|---------|---------------------------------------------------------------------|
| centre  | the district's centre: on to the city, or refused                   |
| city    | the city's supervisor: granted, or refused                          |
| granted | never: the item is corrected, with the appeal as its cause          |
| refused | never; the unit may appeal anew with better reasons                 |
"""

from collections.abc import Collection
from datetime import date
from typing import Literal
from uuid import UUID

from msgspec import Struct

from schemas.refusals import Refused
from schemas.vocabulary import Role, Tier

State = Literal["centre", "city", "granted", "refused"]
Effect = Literal["exclude", "correct"]


class Reviewer(Struct, frozen=True):
    """Who reviews: his id, role, the units he acts for, the tier of his unit (None: he has none, and sees the whole
    city) and the districts that it covers."""

    id: str
    role: Role
    units: Collection[str]
    tier: Tier | None
    districts: Collection[str]


class Appeal(Struct, frozen=True, kw_only=True):
    """One appeal as it stands."""

    appeal_id: UUID
    kpi: str
    order_id: UUID
    subject: UUID
    day: date
    unit: str
    district: str
    effect: Effect
    state: State
    version: int
    people: Collection[str]  # who filed it, and who reviewed it so far


def reviewed(appeal: Appeal, by: Reviewer, granted: bool, version: int) -> State:
    """The state after a review. Raises Refused: `appeal_over`, `version_stale`, `forbidden`, `own_appeal`."""
    if appeal.state not in ("centre", "city"):
        raise Refused("appeal_over", appeal.state)
    if version != appeal.version:
        raise Refused("version_stale", f"version {appeal.version}", version=appeal.version)
    if appeal.unit in by.units or by.id in appeal.people:
        raise Refused("own_appeal")
    if not _may(appeal, by):
        raise Refused("forbidden", f"the step {appeal.state!r} is another's")
    if not granted:
        return "refused"
    return "city" if appeal.state == "centre" else "granted"


def _may(appeal: Appeal, by: Reviewer) -> bool:
    city = by.tier in (None, Tier.CITY)
    if appeal.state == "city":
        return by.role is Role.SUPERVISOR and city
    if by.role not in (Role.DISPATCHER, Role.SUPERVISOR):
        return False
    # what lies in no district has the city's own centre for its first step
    return city if not appeal.district else by.tier is Tier.DISTRICT and appeal.district in by.districts
