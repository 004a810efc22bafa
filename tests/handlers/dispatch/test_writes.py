"""People's writes: who you are, then the key, then the version, then the action; and two at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from deploy.stack import keys
from deploy.stack.lifecycle import Stack
from schemas.ids import number_of
from schemas.vocabulary import Lane, Source, Verification
from services.chassis.database import Connection
from services.chassis.delivery import Seam
from services.dispatch.handlers import RoutingHandler
from services.dispatch.handlers.page import Page
from services.dispatch.settings import DispatchSettings
from tests.handlers.dispatch.client import Desk, Person
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import DIRECTORY, a_plan, a_report, announced, in_triage, linked, proposed, record


async def an_order(send: Send, *assists: str, verification: Verification = Verification.CALL, **said: Any) -> Any:
    fact = proposed(a_report(**said), a_plan("s1-road", *assists, verification=verification))
    await send(fact)
    return fact.order_id


async def part_of(person: Person, order: Any, unit: str) -> dict[str, Any]:
    found: dict[str, Any] = next(a for a in (await person.order(order))["assignments"] if a["unit"]["unit_id"] == unit)
    return found


async def test_without_a_token_or_with_an_old_one_nothing_is_done(send: Send, desk: Desk, servers: Stack) -> None:
    order = await an_order(send)
    path = f"/v1/orders/{order}/actions/urge"
    assert (await desk.client.post(path, json={})).json()["code"] == "unauthenticated"
    past = keys.issue_token(
        "dispatcher", subject="d", unit="s1", home=servers.home, now=datetime.now(UTC) - timedelta(days=2)
    )
    reply = await desk.client.post(path, json={}, headers={"authorization": f"Bearer {past}"})
    assert (reply.status_code, reply.json()["code"]) == (401, "token_expired")


async def test_the_checks_come_in_their_order(send: Send, desk: Desk) -> None:
    order = await an_order(send)
    road, clean = desk.person("responder", "s1-road"), desk.person("responder", "s1-clean")
    part = await part_of(road, order, "s1-road")
    path = f"/v1/assignments/{part['assignment_id']}/actions/accept"

    async def refused(person: Person, **headers: str) -> str:
        reply = await desk.client.post(path, json={}, headers=person.headers | headers)
        code: str = reply.json()["code"]
        return code

    assert await refused(desk.person("agent")) == "forbidden"
    assert await refused(road) == "key_missing"
    assert await refused(road, **{"idempotency-key": "\x07"}) == "key_invalid"
    assert await refused(road, **{"idempotency-key": "k"}) == "version_missing"
    assert await refused(clean, **{"idempotency-key": "k", "if-match": '"99"'}) == "other_unit"
    assert await refused(road, **{"idempotency-key": "k", "if-match": '"99"'}) == "version_stale"
    for odd in ("latest", "abc", "-1", "*", "", '"1", "2"', "1.0", "9" * 20):
        assert await refused(road, **{"idempotency-key": "k", "if-match": odd}) == "version_invalid", odd
    status, body = await road.post(path, part["version"], {})
    assert status == 200
    status, body = await road.post(path, part["version"] + 1, {})
    assert (status, body["code"]) == (409, "action_not_allowed")
    assert {"contact", "arrive", "progress", "finish"} <= set(body["allowed"]) and "accept" not in body["allowed"]


async def test_unknown_actions_orders_and_bodies_are_told_apart(send: Send, desk: Desk) -> None:
    order = await an_order(send)
    dispatcher = desk.person("dispatcher", "s1")
    assert (await dispatcher.on_order(order, "explode"))[1]["code"] == "action_unknown"
    assert (await dispatcher.on_order(order, "accept"))[1]["code"] == "action_unknown"
    assert (await dispatcher.post(f"/v1/orders/{uuid4()}/actions/urge", 1, {}))[1]["code"] == "not_found"
    assert (await dispatcher.post("/v1/orders/nonsense/actions/urge", 1, {}))[1]["code"] == "not_found"
    assert (await dispatcher.post(f"/v1/assignments/{uuid4()}/actions/withdraw", 1, {"reason": "x"}))[1][
        "code"
    ] == "not_found"
    assert (await dispatcher.on_order(order, "urge", nonsense=1))[1]["code"] == "invalid"
    assert (await dispatcher.on_order(order, "urge", note=5))[1]["code"] == "invalid"
    assert (await dispatcher.on_order(order, "void"))[1]["code"] == "invalid"
    assert (await dispatcher.on_order(order, "urge", note="a\0b"))[1]["code"] == "text_unreadable"
    assert (await dispatcher.on_order(order, "route", lead="nobody"))[1]["code"] == "unit_unknown"
    assert (await dispatcher.on_order(order, "route", lead="s1-road", **{"class": "a/part/b"}))[1][
        "code"
    ] == "class_unknown"
    headers = dispatcher.headers | {"idempotency-key": "broken", "if-match": '"1"'}
    for content, code in (
        (b"{", "malformed"),
        (b'{"note": "\\ud800"}', "text_unreadable"),
        (b"[]", "invalid"),
        (b"\xff", "malformed"),
    ):
        reply = await desk.client.post(f"/v1/orders/{order}/actions/urge", content=content, headers=headers)
        assert reply.json()["code"] == code, content
    assert (await dispatcher.order(order))["seq"] == 1


async def test_a_repeated_key_gets_the_first_answer_and_another_body_is_refused(
    pool: asyncpg.Pool, send: Send, desk: Desk
) -> None:
    order = await an_order(send)
    other = await an_order(send)
    dispatcher = desk.person("dispatcher", "s1")
    first = await dispatcher.on_order(order, "route", 1, key="same", lead="s1-clean")
    assert first[0] == 200
    assert await dispatcher.on_order(order, "urge", key="later") != first
    assert await dispatcher.on_order(order, "route", 1, key="same", lead="s1-clean") == first
    assert (await dispatcher.on_order(order, "route", 1, key="same", lead="k1"))[1]["code"] == "key_reused"
    assert (await dispatcher.on_order(other, "route", 1, key="same", lead="s1-clean"))[1]["code"] == "key_reused"
    boss = desk.person("dispatcher", "d1")
    assert (await boss.on_order(other, "route", 1, key="same", lead="s1-clean"))[0] == 200, "keys are a principal's own"
    types = [f["type"] for f in await announced(pool)]
    assert types == ["OrderOpened", "OrderOpened", "OrderRouted", "Urged", "OrderRouted"]


async def test_a_refused_write_leaves_its_key_free(send: Send, desk: Desk) -> None:
    order = await an_order(send)
    agent = desk.person("agent")
    assert (await agent.on_order(order, "close", key="k"))[0] == 409
    assert (await agent.on_order(order, "urge", key="k"))[0] == 200


async def test_one_key_sent_many_times_at_once_acts_once(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    order = await an_order(send)
    dispatcher = desk.person("dispatcher", "s1")
    answers = await asyncio.gather(*(dispatcher.on_order(order, "urge", 1, key="thumb", note="!") for _ in range(30)))
    assert {status for status, _ in answers} == {200}
    assert all(answer == answers[0] for answer in answers)
    assert [f["type"] for f in await announced(pool)] == ["OrderOpened", "Urged"]


async def test_of_a_hundred_who_accept_at_once_exactly_one_wins(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    order = await an_order(send)
    people = [desk.person("responder", "s1-road", f"person {i}") for i in range(100)]
    part = await part_of(people[0], order, "s1-road")
    path = f"/v1/assignments/{part['assignment_id']}/actions/accept"
    answers = await asyncio.gather(*(person.post(path, part["version"], {}) for person in people))
    assert sorted(status for status, _ in answers) == [200] + [412] * 99
    stale = next(body for status, body in answers if status == 412)
    assert stale["version"] == part["version"] + 1 and stale["status"] == 412 and stale["order_status"] == "handling"
    assert await pool.fetchval("SELECT count(*) FROM history WHERE type = 'AssignmentAccepted'") == 1


async def test_of_a_hundred_who_do_different_things_at_once_exactly_one_wins(
    pool: asyncpg.Pool, send: Send, desk: Desk
) -> None:
    """The unit passes on and finishes, pulls in and is withdrawn under: whatever comes first makes the rest stale."""
    order = await an_order(send, "s1-clean")
    crew, centre = desk.person("responder", "s1-clean"), desk.person("dispatcher", "s1")
    await crew.on_part(order, "accept", "s1-clean")
    part = await part_of(crew, order, "s1-clean")
    said = [
        (crew, "pass_on", {"unit": "clean-crew"}),
        (crew, "finish", {"result": "solved", "answer": "x"}),
        (crew, "progress", {"note": "on the way"}),
        (centre, "withdraw", {"reason": "not needed"}),
    ]
    path = f"/v1/assignments/{part['assignment_id']}/actions"
    answers = await asyncio.gather(
        *(
            person.post(f"{path}/{action}", part["version"], body)
            for person, action, body in (said[i % len(said)] for i in range(100))
        )
    )
    codes = [status for status, _ in answers]
    assert codes.count(200) == 1 and set(codes) <= {200, 409, 412}
    assert await pool.fetchval("SELECT count(*) FROM history WHERE order_id = $1", order) == 3
    assert (await part_of(crew, order, "s1-clean"))["version"] == part["version"] + 1


async def test_a_stale_version_is_told_what_changed(send: Send, desk: Desk) -> None:
    order = await an_order(send)
    dispatcher = desk.person("dispatcher", "s1")
    assert (await dispatcher.on_order(order, "route", 1, lead="s1-clean"))[0] == 200
    status, body = await dispatcher.on_order(order, "reject", 1, reason="late")
    assert (status, body["code"], body["version"]) == (412, "version_stale", 2)
    assert [change["action"] for change in body["changes"]] == ["route"], "and not the opening, which was seen"
    assert body["changes"][0]["type"] == "OrderRouted"


async def test_a_write_races_a_batch_and_neither_is_lost(
    pool: asyncpg.Pool, settings: DispatchSettings, send: Send, desk: Desk
) -> None:
    orders = [await an_order(send) for _ in range(12)]
    dispatcher = desk.person("dispatcher", "s1")
    seam = Seam(RoutingHandler(DIRECTORY, Lane.NORMAL), pool, settings)
    links = [record(linked(order, a_report())) for order in orders for _ in range(4)]

    async def insist(order: Any) -> None:
        """Route as a person would: look again when somebody was quicker."""
        for _ in range(20):
            status, _ = await dispatcher.on_order(order, "route", lead="s1-clean")
            if status == 200:
                return
            assert status == 412
        raise AssertionError("never got through")

    await asyncio.gather(
        *(seam.handle(links[i::6]) for i in range(6)), *(insist(order) for order in orders for _ in range(2))
    )
    for order in orders:
        rows = await pool.fetch(
            "SELECT seq, recorded_at, order_version FROM history WHERE order_id = $1 ORDER BY seq", order
        )
        assert [row["seq"] for row in rows] == list(range(1, 8)), "1 opened, 4 joined, 2 routed"
        assert [row["order_version"] for row in rows] == list(range(1, 8))
        times = [row["recorded_at"] for row in rows]
        assert times == sorted(set(times))
        assert len((await dispatcher.order(order))["reports"]) == 5
    sent: dict[str, list[int]] = {}
    for fact in await announced(pool):
        sent.setdefault(fact["order_id"], []).append(fact["seq"])
    assert all(seqs == list(range(1, 8)) for seqs in sent.values())


async def test_the_lead_may_not_finish_while_an_assist_is_open(send: Send, desk: Desk) -> None:
    order = await an_order(send, "s1-clean")
    road, clean, centre = (
        desk.person("responder", "s1-road"),
        desk.person("responder", "s1-clean"),
        desk.person("dispatcher", "s1"),
    )
    await road.on_part(order, "accept", "s1-road")
    status, body = await road.on_part(order, "finish", "s1-road", result="solved", answer="x")
    assert (status, body["code"]) == (409, "assists_open")
    assert body["assists"] == [(await part_of(clean, order, "s1-clean"))["assignment_id"]]
    assert (await centre.on_part(order, "withdraw", "s1-road", reason="x"))[1]["code"] == "action_not_allowed"
    assert (await centre.on_part(order, "withdraw", "s1-clean", reason="not needed"))[0] == 200
    assert (await road.on_part(order, "finish", "s1-road", result="solved", answer="x"))[0] == 200
    assert (await clean.on_part(order, "accept", "s1-clean"))[1]["code"] == "action_not_allowed"


async def test_told_together_the_first_to_accept_leads(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    fact = proposed(plan=a_plan("k1", "volunteer", "s1-clean", together=True))
    await send(fact)
    order = fact.order_id
    status, answer = await desk.person("responder", "volunteer").on_part(order, "accept", "volunteer")
    assert (status, answer["status"], answer["lead"]["unit_id"]) == (200, "handling", "volunteer")
    roles = {a["unit"]["unit_id"]: a["role"] for a in answer["assignments"]}
    assert roles == {"volunteer": "lead", "k1": "assist", "s1-clean": "assist"}
    status, answer = await desk.person("responder", "k1").on_part(order, "accept", "k1")
    assert (status, answer["lead"]["unit_id"]) == (200, "volunteer"), "only the first"
    accepted = [f for f in await announced(pool) if f["type"] == "AssignmentAccepted"]
    assert [(f["unit"], f["role"], f["lead"]) for f in accepted] == [
        ("volunteer", "lead", "volunteer"),
        ("k1", "assist", "volunteer"),
    ]


async def test_whoever_handled_it_may_not_verify_it(send: Send, desk: Desk) -> None:
    order = await an_order(send, verification=Verification.SITE, source=Source.PATROL)
    road = desk.person("responder", "s1-road", "li")
    await road.on_part(order, "accept", "s1-road")
    await road.on_part(order, "finish", "s1-road", result="solved", answer="x")
    same_person = desk.person("inspector", "s1", "li")
    same_unit = desk.person("inspector", "s1-road", "wang")
    for person in (same_person, same_unit):
        assert (await person.on_order(order, "verify", passed=True))[1]["code"] == "handler_verifies"
    inspector = desk.person("inspector", "s1", "zhao")
    status, body = await inspector.on_order(order, "verify", passed=False, note="still open")
    assert (status, body["status"], body["round"]) == (200, "handling", 2)
    await road.on_part(order, "finish", "s1-road", result="solved", answer="now it is")
    status, body = await inspector.on_order(order, "verify", passed=True)
    assert (status, body["status"]) == (200, "closed"), "a patrol's finding has nobody to call"


async def test_triage_is_decided_by_a_person_who_is_stamped_on_the_path(send: Send, desk: Desk) -> None:
    fact = in_triage()
    await send(fact)
    centre = desk.person("dispatcher", "s1")
    key = "GB/T 47678.5/event/06010"
    status, body = await centre.on_order(
        fact.order_id, "route", lead="s1-clean", assists=["s1-road"], **{"class": key}, reason="rubbish"
    )
    assert (status, body["status"], body["lead"]["unit_id"]) == (200, "dispatched", "s1-clean")
    shown = await centre.order(fact.order_id)
    assert shown["class"]["code"] == "06010"
    assert (shown["path"][-1]["unit"]["unit_id"], shown["path"][-1]["by"]) == ("s1-clean", "dispatcher@s1")


async def test_a_re_route_takes_back_what_is_not_kept(send: Send, desk: Desk) -> None:
    order = await an_order(send, "s1-clean")
    centre, clean = desk.person("dispatcher", "s1"), desk.person("responder", "s1-clean")
    await clean.on_part(order, "accept", "s1-clean")
    status, body = await centre.on_order(order, "route", lead="s1-clean", assists=["k1"])
    assert (status, body["status"]) == (200, "handling"), "the new lead works already"
    assert {a["unit"]["unit_id"]: (a["role"], a["status"]) for a in body["assignments"]} == {
        "s1-road": ("lead", "withdrawn"),
        "s1-clean": ("lead", "accepted"),
        "k1": ("assist", "offered"),
    }


@pytest.mark.parametrize(("ago", "code"), [(-10, "time_in_future"), (600, "time_backwards")])
async def test_times_that_cannot_be_are_refused(send: Send, desk: Desk, ago: int, code: str) -> None:
    order = await an_order(send)
    said = (datetime.now(UTC) - timedelta(minutes=ago)).isoformat()
    road = desk.person("responder", "s1-road")
    status, body = await road.on_part(order, "accept", "s1-road", occurred_at=said)
    assert (status, body["code"]) == (422, code)
    soon = (datetime.now(UTC) + timedelta(seconds=90)).isoformat()
    assert (await road.on_part(order, "accept", "s1-road", occurred_at=soon))[0] == 200


async def test_a_past_is_brought_in_by_an_import_alone(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    opened = datetime(2012, 7, 1, 8, tzinfo=UTC)
    order = await an_order(send, imported=True, received_at=opened)
    live = await an_order(send)
    importer = desk.person("import")
    body = {"closed_at": (opened + timedelta(days=3)).isoformat(), "result": "solved"}
    assert (await desk.person("dispatcher", "s1").on_order(order, "import_close", **body))[1]["code"] == "forbidden"
    assert (await importer.on_order(live, "import_close", **body))[1]["code"] == "action_not_allowed"
    early = {"closed_at": (opened - timedelta(days=3)).isoformat()}
    assert (await importer.on_order(order, "import_close", **early))[1]["code"] == "time_backwards"
    status, answer = await importer.on_order(order, "import_close", **body)
    assert (status, answer["status"]) == (200, "closed")
    assert datetime.fromisoformat(answer["closed_at"]) == opened + timedelta(days=3)
    closed = (await announced(pool))[-1]
    assert (closed["type"], closed["imported"], closed["result"]) == ("OrderClosed", True, "solved")


async def test_reopening_starts_a_new_round_with_the_same_lead(send: Send, desk: Desk) -> None:
    order = await an_order(send, verification=Verification.NONE)
    road = desk.person("responder", "s1-road")
    await road.on_part(order, "accept", "s1-road")
    await road.on_part(order, "finish", "s1-road", result="explained", answer="x")
    status, body = await desk.person("supervisor").on_order(order, "reopen", reason="not solved")
    assert (status, body["status"], body["round"]) == (200, "dispatched", 2)
    assert [(a["unit"]["unit_id"], a["status"]) for a in body["assignments"]] == [
        ("s1-road", "confirmed"),
        ("s1-road", "offered"),
    ]
    assert (await road.on_part(order, "accept", "s1-road"))[0] == 200


async def test_an_order_can_be_acted_on_by_its_number(send: Send, desk: Desk) -> None:
    order = await an_order(send)
    number = number_of(order).lower().replace("-", " ")
    status, body = await desk.person("agent").on_order(number, "urge", note="caller asks")
    assert (status, body["order_id"]) == (200, str(order))


class Stalling(RoutingHandler):
    """Stops between its decisions and their writing until it is let go."""

    def __init__(self) -> None:
        super().__init__(DIRECTORY, Lane.NORMAL)
        self.decided, self.let_go = asyncio.Event(), asyncio.Event()

    async def apply(self, connection: Connection, state: Page) -> None:
        self.decided.set()
        await self.let_go.wait()
        await super().apply(connection, state)


async def test_a_write_waits_for_the_batch_that_decides_about_its_order(
    pool: asyncpg.Pool, settings: DispatchSettings, send: Send, desk: Desk
) -> None:
    """Without the order's lock the write would be decided on a version that the batch is about to end."""
    order, other = await an_order(send), await an_order(send)
    slow = Stalling()
    batch = asyncio.create_task(Seam(slow, pool, settings).handle([record(linked(order, a_report()))]))
    await slow.decided.wait()
    dispatcher = desk.person("dispatcher", "s1")
    assert (await dispatcher.on_order(other, "route", 1, lead="s1-clean"))[0] == 200, "only its own order is held"
    write = asyncio.create_task(dispatcher.on_order(order, "route", 1, lead="s1-clean"))
    done, _ = await asyncio.wait([write], timeout=0.3)
    slow.let_go.set()
    status, body = await write
    await batch
    assert not done, "it must wait"
    assert (status, body["code"], body["version"]) == (412, "version_stale", 2)
    assert [change["action"] for change in body["changes"]] == ["join"]
    assert await pool.fetchval("SELECT array_agg(seq ORDER BY seq) FROM history WHERE order_id = $1", order) == [1, 2]


async def test_a_batch_waits_for_the_batch_that_gives_birth_to_its_order(
    pool: asyncpg.Pool, settings: DispatchSettings
) -> None:
    """Locking only rows that exist would miss the order that is being opened, and its link would wait for ever."""
    fact = proposed(a_report())
    slow = Stalling()
    opening = asyncio.create_task(Seam(slow, pool, settings).handle([record(fact)]))
    await slow.decided.wait()
    urgent = Seam(RoutingHandler(DIRECTORY, Lane.URGENT), pool, settings)
    link = asyncio.create_task(urgent.handle([record(linked(fact.order_id))]))
    done, _ = await asyncio.wait([link], timeout=0.3)
    slow.let_go.set()
    await asyncio.gather(opening, link)
    assert not done, "it must wait"
    assert [f["type"] for f in await announced(pool)] == ["OrderOpened", "ReportJoined"]
    assert await pool.fetchval("SELECT count(*) FROM pending_links") == 0
