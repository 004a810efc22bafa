"""The shape of a city pack: everything that differs between cities, as plain frozen data.

`services.chassis.city` reads and checks the files of a pack; rules only ever see these types.
"""

from datetime import date, datetime, time
from typing import Literal

from msgspec import Struct

from schemas.ladder import DEFAULT_LADDER, Channel, Rung
from schemas.vocabulary import (
    Attribute,
    ClassKind,
    FindingKind,
    LimitUnit,
    Photos,
    RequestKind,
    Source,
    Stage,
    TicketType,
    Tier,
    Urgency,
    Verification,
)

Narrowness = tuple[int, int, int, int]


class Division(Struct, frozen=True):
    """One administrative area. `code` is 6 digits (district), 9 (street-town) or 12 (committee) in China, free text
    elsewhere; `aliases` are old, short and colloquial names; dates bound its validity (None: open)."""

    code: str
    name: str
    parent: str
    tier: Tier
    kind: str = ""
    aliases: tuple[str, ...] = ()
    lon: float | None = None  # WGS-84 decimal degrees of a representative point
    lat: float | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class Unit(Struct, frozen=True):
    """One handling unit (承办单位). `division` is its boundary subtree; `function` is what rules look for
    (`centre`, `street_office`, `police`, `water`, `committee` …) so that a rulebook names functions, not offices."""

    unit_id: str
    name: str
    tier: Tier
    function: str
    division: str
    parent: str = ""  # the unit above it; "" at the top
    second_parent: str = ""  # a station has two: the line's bureau (条) and the area's street (块)
    name_en: str = ""
    phone: str = ""
    valid_from: date | None = None  # first and last day (None: open); a unit that changes has a row for each span
    valid_to: date | None = None
    successor: str = ""  # the unit that took over what one that ended still had to do


class Shift(Struct, frozen=True):
    """One line of a unit's duty roster (值班). `days` are `mon` … `sun`, or dates, whose lines take the place of the
    unit's weekday lines on that day. Local times; an `ends` at or before `starts` lies on the next day, and two equal
    times are a whole day."""

    unit_id: str
    days: tuple[str, ...]
    starts: time
    ends: time
    person: str
    deputy: str = ""
    phone: str = ""
    note: str = ""


class ClassItem(Struct, frozen=True):
    """One class (事项类别); key is (standard, kind, code). Words point to it, `not_words` take a hit back; `photos`
    are those a unit must show to call its work done."""

    standard: str
    kind: ClassKind
    code: str
    name: str
    name_en: str
    major: str
    words: tuple[str, ...] = ()
    not_words: tuple[str, ...] = ()
    verification: Verification = Verification.CALL
    photos: Photos = Photos.NONE

    @property
    def key(self) -> str:
        """The class key as one string, `standard/kind/code`."""
        return f"{self.standard}/{self.kind}/{self.code}"


class Danger(Struct, frozen=True):
    """A word that may mean danger to life. `near` words must stand within the same sentence if given; `unless` words in
    the same clause (harmless uses) take it back; `platforms` are told at once (110, 119, 120)."""

    word: str
    kind: str
    platforms: tuple[str, ...]
    near: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


class Setting(Struct, frozen=True):
    """What puts danger words at a distance: long ago, only feared, a drill, over. One of `words` takes a danger back
    where it stands `scope` it: `before` it in the same clause, anywhere in its `clause`, or in its `sentence`; except
    when one of `but` stands within that scope too, and never a danger of the kinds `spares`."""

    name: str
    words: tuple[str, ...]
    scope: Literal["before", "clause", "sentence"] = "clause"
    but: tuple[str, ...] = ()
    spares: tuple[str, ...] = ()


class PoliceClass(Struct, frozen=True):
    """One 110 class code: what it means, whether it must stay with the police, which class it suggests."""

    code: str
    name: str
    stays_with: tuple[str, ...] = ()
    class_key: str = ""


class OneStopItem(Struct, frozen=True):
    """Government services whose code (事项编码) begins with `code`: what they are, and the class of what is said about
    them, which decides whose it is."""

    code: str
    name: str
    class_key: str


