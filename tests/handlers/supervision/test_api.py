"""What people and programs ask, and who may."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from msgspec.structs import replace

from deploy.stack.keys import issue_token
from deploy.stack.lifecycle import Stack
from schemas.city import City
from services.chassis.delivery import Seam
from services.supervision.api import supervision_app
from services.supervision.handlers import Sweep
from services.supervision.settings import SupervisionSettings
from tests.rules.supervision_timeline.story import Story, minutes, records, tick
from tests.rules.supervision_timeline.toy import CITY, LADDER, START

Ask = Callable[..., Any]


@pytest.fixture
async def ask(pool: asyncpg.Pool, settings: SupervisionSettings, servers: Stack) -> AsyncIterator[Ask]:
    """GET (or POST, with a body) as a role, perhaps of a unit; the reply."""
    async with asking(CITY, pool, settings, servers) as ask:
        yield ask


@asynccontextmanager
async def asking(city: City, pool: asyncpg.Pool, settings: SupervisionSettings, servers: Stack) -> AsyncIterator[Ask]:
    """The same, of the service as it runs in a city."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[asyncpg.Pool]:
        yield pool

    app = supervision_app(settings, city, opened)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):

        async def ask(
            path: str,
            role: str = "supervisor",
            unit: str | None = None,
            body: Any = None,
            who: str = "someone",
            **given: str,
        ) -> httpx.Response:
            token = issue_token(role, subject=who, unit=unit, home=servers.home)
            headers = {name.replace("_", "-"): value for name, value in given.items()}
            headers["authorization"] = f"Bearer {token}"
            if body is None:
                return await client.get(path, headers=headers)
            return await client.post(path, headers=headers, json=body)

        yield ask


@pytest.fixture
async def story(seam: Seam, pool: asyncpg.Pool) -> Story:
    """An order whose acceptance and contact were missed."""
    told = Story("asked").opened(START)
    await seam.handle(records(*told.outgoing()))
    await seam.handle(tick(START + minutes(61)))
    await Sweep(pool, LADDER).drain()
    return told


async def test_the_clocks_of_an_order_in_the_citys_time(ask: Ask, story: Story) -> None:
    reply = await ask(f"/v1/clocks/{story.order_id}")
    body = reply.json()
    assert reply.status_code == 200 and body["order_id"] == str(story.order_id)
    first = body["clocks"][0]
    assert {key: first[key] for key in ("stage", "state", "light", "policy", "round")} == {
        "stage": "accept",
        "state": "missed",
        "light": "red",
        "policy": "accept",
        "round": 1,
    }
    assert first["owner"] == {"unit_id": "street-a", "name": "甲街道办", "tier": "street"}
    assert first["start"] == "2026-03-02T10:00:00+08:00" and first["due"] == "2026-03-02T10:30:00+08:00"
    assert first["assignment_id"] == str(story.assignment()) and "report_id" not in first
    assert body["clocks"][1]["report_id"] == str(story.report)


async def test_a_promise_says_who_used_how_much_of_it(ask: Ask, seam: Seam) -> None:
    told = Story("shared").opened(START, received_at=START - minutes(10))
    told.accepted(START + minutes(20)).done(START + minutes(60)).verified(START + minutes(90))
    await seam.handle(records(*told.outgoing()))
    clocks = (await ask(f"/v1/clocks/{told.order_id}")).json()["clocks"]
    assert [clock["stage"] for clock in clocks if "used" in clock] == ["total"]
    used = next(clock["used"] for clock in clocks if clock["stage"] == "total")
    assert [(part["stage"], part["unit"] and part["unit"]["unit_id"], part["seconds"]) for part in used["by"]] == [
        ("intake", None, 600.0),
        ("accept", "street-a", 1200.0),
        ("handle", "street-a", 2400.0),
        ("verify", "centre-district", 1800.0),
    ]
    assert used["seconds"] == used["counted_seconds"] == 6000.0 == sum(part["seconds"] for part in used["by"])
    assert [part["share"] for part in used["by"]] == [0.1, 0.2, 0.4, 0.3]
    assert used["course"][0] == {
        "stage": "intake",
        "unit_id": None,
        "since": "2026-03-02T09:50:00+08:00",
        "until": "2026-03-02T10:00:00+08:00",
    }
    many = (await ask(f"/v1/clocks?order_ids={told.order_id}")).json()["items"][0]["clocks"]
    assert not any("used" in clock for clock in many), "lists stay small"


