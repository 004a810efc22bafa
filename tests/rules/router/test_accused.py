"""Who is complained about (被反映单位) has no part in it, and an informant (举报) is not named."""

import pytest

from schemas.facts import Reporter
from schemas.vocabulary import TicketType
from services.router.rules.atlas import Atlas
from services.router.rules.plan import conclude, prepare
from tests.rules.router.made import NOW, report, rule, town

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
