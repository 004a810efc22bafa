"""Is this the matter of an order that exists? Same class or asset, near, recent, alike in words."""

import re
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from schemas.city import Thresholds
from schemas.facts import Candidate, ReportReceived
from services.router.rules.address import OTHER_NUMBER, coarse, same_spot
from services.router.rules.atlas import Atlas
from services.router.rules.classify import UNSORTED, Classified
from services.router.rules.ground import metres_between
from services.router.rules.keys import kind_of
from services.router.rules.locate import Located
from services.router.rules.quiet import ACCUSES, DANGER, one_danger
from services.router.rules.text import alike, both, plain
from services.router.rules.voices import heard

BY_CLASS, BY_PLACE, BY_TIME, BY_WORDS = 0.3, 0.35, 0.1, 0.25
ALIKE_FULL = 0.35  # two tickets about one thing in different words reach about this
OTHER_CLASS = 0.15  # of the class part, for another class of the same major
UNSURE_CLASS = 0.5  # of the class part, where one of the two could not be classified
BY_SUBJECT = 0.9  # of the place part, where the subject is the matter
UNPLACED = 0.7  # of the place part, where one of two equal addresses says no street or district
WRONG_STREET = 0.2  # of the place part, for equal addresses in two streets of one district
CLEARLY = ALIKE_FULL  # what the words must reach where the class says nothing
TELLING = 3  # so many pairs of signs say something, even where they could not be classified
SUGGEST_BELOW = 0.15  # how far below the merge score a candidate is still shown to a person
_SHOWN = 5
_UNSORTED = UNSORTED.key
_COMPANY = re.compile(
    r"股份有限公司|有限责任公司|有限公司|集团公司|公司|[\s()\[\]（）【】·,.]|\b(?:inc|ltd|llc|corp|co)\b"
)


class Matter(Struct, frozen=True, array_like=True):
    """What the router remembers of one order to compare later reports with. `last_at` is the newest report's time,
    `voices` are who speaks of it (`rules.voices`), `marks` what makes it weigh more (`rules.quiet`)."""

    order_id: UUID
    class_key: str
    division: str
    lon: float | None
    lat: float | None
    address_key: str
    asset: str
    subject: str
    grams: bytes
    opened_at: datetime
    last_at: datetime
    closed: bool = False
    reports: int = 1
    scene: str = ""
    voices: tuple[int, ...] = ()
    marks: int = 0


class Told(Struct, frozen=True, array_like=True):
    """What a report told the matters: `this` is the matter it would open, `merges` whether later reports may be found
    to be about the same. Kept with the decision, so that matters can be made anew out of decisions alone."""

    this: Matter
    merges: bool


class Score(Struct, frozen=True):
    """How much a report and a matter are one, in 0–1, with its parts."""

    total: float
    parts: tuple[tuple[str, float], ...]
    because: str


class Link(Struct, frozen=True):
    """The report is about this matter."""

    matter: Matter
    score: Score


class Suggest(Struct, frozen=True):
    """Perhaps the same matter: a person should look."""

    matter: Matter
    score: Score


def matter_of(
    report: ReportReceived,
    located: Located,
    classified: Classified,
    order_id: UUID,
    words: bytes,
    voice: int,
    marks: int,
    *,
    about: str,
    sure: bool = True,
) -> Matter:
    """A report as the matter it would open; `words` is the signature of its wording, `about` whom it is about. A class
    that nobody can be sure of (`sure` false) is none, so that it keeps no twin away."""
    place = located.place
    at = report.received_at
    return Matter(
        order_id=order_id,
        class_key=classified.key if sure else _UNSORTED,
        division=place.division if place else "",
        lon=place.lon if place else None,
        lat=place.lat if place else None,
        address_key=located.address_key,
        asset=located.asset,
        subject=about,
        grams=words,
        opened_at=at,
        last_at=at,
        scene=classified.scene,
        voices=(voice,),
        marks=marks,
    )


def joined(matter: Matter, this: Matter) -> Matter:
    """A matter with the reports of another; the same whichever of them came first."""
    return structs.replace(
        matter,
        last_at=max(matter.last_at, this.last_at),
        reports=matter.reports + this.reports,
        voices=heard(matter.voices, this.voices),
        marks=matter.marks | this.marks,
    )


def may_merge(report: ReportReceived, this: Matter) -> bool:
    """Whether a report can be told to be about anything in particular: it names an asset or a subject, or says where
    and either what kind of thing it is or enough in words. Imported pasts keep their own orders."""
    if report.imported:
        return False
    placed = this.lon is not None or bool(this.address_key)
    says = this.class_key != _UNSORTED or int.from_bytes(this.grams, "big").bit_count() >= TELLING
    return bool(this.asset or this.subject or (placed and says))


