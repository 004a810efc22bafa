"""Behind the endpoints: keys, lanes, sends. One way for one report and for a thousand."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from prometheus_client import Counter

from schemas.codec import message
from schemas.envelope import Outgoing
from schemas.facts import ReadingReceived, ReportReceived
from schemas.ids import code_of, fact_id, keyed_report_id, number_of, report_id_of
from schemas.refusals import Refused
from schemas.topics import REPORTS, SENSORS_READINGS
from schemas.vocabulary import Lane, ReportState, Source
from services.chassis import metrics
from services.chassis.chance import random_id
from services.intake.handlers.keys import Claim, Held, KeyKeeper
from services.intake.handlers.outlet import Outlet, Sent
from services.intake.rules.lanes import DangerList
from services.intake.store.keys import KeyRow
from services.intake.store.recent import Recent, Taken

SOURCE = "paidan/intake"
REMEMBERED = 10_000
_REPORT = msgspec.json.Decoder(ReportReceived).decode


@cache
def _counter(source: Source, lane: Lane, state: ReportState) -> Counter:
    return metrics.REPORTS_ACCEPTED.labels(source, lane, state)


class Accepted(Struct, frozen=True):
    """The answer to a report that is safe: what the caller is told, and whether it still waits for Kafka."""

    report_id: UUID
    number: str
    code: str
    state: ReportState


class Keys(Struct, frozen=True):
    """What makes a repeat of a report the same report. Both given: the source's id names the report."""

    report_id: UUID
    key_ids: tuple[UUID, ...]


class Parcel(Struct, frozen=True):
    """A report on its way in, with the rows its keys need."""

    report: ReportReceived
    claim: Claim


def keys_of(source: Source, source_id: str, principal: str, key: str | None) -> Keys:
    """The ids of a report and of its key rows."""
    key_ids = []
    if source_id:
        key_ids.append(report_id_of(source, source_id))
    if key is not None:
        key_ids.append(keyed_report_id(principal, key))
    return Keys(key_ids[0] if key_ids else random_id(), tuple(key_ids))


def claim_of(keys: Keys, source: str, received_at: datetime, body: bytes) -> Claim:
    """The key rows of a report whose body has this canonical form."""
    if not keys.key_ids:
        return ()
    body_hash = blake2b(body, digest_size=16, person=source.encode()).digest()
    return tuple(KeyRow(key_id, keys.report_id, body_hash, source, received_at) for key_id in keys.key_ids)


class Door:
    """Takes reports and readings in. Nothing is answered before it is safe."""

    def __init__(
        self, keeper: KeyKeeper, outlets: dict[Lane, Outlet], readings: Outlet, dangers: DangerList, secret: bytes
    ) -> None:
        self.recent = Recent()
        self._keeper = keeper
        self._outlets = outlets
        self._readings = readings
        self._dangers = dangers
        self._secret = secret
        for outlet in outlets.values():
            self.remember(outlet)

    def remember(self, outlet: Outlet) -> None:
        """Know the reports again that an earlier process left in an outlet's spool."""
        for left, place in outlet.spool.backlog(REMEMBERED):
            report = _REPORT(left.value)
            if report.report_id is not None:
                self.recent.note(Taken(report.report_id, report.source, report.received_at, outlet.spool, place))

    async def accept(self, parcels: Sequence[Parcel]) -> list[Accepted | Refused]:
        """What became of each report, in their order: its number, or key_reused, spool_full, unavailable."""
        held = await self._claimed([parcel.claim for parcel in parcels])
        answers: list[Any] = [None] * len(parcels)
        lanes: dict[Lane, list[tuple[int, ReportReceived]]] = {}
        for n, (parcel, row) in enumerate(zip(parcels, held, strict=True)):
            report = parcel.report
            if isinstance(row, Refused):
                answers[n] = row
            elif row is not None and row.acked:
                answers[n] = self._repeat(row)
            else:
                if row is not None and row.received_at != report.received_at:
                    report = msgspec.structs.replace(report, received_at=row.received_at)
                lanes.setdefault(self._dangers.lane(report), []).append((n, report))
        sends = [self._send(lane, parcels, taken, answers) for lane, taken in lanes.items()]
        if len(sends) == 1:
            await sends[0]
        elif sends:
            await asyncio.gather(*sends)
        return answers

    async def _claimed(self, claims: list[Claim]) -> list[Held]:
        keyed = [n for n, claim in enumerate(claims) if claim]
        held: list[Held] = [None] * len(claims)
        if keyed:
            for n, row in zip(keyed, await self._keeper.claim([claims[n] for n in keyed]), strict=True):
                held[n] = row
        return held

    async def _send(
        self,
        lane: Lane,
        parcels: Sequence[Parcel],
        taken: list[tuple[int, ReportReceived]],
        answers: list[Any],
    ) -> None:
        outlet = self._outlets[lane]
        sent = await outlet.send([_outgoing(lane, report) for _, report in taken])
        for (n, report), place in zip(taken, sent, strict=True):
            if isinstance(place, Refused):
                answers[n] = place
                continue
            if parcels[n].claim:
                self._keeper.acked(parcels[n].claim)
            answers[n] = self._taken_in(lane, outlet, report, place)

    def _taken_in(self, lane: Lane, outlet: Outlet, report: ReportReceived, place: Sent) -> Accepted:
        state = ReportState.ACCEPTED if place is None else ReportState.SPOOLED
        _counter(report.source, lane, state).inc()
        assert report.report_id is not None
        taken = Taken(report.report_id, report.source, report.received_at)
        if isinstance(place, tuple):
            taken = Taken(report.report_id, report.source, report.received_at, outlet.spool, place)
        self.recent.note(taken)
        return self._accepted(report.report_id, state)

    def _repeat(self, row: KeyRow) -> Accepted:
        metrics.REPORTS_REPEATED.labels(row.source).inc()
        taken = self.recent.by_id(row.report_id)
        spooled = taken is not None and taken.spooled
        return self._accepted(row.report_id, ReportState.SPOOLED if spooled else ReportState.ACCEPTED)

    def _accepted(self, report_id: UUID, state: ReportState) -> Accepted:
        number = number_of(report_id)
        return Accepted(report_id, number, code_of(number, self._secret), state)

    async def accept_readings(
        self, messages: Sequence[tuple[int, ReadingReceived]], received_at: datetime, claim: Claim
    ) -> list[Sent]:
        """What became of each bucket's message. Their ids come from what they hold, so a repeat is seen as one.
        Raises Refused key_reused."""
        if claim:
            (held,) = await self._keeper.claim([claim])
            if isinstance(held, Refused):
                raise held
        sent = await self._readings.send([_readings(bucket, fact, received_at) for bucket, fact in messages])
        if claim and not any(isinstance(place, Refused) for place in sent):
            self._keeper.acked(claim)
        return sent


def _outgoing(lane: Lane, report: ReportReceived) -> Outgoing:
    assert report.report_id is not None
    return message(
        REPORTS[lane],
        report,
        id=report.report_id,
        key=str(report.report_id),
        source=SOURCE,
        time=report.received_at,
    )


def _readings(bucket: int, fact: ReadingReceived, received_at: datetime) -> Outgoing:
    content = blake2b(msgspec.json.encode(fact.readings), digest_size=16).hexdigest()
    id_ = fact_id(report_id_of(Source.SENSOR, content), "ReadingReceived", bucket)
    return message(SENSORS_READINGS, fact, id=id_, key=str(bucket), source=SOURCE, time=received_at)
