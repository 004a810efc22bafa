"""Reports: prepare (veto, locate, classify, match: no state) → gather decisions and candidates → decide → write."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from schemas.codec import message
from schemas.envelope import Outgoing, Record, place_of
from schemas.facts import MergeProposed, ReportReceived
from schemas.ids import fact_id, placed_id, report_id_of
from schemas.refusals import Refused
from schemas.topics import ROUTING
from schemas.vocabulary import Lane, Source
from services.chassis import metrics
from services.chassis.database import Connection
from services.chassis.delivery import Output, Work
from services.router import store
from services.router.handlers.drift import DriftWatch
from services.router.handlers.force import InForce
from services.router.handlers.today import Today
from services.router.rules.atlas import Atlas
from services.router.rules.classify import Classified
from services.router.rules.merge import Matter, Told, joined
from services.router.rules.outcome import Outcome, ruling_of
from services.router.rules.plan import Decision, Kind, Prepared, conclude, prepare_all
from services.router.rules.proposals import at_birth
from services.router.rules.shadow import by_model, by_rulebook, verdict
from services.router.rules.shreds import READ
from services.router.rules.voices import knows

_encode = msgspec.json.Encoder().encode
_EPOCH = datetime.fromtimestamp(0, UTC)
LOCK_SPACE = 1
AHEAD = timedelta(minutes=15)  # how far a sender's clock may run ahead of ours


def report_id_in(record: Record, report: ReportReceived) -> UUID:
    """The id of a report: its own, else by the sender's id, else by where the message first lay."""
    if report.report_id is not None:
        return report.report_id
    if report.source_id:
        return report_id_of(report.source, report.source_id)
    return placed_id(*place_of(record))


def body_hash(report: ReportReceived) -> bytes:
    """A hash of what the report says, without when this copy of it was received."""
    bare = msgspec.structs.replace(report, received_at=_EPOCH, report_id=None)
    return blake2b(_encode(bare), digest_size=16).digest()


def report_identity(record: Record, fact: Any) -> UUID:
    """What the inbox knows a report by: its id and what it says, so that the same id with another body is noticed."""
    return fact_id(report_id_in(record, fact), body_hash(fact).hex())


@dataclass(slots=True)
class _Prepared:
    report_id: UUID
    hash: bytes
    plan: Prepared
    atlas: Atlas  # what it was prepared by: another rulebook may have come into force since
    read: Prepared | None = None  # as a second model reads it
    reader: str = ""  # that model's version


@dataclass(slots=True)
class _State:
    now: datetime
    decided: dict[UUID, bytes]
    by_key: dict[int, dict[UUID, Matter]]
    today: Today
    rows: list[store.DecisionRow] = field(default_factory=list)
    matters: dict[UUID, Matter] = field(default_factory=dict)
    born: set[UUID] = field(default_factory=set)
    added: dict[UUID, Matter] = field(default_factory=dict)
    tally: Counter[tuple[datetime, str, str, bool]] = field(default_factory=Counter)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    keys: dict[tuple[int, UUID], datetime] = field(default_factory=dict)
    classified: list[Classified] = field(default_factory=list)
    asked: list[MergeProposed] = field(default_factory=list)
    differences: list[store.Difference] = field(default_factory=list)
    shadowed: Counter[tuple[str, str]] = field(default_factory=Counter)


