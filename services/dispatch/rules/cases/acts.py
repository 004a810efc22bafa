"""What people do to special cases and commitments, and what supervision says of them. Each raises Refused before
anything is changed."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import to_builtins

from schemas import facts
from schemas.facts import DeadlineMissed, DeadlineWarned
from schemas.ids import clock_id_of, commitment_id_of, meeting_id_of
from schemas.refusals import Refused
from schemas.vocabulary import CommitmentState, DeadlineNotice, OrderStatus, Stage
from services.dispatch.rules.acts.asked import Act, Reason
from services.dispatch.rules.book import Actor
from services.dispatch.rules.cases.bodies import (
    AcceptIt,
    AnswerIt,
    Closing,
    Commits,
    Linking,
    MeetingHeld,
    Opening,
    SendBack,
)
from services.dispatch.rules.cases.book import CaseBook, Link
from services.dispatch.rules.cases.model import Commitment, SpecialCase
from services.dispatch.rules.cases.reach import check_reach, holders
from services.dispatch.rules.cases.table import OPENERS, case_step, check_stands, commitment_step
from services.dispatch.rules.moment import check_age, occurred
from services.dispatch.rules.notices import Deadline
from services.dispatch.rules.order import Order
from services.dispatch.rules.visibility import sees

GONE = frozenset({OrderStatus.MERGED, OrderStatus.TRANSFERRED, OrderStatus.VOID, OrderStatus.REJECTED})
MINUTES_LATE = timedelta(days=90)  # how long after a meeting its minutes may come in
FAR = timedelta(days=5 * 366)  # no unit commits to anything beyond
MOST_MEETINGS = 100
MOST_COMMITMENTS = 300
Refusals = dict[UUID, Refused]


def open_case(book: CaseBook, case_id: UUID, asked: Act) -> SpecialCase:
    """A centre gathers orders about one matter, under a lead within its reach. All orders, or none: a refusal names
    the order."""
    body: Opening = asked.body
    directory = book.orders.directory
    if asked.actor.role not in OPENERS or not directory.is_centre(asked.actor.unit):
        raise Refused("other_unit", "only a dispatching centre opens a special case")
    home = directory.unit(asked.actor.unit)
    assert home is not None
    if directory.unit(body.lead) is None:
        raise Refused("unit_unknown", body.lead)
    found, refused = _linkable(book, case_id, body.orders, asked.actor)
    _all_or_none(refused)
    check_reach(directory, asked.actor.unit, body.lead, holders(found))
    said = {"lead": body.lead, "division": home.division, "orders": tuple(o.order_id for o in found)}
    private = {"title": body.title, "reason": body.reason}
    case = book.record(
        case_id, facts.SpecialCaseOpened, said, action="open", cause=asked.cause, at=book.now, actor=asked.actor,
        reason=body.reason, private=private,
    )  # fmt: skip
    _link_orders(book, case, found, asked, body.reason)
    return case


def link(book: CaseBook, case: SpecialCase, asked: Act, each: bool) -> Refusals:
    """Orders are linked: all or none, or with `each` those that can be. Answers why the others cannot."""
    body: Linking = asked.body
    case_step(case.state, "link")
    found, refused = _linkable(book, case.case_id, body.orders, asked.actor)
    if not each:
        _all_or_none(refused)
    if found:
        _record(book, case, facts.SpecialCaseLinked, {"orders": tuple(o.order_id for o in found)}, asked, body.reason)
        _link_orders(book, case, found, asked, body.reason)
    return refused


def unlink(book: CaseBook, case: SpecialCase, asked: Act, each: bool) -> Refusals:
    """As `link`, the other way round."""
    body: Linking = asked.body
    case_step(case.state, "unlink")
    found: list[Order] = []
    refused: Refusals = {}
    for order_id in dict.fromkeys(body.orders):
        order = book.orders.orders.get(order_id)
        if order is None:
            refused[order_id] = Refused("not_found", str(order_id), order_id=str(order_id))
        elif order.detail.case_id != case.case_id:
            refused[order_id] = Refused("not_linked", order_id=str(order_id))
        else:
            found.append(order)
    if not each:
        _all_or_none(refused)
    if found:
        _record(book, case, facts.SpecialCaseUnlinked, {"orders": tuple(o.order_id for o in found)}, asked, body.reason)
        for order in found:
            _on_order(book, case, order, facts.OrderUnlinked, asked, body.reason)
            book.unlinked.append(Link(case.case_id, order.order_id, order.recorded_at))
    return refused


def _linkable(book: CaseBook, case_id: UUID, order_ids: Sequence[UUID], actor: Actor) -> tuple[list[Order], Refusals]:
    """The orders among these that can be linked to a case, and why the others cannot."""
    found: list[Order] = []
    refused: Refusals = {}
    for order_id in dict.fromkeys(order_ids):
        order = book.orders.orders.get(order_id)
        try:
            if order is None:
                raise Refused("not_found", str(order_id), order_id=str(order_id))
            _check_linkable(book, case_id, order, actor)
            found.append(order)
        except Refused as refusal:
            refused[order_id] = refusal
    return found, refused


def _check_linkable(book: CaseBook, case_id: UUID, order: Order, actor: Actor) -> None:
    said = {"order_id": str(order.order_id)}
    assert actor.role is not None
    if not sees(book.orders.directory, actor.role, actor.unit, order):
        raise Refused("other_unit", f"order {order.order_id}", **said)
    if order.status in GONE:
        raise Refused("order_unlinkable", order.status, **said)
    held = order.detail.case_id
    if held == case_id:
        raise Refused("linked_already", **said)
    if held is not None and book.is_open(held):
        raise Refused("case_taken", case_id=str(held), **said)


def _all_or_none(refused: Refusals) -> None:
    if refused:
        raise next(iter(refused.values()))


def _link_orders(book: CaseBook, case: SpecialCase, orders: Sequence[Order], asked: Act, reason: str) -> None:
    for order in orders:
        _on_order(book, case, order, facts.OrderLinked, asked, reason)
        book.linked.append(Link(case.case_id, order.order_id, order.recorded_at))


def _on_order(
    book: CaseBook, case: SpecialCase, order: Order, kind: type[facts.OrderFact], asked: Act, reason: str
) -> None:
    action = "link" if kind is facts.OrderLinked else "unlink"
    said = {"case_id": case.case_id, "reason": reason}
    at = max(book.now, order.since)
    book.orders.record(order, kind, said, action=action, cause=asked.cause, at=at, actor=asked.actor, reason=reason)


def meet(book: CaseBook, case: SpecialCase, asked: Act) -> None:
    """A meeting is recorded, with what units committed to there."""
    body: MeetingHeld = asked.body
    case_step(case.state, "meeting")
    check_age(body.held_at, book.now, MINUTES_LATE)
    at = occurred(body.held_at, book.now, book.now - MINUTES_LATE)
    _check_meeting(book, case, body, asked.actor, at)
    meeting_id = meeting_id_of(case.case_id, case.seq + 1)
    made = tuple(
        facts.Committed(commitment_id=commitment_id_of(meeting_id, place), unit=one.unit, due=one.due)
        for place, one in enumerate(body.commitments)
    )
    said: dict[str, Any] = {
        "meeting_id": meeting_id,
        "units": tuple(dict.fromkeys(body.units)),
        "outcome": body.outcome,
        "commitments": made,
        "corrects": body.corrects,
    }
    private = {
        "persons": to_builtins([one.person() for one in body.persons]),
        "matter": body.matter,
        "decided": body.decided,
        "texts": [one.text for one in body.commitments],
    }
    _record(book, case, facts.MeetingRecorded, said, asked, at=at, private=private)


def _check_meeting(book: CaseBook, case: SpecialCase, body: MeetingHeld, actor: Actor, at: datetime) -> None:
    directory = book.orders.directory
    for unit in (*body.units, *(one.unit for one in body.commitments), *(p.unit for p in body.persons if p.unit)):
        if not directory.ever_had(unit):
            raise Refused("unit_unknown", unit)
    if body.corrects is not None:
        before = case.meeting(body.corrects)
        if before is None:
            raise Refused("meeting_unknown", str(body.corrects))
        if before.corrected_by is not None:
            raise Refused("meeting_corrected", str(before.corrected_by), corrected_by=str(before.corrected_by))
    if len(case.meetings) >= MOST_MEETINGS or len(case.commitments) + len(body.commitments) > MOST_COMMITMENTS:
        raise Refused("meetings_too_many")
    for one in body.commitments:
        _check_commits(book, case, one, actor, at)


def _check_commits(book: CaseBook, case: SpecialCase, one: Commits, actor: Actor, at: datetime) -> None:
    directory = book.orders.directory
    if directory.unit(one.unit) is None:
        raise Refused("unit_unknown", one.unit)
    check_reach(directory, actor.unit, one.unit, book.holders.get(case.case_id, ()))
    if not at < one.due <= book.now + FAR:
        raise Refused("commitment_due", one.due.isoformat())
    if one.unit == case.centre and not directory.centre_above(case.centre):
        raise Refused("own_commitment", "nobody above this centre could accept it")


def close(book: CaseBook, case: SpecialCase, asked: Act) -> None:
    """The matter is dealt with. Raises Refused `commitments_open` while somebody has still to do something."""
    body: Closing = asked.body
    case_step(case.state, "close")
    left = [str(one.commitment_id) for one in case.commitments if one.open]
    if left:
        raise Refused("commitments_open", str(len(left)), commitments=left)
    private = {"conclusion": body.conclusion}
    _record(book, case, facts.SpecialCaseClosed, {"result": body.result}, asked, private=private)


def answer(book: CaseBook, case: SpecialCase, one: Commitment, asked: Act) -> None:
    """Its unit says what it did."""
    body: AnswerIt = asked.body
    commitment_step(one.state, "answer")
    check_age(body.occurred_at, book.now, book.orders.directory.late)
    at = occurred(body.occurred_at, book.now, one.since)
    said = {"commitment_id": one.commitment_id}
    _record(book, case, facts.CommitmentAnswered, said, asked, at=at, private={"answer": body.answer})


def accept(book: CaseBook, case: SpecialCase, one: Commitment, asked: Act) -> None:
    """The centre agrees that it was kept."""
    body: AcceptIt = asked.body
    _decided(book, case, one, asked, facts.CommitmentAccepted, {}, {"note": body.note})


def send_back(book: CaseBook, case: SpecialCase, one: Commitment, asked: Act) -> None:
    """The centre wants more, until a new due."""
    body: SendBack = asked.body
    commitment_step(one.state, "send_back")
    if not max(book.now, one.last_at) < body.due <= book.now + FAR:
        raise Refused("commitment_due", body.due.isoformat())
    _decided(book, case, one, asked, facts.CommitmentSentBack, {"due": body.due}, {"reason": body.reason})


def withdraw(book: CaseBook, case: SpecialCase, one: Commitment, asked: Act) -> None:
    """The centre releases the unit from it."""
    body: Reason = asked.body
    _decided(book, case, one, asked, facts.CommitmentWithdrawn, {}, {"reason": body.reason})


def _decided(
    book: CaseBook,
    case: SpecialCase,
    one: Commitment,
    asked: Act,
    kind: type[facts.CaseFact],
    said: dict[str, Any],
    private: dict[str, Any],
) -> None:
    commitment_step(one.state, asked.action)
    at = max(book.now, one.last_at)
    _record(book, case, kind, {"commitment_id": one.commitment_id} | said, asked, at=at, private=private)


def on_case(book: CaseBook, case: SpecialCase, asked: Act, *, each: bool = False) -> Refusals:
    """Do it. With `each`, orders that cannot be linked or unlinked do not keep the others from it: answers why."""
    check_stands(book.orders.directory, case, None, asked.action, asked.actor)
    if asked.action in LINKING:
        return LINKING[asked.action](book, case, asked, each)
    ON_CASE[asked.action](book, case, asked)
    return {}


def on_commitment(book: CaseBook, case: SpecialCase, one: Commitment, asked: Act) -> None:
    """Do it."""
    check_stands(book.orders.directory, case, one, asked.action, asked.actor)
    ON_COMMITMENT[asked.action](book, case, one, asked)


def on_commitment_deadline(book: CaseBook, case: SpecialCase, fact: Deadline, cause: UUID) -> None:
    """What supervision says of a commitment's deadline: kept in the history, and a miss stays on the commitment. A
    warning for one that was answered meanwhile says nothing any more."""
    one = next((c for c in case.commitments if fact.clock_id in clock_ids(c)), None)
    if one is None:
        raise Refused("not_found", f"commitment of clock {fact.clock_id}")
    if isinstance(fact, DeadlineWarned):
        notice = DeadlineNotice.WARNED
    else:
        notice = DeadlineNotice.MISSED if isinstance(fact, DeadlineMissed) else DeadlineNotice.WITHDRAWN
    if notice is DeadlineNotice.WARNED and one.state is not CommitmentState.OPEN:
        return
    said = {"commitment_id": one.commitment_id, "notice": notice, "due": fact.due}
    at = max(book.now, one.last_at)
    book.record(case, facts.CommitmentRung, said, action=notice, cause=cause, at=at, reason=fact.stage)


def clock_ids(one: Commitment) -> list[UUID]:
    """The clock of each time a commitment was asked for, the newest last."""
    return [
        clock_id_of(one.case_id, place, Stage.COMMITMENT, str(one.commitment_id)) for place in range(1, one.asked + 1)
    ]


def _record(
    book: CaseBook,
    case: SpecialCase,
    kind: type[facts.CaseFact],
    said: dict[str, Any],
    asked: Act,
    reason: str = "",
    *,
    at: datetime | None = None,
    private: dict[str, Any] | None = None,
) -> None:
    at = max(book.now, case.opened_at) if at is None else at
    book.record(
        case, kind, said, action=asked.action, cause=asked.cause, at=at, actor=asked.actor, reason=reason,
        private=private,
    )  # fmt: skip


LINKING: dict[str, Callable[[CaseBook, SpecialCase, Act, bool], Refusals]] = {"link": link, "unlink": unlink}
ON_CASE: dict[str, Callable[[CaseBook, SpecialCase, Act], None]] = {"meeting": meet, "close": close}
ON_COMMITMENT: dict[str, Callable[[CaseBook, SpecialCase, Commitment, Act], None]] = {
    "answer": answer,
    "accept": accept,
    "send_back": send_back,
    "withdraw": withdraw,
}
