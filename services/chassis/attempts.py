"""How often something may go wrong before it has to wait: guessing takes longer than it is worth.

Counted in memory by each process, and forgotten when it starts anew.
"""

from collections import OrderedDict, deque
from collections.abc import Callable

from schemas.refusals import Refused
from services.chassis.clock import monotonic


class Attempts:
    """Failures by key: after `most` of them within `seconds` nothing more is heard until the oldest is that old."""

    KEYS = 50_000  # the longest untouched are forgotten beyond that

    def __init__(self, most: int, seconds: float, now: Callable[[], float] = monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._now = now
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, key: str) -> None:
        """Raises Refused `too_many_requests`, with the seconds to wait."""
        failures = self._recent(key)
        if len(failures) >= self._most:
            wait = failures[0] + self._seconds - self._now()
            raise Refused("too_many_requests", retry_after=max(1, round(wait)))

    def failed(self, key: str) -> None:
        """One more failure."""
        failures = self._recent(key)
        failures.append(self._now())
        self._failures[key] = failures
        self._failures.move_to_end(key)
        while len(self._failures) > self.KEYS:
            self._failures.popitem(last=False)

    def _recent(self, key: str) -> deque[float]:
        failures = self._failures.get(key, deque(maxlen=self._most))
        while failures and failures[0] <= self._now() - self._seconds:
            failures.popleft()
        return failures
