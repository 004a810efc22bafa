"""Numbers on the real PostgreSQL: every number is as long as its list, groups add up, days freeze, late facts are
corrections with a trace, and all who ask are told the same."""

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from prometheus_client import REGISTRY

from deploy.stack.lifecycle import Stack
from schemas.facts import Place, Supervised, Urged
from schemas.vocabulary import Result, Satisfaction, Source, Tier
from services.supervision.handlers import Exporter
from services.supervision.rules.kpi import KPIS, Bearings
from services.supervision.settings import SupervisionSettings
from tests.handlers.supervision.counting import Town, shown, whole
from tests.handlers.supervision.test_api import Ask, asking
from tests.rules.supervision_numbers.test_each_number import _closed, handled, joined, returned, said
from tests.rules.supervision_timeline.story import NOISE, Story, records, tick
from tests.rules.supervision_timeline.toy import CITY, START

DAY = "2026-03-02"
NEXT = START + timedelta(hours=16)  # 02:00 of the 3rd in Shanghai
PERIOD = "2026-03-01..2026-03-31"
SUMMED = [kpi.kpi for kpi in KPIS if kpi.kpi != "overdue_open"]


@pytest.fixture
def town(pool: asyncpg.Pool, settings: SupervisionSettings) -> Town:
    return Town(pool, settings)


@pytest.fixture
async def ask(pool: asyncpg.Pool, settings: SupervisionSettings, servers: Stack) -> Any:
    async with asking(CITY, pool, settings, servers) as asked:
        yield asked


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def elsewhere(name: str) -> Story:
    """In the other street, of another class."""
    place = Place(division="D2", name="there", tier=Tier.STREET)
    return Story(name).opened(START, units=("street-b",), place=place, class_ref=NOISE, source=Source.PATROL)


def stories() -> list[Story]:
    """Something for every number."""
    urged = Story("urged").opened(START, triage=True).tell(Urged, at(5))
    for level in (1, 2, 3):
        urged.tell(Supervised, at(6), level=level)
    answered = Story("answered").opened(START).accepted(at(3)).contacted(at(9)).done(at(40)).verified(at(45))
    told = [
        handled("good"),
        joined(Story("late").opened(START), 5, "again", repeat_of=uuid4()),
        elsewhere("found").accepted(at(10)).done(at(50)).verified(at(55), passed=False),
        returned(Story("back").opened(START), 10, ping_pong=True),
        urged,
        said(answered, 50, Satisfaction.MOSTLY, True),
        _closed(Result.EXPLAINED, more=1, ping_pong=True),
        handled("again").reopened(at(100)).accepted(at(110), place=1).done(at(150), place=1).closed(at(160)),
        Story("void").opened(START).voided(at(9)),
        Story("past").opened(START, imported=True).closed(at(90), imported=True),
    ]
    return told


async def numbers(ask: Ask, group: str = "city", period: str = PERIOD, **more: str) -> dict[Any, Any]:
    given = "".join(f"&{name}={quote(value)}" for name, value in more.items())
    reply = await ask(f"/v1/kpis?period={period}&group={group}{given}")
    assert reply.status_code == 200, reply.text
    return shown(reply.json()["items"])


async def test_every_number_is_as_long_as_the_list_behind_it(town: Town, ask: Ask) -> None:
    """For every number, before and after its day is frozen, in every group."""
    await town.hear(*stories())
    await town.pass_(at(700))
    for frozen in (False, True):
        if frozen:
            assert await town.pass_(NEXT) == [date(2026, 3, 2)]
        for group in ("city", "unit", "tier", "district", "major", "source"):
            reply = await ask(f"/v1/kpis?period={DAY}&group={group}")
            rows = reply.json()["items"]
            if group == "city":
                assert {row["kpi"] for row in rows if row["denominator"]} == {kpi.kpi for kpi in KPIS}
            for row in rows:
                listed = await whole(ask, row["items"], 3 if group == "city" else 100)
                assert len(listed) == row["denominator"], (row["kpi"], group, row["key"])
                if row["kind"] != "stock":
                    assert sum(item["numerator"] for item in listed) == pytest.approx(row["numerator"])
                if row["kind"] == "rate" and row["kpi"] != "satisfied":
                    hits = await whole(ask, row["items"] + "&hit=true")
                    assert len(hits) == row["numerator"]


async def test_groups_that_part_the_city_add_up_to_it(town: Town, ask: Ask) -> None:
    await town.hear(*stories())
    await town.pass_(at(700))
    for frozen in (False, True):
        if frozen:
            await town.pass_(NEXT)
        city = await numbers(ask)
        for group in ("unit", "tier", "district", "major", "source"):
            sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])
            for (_, kpi), (num, den) in (await numbers(ask, group)).items():
                sums[kpi][0] += num
                sums[kpi][1] += den
            assert {kpi: pytest.approx(tuple(sums[kpi])) for kpi in sums} == {
                kpi: value for (_, kpi), value in city.items() if value[1]
            }, group


