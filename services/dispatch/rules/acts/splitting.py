"""One ticket holds two demands (拆单): each further demand becomes an order of its own.

A report hangs on exactly one order, and its reporter keeps one promise: the first order keeps the report (unless it is
named for a part) and cannot be finished before its parts are, so that the answer covers all that was asked. Decision
0014.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from schemas import facts
from schemas.facts import AssignmentOffer, ClassRef, Hop, MovedReport, OrderOpened, SplitPart
from schemas.facts.intake import Short
from schemas.ids import assignment_id_of, part_id
from schemas.refusals import Refused
from schemas.vocabulary import AssignmentRole, OrderStatus, Tier, Verification
from services.dispatch.rules import lifecycle, subjects
from services.dispatch.rules.acts.asked import (
    Act,
    Body,
    Note,
    OnAssignment,
    OnOrder,
    UnitId,
    check_apart,
    last_milestone,
    record,
)
from services.dispatch.rules.book import Book
from services.dispatch.rules.evolve import opened
from services.dispatch.rules.moment import occurred
from services.dispatch.rules.order import Order
from services.dispatch.rules.voices import voices

MOST_PARTS = 10


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One further demand: what of the ticket it is, its class as a key `standard/kind/code`, who leads and who helps,
    and the reports that are about it alone."""

    class_key: Short
    lead: UnitId
    assists: Annotated[tuple[UnitId, ...], Meta(max_length=20)] = ()
    report_ids: Annotated[tuple[UUID, ...], Meta(max_length=500)] = ()
    text: Note = ""


class Split(Body, frozen=True, kw_only=True):
    """Into which further orders."""

    parts: Annotated[tuple[Part, ...], Meta(max_length=MOST_PARTS)]
    reason: Note = ""


def split(book: Book, order: Order, asked: Act) -> None:
    """Open an order for each part; this one goes on as it was.

    Raises Refused: split_nothing (no parts, or no report would stay here), unit_taken, unit_unknown, class_unknown,
    subject_unit, invalid (a report that is not this order's, or named twice).
    """
    body: Split = asked.body
    if not body.parts:
        raise Refused("split_nothing")
    at = occurred(body.occurred_at, book.now, last_milestone(order))
    lying = voices(order, book.past(order))
    named = [id_ for part in body.parts for id_ in part.report_ids]
    if len(named) != len(set(named)) or any(id_ not in lying for id_ in named):
        raise Refused("invalid", "report_ids: each a report of this order, named once")
    if lying and len(named) == len(lying):
        raise Refused("split_nothing", "no report would stay on the order")
    classes = [_checked(book, order, part) for part in body.parts]
    first = len(order.detail.parts)
    ids = [part_id(order.order_id, n) for n in range(first, first + len(body.parts))]
    to = lifecycle.order_step(order.status, "split", "", asked.actor.who).to
    said = {
        "parts": tuple(
            SplitPart(order_id=id_, class_ref=ref, lead=part.lead, reports=part.report_ids)
            for id_, ref, part in zip(ids, classes, body.parts, strict=True)
        ),
    }
    record(book, order, facts.OrderSplit, said, asked, at, to, reason=body.reason)
    for id_, ref, part in zip(ids, classes, body.parts, strict=True):
        _open(book, order, id_, ref, part, [lying[r] for r in part.report_ids], asked, at)
        book.move(part.report_ids, id_)


def check_parts(book: Book, order: Order) -> None:
    """Raises Refused `parts_open` while an order that was split off has not ended: the answer would not be whole."""
    still_open = book.open_parts.get(order.order_id, ())
    if still_open:
        raise Refused("parts_open", f"{len(still_open)} of its parts are not done", parts=[str(p) for p in still_open])


def _checked(book: Book, order: Order, part: Part) -> ClassRef:
    units = (part.lead, *part.assists)
    check_apart(units)
    unknown = [unit for unit in units if book.directory.unit(unit) is None]
    if unknown:
        raise Refused("unit_unknown", ", ".join(unknown))
    ref = book.directory.class_of(part.class_key)
    if ref is None:
        raise Refused("class_unknown", part.class_key)
    subjects.check(book.directory, order.subjects, units)
    return ref


def _open(
    book: Book,
    order: Order,
    id_: UUID,
    ref: ClassRef,
    part: Part,
    moved: Sequence[MovedReport],
    asked: Act,
    at: datetime,
) -> None:
    """One part as an order: at the same place, as urgent, checked in the same way; whom nobody reported about it alone
    is called on the first order."""
    tier = book.directory.tier_of(part.lead) or Tier.STREET
    fact = OrderOpened(
        order_id=id_,
        seq=1,
        occurred_at=at,
        recorded_at=book.now,
        status=OrderStatus.DISPATCHED,
        actor=asked.actor.id,
        unit=asked.actor.unit,
        class_ref=ref,
        place=order.detail.place,
        urgency=order.urgency,
        lead=part.lead,
        path=(*order.detail.path, Hop(tier=tier, unit=part.lead, at=at, by=asked.actor.id)),
        assignments=tuple(_offers(book, id_, (part.lead, *part.assists))),
        reports=tuple(m.report for m in moved),
        source=order.source,
        verification=Verification.NONE if order.verification is Verification.CALL and not moved else order.verification,
        rule=order.detail.rule,
        subjects=order.subjects,
        split_from=order.order_id,
        imported=order.imported,
    )
    private = msgspec.json.encode({"text": part.text}).decode() if part.text else None
    made = opened(fact, text=part.text)
    book.orders[id_] = book.opened[id_] = made
    book.note(
        made,
        fact,
        cause=asked.cause,
        action="open",
        unit=asked.actor.unit,
        reason=asked.body.reason,
        versions=(0, 1),
        private=private,
    )


def _offers(book: Book, order_id: UUID, units: Iterable[str]) -> Iterable[AssignmentOffer]:
    for place, unit in enumerate(dict.fromkeys(units)):
        yield AssignmentOffer(
            assignment_id=assignment_id_of(order_id, unit, place),
            unit=unit,
            role=AssignmentRole.ASSIST if place else AssignmentRole.LEAD,
            tier=book.directory.tier_of(unit) or Tier.STREET,
        )


ASSIGNMENT: dict[str, OnAssignment] = {}
ORDER = {"split": OnOrder(Split, split)}
