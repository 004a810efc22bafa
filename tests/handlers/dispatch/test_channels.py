"""Channels on the real PostgreSQL, a real SMTP server and a real receiver: told at least once, at the right time."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from schemas.generate import webhook_schema
from schemas.ladder import Channel
from schemas.vocabulary import RungKind, Urgency
from services.chassis.webhooks import deliveries
from services.chassis.webhooks.courier import Courier
from services.chassis.webhooks.office import Letter
from services.chassis.webhooks.platforms import Platforms
from services.dispatch.handlers.channels import Digests
from services.dispatch.rules.letters import letter
from services.dispatch.settings import DispatchSettings
from tests.chassis.webhooks.postman import Postman, delivering
from tests.chassis.webhooks.receiver import Got, Receiver, receiving, reply
from tests.handlers.dispatch.client import Desk
from tests.handlers.dispatch.conftest import Send
from tests.handlers.dispatch.test_supervisions import cleared, raised
from tests.rules.dispatch.town import DIRECTORY, a_plan, a_report, proposed

SECRET = b"what the room and we alone know."
KEY = "whsec_" + base64.b64encode(SECRET).decode()
PUBLISHED = Draft202012Validator(webhook_schema("SupervisionTold"), format_checker=FormatChecker(["uuid"]))
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Which channels the city has."""

    def set_to(*found: Channel) -> None:
        monkeypatch.setattr(DIRECTORY, "channels", found)

    yield set_to


async def an_order(send: Send, urgency: Urgency = Urgency.NORMAL, lead: str = "s1-road") -> UUID:
    fact = proposed(a_report(uuid4().hex), a_plan(lead, urgency=urgency))
    await send(fact)
    return fact.order_id


async def waiting(pool: asyncpg.Pool) -> list[dict[str, Any]]:
    """The messages that are on their way, in their order; every one as it is published."""
    bodies = [json.loads(row["body"]) for row in await pool.fetch("SELECT body FROM webhook_deliveries ORDER BY n")]
    for body in bodies:
        PUBLISHED.validate(body)
    return bodies


def events(body: dict[str, Any]) -> list[str]:
    return [item["event"] for item in body["data"]["items"]]


def quiet_now(now: datetime) -> tuple[time, time]:
    """Quiet hours around this minute."""
    local = now.astimezone(ZONE)
    return (local - timedelta(hours=1)).time(), (local + timedelta(hours=1)).time()


async def test_what_concerns_a_unit_is_told_in_the_transaction_of_the_change(
    pool: asyncpg.Pool, send: Send, notice: Send, channels: Any
) -> None:
    channels(Channel("room", units=("s1",)), Channel("elsewhere", units=("s2",)), Channel("all"))
    order = await an_order(send)
    fact = raised(order)
    for _ in range(2):  # a repeat of the message is no second word
        await notice(fact)
    rows = await pool.fetch("SELECT destination FROM webhook_deliveries ORDER BY n")
    assert [row["destination"] for row in rows] == ["room", "all"]
    first, second = await waiting(pool)
    assert first == second and not first["data"]["digest"]
    (item,) = first["data"]["items"]
    assert (item["event"], item["level"], item["answerer"]["unit_id"], item["by"]["unit_id"]) == (
        "supervised", 1, "s1-road", "s1",
    )  # fmt: skip
    assert item["link"].endswith(f"/app/#/order/{item['order_number']}")
    await notice(cleared(fact))
    assert events((await waiting(pool))[-1]) == ["cleared"]


async def test_quiet_hours_hold_back_what_is_calm_and_never_what_is_urgent(
    pool: asyncpg.Pool, send: Send, notice: Send, channels: Any
) -> None:
    now = await pool.fetchval("SELECT clock_timestamp()")
    channels(Channel("room", quiet=quiet_now(now)))
    calm, urgent = await an_order(send), await an_order(send, Urgency.URGENT)
    await notice(raised(calm), raised(urgent, 2, receivers=("duty_phone", "dispatching_centre")))
    (body,) = await waiting(pool)
    assert body["data"]["items"][0]["order_id"] == str(urgent)
    assert await Digests(pool).flush() == 0, "its time has not come"
    assert await pool.fetchval("SELECT count(*) FROM told_later") == 1
    await pool.execute("UPDATE told_later SET flush_at = now()")
    assert await Digests(pool).flush() == 1
    assert (await waiting(pool))[-1]["data"]["items"][0]["order_id"] == str(calm)