async def test_what_was_said_late_is_one_item_a_unit(ask: Ask, story: Story) -> None:
    """The story lies in March; it is told long after."""
    (street,) = (await ask("/v1/catch-ups")).json()["items"]
    assert street["unit"]["name"] == "甲街道办"
    assert (street["warned"], street["missed"]) == (0, 2)
    assert street["by_stage"] == {"miss:accept": 1, "miss:contact": 1}
    assert street["due_first"] == "2026-03-02T10:30:00+08:00" and street["due_last"] == "2026-03-02T11:00:00+08:00"
    assert (await ask("/v1/catch-ups?unit=street-b")).json() == {"items": [], "next": None}
    assert (await ask("/v1/catch-ups?since=2099-01-01T00:00:00Z")).json()["items"] == []
    assert (await ask("/v1/catch-ups", "responder", "street-b")).json()["items"] == []
    refused = await ask("/v1/catch-ups?unit=street-a", "responder", "street-b")
    assert refused.status_code == 403 and refused.json()["code"] == "other_unit"


async def test_an_order_nobody_knows_is_not_found(ask: Ask) -> None:
    reply = await ask(f"/v1/clocks/{uuid4()}")
    assert reply.status_code == 404 and reply.json()["code"] == "not_found"
    assert (await ask("/v1/clocks/no-uuid")).json()["code"] == "invalid"


async def test_responders_see_their_units_orders_only(ask: Ask, story: Story) -> None:
    path = f"/v1/clocks/{story.order_id}"
    assert (await ask(path, "responder", "street-a")).status_code == 200
    reply = await ask(path, "responder", "street-b")
    assert reply.status_code == 403 and reply.json()["code"] == "other_unit"
    bulk = await ask(f"/v1/clocks?order_ids={story.order_id}", "responder", "street-b")
    assert bulk.json() == {"items": [], "next": None}


@pytest.mark.parametrize("role", ["citizen", "gateway"])
async def test_outsiders_see_nothing(ask: Ask, story: Story, role: str) -> None:
    for path in (
        f"/v1/clocks/{story.order_id}",
        "/v1/breaches",
        "/v1/catch-ups",
        f"/v1/clocks?order_ids={story.order_id}",
    ):
        reply = await ask(path, role)
        assert reply.status_code == 403 and reply.json()["code"] == "forbidden"


async def test_many_orders_at_once(ask: Ask, seam: Seam) -> None:
    stories = [Story(f"many-{number}").opened(START) for number in range(60)]
    await seam.handle(records(*(each for told in stories for each in told.outgoing())))
    ids = [str(told.order_id) for told in stories]
    one = await ask(f"/v1/clocks?order_ids={','.join(ids)},{uuid4()}")
    other = await ask("/v1/clocks", "import", body={"order_ids": [*ids, ids[0]]})
    assert [item["order_id"] for item in one.json()["items"]] == ids
    assert one.json() == other.json() and all(len(item["clocks"]) == 4 for item in one.json()["items"])


@pytest.mark.parametrize(
    ("body", "code"), [({"order_ids": []}, "invalid"), ({"order_ids": ["x"]}, "invalid"), ({}, "invalid")]
)
async def test_a_bulk_question_that_makes_no_sense_is_refused(ask: Ask, body: Any, code: str) -> None:
    assert (await ask("/v1/clocks", body=body)).json()["code"] == code
    assert (await ask("/v1/clocks?order_ids=nonsense")).json()["code"] == code
    too_many = {"order_ids": [str(uuid4()) for _ in range(501)]}
    assert (await ask("/v1/clocks", body=too_many)).json()["code"] == "invalid"


async def test_breaches_by_unit_stage_division_and_time(ask: Ask, story: Story) -> None:
    async def stages(query: str = "", role: str = "supervisor", unit: str | None = None) -> list[str]:
        reply = await ask(f"/v1/breaches{query}", role, unit)
        assert reply.status_code == 200, reply.text
        return [item["stage"] for item in reply.json()["items"]]

    assert await stages() == ["contact", "accept"], "the latest deadline first"
    assert await stages("?stage=accept") == ["accept"]
    assert await stages("?unit=street-a") == ["contact", "accept"] and await stages("?unit=street-b") == []
    assert await stages("?division=D") == await stages("?division=D1") == ["contact", "accept"]
    assert await stages("?division=D2") == []
    assert await stages("?since=2026-03-02T10:45:00%2B08:00") == ["contact"]
    assert await stages(role="responder", unit="street-a") == ["contact", "accept"]
    assert await stages(role="responder", unit="street-b") == []
    refused = await ask("/v1/breaches?unit=street-a", "responder", "street-b")
    assert refused.json()["code"] == "other_unit"


