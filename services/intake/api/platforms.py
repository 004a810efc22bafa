"""Matters that other platforms hand to us, signed by webhook: reports like any others, under the senders' numbers."""

import msgspec
from fastapi import Request, Response

from schemas.ids import platform_name
from schemas.refusals import Refused
from schemas.vocabulary import SOURCE_OF_PLATFORM, Source
from services.chassis.clock import Clock
from services.chassis.web import answer
from services.chassis.webhooks.incoming import signed_body
from services.chassis.webhooks.platforms import Platforms
from services.intake.handlers.door import Door, Parcel, claim_of, keys_of
from services.intake.rules.bodies import PlatformMatter, Reader, digest_text
from services.intake.rules.normalise import normalise
from services.intake.rules.register import Register

HANDOVERS = "/v1/platforms/{platform}/handovers"


class PlatformsApi:
    """The endpoint for what other platforms hand over."""

    def __init__(self, door: Door, register: Register, clock: Clock, platforms: Platforms) -> None:
        self._door = door
        self._register = register
        self._clock = clock
        self._platforms = platforms
        self._reader = Reader(PlatformMatter)

    async def post(self, request: Request) -> Response:
        """One matter: 202 once it is safe, or why not. `webhook-id` is the idempotency key; a second message about the
        same `source_number` is the same report."""
        name = platform_name(request.path_params["platform"])
        caller, key, raw = await signed_body(request, name, self._platforms, self._clock)
        body = self._reader.one(raw)
        text = digest_text(body)
        number = body.source_number or ""
        if not number.strip():
            raise Refused("invalid", "source_number: say the number by which you know it")
        source = SOURCE_OF_PLATFORM.get(name, Source.PLATFORM)
        foreign = source is Source.PLATFORM
        named = body.own_id or number
        keys = keys_of(source, f"{name}/{named}" if foreign else named, caller.id, key)
        report = normalise(body, self._register, source, self._clock.now(), report_id=keys.report_id)
        report = msgspec.structs.replace(report, platform=name if foreign else "")
        (outcome,) = await self._door.accept((Parcel(report, claim_of(keys, source, report.received_at, text)),))
        if isinstance(outcome, Refused):
            raise outcome
        return answer(outcome, 202)
