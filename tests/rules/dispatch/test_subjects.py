"""The unit complained about neither leads nor helps nor sees."""

import pytest
from msgspec import structs

from schemas.refusals import Refused
from schemas.vocabulary import OrderStatus, Role
from services.dispatch.rules import subjects
from services.dispatch.rules.book import Actor
from services.dispatch.rules.opening import on_linked
from services.dispatch.rules.visibility import sees
from tests.rules.dispatch.acting import Table, cause, kept
from tests.rules.dispatch.town import DIRECTORY, a_plan, a_report, in_triage, linked, proposed


@pytest.mark.parametrize(
    ("subject", "units"),
    [
        ("", ()),
        ("某某烧烤店", ()),
        ("桥头环卫", ("s1-clean",)),
        (" 桥头 环卫 ", ("s1-clean",)),
        ("s1-clean", ("s1-clean",)),
        ("S1-CLEAN", ("s1-clean",)),
        ("桥头", ()),
    ],
)
def test_a_subject_names_a_unit_by_its_id_or_its_whole_name(subject: str, units: tuple[str, ...]) -> None:
    assert DIRECTORY.called(subject) == units


@pytest.mark.parametrize(
    ("about", "unit", "barred"),
    [
        ("s1-clean", "s1-clean", True),
        ("s1-clean", "s1-road", False),
        ("s1-clean", "s1", False),
        ("s1", "s1-clean", True),  # it answers to it
        ("s1", "volunteer", True),  # and so does who answers to one that does
        ("s1", "d1", False),
        ("s1", "s2", False),
        ("city", "city", True),
        ("city", "d1", False),  # nobody else could do anything
    ],
)
def test_a_unit_and_who_answers_to_it_have_no_part(about: str, unit: str, barred: bool) -> None:
    assert subjects.bars(DIRECTORY, (about,), unit) is barred


@pytest.mark.parametrize(
    ("about", "lead", "assists", "leads", "helps"),
    [
        ("桥头环卫", "s1-road", (), "s1-road", ()),
        ("桥头环卫", "s1-clean", ("s1-road",), "s1", ("s1-road",)),
        ("桥头环卫", "s1-road", ("s1-clean", "k1"), "s1-road", ("k1",)),
        ("桥头城运中心", "s1-road", ("k1", "s2"), "d1", ("s2",)),
        ("东区城运中心", "s1", (), "city", ()),
        ("市城运中心", "city", (), "city", ()),  # nobody above: no order is without an owner
    ],
)
def test_the_centre_above_leads_instead(
    about: str, lead: str, assists: tuple[str, ...], leads: str, helps: tuple[str, ...]
) -> None:
    table = Table(proposed(structs.replace(a_report(), subject=about), a_plan(lead, *assists)))
    assert table.order.lead == leads
    assert [a.unit for a in table.order.assignments] == [leads, *helps]
    assert table.order.detail.path[-1].unit in (leads, "s1")


@pytest.mark.parametrize("unit", ["s1", "s1-clean", "volunteer", "k1"])
@pytest.mark.parametrize("role", Role)
def test_it_does_not_see_the_order_in_any_role_nor_does_who_answers_to_it(role: Role, unit: str) -> None:
    table = Table(proposed(structs.replace(a_report(), subject="桥头城运中心"), a_plan("s1-road")))
    assert not sees(DIRECTORY, role, unit, table.order)


def test_the_centre_above_sees_it() -> None:
    table = Table(proposed(structs.replace(a_report(), subject="桥头城运中心"), a_plan("s1-road")))
    assert sees(DIRECTORY, Role.DISPATCHER, "d1", table.order)


def test_what_is_complained_about_the_top_of_the_city_is_seen_by_who_answers_to_it() -> None:
    table = Table(proposed(structs.replace(a_report(), subject="市城运中心"), a_plan("s1")))
    assert sees(DIRECTORY, Role.DISPATCHER, "s1", table.order)
    assert not sees(DIRECTORY, Role.DISPATCHER, "city", table.order)


def test_whom_the_router_read_in_an_informants_words_is_kept_apart_too() -> None:
    plan = structs.replace(a_plan("s1-clean", "s1-road"), subjects=("s1-clean",))
    table = Table(proposed(a_report(), plan))
    assert table.order.subjects == ("s1-clean",)
    assert (table.order.lead, [a.unit for a in table.order.assignments]) == ("s1", ["s1", "s1-road"])


def test_nor_does_a_centre_see_in_triage_what_an_informants_words_say_of_it() -> None:
    fact = in_triage()
    table = Table(structs.replace(fact, plan=structs.replace(fact.plan, lead="d1", subjects=("d1",))))
    assert (table.order.status, table.order.lead, table.order.subjects) == (OrderStatus.TRIAGE, "city", ("d1",))
    assert not any(sees(DIRECTORY, Role.DISPATCHER, unit, table.order) for unit in ("d1", "s1", "s2"))
    assert sees(DIRECTORY, Role.DISPATCHER, "city", table.order)
    with pytest.raises(Refused) as refused:
        table.later().do("route", Actor("dispatcher@city", Role.DISPATCHER, "city"), None, lead="d1")
    assert refused.value.code == "subject_unit"


def test_a_complaint_about_a_unit_that_works_on_the_order_becomes_an_order_of_its_own() -> None:
    table = Table(proposed(a_report(), a_plan("s1-clean")))
    fact = linked(table.order.order_id, structs.replace(a_report(), subject="桥头环卫"), a_plan("s1-clean"))
    on_linked(table.book, fact, kept(fact), cause())
    own = next(o for id_, o in table.book.opened.items() if id_ != table.order.order_id)
    assert (own.lead, own.subjects) == ("s1", ("s1-clean",))
    assert table.order.subjects == ()


def test_one_about_another_unit_joins_and_shuts_that_unit_out() -> None:
    table = Table(proposed(a_report(), a_plan("s1-road")))
    fact = linked(table.order.order_id, structs.replace(a_report(), subject="桥头环卫"))
    on_linked(table.book, fact, kept(fact), cause())
    assert table.order.subjects == ("s1-clean",)
    with pytest.raises(Refused) as refused:
        table.later().centre("route", lead="s1-clean")
    assert refused.value.code == "subject_unit"
    with pytest.raises(Refused):
        table.centre("route", lead="s1-road", assists=["s1-clean"])
