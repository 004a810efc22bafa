"""What other platforms say of the hand-overs to them by webhook: the very same acts as `POST /v1/handovers/…`, by who
signs with the platform's key instead of a token."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Meta, Struct

from schemas.facts.intake import Moment, Short
from schemas.ids import platform_name
from schemas.refusals import Refused
from services.chassis.asking import decoded
from services.chassis.clock import SystemClock
from services.chassis.webhooks.incoming import signed_body
from services.dispatch.api.actions import described
from services.dispatch.api.desk import hash_of, rooms
from services.dispatch.handlers.handovers import HandoverCommand
from services.dispatch.rules.acts.asked import Note
from services.dispatch.rules.acts.handing import ON_HANDOVER

routes = APIRouter(prefix="/v1/platforms", tags=["platforms"])
_ACTIONS = {"signed": "sign", "declined": "decline", "arrived": "receipts", "result": "receipts"}
_FIELDS = {"sign": ("person", "number"), "decline": ("reason",), "receipts": ("step", "answer")}
_CLOCK = SystemClock()


class Receipt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A word about one hand-over. `signed` needs `person`, and may say the platform's own `number`; `declined` needs a
    `reason`; `result` may bring an `answer`."""

    handover_id: UUID
    step: Literal["signed", "declined", "arrived", "result"]
    person: Annotated[str, Meta(max_length=100)] | None = None
    number: Short | None = None
    reason: Note | None = None
    answer: Note | None = None
    occurred_at: Moment | None = None


_decoder = msgspec.json.Decoder(Receipt)


@routes.post(
    "/{platform}/receipts",
    summary="Signed for, declined, arrived, or what came of it; signed by webhook",
    openapi_extra={"requestBody": described({"receipt": Receipt})["requestBody"], "security": []},
)
async def receipts(request: Request, platform: str) -> Response:
    """For another platform, by its signature (Standard Webhooks). The `webhook-id` is the idempotency key: seen before,
    it gets the first answer again. Refusals are those of `POST /v1/handovers/…`."""
    caller, key, raw = await signed_body(request, platform_name(platform), request.app.state.platforms, _CLOCK)
    said = decoded(_decoder, raw)
    action = _ACTIONS[said.step]
    command = HandoverCommand(
        principal=caller,
        key=key,
        body_hash=hash_of(action.encode(), said.handover_id.bytes, raw),
        version=None,
        handover_id=said.handover_id,
        action=action,
        body=_body(action, said),
    )
    answered = await rooms(request).handovers.submit(command)
    return Response(answered.body, media_type="application/json", headers={"etag": f'"{answered.version}"'})


def _body(action: str, said: Receipt) -> Any:
    """The body that the action takes. Raises Refused `invalid` for a field that is missing or belongs to another
    step."""
    given = {name: value for name, value in msgspec.structs.asdict(said).items() if value is not None}
    del given["handover_id"]
    if action != "receipts":
        del given["step"]
    strange = given.keys() - {*_FIELDS[action], "occurred_at"}
    if strange:
        raise Refused("invalid", f"{', '.join(sorted(strange))}: not for this step")
    try:
        return msgspec.convert(given, ON_HANDOVER[action].body)
    except msgspec.ValidationError as error:
        raise Refused("invalid", str(error)[:300]) from None
