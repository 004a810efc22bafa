"""Facts of orders and of special cases, folded into timelines; the clocks that follow from them, set and announced.

A special case is to its commitments' clocks what an order is to its own; what is said here of orders holds for both.
Facts need no inbox row: each order counts its own, so a repeat is known by its `seq`, and a Tick only ever moves on.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from schemas.codec import Unreadable, decode
from schemas.envelope import Outgoing, Record
from schemas.facts import (
    CaseFact,
    ClockView,
    CommitmentRung,
    Numbered,
    OrderFact,
    OrderOpened,
    SpecialCaseOpened,
    Supervised,
    Tick,
    Urged,
)
from schemas.refusals import Refused
from schemas.vocabulary import Light, OrderStatus
from services.chassis import metrics
from services.chassis import sequence as numbered
from services.chassis.database import Connection
from services.chassis.delivery import Output, Work
from services.supervision.handlers import news
from services.supervision.handlers.climbing import Rungs
from services.supervision.handlers.counting import Counted, Numbers
from services.supervision.rules.cases import CaseTimeline, case_clocks, fold_case
from services.supervision.rules.kpi import Ledger, fold_ledger
from services.supervision.rules.ladder import Ladder
from services.supervision.rules.stages import Clock, Promises, clocks
from services.supervision.rules.timeline import Timeline, fold
from services.supervision.rules.timers import Armed, Stored, arm, cancelled, light_of
from services.supervision.store import cases, rungs
from services.supervision.store import orders as store

LOCK_SPACE = 3
_AWAY = (OrderStatus.VOID, OrderStatus.MERGED)
AnyTimeline = Timeline | CaseTimeline


def lock_of(order_id: UUID) -> int:
    """What an order's advisory lock is hashed from; the fold of facts and the sweep take the same."""
    return order_id.int & 0x7FFFFFFF


@dataclass(slots=True)
class Change:
    """What a batch did to one order. `cause` is the message of its last fact, `moved` whether a clock may have, `known`
    when the last fact that did was recorded; `answered` whether one of our own notices was: then others want to see the
    clocks as they now stand. `earlier` are clocks that it had on the way: whatever order facts come in, and however
    many at once, the clocks that were promised and no longer are stay as cancelled ones. `ledger` is what numbers
    need of an order, `counts` whether one may have moved, `left` whether it became void or went into another order."""

    timeline: AnyTimeline
    last: Numbered
    cause: UUID
    moved: bool
    answered: bool
    known: datetime
    ledger: Ledger | None = None
    counts: bool = False
    left: bool = False
    earlier: dict[UUID, Clock] = field(default_factory=dict)


@dataclass(slots=True)
class State:
    """One batch."""

    now: datetime
    known: dict[UUID, store.Known | cases.Known]
    facts: numbered.Sequence
    changes: dict[UUID, Change] = field(default_factory=dict)
    ticks: dict[int, datetime] = field(default_factory=dict)
    words: dict[str, datetime] = field(default_factory=dict)
    output: Output = field(default_factory=Output)


@dataclass(slots=True)
class Written:
    """The clocks that a batch writes: new ones, changed ones, and misses (order, clock, due, why) taken back."""

    new: list[tuple[UUID, Clock, Armed]] = field(default_factory=list)
    changed: list[tuple[UUID, Clock, Armed]] = field(default_factory=list)
    gone: list[tuple[UUID, UUID, datetime, str]] = field(default_factory=list)

    def count(self) -> None:
        """Tell the metrics, once a batch."""
        clocks = [clock for _, clock, _ in (*self.new, *self.changed)]
        for stage, count in Counter(clock.view.stage for clock in clocks).items():
            metrics.CLOCKS_SET.labels(stage).inc(count)
        for calendar, count in Counter(clock.unlisted for clock in clocks if clock.unlisted).items():
            metrics.UNLISTED_YEAR.labels(calendar).inc(count)


