"""The way out of one lane: straight to Kafka, or into the spool behind what already waits there."""

import asyncio
from collections.abc import Sequence

from schemas.envelope import Outgoing, Record
from schemas.refusals import Refused
from schemas.topics import BY_NAME, DLQ
from services.chassis.clock import Clock
from services.chassis.dead_letters import dead_letter
from services.chassis.errors import is_wait
from services.chassis.logs import logger
from services.chassis.publisher import REFUSALS, SMALL, WORTH_PACKING, Publisher
from services.intake.store.spool import Place, Spool

log = logger(__name__)
DRAIN_RECORDS = 1000
LAST_RECORDS = 500  # with so few left, newcomers wait for them instead of queueing up behind
PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
Sent = Place | Refused | None  # where it waits, why it cannot be taken, or None: Kafka has it


class Outlet:
    """One lane. `send` answers when each message is safe: acknowledged by Kafka, or on the disk."""

    def __init__(self, publisher: Publisher, spool: Spool, *, send_timeout: float, clock: Clock) -> None:
        self.spool = spool
        self._publisher = publisher
        self._timeout = send_timeout
        self._clock = clock
        self._spooling = not spool.empty
        self._gate: asyncio.Future[None] | None = None

    @property
    def direct(self) -> bool:
        """Whether messages go straight to Kafka."""
        return not self._spooling and self._publisher.connected

    async def send(self, messages: Sequence[Outgoing]) -> list[Sent]:
        """What became of each message, in their order."""
        while self._gate is not None:
            await asyncio.shield(self._gate)
        if not self.direct:
            return await self._keep(messages)
        results = await self._publish(messages)
        left = [n for n, done in enumerate(results) if done is False]
        answers: list[Sent] = [done if isinstance(done, Refused) else None for done in results]
        if left:
            self._spooling = True
            for n, kept in zip(left, await self._keep([messages[n] for n in left]), strict=True):
                answers[n] = kept
        return answers

    async def _publish(self, messages: Sequence[Outgoing]) -> list[bool | Refused]:
        """Send and wait, together at most the time-out. False: not acknowledged (it may still arrive, then as a
        repeat of what the spool will send)."""
        futures: list[asyncio.Future[object] | Refused] = []
        try:
            async with asyncio.timeout(self._timeout):
                if len(messages) >= WORTH_PACKING and all(len(message.value) < SMALL for message in messages):
                    futures += await self._publisher.send_many(messages)
                for message in messages[len(futures) :]:
                    try:
                        futures.append(await self._publisher.send(message))
                    except REFUSALS:
                        futures.append(Refused("body_too_large"))
                for future in futures:
                    if not isinstance(future, Refused):
                        await future
        except Exception as error:  # sorted: a time-out and Kafka's own failures mean "not now"
            if not is_wait(error):
                raise
        results = [_outcome(future) for future in futures]
        return results + [False] * (len(messages) - len(results))

    async def _keep(self, messages: Sequence[Outgoing]) -> list[Sent]:
        self._spooling = True
        try:
            place = await self.spool.append(list(messages))
        except Refused as refused:
            return [refused] * len(messages)
        return [place] * len(messages)

    async def run(self) -> None:
        """Drain whenever something waits; for ever. Begins once Kafka has been reached for the first time."""
        while True:
            if not self._spooling:
                await self.spool.filled.wait()
            await self._drain()

    async def _drain(self) -> None:
        self._spooling = True
        started = self.spool.records
        while self._spooling:
            if self.spool.records > LAST_RECORDS:
                await self._drain_part()
            else:
                await self._drain_last()
        log.info("spool drained", lane=self.spool.lane, records=started)

    async def _drain_part(self) -> None:
        """Bring the next records to Kafka, or wait for those that are on their way to the disk."""
        messages, end = await self.spool.read(DRAIN_RECORDS)
        if messages:
            await self._deliver(messages)
            await self.spool.drained(end, len(messages))
        else:
            await self.spool.settled()

    async def _drain_last(self) -> None:
        """Close the gate, drain what is left and go over to direct sends. If Kafka does not answer in time the gate
        opens again, and the work goes on with newcomers queueing up behind."""
        self._gate = asyncio.get_running_loop().create_future()
        rest = asyncio.ensure_future(self._drain_rest())
        try:
            done, _ = await asyncio.wait([rest], timeout=self._timeout)
            if done and not rest.exception() and self.spool.empty:
                await self.spool.clear()
                self._spooling = not self.spool.empty
            self._open_gate()
            await rest
        finally:
            self._open_gate()
            rest.cancel()

    async def _drain_rest(self) -> None:
        while self._gate is not None and self.spool.records:
            await self._drain_part()

    def _open_gate(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None and not gate.done():
            gate.set_result(None)

    async def _deliver(self, messages: list[Outgoing]) -> None:
        """Send until Kafka has them all. One attempt waits for ever: an idempotent producer repeats by itself."""
        pause = PAUSE_S
        while True:
            try:
                refused = await self._publisher.send_all(messages)
            except Exception as error:  # whatever it is, what was promised stays in the spool
                log.warning(
                    "drain waits", lane=self.spool.lane, error=type(error).__name__, exc_info=not is_wait(error)
                )
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
                continue
            if not refused:
                return
            messages = [self._dead(message, str(error)) for message, error in refused]

    def _dead(self, message: Outgoing, cause: str) -> Outgoing:
        """What Kafka will never take under its topic's limit goes to the dead letters, which take twice the size."""
        log.error("kafka refused a spooled message for good", lane=self.spool.lane, topic=message.topic)
        record = Record(message.topic, -1, -1, message.key, message.value, message.headers)
        assert message.topic + DLQ in BY_NAME
        return dead_letter(record, "body_too_large", cause, "intake", self._clock.now())

    async def close(self) -> None:
        """Finish what is on its way to the disk."""
        self._open_gate()
        await self.spool.close()


def _outcome(future: "asyncio.Future[object] | Refused") -> bool | Refused:
    if isinstance(future, Refused):
        return future
    if not future.done() or future.cancelled():
        return False
    error = future.exception()
    if isinstance(error, REFUSALS):
        return Refused("body_too_large")
    return error is None
