"""Folds of orders that move to another order or platform."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from schemas import facts
from schemas.facts import OrderFact
from schemas.vocabulary import AssignmentStatus as A
from services.dispatch.rules.evolve.moving import move, noted, offered, settle, voice_of
from services.dispatch.rules.order import Order


def _merged(order: Order, fact: facts.OrderMerged) -> None:
    order.merged_into = fact.into
    _leave(order, fact.reports)
    _withdraw(order, fact.withdrawn)


def _unmerged(order: Order, fact: facts.OrderUnmerged) -> None:
    order.merged_into = None
    _come(order, fact.reports)
    _offer(order, fact)


def _moved(order: Order, fact: facts.ReportsMoved) -> None:
    if fact.away:
        _leave(order, fact.reports)
    else:
        _come(order, fact.reports)
    order.subjects = tuple(dict.fromkeys((*order.subjects, *fact.subjects)))
    _withdraw(order, fact.withdrawn)
    _offer(order, fact)
    order.version += 1


def _split(order: Order, fact: facts.OrderSplit) -> None:
    gone = {report_id for part in fact.parts for report_id in part.reports}
    order.voices = [voice for voice in order.voices if voice.report_id not in gone]
    order.detail = replace(order.detail, parts=(*order.detail.parts, *(part.order_id for part in fact.parts)))
    order.version += 1


def _leave(order: Order, reports: tuple[facts.MovedReport, ...]) -> None:
    gone = {moved.report.report_id for moved in reports}
    order.voices = [voice for voice in order.voices if voice.report_id not in gone]


def _come(order: Order, reports: tuple[facts.MovedReport, ...]) -> None:
    """Who was reached before stays reached; calls and ratings are about the answer that this order gives."""
    for moved in reports:
        voice = voice_of(moved.report)
        voice.contacted_at = moved.contacted_at
        order.voices.append(voice)


def _withdraw(order: Order, ids: tuple[UUID, ...]) -> None:
    for a in order.assignments:
        if a.assignment_id in ids:
            move(a, A.WITHDRAWN)


def _offer(order: Order, fact: facts.OrderUnmerged | facts.ReportsMoved) -> None:
    for offer in fact.assignments:
        order.assignments.append(offered(order, offer, len(order.assignments), fact.occurred_at))


def _transferred(order: Order, fact: facts.OrderTransferred) -> None:
    settle(order.assignments)


FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {
    facts.OrderMerged: _merged,
    facts.OrderUnmerged: _unmerged,
    facts.ReportsMoved: _moved,
    facts.OrderSplit: _split,
    facts.OrderTransferred: _transferred,
    facts.HandoverOffered: noted,
    facts.HandoverSigned: noted,
    facts.HandoverReturned: noted,
    facts.HandoverReported: noted,
}
