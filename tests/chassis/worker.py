"""A toy worker as a process of its own: `python -m tests.chassis.worker ENGINE SCHEMA GROUP TOPIC`; settings come from
the environment as for any service."""

import sys

from services.chassis import logs
from services.chassis.database import open_pool
from services.chassis.delivery import Seam
from services.chassis.engines.loop import LoopEngine
from services.chassis.engines.stream import StreamEngine
from services.chassis.runner import Engine, run_async, run_worker
from services.chassis.settings import ServiceSettings, read_settings
from tests.chassis.ledger import Ledger


def engine_of(
    kind: str, seam: Seam, settings: ServiceSettings, group: str, topic: str, batch: int
) -> LoopEngine | StreamEngine:
    """One of the two engines on one topic."""
    if kind == "loop":
        return LoopEngine(seam, bootstrap=settings.kafka_bootstrap, group=group, topics=[topic], batch=batch)
    return StreamEngine([(seam, [topic])], bootstrap=settings.kafka_bootstrap, group=group, batch=batch)


async def main() -> None:
    """Run until SIGTERM."""
    kind, schema, group, topic = sys.argv[1:5]
    settings = read_settings(ServiceSettings)
    pool = await open_pool(settings, schema)
    seam = Seam(Ledger(), pool, settings)
    engine = engine_of(kind, seam, settings, group, topic, 50)

    async def close() -> None:
        await pool.close()

    await run_worker([Engine(engine.run, engine.stop)], settings, pulses=[seam.progress], close=close)


if __name__ == "__main__":
    logs.set_up("toy", sys.argv[1])
    run_async(main)
