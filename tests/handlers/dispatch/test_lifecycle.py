"""An order's life over the API, on the real database."""

from typing import Any

import asyncpg

from schemas.vocabulary import Verification
from services.chassis import metrics
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


async def test_a_part_passed_on_over_the_api_is_answered_for_from_below(
    pool: asyncpg.Pool, send: Send, desk: Desk
) -> None:
    fact = proposed(plan=a_plan("s1"))
    await send(fact)
    order = fact.order_id
    street, road = desk.person("responder", "s1"), desk.person("responder", "s1-road")
    await street.on_part(order, "accept", "s1")
    wish = "2099-01-01T00:00:00Z"
    status, answer = await street.on_part(order, "pass_on", "s1", unit="s1-road", note="please", due=wish)
    assert status == 200, answer
    assert (await street.on_part(order, "pass_on", "s1", unit="s1-road"))[1]["code"] == "unit_taken"
    assert (await street.on_part(order, "pass_on", "s1", unit="s2"))[1]["code"] == "unit_not_below"
    parent, child = (await road.order(order))["assignments"]
    assert child["parent"] == parent["assignment_id"] and parent["passed_on"] == [child["assignment_id"]]
    assert (await road.get("/v1/me/queue"))[1]["items"][0]["assignment"]["actions"][:2] == ["accept", "contact"]
    status, answer = await street.on_part(order, "finish", "s1", result="solved", answer="x")
    assert (status, answer["code"], answer["children"]) == (409, "children_open", [child["assignment_id"]])
    for action, body in (("accept", {}), ("finish", {"result": "solved", "answer": "done"})):
        assert (await road.on_part(order, action, "s1-road", **body))[0] == 200
    (shown,) = [a for a in (await street.order(order))["assignments"] if a["unit"]["unit_id"] == "s1-road"]
    assert {"confirm", "send_back"} <= set(shown["actions"]), "the parent is offered what it may do"
    assert (await street.on_part(order, "send_back", "s1-road", reason="no photo"))[0] == 200
    assert (await road.on_part(order, "finish", "s1-road", result="solved", answer="done"))[0] == 200
    status, answer = await street.on_part(order, "finish", "s1", result="solved", answer="x")
    assert (status, answer["status"]) == (200, "callback")
    assert [a["status"] for a in answer["assignments"]] == ["done", "confirmed"]
    offered = next(f for f in await announced(pool) if f["type"] == "AssignmentOffered")
    assert (offered["offer"]["parent"], offered["due"]) == (parent["assignment_id"], wish)


async def test_the_lead_is_swapped_over_the_api_and_the_way_is_kept(send: Send, desk: Desk) -> None:
    fact = proposed(plan=a_plan("s1-road", "s1-clean"))
    await send(fact)
    centre = desk.person("dispatcher", "s1")
    await desk.person("responder", "s1-clean").on_part(fact.order_id, "accept", "s1-clean")
    status, answer = await centre.on_order(fact.order_id, "lead", unit="s1-clean", reason="rubbish")
    assert (status, answer["status"], answer["lead"]["unit_id"]) == (200, "handling", "s1-clean")
    assert (await centre.on_order(fact.order_id, "lead", unit="s1-clean", reason="x"))[1]["code"] == "leads_already"
    shown = await centre.order(fact.order_id)
    assert shown["path"][-1]["unit"]["unit_id"] == "s1-clean"
    assert {a["unit"]["unit_id"]: a["role"] for a in shown["assignments"]} == {"s1-road": "assist", "s1-clean": "lead"}


async def test_what_was_done_at_the_first_try_and_what_failed_its_check_is_counted(send: Send, desk: Desk) -> None:
    def count(counter: Any, *labels: str) -> float:
        return float(counter.labels(*labels)._value.get())

    def counts() -> list[float]:
        finished = [count(metrics.FINISHED, "solved", first) for first in ("yes", "no")]
        return [*finished, *(count(metrics.CHECKED, "site", passed) for passed in ("yes", "no"))]

    fact = proposed(a_report(), a_plan("s1-road", verification=Verification.SITE))
    await send(fact)
    road, inspector, before = desk.person("responder", "s1-road"), desk.person("inspector", "s1"), counts()
    await road.on_part(fact.order_id, "accept", "s1-road")
    for passed in (False, True):
        await road.on_part(fact.order_id, "finish", "s1-road", result="solved", answer="好了")
        assert (await inspector.on_order(fact.order_id, "verify", passed=passed))[0] == 200
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 1, 1, 1]