class ScreenRule(Struct, frozen=True):
    """When readings of one kind of device become an alarm. A value outside [low, high] on `confirm` readings in a row
    raises; back inside [clear_low, clear_high] on `confirm_clear` readings in a row clears. Beyond [min, max] the
    reading is physically impossible. Silence longer than `silent_after_s` of the stream's own time is a fault."""

    kind: str
    unit: str
    minimum: float
    maximum: float
    low: float | None = None
    high: float | None = None
    clear_low: float | None = None
    clear_high: float | None = None
    confirm: int = 1
    confirm_clear: int = 1
    silent_after_s: float = 0
    scene: str = ""
    class_key: str = ""
    fault_class_key: str = ""
    urgency: Urgency = Urgency.NORMAL
    text: str = ""  # {device} {value} {unit} {place} are filled in


class Device(Struct, frozen=True):
    """One registered device: where it stands and what it measures. `asset` joins reports about the same thing."""

    device_id: str
    kind: str
    division: str
    name: str = ""
    lon: float | None = None
    lat: float | None = None
    gateway: str = ""
    asset: str = ""


class Landmark(Struct, frozen=True):
    """Something that people name instead of a division: one row for each division that it touches. `share` is how much
    of it lies there, as far as it is known (the rows of one name sum to at most 1; the rest is elsewhere); `numbers`
    are the house numbers there, `120-480`, `odd 1-99` or `even 2-98` (both ends included)."""

    name: str
    kind: Literal["road", "compound", "landmark"]
    division: str
    share: float = 1.0
    numbers: str = ""
    aliases: tuple[str, ...] = ()


class DutyRule(Struct, frozen=True):
    """One row of the duty rulebook. Empty fields match anything; the most specific matching row wins (more specific
    area, then class, then `narrowness`). `lead` and `assists` are functions, resolved to the unit of that function that
    covers the place, lowest tier first; `unit:ID` names one outright."""

    rule_id: str
    lead: str
    assists: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()  # division codes; any depth
    classes: tuple[str, ...] = ()  # class keys, or majors as "major:NAME"
    scenes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    ticket_types: tuple[TicketType, ...] = ()
    subjects: tuple[str, ...] = ()
    attributes: dict[Attribute, tuple[str, ...]] = {}  # what must be so of a report: each attribute one of its values
    hours: tuple[time, time] | None = None  # local time window, may wrap over midnight
    tier: Tier = Tier.STREET  # tier that owns the order
    urgency: Urgency | None = None
    together: bool = False  # all told at once, the first to accept leads
    hold: bool = False  # a dispatcher decides
    scene: str = ""  # the scene whose flow it follows, where the report itself is of none
    stand_in: str = ""  # function that leads while the lead keeps a duty roster and nobody is on it
    hold_at: Tier = Tier.DISTRICT  # of which tier, where it is held
    resources: tuple[str, ...] = ()  # kinds of resources, of each of which the best free one is called
    verification: Verification | None = None
    transfer_to: str = ""  # another platform takes it ("110")
    why: str = ""
    line: int = 0  # where it stands in the file

    @property
    def narrowness(self) -> Narrowness:
        """How much a row asks for beside area and class, the weightier first: scene and subject, attributes, source and
        ticket type, hours."""
        return (
            bool(self.scenes) + bool(self.subjects),
            len(self.attributes),
            bool(self.sources) + bool(self.ticket_types),
            int(self.hours is not None),
        )

    @property
    def outcome(self) -> tuple[object, ...]:
        """What a row decides. Two that are equally specific must not differ in it."""
        told = self.lead, self.assists, self.tier, self.transfer_to, self.hold, self.together, self.stand_in
        return (*told, self.urgency, self.scene, self.verification)


OWN_CALENDAR = "unit"


class Capacity(Struct, frozen=True):
    """When units can take work. Empty fields match any unit; `hours` and `days` are when they are open (local), closed
    from `closed_from` to `closed_to` (both days included), and full with `most` open parts (0: never). Who cannot is
    stood in for by the unit of the function `instead` that covers the place; where that is "", by the same function one
    tier up, else by the centre. What is urgent is brought to a closed unit all the same: its duty roster answers."""

    capacity_id: str
    units: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    hours: tuple[time, time] | None = None
    days: tuple[int, ...] = ()  # 0 is Monday
    closed_from: date | None = None
    closed_to: date | None = None
    most: int = 0
    instead: str = ""
    why: str = ""
    line: int = 0


