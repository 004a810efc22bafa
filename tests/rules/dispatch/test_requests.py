"""What units ask for: who decides, what comes of it, what comes of silence; and that a refusal leaves no trace."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from schemas.facts import AssignmentReturned, ClockView, OrderParked, RequestMade
from schemas.refusals import Refused
from schemas.vocabulary import (
    AssignmentRole,
    AssignmentStatus,
    ClockState,
    OrderStatus,
    RequestKind,
    RequestReason,
    RequestState,
    Role,
    Stage,
    Verification,
)
from services.dispatch.rules.acts import Act
from services.dispatch.rules.acts.decisions import Decision, decide
from services.dispatch.rules.book import Actor
from services.dispatch.rules.requests.deciders import coordinator
from services.dispatch.rules.requests.model import review_clock
from services.dispatch.rules.requests.reasons import REASONS
from tests.rules.dispatch.acting import Table, cause, seen
from tests.rules.dispatch.town import DIRECTORY, a_plan, a_report, proposed

A, S = AssignmentStatus, OrderStatus
RETURN: dict[str, Any] = {"reason": "not_our_duty", "suggested_unit": "s1-clean"}


def refused(table: Table, unit: str, kind: str, **said: Any) -> str:
    """The code with which a request is refused; nothing has changed."""
    before = seen(table.order)
    with pytest.raises(Refused) as told:
        table.ask(unit, kind, **said)
    assert seen(table.order) == before
    return told.value.code


def handled(*assists: str, verification: Verification = Verification.CALL) -> Table:
    """An order whose lead works on it."""
    table = Table(proposed(a_report(), a_plan("s1-road", *assists, verification=verification))).later()
    table.unit("s1-road", "accept")
    return table.later()


def due(table: Table, stage: Stage, minutes: float) -> None:
    """Supervision has set a clock of the lead's part that ends so many minutes from now."""
    now = table.book.now
    view = ClockView(
        clock_id=table.order.order_id,
        stage=stage,
        owner="s1-road",
        start=table.order.opened_at,
        due=now + timedelta(minutes=minutes),
        state=ClockState.RUNNING,
        policy="x",
        assignment_id=table.part("s1-road").assignment_id,
    )
    table.book.clocks[table.order.order_id] = (view,)


def test_a_granted_return_goes_to_the_unit_that_was_suggested_and_stays_in_the_history() -> None:
    table = handled()
    request = table.ask("s1-road", "return", **RETURN)
    assert (request.decider, table.part("s1-road").status) == ("s1", A.RETURN_REQUESTED)
    assert (table.order.lead, table.order.status) == ("s1-road", S.HANDLING), "首接负责: until decided it is theirs"
    table.unit("s1-road", "contact")
    table.later().decide(request)
    assert (table.order.lead, table.order.status) == ("s1-clean", S.DISPATCHED)
    assert table.part("s1-road").status is A.RETURNED and table.part("s1-clean").role is AssignmentRole.LEAD
    assert [r.state for r in table.order.requests] == [RequestState.GRANTED]
    past = table.past()
    assert past is not None and seen(past) == seen(table.order)


def test_the_decider_may_name_another_unit_and_must_name_one_for_a_lead() -> None:
    table = handled()
    request = table.ask("s1-road", "return", reason="owner_unclear", suggested_unit="")
    with pytest.raises(Refused, match="field_needed"):
        table.decide(request)
    with pytest.raises(Refused, match="unit_unknown"):
        table.decide(request, unit="nobody")
    with pytest.raises(Refused, match="invalid"):
        table.decide(request, unit="s1-road")
    table.decide(request, unit="k1")
    assert table.order.lead == "k1"


@pytest.mark.parametrize("kind", RequestKind)
def test_a_refusal_leaves_everything_as_if_nothing_had_been_asked(kind: RequestKind) -> None:
    table = handled()
    before = msgspec.json.decode(seen(table.order))
    table.later().decide(table.ask("s1-road", kind), granted=False)
    after = msgspec.json.decode(seen(table.order))
    assert after.pop("requests")[0]["state"] == "refused" and before.pop("requests") == []
    for shape in (before, after):
        for name in ("seq", "recorded_at", "left"):
            shape.pop(name)
        for part in shape["assignments"]:
            part.pop("version"), part.pop("actors"), part.pop("stood_since")
    assert after == before


