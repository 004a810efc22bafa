"""Contact for each reporter, times of a phone that was offline, what a finish must say, and whose call scores."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from schemas import facts
from schemas.facts import Reporter
from schemas.refusals import Refused
from schemas.vocabulary import CallKind, OrderStatus, Role, Source, Verification
from services.dispatch.rules.book import Actor
from services.dispatch.rules.opening import join
from services.dispatch.rules.order import Voice
from tests.rules.dispatch.acting import Table, at, cause, kept, seen
from tests.rules.dispatch.town import DIRECTORY, a_plan, a_report, linked, proposed

WANG = Reporter(name="王小明", phone="13812345678")
AGENT = Actor("agent@city", Role.AGENT, "")
INSPECTOR = Actor("inspector@s1", Role.INSPECTOR, "s1")


def a_table(*assists: str, reporter: Reporter | None = WANG, verification: Verification = Verification.CALL) -> Table:
    """An order that its lead has accepted."""
    table = Table(proposed(a_report(reporter=reporter), a_plan("s1-road", *assists, verification=verification)))
    table.later().unit("s1-road", "accept")
    return table.later()


def second(table: Table, source: Source = Source.HOTLINE) -> UUID:
    """One more report about the matter."""
    link = linked(table.order.order_id, a_report(source=source, reporter=WANG))
    join(table.book, table.order.order_id, link.plan, kept(link), cause(), "alike")
    assert link.report.report_id is not None
    return link.report.report_id


def first(table: Table) -> UUID:
    report_id = table.fact.report.report_id
    assert report_id is not None
    return report_id


def voice(table: Table, report_id: UUID) -> Voice:
    found = table.order.voice(report_id)
    assert found is not None
    return found


def refused(table: Table, what: Any) -> Refused:
    before, made = seen(table.order), len(table.book.changes)
    with pytest.raises(Refused) as told:
        what()
    assert (seen(table.order), len(table.book.changes)) == (before, made), "a refusal changes nothing"
    return told.value


def last(table: Table, kind: type[facts.OrderFact]) -> Any:
    return [c.fact for c in table.book.changes if isinstance(c.fact, kind)][-1]


def test_each_reporter_is_contacted_for_himself() -> None:
    table = a_table()
    one, two = first(table), second(table)
    told = refused(table, lambda: table.unit("s1-road", "contact", reached=True, report_id=None))
    assert told.code == "report_unnamed" and told.extra["reports"] == [one, two]
    table.unit("s1-road", "contact", reached=True, report_id=str(two))
    assert voice(table, two).contacted_at == table.book.now and voice(table, one).contacted_at is None
    assert (
        refused(table, lambda: table.unit("s1-road", "contact", reached=True, report_id=str(uuid4()))).code == "invalid"
    )


def test_an_order_with_one_reporter_needs_no_name_and_a_sensor_is_nobody() -> None:
    table = a_table()
    alarm = second(table, Source.SENSOR)
    table.unit("s1-road", "contact", reached=True, report_id=None)
    assert voice(table, first(table)).contacted_at == table.book.now and voice(table, alarm).contacted_at is None


def test_who_was_not_reached_was_not_reached_for_a_reason() -> None:
    table = a_table()
    assert refused(table, lambda: table.unit("s1-road", "contact", reached=False, reason=None)).code == "reason_missing"
    table.unit("s1-road", "contact", reached=False, reason="no_answer")
    assert last(table, facts.ContactMade).reason == "no_answer" and voice(table, first(table)).contacted_at is None
    table.later().unit("s1-road", "contact", reached=True)
    reached = table.book.now
    table.later().unit("s1-road", "contact", reached=True)
    assert voice(table, first(table)).contacted_at == reached, "the first contact counts"


@pytest.mark.parametrize(
    ("ago", "code"),
    [
        (timedelta(minutes=-3), "time_in_future"),
        (timedelta(minutes=2), "time_backwards"),  # before it was accepted
        (DIRECTORY.late + timedelta(minutes=1), "time_too_old"),
        (timedelta(seconds=30), None),
        (timedelta(minutes=-1), None),  # a clock that runs fast is taken as now
    ],
)
def test_a_phone_that_was_offline_tells_later_what_happened(ago: timedelta, code: str | None) -> None:
    table = a_table()
    when = at(table.book.now - ago)
    if code is None:
        table.unit("s1-road", "arrive", occurred_at=when)
        assert table.part("s1-road").arrived_at == min(table.book.now, table.book.now - ago)
    else:
        assert refused(table, lambda: table.unit("s1-road", "arrive", occurred_at=when)).code == code


def test_what_could_not_be_done_has_somebody_who_answers_for_it() -> None:
    table = a_table()
    said = {"result": "not_possible", "answer": "产权不明"}
    for owner in ("", "  "):
        assert refused(table, lambda o=owner: table.unit("s1-road", "finish", **said, hard_case_owner=o)).code == (
            "owner_missing"
        )
    table.unit("s1-road", "finish", **said, hard_case_owner="周班长")
    assert table.part("s1-road").hard_case_owner == "周班长"
    done = last(table, facts.AssignmentDone)
    assert done.hard_case and "周班长" not in str(done), "the name stays with dispatch"
    assert table.order.solved is False


def test_every_reporter_may_have_an_answer_of_his_own() -> None:
    table = a_table("s1-clean")
    one, two = first(table), second(table)
    table.unit("s1-clean", "accept")
    mine = {"result": "solved", "answer": "好了", "answers": [{"report_id": str(two), "text": "您门口的也好了"}]}
    told = refused(table, lambda: table.unit("s1-clean", "finish", **mine))
    assert told.code == "invalid", "only the lead answers the reporters"
    assert refused(table, lambda: table.unit("s1-road", "finish", **mine)).code == "assists_open"
    table.unit("s1-clean", "finish")
    for wrong in ([{"report_id": str(uuid4()), "text": "x"}], mine["answers"] * 2):  # type: ignore[operator]
        assert (
            refused(table, lambda w=wrong: table.unit("s1-road", "finish", **mine | {"answers": w})).code == "invalid"
        )
    table.later().unit("s1-road", "finish", **mine)
    assert (voice(table, one).answer, voice(table, two).answer) == ("", "您门口的也好了")
    past = table.past()
    assert past is not None and seen(past) == seen(table.order), "the history tells the answers too"


def test_a_failed_check_is_a_new_round_by_one_who_did_not_handle_it() -> None:
    table = a_table(verification=Verification.SITE)
    table.unit("s1-road", "contact", reached=True)
    reached = table.book.now
    table.later().unit("s1-road", "finish")
    for handler in (Actor("person@s1-road", Role.INSPECTOR, "s1"), Actor("other", Role.INSPECTOR, "s1-road")):
        told = refused(table, lambda h=handler: table.do("verify", h, passed=True))
        assert told.code in ("handler_verifies", "other_unit")
    assert refused(table, lambda: table.do("verify", Actor("person@s1-road", Role.INSPECTOR, "s1"))).code == (
        "handler_verifies"
    )
    table.later().do("verify", INSPECTOR, passed=False, note="还在晃")
    assert (table.order.status, table.order.round) == (OrderStatus.HANDLING, 2)
    assert table.part("s1-road").answer == "" and voice(table, first(table)).contacted_at == reached
    table.later().unit("s1-road", "finish")
    table.later().do("verify", INSPECTOR, passed=True)
    assert (table.order.status, table.order.round) == (OrderStatus.CALLBACK, 2)


def test_a_call_before_the_answer_warns_and_scores_nothing() -> None:
    table = a_table()
    street = Actor("dispatcher@s1", Role.DISPATCHER, "s1")
    table.do("callback", street, report_id=str(first(table)), reached=True, satisfied="fair", solved=False)
    told = last(table, facts.CallbackRecorded)
    assert (told.kind, told.proposes, table.order.warned, table.order.proposed) == (
        CallKind.BEFORE_ANSWER, False, True, "",
    )  # fmt: skip
    assert not voice(table, first(table)).settled


def test_after_the_policys_attempts_a_reporter_is_asked_no_more() -> None:
    table = a_table()
    table.unit("s1-road", "finish")
    for attempt in range(1, DIRECTORY.callback.attempts + 1):
        table.later().do("callback", AGENT, report_id=str(first(table)), reached=False)
        assert voice(table, first(table)).unrated is (attempt == DIRECTORY.callback.attempts)
    table.later().do("callback", AGENT, report_id=str(first(table)), reached=True, satisfied="satisfied")
    assert not voice(table, first(table)).unrated, "he called back himself"


def test_whoever_left_no_number_is_unrated_at_the_first_attempt() -> None:
    table = a_table(reporter=None)
    table.unit("s1-road", "finish")
    table.later().do("callback", AGENT, report_id=str(first(table)), reached=False)
    assert voice(table, first(table)).unrated


@pytest.mark.parametrize(
    ("result", "word", "solved", "proposes"),
    [
        ("solved", "satisfied", True, False),
        ("solved", "satisfied", False, True),
        ("solved", "dissatisfied", True, True),
        ("solved", "fair", None, False),
        ("explained", "satisfied", False, False),  # nobody says that it is solved
        ("explained", "dissatisfied", False, True),
    ],
)
def test_what_a_reporter_says_may_ask_for_reopening(
    result: str, word: str, solved: bool | None, proposes: bool
) -> None:
    table = a_table()
    table.unit("s1-road", "finish", result=result)
    said = {"report_id": str(first(table)), "reached": True, "satisfied": word} | (
        {} if solved is None else {"solved": solved}
    )
    table.later().do("callback", AGENT, **said)
    assert (table.order.proposed == "reopen") is proposes
    if proposes:
        assert refused(table, lambda: table.do("close", AGENT)).code == "reopening_undecided"
        table.centre("dismiss", reason="已再次说明")
    table.later().do("close", AGENT)
    assert table.order.status is OrderStatus.CLOSED
