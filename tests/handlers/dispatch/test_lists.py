"""Lists people live in: a unit's queue in every order, filters, search in Chinese, cursors, CSV."""

import csv
import io
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from schemas.ids import number_of
from schemas.vocabulary import Light, Urgency
from tests.handlers.dispatch.client import Desk
from tests.handlers.dispatch.conftest import Send
from tests.handlers.dispatch.looks import everything, indexed, lit, now_settled
from tests.rules.dispatch.town import a_plan, a_report, in_triage, linked, minutes, proposed


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["order_id"] for item in items]


async def test_a_queue_is_shown_by_due_by_light_and_by_distance_with_its_counts(
    send: Send, notice: Send, desk: Desk
) -> None:
    plans = [
        msgspec.structs.replace(a_plan(), place=msgspec.structs.replace(a_plan().place, lon=121.4 + i / 100, lat=31.2))
        for i in range(4)
    ]
    facts = [proposed(a_report(f"o{i}"), plan) for i, plan in enumerate(plans)]
    await send(*facts)
    order = [str(f.order_id) for f in facts]
    await notice(
        lit(facts[0].order_id, 1, Light.GREEN, minutes(10)),
        lit(facts[1].order_id, 1, Light.RED, minutes(30)),
        lit(facts[2].order_id, 1, Light.YELLOW, minutes(20)),
    )
    road = desk.person("responder", "s1-road")
    await road.on_part(facts[0].order_id, "accept", "s1-road")
    assert ids(await everything(road, "/v1/me/queue")) == [order[0], order[2], order[1], order[3]]
    assert ids(await everything(road, "/v1/me/queue", by="light")) == [order[1], order[2], order[0], order[3]]
    near = await everything(road, "/v1/me/queue", by="distance", lon=121.436, lat=31.2)
    assert ids(near) == [order[3], order[2], order[1], order[0]]
    assert [item["metres"] for item in near] == pytest.approx([571, 1522, 2473, 3424], rel=0.02)
    counts = (await road.get("/v1/me/queue", limit=1))[1]["counts"]
    assert counts == {
        "total": 4,
        "status": {"offered": 3, "accepted": 1, "return_requested": 0},
        "light": {"red": 1, "yellow": 1, "green": 2},
    }
    assert ids(await everything(road, "/v1/me/queue", whose="mine")) == [order[0]]
    assert (await road.get("/v1/me/queue", by="distance"))[1]["code"] == "coordinates_incomplete"
    assert (await road.get("/v1/me/queue", by="size"))[1]["code"] == "invalid"
    nobody = (await desk.person("responder", "volunteer").get("/v1/me/queue"))[1]
    assert nobody["items"] == [] and nobody["counts"]["total"] == 0 and nobody["next"] is None


