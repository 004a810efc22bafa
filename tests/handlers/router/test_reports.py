"""Reports through the router's seam: decided once, merged under locks, refused when an id is used twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import msgspec

from deploy.stack.processes import city_folder
from schemas.codec import decode, message
from schemas.envelope import Outgoing, Record
from schemas.facts import MergeProposed, OrderProposed, ReportLinked, ReportReceived, TriageRequested
from schemas.ids import order_id_of
from schemas.topics import REPORTS
from schemas.vocabulary import Lane, Source, TicketType
from services.chassis.delivery import Seam
from services.chassis.settings import ServiceSettings
from services.router.handlers import ReportsHandler, report_identity
from services.router.handlers.force import InForce
from services.router.rules.atlas import Atlas

unpack = msgspec.msgpack.Decoder(tuple[Outgoing, ...]).decode
NOW = datetime.now(UTC)
PLACE = "静安区临汾路街道临汾路338号门口"


def manhole(id_: UUID | None = None, words: str = "雨水井盖缺失，有人差点踩空", **more: object) -> ReportReceived:
    return ReportReceived(
        source=Source.HOTLINE,
        report_id=id_ or uuid4(),
        received_at=NOW,
        ticket_type=TicketType.COMPLAINT,
        text=f"市民来电反映：{PLACE}{words}，希望尽快处理。",
        **more,  # type: ignore[arg-type]
    )


def record(report: ReportReceived, offset: int = 0) -> Record:
    sent = message(
        REPORTS[Lane.NORMAL], report, id=report.report_id or uuid4(), key="k", source="test", time=report.received_at
    )
    return Record(sent.topic, 0, offset, sent.key, sent.value, sent.headers)


def seam(atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings, lane: Lane = Lane.NORMAL) -> Seam:
    return Seam(
        ReportsHandler(InForce(atlas, city_folder("shanghai")), lane=lane, per_key=20),
        pool,
        settings,
        identity=report_identity,
    )


async def said(pool: asyncpg.Pool) -> list[object]:
    rows = await pool.fetch("SELECT payload FROM outbox ORDER BY n")
    return [
        decode(Record(m.topic, 0, 0, m.key, m.value, m.headers)) if not m.topic.endswith(".dlq") else m
        for row in rows
        for m in unpack(row["payload"])
    ]


async def test_five_callers_about_one_manhole_are_one_order_in_one_batch_or_in_five(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    five = [
        manhole(words=w)
        for w in ("井盖缺失很危险", "雨水井盖不见了", "井盖被偷了", "窨井盖缺失两天了", "井盖缺失请装上")
    ]
    router = seam(atlas, pool, settings)
    await router.handle([record(r, n) for n, r in enumerate(five[:3])])
    for n, r in enumerate(five[3:], 3):
        await router.handle([record(r, n)])
    facts = await said(pool)
    assert [type(f) for f in facts] == [OrderProposed, *[ReportLinked] * 4]
    assert {f.order_id for f in facts} == {order_id_of(five[0].report_id or uuid4())}  # type: ignore[attr-defined]
    assert await pool.fetchval("SELECT reports FROM matters") == 5


async def test_simultaneous_twins_in_two_workers_and_both_lanes_find_each_other(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    workers = [seam(atlas, pool, settings), seam(atlas, pool, settings, Lane.URGENT)] * 4
    await asyncio.gather(*(w.handle([record(manhole(), n)]) for n, w in enumerate(workers)))
    kinds = [type(f) for f in await said(pool)]
    assert kinds.count(OrderProposed) == 1 and kinds.count(ReportLinked) == 7


async def test_a_danger_at_the_place_of_a_calm_order_gets_the_desk_and_the_merge_is_asked_of_a_person(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    calm, danger, again = (
        msgspec.structs.replace(manhole(), text=f"虹口区四川北路950号，{words}", ticket_type=None)
        for words in ("这里有人一直在喊", "有人一直在喊救命，拿刀", "有人一直在喊救命，拿刀了")
    )
    router = seam(atlas, pool, settings)
    for n, report in enumerate((calm, danger, again)):
        await router.handle([record(report, n)])
    opened, other, asked, joined = await said(pool)
    assert isinstance(other, OrderProposed) and other.plan.lead == atlas.desk().unit_id
    assert other.order_id != opened.order_id  # type: ignore[attr-defined]
    assert isinstance(asked, MergeProposed)
    assert {asked.order_id, asked.into} == {other.order_id, opened.order_id}  # type: ignore[attr-defined]
    assert isinstance(joined, ReportLinked) and joined.order_id == other.order_id, "what is stored is known as a danger"
    assert await pool.fetchval("SELECT count(*) FROM proposals") == 1


async def test_two_accusations_against_two_stay_two_orders_and_a_third_joins_its_own(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    centre, told = "上海市城市运行管理中心", "，举报城管队员收钱"
    informant = msgspec.structs.replace(manhole(words=f"雨水井盖缺失{told}"), ticket_type=TicketType.INFORMANT)
    router = seam(atlas, pool, settings)
    for n, report in enumerate((informant, manhole(subject=centre), manhole(subject="310000-centre"))):
        await router.handle([record(report, n)])
    one, two, three = [f for f in await said(pool) if not isinstance(f, MergeProposed)]
    assert one.order_id != two.order_id == three.order_id  # type: ignore[attr-defined]
    assert isinstance(three, ReportLinked)


async def test_the_same_report_again_is_a_repeat_however_late_it_was_received(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    report = manhole()
    later = msgspec.structs.replace(report, received_at=NOW + timedelta(seconds=40))
    router = seam(atlas, pool, settings)
    await router.handle([record(report), record(later, 1), record(report, 2)])
    await router.handle([record(later, 3)])
    assert len(await said(pool)) == 1 and await pool.fetchval("SELECT count(*) FROM decisions") == 1


async def test_the_same_id_with_another_body_is_dead_and_the_first_keeps_its_place(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    first = manhole()
    second = manhole(first.report_id, "路灯不亮")
    router = seam(atlas, pool, settings)
    await router.handle([record(first), record(second, 1)])
    await router.handle([record(second, 2)])
    facts = await said(pool)
    letters = [f for f in facts if isinstance(f, Outgoing)]
    assert [dict(x.headers)["x-error-code"] for x in letters] == [b"key_reused"] * 2
    assert len(facts) == 3 and await pool.fetchval("SELECT count(*) FROM decisions") == 1


async def test_a_report_from_the_future_is_dead(atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings) -> None:
    late = msgspec.structs.replace(manhole(), received_at=NOW + timedelta(days=400))
    await seam(atlas, pool, settings).handle([record(late), record(manhole(), 1)])
    facts = await said(pool)
    assert [dict(f.headers)["x-error-code"] for f in facts if isinstance(f, Outgoing)] == [b"time_in_future"]
    assert await pool.fetchval("SELECT count(*) FROM decisions") == 1


async def test_what_is_not_sure_goes_to_triage_with_a_stored_explanation(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    report = ReportReceived(source=Source.HOTLINE, report_id=uuid4(), received_at=NOW, text="有点事情想说一下")
    await seam(atlas, pool, settings).handle([record(report)])
    [fact] = await said(pool)
    assert isinstance(fact, TriageRequested) and fact.candidates and fact.why
    explained = msgspec.json.decode(await pool.fetchval("SELECT explanation FROM decisions"))
    assert [s["step"] for s in explained["steps"]] == ["veto", "locate", "classify", "merge", "match", "tiers"]
    assert explained["rulebook_version"] and explained["model_version"] and explained["area_version"]


async def test_a_report_without_any_id_is_known_by_where_it_lay(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    nameless = msgspec.structs.replace(manhole(), report_id=None)
    bare = Record(REPORTS[Lane.NORMAL].name, 3, 77, None, msgspec.json.encode(nameless))
    router = seam(atlas, pool, settings)
    await router.handle([bare])
    await router.handle([bare])
    assert await pool.fetchval("SELECT count(*) FROM decisions") == 1
