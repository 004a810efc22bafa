"""Appeals on the real PostgreSQL: filed by the unit, reviewed by the centre and the city, corrected with a trace."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from deploy.stack.lifecycle import Stack
from services.supervision.api import Desk
from services.supervision.settings import SupervisionSettings
from tests.handlers.supervision.counting import Town, shown, whole
from tests.handlers.supervision.test_api import Ask, asking
from tests.rules.supervision_timeline.story import Story
from tests.rules.supervision_timeline.toy import CITY, START

DAY = "2026-03-02"
NEXT = START + timedelta(hours=16)


@pytest.fixture
async def ask(
    pool: asyncpg.Pool, settings: SupervisionSettings, servers: Stack, monkeypatch: pytest.MonkeyPatch
) -> Any:
    monkeypatch.setattr(Desk, "now", lambda self: NEXT + timedelta(days=1))
    async with asking(CITY, pool, settings, servers) as asked:
        yield asked


@pytest.fixture
async def late(pool: asyncpg.Pool, settings: SupervisionSettings) -> tuple[Town, Story]:
    """An order whose acceptance was missed, on a day that is frozen."""
    town = Town(pool, settings)
    story = Story("appealed").opened(START)
    await town.hear(story, Story("other").opened(START).accepted(START))
    await town.pass_(START + timedelta(minutes=40))
    await town.pass_(NEXT)
    return town, story


def filing(story: Story, **given: Any) -> dict[str, Any]:
    body = {"kpi": "accept_in_time", "order_id": str(story.order_id), "day": DAY, "reason": "系统当时停机"}
    return body | {"subject": str(story.assignment(0))} | given


async def file(ask: Ask, story: Story, key: str = "k", unit: str = "street-a", **given: Any) -> httpx.Response:
    reply: httpx.Response = await ask(
        "/v1/appeals", role="responder", unit=unit, who="filer", body=filing(story, **given), idempotency_key=key
    )
    return reply


async def decide(
    ask: Ask, appeal: str, granted: bool, version: int, *, role: str, unit: str | None, who: str
) -> httpx.Response:
    reply: httpx.Response = await ask(
        f"/v1/appeals/{appeal}/decision",
        role=role,
        unit=unit,
        who=who,
        body={"granted": granted, "note": "核实"},
        if_match=f'"{version}"',
    )
    return reply


CENTRE: dict[str, Any] = {"role": "dispatcher", "unit": "centre-district", "who": "district"}
TOP: dict[str, Any] = {"role": "supervisor", "unit": "centre-city", "who": "city"}


async def number(ask: Ask) -> tuple[float, int]:
    rows = (await ask(f"/v1/kpis?period={DAY}&kpi=accept_in_time")).json()["items"]
    return shown(rows)["all", "accept_in_time"]


@pytest.mark.parametrize(("effect", "expected"), [("exclude", (1, 1)), ("correct", (2, 2))])
async def test_granted_by_both_the_frozen_number_is_corrected_with_the_appeal_as_its_cause(
    late: tuple[Town, Story], ask: Ask, effect: str, expected: tuple[float, int]
) -> None:
    town, story = late
    assert await number(ask) == (1, 2)
    filed = await file(ask, story, effect=effect)
    assert filed.status_code == 201, filed.text
    appeal = filed.json()["appeal_id"]
    first = await decide(ask, appeal, True, 1, **CENTRE)
    assert (first.status_code, first.json()["state"]) == (200, "city")
    await town.keeper.recount()
    assert await number(ask) == (1, 2), "nothing moves before the city has granted it"
    last = await decide(ask, appeal, True, 2, **TOP)
    assert last.json()["state"] == "granted" and [step["by"] for step in last.json()["steps"]] == ["district", "city"]
    await town.keeper.recount()
    assert await number(ask) == expected
    (trace,) = (await ask(f"/v1/kpis/corrections?period={DAY}&kpi=accept_in_time")).json()["items"]
    assert trace["cause"] == f"Appeal {appeal}" and UUID(trace["order_id"]) == story.order_id
    assert len(await whole(ask, f"/v1/kpis/items?kpi=accept_in_time&period={DAY}")) == expected[1]
    await town.hear(story.accepted(START + timedelta(minutes=300)))
    assert await number(ask) == expected, "later facts do not undo it"


async def test_refused_at_any_step_nothing_moves_and_the_unit_may_try_again(late: tuple[Town, Story], ask: Ask) -> None:
    town, story = late
    appeal = (await file(ask, story)).json()["appeal_id"]
    assert (await decide(ask, appeal, False, 1, **CENTRE)).json()["state"] == "refused"
    assert (await decide(ask, appeal, True, 2, **TOP)).json()["code"] == "appeal_over"
    await town.keeper.recount()
    assert await number(ask) == (1, 2)
    assert (await file(ask, story, key="again")).status_code == 201


async def test_who_may_not_review(late: tuple[Town, Story], ask: Ask) -> None:
    _, story = late
    appeal = (await file(ask, story)).json()["appeal_id"]
    refused = [
        (await decide(ask, appeal, True, 1, role="dispatcher", unit="street-a", who="x"), "own_appeal"),
        (await decide(ask, appeal, True, 1, role="dispatcher", unit="centre-district", who="filer"), "own_appeal"),
        (await decide(ask, appeal, True, 1, **TOP), "forbidden"),
        (await decide(ask, appeal, True, 1, role="responder", unit="street-b", who="x"), "forbidden"),
        (await decide(ask, appeal, True, 7, **CENTRE), "version_stale"),
        (await decide(ask, str(uuid4()), True, 1, **CENTRE), "not_found"),
    ]
    assert [reply.json()["code"] for reply, _ in refused] == [code for _, code in refused]
    assert (await decide(ask, appeal, True, 1, **CENTRE)).status_code == 200
    both = await decide(ask, appeal, True, 2, role="supervisor", unit="centre-city", who="district")
    assert both.json()["code"] == "own_appeal", "nobody reviews at both steps"
    assert (await decide(ask, appeal, True, 2, **CENTRE | {"who": "other"})).json()["code"] == "forbidden"


async def test_what_cannot_be_filed(late: tuple[Town, Story], ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    _, story = late
    cases = [
        (await file(ask, story, kpi="nonsense"), "invalid"),
        (await file(ask, story, kpi="urged"), "invalid"),
        (await file(ask, story, kpi="satisfied", effect="correct"), "invalid"),
        (await file(ask, story, effect="praise"), "invalid"),
        (await file(ask, story, reason=""), "invalid"),
        (await file(ask, story, subject=str(uuid4())), "item_unknown"),
        (await file(ask, story, day="2026-03-01"), "item_unknown"),
        (await file(ask, story, unit="street-b"), "other_unit"),
        (await ask("/v1/appeals", role="responder", unit="street-a", body=filing(story)), "key_missing"),
        (await ask("/v1/appeals", role="agent", body=filing(story), idempotency_key="k"), "forbidden"),
    ]
    assert [reply.json()["code"] for reply, _ in cases] == [code for _, code in cases]
    monkeypatch.setattr(Desk, "now", lambda self: START + timedelta(days=31))
    assert (await file(ask, story)).json()["code"] == "appeal_late"


async def test_the_same_key_is_answered_once_and_another_appeal_about_the_item_is_refused(
    late: tuple[Town, Story], ask: Ask, pool: asyncpg.Pool
) -> None:
    _, story = late
    replies = await asyncio.gather(*(file(ask, story) for _ in range(5)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.json()["appeal_id"] for reply in replies}) == 1
    assert await pool.fetchval("SELECT count(*) FROM appeals") == 1
    assert (await file(ask, story, reason="另一个理由")).json()["code"] == "key_reused"
    assert (await file(ask, story, key="another")).json()["code"] == "appeal_open"


async def test_appeals_are_listed_by_step_and_a_responder_sees_his_units(late: tuple[Town, Story], ask: Ask) -> None:
    _, story = late
    appeal = (await file(ask, story)).json()["appeal_id"]
    listed = (await ask("/v1/appeals?state=centre&district=D")).json()
    assert [one["appeal_id"] for one in listed["items"]] == [appeal] and listed["next"] is None
    assert (await ask("/v1/appeals?state=granted")).json()["items"] == []
    assert (await ask("/v1/appeals", role="responder", unit="street-b")).json()["items"] == []
    assert (await ask(f"/v1/appeals/{appeal}", role="responder", unit="street-b")).json()["code"] == "other_unit"
    one = await ask(f"/v1/appeals/{appeal}", role="responder", unit="street-a")
    assert one.headers["etag"] == '"1"' and one.json()["reason"] == "系统当时停机"
