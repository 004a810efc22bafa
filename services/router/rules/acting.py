"""Who acts for whom: what was entrusted to another unit, and who stands in for one that is closed or full."""

from datetime import datetime

from msgspec import Struct

from schemas.city import Capacity, Unit
from schemas.vocabulary import Urgency
from services.router.rules.atlas import Atlas
from services.router.rules.day import Day
from services.router.rules.rulebook import within
from services.router.rules.text import both

_TURNS = 4  # how often one stands in for one that stands in; a ring ends here


class Acting(Struct, frozen=True):
    """The unit that acts, which row made it so ("" for none), who is passed on the way, and why."""

    unit: Unit
    by: str = ""
    through: tuple[Unit, ...] = ()
    why: str = ""


def acting_for(
    unit: Unit, class_key: str, division: str, local_time: datetime, urgency: Urgency, day: Day, atlas: Atlas
) -> Acting:
    """Who acts for a unit in a matter of a class at a place: the unit it entrusted it to, and who stands in for one
    that is closed or full. `local_time` is in the city's zone. Nobody stands in for the city's own desk."""
    found = _entrusted(Acting(unit), class_key, local_time, atlas)
    for _ in range(_TURNS):
        row, why = shut(found.unit, local_time, urgency, day, atlas)
        if row is None:
            return found
        other = _instead(found.unit, row, division, atlas)
        if other.unit_id == found.unit.unit_id:
            return found
        told = f"{found.unit.name}{why}，由{other.name}承接 | {found.unit.unit_id} cannot, {other.unit_id} stands in"
        found = Acting(other, row.capacity_id, found.through, both(found.why, told))
    return found


def watched(unit: Unit, division: str, atlas: Atlas) -> tuple[str, ...]:
    """The units whose open parts matter when a unit is asked: it and those that may stand in for it, where limited."""
    found: list[str] = []
    for _ in range(_TURNS):
        row = next((row for row in atlas.capacities_of(unit) if row.most), None)
        if row is None or unit.unit_id in found:
            break
        found.append(unit.unit_id)
        unit = _instead(unit, row, division, atlas)
    return tuple(found)


def shut(unit: Unit, local_time: datetime, urgency: Urgency, day: Day, atlas: Atlas) -> tuple[Capacity | None, str]:
    """The first row by which a unit cannot take work now, and why in words; (None, "") when it can. What is urgent is
    brought to a closed unit all the same: its duty roster answers for it."""
    for row in atlas.capacities_of(unit):
        if row.most and day.open_parts.get(unit.unit_id, 0) >= row.most:
            return row, f"在办{day.open_parts[unit.unit_id]}件已达上限{row.most}"
        if urgency is Urgency.NORMAL and _closed(row, local_time):
            return row, row.why or "此时不办公"
    return None, ""


def _closed(row: Capacity, local_time: datetime) -> bool:
    today = local_time.date()
    if row.closed_from or row.closed_to:
        begun = row.closed_from is None or row.closed_from <= today
        return begun and (row.closed_to is None or today <= row.closed_to)
    if row.days and local_time.weekday() not in row.days:
        return True
    return row.hours is not None and not within(row.hours, local_time)


def _instead(unit: Unit, row: Capacity, division: str, atlas: Atlas) -> Unit:
    if row.instead and (named := atlas.unit_for(row.instead, division)):
        return named
    above = atlas.divisions[unit.division].parent if unit.division in atlas.divisions else ""
    higher = atlas.unit_for(unit.function, above) if above in atlas.divisions else None
    return higher or atlas.unit_for("centre", division) or atlas.desk()


def _entrusted(found: Acting, class_key: str, local_time: datetime, atlas: Atlas) -> Acting:
    today = local_time.date()
    item = atlas.classes.get(class_key)
    for _ in range(_TURNS):
        for row in atlas.delegations.get(found.unit.unit_id, ()):
            begun = row.valid_from is None or row.valid_from <= today
            fits = not row.classes or class_key in row.classes or (item and f"major:{item.major}" in row.classes)
            to = atlas.units.get(row.to)
            if to and fits and begun and (row.valid_to is None or today <= row.valid_to):
                told = f"{found.unit.name}委托{to.name}办理 | {row.unit} has entrusted it to {row.to}"
                found = Acting(to, row.delegation_id, (*found.through, found.unit), both(found.why, told))
                break
        else:
            break
    return found
