"""Duty rosters over the API: who is on, swaps and notes, empty shifts, and whom an urgent order rings."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from schemas.vocabulary import Lane, Urgency
from services.dispatch.api.stream import Stream
from services.dispatch.store import duty
from tests.handlers.dispatch.client import Answer, Desk, Person
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import DIRECTORY, a_plan, a_report, in_triage, proposed


async def put(desk: Desk, caller: Person, unit: str, key: str, **body: Any) -> Answer:
    headers = caller.headers | {"idempotency-key": key}
    reply = await desk.client.put(f"/v1/units/{unit}/duty", json=body, headers=headers)
    return reply.status_code, reply.json()


def span(first: float, last: float) -> dict[str, str]:
    now = datetime.now(UTC)
    return {name: (now + timedelta(hours=h)).isoformat() for name, h in (("starts", first), ("ends", last))}


async def test_who_is_on_with_the_phone_masked_for_those_who_do_not_ring(pool: asyncpg.Pool, desk: Desk) -> None:
    path = "/v1/units/s1-road/duty"
    status, shown = await desk.person("dispatcher", "s1").get(path)
    assert status == 200 and (shown["unit"]["unit_id"], shown["empty"]) == ("s1-road", False)
    assert {name: shown["on"][name] for name in ("person", "deputy", "phone", "note", "swapped")} == {
        "person": "周平", "deputy": "吴安", "phone": "55550101", "note": "钥匙在值班室", "swapped": False,
    }  # fmt: skip
    for role, unit, phone in (
        ("responder", "s1-road", "55550101"),
        ("responder", "s1-clean", "***01"),
        ("inspector", "s1", "***01"),
        ("auditor", "", "***01"),
    ):
        assert (await desk.person(role, unit).get(path))[1]["on"]["phone"] == phone, (role, unit)
    assert (await desk.person("gateway").get(path))[0] == 403
    assert (await desk.person("auditor").get("/v1/units/nobody/duty"))[1]["code"] == "not_found"
    assert (await desk.person("auditor").get(path, at="2026-03-02T10:00:00"))[1]["code"] == "invalid"
    status, shown = await desk.person("dispatcher", "s1").get("/v1/units/s2/duty", at="2026-01-01T10:00:00+08:00")
    assert (shown["on"]["person"], shown["empty"]) == ("冯一", False)
    status, shown = await desk.person("dispatcher", "s1").get("/v1/units/s2/duty", at="2026-01-01T21:00:00+08:00")
    assert (shown["on"], shown["empty"], shown["instead"]["unit"]["unit_id"]) == (None, True, "d1")


async def test_a_swap_is_recorded_once_by_the_unit_or_a_centre_above(pool: asyncpg.Pool, desk: Desk) -> None:
    road, clean = desk.person("responder", "s1-road"), desk.person("responder", "s1-clean")
    district = desk.person("dispatcher", "d1")
    now = span(-1, 3)
    said = now | {"person": "孙二", "phone": "55550199", "note": "顶班"}
    status, shown = await put(desk, road, "s1-road", "k1", **said)
    assert status == 200, shown
    assert (shown["on"]["person"], shown["on"]["swapped"]) == ("孙二", True)
    assert (await put(desk, road, "s1-road", "k1", **said))[0] == 200
    assert await pool.fetchval("SELECT count(*) FROM duty_changes") == 1, "a repeat is the same swap"
    assert (await put(desk, road, "s1-road", "k1", **now, person="another", phone="55550198"))[1][
        "code"
    ] == "key_reused"
    assert (await put(desk, clean, "s1-road", "k2", **said))[1]["code"] == "other_unit"
    assert (await put(desk, desk.person("dispatcher", "d2"), "s1-road", "k2", **said))[1]["code"] == "other_unit"
    assert (await put(desk, desk.person("agent"), "s1-road", "k2", **said))[1]["code"] == "forbidden"
    for wrong, code in (
        (span(3, 1), "invalid"),
        (span(-3, -1), "invalid"),
        (span(1, 24 * 40), "invalid"),
        (now | {"person": "孙二"}, "invalid"),
        (now | {"person": "孙二", "phone": "call me"}, "phone_invalid"),
        ({"starts": "2026-03-02T10:00:00", "ends": "2026-03-02T11:00:00"}, "invalid"),
        (now | {"person": "孙二\0", "phone": "55550198"}, "text_unreadable"),
        (now | {"persons": 2}, "invalid"),
    ):
        assert (await put(desk, road, "s1-road", "wrong", **wrong))[1]["code"] == code, wrong
    assert (await put(desk, district, "s1-road", "k3", **now))[1]["instead"]["person"] == "郑和", "nobody: the district"
    assert await duty.empty(pool, DIRECTORY.rosters) == 2, "this one, and the street without a line for today"


async def test_a_hand_over_note_is_shown_to_whoever_comes_on(pool: asyncpg.Pool, desk: Desk) -> None:
    road = desk.person("responder", "s1-road", "周平")
    for text in ("井盖未到货", "井盖已到，上午装"):
        status, _ = await road.post("/v1/units/s1-road/duty/notes", None, {"note": text})
        assert status == 200
    shown = (await road.get("/v1/units/s1-road/duty"))[1]["handover"]
    assert (shown["note"], shown["by"]) == ("井盖已到，上午装", "周平")
    assert (await road.post("/v1/units/s1-road/duty/notes", None, {"note": ""}))[1]["code"] == "invalid"
    await pool.execute("UPDATE duty_changes SET at = at - interval '3 days'")
    assert "handover" not in (await road.get("/v1/units/s1-road/duty"))[1]


async def test_empty_shifts_are_listed_inside_the_callers_boundary(pool: asyncpg.Pool, desk: Desk) -> None:
    await put(desk, desk.person("responder", "s1-road"), "s1-road", "k", **span(-1, 2))
    await put(desk, desk.person("responder", "s1-road"), "s1-road", "l", **span(5, 6))

    async def listed(role: str, unit: str = "") -> list[tuple[str, bool]]:
        status, page = await desk.person(role, unit).get("/v1/duty/gaps", hours=12)
        assert status == 200, page
        return sorted((item["unit"]["unit_id"], item["now"]) for item in page["items"])

    assert await listed("dispatcher", "s1") == [("s1-road", False), ("s1-road", True)]
    assert await listed("supervisor") == [("s1-road", False), ("s1-road", True), ("s2", True)]
    assert await listed("dispatcher", "d2") == []
    assert (await desk.person("responder", "s1-road").get("/v1/duty/gaps"))[1]["code"] == "forbidden"
    assert (await desk.person("supervisor").get("/v1/duty/gaps", hours=10_000))[1]["code"] == "invalid"


async def test_an_urgent_order_names_who_is_rung_and_one_that_can_wait_does_not(send: Send, desk: Desk) -> None:
    urgent = proposed(a_report(), a_plan("s1-road", "s1-clean", urgency=Urgency.URGENT))
    waits = proposed(a_report(), a_plan("s1-road"))
    await send(urgent, lane=Lane.URGENT)
    await send(waits)
    told = (await desk.person("dispatcher", "s1").order(urgent.order_id))["duty"]
    assert [(t["unit"]["unit_id"], t["empty"]) for t in told] == [("s1-road", False), ("s1-clean", True)]
    assert told[0]["on"]["phone"] == "55550101" and told[1]["instead"]["person"] == "郑和"
    assert (await desk.person("responder", "s1-clean").order(urgent.order_id))["duty"][0]["on"]["phone"] == "***01"
    assert "duty" not in await desk.person("dispatcher", "s1").order(waits.order_id)


async def test_the_stream_rings_for_what_is_urgent(send: Send, desk: Desk) -> None:
    app: Any = desk.client._transport.app  # type: ignore[attr-defined]
    source: Stream = app.state.stream
    people = [desk.person("dispatcher", "s1"), desk.person("responder", "s1-clean")]
    mine, helper = [await source.join(app.state.tokens.principal(p.headers["authorization"])) for p in people]
    quiet, urgent = proposed(), proposed(a_report(), a_plan("s1-road", "s1-clean", urgency=Urgency.CRITICAL))
    undecided = in_triage(lead="d1")
    await send(quiet, undecided)
    await send(urgent, lane=Lane.URGENT)

    async def ring(listener: Any) -> dict[str, Any]:
        async with asyncio.timeout(30):
            while True:
                event: bytes = await listener.waiting.get()
                if event.startswith(b"event: ring\n"):
                    told: dict[str, Any] = json.loads(event.split(b"data: ")[1])
                    return told

    told = await ring(mine)
    assert (told["order_id"], told["urgency"], told["action"]) == (str(urgent.order_id), "critical", "open")
    assert [(d["unit"]["unit_id"], d["empty"]) for d in told["duty"]] == [("s1-road", False), ("s1-clean", True)]
    assert told["duty"][0]["on"]["phone"] == "55550101"
    assert (await ring(helper))["duty"][0]["on"]["phone"] == "***01"
    await desk.person("dispatcher", "s1").on_order(urgent.order_id, "urge", note="?")
    assert (await ring(mine))["action"] == "urge"
    for listener in (mine, helper):
        source.leave(listener)
