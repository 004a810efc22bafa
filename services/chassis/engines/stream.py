"""The faust engine, where streams are processed, used in the one way that was proven not to lose events:

raw topics, nothing raised out of the loop, concurrency 1, acknowledged after the transaction, no tables, no leader
topic. The seam's watchdog is the only abort, and it ends the process hard, which leaves offsets where they were.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import faust
from faust.contrib.asgi import faust_app_running

from schemas.envelope import Headers, Record
from services.chassis.delivery import Seam
from services.chassis.engines.tolerance import be_tolerant
from services.chassis.logs import logger
from services.chassis.progress import STUCK
from services.chassis.standstill import Standstill

log = logger(__name__)
# Faust takes about so long over each event. A batch that is given less time is never full, however much lies waiting.
EVENT_S, SHORTEST_S = 80e-6, 0.01


class StreamEngine:
    """One faust app in this process; each (seam, topics) is an agent of its own."""

    def __init__(self, feeds: Sequence[tuple[Seam, Sequence[str]]], *, bootstrap: str, group: str, batch: int) -> None:
        self._app = faust.App(
            group,
            broker=f"kafka://{bootstrap}",
            store="memory://",
            autodiscover=False,
            web_enabled=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=2_200_000,
            broker_commit_interval=0.5,
            broker_session_timeout=10,
            broker_heartbeat_interval=2,
            broker_max_poll_interval=86_400.0,
            broker_max_poll_records=batch,
            stream_buffer_maxsize=4096,
            stream_wait_empty=True,
            cython_optimizations=True,
            table_standby_replicas=0,
        )
        self._batch = batch
        self._within = max(SHORTEST_S, batch * EVENT_S)
        self._stopping = asyncio.Event()
        for seam, topics in feeds:
            self._feed(seam, topics)
        be_tolerant()
        pulses = {topic: seam.progress for seam, topics in feeds for topic in topics}
        self._standstill = Standstill(bootstrap=bootstrap, group=group, feeds=pulses, assigned=self._assigned)

    def _assigned(self) -> list[tuple[str, int]]:
        return [(part.topic, part.partition) for part in self._app.consumer.assignment()]

    def _feed(self, seam: Seam, topics: Sequence[str]) -> None:
        source = self._app.topic(
            *topics, key_serializer="raw", value_serializer="raw", key_type=bytes, value_type=bytes
        )

        async def bring(stream: Any) -> None:
            events: AsyncIterator[list[Any]] = stream.take_events(self._batch, within=self._within)
            async for batch in events:
                seam.progress.begin()
                try:
                    await seam.handle([to_record(event) for event in batch])
                except Exception:  # out of this loop it would acknowledge the batch, and in time all that follow
                    log.exception("batch failed, ending the process", consumer=seam.handler.consumer)
                    os._exit(STUCK)
                finally:
                    seam.progress.end()

        self._app.agent(source, concurrency=1, name=f"{self._app.conf.id}-{seam.handler.consumer}")(bring)

    def stop(self) -> None:
        """Finish the batch under way, commit, and end."""
        self._stopping.set()

    async def run(self) -> None:
        """Read until stopped."""
        async with faust_app_running(self._app):
            watching = asyncio.ensure_future(self._standstill.run())
            while not self._stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), 1)
                if self._app.should_stop and not self._stopping.is_set():
                    log.error("faust ended by itself, ending the process")
                    os._exit(STUCK)
            watching.cancel()


def to_record(event: Any) -> Record:
    """A faust event as our record."""
    message = event.message
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        headers=_headers(message.headers),
        timestamp=int((message.timestamp or 0) * (1000 if (message.timestamp or 0) < 1e11 else 1)),
    )


def _headers(headers: Any) -> Headers:
    if not headers:
        return ()
    return tuple(headers.items()) if isinstance(headers, Mapping) else tuple(headers)
