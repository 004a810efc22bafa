"""The same reporter, the same matter, no new fact; and a matter that was concluded."""

from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from schemas.facts import Attachment, Reporter, ReportReceived
from schemas.ids import successor_id
from schemas.refusals import Refused
from schemas.vocabulary import OrderStatus, Role
from services.dispatch.rules.book import Actor, KeptReport
from services.dispatch.rules.opening import on_linked
from services.dispatch.rules.repeats import Earlier, repeat_of
from tests.rules.dispatch.acting import Table, act, cause
from tests.rules.dispatch.town import a_report, linked

WANG = Reporter(name="王某", phone="139 1234 5678")
FIRST = a_report("first", text="桥头路1号门口井盖破损，请尽快修理")
ABOVE = Actor("dispatcher@d1", Role.DISPATCHER, "d1")


def earlier(reporter: Reporter = WANG) -> list[Earlier]:
    assert FIRST.report_id is not None
    return [Earlier(FIRST.report_id, FIRST, reporter)]


@pytest.mark.parametrize(
    ("text", "reporter", "repeats"),
    [
        (FIRST.text, WANG, True),
        ("桥头路１号门口，井盖破损！请尽快修理。", WANG, True),  # width and punctuation say nothing
        ("桥头路1号门口井盖破损", Reporter(phone="+86 13912345678"), True),
        (FIRST.text, Reporter(name="王某"), False),  # a name alone tells nobody apart
        (FIRST.text, Reporter(name="王某", phone="13900000000"), False),
        (FIRST.text, None, False),
        ("昨晚有老人在桥头路1号踩空骨折，已送医院", WANG, False),  # that is new
        ("", WANG, True),
    ],
)
def test_a_repeat_is_the_same_person_with_nothing_new(text: str, reporter: Reporter | None, repeats: bool) -> None:
    found = repeat_of(a_report(text=text), reporter, earlier())
    assert found == (FIRST.report_id if repeats else None)


def test_a_document_tells_persons_apart_where_both_named_one() -> None:
    one, other = structs.replace(WANG, person_id="A1"), structs.replace(WANG, person_id="B2")
    assert repeat_of(a_report(text=FIRST.text), one, earlier(other)) is None
    assert repeat_of(a_report(text=FIRST.text), one, earlier(structs.replace(other, person_id="A1"))) == FIRST.report_id


def test_a_new_picture_is_a_new_fact() -> None:
    report = structs.replace(a_report(text=FIRST.text), attachments=(Attachment(url="u"),))
    assert repeat_of(report, WANG, earlier()) is None


def again(table: Table, text: str = FIRST.text) -> KeptReport:
    """The first reporter sends a report once more."""
    report: ReportReceived = a_report(text=text)
    assert report.report_id is not None
    table.book.earlier[table.order.order_id] = earlier()
    fact = linked(table.order.order_id, report)
    kept = KeptReport(report.report_id, report, "{}", WANG)
    on_linked(table.book, fact, kept, cause())
    return kept


def told(table: Table) -> list[tuple[str, UUID | None]]:
    facts: list[Any] = [c.fact for c in table.book.changes]
    return [(type(f).__name__, f.report.repeat_of) for f in facts if hasattr(f, "report")]


def test_a_repeat_joins_with_a_mark() -> None:
    table = Table()
    assert again(table).repeat_of == FIRST.report_id
    assert told(table) == [("ReportJoined", FIRST.report_id)]


def closed(round_: int = 2) -> Table:
    table = Table()
    table.order.status, table.order.round = OrderStatus.CLOSED, round_
    return table.later()


def conclude(table: Table, actor: Actor = ABOVE) -> None:
    act(table.book, table.order, "conclude", actor, answer="已依规答复")


def test_after_the_policys_rounds_the_district_concludes_and_repeats_are_told_so() -> None:
    table = closed()
    conclude(table)
    assert table.order.detail.conclusion == "已依规答复"
    kept = again(table)
    assert (kept.state, kept.order_id) == ("answered", table.order.order_id)
    assert successor_id(table.order.order_id) not in table.book.orders
    assert told(table) == [("RepeatAnswered", FIRST.report_id)]
    assert "已依规答复" not in str([c.fact for c in table.book.changes]), "the answer stays with dispatch"


def test_a_new_fact_opens_the_successor_all_the_same() -> None:
    table = closed()
    conclude(table)
    kept = again(table, "昨晚有老人在桥头路1号踩空骨折，已送医院")
    assert kept.order_id == successor_id(table.order.order_id)


def test_before_the_rounds_are_through_or_by_the_street_itself_it_is_refused() -> None:
    for table, actor, code in (
        (closed(1), ABOVE, "rounds_left"),
        (closed(), Actor("dispatcher@s1", Role.DISPATCHER, "s1"), "other_unit"),
    ):
        with pytest.raises(Refused) as refused:
            conclude(table, actor)
        assert refused.value.code == code


def test_who_reopens_it_opens_it_anew() -> None:
    table = closed()
    conclude(table)
    table.later().centre("reopen", reason="有新情况")
    assert table.order.detail.conclusion == ""
    assert again(table).state == "linked"
