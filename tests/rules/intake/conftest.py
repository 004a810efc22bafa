"""A small city: two devices, two danger words, two 110 classes, one class."""

import pytest

from schemas.city import City, ClassItem, Danger, Device, Division, PoliceClass, Policy, ScreenRule, Thresholds
from schemas.vocabulary import ClassKind, Tier, Urgency
from services.intake.rules.register import Register


@pytest.fixture(scope="session")
def city() -> City:
    """The city of these tests; its bounds are those of a real one."""
    return City(
        name="toy",
        title="玩具城",
        title_en="Toy",
        timezone="Asia/Shanghai",
        version="1",
        bounds=(120.8, 30.6, 122.3, 31.95),
        root="C",
        divisions=(Division("C", "市", "", Tier.CITY),),
        units=(),
        classes=(ClassItem("T", ClassKind.PART, "0101", "井盖", "Manhole", "设施"),),
        dangers=(
            Danger("着火", "fire", ("119",)),
            Danger("Gas Leak", "gas", ("119",)),
            Danger("冒烟", "fire", ("119",), near=("电表箱",)),
        ),
        police_classes=(PoliceClass("P1", "火警", ("119",)), PoliceClass("P2", "噪音扰民")),
        screens=(
            ScreenRule("water_level", "m", 0, 5, high=0.3, urgency=Urgency.CRITICAL, scene="underpass"),
            ScreenRule("elder_meter", "m³", 0, 1000, low=0.01, high=2),
        ),
        devices=(Device("W1", "water_level", "C"), Device("M1", "elder_meter", "C"), Device("X1", "unscreened", "C")),
        rules=(),
        rulebook_version="1",
        policy=Policy("1", ()),
        calendars=(),
        thresholds=Thresholds(),
    )


@pytest.fixture(scope="session")
def register(city: City) -> Register:
    """Its register."""
    return Register(city)
