"""Who may see an order and act on it: queue × jurisdiction (design §11).

A responder sees what its unit holds or held. A centre sees what it leads, what it passed on, and everything inside its
boundary subtree, so a parent tier sees its children's. Oversight without a unit sees the whole city. The unit that a
report complains about sees nothing of it, and neither does whoever answers to it.
"""

from schemas.vocabulary import Role
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.order import Order

CITY_WIDE = frozenset({Role.AGENT, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR, Role.INSPECTOR, Role.IMPORT})
READERS = CITY_WIDE | {Role.DISPATCHER, Role.RESPONDER}
REVEALERS = frozenset({Role.AGENT, Role.DISPATCHER})


def sees_all(role: Role, unit: str) -> bool:
    """Whether this principal's view has no boundary at all."""
    return not unit and role in CITY_WIDE


def shut_out(directory: Directory, unit: str, order: Order) -> bool:
    """Whether an order complains about this unit, one that became part of it or one that it answers to, so that it may
    neither see it nor do anything to it in whatever role. The top of the city, which nobody else can lead instead of,
    is not."""
    if not order.subjects:
        return False
    return any(one in order.subjects and one != order.lead for one in directory.answers_for(unit))


def sees(directory: Directory, role: Role, unit: str, order: Order) -> bool:
    """Whether a principal may see an order as it stands."""
    if sees_all(role, unit):
        return True
    if not unit or shut_out(directory, unit, order):
        return False
    mine = directory.acts_for(unit)
    held = order.lead in mine or any(a.unit in mine for a in order.assignments)
    if held or role is Role.RESPONDER:
        return held
    return any(hop.unit in mine for hop in order.detail.path) or directory.inside(order.detail.place.division, unit)
