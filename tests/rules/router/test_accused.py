"""Who is complained about (被反映单位) has no part in it, and an informant (举报) is not named."""

import pytest

from schemas.city import Unit
from schemas.facts import Reporter
from schemas.text import wording
from schemas.vocabulary import TicketType, Tier
from services.router.rules.atlas import Atlas
from services.router.rules.plan import Kind, conclude, prepare
from tests.rules.router.made import NOW, UNITS, report, rule, town

INFORMANT, COMPLAINT = TicketType.INFORMANT, TicketType.COMPLAINT


def led(text: str, *rows: object, **more: object) -> tuple[str, list[str], tuple[str, ...]]:
    prepared = prepare(report(text, **more), Atlas.of(town(*(rows or (rule("a1", "office", assists=("water",)),)))))  # type: ignore[arg-type]
    return (
        prepared.matched.lead.unit_id,
        [unit.unit_id for unit in prepared.matched.assists],
        prepared.question.accused,
    )


@pytest.mark.parametrize("subject", ["长桥街道office", "110001-office"])
def test_the_unit_complained_about_does_not_lead_the_centre_above_it_does(subject: str) -> None:
    assert led("长桥街道井盖缺失", subject=subject) == ("110001-centre", ["110000-water"], ("110001-office",))


def test_nor_does_it_help() -> None:
    assert led("长桥街道井盖缺失", subject="东区water") == ("110001-office", [], ("110000-water",))


def test_a_complaint_about_a_centre_goes_further_up() -> None:
    assert led("长桥街道井盖缺失", rule("a1", "centre"), subject="长桥街道centre")[0] == "110000-centre"


def test_about_the_city_itself_the_duty_desk_decides() -> None:
    assert led("井盖缺失", rule("a1", "unit:1-centre"), subject="镇海市centre")[0] == "1-duty_desk"


def test_somebody_who_is_no_unit_changes_nothing() -> None:
    assert led("长桥街道井盖缺失", subject="某公司") == ("110001-office", ["110000-water"], ())


def test_an_informant_who_names_the_unit_in_his_words_only_is_understood() -> None:
    words = "长桥街道井盖缺失，举报长桥街道office吃拿卡要"
    assert led(words, ticket_type=INFORMANT) == ("110001-centre", ["110000-water"], ("110001-office",))
    assert led(words, ticket_type=COMPLAINT)[0] == "110001-office", "only of an informant are names read as accused"


def test_the_accused_is_no_candidate_either_and_stands_in_the_plan() -> None:
    atlas = Atlas.of(town(rule("a1", "office", hold=True)))
    decision = conclude(prepare(report("长桥街道井盖缺失", subject="110001-office"), atlas), [], NOW, atlas)
    assert decision.fact.plan.subjects == ("110001-office",)
    assert decision.fact.plan.lead == "110000-centre"
    assert "110001-office" not in {one.value for one in decision.fact.candidates}  # type: ignore[union-attr]


@pytest.mark.parametrize("tell", ["subject", "words"])
@pytest.mark.parametrize(
    ("about", "decides"),
    [
        ("110000-centre", "1-centre"),
        ("110001-centre", "110000-centre"),
        ("110000-water", "110000-centre"),
        ("120000-centre", "110000-centre"),
    ],
)
def test_the_centre_that_decides_in_triage_is_the_next_one_that_is_not_accused(
    about: str, decides: str, tell: str
) -> None:
    atlas = Atlas.of(town(rule("a1", "office", hold=True)))
    said = {"subject": about} if tell == "subject" else {}
    words = f"长桥街道井盖缺失，举报{atlas.units[about].name}工作人员推诿"
    told = report(words if tell == "words" else "长桥街道井盖缺失", ticket_type=INFORMANT, **said)
    decision = conclude(prepare(told, atlas), [], NOW, atlas)
    assert (decision.kind, decision.fact.plan.lead) == (Kind.TRIAGE, decides)
    assert decision.fact.plan.subjects == (about,)
    assert about not in {hop.unit for hop in decision.fact.plan.path}
    assert about not in {one.value for one in decision.fact.candidates}  # type: ignore[union-attr]


