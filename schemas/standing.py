"""A city in time: its units as they are today and as they were on a day, and who took over from whom. Pure."""

from collections import defaultdict
from datetime import date, datetime
from zoneinfo import ZoneInfo

from schemas.city import City, Unit


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


def retired_codes(city: City) -> dict[str, str]:
    """Codes of divisions that there are no more, each with the division that names it among its aliases."""
    return {
        alias: division.code
        for division in city.divisions
        for alias in division.aliases
        if alias in city.ended or alias.isdigit()
    }
