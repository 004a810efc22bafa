"""Keeps what orders count and what detectors find, in the transaction that moved them.

Facts bring their orders through `Numbers.apply`; a deadline that passed and an appeal that was granted bring no fact,
so their orders are marked and counted again by `recounts` (every second). Both end in the same few lines.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from schemas.city import City
from schemas.envelope import Outgoing
from services.chassis import metrics
from services.chassis.database import Connection
from services.supervision.handlers import news
from services.supervision.rules.detectors import Finding, Neighbour, Rules, found, silent
from services.supervision.rules.kpi import Bearings, Granted, Ledger, Measure, overdue, tally
from services.supervision.rules.kpi.changes import Changes, changes, corrections
from services.supervision.rules.stages import Clock
from services.supervision.rules.timeline import Timeline
from services.supervision.store import findings, measures

APPEAL = "Appeal"  # the cause of a correction that an appeal brought
REBUILT = "Rebuilt"
NEAR = "Neighbour"  # an order near by came or left
MISSED = "DeadlineMissed"
TIME = "Time"  # something may be found in it because time passed


class Counted(Struct):
    """An order that may count otherwise than before: its facts, its clocks as they stand, why; `new` when it was not
    known before, `left` when it became void or went into another order just now, `near` to look around it anew."""

    timeline: Timeline
    ledger: Ledger
    clocks: Sequence[Clock]
    cause: str
    new: bool = False
    left: bool = False
    near: bool = False


class Numbers:
    """What a city counts by, and how its detectors look."""

    def __init__(self, bearings: Bearings | None = None, rules: Rules | None = None) -> None:
        self.bearings = bearings or Bearings()
        self.rules = rules or Rules()

    @classmethod
    def of(cls, city: City) -> "Numbers":
        """The numbers of a city pack."""
        return cls(Bearings.of(city), Rules(city.policy.detectors))

    def counts(self, each: Counted, granted: Mapping[UUID, Granted]) -> list[Measure]:
        """What an order counts now."""
        return tally(each.timeline, each.ledger, each.clocks, self.bearings, granted.get(each.timeline.order_id))

    async def apply(
        self, connection: Connection, counted: Sequence[Counted], now: datetime, *, quiet: bool = False
    ) -> list[Outgoing]:
        """Write what these orders count, what that corrects, and what was found; what there is to say of it. A quiet
        one corrects nothing and finds nothing: it makes a view anew."""
        if not counted:
            return []
        ids = [each.timeline.order_id for each in counted]
        known = [each.timeline.order_id for each in counted if not each.new]
        stored = await measures.load(connection, ids)
        granted = await measures.granted(connection, known) if known else {}
        done: list[tuple[Counted, Changes]] = []
        for each in counted:
            changed = changes(stored.get(each.timeline.order_id, ()), self.counts(each, granted))
            if changed:
                done.append((each, changed))
        await measures.save(connection, [(each.timeline.order_id, changed) for each, changed in done])
        late = [
            (each.timeline.order_id, row)
            for each in counted
            if (row := overdue(each.timeline, each.ledger, each.clocks, self.bearings)) is not None
        ]
        await measures.save_overdue(connection, ids, late)
        if quiet:
            return []
        await self._correct(connection, done, now)
        return await self._find(connection, counted, known, now)

    async def _correct(self, connection: Connection, done: Sequence[tuple[Counted, Changes]], now: datetime) -> None:
        today = self.bearings.day(now)
        if all(row.day >= today for _, changed in done for row in _rows(changed)):
            return
        through = await measures.frozen_through(connection)
        if through is None:
            return
        found = [
            (each.timeline.order_id, each.cause, one) for each, changed in done for one in corrections(changed, through)
        ]
        await measures.correct(connection, found, now)
        for cause, count in Counter("appeal" if cause.startswith(APPEAL) else "late" for _, cause, _ in found).items():
            metrics.CORRECTIONS.labels(cause).inc(count)

    async def _find(
        self, connection: Connection, counted: Sequence[Counted], known: Sequence[UUID], now: datetime
    ) -> list[Outgoing]:
        near = await self._near(connection, counted)
        stored = await findings.of_orders(connection, known) if known else {}
        rose: list[tuple[Finding, int]] = []
        gone: list[tuple[Finding, int, str]] = []
        for each in counted:
            order_id = each.timeline.order_id
            before = stored.get(order_id, {})
            neighbours = near.get(order_id)
            after = {f.finding_id: f for f in found(each.timeline, each.ledger, self.rules, now, neighbours)}
            for id_, finding in after.items():
                old = before.get(id_)
                if old is None or old.withdrawn:
                    rose.append((finding, 1 if old is None else old.times + 1))
            for id_, old in before.items():
                judged = neighbours is not None or old.finding.kind != "recurrence" or each.left
                if id_ not in after and not old.withdrawn and judged:
                    gone.append((old.finding, old.times, each.cause))
        return await self._say(connection, rose, gone, now)

    async def _near(self, connection: Connection, counted: Sequence[Counted]) -> dict[UUID, list[Neighbour]]:
        """The neighbours of orders that are new or were marked; later ones of those that came or left just now are
        marked to be looked at again."""
        span = self.rules.longest()
        asked = [each for each in counted if span and (each.new or each.left or each.near)]
        ledgers = {each.timeline.order_id: each.ledger for each in asked}
        opened = {each.timeline.order_id: each.timeline.opened_at for each in asked}
        near = await findings.neighbours(connection, ledgers, opened, span)
        stirred = [
            other.order_id
            for each in asked
            if each.new or each.left
            for other in near.get(each.timeline.order_id, ())
            if other.opened_at >= each.timeline.opened_at
        ]
        if stirred:
            await measures.mark(connection, stirred, NEAR)
        return {order_id: near.get(order_id, []) for order_id in ledgers}

    async def heard(
        self, connection: Connection, words: Mapping[str, datetime], now: datetime, *, quiet: bool = False
    ) -> list[Outgoing]:
        """Units spoke; silences that they broke, as it now turns out, are taken back, unless it is to be quiet."""
        broken = await findings.spoke(connection, words)
        if quiet:
            return []
        return await self._say(connection, [], [(finding, 1, "LateWord") for finding in broken], now)

    async def _say(
        self,
        connection: Connection,
        rose: Sequence[tuple[Finding, int]],
        gone: Sequence[tuple[Finding, int, str]],
        now: datetime,
    ) -> list[Outgoing]:
        await findings.raise_(connection, [finding for finding, _ in rose], now)
        await findings.withdraw(connection, [(finding.finding_id, cause) for finding, _, cause in gone], now)
        for finding, _ in rose:
            metrics.FINDINGS.labels(finding.kind, "raised").inc()
        for finding, _, _ in gone:
            metrics.FINDINGS.labels(finding.kind, "withdrawn").inc()
        said = [news.finding_raised(finding, times, now) for finding, times in rose]
        return said + [news.finding_withdrawn(finding, times, cause, now) for finding, times, cause in gone]

    async def silences(self, connection: Connection, now: datetime) -> list[Outgoing]:
        """Units that have fallen silent."""
        rose = []
        for unit, offers, last, division in await findings.waiting_units(connection, now):
            finding = silent(unit, division, offers, last, self.rules, now)
            if finding is not None:
                rose.append(finding)
        known = await findings.known(connection, [finding.finding_id for finding in rose])
        return await self._say(connection, [(f, 1) for f in rose if f.finding_id not in known], [], now)


def _rows(changed: Changes) -> list[Measure]:
    return [*changed.new, *changed.gone, *(row for pair in changed.changed for row in pair)]
