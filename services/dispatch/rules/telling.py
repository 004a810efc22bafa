"""What other platforms are told by webhook: what waits for them and what was taken back, and what became of the matters
that they handed to us. The same words as they would read when they ask."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from schemas.facts import HandoverOffered, HandoverReturned, OrderClosed, OrderRejected, OrderVoided
from schemas.ids import fact_id, number_of
from schemas.vocabulary import HandoverEnd
from services.dispatch.rules import shapes
from services.dispatch.rules.book import Book, Change
from services.dispatch.rules.handover import Handover, sender_of, source_of
from services.dispatch.rules.receipts import Receipt, receipt_of, settled

OFFERED, RETURNED, RECEIPT = "handover.offered", "handover.returned", "receipt.given"
ORDER_ENDED = "order_ended"  # why a hand-over is nobody's any more, beside the vocabulary's reasons
_ENDINGS = (OrderClosed, OrderRejected, OrderVoided)


class Sender(Struct, frozen=True):
    """Who numbered a report: the platform, its number, and when the report was received."""

    platform: str
    number: str
    received_at: datetime


class Word(Struct, frozen=True):
    """Something a platform is told. `stream` is the hand-over or the report in whose order it arrives."""

    id: UUID
    platform: str
    stream: UUID
    type: str
    at: datetime
    data: dict[str, Any]


def offers(book: Book) -> list[tuple[Change, Handover]]:
    """Hand-overs that were offered or went back, to platforms that want to hear it; not what one decided itself."""
    found = []
    for change in book.changes:
        fact = change.fact
        if not isinstance(fact, HandoverOffered | HandoverReturned) or fact.platform not in book.directory.told:
            continue
        if getattr(fact, "cause", None) is not HandoverEnd.DECLINED:
            found.append((change, book.handovers[fact.handover_id]))
    return found


def endings(book: Book) -> dict[UUID, Change]:
    """Orders that ended here: a hand-over of one that still waits is nobody's any more."""
    return {c.fact.order_id: c for c in book.changes if isinstance(c.fact, _ENDINGS)}


def given(book: Book) -> list[tuple[Change, Receipt, list[UUID]]]:
    """Receipts, each with the reports whose senders may want to hear it. What was imported tells nobody anything."""
    sources = {source_of(platform) for platform in book.directory.told}
    found = []
    for change in book.changes:
        reports = [voice.report_id for voice in change.order.voices if voice.source in sources]
        receipt = receipt_of(change.fact, change.private) if reports and not change.order.imported else None
        if receipt is not None:
            found.append((change, receipt, reports))
    return found


def is_offer(change: Change) -> bool:
    """Whether the change offers a hand-over, so that what was reported goes along."""
    return isinstance(change.fact, HandoverOffered)


def on_offer(
    book: Book, change: Change, handover: Handover, numbers: Iterable[tuple[str, str]], reports: list[dict[str, Any]]
) -> Word:
    """A hand-over is offered, or went back. What was reported goes along with the offer alone, its reporter masked."""
    offered = is_offer(change)
    data = shapes.handover(book.directory, handover, change.order, numbers)
    if offered:
        data["reports"] = reports
    else:
        data["cause"] = getattr(change.fact, "cause", ORDER_ENDED)
    kind = OFFERED if offered else RETURNED
    return _word(change, handover.platform, handover.handover_id, kind, data)


def on_receipt(
    book: Book, change: Change, receipt: Receipt, reports: list[UUID], senders: Mapping[UUID, Sender]
) -> list[Word]:
    """A receipt for each report whose platform wants to hear it, under the number it knows; not for what that platform
    said itself."""
    words = []
    for report_id in reports:
        sender = senders.get(report_id)
        if sender is None or sender.platform not in book.directory.told or sender.platform == receipt.platform:
            continue
        data = {
            "source_number": sender.number,
            "report_id": report_id,
            "number": number_of(report_id),
            "received_at": sender.received_at,
            "order_number": number_of(change.fact.order_id),
            "order_status": change.fact.status,
            "receipt": shapes.receipt(book.directory, receipt),
        }
        words.append(_word(change, sender.platform, report_id, RECEIPT, data))
    return words


def on_settled(book: Book) -> list[Word]:
    """What the senders of reports are told that were settled without work: answered as before, or passed to another
    platform."""
    words = []
    for kept in book.kept:
        report, order = kept.report, book.orders.get(kept.order_id) if kept.order_id is not None else None
        platform = sender_of(report.source, report.platform)
        if platform not in book.directory.told or not report.source_number or report.imported:
            continue
        receipt = settled(kept.state, report, book.now, "" if order is None else order.detail.conclusion)
        if receipt is not None:
            data = {
                "source_number": report.source_number,
                "report_id": kept.report_id,
                "number": number_of(kept.report_id),
                "received_at": report.received_at,
                "receipt": shapes.receipt(book.directory, receipt),
            }
            id_ = fact_id(kept.report_id, f"webhook\x1f{platform}")
            words.append(Word(id_, platform, kept.report_id, RECEIPT, book.now, data))
    return words


def _word(change: Change, platform: str, stream: UUID, kind: str, data: dict[str, Any]) -> Word:
    id_ = fact_id(change.id, f"webhook\x1f{platform}\x1f{stream.hex}")
    return Word(id_, platform, stream, kind, change.fact.recorded_at, data)