async def test_what_a_merged_unit_missed_is_its_successors_to_see_under_its_name(
    pool: asyncpg.Pool, settings: SupervisionSettings, servers: Stack, story: Story
) -> None:
    ended = next(u for u in CITY.units if u.unit_id == "street-a")
    left = tuple(u for u in CITY.units if u != ended)
    renamed = replace(
        ended, name="甲街道", valid_from=date(2026, 1, 1), valid_to=date(2026, 3, 2), successor="street-b"
    )
    spans = (replace(ended, valid_to=date(2025, 12, 31)), renamed)
    city = replace(CITY, units=left, every_unit=(*left, *spans))
    async with asking(city, pool, settings, servers) as ask:
        for query, unit in (("", "street-b"), ("?unit=street-a", "street-b"), ("?unit=street-b", "street-b")):
            found = (await ask(f"/v1/breaches{query}", "responder", unit)).json()["items"]
            assert [(item["stage"], item["owner"]["unit_id"]) for item in found] == [
                ("contact", "street-a"),
                ("accept", "street-a"),
            ], query
            assert {item["owner"]["name"] for item in found} == {"甲街道"}
        path = f"/v1/clocks/{story.order_id}"
        assert (await ask(path, "responder", "street-b")).status_code == 200
        assert (await ask(path, "responder", "street-a")).json()["code"] == "other_unit", "there are no people of it"
        assert (await ask("/v1/breaches", "responder", "street-a")).json()["items"] == []
        assert len((await ask("/v1/breaches?unit=street-a")).json()["items"]) == 2


async def test_a_breach_says_which_order_where_and_whose(ask: Ask, story: Story) -> None:
    (item,) = (await ask("/v1/breaches?stage=accept")).json()["items"]
    assert item["order_id"] == str(story.order_id) and item["division"] == "D1"
    assert item["owner"]["unit_id"] == "street-a" and item["due"] == "2026-03-02T10:30:00+08:00"


async def test_pages_follow_each_other_without_a_gap(ask: Ask, seam: Seam, pool: asyncpg.Pool) -> None:
    for number in range(7):
        await seam.handle(records(*Story(f"page-{number}").opened(START).outgoing()))
    await seam.handle(tick(START + minutes(61)))
    await Sweep(pool, LADDER).drain()
    found: list[str] = []
    cursor = ""
    while True:
        body = (await ask(f"/v1/breaches?limit=5&cursor={cursor}")).json()
        found += [item["clock_id"] for item in body["items"]]
        if body["next"] is None:
            break
        cursor = body["next"]
    assert len(found) == len(set(found)) == 14
    everything = (await ask("/v1/breaches?limit=200")).json()["items"]
    assert found == [item["clock_id"] for item in everything]


@pytest.mark.parametrize("cursor", ["nonsense", "AAAA", "MjAyNi0wMy0wMlQwMDowMDowMHxhYmM"])
async def test_a_cursor_that_is_not_ours_is_refused(ask: Ask, cursor: str) -> None:
    assert (await ask(f"/v1/breaches?cursor={cursor}")).json()["code"] == "cursor_invalid"


@pytest.mark.parametrize("query", ["stage=lunch", "since=2026-03-02T10:00:00", "limit=0", "limit=201"])
async def test_a_filter_that_does_not_fit_is_refused(ask: Ask, query: str) -> None:
    reply = await ask(f"/v1/breaches?{query}")
    assert reply.status_code == 422 and reply.json()["code"] == "invalid"


@pytest.mark.parametrize("path", ["breaches", "due?within=2h", "findings", "catch-ups", "appeals"])
@pytest.mark.parametrize(("asked", "code"), [("unit=nobody", "unit_unknown"), ("division=zz", "division_unknown")])
async def test_what_there_is_not_is_refused_and_not_an_empty_list(ask: Ask, path: str, asked: str, code: str) -> None:
    if path == "appeals":
        asked, code = "district=zz", "division_unknown"
    if path == "catch-ups":
        asked, code = "unit=nobody", "unit_unknown"
    reply = await ask(f"/v1/{path}{'&' if '?' in path else '?'}{asked}")
    assert (reply.status_code, reply.json()["code"]) == (422, code)


async def test_the_light_is_of_the_moment_of_the_answer(ask: Ask, seam: Seam, pool: asyncpg.Pool) -> None:
    now = await pool.fetchval("SELECT clock_timestamp()")
    told = Story("lights").opened(now - minutes(27))
    await seam.handle(records(*told.outgoing()))
    clocks = (await ask(f"/v1/clocks/{told.order_id}")).json()["clocks"]
    assert [(clock["stage"], clock["light"]) for clock in clocks][:2] == [("accept", "yellow"), ("contact", "green")]
