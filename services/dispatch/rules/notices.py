"""What sensors and clocks make of orders: an alarm that cleared, a deadline missed or withdrawn.

None of these moves a version: what a person has on the screen stays valid. An order that ended takes none of them.
Whom a warning or a miss presses is the ladder's to say (`supervisions.climbing`).
"""

from uuid import UUID

from schemas.facts import (
    AlarmCleared,
    DeadlineMissed,
    DeadlineWarned,
    DeadlineWithdrawn,
    ProgressNoted,
)
from schemas.vocabulary import OrderStatus, Stage, Verification
from services.dispatch.rules import lifecycle
from services.dispatch.rules.acts.handing import lapsed
from services.dispatch.rules.book import Book
from services.dispatch.rules.checking import check
from services.dispatch.rules.order import Order
from services.dispatch.rules.requests.silence import on_missed, on_review

Deadline = DeadlineWarned | DeadlineMissed | DeadlineWithdrawn


def on_cleared(book: Book, order: Order, fact: AlarmCleared, cause: UUID) -> None:
    """The sensor is back to normal: the check that the order waits for, or else a note."""
    if order.status in lifecycle.ENDED:
        return
    note = f"{fact.device_id} {fact.rule}: {fact.value:g}"
    if order.status is OrderStatus.VERIFYING and order.verification is Verification.SENSOR:
        at = max(order.since, min(fact.cleared_at, book.now))
        check(book, order, True, Verification.SENSOR, note, cause=cause, at=at)
    else:
        note_on(book, order, note, "alarm_cleared", cause)


def on_deadline(book: Book, order: Order, fact: Deadline, cause: UUID) -> None:
    """What a missed deadline decides: a parked order goes on, the centre above takes an undecided request, a hand-over
    that nobody signed goes back. A note for one withdrawn; nothing for a warning."""
    if order.imported or order.status in lifecycle.ENDED:
        return
    if isinstance(fact, DeadlineWithdrawn):
        note_on(book, order, f"{fact.stage} {fact.owner}".rstrip() + f": {fact.cause}", "deadline_withdrawn", cause)
        return
    if not isinstance(fact, DeadlineMissed) or on_review(book, order, fact, cause):
        return
    on_missed(book, order, fact, cause)
    if fact.stage is Stage.SIGN:
        waiting = book.waiting_handover(order.order_id, fact.owner)
        if waiting is not None and waiting.offered_at < fact.due:  # not one that was offered since
            lapsed(book, order, waiting, cause)


def note_on(book: Book, order: Order, note: str, action: str, cause: UUID) -> None:
    """An automatic note, on the lead's assignment where there is one."""
    lead = order.leading()
    said = {"assignment_id": lead.assignment_id if lead is not None else None, "note": note}
    book.record(order, ProgressNoted, said, action=action, cause=cause, at=max(book.now, order.since))