async def test_every_facet_narrows_and_what_is_unknown_is_refused(
    pool: asyncpg.Pool, send: Send, notice: Send, desk: Desk
) -> None:
    plain, urgent, closed = [
        proposed(a_report(name), plan)
        for name, plan in (
            ("plain", a_plan("s1-road")),
            ("urgent", a_plan("k1", urgency=Urgency.URGENT, division="K1")),
            ("closed", a_plan("s1-clean")),
        )
    ]
    waits = in_triage(a_report("waits"))
    opened: tuple[Any, ...] = (plain, urgent, closed, waits)
    await send(*opened)
    await send(linked(plain.order_id, a_report("second")))
    await notice(lit(plain.order_id, 1, Light.RED), lit(urgent.order_id, 1, Light.YELLOW))
    centre, agent = desk.person("dispatcher", "s1"), desk.person("agent")
    assert (await centre.on_order(closed.order_id, "void", reason="twice"))[0] == 200

    name_of = {str(f.order_id): n for n, f in zip(("plain", "urgent", "closed", "waits"), opened, strict=True)}

    async def found(**said: Any) -> set[str]:
        return {name_of[i] for i in ids(await everything(agent, "/v1/orders", **said))}

    cases: list[tuple[dict[str, Any], set[str]]] = [
        ({"status": "void"}, {"closed"}),
        ({"status": ["triage", "dispatched"]}, {"plain", "urgent", "waits"}),
        ({"urgency": "urgent"}, {"urgent"}),
        ({"division": "K1"}, {"urgent"}),
        ({"division": "S1"}, {"plain", "urgent", "closed", "waits"}),
        ({"unit": "s1-clean"}, {"closed"}),
        ({"unit": "s1"}, {"waits"}),
        ({"tier": "committee"}, {"urgent"}),
        ({"light": ["red", "yellow"]}, {"plain", "urgent"}),
        ({"overdue": True}, {"plain"}),
        ({"overdue": False, "light": "yellow"}, {"urgent"}),
        ({"joined": True}, {"plain"}),
        ({"joined": False, "unit": "s1-road"}, set()),
        ({"recurrence": True}, set()),
        ({"round": 1}, {"plain", "urgent", "closed", "waits"}),
        ({"round": 2}, set()),
        ({"major": "设施", "status": "triage"}, {"waits"}),
        ({"class": "GB/T 47678.5/event/06010"}, set()),
        ({"source": "hotline"}, {"plain", "urgent", "closed", "waits"}),
        ({"source": ["police", "patrol"]}, set()),
    ]
    for said, wanted in cases:
        assert await found(**said) == wanted, said
    assert await found(requested=True) == set() and len(await found(requested=False)) == 4
    moment = (await now_settled(pool)).isoformat()
    for said, wanted in cases:
        assert await found(**said, as_of=moment) == wanted, f"{said} at a past moment"
    refused = [
        ({"status": "lost"}, "invalid"),
        ({"statuss": "triage"}, "invalid"),
        ({"light": "blue"}, "invalid"),
        ({"division": "nowhere"}, "division_unknown"),
        ({"unit": "nobody"}, "unit_unknown"),
        ({"class": "a/b/c"}, "class_unknown"),
        ({"major": "无此大类"}, "class_unknown"),
        ({"closed_from": "2026-01-01T00:00:00"}, "invalid"),
        ({"requested": True, "as_of": "2026-01-01T00:00:00Z"}, "invalid"),
        ({"as_of": "2199-01-01T00:00:00Z"}, "moment_too_young"),
        ({"as_of": "2026-01-01T00:00:00"}, "invalid"),
    ]
    for said, code in refused:
        status, body = await agent.get("/v1/orders", **said)
        assert (status, body["code"]) == (422, code), said


async def test_a_cursor_goes_on_only_in_its_own_list(send: Send, desk: Desk) -> None:
    await send(*(proposed(a_report(f"c{i}")) for i in range(3)))
    agent, road = desk.person("agent"), desk.person("responder", "s1-road")
    cursor = (await agent.get("/v1/orders", limit=1))[1]["next"]
    assert (await agent.get("/v1/orders", limit=2, cursor=cursor))[0] == 200
    due = (await road.get("/v1/me/queue", limit=1))[1]["next"]
    for person, path, said in (
        (agent, "/v1/orders", {"status": "dispatched", "cursor": cursor}),
        (agent, "/v1/orders", {"cursor": due}),
        (road, "/v1/me/queue", {"cursor": cursor}),
        (road, "/v1/me/queue", {"by": "light", "cursor": due}),
        (road, "/v1/me/queue", {"cursor": "bm9uc2Vuc2U"}),
    ):
        status, body = await person.get(path, **said)
        assert (status, body["code"]) == (422, "cursor_invalid"), said


TEXTS = {
    "light": "田林路12号门口路灯不亮，已三天",
    "water": "徐汇区田林东路积水，老人出行不便",
    "dog": "小区内遛狗不牵绳，ＡＢＣ公寓2号楼",
    "dots": "井盖破损、松动。有人绊倒",
}
SEARCHES = [
    ("路灯", {"light"}),
    ("灯", {"light"}),
    ("亮", {"light"}),
    ("田林", {"light", "water"}),
    ("田林 路灯", {"light"}),
    ("田林路", {"light"}),
    ("12号", {"light"}),
    ("2号", {"light", "dog"}),
    ("abc", {"dog"}),
    ("ＡＢＣ公寓", {"dog"}),
    ("破损松动", set()),  # a sign stands between them
    ("破损、松动", {"dots"}),
    ("路不亮", set()),
    ("桥头路", {"light", "water", "dog", "dots"}),  # the address
    ("。。。", set()),
    ("'; DROP TABLE orders --", set()),
    ("!|&:*", set()),
    ("王小明", set()),
]


