"""Tickets, calls and findings: one at a time, and up to a thousand at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from msgspec import Struct

from schemas.refusals import Refused
from schemas.vocabulary import ReportState, Role, Source
from services.chassis import metrics
from services.chassis.auth import Principal
from services.chassis.clock import Clock
from services.chassis.web import answer, problem_body
from services.intake.api.requests import body_of, caller_of
from services.intake.handlers.door import Accepted, Door, Parcel, claim_of, keys_of
from services.intake.rules.bodies import (
    HotlineTicket,
    OneStopTicket,
    PatrolFinding,
    PoliceCall,
    Reader,
    ReportBody,
    digest_text,
)
from services.intake.rules.normalise import normalise
from services.intake.rules.register import Register


class Path(Struct, frozen=True):
    """One way in: where, whose words, who may."""

    path: str
    source: Source
    kind: type[ReportBody]
    roles: tuple[Role, ...]
    about: str


PATHS = (
    Path(
        "/v1/hotline/tickets",
        Source.HOTLINE,
        HotlineTicket,
        (Role.AGENT, Role.GATEWAY, Role.IMPORT),
        "A 12345 ticket 热线工单",
    ),
    Path("/v1/police/calls", Source.POLICE, PoliceCall, (Role.GATEWAY, Role.AGENT), "A 110 non-police call 110 非警务"),
    Path("/v1/patrol/findings", Source.PATROL, PatrolFinding, (Role.INSPECTOR, Role.GATEWAY), "A finding 巡查发现"),
    Path(
        "/v1/one-stop/tickets",
        Source.ONE_STOP,
        OneStopTicket,
        (Role.GATEWAY, Role.AGENT),
        "A ticket about a government service 一网通办来件",
    ),
)


class ReportsApi:
    """The endpoints of one path."""

    def __init__(self, path: Path, door: Door, register: Register, clock: Clock) -> None:
        self._path = path
        self._door = door
        self._register = register
        self._clock = clock
        self._reader = Reader(path.kind)

    async def post(self, request: Request) -> Response:
        """One report: 202 once it is safe, or why not."""
        caller, key = caller_of(request, self._path.roles)
        raw = await body_of(request)
        now = self._clock.now()
        parcel = self._parcel(self._reader.one(raw), caller, key, now)
        (outcome,) = await self._door.accept((parcel,))
        if isinstance(outcome, Refused):
            raise outcome
        return answer(outcome, 202)

    async def post_bulk(self, request: Request) -> Response:
        """Up to 1,000 reports, one result each: the good ones go in, each bad one says why."""
        caller, key = caller_of(request, self._path.roles)
        raw = await body_of(request)
        now = self._clock.now()
        outcomes: list[Accepted | Refused] = []
        parcels: list[Parcel] = []
        places: list[int] = []
        for n, body in enumerate(self._reader.many(raw)):
            try:
                if isinstance(body, Refused):
                    raise body
                parcels.append(self._parcel(body, caller, None if key is None else f"{key}#{n}", now))
                places.append(n)
                outcomes.append(Refused("internal"))
            except Refused as refused:
                outcomes.append(refused)
        for n, outcome in zip(places, await self._door.accept(parcels), strict=True):
            outcomes[n] = outcome
        return bulk_answer(outcomes)

    def _parcel(self, body: ReportBody, caller: Principal, key: str | None, now: datetime) -> Parcel:
        source = self._path.source
        text = digest_text(body)
        keys = keys_of(source, body.own_id, caller.id, key)
        imported = caller.role is Role.IMPORT
        report = normalise(body, self._register, source, now, report_id=keys.report_id, imported=imported)
        return Parcel(report, claim_of(keys, source, report.received_at, text))


class BulkItem(Struct, frozen=True, omit_defaults=True):
    """One item's result: what a single report would have been answered, or the problem."""

    index: int
    report_id: UUID | None = None
    number: str = ""
    code: str = ""
    state: ReportState | None = None
    problem: dict[str, Any] | None = None


class BulkAnswer(Struct, frozen=True):
    """One result per item, in the order sent."""

    accepted: int
    refused: int
    items: list[BulkItem]


def bulk_answer(outcomes: Sequence[Accepted | Refused]) -> Response:
    """202 with one result per item; when the front door itself is shut (spool full, disk failed) for every item, that
    refusal as a whole, so that the sender waits and repeats."""
    shut = [o for o in outcomes if isinstance(o, Refused) and o.refusal.status == 503]
    if len(shut) == len(outcomes):
        raise shut[0]
    items = [_item(n, outcome) for n, outcome in enumerate(outcomes)]
    refused = sum(isinstance(outcome, Refused) for outcome in outcomes)
    return answer(BulkAnswer(len(outcomes) - refused, refused, items), 202)


def _item(index: int, outcome: Accepted | Refused) -> BulkItem:
    if isinstance(outcome, Refused):
        metrics.REFUSALS.labels("intake", outcome.code).inc()
        return BulkItem(index, problem=problem_body(outcome))
    return BulkItem(index, outcome.report_id, outcome.number, outcome.code, outcome.state)
