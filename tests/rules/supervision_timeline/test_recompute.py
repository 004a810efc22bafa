"""Other terms: what differs in words, what the screen may leave out, and why a clock moved."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.city import CalendarData, City, Limit, RequestRule, WorkingHours
from schemas.vocabulary import LimitUnit, RequestKind, Stage, Urgency
from services.supervision.rules.recompute import Change, Screen, changes, why
from services.supervision.rules.stages import Promises, TermsData, clocks
from services.supervision.store.opened import _pack_terms, _unpack_terms, digest_of
from tests.rules.supervision_timeline.story import Story, minutes
from tests.rules.supervision_timeline.test_laws import folded, stories
from tests.rules.supervision_timeline.test_stages import opened, told
from tests.rules.supervision_timeline.toy import CITY, START

DAY = date(2026, 3, 4)


def limits(**amounts: float) -> tuple[Limit, ...]:
    return tuple(replace(row, amount=amounts.get(row.limit_id, row.amount)) for row in CITY.policy.limits)


def city(name: str = "1", **policy: object) -> City:
    return replace(CITY, policy=replace(CITY.policy, version=name, **policy))  # type: ignore[arg-type]


def calendar(**changed: object) -> CalendarData:
    return replace(CITY.calendars[0], **changed)  # type: ignore[arg-type]


DAYS = tuple(  # the toy city in working days, so that its deadlines lie on the calendar
    replace(row, amount=2, unit=LimitUnit.WORK_DAY) if row.limit_id in ("handle", "total") else row
    for row in CITY.policy.limits
)
BASE = city(limits=DAYS)
THREE_DAYS = tuple(replace(r, amount=3) if r.limit_id == "handle" else r for r in DAYS)
NOISE_LIMITS = tuple(replace(r, amount=r.amount * 2) if r.limit_id == "handle-noise" else r for r in DAYS)
OTHERS: dict[str, City] = {
    "the same": city("2", limits=DAYS),
    "a row nobody of them goes by": city("2", limits=NOISE_LIMITS),
    "handling in three days": city(
        "2", limits=tuple(replace(r, amount=3) if r.limit_id == "handle" else r for r in DAYS)
    ),
    "a row before others": city(
        "2",
        limits=(
            Limit("urgent", Stage.HANDLE, 1, LimitUnit.WORK_HOUR, urgencies=(Urgency.URGENT,)),
            Limit("rework", Stage.HANDLE, 3, LimitUnit.WORK_DAY, rounds=(2, 3)),
            *DAYS,
        ),
    ),
    "from a date": replace(
        city("2", limits=limits(accept=5), since=START + minutes(300)), earlier_policies=(BASE.policy,)
    ),
    "for new orders": replace(
        city("2", limits=limits(accept=5), since=START + minutes(300), covers="orders"),
        earlier_policies=(BASE.policy,),
    ),
    "bound in time": city(
        "2",
        limits=(Limit("storm", Stage.ACCEPT, 5, LimitUnit.MINUTE, valid_from=START + minutes(200)), *DAYS),
    ),
    "a holiday soon": replace(BASE, calendars=(calendar(holidays=frozenset({DAY})),)),
    "a holiday next year": replace(BASE, calendars=(calendar(holidays=frozenset({date(2027, 3, 3)})),)),
    "other hours": replace(BASE, calendars=(calendar(hours=WorkingHours("x", ((time(9), time(17)),))),)),
    "other requests": city(
        "2",
        limits=DAYS,
        requests=(
            *CITY.policy.requests[:2],
            RequestRule(RequestKind.DEFERRAL),
            RequestRule(RequestKind.PARKING, moves=(Stage.HANDLE,)),
            *CITY.policy.requests[4:],
        ),
    ),
    "midnight": city("2", limits=DAYS, day_end="midnight"),
    "a centre more": replace(BASE, units=(*BASE.units[:2], *(replace(u, function="centre") for u in BASE.units[2:]))),
}
MADE = {name: Promises.of(each) for name, each in OTHERS.items()}
OLD = Promises.of(BASE)
SCREENS = {name: Screen(OLD, new) for name, new in MADE.items()}


def left_out(name: str, story: Story) -> bool:
    timeline = folded(story.facts, story.order_id)[0]
    assert timeline is not None
    found = clocks(timeline, OLD)
    starts = [clock.view.start for clock in found]
    due = max(clock.view.due for clock in found)
    return not SCREENS[name].touches(timeline, min(starts), max(starts), due)


@given(name=st.sampled_from(sorted(OTHERS)), story=stories(asks=True))
@settings(max_examples=400, deadline=None)
def test_what_the_screen_leaves_out_has_not_moved(name: str, story: Story) -> None:
    timeline = folded(story.facts, story.order_id)[0]
    assert timeline is not None
    if left_out(name, story):
        assert clocks(timeline, MADE[name]) == clocks(timeline, OLD)


@pytest.mark.parametrize(
    ("name", "touched"),
    [
        ("the same", False),
        ("a row nobody of them goes by", False),
        ("handling in three days", True),
        ("from a date", False),
        ("for new orders", False),
        ("bound in time", False),
        ("a holiday soon", True),
        ("a holiday next year", False),
        ("other hours", True),
        ("other requests", False),
        ("midnight", True),
        ("a centre more", True),
    ],
)
def test_the_screen_leaves_out_what_it_can(name: str, touched: bool) -> None:
    assert left_out(name, opened().accepted(START + minutes(5))) is not touched


def test_differences_are_said_in_words() -> None:
    old = TermsData.of(BASE)
    new = replace(
        city(
            "2",
            limits=(
                *(replace(row, amount=3, calendar="unit") if row.limit_id == "handle" else row for row in DAYS[1:]),
                Limit("storm", Stage.ACCEPT, 5, LimitUnit.MINUTE),
            ),
            since=START,
            day_end="midnight",
        ),
        calendars=(
            calendar(
                holidays=frozenset({DAY}),
                makeup_workdays=frozenset({date(2026, 3, 7)}),
                years=frozenset({2026}),
                hours=WorkingHours("office", ((time(9), time(12)), (time(13), time(18)))),
                functions=frozenset({"street_office"}),
            ),
        ),
    )
    found = changes(old, TermsData.of(new))
    assert Change("limit", "triage", "triage 20 minute", "") in found
    assert Change("limit", "handle", "amount 2, calendar ", "amount 3, calendar unit") in found
    assert Change("limit", "storm", "", "accept 5 minute") in found
    assert Change("policy", "day_end", "working_hours", "midnight") in found
    assert Change("version", "1", "ever", "") in found
    assert Change("version", "2", "", f"since {START.isoformat()} for clocks") in found
    assert Change("day", "toy 2026-03-04", "ordinary", "holiday") in found
    assert Change("day", "toy 2026-03-07", "ordinary", "make-up workday") in found
    assert Change("shifts", "toy", "09:00:00–18:00:00", "09:00:00–12:00:00 13:00:00–18:00:00") in found
    assert Change("unit's calendar", "street-a", "", "toy") in found
    assert any(change.what == "listed years" for change in found)
    assert changes(old, old) == []


def test_a_kind_of_day_that_changed_is_told_once() -> None:
    one = replace(BASE, calendars=(calendar(holidays=frozenset({date(2026, 3, 7)})),))
    other = replace(BASE, calendars=(calendar(makeup_workdays=frozenset({date(2026, 3, 7)})),))
    assert changes(TermsData.of(one), TermsData.of(other)) == [
        Change("day", "toy 2026-03-07", "holiday", "make-up workday")
    ]


def test_rows_in_another_order_are_told() -> None:
    rows = CITY.policy.limits
    (found,) = changes(TermsData.of(CITY), TermsData.of(city(limits=(rows[1], rows[0], *rows[2:]))))
    assert found.what == "order of rows"


@pytest.mark.parametrize(
    ("name", "stage", "reason"),
    [
        ("handling in three days", Stage.HANDLE, "row handle: 2 work_day → 3 work_day"),
        ("a holiday soon", Stage.HANDLE, "calendar"),
        ("midnight", Stage.HANDLE, "row handle: the day ends otherwise"),
        ("the same", Stage.HANDLE, "stored otherwise"),
    ],
)
def test_the_reason_of_a_move(name: str, stage: Stage, reason: str) -> None:
    timeline = told(opened())
    view = next(c.view for c in clocks(timeline, MADE[name]) if c.view.stage is stage)
    assert why(view.policy, view, OLD, MADE[name], timeline.opened_at) == reason
    assert why("other", view, OLD, MADE[name], timeline.opened_at) == f"row other → {view.policy}"


def test_a_unit_of_another_calendar_counts_by_it() -> None:
    """Two organisations, one order each: the same limit, their own hours."""
    night = calendar(name="night", hours=WorkingHours("n", ((time(20), time(0)),)), units=frozenset({"street-b"}))
    rows = (Limit("accept", Stage.ACCEPT, 2, LimitUnit.WORK_HOUR, calendar="unit"),)
    promises = Promises.of(replace(city(limits=rows), calendars=(*CITY.calendars, night)))
    found = clocks(told(opened(units=("street-a", "street-b"))), promises)
    due = {clock.view.owner: clock.view.due for clock in found if clock.view.stage is Stage.ACCEPT}
    assert due == {"street-a": START + timedelta(hours=2), "street-b": START + timedelta(hours=12)}


def test_terms_survive_their_storage() -> None:
    for each in (BASE, *OTHERS.values()):
        data = TermsData.of(each)
        assert _unpack_terms(_pack_terms(data)) == data
        assert digest_of(_unpack_terms(_pack_terms(data))) == digest_of(data)
    assert len({digest_of(TermsData.of(each)) for each in OTHERS.values()}) == len(OTHERS)
