"""How many series numbers can have at the very most, in the biggest pack that ships."""

from pathlib import Path

from schemas.city import City
from schemas.vocabulary import FindingKind, OrderStatus, Source, Tier
from services.chassis.city import load
from services.supervision.handlers.exporting import AGES, GROUPS, OF_STREETS, QUANTILES
from services.supervision.rules.kpi import KPIS, Kind


def most(city: City) -> int:
    """Every number of every member of every group that is shown."""
    members = {
        "city": 1,
        "district": 1 + sum(division.tier is Tier.DISTRICT for division in city.divisions),
        "source": len(Source),
        "tier": 1 + len(Tier),
        "major": 1 + len({item.major for item in city.classes}),
    }
    shown = sum(members[group] for groups in GROUPS.values() for group in groups)
    streets = sum(unit.function == "street_office" for unit in city.units) * len(OF_STREETS)
    durations = sum(kpi.kind is Kind.DURATION for kpi in KPIS)
    parts = 2 * (shown * len(KPIS) + streets)
    return parts + shown * durations * len(QUANTILES) + len(OrderStatus) * len(AGES) + 3 * len(FindingKind) + 6


def test_a_city_of_twenty_five_million_has_under_eight_thousand() -> None:
    assert most(load(Path("deploy/cities/shanghai"))) < 8_000


def test_no_label_is_an_order_a_person_or_a_street_with_a_class() -> None:
    assert {group for groups in GROUPS.values() for group in groups} == {"city", "district", "source", "tier", "major"}
