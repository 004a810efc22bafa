"""Which policy row applies, and rows of a pipe."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.city import CalendarData, Limit, Policy
from schemas.vocabulary import LimitUnit, Source, Stage, TicketType, Tier, Urgency
from services.supervision.rules.batch import DueRow, due_rows
from services.supervision.rules.calendar import Calendar
from services.supervision.rules.limits import LimitFacts, Terms

DAY = LimitUnit.WORK_DAY
NOW = datetime(2026, 10, 8, 2, tzinfo=UTC)
SWITCH = datetime(2026, 11, 10, 3, 17, tzinfo=UTC)


def row(limit_id: str, amount: float = 1, stage: Stage = Stage.TOTAL, **more: object) -> Limit:
    return Limit(limit_id=limit_id, stage=stage, amount=amount, unit=DAY, **more)  # type: ignore[arg-type]


ROWS = (
    Limit(limit_id="urgent", stage=Stage.TOTAL, amount=30, unit=LimitUnit.MINUTE, urgencies=(Urgency.CRITICAL,)),
    row("lamp", 2, classes=("S/part/lamp",)),
    row("light-major", 3, classes=("major:light", "S/event/glare")),
    row("question", 1, ticket_types=(TicketType.CONSULTATION, TicketType.SUGGESTION)),
    row("rework", 3, rounds=(2, 3)),
    row("police-street", 4, sources=(Source.POLICE,), tiers=(Tier.STREET,)),
    row("until-switch", 6, classes=("S/event/ice",), valid_to=SWITCH),
    row("from-switch", 7, classes=("S/event/ice", "S/event/snow"), valid_from=SWITCH),
    row("rest", 5),
    row("never", 9, classes=("S/part/lamp",)),
    row("accept-rest", 1, stage=Stage.ACCEPT),
)


@pytest.fixture(scope="module")
def terms(china: Calendar, boston: Calendar) -> Terms:
    return Terms(Policy(version="1", limits=ROWS, day_end="midnight"), [china, boston])


def facts(**more: object) -> LimitFacts:
    return LimitFacts(**({"source": Source.HOTLINE, "class_key": "S/event/noise"} | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (facts(), "rest"),
        (facts(class_key=""), "rest"),
        (facts(class_key="S/part/lamp"), "lamp"),
        (facts(class_key="S/part/lamp", urgency=Urgency.CRITICAL), "urgent"),
        (facts(class_key="S/part/pole", major="light"), "light-major"),
        (facts(class_key="S/part/lamp", major="light"), "lamp"),
        (facts(class_key="S/event/glare"), "light-major"),
        (facts(class_key="unknown", major="unknown"), "rest"),
        (facts(ticket_type=TicketType.SUGGESTION), "question"),
        (facts(ticket_type=TicketType.COMPLAINT), "rest"),
        (facts(round=2), "rework"),
        (facts(round=4), "rest"),
        (facts(source=Source.POLICE, tier=Tier.STREET), "police-street"),
        (facts(source=Source.POLICE, tier=Tier.CITY), "rest"),
        (facts(source=Source.POLICE), "rest"),
    ],
)
def test_the_first_row_that_matches_applies(terms: Terms, asked: LimitFacts, expected: str) -> None:
    found = terms.limit_for(Stage.TOTAL, asked, NOW)
    assert found is not None
    assert found.limit_id == expected


@pytest.mark.parametrize(
    ("code", "start", "expected"),
    [
        ("ice", NOW, "until-switch"),
        ("ice", SWITCH - timedelta(microseconds=1), "until-switch"),
        ("ice", SWITCH, "from-switch"),
        ("snow", SWITCH - timedelta(days=1), "rest"),
        ("snow", SWITCH + timedelta(days=900), "from-switch"),
    ],
)
def test_a_row_with_a_validity_is_for_clocks_that_start_within_it(
    terms: Terms, code: str, start: datetime, expected: str
) -> None:
    found = terms.limit_for(Stage.TOTAL, facts(class_key=f"S/event/{code}"), start)
    assert found is not None
    assert found.limit_id == expected
    assert terms.phase(start) == (start >= SWITCH)


def test_stages_are_apart_and_a_stage_without_rows_promises_nothing(terms: Terms) -> None:
    found = terms.limit_for(Stage.ACCEPT, facts(class_key="S/part/lamp"), NOW)
    assert found is not None and found.limit_id == "accept-rest"
    assert terms.limit_for(Stage.VERIFY, facts(), NOW) is None


def test_the_index_answers_like_reading_the_rows_one_by_one(terms: Terms) -> None:
    def plainly(stage: Stage, asked: LimitFacts) -> Limit | None:
        tests: list[Callable[[Limit], bool]] = [
            lambda found: not found.sources or asked.source in found.sources,
            lambda found: not found.ticket_types or asked.ticket_type in found.ticket_types,
            lambda found: (
                not found.classes or asked.class_key in found.classes or f"major:{asked.major}" in found.classes
            ),
            lambda found: not found.urgencies or asked.urgency in found.urgencies,
            lambda found: not found.tiers or asked.tier in found.tiers,
            lambda found: not found.rounds or asked.round in found.rounds,
            lambda found: found.valid_from is None,
        ]
        return next((r for r in terms.policy.limits if r.stage == stage and all(test(r) for test in tests)), None)

    for stage in (Stage.TOTAL, Stage.ACCEPT, Stage.HANDLE):
        for source in Source:
            for key in ("", "S/part/lamp", "S/event/glare", "S/event/noise"):
                for major in ("", "light"):
                    for kind in (None, TicketType.CONSULTATION):
                        for urgency in Urgency:
                            for tier in (None, Tier.STREET):
                                for number in (1, 2):
                                    asked = LimitFacts(source, key, major, kind, urgency, tier, number)
                                    assert terms.limit_for(stage, asked, NOW) is plainly(stage, asked)


def test_a_row_counts_by_its_own_calendar(china_data: CalendarData, boston_data: CalendarData) -> None:
    limits = (row("here"), row("there", calendar="boston"))
    terms = Terms.of(Policy(version="1", limits=limits), [china_data, boston_data])
    start = datetime(2026, 9, 30, 8, tzinfo=UTC)
    assert terms.due(limits[0], start).at == datetime(2026, 10, 8, 10, tzinfo=UTC)
    assert terms.due(limits[1], start).at == datetime(2026, 10, 1, 21, tzinfo=UTC)
    assert terms.warn_at(limits[0], start, terms.due(limits[0], start).at) < terms.due(limits[0], start).at


def test_a_policy_needs_its_calendars(china: Calendar) -> None:
    with pytest.raises(ValueError, match="unknown calendar 'mars'"):
        Terms(Policy(version="1", limits=(row("x", calendar="mars"),)), [china])
    with pytest.raises(ValueError, match="needs the city's calendar"):
        Terms(Policy(version="1", limits=()), [])


def test_rows_of_a_pipe_are_answered_in_order_and_faults_stop_nothing(terms: Terms) -> None:
    answers = list(
        due_rows(
            [
                ("a", "2026-10-08T10:00:00", "2", "work_day"),
                ("b", "2026-10-08T02:00:00Z", "2", "work_day", ""),
                ("c", "2026-10-08T10:00:00+08:00", "", "", "lamp"),
                ("d", "2026-10-08T10:00:00", "3", "", "lamp"),
                ("e", "2026-12-31T10:00:00", "1", "work_day"),
                ("f", "yesterday", "1", "work_day"),
                ("g", "2026-10-08T10:00:00", "1", "fortnight"),
                ("h", "2026-10-08T10:00:00", "-1", "minute"),
                ("i", "2026-10-08T10:00:00", "", "", "nobody"),
                ("j", "2026-10-08T10:00:00", "", ""),
                ("k", "2026-10-08T10:00:00"),
                (),
                ("l", "2026-10-08T10:00:00", "10", "minute"),
                ("m", "2026-10-08T10:00:00", "1e300", "minute"),
            ],
            terms,
        )
    )
    saturday = "2026-10-10T23:59:59+08:00"
    assert answers[:5] == [
        DueRow("a", saturday),
        DueRow("b", saturday),
        DueRow("c", saturday),
        DueRow("d", "2026-10-12T23:59:59+08:00"),
        DueRow("e", "2027-01-01T23:59:59+08:00", unlisted=True),
    ]
    assert answers[12] == DueRow("l", "2026-10-08T10:10:00+08:00")
    bad = answers[5:12] + answers[13:]
    assert [answer.row_id for answer in bad] == ["f", "g", "h", "i", "j", "k", "", "m"]
    assert all(answer.fault and not answer.due for answer in bad)
    assert "unknown policy row 'nobody'" in answers[8].fault


@pytest.mark.parametrize(
    ("start", "amount", "unit", "expected"),
    [
        ("2011-11-05T22:18:54-04:00", "4", "urgent_hour", "2011-11-06T01:18:54-05:00"),
        ("2011-11-05T22:18:54-04:00", "180", "minute", "2011-11-06T01:18:54-04:00"),
        ("2011-11-05T01:30:00-04:00", "1", "natural_day", "2011-11-06T01:30:00-04:00"),
        ("2012-03-10T02:30:00-05:00", "1", "natural_day", "2012-03-11T03:00:00-04:00"),
        ("2012-03-09T16:00:00-05:00", "2", "work_hour", "2012-03-12T09:30:00-04:00"),
    ],
)
def test_a_pipe_knows_which_of_two_hours_is_meant(
    boston: Calendar, start: str, amount: str, unit: str, expected: str
) -> None:
    boston_terms = Terms(Policy(version="1", limits=()), [boston])
    (answer,) = due_rows([("x", start, amount, unit)], boston_terms)
    assert answer.due == expected


@given(
    st.sampled_from(list(LimitUnit)),
    st.integers(1, 40),
    st.datetimes(datetime(2011, 10, 1), datetime(2012, 4, 1), timezones=st.just(UTC)),
    st.booleans(),
)
def test_a_pipe_answers_what_the_rule_answers(
    boston: Calendar, unit: LimitUnit, amount: int, start: datetime, counts: bool
) -> None:
    limit = Limit("x", Stage.TOTAL, amount, unit, count_start_day=counts)
    boston_terms = Terms(Policy(version="1", limits=(limit,)), [boston])
    for _ in range(2):  # the second may come out of what was kept
        (answer,) = due_rows([("x", start.isoformat(), "", "", "x")], boston_terms)
        plain = boston_terms.due(limit, start)
        assert datetime.fromisoformat(answer.due) == plain.at and answer.unlisted is plain.unlisted
