"""Other platforms by webhook, on the real database: what they are told, and what they say, exactly as by REST."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from msgspec import structs

from schemas.facts import Answer, DeadlineMissed, ReportAnswered, Reporter, ReportTransferred
from schemas.generate import webhook_schema
from schemas.ids import clock_id_of, number_of
from schemas.vocabulary import Source, Stage
from schemas.webhooks import WEBHOOKS
from services.chassis.webhooks.signing import secret_of, signed
from services.dispatch.settings import DispatchSettings
from tests.handlers.dispatch.client import Desk
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import DIRECTORY, a_plan, a_report, announced, linked, proposed

SECRET = b"what hangzhou and we alone know."
KEY = "whsec_" + base64.b64encode(SECRET).decode()
OTHER = "whsec_" + base64.b64encode(b"what nobody but somebody knows..").decode()
CITY = "city:hangzhou"
FILE = f"""
[[platform]]
name = "{CITY}"
url = "http://127.0.0.1:9/in"
sign_with = ["{KEY}"]
accept = ["{KEY}"]

[[platform]]
name = "110"
accept = ["{OTHER}"]
"""
FORMATS = FormatChecker(["uuid"])
PUBLISHED = {
    kind.__struct_config__.tag: Draft202012Validator(webhook_schema(name), format_checker=FORMATS)
    for name, kind in WEBHOOKS.items()
}
Said = tuple[int, dict[str, Any]]


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch, settings: DispatchSettings) -> None:
    """Another city and 110 are platforms; they, and the one-stop service, want to be told."""
    settings.platforms_file.write_text(FILE)
    monkeypatch.setattr(DIRECTORY, "told", frozenset({CITY, "110", "one_stop"}))


class Other:
    """The other platform: signs what it says."""

    def __init__(self, client: httpx.AsyncClient, name: str = CITY, key: str = KEY) -> None:
        self._client = client
        self._name = name
        self._key = key

    async def raw(self, body: bytes, headers: dict[str, str]) -> Said:
        reply = await self._client.post(f"/v1/platforms/{self._name}/receipts", content=body, headers=headers)
        return reply.status_code, reply.json()

    async def say(self, handover: str, step: str, id_: str = "", **said: Any) -> Said:
        body = json.dumps({"handover_id": handover, "step": step, **said}).encode()
        return await self.raw(body, signed([secret_of(self._key)], id_ or uuid4().hex, datetime.now(UTC), body))


async def heard(pool: asyncpg.Pool, platform: str = CITY) -> list[dict[str, Any]]:
    """What a platform is told, in its order."""
    rows = await pool.fetch("SELECT body FROM webhook_deliveries WHERE destination = $1 ORDER BY n", platform)
    told = [json.loads(row["body"]) for row in rows]
    for one in told:
        PUBLISHED[one["type"]].validate(one)
    return told


async def an_order(send: Send, source: Source = Source.HOTLINE, number: str = "", platform: str = "") -> UUID:
    reporter = Reporter(name="王某", phone="13912345678")
    report = a_report(uuid4().hex, source=source, reporter=reporter, text="路口井盖破损")
    fact = proposed(structs.replace(report, source_number=number or None, platform=platform), a_plan("s1-road"))
    await send(fact)
    return fact.order_id


async def offered(desk: Desk, order: UUID, platform: str = CITY) -> str:
    """The order handed over; the hand-over's id."""
    centre = desk.person("dispatcher", "s1")
    status, body = await centre.on_order(order, "transfer", platform=platform, reason="跨市道路")
    assert status == 200, body
    return str((await centre.order(order))["handovers"][-1]["handover_id"])


async def test_an_offer_brings_what_is_needed_to_act_and_nobody_by_name(
    send: Send, desk: Desk, pool: asyncpg.Pool
) -> None:
    order = await an_order(send, number="H-1")
    id_ = await offered(desk, order)
    [told] = await heard(pool)
    data = told["data"]
    assert (told["type"], data["handover_id"], data["state"]) == ("handover.offered", id_, "offered")
    assert (data["order"]["number"], data["order"]["class"]["name"]) == (number_of(order), "井盖")
    assert (data["order"]["place"]["name"], data["reason"]) == ("桥头街道", "跨市道路")
    assert data["source_numbers"] == [{"source": "hotline", "number": "H-1"}]
    assert data["reports"][0]["text"] == "路口井盖破损"
    assert data["reports"][0]["reporter"] == {"confidential": False, "name": "王**", "phone": "***78"}
    assert "13912345678" not in str(told) and "王某" not in str(told)


