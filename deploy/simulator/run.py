"""One run: send at the city's pace, let responders work, then reconcile."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from msgspec import Struct

from deploy.simulator.crew import Crew, TokenFor
from deploy.simulator.front_door import Bulk, Direct, Door, Single
from deploy.simulator.ledger import Ledger
from deploy.simulator.reconcile import Outcome, Reconciler
from deploy.simulator.stream import READINGS, Mix, Sent, stream
from deploy.simulator.tally import Tally
from schemas.city import City
from schemas.vocabulary import Tier
from services.chassis.publisher import Publisher

__all__ = ["Addresses", "Plan", "Progress", "Watch", "simulate"]

BULK_EVERY_S = 0.1
BULK_MOST = 500
SENDERS = 8
_MINUTES_A_RUN = 150  # at least as many simulated minutes does a responder live through in one run
_GRACE_S = 2.0


class Addresses(Struct, frozen=True):
    """Where the services and Kafka answer."""

    intake: str
    dispatch: str
    supervision: str
    kafka: str


class Plan(Struct, frozen=True):
    """What one run shall do. `rate` is reports a second of the clock on the wall, the mean over the run; `speed_up` is
    how many simulated seconds pass in one of them; `way` is `single`, `bulk` or `kafka`."""

    seed: int
    run: str
    duration_s: float
    rate: float = 5.0
    speed_up: float = 1.0
    mix: Mix = Mix()
    storm: bool = False
    way: str = "single"
    responders: int = 0
    patience_s: float = 60.0
    ledger: Path | None = None


class Progress(Struct, frozen=True):
    """Where a run is: what it does now, how far it is (0 to 1), and what was counted."""

    doing: str
    share: float
    tally: Tally


Watch = Callable[[Progress], None]


async def simulate(city: City, plan: Plan, at: Addresses, token: TokenFor, watch: Watch) -> tuple[Tally, Outcome]:
    """Run it. Simulated time ends now: with a speed-up it began in the past, so that no time sent lies ahead.

    Raises NotTaken when the front door takes nothing for the plan's patience.
    """
    tally = Tally()
    began = datetime.now(UTC)
    headers = {"Authorization": f"Bearer {token('gateway', '')}"}
    limits = httpx.Limits(max_connections=SENDERS + 4)
    async with httpx.AsyncClient(headers=headers, timeout=35.0, limits=limits) as client:
        with Ledger(plan.ledger) as ledger:
            async with _door(plan, client, at, tally, ledger) as door, _crew(city, plan, at, token, began, tally):
                await _send(city, plan, door, tally, watch)
                await asyncio.sleep(_GRACE_S if plan.responders else 0)
    watch(Progress("reconciling", 0.0, tally))
    return tally, await _reconcile(plan, at, token, began, tally, watch)


@asynccontextmanager
async def _door(
    plan: Plan, client: httpx.AsyncClient, at: Addresses, tally: Tally, ledger: Ledger
) -> AsyncIterator[Door]:
    if plan.way != "kafka":
        kind = Bulk if plan.way == "bulk" else Single
        yield kind(client, at.intake, tally, ledger, plan.patience_s)
        return
    publisher = Publisher(at.kafka, client_id="paidan-simulator")
    await publisher.start()
    try:
        yield Direct(publisher, tally, ledger, lambda item: bool(item.meant and item.meant.danger))
    finally:
        await publisher.stop()


@asynccontextmanager
async def _crew(
    city: City, plan: Plan, at: Addresses, token: TokenFor, began: datetime, tally: Tally
) -> AsyncIterator[None]:
    """The responders, at work while the block runs."""
    if not plan.responders:
        yield
        return
    minute = min(60.0 / plan.speed_up, plan.duration_s / _MINUTES_A_RUN)
    centre = next((u.unit_id for u in city.units if u.tier is Tier.CITY and u.function == "centre"), "")
    async with httpx.AsyncClient(timeout=35.0, limits=httpx.Limits(max_connections=plan.responders + 4)) as client:
        crew = Crew(
            client,
            at.dispatch,
            token,
            seed=plan.seed,
            size=plan.responders,
            minute=minute,
            centre=centre,
            since=began,
        )
        tally.steps = crew.steps
        working = asyncio.create_task(crew.work())
        try:
            yield
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working


async def _send(city: City, plan: Plan, door: Door, tally: Tally, watch: Watch) -> None:
    """Hand everything to the door at its time, several requests under way at once."""
    length = timedelta(seconds=plan.duration_s * plan.speed_up)
    start = datetime.now(UTC) + timedelta(seconds=plan.duration_s) - length
    items = stream(
        city,
        plan.seed,
        start=start,
        length=length,
        rate=plan.rate / plan.speed_up,
        mix=plan.mix,
        storm=plan.storm,
        run=plan.run,
    )
    reports: asyncio.Queue[list[Sent] | None] = asyncio.Queue(maxsize=2 * SENDERS)
    readings: asyncio.Queue[list[Sent] | None] = asyncio.Queue(maxsize=2 * SENDERS)
    lanes = [*[reports] * (SENDERS - 1), readings]  # one sender for readings: a device's must not overtake each other

    async def sender(waiting: asyncio.Queue[list[Sent] | None]) -> None:
        while (group := await waiting.get()) is not None:
            await door.send(group)

    zero = time.monotonic()
    try:
        async with asyncio.TaskGroup() as senders:
            for lane in lanes:
                senders.create_task(sender(lane))
            for group, offset in _groups(items, plan, start):
                ahead = zero + offset - time.monotonic()
                if ahead > 0:
                    await asyncio.sleep(ahead)
                else:
                    tally.behind_s = max(tally.behind_s, -ahead)
                for waiting, part in zip((reports, readings), _parted(group), strict=True):
                    if part:
                        await waiting.put(part)
                watch(Progress("sending", min(offset / plan.duration_s, 1.0), tally))
            for lane in lanes:
                await lane.put(None)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


def _parted(group: list[Sent]) -> tuple[list[Sent], list[Sent]]:
    """Reports, and readings."""
    return [item for item in group if item.path != READINGS], [item for item in group if item.path == READINGS]


def _groups(items: Iterable[Sent], plan: Plan, start: datetime) -> Iterable[tuple[list[Sent], float]]:
    """What is handed over together, with its second of the run: one by one, or what falls into a tenth of a second."""
    group: list[Sent] = []
    first = 0.0
    for item in items:
        offset = (item.at - start).total_seconds() / plan.speed_up
        if plan.way == "single":
            yield [item], offset
            continue
        if group and (offset - first >= BULK_EVERY_S or len(group) >= BULK_MOST):
            yield group, first + BULK_EVERY_S
            group = []
        if not group:
            first = offset
        group.append(item)
    if group:
        yield group, first + BULK_EVERY_S


async def _reconcile(
    plan: Plan, at: Addresses, token: TokenFor, began: datetime, tally: Tally, watch: Watch
) -> Outcome:
    found = 0

    def step(more: int) -> None:
        nonlocal found
        found += more
        watch(Progress("reconciling", found / max(len(tally.accepted), 1), tally))

    headers = {"Authorization": f"Bearer {token('supervisor', '')}"}
    async with httpx.AsyncClient(headers=headers, timeout=35.0) as client:
        reconciler = Reconciler(client, at.dispatch, at.supervision, plan.patience_s)
        return await reconciler.reconcile(tally.accepted, began - timedelta(seconds=1), step)
