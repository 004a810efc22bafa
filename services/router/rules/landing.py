"""What a fact about an order says to the router: whether its matter still takes reports, and which class it has now."""

from schemas.facts import OrderFact, ReportsMoved, UrgencyChanged
from schemas.vocabulary import GRAVITY, OrderStatus, Urgency
from services.router.rules.quiet import AGAIN, MOVED, SEVERE

ENDED = frozenset(
    {OrderStatus.CLOSED, OrderStatus.REJECTED, OrderStatus.TRANSFERRED, OrderStatus.MERGED, OrderStatus.VOID}
)


def has_ended(fact: OrderFact) -> bool:
    """Whether the order has ended, so that a report about its matter opens a successor."""
    return fact.status in ENDED


def class_key_of(fact: OrderFact) -> str | None:
    """The class that the order has from now on, as a key; None when the fact does not speak of it."""
    class_ref = getattr(fact, "class_ref", None)
    return None if class_ref is None else class_ref.key


def marks_of(fact: OrderFact) -> int:
    """The marks that the fact gives the matter: it came back, it is severe now, reports of another order came to it."""
    marks = AGAIN if fact.round > 1 else 0
    if isinstance(fact, UrgencyChanged) and GRAVITY[fact.urgency] >= GRAVITY[Urgency.URGENT]:
        marks |= SEVERE
    if isinstance(fact, ReportsMoved) and not fact.away:
        marks |= MOVED
    return marks
