"""Our deadlines and on-time flags beside the published ones, row by row. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta

from msgspec import Struct, field

from deploy.replay.records import ZONE, Record

WITHIN = timedelta(minutes=1)  # two deadlines are the same when they lie less than this apart
FORM_OPEN = timedelta(minutes=20)
PLACEHOLDER_YEAR = 2050
KEPT_BACK_FROM = datetime(2011, 11, 1, tzinfo=ZONE)
INFERRED, KEPT_BACK, ALL = "Jul–Oct (inferred from)", "Nov–Dec (kept back)", "all"


class Ours(Struct, frozen=True, gc=False):
    """What came of a request on our side: the deadline of its promise with the policy row that set it, None and ""
    where nothing is promised; whether it was kept, None where that is not known."""

    due: datetime | None = None
    on_time: bool | None = None
    policy: str = ""


class Disagreement(Struct, frozen=True, gc=False):
    """One row whose deadline or on-time flag differs: what was published, what we say, and the most likely reason
    (`kind`, `reason`). `flag`: the on-time flag differs."""

    case_id: str
    type: str
    opened: datetime
    published: datetime
    ours: datetime
    policy: str
    kind: str
    reason: str
    flag: bool


class Tally(Struct):
    """Counts over some rows. `ruled` are rows with a published target and a deadline of ours, `equal` those less than
    a minute apart, `second` those equal to the second; flags are counted over `ruled` rows with a published flag, and
    again over the `equal` ones among them. `unpromised`: a deadline of ours where none was published. `missing`: rows
    that were never found."""

    rows: int = 0
    missing: int = 0
    targets: int = 0
    ruled: int = 0
    equal: int = 0
    second: int = 0
    flags: int = 0
    flags_equal: int = 0
    flags_at_equal: int = 0
    flags_equal_at_equal: int = 0
    unpromised: int = 0

    @property
    def coverage(self) -> float:
        """Share of the rows with a published target that have a rule; 0 without such rows."""
        return self.ruled / self.targets if self.targets else 0.0

    @property
    def agreement(self) -> float:
        """Share of the rows with a rule whose deadline is the published one; 0 without such rows."""
        return self.equal / self.ruled if self.ruled else 0.0


class Outcome(Struct):
    """What a comparison came to, by period, with every disagreement in file order."""

    periods: dict[str, Tally] = field(default_factory=lambda: {INFERRED: Tally(), KEPT_BACK: Tally(), ALL: Tally()})
    disagreements: list[Disagreement] = field(default_factory=list)
    unruled: Counter[str] = field(default_factory=Counter)  # type → rows with a target and no rule

    @property
    def total(self) -> Tally:
        """Over all rows."""
        return self.periods[ALL]

    def kinds(self) -> list[tuple[str, int, int]]:
        """(kind of reason, rows, of which the flag differs too), the most frequent first."""
        rows = Counter(found.kind for found in self.disagreements)
        flags = Counter(found.kind for found in self.disagreements if found.flag)
        return [(kind, count, flags[kind]) for kind, count in rows.most_common()]


def compare(records: Iterable[Record], ours: Mapping[str, Ours]) -> Outcome:
    """Set every record beside what came of it, found by its case id."""
    outcome = Outcome()
    for record in records:
        found = ours.get(record.case_id)
        period = INFERRED if record.opened < KEPT_BACK_FROM else KEPT_BACK
        for name in (period, ALL):
            _count(outcome.periods[name], record, found)
        if record.target is None or found is None:
            continue
        if found.due is None:
            outcome.unruled[record.type] += 1
        elif not _same(found.due, record.target) or _flag_differs(record, found):
            outcome.disagreements.append(_disagreement(record, record.target, found, found.due))
    return outcome


def _count(tally: Tally, record: Record, found: Ours | None) -> None:
    tally.rows += 1
    tally.targets += record.target is not None
    if found is None:
        tally.missing += 1
        return
    if found.due is None:
        return
    if record.target is None:
        tally.unpromised += 1
        return
    same = _same(found.due, record.target)
    tally.ruled += 1
    tally.equal += same
    tally.second += found.due == record.target
    if record.on_time is not None:
        kept = not _flag_differs(record, found)
        tally.flags += 1
        tally.flags_equal += kept
        tally.flags_at_equal += same
        tally.flags_equal_at_equal += same and kept


def _same(one: datetime, other: datetime) -> bool:
    return abs(one - other) < WITHIN


def _disagreement(record: Record, target: datetime, found: Ours, due: datetime) -> Disagreement:
    kind, reason = reason_of(record.opened, target, due)
    if _same(due, target):
        closed = "still open" if record.closed is None else f"closed {record.closed.astimezone(ZONE):%Y-%m-%d %H:%M:%S}"
        kept = {True: "kept", False: "missed", None: "undecided"}
        kind, reason = "flag alone", f"{closed}: published {kept[record.on_time]}, ours {kept[found.on_time]}"
    flag = _flag_differs(record, found)
    return Disagreement(record.case_id, record.type, record.opened, target, due, found.policy, kind, reason, flag)


def _flag_differs(record: Record, found: Ours) -> bool:
    return record.on_time is not None and found.on_time != record.on_time


def reason_of(opened: datetime, target: datetime, due: datetime) -> tuple[str, str]:
    """Why a published target probably differs from the deadline `due`: a kind to count by, and a sentence."""
    local = target.astimezone(ZONE)
    if local.year >= PLACEHOLDER_YEAR:
        return "placeholder", f"the published target is a placeholder in {local.year}"
    if target < opened:
        return "before opening", "the published target lies before the opening"
    early = due - target
    if timedelta(0) < early < FORM_OPEN and local.second:
        return "form open", f"the target counts from {early.total_seconds():.0f} s before the request was sent"
    if local.second == 0 and local.time() != time(8, 30):
        return "moved by hand", f"the published target is a whole minute, {_span(target - due)}"
    return "another rule", f"the published target is {_span(target - due)}"


def _span(later: timedelta) -> str:
    minutes = abs(later.total_seconds()) / 60
    size = f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} hours"
    if minutes >= 48 * 60:
        size = f"{minutes / 1440:.1f} days"
    return f"{size} {'later' if later > timedelta(0) else 'earlier'}"