class Delegation(Struct, frozen=True):
    """What one unit has entrusted to another (委托): the classes named, or all, from one day to another (both
    included). The one that entrusted it stays on the path."""

    delegation_id: str
    unit: str
    to: str
    classes: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None
    why: str = ""
    line: int = 0


class Elevation(Struct, frozen=True):
    """When a matter goes up (提级): every condition that is given must hold. `repeats` reports of it within `hours`,
    the `attention` a report says it has, a weather warning of one of the kinds `warnings` in force at the place. Then
    the centre `tiers` above the lead leads and it assists, and the urgency is at least `urgency`."""

    elevation_id: str
    repeats: int = 0
    hours: float = 24.0
    attention: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()  # class keys, or majors as "major:NAME"
    tiers: int = 1
    urgency: Urgency | None = None
    why: str = ""
    line: int = 0


class ResourceKind(Struct, frozen=True):
    """One kind of what can be sent: how fast it moves (km/h through the city, a straight line counts 1.4 times) and
    from how far it is called at most (km)."""

    kind: str
    name: str
    speed_kmh: float = 20.0
    reach_km: float = 30.0
    line: int = 0


class Resource(Struct, frozen=True):
    """One pump truck, team or volunteer: whose it is and where it stands when nobody has said otherwise (WGS-84)."""

    resource_id: str
    kind: str
    name: str
    unit: str
    lon: float
    lat: float


class Preposition(Struct, frozen=True):
    """What a weather warning sends out before anything has happened: one report of `class_key` for each registered
    device of `device_kind` in the warned areas (its flood-prone point), which the duty rules then route."""

    preposition_id: str
    warnings: tuple[str, ...]
    device_kind: str
    class_key: str
    levels: tuple[str, ...] = ()  # of the warning; empty: any
    text: str = ""  # {place} {kind} {level} are filled in
    line: int = 0


class Limit(Struct, frozen=True):
    """One row of the time-limit policy. Empty fields match anything; the first matching row for a stage wins. A row
    with `valid_from` or `valid_to` (with offset; from inclusive, to exclusive) is only for clocks that start then."""

    limit_id: str
    stage: Stage
    amount: float
    unit: LimitUnit
    sources: tuple[Source, ...] = ()
    ticket_types: tuple[TicketType, ...] = ()
    classes: tuple[str, ...] = ()  # class keys, or majors as "major:NAME"
    urgencies: tuple[Urgency, ...] = ()
    tiers: tuple[Tier, ...] = ()
    rounds: tuple[int, ...] = ()
    warn: float = 0.8  # share of the limit after which the light is yellow and an urge goes out
    calendar: str = ""  # name of the calendar; "" is the city's own, OWN_CALENDAR that of the unit whose clock it is
    day_end: str = ""  # "working_hours" | "midnight"; "" takes the policy's default
    count_start_day: bool = False
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    line: int = 0


class WorkingHours(Struct, frozen=True):
    """Working time of one organisation on its working days, local time; `shifts` are [from, to) pairs in order, the
    last of which may end at midnight (00:00)."""

    name: str
    shifts: tuple[tuple[time, time], ...]
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)  # 0 is Monday


class CalendarData(Struct, frozen=True):
    """A published list of exceptions to the weekday rule. `years` are those for which a list was published: outside
    them Mon–Fri is used and a warning raised. `functions` and `units` name the units that work by it, where a limit
    counts by its unit's own calendar; who is named nowhere works by the city's."""

    name: str
    version: str
    timezone: str
    holidays: frozenset[date]
    makeup_workdays: frozenset[date]
    years: frozenset[int]
    hours: WorkingHours
    functions: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()