class OrdersHandler:
    """The consumer of `orders.events`. With `quiet` it only folds: it announces nothing and touches no notice, and no
    number that was frozen."""

    consumer = "supervision"
    lock_space = LOCK_SPACE

    def __init__(self, promises: Promises, numbers: Numbers | None = None, *, quiet: bool = False) -> None:
        self._promises = promises
        self._ladder = Ladder(promises.newest.terms)
        self._numbers = numbers or Numbers()
        self._quiet = quiet

    def wants(self, fact: Struct) -> bool:
        """Everything an order or a special case does, and the Ticks."""
        return isinstance(fact, OrderFact | CaseFact | Tick)

    def inboxed(self, fact: Struct) -> bool:
        """Nothing: an order's facts are numbered, and Ticks are only ever raised."""
        return False

    def prepare(self, works: Sequence[Work]) -> None:
        """Nothing can be done before the orders' own past is known."""

    def locks(self, works: Sequence[Work]) -> Iterable[int]:
        """One lock an order."""
        return {lock_of(work.fact.aggregate_id) for work in works if not isinstance(work.fact, Tick)}

    async def gather(self, connection: Connection, works: Sequence[Work], now: datetime) -> State:
        """The timelines of the batch's orders, and what of them waits behind a gap."""
        order_ids = list({work.fact.order_id for work in works if isinstance(work.fact, OrderFact)})
        case_ids = list({work.fact.case_id for work in works if isinstance(work.fact, CaseFact)})
        known: dict[UUID, store.Known | cases.Known] = {}
        if order_ids:
            known |= await store.load_orders(connection, order_ids)
        if case_ids:
            known |= await cases.load(connection, case_ids)
        last = {id_: each.seq for id_, each in known.items()}
        return State(now, known, await numbered.Sequence.gather(connection, last, [*order_ids, *case_ids]))

    def decide(self, state: State, work: Work, output: Output) -> None:
        """Fold one fact, and those that waited for it. Raises Refused for a first fact that opens nothing, and for an
        opening that is not the first."""
        state.output = output
        fact = work.fact
        if isinstance(fact, Tick):
            state.ticks[fact.partition] = max(fact.t, state.ticks.get(fact.partition, fact.t))
            return
        if (fact.seq == 1) is not isinstance(fact, OrderOpened | SpecialCaseOpened):
            raise Refused("schema", f"{type(fact).__name__} cannot be fact {fact.seq}")
        for each in state.facts.take(fact, work.record):
            self._fold(state, each, work.id)

    def _fold(self, state: State, fact: Numbered, cause: UUID) -> None:
        change = state.changes.get(fact.aggregate_id)
        answers = isinstance(fact, CommitmentRung) or (
            isinstance(fact, Urged | Supervised) and fact.clock_id is not None
        )
        if isinstance(fact, OrderFact) and fact.unit:
            state.words[fact.unit] = max(fact.occurred_at, state.words.get(fact.unit, fact.occurred_at))
        if change is None:
            known = state.known.get(fact.aggregate_id)
            before = known.timeline if known is not None else None
            after = _folded(before, fact)
            change = Change(after, fact, cause, after is not before, answers, fact.recorded_at)
            change.ledger = known.ledger if isinstance(known, store.Known) else None
            state.changes[fact.aggregate_id] = change
            _note(change, fact)
            return
        _note(change, fact)
        after = _folded(change.timeline, fact)
        if after is not change.timeline:
            if change.moved:
                change.earlier |= {c.view.clock_id: c for c in self._clocks(change.timeline)}
            change.moved, change.known = True, fact.recorded_at
        change.answered = change.answered or answers
        change.timeline, change.last, change.cause = after, fact, cause

    async def apply(self, connection: Connection, state: State) -> None:
        """Write orders, clocks, what waits and Ticks; announce the clocks that changed."""
        await state.facts.apply(connection, state.now)
        await store.save_ticks(connection, state.ticks)
        if not state.changes:
            return
        changes = list(state.changes.values())
        moved = [change for change in changes if change.moved or change.answered or change.counts]
        old = [change.timeline.aggregate_id for change in moved if change.timeline.aggregate_id in state.known]
        stored = await store.load_clocks(connection, old)
        written = Written()
        climbed = Rungs(self._ladder, {} if self._quiet else await rungs.load(connection, old))
        counted = []
        for change in moved:
            each = self._set(state, change, stored.get(change.timeline.aggregate_id, {}), written, climbed)
            if each is not None:
                counted.append(each)
        await self._save(connection, state, changes)
        await store.insert_clocks(connection, written.new)
        await store.update_clocks(connection, written.changed)
        said = await self._numbers.apply(connection, counted, state.now, quiet=self._quiet)
        if not self._quiet:
            await store.withdraw_notices(connection, written.gone, state.now)
            await climbed.apply(connection, state.now)
            written.count()
            state.output.messages += said
        state.output.messages += await self._numbers.heard(connection, state.words, state.now, quiet=self._quiet)

    async def _save(self, connection: Connection, state: State, changes: Sequence[Change]) -> None:
        of_orders = [
            (c.last.seq, c.timeline, c.ledger)
            for c in changes
            if isinstance(c.timeline, Timeline) and c.ledger is not None
        ]
        new = [each for each in of_orders if each[1].order_id not in state.known]
        await store.save_orders(connection, new, [each for each in of_orders if each[1].order_id in state.known])
        of_cases = [(c.last.seq, c.timeline) for c in changes if isinstance(c.timeline, CaseTimeline)]
        if of_cases:
            await cases.save(connection, of_cases)

    def _set(
        self, state: State, change: Change, before: dict[UUID, Stored], written: Written, climbed: Rungs
    ) -> Counted | None:
        """The clocks of one order beside those that are stored: what must be written, announced and taken back. What of
        it counts, of an order."""
        timeline = change.timeline
        order_id, why = timeline.aggregate_id, type(change.last).__name__
        found = self.settled(timeline, before, change.known, change.earlier)
        changed = change.answered
        takes: list[Outgoing] = []
        for clock, armed in found:
            old = before.get(clock.view.clock_id)
            if old is None or old.differs(clock, armed):
                changed = True
                (written.new if old is None else written.changed).append((order_id, clock, armed))
            if armed.withdrawn is not None:
                written.gone.append((order_id, clock.view.clock_id, armed.withdrawn, why))
                takes.append(news.withdrawn(order_id, clock.view, armed.withdrawn, why, change.cause, state.now))
        counted = None
        if isinstance(timeline, Timeline) and change.ledger is not None:
            new = order_id not in state.known
            of = [clock for clock, _ in found]
            counted = Counted(timeline, change.ledger, of, why, new=new, left=change.left)
        if self._quiet:
            return counted
        if changed:
            views = tuple(lit(clock, state.now) for clock, _ in found)
            state.output.messages.append(news.clocks_set(order_id, change.last.seq, views, change.cause, state.now))
        state.output.messages += takes
        if isinstance(timeline, Timeline) and not timeline.imported:
            state.output.messages += climbed.settle(order_id, timeline.urgency, found, why, change.cause, state.now)
        return counted

    def _clocks(self, timeline: AnyTimeline, known: datetime | None = None) -> list[Clock]:
        if isinstance(timeline, CaseTimeline):
            return case_clocks(timeline)
        return clocks(timeline, self._promises, known)

    def settled(
        self,
        timeline: AnyTimeline,
        before: dict[UUID, Stored],
        known: datetime,
        earlier: dict[UUID, Clock] | None = None,
    ) -> list[tuple[Clock, Armed]]:
        """All clocks of an order as they must be stored, with their notices: those that follow from its timeline, and,
        cancelled, those it had (`before`, or `earlier` in the same batch) and has no longer."""
        found = self._clocks(timeline, known if timeline.imported else None)
        kept = {clock.view.clock_id for clock in found}
        gone = {clock_id: old.clock() for clock_id, old in before.items() if clock_id not in kept}
        gone |= {clock_id: clock for clock_id, clock in (earlier or {}).items() if clock_id not in kept}
        found += [cancelled(clock) for clock in gone.values()]
        return [arm(each, before.get(each.view.clock_id), imported=timeline.imported) for each in found]

    async def mark(self, connection: Connection, records: Sequence[Record], now: datetime) -> None:
        """Remember orders of which a fact became a dead letter: none of their clocks is missed until it is mended."""
        dead = [(order_id, place, seq) for record in records for order_id, place, seq in _named(record)]
        await store.mark_dead(connection, dead, now)


