"""Whom a rung of the ladder reaches: parties as units of today, and who stands over whom.

A unit that an order complains about is told nothing of it and decides nothing about it.
"""

from collections.abc import Iterable

from schemas.vocabulary import Party, Role, Stage, Tier
from services.dispatch.rules.book import Actor
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.order import Order
from services.dispatch.rules.requests.deciders import centre_above
from services.dispatch.rules.standing import centre_of
from services.dispatch.rules.subjects import bars
from services.dispatch.rules.supervisions.model import Supervision

UNIT = "unit:"
_TIERS = list(Tier)  # the highest first
RINGS = frozenset({Party.DUTY_PHONE, Party.DUTY_LEADER})


def unit_of(directory: Directory, order: Order, owner: str, party: str) -> str:
    """The unit that a party is, seen from the unit whose clock it is; "" where there is none. Of the two that ring it
    is the unit whose person on duty is rung."""
    if party.startswith(UNIT):
        return directory.heir(party.removeprefix(UNIT))
    match party:
        case Party.OWNER | Party.DUTY_PHONE:
            return directory.heir(owner)
        case Party.LEAD:
            return directory.heir(order.lead)
        case Party.DISPATCHING_CENTRE:
            return _dispatching(directory, order, owner)
        case Party.CENTRE_ABOVE:
            centre = _dispatching(directory, order, owner)
            return centre_above(directory, centre) or centre
        case Party.DUTY_LEADER:
            return next(iter(directory.rosters.above(owner)[1:]), "")
        case Party.DISTRICT:
            centre = directory.centre_above(owner)
            while centre and directory.tier_of(centre) is not Tier.DISTRICT:
                centre = directory.centre_above(centre)
            return centre
    return next(reversed(directory.centres_over(owner)), directory.duty_desk)


def _dispatching(directory: Directory, order: Order, owner: str) -> str:
    """The centre that dispatched to a unit, be it of the unit's own tier (a district's centre supervises the district's
    departments), but none of a lower one: then the nearest centre above. Of a part that was passed on it is whoever
    passed it on; of a centre's own clock the centre above it, at the top itself."""
    unit = directory.heir(owner)
    parts = [a for a in order.assignments if directory.heir(a.unit) == unit]
    if parts:
        centre = centre_of(directory, order, parts[-1])
        lower = parts[-1].parent is None and _rank(directory, centre) > _rank(directory, unit)
        return directory.centre_above(unit) if lower else centre
    if directory.is_centre(unit):
        return centre_above(directory, unit) or unit
    return centre_of(directory, order)


def _rank(directory: Directory, unit: str) -> int:
    tier = directory.tier_of(unit)
    return _TIERS.index(tier) if tier is not None else len(_TIERS)


def reached(directory: Directory, order: Order, owner: str, parties: Iterable[str]) -> tuple[str, ...]:
    """The units that these parties are and that may be told; each once."""
    found = (unit_of(directory, order, owner, party) for party in parties)
    return tuple(dict.fromkeys(unit for unit in found if unit and not bars(directory, order.subjects, unit)))


def seen_from(directory: Directory, order: Order, stage: Stage, owner: str) -> str:
    """The unit from which the parties of a clock are seen: its owner; the lead for the promise to the citizen, which
    the city owns, and for a clock that is no unit's of ours (another platform's)."""
    if stage is Stage.TOTAL or directory.unit(directory.heir(owner)) is None:
        return order.lead
    return owner


def over(directory: Directory, order: Order, answerer: str, told: Iterable[str]) -> str:
    """Who accepts the answer: the first of those who are told that is not the one to answer, else the centre that
    dispatched to it, else the nearest above; the city's duty desk where nobody is."""
    centre = _dispatching(directory, order, answerer)
    line = [*told, centre, *directory.centres_over(answerer), *directory.centres_over(centre), directory.duty_desk]
    fit = (unit for unit in line if unit and unit != answerer and not bars(directory, order.subjects, unit))
    return next(fit, directory.duty_desk)


def may_answer(directory: Directory, supervision: Supervision, actor: Actor) -> bool:
    """Whether somebody answers for the unit that has to."""
    roles = (Role.RESPONDER, Role.DISPATCHER)
    return actor.role in roles and actor.unit != "" and actor.unit == directory.heir(supervision.answerer)


def may_accept(directory: Directory, supervision: Supervision, actor: Actor) -> bool:
    """Whether somebody accepts the answer: of the supervising unit or of a centre over it, or a supervisor of the whole
    city; never of the unit that answered."""
    if actor.role not in (Role.DISPATCHER, Role.SUPERVISOR) or own(directory, supervision, actor):
        return False
    by = directory.heir(supervision.by)
    city_wide = actor.role is Role.SUPERVISOR and not actor.unit
    return city_wide or actor.unit == by or directory.is_over(actor.unit, by)


def own(directory: Directory, supervision: Supervision, actor: Actor) -> bool:
    """Whether it is about somebody's own unit."""
    return actor.unit != "" and actor.unit == directory.heir(supervision.answerer)