class Callbacks(Struct, frozen=True):
    """How reporters are called back and rate (回访, 好差评). After `attempts` calls that did not reach him a reporter
    is 未评价, outside every denominator; with `all_reporters` an order closes only when each citizen who reported was
    called, rated or is 未评价. A rating may come until `rating_days` after closing and be corrected for
    `correct_hours`."""

    attempts: int = 3
    all_reporters: bool = False
    rating_days: int = 30
    correct_hours: float = 24


class RequestRule(Struct, frozen=True):
    """How requests of one kind are decided. `decided_by` is the centre that dispatched (`dispatcher`) or the one above
    it (`above`); `most` may be granted on one order, 0 is no limit; `longest_days` is how far ahead an asked date may
    lie; `moves` are the stages whose clocks a granted one moves."""

    kind: RequestKind
    decided_by: Literal["dispatcher", "above"] = "dispatcher"
    most: int = 0
    longest_days: int = 0
    moves: tuple[Stage, ...] = ()


_STANDING_STILL = (Stage.ACCEPT, Stage.ARRIVE, Stage.HANDLE, Stage.TOTAL)
DEFAULT_REQUESTS = (
    RequestRule(RequestKind.RETURN),
    RequestRule(RequestKind.EXTENSION, most=1, longest_days=21, moves=(Stage.HANDLE, Stage.TOTAL)),
    RequestRule(RequestKind.DEFERRAL, "above", 1, 183, _STANDING_STILL),
    RequestRule(RequestKind.PARKING, "above", 0, 366, _STANDING_STILL),
    RequestRule(RequestKind.CLASS_CORRECTION, most=2),
    RequestRule(RequestKind.EXPLANATION),
)


class ReturnRule(Struct, frozen=True):
    """When an order may be returned (退单) and who has the last word. A return is asked for before the due of the
    unit's own clock of `stage`, or within `minutes` of the offer if that is later. From a unit's `arbitration_from`-th
    return of the same order the centre above decides for good; `ping_pong_from` returns on one order, or its coming
    back to a unit that returned it, are a ping-pong. Where nobody decides whose it is, the first of the functions
    `coordinators` that covers the place takes it."""

    stage: Stage = Stage.ACCEPT
    minutes: int = 240
    urgent_minutes: int = 30
    arbitration_from: int = 3
    ping_pong_from: int = 3
    coordinators: tuple[str, ...] = ("street_office", "centre")


class Detector(Struct, frozen=True):
    """When supervision finds something worth a look. What the thresholds of each kind mean is said in
    DEFAULT_DETECTORS; `on` false switches a kind off."""

    kind: FindingKind
    count: int = 0
    minutes: float = 0
    days: float = 0
    radius_m: float = 0
    on: bool = True


DEFAULT_DETECTORS = (
    Detector(FindingKind.PING_PONG, count=3),  # returns of one order; dispatch's own verdict counts too
    Detector(FindingKind.RECURRENCE, count=3, days=30, radius_m=40),  # so many in that time within that distance
    Detector(FindingKind.NEVER_CONTACTED),
    Detector(FindingKind.NO_VISIT),  # only where the class asks for a check on the spot
    Detector(FindingKind.TOO_FAST, minutes=3),  # from the offer to "done", only where the class asks for such a check
    Detector(FindingKind.PARKED_LONG, days=90),
    Detector(FindingKind.UNIT_SILENT, count=5, minutes=240),  # offers past due, and no word for that long
    Detector(FindingKind.OVERLOOKED, count=1, days=30),  # so few reports, and still open after that long
)


class Policy(Struct, frozen=True):
    """The policy of a city, versioned: time limits, and what units may ask for. `late_hours` is how long a phone
    without a network may keep what happened to itself. A version that replaces an earlier one from a moment on names it
    (`since`, with offset), and whether it then holds for clocks that start from it on, or only for orders opened from
    it on (`covers`)."""

    version: str
    limits: tuple[Limit, ...]
    day_end: str = "working_hours"
    callback: Callbacks = Callbacks()
    late_hours: float = 72
    requests: tuple[RequestRule, ...] = DEFAULT_REQUESTS
    returns: ReturnRule = ReturnRule()
    conclude_after: int = 2  # rounds that an order went through before its matter may be concluded (终结)
    since: datetime | None = None
    covers: Literal["clocks", "orders"] = "clocks"
    ladder: tuple[Rung, ...] = DEFAULT_LADDER
    channels: tuple[Channel, ...] = ()
    detectors: tuple[Detector, ...] = DEFAULT_DETECTORS
    league_from: int = 20  # fewer items than that give a unit no rank
    appeal_days: int = 30  # how long after its day an item may be appealed against


