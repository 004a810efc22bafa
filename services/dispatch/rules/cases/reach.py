"""Which units a centre may name in a special case: as its lead, or as one that commits to something.

A centre binds itself and the units inside its boundary; whoever needs one of another district asks the centre above
both. A unit that already holds an order linked to the case is in the matter anyway, and may always be named.
"""

from collections.abc import Collection, Iterable

from schemas.refusals import Refused
from schemas.vocabulary import AssignmentStatus
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.order import Order

GIVEN_UP = frozenset({AssignmentStatus.RETURNED, AssignmentStatus.WITHDRAWN})


def holders(orders: Iterable[Order]) -> frozenset[str]:
    """The units that lead one of these orders or have, or had to the end, a part of it."""
    found = set()
    for order in orders:
        found.add(order.lead)
        found |= {a.unit for a in order.assignments if a.status not in GIVEN_UP}
    return frozenset(found - {""})


def outside(directory: Directory, centre: str, units: Iterable[str]) -> list[str]:
    """Those of these units that are neither the centre itself nor inside its boundary. Unknown ones are left out."""
    known = [unit for name in units if (unit := directory.unit(name)) is not None]
    return [unit.unit_id for unit in known if not directory.inside(unit.division, centre)]


def check_reach(directory: Directory, centre: str, unit: str, held_by: Collection[str]) -> None:
    """Raises Refused `unit_outside` for a unit that the centre may not name; `held_by` are the units that hold orders
    linked to the case."""
    if outside(directory, centre, (unit,)) and not any(each in held_by for each in directory.acts_for(unit)):
        raise Refused("unit_outside", unit, unit=unit)
