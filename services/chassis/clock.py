"""The only place that reads a clock. Everything else takes the time as an argument."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


def monotonic() -> float:
    """Seconds of a clock that never runs backwards, for measuring spans."""
    return time.monotonic()
