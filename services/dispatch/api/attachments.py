"""Photos of an order: before and after the work, and evidence."""

import asyncio
import hashlib
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from schemas.ids import uuid5
from schemas.refusals import Refused
from schemas.vocabulary import PhotoKind, Role
from services.chassis.pictures import picture_of
from services.chassis.web import answer, principal
from services.dispatch.api.desk import Rooms, check_sight, reader, rooms
from services.dispatch.rules import lifecycle
from services.dispatch.rules.order import Order
from services.dispatch.store import attachments as store
from services.dispatch.store import reads
from services.dispatch.store.attachments import Attachment

routes = APIRouter(prefix="/v1", tags=["attachments"])
MOST = 40
AT_ONCE = asyncio.Semaphore(2)  # pictures that are decoded at the same time
_BODY = {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("image/jpeg", "image/png")}}


@routes.post("/orders/{order}/attachments", summary="Add a photo", openapi_extra={"requestBody": _BODY})
async def add(request: Request, order: str, kind: Annotated[PhotoKind, Query()] = PhotoKind.AFTER) -> Response:
    """The body is the picture itself: JPEG, PNG or WebP. What a telephone hid in it (place, time, owner) is taken out,
    but for `evidence`, which is kept as it was sent. The same photo sent again is the one that is kept.

    Raises Refused: photo_type, photo_unreadable, photo_too_large, attachments_too_many, action_not_allowed on an order
    that ended.
    """
    found = rooms(request)
    caller = principal(request, Role.RESPONDER, Role.DISPATCHER, Role.INSPECTOR, Role.AGENT)
    shown = await _order(found, order)
    check_sight(found.directory, caller, shown)
    if shown.status in lifecycle.ENDED:
        raise lifecycle.not_allowed("attach", shown.status, ())
    raw = await request.body()
    async with AT_ONCE:
        picture = await asyncio.to_thread(picture_of, raw, as_sent=kind is PhotoKind.EVIDENCE)
    name = f"attachment\x1f{kind}\x1f{hashlib.sha256(raw).hexdigest()}"
    kept = await store.keep(
        found.pool,
        {
            "attachment_id": uuid5(shown.order_id, name),
            "order_id": shown.order_id,
            "kind": kind.value,
            "media_type": picture.media_type,
            "width": picture.width,
            "height": picture.height,
            "size": len(picture.data),
            "data": picture.data,
            "principal": caller.id,
            "unit": caller.unit,
        },
        MOST,
    )
    if kept is None:
        raise Refused("attachments_too_many", f"at most {MOST}")
    return answer(shape(kept), status=201)


@routes.get("/orders/{order}/attachments/{attachment_id}", summary="One photo")
async def one(request: Request, order: str, attachment_id: UUID) -> Response:
    """The picture, for whoever may see its order."""
    found, caller = rooms(request), reader(request)
    shown = await _order(found, order)
    check_sight(found.directory, caller, shown)
    kept = await store.content(found.pool, shown.order_id, attachment_id)
    if kept is None:
        raise Refused("not_found")
    media_type, data = kept
    return Response(data, media_type=media_type, headers={"content-security-policy": "default-src 'none'; sandbox"})


def shape(kept: Attachment) -> dict[str, Any]:
    """A photo as an order's answer lists it."""
    return {
        "attachment_id": kept.attachment_id,
        "kind": kept.kind,
        "media_type": kept.media_type,
        "width": kept.width,
        "height": kept.height,
        "size": kept.size,
        "by": kept.principal,
        "unit": kept.unit,
        "at": kept.at,
    }


async def _order(found: Rooms, name: str) -> Order:
    order_id = await reads.find(found.pool, "orders", name)
    if order_id is None:
        raise Refused("not_found")
    return (await reads.load(found.pool, [order_id]))[0]