async def test_the_same_is_told_to_programs_to_spreadsheets_and_to_prometheus(
    town: Town, ask: Ask, pool: asyncpg.Pool
) -> None:
    today = datetime.now(START.tzinfo)
    story = Story("now").opened(today - timedelta(minutes=3)).accepted(today - timedelta(minutes=2))
    await town.hear(story)
    await Exporter(pool, Bearings.of(CITY), frozenset({"street-a"})).export()
    reply = await ask("/v1/kpis?period=today&group=district")
    told = shown(reply.json()["items"])
    file = await ask("/v1/kpis.csv?period=today&group=district")
    assert file.headers["content-type"].startswith("text/csv")
    rows = csv.DictReader(io.StringIO(file.content.decode("utf-8-sig")))
    assert {(r["key"], r["kpi"]): (float(r["numerator"]), int(r["denominator"])) for r in rows} == told
    assert told["D", "accept_in_time"] == (1, 1)
    for (key, kpi), (num, den) in told.items():
        labels = {"kpi": kpi, "period": "today", "group": "district", "key": key}
        assert REGISTRY.get_sample_value("paidan_kpi_numerator", labels) == num
        assert REGISTRY.get_sample_value("paidan_kpi_denominator", labels) == den
    assert REGISTRY.get_sample_value("paidan_open_orders", {"status": "handling", "age": "1h"}) == 1
    await pool.execute("TRUNCATE measures")
    await Exporter(pool, Bearings.of(CITY)).export()


async def test_whoever_accepts_csv_gets_it(ask: Ask, town: Town, servers: Stack) -> None:
    await town.hear(handled())
    reply: httpx.Response = await ask(f"/v1/kpis?period={DAY}", accept="text/csv")
    assert reply.headers["content-type"].startswith("text/csv")
    assert reply.content.decode("utf-8-sig").splitlines()[0].startswith("kpi,zh,en,kind")


async def test_a_day_is_frozen_only_when_everything_before_its_midnight_is_counted(town: Town) -> None:
    await town.hear(Story("slow").opened(START + timedelta(hours=13, minutes=20)))  # accept due at 23:50
    midnight = START + timedelta(hours=14)
    assert await town.pass_(midnight - timedelta(seconds=1)) == [], "the Tick has not passed it"
    assert await town.pass_(midnight) == [date(2026, 3, 2)]
    row = await town.pool.fetchrow("SELECT num, den FROM kpi_days WHERE axis = 'city' AND kpi = 'accept_in_time'")
    assert tuple(row) == (0, 1), "its miss at 23:50 was counted before"
    assert await town.keeper.freeze() == []


async def test_a_miss_that_waits_to_be_called_holds_the_day_back(town: Town) -> None:
    await town.hear(Story("slow").opened(START + timedelta(hours=13, minutes=20)))
    await town.seam.handle(tick(NEXT))
    assert await town.keeper.freeze() == [], "the sweep has not been"
    await town.sweep.drain()
    assert await town.keeper.freeze() == [], "and the miss is not counted yet"
    await town.keeper.recount()
    assert await town.keeper.freeze() == [date(2026, 3, 2)]


async def test_a_late_fact_corrects_a_frozen_day_with_a_trace_and_the_frozen_rows_stay(town: Town, ask: Ask) -> None:
    story = Story("phone").opened(START)
    await town.hear(story)
    await town.pass_(at(40))
    await town.pass_(NEXT)
    frozen = await town.pool.fetch("SELECT * FROM kpi_days ORDER BY axis, key, kpi")
    as_of = datetime.now(START.tzinfo).isoformat()
    assert (await numbers(ask))["all", "accept_in_time"] == (0, 1)
    story.accepted(at(25), recorded=NEXT)  # told by a phone that had no network
    await town.hear(story)
    assert (await numbers(ask))["all", "accept_in_time"] == (1, 1)
    assert await town.pool.fetch("SELECT * FROM kpi_days ORDER BY axis, key, kpi") == frozen
    assert (await numbers(ask, as_of=as_of))["all", "accept_in_time"] == (0, 1), "as it stood then"
    (trace,) = (await ask(f"/v1/kpis/corrections?period={DAY}&kpi=accept_in_time")).json()["items"]
    assert (trace["order_id"], trace["cause"]) == (str(story.order_id), "AssignmentAccepted")
    assert (trace["numerator"], trace["denominator"], trace["day"]) == (1, 0, DAY)
    path = f"/v1/kpis/items?kpi=accept_in_time&period={DAY}"
    assert [item["numerator"] for item in await whole(ask, path)] == [1]
    then = await whole(ask, f"{path}&as_of={quote(as_of)}")
    assert [item["numerator"] for item in then] == [0], "the list as it stood then, too"


