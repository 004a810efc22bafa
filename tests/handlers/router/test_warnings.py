"""Early warning on the real PostgreSQL: counted with reports, found once by one of several, served to its readers."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from msgspec.structs import replace

from deploy.stack import keys
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import city_folder
from schemas.facts import CrowdFound, HotTopicEnded, HotTopicFound, QuietOrderFound, Reporter, ReportReceived
from schemas.vocabulary import Lane, OrderStatus, Source
from services.chassis.delivery import Seam
from services.chassis.settings import ServiceSettings
from services.router.api import router_app
from services.router.handlers import OrdersHandler
from services.router.handlers.force import InForce
from services.router.handlers.warnings import Watch
from services.router.rules.atlas import Atlas
from services.router.store.tables import metadata
from tests.handlers.router.test_rebuild import anew, ended
from tests.handlers.router.test_reports import NOW, record, said, seam

LINFEN = "静安区临汾路街道临汾路{}号"


def rubbish(
    n: int, hours_ago: float = 0.0, phone: str = "", text: str = "垃圾成堆没人清理", **more: Any
) -> ReportReceived:
    """Rubbish in front of another door each time, unless told otherwise."""
    return ReportReceived(
        source=Source.HOTLINE,
        report_id=uuid4(),
        received_at=NOW - timedelta(hours=hours_ago),
        text=LINFEN.format(100 + 2 * n) + text,
        reporter=Reporter(phone=phone or f"1380000{n:04}"),
        **more,
    )


async def counted_for_weeks(pool: asyncpg.Pool) -> None:
    """Hours have been counted for five weeks, of another class elsewhere."""
    await pool.execute("INSERT INTO topic_hours VALUES ($1, 'other', '310104', 1, 1)", NOW - timedelta(weeks=5))


async def bring(router: Seam, *reports: ReportReceived) -> None:
    await router.handle([record(report, n) for n, report in enumerate(reports)])


@pytest.fixture
def watch(pool: asyncpg.Pool, atlas: Atlas) -> Watch:
    return Watch(pool, atlas, every=0.05)


@pytest.fixture
async def router(atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings) -> Seam:
    return seam(atlas, pool, settings)


def test_migrations_make_the_tables_that_are_described(servers: Stack) -> None:
    url = servers.database_url("paidan_router").replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        options = {
            "compare_type": True,
            "include_name": lambda name, kind, _: (kind, name) != ("table", "alembic_version"),
        }
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
    engine.dispose()


async def test_hours_count_people_and_reports_of_each_class_and_street(router: Seam, pool: asyncpg.Pool) -> None:
    one = rubbish(1, phone="13800000001")
    again = [replace(one, report_id=uuid4(), source_id=str(n)) for n in range(3)]
    await bring(router, one, *again, rubbish(2), rubbish(1, phone="13900000002"), rubbish(3, imported=True))
    rows = [tuple(row) for row in await pool.fetch("SELECT division, reports, voices FROM topic_hours")]
    assert rows == [("310106021", 6, 3)], "one who calls four times is one voice; an imported past is no news"


async def test_both_lanes_count_into_one_hour_without_losing_any(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    lanes = [seam(atlas, pool, settings), seam(atlas, pool, settings, Lane.URGENT)]
    await asyncio.gather(*(bring(lanes[n % 2], *(rubbish(10 * n + k) for k in range(5))) for n in range(8)))
    assert await pool.fetchval("SELECT sum(voices) FROM topic_hours") == 40
    assert await pool.fetchval("SELECT sum(reports) FROM matters") == 40


async def test_two_workers_who_join_to_one_matter_at_once_both_count(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    lanes = [seam(atlas, pool, settings), seam(atlas, pool, settings, Lane.URGENT)]
    await bring(lanes[0], rubbish(1))
    many = [rubbish(1, phone=f"13700000{n:03}") for n in range(24)]
    await asyncio.gather(*(bring(lanes[n % 2], report) for n, report in enumerate(many)))
    (row,) = await pool.fetch("SELECT reports, cardinality(voices) AS voices FROM matters")
    assert row["reports"] == 25 and 24 <= row["voices"] <= 25


async def test_a_hot_topic_is_found_once_grows_and_ends(
    router: Seam, pool: asyncpg.Pool, watch: Watch, atlas: Atlas
) -> None:
    await counted_for_weeks(pool)
    await bring(router, *(rubbish(n) for n in range(12)))
    others = [Watch(pool, atlas, every=1) for _ in range(3)]
    looks = await asyncio.gather(*(each.look() for each in (watch, *others)))
    (fact,) = [fact for look in looks for fact in look]
    assert isinstance(fact, HotTopicFound) and fact.place.division == "310106021"
    assert (fact.voices, fact.weeks, fact.level) == (12, 4, 0) and fact.score >= 6 and "12" in fact.why
    assert await watch.look() == [], "it was said"
    await bring(router, *(rubbish(n) for n in range(20, 30)))
    (more,) = await watch.look()
    assert isinstance(more, HotTopicFound) and (more.voices, more.level) == (22, 1)
    assert more.found_at == fact.found_at
    await pool.execute("UPDATE topic_hours SET hour = hour - interval '8 hours' WHERE class_key <> 'other'")
    (end,) = await watch.look()
    assert isinstance(end, HotTopicEnded) and end.topic == fact.topic and end.found_at == fact.found_at
    assert await watch.look() == []
    told = [type(each) for each in await said(pool)]
    assert (told.count(HotTopicFound), told.count(HotTopicEnded)) == (2, 1)


async def test_without_earlier_weeks_nothing_is_called_hot(router: Seam, watch: Watch) -> None:
    await bring(router, *(rubbish(n) for n in range(30)))
    assert await watch.look() == []


async def test_forty_customers_of_one_closed_gym_across_four_districts_are_one_matter_and_a_flag(
    router: Seam, pool: asyncpg.Pool, watch: Watch
) -> None:
    districts = ("静安区大宁路街道", "徐汇区田林街道", "杨浦区五角场街道", "普陀区长寿路街道")
    words = (
        "健身房突然关门，预付卡余额不退",
        "健身房跑路了，会员卡的钱要求退款",
        "办的健身卡用不了，门店关门，余额不退",
    )
    calls = [
        ReportReceived(
            source=Source.HOTLINE,
            report_id=uuid4(),
            received_at=NOW - timedelta(minutes=n),
            text=f"{districts[n % 4]}居民来电，{words[n % 3]}。",
            subject="壮壮健身房" if n % 2 else "壮壮健身房有限公司",
            reporter=Reporter(phone=f"1360000{n:04}"),
        )
        for n in range(40)
    ]
    for n in range(0, 40, 5):
        await bring(router, *calls[n : n + 5])
    assert await pool.fetchval("SELECT count(*) FROM matters") == 1
    (fact,) = [fact for fact in await watch.look() if isinstance(fact, CrowdFound)]
    assert fact.voices >= 38 and fact.reports == 40 and fact.level >= 1
    assert set(fact.districts) == {"310104", "310106", "310107", "310110"} and len(fact.units) == 4
    assert [fact for fact in await watch.look() if isinstance(fact, CrowdFound)] == []
    kept = await pool.fetchval("SELECT count(*) FROM decisions WHERE kind = 'link'")
    assert kept == 39, "each report keeps a decision, a reporter and an answer of its own"


async def old(pool: asyncpg.Pool, days: float) -> None:
    await pool.execute("UPDATE matters SET opened_at = opened_at - $1::interval", timedelta(days=days))


async def orders(pool: asyncpg.Pool) -> list[UUID]:
    return [row["order_id"] for row in await pool.fetch("SELECT order_id FROM matters")]


async def test_the_quiet_few_are_found_once_and_leave_when_they_are_solved_or_heard(
    atlas: Atlas, router: Seam, pool: asyncpg.Pool, settings: ServiceSettings, watch: Watch
) -> None:
    await bring(router, rubbish(1, text="独居老人家门口楼道堆物，出不了门"), rubbish(50, text="独居老人反映楼道堆物"))
    assert await watch.look() == []
    await old(pool, 9)
    found = await watch.look()
    assert [type(fact) for fact in found] == [QuietOrderFound] * 2 and await watch.look() == []
    solved = next(fact for fact in found if isinstance(fact, QuietOrderFound))
    await Seam(OrdersHandler(), pool, settings).handle(ended(solved.order_id, OrderStatus.CLOSED))
    await watch.look()
    left = await pool.fetch("SELECT key FROM warnings WHERE ended_at IS NULL")
    assert [row["key"] for row in left] == [str(id_) for id_ in await orders(pool) if id_ != solved.order_id]
    await pool.execute("UPDATE matters SET voices = ARRAY[1::int8 << 48, 2::int8 << 48, 3::int8 << 48]")
    await watch.look()
    assert await pool.fetchval("SELECT count(*) FROM warnings WHERE ended_at IS NULL") == 0


async def test_what_came_back_and_what_grew_grave_weighs_more(
    router: Seam, pool: asyncpg.Pool, settings: ServiceSettings, watch: Watch
) -> None:
    await bring(router, rubbish(1))
    await old(pool, 15)
    assert await watch.look() == []
    (order_id,) = await orders(pool)
    back = [
        replace(each, value=each.value.replace(b'"status"', b'"round":2,"status"'))
        for each in ended(order_id, OrderStatus.HANDLING)
    ]
    await Seam(OrdersHandler(), pool, settings).handle(back)
    (fact,) = await watch.look()
    assert isinstance(fact, QuietOrderFound) and fact.reasons == ("age", "again")


async def test_matters_made_anew_know_their_voices_and_marks(
    atlas: Atlas, router: Seam, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    same = rubbish(1, text="独居老人家门口楼道堆物")
    for n in range(4):
        await bring(router, replace(same, report_id=uuid4(), reporter=Reporter(phone=f"1350000000{n % 3}")))
    seen = "SELECT order_id, reports, voices, marks FROM matters"
    before = [tuple(row) for row in await pool.fetch(seen)]
    assert before[0][1] == 4 and len(before[0][2]) == 3 and before[0][3]
    await pool.execute("UPDATE matters SET voices = '{}', marks = 0, reports = 1")
    await anew(atlas, pool, settings, [])
    assert [tuple(row) for row in await pool.fetch(seen)] == before


# the lists


@pytest.fixture
async def asked(
    pool: asyncpg.Pool, atlas: Atlas, settings: ServiceSettings, servers: Stack
) -> AsyncIterator[httpx.AsyncClient]:
    @asynccontextmanager
    async def the_pool() -> AsyncIterator[asyncpg.Pool]:
        yield pool

    known = ServiceSettings(
        database_url=settings.database_url,
        kafka_bootstrap=settings.kafka_bootstrap,
        jwks_file=keys.jwks_file(servers.home),
    )
    app = router_app(known, InForce(atlas, city_folder("shanghai")), the_pool)
    async with app.router.lifespan_context(app):
        transport: Any = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://router") as client:
            yield client


def who(servers: Stack, role: str, unit: str = "") -> dict[str, str]:
    return {"authorization": f"Bearer {keys.issue_token(role, subject='x', unit=unit or None, home=servers.home)}"}


async def quiet_in(router: Seam, pool: asyncpg.Pool, watch: Watch, **more: Any) -> None:
    await bring(router, rubbish(1, text="独居老人反映楼道堆物", **more))
    await old(pool, 9)
    assert len(await watch.look()) == 1


@pytest.mark.parametrize(
    ("role", "unit", "sees"),
    [
        ("supervisor", "", True),
        ("auditor", "", True),
        ("operator", "", True),
        ("dispatcher", "310106021-centre", True),
        ("dispatcher", "310106-centre", True),
        ("dispatcher", "310000-centre", True),
        ("dispatcher", "310104-centre", False),
        ("supervisor", "310106020-centre", False),
    ],
)
async def test_a_list_shows_what_lies_in_ones_boundary(
    router: Seam,
    pool: asyncpg.Pool,
    watch: Watch,
    asked: httpx.AsyncClient,
    servers: Stack,
    role: str,
    unit: str,
    sees: bool,
) -> None:
    await quiet_in(router, pool, watch)
    reply = await asked.get("/v1/topics/quiet", headers=who(servers, role, unit))
    assert reply.status_code == 200, reply.text
    items = reply.json()["items"]
    assert len(items) == sees
    if sees:
        assert items[0]["reasons"] == ["age", "vulnerable"] and items[0]["number"] and items[0]["class"]["name"]
        assert "1380000" not in reply.text and "独居老人反映" not in reply.text


@pytest.mark.parametrize("path", ["hot", "quiet", "crowds", "hot.csv", "quiet.csv", "crowds.csv"])
async def test_others_are_refused(asked: httpx.AsyncClient, servers: Stack, path: str) -> None:
    for role in ("responder", "agent", "gateway", "inspector", "citizen"):
        reply = await asked.get(f"/v1/topics/{path}", headers=who(servers, role, "310106021-centre"))
        assert (reply.status_code, reply.json()["code"]) == (403, "forbidden"), role
    assert (await asked.get(f"/v1/topics/{path}")).status_code == 401
    for unit in ("", "nobody"):
        reply = await asked.get(f"/v1/topics/{path}", headers=who(servers, "dispatcher", unit))
        assert (reply.status_code, reply.json()["code"]) == (403, "other_unit")


async def test_whom_a_matter_is_about_does_not_see_it(
    router: Seam, pool: asyncpg.Pool, watch: Watch, asked: httpx.AsyncClient, servers: Stack, atlas: Atlas
) -> None:
    await quiet_in(router, pool, watch, subject=atlas.units["310106021-centre"].name)
    for unit, sees in (("310106021-centre", 0), ("310106-centre", 1)):
        reply = await asked.get("/v1/topics/quiet", headers=who(servers, "dispatcher", unit))
        assert len(reply.json()["items"]) == sees


async def test_pages_and_the_csv_hold_the_same(
    router: Seam, pool: asyncpg.Pool, watch: Watch, asked: httpx.AsyncClient, servers: Stack
) -> None:
    await bring(router, *(rubbish(n, text="独居老人反映楼道堆物") for n in range(5)))
    await old(pool, 9)
    await watch.look()
    headers, seen, cursor = who(servers, "supervisor"), [], ""
    while True:
        page = (await asked.get("/v1/topics/quiet", params={"limit": 2, "cursor": cursor}, headers=headers)).json()
        seen += [item["number"] for item in page["items"]]
        cursor = page["next"] or ""
        if not cursor:
            break
    reply = await asked.get("/v1/topics/quiet.csv", headers=headers)
    assert reply.content.startswith(b"\xef\xbb\xbf") and "quiet.csv" in reply.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))
    assert [row["number"] for row in rows] == seen and len(set(seen)) == 5
    assert rows[0]["reasons"] == "age vulnerable" and datetime.fromisoformat(rows[0]["found_at"]).tzinfo
    for cursor in ("x", "nan~k", "inf~k", "1"):
        reply = await asked.get("/v1/topics/quiet", params={"cursor": cursor}, headers=headers)
        assert (reply.status_code, reply.json()["code"]) == (422, "cursor_invalid"), cursor


async def test_hot_topics_and_crowds_are_listed_too(
    router: Seam, pool: asyncpg.Pool, watch: Watch, asked: httpx.AsyncClient, servers: Stack
) -> None:
    await counted_for_weeks(pool)
    await bring(router, *(rubbish(1, phone=f"1340000{n:04}") for n in range(12)))
    assert {type(fact) for fact in await watch.look()} == {HotTopicFound, CrowdFound}
    for path in ("hot", "crowds"):
        headers = who(servers, "dispatcher", "310106021-centre")
        (item,) = (await asked.get(f"/v1/topics/{path}", headers=headers)).json()["items"]
        assert item["voices"] >= 11 and item["place"]["division"] == "310106021" and item["why"]
        lines = (await asked.get(f"/v1/topics/{path}.csv", headers=headers)).text.splitlines()
        assert len(lines) == 2


async def test_it_looks_for_ever_and_over_a_failure(
    pool: asyncpg.Pool, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, looked = 0, asyncio.Event()
    whole = watch.look

    async def fails_first() -> list[Any]:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("once")
        found: list[Any] = await whole()
        looked.set()
        return found

    monkeypatch.setattr(watch, "look", fails_first)
    running = asyncio.create_task(watch.run())
    await asyncio.wait_for(looked.wait(), 10)
    running.cancel()
