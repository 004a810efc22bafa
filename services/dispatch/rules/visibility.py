"""Who may see an order and act on it: queue × jurisdiction (design §11).

A responder sees what its unit holds or held. A centre sees what it leads, what it passed on, and everything inside its
boundary subtree, so a parent tier sees its children's. Oversight without a unit sees the whole city.
"""

from collections.abc import Iterable

from schemas.vocabulary import Role
from services.dispatch.rules.directory import Directory

CITY_WIDE = frozenset({Role.AGENT, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR, Role.INSPECTOR, Role.IMPORT})
READERS = CITY_WIDE | {Role.DISPATCHER, Role.RESPONDER}
REVEALERS = frozenset({Role.AGENT, Role.DISPATCHER})


def sees_all(role: Role, unit: str) -> bool:
    """Whether this principal's view has no boundary at all."""
    return not unit and role in CITY_WIDE


def may_see(
    directory: Directory, role: Role, unit: str, *, division: str, lead: str, units: Iterable[str], path: Iterable[str]
) -> bool:
    """Whether a principal may see an order at this place, led by `lead`, with assignments of these units."""
    if sees_all(role, unit):
        return True
    if not unit:
        return False
    if role is Role.RESPONDER:
        return unit == lead or unit in units
    return unit == lead or unit in path or unit in units or directory.inside(division, unit)
