"""Work is handed to another platform: offered by the sender, taken back by him, asked for by a responder in one tap;
and what the other platform says: signed, declined, arrived, what came of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from schemas import facts
from schemas.facts import OrderFact
from schemas.facts.intake import Short
from schemas.ids import handover_id_of, platform_name
from schemas.refusals import Refused
from schemas.vocabulary import HandoverEnd, HandoverMode, HandoverState, HandoverStep
from services.dispatch.rules import lifecycle
from services.dispatch.rules.acts.asked import (
    Act,
    Body,
    Name,
    Note,
    OnAssignment,
    OnOrder,
    Reason,
    Said,
    last_milestone,
    record,
    words,
)
from services.dispatch.rules.book import SYSTEM, Book
from services.dispatch.rules.handover import Handover, check_platform, is_platform
from services.dispatch.rules.moment import occurred
from services.dispatch.rules.order import Assignment, Order

POLICE = "110"
_REPORTED = (HandoverStep.ARRIVED, HandoverStep.RESULT)  # signing has an action of its own


class Transfer(Body, frozen=True, kw_only=True):
    """To which platform, and why."""

    platform: Annotated[str, words(50)]
    reason: Said


class Police(Body, frozen=True, kw_only=True):
    """A word for the police; nothing is needed."""

    reason: Note = ""


class Sign(Body, frozen=True, kw_only=True):
    """Who takes it, and what his platform calls it."""

    person: Name
    number: Short = ""


class Receipt(Body, frozen=True, kw_only=True):
    """How far the other platform got, and what came of it."""

    step: HandoverStep
    answer: Note = ""


def _transfer(book: Book, order: Order, asked: Act) -> None:
    """Offer the order to another platform; it stays here until somebody there signs. Raises Refused
    `platform_unregistered` for one that nobody would ever sign for."""
    body: Transfer = asked.body
    platform = platform_name(body.platform)
    if not is_platform(book.directory, platform):
        raise Refused("platform_unregistered", platform)
    _offer(book, order, asked, platform, HandoverMode.TRANSFER, body.reason)


def _police(book: Book, order: Order, assignment: Assignment, asked: Act) -> None:
    """Ask the police to come; the order stays with its units whatever they do."""
    _offer(book, order, asked, POLICE, HandoverMode.HELP, asked.body.reason, assignment)


def _offer(
    book: Book,
    order: Order,
    asked: Act,
    platform: str,
    mode: HandoverMode,
    reason: str,
    target: Assignment | None = None,
) -> None:
    """Raises Refused `handover_open` while another one waits for its signature that would take the order away, or one
    to the same platform."""
    waiting = book.waiting_handover(order.order_id)
    if waiting is not None and waiting.mode is HandoverMode.HELP:
        waiting = book.waiting_handover(order.order_id, platform)
    if waiting is not None:
        raise Refused("handover_open", waiting.platform, handover_id=str(waiting.handover_id))
    after = last_milestone(order) if target is None else max(target.offered_at, target.accepted_at or target.offered_at)
    at = occurred(asked.body.occurred_at, book.now, after)
    id_ = handover_id_of(order.order_id, order.seq + 1)
    said = {"handover_id": id_, "platform": platform, "mode": mode, "reason": reason}
    record(book, order, facts.HandoverOffered, said, asked, at, target=target, reason=reason)
    book.handovers[id_] = Handover(
        handover_id=id_,
        order_id=order.order_id,
        platform=platform,
        mode=mode,
        reason=reason,
        offered_at=at,
        offered_by=asked.actor.unit,
        changed=True,
    )


def _recall(book: Book, order: Order, asked: Act) -> None:
    """The sender takes it back before anybody signed."""
    waiting = book.waiting_handover(order.order_id)
    if waiting is None:
        raise lifecycle.not_allowed("recall", order.status, (), "nothing waits for a signature")
    at = occurred(asked.body.occurred_at, book.now, max(order.since, waiting.offered_at))
    _back(book, order, waiting, asked, at, HandoverEnd.RECALLED, asked.body.reason)


def lapsed(book: Book, order: Order, handover: Handover, cause: UUID) -> None:
    """Nobody signed in time: it goes back to the sender, who had it all the while."""
    asked = Act("lapse", None, SYSTEM, cause)
    at = max(book.now, order.since, handover.offered_at)
    _back(book, order, handover, asked, at, HandoverEnd.UNSIGNED, "")


def _back(
    book: Book, order: Order, handover: Handover, asked: Act, at: datetime, end: HandoverEnd, reason: str
) -> None:
    said = {"handover_id": handover.handover_id, "platform": handover.platform, "cause": end, "reason": reason}
    record(book, order, facts.HandoverReturned, said, asked, at, reason=reason)
    handover.state, handover.ended_at = HandoverState.RETURNED, at
    handover.moved()


def on_handover(book: Book, order: Order, handover: Handover, asked: Act) -> None:
    """What the other platform says. Raises Refused before anything is changed: other_unit for any other platform,
    handover_ended when it was signed or went back, action_not_allowed when the order ended meanwhile."""
    check_platform(book.directory, handover, asked.actor.unit, order.detail.place.division)
    ON_HANDOVER[asked.action].do(book, order, handover, asked)


def _sign(book: Book, order: Order, handover: Handover, asked: Act) -> None:
    """A named person takes it. From here on a transferred order is the other platform's."""
    body: Sign = asked.body
    _check_waits(handover)
    at = occurred(body.occurred_at, book.now, max(order.since, handover.offered_at))
    row = lifecycle.order_step(order.status, "sign", handover.mode.value, asked.actor.who)
    said: dict[str, Any] = {"handover_id": handover.handover_id, "platform": handover.platform}
    kind: type[OrderFact] = facts.HandoverSigned
    if handover.mode is HandoverMode.TRANSFER:
        at = max(at, last_milestone(order))
        kind = facts.OrderTransferred
        said |= {"reason": handover.reason}
    private = msgspec.json.encode({"person": body.person, "number": body.number}).decode()
    record(book, order, kind, said, asked, at, row.to, reason=handover.reason, private=private)
    handover.state, handover.ended_at = HandoverState.SIGNED, at
    handover.person, handover.number = body.person, body.number
    handover.moved()


