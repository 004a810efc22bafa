"""Who is who in the city: units with their tiers, divisions with what lies inside them, classes by key.

Made once from the city pack; holds only what dispatch needs of it. Who holds a part may be a unit that is no
more: what is asked about it is answered of the one that it was merged into. Whoever asks is a unit of today.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from schemas.city import City, Division, RequestRule, Unit
from schemas.facts import ClassRef, Place
from schemas.rosters import Rosters
from schemas.standing import CENTRE, DEEPEST, Units, districts_of, retired_codes
from schemas.vocabulary import Photos, RequestKind, Tier

DUTY_DESK = "duty_desk"
_RANK = {tier: rank for rank, tier in enumerate(Tier)}


class Directory:
    """The units, divisions and classes of a city."""

    def __init__(
        self,
        city: City,
        told: frozenset[str] = frozenset(),
        registered: frozenset[str] = frozenset(),
        link: str = "/app/#/order/{number}",
    ) -> None:
        channels = {channel.name for channel in city.policy.channels}
        self.told = told - channels  # the platforms that want to hear of their own matters by webhook
        self.registered = registered - channels  # all that stand in the platforms' file
        self.channels = tuple(c for c in city.policy.channels if c.name in registered)
        self.zone = ZoneInfo(city.timezone)
        self.link = link  # where a screen shows an order, with {number}
        self.rosters = Rosters(city)
        self.callback = city.policy.callback
        self.conclude_after = city.policy.conclude_after
        self.late = timedelta(hours=city.policy.late_hours)
        self._phone = re.compile(city.phone_pattern)
        self._in_time = Units(city)
        self._units = self._in_time.today
        self._majors: dict[str, list[str]] = defaultdict(list)
        for item in city.classes:
            self._majors[item.major].append(item.key)
        self._root = city.root
        self._divisions = {division.code: division for division in city.divisions}
        self._parent = retired_codes(city) | {division.code: division.parent for division in city.divisions}
        self._districts = districts_of(city)
        self._children: dict[str, list[str]] = defaultdict(list)
        for code, parent in self._parent.items():
            self._children[parent].append(code)
        self._centres = {unit.division: unit.unit_id for unit in reversed(city.units) if unit.function == CENTRE}
        self._holders = {(unit.function, unit.division): unit.unit_id for unit in city.units}
        self.duty_desk = self._holders.get((DUTY_DESK, city.root)) or self._centres.get(city.root, "")
        self._rules = {rule.kind: rule for rule in city.policy.requests}
        self.returns = city.policy.returns
        self._classes = {
            item.key: ClassRef(standard=item.standard, kind=item.kind, code=item.code, name=item.name)
            for item in city.classes
        }
        self._photos = {item.key: item.photos for item in city.classes}
        self._answering = lru_cache(maxsize=4096)(self._in_time.answers_for)
        self.subtree = lru_cache(maxsize=512)(self._subtree)

    def unit(self, unit_id: str) -> Unit | None:
        """The unit of that id, as it is today; None for one that there is no more."""
        return self._units.get(unit_id)

    def unit_at(self, unit_id: str, at: datetime) -> Unit | None:
        """The unit as it was at a moment; before its first and after its last day as it was on that day."""
        return self._in_time.at(unit_id, at)

    def ever_had(self, unit_id: str) -> bool:
        """Whether the city has, had or will have such a unit."""
        return unit_id in self._in_time.last

    def heir(self, unit_id: str) -> str:
        """Who does today what a unit did: itself, or the one that it was merged into."""
        return self._in_time.heir(unit_id)

    def acts_for(self, unit_id: str) -> tuple[str, ...]:
        """The unit itself and those that were merged into it; nothing for one that there is no more."""
        return self._in_time.acts_for(unit_id)

    def units_of(self, tier: Tier) -> tuple[str, ...]:
        """The units of a tier, those that there are no more among them."""
        return tuple(unit_id for unit_id, unit in self._in_time.last.items() if unit.tier is tier)

    def classes_of(self, major: str) -> tuple[str, ...]:
        """The keys of a major's classes; none for an unknown major."""
        return tuple(self._majors.get(major, ()))

    def division_name(self, code: str) -> str:
        """What a division is called today; its code where the city's list has none."""
        division = self._divisions.get(code)
        return division.name if division is not None else code

    def knows_division(self, code: str) -> bool:
        """Whether the city's list has this division."""
        return code in self._parent

    def named(self, words: str, most: int) -> list[Unit]:
        """Units whose name or id holds the words, the shortest names first, at most so many."""
        found = [unit for unit in self._units.values() if words in unit.name or words in unit.unit_id]
        return sorted(found, key=lambda unit: (len(unit.name), unit.unit_id))[:most]

    def tier_of(self, unit_id: str) -> Tier | None:
        """The tier of a unit; None for one that is not in the city's list."""
        unit = self._in_time.acting(unit_id)
        return unit.tier if unit is not None else None

    def is_centre(self, unit_id: str) -> bool:
        """Whether a unit dispatches to others (城运中心)."""
        unit = self._units.get(unit_id)
        return unit is not None and unit.function == CENTRE

    def centre_above(self, unit_id: str) -> str:
        """The nearest other centre whose boundary holds this unit; "" above the city's centre."""
        return self._in_time.centre_above(unit_id)

    def called(self, name: str) -> tuple[str, ...]:
        """The units that go or went by this id or official name."""
        return self._in_time.called(name)

    def line(self, unit_id: str) -> frozenset[str]:
        """Every unit that this one answers to, by line (条) and by area (块)."""
        return self._in_time.line(unit_id)

    def bars(self, subjects: Iterable[str], unit_id: str) -> bool:
        """Whether a unit may have no part in work about these units."""
        return self._in_time.bars(subjects, unit_id)

    def answers_for(self, unit_id: str) -> tuple[str, ...]:
        """Whom a complaint must not be about for a unit to see it."""
        return self._answering(unit_id)

    def is_below(self, unit_id: str, holder: str) -> bool:
        """Whether `holder` may pass its part on to a unit: one under it by either parent (a station answers to its
        bureau and to its street, 条块), at any depth, or, for a centre, any other unit inside its boundary."""
        unit, over = self._units.get(unit_id), self._in_time.acting(holder)
        if unit is None or over is None or unit is over:
            return False
        if over.unit_id in self.line(unit_id):
            return True
        inside = self.inside(unit.division, over.unit_id)
        return over.function == CENTRE and inside and unit_id not in self.line(over.unit_id)

    def place_of(self, unit_id: str, lon: float | None = None, lat: float | None = None) -> Place:
        """Where a unit is at home, or a spot there (WGS-84 degrees)."""
        unit = self._units[unit_id]
        division = self._divisions.get(unit.division)
        if division is None:
            return Place(division=unit.division, name=unit.division, tier=unit.tier, lon=lon, lat=lat)
        return Place(division=division.code, name=division.name, tier=division.tier, lon=lon, lat=lat)

    def class_of(self, key: str) -> ClassRef | None:
        """The class of a key `standard/kind/code`."""
        return self._classes.get(key)

    def photos_of(self, key: str) -> Photos:
        """What a unit must show of a class to call the matter solved."""
        return self._photos.get(key, Photos.NONE)

    def is_phone(self, text: str) -> bool:
        """Whether this is a phone number of the city."""
        return self._phone.match(text) is not None

    def inside(self, division: str, unit_id: str) -> bool:
        """Whether a division lies in the boundary subtree of a unit."""
        unit = self._units.get(unit_id)
        if unit is None:
            return False
        code = division
        for _ in range(DEEPEST):
            if code == unit.division:
                return True
            if not code:
                return False
            code = self._parent.get(code, "")
        return False

    def boundary(self, unit_id: str) -> tuple[str, ...] | None:
        """The division codes of a unit's boundary subtree; None is the whole city, nothing for an unknown unit."""
        unit = self._units.get(unit_id)
        if unit is None:
            return ()
        return None if unit.division == self._root else self.subtree(unit.division)

    def request_rule(self, kind: RequestKind) -> RequestRule:
        """How requests of a kind are decided in this city."""
        return self._rules[kind]

    def holder(self, function: str, tier: Tier, division: str) -> str:
        """The unit of a function on a tier whose boundary takes a division in; "" where there is none."""
        for code in self._upwards(division):
            unit = self._units.get(self._holders.get((function, code), ""))
            if unit is not None and unit.tier is tier:
                return unit.unit_id
        return ""

    def centres_over(self, unit_id: str) -> list[str]:
        """The centres over a unit, the nearest first; see `is_over`."""
        unit = self._in_time.acting(unit_id)
        found = [self._centres.get(code, "") for code in self._upwards(unit.division)] if unit is not None else []
        return [centre for centre in found if self.is_over(centre, unit_id)]

    def centres_under(self, unit_id: str) -> list[str]:
        """A centre and those it stands over, with those that were merged into them; just the unit and such where it is
        no centre."""
        centres = (unit_id, *(centre for centre in self._centres.values() if self.is_over(unit_id, centre)))
        return [each for centre in centres for each in self.acts_for(centre)]

    def is_over(self, centre_id: str, unit_id: str) -> bool:
        """Whether a centre stands over a unit: it takes the unit's division in, and is of a higher tier, or of the
        same one with the unit under somebody of that tier and division."""
        centre, unit = self._units.get(centre_id), self._in_time.acting(unit_id)
        if centre is None or unit is None or centre is unit or centre.function != CENTRE:
            return False
        if not self.inside(unit.division, centre_id):
            return False
        if _RANK[centre.tier] < _RANK[unit.tier]:
            return True
        return any((above.tier, above.division) == (centre.tier, centre.division) for above in self._ancestors(unit))

    def _ancestors(self, unit: Unit) -> list[Unit]:
        """The units above a unit, by either of its parents."""
        found: list[Unit] = []
        waiting = [unit.parent, unit.second_parent]
        for name in waiting:
            above = self._units.get(name)
            if above is not None and above is not unit and above not in found:
                found.append(above)
                waiting += (above.parent, above.second_parent)
        return found

    def district_of(self, division: str) -> str:
        """The code of the district that a division lies in; the city's for one that lies in none."""
        return self._districts.get(division, self._root)

    @property
    def city(self) -> Division:
        """The city itself."""
        return self._divisions[self._root]

    def districts(self) -> list[Division]:
        """The city's districts, in the order of the pack."""
        return [division for division in self._divisions.values() if division.tier is Tier.DISTRICT]

    def _upwards(self, division: str) -> list[str]:
        """A division and those it lies in, up to the city."""
        found = [division]
        while len(found) < DEEPEST and self._parent.get(found[-1]):
            found.append(self._parent[found[-1]])
        return found

    def _subtree(self, division: str) -> tuple[str, ...]:
        found = [division]
        for code in found:
            found.extend(child for child in self._children.get(code, ()) if child != division)
        return tuple(found)