def subject_key(subject: str) -> str:
    """Whom a report is about as it is compared: plain, without brackets, blanks and what every company is called."""
    return _COMPANY.sub("", plain(subject)) or plain(subject).strip()


def about_whom(report: ReportReceived, accused: Iterable[str], atlas: Atlas) -> str:
    """Whom a report is about, as it is compared: its subject, a unit of the city by its official name however it was
    called; without one the units (`accused`) that its words complain about; "" for nobody."""
    units = atlas.organisation.called(report.subject)
    if report.subject and len(units) != 1:
        return subject_key(report.subject)
    named = sorted({atlas.organisation.last[unit].name for unit in units or tuple(accused)})
    return "、".join(subject_key(name) for name in named)


def score(candidate: Matter, this: Matter, atlas: Atlas) -> Score:
    """How much two matters are one; the same whichever comes first. Two named subjects that differ never are one;
    where somebody is accused a named and an unnamed one neither, and two unnamed ones are a question at most."""
    limits = atlas.thresholds
    refused = _refused(candidate, this, limits)
    if refused:
        return Score(0.0, (), refused)
    near, where = _near(candidate, this, atlas)
    if near <= 0.0:
        return Score(0.0, (), where)
    kind = _same_kind(candidate, this, atlas)
    apart = abs((this.last_at - candidate.last_at).total_seconds()) / 3600.0
    time = 1.0 - 0.5 * min(1.0, apart / limits.merge_hours)
    said = alike(candidate.grams, this.grams)
    words = 1.0 if candidate.asset and candidate.asset == this.asset else min(1.0, said / ALIKE_FULL)
    total = min(1.0, BY_CLASS * kind + BY_PLACE * near + BY_TIME * time + BY_WORDS * words)
    parts = (("class", kind), ("place", near), ("time", time), ("words", words))
    told = both(
        where, f"相隔 {apart:.1f} 小时 | {apart:.1f} h between", f"文字相似 {said:.2f} | words alike {said:.2f}"
    )
    found = Score(total, parts, told)
    if kind <= OTHER_CLASS or near <= WRONG_STREET:
        return _asked_at_most(found, limits)
    if not this.subject and _accuses(candidate, this):
        return _asked_at_most(found, limits, "未写明同一被反映主体 | nobody is named that both accuse")
    if _needs_words(candidate, this) and said < CLEARLY and not _same_named(candidate, this):
        why = "险情或类别不明，用语须明显相同 | danger or no class: only clearly alike words join them"
        return _asked_at_most(found, limits, why)
    return found


def _asked_at_most(found: Score, limits: Thresholds, why: str = "") -> Score:
    """At most a question to a person, however the bar is set; with what keeps the two from being linked."""
    most = limits.merge_score - 0.01
    if found.total <= most:
        return found
    return structs.replace(found, total=most, because=both(found.because, why))


def _needs_words(candidate: Matter, this: Matter) -> bool:
    """Whether the class says too little of the two: one has none, or one is a danger and the other is not. Two of one
    danger need no class: five callers about one fire say it in five ways."""
    if one_danger(candidate.marks, this.marks):
        return False
    return _UNSORTED in (candidate.class_key, this.class_key) or bool((candidate.marks ^ this.marks) & DANGER)


def _same_named(candidate: Matter, this: Matter) -> bool:
    return bool((this.asset and candidate.asset == this.asset) or (this.subject and candidate.subject == this.subject))


def _accuses(candidate: Matter, this: Matter) -> bool:
    return bool((candidate.marks | this.marks) & ACCUSES)


def _refused(candidate: Matter, this: Matter, limits: Thresholds) -> str:
    both_named = bool(candidate.subject and this.subject)
    if candidate.subject != this.subject and (both_named or _accuses(candidate, this)):
        return "被反映主体不同 | another subject"
    if candidate.asset and this.asset and candidate.asset != this.asset:
        return "不是同一设施 | another asset"
    if abs((this.last_at - candidate.last_at).total_seconds()) > limits.merge_hours * 3600.0:
        return "相隔过久 | too long ago"
    return ""


def _same_kind(candidate: Matter, this: Matter, atlas: Atlas) -> float:
    """The class part: 1 for one class or scene. One thing told of under two classes is one if neither says that the
    device itself is at fault."""
    if candidate.class_key == this.class_key or (this.scene and candidate.scene == this.scene):
        return UNSURE_CLASS if _UNSORTED in (candidate.class_key, this.class_key) else 1.0
    if this.asset and candidate.asset == this.asset:
        faulty = {this.class_key, candidate.class_key} & atlas.fault_classes
        return 0.0 if faulty else UNSURE_CLASS
    if _UNSORTED in (candidate.class_key, this.class_key):
        return UNSURE_CLASS
    return OTHER_CLASS if kind_of(candidate, atlas) == kind_of(this, atlas) else 0.0