@pytest.mark.parametrize(
    ("unit", "code"),
    [("s1-road", "own_tier"), ("s1-clean", "own_tier"), ("s2", "own_tier"), ("d2", "other_unit"), ("k1", "other_unit")],
)
def test_nobody_decides_for_himself_his_tier_or_another_s_unit(unit: str, code: str) -> None:
    table = handled()
    request = table.ask("s1-road", "return", **RETURN)
    with pytest.raises(Refused) as told:
        table.decide(request, by=unit)
    assert told.value.code == code
    assert request.open


def test_a_responder_of_the_centre_does_not_decide() -> None:
    table = handled()
    request = table.ask("s1-road", "return", **RETURN)
    body = Decision(granted=True, note="x")
    asked = Act("decision", body, Actor("r@s1", Role.RESPONDER, "s1"), cause())
    with pytest.raises(Refused, match="forbidden"):
        decide(table.book, table.order, request, asked)


def test_the_centre_that_dispatched_decides_and_policy_puts_some_kinds_one_above() -> None:
    table = handled()
    deciders = {kind: table.ask("s1-road", kind).decider for kind in RequestKind if kind is not RequestKind.RETURN}
    assert deciders == {
        "extension": "s1",
        "deferral": "d1",
        "parking": "d1",
        "class_correction": "s1",
        "explanation": "s1",
    }
    street = Table(proposed(a_report(), a_plan("s1"))).later()
    street.unit("s1", "accept")
    assert street.ask("s1", "return", **RETURN).decider == "d1", "a street's own request is the district's"


def test_silence_rings_the_centre_above_and_decides_nothing() -> None:
    table = handled()
    request = table.ask("s1-road", "extension")
    first = request.clock_id
    table.later(60).silence(request)
    assert (request.decider, request.level, request.state) == ("d1", 1, RequestState.OPEN)
    table.missed(Stage.DECIDE, first)
    assert request.level == 1, "the old centre's clock rings nobody twice"
    table.later(60).silence(request)
    table.later(60).silence(request)
    assert (request.decider, request.level, request.open) == ("city", 2, True), "at the top it stays, late and counted"
    table.decide(request, by="city")
    assert request.state is RequestState.GRANTED
    past = table.past()
    assert past is not None and seen(past) == seen(table.order)


def test_what_nobody_owns_falls_to_the_street_with_the_statutory_department_pinned() -> None:
    table = handled()
    request = table.ask("s1-road", "return", **RETURN)
    for _ in range(3):
        table.later(60).silence(request)
    order = table.order
    assert (request.state, order.lead, order.coordinated) == (RequestState.UNDECIDED, "s1", True)
    assert table.part("s1-road").role is AssignmentRole.ASSIST and table.part("s1-road").status is A.ACCEPTED
    assert table.part("s1").pinned and table.part("s1-road").pinned
    assert refused(table, "s1-road", "return", **RETURN) == "arbitrated"
    assert order.returns == 0, "it was neither granted nor refused"
    past = table.past()
    assert past is not None and seen(past) == seen(order)


def test_an_assist_s_return_that_nobody_decides_stays_open_at_the_top() -> None:
    table = handled("s1-clean")
    request = table.ask("s1-clean", "return", reason="not_our_duty", suggested_unit="k1")
    for _ in range(4):
        table.later(60).silence(request)
    assert (request.open, request.decider, table.order.lead) == (True, "city", "s1-road")


@pytest.mark.parametrize(("division", "unit"), [("S1", "s1"), ("K1", "s1"), ("D1", "d1"), ("C", "city"), ("", "city")])
def test_where_the_place_is_not_known_the_district_takes_it_and_then_the_city(division: str, unit: str) -> None:
    table = Table(proposed(a_report(), a_plan(division=division)))
    assert coordinator(DIRECTORY, table.order) == unit


def test_an_offer_that_nobody_accepts_stays_with_its_unit() -> None:
    table = Table().later(600)
    before = table.order.lead, table.part("s1-road").status
    made = len(table.book.changes)
    table.missed(Stage.ACCEPT, table.order.order_id)
    assert (table.order.lead, table.part("s1-road").status) == before and not table.order.coordinated
    assert len(table.book.changes) == made, "whom it presses is the ladder's to say"


