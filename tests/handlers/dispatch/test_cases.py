"""Special cases over the API on the real database: opened, linked, met about, answered, closed, and looked back at."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
from msgspec import structs

from schemas.facts import ClocksSet, ClockView, DeadlineMissed, DeadlineWarned, DeadlineWithdrawn, Reporter
from schemas.ids import clock_id_of
from schemas.vocabulary import ClockState, Source, Stage
from tests.handlers.dispatch.client import Answer, Desk, Person
from tests.handlers.dispatch.conftest import Send
from tests.handlers.dispatch.looks import everything, now_settled
from tests.rules.dispatch.town import a_plan, a_report, announced, proposed

SAID = {"title": "工地夜间施工", "reason": "同一工地", "lead": "s1"}
LEADS = ("s1-road", "s1-clean", "s1-road", "k1")


async def some(send: Send, count: int = 3, division: str = "S1") -> list[UUID]:
    """Orders of one street, each reported by somebody."""
    reporter = Reporter(name="王某", phone="13912345678")
    facts = [
        proposed(a_report(f"{division}-{n}", reporter=reporter), a_plan(LEADS[n % 4], division=division))
        for n in range(count)
    ]
    await send(*facts)
    return [fact.order_id for fact in facts]


def soon(minutes: float = 60) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


async def opened(desk: Desk, orders: list[UUID], unit: str = "d1", **said: Any) -> dict[str, Any]:
    """A special case that a centre opened; what it answered."""
    body = SAID | {"orders": [str(order) for order in orders]} | said
    status, answer = await desk.person("dispatcher", unit).post("/v1/special-cases", None, body)
    assert status == 201, answer
    return answer


class Case:
    """One special case, and people who act on it at its present version."""

    def __init__(self, desk: Desk, answer: dict[str, Any]) -> None:
        self.desk, self.id = desk, answer["case_id"]
        self.centre = desk.person("dispatcher", "d1")

    async def shown(self, person: Person | None = None, **params: Any) -> dict[str, Any]:
        """The case whole, as somebody must be able to see it."""
        status, body = await (person or self.centre).get(f"/v1/special-cases/{self.id}", **params)
        assert status == 200, body
        return body

    async def do(self, action: str, by: Person | None = None, bulk: str = "", **said: Any) -> Answer:
        """Act on the case."""
        version = said.pop("version", None) or (await self.shown())["version"]
        path = f"/v1/special-cases/{self.id}/{bulk}actions/{action}"
        return await (by or self.centre).post(path, version, said, said.pop("key", None))

    async def meet(self, *commits: tuple[str, float], **said: Any) -> list[dict[str, Any]]:
        """A meeting in which units commit to something so many minutes from now; all commitments of the case."""
        made = [{"text": f"{unit} 整改", "unit": unit, "due": soon(minutes)} for unit, minutes in commits]
        body = {"held_at": soon(-5), "units": ["s1"], "matter": "夜间施工", "decided": "限时整改", "outcome": "agreed"}
        status, answer = await self.do("meeting", **(body | {"commitments": made} | said))
        assert status == 200, answer
        found: list[dict[str, Any]] = answer["commitments"]
        return found

    async def on(self, one: dict[str, Any], action: str, by: Person | None = None, **said: Any) -> Answer:
        """Act on a commitment."""
        now = {c["commitment_id"]: c for c in (await self.shown())["commitments"]}[one["commitment_id"]]
        person = by or (self.desk.person("responder", one["unit"]["unit_id"]) if action == "answer" else self.centre)
        path = f"/v1/special-cases/{self.id}/commitments/{one['commitment_id']}/actions/{action}"
        return await person.post(path, said.pop("version", now["version"]), said)


async def test_from_opening_to_closing(send: Send, desk: Desk, pool: asyncpg.Pool) -> None:
    orders = await some(send)
    case = Case(desk, await opened(desk, orders[:2]))
    before = await case.centre.order(orders[2])
    status, body = await case.do("link", orders=[str(orders[2])], reason="也是这个工地")
    assert (status, body["counts"]["orders"], body["version"]) == (200, 3, 2), body
    order = await case.centre.order(orders[2])
    assert order["case"] == {"case_id": case.id, "number": body["number"], "title": SAID["title"], "state": "open"}
    assert {key for key in order if order[key] != before.get(key)} == {"case", "seq"}
    listed = await everything(case.centre, "/v1/orders", case=case.id)
    assert {item["order_id"] for item in listed} == {str(id_) for id_ in orders}
    one, other = await case.meet(("s1-road", 60), ("k1", 30), persons=[{"name": "王工", "unit": "s1-road"}])
    for action in ("close",):
        status, body = await case.do(action, result="solved", conclusion="已整改")
        assert (status, body["code"], len(body["commitments"])) == (409, "commitments_open", 2)
    status, body = await case.on(one, "answer", answer="已安装隔音屏")
    assert status == 200, body
    assert (await case.on(one, "accept", note="现场看过"))[0] == 200
    assert (await case.on(other, "withdraw", reason="并入上一条"))[0] == 200
    status, body = await case.do("close", result="explained", conclusion="合法施工，已说明并限时")
    assert (status, body["state"], body["result"]) == (200, "closed", "explained"), body
    shown = await case.shown()
    assert shown["counts"] == {"orders": 3, "commitments": 2, "open": 0, "missed": 0} and shown["reports"] == 3
    assert [(c["state"], c.get("answer"), c.get("note")) for c in shown["commitments"]] == [
        ("kept", "已安装隔音屏", "现场看过"),
        ("withdrawn", None, "并入上一条"),
    ]
    assert shown["meetings"][0]["persons"] == [
        {"name": "王工", "unit": {"unit_id": "s1-road", "name": "桥头市政", "tier": "street"}}
    ]
    assert (await case.do("link", orders=[str(orders[2])], reason="?"))[1]["code"] == "action_not_allowed"
    status, body = await case.centre.get(f"/v1/special-cases/{case.id}/history")
    assert [row["action"] for row in body["items"]] == [
        "open", "link", "meeting", "answer", "accept", "withdraw", "close",
    ]  # fmt: skip
    assert [row["seq"] for row in body["items"]] == list(range(1, 8))
    facts = [fact for fact in await announced(pool) if "case_id" in fact]
    assert [f["seq"] for f in facts if "order_id" not in f] == list(range(1, 8))
    assert "王工" not in str(facts) and "隔音屏" not in str(facts), "what was said, and by whom, stays with dispatch"


async def test_an_order_is_in_one_open_case_and_its_history_and_any_past_moment_know_it(
    send: Send, desk: Desk, pool: asyncpg.Pool
) -> None:
    orders = await some(send)
    case = Case(desk, await opened(desk, orders[:2]))
    linked = await now_settled(pool)
    assert (await case.do("unlink", orders=[str(orders[0])], reason="另一处"))[0] == 200
    gone = await now_settled(pool)
    assert (await case.do("link", orders=[str(orders[0])], reason="还是这处"))[0] == 200
    history = (await case.centre.get(f"/v1/orders/{orders[0]}/history"))[1]["items"]
    assert [(row["action"], row["reason"], row["changed"]) for row in history[1:]] == [
        ("link", "同一工地", "case"),
        ("unlink", "另一处", "case"),
        ("link", "还是这处", "case"),
    ]
    assert len({row["order_version"] for row in history}) == 1, "nobody's screen became stale by it"
    assert (await case.centre.order(orders[0], as_of=linked.isoformat()))["case"]["case_id"] == case.id
    assert "case" not in await case.centre.order(orders[0], as_of=gone.isoformat())

    async def at(moment: datetime | None) -> set[str]:
        params = {"case": case.id} | ({"as_of": moment.isoformat()} if moment else {})
        return {item["order_id"] for item in await everything(case.centre, "/v1/orders", **params)}

    first, second = (str(id_) for id_ in orders[:2])
    assert [await at(moment) for moment in (linked, gone, None)] == [{first, second}, {second}, {first, second}]
    then = await case.shown(as_of=gone.isoformat())
    assert (then["counts"]["orders"], then["version"]) == (1, 2)
    number = (await case.shown())["number"]
    assert (await case.centre.get(f"/v1/special-cases/{number.lower()}"))[1]["case_id"] == case.id
    assert await everything(case.centre, "/v1/orders", case=number)
    assert (await case.centre.get("/v1/orders", case=str(uuid4())))[1]["code"] == "not_found"


async def test_two_centres_who_want_the_same_order_at_once(send: Send, desk: Desk) -> None:
    orders = await some(send)
    people = [desk.person("dispatcher", unit) for unit in ("d1", "s1", "city", "s1")]
    body = SAID | {"orders": [str(orders[0])]}
    answers = await asyncio.gather(*(person.post("/v1/special-cases", None, body) for person in people))
    assert sorted(status for status, _ in answers) == [201, 409, 409, 409]
    assert {body["code"] for status, body in answers if status == 409} == {"case_taken"}


async def test_a_bulk_gives_each_order_a_result_and_is_bounded(send: Send, desk: Desk) -> None:
    orders = await some(send, 4)
    case = Case(desk, await opened(desk, orders[:1]))
    elsewhere = await some(send, 1, division="S2")
    await opened(desk, [orders[3]])
    wanted = [*orders, *elsewhere, uuid4()]
    status, body = await case.do("link", bulk="bulk/", orders=[str(id_) for id_ in wanted], reason="同一工地")
    assert (status, body["done"], body["refused"]) == (200, 3, 3), body
    codes = [item.get("problem", {}).get("code") for item in body["items"]]
    assert codes == ["linked_already", None, None, "case_taken", None, "not_found"]
    assert body["counts"]["orders"] == 4
    many = [str(uuid4()) for _ in range(1001)]
    assert (await case.do("link", bulk="bulk/", orders=many, reason="?"))[1]["code"] == "invalid"
    assert (await case.do("close", bulk="bulk/", orders=many, reason="?"))[1]["code"] == "action_unknown"
    status, body = await case.do("unlink", bulk="bulk/", orders=[str(orders[1]), str(orders[3])], reason="不是")
    assert [item.get("problem", {}).get("code") for item in body["items"]] == [None, "not_linked"]


async def test_a_thousand_orders_are_linked_in_one_call(send: Send, desk: Desk, pool: asyncpg.Pool) -> None:
    facts = [proposed(a_report(f"many-{n}"), a_plan()) for n in range(1000)]
    await send(*facts)
    answer = await opened(desk, [fact.order_id for fact in facts])
    assert answer["counts"]["orders"] == 1000
    assert await pool.fetchval("SELECT count(*) FROM special_case_orders") == 1000


async def test_the_same_key_is_done_once_and_a_stale_version_is_refused(send: Send, desk: Desk) -> None:
    orders = await some(send)
    centre = desk.person("dispatcher", "d1")
    body = SAID | {"orders": [str(orders[0])]}
    first = await centre.post("/v1/special-cases", None, body, "once")
    assert await centre.post("/v1/special-cases", None, body, "once") == first
    other = await centre.post("/v1/special-cases", None, body | {"title": "别的"}, "once")
    assert other[1]["code"] == "key_reused"
    case = Case(desk, first[1])
    said = {"orders": [str(orders[1])], "reason": "同"}
    path = f"/v1/special-cases/{case.id}/actions/link"
    linked = await centre.post(path, 1, said, "link-once")
    assert linked[0] == 200 and await centre.post(path, 1, said, "link-once") == linked
    status, body = await centre.post(path, 1, said | {"orders": [str(orders[2])]})
    assert (status, body["code"], body["version"]) == (412, "version_stale", 2)
    assert (await centre.post(path, None, said))[1]["code"] == "version_missing"
    [one] = await case.meet(("s1-road", 60))
    assert (await case.on(one, "answer", answer="好", version=7))[1]["code"] == "version_stale"
    assert (await case.shown())["commitments"][0]["state"] == "open"


ROLES = [
    (("responder", "s1-road"), "forbidden"),
    (("agent", ""), "forbidden"),
    (("auditor", ""), "forbidden"),
    (("dispatcher", "s1-road"), "other_unit"),
    (("dispatcher", "d2"), "other_unit"),
]


@pytest.mark.parametrize(("caller", "code"), ROLES)
async def test_who_may_not_open_or_close(send: Send, desk: Desk, caller: tuple[str, str], code: str) -> None:
    orders = await some(send)
    person = desk.person(*caller)
    body = SAID | {"orders": [str(orders[0])]}
    status, answer = await person.post("/v1/special-cases", None, body)
    assert (status, answer["code"]) == (403, code)
    case = Case(desk, await opened(desk, orders))
    assert (await case.do("close", person, result="solved", conclusion="?"))[1]["code"] == code
    [one] = await case.meet(("k1", 60))
    for action, said in (("accept", {}), ("withdraw", {"reason": "?"}), ("send_back", {"reason": "?", "due": soon()})):
        assert (await case.on(one, action, person, **said))[1]["code"] == code
    assert (await case.on(one, "answer", person, answer="?"))[0] == 403


async def test_whoever_answers_never_accepts(send: Send, desk: Desk) -> None:
    case = Case(desk, await opened(desk, await some(send)))
    [one] = await case.meet(("d1", 60))
    assert (await case.on(one, "answer", case.centre, answer="中心已协调"))[0] == 200
    assert (await case.on(one, "accept"))[1]["code"] == "own_commitment"
    assert (await case.shown())["commitments"][0]["actions"] == []
    city = desk.person("dispatcher", "city")
    assert (await case.shown(city))["commitments"][0]["actions"] == ["accept", "send_back", "withdraw"]
    assert (await case.on(one, "accept", city))[0] == 200


async def test_units_see_a_case_when_they_hold_an_order_or_a_commitment_in_it(send: Send, desk: Desk) -> None:
    orders = await some(send, 2)
    case = Case(desk, await opened(desk, orders, "city", lead="d2"))
    case.centre = desk.person("dispatcher", "city")
    await case.meet(("volunteer", 60))
    sees = {
        ("responder", "s1-road"): True,  # holds an order
        ("responder", "s1-clean"): True,
        ("responder", "volunteer"): True,  # committed to something
        ("responder", "k1"): False,
        ("dispatcher", "d2"): True,  # leads it
        ("dispatcher", "s1"): True,  # its orders lie there
        ("dispatcher", "s2"): False,
        ("dispatcher", "city"): True,
        ("supervisor", ""): True,
        ("auditor", ""): True,
    }
    for (role, unit), may in sees.items():
        person = desk.person(role, unit)
        status, body = await person.get(f"/v1/special-cases/{case.id}")
        assert (status == 200) is may, (role, unit, body)
        listed = (await person.get("/v1/special-cases"))[1]["items"]
        assert [item["case_id"] for item in listed] == ([case.id] if may else []), (role, unit)
        if not may:
            assert body["code"] == "other_unit"
    assert (await desk.person("gateway", "police").get("/v1/special-cases"))[1]["code"] == "forbidden"
    assert (await case.do("unlink", orders=[str(orders[1])], reason="不是"))[0] == 200
    assert (await desk.person("responder", "s1-clean").get(f"/v1/special-cases/{case.id}"))[0] == 403


async def test_whom_an_order_complains_about_does_not_see_the_case(send: Send, desk: Desk) -> None:
    report = structs.replace(a_report("about"), subject="桥头环卫")
    about = proposed(report, a_plan("s1-road"))
    other = proposed(a_report("beside"), a_plan("s1-clean"))
    await send(about, other)
    case = Case(desk, await opened(desk, [about.order_id, other.order_id]))
    status, body = await desk.person("responder", "s1-clean").get(f"/v1/special-cases/{case.id}")
    assert (status, body.get("code")) == (403, "other_unit")
    assert (await desk.person("responder", "s1-road").get(f"/v1/special-cases/{case.id}"))[0] == 200


async def test_my_units_commitments_the_earliest_due_first(send: Send, desk: Desk) -> None:
    case = Case(desk, await opened(desk, await some(send)))
    made = await case.meet(("s1-road", 90), ("s1-road", 30), ("k1", 10), ("s1-road", 60))
    road = desk.person("responder", "s1-road")
    mine = await everything(road, "/v1/me/commitments")
    assert [item["commitment_id"] for item in mine] == [made[n]["commitment_id"] for n in (1, 3, 0)]
    assert mine[0]["case"]["title"] == SAID["title"] and mine[0]["actions"] == ["answer"]
    assert (await case.on(made[1], "answer", answer="好了"))[0] == 200
    assert len(await everything(road, "/v1/me/commitments")) == 2
    answered = await everything(road, "/v1/me/commitments", state="answered")
    assert [(item["answer"], item["actions"]) for item in answered] == [("好了", [])]
    assert (await desk.person("supervisor").get("/v1/me/commitments"))[1]["code"] == "other_unit"


async def test_a_unit_of_another_district_commits_only_when_it_holds_an_order_of_the_case(
    send: Send, desk: Desk, pool: asyncpg.Pool
) -> None:
    orders = await some(send)
    body = SAID | {"orders": [str(orders[0])], "lead": "d2"}
    status, refused = await desk.person("dispatcher", "d1").post("/v1/special-cases", None, body)
    assert (status, refused["code"], refused["unit"]) == (403, "unit_outside", "d2")
    case = Case(desk, await opened(desk, orders[:1]))
    made = [{"text": "配合", "unit": "d2", "due": soon()}]
    meeting = {"held_at": soon(-5), "units": ["d2"], "matter": "夜间施工", "decided": "限时", "outcome": "agreed"}
    assert (await case.do("meeting", **meeting, commitments=made))[1]["code"] == "unit_outside"
    await pool.execute("UPDATE assignments SET unit = 'd2' WHERE order_id = $1", orders[1])
    assert (await case.do("meeting", **meeting, commitments=made))[1]["code"] == "unit_outside", "not linked"
    await case.do("link", orders=[str(orders[1])], reason="同一工地")
    assert (await case.do("meeting", **meeting, commitments=made))[0] == 200
    await case.do("unlink", orders=[str(orders[1])], reason="误归")
    assert (await case.do("meeting", **meeting, commitments=made))[1]["code"] == "unit_outside"


async def test_what_supervision_says_is_kept_once_and_a_miss_stays(
    send: Send, notice: Send, desk: Desk, pool: asyncpg.Pool
) -> None:
    case = Case(desk, await opened(desk, await some(send)))
    [one] = await case.meet(("s1-road", 60))
    due = datetime.fromisoformat(one["due"])
    clock = clock_id_of(UUID(case.id), 1, Stage.COMMITMENT, one["commitment_id"])
    said = {"order_id": UUID(case.id), "clock_id": clock, "stage": Stage.COMMITMENT, "owner": "s1-road", "due": due}
    view = ClockView(
        clock_id=clock, stage=Stage.COMMITMENT, owner="s1-road", start=due, due=due, state=ClockState.MISSED, policy="p"
    )
    await notice(
        DeadlineWarned(**said), DeadlineMissed(**said), ClocksSet(order_id=UUID(case.id), seq=2, clocks=(view,))
    )
    await notice(DeadlineMissed(**said))
    shown = await case.shown()
    [now] = shown["commitments"]
    assert (now["missed"], now["state"], now["clock"]["state"]) == (True, "open", "missed")
    assert (shown["version"], now["version"], shown["counts"]["missed"]) == (2, 1, 1), "no screen became stale by it"
    rows = (await case.centre.get(f"/v1/special-cases/{case.id}/history"))[1]["items"]
    assert [row["action"] for row in rows] == ["open", "meeting", "warned", "missed"], "once each"
    assert (await case.on(one, "answer", answer="迟了"))[0] == 200
    assert (await case.on(one, "accept"))[0] == 200
    assert (await case.do("close", result="solved", conclusion="完成"))[0] == 200
    assert (await case.shown())["commitments"][0]["missed"] is True, "for ever"
    await notice(DeadlineWithdrawn(**said, cause="CommitmentAnswered"))
    assert (await case.shown())["commitments"][0]["missed"] is False
    await notice(DeadlineMissed(**said | {"order_id": uuid4()}))
    dead = await announced(pool, "supervision.events.dlq")
    assert len(dead) == 1, "a case that nobody opened"


async def test_the_history_tells_cases_to_whoever_makes_a_view_anew(send: Send, desk: Desk, pool: asyncpg.Pool) -> None:
    orders = await some(send, 3)
    for order in orders:
        await Case(desk, await opened(desk, [order])).meet(("s1-road", 60))
    service = desk.person("service")
    rows: list[dict[str, Any]] = []
    after = ""
    while True:
        reply = await service._client.get(
            "/v1/history", params={"by": "case", "after": after, "limit": 2}, headers=service.headers
        )
        page = reply.json()
        rows, after = rows + page["items"], page["next"]
        if page["complete"]:
            break
    assert [(row["type"], row["seq"]) for row in rows] == [("SpecialCaseOpened", 1), ("MeetingRecorded", 2)] * 3
    assert [row["case_id"] for row in rows] == sorted(row["case_id"] for row in rows)
    sent = [f for f in await announced(pool) if f["type"] in ("SpecialCaseOpened", "MeetingRecorded")]
    bare = [{key: value for key, value in f.items() if key not in ("type", "ce_id")} for f in sent]
    assert sorted(map(msgspec.json.encode, bare)) == sorted(msgspec.json.encode(row["fact"]) for row in rows)


async def test_lists_are_narrowed_and_paged(send: Send, desk: Desk) -> None:
    orders = await some(send, 4)
    cases = [Case(desk, await opened(desk, [order])) for order in orders]
    await cases[0].do("close", result="solved", conclusion="完")
    await cases[1].meet(("k1", 60))
    centre = desk.person("dispatcher", "d1")
    listed = await everything(centre, "/v1/special-cases")
    assert [item["case_id"] for item in listed] == [case.id for case in reversed(cases)]
    assert [item["case_id"] for item in await everything(centre, "/v1/special-cases", state="closed")] == [cases[0].id]
    assert [item["case_id"] for item in await everything(centre, "/v1/special-cases", unit="k1")] == [cases[1].id]
    assert (await centre.get("/v1/special-cases", unit="nobody"))[1]["code"] == "unit_unknown"
    assert (await centre.get("/v1/special-cases", cursor="x"))[1]["code"] == "cursor_invalid"
    assert (await centre.get(f"/v1/special-cases/{uuid4()}"))[1]["code"] == "not_found"
    assert Source.HOTLINE in {item["source"] for item in await everything(centre, "/v1/orders", case=cases[2].id)}
