"""What a clock owes next, and its light."""

from datetime import datetime

import pytest

from schemas.facts import ClockView
from schemas.ids import clock_id_of, order_id_of, report_id_of
from schemas.vocabulary import ClockState, Light, Stage
from services.supervision.rules.stages import Clock
from services.supervision.rules.timers import Armed, Stored, arm, light_of
from tests.rules.supervision_timeline.story import minutes
from tests.rules.supervision_timeline.toy import START

ORDER = order_id_of(report_id_of("story", "timers"))


def at(count: float) -> datetime:
    """So many minutes after the start."""
    return START + minutes(count)


def clock(state: str, due: float = 30, warn: float = 24) -> Clock:
    view = ClockView(
        clock_id=clock_id_of(ORDER, 1, "accept", ""),
        stage=Stage.ACCEPT,
        owner="street-a",
        start=START,
        due=at(due),
        state=ClockState(state),
        policy="accept",
    )
    return Clock(view, at(warn))


def stored(state: str, due: float = 30, *, warned: float | None = None, missed: float | None = None) -> Stored:
    before = clock(state, due)
    return Stored(
        order_id=ORDER,
        clock_id=before.view.clock_id,
        stage="accept",
        owner="street-a",
        start=START,
        due=at(due),
        state=state,
        policy="accept",
        warned_due=None if warned is None else at(warned),
        missed_due=None if missed is None else at(missed),
        next_at=None,
        round=1,
        assignment_id=None,
        report_id=None,
        warn_at=before.warn_at,
    )


@pytest.mark.parametrize(
    ("now", "before", "owes", "withdraws"),
    [
        (clock("running"), None, ("warn", 24), None),
        (clock("running", warn=30), None, ("miss", 30), None),  # nothing to warn of
        (clock("missed"), None, ("miss", 30), None),  # met too late, and not told yet
        (clock("met"), None, (None, None), None),
        (clock("running"), stored("running", warned=30), ("miss", 30), None),
        (clock("running", 60), stored("running", warned=30), ("warn", 24), None),  # another deadline warns anew
        (clock("met"), stored("missed", missed=30), (None, None), 30),
        (clock("cancelled"), stored("missed", missed=30), (None, None), 30),
        (clock("missed"), stored("missed", missed=30), (None, None), None),
        (clock("running"), stored("missed", missed=30), (None, None), None),  # still not met: the miss stands
        (clock("running", 60), stored("missed", missed=30, warned=30), ("warn", 24), 30),
        (clock("missed", 60), stored("missed", missed=30), ("miss", 60), 30),
    ],
)
def test_what_a_clock_owes(
    now: Clock, before: Stored | None, owes: tuple[str | None, float | None], withdraws: float | None
) -> None:
    armed = arm(now, before, imported=False)[1]
    notice, moment = owes
    assert (armed.notice, armed.at) == (notice, None if moment is None else at(moment))
    assert armed.withdrawn == (None if withdraws is None else at(withdraws))


def test_a_miss_that_stands_is_shown_as_missed() -> None:
    kept, armed = arm(clock("running"), stored("missed", missed=30), imported=False)
    assert kept.view.state == "missed" and kept.view.light == "red"
    assert armed.missed_due == at(30)


@pytest.mark.parametrize("state", ["running", "missed", "met", "cancelled"])
def test_an_imported_clock_owes_nothing(state: str) -> None:
    assert arm(clock(state), None, imported=True) == (clock(state), Armed())


@pytest.mark.parametrize(
    ("state", "now", "light"),
    [
        ("running", 0, Light.GREEN),
        ("running", 23.9, Light.GREEN),
        ("running", 24, Light.YELLOW),
        ("running", 30, Light.YELLOW),
        ("running", 30.1, Light.RED),
        ("missed", 0, Light.RED),
        ("met", 100, Light.GREEN),
        ("cancelled", 100, Light.GREEN),
    ],
)
def test_the_light_of_a_moment(state: str, now: float, light: Light) -> None:
    assert light_of(ClockState(state), at(30), at(24), at(now)) is light
