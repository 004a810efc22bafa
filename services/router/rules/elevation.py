"""When a matter goes up a tier (提级): it repeats, somebody looks at it, the weather is against it."""

from datetime import datetime, timedelta

from msgspec import Struct

from schemas.city import Elevation, Unit
from schemas.facts import ReportReceived
from services.router.rules.atlas import RANKS, Atlas
from services.router.rules.day import Day
from services.router.rules.merge import Matter


class Raised(Struct, frozen=True):
    """By which row a matter goes up, to which centre (None: only its urgency does), and why."""

    row: Elevation
    to: Unit | None
    why: str


def raised(
    report: ReportReceived, class_key: str, division: str, lead: Unit, matter: Matter | None, day: Day, atlas: Atlas
) -> Raised | None:
    """The first row of the rulebook whose conditions all hold, and what follows; None when nothing goes up. `matter` is
    the one the report joins. Times are compared as moments, so zones do not matter."""
    item = atlas.classes.get(class_key)
    for row in atlas.city.elevations:
        fits = not row.classes or class_key in row.classes or (item and f"major:{item.major}" in row.classes)
        reasons = _reasons(row, report, division, matter, day, atlas) if fits else None
        if reasons:
            to = _above(lead, division, row.tiers, atlas)
            said = f"提级至{to.name}" if to else "提高紧急程度"
            told = f"{'、'.join(reasons)}，{said}：{row.why or row.elevation_id} | goes up by {row.elevation_id}"
            return Raised(row, to, told)
    return None


def _reasons(
    row: Elevation, report: ReportReceived, division: str, matter: Matter | None, day: Day, atlas: Atlas
) -> list[str] | None:
    """Why a row's conditions hold, in words; None when one of them does not."""
    at: datetime = report.received_at
    found: list[str] = []
    if row.repeats:
        recent = matter is not None and at - matter.opened_at <= timedelta(hours=row.hours)
        if matter is None or not recent or matter.reports + 1 < row.repeats:
            return None
        found.append(f"{row.hours:g}小时内第{matter.reports + 1}次反映")
    if row.attention:
        if report.attention not in row.attention:
            return None
        found.append(f"{report.attention}关注")
    if row.warnings:
        held = [one for one in day.warnings if one.kind in row.warnings and one.holds(division, at, atlas)]
        if not held:
            return None
        found.append(f"{held[0].level}{held[0].kind}预警期间")
    return found


def _above(lead: Unit, division: str, tiers: int, atlas: Atlas) -> Unit | None:
    """The centre `tiers` centres above a unit on the way up from a place; the city's own centre is the last."""
    own = RANKS[lead.tier]
    centres = [atlas.centre_of(area) for area in atlas.lineage.get(division, (atlas.city.root,))]
    higher = [unit for unit in centres if unit and RANKS[unit.tier] < own]
    return higher[min(tiers, len(higher)) - 1] if tiers and higher else None
