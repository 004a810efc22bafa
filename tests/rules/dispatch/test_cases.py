"""Special cases: every cell of (state × action × who), what linking leaves alone, what meetings and commitments ask."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from schemas.facts import OrderLinked, OrderUnlinked
from schemas.refusals import Refused
from schemas.vocabulary import AssignmentStatus, CaseState, CommitmentState, OrderStatus, Role
from services.dispatch.rules import shapes
from services.dispatch.rules.cases import table
from services.dispatch.rules.cases.acts import GONE, MOST_MEETINGS
from services.dispatch.rules.cases.model import Commitment
from services.dispatch.rules.cases.reach import holders
from tests.rules.dispatch.acting import seen
from tests.rules.dispatch.gathering import Gathering, who
from tests.rules.dispatch.town import DIRECTORY

A, C, S = AssignmentStatus, CaseState, CommitmentState
UNITS = ("", "city", "d1", "d2", "s1", "s2", "s1-road")
# Written out by hand: who may do what to a case that d1 opened, and to what s1-road committed to in it.
CENTRES = {(Role.DISPATCHER, "d1"), (Role.DISPATCHER, "city")}
HOLDERS = {(Role.RESPONDER, "s1-road"), (Role.DISPATCHER, "s1-road")}
ON_CASE = {(C.OPEN, action): CENTRES for action in ("link", "unlink", "meeting", "close")}
ON_COMMITMENT = {
    (S.OPEN, "answer"): HOLDERS,
    (S.OPEN, "withdraw"): CENTRES,
    (S.ANSWERED, "accept"): CENTRES,
    (S.ANSWERED, "send_back"): CENTRES,
    (S.ANSWERED, "withdraw"): CENTRES,
}
BECOMES = {
    (S.OPEN, "answer"): S.ANSWERED,
    (S.OPEN, "withdraw"): S.WITHDRAWN,
    (S.ANSWERED, "accept"): S.KEPT,
    (S.ANSWERED, "send_back"): S.OPEN,
    (S.ANSWERED, "withdraw"): S.WITHDRAWN,
}


def refusal(do: Callable[[], Any]) -> str:
    with pytest.raises(Refused) as refused:
        do()
    return refused.value.code


def case_in(state: CaseState) -> Gathering:
    found = Gathering().opened()
    if state is C.CLOSED:
        found.do("close")
    return found.later()


def commitment_in(state: CommitmentState, unit: str = "s1-road") -> tuple[Gathering, Commitment]:
    found = Gathering().opened()
    [one] = found.meet(unit)
    found.later()
    if state in (S.ANSWERED, S.KEPT):
        found.on(one, "answer")
    if state is S.KEPT:
        found.on(one, "accept", who("city"))
    if state is S.WITHDRAWN:
        found.on(one, "withdraw", who("city"))
    assert one.state is state
    return found.later(), one


@pytest.mark.parametrize(("state", "action"), list(product(C, table.ON_CASE)))
def test_every_cell_of_special_cases(state: CaseState, action: str) -> None:
    for role, unit in product(Role, UNITS):
        found, actor = case_in(state), who(unit, role)
        before = (found.case.seq, found.case.version)
        may = (role, unit) in ON_CASE.get((state, action), set())
        assert (action in table.case_actions(DIRECTORY, found.case, actor)) is may, (role, unit)
        if may:
            found.do(action, actor)
            assert (found.case.seq, found.case.version) == (before[0] + 1, before[1] + 1)
            assert found.case.state is (C.CLOSED if action == "close" else C.OPEN)
            continue
        code = refusal(partial(found.do, action, actor))
        stands = (role, unit) in CENTRES
        expected = "forbidden" if role is not Role.DISPATCHER else "action_not_allowed" if stands else "other_unit"
        assert code == expected, (role, unit)
        assert (found.case.seq, found.case.version) == before, "a refusal changes nothing"


@pytest.mark.parametrize(("state", "action"), list(product(S, table.ON_COMMITMENT)))
def test_every_cell_of_commitments(state: CommitmentState, action: str) -> None:
    roles = {Role.RESPONDER, Role.DISPATCHER} if action == "answer" else {Role.DISPATCHER}
    standing = HOLDERS if action == "answer" else CENTRES
    for role, unit in product(Role, UNITS):
        found, one = commitment_in(state)
        actor, before = who(unit, role), (found.case.seq, one.version)
        may = (role, unit) in ON_COMMITMENT.get((state, action), set())
        assert (action in table.commitment_actions(DIRECTORY, found.case, one, actor)) is may, (role, unit)
        if may:
            found.on(one, action, actor)
            assert one.state is BECOMES[state, action]
            assert (found.case.seq, one.version) == (before[0] + 1, before[1] + 1)
            continue
        code = refusal(partial(found.on, one, action, actor))
        expected = "action_not_allowed" if (role, unit) in standing else "other_unit"
        assert code == (expected if role in roles else "forbidden"), (role, unit)
        assert (found.case.seq, one.version) == before


@pytest.mark.parametrize("action", ["accept", "send_back", "withdraw"])
def test_a_centre_decides_nothing_about_what_it_committed_to_itself(action: str) -> None:
    found, one = commitment_in(S.ANSWERED, unit="d1")
    assert refusal(lambda: found.on(one, action)) == "own_commitment"
    assert table.commitment_actions(DIRECTORY, found.case, one, who("d1")) == []
    found.on(one, action, who("city"))
    assert one.state is BECOMES[S.ANSWERED, action]


def test_what_the_top_centre_commits_to_in_its_own_case_nobody_could_accept() -> None:
    found = Gathering().opened("city")
    made = [{"text": "做到", "unit": "city", "due": found.moment(60)}]
    assert refusal(lambda: found.do("meeting", who("city"), commitments=made)) == "own_commitment"
    found.do("meeting", who("city"), commitments=[made[0] | {"unit": "d1"}])
    assert [one.unit for one in found.case.commitments] == ["d1"]


@pytest.mark.parametrize(
    ("actor", "code"),
    [
        (who("s1-road"), "other_unit"),
        (who(""), "other_unit"),
        (who("d1", Role.SUPERVISOR), "other_unit"),
        (who("d2"), "other_unit"),  # whose orders these are not
    ],
)
def test_a_special_case_is_opened_by_a_centre_with_orders_of_its_own(actor: Any, code: str) -> None:
    found = Gathering()
    said = {"title": "t", "reason": "r", "lead": "s1", "orders": found.ids[:1]}
    assert refusal(lambda: found.open_by(actor, **said)) == code
    assert not found.book.cases and not found.book.linked


# Who names whom: a centre itself and what lies inside its boundary. s1-road holds order 0, which is linked.
REACH = [
    ("d1", "d1", True),
    ("d1", "s1", True),
    ("d1", "s2", True),
    ("d1", "d1-police", True),
    ("d1", "k1", True),
    ("d1", "d2", False),
    ("d1", "city", False),
    ("d1", "police", False),
    ("s1", "s1", True),
    ("s1", "s1-road", True),
    ("s1", "k1", True),
    ("s1", "s2", False),
    ("s1", "d1", False),
    ("city", "d2", True),
    ("city", "s2", True),
    ("city", "police", True),
]


@pytest.mark.parametrize(("centre", "unit", "may"), REACH)
def test_a_centre_names_units_inside_its_boundary_as_lead(centre: str, unit: str, may: bool) -> None:
    found = Gathering()
    if may:
        assert found.opened(centre, places=(0,), lead=unit).case.lead == unit
        return
    assert refusal(lambda: found.opened(centre, places=(0,), lead=unit)) == "unit_outside"
    assert not found.book.cases and not found.book.linked, "nothing was opened"


@pytest.mark.parametrize(("centre", "unit", "may"), REACH)
def test_a_centre_commits_units_inside_its_boundary(centre: str, unit: str, may: bool) -> None:
    found = Gathering().opened(centre, places=(0,), lead=centre)
    made = [{"text": "做到", "unit": unit, "due": found.moment(60)}]
    if may:
        found.do("meeting", who(centre), commitments=made)
        assert [one.unit for one in found.case.commitments] == [unit]
        return
    assert refusal(lambda: found.do("meeting", who(centre), commitments=made)) == "unit_outside"
    assert not found.case.meetings
    found.do("meeting", who(centre), units=[unit])
    assert found.case.meetings[0].units == (unit,), "taking part binds nobody"
    found.do("meeting", who("city"), commitments=made)
    assert [one.unit for one in found.case.commitments] == [unit], "the city's centre may, in a case of any centre"


@pytest.mark.parametrize(
    ("status", "holds"),
    [
        (A.OFFERED, True),
        (A.ACCEPTED, True),
        (A.DONE, True),
        (A.CONFIRMED, True),
        (A.RETURNED, False),
        (A.WITHDRAWN, False),
    ],
)
def test_a_unit_that_holds_one_of_the_orders_may_always_be_named(status: AssignmentStatus, holds: bool) -> None:
    found = Gathering()
    part = found.order(0).assignments[0]
    found.order(0).lead, part.unit, part.status = "s1", "d2", status
    if not holds:
        assert refusal(lambda: found.opened(places=(0,), lead="d2")) == "unit_outside"
        return
    assert found.opened(places=(0,), lead="d2").case.lead == "d2"
    found.book.holders[found.case.case_id] = holders([found.order(0)])
    assert [one.unit for one in found.meet("d2")] == ["d2"]


def test_linking_changes_nothing_of_an_order_but_its_history() -> None:
    found = Gathering()
    order = found.order(0)
    before, facts = msgspec.json.decode(seen(order)), len(found.book.orders.changes)
    found.opened(places=(0,))
    after = msgspec.json.decode(seen(order))
    moved = {key for key in before if before[key] != after[key]}
    assert moved == {"seq", "recorded_at", "detail"}
    before["detail"]["case_id"] = str(found.case.case_id)
    assert after["detail"] == before["detail"]
    [change] = found.book.orders.changes[facts:]
    assert isinstance(change.fact, OrderLinked) and change.fact.reason == "同一工地" and change.changed == "case"
    assert (
        shapes.full(DIRECTORY, order, reports=(), clocks=(), actor=who("d1"))["case"]["case_id"] == order.detail.case_id
    )
    found.later().do("unlink")
    assert order.detail.case_id is None
    assert isinstance(found.book.orders.changes[-1].fact, OrderUnlinked)


def test_an_order_belongs_to_one_open_case_and_may_join_another_when_that_is_closed() -> None:
    found = Gathering().opened(places=(0,))
    first = found.case
    found.later()
    assert refusal(lambda: found.opened(places=(0, 1))) == "case_taken"
    assert found.case is first and found.order(1).detail.case_id is None, "all of them, or none"
    assert refusal(lambda: found.do("link", orders=[found.ids[0]])) == "linked_already"
    found.do("close")
    found.later().opened(places=(0, 1))
    assert found.order(0).detail.case_id == found.case.case_id != first.case_id
    assert (first.linked, found.case.linked) == (1, 2), "what a closed case was about stays"


@pytest.mark.parametrize("status", sorted(GONE))
def test_what_went_elsewhere_is_not_linked(status: OrderStatus) -> None:
    found = Gathering()
    found.order(1).status = status
    assert refusal(lambda: found.opened()) == "order_unlinkable"


def test_a_bulk_says_of_each_order_what_became_of_it() -> None:
    found = Gathering(5).opened(places=(0,))
    found.order(2).status = OrderStatus.VOID
    unknown = uuid4()
    refused = found.later().do("link", each=True, orders=[*found.ids[:4], unknown, found.ids[3]])
    codes = {id_: each.code for id_, each in refused.items()}
    assert codes == {found.ids[0]: "linked_already", found.ids[2]: "order_unlinkable", unknown: "not_found"}
    assert found.case.linked == 3 and found.case.version == 2
    before = found.case.version
    assert set(found.do("link", each=True, orders=[unknown])) == {unknown}
    assert found.case.version == before, "nothing was linked, so nothing changed"
    gone = found.do("unlink", each=True, orders=[found.ids[1], found.ids[4], unknown])
    assert {id_: each.code for id_, each in gone.items()} == {found.ids[4]: "not_linked", unknown: "not_found"}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"units": ["nobody"]}, "unit_unknown"),
        ({"persons": [{"name": "王", "unit": "nobody"}]}, "unit_unknown"),
        ({"commitments": [{"text": "t", "unit": "nobody", "due": "2026-03-02T12:00:00Z"}]}, "unit_unknown"),
        ({"commitments": [{"text": "t", "unit": "s1", "due": "2026-03-02T09:00:00Z"}]}, "commitment_due"),
        ({"commitments": [{"text": "t", "unit": "s1", "due": "2050-01-01T00:00:00Z"}]}, "commitment_due"),
        ({"held_at": "2026-03-02T10:00:00Z"}, "time_in_future"),
        ({"held_at": "2025-03-02T10:00:00Z"}, "time_too_old"),
        ({"corrects": str(uuid4())}, "meeting_unknown"),
    ],
)
def test_what_a_meeting_may_not_say(said: dict[str, Any], code: str) -> None:
    found = Gathering().opened()
    assert refusal(lambda: found.do("meeting", **said)) == code
    assert not found.case.meetings


def test_meetings_are_corrected_by_newer_records_one_after_the_other() -> None:
    found = Gathering().opened()
    found.do("meeting", outcome="explained", persons=[{"name": "王工", "unit": "s1-road"}])
    first = found.case.meetings[0]
    found.later().do("meeting", corrects=first.meeting_id)
    second = found.case.meetings[1]
    assert (second.corrects, first.corrected_by) == (first.meeting_id, second.meeting_id)
    assert refusal(lambda: found.do("meeting", corrects=first.meeting_id)) == "meeting_corrected"
    assert first.decided and first.outcome == "explained", "nothing of it is lost"
    assert "王工" not in msgspec.json.encode([c.fact for c in found.book.changes]).decode()
    for _ in range(MOST_MEETINGS - 2):
        found.do("meeting")
    assert refusal(lambda: found.do("meeting")) == "meetings_too_many"


def test_a_case_with_an_open_commitment_is_not_closed() -> None:
    found, one = commitment_in(S.OPEN)
    with pytest.raises(Refused) as refused:
        found.do("close")
    assert refused.value.code == "commitments_open"
    assert refused.value.extra == {"commitments": [str(one.commitment_id)]}
    found.on(one, "answer")
    assert refusal(lambda: found.do("close")) == "commitments_open", "somebody has still to accept it"
    found.later().on(one, "accept")
    found.do("close", result="explained")
    assert (found.case.state, found.case.result, found.case.conclusion) == (C.CLOSED, "explained", "已整改")


def test_an_answer_may_be_told_late_but_not_before_it_was_asked_for() -> None:
    found, one = commitment_in(S.OPEN)
    found.later(30)
    for said, code in (
        (one.since - timedelta(seconds=1), "time_backwards"),
        (found.book.now + timedelta(minutes=3), "time_in_future"),
    ):
        assert refusal(partial(found.on, one, "answer", occurred_at=said.isoformat())) == code
    at = one.since + timedelta(minutes=5)
    found.on(one, "answer", occurred_at=at.isoformat())
    assert one.answered_at == at


def test_what_is_sent_back_has_a_due_of_its_own() -> None:
    found, one = commitment_in(S.ANSWERED)
    assert refusal(lambda: found.on(one, "send_back", due=found.moment(0))) == "commitment_due"
    found.on(one, "send_back", due=found.moment(10))
    assert (one.state, one.asked, one.due) == (S.OPEN, 2, found.book.now + timedelta(minutes=10))


def test_a_miss_stays_visible_and_moves_no_version() -> None:
    found, one = commitment_in(S.OPEN)
    versions = (found.case.version, one.version)
    found.rung(one, "warned")
    assert one.missed_due is None
    found.rung(one, "missed")
    assert one.missed_due == one.due and (found.case.version, one.version) == versions
    found.on(one, "answer")
    found.later().on(one, "accept")
    found.do("close")
    assert one.missed_due is not None and one.state is S.KEPT
    found.rung(one, "undone")
    assert one.missed_due is None, "a late word showed that it was in time"


def test_a_warning_for_what_was_answered_says_nothing() -> None:
    found, one = commitment_in(S.ANSWERED)
    made = len(found.book.changes)
    found.rung(one, "warned")
    assert len(found.book.changes) == made
