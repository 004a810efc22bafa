"""Who gets it, through which tiers, and with what: the rule's lead and assists, or who acts for them; one tier up where
the matter rises; held for the dispatcher of a tier where the rule says so; the resources that are sent along.
"""

from datetime import datetime

from msgspec import Struct

from schemas.city import Unit
from schemas.facts import Called, Candidate, Hop, ReportReceived
from schemas.vocabulary import GRAVITY, Tier, Urgency
from services.router.rules.acting import Acting, acting_for
from services.router.rules.atlas import Atlas
from services.router.rules.classify import Classified
from services.router.rules.day import Day
from services.router.rules.elevation import Raised, raised
from services.router.rules.locate import Located
from services.router.rules.match import Matched, deciding_centre
from services.router.rules.merge import Matter
from services.router.rules.resources import chosen
from services.router.rules.text import both
from services.router.rules.tiers import hops, route
from services.router.rules.veto import Veto


class Asked(Struct, frozen=True):
    """What is known of a report when it is assigned; `matter` is the one it joins, `doubt` why a person must decide,
    `accused` the units complained about."""

    report: ReportReceived
    located: Located
    classified: Classified
    matched: Matched
    veto: Veto | None
    urgency: Urgency
    doubt: str
    matter: Matter | None
    accused: tuple[str, ...] = ()


class Assigned(Struct, frozen=True):
    """The lead, its helpers and the way to it, each hop stamped; how urgent it is now; the centre that joins the order
    of a matter that went up; what is sent, what was considered; and why, in words."""

    lead: Unit
    assists: tuple[Unit, ...]
    path: tuple[Hop, ...]
    urgency: Urgency
    raised_to: str = ""
    called: tuple[Called, ...] = ()
    considered: tuple[Candidate, ...] = ()
    sent: str = ""  # what to say of the resources asked for
    why: str = ""


def assign(asked: Asked, now: datetime, day: Day, atlas: Atlas) -> Assigned:
    """Who gets a report. `now` (aware) stamps the hops; `day` is read with the batch. Pure."""
    division = asked.located.place.division if asked.located.place else atlas.city.root
    lead = asked.matched.lead
    goes_up = raised(asked.report, asked.classified.key, division, lead, asked.matter, day, atlas)
    urgency = _urgency(asked.urgency, goes_up)
    if asked.doubt:
        return _held(asked, division, urgency, goes_up, now, atlas)
    if asked.veto:
        way = hops(route(atlas, asked.located.place, lead), now, "veto")
        found = Assigned(lead, asked.matched.assists, way, urgency)
    else:
        found = _given(asked, division, urgency, goes_up, now, day, atlas)
    return _sent(found, asked, day, atlas)


def _urgency(before: Urgency, goes_up: Raised | None) -> Urgency:
    asked = goes_up.row.urgency if goes_up else None
    return max((before, asked or before), key=GRAVITY.__getitem__)


def _held(
    asked: Asked, division: str, urgency: Urgency, goes_up: Raised | None, now: datetime, atlas: Atlas
) -> Assigned:
    """A person decides: the dispatcher of the tier that the rule holds it for, else of the district. Of what is not
    sure only the tiers above are passed."""
    rule = asked.matched.rule
    held = rule is not None and rule.hold and asked.matched.only_held
    tier = rule.hold_at if rule and held else Tier.DISTRICT
    centre = deciding_centre(atlas, division, tier, asked.accused)
    by = rule.rule_id if rule and held else "triage"
    way = hops(route(atlas, asked.located.place, centre), now, by)
    told = f"由{centre.name}派单员决定 | held for the dispatcher of {centre.unit_id}"
    return Assigned(centre, (), way, urgency, why=both(told, goes_up.why if goes_up else ""))


def _given(
    asked: Asked, division: str, urgency: Urgency, goes_up: Raised | None, now: datetime, day: Day, atlas: Atlas
) -> Assigned:
    matched, place, rule = asked.matched, asked.located.place, asked.matched.rule
    at = now.astimezone(atlas.zone)

    def who(unit: Unit) -> Acting:
        return acting_for(unit, asked.classified.key, division, at, urgency, day, atlas)

    acting = who(matched.lead)
    lead, by = acting.unit, rule.rule_id if rule else "triage"
    way = hops(route(atlas, place, acting.through[0] if acting.through else lead), now, by)
    if acting.through:
        way = (*way, *hops((*acting.through[1:], lead), now, acting.by))
    elif acting.by:
        way = (*way[:-1], *hops((lead,), now, acting.by))
    helping = [who(unit) for unit in matched.assists]
    assists = [one.unit for one in helping]
    to = goes_up.to if goes_up else None
    if goes_up and to:
        assists.insert(0, lead)
        lead = to
        way = hops(route(atlas, place, lead), now, by)
        way = (*way[:-1], *hops((lead,), now, goes_up.row.elevation_id))
    others = {unit.unit_id: unit for unit in assists if unit.unit_id != lead.unit_id}
    why = both(acting.why, *(one.why for one in helping), goes_up.why if goes_up else "")
    return Assigned(lead, tuple(others.values()), way, urgency, to.unit_id if to else "", why=why)


def _sent(found: Assigned, asked: Asked, day: Day, atlas: Atlas) -> Assigned:
    """With what is sent along: the units whose it is help. A matter that is known and open has its own already."""
    rule = asked.matched.rule
    if rule is None or not rule.resources or (asked.matter is not None and not asked.matter.closed):
        return found
    called, considered, missing = chosen(rule.resources, asked.located.place, day.free, atlas)
    owners = [unit for one in called if (unit := atlas.units.get(one.unit))]
    assists = {unit.unit_id: unit for unit in (*found.assists, *owners) if unit.unit_id != found.lead.unit_id}
    return Assigned(
        found.lead,
        tuple(assists.values()),
        found.path,
        found.urgency,
        found.raised_to,
        called,
        considered,
        both(*(one.why for one in called), missing),
        found.why,
    )
