"""Lists of tasks pushed down: rows become orders once, bad rows say why, progress is seen unit by unit."""

import json
from typing import Any

import asyncpg
import pytest

from schemas.ids import uuid5
from services.dispatch.rules.tasks import list_id_of
from tests.handlers.dispatch.client import Desk, Person
from tests.handlers.dispatch.looks import everything, indexed
from tests.rules.dispatch.town import announced

CLASS = "GB/T 47678.5/part/01001"
DUE = "2027-01-31T16:00:00Z"


async def a_list(centre: Person, **said: Any) -> str:
    reply = await centre._client.post(
        "/v1/tasks", json={"title": "汛前井盖排查", "class": CLASS, "due": DUE, **said}, headers=centre.headers
    )
    assert reply.status_code == 200, reply.text
    found: str = reply.json()["list_id"]
    return found


async def push(who: Person, list_id: str, rows: Any, kind: str = "application/x-ndjson") -> tuple[int, dict[str, Any]]:
    raw = rows if isinstance(rows, bytes | str) else "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    headers = who.headers | {"content-type": kind}
    reply = await who._client.post(f"/v1/tasks/{list_id}/rows", content=raw, headers=headers)
    return reply.status_code, reply.json()


ROWS = [
    {"key": "a", "unit": "s1-road", "text": "查井盖 12 处", "address": "桥头路", "lon": 121.4, "lat": 31.2},
    {"key": "b", "unit": "k1", "text": "查小区井盖"},
    {"key": "c", "unit": "s2", "text": "查河边"},
]


async def test_rows_become_orders_with_their_facts_once(pool: asyncpg.Pool, desk: Desk) -> None:
    centre = desk.person("dispatcher", "d1")
    list_id = await a_list(centre)
    assert list_id == str(list_id_of("d1", "汛前井盖排查")) == await a_list(centre)
    status, said = await push(centre, list_id, ROWS)
    assert (status, said) == (200, {"opened": 3, "repeated": 0, "refused": 0, "items": []})
    assert (await push(centre, list_id, [*ROWS, ROWS[0]]))[1] == {
        "opened": 0, "repeated": 4, "refused": 0, "items": []
    }  # fmt: skip
    facts = await announced(pool)
    assert [f["type"] for f in facts] == ["OrderOpened"] * 3
    assert {f["order_id"] for f in facts} == {str(uuid5(list_id_of("d1", "汛前井盖排查"), k)) for k in "abc"}
    assert facts[0]["reports"][0]["source_due"] == DUE and facts[0]["source"] == "task"
    (mine,) = await everything(desk.person("responder", "s1-road"), "/v1/me/queue")
    assert (mine["source"], mine["place"]["lon"], mine["assignment"]["status"]) == ("task", 121.4, "offered")
    shown = await desk.person("agent").order(mine["order_id"])
    assert (shown["reports"][0]["title"], shown["reports"][0]["text"]) == ("汛前井盖排查", "查井盖 12 处")
    assert shown["path"][0]["unit"]["unit_id"] == "d1"
    await indexed(pool)
    assert len(await everything(centre, "/v1/orders", q="查小区", source="task")) == 1


@pytest.mark.parametrize("change", [{"text": "别的"}, {"unit": "k1"}, {"address": "别处"}, {"lat": 31.3}])
async def test_another_row_under_a_used_key_is_named_and_changes_nothing(
    pool: asyncpg.Pool, desk: Desk, change: dict[str, Any]
) -> None:
    centre = desk.person("dispatcher", "d1")
    list_id = await a_list(centre)
    await push(centre, list_id, ROWS)
    before = await pool.fetch("SELECT body FROM reports ORDER BY report_id")
    status, said = await push(centre, list_id, [ROWS[1], ROWS[0] | change, ROWS[0]])
    assert (status, said["opened"], said["repeated"], said["refused"]) == (200, 0, 2, 1)
    [item] = said["items"]
    assert (item["index"], item["key"], item["problem"]["code"]) == (1, "a", "key_reused")
    assert await pool.fetch("SELECT body FROM reports ORDER BY report_id") == before
    assert await pool.fetchval("SELECT count(*) FROM task_rows") == 3


async def test_two_rows_of_one_key_in_one_portion_and_a_row_once_more_as_csv(pool: asyncpg.Pool, desk: Desk) -> None:
    centre = desk.person("dispatcher", "d1")
    list_id = await a_list(centre)
    _, said = await push(centre, list_id, [ROWS[1], ROWS[1] | {"text": "另一句"}])
    assert (said["opened"], [item["problem"]["code"] for item in said["items"]]) == (1, ["key_reused"])
    _, said = await push(centre, list_id, "key,unit,text\nb,k1,查小区井盖\nb,k1,又一句\n", "text/csv")
    assert (said["repeated"], [item["problem"]["code"] for item in said["items"]]) == (1, ["key_reused"])
    assert await pool.fetchval("SELECT count(*) FROM orders") == 1


