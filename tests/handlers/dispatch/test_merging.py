"""Orders merged and taken apart over the API, on the real database; and whom an order complains about."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from msgspec import structs

from schemas.ids import number_of
from tests.handlers.dispatch.client import Desk
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import RUBBISH, a_plan, a_report, announced, linked, proposed

UNIT_ROAD = ("responder", "s1-road")
UNIT_CLEAN = ("responder", "s1-clean")


async def two(send: Send, *joined: str) -> tuple[UUID, UUID]:
    """An order of the road unit with further reports, and one of the cleaning unit."""
    one, other = proposed(a_report("one"), a_plan("s1-road")), proposed(a_report("other"), a_plan("s1-clean"))
    await send(one, other, *(linked(one.order_id, a_report(name)) for name in joined))
    return one.order_id, other.order_id


def numbers(shown: dict[str, Any]) -> set[str]:
    return {report["number"] for report in shown["reports"]}


async def test_five_reporters_are_merged_and_come_home(send: Send, desk: Desk, pool: asyncpg.Pool) -> None:
    one, other = await two(send, "b", "c", "d", "e")
    centre, road, agent = desk.person("dispatcher", "s1"), desk.person("responder", "s1-road"), desk.person("agent")
    await road.on_part(one, "accept", "s1-road")
    mine, theirs = numbers(await centre.order(one)), numbers(await centre.order(other))
    assert len(mine) == 5
    status, body = await centre.on_order(one, "merge", into=str(other), reason="同一井盖")
    assert (status, body["status"]) == (200, "merged"), body
    merged_at = body["recorded_at"]
    shown = await centre.order(one)
    assert (shown["merged_into"], shown["reports"]) == (str(other), [])
    assert [a["status"] for a in shown["assignments"]] == ["withdrawn"]
    assert numbers(await centre.order(other)) == mine | theirs

    clean = desk.person("responder", "s1-clean")
    for action, said in (("accept", {}), ("finish", {"result": "solved", "answer": "已更换"})):
        assert (await clean.on_part(other, action, "s1-clean", **said))[0] == 200
    for report in (await agent.order(other))["reports"]:  # each of the six is called under the order that took them
        said = {"report_id": report["report_id"], "reached": True, "satisfied": "satisfied", "solved": True}
        assert (await agent.on_order(other, "callback", **said))[0] == 200

    late = linked(one, a_report("late"))  # found to be about the merged one
    await send(late)
    assert late.report.report_id is not None
    _, told = await agent.get(f"/v1/reports/{number_of(late.report.report_id)}")
    assert told["order_id"] == str(other)

    status, body = await centre.on_order(one, "unmerge", reason="两处井盖")
    assert (status, body["status"]) == (200, "dispatched"), body
    assert numbers(await centre.order(one)) == mine | {number_of(late.report.report_id)}
    assert numbers(await centre.order(other)) == theirs
    assert (await road.on_part(one, "accept", "s1-road"))[1]["status"] == "handling"
    await asyncio.sleep(1.1)  # the past of the tests settles after a second
    then = await centre.order(one, as_of=merged_at)
    assert (then["status"], then["reports"]) == ("merged", [])
    assert numbers(await centre.order(other, as_of=merged_at)) == mine | theirs
    rows = [(f["type"], f["seq"]) for f in await announced(pool) if f["order_id"] == str(one)]
    assert [seq for _, seq in rows] == list(range(1, len(rows) + 1))


async def test_of_two_that_merge_crosswise_exactly_one_wins(send: Send, desk: Desk) -> None:
    for round_ in range(10):
        one, other = proposed(a_report(f"x{round_}")), proposed(a_report(f"y{round_}"))
        await send(one, other)
        first, second = desk.person("dispatcher", "s1", f"a{round_}"), desk.person("dispatcher", "d1", f"b{round_}")
        answers = await asyncio.gather(
            first.on_order(one.order_id, "merge", version=1, into=str(other.order_id)),
            second.on_order(other.order_id, "merge", version=1, into=str(one.order_id)),
        )
        assert sorted(status for status, _ in answers) in ([200, 409], [200, 412]), answers
        shown = [await first.order(o) for o in (one.order_id, other.order_id)]
        assert sorted(s["status"] for s in shown) == ["dispatched", "merged"]
        assert sorted(len(s["reports"]) for s in shown) == [0, 2]


async def test_many_that_merge_in_a_ring_end_in_no_deadlock_and_no_circle(send: Send, desk: Desk) -> None:
    facts = [proposed(a_report(f"ring{i}")) for i in range(12)]
    await send(*facts)
    ids = [fact.order_id for fact in facts]
    centre = desk.person("dispatcher", "s1")
    answers = await asyncio.gather(
        *(centre.on_order(a, "merge", version=1, into=str(b)) for a, b in zip(ids, [*ids[1:], ids[0]], strict=True))
    )
    assert {status for status, _ in answers} <= {200, 409, 412}
    shown = [await centre.order(id_) for id_ in ids]
    assert sum(s["status"] == "merged" for s in shown) == sum(status == 200 for status, _ in answers)
    assert sum(len(s["reports"]) for s in shown) == 12
    assert any(s["status"] == "dispatched" for s in shown)


@pytest.mark.parametrize(
    ("how", "code"),
    [("itself", "merge_self"), ("nothing", "not_found"), ("back", "merge_circle"), ("ended", "merge_ended")],
)
async def test_what_cannot_be_merged_is_refused_with_its_code(send: Send, desk: Desk, how: str, code: str) -> None:
    one, other = await two(send)
    centre = desk.person("dispatcher", "s1")
    target = {"itself": one, "nothing": uuid4()}.get(how, other)
    if how == "back":
        await centre.on_order(other, "merge", into=str(one))
    if how == "ended":
        await centre.on_order(other, "void", reason="test")
    status, body = await centre.on_order(one, "merge", into=str(target))
    assert body["code"] == code and status in (404, 409, 422)


async def test_the_unit_complained_about_finds_the_order_nowhere(send: Send, desk: Desk) -> None:
    about = structs.replace(a_report("about"), subject="桥头城运中心")
    fact, plain = proposed(about, a_plan("s1-road", "k1")), proposed(a_report("plain"), a_plan("s1-road"))
    await send(fact, plain)
    above = desk.person("dispatcher", "d1")
    shown = await above.order(fact.order_id)
    assert shown["lead"]["unit_id"] == "d1"
    assert [a["unit"]["unit_id"] for a in shown["assignments"]] == ["d1"]
    everybody = ("dispatcher", "responder", "agent", "supervisor", "inspector", "operator")
    for role, unit in [*((role, "s1") for role in everybody), ("dispatcher", "s1-clean"), ("dispatcher", "k1")]:
        person = desk.person(role, unit)
        assert (await person.get(f"/v1/orders/{fact.order_id}"))[1].get("code") in ("other_unit", "forbidden"), role
        assert (await person.get(f"/v1/orders/{fact.order_id}/history"))[0] == 403, role
        status, listed = await person.get("/v1/orders")
        assert str(fact.order_id) not in {i["order_id"] for i in listed.get("items", ())}, role
        status, found = await person.get("/v1/orders", q=number_of(fact.order_id))
        assert found.get("items", []) == [], role
    centre = desk.person("dispatcher", "s1")
    assert str(plain.order_id) in {i["order_id"] for i in (await centre.get("/v1/orders"))[1]["items"]}
    for action, said in (("void", {"reason": "x"}), ("urge", {}), ("merge", {"into": str(plain.order_id)})):
        status, body = await centre.on_order(fact.order_id, action, version=1, **said)
        assert (status, body["code"]) == (403, "other_unit"), action
    status, body = await centre.on_order(plain.order_id, "merge", into=str(fact.order_id))
    assert (status, body["code"]) == (403, "other_unit"), "not by the back door either"
    status, body = await above.on_order(fact.order_id, "route", lead="s1-road")
    assert (status, body["code"]) == (409, "subject_unit"), "who answers to it does not lead"
    then = (await above.on_order(fact.order_id, "urge"))[1]["recorded_at"]
    await asyncio.sleep(1.1)
    for person, finds in ((centre, False), (above, True)):
        listed = (await person.get("/v1/orders", as_of=then))[1]
        assert (str(fact.order_id) in {i["order_id"] for i in listed["items"]}) is finds


async def test_a_ticket_with_two_demands_is_split_and_answered_whole(send: Send, desk: Desk) -> None:
    one, _ = await two(send, "b")
    centre, road, clean = (desk.person(*who) for who in (("dispatcher", "s1"), UNIT_ROAD, UNIT_CLEAN))
    part = {"class_key": RUBBISH.key, "lead": "s1-clean", "text": "旁边还有垃圾"}
    status, body = await centre.on_order(one, "split", parts=[part])
    assert status == 200, body
    [made] = (await centre.order(one))["parts"]
    shown = await clean.order(made["number"])
    assert (shown["order_id"], shown["text"], shown["reports"]) == (made["order_id"], "旁边还有垃圾", [])
    assert len(shown["split_from"]["reports"]) == 2, "whoever handles the part reads the ticket"
    await road.on_part(one, "accept", "s1-road")
    done = {"result": "solved", "answer": "已办"}
    status, body = await road.on_part(one, "finish", "s1-road", **done)
    assert (status, body["code"], body["parts"]) == (409, "parts_open", [made["order_id"]])
    await clean.on_part(made["order_id"], "accept", "s1-clean")
    status, body = await clean.on_part(made["order_id"], "finish", "s1-clean", **done)
    assert (status, body["status"]) == (200, "closed"), "the reporters are called once, on the first order"
    status, body = await road.on_part(one, "finish", "s1-road", **done)
    assert (status, body["status"]) == (200, "callback")
    again = await centre.on_order(one, "split", parts=[])
    assert (again[0], again[1]["code"]) == (409, "action_not_allowed")


async def test_a_split_to_nothing_is_refused(send: Send, desk: Desk) -> None:
    one, _ = await two(send)
    centre = desk.person("dispatcher", "s1")
    status, body = await centre.on_order(one, "split", parts=[])
    assert (status, body["code"]) == (422, "split_nothing")