def test_a_unit_that_would_not_have_got_it_is_a_subject_too() -> None:
    words = "长桥街道井盖缺失，举报东区centre吃拿卡要"
    assert led(words, ticket_type=INFORMANT) == ("110001-office", ["110000-water"], ("110000-centre",))
    assert led(words, ticket_type=COMPLAINT)[2] == ()


def test_of_two_names_in_one_place_the_longer_counts_and_blanks_do_not() -> None:
    names = (*UNITS, Unit("120000-x", "桥街道office", Tier.DISTRICT, "x", "120000"))
    atlas = Atlas.of(town(units=names))
    assert atlas.unit_names.named_in("\n举报 长桥街道 OFFICE 和西区water") == ("110001-office", "120000-water")
    assert atlas.unit_names.named_in("举报镇海市centre") == (), "nobody else could lead instead of the top"
    assert Atlas.of(town(units=UNITS[:1])).unit_names.named_in("镇海市centre") == ()


@pytest.mark.parametrize(
    ("address", "text", "accused"),
    [
        ("", "举报南京东路街道新桥居委会吃空饷", True),
        ("", "举报南京东路街道新桥居委会2名干部", True),
        ("南京东路街道新桥居委会", "举报居委干部收钱", True),
        ("南京东路街道新桥居委会", "举报楼上群租", False),
        ("", "举报南京东路街道新桥居委会新桥路12弄有人群租", False),
        ("", "举报南京东路街道新桥居委会3组群租", False),
    ],
)
def test_a_committee_s_name_is_a_place_too(shanghai: Atlas, address: str, text: str, accused: bool) -> None:
    named = shanghai.unit_names.named_in(wording(report(text, address=address)))
    assert [shanghai.units[one].name for one in named] == (["南京东路街道新桥居委会"] if accused else [])


def test_a_complaint_about_the_district_s_centre_does_not_go_to_it(shanghai: Atlas) -> None:
    told = report("举报长宁区城市运行管理中心工作人员推诿扯皮", address="长宁区伊犁路200弄", ticket_type=INFORMANT)
    plan = conclude(prepare(told, shanghai), [], NOW, shanghai).fact.plan
    assert (plan.lead, plan.subjects) == ("310000-centre", ("310105-centre",))
    barred = shanghai.organisation.bars
    assert not any(barred(plan.subjects, hop.unit) for hop in plan.path)


@pytest.mark.parametrize(
    ("kind", "said", "hidden"),
    [(INFORMANT, None, True), (INFORMANT, False, False), (COMPLAINT, None, None), (COMPLAINT, True, True)],
)
def test_an_informant_is_confidential_unless_he_says_otherwise(
    kind: TicketType, said: bool | None, hidden: bool | None
) -> None:
    atlas = Atlas.of(town())
    told = report("长桥街道井盖缺失", ticket_type=kind, reporter=Reporter(name="甲", confidential=said))
    reporter = conclude(prepare(told, atlas), [], NOW, atlas).fact.report.reporter
    assert reporter is not None and reporter.confidential is hidden


@pytest.mark.parametrize(
    ("words", "accused"),
    [
        ("举报饭店占道经营，请长桥街道office查处", ()),
        ("举报饭店占道经营，要求长桥街道office依法处理", ()),
        ("举报饭店占道经营，希望长桥街道office尽快核查", ()),
        ("举报长桥街道office不依法处理", ("110001-office",)),
        ("请查处长桥街道office吃拿卡要", ("110001-office",)),
        ("举报饭店占道经营，请长桥街道office查处，长桥街道office一直不管", ("110001-office",)),
    ],
)
def test_who_is_asked_to_look_into_it_is_not_who_is_complained_about(words: str, accused: tuple[str, ...]) -> None:
    assert led(f"长桥街道井盖旁，{words}", ticket_type=INFORMANT)[2] == accused
