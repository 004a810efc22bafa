"""Whether two orders are one: asked by the router, answered on the desk, taken apart again; on the real database."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from msgspec import structs

from schemas.facts import MergeProposed, OrderProposed
from schemas.ids import proposal_id_of
from schemas.vocabulary import Urgency
from tests.handlers.dispatch.client import Desk, Person
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import T0, a_plan, a_report, in_triage, linked, proposed

PATH = "/v1/merge-proposals"


def asked(one: UUID, other: UUID, **more: Any) -> MergeProposed:
    """The question whether two orders are one."""
    fact = MergeProposed(
        proposal_id=proposal_id_of(one, other),
        order_id=one,
        into=other,
        score=0.66,
        parts={"class": 1.0, "place": 0.9, "time": 1.0, "words": 0.2},
        why="相距 12 米 | 12 m apart",
        proposed_at=T0,
    )
    return structs.replace(fact, **more)


async def two(send: Send, **more: Any) -> tuple[OrderProposed, OrderProposed]:
    """A younger and an older order, and the question."""
    one, other = proposed(a_report(), a_plan("s1-road")), proposed(a_report(), a_plan("s1-clean"))
    await send(other, one, asked(one.order_id, other.order_id, **more))
    return one, other


async def listed(person: Person, **params: Any) -> list[dict[str, Any]]:
    status, body = await person.get(PATH, **params)
    assert status == 200, body
    items: list[dict[str, Any]] = body["items"]
    return items


async def say(person: Person, item: dict[str, Any], version: int | None = None, key: str = "", **said: Any) -> Any:
    at = item["version"] if version is None else version
    return await person.post(f"{PATH}/{item['proposal_id']}/answer", at, said, key or None)


async def test_it_is_listed_accepted_and_taken_apart_again(send: Send, desk: Desk, pool: asyncpg.Pool) -> None:
    one, other = await two(send)
    centre = desk.person("dispatcher", "s1")
    (item,) = await listed(centre)
    assert (item["order"]["order_id"], item["into"]["order_id"]) == (str(one.order_id), str(other.order_id))
    assert item["parts"]["place"] == 0.9 and item["score"] == 0.66 and "12" in item["why"] and not item["swept"]
    status, body = await say(centre, item, accepted=True, note="同一井盖")
    assert (status, body["state"], body["order"]["order_id"]) == (200, "accepted", str(other.order_id)), body
    assert (await centre.order(one.order_id))["merged_into"] == str(other.order_id)
    assert len((await centre.order(other.order_id))["reports"]) == 2, "every report keeps its reporter"
    assert await listed(centre) == []
    (kept,) = await listed(centre, state="accepted")
    assert kept["decided_unit"] == "s1" and kept["note"] == "同一井盖"
    assert (await centre.on_order(one.order_id, "unmerge", reason="两处"))[0] == 200
    assert len((await centre.order(one.order_id))["reports"]) == 1
    await send(asked(one.order_id, other.order_id))
    assert await listed(centre) == [], "a person has answered: it is not asked again"
    assert await pool.fetchval("SELECT count(*) FROM merge_proposals") == 1


async def test_refused_it_is_never_asked_again_and_both_orders_stand(send: Send, desk: Desk) -> None:
    one, other = await two(send)
    centre = desk.person("dispatcher", "s1")
    (item,) = await listed(centre)
    status, body = await say(centre, item, accepted=False, note="两个井盖")
    assert (status, body["state"]) == (200, "refused")
    await send(asked(one.order_id, other.order_id), asked(other.order_id, one.order_id))
    assert await listed(centre) == []
    assert {(await centre.order(o.order_id))["status"] for o in (one, other)} == {"dispatched"}
    status, body = await say(centre, item, version=2, accepted=True)
    assert (status, body["code"]) == (409, "proposal_answered")


async def test_the_younger_goes_on_where_the_answer_says_so(send: Send, desk: Desk) -> None:
    one = proposed(a_report(), a_plan("s1-road", urgency=Urgency.URGENT))
    other = proposed(a_report(), a_plan("s1-clean"))
    await send(one, other, asked(one.order_id, other.order_id))
    centre = desk.person("dispatcher", "s1")
    (item,) = await listed(centre)
    status, body = await say(centre, item, accepted=True)
    assert (status, body["code"]) == (409, "merge_unlike"), "an urgent one does not end in one that is not"
    (item,) = await listed(centre)
    assert (await say(centre, item, accepted=True, into=str(uuid4())))[1]["code"] == "invalid"
    status, body = await say(centre, item, accepted=True, into=str(one.order_id))
    assert (status, body["order"]["order_id"]) == (200, str(one.order_id)), body
    assert (await centre.order(other.order_id))["merged_into"] == str(one.order_id)


async def test_the_same_key_is_the_same_answer_and_a_stale_one_is_told(send: Send, desk: Desk) -> None:
    await two(send)
    centre = desk.person("dispatcher", "s1")
    (item,) = await listed(centre)
    first = await say(centre, item, key="k1", accepted=True)
    assert await say(centre, item, key="k1", accepted=True) == first
    assert (await say(centre, item, key="k1", accepted=False))[1]["code"] == "key_reused"
    assert (await say(centre, item, accepted=True))[1]["code"] == "version_stale"


async def test_of_two_who_answer_at_once_one_is_heard(send: Send, desk: Desk) -> None:
    for round_ in range(5):
        await two(send)
        people = [desk.person("dispatcher", "s1", f"p{round_}{n}") for n in range(2)]
        (item,) = await listed(people[0])
        answers = await asyncio.gather(*(say(p, item, accepted=bool(n)) for n, p in enumerate(people)))
        assert sorted(status for status, _ in answers) == [200, 412], answers


async def test_triage_shows_what_it_may_be_one_with(send: Send, desk: Desk) -> None:
    unsure, other = in_triage(), proposed(a_report(), a_plan("s1-clean"))
    await send(other, unsure, asked(unsure.order_id, other.order_id))
    centre = desk.person("dispatcher", "s1")
    (item,) = (await centre.get("/v1/triage"))[1]["items"]
    (hint,) = item["merges"]
    assert (hint["order_id"], hint["score"]) == (str(other.order_id), 0.66) and hint["why"]
    assert (await say(centre, hint, accepted=True))[0] == 200
    assert (await centre.get("/v1/triage"))[1]["items"] == []


@pytest.mark.parametrize(
    ("role", "unit", "sees"),
    [
        ("dispatcher", "s1", True),
        ("dispatcher", "d1", True),
        ("dispatcher", "s2", False),
        ("supervisor", "", True),
        ("auditor", "", True),
    ],
)
async def test_whoever_sees_both_orders_sees_the_question(
    send: Send, desk: Desk, role: str, unit: str, sees: bool
) -> None:
    await two(send)
    assert bool(await listed(desk.person(role, unit))) is sees


@pytest.mark.parametrize("role", ["responder", "agent", "citizen", "gateway"])
async def test_others_are_refused(send: Send, desk: Desk, role: str) -> None:
    await two(send)
    (item,) = await listed(desk.person("dispatcher", "s1"))
    person = desk.person(role, "s1")
    assert (await person.get(PATH))[1]["code"] == "forbidden"
    assert (await say(person, item, accepted=True))[1]["code"] == "forbidden"


async def test_who_sees_one_of_the_two_may_not_answer(send: Send, desk: Desk) -> None:
    one = proposed(a_report(), a_plan("s1-road"))
    other = proposed(a_report(), structs.replace(a_plan("s2-road", division="S2"), path=()))
    await send(one, other, asked(one.order_id, other.order_id))
    assert await listed(desk.person("dispatcher", "s1")) == []
    (item,) = await listed(desk.person("dispatcher", "d1"))
    assert (await say(desk.person("dispatcher", "s1"), item, accepted=True))[1]["code"] == "other_unit"
    status, body = await desk.person("dispatcher", "d1").post(f"{PATH}/{uuid4()}/answer", 1, {"accepted": True})
    assert (status, body["code"]) == (404, "not_found")
    status, body = await desk.person("dispatcher", "d1").post(f"{PATH}/nothing/answer", 1, {"accepted": True})
    assert (status, body["code"]) == (404, "not_found")


async def test_the_unit_complained_about_is_not_asked(send: Send, desk: Desk) -> None:
    about = structs.replace(a_report(), subject="桥头城运中心")
    one, other = proposed(about, a_plan("s1-road")), proposed(a_report(), a_plan("s1-road"))
    await send(other, one, asked(one.order_id, other.order_id))
    assert await listed(desk.person("dispatcher", "s1")) == []
    assert len(await listed(desk.person("dispatcher", "d1"))) == 1


@pytest.mark.parametrize("how", ["ended", "by hand", "before the order"])
async def test_what_is_no_question_any_more_leaves_the_list(send: Send, desk: Desk, how: str) -> None:
    centre = desk.person("dispatcher", "s1")
    if how == "before the order":
        one, other = proposed(a_report()), proposed(a_report())
        await send(asked(one.order_id, other.order_id), one)
        assert await listed(centre) == []
        await send(other)
        assert len(await listed(centre)) == 1
        return
    one, other = await two(send)
    if how == "by hand":
        await centre.on_order(other.order_id, "merge", into=str(one.order_id))
        assert (await listed(centre, state="accepted"))[0]["decided_unit"] == "s1"
        await centre.on_order(other.order_id, "unmerge", reason="不是一件")
    else:
        await centre.on_order(other.order_id, "void", reason="test")
    assert await listed(centre) == []


async def test_pages_follow_each_other(send: Send, desk: Desk) -> None:
    for _ in range(5):
        await two(send)
    centre = desk.person("dispatcher", "s1")
    seen, cursor = [], ""
    while True:
        status, body = await centre.get(PATH, limit=2, cursor=cursor)
        assert status == 200
        seen += [item["proposal_id"] for item in body["items"]]
        cursor = body["next"] or ""
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 5


async def test_a_report_that_joined_leaves_again_by_a_split(send: Send, desk: Desk) -> None:
    one, late = proposed(a_report(), a_plan("s1-road")), a_report("joined-wrongly")
    await send(one, linked(one.order_id, late))
    centre = desk.person("dispatcher", "s1")
    part = {"class_key": "GB/T 47678.5/part/01001", "lead": "s1-clean", "report_ids": [str(late.report_id)]}
    status, body = await centre.on_order(one.order_id, "split", parts=[part])
    assert status == 200, body
    shown = await centre.order(one.order_id)
    assert len(shown["reports"]) == 1
    assert len((await centre.order(shown["parts"][0]["order_id"]))["reports"]) == 1
