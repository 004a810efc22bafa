"""Supervisions: whom a rung reaches, who answers, who accepts; by the ladder and by hand."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest

from schemas.facts import RungCleared, RungRaised
from schemas.refusals import Refused
from schemas.vocabulary import RequestKind, Role, RungKind, Stage, SupervisionKind, SupervisionState, Urgency
from services.dispatch.rules.acts import Act, supervising
from services.dispatch.rules.book import Actor
from services.dispatch.rules.requests.model import review_clock
from services.dispatch.rules.supervisions import climbing, parties
from services.dispatch.rules.supervisions.model import Supervision
from services.dispatch.rules.supervisions.showing import actions
from tests.rules.dispatch.acting import Table, cause, seen
from tests.rules.dispatch.town import DIRECTORY, a_plan, a_report, in_triage, minutes, proposed

S = SupervisionState
OWNER = Actor("person@s1-road", Role.RESPONDER, "s1-road")
CENTRE = Actor("dispatcher@s1", Role.DISPATCHER, "s1")
CITY = Actor("supervisor", Role.SUPERVISOR)


def handled() -> Table:
    table = Table().later()
    table.unit("s1-road", "accept")
    return table.later()


def rung(table: Table, /, **said: Any) -> RungRaised:
    values: dict[str, Any] = {
        "order_id": table.order.order_id, "clock_id": uuid4(), "stage": Stage.HANDLE, "owner": "s1-road",
        "due": table.book.now, "supervision_id": uuid4(), "rung": "supervise-1", "kind": RungKind.SUPERVISE,
        "at": table.book.now, "level": 1, "receivers": ("dispatching_centre",), "answers": "owner",
    }  # fmt: skip
    fact = RungRaised(**(values | said))
    climbing.on_raised(table.book, table.order, fact, cause())
    return fact


def over(table: Table, fact: RungRaised, withdrawn: bool = False) -> None:
    cleared = RungCleared(
        order_id=fact.order_id, clock_id=fact.clock_id, stage=fact.stage, owner=fact.owner, due=fact.due,
        supervision_id=fact.supervision_id, rung=fact.rung, kind=fact.kind, cause="AssignmentDone", withdrawn=withdrawn,
    )  # fmt: skip
    climbing.on_cleared(table.book, table.order, cleared, cause())


def say(table: Table, one: Supervision, action: str, actor: Actor, **said: Any) -> None:
    body_type: Any = supervising.Answer if action == "answer" else supervising.Word
    body = msgspec.convert({"text": "已联系施工单位"} | said, body_type, strict=False)
    supervising.check_caller(DIRECTORY, one, action, actor)
    do = supervising.answer if action == "answer" else supervising.decide
    do(table.book, table.order, one, Act(action, body, actor, cause()))


def refused(code: str) -> Any:
    return pytest.raises(Refused, match=f"^{code}")


PARTIES = [
    # whose clock, party → unit
    ("s1-road", "owner", "s1-road"),
    ("s1-road", "lead", "s1-road"),
    ("s1-clean", "lead", "s1-road"),
    ("s1-road", "dispatching_centre", "s1"),
    ("s1", "dispatching_centre", "d1"),
    ("city", "dispatching_centre", "city"),
    ("s1-road", "centre_above", "d1"),
    ("s1", "centre_above", "city"),
    ("s1-road", "district", "d1"),
    ("d1", "district", ""),
    ("s1-road", "city", "city"),
    ("d1", "city", "city"),
    ("city", "city", "city"),
    ("s1-road", "duty_phone", "s1-road"),
    ("s1-road", "duty_leader", "s1"),
    ("s1", "duty_leader", "d1"),
    ("s1-road", "unit:police", "police"),
    ("d1-police", "dispatching_centre", "d1"),
    ("d1-police", "district", "d1"),
]


@pytest.mark.parametrize(("owner", "party", "unit"), PARTIES)
def test_a_party_is_a_unit_of_today(owner: str, party: str, unit: str) -> None:
    table = Table(proposed(a_report(), a_plan("s1-road", "s1-clean", "d1-police")))
    assert parties.unit_of(DIRECTORY, table.order, owner, party) == unit


def test_of_a_part_that_was_passed_on_whoever_passed_it_on_stands_over_it() -> None:
    table = handled()
    table.unit("s1-road", "pass_on", unit="road-crew")
    assert parties.unit_of(DIRECTORY, table.order, "road-crew", "dispatching_centre") == "s1-road"


@pytest.mark.parametrize(
    ("stage", "owner", "receivers", "answerer", "by"),
    [
        (Stage.HANDLE, "s1-road", ("dispatching_centre",), "s1-road", "s1"),
        (Stage.HANDLE, "s1-road", ("centre_above",), "s1-road", "d1"),
        (Stage.HANDLE, "s1-road", ("city",), "s1-road", "city"),
        (Stage.ACCEPT, "s1-road", ("duty_phone",), "s1-road", "s1"),  # a phone accepts nothing
        (Stage.TOTAL, "city", ("dispatching_centre",), "s1-road", "s1"),  # the lead answers for the promise
        (Stage.SIGN, "110", ("dispatching_centre",), "s1-road", "s1"),  # another platform is no unit of ours
        (Stage.VERIFY, "s1", ("dispatching_centre",), "s1", "d1"),  # nobody supervises himself
        (Stage.DECIDE, "city", ("city",), "city", "city"),  # but at the very top
    ],
)
def test_who_answers_and_who_accepts(
    stage: Stage, owner: str, receivers: tuple[str, ...], answerer: str, by: str
) -> None:
    table = handled()
    rung(table, stage=stage, owner=owner, receivers=receivers)
    (one,) = table.order.supervisions
    assert (one.answerer, one.by, one.state, one.kind) == (answerer, by, S.OPEN, SupervisionKind.TIMEOUT)


def test_a_rung_for_urgent_orders_says_whose_duty_is_rung() -> None:
    table = Table(proposed(a_report(), a_plan("s1-road", urgency=Urgency.URGENT))).later(10)
    rung(table, stage=Stage.ACCEPT, receivers=("duty_phone", "dispatching_centre"))
    rung(table, stage=Stage.ACCEPT, receivers=("duty_leader", "district"), level=2, rung="urgent-2")
    facts = [change.fact for change in table.book.changes[1:]]
    assert [(fact.ring, fact.told) for fact in facts] == [(("s1-road",), ("s1",)), (("s1",), ("d1",))]  # type: ignore[attr-defined]


def test_an_urge_opens_no_supervision() -> None:
    table = handled()
    rung(table, kind=RungKind.URGE, level=0, receivers=("owner",), rung="urge")
    fact = table.book.changes[-1].fact
    assert (type(fact).__name__, fact.told, table.order.supervisions) == ("Urged", ("s1-road",), [])  # type: ignore[attr-defined]


def test_nothing_is_supervised_once_the_order_has_ended_or_was_imported() -> None:
    table = handled()
    table.centre("void", reason="entered twice")
    rung(table)
    past = Table(proposed(a_report(imported=True), a_plan())).later()
    rung(past)
    assert table.order.supervisions == past.order.supervisions == []


def test_whom_an_order_complains_about_is_told_nothing_of_it() -> None:
    table = handled()
    table.order.subjects = ("s1",)
    rung(table, receivers=("dispatching_centre", "centre_above"))
    (one,) = table.order.supervisions
    assert (one.by, table.book.changes[-1].fact.told) == ("d1", ("d1", "city"))  # type: ignore[attr-defined]


def test_the_review_date_of_a_parking_supervises_nobody() -> None:
    table = handled()
    request = table.ask("s1-road", "parking")
    table.decide(request)
    clock = review_clock(table.order.order_id, request.round, request.request_id)
    assert request.kind is RequestKind.PARKING
    rung(table, stage=Stage.DECIDE, owner="s1", clock_id=clock)
    assert table.order.supervisions == []


def test_answered_sent_back_answered_again_and_accepted() -> None:
    table = handled()
    rung(table)
    (one,) = table.order.supervisions
    first = one.answer_clock
    say(table.later(), one, "answer", OWNER, text="配件明日到货")
    assert (one.state, one.version) == (S.ANSWERED, 2)
    say(table.later(), one, "decision", CENTRE, accepted=False, text="须说明延误原因")
    assert (one.state, one.turn, one.version) == (S.OPEN, 1, 3)
    assert one.answer_clock != first, "the new answer has a limit of its own"
    say(table.later(), one, "answer", OWNER, text="供货商延误")
    say(table.later(), one, "decision", CENTRE, accepted=True, text="同意")
    assert one.state is S.ACCEPTED and not one.live
    assert [(said.text, said.accepted) for said in one.words.said] == [
        ("配件明日到货", None), ("须说明延误原因", False), ("供货商延误", None), ("同意", True),
    ]  # fmt: skip
    past = table.past()
    assert past is not None and seen(past) == seen(table.order), "the history tells the same"


def test_nothing_that_was_said_leaves_dispatch() -> None:
    table = handled()
    rung(table)
    say(table.later(), table.order.supervisions[0], "answer", OWNER, text="王某电话不通")
    assert "王某" not in str(table.book.changes[-1].fact)


@pytest.mark.parametrize("withdrawn", [False, True])
@pytest.mark.parametrize("answered", [False, True])
def test_what_it_was_about_being_over_clears_it(withdrawn: bool, answered: bool) -> None:
    table = handled()
    fact = rung(table)
    (one,) = table.order.supervisions
    if answered:
        say(table.later(), one, "answer", OWNER)
    over(table.later(), fact, withdrawn)
    assert (one.state, one.cause, one.withdrawn) == (S.CLEARED, "AssignmentDone", withdrawn)
    made = len(table.book.changes)
    over(table.later(), fact)
    assert len(table.book.changes) == made, "what is over stays as it ended"


def test_an_order_that_ends_takes_its_supervisions_along() -> None:
    table = handled()
    rung(table)
    table.centre("void", reason="entered twice")
    (one,) = table.order.supervisions
    assert (one.state, one.cause, one.ended_at) == (S.CLEARED, "OrderVoided", table.book.changes[-1].fact.occurred_at)


ANSWERS = [
    (OWNER, None), (Actor("d", Role.DISPATCHER, "s1-road"), None), (CENTRE, "other_unit"), (CITY, "other_unit"),
    (Actor("p", Role.RESPONDER, "s1-clean"), "other_unit"), (Actor("a", Role.AGENT, "s1-road"), "other_unit"),
]  # fmt: skip
D, P, V = Role.DISPATCHER, Role.RESPONDER, Role.SUPERVISOR
ACCEPTS = [
    (CENTRE, None), (CITY, None), (Actor("d", D, "d1"), None), (Actor("d", D, "city"), None),
    (Actor("s", V, "s1"), None), (Actor("s", V, "s2"), "other_unit"), (Actor("d", D, "d2"), "other_unit"),
    (Actor("d", D, "s1-road"), "own_answer"), (OWNER, "own_answer"), (Actor("p", P, "s1"), "forbidden"),
]  # fmt: skip


@pytest.mark.parametrize(("actor", "code"), ANSWERS)
def test_who_may_answer(actor: Actor, code: str | None) -> None:
    table = handled()
    rung(table)
    (one,) = table.order.supervisions
    assert actions(DIRECTORY, one, actor) == (["answer"] if code is None else [])
    if code is None:
        say(table, one, "answer", actor)
    else:
        with refused(code):
            say(table, one, "answer", actor)


@pytest.mark.parametrize(("actor", "code"), ACCEPTS)
def test_who_may_accept(actor: Actor, code: str | None) -> None:
    table = handled()
    rung(table)
    (one,) = table.order.supervisions
    say(table.later(), one, "answer", OWNER)
    assert actions(DIRECTORY, one, actor) == (["decision"] if code is None else [])
    if code is None:
        say(table, one, "decision", actor, accepted=True)
    else:
        with refused(code):
            say(table, one, "decision", actor, accepted=True)


def test_each_word_in_its_turn() -> None:
    table = handled()
    rung(table)
    (one,) = table.order.supervisions
    with refused("action_not_allowed"):
        say(table, one, "decision", CENTRE, accepted=True)
    say(table.later(), one, "answer", OWNER)
    with refused("action_not_allowed"):
        say(table, one, "answer", OWNER)


def test_by_hand_a_leader_asks_the_lead_or_whom_he_names() -> None:
    table = handled()
    table.do("supervise", CITY, level=3, note="市领导批示")
    table.do("supervise", Actor("d", Role.DISPATCHER, "d1"), None, kind="important", answerer="s1", level=2)
    table.do("supervise", CENTRE, answerer="s1-clean", answer_due=minutes(600).isoformat())
    found = [(s.kind, s.level, s.answerer, s.by) for s in table.order.supervisions]
    assert found == [("leader", 3, "s1-road", "s1"), ("important", 2, "s1", "d1"), ("leader", 1, "s1-clean", "s1")]
    assert len({s.supervision_id for s in table.order.supervisions}) == 3
    assert table.order.supervisions[2].answer_due == minutes(600)


@pytest.mark.parametrize(
    ("actor", "said", "code"),
    [
        (CITY, {"answerer": "nowhere"}, "unit_unknown"),
        (CENTRE, {"answerer": "d2"}, "unit_outside"),
        (CENTRE, {"answerer": "d1"}, "unit_outside"),
        (CITY, {"answer_due": minutes(-1).isoformat()}, "until_unfit"),
        (CITY, {"answerer": "s1-clean"}, "subject_unit"),
    ],
)
def test_by_hand_what_does_not_fit_is_refused(actor: Actor, said: dict[str, Any], code: str) -> None:
    table = handled()
    table.order.subjects = ("s1-clean",)
    with refused(code):
        table.do("supervise", actor, **said)
    assert table.order.supervisions == []


def test_of_an_order_in_triage_the_deciding_centre_answers() -> None:
    table = Table(in_triage()).later()
    rung(table, stage=Stage.TRIAGE, owner="s1")
    (one,) = table.order.supervisions
    assert (one.answerer, one.by) == ("s1", "d1")