async def test_what_is_taken_back_or_lapses_is_told_and_what_it_declined_itself_is_not(
    send: Send, desk: Desk, notice: Send, pool: asyncpg.Pool
) -> None:
    order = await an_order(send)
    centre = desk.person("dispatcher", "s1")
    first = await offered(desk, order)
    await centre.on_order(order, "recall", reason="已解决")
    second = await offered(desk, order)
    due = datetime.now(UTC) + timedelta(minutes=3)
    clock = clock_id_of(order, 1, "sign", second)
    await notice(DeadlineMissed(order_id=order, clock_id=clock, stage=Stage.SIGN, owner=CITY, due=due))
    third = await offered(desk, order)
    assert (await Other(desk.client).say(third, "declined", reason="不属本市"))[1]["state"] == "returned"
    fourth = await offered(desk, order)
    await centre.on_order(order, "void", reason="误录")
    said = [(one["type"], one["data"]["handover_id"], one["data"].get("cause")) for one in await heard(pool)]
    assert said == [
        ("handover.offered", first, None),
        ("handover.returned", first, "recalled"),
        ("handover.offered", second, None),
        ("handover.returned", second, "unsigned"),
        ("handover.offered", third, None),
        ("handover.offered", fourth, None),
        ("handover.returned", fourth, "order_ended"),
    ]


async def test_what_a_platform_says_by_webhook_comes_into_the_history_as_by_rest(
    send: Send, desk: Desk, pool: asyncpg.Pool
) -> None:
    order = await an_order(send)
    id_ = await offered(desk, order)
    there = Other(desk.client)
    status, body = await there.say(id_, "signed", person="李工", number="HZ-7")
    assert (status, body["state"], body["person"], body["number"]) == (200, "signed", "李工", "HZ-7"), body
    assert (await there.say(id_, "arrived"))[0] == 200
    assert (await there.say(id_, "result", answer="已修复"))[0] == 200
    shown = await desk.person("dispatcher", "s1").order(order)
    assert (shown["status"], shown["handovers"][0]["answer"]) == ("transferred", "已修复")
    facts = await announced(pool)
    assert [f["type"] for f in facts][-3:] == ["OrderTransferred", "HandoverReported", "HandoverReported"]
    assert {f["unit"] for f in facts[-3:]} == {CITY} and "李工" not in str(facts)
    assert len(await heard(pool)) == 1, "what it says itself is not told to it"


async def test_a_message_that_comes_again_gets_the_first_answer_and_changes_nothing(send: Send, desk: Desk) -> None:
    id_ = await offered(desk, await an_order(send))
    there = Other(desk.client)
    first = await there.say(id_, "signed", "msg-1", person="李工")
    assert first[0] == 200 and await there.say(id_, "signed", "msg-1", person="李工") == first
    assert (await there.say(id_, "signed", "msg-1", person="王工"))[1]["code"] == "key_reused"
    assert (await there.say(id_, "signed", "msg-2", person="李工"))[1]["code"] == "handover_ended"


async def test_a_refusal_is_not_kept_so_that_a_message_that_came_too_early_succeeds_later(
    send: Send, desk: Desk
) -> None:
    id_ = await offered(desk, await an_order(send))
    there = Other(desk.client)
    assert (await there.say(id_, "arrived", "early"))[1]["code"] == "handover_unsigned"
    await there.say(id_, "signed", person="李工")
    assert (await there.say(id_, "arrived", "early"))[0] == 200
    assert (await there.say(id_, "arrived", "again"))[1]["code"] == "receipt_given"


def changed(name: str, value: str | None) -> Callable[[dict[str, str]], dict[str, str]]:
    """Headers with one of them changed or left out."""

    def change(headers: dict[str, str]) -> dict[str, str]:
        return {k: v for k, v in (headers | {name: value}).items() if v is not None}  # type: ignore[dict-item]

    return change


