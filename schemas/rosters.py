"""Who answers for a unit at a moment (值班): the pack's roster, and what people changed about it since. Pure.

A swap holds for its span whatever the roster says, the one recorded last before those recorded earlier; a swap to
nobody is a shift known to be empty. Where nobody is on, the unit above rings, up to the city's duty desk.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from schemas.city import City, Shift
from schemas.standing import Units

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)
DESK = "duty_desk"


class Swap(Struct, frozen=True, kw_only=True):
    """Somebody else is on for a while, or nobody (`person` empty). `n` is the order in which swaps were recorded."""

    n: int
    unit: str
    starts: datetime
    ends: datetime
    person: str
    deputy: str = ""
    phone: str = ""
    note: str = ""


class OnDuty(Struct, frozen=True, kw_only=True):
    """Who is on, since when and until when; `swapped` when it is not whom the roster names."""

    unit: str
    starts: datetime
    ends: datetime
    person: str
    deputy: str
    phone: str
    note: str
    swapped: bool


class Ring(Struct, frozen=True):
    """Who is rung for a unit: `on` is its own person, or that of the nearest unit above where somebody is on
    (`on.unit`); None when nobody is, all the way up."""

    unit: str
    on: OnDuty | None

    @property
    def empty(self) -> bool:
        """Whether the unit itself has nobody on."""
        return self.on is None or self.on.unit != self.unit


class Gap(NamedTuple):
    """A span in which nobody is on for a unit."""

    unit: str
    starts: datetime
    ends: datetime


class Rosters:
    """The rosters of a city. Times are local to the city; every answer carries its offset."""

    def __init__(self, city: City) -> None:
        self._zone = ZoneInfo(city.timezone)
        self._units = Units(city)
        self._desk = next((u.unit_id for u in city.units if u.function == DESK and u.division == city.root), "")
        self._days: dict[tuple[str, str], list[Shift]] = defaultdict(list)
        for shift in city.rosters:
            for day in shift.days:
                self._days[shift.unit_id, day].append(shift)
        known = dict.fromkeys(shift.unit_id for shift in city.rosters)
        self.units = tuple(unit for unit in known if unit in self._units.today)

    def above(self, unit: str) -> tuple[str, ...]:
        """A unit, or who does its work today, and those above it, the nearest first, and last the city's duty desk."""
        found: dict[str, None] = {}
        step = self._units.heir(unit)
        while step and step not in found:
            found[step] = None
            known = self._units.today.get(step)
            step = known.parent if known is not None else ""
        if self._desk:
            found.setdefault(self._desk)
        return tuple(found)

    def on(self, unit: str, at: datetime, swaps: Iterable[Swap] = ()) -> OnDuty | None:
        """Who is on for a unit at a moment; None when nobody is."""
        own = [swap for swap in swaps if swap.unit == unit]
        now = [swap for swap in own if swap.starts <= at < swap.ends]
        if now:
            last = max(now, key=lambda swap: swap.n)
            if not last.person:
                return None
            return OnDuty(
                unit=unit,
                starts=last.starts,
                ends=last.ends,
                person=last.person,
                deputy=last.deputy,
                phone=last.phone,
                note=last.note,
                swapped=True,
            )
        spans = [span for span in self._spans(unit, at, at) if span[0] <= at < span[1]]
        if not spans:
            return None
        starts, ends, shift = max(spans, key=lambda span: span[0])  # a dated day begins: the night before goes home
        return OnDuty(
            unit=unit,
            starts=max([starts, *(swap.ends for swap in own if starts < swap.ends <= at)]),
            ends=min([ends, *(swap.starts for swap in own if at < swap.starts < ends)]),
            person=shift.person,
            deputy=shift.deputy,
            phone=shift.phone,
            note=shift.note,
            swapped=False,
        )

    def ring(self, unit: str, at: datetime, swaps: Sequence[Swap] = ()) -> Ring:
        """Who is rung when something urgent comes to a unit."""
        steps = self.above(unit)
        for step in steps:
            found = self.on(step, at, swaps)
            if found is not None:
                return Ring(steps[0], found)
        return Ring(steps[0], None)

    def gaps(self, unit: str, starts: datetime, ends: datetime, swaps: Sequence[Swap] = ()) -> list[Gap]:
        """The spans between two moments in which nobody is on for a unit."""
        own = [swap for swap in swaps if swap.unit == unit]
        edges = {starts, ends}
        for begin, end, _ in self._spans(unit, starts, ends):
            edges |= {begin, end}
        for swap in own:
            edges |= {swap.starts, swap.ends}
        marks = sorted(edge for edge in edges if starts <= edge <= ends)
        found: list[Gap] = []
        for begin, end in zip(marks, marks[1:], strict=False):
            if self.on(unit, begin, own) is not None:
                continue
            if found and found[-1].ends == begin:
                found[-1] = Gap(unit, found[-1].starts, end)
            else:
                found.append(Gap(unit, begin, end))
        return found

    def _spans(self, unit: str, starts: datetime, ends: datetime) -> list[tuple[datetime, datetime, Shift]]:
        """The shifts of the roster that may touch a window, with their moments."""
        day, last = (moment.astimezone(self._zone).date() for moment in (starts, ends))
        day -= DAY  # a night shift of yesterday ends today
        found: list[tuple[datetime, datetime, Shift]] = []
        while day <= last:
            dated = self._days.get((unit, day.isoformat()), [])
            for shift in dated or self._days.get((unit, WEEKDAYS[day.weekday()]), []):
                until = day if shift.ends > shift.starts else day + DAY
                found.append((self._moment(day, shift.starts), self._moment(until, shift.ends), shift))
            day += DAY
        return found

    def _moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self._zone)
