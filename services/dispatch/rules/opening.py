"""What the router's facts make of orders: open one, join one, open the successor of one that ended, or wait.

Every function decides on one message, folds the result into the book and records its facts. A report that is kept
already changes nothing, so any message may come twice.
"""

from uuid import UUID

from schemas.facts import (
    AssignmentOffer,
    Hop,
    OrderOpened,
    OrderProposed,
    Plan,
    RepeatAnswered,
    ReportAnswered,
    ReportJoined,
    ReportLinked,
    ReportStub,
    ReportTransferred,
    TriageRequested,
)
from schemas.ids import assignment_id_of, order_id_of, successor_id
from schemas.vocabulary import AssignmentRole, OrderStatus
from services.dispatch.rules import subjects
from services.dispatch.rules.alerting import alert
from services.dispatch.rules.book import Book, KeptReport
from services.dispatch.rules.evolve import opened
from services.dispatch.rules.lifecycle import ENDED
from services.dispatch.rules.order import CITIZEN_SOURCES, Order
from services.dispatch.rules.raising import lifted_to, raised_by
from services.dispatch.rules.repeats import repeat_of

DANGER = "涉险：请立即出警、出动 | danger to life or limb"
CHAIN = 64  # how many successors or mergers are followed at most; an order seldom comes back more than twice


def on_proposed(book: Book, fact: OrderProposed | TriageRequested, kept: KeptReport, cause: UUID) -> Order | None:
    """Open the order, or join it when it exists. Answers an order that was opened by this."""
    if kept.report_id in book.known:
        return None
    if fact.order_id in book.orders:
        return join(book, fact.order_id, fact.plan, kept, cause, "proposed for an order that exists")
    if isinstance(fact, TriageRequested):
        return open_order(book, fact.order_id, fact.plan, kept, cause, triage=fact)
    return open_order(book, fact.order_id, fact.plan, kept, cause)


def on_linked(book: Book, fact: ReportLinked, kept: KeptReport, cause: UUID) -> Order | None:
    """Join the order that the report is about; it must be in the book. Answers a successor opened by this."""
    if kept.report_id in book.known:
        return None
    return join(book, fact.order_id, fact.plan, kept, cause, fact.why, raised_to=fact.raised_to)


def on_settled(book: Book, fact: ReportAnswered | ReportTransferred, kept: KeptReport) -> None:
    """Keep a report that opens no order."""
    if kept.report_id not in book.known:
        book.keep(kept, None, "answered" if isinstance(fact, ReportAnswered) else "transferred")


def next_of(order: Order) -> UUID | None:
    """Where a report about this order goes instead: the order it was merged into, or the one successor of one that
    ended; None when it takes reports itself."""
    if order.status is OrderStatus.MERGED:
        return order.merged_into
    return successor_id(order.order_id) if order.status in ENDED else None


def join(
    book: Book, order_id: UUID, plan: Plan, kept: KeptReport, cause: UUID, why: str, *, raised_to: str = ""
) -> Order | None:
    """Hang a report on an order, following mergers and successors; opens the successor where there is none yet, and an
    order of its own for a complaint about a unit that works on this one."""
    order = book.orders[order_id]
    repeats: UUID | None = None
    for _ in range(CHAIN):
        repeats = repeat_of(kept.report, kept.reporter, book.earlier.get(order.order_id, ())) or repeats
        if order.detail.conclusion and repeats is not None:
            _answered(book, order, kept, repeats, cause)
            return None
        following = next_of(order)
        if following is None:
            break
        if following not in book.orders:
            return open_order(book, following, plan, kept, cause, recurrence_of=order.order_id, repeats=repeats)
        order = book.orders[following]
    about = subjects.named(book.directory, kept.report, plan)
    working = (order.lead, *(a.unit for a in order.assignments if a.live))
    if any(subjects.bars(book.directory, about, unit) for unit in working):
        return open_order(book, order_id_of(kept.report_id), plan, kept, cause)
    at = kept.report.received_at if order.imported else max(book.now, order.since)
    book.keep(kept, order.order_id, "linked")
    via = None if order.order_id == order_id else order_id
    kept.repeat_of = repeats
    said = {"report": stub_of(kept), "why": why, "via": via, "subjects": about}
    book.record(order, ReportJoined, said, action="join", cause=cause, at=at, reason=why)
    raised_by(book, order, plan.urgency, kept.report_id, why, cause)
    lifted_to(book, order, raised_to, why, cause)
    alert(book, order, plan.platforms, DANGER, cause)
    return None


