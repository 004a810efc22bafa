"""What sensors and clocks make of orders: an alarm that cleared, a deadline warned of, missed or withdrawn.

None of these moves a version: what a person has on the screen stays valid. An order that ended takes none of them,
and one that was imported takes no urge and no supervision: its time is long past.
"""

from uuid import UUID

from schemas.facts import (
    AlarmCleared,
    DeadlineMissed,
    DeadlineWarned,
    DeadlineWithdrawn,
    OrderFact,
    ProgressNoted,
    Supervised,
    Urged,
)
from schemas.vocabulary import OrderStatus, Stage, Verification
from services.dispatch.rules import lifecycle
from services.dispatch.rules.acts.handing import lapsed
from services.dispatch.rules.book import Book
from services.dispatch.rules.checking import check
from services.dispatch.rules.order import Order
from services.dispatch.rules.requests.silence import on_missed, on_review

SERVICE = lifecycle.Caller(lifecycle.SYSTEM, frozenset({lifecycle.Relation.SERVICE}))
Deadline = DeadlineWarned | DeadlineMissed | DeadlineWithdrawn
FIRST_LEVEL = 1  # a deadline missed rings the dispatching centre; higher rungs are decided by supervision


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
    """An urge for a deadline that comes near, a supervision for one that is missed, a note for one withdrawn."""
    if order.imported or order.status in lifecycle.ENDED:
        return
    note = f"{fact.stage} {fact.owner}".rstrip()
    if isinstance(fact, DeadlineWithdrawn):
        note_on(book, order, f"{note}: {fact.cause}", "deadline_withdrawn", cause)
        return
    if isinstance(fact, DeadlineMissed) and on_review(book, order, fact, cause):
        return
    action = "urge" if isinstance(fact, DeadlineWarned) else "supervise"
    if action in lifecycle.order_actions(order.status, SERVICE):
        kind: type[OrderFact] = Urged if action == "urge" else Supervised
        said: dict[str, object] = {} if action == "urge" else {"level": FIRST_LEVEL}
        said = {**said, "note": note, "clock_id": fact.clock_id}
        book.record(order, kind, said, action=action, cause=cause, at=max(book.now, order.since), reason=fact.stage)
    if isinstance(fact, DeadlineMissed):
        on_missed(book, order, fact, cause)
    if isinstance(fact, DeadlineMissed) and fact.stage is Stage.SIGN:
        waiting = book.waiting_handover(order.order_id)
        if waiting is not None and waiting.offered_at < fact.due:  # not one that was offered since
            lapsed(book, order, waiting, cause)


def note_on(book: Book, order: Order, note: str, action: str, cause: UUID) -> None:
    """An automatic note, on the lead's assignment where there is one."""
    lead = order.leading()
    said = {"assignment_id": lead.assignment_id if lead is not None else None, "note": note}
    book.record(order, ProgressNoted, said, action=action, cause=cause, at=max(book.now, order.since))
