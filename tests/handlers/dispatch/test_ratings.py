"""Citizens rate with number and code; calls and ratings settle a reporter; a bad word waits for a person."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace

from deploy.stack.keys import city_secret_file
from deploy.stack.lifecycle import Stack
from schemas.city import Callbacks
from schemas.facts import Reporter
from schemas.ids import code_of, number_of
from services.dispatch.api.ratings import WRONG_CODES
from tests.handlers.dispatch.client import Answer, Desk
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import DIRECTORY, a_plan, a_report, announced, linked, proposed

WANG = Reporter(name="王小明", phone="13812345678")
LI = Reporter(name="李四", phone="13912345678")


class Citizens:
    """An order that two people reported, answered and waiting for its calls; and what they do."""

    def __init__(self, desk: Desk, servers: Stack, order: UUID, reports: tuple[UUID, UUID]) -> None:
        self.desk, self.order, self.reports = desk, order, reports
        self._secret = city_secret_file(servers.home).read_bytes().strip()
        self._keys = 0

    def said(self, which: int, **said: Any) -> dict[str, Any]:
        number = number_of(self.reports[which])
        known = {"number": number, "code": code_of(number, self._secret), "satisfied": "satisfied", "solved": True}
        return known | said

    async def rate(self, which: int, key: str = "", **said: Any) -> Answer:
        self._keys += 1
        headers = {"idempotency-key": key or f"rating-{self._keys}"}
        reply = await self.desk.client.post("/v1/ratings", json=self.said(which, **said), headers=headers)
        return reply.status_code, reply.json()

    async def call(self, which: int, role: str = "agent", unit: str = "", **said: Any) -> Answer:
        body = {"report_id": str(self.reports[which]), "reached": True} | said
        return await self.desk.person(role, unit).on_order(self.order, "callback", **body)

    async def shown(self) -> dict[str, Any]:
        return await self.desk.person("agent").order(self.order)

    async def report(self, which: int) -> dict[str, Any]:
        """One report as the order shows it; reports that came in one instant stand in any order."""
        return next(r for r in (await self.shown())["reports"] if r["report_id"] == str(self.reports[which]))


@pytest.fixture
async def citizens(send: Send, desk: Desk, servers: Stack) -> Citizens:
    first, second = a_report(reporter=WANG), a_report(reporter=LI)
    fact = proposed(first, a_plan("s1-road"))
    await send(fact)
    await send(linked(fact.order_id, second))
    assert first.report_id is not None and second.report_id is not None
    road = desk.person("responder", "s1-road")
    await road.on_part(fact.order_id, "accept", "s1-road")
    answers = [{"report_id": str(second.report_id), "text": "您家门口的也换了"}]
    done = await road.on_part(fact.order_id, "finish", "s1-road", result="solved", answer="井盖换好了", answers=answers)
    assert done[0] == 200, done
    return Citizens(desk, servers, fact.order_id, (first.report_id, second.report_id))


async def test_number_and_code_open_the_door_and_nothing_else_does(citizens: Citizens) -> None:
    desk = citizens.desk
    reply = await desk.client.post("/v1/ratings", json=citizens.said(0))
    assert reply.json()["code"] == "key_missing"
    for wrong, code in (
        ({"code": "000000"}, "code_wrong"),
        ({"number": "AAAAA-AAAAA-A"}, "code_wrong"),
        ({"number": number_of(UUID(int=5))}, "code_wrong"),  # the code of another number
        ({"satisfied": "very"}, "invalid"),
        ({"solved": "yes"}, "invalid"),
        ({"comment": "x" * 3000}, "invalid"),
        ({"comment": "a\0b"}, "text_unreadable"),
        ({"report_id": str(citizens.reports[1])}, "invalid"),
    ):
        assert (await citizens.rate(0, **wrong))[1]["code"] == code, wrong
    status, said = await citizens.rate(0, number=number_of(citizens.reports[0]).lower().replace("-", " "))
    assert (status, said["number"]) == (200, number_of(citizens.reports[0])), "as it is typed"
    shown = {r["report_id"]: r for r in (await citizens.shown())["reports"]}
    assert shown[str(citizens.reports[0])]["satisfied"] == "satisfied"
    assert "satisfied" not in shown[str(citizens.reports[1])], "each rates for himself"
    assert shown[str(citizens.reports[1])]["answer"] == "您家门口的也换了"


async def test_guessing_a_code_has_to_wait_even_for_the_right_one(citizens: Citizens) -> None:
    codes = [(await citizens.rate(0, code=f"00000{n}"))[1]["code"] for n in range(WRONG_CODES + 1)]
    assert codes == ["code_wrong"] * WRONG_CODES + ["too_many_requests"]
    status, body = await citizens.rate(0)
    assert status == 429 and body["retry_after"] > 600
    assert (await citizens.rate(1))[0] == 200, "another number waits for nobody"


async def test_a_rating_is_given_once_corrected_for_a_day_and_announced_without_its_words(
    pool: asyncpg.Pool, citizens: Citizens
) -> None:
    first = await citizens.rate(0, key="k", satisfied="fair", comment="隔壁王阿姨也这么说")
    assert first[0] == 200
    assert await citizens.rate(0, key="k", satisfied="fair", comment="隔壁王阿姨也这么说") == first
    assert (await citizens.rate(0, key="k", satisfied="mostly"))[1]["code"] == "key_reused"
    assert (await citizens.rate(0, satisfied="mostly"))[0] == 200
    told = [f for f in await announced(pool) if f["type"] == "RatingReceived"]
    assert [(f["satisfied"], f.get("corrected", False)) for f in told] == [("fair", False), ("mostly", True)]
    assert "王阿姨" not in str(told) and "王小明" not in str(told)
    assert {f["actor"] for f in told} == {f"report:{citizens.reports[0]}"}
    await pool.execute(
        "UPDATE orders SET voices = replace(voices::text, to_char(now() at time zone 'utc', 'YYYY-MM-DD'),"
        " to_char(now() at time zone 'utc' - interval '2 days', 'YYYY-MM-DD'))::json"
    )
    status, body = await citizens.rate(0, satisfied="satisfied")
    assert (status, body["code"]) == (409, "already_rated")


async def test_nobody_rates_before_there_is_an_answer(send: Send, desk: Desk, servers: Stack) -> None:
    report = a_report(reporter=WANG)
    fact = proposed(report, a_plan("s1-road"))
    await send(fact)
    assert report.report_id is not None
    early = Citizens(desk, servers, fact.order_id, (report.report_id, report.report_id))
    assert (await early.rate(0))[1]["code"] == "action_not_allowed"


async def test_a_bad_word_proposes_reopening_and_a_person_decides(citizens: Citizens) -> None:
    desk, order = citizens.desk, citizens.order
    chief = desk.person("supervisor")
    assert (await chief.on_order(order, "dismiss", reason="?"))[1]["code"] == "nothing_proposed"
    assert (await citizens.call(1, satisfied="satisfied", solved=True))[0] == 200
    assert (await citizens.rate(0, satisfied="dissatisfied", solved=False))[0] == 200
    shown = await citizens.shown()
    assert (shown["status"], shown["proposed"], shown["result"], shown["solved"]) == (
        "callback", "reopen", "solved", False,
    )  # fmt: skip
    agent = desk.person("agent")
    assert [o["order_id"] for o in (await agent.get("/v1/orders", proposed="reopen"))[1]["items"]] == [str(order)]
    assert (await agent.on_order(order, "close"))[1]["code"] == "reopening_undecided"
    assert (await agent.on_order(order, "dismiss", reason="?"))[1]["code"] == "forbidden"
    assert (await chief.on_order(order, "dismiss", reason="已再次说明"))[0] == 200
    assert (await agent.get("/v1/orders", proposed="reopen"))[1]["items"] == []
    assert (await agent.on_order(order, "close"))[0] == 200
    shown = await citizens.shown()
    assert (shown["status"], shown["solved"]) == ("closed", False), "closed is not solved"
    assert (await citizens.rate(1, satisfied="dissatisfied", solved=False))[0] == 200, "also after closing"
    assert (await chief.on_order(order, "reopen", reason="第二位也不满意"))[0] == 200
    shown = await citizens.shown()
    assert (shown["status"], shown["round"], shown.get("proposed")) == ("dispatched", 2, None)
    assert all("satisfied" not in r and "answer" not in r for r in shown["reports"]), "a new round is asked anew"


async def test_calls_score_by_who_makes_them_and_when(
    pool: asyncpg.Pool, citizens: Citizens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DIRECTORY, "callback", replace(Callbacks(), all_reporters=True))
    agent = citizens.desk.person("agent")
    status, told = await agent.on_order(citizens.order, "close")
    assert (status, told["code"], len(told["reports"])) == (409, "callback_missing", 2)
    assert (await citizens.call(0, "responder", "s1-road", satisfied="satisfied", solved=True))[0] == 200
    assert "satisfied" not in (await citizens.report(0)), "the handler's own call never scores"
    for attempt in range(DIRECTORY.callback.attempts):
        assert "unrated" not in (await citizens.report(1)), attempt
        assert (await citizens.call(1, reached=False))[0] == 200
    assert (await citizens.report(1))["unrated"] is True
    status, told = await agent.on_order(citizens.order, "close")
    assert (told["code"], told["reports"]) == ("callback_missing", [str(citizens.reports[0])])
    assert (await citizens.rate(0))[0] == 200
    assert (await agent.on_order(citizens.order, "close"))[0] == 200, "one rated, the other is 未评价"
    calls = [f for f in await announced(pool) if f["type"] == "CallbackRecorded"]
    assert [(f.get("kind"), f.get("unrated", False)) for f in calls] == [
        ("handler", False), (None, False), (None, False), (None, True),
    ]  # fmt: skip
