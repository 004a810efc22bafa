"""What other platforms hand to us by webhook, over HTTP on real servers: reports like any others."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.stack.lifecycle import Stack
from schemas.codec import decode
from schemas.facts import ReportReceived
from schemas.vocabulary import Source, TicketType
from services.chassis.webhooks.incoming import BODY_LIMIT
from services.chassis.webhooks.signing import secret_of, signed
from tests.edges.intake.conftest import PLATFORM_KEY, Tokens
from tests.harness.kafka import Tail

SECRET = secret_of(PLATFORM_KEY)
HANGZHOU, POLICE = "/v1/platforms/city:hangzhou/handovers", "/v1/platforms/110/handovers"


def matter(number: str = "", **said: Any) -> bytes:
    ordinary = {"text": "高速出口匝道路灯不亮", "source_number": number or f"HZ-{uuid4().hex[:8]}"}
    return json.dumps({**ordinary, **said}).encode()


def refused(**said: Any) -> bytes:
    """A matter under a number that is always the same, as cases in a table must be."""
    return matter("HZ-refused", **said)


async def hand(client: httpx.AsyncClient, path: str, body: bytes, id_: str = "") -> httpx.Response:
    headers = signed([SECRET], id_ or uuid4().hex, datetime.now(UTC), body)
    return await client.post(path, content=body, headers=headers)


async def received(tail: Tail) -> ReportReceived:
    (record,) = await tail.read(1)
    report = decode(record)
    assert isinstance(report, ReportReceived)
    return report


async def test_a_matter_of_another_city_becomes_a_report_under_its_own_number(
    servers: Stack, client: httpx.AsyncClient
) -> None:
    tail = await Tail.at_end(servers.kafka_bootstrap, "reports.normal")
    due = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    reply = await hand(client, HANGZHOU, matter("HZ-1", address="松江区新桥镇", source_due=due))
    assert (reply.status_code, reply.json()["state"]) == (202, "accepted"), reply.text
    report = await received(tail)
    assert (report.source, report.platform, report.source_number) == (Source.PLATFORM, "city:hangzhou", "HZ-1")
    assert str(report.report_id) == reply.json()["report_id"] and report.source_due is not None
    again = await hand(client, HANGZHOU, matter("HZ-1", address="松江区新桥镇", source_due=due))
    assert again.json()["number"] == reply.json()["number"], "another message about the same matter"
    other = await hand(client, HANGZHOU, matter("HZ-1", address="别处"))
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


async def test_what_110_hands_over_by_webhook_is_the_same_call_as_by_rest(
    servers: Stack, client: httpx.AsyncClient, signed: Tokens
) -> None:
    call = {"text": "邻里争吵", "source_id": f"p-{uuid4().hex}", "source_number": "JQ-1", "police_class": "080000"}
    tail = await Tail.at_end(servers.kafka_bootstrap, "reports.normal")
    first = await hand(client, POLICE, json.dumps(call).encode())
    assert first.status_code == 202, first.text
    report = await received(tail)
    assert (report.source, report.platform, report.police_class) == (Source.POLICE, "", "080000")
    by_rest = await client.post("/v1/police/calls", json=call, headers=signed("gateway"))
    assert by_rest.json()["number"] == first.json()["number"]


async def test_a_message_that_comes_again_gets_the_first_answer(client: httpx.AsyncClient) -> None:
    body = matter()
    first = await hand(client, HANGZHOU, body, "same")
    assert (await hand(client, HANGZHOU, body, "same")).json() == first.json()
    assert (await hand(client, HANGZHOU, matter(), "same")).json()["code"] == "key_reused"


async def test_danger_overtakes_also_from_another_city(servers: Stack, client: httpx.AsyncClient) -> None:
    tail = await Tail.at_end(servers.kafka_bootstrap, "reports.urgent")
    await hand(client, HANGZHOU, matter("HZ-fire", text="楼道起火"))
    assert (await received(tail)).source_number == "HZ-fire"


@pytest.mark.parametrize(
    ("path", "body", "change", "status", "code"),
    [
        ("/v1/platforms/nowhere/handovers", refused(), {}, 404, "platform_unknown"),
        ("/v1/platforms/told-only/handovers", refused(), {}, 404, "platform_unknown"),
        (HANGZHOU, refused(), {"webhook-signature": ""}, 401, "signature_invalid"),
        (HANGZHOU, refused(), {"webhook-id": "another"}, 401, "signature_invalid"),
        (HANGZHOU, refused(), {"webhook-timestamp": "1614265330"}, 401, "signature_invalid"),
        (HANGZHOU, refused(text="长" * BODY_LIMIT), {}, 413, "body_too_large"),
        (HANGZHOU, b"{", {}, 400, "malformed"),
        (HANGZHOU, b'{"text": "x"}', {}, 422, "invalid"),
        (HANGZHOU, refused(text=""), {}, 422, "nothing_said"),
        (HANGZHOU, refused(stars=6), {}, 422, "invalid"),
        (HANGZHOU, refused(police_class="zz"), {}, 422, "police_class_unknown"),
        (HANGZHOU, refused(lon=1, lat=1), {}, 422, "coordinates_outside"),
    ],
)
async def test_what_is_not_signed_or_not_said_right_is_refused(
    client: httpx.AsyncClient, path: str, body: bytes, change: dict[str, str], status: int, code: str
) -> None:
    headers = {**signed([SECRET], uuid4().hex, datetime.now(UTC), body), **change}
    reply = await client.post(path, content=body, headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (status, code)


async def test_a_token_does_not_replace_a_signature(client: httpx.AsyncClient, signed: Tokens) -> None:
    reply = await client.post(HANGZHOU, content=matter(), headers=signed("gateway"))
    assert (reply.status_code, reply.json()["code"]) == (401, "signature_invalid")


async def test_a_ticket_of_the_one_stop_service(servers: Stack, client: httpx.AsyncClient, signed: Tokens) -> None:
    tail = await Tail.at_end(servers.kafka_bootstrap, "reports.normal")
    said = {"text": "窗口每次要的材料都不一样", "matter_code": "000131023000", "stars": 1, "source_number": "YW-1"}
    reply = await client.post("/v1/one-stop/tickets", json=said, headers=signed("gateway"))
    assert reply.status_code == 202, reply.text
    report = await received(tail)
    assert (report.source, report.matter_code, report.stars) == (Source.ONE_STOP, "000131023000", 1)
    assert report.ticket_type is TicketType.COMPLAINT, "a bad rating is a complaint"
    wrong = await client.post("/v1/one-stop/tickets", json={"text": "x", "stars": 0}, headers=signed("gateway"))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid")
    reply = await client.post("/v1/one-stop/tickets", json=said, headers=signed("inspector"))
    assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")
