"""A stack of its own for each run, in a temporary folder; at the end the audit, and everything down again."""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from deploy.audit.run import audit, settle, spooled
from deploy.stack.keys import issue_token
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import Process
from schemas.vocabulary import Role
from tests.harness.servers import free_base

_PATIENCE = 240.0


class Audited(Struct):
    """How a run ended: whether everything came to rest, what was out of place, and how many were accepted."""

    rested: bool
    accepted: int
    findings: int
    first: str = ""

    @property
    def clean(self) -> bool:
        """Nothing was lost, doubled, orphaned or left without a clock."""
        return self.rested and self.findings == 0


def say(line: str) -> None:
    """A line for whoever watches."""
    print(f"  {line}", flush=True)


@asynccontextmanager
async def fresh(
    *, processes: Sequence[Process] | None = None, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Stack]:
    """A running stack with nothing in it. `environment` is given to the services beside what the stack gives them."""
    home = Path(tempfile.mkdtemp(prefix="paidan-bench-"))
    stack = Stack(home, free_base(), "shanghai", processes=processes)
    before = dict(os.environ)
    os.environ.update(environment or {})
    try:
        await asyncio.to_thread(stack.up)
        yield stack
    finally:
        await asyncio.to_thread(stack.down)
        os.environ.clear()
        os.environ.update(before)
        with contextlib.suppress(OSError):
            shutil.rmtree((home / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


async def rested(stack: Stack) -> bool:
    """Wait until no group lags and no outbox holds a row; whether that came about."""
    url = stack.database_url("paidan_audit")
    return await asyncio.to_thread(settle, stack.kafka_bootstrap, url, _PATIENCE, lambda _: None)


async def audited(stack: Stack) -> Audited:
    """Wait until nothing moves, then reconcile everything that was accepted."""
    still = await rested(stack)

    def reconcile() -> Audited:
        url = stack.database_url("paidan_audit")
        spool = stack.home.state_of("intake") / "spool"
        found = audit(stack.kafka_bootstrap, url, spooled(spool), datetime.now(UTC))
        first = f"{found.findings[0]}" if found.findings else ""
        return Audited(still, sum(line.accepted for line in found.lines), len(found.findings), first)

    return await asyncio.to_thread(reconcile)


def token(stack: Stack, role: Role, *, unit: str | None = None) -> str:
    """A sign-in token of this stack's issuer."""
    return issue_token(role, subject=f"bench-{role}-{unit or ''}", unit=unit, ttl=timedelta(hours=2), home=stack.home)
