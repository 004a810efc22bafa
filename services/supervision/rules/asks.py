"""What granted requests do to clocks: which of them stand still and when, and which have a new end."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from schemas.vocabulary import RequestKind, Stage
from services.supervision.rules.clock import Pause, prolonged
from services.supervision.rules.timeline import Ask

Moves = Callable[[Ask], Collection[Stage]]  # the stages that a granted request moves


class Moved(Struct, frozen=True):
    """What one clock was granted: the times it stands still, the (since, until) of new ends, and since when it stands
    still with no end known yet."""

    pauses: tuple[Pause, ...] = ()
    ends: tuple[tuple[datetime, datetime], ...] = ()
    still_since: datetime | None = None

    def latest_end(self) -> datetime | None:
        """The latest of the new ends, with what stood still after it was set given back."""
        return max((prolonged(until, since, self.pauses) for since, until in self.ends), default=None)


UNMOVED = Moved()


def moved(
    asks: Sequence[Ask], moves: Moves, stage: Stage, rounds: Collection[int], assignment: UUID | None = None
) -> Moved:
    """What granted requests do to a clock of these rounds, of one assignment or of a report. An extension and a
    deferral are the asking unit's own and the reporters'; a parking is everybody's."""
    granted = [a for a in asks if a.granted and stage in moves(a) and a.until and a.decided_at]
    if not granted:
        return UNMOVED
    mine = [a for a in granted if a.parks or assignment in (None, a.assignment_id)]
    return Moved(
        pauses=tuple(_pauses(mine)),
        ends=tuple(
            (a.decided_at, a.until)
            for a in mine
            if a.kind is RequestKind.EXTENSION and a.round in rounds and a.decided_at and a.until
        ),
        still_since=min(
            (a.decided_at for a in mine if a.parks and a.resumed_at is None and a.decided_at), default=None
        ),
    )


def _pauses(asks: Iterable[Ask]) -> Iterable[Pause]:
    for ask in asks:
        end = ask.resumed_at or ask.until
        if ask.kind in (RequestKind.DEFERRAL, RequestKind.PARKING) and ask.decided_at and end:
            yield ask.decided_at, end


def reviewed_at(asks: Iterable[Ask], parking: Ask) -> datetime | None:
    """When a parked order went on, or was parked anew."""
    since = parking.decided_at
    again = (a.decided_at for a in asks if a.parks and since and a.decided_at and a.decided_at > since)
    return _earliest((parking.resumed_at, *again))


def _earliest(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
