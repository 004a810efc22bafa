"""What the router speaks up about by itself: crowds, hot topics, the quiet few. Never who reported or what was said."""

from uuid import UUID

from msgspec import Struct

from schemas.facts.intake import Moment
from schemas.facts.router import ClassRef, Place


class CrowdFound(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """So many people speak of one matter within `hours`: a flag to `units`, the centres of the districts in which they
    said it happens. Said again each time their number has doubled (`level` 0, 1, 2 …)."""

    order_id: UUID
    class_ref: ClassRef
    place: Place
    voices: int
    reports: int
    hours: float
    districts: tuple[str, ...]
    units: tuple[str, ...]
    level: int
    why: str
    found_at: Moment


class HotTopicFound(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A class is reported in a place by far more people than in the same hours of earlier weeks. `score` is minus the
    decimal logarithm of how likely that is by chance, `expected` what those weeks would let expect; `growing`: also
    more than in the hours before. Said again each time `voices` has doubled (`level`)."""

    topic: str
    class_ref: ClassRef
    place: Place
    voices: int
    reports: int
    expected: float
    score: float
    hours: int
    weeks: int
    growing: bool
    units: tuple[str, ...]
    level: int
    why: str
    found_at: Moment


class HotTopicEnded(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The topic is back to what is usual; `score` is how it last stood."""

    topic: str
    class_ref: ClassRef
    place: Place
    score: float
    found_at: Moment
    ended_at: Moment


class QuietOrderFound(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the quiet few (沉没的少数): few voices, unsolved for long, severe or of people who cannot shout. `points`
    puts it before others, `reasons` are what they were given for: age, severe, vulnerable, again, repeated."""

    order_id: UUID
    class_ref: ClassRef
    place: Place
    voices: int
    reports: int
    days: float
    points: int
    reasons: tuple[str, ...]
    units: tuple[str, ...]
    why: str
    found_at: Moment