def earlier(headers: dict[str, str]) -> dict[str, str]:
    """Rightly signed, ten minutes ago."""
    return signed([SECRET], "m", datetime.now(UTC) - timedelta(minutes=10), GOOD)


GOOD = json.dumps({"handover_id": str(UUID(int=7)), "step": "arrived"}).encode()


@pytest.mark.parametrize(
    ("name", "key", "change", "body", "status", "code"),
    [
        ("nowhere", KEY, None, GOOD, 404, "platform_unknown"),
        (CITY, OTHER, None, GOOD, 401, "signature_invalid"),
        (CITY, KEY, changed("webhook-signature", None), GOOD, 401, "signature_invalid"),
        (CITY, KEY, changed("webhook-id", None), GOOD, 401, "signature_invalid"),
        (CITY, KEY, changed("webhook-timestamp", "1"), GOOD, 401, "signature_invalid"),
        (CITY, KEY, earlier, GOOD, 401, "signature_expired"),
        (CITY, KEY, None, b"x" * 256_001, 413, "body_too_large"),
        (CITY, KEY, None, b"{", 400, "malformed"),
        (CITY, KEY, None, b"{}", 422, "invalid"),
        (CITY, KEY, None, GOOD.replace(b"arrived", b"lost"), 422, "invalid"),
        (CITY, KEY, None, GOOD.replace(b"arrived", b"signed"), 422, "invalid"),
        (CITY, KEY, None, GOOD[:-1] + b', "person": "x"}', 422, "invalid"),
        (CITY, KEY, None, GOOD[:-1] + b', "secret": "x"}', 422, "invalid"),
        (CITY, KEY, None, GOOD, 404, "not_found"),
        (CITY.upper(), KEY, None, GOOD, 404, "not_found"),
    ],
)
async def test_what_is_not_signed_or_not_said_right_is_refused(
    desk: Desk, name: str, key: str, change: Any, body: bytes, status: int, code: str
) -> None:
    headers = signed([secret_of(key)], "m", datetime.now(UTC), body)
    said = await Other(desk.client, name).raw(body, headers if change is None else change(headers))
    assert (said[0], said[1]["code"]) == (status, code)
    assert said[1]["title_zh"]


async def test_nobody_speaks_for_another_platform(send: Send, desk: Desk) -> None:
    id_ = await offered(desk, await an_order(send))
    said = await Other(desk.client, "110", OTHER).say(id_, "signed", person="张警官")
    assert (said[0], said[1]["code"]) == (403, "other_unit")


async def test_nobody_signs_without_a_name(send: Send, desk: Desk) -> None:
    id_ = await offered(desk, await an_order(send))
    for nobody in ("", "   ", "\u3000"):
        said = await Other(desk.client).say(id_, "signed", person=nobody)
        assert (said[0], said[1]["code"]) == (422, "invalid")
    assert (await Other(desk.client).say(id_, "signed", person="李工"))[0] == 200


@pytest.mark.parametrize(
    ("source", "platform", "named"),
    [(Source.POLICE, "110", ""), (Source.PLATFORM, CITY, CITY), (Source.ONE_STOP, "one_stop", "")],
)
async def test_what_came_from_a_platform_is_told_under_its_own_number(
    send: Send, desk: Desk, pool: asyncpg.Pool, source: Source, platform: str, named: str
) -> None:
    order = await an_order(send, source, "N-1", named)
    road, centre = desk.person("responder", "s1-road"), desk.person("dispatcher", "s1")
    for action, said in (("accept", {}), ("arrive", {}), ("finish", {"result": "solved", "answer": "已换井盖"})):
        status, body = await road.on_part(order, action, "s1-road", **said)
        assert status == 200, body
    report = (await centre.order(order))["reports"][0]["report_id"]
    calling = {"report_id": report, "reached": True, "satisfied": "satisfied", "solved": True}
    status, body = await desk.person("agent", "s1").on_order(order, "callback", **calling)
    assert status == 200, body
    if (await centre.order(order))["status"] != "closed":
        assert (await centre.on_order(order, "close"))[0] == 200
    told = await heard(pool, platform)
    assert [one["data"]["receipt"]["step"] for one in told] == ["signed", "arrived", "result", "closed"]
    assert {one["type"] for one in told} == {"receipt.given"}
    assert {one["data"]["source_number"] for one in told} == {"N-1"}
    assert told[2]["data"]["receipt"]["answer"] == "已换井盖" and told[3]["data"]["order_status"] == "closed"
    assert told[0]["data"]["receipt"]["unit"]["unit_id"] == "s1-road"
    assert "139" not in str(told) and "王" not in str(told)
    asked = await desk.person("gateway", platform if platform != "110" else "police").get("/v1/receipts/N-1")
    assert [r["step"] for r in asked[1]["receipts"]] == ["signed", "arrived", "result", "closed"]
    streams = await pool.fetch("SELECT DISTINCT stream FROM webhook_deliveries")
    assert [str(row["stream"]) for row in streams] == [report], "one order of arrival for one matter"


