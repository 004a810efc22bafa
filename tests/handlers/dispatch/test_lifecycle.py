"""An order's life over the API, on the real database."""

import asyncpg

from schemas.vocabulary import Verification
from tests.handlers.dispatch.client import Desk
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import a_plan, a_report, announced, proposed


async def test_the_six_calls_from_acceptance_to_the_end(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    fact = proposed(a_report("one"), a_plan())
    await send(fact)
    order = fact.order_id
    road, agent = desk.person("responder", "s1-road"), desk.person("agent")
    for action, body in (
        ("accept", {}),
        ("contact", {"reached": True, "report_id": str(fact.report.report_id)}),
        ("arrive", {}),
        ("finish", {"result": "solved", "answer": "已更换井盖"}),
    ):
        status, answer = await road.on_part(order, action, "s1-road", **body)
        assert status == 200, (action, answer)
    assert answer["status"] == "callback"
    said = {"report_id": str(fact.report.report_id), "reached": True, "satisfied": "satisfied", "solved": True}
    assert (await agent.on_order(order, "callback", **said))[0] == 200
    status, answer = await agent.on_order(order, "close")
    assert (status, answer["status"]) == (200, "closed")
    facts = await announced(pool)
    assert [f["type"] for f in facts] == [
        "OrderOpened",
        "AssignmentAccepted",
        "ContactMade",
        "ArrivedOnSite",
        "AssignmentDone",
        "CallbackRecorded",
        "OrderClosed",
    ]
    assert [f["seq"] for f in facts] == [1, 2, 3, 4, 5, 6, 7]
    times = [f["recorded_at"] for f in facts]
    assert times == sorted(set(times))
    shown = await agent.order(order)
    assert shown["assignments"][0]["status"] == "confirmed"
    assert shown["assignments"][0]["answer"] == "已更换井盖"


async def test_a_consultation_closes_when_the_lead_answers(send: Send, desk: Desk, pool: asyncpg.Pool) -> None:
    fact = proposed(plan=a_plan(verification=Verification.NONE))
    await send(fact)
    road = desk.person("responder", "s1-road")
    await road.on_part(fact.order_id, "accept", "s1-road")
    status, answer = await road.on_part(fact.order_id, "finish", "s1-road", result="explained", answer="政策如此")
    assert (status, answer["status"]) == (200, "closed")
    assert [f["type"] for f in await announced(pool)][-2:] == ["AssignmentDone", "OrderClosed"]
