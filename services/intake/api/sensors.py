"""Measurements: a list, all of it or none of it; or in bulk, each for itself."""

from typing import Any

from fastapi import Request, Response
from msgspec import Struct

from schemas.facts import Reading
from schemas.refusals import Refused
from schemas.vocabulary import ReportState, Role, Source
from services.chassis import metrics
from services.chassis.clock import Clock
from services.chassis.web import answer, problem_body
from services.intake.api.requests import body_of, caller_of
from services.intake.handlers.door import Door, claim_of, keys_of
from services.intake.handlers.outlet import Sent
from services.intake.rules.bodies import Reader, ReadingBody, digest_text
from services.intake.rules.readings import check_reading, grouped
from services.intake.rules.register import Register

ROLES = (Role.GATEWAY,)
PATH = "/v1/sensors/readings"


class ReadingsAccepted(Struct, frozen=True):
    """The answer to a list of readings: how many, and whether they still wait for Kafka."""

    accepted: int
    state: ReportState


class ReadingItem(Struct, frozen=True, omit_defaults=True):
    """One reading's result in bulk."""

    index: int
    state: ReportState | None = None
    problem: dict[str, Any] | None = None


class ReadingsAnswer(Struct, frozen=True):
    """One result per reading, in the order sent."""

    accepted: int
    refused: int
    items: list[ReadingItem]


class SensorsApi:
    """The endpoints of `sensors.readings`."""

    def __init__(self, door: Door, register: Register, clock: Clock) -> None:
        self._door = door
        self._register = register
        self._clock = clock
        self._reader = Reader(ReadingBody)

    async def post(self, request: Request) -> Response:
        """A list of readings, all or none: 202 once every one is safe, or the first that is not right and why."""
        _, sent = await self._take(request, partly=False)
        for place in sent:
            if isinstance(place, Refused):
                raise place
        return answer(ReadingsAccepted(len(sent), _state(sent)), 202)

    async def post_bulk(self, request: Request) -> Response:
        """Up to 1,000 readings, one result each: the good ones go in, each bad one says why."""
        results, sent = await self._take(request, partly=True)
        shut = [place for place in sent if isinstance(place, Refused) and place.refusal.status == 503]
        if shut and len(shut) == len(results):
            raise shut[0]
        items = []
        for n, result in enumerate(results):
            place = sent[result] if isinstance(result, int) else result
            if isinstance(place, Refused):
                metrics.REFUSALS.labels("intake", place.code).inc()
                items.append(ReadingItem(n, problem=problem_body(place)))
            else:
                items.append(ReadingItem(n, _state([place])))
        accepted = sum(item.problem is None for item in items)
        return answer(ReadingsAnswer(accepted, len(items) - accepted, items), 202)

    async def _take(self, request: Request, *, partly: bool) -> tuple[list[int | Refused], list[Sent]]:
        """Check and send. Answers per item of the request its place among the good readings, or why it is none; and
        per good reading what became of it."""
        caller, key = caller_of(request, ROLES)
        raw = await body_of(request)
        now = self._clock.now()
        readings: list[Reading] = []
        results: list[int | Refused] = []
        texts: list[bytes] = []
        for n, body in enumerate(self._reader.many(raw)):
            try:
                if isinstance(body, Refused):
                    raise body
                texts.append(digest_text(body))
                readings.append(check_reading(body, self._register, now))
                results.append(len(readings) - 1)
            except Refused as refused:
                if not partly:
                    raise Refused(refused.code, refused.detail, index=n) from None
                results.append(refused)
        claim = claim_of(keys_of(Source.SENSOR, "", caller.id, key), Source.SENSOR, now, b"\n".join(texts))
        groups = grouped(readings, caller.unit or caller.id)
        places: list[Sent] = [None] * len(readings)
        if groups:
            sent = await self._door.accept_readings([(bucket, fact) for bucket, fact, _ in groups], now, claim)
            for (_, _, positions), place in zip(groups, sent, strict=True):
                for position in positions:
                    places[position] = place
        return results, places


def _state(sent: list[Sent]) -> ReportState:
    return ReportState.SPOOLED if any(isinstance(place, tuple) for place in sent) else ReportState.ACCEPTED
