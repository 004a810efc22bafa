"""Where a number belongs: the district of a division, the tier of a unit, the major of a class, the city's day."""

from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from schemas.city import City
from schemas.standing import districts_of


class Bearings:
    """What dimensions a city's orders and units have. One that knows no city answers "" and counts days in UTC."""

    def __init__(self) -> None:
        self.zone: tzinfo = UTC
        self._districts: dict[str, str] = {}
        self._tiers: dict[str, str] = {}
        self._majors: dict[str, str] = {}

    @classmethod
    def of(cls, city: City) -> "Bearings":
        """The bearings of a city pack, with divisions and units that it had."""
        found = cls()
        found.zone = ZoneInfo(city.timezone)
        found._districts = districts_of(city)
        found._tiers = {unit.unit_id: unit.tier.value for unit in (*city.every_unit, *city.units)}
        found._majors = {item.key: item.major for item in city.classes}
        return found

    def district(self, division: str) -> str:
        """The code of the district that a division lies in; "" for the city's own."""
        return self._districts.get(division, "")

    def tier(self, unit: str) -> str:
        """The tier of a unit; "" for another platform or a unit that the pack never had."""
        return self._tiers.get(unit, "")

    def major(self, class_key: str) -> str:
        """The major of a class; "" for one the pack does not have."""
        return self._majors.get(class_key, "")

    def day(self, at: datetime) -> date:
        """The city's day of a moment."""
        return at.astimezone(self.zone).date()
