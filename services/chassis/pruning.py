"""Forgetting what need not be remembered for ever: inbox ids and idempotency keys, after 45 days."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from services.chassis.errors import is_wait
from services.chassis.logs import logger

log = logger(__name__)
KEPT = timedelta(days=45)
EVERY_S = 3600.0
CHUNK = 10_000


async def prune(pool: asyncpg.Pool, table: str, kept: timedelta = KEPT) -> int:
    """Delete rows of a table of ours whose `at` is older, in short transactions so that nobody waits; how many. The
    name is one of our own constants, never a caller's word."""
    gone = 0
    while True:
        status: str = await pool.execute(
            f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("
            f"SELECT ctid FROM {table} WHERE at < now() - $1::interval LIMIT $2))",
            kept,
            CHUNK,
        )
        deleted = int(status.split()[-1])
        gone += deleted
        if deleted < CHUNK:
            return gone


async def prune_for_ever(pool: asyncpg.Pool, tables: Sequence[str]) -> None:
    """Prune once an hour."""
    while True:
        try:
            for table in tables:
                if gone := await prune(pool, table):
                    log.info("pruned", table=table, rows=gone)
        except Exception as error:  # never worth ending a process for; the next hour comes
            if not is_wait(error):
                log.error("pruning failed", error=type(error).__name__, exc_info=True)
        await asyncio.sleep(EVERY_S)
