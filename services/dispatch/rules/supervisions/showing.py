"""Supervisions as the API shows them."""

from collections.abc import Callable, Iterable
from typing import Any

from schemas.facts import ClockView
from schemas.ids import number_of
from schemas.vocabulary import SupervisionState
from services.dispatch.rules.book import Actor
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.supervisions import parties
from services.dispatch.rules.supervisions.model import Supervision

Unit = Callable[[Directory, str], dict[str, Any]]


def shown(
    directory: Directory, s: Supervision, clocks: Iterable[ClockView], actor: Actor, unit: Unit
) -> dict[str, Any]:
    """One supervision, with the due of its answer as its clock says; `actions` is what this caller may do to it now.
    `unit` makes the shape of a unit."""
    clock = next((c for c in clocks if c.clock_id == s.answer_clock), None)
    shape: dict[str, Any] = {
        "supervision_id": s.supervision_id,
        "order_id": s.order_id,
        "order_number": number_of(s.order_id),
        "kind": s.kind,
        "level": s.level,
        "state": s.state,
        "version": s.version,
        "answerer": unit(directory, s.answerer),
        "by": unit(directory, s.by),
        "stage": s.stage,
        "due": s.due,
        "clock_id": s.clock_id,
        "rung": s.rung or None,
        "note": s.note or None,
        "late": s.late or None,
        "turn": s.turn,
        "made_at": s.made_at,
        "since": s.since,
        "answer_due": clock.due if clock is not None else s.answer_due,
        "answer_light": clock.light if clock is not None and s.live else None,
        "answered_at": s.answered_at,
        "ended_at": s.ended_at,
        "cause": s.cause or None,
        "withdrawn": s.withdrawn or None,
        "said": list(s.words.said),
        "actions": actions(directory, s, actor),
    }
    return {key: value for key, value in shape.items() if value is not None}


def actions(directory: Directory, s: Supervision, actor: Actor) -> list[str]:
    """What somebody may do to a supervision now."""
    if s.state is SupervisionState.OPEN and parties.may_answer(directory, s, actor):
        return ["answer"]
    if s.state is SupervisionState.ANSWERED and parties.may_accept(directory, s, actor):
        return ["decision"]
    return []
