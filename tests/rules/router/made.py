"""Reports and a small town, made by hand."""

from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID, uuid5

from schemas.city import City, ClassItem, Danger, Device, Division, DutyRule, Policy, ScreenRule, Thresholds, Unit
from schemas.facts import ReportReceived
from schemas.vocabulary import ClassKind, Source, TicketType, Tier, Urgency

NOW = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai, a Thursday
_SPACE = UUID("00000000-0000-5000-8000-000000000001")


def report(text: str = "", source: Source = Source.HOTLINE, number: int = 1, **more: Any) -> ReportReceived:
    """A report numbered so that two calls give two ids only where asked to."""
    more.setdefault("received_at", NOW)
    return ReportReceived(source=source, text=text, report_id=uuid5(_SPACE, f"{number}\x1f{text}"), **more)


def square(west: float, south: float, east: float, north: float) -> tuple[tuple[tuple[float, float], ...], ...]:
    return (((west, south), (east, south), (east, north), (west, north), (west, south)),)


def rule(rule_id: str, lead: str = "office", **more: Any) -> DutyRule:
    more.setdefault("line", int("".join(c for c in rule_id if c.isdigit()) or 0))
    return DutyRule(rule_id=rule_id, lead=lead, **more)


DIVISIONS = (
    Division("1", "镇海市", "", Tier.CITY),
    Division("110000", "东区", "1", Tier.DISTRICT),
    Division("120000", "西区", "1", Tier.DISTRICT),
    Division("110001", "长桥街道", "110000", Tier.STREET, lon=121.02, lat=31.05),
    Division("110002", "梅园镇", "110000", Tier.STREET, lon=121.08, lat=31.05),
    Division("120001", "柳林街道", "120000", Tier.STREET, lon=121.15, lat=31.05),
    Division("110001001", "桥东居委会", "110001", Tier.COMMITTEE, lon=121.03, lat=31.05),
    Division("110002001", "梅东居委会", "110002", Tier.COMMITTEE, lon=121.07, lat=31.06),
)


def _unit(function: str, division: Division) -> Unit:
    return Unit(f"{division.code}-{function}", f"{division.name}{function}", division.tier, function, division.code)


UNITS = (
    *(_unit("centre", one) for one in DIVISIONS if one.tier in (Tier.CITY, Tier.DISTRICT)),
    *(_unit("office", one) for one in DIVISIONS if one.tier is Tier.STREET),
    *(_unit("centre", one) for one in DIVISIONS if one.tier is Tier.STREET),
    *(_unit("water", one) for one in DIVISIONS if one.tier is Tier.DISTRICT),
    *(_unit("committee", one) for one in DIVISIONS if one.tier is Tier.COMMITTEE),
    Unit("1-duty_desk", "市总值班室", Tier.CITY, "duty_desk", "1"),
)

CLASSES = (
    ClassItem("T", ClassKind.PART, "01", "井盖", "Manhole cover", "设施", ("井盖", "窨井盖", "井盖缺失")),
    ClassItem("T", ClassKind.PART, "02", "路灯", "Street light", "设施", ("路灯", "路灯不亮"), ("路灯广告",)),
    ClassItem("T", ClassKind.EVENT, "01", "垃圾", "Rubbish", "环境", ("垃圾", "暴露垃圾"), ("垃圾桶损坏", "垃圾费")),
    ClassItem("T", ClassKind.EVENT, "02", "噪音", "Noise", "环境", ("噪音", "噪声", "太吵")),
    ClassItem("T", ClassKind.EVENT, "03", "施工噪音", "Construction noise", "环境", ("施工噪音", "夜间施工")),
    ClassItem("T", ClassKind.EVENT, "09", "设备故障", "Device fault", "设备"),
)

SCREENS = (
    ScreenRule(
        "level", "cm", 0.0, 500.0, high=15.0, clear_high=5.0, confirm=2, confirm_clear=2, silent_after_s=600.0,
        scene="flood", class_key="T/event/01", fault_class_key="T/event/09", urgency=Urgency.CRITICAL,
        text="{place}水位{value}{unit}({device})",
    ),
    ScreenRule(
        "meter", "m3", 0.0, 50.0, low=0.01, high=2.0, silent_after_s=129_600.0, scene="elder",
        class_key="T/event/02", fault_class_key="T/event/09", urgency=Urgency.URGENT,
        text="{place}一日用水{value}{unit}",
    ),
)  # fmt: skip

DEVICES = (
    Device("WL-1", "level", "110001001", "桥下", 121.03, 31.05, "GW-1", "underpass-1"),
    Device("WL-2", "level", "110002001", "梅园", 121.07, 31.06, "GW-1", "underpass-2"),
    Device("WM-1", "meter", "110001001", "独居", gateway="GW-2"),
)


def town(*rules: DutyRule, **more: Any) -> City:
    """A town of two districts side by side: east of 121.1 the west one, as it happens."""
    fields: dict[str, Any] = {
        "name": "town", "title": "镇海市", "title_en": "Town", "timezone": "Asia/Shanghai", "version": "1",
        "bounds": (120.9, 30.9, 121.3, 31.2), "root": "1", "divisions": DIVISIONS, "units": UNITS, "classes": CLASSES,
        "dangers": (Danger("起火", "fire", ("119",)),), "police_classes": (), "screens": SCREENS, "devices": DEVICES,
        "rules": rules or (rule("r0", "office"),), "rulebook_version": "r1", "policy": Policy("p1", ()),
        "calendars": (), "thresholds": Thresholds(), "negations": ("没有", "无", "未"),
        "polygons": (("110000", square(121.0, 31.0, 121.1, 31.1)), ("120000", square(121.1, 31.0, 121.2, 31.1))),
    }  # fmt: skip
    return City(**(fields | more))


NIGHT = (time(22, 0), time(6, 0))
COMPLAINT, INFORMANT = TicketType.COMPLAINT, TicketType.INFORMANT
