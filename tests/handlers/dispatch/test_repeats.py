"""Repeats and conclusions over the API, on the real database."""

from datetime import timedelta
from uuid import UUID

import asyncpg
from msgspec import structs

from schemas.facts import Reporter, ReportReceived
from schemas.ids import number_of
from schemas.vocabulary import Verification
from tests.handlers.dispatch.client import Desk
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import T0, a_plan, a_report, announced, linked, proposed

WANG = Reporter(name="王某", phone="139 1234 5678")


def said(name: str, text: str = "桥头路1号门口井盖破损", phone: str = "13912345678") -> ReportReceived:
    later = T0 + timedelta(minutes=len(name))
    return a_report(name, text=text, reporter=structs.replace(WANG, phone=phone), received_at=later)


def number(report: ReportReceived) -> str:
    assert isinstance(report.report_id, UUID)
    return number_of(report.report_id)


async def test_a_repeat_is_marked_and_the_agent_sees_the_earlier_answer(
    send: Send, desk: Desk, pool: asyncpg.Pool
) -> None:
    first, again, other = said("a"), said("bb"), said("ccc", phone="13900000000")
    fact = proposed(first, a_plan("s1-road", verification=Verification.NONE))
    await send(fact, linked(fact.order_id, other))
    await send(linked(fact.order_id, again))
    agent, road = desk.person("agent"), desk.person("responder", "s1-road")
    shown = {r["number"]: r.get("repeat_of") for r in (await agent.order(fact.order_id))["reports"]}
    assert shown == {number(first): None, number(other): None, number(again): number(first)}
    _, told = await agent.get(f"/v1/reports/{number(again)}")
    assert (told["repeat_of"], told["answer"]) == (number(first), None)
    await road.on_part(fact.order_id, "accept", "s1-road")
    await road.on_part(fact.order_id, "finish", "s1-road", result="explained", answer="已列入计划")
    _, told = await agent.get(f"/v1/reports/{number(again)}")
    assert told["answer"] == "已列入计划"
    assert "answer" not in (await road.get(f"/v1/reports/{number(again)}"))[1]
    joined = [f for f in await announced(pool) if f["type"] == "ReportJoined"]
    assert [f["report"].get("repeat_of") for f in joined] == [None, str(first.report_id)]
    assert "139" not in str(joined)


async def test_a_concluded_matter_answers_repeats_until_somebody_opens_it_anew(
    send: Send, desk: Desk, pool: asyncpg.Pool
) -> None:
    fact = proposed(said("a"), a_plan("s1-road", verification=Verification.NONE))
    await send(fact)
    order, district = fact.order_id, desk.person("dispatcher", "d1")
    street, road = desk.person("dispatcher", "s1"), desk.person("responder", "s1-road")
    for round_ in (1, 2):
        if round_ == 2:
            assert (await district.on_order(order, "conclude", answer="x"))[1]["code"] == "rounds_left"
            assert (await street.on_order(order, "reopen", reason="再查"))[0] == 200
        await road.on_part(order, "accept", "s1-road")
        await road.on_part(order, "finish", "s1-road", result="explained", answer=f"答复{round_}")
    assert (await street.on_order(order, "conclude", answer="x"))[1]["code"] == "other_unit"
    status, body = await district.on_order(order, "conclude", answer="已依规答复，予以终结")
    assert (status, body["status"]) == (200, "closed")
    again = said("dddd")
    await send(linked(order, again))
    _, told = await desk.person("agent").get(f"/v1/reports/{number(again)}")
    assert (told["order_id"], told["state"], told["answer"]) == (str(order), "closed", "已依规答复，予以终结")
    assert await pool.fetchval("SELECT count(*) FROM orders") == 1
    assert [f["type"] for f in await announced(pool)][-2:] == ["OrderConcluded", "RepeatAnswered"]
    assert (await district.order(order))["conclusion"] == "已依规答复，予以终结"
    await send(linked(order, said("new", "昨晚有老人在此踩空骨折送医")))
    assert await pool.fetchval("SELECT count(*) FROM orders") == 2, "a new fact opens the successor"
