"""What a recompute moved, added up so that a person can read it before or after: how many, whose, and why."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct, field

from schemas.facts import ClockView
from schemas.vocabulary import ClockState
from services.supervision.rules.stages import Promises

EXAMPLES = 50


class Moved(Struct, frozen=True):
    """One clock whose deadline, warning, row or state is another now; `due_before` is None for a clock that is new."""

    order_id: UUID
    clock_id: UUID
    stage: str
    owner: str
    class_key: str
    due_before: datetime | None
    due: datetime
    state_before: str
    state: str
    why: str


class _Sum(Struct):
    clocks: int = 0
    earlier: int = 0
    later: int = 0
    by: timedelta = timedelta()


class Report(Struct):
    """How many orders were read, worked on and moved; clocks by class, unit, stage and reason; misses taken back, and
    clocks that are past their new deadline."""

    orders: int = 0
    looked_into: int = 0
    moved_orders: int = 0
    misses_taken_back: int = 0
    past_due: int = 0
    sums: dict[tuple[str, str, str, str], _Sum] = field(default_factory=lambda: defaultdict(_Sum))
    examples: list[Moved] = field(default_factory=list)

    def add(self, moved: Moved, now: datetime) -> None:
        """Count one clock."""
        found = self.sums[moved.class_key, moved.owner, moved.stage, moved.why]
        found.clocks += 1
        if moved.due_before is not None:
            found.earlier += moved.due < moved.due_before
            found.later += moved.due > moved.due_before
            found.by += moved.due - moved.due_before
        if moved.state == ClockState.RUNNING and moved.due < now and not (moved.due_before and moved.due_before < now):
            self.past_due += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(moved)

    def told(self) -> dict[str, Any]:
        """The report as plain values, the largest group first; hours are the mean by which a deadline moved."""
        groups = sorted(self.sums.items(), key=lambda item: (-item[1].clocks, item[0]))
        return {
            "orders": self.orders,
            "looked_into": self.looked_into,
            "moved_orders": self.moved_orders,
            "clocks": sum(each.clocks for each in self.sums.values()),
            "earlier": sum(each.earlier for each in self.sums.values()),
            "later": sum(each.later for each in self.sums.values()),
            "misses_taken_back": self.misses_taken_back,
            "past_due": self.past_due,
            "groups": [
                {
                    "class": class_key,
                    "unit": owner,
                    "stage": stage,
                    "why": reason,
                    "clocks": each.clocks,
                    "earlier": each.earlier,
                    "later": each.later,
                    "hours": round(each.by.total_seconds() / 3600 / each.clocks, 2),
                }
                for (class_key, owner, stage, reason), each in groups
            ],
            "examples": self.examples,
        }


def why(policy_before: str, view: ClockView, old: Promises, new: Promises, opened: datetime) -> str:
    """Why a clock that went by row `policy_before` is another now. A difference in none of these is no matter of terms:
    the clock was stored otherwise than its facts say."""
    if policy_before != view.policy:
        return f"row {policy_before or 'none'} → {view.policy}"
    one, other = (each.version(opened, view.start).terms for each in (old, new))
    if one.knows(view.policy) and other.knows(view.policy):
        before, after = one.limit(view.policy), other.limit(view.policy)
        if (before.amount, before.unit) != (after.amount, after.unit):
            return f"row {view.policy}: {before.amount:g} {before.unit} → {after.amount:g} {after.unit}"
        if before.warn != after.warn:
            return f"row {view.policy}: warns at {before.warn:g} → {after.warn:g}"
        if (before.day_end or one.policy.day_end) != (after.day_end or other.policy.day_end):
            return f"row {view.policy}: the day ends otherwise"
        if before.count_start_day != after.count_start_day:
            return f"row {view.policy}: the first day counts otherwise"
        if one.calendar_name(before) != other.calendar_name(after):
            return f"row {view.policy}: calendar {one.calendar_name(before)} → {other.calendar_name(after)}"
        if old.data.calendars != new.data.calendars or old.data.of_units != new.data.of_units:
            return "calendar"
    return "stored otherwise"
