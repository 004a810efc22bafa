"""Early warning by the rules alone: voices, hot topics, the quiet few, crowds; tables of cases and laws."""

from datetime import UTC, datetime, timedelta
from math import comb, inf, log10
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.city import Warnings
from schemas.facts import Reporter
from services.router.rules import voices
from services.router.rules.atlas import Atlas
from services.router.rules.merge import Matter
from services.router.rules.plan import prepare
from services.router.rules.quiet import AGAIN, MOVED, SEVERE, VULNERABLE, quiet
from services.router.rules.topics import Counts, grows, hot, surprise
from services.router.rules.warnings import counts, crowd_fact, quiet_fact, spans
from tests.rules.router.made import NOW, report

LIMITS = Warnings()
RUBBISH = "GB/T 30428.2-2013/event/0110"
LINFEN, PENGPU, JINGAN, CITY = "310106021", "310106020", "310106", "310000"
DAY = timedelta(days=1)


def by_hand(now: int, weeks: tuple[int, ...]) -> float:
    """The tail of the negative binomial with r = 1/2 + Σ, p = b/(b+1), term by term from the other side."""
    b, r = len(weeks), 0.5 + sum(weeks)
    p, term, below = b / (b + 1), (b / (b + 1)) ** r, 0.0
    for k in range(now):
        below += term
        term *= (k + r) / (k + 1) * (1 - p)
    return -log10(1 - below) if below < 1 else inf


@pytest.mark.parametrize(
    ("now", "weeks"), [(3, (1, 0, 2, 1)), (5, (0, 0, 0, 0)), (8, (2, 3, 1, 2)), (4, (4, 4, 4, 4)), (12, (3, 9, 5, 2))]
)
def test_surprise_is_the_tail_of_the_published_distribution(now: int, weeks: tuple[int, ...]) -> None:
    if now > sum(weeks) / len(weeks) * 1.2:
        assert surprise(now, weeks) == pytest.approx(by_hand(now, weeks), abs=0.01)
    else:
        assert surprise(now, weeks) == 0.0


@pytest.mark.parametrize(
    ("now", "weeks", "is_hot"),
    [
        (8, (0, 0, 0, 0), True),  # never heard of before
        (7, (0, 0, 0, 0), False),
        (8, (0,), False),  # one week is little to go by
        (20, (18, 22, 19, 21), False),  # as ever
        (40, (18, 22, 19, 21), False),  # twice as many is not yet out of the ordinary enough
        (70, (18, 22, 19, 21), True),
        (30, (0, 0, 0, 60), False),  # it has happened before
        (1000, (0, 0, 0, 0), True),
        (0, (0, 0, 0, 0), False),
        (500, (), False),  # nothing to go by
    ],
)
def test_what_is_hot(now: int, weeks: tuple[int, ...], is_hot: bool) -> None:
    assert (surprise(now, weeks) >= LIMITS.hot_score) is is_hot


@given(st.integers(0, 300), st.lists(st.integers(0, 100), min_size=1, max_size=6), st.floats(0.1, 1.0))
def test_more_people_are_never_less_surprising_and_busier_weeks_never_more(
    now: int, weeks: list[int], passed: float
) -> None:
    score = surprise(now, weeks, passed)
    assert score >= 0.0
    assert surprise(now + 1, weeks, passed) >= score - 1e-6
    assert surprise(now, [weeks[0] + 1, *weeks[1:]], passed) <= score + 1e-6
    assert surprise(now, list(reversed(weeks)), passed) == pytest.approx(score)


@pytest.mark.parametrize(
    ("now", "before", "more"),
    [(10, 0, True), (3, 0, False), (20, 18, False), (40, 15, True), (5, 9, False), (0, 0, False)],
)
def test_what_grows(now: int, before: int, more: bool) -> None:
    assert grows(now, before) is more
    chance = sum(comb(now + before, k) for k in range(now, now + before + 1)) / 2 ** (now + before)
    assert more is (now > before and chance < 0.01)


def told(now: int, earlier: int = 0) -> Counts:
    return Counts(now, 0, (earlier,) * 4, now)


def test_a_topic_is_told_in_the_narrowest_place_that_explains_it(shanghai: Atlas) -> None:
    found = hot({(RUBBISH, LINFEN): told(30), (RUBBISH, PENGPU): told(2)}, shanghai, LIMITS, 1.0)
    assert [heat.division for heat in found] == [LINFEN], "the district is not hot without that street"
    found = hot({(RUBBISH, LINFEN): told(5), (RUBBISH, PENGPU): told(6)}, shanghai, LIMITS, 1.0)
    assert [(heat.division, heat.counts.now) for heat in found] == [(JINGAN, 11)], "many small ones make a district's"
    spread = {(RUBBISH, code): told(4) for code in (LINFEN, "310104011", "310110019")}
    assert [heat.division for heat in hot(spread, shanghai, LIMITS, 1.0)] == [CITY]
    assert hot({(RUBBISH, LINFEN): told(5)}, shanghai, LIMITS, 1.0) == []
    assert hot({(RUBBISH, "no such place"): told(99)}, shanghai, LIMITS, 1.0) == []


