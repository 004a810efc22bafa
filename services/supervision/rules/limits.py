"""Which limit applies, and what it comes to: the rows of the policy tied to the city's calendars.

The first row of a stage that matches wins. Rows are indexed by class once, because a city's policy may name every class
while thousands of clocks are set a second.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from schemas.city import OWN_CALENDAR, CalendarData, Limit, Policy, Unit
from schemas.vocabulary import Source, Stage, TicketType, Tier, Urgency
from services.supervision.rules.calendar import Calendar
from services.supervision.rules.clock import WORKING, Due, Pause, due_with_pauses, warn_at

_EVER = datetime(1970, 1, 2, tzinfo=UTC)


class LimitFacts(Struct, frozen=True, gc=False):
    """What a policy row can ask for. `major` is the name of the class's major, `tier` the tier that holds the stage."""

    source: Source
    class_key: str
    major: str = ""
    ticket_type: TicketType | None = None
    urgency: Urgency = Urgency.NORMAL
    tier: Tier | None = None
    round: int = 1


class Terms:
    """A policy with its calendars: the one place to ask for a limit, its deadline and its warning."""

    def __init__(
        self, policy: Policy, calendars: Sequence[Calendar], of_units: Mapping[str, str] | None = None
    ) -> None:
        """The first calendar is the city's own; `of_units` names that of units which have another. Raises ValueError
        without a calendar, or for a row that names one that is not there."""
        if not calendars:
            raise ValueError("a policy needs the city's calendar")
        self.policy = policy
        self.calendars = {calendar.data.name: calendar for calendar in calendars}
        self._calendars = {"": calendars[0], OWN_CALENDAR: calendars[0]} | self.calendars
        self._of_unit = of_units or {}
        self._bound: dict[tuple[str, str], Limit] = {}
        self._by_class: dict[tuple[Stage, str], list[tuple[int, Limit]]] = defaultdict(list)
        self._by_id = {limit.limit_id: limit for limit in policy.limits}
        bounds = [bound for limit in policy.limits for bound in (limit.valid_from, limit.valid_to)]
        self._changes = sorted({bound for bound in bounds if bound is not None})
        for place, limit in enumerate(policy.limits):
            if limit.calendar not in self._calendars:
                raise ValueError(f"limit {limit.limit_id!r}: unknown calendar {limit.calendar!r}")
            for name in limit.classes or ("",):
                self._by_class[limit.stage, name].append((place, limit))

    @classmethod
    def of(cls, policy: Policy, calendars: Iterable[CalendarData], units: Iterable[Unit] = ()) -> "Terms":
        """The terms of a city pack (`city.policy`, `city.calendars`, its units)."""
        all_data = tuple(calendars)
        names = {unit.unit_id: name for unit in units if (name := calendar_of_unit(unit, all_data))}
        return cls(policy, [Calendar.of(data) for data in all_data], names)

    def with_policy(self, policy: Policy) -> "Terms":
        """Another version of the policy, by the same calendars."""
        return Terms(policy, list(self.calendars.values()), self._of_unit)

    def bound(self, limit: Limit, unit: str) -> Limit:
        """The row as it counts for a clock of that unit: one that goes by its unit's calendar names it then."""
        if limit.calendar != OWN_CALENDAR:
            return limit
        name = self._of_unit.get(unit, "")
        found = self._bound.get((limit.limit_id, name))
        if found is None:
            found = self._bound[limit.limit_id, name] = replace(limit, calendar=name)
        return found

    def limit_for(self, stage: Stage, facts: LimitFacts, start: datetime) -> Limit | None:
        """The policy row for a clock that starts at `start`, or None when the policy promises nothing here."""
        general = self._by_class.get((stage, ""), ())
        named = self._by_class.get((stage, facts.class_key), ()) if facts.class_key else ()
        major = self._by_class.get((stage, f"major:{facts.major}"), ()) if facts.major else ()
        rows: Sequence[tuple[int, Limit]] = named or major or general
        if sum(map(bool, (general, named, major))) > 1:
            rows = _in_order(general, named, major)
        return next((limit for _, limit in rows if _matches(limit, facts, start)), None)

    def phase(self, start: datetime) -> int:
        """How many times the policy had changed by then: within one phase `limit_for` does not depend on the start."""
        return bisect_right(self._changes, start) if self._changes else 0

    def beginning(self, phase: int) -> datetime:
        """A moment of that phase."""
        return self._changes[phase - 1] if phase else _EVER

    def limit(self, limit_id: str) -> Limit:
        """The row of that name. Raises KeyError."""
        return self._by_id[limit_id]

    def knows(self, limit_id: str) -> bool:
        """Whether there is a row of that name."""
        return limit_id in self._by_id

    def calendar_name(self, limit: Limit) -> str:
        """The name of the calendar by which a row counts, or that it is its unit's own."""
        return limit.calendar if limit.calendar == OWN_CALENDAR else self.calendar_of(limit).data.name

    def calendar_of(self, limit: Limit) -> Calendar:
        """The calendar by which a row counts."""
        return self._calendars[limit.calendar]

    def due(self, limit: Limit, start: datetime, pauses: Sequence[Pause] = ()) -> Due:
        """The deadline of a clock with that limit; see `clock.due_with_pauses`."""
        return due_with_pauses(start, limit, pauses, self.calendar_of(limit), day_end=self.policy.day_end)

    def spent(self, limit: Limit | None, begin: datetime, end: datetime) -> int:
        """Microseconds of the limit's own time from `begin` to `end`: working time of its calendar where it counts
        that, real time otherwise and where somebody set the deadline (None)."""
        if limit is None or limit.unit not in WORKING:
            return (end - begin) // timedelta(microseconds=1)
        calendar = self.calendar_of(limit)
        return calendar.worked_at(end) - calendar.worked_at(begin)

    def warn_at(self, limit: Limit, start: datetime, due_at: datetime, pauses: Sequence[Pause] = ()) -> datetime:
        """When that clock warns; see `clock.warn_at`."""
        return warn_at(start, due_at, limit, self.calendar_of(limit), pauses)


def calendar_of_unit(unit: Unit, calendars: Iterable[CalendarData]) -> str:
    """The calendar that names the unit, else the one that names its function; "" is the city's own."""
    named = [each for each in calendars if unit.unit_id in each.units or unit.function in each.functions]
    return next((each.name for each in sorted(named, key=lambda each: unit.unit_id not in each.units)), "")


def _in_order(*groups: Iterable[tuple[int, Limit]]) -> list[tuple[int, Limit]]:
    rows: list[tuple[int, Limit]] = []
    for group in groups:
        for row in group:
            insort(rows, row, key=lambda found: found[0])
    return rows


def _matches(limit: Limit, facts: LimitFacts, start: datetime) -> bool:
    return (
        (not limit.sources or facts.source in limit.sources)
        and (not limit.ticket_types or facts.ticket_type in limit.ticket_types)
        and (not limit.urgencies or facts.urgency in limit.urgencies)
        and (not limit.tiers or facts.tier in limit.tiers)
        and (not limit.rounds or facts.round in limit.rounds)
        and (limit.valid_from is None or limit.valid_from <= start)
        and (limit.valid_to is None or start < limit.valid_to)
    )
