"""Many orders or assignments acted on at once: one transaction, a result for each, and no item spoils another."""

from typing import Any

import asyncpg

from tests.handlers.dispatch.client import Answer, Desk, Person
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import a_plan, a_report, announced, proposed


async def bulk(who: Person, what: str, action: str, items: list[dict[str, Any]], **body: Any) -> Answer:
    said = {"items": items} | ({"body": body} if body else {})
    reply = await who._client.post(f"/v1/{what}/bulk/actions/{action}", json=said, headers=who.headers)
    return reply.status_code, reply.json()


async def test_each_item_gets_its_own_result(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    facts = [proposed(a_report(f"b{i}"), a_plan("s1-road" if i < 4 else "k1")) for i in range(5)]
    await send(*facts)
    road = desk.person("responder", "s1-road")
    parts = [str(await pool.fetchval("SELECT assignment_id FROM assignments WHERE order_id = $1", f.order_id))
             for f in facts]  # fmt: skip
    items: list[dict[str, Any]] = [
        {"id": parts[0], "version": 1, "key": "k0"},
        {"id": parts[1], "version": 7, "key": "k1"},
        {"id": parts[2], "version": 1, "key": "k2", "body": {"colour": "red"}},
        {"id": parts[3], "version": 1, "key": "k3"},
        {"id": parts[4], "version": 1, "key": "k4"},
        {"id": str(facts[0].order_id), "version": 1, "key": "k5"},
        {"id": parts[0], "version": 1, "key": "k6"},
    ]
    status, said = await bulk(road, "assignments", "accept", items)
    assert status == 200, said
    assert (said["done"], said["refused"]) == (2, 5)
    codes = [item["problem"]["code"] if "problem" in item else item["version"] for item in said["items"]]
    assert codes == [2, "version_stale", "invalid", 2, "other_unit", "not_found", "version_stale"]
    assert said["items"][0]["answer"]["status"] == "handling"
    assert await pool.fetchval("SELECT count(*) FROM assignments WHERE status = 'accepted'") == 2
    before = len(await announced(pool))
    again = (await bulk(road, "assignments", "accept", items[:1]))[1]
    assert again["items"][0]["answer"] == said["items"][0]["answer"]
    assert len(await announced(pool)) == before == 7


async def test_all_of_it_is_one_transaction(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    facts = [proposed(a_report(f"t{i}")) for i in range(60)]
    await send(*facts)
    items = [{"id": str(f.order_id), "version": 1, "key": f"u{i}"} for i, f in enumerate(facts)]
    status, said = await bulk(desk.person("dispatcher", "s1"), "orders", "void", items, reason="录入演练")
    assert (status, said["done"]) == (200, 60), said["items"][0]
    sql = "SELECT count(DISTINCT xmin::text) FROM orders WHERE status = 'void'"
    assert await pool.fetchval(sql) == 1
    assert await pool.fetchval("SELECT count(*) FROM history WHERE action = 'void'") == 60


async def test_what_is_wrong_with_all_of_it_is_refused_whole(send: Send, desk: Desk) -> None:
    fact = proposed()
    await send(fact)
    centre = desk.person("dispatcher", "s1")
    one = {"id": str(fact.order_id), "version": 1, "key": "x"}
    cases: list[tuple[Person, str, Any, int, str]] = [
        (centre, "void", [], 422, "bulk_empty"),
        (centre, "void", [one | {"key": str(i)} for i in range(501)], 422, "bulk_too_many"),
        (centre, "fly", [one], 404, "action_unknown"),
        (centre, "void", [{"id": "x", "version": 1, "key": "k"}], 422, "invalid"),
        (desk.person("agent"), "void", [one], 403, "forbidden"),
    ]
    for who, action, items, status, code in cases:
        said = await bulk(who, "orders", action, items, reason="x")
        assert (said[0], said[1]["code"]) == (status, code)
