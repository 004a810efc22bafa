"""Requests over the API, on the real PostgreSQL: who may, who may not, and two at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg

from schemas.facts import ClocksSet, ClockView, DeadlineMissed
from schemas.vocabulary import ClockState, Stage
from services.dispatch.rules.requests.model import decision_clock, review_clock
from tests.handlers.dispatch.client import Answer, Desk, Person
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import a_plan, a_report, announced, proposed

RETURN = {"kind": "return", "reason": "not_our_duty", "basis": "三定方案", "suggested_unit": "s1-clean"}


def ahead(days: float) -> str:
    """A moment so many days from now."""
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def extension(days: float = 5) -> dict[str, Any]:
    """Asking for some days more."""
    return {"kind": "extension", "reason": "complex", "basis": "要开挖", "until": ahead(days)}


async def accepted(send: Send, desk: Desk, *assists: str) -> Any:
    """An order that its lead works on."""
    fact = proposed(a_report(), a_plan("s1-road", *assists))
    await send(fact)
    assert (await desk.person("responder", "s1-road").on_part(fact.order_id, "accept", "s1-road"))[0] == 200
    return fact.order_id


async def ask(desk: Desk, order: Any, unit: str = "s1-road", **body: Any) -> dict[str, Any]:
    """A unit asks; answers the request as the order shows it."""
    person = desk.person("responder", unit)
    status, answer = await person.on_part(order, "request", unit, **(body or RETURN))
    assert status == 200, answer
    found: dict[str, Any] = (await person.order(order))["requests"][-1]
    return found


async def decide(
    person: Person, request: dict[str, Any], granted: bool = True, key: str | None = None, **said: Any
) -> Answer:
    """A decision at the version that was shown."""
    body = {"granted": granted, "note": "看过了"} | said
    return await person.post(f"/v1/requests/{request['request_id']}/decision", request["version"], body, key)


async def test_a_return_goes_through_the_inbox_of_the_centre_that_dispatched(
    pool: asyncpg.Pool, send: Send, desk: Desk
) -> None:
    order = await accepted(send, desk)
    made = await ask(desk, order)
    assert (made["state"], made["decider"]["unit_id"], made["basis"], made["actions"]) == ("open", "s1", "三定方案", [])
    street, district = desk.person("dispatcher", "s1"), desk.person("dispatcher", "d1")
    for person in (street, district):
        inbox = (await person.get("/v1/requests", kind="return"))[1]["items"]
        assert [(r["request_id"], r["actions"]) for r in inbox] == [(made["request_id"], ["decision"])]
    assert (await desk.person("dispatcher", "s2").get("/v1/requests"))[1]["items"] == []
    assert len((await desk.person("responder", "s1-road").get("/v1/requests"))[1]["items"]) == 1
    assert (await street.get("/v1/requests", kind="extension"))[1]["items"] == []
    status, answer = await decide(street, made)
    assert (status, answer["lead"]["unit_id"], answer["status"]) == (200, "s1-clean", "dispatched")
    assert (await street.get("/v1/requests"))[1]["items"] == []
    done = (await street.get("/v1/requests", state="granted"))[1]["items"]
    assert [(r["state"], r["note"]) for r in done] == [("granted", "看过了")]
    types = [f["type"] for f in await announced(pool)]
    assert types[-3:] == ["RequestMade", "RequestDecided", "AssignmentReturned"]
    history = (await street.get(f"/v1/orders/{order}/history"))[1]["items"]
    assert [row["action"] for row in history][-3:] == ["request", "decision", "return"]


async def test_who_may_not_decide_and_who_may_not_ask(send: Send, desk: Desk) -> None:
    order = await accepted(send, desk)
    made = await ask(desk, order)
    for role, unit, code in (
        ("responder", "s1-road", "own_tier"),
        ("dispatcher", "s1-road", "own_tier"),
        ("dispatcher", "s2", "own_tier"),
        ("dispatcher", "d2", "other_unit"),
        ("responder", "s1", "forbidden"),
        ("supervisor", "city", "forbidden"),
    ):
        status, answer = await decide(desk.person(role, unit), made)
        assert (status, answer["code"]) == (403, code), (role, unit)
    part = (await desk.person("dispatcher", "s1").order(order))["assignments"][0]
    path = f"/v1/assignments/{part['assignment_id']}/actions/request"
    assert (await desk.person("responder", "s1-clean").post(path, part["version"], RETURN))[1]["code"] == "other_unit"
    assert (await desk.person("agent").post(path, part["version"], RETURN))[1]["code"] == "forbidden"
    nowhere = f"/v1/requests/{uuid4()}/decision"
    street = desk.person("dispatcher", "s1")
    assert (await street.post(nowhere, 1, {"granted": True, "note": "x"}))[1]["code"] == "not_found"
    assert (await street.post("/v1/requests/x/decision", 1, {"granted": True, "note": "x"}))[1]["code"] == "not_found"
    assert (await decide(street, made, until=ahead(1)))[1]["code"] == "invalid"
    assert (await street.post(f"/v1/requests/{made['request_id']}/decision", 1, {"granted": 1}))[1]["code"] == "invalid"
    assert (await street.post(f"/v1/requests/{made['request_id']}/decision", None, {}))[1]["code"] == "version_missing"


async def test_of_twenty_who_decide_at_once_exactly_one_does(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    order = await accepted(send, desk)
    made = await ask(desk, order)
    people = [desk.person("dispatcher", "s1", f"dispatcher-{n}") for n in range(20)]
    answers = await asyncio.gather(*(decide(p, made, granted=n % 2 == 0) for n, p in enumerate(people)))
    assert sorted(status for status, _ in answers) == [200] + [412] * 19
    assert sum(f["type"] == "RequestDecided" for f in await announced(pool)) == 1
    late = (await people[0].order(order))["requests"][0]
    assert (await decide(people[0], late))[1]["code"] == "action_not_allowed"


async def test_the_same_key_gets_the_first_answer(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    order = await accepted(send, desk)
    made = await ask(desk, order)
    street = desk.person("dispatcher", "s1")
    first = await decide(street, made, granted=False, key="same")
    assert first[0] == 200 and await decide(street, made, granted=False, key="same") == first
    assert (await decide(street, made, granted=True, key="same"))[1]["code"] == "key_reused"
    assert sum(f["type"] == "RequestDecided" for f in await announced(pool)) == 1
    assert (await street.order(order))["assignments"][0]["status"] == "accepted"


async def test_time_is_asked_for_before_the_clock_of_supervision_ran_out(send: Send, notice: Send, desk: Desk) -> None:
    order = await accepted(send, desk, "s1-clean")
    road = desk.person("responder", "s1-road")
    shown = await road.order(order)
    now = datetime.now(UTC)
    clock = ClockView(
        clock_id=uuid4(),
        stage=Stage.HANDLE,
        owner="s1-road",
        start=now - timedelta(days=1),
        due=now - timedelta(seconds=1),
        state=ClockState.RUNNING,
        policy="handle",
        assignment_id=shown["assignments"][0]["assignment_id"],
    )
    await notice(ClocksSet(order_id=order, seq=shown["seq"], clocks=(clock,)))
    status, answer = await road.on_part(order, "request", "s1-road", **extension())
    assert (status, answer["code"]) == (409, "request_too_late")
    assert (await road.on_part(order, "request", "s1-road", **extension(90)))[1]["code"] == "request_too_late"
    clean = desk.person("responder", "s1-clean")
    assert (await clean.on_part(order, "request", "s1-clean", **extension()))[1]["code"] == "lead_only"


async def test_a_deferral_is_granted_once(send: Send, desk: Desk) -> None:
    order = await accepted(send, desk)
    body = {"kind": "deferral", "reason": "weather", "basis": "汛期", "until": ahead(20), "evidence": ["photo-1"]}
    made = await ask(desk, order, **body)
    assert made["decider"]["unit_id"] == "d1"
    assert (await decide(desk.person("dispatcher", "s1"), made))[1]["code"] == "own_tier"
    assert (await decide(desk.person("dispatcher", "d1"), made))[0] == 200
    road = desk.person("responder", "s1-road")
    assert (await road.on_part(order, "request", "s1-road", **body))[1]["code"] == "request_limit"


async def test_silence_rings_the_centre_above_and_at_last_the_street_coordinates(
    pool: asyncpg.Pool, send: Send, notice: Send, desk: Desk
) -> None:
    order = await accepted(send, desk)
    made = await ask(desk, order)
    for level, owner in enumerate(("s1", "d1", "city")):
        shown = (await desk.person("dispatcher", "city").order(order))["requests"][0]
        assert (shown["state"], shown["decider"]["unit_id"], shown["level"]) == ("open", owner, level)
        clock = decision_clock(order, 1, made["request_id"], level)
        await notice(
            DeadlineMissed(order_id=order, clock_id=clock, stage=Stage.DECIDE, owner=owner, due=datetime.now(UTC))
        )
    shown = await desk.person("dispatcher", "city").order(order)
    assert (shown["requests"][0]["state"], shown["lead"]["unit_id"], shown["coordinated"]) == ("undecided", "s1", True)
    assert {(a["unit"]["unit_id"], a["role"], a["pinned"]) for a in shown["assignments"]} == {
        ("s1-road", "assist", True),
        ("s1", "lead", True),
    }
    assert await pool.fetchval("SELECT coordinated FROM orders WHERE order_id = $1", order)
    types = [f["type"] for f in await announced(pool)]
    assert types.count("RequestEscalated") == 2 and types[-1] == "AssignmentReturned"


async def test_a_parked_order_is_listed_until_its_review_date(send: Send, notice: Send, desk: Desk) -> None:
    order = await accepted(send, desk)
    body = {"kind": "parking", "reason": "funding", "basis": "明年预算", "until": ahead(90), "evidence": ["minutes-7"]}
    made = await ask(desk, order, **body)
    district = desk.person("dispatcher", "d1")
    assert (await decide(district, made))[1]["status"] == "parked"
    listed = (await district.get("/v1/orders", status="parked"))[1]["items"]
    assert [o["order_id"] for o in listed] == [str(order)]
    assert abs(datetime.fromisoformat(listed[0]["review_at"]) - datetime.fromisoformat(ahead(90))) < timedelta(
        minutes=5
    )
    road = desk.person("responder", "s1-road")
    refusal = await road.on_part(order, "finish", "s1-road", result="solved", answer="x")
    assert refusal[1]["code"] == "action_not_allowed"
    clock = review_clock(order, 1, made["request_id"])
    await notice(DeadlineMissed(order_id=order, clock_id=clock, stage=Stage.DECIDE, owner="d1", due=datetime.now(UTC)))
    assert (await district.order(order))["status"] == "handling"
    assert (await district.get("/v1/orders", status="parked"))[1]["items"] == []


async def test_the_past_shows_a_request_as_it_stood(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    order = await accepted(send, desk)
    made = await ask(desk, order, **extension())
    asked_at = await pool.fetchval("SELECT clock_timestamp()")
    street = desk.person("dispatcher", "s1")
    assert (await decide(street, made))[0] == 200
    async with asyncio.timeout(30):  # until no transaction can still write into that past
        while (await street.get(f"/v1/orders/{order}", as_of=asked_at.isoformat()))[0] == 422:
            await asyncio.sleep(0.1)
    then = (await street.order(order, as_of=asked_at.isoformat()))["requests"][0]
    now = (await street.order(order))["requests"][0]
    assert (then["state"], now["state"], then["basis"]) == ("open", "granted", "要开挖")
    assert datetime.fromisoformat(now["granted_until"]) == datetime.fromisoformat(made["until"])
