"""What a city promises: its policy's versions with their calendars, and which version covers which clock.

A policy that replaces an earlier one may do so for everything open (no earlier version is kept), for clocks that start
from a moment on (`covers = "clocks"`), or for orders opened from a moment on (`covers = "orders"`). The newest version
that covers a clock gives its limit, its deadline and what a granted request moves; so the answer depends on the facts
and the versions alone, never on when it is asked.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from schemas.city import CalendarData, City, Limit, Policy
from schemas.facts import ClockView
from schemas.vocabulary import RequestKind, Source, Stage, TicketType, Tier, Urgency
from services.supervision.rules.asks import UNMOVED, Moved
from services.supervision.rules.calendar import Calendar
from services.supervision.rules.limits import LimitFacts, Terms, calendar_of_unit

SET_WARN = 0.8
CENTRE = "centre"  # the function of units that dispatch


class Clock(Struct, frozen=True, gc=False):
    """One clock: what others see of it, when it warns, and the calendar if it had no published list for the span.
    `over`: its milestone came or its reason ended, in time or not; `at`: when its milestone came."""

    view: ClockView
    warn_at: datetime
    unlisted: str = ""
    over: bool = False
    at: datetime | None = None


class Span(Struct, frozen=True, gc=False):
    """What a limit comes to from one start."""

    due: datetime
    warn_at: datetime
    unlisted: str


# What a policy row is chosen by: source, ticket type, class key, urgency, tier, round.
Asked = tuple[Source, TicketType | None, str, Urgency, Tier, int]


class Version:
    """One version of the policy, with the majors of the city's classes and a memory of the last answers: thousands of
    orders a second ask for the same few limits, often from the same moment."""

    REMEMBERED = 50_000

    def __init__(self, terms: Terms, majors: dict[str, str]) -> None:
        self.terms = terms
        self._majors = majors
        self._moves = {rule.kind: frozenset(rule.moves) for rule in terms.policy.requests}
        self._limits: dict[tuple[int, Asked], dict[Stage, Limit]] = {}
        self._spans: dict[tuple[str, str, datetime], Span] = {}

    def limits(self, asked: Asked, start: datetime) -> dict[Stage, Limit]:
        """The policy rows for clocks that start then, by stage; a stage without one promises nothing."""
        return self.limits_in(self.terms.phase(start), asked)

    def limits_in(self, phase: int, asked: Asked) -> dict[Stage, Limit]:
        """The same for any moment of a phase of the policy."""
        key = (phase, asked)
        found = self._limits.get(key)
        if found is None:
            start = self.terms.beginning(phase)
            source, ticket_type, class_key, urgency, tier, round_ = asked
            facts = LimitFacts(
                source=source,
                class_key=class_key,
                major=self._majors.get(class_key, ""),
                ticket_type=ticket_type,
                urgency=urgency,
                tier=tier,
                round=round_,
            )
            rows = ((stage, self.terms.limit_for(stage, facts, start)) for stage in Stage)
            if len(self._limits) >= self.REMEMBERED:
                self._limits.clear()
            found = self._limits[key] = {stage: limit for stage, limit in rows if limit is not None}
        return found

    def moves(self, kind: RequestKind) -> frozenset[Stage]:
        """The stages whose clocks a granted request of this kind moves."""
        return self._moves[kind]

    def span(self, limit: Limit, start: datetime, granted: Moved = UNMOVED) -> Span:
        """Deadline and warning of a limit that runs from `start`, as granted requests moved it: never earlier."""
        if granted is not UNMOVED:
            due = self.terms.due(limit, start, granted.pauses)
            at = max(due.at, granted.latest_end() or due.at)
            calendar = self.terms.calendar_of(limit).data.name if due.unlisted else ""
            return Span(at, self.terms.warn_at(limit, start, at, granted.pauses), calendar)
        key = (limit.limit_id, limit.calendar, start)
        found = self._spans.get(key)
        if found is None:
            due = self.terms.due(limit, start)
            calendar = self.terms.calendar_of(limit).data.name if due.unlisted else ""
            found = Span(due.at, self.terms.warn_at(limit, start, due.at), calendar)
            if len(self._spans) >= self.REMEMBERED:
                self._spans.clear()
            self._spans[key] = found
        return found


class TermsData(Struct, frozen=True):
    """All that clocks need of a city, to be kept beside them: the policy and the versions it replaced (the oldest
    first), the calendars (the city's own first), the majors of classes, the centres, the calendars of units."""

    version: str
    policy: Policy
    earlier: tuple[Policy, ...]
    calendars: tuple[CalendarData, ...]
    majors: dict[str, str]
    centres: frozenset[str]
    of_units: dict[str, str]

    @classmethod
    def of(cls, city: City) -> "TermsData":
        """Out of a city pack. All versions count by the same calendars: a published list replaces its predecessor."""
        units = (*city.every_unit, *city.units)
        return cls(
            version=f"{city.name} {city.version}, policy {city.policy.version}",
            policy=city.policy,
            earlier=city.earlier_policies,
            calendars=city.calendars,
            majors={item.key: item.major for item in city.classes},
            centres=frozenset(unit.unit_id for unit in units if unit.function == CENTRE),
            of_units={u.unit_id: name for u in units if (name := calendar_of_unit(u, city.calendars))},
        )


class Promises:
    """All versions of a city's policy, and its centres; `data` is what they were made of."""

    def __init__(self, data: TermsData) -> None:
        """Raises ValueError for what contradicts itself; see `Terms` and `Calendar`."""
        self.data = data
        self.centres = data.centres
        terms = Terms(data.policy, [Calendar.of(each) for each in data.calendars], data.of_units)
        all_terms = (terms, *(terms.with_policy(policy) for policy in reversed(data.earlier)))
        self.versions = tuple(Version(each, data.majors) for each in all_terms)  # the newest first
        self.newest = self.versions[0]
        self._only = self.newest if len(self.versions) == 1 else None

    @classmethod
    def of(cls, city: City) -> "Promises":
        """The promises of a city pack."""
        return cls(TermsData.of(city))

    def version(self, opened: datetime, start: datetime) -> Version:
        """The version for a clock that starts at `start`, of an order opened at `opened`."""
        if self._only is not None:
            return self._only
        for version in self.versions[:-1]:
            if _covers(version.terms.policy, opened, start):
                return version
        return self.versions[-1]


def set_to(start: datetime, due: datetime, warn: float = SET_WARN) -> Span:
    """The span of a deadline that somebody set: real time, and the warning after four fifths of it."""
    spent: timedelta = (due - start) * warn
    return Span(due, min(max(start, start + spent), due), "")


def _covers(policy: Policy, opened: datetime, start: datetime) -> bool:
    return policy.since is None or policy.since <= (opened if policy.covers == "orders" else start)
