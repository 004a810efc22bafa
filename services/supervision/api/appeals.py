"""Appeals against numbers: filed by a unit, reviewed by the centre, then by the city."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response
from msgspec import Struct

from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.asking import decoded, idempotency_key, if_match
from services.chassis.auth import Principal
from services.chassis.web import answer, principal
from services.supervision.api.desk import STAFF, Desk, moment_cursor, read_moment_cursor
from services.supervision.handlers.appeals import Appeals
from services.supervision.rules.appeals import Reviewer
from services.supervision.store import appeals
from services.supervision.store.appeals import Filed

router = APIRouter(tags=["appeals"])
TEXT = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Filing(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an appeal. `subject` is what the list behind the number names; without it, the order itself."""

    kpi: str
    order_id: UUID
    day: date
    reason: TEXT
    effect: Literal["exclude", "correct"] = "exclude"
    subject: UUID | None = None


class Decision(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a review."""

    granted: bool
    note: TEXT


def _body(kind: type[Struct]) -> dict[str, Any]:
    schema = msgspec.json.schema(kind)["$defs"][kind.__name__]
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
            for name in (("Idempotency-Key",) if kind is Filing else ("If-Match",))
        ],
    }


@router.post("/v1/appeals", status_code=201, summary="Appeal against an item of a number", openapi_extra=_body(Filing))
async def file(request: Request) -> Response:
    """An appeal of the caller's unit. The same Idempotency-Key again answers with the first."""
    caller, desk = principal(request, Role.RESPONDER, Role.DISPATCHER), _desk(request)
    key = idempotency_key(request)
    body: Filing = decoded(msgspec.json.Decoder(Filing), await request.body())
    filed = await _appeals(request).file(
        key=key,
        by=caller.id,
        units=desk.units.acts_for(caller.unit),
        kpi=body.kpi,
        order_id=body.order_id,
        subject=body.subject or body.order_id,
        day=body.day,
        effect=body.effect,
        reason=body.reason,
        today=desk.now().astimezone(desk.zone).date(),
    )
    return answer(_shown(desk, filed), 201, {"etag": f'"{filed.version}"'})


@router.post("/v1/appeals/{appeal_id}/decision", summary="Review an appeal", openapi_extra=_body(Decision))
async def decide(request: Request, appeal_id: UUID) -> Response:
    """A review at the step where the appeal is: `centre`, then `city`. If-Match is the appeal's version."""
    caller, desk = principal(request, Role.DISPATCHER, Role.SUPERVISOR), _desk(request)
    version = if_match(request)
    body: Decision = decoded(msgspec.json.Decoder(Decision), await request.body())
    filed = await _appeals(request).review(
        appeal_id, _reviewer(desk, caller), granted=body.granted, note=body.note, version=version
    )
    return answer(_shown(desk, filed), 200, {"etag": f'"{filed.version}"'})


@router.get("/v1/appeals/{appeal_id}", summary="One appeal with its reviews")
async def one(request: Request, appeal_id: UUID) -> Response:
    """The appeal; responders see their own unit's."""
    caller, desk = principal(request, *STAFF), _desk(request)
    filed = await appeals.one(request.app.state.pool, appeal_id)
    if filed is None:
        raise Refused("not_found")
    if caller.role is Role.RESPONDER and filed.unit not in desk.units.acts_for(caller.unit):
        raise Refused("other_unit")
    return answer(_shown(desk, filed), 200, {"etag": f'"{filed.version}"'})


@router.get("/v1/appeals", summary="Appeals, the latest first")
async def listed(
    request: Request,
    state: Literal["centre", "city", "granted", "refused"] | None = None,
    order_id: UUID | None = None,
    district: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Appeals by state, order and district; responders see their own unit's."""
    caller, desk = principal(request, *STAFF), _desk(request)
    units = desk.units.acts_for(caller.unit) if caller.role is Role.RESPONDER else None
    found = await appeals.listed(
        request.app.state.pool,
        state=state,
        units=units,
        districts=None if district is None else desk.subtree(district)[:1],
        order_id=order_id,
        after=read_moment_cursor(cursor),
        limit=limit + 1,
    )
    page = found[:limit]
    after = None
    if len(found) > limit:
        after = moment_cursor(page[-1].filed_at, page[-1].appeal_id)
    return answer({"items": [_shown(desk, filed) for filed in page], "next": after})


def _shown(desk: Desk, filed: Filed) -> dict[str, Any]:
    return {
        **{name: getattr(filed, name) for name in ("appeal_id", "kpi", "order_id", "subject", "day", "district")},
        **{name: getattr(filed, name) for name in ("effect", "reason", "filed_by", "state", "version", "steps")},
        "unit": desk.unit(filed.unit, filed.filed_at),
        "filed_at": filed.filed_at.astimezone(desk.zone),
    }


def _reviewer(desk: Desk, caller: Principal) -> Reviewer:
    units = desk.units.acts_for(caller.unit) if caller.unit else ()
    unit = desk.units.acting(caller.unit) if caller.unit else None
    if caller.unit and unit is None:
        raise Refused("forbidden", "the unit is none of today's")
    districts = desk.subtree(unit.division) if unit is not None else ()
    return Reviewer(caller.id, caller.role, units, unit.tier if unit is not None else None, districts)


def _appeals(request: Request) -> Appeals:
    desk = _desk(request)
    return Appeals(request.app.state.pool, desk.appeal_days)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk
