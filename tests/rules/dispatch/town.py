"""A town for dispatch: one district, two streets, a few units; and the router's facts about reports there."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from schemas.city import CalendarData, City, ClassItem, Division, Policy, Shift, Thresholds, Unit, WorkingHours
from schemas.codec import encode
from schemas.envelope import Outgoing, Record, headers_of
from schemas.facts import (
    Alarm,
    Candidate,
    ClassRef,
    Hop,
    OrderProposed,
    Place,
    Plan,
    Reporter,
    ReportLinked,
    ReportReceived,
    TriageRequested,
)
from schemas.ids import fact_id, order_id_of, report_id_of
from schemas.topics import ROUTING_NORMAL
from schemas.vocabulary import ClassKind, Source, Tier, Urgency, Verification
from services.dispatch.rules.directory import Directory

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MANHOLE = ClassRef(standard="GB/T 47678.5", kind=ClassKind.PART, code="01001", name="井盖")
RUBBISH = ClassRef(standard="GB/T 47678.5", kind=ClassKind.EVENT, code="06010", name="暴露垃圾")
_numbers = count(1)

DIVISIONS = (
    Division("C", "城", "", Tier.CITY),
    Division("D1", "东区", "C", Tier.DISTRICT),
    Division("D2", "西区", "C", Tier.DISTRICT),
    Division("S1", "桥头街道", "D1", Tier.STREET),
    Division("S2", "河边街道", "D1", Tier.STREET),
    Division("K1", "一村居委", "S1", Tier.COMMITTEE),
)
UNITS = (
    Unit("city", "市城运中心", Tier.CITY, "centre", "C"),
    Unit("d1", "东区城运中心", Tier.DISTRICT, "centre", "D1", "city"),
    Unit("d2", "西区城运中心", Tier.DISTRICT, "centre", "D2", "city"),
    Unit("s1", "桥头城运中心", Tier.STREET, "centre", "S1", "d1"),
    Unit("s2", "河边城运中心", Tier.STREET, "centre", "S2", "d1"),
    Unit("s1-road", "桥头市政", Tier.STREET, "road", "S1", "s1"),
    Unit("s1-clean", "桥头环卫", Tier.STREET, "cleaning", "S1", "s1"),
    Unit("k1", "一村居委会", Tier.COMMITTEE, "committee", "K1", "s1"),
    Unit("d1-police", "东区公安分局", Tier.DISTRICT, "police", "D1", "d1"),
    Unit("s1-police", "东区第三派出所", Tier.STREET, "police", "S1", "d1-police", second_parent="s1"),
    Unit("road-crew", "市政养护班", Tier.COMMITTEE, "crew", "S1", "s1-road", second_parent="k1"),
    Unit("clean-crew", "环卫班", Tier.COMMITTEE, "crew", "S1", "s1-clean"),
    Unit("patcher", "补坑组", Tier.COMMITTEE, "crew", "S1", "road-crew"),
    Unit("police", "市公安局110", Tier.CITY, "police", "C", "city"),
    Unit("hotline", "市12345热线", Tier.CITY, "hotline", "C", "city"),
    Unit("volunteer", "老伙伴", Tier.COMMITTEE, "volunteer", "K1", "k1"),
)
CLASSES = tuple(ClassItem(ref.standard, ref.kind, ref.code, ref.name, ref.name, "设施") for ref in (MANHOLE, RUBBISH))
ALWAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ROSTERS = (
    Shift("s1-road", ALWAYS, time(0), time(0), "周平", "吴安", "55550101", "钥匙在值班室"),
    Shift("d1", ALWAYS, time(0), time(0), "郑和", "", "55550102"),
    Shift("s2", ("2026-01-01",), time(8), time(20), "冯一", "", "55550103"),
)
CITY = City(
    name="town",
    title="城",
    title_en="Town",
    timezone="Asia/Shanghai",
    version="1",
    bounds=(0, 0, 1, 1),
    root="C",
    divisions=DIVISIONS,
    units=UNITS,
    classes=CLASSES,
    dangers=(),
    police_classes=(),
    screens=(),
    devices=(),
    rosters=ROSTERS,
    rules=(),
    rulebook_version="1",
    policy=Policy("1", ()),
    calendars=(
        CalendarData(
            "town", "1", "Asia/Shanghai", frozenset[date](), frozenset[date](), frozenset[int](), WorkingHours("o", ())
        ),
    ),
    thresholds=Thresholds(),
)
DIRECTORY = Directory(CITY)


def a_report(
    name: str | None = None,
    *,
    source: Source = Source.HOTLINE,
    received_at: datetime = T0,
    text: str = "井盖破损",
    reporter: Reporter | None = None,
    alarm: Alarm | None = None,
    imported: bool = False,
) -> ReportReceived:
    """A report; the same name is the same report."""
    id_ = report_id_of(source, name or f"auto-{next(_numbers)}")
    return ReportReceived(
        source=source,
        received_at=received_at,
        report_id=id_,
        text=text,
        address="桥头路 1 号",
        reporter=reporter,
        alarm=alarm,
        imported=imported,
    )


def a_plan(
    lead: str = "s1-road",
    *assists: str,
    verification: Verification = Verification.CALL,
    urgency: Urgency = Urgency.NORMAL,
    together: bool = False,
    division: str = "S1",
) -> Plan:
    """A plan for a manhole in the first street, or in another."""
    hops = (Hop(tier=Tier.STREET, unit="s2" if division == "S2" else "s1", at=T0, by="R1"),)
    return Plan(
        class_ref=MANHOLE,
        place=Place(division=division, name="桥头街道", tier=Tier.STREET, lon=121.4, lat=31.2),
        urgency=urgency,
        lead=lead,
        assists=assists,
        path=hops,
        together=together,
        verification=verification,
        rule="R1",
    )


def proposed(report: ReportReceived | None = None, plan: Plan | None = None) -> OrderProposed:
    """A new order for a report."""
    report = report or a_report()
    assert report.report_id is not None
    return OrderProposed(order_id=order_id_of(report.report_id), report=report, plan=plan or a_plan())


def linked(order_id: UUID, report: ReportReceived | None = None, plan: Plan | None = None) -> ReportLinked:
    """A report about an order's matter."""
    return ReportLinked(order_id=order_id, report=report or a_report(), plan=plan or a_plan(), why="same place")


