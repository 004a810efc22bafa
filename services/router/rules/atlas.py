"""A city pack, compiled once for the router's questions: which area, which unit, which class, which words."""

import re
from copy import copy
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from schemas.city import (
    Capacity,
    City,
    ClassItem,
    Delegation,
    Device,
    Division,
    DutyRule,
    OneStopItem,
    PoliceClass,
    ResourceKind,
    ScreenRule,
    Unit,
)
from schemas.facts import ClassRef, Place
from schemas.model import ModelCard
from schemas.rosters import Rosters
from schemas.standing import Units, retired_codes
from schemas.vocabulary import Tier
from services.router.rules.accused import UnitNames
from services.router.rules.ground import Ground
from services.router.rules.lexicon import Hits, Lexicon, Name
from services.router.rules.model import Model, Scored
from services.router.rules.nearly import Nearly
from services.router.rules.reasons import Term
from services.router.rules.rulebook import Rulebook
from services.router.rules.text import plain

RANKS: dict[Tier, int] = {tier: rank for rank, tier in enumerate(Tier)}
CENTRES = ("centre", "street_office", "committee")  # who speaks for a division, in this order
DESK = ("duty_desk", "centre")  # who takes what nobody else may, city-wide, in this order
_CACHE = 100_000
_FILLERS = (
    "发生|出现|任何|闻到|看到|听到|看见|发现|造成|导致|人员|人|有|什么|明显|再|被|存在|是|过|该|携带|其他|老人|居民|群众|一点|扬言|要|想|说要|"
    "any |anyone |anybody |is |there is |there was |seen |a "
)


