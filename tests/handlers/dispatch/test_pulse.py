"""What waits for people is counted while it waits, by district, and no longer than that."""

from datetime import UTC, datetime

import asyncpg
from prometheus_client import REGISTRY

from schemas.facts import ReportAnswered
from schemas.vocabulary import Source, Urgency
from services.dispatch.handlers import Pulse
from tests.handlers.dispatch.client import Desk
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import DIRECTORY, a_plan, a_report, in_triage, proposed


def shown(name: str, what: str, key: str) -> float | None:
    return REGISTRY.get_sample_value(f"paidan_waiting_for_people{name}", {"what": what, "key": key})


async def test_a_danger_counts_until_its_lead_accepts(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    pulse = Pulse(DIRECTORY)
    grave = proposed(a_report(), a_plan("s1-road", urgency=Urgency.CRITICAL))
    await send(grave, proposed(a_report(), a_plan("s1-road")))
    await pulse.measure(pool)
    district = DIRECTORY.district_of(grave.plan.place.division)
    assert shown("", "danger", district) == 1, "the ordinary one is no danger"
    oldest = shown("_oldest_seconds", "danger", district)
    assert oldest is not None and 0 <= oldest < 60
    assert (await desk.person("responder", "s1-road").on_part(grave.order_id, "accept", "s1-road"))[0] == 200
    await pulse.measure(pool)
    assert (shown("", "danger", district), shown("_oldest_seconds", "danger", district)) == (0, 0)


async def test_a_canary_is_kept_and_timed_and_opens_nothing(pool: asyncpg.Pool, send: Send) -> None:
    before = REGISTRY.get_sample_value("paidan_canary_seconds_count") or 0
    report = a_report(source=Source.CANARY, received_at=datetime.now(UTC))
    await send(ReportAnswered(report=report, plan=a_plan()))
    assert await pool.fetchval("SELECT state FROM reports WHERE source = 'canary'") == "answered"
    assert await pool.fetchval("SELECT count(*) FROM orders") == 0
    assert REGISTRY.get_sample_value("paidan_canary_seconds_count") == before + 1
    arrived = REGISTRY.get_sample_value("paidan_canary_last_seconds", {"lane": "normal"})
    assert arrived is not None and abs(arrived - datetime.now(UTC).timestamp()) < 60


async def test_triage_and_requests_count_until_somebody_decides(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    pulse = Pulse(DIRECTORY)
    waiting = in_triage()
    order = proposed(a_report(), a_plan("s1-road"))
    await send(waiting, order)
    person = desk.person("responder", "s1-road")
    assert (await person.on_part(order.order_id, "accept", "s1-road"))[0] == 200
    body = {"kind": "return", "reason": "not_our_duty", "basis": "三定方案", "suggested_unit": "s1-clean"}
    assert (await person.on_part(order.order_id, "request", "s1-road", **body))[0] == 200
    await pulse.measure(pool)
    district = DIRECTORY.district_of(waiting.plan.place.division)
    assert (shown("", "triage", district), shown("", "request", "return")) == (1, 1)
    request = (await person.order(order.order_id))["requests"][-1]
    centre = desk.person("dispatcher", "s1")
    decided = {"granted": False, "note": "是你们的"}
    assert (await centre.post(f"/v1/requests/{request['request_id']}/decision", request["version"], decided))[0] == 200
    await pulse.measure(pool)
    assert (shown("", "triage", district), shown("", "request", "return")) == (1, 0)


async def test_orders_that_are_as_none_may_be_are_counted(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    pulse = Pulse(DIRECTORY)
    orders = [proposed(a_report(), a_plan("s1-road", "s1-clean")) for _ in range(4)]
    await send(*orders)

    async def broken(what: str) -> float | None:
        await pulse.invariants(pool)
        return REGISTRY.get_sample_value("paidan_invariant_broken", {"what": what})

    assert [await broken(what) for what in ("unassigned", "two_leads", "reportless")] == [0, 0, 0]
    await pool.execute("DELETE FROM assignments WHERE order_id = $1", orders[0].order_id)
    await pool.execute("UPDATE assignments SET role = 'lead' WHERE order_id = $1", orders[1].order_id)
    await pool.execute("DELETE FROM reports WHERE order_id = $1", orders[2].order_id)
    assert [await broken(what) for what in ("unassigned", "two_leads", "reportless")] == [1, 1, 1]
