"""Every change of every order and special case, for other services and for auditors."""

from enum import StrEnum
from typing import Annotated

import asyncpg
from fastapi import APIRouter, Query, Request, Response

from schemas.vocabulary import Role
from services.chassis.cursors import After, read_cursor, write_cursor
from services.chassis.web import answer, principal
from services.dispatch.api.desk import rooms
from services.dispatch.store import cases, history

routes = APIRouter(prefix="/v1", tags=["orders"])
MOST_FACTS = 5000


class By(StrEnum):
    """In which order changes are told."""

    RECORDED = "recorded"
    ORDER = "order"
    CASE = "case"


@routes.get("/history", summary="Every change of every order")
async def all_history(
    request: Request,
    after: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST_FACTS)] = 1000,
    by: By = By.RECORDED,
) -> Response:
    """`by=recorded`: in the order they were recorded, one order's always in the order of `seq`; trails the present by
    the longest a transaction may take, so nothing can come in behind `next`. `by=order`: order by order, each whole as
    it is known now; what comes meanwhile is on `orders.events`; `by=case`: the same of special cases. `fact` is the
    very fact that was published."""
    found = rooms(request)
    principal(request, Role.OPERATOR, Role.AUDITOR, Role.SUPERVISOR, Role.SERVICE)
    place = read_cursor(after) or history.BEGINNING
    if by is By.CASE:
        return await _of_cases(found.pool, after, place, limit)
    if by is By.ORDER:
        rows = await history.by_order(found.pool, place, limit)
    else:
        until = await history.horizon(found.pool, found.settling)
        rows = await history.as_recorded(found.pool, place, until, limit)
    last = rows[-1] if rows else None
    following = after if last is None else write_cursor(After(last.recorded_at, last.order_id, last.seq))
    return answer({"items": rows, "next": following, "complete": len(rows) < limit})


async def _of_cases(pool: asyncpg.Pool, after: str, place: After, limit: int) -> Response:
    rows = await cases.by_case(pool, place, limit)
    last = rows[-1] if rows else None
    following = after if last is None else write_cursor(After(last.recorded_at, last.case_id, last.seq))
    return answer({"items": rows, "next": following, "complete": len(rows) < limit})
