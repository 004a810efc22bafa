"""Citizens rate (好差评): with the number and the code that they were told, and nothing else."""

import hmac
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Meta, Struct

from schemas.ids import code_of, read_number
from schemas.refusals import Refused
from schemas.vocabulary import Role, Satisfaction
from services.chassis.asking import decoded
from services.chassis.attempts import Attempts
from services.chassis.auth import Principal
from services.chassis.web import answer
from services.dispatch.api.desk import hash_of, idempotency_key, rooms
from services.dispatch.handlers import Command
from services.dispatch.rules.acts.asked import Note
from services.dispatch.rules.acts.finishing import Rate
from services.dispatch.rules.standing import reporter_of
from services.dispatch.store import reads

routes = APIRouter(prefix="/v1", tags=["citizens"])
WRONG_CODES = 5
WINDOW = 15 * 60.0


class RatingBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What a citizen sends."""

    number: Annotated[str, Meta(max_length=40)]
    code: Annotated[str, Meta(max_length=20)]
    satisfied: Satisfaction
    solved: bool
    comment: Note = ""


_body = msgspec.json.Decoder(RatingBody)
_SHAPE = {
    "number": {"type": "string"},
    "code": {"type": "string"},
    "satisfied": {"enum": [word.value for word in Satisfaction]},
    "solved": {"type": "boolean"},
    "comment": {"type": "string", "maxLength": 2000},
}
_DESCRIBED = {
    "security": [],
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": _SHAPE,
                    "required": ["number", "code", "satisfied", "solved"],
                }
            }
        }
    },
}


class Door:
    """Whoever has the number and its code may come in; after some wrong codes a number has to wait."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._attempts = Attempts(WRONG_CODES, WINDOW)

    def number(self, typed: str, code: str) -> str:
        """The number in its proper form. Raises Refused: code_wrong, whether or not there is such a number;
        too_many_requests."""
        number = read_number(typed)
        if number is None:
            raise Refused("code_wrong")
        self._attempts.check(number)
        if not hmac.compare_digest(code_of(number, self._secret).encode(), code.strip().encode()):
            self._attempts.failed(number)
            raise Refused("code_wrong")
        return number


@routes.post("/ratings", summary="A citizen rates", openapi_extra=_DESCRIBED)
async def rate(request: Request) -> Response:
    """No sign-in: number and code of a report. Once a round, and corrected for a day; a bad word is put before a
    person, who decides about reopening. Raises Refused: code_wrong, too_many_requests, already_rated, rating_over,
    action_not_allowed before there is an answer."""
    found = rooms(request)
    door: Door = request.app.state.door
    key, raw = idempotency_key(request), await request.body()
    body: RatingBody = decoded(_body, raw)
    number = door.number(body.number, body.code)
    report_id = await reads.find(found.pool, "reports", number)
    order_id = None if report_id is None else await _order_of(request, report_id)
    if report_id is None or order_id is None:
        raise Refused("not_found", number)
    said = Rate(report_id=report_id, satisfied=body.satisfied, solved=body.solved, comment=body.comment)
    command = Command(
        principal=Principal(reporter_of(report_id), Role.CITIZEN, "", 0.0),
        key=key,
        body_hash=hash_of(b"rate", order_id.bytes, raw),
        version=None,
        target=order_id,
        on_assignment=False,
        action="rate",
        body=said,
    )
    await found.desk.submit(command)
    return answer({"number": number, "satisfied": body.satisfied, "solved": body.solved})


async def _order_of(request: Request, report_id: UUID) -> UUID | None:
    row = await reads.report(rooms(request).pool, report_id)
    return None if row is None else row[0].order_id