def _decline(book: Book, order: Order, handover: Handover, asked: Act) -> None:
    """Not theirs either: undecided, it stays with who received it first."""
    _check_waits(handover)
    at = occurred(asked.body.occurred_at, book.now, max(order.since, handover.offered_at))
    _back(book, order, handover, asked, at, HandoverEnd.DECLINED, asked.body.reason)


def _receipt(book: Book, order: Order, handover: Handover, asked: Act) -> None:
    """Arrived, or done: kept in the order's history for ever, also when the order itself has ended here."""
    body: Receipt = asked.body
    if body.step not in _REPORTED:
        raise Refused("invalid", f"step: {' or '.join(_REPORTED)}")
    if handover.state is not HandoverState.SIGNED:
        raise Refused("handover_unsigned")
    assert handover.ended_at is not None
    at = occurred(body.occurred_at, book.now, max(handover.ended_at, handover.arrived_at or handover.ended_at))
    done = handover.arrived_at if body.step is HandoverStep.ARRIVED else handover.result_at
    if done is not None:
        raise Refused("receipt_given", body.step.value)
    said = {"handover_id": handover.handover_id, "platform": handover.platform, "step": body.step}
    private = msgspec.json.encode({"answer": body.answer}).decode() if body.answer else None
    record(book, order, facts.HandoverReported, said, asked, at, private=private)
    if body.step is HandoverStep.ARRIVED:
        handover.arrived_at = at
    else:
        handover.result_at, handover.answer = at, body.answer
    handover.moved()


def _check_waits(handover: Handover) -> None:
    if handover.state is not HandoverState.OFFERED:
        raise Refused("handover_ended", handover.state.value)


class OnHandover(msgspec.Struct, frozen=True):
    """An action on a hand-over: what it must say, and what comes of it."""

    body: type[Body]
    do: Callable[[Book, Order, Handover, Act], None]


ASSIGNMENT = {"police": OnAssignment(Police, _police)}
ORDER = {"transfer": OnOrder(Transfer, _transfer), "recall": OnOrder(Reason, _recall)}
ON_HANDOVER = {
    "sign": OnHandover(Sign, _sign),
    "decline": OnHandover(Reason, _decline),
    "receipts": OnHandover(Receipt, _receipt),
}
