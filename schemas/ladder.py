"""The shape of a policy's ladder 催办、督办 and of the channels that tell of it: part of a city pack."""

from datetime import time
from typing import Literal

from msgspec import Struct

from schemas.vocabulary import LimitUnit, Party, RungKind, Stage, Urgency


class Rung(Struct, frozen=True):
    """One rung of the ladder: it is raised, while its clock is not met, `delay` `unit`s `after` the start, the warning
    or the miss of the clock, or when the `share` of the limit is used up. It holds for clocks of `stages` (empty: every
    one but those that special cases ring themselves) and of orders of these urgencies. `receivers` are `Party`s or
    `unit:ID`; of a supervision `answers` has to answer, the first centre among the receivers accepts the answer."""

    rung_id: str
    kind: RungKind
    after: Literal["start", "warn", "miss"]
    receivers: tuple[str, ...]
    level: int = 0  # of a supervision, 1 to 3
    delay: float = 0
    unit: LimitUnit = LimitUnit.MINUTE
    share: float = 0  # of the limit, after "start" only
    answers: str = Party.OWNER
    stages: tuple[Stage, ...] = ()
    urgencies: tuple[Urgency, ...] = ()
    calendar: str = ""  # "" is the city's own


_CALM, _HURRIED = (Urgency.NORMAL,), (Urgency.URGENT, Urgency.CRITICAL)
_URGE, _SUPERVISE, _DAY, _MINUTE = RungKind.URGE, RungKind.SUPERVISE, LimitUnit.WORK_DAY, LimitUnit.MINUTE
# Source of steps and delays: domain notes §F2 (derived); the minutes of urgent orders are this project's.
DEFAULT_LADDER = (
    Rung("urge", _URGE, "warn", ("owner",), urgencies=_CALM),
    Rung("supervise-1", _SUPERVISE, "miss", ("dispatching_centre",), 1, urgencies=_CALM),
    Rung("supervise-2", _SUPERVISE, "miss", ("centre_above",), 2, 1, _DAY, urgencies=_CALM),
    Rung("supervise-3", _SUPERVISE, "miss", ("city",), 3, 2, _DAY, urgencies=_CALM),
    Rung("urgent-urge", _URGE, "warn", ("owner", "duty_phone"), urgencies=_HURRIED),
    Rung("urgent-1", _SUPERVISE, "miss", ("duty_phone", "dispatching_centre"), 1, urgencies=_HURRIED),
    Rung("urgent-2", _SUPERVISE, "miss", ("duty_leader", "centre_above"), 2, 5, _MINUTE, urgencies=_HURRIED),
    Rung("urgent-3", _SUPERVISE, "miss", ("district", "city"), 3, 10, _MINUTE, urgencies=_HURRIED),
    Rung("unanswered", _URGE, "miss", ("owner", "dispatching_centre", "centre_above"), stages=(Stage.ANSWER,)),
)


class Channel(Struct, frozen=True):
    """Who is told of rungs and supervisions outside the screens: `name` stands in the platforms' file with its address.
    It hears what concerns one of its `units` (empty: everything), of these `kinds`, `levels` and `urgencies` (empty:
    all). Between the two times of `quiet` (city time, may wrap over midnight) what is not urgent waits; what waits, and
    what came within `digest_minutes`, comes as one digest."""

    name: str
    units: tuple[str, ...] = ()
    kinds: tuple[RungKind, ...] = ()
    levels: tuple[int, ...] = ()
    urgencies: tuple[Urgency, ...] = ()
    quiet: tuple[time, time] | None = None
    digest_minutes: int = 0