async def test_a_digest_brings_together_what_waited_and_says_the_last_word_only(
    pool: asyncpg.Pool, send: Send, notice: Send, desk: Desk, channels: Any
) -> None:
    channels(Channel("room", digest_minutes=1440))
    orders = [await an_order(send) for _ in range(3)]
    facts = [raised(order, n) for n, order in enumerate(orders)]
    await notice(*facts)
    await notice(raised(orders[0], 7), raised(orders[0], 8))  # the same deadline of two more reporters
    await notice(cleared(facts[1]))  # before anybody was told
    owner = desk.person("responder", "s1-road")
    (one,) = (await owner.get("/v1/supervisions", order=str(orders[2])))[1]["items"]
    path = f"/v1/supervisions/{one['supervision_id']}/answer"
    assert (await owner.post(path, 1, {"text": "在办"}))[0] == 200
    await pool.execute("UPDATE told_later SET flush_at = now()")
    sweeps = await asyncio.gather(*(Digests(pool).flush() for _ in range(3)))
    assert sum(sweeps) == 4
    found = [(item["order_id"], item["event"]) for body in await waiting(pool) for item in body["data"]["items"]]
    assert sorted(set(found)) == sorted([(str(orders[0]), "supervised"), (str(orders[2]), "answered")])
    assert await pool.fetchval("SELECT count(*) FROM told_later") == 0


async def test_after_a_downtime_there_is_one_digest_and_no_storm(
    pool: asyncpg.Pool, send: Send, notice: Send, channels: Any
) -> None:
    channels(Channel("room"))
    orders = [await an_order(send, Urgency.URGENT if n % 2 else Urgency.NORMAL) for n in range(20)]
    await notice(*(raised(order, n, late=True) for n, order in enumerate(orders)))
    assert await waiting(pool) == []
    flush = await pool.fetch("SELECT DISTINCT flush_at FROM told_later")
    assert len(flush) <= 2  # the minute may turn while they come
    await pool.execute("UPDATE told_later SET flush_at = now()")
    await Digests(pool).flush()
    (body,) = await waiting(pool)
    assert body["data"]["digest"] and len(body["data"]["items"]) == 20
    assert all(item["late"] for item in body["data"]["items"])


async def test_what_a_refused_write_would_have_said_is_never_told(
    pool: asyncpg.Pool, send: Send, desk: Desk, channels: Any
) -> None:
    channels(Channel("room"))
    order = await an_order(send)
    leader = desk.person("supervisor")
    assert (await leader.on_order(order, "supervise", answerer="nowhere"))[0] == 422
    assert await waiting(pool) == []
    assert (await leader.on_order(order, "supervise", kind="important", note="王某来电"))[0] == 200
    (body,) = await waiting(pool)
    assert body["data"]["items"][0]["why"] == "important" and "王某" not in str(body)


# on the way, with the courier of the process

_QUICK: dict[str, Any] = {"pause": lambda attempt, draw, asked: 0.05, "total": 0.5, "lease": timedelta(seconds=2)}


