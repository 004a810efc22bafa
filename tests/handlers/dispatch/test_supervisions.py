"""Supervisions through the API: listed to whom they concern, answered, accepted, cleared; on the real PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from schemas.facts import RungCleared, RungRaised
from schemas.ids import number_of, rung_id_of
from schemas.vocabulary import RungKind, Stage
from tests.handlers.dispatch.client import Desk, Person
from tests.handlers.dispatch.looks import now_settled
from tests.rules.dispatch.town import a_plan, a_report, announced, proposed

Send = Callable[..., Awaitable[None]]
DUE = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def raised(order_id: UUID, clock: int = 1, **said: Any) -> RungRaised:
    values: dict[str, Any] = {
        "order_id": order_id, "clock_id": UUID(int=clock), "stage": Stage.HANDLE, "owner": "s1-road", "due": DUE,
        "rung": "supervise-1", "kind": RungKind.SUPERVISE, "at": DUE, "level": 1,
        "receivers": ("dispatching_centre",), "answers": "owner",
    }  # fmt: skip
    values |= said
    values.setdefault("supervision_id", rung_id_of(values["clock_id"], values["rung"], DUE.isoformat(), 1))
    return RungRaised(**values)


def cleared(fact: RungRaised) -> RungCleared:
    return RungCleared(
        order_id=fact.order_id, clock_id=fact.clock_id, stage=fact.stage, owner=fact.owner, due=fact.due,
        supervision_id=fact.supervision_id, rung=fact.rung, kind=fact.kind, cause="AssignmentDone",
    )  # fmt: skip


@pytest.fixture
async def order(send: Send) -> UUID:
    fact = proposed(a_report(f"late-{uuid4()}"), a_plan("s1-road"))
    await send(fact)
    return fact.order_id


async def listed(person: Person, **asked: Any) -> list[dict[str, Any]]:
    status, body = await person.get("/v1/supervisions", **asked)
    assert status == 200, body
    return list(body["items"])


async def say(person: Person, one: dict[str, Any], word: str, version: int | None = None, **said: Any) -> Any:
    at = one["version"] if version is None else version
    return await person.post(f"/v1/supervisions/{one['supervision_id']}/{word}", at, {"text": "已催办"} | said)


async def test_from_the_rung_to_the_acceptance(pool: asyncpg.Pool, notice: Send, desk: Desk, order: UUID) -> None:
    fact = raised(order)
    for _ in range(2):  # at least once
        await notice(fact)
    owner, centre = desk.person("responder", "s1-road"), desk.person("dispatcher", "s1")
    (one,) = await listed(owner)
    assert (one["supervision_id"], one["state"], one["level"], one["kind"]) == (
        str(fact.supervision_id), "open", 1, "timeout",
    )  # fmt: skip
    assert (one["answerer"]["unit_id"], one["by"]["unit_id"], one["stage"]) == ("s1-road", "s1", "handle")
    assert one["order_number"] == number_of(order) and one["actions"] == ["answer"]
    assert (await listed(centre))[0]["actions"] == []
    assert (await say(owner, one, "answer", text="配件明日到货"))[0] == 200
    (one,) = await listed(centre, state="answered")
    assert one["actions"] == ["decision"] and [said["text"] for said in one["said"]] == ["配件明日到货"]
    assert (await say(centre, one, "decision", accepted=False))[0] == 200
    (one,) = await listed(owner)
    assert (one["state"], one["turn"]) == ("open", 1)
    assert (await say(owner, one, "answer"))[0] == 200
    (one,) = await listed(centre)
    assert (await say(centre, one, "decision", accepted=True))[0] == 200
    assert await listed(owner) == []
    (one,) = await listed(owner, state="accepted")
    assert len(one["said"]) == 4 and one["actions"] == []
    told = [f["type"] for f in await announced(pool)]
    assert told[1:] == [
        "Supervised",
        *["SupervisionAnswered", "SupervisionRefused"],
        "SupervisionAnswered",
        "SupervisionAccepted",
    ]
    history = (await centre.get(f"/v1/orders/{order}/history"))[1]["items"]
    assert [row["type"] for row in history] == told


async def test_a_write_is_checked_like_every_other(notice: Send, desk: Desk, order: UUID) -> None:
    await notice(raised(order))
    owner, centre, agent = desk.person("responder", "s1-road"), desk.person("dispatcher", "s1"), desk.person("agent")
    (one,) = await listed(owner)
    path = f"/v1/supervisions/{one['supervision_id']}"
    assert (await agent.post(f"{path}/answer", 1, {"text": "x"}))[1]["code"] == "forbidden"
    assert (await centre.post(f"{path}/answer", 1, {"text": "x"}))[1]["code"] == "other_unit"
    assert (await owner.post(f"{path}/answer", None, {"text": "x"}))[1]["code"] == "version_missing"
    assert (await owner.post(f"{path}/answer", 1, {"text": " "}))[1]["code"] == "invalid"
    assert (await owner.post(f"{path}/answer", 1, {}))[1]["code"] == "invalid"
    assert (await owner.post(f"/v1/supervisions/{uuid4()}/answer", 1, {"text": "x"}))[1]["code"] == "not_found"
    assert (await owner.post("/v1/supervisions/x/answer", 1, {"text": "x"}))[1]["code"] == "not_found"
    status, stale = await owner.post(f"{path}/answer", 7, {"text": "x"})
    assert (status, stale["code"], stale["version"]) == (412, "version_stale", 1)
    assert stale["changes"][0]["type"] == "Supervised"
    first = await owner.post(f"{path}/answer", 1, {"text": "x"}, key="once")
    assert first[0] == 200
    assert await owner.post(f"{path}/answer", 1, {"text": "x"}, key="once") == first
    assert (await owner.post(f"{path}/answer", 1, {"text": "y"}, key="once"))[1]["code"] == "key_reused"
    status, body = await owner.post(f"{path}/answer", 2, {"text": "again"})
    assert (status, body["code"]) == (409, "action_not_allowed")
    own = desk.person("dispatcher", "s1-road")
    assert (await own.post(f"{path}/decision", 2, {"accepted": True, "text": "x"}))[1]["code"] == "own_answer"
    other = desk.person("dispatcher", "d2")
    assert (await other.post(f"{path}/decision", 2, {"accepted": True, "text": "x"}))[1]["code"] == "other_unit"


async def test_two_who_decide_at_once_are_told_apart(notice: Send, desk: Desk, order: UUID) -> None:
    await notice(raised(order))
    owner, centre, above = (
        desk.person(*who) for who in (("responder", "s1-road"), ("dispatcher", "s1"), ("dispatcher", "d1"))
    )
    (one,) = await listed(owner)
    await say(owner, one, "answer")
    (one,) = await listed(centre)
    answers = await asyncio.gather(*(say(who, one, "decision", accepted=True) for who in (centre, above)))
    assert sorted(status for status, _ in answers) == [200, 412]


async def test_everybody_sees_what_is_his_and_no_more(send: Send, notice: Send, desk: Desk, order: UUID) -> None:
    other = proposed(a_report("elsewhere"), a_plan("s2", division="S2"))
    await send(other)
    await notice(raised(order), raised(other.order_id, 2, owner="s2", level=2, rung="supervise-2"))
    seen = {}
    for role, unit in (
        ("responder", "s1-road"), ("responder", "s2"), ("responder", "s1-clean"), ("dispatcher", "s1"),
        ("dispatcher", "d1"), ("dispatcher", "d2"), ("supervisor", ""), ("supervisor", "d1"), ("auditor", ""),
    ):  # fmt: skip
        found = await listed(desk.person(role, unit))
        seen[role, unit] = sorted(one["answerer"]["unit_id"] for one in found)
    assert seen == {
        ("responder", "s1-road"): ["s1-road"], ("responder", "s2"): ["s2"], ("responder", "s1-clean"): [],
        ("dispatcher", "s1"): ["s1-road"], ("dispatcher", "d1"): ["s1-road", "s2"], ("dispatcher", "d2"): [],
        ("supervisor", ""): ["s1-road", "s2"], ("supervisor", "d1"): ["s1-road", "s2"],
        ("auditor", ""): ["s1-road", "s2"],
    }  # fmt: skip
    (mine,) = await listed(desk.person("responder", "s1-road"))
    path = f"/v1/supervisions/{mine['supervision_id']}"
    assert (await desk.person("dispatcher", "s1").get(path))[1]["order_id"] == str(order)
    assert (await desk.person("responder", "s2").get(path))[1]["code"] == "other_unit"
    assert (await desk.person("auditor").get(f"/v1/supervisions/{uuid4()}"))[1]["code"] == "not_found"


async def test_a_list_is_narrowed_and_paged(notice: Send, desk: Desk, order: UUID) -> None:
    await notice(*(raised(order, n, level=1 + n % 3, rung=f"r{n}") for n in range(7)))
    centre = desk.person("dispatcher", "s1")
    assert len(await listed(centre, level=2)) == 2
    assert (
        len(await listed(centre, unit="s1-road", by="s1", division="D1", kind="timeout", order=number_of(order))) == 7
    )
    assert await listed(centre, state="cleared") == await listed(centre, unit="s1-clean") == []
    assert await listed(centre, division="S2") == []
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        status, page = await centre.get("/v1/supervisions", limit=3, cursor=cursor)
        assert status == 200
        found += [one["supervision_id"] for one in page["items"]]
        cursor = page["next"]
    assert len(found) == len(set(found)) == 7
    for bad, code in (
        ({"unit": "nowhere"}, "unit_unknown"), ({"division": "Z"}, "division_unknown"), ({"order": "7"}, "not_found"),
        ({"cursor": "x"}, "cursor_invalid"), ({"state": "lost"}, "invalid"), ({"colour": "red"}, "invalid"),
    ):  # fmt: skip
        assert (await centre.get("/v1/supervisions", **bad))[1]["code"] == code


async def test_what_clears_it_and_what_ends_its_order(
    pool: asyncpg.Pool, notice: Send, desk: Desk, order: UUID
) -> None:
    facts = [raised(order, n, rung=f"r{n}") for n in range(2)]
    await notice(*facts)
    for _ in range(2):
        await notice(cleared(facts[0]))
    centre = desk.person("dispatcher", "s1")
    (one,) = await listed(centre, state="cleared")
    assert (one["cause"], one["supervision_id"]) == ("AssignmentDone", str(facts[0].supervision_id))
    assert (await centre.on_order(order, "void", reason="entered twice"))[0] == 200
    ended = await listed(centre, state="cleared")
    assert sorted(one["cause"] for one in ended) == ["AssignmentDone", "OrderVoided"]
    await notice(cleared(facts[1]))
    assert [f["type"] for f in await announced(pool)][1:] == [
        "Supervised",
        "Supervised",
        "SupervisionCleared",
        "OrderVoided",
    ]


async def test_a_leader_supervises_by_hand(pool: asyncpg.Pool, desk: Desk, order: UUID) -> None:
    leader = desk.person("supervisor")
    due = datetime.now(UTC) + timedelta(hours=5)
    status, body = await leader.on_order(
        order, "supervise", level=2, kind="important", answerer="s1-road", answer_due=due.isoformat(), note="重点关注"
    )
    assert status == 200, body
    (one,) = await listed(desk.person("responder", "s1-road"))
    assert (one["kind"], one["level"], one["by"]["unit_id"], one["note"]) == ("important", 2, "s1", "重点关注")
    assert datetime.fromisoformat(one["answer_due"]) == due
    status, body = await desk.person("responder", "s1-road").on_order(order, "supervise", level=1)
    assert (status, body["code"]) == (403, "forbidden")
    assert (await leader.on_order(order, "supervise", kind="timeout"))[1]["code"] == "invalid"
    assert (await leader.on_order(order, "supervise", answerer="nowhere"))[1]["code"] == "unit_unknown"
    assert (await desk.person("dispatcher", "s1").on_order(order, "supervise", answerer="s2"))[1][
        "code"
    ] == "unit_outside"
    assert (await leader.on_order(order, "supervise", answer_due="2020-01-01T00:00:00Z"))[1]["code"] == "until_unfit"


async def test_an_order_shows_its_supervisions_as_they_stood(
    pool: asyncpg.Pool, notice: Send, desk: Desk, order: UUID
) -> None:
    await notice(raised(order))
    centre, owner = desk.person("dispatcher", "s1"), desk.person("responder", "s1-road")
    (one,) = (await centre.order(order))["supervisions"]
    status, body = await say(owner, one, "answer")
    assert status == 200
    rows = await pool.fetch("SELECT recorded_at FROM history WHERE order_id = $1 ORDER BY seq", order)
    await now_settled(pool)
    states = []
    for row in rows[1:]:
        then = await centre.order(order, as_of=row["recorded_at"].isoformat())
        states.append([s["state"] for s in then["supervisions"]])
    assert states == [["open"], ["answered"]]
