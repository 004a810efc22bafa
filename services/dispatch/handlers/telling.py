"""Puts what other platforms are told among the deliveries, in the transaction of the change itself. Nothing is asked of
the database unless a platform that wants to hear by webhook is concerned."""

from typing import Any
from uuid import UUID

import msgspec

from services.chassis.database import Connection
from services.chassis.webhooks import deliveries
from services.chassis.webhooks.deliveries import Notice
from services.dispatch.rules import shapes, telling
from services.dispatch.rules.book import Book
from services.dispatch.rules.telling import Word
from services.dispatch.store import handovers, reads

_encode = msgspec.json.Encoder().encode


async def tell(connection: Connection, book: Book) -> None:
    """Write what this book's changes tell other platforms. The book itself was written before."""
    if not book.directory.told:
        return
    words = [
        *await _of_handovers(connection, book),
        *await _of_reports(connection, book),
        *telling.on_settled(book),
    ]
    await deliveries.put(connection, [_notice(word) for word in words])


async def _of_handovers(connection: Connection, book: Book) -> list[Word]:
    concerned = telling.offers(book)
    ended = telling.endings(book)
    if ended:
        left = (await handovers.waiting(connection, ended)).values()
        concerned += [(ended[h.order_id], h) for h in left if h.platform in book.directory.told]
    if not concerned:
        return []
    numbers = await handovers.numbers_of(connection, [handover.order_id for _, handover in concerned])
    words = []
    for change, handover in concerned:
        said = await _said(connection, handover.order_id) if telling.is_offer(change) else []
        words.append(telling.on_offer(book, change, handover, numbers.get(handover.order_id, ()), said))
    return words


async def _said(connection: Connection, order_id: UUID) -> list[dict[str, Any]]:
    """The reports of an order as whoever is asked to take it may read them."""
    stored = await reads.reports(connection, order_id)
    return [shapes.report(one.report_id, one.report, one.reporter, one.repeat_of) for one in stored]


async def _of_reports(connection: Connection, book: Book) -> list[Word]:
    receipts = telling.given(book)
    if not receipts:
        return []
    senders = await handovers.senders(connection, {id_ for _, _, reports in receipts for id_ in reports})
    words = (telling.on_receipt(book, change, receipt, ids, senders) for change, receipt, ids in receipts)
    return [word for told in words for word in told]


def _notice(word: Word) -> Notice:
    body = _encode({"type": word.type, "timestamp": word.at, "data": word.data})
    return Notice(word.id, word.platform, word.stream, word.type, body)
