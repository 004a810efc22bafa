"""What falls due is counted by stage and district while it runs."""

import asyncpg
from prometheus_client import REGISTRY

from services.chassis.delivery import Seam
from services.supervision.handlers import Pulse
from tests.rules.supervision_timeline.story import Story, records
from tests.rules.supervision_timeline.toy import CITY, START


def shown(within: str, stage: str = "accept") -> float:
    found = [
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "paidan_clocks_due" and (sample.labels["within"], sample.labels["stage"]) == (within, stage)
    ]
    return sum(found)


async def test_what_falls_due_is_counted_while_it_runs(pool: asyncpg.Pool, seam: Seam) -> None:
    pulse = Pulse(pool, CITY)
    for name in ("soon", "today", "later", "met"):
        await seam.handle(records(*Story(name).opened(START).outgoing()))
    orders = [row["order_id"] for row in await pool.fetch("SELECT order_id FROM clocks WHERE stage = 'accept'")]
    assert len(orders) == 4
    for order_id, hours in zip(orders, (1, 5, 49, 1), strict=True):
        await pool.execute(
            "UPDATE clocks SET due = now() + make_interval(hours => $2), next_at = now() + make_interval(hours => $2)"
            " WHERE order_id = $1 AND stage = 'accept'",
            order_id,
            hours,
        )
    await pool.execute("UPDATE clocks SET state = 'met' WHERE order_id = $1", orders[-1])
    await pulse.measure()
    assert (shown("2h"), shown("24h")) == (1, 2)
    await pool.execute("UPDATE clocks SET state = 'met'")
    await pulse.measure()
    assert (shown("2h"), shown("24h")) == (0, 0)


async def test_an_open_order_without_clocks_is_counted(pool: asyncpg.Pool, seam: Seam) -> None:
    pulse = Pulse(pool, CITY)
    for name in ("kept", "bare"):
        await seam.handle(records(*Story(name).opened(START).outgoing()))
    await pulse.invariants()
    assert REGISTRY.get_sample_value("paidan_invariant_broken", {"what": "clockless"}) == 0
    await pool.execute("DELETE FROM clocks WHERE order_id = $1", Story("bare").order_id)
    await pulse.invariants()
    assert REGISTRY.get_sample_value("paidan_invariant_broken", {"what": "clockless"}) == 1
