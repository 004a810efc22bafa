"""When things happen: the day's curve, the storm in the middle of a run, and arrivals by chance along both."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import log
from zoneinfo import ZoneInfo

from msgspec import Struct

from deploy.simulator.grammar import GrammarFault, Rand

__all__ = ["Rhythm", "Window", "arrivals"]

# Share of the day's reports by local hour, 0 to 23, around a mean of 1: nights are quiet, offices open at nine.
_HOURS: tuple[float, ...] = (
    *(0.4, 0.3, 0.2, 0.15, 0.15, 0.25, 0.5, 0.95),
    *(1.6, 1.95, 1.95, 1.6, 1.2, 1.4, 1.75, 1.75),
    *(1.6, 1.4, 1.2, 1.15, 1.1, 0.95, 0.75, 0.55),
)
_STORM = (0.35, 0.7)  # of the window
_STORM_FACTOR = 4.0
_SAMPLES = 240


class Window(Struct, frozen=True):
    """From when (aware), for how long. Without an end (None) a day is the measure of everything."""

    start: datetime
    length: timedelta | None = None

    @property
    def seconds(self) -> float:
        """Its length in seconds; a day when it has no end."""
        return (self.length or timedelta(days=1)).total_seconds()


class Rhythm:
    """How busy a moment is. `rate` reports a second of simulated time is the mean over the window."""

    def __init__(self, window: Window, zone: str, rate: float, *, storm: bool = False) -> None:
        if rate <= 0 or window.seconds <= 0:
            raise GrammarFault("rate and duration must be over 0")
        self._window = window
        self._storm = storm
        local = window.start.astimezone(ZoneInfo(zone))
        self._first = local.hour * 3600 + local.minute * 60 + local.second
        mean = sum(self._shape((n + 0.5) * window.seconds / _SAMPLES) for n in range(_SAMPLES)) / _SAMPLES
        self._scale = rate / mean

    def rate(self, offset: float) -> float:
        """Reports a second of simulated time, `offset` seconds after the start."""
        return self._scale * self._shape(offset)

    def stormy(self, offset: float) -> float | None:
        """How far the storm has come, 0 to 1, `offset` seconds after the start; None outside it."""
        if not self._storm:
            return None
        begin, end = _STORM
        share = offset % self._window.seconds / self._window.seconds
        return (share - begin) / (end - begin) if begin <= share < end else None

    def _shape(self, offset: float) -> float:
        hour = (self._first + offset) / 3600 % 24
        here, part = int(hour), hour % 1
        usual = _HOURS[here] * (1 - part) + _HOURS[(here + 1) % 24] * part
        return usual if self.stormy(offset) is None else usual * _STORM_FACTOR


def arrivals(rhythm: Rhythm, window: Window, rand: Rand) -> Iterator[float]:
    """Seconds after the start at which reports arrive, in order, by chance (a Poisson process along the rhythm)."""
    offset = 0.0
    end = None if window.length is None else window.seconds
    while True:
        offset += -log(1.0 - rand()) / rhythm.rate(offset)
        if end is not None and offset >= end:
            return
        yield offset
