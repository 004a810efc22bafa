"""Counts stories by hand's rule: what items an order has, in words that a table can compare."""

from collections.abc import Iterable
from datetime import datetime

from schemas.facts import OrderFact
from services.supervision.rules.kpi import BY_ID, Bearings, Kind, Ledger, Measure, fold_ledger, tally
from services.supervision.rules.kpi.changes import items
from services.supervision.rules.stages import Clock, clocks
from services.supervision.rules.timeline import Timeline, fold
from services.supervision.rules.timers import Stored, arm
from tests.rules.supervision_timeline.story import Story
from tests.rules.supervision_timeline.toy import CITY, PROMISES

BEARINGS = Bearings.of(CITY)


def folded(facts: Iterable[OrderFact]) -> tuple[Timeline, Ledger]:
    """The order as it stands after these facts."""
    timeline: Timeline | None = None
    ledger: Ledger | None = None
    for fact in facts:
        timeline = fold(timeline, fact)
        ledger = fold_ledger(ledger, fact)
    assert timeline is not None and ledger is not None
    return timeline, ledger


def settled(timeline: Timeline, until: datetime | None) -> list[Clock]:
    """The clocks after the sweep has called missed what was due before `until`."""
    found = []
    for clock in clocks(timeline, PROMISES):
        view = clock.view
        missed = view.due if until is not None and view.due < until else None
        before = Stored(
            timeline.order_id, view.clock_id, view.stage, view.owner, view.start, view.due, view.state, view.policy,
            None, missed, None, view.round, view.assignment_id, view.report_id, clock.warn_at,
        )  # fmt: skip
        armed, _ = arm(clock, before, imported=timeline.imported)
        found.append(armed)
    return found


def rows(story: Story, until: datetime | None = None, count: int | None = None) -> list[Measure]:
    """What an order counts after its first `count` facts, with deadlines before `until` passed."""
    timeline, ledger = folded(story.facts[:count])
    return tally(timeline, ledger, settled(timeline, until), BEARINGS)


def counted(story: Story, until: datetime | None = None) -> dict[str, tuple[float, int]]:
    """Numerator and denominator of everything an order counts; of durations the seconds."""
    found: dict[str, tuple[float, int]] = {}
    for row in rows(story, until):
        for item in items(row):
            num, den = found.get(item.kpi, (0.0, 0))
            found[item.kpi] = (num + item.num / 10, den + 1)
    return found


def days(story: Story, kpi: str, until: datetime | None = None) -> list[str]:
    """The days on which the items of a number count."""
    bit = 1 << BY_ID[kpi].bit
    return sorted(row.day.isoformat() for row in rows(story, until) if row.den & bit)


def units(story: Story, kpi: str, until: datetime | None = None) -> list[str]:
    """The units for which they count."""
    bit = 1 << BY_ID[kpi].bit
    return sorted(row.unit for row in rows(story, until) if row.den & bit)


RATES = [kpi.kpi for kpi in BY_ID.values() if kpi.kind is Kind.RATE]
