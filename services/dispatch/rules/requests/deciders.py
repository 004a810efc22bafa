"""Who decides a request: the centre that dispatched, the ones above it, and who takes what nobody owns.

Never the unit that asks, and never its own tier: a centre is over a unit when its boundary takes the unit in and it
stands on a higher tier, or on the same one with the unit under that tier's own head (a station of the street).
"""

from schemas.refusals import Refused
from schemas.vocabulary import RequestKind, Role, Tier
from services.dispatch.rules.book import Actor
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.order import Assignment, Order
from services.dispatch.rules.requests.model import Request
from services.dispatch.rules.standing import centre_of
from services.dispatch.rules.subjects import bars


def dispatching_centre(directory: Directory, order: Order, a: Assignment) -> str:
    """Who gave a unit its part and decides about it: the unit of the part above it; else the centre that dispatched,
    or, where that stands on the unit's own tier, the nearest one over the unit; else the city's duty desk."""
    centre = centre_of(directory, order, a)
    if a.parent is not None or directory.is_over(centre, a.unit):
        return centre
    return centre_above(directory, a.unit) or directory.duty_desk


def centre_above(directory: Directory, unit: str) -> str:
    """The nearest centre over a unit or another centre; "" above the city's own."""
    return next(iter(directory.centres_over(unit)), "")


def first_decider(directory: Directory, order: Order, a: Assignment, kind: RequestKind, *, arbitration: bool) -> str:
    """Who decides a new request: the dispatching centre, or one above by policy and in arbitration."""
    centre = dispatching_centre(directory, order, a)
    if arbitration or directory.request_rule(kind).decided_by == "above":
        return centre_above(directory, centre) or centre
    return centre


def may_decide(directory: Directory, request: Request, actor: Actor) -> bool:
    """Whether somebody decides this request: a dispatcher of the centre it was put to or of one over that; of a part
    that was passed on, anybody of the unit that did so."""
    if actor.role is Role.DISPATCHER and directory.is_over(actor.unit, request.decider):
        return True
    decider = directory.heir(request.decider)
    passed_on = not directory.is_centre(decider) and decider != directory.duty_desk
    roles = (Role.DISPATCHER, Role.RESPONDER) if passed_on else (Role.DISPATCHER,)
    return actor.role in roles and actor.unit == decider


def check_decider(directory: Directory, request: Request, actor: Actor) -> None:
    """Raises Refused: `own_tier` for the unit that asked and whatever stands on its tier, `other_unit` for any other
    that neither is the decider nor over it; `forbidden` for who is no dispatcher of a centre."""
    unit = actor.unit
    if may_decide(directory, request, actor):
        return
    if unit == directory.heir(request.decider):
        raise Refused("forbidden", "a dispatcher decides")
    own, asking = directory.tier_of(unit), directory.tier_of(request.unit)
    if unit == directory.heir(request.unit) or (own is not None and own is asking):
        raise Refused("own_tier", f"{request.decider} decides")
    raise Refused("other_unit", f"{request.decider} decides")


def coordinator(directory: Directory, order: Order) -> str:
    """Who takes what nobody owns: the street of the place, without one the district, else the city's duty desk."""
    place = order.detail.place.division
    for tier in (Tier.STREET, Tier.DISTRICT):
        for function in directory.returns.coordinators:
            found = directory.holder(function, tier, place)
            if found and not bars(directory, order.subjects, found):
                return found
    return directory.duty_desk


def statutory(order: Order, holder: str, street: str) -> str:
    """The department that helps the coordinating street: whose matter it is by the rulebook, the first unit that was
    told to lead; where that is the street itself, who holds it now."""
    first = order.assignments[0].unit
    return first if first != street else holder