async def test_progress_is_counted_unit_by_unit(pool: asyncpg.Pool, desk: Desk) -> None:
    centre, road = desk.person("dispatcher", "d1"), desk.person("responder", "s1-road")
    list_id = await a_list(centre)
    await push(centre, list_id, [*ROWS, {"key": "d", "unit": "s1-road"}])
    order = uuid5(list_id_of("d1", "汛前井盖排查"), "a")
    assert (await road.on_part(order, "accept", "s1-road"))[0] == 200
    assert (await road.on_part(order, "finish", "s1-road", result="solved", answer="查完"))[0] == 200
    status, shown = await centre.get(f"/v1/tasks/{list_id}")
    assert (status, shown["total"], shown["done"]) == (200, 4, 1)
    units = {each["unit"]["unit_id"]: (each["total"], each["done"]) for each in shown["units"]}
    assert units == {"s1-road": (2, 1), "k1": (1, 0), "s2": (1, 0)}
    assert [each["list_id"] for each in (await centre.get("/v1/tasks"))[1]["items"]] == [list_id]
    assert (await desk.person("dispatcher", "d2").get(f"/v1/tasks/{list_id}"))[1]["code"] == "other_unit"
    assert (await desk.person("dispatcher", "d2").get("/v1/tasks"))[1]["items"] == []


async def test_a_bad_row_says_why_and_the_good_ones_are_in(desk: Desk) -> None:
    centre = desk.person("dispatcher", "d1")
    list_id = await a_list(centre)
    rows = [
        ROWS[0],
        {"key": "x", "unit": "no-such-unit"},
        {"key": "y", "unit": "d2"},
        {"key": "z", "unit": "k1", "lon": 121.4},
        {"unit": "k1"},
        {"key": "w", "unit": "k1", "colour": "red"},
        ROWS[1],
    ]
    status, said = await push(centre, list_id, rows)
    assert (status, said["opened"], said["refused"]) == (200, 2, 5)
    assert [(item["index"], item["problem"]["code"]) for item in said["items"]] == [
        (1, "unit_unknown"),
        (2, "other_unit"),
        (3, "coordinates_incomplete"),
        (4, "invalid"),
        (5, "invalid"),
    ]
    text = "key,unit,text,lon,lat\nc,s2,查河边,,\nq,nobody,x,,\nr,k1,x,many,31\n"
    status, said = await push(centre, list_id, text, "text/csv")
    assert (status, said["opened"]) == (200, 1)
    assert [(item["index"], item["key"], item["problem"]["code"]) for item in said["items"]] == [
        (1, "q", "unit_unknown"),
        (2, "r", "invalid"),
    ]


async def test_a_list_is_refused_whole_for_what_is_wrong_with_all_of_it(desk: Desk) -> None:
    centre = desk.person("dispatcher", "d1")
    list_id = await a_list(centre)

    async def code(who: Person, rows: Any, of: str = list_id, kind: str = "application/x-ndjson") -> str:
        found: str = (await push(who, of, rows, kind))[1]["code"]
        return found

    assert await code(centre, b"") == "bulk_empty"
    assert await code(centre, [{"key": str(n), "unit": "k1"} for n in range(1001)]) == "bulk_too_many"
    assert await code(centre, b"[1, 2") == "malformed"
    assert await code(centre, b"\xff\xfe", kind="text/csv") == "malformed"
    assert await code(centre, ROWS, of=str(list_id_of("d1", "another"))) == "not_found"
    assert await code(desk.person("dispatcher", "city"), ROWS) == "other_unit"
    assert await code(desk.person("responder", "s1-road"), ROWS) == "forbidden"
    assert await code(centre, b'{"key":"a","unit":"k1","text":"\\u0000"}') == "text_unreadable"
    for said, wanted in (
        ({"title": "汛前井盖排查", "class": CLASS}, "key_reused"),
        ({"title": "x", "class": "no/such/class"}, "class_unknown"),
        ({"title": "", "class": CLASS}, "invalid"),
    ):
        reply = await centre._client.post("/v1/tasks", json=said, headers=centre.headers)
        assert reply.json()["code"] == wanted
    reply = await desk.client.post("/v1/tasks", json={}, headers=desk.person("dispatcher", "s1-road").headers)
    assert reply.json()["code"] == "other_unit"
