"""What the duty rosters (值班) are asked about orders: whom one rings, and how long a hand-over note is shown."""

from datetime import timedelta

from schemas.vocabulary import OrderStatus, Urgency
from services.dispatch.rules.order import Order

NOTE_LASTS = timedelta(hours=48)  # how long a hand-over note is shown to those who come on


def rung_units(order: Order) -> tuple[str, ...]:
    """Whose person on duty an order rings: of every unit that has something to do, in triage of the centre that
    decides. None for an order that can wait, has ended or was imported."""
    if order.urgency is Urgency.NORMAL or order.imported:
        return ()
    if order.status is OrderStatus.TRIAGE:
        return (order.lead,)
    return tuple(dict.fromkeys(a.unit for a in order.assignments if a.live))
