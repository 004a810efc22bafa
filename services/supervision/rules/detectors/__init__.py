"""Detectors: what supervision finds worth a look, each by a rule with thresholds from the pack's policy.

| kind            | of          | found when                                                                          |
|-----------------|-------------|-------------------------------------------------------------------------------------|
| ping_pong       | order       | dispatch called it one, or it was returned `count` times                            |
| recurrence      | order       | the `count`-th of its class within `radius_m` and `days`                            |
| never_contacted | report      | its order closed, it left a way to reach it, and nobody had                         |
| no_visit        | order       | closed as solved, a check on the spot is due, and no unit was ever there            |
| too_fast        | assignment  | such a matter was finished less than `minutes` after it was offered                 |
| parked_long     | parking     | parked for more than `days`                                                         |
| overlooked      | order       | at most `count` reports, and unsolved for `days`                                    |
| unit_silent     | unit        | `count` offers lie past their deadline, and no word of the unit for `minutes`       |

A finding is a pure function of facts, thresholds and the time, so a fact that comes late takes it back. It is a reason
to look, never a verdict: nothing is decided by it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from math import cos, floor, hypot, radians
from uuid import UUID

from msgspec import Struct

from schemas.city import DEFAULT_DETECTORS, Detector
from schemas.ids import NAMESPACE, uuid5
from schemas.vocabulary import FindingKind, OrderStatus, Result, Verification
from services.supervision.rules.kpi.definitions import REPORT_SOURCES
from services.supervision.rules.kpi.ledger import Closing, Ledger
from services.supervision.rules.timeline import Timeline, Voice

CELL = 0.002  # degrees; a circle of at most 50 m touches no more than two cells each way up to 60° of latitude
_METRES = 111_195.0  # a degree of latitude


class Finding(Struct, frozen=True):
    """Something that was found. `at` is when it became so; of a unit's silence `since` is its last word."""

    finding_id: UUID
    kind: FindingKind
    order_id: UUID | None
    unit: str
    division: str
    at: datetime
    reason: str
    since: datetime | None = None


class Neighbour(Struct, frozen=True):
    """Another order of the same class near by."""

    order_id: UUID
    opened_at: datetime
    spot: tuple[float, float]
    counts: bool  # neither void nor merged into another


class Rules:
    """The detectors of a policy, by kind; those that are switched off are not there."""

    def __init__(self, detectors: Iterable[Detector] = DEFAULT_DETECTORS) -> None:
        self.of = {detector.kind: detector for detector in detectors if detector.on}

    def longest(self) -> timedelta:
        """How far back recurrences look."""
        rule = self.of.get(FindingKind.RECURRENCE)
        return timedelta(days=rule.days) if rule is not None else timedelta()


def found(
    timeline: Timeline, ledger: Ledger, rules: Rules, now: datetime, neighbours: Sequence[Neighbour] | None = None
) -> list[Finding]:
    """Everything there is to find in one order at `now`. `neighbours` are the orders of its class near by, itself left
    out; None leaves recurrence out."""
    if timeline.imported or timeline.void:
        return []
    finder = _Finder(timeline, ledger, rules, now)
    return [*finder.on_the_way(), *finder.at_the_end(), *finder.again(neighbours or ())]


