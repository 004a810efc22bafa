"""What was sent and what became of it, counted while a run goes on."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from deploy.simulator.stream import Meant, Sent
from deploy.simulator.traits import traits_of

__all__ = ["Tally"]


@dataclass
class Tally:
    """One run's counts. `accepted` holds what was meant by each accepted report."""

    sent: Counter[str] = field(default_factory=Counter)
    traits: Counter[str] = field(default_factory=Counter)  # of what was sent, see traits.py
    refused: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    accepted: dict[UUID, Meant | None] = field(default_factory=dict)
    readings: int = 0
    readings_refused: int = 0
    again: int = 0  # requests repeated because an answer did not come
    behind_s: float = 0.0  # the furthest that sending fell behind its own pace
    steps: Counter[str] = field(default_factory=Counter)  # what responders did

    def sending(self, item: Sent) -> None:
        """Count what is sent."""
        self.sent[item.path] += 1
        self.traits.update(traits_of(item))