def test_returns_are_counted_per_unit_and_the_third_is_arbitrated_one_centre_up() -> None:
    table = Table().later()
    for number in range(2):
        request = table.ask("s1-road", "return", **RETURN)
        assert not request.arbitration and request.decider == "s1", number
        table.later().decide(request, granted=False)
    table.book.changes.clear()
    request = table.ask("s1-road", "return", **RETURN)
    assert (request.arbitration, request.decider) == (True, "d1")
    table.later().decide(request, granted=False)
    assert refused(table, "s1-road", "return", **RETURN) == "arbitrated", "not again for the same cause"
    assert table.ask("s1-road", "return", reason="duplicate", suggested_unit="").arbitration
    other = handled()
    other.later().decide(other.ask("s1-road", "return", **RETURN))
    other.later().decide(other.ask("s1-clean", "return", reason="not_our_duty", suggested_unit="k1"))
    assert not other.ask("k1", "return", reason="not_our_duty", suggested_unit="s1-road").arbitration, "an innocent one"


def test_whom_the_arbiter_names_cannot_say_that_it_is_another_s() -> None:
    table = Table().later()
    for granted in (False, False, True):
        table.later().decide(table.ask("s1-road", "return", **RETURN), granted=granted)
    assert table.part("s1-clean").pinned
    assert refused(table, "s1-clean", "return", reason="not_our_area", suggested_unit="s1-road") == "arbitrated"
    assert table.ask("s1-clean", "return", reason="duplicate", suggested_unit="").open


def test_a_ping_pong_is_said_when_it_comes_back_and_from_the_third_return() -> None:
    table = Table().later()
    told = []
    for unit, to in (("s1-road", "s1-clean"), ("s1-clean", "k1"), ("k1", "volunteer")):
        table.later().decide(table.ask(unit, "return", reason="not_our_duty", suggested_unit=to))
        told.append(table.book.changes[-1].fact)
    assert [(f.returns, f.ping_pong) for f in told if isinstance(f, AssignmentReturned)] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    back = Table().later()
    back.later().decide(back.ask("s1-road", "return", **RETURN))
    back.later().decide(back.ask("s1-clean", "return", reason="not_our_duty", suggested_unit="s1-road"))
    fact = back.book.changes[-1].fact
    assert isinstance(fact, AssignmentReturned) and fact.ping_pong and fact.returns == 2


def test_a_return_has_its_window() -> None:
    table = Table().later(239)
    assert table.ask("s1-road", "return", **RETURN).open
    assert refused(Table().later(241), "s1-road", "return", **RETURN) == "request_too_late"
    longer = Table().later(241)
    due(longer, Stage.ACCEPT, 60)
    assert longer.ask("s1-road", "return", **RETURN).open


@pytest.mark.parametrize("kind", ["extension", "deferral", "parking"])
def test_time_is_asked_for_before_it_is_over(kind: str) -> None:
    table = handled()
    due(table, Stage.HANDLE, -1)
    assert refused(table, "s1-road", kind) == "request_too_late"
    due(table, Stage.HANDLE, 60)
    late = table.book.now + timedelta(days=400)
    assert refused(table, "s1-road", kind, until=late.isoformat()) == "until_unfit"
    assert refused(table, "s1-road", kind, until=(late - timedelta(days=401)).isoformat()) == "until_unfit"
    request = table.ask("s1-road", kind)
    with pytest.raises(Refused, match="until_unfit"):
        table.decide(request, until=late.isoformat())
    table.decide(request, until=(table.book.now + timedelta(days=5)).isoformat())
    assert request.granted_until == table.book.now + timedelta(days=5)


def test_a_deferral_is_granted_once_and_only_the_lead_asks() -> None:
    table = handled("s1-clean")
    table.unit("s1-clean", "accept")
    for kind in RequestKind:
        if kind is not RequestKind.RETURN:
            assert refused(table, "s1-clean", kind) == "lead_only"
    table.decide(table.ask("s1-road", "deferral"))
    assert refused(table, "s1-road", "deferral") == "request_limit"


