"""Lists of orders that people look for: by what they are narrowed to, by words, today or as they stood; and as CSV."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from msgspec.structs import replace
from starlette.responses import StreamingResponse

from schemas.refusals import Refused
from schemas.vocabulary import Light, OrderStatus, Source, Tier, Urgency
from services.chassis.asking import At
from services.chassis.cursors import list_id, read_cursor, write_cursor
from services.chassis.spreadsheets import BOM, csv_lines
from services.chassis.web import answer
from services.dispatch.api.desk import MOST, PAGE, Rooms, reader, rooms, scope_of, settled
from services.dispatch.rules import shapes
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.order import Order
from services.dispatch.rules.past import rebuilt
from services.dispatch.store import clocks, lists, reads, search
from services.dispatch.store.cursors import id_span
from services.dispatch.store.filters import Filters, Scope
from services.dispatch.store.lists import Page

routes = APIRouter(prefix="/v1", tags=["orders"])
EXPORT_MOST = 100_000
_PAGING = frozenset({"limit", "cursor", "as_of"})
_HEADER = (
    "number", "status", "source", "urgency", "class_key", "class_name", "division", "place", "lead", "lead_name",
    "round", "opened_at", "since", "closed_at", "result", "light", "due",
)  # fmt: skip

Limit = Annotated[int, Query(ge=1, le=MOST)]
Cursor = Annotated[str, Query(max_length=300)]
Word = Annotated[str, Query(max_length=200)]


class Narrowed:
    """What a list is narrowed to, as asked. Filters narrow together; one that may be said several times takes any of
    its values. Raises Refused: `division_unknown`, `unit_unknown`, `class_unknown`."""

    def __init__(
        self,
        request: Request,
        status: Annotated[list[OrderStatus] | None, Query()] = None,
        source: Annotated[list[Source] | None, Query()] = None,
        urgency: Annotated[list[Urgency] | None, Query()] = None,
        light: Annotated[list[Light] | None, Query()] = None,
        division: Word = "",
        unit: Word = "",
        tier: Tier | None = None,
        class_: Annotated[str, Query(alias="class", max_length=200)] = "",
        major: Word = "",
        overdue: bool | None = None,
        round_: Annotated[int | None, Query(alias="round", ge=1, le=1000)] = None,
        joined: bool | None = None,
        recurrence: bool | None = None,
        requested: bool | None = None,
        proposed: Literal["", "reopen"] = "",
        opened_from: At | None = None,
        opened_to: At | None = None,
        closed_from: At | None = None,
        closed_to: At | None = None,
        case: Word = "",
        q: Annotated[str, Query(max_length=100)] = "",
    ) -> None:
        directory = rooms(request).directory
        if unit and not directory.ever_had(unit):
            raise Refused("unit_unknown", unit)
        self.q, self._case = q.strip(), case
        self.asked = sorted((key, value) for key, value in request.query_params.multi_items() if key not in _PAGING)
        self._plain = Filters(
            status=tuple(status or ()),
            source=tuple(source or ()),
            urgency=tuple(urgency or ()),
            light=tuple(light or ()),
            division=_inside(directory, division) if division else (),
            unit=unit,
            leads=directory.units_of(tier) if tier is not None else None,
            class_keys=_classes(directory, class_, major),
            overdue=overdue,
            round=round_,
            joined=joined,
            recurrence=recurrence,
            requested=requested,
            proposed=proposed,
            opened_from=opened_from,
            opened_to=opened_to,
            closed_from=closed_from,
            closed_to=closed_to,
        )

    async def filters(self, found: Rooms, *, past: bool) -> Filters:
        """With what the search comes to, today or at a past moment. Raises Refused `invalid` for what is of today."""
        if past and (self._plain.proposed or self._plain.requested is not None):
            raise Refused("invalid", "proposed, requested: what waits for a person is of today only")
        plain = self._plain
        if self._case:
            case_id = await reads.find(found.pool, "special_cases", self._case)
            if case_id is None:
                raise Refused("not_found", "case: no such special case")
            plain = replace(plain, case_id=case_id)
        if not self.q:
            return plain
        span = id_span(self.q)
        if span is not None:
            return replace(plain, span=span[:2])
        few, words = await search.look(found.pool, self.q)
        return replace(plain, found=few, words=search.words_of(self.q) if past else words)


def _inside(directory: Directory, division: str) -> tuple[str, ...]:
    if not directory.knows_division(division):
        raise Refused("division_unknown", division)
    return directory.subtree(division)


def _classes(directory: Directory, key: str, major: str) -> tuple[str, ...] | None:
    """The class asked for, or all of a major; None when neither is."""
    keys: tuple[str, ...] | None = None
    if major:
        keys = directory.classes_of(major)
        if not keys:
            raise Refused("class_unknown", f"major {major}")
    if key:
        if directory.class_of(key) is None:
            raise Refused("class_unknown", key)
        return (key,) if keys is None or key in keys else ()
    return keys


Asked = Annotated[Narrowed, Depends()]


@routes.get("/orders", summary="Orders you may see, the youngest first")
async def list_orders(
    request: Request, asked: Asked, as_of: At | None = None, limit: Limit = PAGE, cursor: Cursor = ""
) -> Response:
    """`division` takes in what lies inside it, `unit` what it leads or has a part in, `tier` is the lead's, `class` a
    key `standard/kind/code` and `major` all of that name; `joined` orders that more than one report hangs on,
    `recurrence` those about a matter that came back, `requested` those in which a request waits for a decision,
    `proposed=reopen` those that a bad word wants reopened (both of today only); `case` those of a special case, by
    its id or number; `q` a number, or words that all stand
    in one report's title, text or address. `as_of` shows the list as it was recorded then. A page may be short while
    `next` still names more."""
    found, caller = rooms(request), reader(request)
    scope, name = scope_of(found.directory, caller), list_id("orders", asked.asked, as_of)
    moment = None if as_of is None else await settled(found, as_of)
    after = read_cursor(cursor, name)
    page = await lists.page(
        found.pool, scope, await asked.filters(found, past=moment is not None), after, limit, moment=moment
    )
    orders = await shown(found, page, moment)
    items = [shapes.brief(found.directory, o, moment) for o in orders]
    return answer({"items": items, "next": None if page.after is None else write_cursor(page.after, name)})


async def shown(found: Rooms, page: Page, moment: datetime | None) -> list[Order]:
    """The orders of a page as they stand, or as they stood at a moment."""
    ids = [row.id for row in page.rows]
    if moment is None:
        return await reads.load(found.pool, ids)
    changes = await reads.changes(found.pool, ids, moment)
    past = [rebuilt(changes.get(id_, ())) for id_ in ids]
    return [order for order in past if order is not None]


@routes.get(
    "/orders.csv",
    summary="The same list as CSV, without personal data",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}}},
)
async def export(request: Request, asked: Asked, as_of: At | None = None) -> StreamingResponse:
    """Filters as for the list. At most 100,000 rows, the youngest first; for more, ask again with `opened_to` the last
    row's `opened_at`. Says nothing of reporters, of what they wrote, or of who handled it. UTF-8 with a byte-order
    mark, so that spreadsheets read Chinese."""
    found, caller = rooms(request), reader(request)
    moment = None if as_of is None else await settled(found, as_of)
    lines = _lines(
        found, scope_of(found.directory, caller), await asked.filters(found, past=moment is not None), moment
    )
    return StreamingResponse(
        lines,
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="orders.csv"'},
    )


async def _lines(found: Rooms, scope: Scope, filters: Filters, moment: datetime | None) -> AsyncIterator[bytes]:
    yield BOM + csv_lines([_HEADER])
    after, left = None, EXPORT_MOST
    while left > 0:
        page = await lists.page(found.pool, scope, filters, after, min(500, left), moment=moment)
        if page.rows:
            yield await _portion(found, page, moment)
        left, after = left - len(page.rows), page.after
        if after is None:
            return


async def _portion(found: Rooms, page: Page, moment: datetime | None) -> bytes:
    orders = await shown(found, page, moment)
    async with found.pool.acquire() as connection:
        running = await clocks.latest(connection, [o.order_id for o in orders], moment)
    return csv_lines([_row(found.directory, o, running.get(o.order_id, ()), moment) for o in orders])


def _row(directory: Directory, o: Order, running: Any, moment: datetime | None) -> tuple[Any, ...]:
    brief, nearest = shapes.brief(directory, o, moment), shapes.nearest(running)
    return (
        brief["number"], o.status, o.source, o.urgency, o.detail.class_ref.key, o.detail.class_ref.name,
        o.detail.place.division, o.detail.place.name, o.lead, brief["lead"]["name"], o.round,
        o.opened_at.isoformat(), o.since.isoformat(), o.closed_at.isoformat() if o.closed_at else "", o.result or "",
        clocks.light_of(running), nearest["due"].isoformat() if nearest else "",
    )  # fmt: skip
