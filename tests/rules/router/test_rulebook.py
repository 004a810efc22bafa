"""Laws of the duty rulebook, whatever stands in it: found by index as by looking at every row, and classes apart."""

from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.city import DutyRule, Shift
from schemas.facts import Reporter
from schemas.vocabulary import Attribute, Source, TicketType, Tier
from services.router.rules.atlas import RANKS, Atlas
from services.router.rules.match import match, ranking
from services.router.rules.plan import prepare
from services.router.rules.question import Question
from services.router.rules.rulebook import within
from tests.rules.router.made import CLASSES, DIVISIONS, NOW, report, rule, town

ZONE = ZoneInfo("Asia/Shanghai")
TOWN = Atlas.of(town())
KEYS = [item.key for item in CLASSES]
MAJORS = {item.key: f"major:{item.major}" for item in CLASSES}
AREAS = [one.code for one in DIVISIONS]
some = st.integers(0, 2)


def few(values: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


rows = st.builds(
    DutyRule,
    rule_id=st.just("x"),
    lead=st.sampled_from(["office", "centre", "water"]),
    areas=few(AREAS),
    classes=few([*KEYS, *MAJORS.values()]),
    scenes=few(["flood", "elder"]),
    sources=few([Source.HOTLINE, Source.POLICE]),
    ticket_types=few([TicketType.COMPLAINT, TicketType.INFORMANT]),
    subjects=few(["某公司", "别家"]),
    attributes=st.dictionaries(st.sampled_from([Attribute.CONFIDENTIAL]), st.sampled_from([("yes",), ("no",)])),
    hours=st.sampled_from([None, None, (time(8), time(18)), (time(22), time(6))]),
    tier=st.just(Tier.CITY),
    hold=st.booleans(),
)
books = st.lists(rows, min_size=1, max_size=8).map(
    lambda found: tuple(
        DutyRule(**{name: getattr(one, name) for name in one.__struct_fields__} | {"rule_id": f"r{n}", "line": n})
        for n, one in enumerate(found)
    )
)
questions = st.builds(
    Question,
    class_key=st.sampled_from([*KEYS, "nothing"]),
    ticket_type=st.sampled_from([TicketType.COMPLAINT, TicketType.INFORMANT, TicketType.HELP]),
    division=st.sampled_from(AREAS),
    source=st.sampled_from([Source.HOTLINE, Source.POLICE, Source.PATROL]),
    at=st.integers(0, 23).map(lambda hour: datetime(2026, 10, 8, hour, 30, tzinfo=ZONE)),
    scene=st.sampled_from(["", "", "flood"]),
    subject=st.sampled_from(["", "某公司", "谁也不是"]),
    confidential=st.booleans(),
)


def fits(row: DutyRule, question: Question) -> bool:
    """Whether a row fits, said as plainly as can be."""
    line = TOWN.lineage[question.division]
    words = (question.class_key, MAJORS.get(question.class_key))
    return (
        (not row.areas or any(area in line for area in row.areas))
        and (not row.classes or any(word in words for word in row.classes))
        and (not row.scenes or question.scene in row.scenes)
        and (not row.sources or question.source in row.sources)
        and (not row.ticket_types or question.ticket_type in row.ticket_types)
        and (not row.subjects or question.subject in row.subjects)
        and (row.hours is None or within(row.hours, question.at))
        and all(question.value(name) in values for name, values in row.attributes.items())
    )


def rank_of(row: DutyRule, question: Question) -> tuple[int, ...]:
    line = TOWN.lineage[question.division]
    depth = max((RANKS[TOWN.divisions[area].tier] + 1 for area in row.areas if area in line), default=0)
    level = 2 if question.class_key in row.classes else 1 if row.classes else 0
    return tuple(-part for part in (depth, level, *row.narrowness))


@given(books, questions)
@settings(max_examples=150, deadline=None)
def test_the_index_finds_what_looking_at_every_row_finds(book: tuple[DutyRule, ...], question: Question) -> None:
    expected = sorted(
        ((rank_of(row, question), row) for row in book if fits(row, question)),
        key=lambda pair: (pair[0], pair[1].line),
    )
    assert list(ranking(TOWN.under(book, "v"), question)) == expected


@given(books, questions, rows, st.data())
@settings(max_examples=150, deadline=None)
def test_a_row_for_another_class_never_changes_this_one(
    book: tuple[DutyRule, ...], question: Question, row: DutyRule, data: st.DataObject
) -> None:
    mine = {question.class_key, MAJORS.get(question.class_key)}
    others = [word for word in (*KEYS, *MAJORS.values()) if word not in mine]
    words = tuple(data.draw(st.lists(st.sampled_from(others), min_size=1, max_size=3, unique=True)))
    more = DutyRule(
        **{name: getattr(row, name) for name in row.__struct_fields__}
        | {"rule_id": "more", "classes": words, "line": data.draw(st.integers(-1, 9))}
    )
    at = data.draw(st.integers(0, len(book)))
    before, after = TOWN.under(book, "v"), TOWN.under((*book[:at], more, *book[at:]), "v")
    assert match(before, question) == match(after, question)
    assert match(after, question) == match(after, question), "nor when it is asked again"


@given(books, st.lists(questions, min_size=2, max_size=6))
@settings(max_examples=150, deadline=None)
def test_what_is_remembered_is_what_would_be_found(book: tuple[DutyRule, ...], asked: list[Question]) -> None:
    remembering = TOWN.under(book, "v")
    for question in (*asked, *asked):
        assert match(remembering, question) == match(TOWN.under(book, "v"), question)


def test_attributes_outrank_source_and_type_and_yield_to_a_subject() -> None:
    plain = rule("plain4")
    typed = rule("typed3", sources=(Source.HOTLINE,), ticket_types=(TicketType.COMPLAINT,))
    quiet = rule("quiet2", attributes={Attribute.CONFIDENTIAL: ("yes",)})
    about = rule("about1", subjects=("某公司",))
    atlas = Atlas.of(town(plain, typed, quiet, about))

    def found(**more: object) -> str:
        told = report("长桥街道井盖缺失", ticket_type=TicketType.COMPLAINT, **more)
        winner = prepare(told, atlas).matched.rule
        return winner.rule_id if winner else ""

    hidden = Reporter(name="甲", confidential=True)
    assert found() == "typed3"
    assert found(reporter=hidden) == "quiet2"
    assert found(reporter=hidden, subject="某公司") == "about1"
    assert found(source=Source.PATROL) == "plain4"


@pytest.mark.parametrize(
    ("attribute", "values", "more", "fitting"),
    [
        (Attribute.DEVICE, ("level",), {"device_id": "WL-1"}, True),
        (Attribute.DEVICE, ("meter",), {"device_id": "WL-1"}, False),
        (Attribute.PLATFORM, ("苏州12345",), {"platform": "苏州12345", "source": Source.PLATFORM}, True),
        (Attribute.PLATFORM, ("苏州12345",), {}, False),
        (Attribute.STARS, ("1", "2"), {"stars": 2}, True),
        (Attribute.STARS, ("1", "2"), {"stars": 5}, False),
        (Attribute.ABOUT, ("other",), {"subject": "某公司"}, True),
        (Attribute.ABOUT, ("unit",), {"subject": "东区water"}, True),
        (Attribute.ABOUT, ("nobody",), {}, True),
        (Attribute.PLACE, ("street",), {}, True),
        (Attribute.PLACE, ("committee",), {}, False),
        (Attribute.CONFIDENTIAL, ("yes",), {"ticket_type": TicketType.INFORMANT}, True),
        (Attribute.CONFIDENTIAL, ("no",), {"ticket_type": TicketType.COMPLAINT}, True),
    ],
)
def test_each_attribute_is_read_off_the_report(
    attribute: Attribute, values: tuple[str, ...], more: dict[str, object], fitting: bool
) -> None:
    row = rule("row1", attributes={attribute: values})
    found = prepare(report("长桥街道井盖缺失", **more), Atlas.of(town(row, rule("any2")))).matched.rule
    assert found is not None and found.rule_id == ("row1" if fitting else "any2")


@pytest.mark.parametrize(("hour", "lead"), [(3, "110001-office"), (14, "1-duty_desk")])
def test_while_nobody_is_on_duty_another_leads_and_the_unit_helps(hour: int, lead: str) -> None:
    shift = Shift("110001-office", ("mon", "tue", "wed", "thu", "fri"), time(9), time(17), "甲")
    atlas = Atlas.of(town(rule("a1", stand_in="duty_desk"), rosters=(shift,)))
    found = prepare(report("长桥街道井盖缺失", received_at=NOW.replace(hour=hour)), atlas).matched
    assert found.settled and found.lead.unit_id == lead
    assert [one.unit_id for one in found.assists] == ([] if hour == 3 else ["110001-office"])


def test_a_unit_without_a_roster_is_always_on_duty() -> None:
    atlas = Atlas.of(town(rule("a1", stand_in="duty_desk")))
    assert (
        prepare(report("长桥街道井盖缺失", received_at=NOW.replace(hour=19)), atlas).matched.lead.function == "office"
    )


def test_several_units_are_told_at_once(shanghai: Atlas) -> None:
    """A quarrel at a gate that 110 hands over: street, police and market regulator, the first to accept leads."""
    told = report("闵行区虹桥街道某小区门口商户与居民纠纷", source=Source.POLICE, class_key="PD/service/0802")
    prepared = prepare(told, shanghai)
    assert prepared.matched.rule is not None and prepared.matched.rule.together
    functions = [prepared.matched.lead.function, *(unit.function for unit in prepared.matched.assists)]
    assert functions == ["centre", "police", "market"]


def test_a_sub_areas_team_takes_what_departments_would(shanghai: Atlas) -> None:
    """片区: construction noise in a committee of a sub-area is the team's, in the next street the department's."""
    at = datetime(2026, 11, 2, 11, 0, tzinfo=ZONE)

    def lead(division: str) -> tuple[str, str]:
        found = match(
            shanghai,
            Question("CJ/T 214-2007/event/0301", TicketType.COMPLAINT, division, Source.HOTLINE, at),
        )
        assert found.rule is not None and found.settled, found.why
        return found.rule.rule_id, found.lead.function

    inside = next(code for code, line in shanghai.lineage.items() if line[1:2] == ("310109018-east",))
    assert lead(inside) == ("sub-area-construction-noise", "sub_area")
    assert lead("310106021001") == ("construction-noise", "urban_management")


def test_each_rulebook_has_a_version_of_its_own(tmp_path: Path) -> None:
    from services.chassis.city import load
    from tests.city import small

    before = load(small.write(tmp_path)).rulebook_version
    small.change(tmp_path, "rulebook.toml", 'lead = "police"', 'lead = "centre"')
    after = load(tmp_path).rulebook_version
    assert before.startswith("1+") and after.startswith("1+") and before != after
