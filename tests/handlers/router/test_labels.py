"""What people decide otherwise than the router becomes labelled rows, once, with who said it, to train a model on."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec

from deploy.model.corrections import learned, read
from deploy.stack.lifecycle import Stack
from schemas.codec import message
from schemas.envelope import Record
from schemas.facts import AssignmentReturned, ClassCorrected, ClassRef, LeadChanged, OrderFact, OrderRouted, Place
from schemas.facts.dispatch.base import AssignmentOffer
from schemas.ids import NAMESPACE, fact_id, uuid5
from schemas.topics import ORDERS_EVENTS
from schemas.vocabulary import AssignmentRole, OrderStatus, Tier
from services.chassis.delivery import Seam
from services.chassis.settings import ServiceSettings
from services.router.handlers import OrdersHandler
from services.router.rules.atlas import Atlas
from tests.handlers.router.test_reports import NOW, manhole, record, seam


def told(atlas: Atlas, facts: list[OrderFact]) -> list[Record]:
    found = []
    for at, fact in enumerate(facts):
        sent = message(
            ORDERS_EVENTS,
            fact,
            id=fact_id(fact.order_id, f"{type(fact).__name__}{fact.seq}"),
            key=str(fact.order_id),
            source="dispatch",
            time=NOW,
        )
        found.append(Record(sent.topic, 0, at, sent.key, sent.value, sent.headers))
    return found


def judged(order_id: UUID, atlas: Atlas) -> list[OrderFact]:
    """One order that three people judge: two classes, a return and another lead."""
    refs: dict[str, ClassRef] = atlas.refs
    place = Place(division="310106021", name="临汾路街道", tier=Tier.STREET)
    offer = AssignmentOffer(
        assignment_id=uuid5(NAMESPACE, "a"), unit="310106021-water", role=AssignmentRole.LEAD, tier=Tier.STREET
    )
    common = {"order_id": order_id, "occurred_at": NOW, "recorded_at": NOW, "status": OrderStatus.HANDLING}
    water, sewer = refs["CJ/T 214-2007/part/0101"], refs["CJ/T 214-2007/part/0102"]
    request = uuid5(NAMESPACE, "r")
    return [
        OrderRouted(
            **common, seq=2, actor="zhang", unit="c1", class_ref=water, place=place, lead="u1", path=(), assignments=()
        ),
        ClassCorrected(**common, seq=3, actor="li", unit="c2", class_ref=sewer, request_id=request),
        ClassCorrected(**common, seq=4, actor="zhang", unit="c1", class_ref=water, request_id=request),
        ClassCorrected(**common, seq=5, actor="wang", unit="c3", class_ref=water, request_id=request),
        AssignmentReturned(
            **common, seq=6, unit="c1", request_id=request, assignment_id=offer.assignment_id, lead="u2", path=()
        ),
        LeadChanged(**common, seq=7, lead="u3", offer=offer, before=offer.assignment_id, path=(), reason="x"),
    ]


async def test_each_judgement_is_a_row_once_and_disagreement_stays(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings, servers: Stack
) -> None:
    await seam(atlas, pool, settings).handle([record(manhole(uuid5(NAMESPACE, "labels")), 1)])
    order_id = await pool.fetchval("SELECT order_id FROM matters")
    landing = Seam(OrdersHandler(), pool, settings)
    records = told(atlas, judged(order_id, atlas))
    await landing.handle(records)
    await landing.handle(list(reversed(records)))
    rows = await pool.fetch("SELECT seq, kind, class_key, lead, unit, actor FROM labels ORDER BY seq")
    assert [(row["seq"], row["kind"]) for row in rows] == [
        (2, "routed"),
        (3, "reclass"),
        (4, "reclass"),
        (5, "reclass"),
        (6, "return"),
        (7, "relead"),
    ]
    assert rows[4]["class_key"] is None and rows[4]["lead"] == "u2"
    found = read(servers.database_url("paidan_router"))
    assert len(found) == 6 and {one.decision for one in found} <= {"propose", "triage"}
    assert all(one.told == "CJ/T 214-2007/part/0103" and "井盖" in one.said for one in found)
    assert all(one.model == atlas.card.version for one in found)
    lesson = learned(found, atlas.keys)
    assert (lesson.orders, lesson.disagreed, lesson.units_only, lesson.unknown) == (1, 1, 2, 0)
    weights = {row.class_key: round(row.weight, 3) for row in lesson.rows}
    assert weights == {"CJ/T 214-2007/part/0101": 0.667, "CJ/T 214-2007/part/0102": 0.333}
    assert len({row.group for row in lesson.rows}) == 1
    assert learned(found, []).unknown == 4 and not learned(found, []).rows


async def test_what_was_said_is_kept_for_people_not_for_sensors(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    report = manhole(uuid5(NAMESPACE, "said"))
    long = msgspec.structs.replace(report, text=report.text + "很危险" * 3_000, received_at=NOW - timedelta(minutes=1))
    await seam(atlas, pool, settings).handle([record(long, 1)])
    said = await pool.fetchval("SELECT said FROM decisions")
    assert len(said) == 2_000 and "井盖" in said