async def test_frozen_and_corrected_is_what_the_items_say_whatever_comes_late(town: Town, ask: Ask) -> None:
    """Half of every story before the freeze, the other half after it."""
    told = stories()
    for story in told:
        half = max(1, len(story.facts) // 2)
        await town.seam.handle(_records(story, 1, half))
    await town.pass_(at(700))
    assert await town.pass_(NEXT) == [date(2026, 3, 2)]
    await town.hear(*told)
    await town.keeper.recount()
    assert await town.pool.fetchval("SELECT count(*) FROM kpi_corrections") > 20
    for group in ("city", "unit", "tier", "district", "major", "source"):
        rows = (await ask(f"/v1/kpis?period={DAY}&group={group}&kpi={','.join(SUMMED)}")).json()["items"]
        for row in rows:
            listed = await whole(ask, row["items"])
            assert len(listed) == row["denominator"], (row["kpi"], group, row["key"])
            assert sum(item["numerator"] for item in listed) == pytest.approx(row["numerator"])


def _records(story: Story, first: int, last: int) -> Sequence[Any]:
    return records(*story.outgoing(first, last))


async def test_the_same_facts_one_by_one_or_all_at_once_count_the_same(town: Town, pool: asyncpg.Pool) -> None:
    look = "SELECT * FROM measures ORDER BY order_id, subject, day, unit, n"
    for story in stories():
        for fact in range(1, len(story.facts) + 1):
            await town.seam.handle(_records(story, fact, fact))
    one_by_one = await pool.fetch(look)
    await pool.execute("TRUNCATE measures, overdue, orders, clocks, findings, recounts")
    await town.hear(*stories())
    skip = ("order_id", "subject")
    assert [{k: v for k, v in row.items() if k not in skip} for row in await pool.fetch(look)] == [
        {k: v for k, v in row.items() if k not in skip} for row in one_by_one
    ]


async def test_orders_open_past_their_promise_are_a_stock(town: Town, ask: Ask) -> None:
    story = Story("late").opened(START).accepted(at(5))
    await town.hear(story)
    await town.pass_(at(481))
    assert (await numbers(ask, period="today"))["all", "overdue_open"] == (1, 1)
    await town.pass_(NEXT)
    await town.hear(story.done(at(1000)).verified(at(1010)).closed(at(1020)))
    assert (await numbers(ask, period="today"))["all", "overdue_open"] == (0, 0)
    assert (await numbers(ask, period=DAY))["all", "overdue_open"] == (1, 1), "as it stood at that midnight"
    (item,) = await whole(ask, f"/v1/kpis/items?kpi=overdue_open&period={DAY}")
    assert UUID(item["order_id"]) == story.order_id


async def test_committees_streets_and_departments_are_ranked_apart(town: Town, ask: Ask) -> None:
    await town.hear(*(handled(f"order {number}") for number in range(3)))
    league = (await ask(f"/v1/kpis/league?kpi=accept_in_time&kind=street&period={DAY}")).json()
    (row,) = league["items"]
    assert (row["unit"]["unit_id"], row["numerator"], row["denominator"]) == ("street-a", 3, 3)
    assert row["rank"] is None and league["league_from"] == 20, "three tickets give no rank"
    assert row["low"] < 0.45 and row["rate"] == 1
    for kind in ("committee", "department"):
        assert (await ask(f"/v1/kpis/league?kpi=accept_in_time&kind={kind}&period={DAY}")).json()["items"] == []
    assert (await ask("/v1/kpis/league?kpi=merged&kind=street")).json()["code"] == "invalid"


@pytest.mark.parametrize(
    "query",
    [
        "kpis?kpi=nonsense",
        "kpis?period=2026-13",
        "kpis?period=2026-03-05..2026-03-01",
        "kpis?period=0001-01-01",
        "kpis?period=2020-01-01..2026-01-01",
        "kpis?group=order",
        "kpis?as_of=2199-01-01T00:00:00Z",
        "kpis/items?kpi=nonsense",
        "kpis/items?kpi=solved&cursor=abc",
        "kpis/corrections?kpi=nonsense",
        "kpis/corrections?cursor=abc",
        "findings?cursor=abc",
        "findings?kind=rumour",
        "appeals?cursor=abc",
    ],
)
async def test_what_is_no_question_is_refused(ask: Ask, query: str) -> None:
    reply = await ask(f"/v1/{query}")
    assert reply.status_code == 422 and reply.json()["code"] in ("invalid", "cursor_invalid")


async def test_a_responder_sees_the_list_of_his_own_unit_only(town: Town, ask: Ask) -> None:
    await town.hear(handled(), elsewhere("there").accepted(at(5)))
    path = f"/v1/kpis/items?kpi=accept_in_time&period={DAY}"
    reply = await ask(path, role="responder", unit="street-b")
    assert [item["unit"] for item in reply.json()["items"]] == ["street-b"]
    rows = (await ask(f"/v1/kpis?period={DAY}&group=unit", role="responder", unit="street-b")).json()["items"]
    assert {row["key"] for row in rows} == {"street-b"}
    assert (await ask(path, role="gateway")).status_code == 403
