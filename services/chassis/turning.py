"""The day on which a city is reorganised: what a process compiled from the pack at start holds until then."""

import asyncio
from datetime import datetime, time
from zoneinfo import ZoneInfo

from schemas.city import City
from services.chassis.clock import SystemClock
from services.chassis.logs import logger

LOOK = 60.0  # seconds at most between two looks at the clock, which may be set meanwhile
log = logger(__name__)


async def day_turns(city: City) -> None:
    """Wait for the midnight (in the city's time) from which other divisions or units stand than those that were read;
    for ever where the pack knows of none. A process that ends then is started anew and reads those of the new day."""
    if city.turns_on is None:
        await asyncio.get_running_loop().create_future()
        return
    clock, midnight = SystemClock(), datetime.combine(city.turns_on, time(), ZoneInfo(city.timezone))
    while (left := (midnight - clock.now()).total_seconds()) > 0:
        await asyncio.sleep(min(left, LOOK))
    log.info("the city is reorganised: ending, to start anew", on=city.turns_on.isoformat())
