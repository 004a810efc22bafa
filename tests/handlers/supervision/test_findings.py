"""Findings on the real PostgreSQL: raised once, announced, listed, taken back when a late fact undoes them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from deploy.stack.lifecycle import Stack
from schemas.facts import FindingRaised, FindingWithdrawn, Place
from schemas.vocabulary import Tier
from services.supervision.settings import SupervisionSettings
from tests.handlers.supervision.counting import Town
from tests.handlers.supervision.said import said
from tests.handlers.supervision.test_api import Ask, asking
from tests.rules.supervision_numbers.test_each_number import returned
from tests.rules.supervision_timeline.story import Story, records
from tests.rules.supervision_timeline.toy import CITY


@pytest.fixture
def town(pool: asyncpg.Pool, settings: SupervisionSettings) -> Town:
    return Town(pool, settings)


@pytest.fixture
async def ask(pool: asyncpg.Pool, settings: SupervisionSettings, servers: Stack) -> Any:
    async with asking(CITY, pool, settings, servers) as asked:
        yield asked


NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


async def test_a_finding_is_raised_once_announced_and_listed_with_its_reason(town: Town, ask: Ask) -> None:
    story = returned(Story("to and fro").opened(at(0)), 10, ping_pong=True)
    await town.hear(story)
    await town.hear(story.noted(at(20)))
    await town.keeper.recount()
    (raised,) = await said(town.pool, FindingRaised)
    assert (raised.kind, raised.order_id, raised.reason) == ("ping_pong", story.order_id, "returns: 1")
    listed = (await ask("/v1/findings?kind=ping_pong")).json()
    assert [one["finding_id"] for one in listed["items"]] == [str(raised.finding_id)]
    assert listed["counts"] == {"ping_pong": 1}
    assert (await ask("/v1/findings?kind=ping_pong", role="responder", unit="centre-city")).json()["items"] == []
    assert (await ask("/v1/findings?unit=street-a", role="responder", unit="street-b")).json()["code"] == "other_unit"


def spotted(name: str, minute: float, lon: float = 121.4) -> Story:
    place = Place(division="D1", name="here", tier=Tier.STREET, lon=lon, lat=31.2)
    return Story(name).opened(at(minute), place=place)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_the_third_of_a_class_at_a_place_recurs_in_whatever_order_they_come(
    town: Town, order: tuple[int, ...]
) -> None:
    stories = [spotted(f"hole {n}", n * 100, 121.4 + n * 0.0001) for n in range(3)]
    for place in order:
        await town.hear(stories[place])
        await town.keeper.recount()
    rows = await town.pool.fetch("SELECT order_id, kind FROM findings WHERE withdrawn_at IS NULL")
    assert [tuple(row) for row in rows] == [(stories[2].order_id, "recurrence")]


async def test_a_neighbour_that_was_entered_in_error_takes_the_recurrence_back(town: Town) -> None:
    stories = [spotted(f"hole {n}", n * 100) for n in range(3)]
    await town.hear(*stories)
    await town.keeper.recount()
    assert len(await said(town.pool, FindingRaised)) == 1
    await town.hear(stories[1].voided(at(400)))
    await town.keeper.recount()
    (gone,) = await said(town.pool, FindingWithdrawn)
    assert (gone.kind, gone.order_id) == ("recurrence", stories[2].order_id)


async def test_a_unit_is_called_silent_once_and_a_late_word_takes_it_back(town: Town, ask: Ask) -> None:
    now = datetime.now(UTC)
    opened = now - timedelta(hours=6)
    stories = [Story(f"waits {n}").opened(opened) for n in range(5)]
    await town.hear(*stories)
    await town.pass_(now - timedelta(seconds=30))
    for _ in range(2):
        await town.keeper.look()
    (raised,) = await said(town.pool, FindingRaised)
    assert (raised.kind, raised.unit, raised.order_id) == ("unit_silent", "street-a", None)
    await town.hear(stories[0].accepted(opened + timedelta(hours=1), recorded=now, unit="street-a"))
    (gone,) = await said(town.pool, FindingWithdrawn)
    assert gone.finding_id == raised.finding_id
    listed = (await ask("/v1/findings?withdrawn=true")).json()["items"]
    assert [(one["kind"], one["cause"]) for one in listed] == [("unit_silent", "LateWord")]


async def test_what_becomes_worth_a_look_by_age_alone_is_found(town: Town) -> None:
    now = datetime.now(UTC)
    old, young = (Story(name).opened(now - timedelta(days=days)) for name, days in (("old", 30.5), ("young", 29)))
    await town.seam.handle(records(*old.outgoing(), *young.outgoing()))
    await town.pool.execute("TRUNCATE findings")
    await town.keeper.ripen()
    await town.keeper.recount()
    rows = await town.pool.fetch("SELECT order_id, kind FROM findings")
    assert [tuple(row) for row in rows] == [(old.order_id, "overlooked")]
    await town.keeper.ripen()
    assert await town.pool.fetchval("SELECT count(*) FROM recounts") == 0