def test_a_hot_topic_stays_until_it_is_well_below_the_bar(shanghai: Atlas) -> None:
    key = (RUBBISH, LINFEN)
    assert hot({key: told(6)}, shanghai, LIMITS, 1.0) == []
    assert [heat.topic for heat in hot({key: told(6)}, shanghai, LIMITS, 1.0, {key})] == [f"{RUBBISH}@{LINFEN}"]
    assert hot({key: told(2)}, shanghai, LIMITS, 1.0, {key}) == []


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from([LINFEN, PENGPU, JINGAN, "310104011", CITY]), st.integers(0, 60)))
def test_nobody_is_counted_in_two_topics(shanghai: Atlas, people: dict[str, int]) -> None:
    found = hot({(RUBBISH, code): told(n) for code, n in people.items()}, shanghai, LIMITS, 1.0)
    assert sum(heat.counts.now for heat in found) <= sum(people.values())
    assert len({heat.division for heat in found}) == len(found)
    assert [heat.score for heat in found] == sorted((heat.score for heat in found), reverse=True)


def test_the_same_hours_of_earlier_weeks_are_looked_at_as_far_as_hours_were_counted() -> None:
    now = datetime(2026, 10, 8, 2, 30, tzinfo=UTC)
    looked = spans(now, 3, 4, now - timedelta(weeks=2, hours=5))
    assert [hour.hour for hour in looked.now] == [2, 1, 0] and [hour.hour for hour in looked.before] == [23, 22, 21]
    assert [week[0] for week in looked.earlier] == [looked.now[0] - timedelta(weeks=n) for n in (1, 2)]
    assert looked.passed == pytest.approx(2.5 / 3) and len(set(looked.all())) == 12
    assert spans(now, 3, 4, None).earlier == ()
    rows = [(looked.now[1], RUBBISH, LINFEN, 5, 4), (looked.before[0], RUBBISH, LINFEN, 2, 2)]
    rows.append((looked.earlier[1][2], RUBBISH, LINFEN, 3, 1))
    assert counts(rows, looked) == {(RUBBISH, LINFEN): Counts(4, 2, (0, 1), 5)}


@pytest.mark.parametrize(
    ("days", "people", "reports", "marks", "reasons"),
    [
        (7, 1, 1, SEVERE, ("age", "severe")),
        (7, 1, 1, VULNERABLE, ("age", "vulnerable")),
        (7, 2, 2, SEVERE | VULNERABLE, ("age", "severe", "vulnerable")),
        (6.9, 1, 1, SEVERE | VULNERABLE, None),  # not for long
        (30, 3, 3, SEVERE | VULNERABLE, None),  # not few
        (7, 1, 1, 0, None),  # young, and nothing grave
        (14, 1, 1, 0, None),
        (14, 1, 3, 0, ("age", "repeated")),
        (14, 1, 1, AGAIN, ("age", "again")),
        (28, 1, 1, 0, ("age",)),  # one voice alone is heard in the end
        (7, 2, 2, SEVERE | MOVED, None),  # others came by a merger
        (7, 1, 1, SEVERE | MOVED, ("age", "severe")),
    ],
)
def test_who_the_quiet_few_are(
    days: float, people: int, reports: int, marks: int, reasons: tuple[str, ...] | None
) -> None:
    asked: dict[str, Any] = {"voices": people, "reports": reports, "marks": marks, "now": NOW, "limits": LIMITS}
    found = quiet(opened_at=NOW - days * DAY, **asked)
    assert (found and found.reasons) == reasons
    if found is not None:
        assert found.why.count(" | ") == 1 and str(round(days)) in found.why


@given(st.floats(0, 400), st.integers(1, 4), st.integers(1, 9), st.integers(0, 15), st.floats(0, 100))
def test_waiting_longer_never_takes_anybody_off_the_list(
    days: float, people: int, reports: int, marks: int, more: float
) -> None:
    asked: dict[str, Any] = {"voices": people, "reports": reports, "marks": marks, "now": NOW, "limits": LIMITS}
    before = quiet(opened_at=NOW - days * DAY, **asked)
    after = quiet(opened_at=NOW - (days + more) * DAY, **asked)
    if before is not None:
        assert after is not None and after.points >= before.points


VOICES = st.integers(0, 2**59 - 1)


@given(st.lists(VOICES, max_size=90), st.lists(VOICES, max_size=90), st.lists(VOICES, max_size=90))
def test_voices_are_the_same_however_they_come_together(a: list[int], b: list[int], c: list[int]) -> None:
    whole = voices.heard(a, b, c)
    assert whole == voices.heard(voices.heard(c, a), b) == voices.heard(voices.heard(b, c), a)
    assert voices.heard(whole) == whole and voices.heard(whole, whole) == whole
    assert len({v >> 48 for v in whole}) == len(whole) <= voices.KEPT


