"""A small city: four units, four divisions, one calendar, and a policy in minutes, so that a story fits in a day."""

from datetime import UTC, datetime, time

from schemas.city import CalendarData, City, ClassItem, Division, Limit, Policy, Thresholds, Unit, WorkingHours
from schemas.vocabulary import ClassKind, LimitUnit, Stage, Tier, Urgency
from services.supervision.rules.ladder import Ladder
from services.supervision.rules.stages import Promises

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Shanghai


def _limit(stage: Stage, minutes: float, **given: object) -> Limit:
    name = str(given.pop("limit_id", stage.value))
    return Limit(limit_id=name, stage=stage, amount=minutes, unit=LimitUnit.MINUTE, **given)  # type: ignore[arg-type]


CITY = City(
    name="toy",
    title="玩具城",
    title_en="Toy",
    timezone="Asia/Shanghai",
    version="1",
    bounds=(120.0, 30.0, 122.0, 32.0),
    root="C",
    divisions=(
        Division("C", "市", "", Tier.CITY),
        Division("D", "区", "C", Tier.DISTRICT),
        Division("D1", "甲街道", "D", Tier.STREET),
        Division("D2", "乙街道", "D", Tier.STREET),
    ),
    units=(
        Unit("centre-city", "市中心", Tier.CITY, "centre", "C"),
        Unit("centre-district", "区中心", Tier.DISTRICT, "centre", "D"),
        Unit("street-a", "甲街道办", Tier.STREET, "street_office", "D1"),
        Unit("street-b", "乙街道办", Tier.STREET, "street_office", "D2"),
    ),
    classes=(
        ClassItem("T", ClassKind.PART, "0101", "井盖", "Manhole", "设施"),
        ClassItem("T", ClassKind.EVENT, "0201", "噪音", "Noise", "环境"),
    ),
    dangers=(),
    police_classes=(),
    screens=(),
    devices=(),
    rules=(),
    rulebook_version="1",
    policy=Policy(
        "1",
        (
            _limit(Stage.TRIAGE, 20),
            _limit(Stage.DECIDE, 20),
            _limit(Stage.ACCEPT, 5, limit_id="accept-critical", urgencies=(Urgency.CRITICAL,)),
            _limit(Stage.ACCEPT, 10, limit_id="accept-urgent", urgencies=(Urgency.URGENT,)),
            _limit(Stage.ACCEPT, 30),
            _limit(Stage.CONTACT, 60),
            _limit(Stage.HANDLE, 240, limit_id="handle-noise", classes=("T/event/0201",)),
            _limit(Stage.HANDLE, 120),
            _limit(Stage.SIGN, 3),
            _limit(Stage.ANSWER, 120),
            _limit(Stage.VERIFY, 60),
            _limit(Stage.CALLBACK, 90),
            _limit(Stage.TOTAL, 600, limit_id="total-noise", classes=("T/event/0201",)),
            _limit(Stage.TOTAL, 480),
        ),
    ),
    calendars=(
        CalendarData(
            name="toy",
            version="1",
            timezone="Asia/Shanghai",
            holidays=frozenset(),
            makeup_workdays=frozenset(),
            years=frozenset(range(2020, 2031)),
            hours=WorkingHours("office", ((time(9), time(18)),)),
        ),
    ),
    thresholds=Thresholds(),
)
PROMISES = Promises.of(CITY)
LADDER = Ladder(PROMISES.newest.terms)
