"""What gateways and desks rely on, over HTTP, on real servers."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from deploy.stack.keys import issue_token
from deploy.stack.lifecycle import Stack
from schemas.codec import decode
from schemas.facts import ReadingReceived, ReportReceived
from schemas.ids import number_of, report_id_of
from services.chassis import city as packs
from services.intake.rules.readings import bucket_of
from services.intake.settings import IntakeSettings
from tests.edges.intake.conftest import Tokens
from tests.harness.kafka import Tail

TICKETS = "/v1/hotline/tickets"
READINGS = "/v1/sensors/readings"
CITY = packs.load(IntakeSettings.model_fields["city_dir"].default)
SCREENS = {screen.kind: screen for screen in CITY.screens}
DEVICE = next(device for device in CITY.devices if device.kind in SCREENS)
SCREEN = SCREENS[DEVICE.kind]


def reading(**said: Any) -> dict[str, Any]:
    ordinary = {"device_id": DEVICE.device_id, "value": SCREEN.minimum, "unit": SCREEN.unit}
    return {**ordinary, "at": datetime.now(UTC).isoformat(), **said}


async def test_a_ticket_reaches_kafka_with_its_number(
    servers: Stack, client: httpx.AsyncClient, signed: Tokens
) -> None:
    tail = await Tail.at_end(servers.kafka_bootstrap, "reports.normal")
    said = {"text": "井盖缺失", "address": "虹桥路1号", "reporter": {"name": "王某", "phone": "13812345678"}}
    reply = await client.post(TICKETS, headers=signed("agent"), json=said)
    assert reply.status_code == 202
    answer = reply.json()
    assert answer["state"] == "accepted" and answer["number"] == number_of(UUID(answer["report_id"]))
    assert len(answer["code"]) == 6
    (record,) = await tail.read(1)
    assert record.key == answer["report_id"].encode()
    headers = dict(record.headers)
    assert headers["ce_id"] == record.key and headers["ce_type"] == b"paidan.v1.ReportReceived"
    assert not any(b"13812345678" in value for _, value in record.headers)
    report = decode(record)
    assert isinstance(report, ReportReceived)
    assert (report.text, str(report.report_id)) == ("井盖缺失", answer["report_id"])


async def test_danger_takes_the_urgent_lane(servers: Stack, client: httpx.AsyncClient, signed: Tokens) -> None:
    tail = await Tail.at_end(servers.kafka_bootstrap, "reports.urgent")
    bulk = [{"text": "井盖缺失"}, {"text": "有人持刀伤人"}, {"text": "路灯不亮"}]
    reply = await client.post(f"{TICKETS}/bulk", headers=signed("agent"), json=bulk)
    items = reply.json()["items"]
    (record,) = await tail.read(1)
    assert record.key == items[1]["report_id"].encode()


@pytest.mark.parametrize("how", ["key", "source_id", "both"])
async def test_a_repeat_gets_the_same_number_and_is_sent_once(
    servers: Stack, client: httpx.AsyncClient, signed: Tokens, how: str
) -> None:
    tail = await Tail.at_end(servers.kafka_bootstrap, "reports.normal")
    key = uuid4().hex
    headers = signed("agent") | ({"idempotency-key": key} if how != "source_id" else {})
    said = {"text": "井盖缺失"} | ({"source_id": key} if how != "key" else {})
    answers = [(await client.post(TICKETS, headers=headers, json=said)).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    if how != "key":
        assert answers[0]["report_id"] == str(report_id_of("hotline", key))
    other = await client.post(TICKETS, headers=headers, json=said | {"text": "路灯不亮"})
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    last = (await client.post(TICKETS, headers=signed("agent"), json={"text": "最后一条"})).json()
    keys = [record.key for record in await tail.read(2)]
    repeats = keys.count(answers[0]["report_id"].encode())
    assert 1 <= repeats <= 3 and keys.count(last["report_id"].encode()) == 1
    assert len({record.value for record in await tail.read(repeats + 1)}) == 2, "a repeat is the same message"


async def test_keys_are_per_principal(servers: Stack, client: httpx.AsyncClient, signed: Tokens) -> None:
    key = {"idempotency-key": uuid4().hex}
    other = issue_token("agent", subject="another", home=servers.home)
    one = await client.post(TICKETS, headers=signed("agent") | key, json={"text": "甲"})
    two = await client.post(TICKETS, headers={"authorization": f"Bearer {other}"} | key, json={"text": "乙"})
    assert one.status_code == two.status_code == 202
    assert one.json()["number"] != two.json()["number"]


async def test_bulk_takes_the_good_ones_and_says_why_of_each_bad_one(client: httpx.AsyncClient, signed: Tokens) -> None:
    used = uuid4().hex
    await client.post(TICKETS, headers=signed("gateway"), json={"text": "甲", "source_id": used})
    lines = [
        {"text": "井盖缺失"},
        {"text": ""},
        {"text": "字" * 10_001},
        {"text": "a\0"},
        {"text": "a\ud800"},
        {"text": "甲", "ticket_type": "wish"},
        {"text": "甲", "lon": 31.2, "lat": 121.4},
        {"text": "甲", "occurred_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()},
        {"text": "甲", "reporter": {"phone": "none"}},
        {"text": "乙", "source_id": used},
        {"text": "甲", "source_id": used},
        7,
        {"text": "路灯不亮"},
    ]
    expected = [None, "nothing_said", "text_too_long", "text_unreadable", "text_unreadable", "ticket_type_unknown"]
    expected += ["coordinates_swapped", "time_in_future", "phone_invalid", "key_reused", None, "invalid", None]
    as_list = await client.post(f"{TICKETS}/bulk", headers=signed("gateway"), content=json.dumps(lines))
    as_lines = await client.post(
        f"{TICKETS}/bulk",
        headers=signed("gateway") | {"content-type": "application/x-ndjson"},
        content="\n".join(map(json.dumps, lines)) + "\nnot json\n",
    )
    for reply, codes in ((as_list, expected), (as_lines, [*expected, "malformed"])):
        assert reply.status_code == 202
        body = reply.json()
        assert [item.get("problem", {}).get("code") for item in body["items"]] == codes
        assert [item["index"] for item in body["items"]] == list(range(len(codes)))
        assert (body["accepted"], body["refused"]) == (3, len(codes) - 3)
        assert all(item["number"] and item["state"] == "accepted" for item in body["items"] if "problem" not in item)


async def test_a_repeated_bulk_gets_the_same_numbers(client: httpx.AsyncClient, signed: Tokens) -> None:
    headers = signed("agent") | {"idempotency-key": uuid4().hex}
    bulk = [{"text": f"第{n}件"} for n in range(50)]
    one = (await client.post(f"{TICKETS}/bulk", headers=headers, json=bulk)).json()
    two = (await client.post(f"{TICKETS}/bulk", headers=headers, json=bulk)).json()
    assert one == two and len({item["number"] for item in one["items"]}) == 50


REQUESTS: list[tuple[int, str, dict[str, Any]]] = [
    (401, "unauthenticated", {"headers": {"authorization": ""}}),
    (401, "unauthenticated", {"headers": {"authorization": "Bearer nonsense"}}),
    (400, "malformed", {"content": b"{"}),
    (400, "malformed", {"content": b""}),
    (400, "malformed", {"content": b"\xff\xfe"}),
    (422, "invalid", {"content": b"[]"}),
    (415, "unsupported_media_type", {"content": b"<a/>", "headers": {"content-type": "application/xml"}}),
    (413, "body_too_large", {"content": b'{"text":"' + b"a" * 8_000_001 + b'"}'}),
    (400, "key_invalid", {"headers": {"idempotency-key": ""}, "json": {"text": "a"}}),
    (400, "key_invalid", {"headers": {"idempotency-key": "a" * 201}, "json": {"text": "a"}}),
    (400, "key_invalid", {"headers": {"idempotency-key": "a\tb"}, "json": {"text": "a"}}),
    (422, "nothing_said", {"json": {}}),
    (422, "device_unknown", {"json": {"text": "a", "device_id": "nobody"}}),
    (422, "class_unknown", {"json": {"text": "a", "class_key": "no/such/class"}}),
]


@pytest.mark.parametrize(("status", "code", "asked"), REQUESTS, ids=[f"{n}-{r[1]}" for n, r in enumerate(REQUESTS)])
async def test_refusals_are_problems(
    client: httpx.AsyncClient, signed: Tokens, status: int, code: str, asked: dict[str, Any]
) -> None:
    headers = signed("agent") | asked.get("headers", {})
    reply = await client.post(TICKETS, **{**asked, "headers": headers})
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["title"] and reply.json()["title_zh"] and reply.headers["x-request-id"]


async def test_an_expired_token_is_said(servers: Stack, client: httpx.AsyncClient) -> None:
    token = issue_token("agent", subject="late", home=servers.home, ttl=timedelta(seconds=-5))
    reply = await client.post(TICKETS, headers={"authorization": f"Bearer {token}"}, json={"text": "a"})
    assert (reply.status_code, reply.json()["code"]) == (401, "token_expired")


ROLES = {
    TICKETS: {"agent", "gateway", "import"},
    "/v1/police/calls": {"agent", "gateway"},
    "/v1/patrol/findings": {"inspector", "gateway"},
    "/v1/one-stop/tickets": {"agent", "gateway"},
    READINGS: {"gateway"},
}


@pytest.mark.parametrize("path", ROLES)
@pytest.mark.parametrize("bulk", ["", "/bulk"])
async def test_each_path_has_its_roles(client: httpx.AsyncClient, signed: Tokens, path: str, bulk: str) -> None:
    for role in ("agent", "gateway", "import", "inspector", "responder", "dispatcher", "citizen", "operator"):
        body: Any = [reading()] if path == READINGS else {"text": "井盖缺失"}
        reply = await client.post(f"{path}{bulk}", headers=signed(role), json=body)
        assert reply.status_code == (202 if role in ROLES[path] else 403), (role, reply.text)
    assert (await client.get(f"{path}{bulk}", headers=signed("gateway"))).status_code == 405


async def test_only_an_import_says_when_it_was_received(
    servers: Stack, client: httpx.AsyncClient, signed: Tokens
) -> None:
    tail = await Tail.at_end(servers.kafka_bootstrap, "reports.normal")
    said = {"text": "pothole", "received_at": "2015-07-01T08:00:00-04:00"}
    refused = await client.post(TICKETS, headers=signed("agent"), json=said)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert (await client.post(TICKETS, headers=signed("import"), json=said)).status_code == 202
    report = decode((await tail.read(1))[0])
    assert isinstance(report, ReportReceived)
    assert report.imported and report.received_at == datetime(2015, 7, 1, 12, tzinfo=UTC)


async def test_readings_travel_by_bucket(servers: Stack, client: httpx.AsyncClient, signed: Tokens) -> None:
    tail = await Tail.at_end(servers.kafka_bootstrap, "sensors.readings")
    devices = [device for device in CITY.devices if device.kind == DEVICE.kind][:30]
    sent = [reading(device_id=device.device_id, value=SCREEN.minimum + n % 2) for n in range(3) for device in devices]
    reply = await client.post(READINGS, headers=signed("gateway"), json=sent)
    assert (reply.status_code, reply.json()) == (202, {"accepted": len(sent), "state": "accepted"})
    buckets = {bucket_of(device.device_id) for device in devices}
    records = await tail.read(len(buckets))
    assert sorted(int(record.key or b"") for record in records) == sorted(buckets)
    arrived: list[tuple[str, float]] = []
    for record in records:
        fact = decode(record)
        assert isinstance(fact, ReadingReceived) and fact.gateway == "gateway-of-tests"
        assert {bucket_of(one.device_id) for one in fact.readings} == {int(record.key or b"")}
        arrived += [(one.device_id, one.value) for one in fact.readings]
    for device in devices:
        values = [value for id_, value in arrived if id_ == device.device_id]
        assert values == [one["value"] for one in sent if one["device_id"] == device.device_id]
    await client.post(READINGS, headers=signed("gateway"), json=sent)
    again = (await tail.read(2 * len(buckets)))[len(buckets) :]
    ids = {dict(record.headers)["ce_id"] for record in records}
    assert {dict(record.headers)["ce_id"] for record in again} <= ids, "the same readings are the same messages"


async def test_a_list_of_readings_is_taken_whole_or_not(client: httpx.AsyncClient, signed: Tokens) -> None:
    bad = [reading(), reading(unit=""), reading(device_id="nobody")]
    reply = await client.post(READINGS, headers=signed("gateway"), json=bad)
    assert (reply.status_code, reply.json()["code"], reply.json()["index"]) == (422, "unit_missing", 1)
    bulk = [*bad, reading(value=SCREEN.maximum * 10 + 1), reading(at="2001-01-01T00:00:00Z")]
    text = json.dumps([*bulk, reading(value=float("nan"))])
    reply = await client.post(f"{READINGS}/bulk", headers=signed("gateway"), content=text)
    codes = [item.get("problem", {}).get("code") for item in reply.json()["items"]]
    assert codes == [None, "unit_missing", "device_unknown", "value_impossible", "time_too_old", "value_not_finite"]
    assert (reply.json()["accepted"], reply.json()["refused"]) == (1, 5)
    too_many = [reading()] * 1001
    for path in (READINGS, f"{READINGS}/bulk"):
        reply = await client.post(path, headers=signed("gateway"), json=too_many)
        assert (reply.status_code, reply.json()["code"]) == (422, "bulk_too_many")


async def test_a_readings_key_is_for_one_body(client: httpx.AsyncClient, signed: Tokens) -> None:
    headers = signed("gateway") | {"idempotency-key": uuid4().hex}
    first = [reading()]
    assert (await client.post(READINGS, headers=headers, json=first)).status_code == 202
    assert (await client.post(READINGS, headers=headers, json=first)).status_code == 202
    reply = await client.post(READINGS, headers=headers, json=[reading(value=SCREEN.maximum)])
    assert (reply.status_code, reply.json()["code"]) == (422, "key_reused")


async def test_the_paths_are_described(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    for path in ROLES:
        for bulk in ("", "/bulk"):
            post = document["paths"][f"{path}{bulk}"]["post"]
            assert {"202", "401", "403", "422", "503"} <= post["responses"].keys()
            assert "application/json" in post["requestBody"]["content"]
    schemas = document["components"]["schemas"]
    assert {"text", "source_id", "reporter", "received_at"} <= schemas["HotlineTicket"]["properties"].keys()
    text = json.dumps(document)
    for name in {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}:
        assert name in schemas, f"{name} is referred to but not described"