def _answered(book: Book, order: Order, kept: KeptReport, repeats: UUID, cause: UUID) -> None:
    """A repeat about a matter that was concluded: told so, and counted."""
    kept.repeat_of = repeats
    book.keep(kept, order.order_id, "answered")
    said = {"report": stub_of(kept)}
    book.record(order, RepeatAnswered, said, action="repeat", cause=cause, at=max(book.now, order.since))


def open_order(
    book: Book,
    order_id: UUID,
    plan: Plan,
    kept: KeptReport,
    cause: UUID,
    *,
    triage: TriageRequested | None = None,
    recurrence_of: UUID | None = None,
    repeats: UUID | None = None,
) -> Order:
    """A new order by a plan, with an assignment for each unit; in triage with none, led by the deciding centre."""
    report = kept.report
    kept.repeat_of = repeats
    about = subjects.named(book.directory, report, plan)
    plan = subjects.cleared(book.directory, plan, about)
    at = report.received_at if report.imported else book.now
    fact = OrderOpened(
        order_id=order_id,
        seq=1,
        occurred_at=at,
        recorded_at=book.now,
        status=OrderStatus.DISPATCHED if triage is None else OrderStatus.TRIAGE,
        class_ref=plan.class_ref,
        place=plan.place,
        urgency=plan.urgency,
        lead=plan.lead,
        path=plan.path or (Hop(tier=plan.place.tier, unit=plan.lead, at=at, by=plan.rule),),
        assignments=() if triage is not None else offers(book, order_id, plan),
        reports=(stub_of(kept),),
        source=report.source,
        verification=plan.verification,
        rule=plan.rule,
        together=plan.together,
        platforms=plan.platforms,
        resources=plan.resources,
        candidates=() if triage is None else triage.candidates,
        recurrence_of=recurrence_of,
        imported=report.imported,
        subjects=about,
    )
    why = "" if triage is None else triage.why
    order = opened(fact, why)
    book.orders[order_id] = book.opened[order_id] = order
    book.keep(kept, order_id, "opened")
    book.note(order, fact, cause=cause, action="open", reason=why or plan.rule, versions=(0, 1))
    alert(book, order, plan.platforms, DANGER, cause)
    return order


def offers(book: Book, order_id: UUID, plan: Plan) -> tuple[AssignmentOffer, ...]:
    """The first assignments of a plan, the lead's first; a unit named twice is told once."""
    units = dict.fromkeys((plan.lead, *plan.assists))
    return tuple(
        AssignmentOffer(
            assignment_id=assignment_id_of(order_id, unit, ordinal),
            unit=unit,
            role=AssignmentRole.ASSIST if ordinal else AssignmentRole.LEAD,
            tier=book.directory.tier_of(unit) or plan.place.tier,
        )
        for ordinal, unit in enumerate(units)
    )


def stub_of(kept: KeptReport) -> ReportStub:
    """What others may know of a report."""
    report = kept.report
    return ReportStub(
        report_id=kept.report_id,
        source=report.source,
        received_at=report.received_at,
        ticket_type=report.ticket_type,
        source_due=report.source_due,
        reachable=report.source not in CITIZEN_SOURCES or (kept.reporter is not None and bool(kept.reporter.phone)),
        repeat_of=kept.repeat_of,
    )
