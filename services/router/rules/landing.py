"""What a fact about an order says to the router: whether its matter still takes reports, and which class it has now."""

from schemas.facts import OrderFact
from schemas.vocabulary import OrderStatus

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