class ReportsHandler:
    """Routes reports of one lane."""

    lock_space = LOCK_SPACE

    def __init__(self, force: InForce, *, lane: Lane, per_key: int) -> None:
        self.consumer = f"router-{lane}"
        self._force = force
        self._per_key = per_key
        self._drift = DriftWatch(force.atlas)
        self._window = timedelta(hours=force.atlas.city.thresholds.merge_hours)

    def wants(self, fact: Struct) -> bool:
        """All reports."""
        return isinstance(fact, ReportReceived)

    def inboxed(self, fact: Struct) -> bool:
        """Every report is decided once."""
        return True

    def prepare(self, works: Sequence[Work]) -> None:
        """Everything that needs no state; kept on the work, so a second try does not do it again."""
        atlas = self._force.atlas
        fresh = [work for work in works if work.prepared is None]
        reports = []
        for work in fresh:
            report: ReportReceived = work.fact
            if report.report_id is None:
                report = msgspec.structs.replace(report, report_id=report_id_in(work.record, report))
            reports.append(report)
        reader = self._force.reader
        plans = prepare_all(reports, atlas)
        read: Sequence[Prepared | None] = prepare_all(reports, reader) if reader else [None] * len(plans)
        for work, plan, other in zip(fresh, plans, read, strict=True):
            id_, version = report_id_in(work.record, work.fact), reader.model_version if reader else ""
            work.prepared = _Prepared(id_, body_hash(work.fact), plan, atlas, other, version)

    def locks(self, works: Sequence[Work]) -> Iterable[int]:
        """The report itself, and every place a matter of its kind could be found or born."""
        for work in works:
            yield work.prepared.report_id.int & 0x7FFFFFFF
            yield from work.prepared.plan.lock_keys
            yield from Today.locks(work.prepared.plan)

    async def gather(self, connection: Connection, works: Sequence[Work], now: datetime) -> _State:
        """Earlier decisions on these reports, and the matters they may belong to."""
        decided = await store.decided(connection, [work.prepared.report_id for work in works])
        asked = {key for work in works for key in work.prepared.plan.lookup_keys}
        oldest = min((work.fact.received_at for work in works), default=now)
        found = await store.candidates(connection, sorted(asked), min(oldest, now) - self._window, self._per_key)
        by_key: dict[int, dict[UUID, Matter]] = {}
        for key, matter in found:
            by_key.setdefault(key, {})[matter.order_id] = matter
        today = Today(self._force.atlas)
        await today.gather(connection, (work.prepared.plan for work in works), now)
        return _State(now, decided, by_key, today)

    def decide(self, state: _State, work: Work, output: Output) -> None:
        """Route one report. Raises Refused `time_in_future` when it says it was received then, `key_reused` when its id
        was used for another body."""
        prepared: _Prepared = work.prepared
        if work.fact.received_at > state.now + AHEAD:
            raise Refused("time_in_future", f"received_at {work.fact.received_at.isoformat()}")
        before = state.decided.get(prepared.report_id)
        if before is not None:
            if before != prepared.hash:
                raise Refused("key_reused", f"report {prepared.report_id}")
            return
        near = {
            order_id: state.matters.get(order_id, matter)
            for key in prepared.plan.lookup_keys
            for order_id, matter in state.by_key.get(key, {}).items()
        }
        decision = conclude(prepared.plan, list(near.values()), state.now, prepared.atlas, state.today.day)
        state.today.fold(decision, state.now)
        self._tally(state, prepared, decision, near)
        self._fold(state, work, decision)
        self._ask_shadow(state, prepared)
        lane = decision.lane
        fact = message(
            ROUTING[lane],
            decision.fact,
            id=fact_id(work.id, type(decision.fact).__name__),
            key=str(decision.order_id or prepared.report_id),
            source="router",
            time=state.now,
        )
        out = output.urgent if lane is Lane.URGENT else output.messages
        out.append(fact)
        if decision.suggested is not None:
            self._ask(state, work, decision, out)
        state.counts[decision.kind, work.fact.source] += 1

    @staticmethod
    def _tally(state: _State, prepared: _Prepared, decision: Decision, near: dict[UUID, Matter]) -> None:
        """Count the report under its hour, class and street-town (or what is known of the place), and whether it is a
        voice that its matter did not have. Imports are no news, nor is what could not be classified a topic."""
        report, this, atlas = prepared.plan.report, prepared.plan.this, prepared.atlas
        if report.imported or this.class_key not in atlas.classes or not this.division:
            return
        place = atlas.street_of(this.division) or this.division
        matter = near.get(decision.order_id) if decision.kind is Kind.LINK and decision.order_id else None
        heard_before = matter is not None and knows(matter.voices, this.voices[0])
        hour = report.received_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        state.tally[hour, this.class_key, place, not heard_before] += 1

    @staticmethod
    def _ask(state: _State, work: Work, decision: Decision, out: list[Outgoing]) -> None:
        """Put the question whether the order that was just opened is one with another; on the order's own lane and
        partition, so that it is known by then."""
        asked = at_birth(work.prepared.plan.order_id, decision.suggested, state.now)
        if asked is None:
            return
        id_ = fact_id(asked.proposal_id, MergeProposed.__name__)
        topic, key = ROUTING[decision.lane], str(asked.order_id)
        out.append(message(topic, asked, id=id_, key=key, source="router", time=state.now))
        state.asked.append(asked)

    @staticmethod
    def _fold(state: _State, work: Work, decision: Decision) -> None:
        prepared: _Prepared = work.prepared
        record, matter, this = work.record, decision.matter, prepared.plan.this
        state.decided[prepared.report_id] = prepared.hash
        state.classified.append(prepared.plan.classified)
        state.rows.append(
            store.DecisionRow(
                report_id=prepared.report_id,
                order_id=decision.order_id,
                kind=decision.kind,
                source=work.fact.source,
                body_hash=prepared.hash,
                topic=record.topic,
                part=record.partition,
                off=record.offset,
                received_at=work.fact.received_at,
                decided_at=state.now,
                explanation=_encode(decision.explanation()).decode(),
                said=None if work.fact.source is Source.SENSOR else prepared.plan.text[:READ],
                ruling=store.pack(ruling_of(prepared.plan.question, prepared.plan.matched)),
                matter=None if matter is None else store.pack(Told(this, bool(prepared.plan.matter_keys))),
            )
        )
        if matter is not None:
            order_id = matter.order_id
            state.matters[order_id] = matter
            if decision.kind is not Kind.LINK:
                state.born.add(order_id)
            elif order_id not in state.born:
                before = state.added.get(order_id)
                state.added[order_id] = replace(this, order_id=order_id) if before is None else joined(before, this)
            for key in prepared.plan.matter_keys:
                state.by_key.setdefault(key, {})[matter.order_id] = matter
                at = state.keys.get((key, matter.order_id), this.last_at)
                state.keys[key, matter.order_id] = max(at, this.last_at)

    def _ask_shadow(self, state: _State, prepared: _Prepared) -> None:
        """What runs beside the live rulebook or model is asked the same; where it says something else, that is kept."""
        plan, shadow, read = prepared.plan, self._force.shadow, prepared.read
        if shadow is not None:
            live = prepared.atlas.rulebook.version
            self._compare(state, prepared, "rulebook", (live, shadow.rulebook.version), by_rulebook(plan, shadow))
        if read is not None:
            versions = prepared.atlas.model_version, prepared.reader
            self._compare(state, prepared, "model", versions, by_model(plan, read), read.question.class_key)

    @staticmethod
    def _compare(
        state: _State,
        prepared: _Prepared,
        kind: str,
        versions: tuple[str, str],
        outcomes: tuple[Outcome, Outcome],
        would_class: str = "",
    ) -> None:
        question = prepared.plan.question
        would_class = would_class or question.class_key
        difference = verdict(outcomes, (question.class_key, would_class))
        state.shadowed[kind, difference] += 1
        if difference != "same":
            live, shadow = versions
            state.differences.append(
                store.Difference(
                    report_id=prepared.report_id,
                    at=state.now,
                    kind=kind,
                    shadow=shadow,
                    live=live,
                    class_key=question.class_key,
                    would_class=would_class,
                    division=question.division,
                    outcomes=outcomes,
                )
            )

    async def apply(self, connection: Connection, state: _State) -> None:
        """Decisions, matters and their keys."""
        await store.save_decisions(connection, state.rows)
        await store.save_differences(connection, state.differences)
        await state.today.apply(connection)
        born = [matter for id_, matter in state.matters.items() if id_ in state.born]
        keys = [(key, at, order_id) for (key, order_id), at in state.keys.items()]
        await store.save_matters(connection, born, list(state.added.values()), keys)
        await store.save_proposals(connection, state.asked)
        await store.save_tally(connection, state.tally)
        metrics.MERGES_PROPOSED.labels("report").inc(len(state.asked))
        for (kind, source), count in state.counts.items():
            metrics.DECISIONS.labels(kind, source).inc(count)
        self._drift.see(state.classified)
        for (kind, difference), count in state.shadowed.items():
            metrics.SHADOW.labels(kind, difference).inc(count)
        for source, at in {row.source: row.received_at for row in state.rows}.items():
            metrics.LAST_REPORT.labels(source).set(at.timestamp())
