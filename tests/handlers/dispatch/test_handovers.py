"""110 ⇄ 12345 and others, over the API on the real database: the sender keeps it until somebody there signs."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from msgspec import structs

from schemas.facts import DeadlineMissed, DeadlineWarned, Reporter
from schemas.ids import clock_id_of
from schemas.vocabulary import Source, Stage
from tests.handlers.dispatch.client import Answer, Desk, Person
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import DIRECTORY, a_plan, a_report, announced, in_triage, proposed

RECEIPT = {"step": "arrived"}


async def an_order(send: Send, name: str = "one", source: Source = Source.HOTLINE, number: str = "H-1") -> UUID:
    reporter = Reporter(name="王某", phone="13912345678")
    report = structs.replace(a_report(name, source=source, reporter=reporter), source_number=number)
    fact = proposed(report, a_plan("s1-road"))
    await send(fact)
    return fact.order_id


async def offered(desk: Desk, order: UUID, platform: str = "110") -> dict[str, Any]:
    """The order offered to a platform; the hand-over as the order shows it."""
    centre = desk.person("dispatcher", "s1")
    status, body = await centre.on_order(order, "transfer", platform=platform, reason="涉嫌盗窃")
    assert status == 200, body
    found: dict[str, Any] = (await centre.order(order))["handovers"][-1]
    return found


async def say(gateway: Person, handover: dict[str, Any], action: str, **said: Any) -> Answer:
    """A word of the other platform, at the hand-over's present version."""
    version = said.pop("version", None)
    if version is None:
        version = (await gateway.get(f"/v1/handovers/{handover['handover_id']}"))[1]["version"]
    return await gateway.post(f"/v1/handovers/{handover['handover_id']}/{action}", version, said)


async def test_recall_is_offered_while_a_hand_over_waits_and_not_otherwise(send: Send, desk: Desk) -> None:
    order = await an_order(send)
    centre = desk.person("dispatcher", "s1")
    before = (await centre.order(order))["actions"]
    assert "recall" not in before and "transfer" in before
    await offered(desk, order)
    shown = await centre.order(order)
    assert set(shown["actions"]) == {*before, "recall"}
    assert (await centre.on_order(order, "recall", reason="查明非盗窃"))[0] == 200
    assert (await centre.order(order))["actions"] == before


async def test_a_triage_offers_recall_only_while_a_hand_over_waits(send: Send, desk: Desk) -> None:
    fact = in_triage()
    await send(fact)
    centre = desk.person("dispatcher", "city")

    async def listed() -> list[str]:
        [item] = (await centre.get("/v1/triage"))[1]["items"]
        found: list[str] = item["actions"]
        return found

    assert "transfer" in await listed() and "recall" not in await listed()
    assert (await centre.on_order(fact.order_id, "transfer", platform="110", reason="涉嫌盗窃"))[0] == 200
    assert "recall" in await listed()


async def test_the_sender_keeps_it_until_a_named_person_signs(send: Send, desk: Desk, pool: asyncpg.Pool) -> None:
    order = await an_order(send)
    handover = await offered(desk, order)
    centre, road, police = (
        desk.person(*who) for who in (("dispatcher", "s1"), ("responder", "s1-road"), ("gateway", "police"))
    )
    assert (await road.on_part(order, "accept", "s1-road"))[1]["status"] == "handling", "its clocks and work go on"
    [waiting] = (await police.get("/v1/handovers"))[1]["items"]
    assert waiting["source_numbers"] == [{"source": "hotline", "number": "H-1"}]
    assert waiting["order"]["order_id"] == str(order)
    status, body = await say(police, handover, "sign", person="张警官", number="P-77")
    assert (status, body["state"], body["person"]) == (200, "signed", "张警官"), body
    shown = await centre.order(order)
    assert shown["status"] == "transferred" and shown["handovers"][0]["number"] == "P-77"
    assert [a["status"] for a in shown["assignments"]] == ["withdrawn"]
    assert (await police.get("/v1/handovers"))[1]["items"] == []
    for step, said in (("arrived", {}), ("result", {"answer": "已调解"})):
        status, body = await say(police, handover, "receipts", step=step, **said)
        assert status == 200, body
    assert (await say(police, handover, "receipts", step="result"))[1]["code"] == "receipt_given"
    assert (await centre.order(order))["handovers"][0]["answer"] == "已调解"
    facts = await announced(pool)
    assert [f["type"] for f in facts][-3:] == ["OrderTransferred", "HandoverReported", "HandoverReported"]
    assert [f["seq"] for f in facts] == list(range(1, len(facts) + 1))
    assert "张警官" not in str(facts), "who signed stays with dispatch"


