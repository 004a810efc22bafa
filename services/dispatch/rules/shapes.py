"""Orders, assignments and reports as the API shows them (design §14). Never a reporter in the clear."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from schemas.facts import ClockView, Reporter, ReportReceived
from schemas.ids import number_of
from schemas.vocabulary import ClockState, HandoverState, OrderStatus, Photos, ReportState
from services.dispatch.rules import lifecycle, standing
from services.dispatch.rules.book import Actor
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.handover import Handover
from services.dispatch.rules.order import Assignment, Order, Voice
from services.dispatch.rules.receipts import Receipt
from services.dispatch.rules.requests.model import Request
from services.dispatch.rules.requests.showing import shown
from services.dispatch.rules.supervisions import showing as supervisions
from services.dispatch.rules.supervisions.model import Supervision

Shape = dict[str, Any]
_LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=2)  # in every time zone


def unit(directory: Directory, unit_id: str, at: datetime | None = None) -> Shape:
    """A unit in an answer, called as it was at a moment, without one as it is today; one that the city's list never
    knew has its id for a name."""
    known = directory.unit(unit_id) if at is None else None
    known = known or directory.unit_at(unit_id, at or _LATEST)
    if known is None:
        return {"unit_id": unit_id, "name": unit_id, "tier": None}
    return {"unit_id": unit_id, "name": known.name, "tier": known.tier}


def assignment(directory: Directory, o: Order, a: Assignment, at: datetime | None = None) -> Shape:
    """One unit's part, the unit called as it was at a moment. `parent` is the assignment it was passed on from;
    `passed_on` are those, still open, that it was passed on to itself."""
    shape: Shape = {
        "assignment_id": a.assignment_id,
        "unit": unit(directory, a.unit, at),
        "role": a.role,
        "parent": a.parent,
        "passed_on": [x.assignment_id for x in o.assignments if x.parent == a.assignment_id and x.live] or None,
        "status": a.status,
        "version": a.version,
        "offered_at": a.offered_at,
        "accepted_at": a.accepted_at,
        "contacted_at": a.contacted_at,
        "arrived_at": a.arrived_at,
        "done_at": a.done_at,
        "result": a.result,
        "answer": a.answer or None,
        "hard_case_owner": a.hard_case_owner or None,
        "pinned": a.pinned or None,
    }
    return {key: value for key, value in shape.items() if value is not None}


def voice(v: Voice | None) -> Shape:
    """How it stands with one reporter: contacted, called, rated, answered."""
    if v is None:
        return {}
    shape: Shape = {
        "contacted_at": v.contacted_at,
        "called_at": v.called_at,
        "attempts": v.attempts or None,
        "unrated": v.unrated or None,
        "rated_at": v.rated_at,
        "satisfied": v.satisfied,
        "solved": v.solved,
        "comment": v.comment or None,
        "answer": v.answer or None,
    }
    return {key: value for key, value in shape.items() if value is not None}


def named_at(o: Order, at: datetime | None) -> datetime | None:
    """At which moment's names an order is told: when it ended, however the city was reorganised since; else the moment
    looked at."""
    return o.since if o.status in lifecycle.ENDED else at


def brief(directory: Directory, o: Order, at: datetime | None = None) -> Shape:
    """An order as lists show it, at a past moment or today. `result` is what the lead said, `solved` whether it is
    (nobody says otherwise), `closed_at` that the file is shut: three things; `photos` is what must be
    shown to call it solved."""
    ref, place = o.detail.class_ref, o.detail.place
    wanted = directory.photos_of(ref.key)
    shape: Shape = {
        "order_id": o.order_id,
        "number": number_of(o.order_id),
        "status": o.status,
        "version": o.version,
        "round": o.round,
        "urgency": o.urgency,
        "source": o.source,
        "class": {"standard": ref.standard, "kind": ref.kind, "code": ref.code, "name": ref.name},
        "place": {"division": place.division, "name": place.name, "lon": place.lon, "lat": place.lat},
        "lead": unit(directory, o.lead, named_at(o, at)),
        "opened_at": o.opened_at,
        "since": o.since,
        "result": o.result,
        "solved": o.solved,
        "proposed": o.proposed or None,
        "warned": o.warned or None,
        "photos": None if wanted is Photos.NONE else wanted,
        "closed_at": o.closed_at,
        "review_at": o.review_at,
    }
    return {key: value for key, value in shape.items() if value is not None}


def full(
    directory: Directory,
    o: Order,
    *,
    reports: Iterable[Shape],
    clocks: Iterable[ClockView],
    actor: Actor,
    at: datetime | None = None,
    handovers: Sequence[Handover] = (),
) -> Shape:
    """An order whole, at a past moment or today. `actions` is what the caller may do to it now, each assignment's own
    beside it; `handovers` are all of the order's."""
    detail, running = o.detail, list(clocks)
    waiting = any(h.state is HandoverState.OFFERED for h in handovers)
    named = named_at(o, at)
    shape = brief(directory, o, at) | {
        "path": [
            {"tier": hop.tier, "unit": unit(directory, hop.unit, hop.at), "at": hop.at, "by": hop.by}
            for hop in detail.path
        ],
        "assignments": [
            assignment(directory, o, a, named) | {"actions": assignment_actions(directory, o, a, actor)}
            for a in o.assignments
        ],
        "reports": [report | voice(o.voice(report["report_id"])) for report in reports],
        "clocks": [clock(c) for c in running],
        "requests": [request(directory, r, running, actor) for r in o.requests],
        "supervisions": [supervision(directory, s, running, actor) for s in o.supervisions],
        "actions": order_actions(directory, o, actor, waiting=waiting),
        "verification": o.verification,
        "seq": o.seq,
        "imported": o.imported,
        "together": detail.together,
        "platforms": detail.platforms,
        "resources": detail.resources,
        "rule": detail.rule,
    }
    optional: Shape = {
        "recurrence_of": o.recurrence_of,
        "merged_into": o.merged_into,
        "parts": [{"order_id": part, "number": number_of(part)} for part in detail.parts] or None,
        "text": detail.text or None,
        "conclusion": detail.conclusion or None,
        "candidates": list(detail.candidates) or None,
        "why": detail.why or None,
        "class_intake": o.class_intake if o.class_intake != detail.class_ref.key else None,
        "coordinated": o.coordinated or None,
        "handovers": [handed(h) for h in handovers] or None,
        "case": {"case_id": detail.case_id, "number": number_of(detail.case_id)} if detail.case_id else None,
    }
    return shape | {key: value for key, value in optional.items() if value is not None}