class _Finder:
    def __init__(self, timeline: Timeline, ledger: Ledger, rules: Rules, now: datetime) -> None:
        self._of = timeline
        self._ledger = ledger
        self._rules = rules.of
        self._now = now

    def on_the_way(self) -> Iterator[Finding]:
        of, ledger = self._of, self._ledger
        if (rule := self._rules.get(FindingKind.PING_PONG)) and (ledger.ping_pong_at or ledger.returned):
            moments = [ledger.ping_pong_at] if ledger.ping_pong_at else []
            moments += [ledger.returned[rule.count - 1].at] if len(ledger.returned) >= rule.count > 0 else []
            if moments:
                yield self._found(rule.kind, of.order_id, min(moments), f"returns: {len(ledger.returned)}")
        if (rule := self._rules.get(FindingKind.TOO_FAST)) and ledger.verification is Verification.SITE:
            for part in of.parts:
                took = part.done_at - part.offered_at if part.done_at is not None and not part.resumed else None
                if took is not None and part.done_at is not None and took < timedelta(minutes=rule.minutes):
                    why = f"seconds from offer to done: {max(0, int(took.total_seconds()))}"
                    yield self._found(rule.kind, part.assignment_id, part.done_at, why, unit=part.unit, n=part.round)
        if rule := self._rules.get(FindingKind.PARKED_LONG):
            for ask in of.asks:
                if not ask.parks or ask.decided_at is None:
                    continue
                until = ask.resumed_at or of.rounds[-1].ended_at or self._now
                at = ask.decided_at + timedelta(days=rule.days)
                if at <= until:
                    yield self._found(rule.kind, ask.request_id, at, f"parked for {rule.days:g} days")
        if rule := self._rules.get(FindingKind.OVERLOOKED):
            at = of.opened_at + timedelta(days=rule.days)
            if at <= self._now:
                end = of.rounds[-1].ended_at
                voices = sum(1 for voice in of.voices if not voice.away and voice.received_at <= at)
                heard = of.source in REPORT_SOURCES and voices <= rule.count
                if heard and len(of.rounds) == 1 and (end is None or end >= at):
                    yield self._found(rule.kind, of.order_id, at, f"reports: {voices}, open for {rule.days:g} days")

    def at_the_end(self) -> Iterator[Finding]:
        """What closings show. Several closings are several rounds."""
        before: datetime | None = None
        for closing in self._ledger.closings:
            yield from self._closed(closing, before)
            before = closing.at

    def _closed(self, closing: Closing, before: datetime | None) -> Iterator[Finding]:
        of, ledger = self._of, self._ledger
        numbers = _run(of, closing.round)
        if rule := self._rules.get(FindingKind.NEVER_CONTACTED):
            reachable = {heard.report_id for heard in ledger.heard if heard.reachable}
            for voice in of.voices:
                if voice.away or voice.source not in REPORT_SOURCES or voice.report_id not in reachable:
                    continue
                if voice.round <= closing.round and voice.received_at <= closing.at and not _reached(voice, numbers):
                    yield self._found(rule.kind, voice.report_id, closing.at, "contacts: 0", n=closing.round)
        rule = self._rules.get(FindingKind.NO_VISIT)
        due = ledger.verification is Verification.SITE and closing.result is Result.SOLVED
        if rule and due and not any(part.arrived_at for part in of.parts if part.round in numbers):
            yield self._found(rule.kind, of.order_id, closing.at, "arrivals: 0", n=closing.round)

    def again(self, neighbours: Sequence[Neighbour]) -> Iterator[Finding]:
        rule, spot = self._rules.get(FindingKind.RECURRENCE), self._ledger.spot
        if rule is None or spot is None or self._ledger.status is OrderStatus.MERGED:
            return
        at, since = self._of.opened_at, self._of.opened_at - timedelta(days=rule.days)
        earlier = [n for n in neighbours if n.counts and since <= n.opened_at and _before(n, at, self._of.order_id)]
        near = sum(1 for n in earlier if metres(n.spot, spot) <= rule.radius_m)
        if near + 1 >= rule.count > 0:
            why = f"orders: {near + 1} within {rule.days:g} days and {rule.radius_m:g} m"
            yield self._found(rule.kind, self._of.order_id, at, why)

    def _found(self, kind: FindingKind, of: UUID, at: datetime, reason: str, *, unit: str = "", n: int = 0) -> Finding:
        spell = self._ledger.at(at)
        id_ = uuid5(of, f"{kind.value}\x1f{n}")
        return Finding(id_, kind, self._of.order_id, unit or spell.lead, spell.division, at, reason)


def _before(other: Neighbour, at: datetime, order_id: UUID) -> bool:
    return (other.opened_at, other.order_id) < (at, order_id)


def _reached(voice: Voice, rounds: set[int]) -> bool:
    return any(contact.round in rounds for contact in voice.contacts)


def _run(timeline: Timeline, number: int) -> set[int]:
    """The numbers of the rounds that belong together with one: a round with the rework that followed it."""
    run: set[int] = set()
    for round_ in timeline.rounds:
        if not round_.rework:
            if number in run:
                break
            run = set()
        run.add(round_.number)
    return run


def metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """How far two near points (longitude, latitude) are from each other."""
    return hypot((a[0] - b[0]) * cos(radians((a[1] + b[1]) / 2)), a[1] - b[1]) * _METRES


def cell_of(ledger: Ledger) -> str | None:
    """The class and the cell in which an order was opened; None without a point."""
    if ledger.spot is None:
        return None
    lon, lat = ledger.spot
    return f"{ledger.spells[0].class_key}|{floor(lon / CELL)}|{floor(lat / CELL)}"


def cells_near(ledger: Ledger) -> list[str]:
    """The cells in which orders of its class can lie that are within 50 m of it."""
    if ledger.spot is None:
        return []
    lon, lat = (floor(degrees / CELL - 0.5) for degrees in ledger.spot)
    key = ledger.spells[0].class_key
    return [f"{key}|{lon + east}|{lat + north}" for east in (0, 1) for north in (0, 1)]


def silent(unit: str, division: str, offers: int, last_word: datetime, rules: Rules, now: datetime) -> Finding | None:
    """The silence of a unit with so many offers past their deadline, which spoke last at `last_word`."""
    rule = rules.of.get(FindingKind.UNIT_SILENT)
    if rule is None or offers < rule.count or now - last_word < timedelta(minutes=rule.minutes):
        return None
    at = last_word + timedelta(minutes=rule.minutes)
    id_ = uuid5(NAMESPACE, f"silent\x1f{unit}\x1f{last_word.isoformat()}")
    why = f"offers past their deadline: {offers}, silent for {rule.minutes:g} minutes"
    return Finding(id_, FindingKind.UNIT_SILENT, None, unit, division, at, why, last_word)