async def test_undecided_it_stays_with_who_received_it_first(send: Send, desk: Desk) -> None:
    order = await an_order(send)
    police = desk.person("gateway", "police")
    handover = await offered(desk, order)
    status, body = await say(police, handover, "decline", reason="不属警务")
    assert (status, body["state"]) == (200, "returned")
    shown = await desk.person("dispatcher", "s1").order(order)
    assert (shown["status"], shown["lead"]["unit_id"]) == ("dispatched", "s1-road")
    status, body = await say(police, handover, "sign", person="张警官")
    assert (status, body["code"]) == (409, "handover_ended")
    again = await offered(desk, order)
    assert again["handover_id"] != handover["handover_id"], "after a word between the two it may be offered again"


async def test_unsigned_it_rings_the_duty_and_goes_back(
    send: Send, notice: Send, desk: Desk, pool: asyncpg.Pool
) -> None:
    order = await an_order(send)
    handover = await offered(desk, order)
    clock: dict[str, Any] = {
        "order_id": order,
        "clock_id": clock_id_of(order, 1, "sign", handover["handover_id"]),
        "stage": Stage.SIGN,
        "owner": "110",
    }
    due = datetime.now(UTC) + timedelta(minutes=3)
    await notice(DeadlineWarned(**clock, due=due))
    assert (await desk.person("dispatcher", "s1").order(order))["handovers"][0]["state"] == "offered"
    before = datetime.fromisoformat(handover["offered_at"]) - timedelta(seconds=1)
    await notice(DeadlineMissed(**clock, due=before))  # of a hand-over before this one
    assert (await desk.person("dispatcher", "s1").order(order))["handovers"][0]["state"] == "offered"
    await notice(DeadlineMissed(**clock, due=due))
    shown = await desk.person("dispatcher", "s1").order(order)
    assert (shown["handovers"][0]["state"], shown["status"]) == ("returned", "dispatched")
    told = [(f["type"], f.get("cause"), f.get("note")) for f in await announced(pool)]
    assert told[-1:] == [("HandoverReturned", "unsigned", None)]


async def test_a_responder_asks_for_the_police_in_one_tap_and_keeps_the_order(send: Send, desk: Desk) -> None:
    order = await an_order(send)
    road, police = desk.person("responder", "s1-road"), desk.person("gateway", "police")
    await road.on_part(order, "accept", "s1-road")
    status, body = await road.on_part(order, "police", "s1-road")
    assert status == 200, body
    [waiting] = (await police.get("/v1/handovers"))[1]["items"]
    assert waiting["mode"] == "help"
    assert (await say(police, waiting, "sign", person="张警官"))[0] == 200
    assert (await say(police, waiting, "receipts", **RECEIPT))[0] == 200
    assert (await road.order(order))["status"] == "handling"
    assert (await road.on_part(order, "finish", "s1-road", result="solved", answer="已处置"))[0] == 200


async def test_what_110_handed_over_is_told_under_its_own_number(send: Send, desk: Desk) -> None:
    order = await an_order(send, source=Source.POLICE, number="JQ-2026-1")
    road, police = desk.person("responder", "s1-road"), desk.person("gateway", "police")
    status, told = await police.get("/v1/receipts/JQ-2026-1")
    assert (status, told["receipts"], told["order_status"]) == (200, [], "dispatched")
    for action, said in (("accept", {}), ("arrive", {}), ("finish", {"result": "explained", "answer": "已劝解"})):
        assert (await road.on_part(order, action, "s1-road", **said))[0] == 200
    _, told = await police.get("/v1/receipts/JQ-2026-1")
    assert [r["step"] for r in told["receipts"]] == ["signed", "arrived", "result"]
    assert (told["receipts"][-1]["result"], told["receipts"][-1]["answer"]) == ("explained", "已劝解")
    assert told["receipts"][0]["unit"]["unit_id"] == "s1-road"
    assert "139" not in str(told)
    assert (await desk.person("gateway", "hotline").get("/v1/receipts/JQ-2026-1"))[1]["code"] == "not_found"
    assert (await desk.person("gateway", "s1-road").get("/v1/receipts/JQ-2026-1"))[1]["code"] == "other_unit"