def request(directory: Directory, r: Request, clocks: Iterable[ClockView], actor: Actor) -> Shape:
    """What a unit asked for, with the due of its decision."""
    return shown(directory, r, clocks, actor, unit)


def supervision(directory: Directory, s: Supervision, clocks: Iterable[ClockView], actor: Actor) -> Shape:
    """A supervision, with the due of its answer."""
    return supervisions.shown(directory, s, clocks, actor, unit)


def order_actions(directory: Directory, o: Order, actor: Actor, *, waiting: bool) -> list[str]:
    """What somebody may do to an order as a whole; `waiting` says whether a hand-over of it waits for its signature."""
    found = lifecycle.order_actions(o.status, standing.caller(directory, o, None, actor))
    return [action for action in found if waiting or action not in lifecycle.OF_WAITING_HANDOVER]


def assignment_actions(directory: Directory, o: Order, a: Assignment, actor: Actor) -> list[str]:
    """What somebody may do to one assignment; nothing once its order has ended."""
    if o.status in lifecycle.ENDED:
        return []
    return lifecycle.assignment_actions(a.status, a.part, standing.caller(directory, o, a, actor))


def handed(h: Handover) -> Shape:
    """A hand-over to another platform, for who sees its order."""
    shape: Shape = {
        "handover_id": h.handover_id,
        "platform": h.platform,
        "mode": h.mode,
        "state": h.state,
        "version": h.version,
        "reason": h.reason,
        "offered_at": h.offered_at,
    }
    later: Shape = {
        "ended_at": h.ended_at,
        "person": h.person,
        "number": h.number,
        "arrived_at": h.arrived_at,
        "result_at": h.result_at,
        "answer": h.answer,
    }
    return shape | {key: value for key, value in later.items() if value}


