"""How fast an order must move, judged anew: by a person."""

from schemas import facts
from schemas.refusals import Refused
from schemas.vocabulary import Urgency
from services.dispatch.rules import lifecycle
from services.dispatch.rules.acts.asked import Act, Body, OnAssignment, OnOrder, Said, record
from services.dispatch.rules.book import Book
from services.dispatch.rules.moment import occurred
from services.dispatch.rules.order import Order
from services.dispatch.rules.raising import is_graver


class Judged(Body, frozen=True, kw_only=True):
    """How fast it must move, and what was heard or seen."""

    urgency: Urgency
    reason: Said


def _judge(book: Book, order: Order, asked: Act) -> None:
    body: Judged = asked.body
    if body.urgency is order.urgency:
        raise Refused("invalid", f"urgency: it is {order.urgency} already")
    when = "raised" if is_graver(body.urgency, order.urgency) else "lowered"
    to = lifecycle.order_step(order.status, "urgency", when, asked.actor.who).to
    said = {"urgency": body.urgency, "before": order.urgency, "reason": body.reason}
    at = occurred(body.occurred_at, book.now, order.since)
    record(book, order, facts.UrgencyChanged, said, asked, at, to, reason=body.reason)


ASSIGNMENT: dict[str, OnAssignment] = {}
ORDER: dict[str, OnOrder] = {"urgency": OnOrder(Judged, _judge)}