async def test_who_reported_is_shown_to_the_platform_that_signed_and_logged(
    send: Send, desk: Desk, pool: asyncpg.Pool
) -> None:
    order = await an_order(send)
    handover = await offered(desk, order)
    police = desk.person("gateway", "police")
    path = f"/v1/handovers/{handover['handover_id']}"
    assert (await police.get(path))[1]["reports"][0]["reporter"]["phone"] == "***78"
    assert (await police.get(path, reveal="contact"))[1]["code"] == "handover_unsigned"
    await say(police, handover, "sign", person="张警官")
    assert (await police.get(path, reveal="contact"))[1]["reports"][0]["reporter"]["phone"] == "13912345678"
    row = await pool.fetchrow("SELECT order_id, role, purpose FROM reveals")
    assert tuple(row) == (order, "gateway", "contact")


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        (("gateway", "hotline"), 403, "other_unit"),
        (("gateway", "s1-road"), 403, "other_unit"),
        (("gateway", ""), 403, "other_unit"),
        (("gateway", "city:hangzhou"), 403, "other_unit"),
        (("dispatcher", "s1"), 403, "forbidden"),
        (("responder", "s1-road"), 403, "forbidden"),
    ],
)
async def test_nobody_signs_for_another_platform(
    send: Send, desk: Desk, who: tuple[str, str], status: int, code: str
) -> None:
    order = await an_order(send)
    handover = await offered(desk, order)
    answer = await say(desk.person(*who), handover, "sign", person="某人", version=1)
    assert (answer[0], answer[1]["code"]) == (status, code)
    assert (await desk.person("dispatcher", "s1").order(order))["status"] == "dispatched"


async def test_another_city_is_a_platform_by_its_own_name(
    send: Send, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DIRECTORY, "registered", frozenset({"city:hangzhou"}))
    order = await an_order(send)
    handover = await offered(desk, order, "City:Hangzhou")
    there = desk.person("gateway", "city:hangzhou")
    assert (await say(there, handover, "sign", person="李工"))[0] == 200


async def test_the_writes_of_a_platform_are_checked_like_any_other(send: Send, desk: Desk) -> None:
    order = await an_order(send)
    handover = await offered(desk, order)
    police = desk.person("gateway", "police")
    path = f"/v1/handovers/{handover['handover_id']}"
    assert (await police.post(f"{path}/sign", None, {"person": "张警官"}))[1]["code"] == "version_missing"
    assert (await police.post(f"{path}/sign", 9, {"person": "张警官"}))[1]["code"] == "version_stale"
    for nobody in ("", "   ", "\u3000\n"):
        assert (await police.post(f"{path}/sign", 1, {"person": nobody}))[1]["code"] == "invalid"
    for unreadable in ('{"person": "张\\u0000"}', '{"person": "张\\ud800"}'):
        headers = police.headers | {"idempotency-key": "odd", "if-match": "1"}
        reply = await desk.client.post(f"{path}/sign", content=unreadable, headers=headers)
        assert reply.json()["code"] == "text_unreadable"
    assert (await police.post(f"{path}/explode", 1, {}))[1]["code"] == "action_unknown"
    assert (await police.post(f"/v1/handovers/{uuid4()}/sign", 1, {"person": "张"}))[1]["code"] == "not_found"
    assert (await police.post(f"{path}/receipts", 1, RECEIPT))[1]["code"] == "handover_unsigned"
    first = await police.post(f"{path}/sign", 1, {"person": "张警官"}, "same")
    assert await police.post(f"{path}/sign", 1, {"person": "张警官"}, "same") == first
    assert (await police.post(f"{path}/sign", 1, {"person": "李警官"}, "same"))[1]["code"] == "key_reused"


async def test_only_one_waits_at_a_time_and_it_can_be_taken_back(send: Send, desk: Desk) -> None:
    order, other = await an_order(send), await an_order(send, "two", number="H-2")
    await offered(desk, order)
    centre, police = desk.person("dispatcher", "s1"), desk.person("gateway", "police")
    for action, said in (("transfer", {"platform": "119", "reason": "x"}), ("merge", {"into": str(other)})):
        status, body = await centre.on_order(order, action, **said)
        assert (status, body["code"]) == (409, "handover_open"), action
    assert (await centre.on_order(order, "recall", reason="已解决"))[0] == 200
    assert (await police.get("/v1/handovers"))[1]["items"] == []
    assert (await centre.on_order(order, "recall", reason="已解决"))[1]["code"] == "action_not_allowed"


async def test_an_order_that_ended_meanwhile_is_nobodys_to_sign(send: Send, desk: Desk) -> None:
    order = await an_order(send)
    handover = await offered(desk, order)
    police = desk.person("gateway", "police")
    await desk.person("dispatcher", "s1").on_order(order, "void", reason="误录")
    assert (await police.get("/v1/handovers"))[1]["items"] == []
    assert (await say(police, handover, "sign", person="张警官"))[1]["code"] == "action_not_allowed"
