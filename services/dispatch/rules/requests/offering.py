"""Who is told what when a part changes hands."""

from collections.abc import Iterable

from schemas.facts import AssignmentOffer
from schemas.ids import assignment_id_of
from schemas.vocabulary import AssignmentRole, OrderStatus, RequestKind, Tier
from services.dispatch.rules import lifecycle
from services.dispatch.rules.book import Book
from services.dispatch.rules.order import Order


def offers_of(book: Book, order: Order, told: Iterable[tuple[str, AssignmentRole]]) -> tuple[AssignmentOffer, ...]:
    """What each unit is told: the live part it has already, in this role, or a new one."""
    live = {a.unit: a for a in order.assignments if a.live}
    offers: list[AssignmentOffer] = []
    ordinal = len(order.assignments)
    for unit, role in told:
        kept = live.get(unit)
        if kept is None:
            id_, tier = assignment_id_of(order.order_id, unit, ordinal), book.directory.tier_of(unit) or Tier.STREET
            ordinal += 1
        else:
            id_, tier = kept.assignment_id, kept.tier
        offers.append(AssignmentOffer(assignment_id=id_, unit=unit, role=role, tier=tier))
    return tuple(offers)


def status_after_return(order: Order, lead: AssignmentOffer, role: str) -> OrderStatus:
    """Where an order stands whose lead changes hands: handled on when the new one works on it already."""
    part = order.assignment(lead.assignment_id)
    accepted = part is not None and part.accepted_at is not None
    return lifecycle.order_step(order.status, RequestKind.RETURN, "lead accepted" if accepted else "", role).to
