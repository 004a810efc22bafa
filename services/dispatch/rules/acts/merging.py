"""Orders that move to another order or to another platform."""

from typing import Annotated

from msgspec import Meta

from schemas import facts
from services.dispatch.rules import lifecycle
from services.dispatch.rules.acts.asked import Act, OnAssignment, OnOrder, Reason, last_milestone, record
from services.dispatch.rules.book import Book
from services.dispatch.rules.moment import occurred
from services.dispatch.rules.order import Order


class Transfer(Reason, frozen=True, kw_only=True):
    """To which platform, and why."""

    platform: Annotated[str, Meta(min_length=1, max_length=50)]


def _transfer(book: Book, order: Order, asked: Act) -> None:
    body: Transfer = asked.body
    at = occurred(body.occurred_at, book.now, last_milestone(order))
    to = lifecycle.order_step(order.status, "transfer", "", asked.actor.who).to
    said = {"platform": body.platform, "reason": body.reason}
    record(book, order, facts.OrderTransferred, said, asked, at, to, reason=body.reason)


ASSIGNMENT: dict[str, OnAssignment] = {}
ORDER = {"transfer": OnOrder(Transfer, _transfer)}
