"""How fast an order must move, as it was judged anew."""

from uuid import UUID

from schemas.facts.dispatch.base import OrderFact
from schemas.vocabulary import Urgency


class UrgencyChanged(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The order moves faster, or slower, from now on. `report_id` is the report that made it so, where one did."""

    urgency: Urgency
    before: Urgency
    reason: str
    report_id: UUID | None = None
