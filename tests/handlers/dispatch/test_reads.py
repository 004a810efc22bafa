"""What can be seen, by whom, and as it stood at a past moment."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from schemas.facts import Reporter
from schemas.ids import number_of
from schemas.vocabulary import Source
from services.dispatch.api.stream import Stream
from tests.handlers.dispatch.client import Desk
from tests.handlers.dispatch.conftest import Send
from tests.handlers.dispatch.looks import indexed, now_settled
from tests.rules.dispatch.town import DIRECTORY, a_plan, a_report, in_triage, linked, minutes, proposed

WANG = Reporter(name="王小明", phone="13812345678", person_id="310101", address="一村 101")


async def test_an_order_has_the_shape_others_rely_on(send: Send, desk: Desk) -> None:
    fact = proposed(a_report("shape"), a_plan("s1-road", "s1-clean"))
    await send(fact)
    shown = await desk.person("agent").order(fact.order_id)
    assert shown["number"] == number_of(fact.order_id)
    assert (shown["status"], shown["version"], shown["round"], shown["urgency"]) == ("dispatched", 1, 1, "normal")
    assert shown["class"] == {"standard": "GB/T 47678.5", "kind": "part", "code": "01001", "name": "井盖"}
    assert shown["place"] == {"division": "S1", "name": "桥头街道", "lon": 121.4, "lat": 31.2}
    assert shown["lead"] == {"unit_id": "s1-road", "name": "桥头市政", "tier": "street"}
    assert set(shown["path"][0]) == {"tier", "unit", "at", "by"}
    assert {"assignment_id", "unit", "role", "status", "version"} <= set(shown["assignments"][0])
    assert shown["reports"][0]["number"] == number_of(fact.report.report_id)  # type: ignore[arg-type]
    assert "closed_at" not in shown and datetime.fromisoformat(shown["opened_at"]).tzinfo is not None
    assert shown["actions"] == ["urge", "urgency"]
    assert await desk.person("agent").order(shown["number"]) == shown


async def test_a_report_tells_where_it_got_to(send: Send, desk: Desk) -> None:
    unsure, opened = in_triage(a_report("t")), proposed(a_report("o"))
    joined = linked(opened.order_id, a_report("j"))
    await send(unsure, opened, joined)
    gateway = desk.person("gateway")

    async def state(report: Any) -> tuple[str, str | None]:
        status, body = await gateway.get(f"/v1/reports/{number_of(report.report_id)}")
        assert status == 200 and body["report_id"] == str(report.report_id)
        return body["state"], body.get("order_status")

    assert await state(unsure.report) == ("triage", "triage")
    assert await state(opened.report) == ("opened", "dispatched")
    assert await state(joined.report) == ("linked", "dispatched")
    await desk.person("dispatcher", "s1").on_order(unsure.order_id, "reject", reason="no")
    assert await state(unsure.report) == ("rejected", "rejected")
    assert (await gateway.get(f"/v1/reports/{a_report('never').report_id}"))[0] == 404


SEES: list[tuple[str, str, bool]] = [
    ("responder", "s1-road", True),  # leads
    ("responder", "s1-clean", True),  # assists
    ("responder", "k1", False),  # lies in the street, but has no part in it
    ("responder", "", False),
    ("dispatcher", "s1", True),  # the street of the place
    ("dispatcher", "d1", True),  # the district above
    ("dispatcher", "city", True),
    ("dispatcher", "s2", False),  # another street
    ("dispatcher", "d2", False),  # another district
    ("dispatcher", "", False),
    ("dispatcher", "no-such-unit", False),
    ("supervisor", "", True),
    ("supervisor", "d2", False),
    ("agent", "", True),
    ("auditor", "", True),
]


@pytest.mark.parametrize(("role", "unit", "may"), SEES)
async def test_queue_and_jurisdiction_decide_who_sees(send: Send, desk: Desk, role: str, unit: str, may: bool) -> None:
    fact = proposed(a_report(), a_plan("s1-road", "s1-clean"))
    await send(fact)
    person = desk.person(role, unit)
    status, body = await person.get(f"/v1/orders/{fact.order_id}")
    assert status == (200 if may else 403)
    assert (await person.get(f"/v1/orders/{fact.order_id}/history"))[0] == status
    listed = (await person.get("/v1/orders"))[1]["items"]
    assert [o["order_id"] for o in listed] == ([str(fact.order_id)] if may else [])


async def test_a_centre_acts_only_inside_its_boundary(send: Send, desk: Desk) -> None:
    fact = proposed(a_report(), a_plan())
    await send(fact)
    path = f"/v1/orders/{fact.order_id}/actions/void"
    assert (await desk.person("dispatcher", "s2").post(path, 1, {"reason": "x"}))[1]["code"] == "other_unit"
    assert (await desk.person("dispatcher", "d1").post(path, 1, {"reason": "x"}))[0] == 200


async def test_gateways_read_no_orders(send: Send, desk: Desk) -> None:
    fact = proposed()
    await send(fact)
    assert (await desk.person("gateway").get(f"/v1/orders/{fact.order_id}"))[1]["code"] == "forbidden"
    assert (await desk.person("gateway").get("/v1/orders"))[1]["code"] == "forbidden"


async def test_reporters_are_masked_and_revealed_only_with_a_logged_purpose(
    pool: asyncpg.Pool, send: Send, desk: Desk
) -> None:
    fact = proposed(a_report("w", reporter=WANG))
    secret = linked(
        fact.order_id, a_report("x", reporter=Reporter(name="李四", phone="13900000000", confidential=True))
    )
    await send(fact, secret)
    road, agent = desk.person("responder", "s1-road"), desk.person("agent")
    for person in (road, agent):
        shown = json.dumps(await person.order(fact.order_id), ensure_ascii=False)
        assert not any(word in shown for word in ("小明", "13812345678", "310101", "一村 101", "李", "13900000000"))
    by_name = {r["number"]: r["reporter"] for r in (await road.order(fact.order_id))["reports"]}
    assert by_name[number_of(fact.report.report_id)] == {"confidential": False, "name": "王**", "phone": "***78"}  # type: ignore[arg-type]
    assert (await road.get(f"/v1/orders/{fact.order_id}", reveal="curious"))[1]["code"] == "forbidden"
    assert await pool.fetchval("SELECT count(*) FROM reveals") == 0
    shown = json.dumps(await agent.order(fact.order_id, reveal="call back"), ensure_ascii=False)
    assert "13812345678" in shown
    row = await pool.fetchrow("SELECT order_id, principal, purpose FROM reveals")
    assert tuple(row) == (fact.order_id, "agent@nowhere", "call back")
    history = (await agent.get(f"/v1/orders/{fact.order_id}/history"))[1]
    assert "13812345678" not in json.dumps(history)


async def test_filters_narrow_and_cursors_go_on_where_the_page_ended(
    pool: asyncpg.Pool, send: Send, desk: Desk
) -> None:
    for i in range(7):
        await send(proposed(a_report(f"f{i}", text=f"第{i}号井盖 100%"), a_plan("s1-road" if i % 2 else "s1-clean")))
    await send(in_triage(a_report("tri", text="不清楚")))
    await indexed(pool)
    agent = desk.person("agent")

    async def numbers(**said: Any) -> list[str]:
        found: list[str] = []
        cursor = ""
        while True:
            status, page = await agent.get("/v1/orders", limit=2, cursor=cursor, **said)
            assert status == 200, page
            found += [o["number"] for o in page["items"]]
            if page["next"] is None:
                return found
            cursor = page["next"]

    everything = await numbers()
    assert len(everything) == len(set(everything)) == 8
    assert len(await numbers(status="triage")) == 1
    assert len(await numbers(status=["triage", "dispatched"])) == 8
    assert len(await numbers(unit="s1-clean")) == 4
    assert len(await numbers(division="D1")) == 8 and await numbers(division="D2") == []
    assert len(await numbers(**{"class": "GB/T 47678.5/part/01001"})) == 8
    assert await numbers(source="police") == []
    assert len(await numbers(q="号井盖")) == 7 and len(await numbers(q="3号")) == 1
    assert len(await numbers(q="100%")) == 7 and await numbers(q="1__%") == []
    assert await numbers(q=everything[3].lower()) == [everything[3]]
    report = number_of(a_report("tri").report_id)  # type: ignore[arg-type]
    assert len(await numbers(q=report)) == 1
    assert await numbers(opened_to="2020-01-01T00:00:00Z") == []
    assert (await agent.get("/v1/orders", opened_to="2020-01-01T00:00:00"))[1]["code"] == "invalid"
    assert (await agent.get("/v1/orders", cursor="nonsense"))[1]["code"] == "cursor_invalid"
    assert (await agent.get("/v1/orders", limit=500))[1]["code"] == "invalid"


async def test_any_past_moment_is_shown_as_it_was_seen_then(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    fact = proposed(a_report("past"), a_plan("s1-road", "s1-clean"))
    await send(fact)
    order = fact.order_id
    agent, road, clean = desk.person("agent"), desk.person("responder", "s1-road"), desk.person("responder", "s1-clean")
    centre = desk.person("dispatcher", "s1")
    seen: list[tuple[datetime, dict[str, Any], dict[str, Any]]] = []

    async def look() -> None:
        moment = await pool.fetchval("SELECT clock_timestamp()")
        seen.append((moment, await agent.order(order), (await agent.get("/v1/orders"))[1]))

    await look()
    await send(linked(order, a_report("joined later")))
    await look()
    for person, unit, action, said in (
        (clean, "s1-clean", "accept", {}),
        (road, "s1-road", "accept", {}),
        (clean, "s1-clean", "finish", {"result": "solved", "answer": "扫了"}),
        (road, "s1-road", "contact", {"reached": True, "report_id": str(fact.report.report_id)}),
    ):
        assert (await person.on_part(order, action, unit, **said))[0] == 200
        await look()
    assert (await centre.on_order(order, "route", lead="k1", **{"class": "GB/T 47678.5/event/06010"}))[0] == 200
    await look()
    await send(proposed(a_report("another")))
    await look()
    await now_settled(pool)
    for moment, whole, listed in seen:
        assert await agent.order(order, as_of=moment.isoformat()) == whole
        assert (await agent.get("/v1/orders", as_of=moment.isoformat()))[1] == listed
    was_road_s = seen[3][0].isoformat()
    assert (await agent.get("/v1/orders", as_of=was_road_s, status="handling"))[1]["items"] != []
    assert (await agent.get("/v1/orders", as_of=was_road_s, unit="k1"))[1]["items"] == []


async def test_a_moment_that_may_still_change_is_refused(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    fact = proposed(a_report())
    await send(fact)
    agent = desk.person("agent")
    for path in (f"/v1/orders/{fact.order_id}", "/v1/orders"):
        status, body = await agent.get(path, as_of=datetime.now(UTC).isoformat())
        assert (status, body["code"]) == (422, "moment_too_young")
    await now_settled(pool)
    status, body = await agent.get(f"/v1/orders/{fact.order_id}", as_of=minutes(0).isoformat())
    assert (status, body["code"]) == (404, "not_found")


async def test_history_says_who_did_what_when_and_which_version_it_moved(send: Send, desk: Desk) -> None:
    fact = proposed(a_report())
    await send(fact)
    road = desk.person("responder", "s1-road")
    await road.on_part(fact.order_id, "accept", "s1-road")
    rows = (await road.get(f"/v1/orders/{fact.order_id}/history"))[1]["items"]
    assert [(r["seq"], r["action"], r["old_version"], r["new_version"], r["order_version"]) for r in rows] == [
        (1, "open", 0, 1, 1),
        (2, "accept", 1, 2, 2),
    ]
    assert (rows[1]["actor"], rows[1]["unit"], rows[1]["tier"]) == ("responder@s1-road", "s1-road", "street")


async def test_a_unit_s_queue_holds_what_it_has_to_do(send: Send, desk: Desk) -> None:
    facts = [proposed(a_report(f"q{i}"), a_plan("s1-road", "s1-clean")) for i in range(5)]
    await send(*facts)
    road = desk.person("responder", "s1-road")
    found: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = (await road.get("/v1/me/queue", limit=2, cursor=cursor))[1]
        found += page["items"]
        cursor = page["next"]
    assert sorted(o["order_id"] for o in found) == sorted(str(f.order_id) for f in facts)
    assert {"accept", "contact", "progress", "police", "request"} == set(found[0]["assignment"]["actions"])
    await road.on_part(facts[0].order_id, "accept", "s1-road")
    await desk.person("dispatcher", "s1").on_order(facts[1].order_id, "route", lead="k1")
    left = {o["order_id"]: o["assignment"]["status"] for o in (await road.get("/v1/me/queue"))[1]["items"]}
    assert left.pop(str(facts[0].order_id)) == "accepted"
    assert str(facts[1].order_id) not in left and set(left.values()) == {"offered"}
    assert (await desk.person("responder").get("/v1/me/queue"))[1]["code"] == "other_unit"


async def test_the_stream_tells_of_changes_to_those_who_may_see_them(send: Send, desk: Desk) -> None:
    source: Stream = desk.client._transport.app.state.stream  # type: ignore[attr-defined]
    tokens = desk.client._transport.app.state.tokens  # type: ignore[attr-defined]
    mine, theirs = [
        await source.join(tokens.principal(desk.person("dispatcher", unit).headers["authorization"]))
        for unit in ("s1", "s2")
    ]
    fact = proposed(a_report(source=Source.POLICE))
    await send(fact)
    await asyncio.sleep(4 * 0.05)  # several looks: what one of them handed out, the next must not hand out again
    await desk.person("dispatcher", "s1").on_order(fact.order_id, "urge")
    told = []
    async with asyncio.timeout(30):
        while not told or told[-1]["type"] != "Urged":
            event = await mine.waiting.get()
            assert event.startswith(b"event: change\n")
            told.append(json.loads(event.split(b"data: ")[1]))
    assert [(t["order_id"], t["seq"], t["type"], t["status"]) for t in told] == [
        (str(fact.order_id), 1, "OrderOpened", "dispatched"),
        (str(fact.order_id), 2, "Urged", "dispatched"),
    ]
    assert theirs.waiting.empty()
    source.leave(mine)
    source.leave(theirs)


async def test_the_stream_misses_nothing_recorded_before_its_first_look(
    pool: asyncpg.Pool, send: Send, desk: Desk
) -> None:
    """Under load the first look comes late, long after what happened just when the listener came."""
    app = desk.client._transport.app  # type: ignore[attr-defined]
    caller = app.state.tokens.principal(desk.person("agent").headers["authorization"])
    late = Stream(pool, DIRECTORY, every=0.01, settling=timedelta(seconds=0.1))
    listener = await late.join(caller)
    fact = proposed()
    await send(fact)
    await pool.fetchval("SELECT pg_sleep(0.5)")  # longer than a transaction may take and than the time between looks
    await late._look()
    assert str(fact.order_id).encode() in listener.waiting.get_nowait()
    await late._look()
    assert listener.waiting.empty()


async def test_the_api_describes_itself(desk: Desk) -> None:
    described = (await desk.client.get("/openapi.json")).json()
    assert "/v1/orders/{order}/actions/{action}" in described["paths"]
    post = described["paths"]["/v1/assignments/{assignment_id}/actions/{action}"]["post"]
    bodies = post["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
    assert any("answer" in body.get("properties", {}) for body in bodies)
    assert "#/components/" not in json.dumps(bodies)
    assert (await desk.client.get("/readyz")).json() == {"database": True}


async def test_orders_opened_between_two_pages_do_not_shift_the_list(send: Send, desk: Desk) -> None:
    facts = [proposed(a_report(f"p{i}")) for i in range(4)]
    for fact in facts:
        await send(fact)
    agent = desk.person("agent")
    first = (await agent.get("/v1/orders", limit=2))[1]
    await send(proposed(a_report("new", received_at=minutes(0) + timedelta(days=1))))
    second = (await agent.get("/v1/orders", limit=2, cursor=first["next"]))[1]
    shown = [o["order_id"] for o in first["items"] + second["items"]]
    assert shown == [str(fact.order_id) for fact in reversed(facts)]
