"""The ladder: which rungs a clock has and when, and what becomes of one as its clock moves."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.city import Limit, Policy
from schemas.facts import ClockView
from schemas.ladder import DEFAULT_LADDER, Rung
from schemas.vocabulary import ClockState, LimitUnit, RungKind, Stage, Urgency
from services.supervision.rules.calendar import Calendar
from services.supervision.rules.ladder import Ladder, Step, becomes, due_now
from services.supervision.rules.limits import Terms
from services.supervision.rules.stages import Clock
from tests.rules.supervision_timeline.toy import CITY

LIMITS = (
    Limit("accept", Stage.ACCEPT, 4, LimitUnit.WORK_HOUR),
    Limit("quick", Stage.ACCEPT, 10, LimitUnit.MINUTE),
)
CALENDARS = [Calendar.of(data) for data in CITY.calendars]
FRIDAY = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)  # 17:00 in the toy city, whose office closes at 18:00


def ladder(*rungs: Rung) -> Ladder:
    return Ladder(Terms(Policy("1", LIMITS, ladder=rungs or DEFAULT_LADDER), CALENDARS))


def clock(due: datetime, start: datetime | None = None, **given: object) -> ClockView:
    values: dict[str, object] = {
        "clock_id": UUID(int=1), "stage": Stage.ACCEPT, "owner": "u", "start": start or due - timedelta(hours=1),
        "due": due, "state": ClockState.RUNNING, "policy": "accept",
    }  # fmt: skip
    return ClockView(**(values | given))  # type: ignore[arg-type]


def told(steps: list[Step]) -> list[tuple[str, str]]:
    return [(step.rung.rung_id, step.at.strftime("%d %H:%M:%S")) for step in steps]


def test_in_calm_orders_the_centre_hears_at_breach_the_next_one_a_working_day_later_then_the_city() -> None:
    """Friday evening: one working day later is the end of Monday, two is the end of Tuesday."""
    found = ladder().steps("miss", clock(FRIDAY), FRIDAY, Urgency.NORMAL)
    assert told(found) == [
        ("supervise-1", "06 09:00:00"),
        ("supervise-2", "09 10:00:00"),
        ("supervise-3", "10 10:00:00"),
    ]
    assert [(s.rung.level, s.rung.receivers) for s in found] == [
        (1, ("dispatching_centre",)), (2, ("centre_above",)), (3, ("city",)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "at", [FRIDAY, FRIDAY.replace(hour=19), FRIDAY + timedelta(days=1)], ids=["day", "night", "sat"]
)
@pytest.mark.parametrize("urgency", [Urgency.URGENT, Urgency.CRITICAL])
def test_urgent_orders_climb_in_minutes_day_and_night(at: datetime, urgency: Urgency) -> None:
    found = ladder().steps("miss", clock(at), at, urgency)
    assert [(step.rung.receivers[0], step.at - at) for step in found] == [
        ("duty_phone", timedelta(0)), ("duty_leader", timedelta(minutes=5)), ("district", timedelta(minutes=10)),
    ]  # fmt: skip


def test_an_urge_comes_with_the_warning() -> None:
    warn = FRIDAY - timedelta(minutes=12)
    assert told(ladder().steps("warn", clock(FRIDAY), warn, Urgency.NORMAL)) == [("urge", "06 08:48:00")]


def test_an_answer_that_is_late_urges_and_opens_no_supervision_of_a_supervision() -> None:
    found = ladder().steps("miss", clock(FRIDAY, stage=Stage.ANSWER), FRIDAY, Urgency.NORMAL)
    assert [(step.rung.rung_id, step.rung.kind) for step in found] == [("unanswered", RungKind.URGE)]


def test_a_commitment_is_rung_by_its_special_case() -> None:
    assert ladder().steps("miss", clock(FRIDAY, stage=Stage.COMMITMENT), FRIDAY, Urgency.NORMAL) == []


@pytest.mark.parametrize(
    ("policy", "start", "due", "at"),
    [
        ("accept", datetime(2026, 3, 6, 8, 0, tzinfo=UTC), datetime(2026, 3, 9, 3, 0, tzinfo=UTC), "06 10:00:00"),
        ("quick", FRIDAY, FRIDAY + timedelta(minutes=10), "06 09:05:00"),
        ("source_due", FRIDAY, FRIDAY + timedelta(hours=4), "06 11:00:00"),
    ],
)
def test_a_share_is_measured_in_the_limits_own_time(policy: str, start: datetime, due: datetime, at: str) -> None:
    half = Rung("half", RungKind.URGE, "start", ("owner",), share=0.5)
    found = ladder(half).steps("start", clock(due, start, policy=policy), due, Urgency.NORMAL)
    assert told(found) == [("half", at)]


UNITS = [LimitUnit.MINUTE, LimitUnit.URGENT_HOUR, LimitUnit.WORK_HOUR, LimitUnit.WORK_DAY, LimitUnit.NATURAL_DAY]
MOMENTS = st.integers(0, 60 * 24 * 40).map(lambda count: datetime(2026, 2, 1, tzinfo=UTC) + timedelta(minutes=count))


@given(first=MOMENTS, second=MOMENTS, unit=st.sampled_from(UNITS), delay=st.integers(0, 9))
@settings(max_examples=400, deadline=None)
def test_an_earlier_due_never_gives_a_later_rung(
    first: datetime, second: datetime, unit: LimitUnit, delay: int
) -> None:
    one = ladder(Rung("one", RungKind.SUPERVISE, "miss", ("city",), 1, delay, unit))
    earlier, later = (one.steps("miss", clock(due), due, Urgency.NORMAL)[0].at for due in sorted((first, second)))
    assert earlier <= later
    assert min(first, second) <= earlier


@given(due=MOMENTS, delays=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(UNITS)), min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_rungs_come_one_after_the_other_and_each_once(due: datetime, delays: list[tuple[int, LimitUnit]]) -> None:
    """Climbing step by step, as the sweep does, meets every rung once and in the order of their moments."""
    rungs = [Rung(f"r{n}", RungKind.SUPERVISE, "miss", ("city",), 1, d, u) for n, (d, u) in enumerate(delays)]
    up = ladder(*rungs)
    view = clock(due)
    steps = up.steps("miss", view, due, Urgency.NORMAL)
    met, step = [], steps[0]
    while True:
        met.append(step.rung.rung_id)
        following = up.following(step.rung.rung_id, "miss", view, due, Urgency.NORMAL)
        if following is None:
            break
        assert following.at >= step.at
        step = following
    assert met == [step.rung.rung_id for step in steps] and len(set(met)) == len(rungs)


@given(due=MOMENTS, low=MOMENTS, urgency=st.sampled_from(list(Urgency)))
def test_what_is_due_lies_before_the_tick_and_what_waits_does_not(
    due: datetime, low: datetime, urgency: Urgency
) -> None:
    steps = ladder().steps("miss", clock(due), due, urgency)
    now, following = due_now(steps, low)
    assert all(step.at < low for step in now)
    assert following is None or following.at >= low
    assert len(now) + (following is not None) <= len(steps)


DUE = FRIDAY
OTHER = FRIDAY + timedelta(days=1)
MET, MISSED, CANCELLED, PAUSED = ClockState.MET, ClockState.MISSED, ClockState.CANCELLED, ClockState.PAUSED
CASES = [
    # after, clock's state, over, due, miss that stands → what waits, is raised, was cancelled, cleared becomes
    ("miss", MISSED, False, DUE, DUE, "waiting raised waiting waiting"),
    ("miss", MISSED, True, DUE, DUE, "cancelled cleared cancelled cleared"),  # met, too late
    ("miss", MET, True, DUE, None, "cancelled withdrawn cancelled cleared"),  # not late after all
    ("miss", CANCELLED, True, DUE, None, "cancelled withdrawn cancelled cleared"),
    ("miss", ClockState.RUNNING, False, OTHER, None, "cancelled withdrawn cancelled cleared"),  # another deadline
    ("miss", ClockState.RUNNING, False, DUE, None, "cancelled withdrawn cancelled cleared"),  # the miss was taken back
    ("warn", ClockState.RUNNING, False, DUE, None, "waiting raised waiting waiting"),
    ("warn", MISSED, False, DUE, DUE, "waiting raised waiting waiting"),
    ("warn", MET, True, DUE, None, "cancelled cleared cancelled cleared"),
    ("warn", PAUSED, False, DUE, None, "cancelled cleared cancelled cleared"),
    ("start", ClockState.RUNNING, False, OTHER, None, "cancelled withdrawn cancelled cleared"),
]


@pytest.mark.parametrize(("after", "state", "over", "due", "missed", "becoming"), CASES)
def test_what_becomes_of_a_rung_as_its_clock_moves(
    after: str, state: ClockState, over: bool, due: datetime, missed: datetime | None, becoming: str
) -> None:
    stands = Clock(clock(due, state=state), due, over=over)
    found = [becomes(each, after, DUE, stands, missed) for each in ("waiting", "raised", "cancelled", "cleared")]  # type: ignore[arg-type]
    assert " ".join(found) == becoming


@given(
    after=st.sampled_from(["start", "warn", "miss"]), state=st.sampled_from(list(ClockState)), over=st.booleans(),
    moved=st.booleans(), stands=st.booleans(), before=st.sampled_from(["waiting", "cancelled"]),
)  # fmt: skip
def test_what_is_met_before_its_rung_never_raises_it(
    after: str, state: ClockState, over: bool, moved: bool, stands: bool, before: str
) -> None:
    """No word of a fact raises a rung: only time does. And of a clock that is over none waits for it."""
    view = clock(OTHER if moved else DUE, state=state)
    found = becomes(before, after, DUE, Clock(view, DUE, over=over), DUE if stands else None)  # type: ignore[arg-type]
    assert found != "raised"
    if over or moved or state not in (ClockState.RUNNING, MISSED):
        assert found == "cancelled"