@asynccontextmanager
async def bringing(pool: asyncpg.Pool, settings: DispatchSettings) -> AsyncIterator[None]:
    """The courier and the digests, as dispatch runs them."""
    courier = Courier(
        pool, Platforms(settings.platforms_file), write=lambda body: Letter(*letter(body, ZONE)), **_QUICK
    )
    tasks = [asyncio.create_task(work) for work in (courier.run(), Digests(pool).run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def all_delivered(pool: asyncpg.Pool, count: int) -> None:
    async with asyncio.timeout(20):
        while await pool.fetchval("SELECT count(*) FROM webhook_deliveries WHERE state = 'delivered'") < count:
            await asyncio.sleep(0.02)


@pytest.fixture
async def postman() -> AsyncIterator[Postman]:
    async with delivering() as found:
        yield found


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving(SECRET) as found:
        yield found


@pytest.fixture
def addresses(settings: DispatchSettings, postman: Postman, receiver: Receiver) -> None:
    settings.platforms_file.write_text(
        f'[mail]\nhost = "127.0.0.1"\nport = {postman.port}\nsender = "paidan@city.example"\ntls = "none"\n'
        '[[platform]]\nname = "desk"\nmail = ["desk@city.example"]\n'
        f'[[platform]]\nname = "room"\nurl = "http://127.0.0.1:{receiver.port}/in"\nsign_with = ["{KEY}"]\n'
    )


async def test_mail_and_webhook_bring_the_same_word(
    pool: asyncpg.Pool, settings: DispatchSettings, send: Send, notice: Send, channels: Any,
    addresses: None, postman: Postman, receiver: Receiver,
) -> None:  # fmt: skip
    channels(Channel("desk", kinds=(RungKind.SUPERVISE,)), Channel("room"))
    order = await an_order(send)
    async with bringing(pool, settings):
        await notice(raised(order, rung="urge", kind=RungKind.URGE, level=0, receivers=("owner",)), raised(order, 2))
        await all_delivered(pool, 3)
    (mail,) = postman.got
    assert "督办 L1" in str(mail["subject"]) and "桥头市政" in mail.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert [got.body["data"]["items"][0]["event"] for got in receiver.got] == ["urged", "supervised"]


async def test_a_receiver_that_hangs_answers_500_or_redirects_gets_it_in_the_end_and_mail_goes_on(
    pool: asyncpg.Pool, settings: DispatchSettings, send: Send, notice: Send, channels: Any,
    addresses: None, postman: Postman, receiver: Receiver,
) -> None:  # fmt: skip
    """A redirect is never followed: what would stand there is not the receiver's to say."""
    channels(Channel("desk"), Channel("room"))
    strangers: list[Got] = []

    async def stranger(got: Got) -> bytes:
        strangers.append(got)
        return reply(204)

    async with receiving(SECRET) as elsewhere:
        elsewhere.answer = stranger
        tries = iter(["hang", "500", "500", "redirect"])

        async def moody(got: Got) -> bytes | None:
            mood = next(tries, "fine")
            if mood == "hang":
                await asyncio.sleep(1.5)
            if mood == "redirect":
                return reply(307, f"location: http://127.0.0.1:{elsewhere.port}/in")
            return reply(500 if mood == "500" else 204)

        receiver.answer = moody
        order = await an_order(send)
        async with bringing(pool, settings):
            await notice(raised(order))
            await postman.until(1, seconds=5)
            await all_delivered(pool, 2)
    assert strangers == []
    assert len(receiver.ids) == 1 and receiver.ids.total() == 5, "again and again under one id"
    row = await pool.fetchrow("SELECT attempts FROM webhook_deliveries WHERE destination = 'room'")
    assert row["attempts"] == 5


async def test_a_day_of_500_ends_in_a_dead_letter_that_a_person_replays(
    pool: asyncpg.Pool, settings: DispatchSettings, send: Send, notice: Send, channels: Any,
    addresses: None, receiver: Receiver,
) -> None:  # fmt: skip
    channels(Channel("room"))

    async def broken(_: Got) -> bytes:
        return reply(500, body="no")

    receiver.answer = broken
    order = await an_order(send)
    await notice(raised(order))
    await pool.execute("UPDATE webhook_deliveries SET attempts = 299")  # a day of trying, five minutes apart
    async with bringing(pool, settings):
        async with asyncio.timeout(10):
            while await pool.fetchval("SELECT state FROM webhook_deliveries") != "dead":
                await asyncio.sleep(0.02)
        assert (await pool.fetchval("SELECT reason FROM webhook_deliveries")).startswith("500")

        async def mended(_: Got) -> bytes:
            return reply(204)

        receiver.answer = mended
        assert await deliveries.replay(pool, "room") == 1
        await all_delivered(pool, 1)
    assert len(receiver.ids) == 1


async def test_the_stream_rings_whom_the_ladder_says(send: Send, notice: Send, desk: Desk) -> None:
    app: Any = desk.client._transport.app  # type: ignore[attr-defined]
    source = app.state.stream
    centre = desk.person("dispatcher", "d1")
    listener = await source.join(app.state.tokens.principal(centre.headers["authorization"]))
    order = await an_order(send, Urgency.URGENT)
    await notice(
        raised(order, receivers=("duty_phone",), rung="urgent-1"),
        raised(order, receivers=("duty_leader",), rung="urgent-2", level=2),
        raised(order, receivers=("district",), rung="urgent-3", level=3),
    )
    rung: list[list[str]] = []
    changes = 0
    async with asyncio.timeout(20):
        while changes < 4:
            event: bytes = await listener.waiting.get()
            told = json.loads(event.split(b"data: ")[1])
            if event.startswith(b"event: ring\n") and told["action"] == "supervise":
                rung.append([each["unit"]["unit_id"] for each in told["duty"]])
            changes += event.startswith(b"event: change\n")
            assert "rung" not in told
    source.leave(listener)
    assert rung == [["s1-road"], ["s1"]]
