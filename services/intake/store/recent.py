"""The last reports this process took in, so that "where is my report?" has an answer from the first moment."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from schemas.ids import number_of


class Holder(Protocol):
    """A spool, as far as this module is concerned."""

    def holds(self, place: tuple[int, int]) -> bool:
        """Whether the record put there still waits for Kafka."""


class Taken(Struct, frozen=True):
    """A report that was taken in; `holder` and `place` say where it was spooled, if it was."""

    report_id: UUID
    source: str
    received_at: datetime
    holder: Holder | None = None
    place: tuple[int, int] = (0, 0)

    @property
    def spooled(self) -> bool:
        """Whether it still waits for Kafka."""
        return self.holder is not None and self.holder.holds(self.place)


class Recent:
    """The newest reports by id and by number; the oldest are forgotten beyond `limit`."""

    def __init__(self, limit: int = 20_000) -> None:
        self._limit = limit
        self._by_id: dict[UUID, Taken] = {}

    def note(self, taken: Taken) -> None:
        """Remember a report."""
        if taken.report_id not in self._by_id and len(self._by_id) >= self._limit:
            del self._by_id[next(iter(self._by_id))]
        self._by_id[taken.report_id] = taken

    def by_id(self, report_id: UUID) -> Taken | None:
        """The report with this id."""
        return self._by_id.get(report_id)

    def by_number(self, number: str) -> Taken | None:
        """The report with this number, in proper form."""
        return next((taken for id_, taken in reversed(self._by_id.items()) if number_of(id_) == number), None)
