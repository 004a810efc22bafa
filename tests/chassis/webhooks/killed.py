"""A courier that dies right after a message has gone out: `python -m tests.chassis.webhooks.killed SCHEMA FILE`."""

import os
import sys
from datetime import timedelta
from pathlib import Path

from services.chassis.database import open_pool
from services.chassis.runner import run_async
from services.chassis.settings import ServiceSettings, read_settings
from services.chassis.webhooks.courier import Courier
from services.chassis.webhooks.platforms import Platforms

DEAD = 23


async def main() -> None:
    """Bring one message and die before saying so."""
    schema, file = sys.argv[1:3]
    pool = await open_pool(read_settings(ServiceSettings), schema)
    courier = Courier(pool, Platforms(Path(file)), lease=timedelta(seconds=1))

    async def die() -> None:
        os._exit(DEAD)

    courier.after_send = die
    await courier.run()


if __name__ == "__main__":
    run_async(main)
