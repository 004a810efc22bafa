"""What the topics tell after a run: when each thing was said, by the time stamps that the producers set."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

from deploy.audit.on_kafka import _all as records_of
from schemas.envelope import Record

CLOCKS_SET = b"paidan.v1.ClocksSet"


async def read(bootstrap: str, topic: str, look: Callable[[Record], None]) -> None:
    """Show `look` every record of a topic, up to its present end."""

    def all_of_it() -> None:
        for record in records_of(bootstrap, [topic]):
            look(record)

    await asyncio.to_thread(all_of_it)


def kind_of(record: Record) -> bytes:
    """Its `ce_type`, empty without one."""
    return next((value for key, value in record.headers if key == "ce_type"), b"")


async def clocks_set_at(bootstrap: str) -> list[float]:
    """When each ClocksSet was published (seconds since the epoch), sorted. It is written with the clocks' rows and
    published after their commit, so it is never early."""
    moments: list[float] = []

    def look(record: Record) -> None:
        if kind_of(record) == CLOCKS_SET:
            moments.append(record.timestamp / 1000)

    await read(bootstrap, "supervision.events", look)
    return sorted(moments)


@asynccontextmanager
async def looking(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the audit role."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def counts(url: str) -> dict[str, int]:
    """How many reports have their promise's clock, how many orders there are, clocks, assignments."""
    async with looking(url) as connection:
        row = await connection.fetchrow(
            "SELECT (SELECT count(DISTINCT report_id) FROM supervision.clocks WHERE stage = 'total') AS clocked,"
            " (SELECT count(*) FROM dispatch.orders) AS orders, (SELECT count(*) FROM supervision.clocks) AS clocks,"
            " (SELECT count(*) FROM dispatch.assignments) AS assignments,"
            " (SELECT count(*) FROM router.decisions) AS decided,"
            " (SELECT count(*) FROM dispatch.orders WHERE status = 'triage') AS triage"
        )
        assert row is not None
        return dict(row)
