"""What each fact makes of a special case. The live path and the look back at a past moment share this."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from schemas import facts
from schemas.codec import FACTS
from schemas.facts import CaseFact
from schemas.vocabulary import CaseState, CommitmentState, DeadlineNotice
from services.dispatch.rules.cases.model import Commitment, Meeting, Person, SpecialCase
from services.dispatch.rules.past import PastChange

Private = dict[str, Any]
_DECODERS = {name: msgspec.json.Decoder(kind) for name, kind in FACTS.items() if issubclass(kind, CaseFact)}


def opened(fact: facts.SpecialCaseOpened, private: Private) -> SpecialCase:
    """The special case that a first fact opens."""
    return SpecialCase(
        case_id=fact.case_id,
        centre=fact.unit,
        lead=fact.lead,
        division=fact.division,
        opened_at=fact.occurred_at,
        recorded_at=fact.recorded_at,
        seq=fact.seq,
        linked=len(fact.orders),
        title=private.get("title", ""),
        reason=private.get("reason", ""),
        meetings=[],
        commitments=[],
    )


def fold(case: SpecialCase, fact: CaseFact, private: Private) -> None:
    """Fold a fact into its case, in place, with what was said to dispatch alone."""
    FOLDS[type(fact)](case, fact, private)
    case.seq = fact.seq
    case.recorded_at = fact.recorded_at
    if not isinstance(fact, facts.CommitmentRung):
        case.version += 1


def rebuilt(changes: Iterable[PastChange]) -> SpecialCase | None:
    """The case after these changes, which are in the order of their `seq` from 1; None when there are none."""
    case: SpecialCase | None = None
    for change in changes:
        fact: Any = _DECODERS[change.type].decode(change.body)
        private = {} if change.private is None else msgspec.json.decode(change.private)
        if case is None:
            assert isinstance(fact, facts.SpecialCaseOpened), "a history begins with the opening"
            case = opened(fact, private)
        else:
            fold(case, fact, private)
    return case


def _linked(case: SpecialCase, fact: facts.SpecialCaseLinked, private: Private) -> None:
    case.linked += len(fact.orders)


def _unlinked(case: SpecialCase, fact: facts.SpecialCaseUnlinked, private: Private) -> None:
    case.linked -= len(fact.orders)


def _met(case: SpecialCase, fact: facts.MeetingRecorded, private: Private) -> None:
    case.meetings.append(
        Meeting(
            meeting_id=fact.meeting_id,
            held_at=fact.occurred_at,
            recorded_at=fact.recorded_at,
            by=fact.unit,
            units=fact.units,
            outcome=fact.outcome,
            persons=msgspec.convert(private.get("persons", ()), tuple[Person, ...]),
            matter=private.get("matter", ""),
            decided=private.get("decided", ""),
            corrects=fact.corrects,
        )
    )
    before = case.meeting(fact.corrects) if fact.corrects is not None else None
    if before is not None:
        before.corrected_by = fact.meeting_id
    for place, made in enumerate(fact.commitments):
        case.commitments.append(
            Commitment(
                commitment_id=made.commitment_id,
                case_id=case.case_id,
                meeting_id=fact.meeting_id,
                ordinal=len(case.commitments),
                unit=made.unit,
                due=made.due,
                made_at=fact.occurred_at,
                since=fact.occurred_at,
                text=private.get("texts", ())[place],
            )
        )


def _answered(case: SpecialCase, fact: facts.CommitmentAnswered, private: Private) -> None:
    one = _moved(case, fact)
    one.state, one.answered_at, one.answer = CommitmentState.ANSWERED, fact.occurred_at, private.get("answer", "")


def _accepted(case: SpecialCase, fact: facts.CommitmentAccepted, private: Private) -> None:
    one = _moved(case, fact)
    one.state, one.decided_at, one.note = CommitmentState.KEPT, fact.occurred_at, private.get("note", "")


def _sent_back(case: SpecialCase, fact: facts.CommitmentSentBack, private: Private) -> None:
    one = _moved(case, fact)
    one.state, one.decided_at, one.note = CommitmentState.OPEN, fact.occurred_at, private.get("reason", "")
    one.since, one.due, one.asked = fact.occurred_at, fact.due, one.asked + 1


def _withdrawn(case: SpecialCase, fact: facts.CommitmentWithdrawn, private: Private) -> None:
    one = _moved(case, fact)
    one.state, one.decided_at, one.note = CommitmentState.WITHDRAWN, fact.occurred_at, private.get("reason", "")


def _rung(case: SpecialCase, fact: facts.CommitmentRung, private: Private) -> None:
    one = case.commitment(fact.commitment_id)
    assert one is not None
    if fact.notice is DeadlineNotice.MISSED:
        one.missed_due, one.changed = fact.due, True
    elif fact.notice is DeadlineNotice.WITHDRAWN and one.missed_due == fact.due:
        one.missed_due, one.changed = None, True


def _closed(case: SpecialCase, fact: facts.SpecialCaseClosed, private: Private) -> None:
    case.state, case.closed_at, case.result = CaseState.CLOSED, fact.occurred_at, fact.result
    case.conclusion = private.get("conclusion", "")


def _moved(case: SpecialCase, fact: Any) -> Commitment:
    """The commitment of a fact, in a new version."""
    one = case.commitment(fact.commitment_id)
    assert one is not None, "a commitment of another case"
    one.version += 1
    one.changed = True
    return one


FOLDS: dict[type[CaseFact], Callable[[SpecialCase, Any, Private], None]] = {
    facts.SpecialCaseLinked: _linked,
    facts.SpecialCaseUnlinked: _unlinked,
    facts.MeetingRecorded: _met,
    facts.CommitmentAnswered: _answered,
    facts.CommitmentAccepted: _accepted,
    facts.CommitmentSentBack: _sent_back,
    facts.CommitmentWithdrawn: _withdrawn,
    facts.CommitmentRung: _rung,
    facts.SpecialCaseClosed: _closed,
}
