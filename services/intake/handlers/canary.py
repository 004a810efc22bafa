"""A report of our own once a minute (自检), which goes the way of every report: door, Kafka, router, dispatch.

It counts as answered, so it opens no order, stands in nobody's queue and in no number; dispatch tells how long it took.
When none arrives the way is broken, whatever each process says of itself.
"""

import asyncio

from schemas.facts import Answer, ReportReceived
from schemas.vocabulary import Source
from services.chassis.chance import random_id
from services.chassis.clock import Clock
from services.chassis.logs import logger
from services.intake.handlers.door import Door, Parcel

log = logger(__name__)
TEXT = "系统自检 | a report of the system's own"


async def sing(door: Door, clock: Clock, every: float) -> None:
    """Send one every so many seconds, for ever; a refused one is told."""
    while True:
        await asyncio.sleep(every)
        now = clock.now()
        report = ReportReceived(
            source=Source.CANARY,
            received_at=now,
            report_id=random_id(),
            text=TEXT,
            answered=Answer(text=TEXT, by="paidan"),
        )
        (became,) = await door.accept([Parcel(report, ())])
        if isinstance(became, Exception):
            log.warning("the canary was refused", error=str(became))
