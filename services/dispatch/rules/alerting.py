"""Danger to life or limb is told to 110, 119 and 120 in the moment in which the order opens, beside the units that have
it here: a hand-over for help to each, to be signed for. The order stays here whatever they do. Source: design §7,
国办发〔2022〕12号 (应急联动).
"""

from collections.abc import Iterable
from uuid import UUID

from schemas.facts import HandoverOffered
from schemas.ids import handover_id_of
from schemas.vocabulary import HandoverMode
from services.dispatch.rules.book import Book
from services.dispatch.rules.handover import Handover, is_platform
from services.dispatch.rules.lifecycle import ENDED
from services.dispatch.rules.order import Order


def alert(book: Book, order: Order, platforms: Iterable[str], why: str, cause: UUID) -> None:
    """Offer the order to each platform that has not got it waiting already."""
    if order.imported or order.status in ENDED:
        return
    for platform in dict.fromkeys(platforms):
        if not is_platform(book.directory, platform) or book.waiting_handover(order.order_id, platform):
            continue
        at, id_ = max(book.now, order.since), handover_id_of(order.order_id, order.seq + 1)
        said = {"handover_id": id_, "platform": platform, "mode": HandoverMode.HELP, "reason": why}
        book.record(order, HandoverOffered, said, action="alert", cause=cause, at=at, reason=why)
        book.handovers[id_] = Handover(
            handover_id=id_,
            order_id=order.order_id,
            platform=platform,
            mode=HandoverMode.HELP,
            reason=why,
            offered_at=at,
            offered_by=order.lead,
            changed=True,
        )
