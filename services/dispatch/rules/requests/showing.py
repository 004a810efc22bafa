"""Requests as the API shows them."""

from collections.abc import Callable, Iterable
from typing import Any

from schemas.facts import ClockView
from schemas.ids import number_of
from services.dispatch.rules.book import Actor
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.requests.deciders import may_decide
from services.dispatch.rules.requests.model import Request

Unit = Callable[[Directory, str], dict[str, Any]]


def shown(directory: Directory, r: Request, clocks: Iterable[ClockView], actor: Actor, unit: Unit) -> dict[str, Any]:
    """One request with the due of its decision; `actions` holds `decision` when this caller may decide it now.
    `unit` makes the shape of a unit."""
    due = next((c.due for c in clocks if r.open and c.clock_id == r.clock_id), None)
    shape: dict[str, Any] = {
        "request_id": r.request_id,
        "order_id": r.order_id,
        "order_number": number_of(r.order_id),
        "assignment_id": r.assignment_id,
        "kind": r.kind,
        "state": r.state,
        "version": r.version,
        "unit": unit(directory, r.unit),
        "decider": unit(directory, r.decider),
        "reason": r.reason,
        "basis": r.words.basis,
        "evidence": r.words.evidence,
        "suggested_unit": unit(directory, r.suggested_unit) if r.suggested_unit else None,
        "until": r.until,
        "class_key": r.class_key or None,
        "answer": r.words.answer or None,
        "arbitration": r.arbitration,
        "level": r.level,
        "made_at": r.made_at,
        "since": r.since,
        "due": due,
        "decided_at": r.decided_at,
        "granted_until": r.granted_until,
        "note": r.words.note or None,
        "actions": ["decision"] if r.open and may_decide(directory, r, actor) else [],
    }
    return {key: value for key, value in shape.items() if value is not None}
