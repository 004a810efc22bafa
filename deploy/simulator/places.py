"""Where things happen: spots in the street-towns of a city pack, and the many ways people name them."""

from bisect import bisect
from collections.abc import Mapping

from msgspec import Struct

from deploy.simulator.grammar import Phrase, Rand, pick, weighted
from deploy.simulator.speech import Speech
from schemas.city import City, Device, Division
from schemas.vocabulary import Tier

__all__ = ["Places", "Spot", "Town"]

# A small town is still heard of now and then: every street-town counts as this many committees more than it has.
_FLOOR = 14
_LOOSE = 0.38
_VILLAGE = 0.55
_SHORT_NAME = 0.15
_JITTER_DEG = 0.004  # about 400 m
_PEOPLED = ("", "residents_committee", "villagers_committee")
_OFFICES = ("居民委员会", "村民委员会", "居委会", "村委会", "社区")
_LOOKS_LIKE_ESTATE = tuple("苑园里坊城庭村庐邸湾轩墅府阁都园区")


class Town(Struct, frozen=True, eq=False):
    """One street-town with what lies in it. `roads` run there as far as the pack knows, else in its district."""

    division: Division
    district: Division
    committees: tuple[Division, ...]
    estates: tuple[str, ...]
    roads: tuple[str, ...]
    rural: bool


class Spot(Struct, frozen=True, eq=False):
    """One place, the same however it is named. `lon`, `lat` are WGS-84 degrees, None where the pack knows no point."""

    town: Town
    blanks: Mapping[str, str]
    village: bool
    lon: float | None
    lat: float | None


class Places:
    """Picks spots, busy street-towns more often, and names them."""

    def __init__(self, city: City, speech: Speech) -> None:
        self.towns = _towns(city, speech)
        self.districts = tuple({town.district.code: town.district for town in self.towns}.values())
        self._by_code = {town.division.code: town for town in self.towns}
        self._sums = weighted([_FLOOR + len(town.committees) for town in self.towns])
        self._tall = weighted([_FLOOR + len(town.committees) if town.division.lon else 0.0 for town in self.towns])
        self._city = city.title if speech.language == "zh" else city.title_en
        phrases = speech.phrases
        self._precise = phrases["places.precise"]
        self._loose = phrases["places.loose"]
        self._village = phrases["places.village"] or self._precise

    def spot(self, rand: Rand, *, with_point: bool = False) -> Spot:
        """A spot somewhere in the city; `with_point` asks for one whose coordinates are known, where there is any."""
        town = self.towns[bisect(self._tall if with_point else self._sums, rand())]
        return self.spot_in(town, rand)

    def spot_of(self, device: Device, rand: Rand) -> Spot | None:
        """A spot beside a device; None when it stands outside all street-towns."""
        town = self._by_code.get(device.division) or self._by_code.get(device.division[:9])
        if town is None:
            return None
        return self.spot_in(town, rand, device.lon, device.lat)

    def spot_in(self, town: Town, rand: Rand, lon: float | None = None, lat: float | None = None) -> Spot:
        """A spot in a street-town, near a point if one is given."""
        near = pick(town.committees, rand) if town.committees else None
        if lon is None or lat is None:
            known = near if near is not None and near.lon is not None else town.division
            lon, lat = known.lon, known.lat
        if lon is not None and lat is not None:
            lon = round(lon + (rand() - 0.5) * _JITTER_DEG, 6)
            lat = round(lat + (rand() - 0.5) * _JITTER_DEG, 6)
        road = pick(town.roads, rand)
        other = pick(town.roads, rand)
        blanks = {
            "city": self._city,
            "district": town.district.name,
            "street": town.division.name,
            "committee": near.name if near else town.division.name,
            "estate": _estate(near.name) if near else pick(town.estates, rand),
            "road": road,
            "other": other if other != road else town.roads[0] if town.roads[0] != road else town.roads[-1],
            "lane": str(1 + int(rand() * rand() * 2400)),
            "number": str(1 + int(rand() * rand() * 900)),
            "room": f"{1 + int(rand() * 18)}0{1 + int(rand() * 4)}",
        }
        return Spot(town, blanks, bool(near and near.kind == "villagers_committee"), lon, lat)

    def name(self, spot: Spot, rand: Rand) -> str:
        """One way to name the spot."""
        blanks = spot.blanks
        if rand() < _SHORT_NAME:
            blanks = {**blanks, **_shortened(spot.town, rand)}
        return self._shape(spot, rand).say(rand, blanks)

    def misnamed(self, spot: Spot, rand: Rand) -> tuple[str, str]:
        """The spot named with a district it does not lie in: the name, and that district."""
        wrong = pick(self.districts, rand)
        if wrong.code == spot.town.district.code and len(self.districts) > 1:
            wrong = self.districts[self.districts.index(wrong) - 1]
        return pick(self._loose, rand).say(rand, {**spot.blanks, "district": wrong.name}), wrong.name

    def _shape(self, spot: Spot, rand: Rand) -> Phrase:
        if spot.village and rand() < _VILLAGE:
            return pick(self._village, rand)
        return pick(self._loose if rand() < _LOOSE else self._precise, rand)


def _towns(city: City, speech: Speech) -> tuple[Town, ...]:
    """The street-towns; in a city without that tier, its lowest tier below the city."""
    by_code = {division.code: division for division in city.divisions}
    below: dict[str, list[Division]] = {}
    for division in city.divisions:
        below.setdefault(division.parent, []).append(division)
    streets = [d for d in city.divisions if d.tier is Tier.STREET and d.valid_to is None]
    if not streets:
        streets = [d for d in city.divisions if d.code != city.root and d.code not in below and d.valid_to is None]
    through: dict[str, list[str]] = {}
    for landmark in city.landmarks:
        if landmark.kind == "road" and not landmark.numbers:
            through.setdefault(landmark.division, []).append(landmark.name)
    everywhere = tuple(dict.fromkeys(name for names in speech.roads.values() for name in names)) or speech.lists["road"]
    found = []
    for street in streets:
        district = by_code.get(street.parent, street)
        if district.code == city.root:
            district = street
        roads = through.get(street.code, [])
        committees = tuple(d for d in below.get(street.code, ()) if d.tier is Tier.COMMITTEE and d.kind in _PEOPLED)
        found.append(
            Town(
                division=street,
                district=district,
                committees=committees,
                estates=tuple(_estate(c.name) for c in committees) or (street.name,),
                roads=_roads(roads) if through else speech.roads.get(district.code, everywhere),
                rural=any(c.kind == "villagers_committee" for c in committees),
            )
        )
    return tuple(found)


def _roads(known: list[str]) -> tuple[str, ...]:
    """The roads of a street-town; where the pack knows fewer than two, others that tell nothing."""
    return tuple(known) if len(known) > 1 else (*known, "园区内环路", "园区横一路")


def _estate(name: str) -> str:
    """The housing estate after which a committee is named."""
    for office in _OFFICES:
        name = name.removesuffix(office)
    return name if name.endswith(_LOOKS_LIKE_ESTATE) or name.isascii() else f"{name}小区"


def _shortened(town: Town, rand: Rand) -> dict[str, str]:
    """The district and street as people say them in passing."""
    district = town.district.name
    short = {"district": district.removesuffix("新区").removesuffix("区") if len(district) > 2 else district}
    if town.division.aliases:
        short["street"] = pick(town.division.aliases, rand)
    return short