def _folded(before: AnyTimeline | None, fact: Numbered) -> AnyTimeline:
    """The timeline with one more fact, of whichever kind both are."""
    if isinstance(fact, OrderFact):
        assert not isinstance(before, CaseTimeline)
        return fold(before, fact)
    assert not isinstance(before, Timeline)
    return fold_case(before, fact)


def _note(change: Change, fact: Numbered) -> None:
    """One more fact in what numbers need of an order."""
    if not isinstance(fact, OrderFact):
        return
    before = change.ledger
    change.ledger = fold_ledger(before, fact)
    change.counts = change.counts or change.ledger is not before
    status = change.ledger.status
    change.left = change.left or (before is not None and before.status is not status and status in _AWAY)


def lit(clock: Clock, now: datetime) -> ClockView:
    """A clock as others see it at `now`."""
    light = light_of(clock.view.state, clock.view.due, clock.warn_at, now)
    return clock.view if light is Light.GREEN else replace(clock.view, light=light)


def _named(record: Record) -> Iterable[tuple[UUID, str, int]]:
    """The order that a dead record belongs to by its key, where it lay, and its number if it can be read."""
    try:
        order_id = UUID((record.key or b"").decode("ascii"))
    except ValueError:
        return
    try:
        fact = decode(record)
        seq = fact.seq if isinstance(fact, OrderFact | CaseFact) else 0
    except Unreadable:
        seq = 0
    yield order_id, f"{record.topic}:{record.partition}:{record.offset}", seq
