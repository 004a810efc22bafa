"""Brings what waits for other platforms: at least once, each stream in order, no destination slowed by another.

Several processes may run one; rows are claimed, so each is brought by one of them at a time. Nothing is held while a
platform is spoken to: no transaction, no connection of the pool.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import httpx

from services.chassis import metrics
from services.chassis.chance import fraction
from services.chassis.clock import Clock, SystemClock, monotonic
from services.chassis.database import patiently
from services.chassis.errors import is_wait
from services.chassis.logs import logger
from services.chassis.webhooks import deliveries
from services.chassis.webhooks.backoff import is_last, pause_after
from services.chassis.webhooks.deliveries import Claimed
from services.chassis.webhooks.mail import post, sealed
from services.chassis.webhooks.office import Letter
from services.chassis.webhooks.outcome import Outcome
from services.chassis.webhooks.platforms import Platform, Platforms
from services.chassis.webhooks.signing import signed

log = logger(__name__)
SLOTS = 4  # deliveries under way to one destination
EVERY_S = 1.0
MEASURE_S = 5.0
PRUNE_S = 3600.0
CONNECT_S, TOTAL_S = 5.0, 15.0
LEASE = timedelta(seconds=60)  # longer than any attempt
ANSWER_BYTES = 2_000


class Courier:
    """The delivery worker of one service."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        platforms: Platforms,
        *,
        clock: Clock | None = None,
        lease: timedelta = LEASE,
        total: float = TOTAL_S,
        pause: Callable[[int, float, float], float] = pause_after,
        write: Callable[[bytes], Letter] | None = None,
    ) -> None:
        """`write` makes a letter of a body, for those who are told by mail; without it none are sent."""
        self._pool = pool
        self._platforms = platforms
        self._clock = clock or SystemClock()
        self._lease = lease
        self._total = total
        self._pause = pause
        self._write = write
        self._flying: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._next_measure = self._next_prune = 0.0
        self._measured: set[str] = set()
        self.after_send: Callable[[], Awaitable[None]] | None = None  # a seam for tests that kill between the two

    async def run(self) -> None:
        """Bring for ever. What is under way when it is cancelled is brought again later, under the same id."""
        # The machine's own certificates, no proxy from the environment, and never a redirect: a message goes where
        # the platforms' file says or nowhere.
        limits = httpx.Timeout(self._total, connect=CONNECT_S)
        client = httpx.AsyncClient(
            verify=ssl.create_default_context(),
            timeout=limits,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),  # SLOTS is the bound, for each
            follow_redirects=False,
            trust_env=False,
        )
        async with client:
            try:
                while True:
                    await self._look(client)
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look(self, client: httpx.AsyncClient) -> None:
        self._wake.clear()
        try:
            await self._turn(client)
            await self._keep_house()
        except Exception as error:  # outlives every failure; waits are expected, others are told
            if not is_wait(error):
                log.error("looking for deliveries failed", error=type(error).__name__, exc_info=True)
        try:
            async with asyncio.timeout(EVERY_S):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _turn(self, client: httpx.AsyncClient) -> None:
        known = self._platforms.now()
        told = {name: p for name, p in known.items() if p.url or (p.mail and self._write is not None)}
        free = {name: SLOTS - self._flying[name] for name in told if self._flying[name] < SLOTS}
        if not free:
            return
        for one in await deliveries.claim(self._pool, free, self._lease):
            self._flying[one.destination] += 1
            task = asyncio.create_task(self._bring(client, told[one.destination], one))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _bring(self, client: httpx.AsyncClient, platform: Platform, one: Claimed) -> None:
        try:
            outcome = await self._attempt(client, platform, one)
            if self.after_send is not None:
                await self.after_send()
            await patiently(lambda: self._settle(one, outcome))
        except Exception as error:  # the row is due again after its lease; the courier goes on
            log.error("a delivery failed", id=str(one.id), error=type(error).__name__, exc_info=True)
        finally:
            self._flying[one.destination] -= 1
            self._wake.set()

    async def _attempt(self, client: httpx.AsyncClient, platform: Platform, one: Claimed) -> Outcome:
        if platform.office is not None and self._write is not None:
            letter = self._write(one.body)
            message = sealed(platform.office, platform.mail, str(one.id), letter, self._clock.now())
            return await post(platform.office, platform.mail, message, self._total)
        headers = signed(platform.sign_with, str(one.id), self._clock.now(), one.body)
        headers |= {"content-type": "application/json", "user-agent": "paidan"}
        try:
            async with asyncio.timeout(self._total):
                async with client.stream("POST", platform.url, content=one.body, headers=headers) as reply:
                    return _judged(reply, await _beginning(reply))
        except TimeoutError:
            return Outcome("failed", f"no answer within {self._total:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Outcome("failed", f"{type(error).__name__}: {error}")

    async def _settle(self, one: Claimed, outcome: Outcome) -> None:
        told = outcome.kind
        if outcome.kind == "delivered":
            await deliveries.delivered(self._pool, one)
        elif outcome.kind == "gone":
            await deliveries.pause(self._pool, one.destination, outcome.reason)
            await deliveries.again(self._pool, one, timedelta(0), outcome.reason)
            log.warning("a platform wants no more webhooks; paused", destination=one.destination)
        elif outcome.kind == "refused" or is_last(one.attempts):
            told = "dead"
            await deliveries.dead(self._pool, one, outcome.reason)
            log.error("a delivery was given up", id=str(one.id), destination=one.destination, type=one.type)
        else:
            pause = self._pause(one.attempts, fraction(), outcome.asked)
            await deliveries.again(self._pool, one, timedelta(seconds=pause), outcome.reason)
        metrics.WEBHOOKS.labels(one.destination, told).inc()

    async def _keep_house(self) -> None:
        now = monotonic()
        if now >= self._next_measure:
            self._next_measure = now + MEASURE_S
            await self._measure()
        if now >= self._next_prune:
            self._next_prune = now + PRUNE_S
            await deliveries.prune(self._pool)

    async def _measure(self) -> None:
        found = {one.destination: one for one in await deliveries.standing(self._pool)}
        for name in self._measured | found.keys():
            one = found.get(name) or deliveries.Standing(name, 0, 0.0, 0, "")
            metrics.WEBHOOKS_WAITING.labels(name).set(one.waiting)
            metrics.WEBHOOKS_OLDEST.labels(name).set(one.oldest)
            metrics.WEBHOOKS_DEAD.labels(name).set(one.dead)
            metrics.WEBHOOKS_PAUSED.labels(name).set(1 if one.paused else 0)
        self._measured |= found.keys()


async def _beginning(reply: httpx.Response) -> str:
    """The first part of an answer, which is all that is ever read of one."""
    taken = b""
    async for part in reply.aiter_raw(ANSWER_BYTES):
        taken += part
        if len(taken) >= ANSWER_BYTES:
            break
    return taken[:ANSWER_BYTES].decode(errors="replace").replace("\0", "")


def _judged(reply: httpx.Response, said: str) -> Outcome:
    status = reply.status_code
    if 200 <= status < 300:
        return Outcome("delivered")
    if status == 410:
        return Outcome("gone", "410 the platform wants no more")
    asked = reply.headers.get("retry-after", "")
    seconds = float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0.0
    redirect = " redirects are not followed" if 300 <= status < 400 else ""
    return Outcome("failed", f"{status}{redirect} {said}".rstrip(), seconds)
