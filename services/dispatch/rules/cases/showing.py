"""Special cases, meetings and commitments as the API shows them."""

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.facts import ClockView
from schemas.ids import number_of
from schemas.vocabulary import CommitmentState
from services.dispatch.rules import shapes
from services.dispatch.rules.book import Actor
from services.dispatch.rules.cases.acts import clock_ids
from services.dispatch.rules.cases.model import Commitment, Meeting, SpecialCase
from services.dispatch.rules.cases.table import case_actions, commitment_actions
from services.dispatch.rules.directory import Directory

Shape = dict[str, Any]


def brief(directory: Directory, case: SpecialCase, counts: Mapping[str, int] | None = None) -> Shape:
    """A special case as lists show it; `counts` of its commitments, where they are not loaded with it."""
    shape: Shape = {
        "case_id": case.case_id,
        "number": number_of(case.case_id),
        "title": case.title,
        "state": case.state,
        "version": case.version,
        "centre": shapes.unit(directory, case.centre, case.closed_at),
        "lead": shapes.unit(directory, case.lead, case.closed_at),
        "counts": {"orders": case.linked} | (dict(counts) if counts is not None else counted(case.commitments)),
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "result": case.result,
    }
    return _given(shape)


def counted(commitments: Iterable[Commitment]) -> dict[str, int]:
    """How many there are, how many are open (answered ones among them), and how many were ever missed."""
    found = list(commitments)
    return {
        "commitments": len(found),
        "open": sum(one.open for one in found),
        "missed": sum(one.missed_due is not None for one in found),
    }


def full(directory: Directory, case: SpecialCase, actor: Actor, clocks: Iterable[ClockView] = (), **more: Any) -> Shape:
    """A special case whole, with what the caller may do to it, and to each commitment. Its orders are listed by
    `/v1/orders?case=`."""
    by_id = {clock.clock_id: clock for clock in clocks}
    shape: Shape = {
        "reason": case.reason,
        "division": case.division,
        "conclusion": case.conclusion or None,
        "seq": case.seq,
        "meetings": [meeting(directory, one) for one in case.meetings],
        "actions": case_actions(directory, case, actor),
    }
    shown = [commitment(directory, case, one, actor, by_id) for one in case.commitments]
    return brief(directory, case) | {"commitments": shown} | _given(shape) | more


def meeting(directory: Directory, one: Meeting) -> Shape:
    """One meeting, its units called as they were then."""
    shape: Shape = {
        "meeting_id": one.meeting_id,
        "held_at": one.held_at,
        "recorded_at": one.recorded_at,
        "by": shapes.unit(directory, one.by, one.held_at),
        "units": [shapes.unit(directory, unit, one.held_at) for unit in one.units],
        "persons": [
            {"name": person.name, "unit": shapes.unit(directory, person.unit, one.held_at) if person.unit else None}
            for person in one.persons
        ],
        "matter": one.matter,
        "decided": one.decided,
        "outcome": one.outcome,
        "corrects": one.corrects,
        "corrected_by": one.corrected_by,
    }
    return _given(shape)


def commitment(
    directory: Directory,
    case: SpecialCase,
    one: Commitment,
    actor: Actor,
    clocks: Mapping[Any, ClockView] | None = None,
) -> Shape:
    """One commitment, with its clock and what the caller may do to it. `missed` says for ever that a deadline of it
    passed unmet."""
    clock = (clocks or {}).get(clock_ids(one)[-1])
    shape: Shape = {
        "commitment_id": one.commitment_id,
        "case_id": one.case_id,
        "meeting_id": one.meeting_id,
        "unit": shapes.unit(directory, one.unit),
        "text": one.text,
        "due": one.due,
        "state": one.state,
        "missed": one.missed_due is not None,
        "version": one.version,
        "asked": one.asked,
        "made_at": one.made_at,
        "since": one.since,
        "answered_at": one.answered_at,
        "answer": one.answer or None,
        "decided_at": one.decided_at,
        "note": one.note or None,
        "clock": None if clock is None or one.state is CommitmentState.WITHDRAWN else shapes.clock(clock),
        "actions": commitment_actions(directory, case, one, actor),
    }
    return _given(shape)


def changed(directory: Directory, case: SpecialCase) -> Shape:
    """What a write answers: the case as it stands now, with every version that a next write needs."""
    return brief(directory, case) | {
        "seq": case.seq,
        "recorded_at": case.recorded_at,
        "meetings": [one.meeting_id for one in case.meetings],
        "commitments": [
            {
                "commitment_id": one.commitment_id,
                "unit": shapes.unit(directory, one.unit),
                "due": one.due,
                "state": one.state,
                "version": one.version,
            }
            for one in case.commitments
        ],
    }


def _given(shape: Shape) -> Shape:
    return {key: value for key, value in shape.items() if value is not None}
