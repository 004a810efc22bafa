"""Photos over the API: who may add and see them, what is taken, and a finish that must show them."""

from io import BytesIO
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from msgspec.structs import replace
from PIL import Image

from schemas.vocabulary import Photos
from services.dispatch.rules.directory import Directory
from tests.handlers.dispatch.client import Answer, Desk, Person
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import CITY, DIRECTORY, MANHOLE, a_plan, a_report, proposed


def a_photo(colour: int = 90) -> bytes:
    out = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "where it was"
    Image.new("RGB", (80, 60), (colour, 0, 0)).save(out, "JPEG", exif=exif)
    return out.getvalue()


async def add(desk: Desk, person: Person, order: Any, raw: bytes, kind: str = "after") -> Answer:
    reply = await desk.client.post(
        f"/v1/orders/{order}/attachments", params={"kind": kind}, content=raw, headers=person.headers
    )
    return reply.status_code, reply.json()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Manholes are solved when photos show it."""
    classes = tuple(replace(item, photos=Photos.BOTH) if item.key == MANHOLE.key else item for item in CITY.classes)
    monkeypatch.setattr(DIRECTORY, "_photos", Directory(replace(CITY, classes=classes))._photos)


async def test_a_photo_is_kept_once_and_seen_by_those_who_see_the_order(
    pool: asyncpg.Pool, send: Send, desk: Desk
) -> None:
    fact = proposed(a_report(), a_plan("s1-road"))
    await send(fact)
    order, road, raw = fact.order_id, desk.person("responder", "s1-road"), a_photo()
    status, first = await add(desk, road, order, raw, "before")
    assert status == 201, first
    told = (first["kind"], first["media_type"], first["width"], first["unit"])
    assert told == ("before", "image/jpeg", 80, "s1-road")
    assert await add(desk, road, order, raw, "before") == (201, first), "sent again because the signal broke"
    assert (await add(desk, road, order, raw, "after"))[1]["attachment_id"] != first["attachment_id"]
    listed = (await desk.person("dispatcher", "d1").order(order))["attachments"]
    assert [a["kind"] for a in listed] == ["before", "after"]
    path = f"/v1/orders/{order}/attachments/{first['attachment_id']}"
    reply = await desk.client.get(path, headers=desk.person("dispatcher", "s1").headers)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/jpeg")
    assert reply.headers["x-content-type-options"] == "nosniff" and b"where it was" not in reply.content
    for role, unit in (("responder", "s1-clean"), ("dispatcher", "d2")):
        reply = await desk.client.get(path, headers=desk.person(role, unit).headers)
        assert reply.json()["code"] == "other_unit", (role, unit)
    other = proposed(a_report(), a_plan("s1-road"))
    await send(other)
    reply = await desk.client.get(path.replace(str(order), str(other.order_id)), headers=road.headers)
    assert reply.json()["code"] == "not_found", "a photo belongs to one order"


async def test_evidence_keeps_where_it_was(send: Send, desk: Desk) -> None:
    fact = proposed(a_report(), a_plan("s1-road"))
    await send(fact)
    road, raw = desk.person("responder", "s1-road"), a_photo()
    kept = (await add(desk, road, fact.order_id, raw, "evidence"))[1]
    path = f"/v1/orders/{fact.order_id}/attachments/{kept['attachment_id']}"
    assert (await desk.client.get(path, headers=road.headers)).content == raw


async def test_what_is_no_photo_or_not_his_is_refused(monkeypatch: pytest.MonkeyPatch, send: Send, desk: Desk) -> None:
    fact = proposed(a_report(), a_plan("s1-road"))
    await send(fact)
    order, road = fact.order_id, desk.person("responder", "s1-road")
    assert (await add(desk, road, order, b"<html>"))[1]["code"] == "photo_type"
    assert (await add(desk, road, order, a_photo()[:300]))[1]["code"] == "photo_unreadable"
    assert (await add(desk, road, order, b"x" * 13_000_000))[1]["code"] == "body_too_large"
    assert (await add(desk, road, order, a_photo(), "portrait"))[1]["code"] == "invalid"
    assert (await add(desk, road, uuid4(), a_photo()))[1]["code"] == "not_found"
    assert (await add(desk, desk.person("responder", "s1-clean"), order, a_photo()))[1]["code"] == "other_unit"
    assert (await add(desk, desk.person("supervisor"), order, a_photo()))[1]["code"] == "forbidden"
    monkeypatch.setattr("services.dispatch.api.attachments.MOST", 2)
    codes = [(await add(desk, road, order, a_photo(n)))[1].get("code") for n in (1, 2, 3, 2)]
    assert codes == [None, None, "attachments_too_many", None], "what is there already may come again"
    await desk.person("dispatcher", "s1").on_order(order, "void", reason="entered twice")
    assert (await add(desk, road, order, a_photo(9)))[1]["code"] == "action_not_allowed"


@pytest.mark.usefixtures("shown")
async def test_what_its_class_wants_to_be_shown_is_shown_before_it_is_solved(send: Send, desk: Desk) -> None:
    fact, other = (proposed(a_report(), a_plan("s1-road")) for _ in range(2))
    await send(fact, other)
    order, road = fact.order_id, desk.person("responder", "s1-road")
    await road.on_part(order, "accept", "s1-road")
    done = {"result": "solved", "answer": "换了新井盖"}
    status, told = await road.on_part(order, "finish", "s1-road", **done)
    assert (status, told["code"], told["missing"]) == (422, "photos_missing", ["before", "after"])
    before = (await add(desk, road, order, a_photo(1), "before"))[1]["attachment_id"]
    after = (await add(desk, road, order, a_photo(2), "after"))[1]["attachment_id"]
    elsewhere = (await add(desk, road, other.order_id, a_photo(3), "after"))[1]["attachment_id"]
    status, told = await road.on_part(order, "finish", "s1-road", **done, photos=[before])
    assert (told["code"], told["missing"]) == ("photos_missing", ["after"])
    for unknown in (elsewhere, str(uuid4())):
        status, told = await road.on_part(order, "finish", "s1-road", **done, photos=[before, unknown])
        assert (status, told["code"]) == (422, "attachment_unknown")
    assert (await road.order(order))["photos"] == "both"
    assert (await road.on_part(order, "finish", "s1-road", **done, photos=[before, after]))[0] == 200
    await road.on_part(other.order_id, "accept", "s1-road")
    explained = {"result": "explained", "answer": "井盖属燃气公司，已告知"}
    assert (await road.on_part(other.order_id, "finish", "s1-road", **explained))[0] == 200
