"""What the router speaks up about, as facts: out of matters and of what the hours brought."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import log2

from msgspec import Struct

from schemas.facts import ClassRef, CrowdFound, HotTopicFound, Place, QuietOrderFound
from services.router.rules.atlas import Atlas
from services.router.rules.classify import UNSORTED
from services.router.rules.merge import Matter
from services.router.rules.quiet import quiet
from services.router.rules.topics import Counts, Heat
from services.router.rules.voices import districts, since

HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)


class Spans(Struct, frozen=True):
    """The hours that a test of hot topics looks at: those of the window, of the one before, and of the window in each
    earlier week in which hours were counted at all; `passed` is the share of the window that has passed."""

    now: tuple[datetime, ...]
    before: tuple[datetime, ...]
    earlier: tuple[tuple[datetime, ...], ...]
    passed: float

    def all(self) -> tuple[datetime, ...]:
        """Every hour that is looked at."""
        return (*self.now, *self.before, *(hour for week in self.earlier for hour in week))


def spans(now: datetime, hours: int, weeks: int, first: datetime | None) -> Spans:
    """The spans of a moment; `first` is the first hour that was counted (None: nothing was)."""
    this = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    window = tuple(this - n * HOUR for n in range(hours))
    earlier = tuple(
        tuple(hour - n * WEEK for hour in window)
        for n in range(1, weeks + 1)
        if first is not None and window[-1] - n * WEEK >= first
    )
    before = tuple(hour - hours * HOUR for hour in window)
    gone = (now - this) / HOUR
    return Spans(window, before, earlier, max(0.05, (hours - 1 + gone) / hours))


def counts(rows: Iterable[tuple[datetime, str, str, int, int]], looked: Spans) -> dict[tuple[str, str], Counts]:
    """What hours brought (hour, class, division, reports, voices), as the counts of each class in each place."""
    place = {hour: 0 for hour in looked.now} | {hour: 1 for hour in looked.before}
    place |= {hour: 2 + n for n, week in enumerate(looked.earlier) for hour in week}
    sums: dict[tuple[str, str], list[int]] = {}
    for hour, class_key, division, reports, voices in rows:
        row = sums.setdefault((class_key, division), [0] * (3 + len(looked.earlier)))
        row[place[hour]] += voices
        row[-1] += reports if place[hour] == 0 else 0
    return {key: Counts(row[0], row[1], tuple(row[2:-1]), row[-1]) for key, row in sums.items()}


def hot_fact(heat: Heat, atlas: Atlas, now: datetime, level: int, weeks: int) -> HotTopicFound:
    """A hot topic as it is told."""
    hours, item = atlas.city.warnings.hot_hours, atlas.classes[heat.class_key]
    division, c = atlas.divisions[heat.division], heat.counts
    why = (
        f"{division.name}近 {hours} 小时 {c.now} 人反映{item.name}，前 {weeks} 周同期平均 {heat.expected:.1f} 人"
        f"{'，仍在增长' if heat.growing else ''} | {c.now} people in {hours} h about {item.name_en}; the same hours of"
        f" {weeks} earlier weeks: {heat.expected:.1f}{'; growing' if heat.growing else ''}"
    )
    return HotTopicFound(
        topic=heat.topic,
        class_ref=atlas.refs[heat.class_key],
        place=atlas.place(heat.division, 1.0),
        voices=c.now,
        reports=c.reports,
        expected=round(heat.expected, 2),
        score=round(heat.score, 2),
        hours=hours,
        weeks=weeks,
        growing=heat.growing,
        units=_centres([heat.division], atlas),
        level=level,
        why=why,
        found_at=now,
    )


def crowd_fact(matter: Matter, atlas: Atlas, now: datetime) -> CrowdFound | None:
    """A crowd about one matter; None where it is none."""
    limits = atlas.city.warnings
    speaking = since(matter.voices, now - timedelta(hours=limits.crowd_hours))
    if len(speaking) < limits.crowd_reporters:
        return None
    known = [code for code in atlas.divisions if atlas.district_of(code) == code]
    named = districts(speaking, known)
    own = atlas.district_of(matter.division)
    named = named if own in named or not own else (own, *named)
    hours = f"{limits.crowd_hours:g}"
    why = (
        f"{hours} 小时内 {len(speaking)} 人反映同一事项，涉及 {max(1, len(named))} 个区 |"
        f" {len(speaking)} people within {hours} h about one matter, in {max(1, len(named))} district(s)"
    )
    return CrowdFound(
        order_id=matter.order_id,
        class_ref=class_of(matter, atlas),
        place=place_of(matter, atlas),
        voices=len(speaking),
        reports=matter.reports,
        hours=limits.crowd_hours,
        districts=named,
        units=_centres(named or (atlas.city.root,), atlas),
        level=int(log2(len(speaking) / limits.crowd_reporters)),
        why=why,
        found_at=now,
    )


def quiet_fact(matter: Matter, atlas: Atlas, now: datetime) -> QuietOrderFound | None:
    """One of the quiet few; None where it is none."""
    voices = len(matter.voices)
    found = quiet(
        opened_at=matter.opened_at,
        voices=voices,
        reports=matter.reports,
        marks=matter.marks,
        now=now,
        limits=atlas.city.warnings,
    )
    if found is None:
        return None
    street, district = atlas.street_of(matter.division), atlas.district_of(matter.division)
    return QuietOrderFound(
        order_id=matter.order_id,
        class_ref=class_of(matter, atlas),
        place=place_of(matter, atlas),
        voices=voices,
        reports=matter.reports,
        days=round(found.days, 1),
        points=found.points,
        reasons=found.reasons,
        units=_centres([code for code in (street, district) if code] or [atlas.city.root], atlas),
        why=found.why,
        found_at=now,
    )


def class_of(matter: Matter, atlas: Atlas) -> ClassRef:
    """The class of a matter as people see it."""
    return atlas.refs.get(matter.class_key, UNSORTED)


def place_of(matter: Matter, atlas: Atlas) -> Place:
    """Where a matter is."""
    return atlas.place(matter.division if matter.division in atlas.divisions else atlas.city.root, 1.0)


def _centres(divisions: Iterable[str], atlas: Atlas) -> tuple[str, ...]:
    found = (atlas.centre_of(code) for code in divisions)
    return tuple(unit.unit_id for unit in found if unit is not None)
