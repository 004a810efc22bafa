"""Folds of finishing, checking, calling back, closing and reopening."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from schemas import facts
from schemas.facts import OrderFact
from schemas.vocabulary import AssignmentRole, CallKind, Result, Satisfaction
from schemas.vocabulary import AssignmentStatus as A
from services.dispatch.rules.evolve.moving import ask_again, move, noted, offered, settle, target
from services.dispatch.rules.order import Order

REOPEN = "reopen"


def _done(order: Order, fact: facts.AssignmentDone) -> None:
    a = target(order, fact)
    a.done_at = fact.occurred_at
    a.result = fact.result
    if fact.role is AssignmentRole.LEAD:
        order.result = fact.result
    move(a, A.DONE, fact.actor)
    settle(order.below(a))


def _confirmed(order: Order, fact: facts.AssignmentConfirmed) -> None:
    move(target(order, fact), A.CONFIRMED)


def _verified(order: Order, fact: facts.VerificationRecorded) -> None:
    lead = order.leading()
    if not fact.passed and lead is not None:  # rework: the same part again
        lead.done_at = lead.arrived_at = lead.result = None
        lead.answer = lead.hard_case_owner = ""
        order.result = None
        ask_again(order, contact=False)
        move(lead, A.ACCEPTED)


def _called_back(order: Order, fact: facts.CallbackRecorded) -> None:
    voice = order.voice(fact.report_id)
    assert voice is not None, f"fact {fact.seq} names a report its order does not have"
    if fact.kind is CallKind.BEFORE_ANSWER:
        order.warned = order.warned or fact.satisfied in (Satisfaction.FAIR, Satisfaction.DISSATISFIED)
    if fact.kind is not CallKind.CENTRE:
        return
    if fact.reached:
        voice.called_at, voice.unrated = fact.occurred_at, False
        voice.satisfied, voice.solved = fact.satisfied, fact.solved
    else:
        voice.attempts += 1
        voice.unrated = voice.unrated or fact.unrated
    if fact.proposes:
        order.proposed = REOPEN


def _rated(order: Order, fact: facts.RatingReceived) -> None:
    voice = order.voice(fact.report_id)
    assert voice is not None, f"fact {fact.seq} names a report its order does not have"
    voice.rated_at = voice.rated_at or fact.occurred_at
    voice.satisfied, voice.solved = fact.satisfied, fact.solved
    if fact.proposes:
        order.proposed = REOPEN


def _dismissed(order: Order, fact: facts.ReopeningDismissed) -> None:
    order.proposed = ""


def asks_for_more(order: Order, satisfied: Satisfaction | None, solved: bool | None) -> bool:
    """Whether a reporter's word asks for reopening: he is not satisfied, or what the lead calls solved is not. What
    could only be explained is not solved, and nobody says it is."""
    return satisfied is Satisfaction.DISSATISFIED or (solved is False and order.result is Result.SOLVED)


def _closed(order: Order, fact: facts.OrderClosed) -> None:
    order.closed_at = fact.occurred_at
    order.result = fact.result
    settle(order.assignments)


def _reopened(order: Order, fact: facts.OrderReopened) -> None:
    settle(order.assignments)
    order.closed_at = order.result = None
    order.detail = replace(order.detail, conclusion="")
    ask_again(order, contact=True)
    for offer in fact.assignments:
        order.assignments.append(offered(order, offer, len(order.assignments), fact.occurred_at))


def _concluded(order: Order, fact: facts.OrderConcluded) -> None:
    order.version += 1


def _concluded_privately(order: Order, fact: facts.OrderConcluded, said: dict[str, Any]) -> None:
    order.detail = replace(order.detail, conclusion=said.get("answer", ""))


def _done_privately(order: Order, fact: facts.AssignmentDone, said: dict[str, Any]) -> None:
    a = target(order, fact)
    a.answer = said.get("answer", "")
    a.hard_case_owner = said.get("hard_case_owner", "")
    for report_id, text in said.get("answers", {}).items():
        voice = order.voice(UUID(report_id))
        if voice is not None:
            voice.answer = text


def _rated_privately(order: Order, fact: facts.RatingReceived, said: dict[str, Any]) -> None:
    voice = order.voice(fact.report_id)
    if voice is not None:
        voice.comment = said.get("comment", "")


TELLS: dict[type[OrderFact], Callable[[Order, Any, dict[str, Any]], None]] = {
    facts.AssignmentDone: _done_privately,
    facts.OrderConcluded: _concluded_privately,
    facts.RatingReceived: _rated_privately,
}
FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {
    facts.AssignmentDone: _done,
    facts.AssignmentConfirmed: _confirmed,
    facts.VerificationRecorded: _verified,
    facts.CallbackRecorded: _called_back,
    facts.RatingReceived: _rated,
    facts.ReopeningDismissed: _dismissed,
    facts.OrderClosed: _closed,
    facts.OrderReopened: _reopened,
    facts.OrderConcluded: _concluded,
    facts.RepeatAnswered: noted,
}