class Thresholds(Struct, frozen=True):
    """Thresholds the router decides by."""

    classify_confidence: float = 0.5
    locate_confidence: float = 0.5
    merge_score: float = 0.65
    merge_radius_m: float = 50.0
    merge_hours: float = 24.0
    border_m: float = 50.0
    subject_classes: tuple[str, ...] = ()  # class keys, or "major:NAME": the subject is the matter, wherever it is told


class Warnings(Struct, frozen=True):
    """When the router speaks up by itself. A crowd: so many reporters of one matter within `crowd_hours`. A hot topic:
    at least `hot_reporters` in the last `hot_hours`, whose surprise against the same hours of `hot_weeks` earlier weeks
    is `hot_score` (minus the decimal logarithm of its probability). The quiet few: open for `quiet_days` with at most
    `quiet_voices`, and severe (urgent, or of the classes `severe`) or of people whom a word of `vulnerable` names."""

    crowd_reporters: int = 10
    crowd_hours: float = 24.0
    hot_hours: int = 3
    hot_weeks: int = 4
    hot_reporters: int = 8
    hot_score: float = 6.0
    quiet_days: float = 7.0
    quiet_voices: int = 2
    severe: tuple[str, ...] = ()  # class keys, or "major:NAME"
    vulnerable: tuple[str, ...] = ()


class City(Struct, frozen=True):
    """A whole city pack, checked."""

    name: str
    title: str
    title_en: str
    timezone: str
    version: str
    bounds: tuple[float, float, float, float]  # west, south, east, north in WGS-84 degrees
    root: str  # division code of the city
    divisions: tuple[Division, ...]  # those of the day on which the pack was read
    units: tuple[Unit, ...]  # of that day too
    classes: tuple[ClassItem, ...]
    dangers: tuple[Danger, ...]
    police_classes: tuple[PoliceClass, ...]
    screens: tuple[ScreenRule, ...]
    devices: tuple[Device, ...]
    rules: tuple[DutyRule, ...]
    rulebook_version: str
    policy: Policy
    calendars: tuple[CalendarData, ...]
    thresholds: Thresholds
    # (code, rings) in WGS-84; the first ring is the outline, the others are holes; a code may come several times
    polygons: tuple[tuple[str, tuple[tuple[tuple[float, float], ...], ...]], ...] = ()
    rosters: tuple[Shift, ...] = ()
    every_unit: tuple[Unit, ...] = ()  # a row for each span of each unit that ever was or is to be
    landmarks: tuple[Landmark, ...] = ()  # roads, compounds and sights, of that day too
    capacities: tuple[Capacity, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    elevations: tuple[Elevation, ...] = ()
    prepositions: tuple[Preposition, ...] = ()
    resource_kinds: tuple[ResourceKind, ...] = ()
    resources: tuple[Resource, ...] = ()
    one_stop: tuple[OneStopItem, ...] = ()  # government services whose tickets find their class by code
    negations: tuple[str, ...] = ()  # words that take a danger word back when they stand right before it
    settings: tuple[Setting, ...] = ()  # what puts danger words at a distance
    harmless: tuple[str, ...] = ()  # words that a danger word is only a piece of: 火车 in 坐着火车
    phone_pattern: str = r"^\+?[0-9][0-9\- ]{4,18}$"
    ended: frozenset[str] = frozenset()  # codes of divisions that do not stand on that day
    warnings: Warnings = Warnings()
    turns_on: date | None = None  # the next day on which other divisions or units stand
    earlier_policies: tuple[Policy, ...] = ()  # those that `policy` replaced from its `since` on, the oldest first
    model: bytes = b""  # the file of the trained classifier (schemas/model.py), checked; empty: words alone