def test_one_person_is_one_voice_however_often_he_calls(shanghai: Atlas) -> None:
    def call(number: int, phone: str, minutes: int = 0) -> int:
        who = Reporter(name="某", phone=phone) if phone else None
        at = NOW + timedelta(minutes=minutes)
        return voices.voice_of(report("井盖", number=number, reporter=who, received_at=at), JINGAN)

    again = voices.heard([call(1, "13800000001")], [call(2, "138 0000-0001", 90)])
    assert len(again) == 1 and voices.since(again, NOW + timedelta(minutes=80)) == again
    assert voices.knows(again, call(3, "13800000001")) and not voices.knows(again, call(4, "13800000002"))
    assert len(voices.heard([call(1, "")], [call(2, "")])) == 2, "of nobody each report speaks"
    assert voices.districts(again, ["310104", JINGAN]) == (JINGAN,)
    assert "13800000001" not in str(again) and again[0] < 2**60


def test_a_thousand_people_share_a_value_so_that_none_is_told_by_it() -> None:
    phones = range(13_800_000_000, 13_800_000_000 + 40_960)
    slots = [voices.voice_of(report(reporter=Reporter(phone=str(p))), "") >> 48 for p in phones]
    shares = [slots.count(slot) for slot in range(0, 4096, 512)]
    assert all(3 <= share <= 30 for share in shares), shares


def crowd(shanghai: Atlas, count: int, hours: float = 0.0) -> Matter:
    """A gym that closed: callers of four districts about one subject."""
    found: Matter | None = None
    for n in range(count):
        place = ("静安区", "徐汇区", "杨浦区", "普陀区")[n % 4]
        one = report(
            f"{place}居民反映健身房关门，预付卡余额不退",
            number=n,
            subject="壮壮健身房",
            reporter=Reporter(phone=f"1380000{n:04}"),
            received_at=NOW + timedelta(hours=hours * n / max(1, count - 1)),
        )
        this = prepare(one, shanghai).this
        merged = found
        if merged is None:
            found = this
            continue
        found = replace(merged, voices=voices.heard(merged.voices, this.voices), reports=merged.reports + 1)
    assert found is not None
    return found


def test_a_crowd_is_flagged_to_every_district_it_comes_from(shanghai: Atlas) -> None:
    fact = crowd_fact(crowd(shanghai, 40, 5), shanghai, NOW + timedelta(hours=6))
    assert fact is not None and (fact.voices, fact.reports, fact.level) == (40, 40, 2)
    assert set(fact.districts) == {"310104", "310106", "310107", "310110"}
    assert {shanghai.units[unit].division for unit in fact.units} == set(fact.districts)
    assert crowd_fact(crowd(shanghai, 9), shanghai, NOW) is None
    late = NOW + timedelta(hours=30)
    assert crowd_fact(crowd(shanghai, 40, 5), shanghai, late) is None, "a day later nobody speaks of it"


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 80))
def test_the_level_of_a_crowd_rises_each_time_it_has_doubled(shanghai: Atlas, many: int) -> None:
    matter = replace(crowd(shanghai, 1), voices=tuple(n << 48 | int(NOW.timestamp() // 60) for n in range(many)))
    fact = crowd_fact(matter, shanghai, NOW)
    assert (fact is not None) is (many >= 10)
    if fact is not None:
        assert 10 * 2**fact.level <= many < 10 * 2 ** (fact.level + 1)


def test_a_lone_elder_is_told_with_reason_and_centres(shanghai: Atlas) -> None:
    one = report(
        "静安区临汾路街道临汾路338号一位独居老人反映楼道堆物", number=1, reporter=Reporter(phone="13800000001")
    )
    this = prepare(one, shanghai).this
    assert this.marks & VULNERABLE
    fact = quiet_fact(this, shanghai, NOW + 9 * DAY)
    assert fact is not None and fact.reasons == ("age", "vulnerable") and fact.place.division == LINFEN
    assert [shanghai.units[unit].division for unit in fact.units] == [LINFEN, JINGAN]
    assert quiet_fact(replace(this, marks=0), shanghai, NOW + 9 * DAY) is None
    nowhere = replace(this, division="", order_id=UUID(int=1))
    found = quiet_fact(nowhere, shanghai, NOW + 9 * DAY)
    assert found is not None and found.place.division == CITY and found.units


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("徐汇区田林街道田林路200弄楼道堆物", 0),
        ("徐汇区田林街道田林路200弄残疾人坡道被堵", VULNERABLE),
        ("田林路200弄燃气泄漏，有人昏迷", SEVERE),
    ],
)
def test_what_makes_a_matter_weigh_more(shanghai: Atlas, text: str, marks: int) -> None:
    prepared = prepare(report(text, number=3), shanghai)
    assert prepared.this.marks & (SEVERE | VULNERABLE) == marks