def handover(directory: Directory, h: Handover, o: Order, numbers: Iterable[tuple[str, str]] = ()) -> Shape:
    """A hand-over for the platform itself: with the order in brief, and the numbers that senders gave its reports."""
    return handed(h) | {
        "offered_by": unit(directory, h.offered_by),
        "order": brief(directory, o),
        "source_numbers": [{"source": source, "number": number} for source, number in numbers],
    }


def receipt(directory: Directory, r: Receipt) -> Shape:
    """One word to the sender of a report."""
    shape: Shape = {
        "step": r.step,
        "at": r.at,
        "unit": unit(directory, r.unit) if r.unit else None,
        "platform": r.platform,
        "result": r.result,
        "ended": r.ended,
        "answer": r.answer,
    }
    return {key: value for key, value in shape.items() if value}


def clock(c: ClockView) -> Shape:
    """One time limit of an order."""
    return {
        "clock_id": c.clock_id,
        "stage": c.stage,
        "owner": c.owner,
        "start": c.start,
        "due": c.due,
        "light": c.light,
        "state": c.state,
    }


def nearest(clocks: Iterable[ClockView], owner: str = "") -> Shape | None:
    """The running clock that ends first, of one unit if it has any."""
    running = [c for c in clocks if c.state is ClockState.RUNNING]
    own = [c for c in running if c.owner == owner]
    found = min(own or running, key=lambda c: c.due, default=None)
    return None if found is None else clock(found)


def changed(directory: Directory, o: Order) -> Shape:
    """What a write answers: the order as it stands now, with every version a next write needs."""
    shape: Shape = {
        "order_id": o.order_id,
        "number": number_of(o.order_id),
        "status": o.status,
        "version": o.version,
        "round": o.round,
        "seq": o.seq,
        "recorded_at": o.recorded_at,
        "lead": unit(directory, o.lead),
        "assignments": [
            {
                "assignment_id": a.assignment_id,
                "unit": unit(directory, a.unit),
                "role": a.role,
                "status": a.status,
                "version": a.version,
            }
            for a in o.assignments
        ],
    }
    if o.closed_at is not None:
        shape["closed_at"] = o.closed_at
    return shape


def masked(reporter: Reporter | None) -> Shape | None:
    """A reporter as handlers see one: enough to address, not enough to find. Nothing at all when confidential."""
    if reporter is None:
        return None
    if reporter.confidential:
        return {"confidential": True}
    shape: Shape = {"confidential": False}
    if reporter.name:
        shape["name"] = reporter.name[0] + "**"
    if reporter.phone:
        shape["phone"] = "***" + reporter.phone[-2:]
    return shape


def report(report_id: UUID, r: ReportReceived, reporter: Reporter | None, repeat_of: UUID | None) -> Shape:
    """A report inside its order: what was said, and the reporter masked."""
    shape: Shape = {
        "report_id": report_id,
        "number": number_of(report_id),
        "source": r.source,
        "received_at": r.received_at,
        "ticket_type": r.ticket_type,
        "title": r.title,
        "text": r.text,
        "address": r.address,
        "matter_code": r.matter_code,
        "stars": r.stars,
        "source_due": r.source_due,
        "repeat_of": number_of(repeat_of) if repeat_of is not None else None,
        "reporter": masked(reporter),
    }
    return {key: value for key, value in shape.items() if value not in (None, "")}


def report_state(kept: str, status: OrderStatus | None) -> ReportState:
    """Where a report got to, by how it was kept and how its order stands."""
    if status is None:
        return ReportState(kept)
    return {
        OrderStatus.TRIAGE: ReportState.TRIAGE,
        OrderStatus.CLOSED: ReportState.CLOSED,
        OrderStatus.REJECTED: ReportState.REJECTED,
        OrderStatus.TRANSFERRED: ReportState.TRANSFERRED,
        OrderStatus.VOID: ReportState.CLOSED,
    }.get(status, ReportState(kept))