async def test_words_are_found_wherever_they_stand_and_only_as_they_stand(
    pool: asyncpg.Pool, send: Send, desk: Desk
) -> None:
    facts = {name: proposed(a_report(name, text=text)) for name, text in TEXTS.items()}
    await send(*facts.values())
    agent = desk.person("agent")
    assert await everything(agent, "/v1/orders", q="路灯") == []
    await indexed(pool)
    name_of = {str(fact.order_id): name for name, fact in facts.items()}
    for q, wanted in SEARCHES:
        assert {name_of[i] for i in ids(await everything(agent, "/v1/orders", q=q))} == wanted, q
    number = number_of(facts["dog"].order_id)
    assert ids(await everything(agent, "/v1/orders", q=number.lower().replace("-", " "))) == [
        str(facts["dog"].order_id)
    ]
    await send(linked(facts["dog"].order_id, a_report("joins", text="另有路灯倾斜")))
    await indexed(pool)
    assert {name_of[i] for i in ids(await everything(agent, "/v1/orders", q="路灯"))} == {"light", "dog"}
    assert ids(await everything(desk.person("responder", "k1"), "/v1/orders", q="路灯")) == []


async def test_a_search_that_comes_to_too_many_is_walked_through(
    pool: asyncpg.Pool, send: Send, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = [proposed(a_report(f"m{i}", text="路灯不亮" if i % 2 else "井盖破损")) for i in range(9)]
    await send(*facts)
    await indexed(pool)
    monkeypatch.setattr("services.dispatch.store.search.FEW", 2)
    found = ids(await everything(desk.person("agent"), "/v1/orders", q="路灯"))
    assert sorted(found) == sorted(str(f.order_id) for i, f in enumerate(facts) if i % 2)


async def test_a_list_is_looked_through_in_portions_and_none_is_left_out(
    send: Send, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = [proposed(a_report(f"p{i}")) for i in range(12)]
    for fact in facts:
        await send(fact)
    await send(linked(facts[0].order_id, a_report("one more")))
    monkeypatch.setattr("services.dispatch.store.lists.SCAN", 3)
    assert ids(await everything(desk.person("agent"), "/v1/orders", joined=True)) == [str(facts[0].order_id)]
    assert len(await everything(desk.person("agent"), "/v1/orders", joined=False)) == 11


async def test_pages_are_stable_while_orders_come_and_change(send: Send, desk: Desk) -> None:
    facts = [proposed(a_report(f"w{i}")) for i in range(6)]
    for fact in facts:
        await send(fact)
    agent, road = desk.person("agent"), desk.person("responder", "s1-road")
    first = (await agent.get("/v1/orders", limit=3))[1]
    queued = (await road.get("/v1/me/queue", limit=3))[1]
    await send(proposed(a_report("new", received_at=minutes(0) + timedelta(days=1))))
    for item in first["items"][:1] + queued["items"][:1]:
        await road.on_part(item["order_id"], "accept", "s1-road")
    second = (await agent.get("/v1/orders", limit=3, cursor=first["next"]))[1]
    assert ids(first["items"] + second["items"]) == [str(f.order_id) for f in reversed(facts)]
    rest = (await road.get("/v1/me/queue", limit=10, cursor=queued["next"]))[1]["items"]
    assert len(set(ids(queued["items"] + rest))) >= 6


async def test_csv_holds_the_same_rows_and_nothing_personal(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    facts = [proposed(a_report(f"x{i}", text="我叫王小明，电话13812345678")) for i in range(5)]
    await send(*facts)
    await desk.person("responder", "s1-road").on_part(facts[0].order_id, "accept", "s1-road")
    agent = desk.person("agent")

    async def export(**said: Any) -> list[dict[str, str]]:
        reply = await agent._client.get("/v1/orders.csv", params=said, headers=agent.headers)
        assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/csv")
        text = reply.content.decode("utf-8-sig")
        assert "王小明" not in text and "138" not in text and "responder@" not in text
        return list(csv.DictReader(io.StringIO(text)))

    rows = await export()
    assert [r["number"] for r in rows] == [o["number"] for o in await everything(agent, "/v1/orders")]
    assert rows[0]["lead_name"] == "桥头市政" and rows[0]["class_name"] == "井盖"
    assert [r["status"] for r in await export(status="handling")] == ["handling"]
    moment = await now_settled(pool)
    await desk.person("dispatcher", "s1").on_order(facts[1].order_id, "void", reason="twice")
    assert await export(as_of=moment.isoformat()) == rows and await export() != rows
    assert (await agent.get("/v1/orders.csv", status="lost"))[1]["code"] == "invalid"
    assert (await desk.person("gateway").get("/v1/orders.csv"))[1]["code"] == "forbidden"
