"""A city in time: its units as they are today and as they were on a day, and who took over from whom. Pure."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from schemas.city import City, Unit
from schemas.vocabulary import Tier

CENTRE = "centre"  # the function of units that dispatch to others (城运中心)
DEEPEST = 16  # deeper than any administration; ends a ring in the data


def plain_name(text: str) -> str:
    """A name as it is compared: one width, one case, no blanks."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


class Units:
    """The units of a city. `today` are those of the day on which the pack was read, by id."""

    def __init__(self, city: City) -> None:
        self.today: dict[str, Unit] = {unit.unit_id: unit for unit in city.units}
        self._zone = ZoneInfo(city.timezone)
        self._spans: dict[str, list[Unit]] = defaultdict(list)
        for unit in sorted(city.every_unit or city.units, key=lambda unit: unit.valid_from or date.min):
            self._spans[unit.unit_id].append(unit)
        self._last = {unit_id: spans[-1] for unit_id, spans in self._spans.items()}
        self._into: dict[str, list[str]] = defaultdict(list)
        for unit_id, last in self._last.items():
            if last.successor and unit_id not in self.today:
                self._into[last.successor].append(unit_id)
        self._parent = retired_codes(city) | {division.code: division.parent for division in city.divisions}
        self._centres = {unit.division: unit.unit_id for unit in reversed(city.units) if unit.function == CENTRE}
        self._named: dict[str, dict[str, None]] = defaultdict(dict)
        for unit in city.every_unit or city.units:
            heir = self.heir(unit.unit_id)
            for name in {plain_name(unit.unit_id), plain_name(unit.name), plain_name(unit.name_en)} - {""}:
                self._named[name][heir] = None

    @property
    def last(self) -> dict[str, Unit]:
        """Every unit that ever was or is to be, as it is called last."""
        return self._last

    def at(self, unit_id: str, moment: datetime) -> Unit | None:
        """The unit as it was at a moment; before its first and after its last day as it was on that day. None for one
        that the city's list never knew."""
        spans = self._spans.get(unit_id)
        if spans is None:
            return None
        day = moment.astimezone(self._zone).date()
        begun = [unit for unit in spans if unit.valid_from is None or unit.valid_from <= day]
        return begun[-1] if begun else spans[0]

    def heir(self, unit_id: str) -> str:
        """Who does today what this unit did: itself, or the one that it was merged into, however often; its own id
        where nobody does."""
        seen: dict[str, None] = {}
        step = unit_id
        while step and step not in self.today and step not in seen:
            seen[step] = None
            last = self._last.get(step)
            step = last.successor if last is not None else ""
        return step if step in self.today else unit_id

    def acting(self, unit_id: str) -> Unit | None:
        """The unit that does today what this one did; None where nobody does."""
        return self.today.get(unit_id) or self.today.get(self.heir(unit_id))

    def acts_for(self, unit_id: str) -> tuple[str, ...]:
        """The unit itself and those that were merged into it: what they still had to do is its own now. Nothing for a
        unit that there is no more: whoever still has a sign-in token of it acts for nobody."""
        if unit_id in self._spans and unit_id not in self.today:
            return ()
        found = [unit_id]
        for each in found:
            found.extend(before for before in self._into.get(each, ()) if before not in found)
        return tuple(found)

    def called(self, name: str) -> tuple[str, ...]:
        """The units that go or went by this id or official name."""
        return tuple(self._named.get(plain_name(name), ())) if name else ()

    def line(self, unit_id: str) -> frozenset[str]:
        """Every unit that this one answers to, by line (条) and by area (块)."""
        found: set[str] = set()
        waiting = [unit_id]
        while waiting:
            unit = self.acting(waiting.pop())
            above = {unit.parent, unit.second_parent} - found - {""} if unit is not None else set()
            found |= above
            waiting += above
        return frozenset(found)

    def centre_above(self, unit_id: str) -> str:
        """The nearest other centre whose boundary holds this unit: its own division's, else the next one's outwards;
        "" above the city's centre and for an unknown unit."""
        unit = self.acting(unit_id)
        code, own = (unit.division, unit.unit_id) if unit is not None else ("", "")
        for _ in range(DEEPEST):
            centre = self._centres.get(code, "")
            if not code or centre not in ("", own):
                return centre
            code = self._parent.get(code, "")
        return ""

    def bars(self, subjects: Iterable[str], unit_id: str) -> bool:
        """Whether a unit may have no part in work about these units: it is one of them, or answers to one. The top of
        the city has nobody above it, so only itself is barred. Source: design §2, §6 (举报)."""
        for subject in map(self.heir, subjects):
            if unit_id == subject or (self.centre_above(subject) and subject in self.line(unit_id)):
                return True
        return False

    def answers_for(self, unit_id: str) -> tuple[str, ...]:
        """Whom a complaint must not be about for a unit to see it: what the unit acts for, and whoever it answers to
        that has a centre above."""
        mine = self.acts_for(unit_id)
        over = sorted(one for one in self.line(unit_id) if self.centre_above(one)) if mine else []
        return (*mine, *(one for one in over if one not in mine))


def retired_codes(city: City) -> dict[str, str]:
    """Codes of divisions that there are no more, each with the division that names it among its aliases."""
    return {
        alias: division.code
        for division in city.divisions
        for alias in division.aliases
        if alias in city.ended or alias.isdigit()
    }


def districts_of(city: City) -> dict[str, str]:
    """The district of every division, those of the past among them; the city's own are of none and left out."""
    parents = retired_codes(city) | {division.code: division.parent for division in city.divisions}
    districts = {division.code for division in city.divisions if division.tier is Tier.DISTRICT}
    found: dict[str, str] = {}
    for code in parents:
        above: str = code
        while above and above not in districts:
            above = parents.get(above, "")
        if above:
            found[code] = above
    return found