def _near(candidate: Matter, this: Matter, atlas: Atlas) -> tuple[float, str]:
    """How near two matters are in 0–1, and the reason; the strongest of asset, point, address and subject."""
    if this.asset and candidate.asset == this.asset:
        return 1.0, f"同一设施 {this.asset} | the same asset"
    best, where, apart = _by_point(candidate, this, atlas.thresholds.merge_radius_m)
    fits = 0.0 if apart else _fits(candidate.division, this.division, atlas)
    spot = same_spot(candidate.address_key, this.address_key) if fits else 0.0
    if spot == OTHER_NUMBER:
        best, where = spot, f"{coarse(this.address_key)}，门牌、楼栋或楼层不同 | another number there"
    elif spot * fits > best:
        best, where = spot * fits, f"同一地址 {this.address_key} | the same address"
    if this.subject and candidate.subject == this.subject:
        share = BY_SUBJECT if _about_subject(candidate, this, atlas) else OTHER_NUMBER
        if share > best:
            best, where = share, f"同一被反映主体 {this.subject} | the same subject"
    return best, where


def _by_point(candidate: Matter, this: Matter, radius: float) -> tuple[float, str, bool]:
    """How near two points are, the reason, and whether they are so far apart that no address can be right about both: a
    point may be the middle of a compound, ten radii of it."""
    if None in (candidate.lon, candidate.lat, this.lon, this.lat):
        return 0.0, "地点不同 | another place", False
    metres = metres_between(candidate.lon, candidate.lat, this.lon, this.lat)  # type: ignore[arg-type]
    told = f"相距 {metres:.0f} 米 | {metres:.0f} m apart"
    return (1.0 - 0.4 * metres / radius if metres <= radius else 0.0), told, metres > 10 * radius


def _fits(one: str, other: str, atlas: Atlas) -> float:
    """How far two divisions may hold one spot: 1 when they are one or the one lies in the other, less when one of the
    two is not known or they are two streets of a district (somebody named the wrong one), 0 for two districts."""
    if one == other:
        return 1.0 if one else UNPLACED
    if not one or not other:
        return UNPLACED
    if one in atlas.lineage.get(other, ()) or other in atlas.lineage.get(one, ()):
        return 1.0
    street, beside = atlas.street_of(one), atlas.street_of(other)
    if street and street == beside:
        return 1.0
    district = atlas.district_of(one)
    return WRONG_STREET if district and district == atlas.district_of(other) else 0.0


def _about_subject(candidate: Matter, this: Matter, atlas: Atlas) -> bool:
    """Whether a common subject is itself the matter, wherever its customers live (`subject_classes`); else it is only
    where nothing says that two spots of the subject are meant."""
    told = [one for one in (candidate, this) if one.class_key != _UNSORTED]
    if told and all(_is_listed(one, atlas) for one in told):
        return True
    return not all(one.address_key or one.lon is not None for one in (candidate, this))


def _is_listed(one: Matter, atlas: Atlas) -> bool:
    listed = atlas.thresholds.subject_classes
    return one.class_key in listed or f"major:{kind_of(one, atlas)}" in listed


def choose(candidates: list[Matter], this: Matter, atlas: Atlas) -> tuple[Link | Suggest | None, tuple[Candidate, ...]]:
    """The matter a report belongs to (Link), may belong to (Suggest), or None; and those considered, best first."""
    if not candidates:
        return None, ()
    scored = [(_joining(score(one, this, atlas), one, this, atlas), one) for one in candidates]
    scored = [pair for pair in scored if pair[0].total > 0.0]
    if not scored:
        return None, ()
    scored.sort(key=lambda pair: (-pair[0].total, pair[1].closed, pair[1].opened_at, str(pair[1].order_id)))
    shown = tuple(
        Candidate(value=str(one.order_id), score=found.total, because=found.because) for found, one in scored[:_SHOWN]
    )
    top, matter = scored[0]
    bar = atlas.thresholds.merge_score
    if top.total >= bar:
        return Link(matter, top), shown
    return (Suggest(matter, top) if top.total >= bar - SUGGEST_BELOW else None), shown


def _joining(found: Score, candidate: Matter, this: Matter, atlas: Atlas) -> Score:
    """The score of a report that would join a matter: a danger joins none that was opened without one, for whoever
    leads that would lead the danger too. It opens its own at the desk, and a person is asked."""
    if not this.marks & DANGER or candidate.marks & DANGER:
        return found
    why = "险情不并入普通工单 | a danger does not join a matter that is none"
    return _asked_at_most(found, atlas.thresholds, why)
