"""What detectors found."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from schemas.vocabulary import FindingKind
from services.chassis.asking import At
from services.chassis.web import answer, principal
from services.supervision.api.desk import STAFF, Desk, moment_cursor, read_moment_cursor
from services.supervision.store import findings
from services.supervision.store.findings import Shown

router = APIRouter(tags=["findings"])


@router.get("/v1/findings", summary="What detectors found, the latest first")
async def listed(
    request: Request,
    kind: FindingKind | None = None,
    unit: Annotated[str | None, Query(max_length=200)] = None,
    division: Annotated[str | None, Query(max_length=100)] = None,
    order_id: UUID | None = None,
    since: At | None = None,
    withdrawn: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Findings that stand, or with `withdrawn=true` those that were taken back, each with its reason; `counts` says how
    many of each kind there are in all. Responders see their own unit's."""
    caller = principal(request, *STAFF)
    desk: Desk = request.app.state.desk
    units = desk.whose(caller, unit)
    wanted = findings.Wanted(
        kind=kind.value if kind is not None else None,
        units=units,
        divisions=None if division is None else desk.subtree(division),
        order_id=order_id,
        since=since,
        withdrawn=withdrawn,
    )
    found, counts = await findings.listed(request.app.state.pool, wanted, read_moment_cursor(cursor), limit + 1)
    page = found[:limit]
    items = [_shown(desk, one) for one in page]
    last = page[-1].finding if len(found) > limit else None
    after = moment_cursor(last.at, last.finding_id) if last is not None else None
    return answer({"items": items, "counts": counts, "next": after})


def _shown(desk: Desk, one: Shown) -> dict[str, Any]:
    finding = one.finding
    shown: dict[str, Any] = {
        "finding_id": finding.finding_id,
        "kind": finding.kind,
        "order_id": finding.order_id,
        "unit": desk.unit(finding.unit, finding.at),
        "division": finding.division,
        "at": finding.at.astimezone(desk.zone),
        "found_at": one.found_at.astimezone(desk.zone),
        "reason": finding.reason,
    }
    if one.withdrawn_at is not None:
        shown |= {"withdrawn_at": one.withdrawn_at.astimezone(desk.zone), "cause": one.cause}
    return shown
