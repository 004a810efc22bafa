"""The one-stop service in Shanghai's pack: whoever handles a service answers for what is said about it."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from schemas.city import City
from schemas.facts import ReportReceived
from schemas.vocabulary import Source, TicketType
from services.router.rules.atlas import Atlas
from services.router.rules.plan import Kind, conclude, prepare

AT = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def atlas(shanghai: City) -> Atlas:
    return Atlas.of(shanghai)


def decided(atlas: Atlas, matter_code: str, text: str = "窗口每次说的材料都不一样") -> tuple[Kind, str, str]:
    """What becomes of a bad rating at 静安区: the kind of decision, the lead, the rule."""
    report = ReportReceived(
        source=Source.ONE_STOP,
        received_at=AT,
        report_id=uuid4(),
        ticket_type=TicketType.COMPLAINT,
        text=text,
        district="静安区",
        address="静安区",
        matter_code=matter_code,
        stars=1,
    )
    decision = conclude(prepare(report, atlas), [], AT, atlas)
    return decision.kind, decision.fact.plan.lead, decision.fact.plan.rule


@pytest.mark.parametrize(
    ("matter_code", "lead"),
    [
        ("000131023000", "310106-market"),
        ("000109003000", "310106-police"),
        ("000514002000", "310106-labour"),
        ("000711001000", "310106-civil_affairs"),
        ("000123007000", "310106-health"),
        ("000105003000", "310106-education"),
    ],
)
def test_a_service_finds_its_department_whatever_is_written(atlas: Atlas, matter_code: str, lead: str) -> None:
    kind, found, rule = decided(atlas, matter_code)
    assert (kind, found) == (Kind.PROPOSE, lead), rule


@pytest.mark.parametrize("matter_code", ["", "000199001000", "0001", "31"])
def test_a_service_that_is_not_in_the_list_is_left_to_a_person(atlas: Atlas, matter_code: str) -> None:
    kind, _, _ = decided(atlas, matter_code, "办得不好")
    assert kind is Kind.TRIAGE


def test_words_decide_where_no_code_does(atlas: Atlas) -> None:
    kind, lead, _ = decided(atlas, "", "社保缴费记录查询不到，社保转移怎么办理，社保卡")
    assert (kind, lead) == (Kind.PROPOSE, "310106-labour")


def test_the_longest_beginning_of_a_code_counts(atlas: Atlas) -> None:
    found = atlas.one_stop_item("000711001000")
    assert found is not None and found.code == "000711"
    assert atlas.one_stop_item("999") is None


def test_danger_is_danger_also_there(atlas: Atlas) -> None:
    assert decided(atlas, "000131023000", "行政服务中心大厅起火了，有人被困")[1] != "310106-market"