class Atlas:
    """The compiled index of one city under one rulebook. Built once, then only read; what it remembers are answers to
    questions asked before."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.zone = ZoneInfo(city.timezone)
        self.thresholds = city.thresholds
        self.divisions: dict[str, Division] = {division.code: division for division in city.divisions}
        self.codes: dict[str, str] = retired_codes(city)
        self.lineage: dict[str, tuple[str, ...]] = {code: self._lineage(code) for code in self.divisions}
        self._districts = {code: self._above(code, Tier.DISTRICT) for code in self.divisions}
        self._streets = {code: self._above(code, Tier.STREET) for code in self.divisions}
        self.units: dict[str, Unit] = {unit.unit_id: unit for unit in city.units}
        self.classes: dict[str, ClassItem] = {item.key: item for item in city.classes}
        self.keys: tuple[str, ...] = tuple(item.key for item in city.classes)  # by the class numbers of the lexicon
        self.numbers: dict[str, int] = {key: number for number, key in enumerate(self.keys)}
        self.refs: dict[str, ClassRef] = {item.key: _ref(item) for item in city.classes}
        self.police: dict[str, PoliceClass] = {item.code: item for item in city.police_classes}
        self.one_stop: dict[str, OneStopItem] = {item.code: item for item in city.one_stop}
        self.devices: dict[str, Device] = {device.device_id: device for device in city.devices}
        self.gateways: dict[str, tuple[str, ...]] = _by_gateway(city)
        self.screens: dict[str, ScreenRule] = {screen.kind: screen for screen in city.screens}
        self.platforms: dict[str, Unit] = {u.phone: u for u in city.units if u.phone and u.division == city.root}
        self._seats: dict[tuple[str, str], Unit] = {}
        for unit in city.units:
            seat = self._seats.get((unit.function, unit.division))
            if seat is None or _depth(unit) > _depth(seat):
                self._seats[unit.function, unit.division] = unit
        self.resource_kinds: dict[str, ResourceKind] = {kind.kind: kind for kind in city.resource_kinds}
        self.delegations: dict[str, list[Delegation]] = {}
        for entrusted in city.delegations:
            self.delegations.setdefault(entrusted.unit, []).append(entrusted)
        self._capacities: dict[str, tuple[Capacity, ...]] = {}
        self._found: dict[tuple[str, str], Unit | None] = {}
        self.organisation = Units(city)
        self.unit_names = UnitNames(city, self.organisation)
        self.rosters = Rosters(city)
        self.kept: frozenset[str] = frozenset(self.rosters.units)  # the units that keep a duty roster
        self.rulebook = self._compiled(city.rules, city.rulebook_version)
        self.lexicon = Lexicon(city)
        self.nearly = Nearly(city)
        self.ground = self._survey()
        self.model = Model.of(city.model) if city.model else None
        self.columns = self._columns(self.model)
        self.fault_classes = frozenset(screen.fault_class_key for screen in city.screens if screen.fault_class_key)
        listed = set(city.warnings.severe)
        self.severe = frozenset(i.key for i in city.classes if i.key in listed or f"major:{i.major}" in listed)
        self.vulnerable: re.Pattern[str] | None = _any_of(city.warnings.vulnerable)
        self.negated: re.Pattern[str] | None = _negated(city.negations)

    @classmethod
    def of(cls, city: City) -> "Atlas":
        """The compiled index of a city."""
        return cls(city)

    def under(self, rules: tuple[DutyRule, ...], version: str) -> "Atlas":
        """The same city under another rulebook; everything else is shared."""
        other = copy(self)
        other.city = structs.replace(self.city, rules=rules, rulebook_version=version)
        other.rulebook = self._compiled(rules, version)
        return other

    @property
    def model_version(self) -> str:
        """The version of the trained model; "" without one."""
        return self.model.card.version if self.model else ""

    def reading(self, model: Model) -> "Atlas":
        """The same city, whose texts another model reads."""
        other = copy(self)
        other.model = model
        other.columns = self._columns(model)
        return other

    def _columns(self, model: Model | None) -> NDArray[np.intp] | None:
        """By class number its column in a model; one beyond the last for a class that the model does not tell. None
        where the numbers are the columns."""
        told = model.card.classes if model else ()
        if told == self.keys:
            return None
        places = {key: place for place, key in enumerate(told)}
        return np.array([places.get(key, len(told)) for key in self.keys], dtype=np.intp)

    def _compiled(self, rules: tuple[DutyRule, ...], version: str) -> Rulebook:
        depths = {code: RANKS[division.tier] for code, division in self.divisions.items()}
        return Rulebook(rules, version, self.lineage, depths, self.classes)

    def _survey(self) -> Ground:
        points: dict[str, list[tuple[str, float, float]]] = {}
        for division in self.city.divisions:
            street = self.street_of(division.code)
            if street and division.lon is not None and division.lat is not None:
                for area in self.lineage[street]:
                    points.setdefault(area, []).append((street, division.lon, division.lat))
        return Ground(
            self.city.polygons,
            {area: tuple(rows) for area, rows in points.items()},
            {code: RANKS[division.tier] for code, division in self.divisions.items()},
            self.city.bounds,
            self.thresholds.border_m,
        )

    def _lineage(self, code: str) -> tuple[str, ...]:
        """A division and those above it, lowest first."""
        line = [code]
        while (parent := self.divisions[line[-1]].parent) in self.divisions and parent not in line:
            line.append(parent)
        return tuple(line)

    @property
    def card(self) -> ModelCard:
        """The card of the trained model. Raises LookupError without one."""
        if self.model is None:
            raise LookupError(f"city {self.city.name} has no trained model")
        return self.model.card

    def spread(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores by the model's columns as scores by class number; what the model does not tell gets its least."""
        if self.columns is None:
            return scores
        found: NDArray[np.float32] = np.append(scores, scores.min())[self.columns]
        return found

    def terms(self, text: str, scored: Scored, number: int) -> tuple[Term, ...]:
        """The parts of a text by which the model told the class of this number."""
        column = number if self.columns is None else int(self.columns[number])
        if self.model is None or column == len(self.model.card.classes):
            return ()
        return self.model.terms(text, scored, column)

    def read(self, text: str) -> Hits:
        """All words of the city in a plain text."""
        return self.lexicon.read(text)

    def named(self, text: str) -> tuple[Name, ...]:
        """The divisions that a caller's word (a name or a code) may mean."""
        word = text.strip()
        code = self.codes.get(word, word)
        if code in self.divisions:
            return (Name(code, self.divisions[code].tier, 1.0),)
        return self.lexicon.names_of(plain(word))

    def rank_of(self, code: str) -> int:
        """Depth of a division: 0 city, 1 district, 2 street, 3 sub-area, 4 committee."""
        return RANKS[self.divisions[code].tier]

    def district_of(self, code: str) -> str:
        """The district that a division is or lies in; "" for the city itself and unknown codes."""
        return self._districts.get(code, "")

    def street_of(self, code: str) -> str:
        """The street-town that a division is or lies in; "" above that tier and for unknown codes."""
        return self._streets.get(code, "")

    def _above(self, code: str, tier: Tier) -> str:
        return next((one for one in self.lineage[code] if self.divisions[one].tier is tier), "")

    def covers(self, area: str, code: str) -> bool:
        """Whether a division is an area or lies in it. The empty area covers everything."""
        return not area or area in self.lineage.get(code, ())

    def inside(self, area: str) -> tuple[str, ...]:
        """The division itself and all that lie in it."""
        return tuple(code for code, line in self.lineage.items() if area in line)

    def unit_for(self, function: str, division: str) -> Unit | None:
        """The unit of a function that covers a division, lowest tier first; `unit:ID` names one outright, or whoever
        took its work over."""
        key = (function, division)
        if key not in self._found:
            if len(self._found) > _CACHE:
                self._found.clear()
            self._found[key] = self._look(function, division)
        return self._found[key]

    def _look(self, function: str, division: str) -> Unit | None:
        if function.startswith("unit:"):
            return self.organisation.acting(function[5:])
        for area in self.lineage.get(division, (self.city.root,)):
            if unit := self._seats.get((function, area)):
                return unit
        return None

    def centre_of(self, division: str) -> Unit | None:
        """The unit that speaks for exactly this division; None if it has none."""
        for function in CENTRES:
            if unit := self._seats.get((function, division)):
                return unit
        return None

    def capacities_of(self, unit: Unit) -> tuple[Capacity, ...]:
        """The rows that say when a unit can take work."""
        if not self.city.capacities:
            return ()
        known = self._capacities.get(unit.unit_id)
        if known is None:
            known = self._capacities[unit.unit_id] = tuple(
                row
                for row in self.city.capacities
                if (unit.unit_id in row.units or unit.function in row.functions)
                and (not row.areas or any(self.covers(area, unit.division) for area in row.areas))
            )
        return known

    def is_limited(self, unit_id: str) -> bool:
        """Whether a unit has a limit of open parts, so that they are counted."""
        unit = self.units.get(unit_id)
        return unit is not None and any(row.most for row in self.capacities_of(unit))

    def desk(self) -> Unit:
        """The unit of the whole city that takes what nobody else may. Raises LookupError if the city has none."""
        for function in DESK:
            if unit := self._seats.get((function, self.city.root)):
                return unit
        raise LookupError(f"city {self.city.name} has neither a duty desk nor a centre")

    def place(self, code: str, confidence: float) -> Place:
        """The place that a division is, without a point."""
        division = self.divisions[code]
        return Place(division=code, name=division.name, tier=division.tier, confidence=confidence)

    def police_class(self, code: str) -> PoliceClass | None:
        """A 110 class by its code, or the nearest class above it (two digits a level, zeros below)."""
        for kept in (len(code), 4, 2):
            if found := self.police.get(code[:kept].ljust(len(code), "0")):
                return found
        return None

    def one_stop_item(self, code: str) -> OneStopItem | None:
        """What the city's list says of a government service: the row with the longest beginning of its code."""
        found = (item for kept in range(len(code), 0, -1) if (item := self.one_stop.get(code[:kept])))
        return next(found, None)


def _by_gateway(city: City) -> dict[str, tuple[str, ...]]:
    """The registered devices of each gateway."""
    found: dict[str, list[str]] = {}
    for device in city.devices:
        if device.gateway:
            found.setdefault(device.gateway, []).append(device.device_id)
    return {gateway: tuple(devices) for gateway, devices in found.items()}


def _depth(unit: Unit) -> int:
    return RANKS[unit.tier]


def _negated(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """Matches the text before a word if it ends in a negation, at most two fillers away. 有没有 asks and 不是没有
    affirms: neither negates."""
    if not words:
        return None
    any_word = "|".join(sorted((re.escape(plain(word)) for word in words), key=lambda word: -len(word)))
    return re.compile(rf"(?<!有)(?<!不是)(?<!并非)(?:{any_word})\s?(?:{_FILLERS}){{0,2}}$")


def _any_of(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """Matches where one of the words stands."""
    return re.compile("|".join(sorted((re.escape(plain(w)) for w in words), key=len, reverse=True))) if words else None


def _ref(item: ClassItem) -> ClassRef:
    return ClassRef(standard=item.standard, kind=item.kind, code=item.code, name=item.name)