async def test_each_sender_of_one_matter_is_told_under_his_number_and_nobody_else(
    send: Send, desk: Desk, pool: asyncpg.Pool
) -> None:
    order = await an_order(send, Source.PLATFORM, "A-1", CITY)
    for source, number, platform in (
        (Source.POLICE, "B-1", ""),
        (Source.PLATFORM, "C-1", "city:suzhou"),  # has no webhook
        (Source.HOTLINE, "D-1", ""),
        (Source.POLICE, "", ""),
    ):
        report = structs.replace(a_report(source=source), source_number=number or None, platform=platform)
        await send(linked(order, report))
    await desk.person("responder", "s1-road").on_part(order, "accept", "s1-road")
    rows = await pool.fetch("SELECT destination, body FROM webhook_deliveries ORDER BY n")
    assert [(r["destination"], json.loads(r["body"])["data"]["source_number"]) for r in rows] == [
        (CITY, "A-1"),
        ("110", "B-1"),
    ]
    status, body = await desk.person("gateway", CITY).get("/v1/receipts/C-1")
    assert (status, body["code"]) == (404, "not_found"), "the number of another city"
    assert (await desk.person("gateway", "city:suzhou").get("/v1/receipts/C-1"))[0] == 200


async def test_a_refused_act_and_an_imported_past_tell_nobody_anything(
    send: Send, desk: Desk, pool: asyncpg.Pool
) -> None:
    order = await an_order(send, Source.PLATFORM, "A-1", CITY)
    road = desk.person("responder", "s1-road")
    assert (await road.on_part(order, "finish", "s1-road", result="solved", answer="x"))[0] == 409
    past = structs.replace(a_report(source=Source.POLICE, imported=True), source_number="P-1")
    await send(proposed(past, a_plan("s1-road")))
    assert await heard(pool) == [] and await heard(pool, "110") == []


async def test_a_city_without_webhooks_writes_none(
    send: Send, desk: Desk, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DIRECTORY, "told", frozenset())
    monkeypatch.setattr(DIRECTORY, "registered", frozenset({CITY}))
    order = await an_order(send, Source.PLATFORM, "A-1", CITY)
    await desk.person("responder", "s1-road").on_part(order, "accept", "s1-road")
    await offered(desk, order)
    assert await pool.fetchval("SELECT count(*) FROM webhook_deliveries") == 0


async def test_what_is_settled_without_work_is_told_too(send: Send, desk: Desk, pool: asyncpg.Pool) -> None:
    there = {"source": Source.PLATFORM, "platform": CITY}
    answered = structs.replace(a_report(), source_number="A-1", answered=Answer(text="已答复", by="0417"), **there)
    passed_on = structs.replace(a_report(), source_number="T-1", **there)
    bare = structs.replace(a_report(), **there)
    for _ in range(2):  # a repeat is told once
        await send(ReportAnswered(report=answered, plan=a_plan()))
        await send(ReportTransferred(report=passed_on, plan=a_plan(), platform="110", why="诈骗线索"))
        await send(ReportAnswered(report=structs.replace(bare, answered=Answer(text="x")), plan=a_plan()))
    told = [(one["data"]["source_number"], one["data"]["receipt"]) for one in await heard(pool)]
    assert [(number, said["step"], said.get("answer"), said.get("ended")) for number, said in told] == [
        ("A-1", "result", "已答复", None),
        ("T-1", "result", None, "transferred"),
    ]
    _, asked = await desk.person("gateway", CITY).get("/v1/receipts/T-1")
    assert [r["ended"] for r in asked["receipts"]] == ["transferred"]
