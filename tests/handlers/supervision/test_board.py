"""What falls due, how the city stands in counts, which rungs stand, and the page that shows it."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from deploy.stack.lifecycle import Stack
from schemas.ids import number_of
from services.chassis.delivery import Seam
from services.chassis.pages import SHARED, files
from services.supervision.api import board
from services.supervision.api.pages import FOLDER
from services.supervision.handlers import Sweep
from services.supervision.settings import SupervisionSettings
from tests.handlers.supervision.test_api import Ask, asking
from tests.rules.supervision_timeline.story import Story, minutes, records, tick
from tests.rules.supervision_timeline.toy import CITY, LADDER

OVERSIGHT = ("supervisor", "dispatcher", "auditor", "operator")


@pytest.fixture
async def ask(pool: asyncpg.Pool, settings: SupervisionSettings, servers: Stack, monkeypatch: Any) -> Any:
    """GET as a role, of counts that are never held."""
    monkeypatch.setattr(board, "FRESH", -1.0)
    async with asking(CITY, pool, settings, servers) as ask:
        yield ask


@pytest.fixture
async def now(pool: asyncpg.Pool) -> datetime:
    found: datetime = await pool.fetchval("SELECT clock_timestamp()")
    return found


async def told(seam: Seam, pool: asyncpg.Pool, at: datetime, *stories: Story) -> None:
    """The stories are folded, and everything that was due by `at` is said."""
    await seam.handle(records(*(each for story in stories for each in story.outgoing())))
    await seam.handle(tick(at))
    await Sweep(pool, LADDER).drain()


async def stages(ask: Ask, query: str = "", role: str = "supervisor", unit: str | None = None) -> list[str]:
    reply = await ask(f"/v1/due{query}", role, unit)
    assert reply.status_code == 200, reply.text
    return [item["stage"] for item in reply.json()["items"]]


async def test_what_falls_due_comes_earliest_first(ask: Ask, seam: Seam, pool: asyncpg.Pool, now: datetime) -> None:
    story = Story("soon").opened(now - minutes(40))
    await told(seam, pool, now - minutes(1), story)
    # accept (30) is missed; contact (60), handle (120) and total (480) run
    assert await stages(ask) == ["contact", "handle"], "within two hours"
    assert await stages(ask, "?within=24h") == ["contact", "handle", "total"]
    assert await stages(ask, "?within=24h&stage=handle") == ["handle"]
    assert await stages(ask, "?division=D") == await stages(ask, "?division=D1") == ["contact", "handle"]
    assert await stages(ask, "?division=D2") == []
    assert await stages(ask, "?unit=street-a") == ["contact", "handle"] and await stages(ask, "?unit=street-b") == []
    assert await stages(ask, role="responder", unit="street-a") == ["contact", "handle"]
    assert await stages(ask, role="responder", unit="street-b") == []
    refused = await ask("/v1/due?unit=street-a", "responder", "street-b")
    assert refused.status_code == 403 and refused.json()["code"] == "other_unit"
    (first, _) = (await ask("/v1/due")).json()["items"]
    assert first["order_id"] == str(story.order_id) and first["number"] == number_of(story.order_id)
    assert first["division"] == "D1" and first["state"] == "running"


async def test_what_is_met_or_imported_does_not_fall_due(
    ask: Ask, seam: Seam, pool: asyncpg.Pool, now: datetime
) -> None:
    done = Story("done").opened(now - minutes(40)).accepted(now - minutes(30)).done(now - minutes(20))
    await told(seam, pool, now - minutes(1), done)
    assert "accept" not in await stages(ask, "?within=24h") and "handle" not in await stages(ask, "?within=24h")
    before = await stages(ask, "?within=24h")
    assert "total" in before
    await pool.execute("UPDATE clocks SET next_notice = NULL, next_at = NULL")  # as an imported order's are stored
    assert await stages(ask, "?within=24h") == []


async def test_pages_of_what_falls_due_follow_without_a_gap(
    ask: Ask, seam: Seam, pool: asyncpg.Pool, now: datetime
) -> None:
    await told(seam, pool, now - minutes(6), *(Story(f"due-{n}").opened(now - minutes(5)) for n in range(7)))
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        body = (await ask(f"/v1/due?within=24h&limit=5&cursor={cursor}")).json()
        found += [item["clock_id"] for item in body["items"]]
        cursor = body["next"]
    everything = (await ask("/v1/due?within=24h&limit=200")).json()["items"]
    assert found == [item["clock_id"] for item in everything] and len(set(found)) == len(found) == 28
    assert [item["due"] for item in everything] == sorted(item["due"] for item in everything)


@pytest.mark.parametrize("query", ["within=3h", "stage=lunch", "limit=0", "limit=201", "since=2026-03-02T10:00:00Z"])
async def test_a_question_that_does_not_fit_is_refused(ask: Ask, query: str) -> None:
    reply = await ask(f"/v1/due?{query}")
    assert reply.status_code == 422 and reply.json()["code"] == "invalid"
    assert (await ask("/v1/due?cursor=nonsense")).json()["code"] == "cursor_invalid"
    assert (await ask("/v1/rungs?cursor=nonsense")).json()["code"] == "cursor_invalid"


@pytest.mark.parametrize("role", ["citizen", "gateway"])
async def test_outsiders_are_told_nothing_of_it(ask: Ask, role: str) -> None:
    for path in ("/v1/due", "/v1/board", "/v1/rungs", "/v1/places"):
        assert (await ask(path, role)).json()["code"] == "forbidden"


async def test_the_whole_city_is_for_those_who_oversee_it(ask: Ask) -> None:
    for path in ("/v1/board", "/v1/rungs", "/v1/places"):
        for role in OVERSIGHT:
            assert (await ask(path, role)).status_code == 200
        for role in ("responder", "agent", "inspector", "import"):
            assert (await ask(path, role, "street-a")).json()["code"] == "forbidden"


async def test_the_counts_are_those_of_the_lists(ask: Ask, seam: Seam, pool: asyncpg.Pool, now: datetime) -> None:
    late = [Story(f"late-{n}").opened(now - minutes(70)) for n in range(3)]
    over = Story("over").opened(now - minutes(70))
    over.voided(now - minutes(5))
    await told(seam, pool, now - minutes(1), *late, over)
    body = (await ask("/v1/board")).json()
    lists = {
        "breaches": len((await ask("/v1/breaches?open=true&limit=200")).json()["items"]),
        "due_2h": len((await ask("/v1/due?limit=200")).json()["items"]),
        "due_24h": len((await ask("/v1/due?within=24h&limit=200")).json()["items"]),
    }
    assert {name: body[name] for name in lists} == lists
    assert lists["breaches"] == 6, "accept and contact of three; the fourth has ended"
    assert all(lists[name] == sum(one[name] for one in body["stages"]) for name in lists)
    (place,) = body["places"]
    assert (place["division"], place["name"], place["district"]) == ("D1", "甲街道", "区")
    assert {name: place[name] for name in lists} == lists
    assert datetime.fromisoformat(body["known_until"]) <= now and body["orders_page"] == "/app/"


async def test_rungs_that_stand_are_listed_and_counted(ask: Ask, seam: Seam, pool: asyncpg.Pool, now: datetime) -> None:
    story = Story("climbed").opened(now - minutes(70))
    await told(seam, pool, now - minutes(1), story)
    items = (await ask("/v1/rungs")).json()["items"]
    counted = (await ask("/v1/board")).json()["ladder"]
    assert len(items) == sum(one["count"] for one in counted) >= 1
    assert {one["order_id"] for one in items} == {str(story.order_id)} and {one["division"] for one in items} == {"D1"}
    assert [one["raised_at"] for one in items] == sorted((one["raised_at"] for one in items), reverse=True)
    kind, level = items[0]["kind"], items[0]["level"]
    some = (await ask(f"/v1/rungs?kind={kind}&level={level}")).json()["items"]
    assert some == [one for one in items if (one["kind"], one["level"]) == (kind, level)]
    assert (await ask("/v1/rungs?division=D2")).json()["items"] == []
    assert (await ask("/v1/rungs?division=D")).json()["items"] == items
    paged = (await ask("/v1/rungs?limit=1")).json()
    rest = (await ask(f"/v1/rungs?limit=200&cursor={paged['next'] or ''}")).json()["items"] if paged["next"] else []
    assert paged["items"] + rest == items


async def test_counts_serve_everybody_for_a_moment(
    ask: Ask, seam: Seam, pool: asyncpg.Pool, now: datetime, monkeypatch: Any
) -> None:
    monkeypatch.setattr(board, "FRESH", 60.0)
    assert (await ask("/v1/board")).json()["breaches"] == 0
    await told(seam, pool, now - minutes(1), Story(str(uuid4())).opened(now - minutes(70)))
    assert (await ask("/v1/board")).json()["breaches"] == 0, "held"
    monkeypatch.setattr(board, "FRESH", -1.0)
    assert (await ask("/v1/board")).json()["breaches"] == 2


def test_a_place_is_the_street_town_of_a_division() -> None:
    made = board.Board(CITY, "/app/")
    assert [made.place(code) for code in ("D1", "D", "C", "", "nowhere")] == ["D1", "D", "C", "", ""]


async def test_the_page_is_served_with_what_pages_share(ask: Ask) -> None:
    served = files(FOLDER)
    assert sorted(place.name for each in (SHARED, FOLDER) for place in each.iterdir()) == sorted(served)
    first = await ask("/board/")
    assert first.status_code == 200 and "require-trusted-types-for 'script'" in first.headers["content-security-policy"]
    for name, one in served.items():
        text = one.plain.decode()
        assert "innerHTML" not in text and "eval(" not in text, name
        assert "https://" not in text.replace("http://www.w3.org/2000/svg", ""), name
        assert (await ask(f"/board/{name}")).content == one.plain
    modules = {name for name in served if name.endswith(".js")} - {"app.js"}
    assert all(f'<link rel="modulepreload" href="{name}">' in first.text for name in modules)
    assert (await ask("/board")).headers["location"] == "/board/"
    assert (await ask("/board/../api/pages.py")).status_code == 404