def test_reasons_and_fields_fit_the_kind() -> None:
    table = handled()
    for kind, fitting in REASONS.items():
        for reason in set(RequestReason) - fitting:
            assert refused(table, "s1-road", kind, reason=reason) == "reason_unfit"
    for kind, gone in (("extension", "until"), ("parking", "evidence"), ("explanation", "answer")):
        empty: Any = {"until": None, "evidence": [], "answer": ""}[gone]
        assert refused(table, "s1-road", kind, **{gone: empty}) == "field_needed"
    assert refused(table, "s1-road", "return", reason="not_our_duty", suggested_unit="") == "field_needed"
    assert refused(table, "s1-road", "return", **RETURN, class_key="x") == "invalid"
    assert refused(table, "s1-road", "return", reason="not_our_duty", suggested_unit="nobody") == "unit_unknown"
    assert refused(table, "s1-road", "return", reason="not_our_duty", suggested_unit="s1-road") == "invalid"
    assert refused(table, "s1-road", "class_correction", class_key="a/part/b") == "class_unknown"
    own = table.order.detail.class_ref.key
    assert refused(table, "s1-road", "class_correction", class_key=own) == "invalid"
    assert refused(Table().later(), "s1-road", "extension") == "action_not_allowed", "accept it first"
    table.ask("s1-road", "extension")
    assert refused(table, "s1-road", "extension") == "request_open"


def test_a_parked_order_stays_listed_until_its_review_or_somebody_s_hand() -> None:
    table = handled()
    request = table.ask("s1-road", "parking")
    table.later().decide(request)
    order = table.order
    assert (order.status, order.review_at, order.parked_by) == (S.PARKED, request.until, request.request_id)
    assert isinstance(table.book.changes[-1].fact, OrderParked)
    again = table.ask("s1-road", "parking")
    table.later().decide(again)
    table.missed(Stage.DECIDE, review_clock(order.order_id, 1, request.request_id))
    assert order.status is S.PARKED, "an older review is no review"
    table.missed(Stage.DECIDE, review_clock(order.order_id, 1, again.request_id))
    assert (order.status, order.review_at, order.parked_by) == (S.HANDLING, None, None)
    third = table.ask("s1-road", "parking")
    table.later().decide(third)
    table.centre("resume", reason="money")
    assert order.status is S.HANDLING
    past = table.past()
    assert past is not None and seen(past) == seen(order)


def test_another_class_is_kept_beside_the_one_of_the_intake() -> None:
    table = handled()
    before = table.order.detail.class_ref.key
    version = table.order.version
    table.decide(table.ask("s1-road", "class_correction"))
    assert table.order.detail.class_ref.name == "暴露垃圾" and table.order.class_intake == before
    assert table.order.version == version + 1


@pytest.mark.parametrize(
    ("verification", "after"), [(Verification.CALL, S.CALLBACK), (Verification.SITE, S.VERIFYING), ("none", S.CLOSED)]
)
def test_closing_without_a_solution_goes_to_its_check_as_explained(verification: Any, after: OrderStatus) -> None:
    table = handled(verification=Verification(verification))
    table.decide(table.ask("s1-road", "explanation"))
    assert (table.order.status, table.order.result) == (after, "explained")
    assert table.part("s1-road").answer == "已说明"
    helped = handled("s1-clean")
    assert refused(helped, "s1-road", "explanation") == "assists_open"


def test_an_open_request_lapses_with_what_it_was_about() -> None:
    table = handled()
    request = table.ask("s1-road", "extension")
    table.later().unit("s1-road", "finish")
    assert request.state is RequestState.LAPSED
    with pytest.raises(Refused, match="action_not_allowed"):
        table.decide(request)


def test_no_words_leave_dispatch() -> None:
    table = handled()
    table.decide(table.ask("s1-road", "deferral", basis="王女士家中有老人"), note="去看过王女士")
    facts = b"".join(msgspec.json.encode(c.fact) for c in table.book.changes)
    assert "王女士".encode() not in facts
    assert any(isinstance(c.fact, RequestMade) for c in table.book.changes)
    assert table.order.requests[0].words.note == "去看过王女士"