def in_triage(report: ReportReceived | None = None, lead: str = "s1") -> TriageRequested:
    """A report that a person shall decide."""
    report = report or a_report()
    assert report.report_id is not None
    return TriageRequested(
        order_id=order_id_of(report.report_id),
        report=report,
        plan=a_plan(lead),
        candidates=(Candidate(value="s1-road", score=0.6), Candidate(value="s1-clean", score=0.4)),
        why="two units alike",
    )


def record(fact: Struct, *, id: UUID | None = None, topic: str = ROUTING_NORMAL.name, offset: int = 0) -> Record:
    """A fact as Kafka holds it; without an id of its own, what it says is its id."""
    body = encode(fact)
    id_ = id or fact_id(UUID(int=0), type(fact).__name__ + body.hex())
    headers = headers_of(id=id_, kind=type(fact).__name__, source="router", subject="", time=T0)
    return Record(topic, 0, offset, b"", body, headers, int(T0.timestamp() * 1000))


_unpack = msgspec.msgpack.Decoder(tuple[Outgoing, ...]).decode


async def announced(pool: Any, topic: str = "orders.events") -> list[dict[str, Any]]:
    """What stands in the outbox for a topic, in the order it will leave."""
    rows = await pool.fetch("SELECT payload FROM outbox ORDER BY urgent DESC, n")
    found = []
    for row in rows:
        for out in _unpack(row["payload"]):
            if out.topic == topic:
                headers = dict(out.headers)
                kind = headers.get("ce_type", b"").decode().rsplit(".", 1)[-1]
                found.append({"type": kind, "ce_id": headers.get("ce_id"), **msgspec.json.decode(out.value)})
    return found


def minutes(n: float) -> datetime:
    """That many minutes after T0."""
    return T0 + timedelta(minutes=n)
