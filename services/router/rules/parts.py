"""What facts about an order say of its parts: which units have something to do, and which have it no longer."""

from collections.abc import Callable, Iterator
from uuid import UUID

from msgspec import Struct

from schemas.facts import (
    AssignmentConfirmed,
    AssignmentDone,
    AssignmentOffer,
    AssignmentReturned,
    AssignmentSentBack,
    AssignmentWithdrawn,
    OrderFact,
    OrderRouted,
)

_ENDS = (AssignmentConfirmed, AssignmentDone, AssignmentReturned, AssignmentWithdrawn)


class Part(Struct, frozen=True):
    """One unit's part of an order after the fact with `seq`; `unit` is "" where the fact does not name it."""

    part_id: UUID
    order_id: UUID
    unit: str
    open: bool
    seq: int


def offers_of(fact: OrderFact) -> tuple[AssignmentOffer, ...]:
    """The parts that a fact gives to units."""
    one = getattr(fact, "offer", None)
    many = getattr(fact, "assignments", ())
    return (*many, one) if isinstance(one, AssignmentOffer) else tuple(many)


def parts_of(fact: OrderFact, limited: Callable[[str], bool]) -> Iterator[Part]:
    """What a fact says of the parts of units for which `limited` is true; of parts it does not name the unit of, in any
    case. A part is open from its offer until it is done, given back or taken back."""
    for offer in offers_of(fact):
        if limited(offer.unit):
            yield Part(offer.assignment_id, fact.order_id, offer.unit, True, fact.seq)
    if isinstance(fact, _ENDS):
        yield Part(fact.assignment_id, fact.order_id, "", False, fact.seq)
    elif isinstance(fact, AssignmentSentBack):
        yield Part(fact.assignment_id, fact.order_id, "", True, fact.seq)
    elif isinstance(fact, OrderRouted):
        yield from (Part(one, fact.order_id, "", False, fact.seq) for one in fact.withdrawn)
