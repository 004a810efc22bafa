"""Early warnings as lists: hot topics, the quiet few, crowds; each also as CSV."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from math import isfinite
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import FastAPI, Query, Request, Response

from schemas.ids import number_of
from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.spreadsheets import BOM, csv_lines
from services.chassis.web import answer, principal
from services.router import store
from services.router.rules.atlas import Atlas
from services.router.rules.merge import subject_key

WATCHERS = (Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR)  # they hear early warnings
# Early warnings: what they are called, and the columns of their CSV.
WARNED = {
    "hot": (
        "Hot topics",
        ("topic", "class", "place", "division", "voices", "reports", "expected", "score", "growing", "found_at", "why"),
    ),
    "quiet": (
        "The quiet few",
        ("number", "class", "place", "division", "voices", "reports", "days", "points", "reasons", "found_at", "why"),
    ),
    "crowds": (
        "Crowds about one matter",
        ("number", "class", "place", "division", "voices", "reports", "districts", "found_at", "why"),
    ),
}
_KINDS = {"hot": "hot", "quiet": "quiet", "crowds": "crowd"}
EXPORT_MOST = 10_000
Asking = Callable[..., Awaitable[Response]]


def add_to(app: FastAPI) -> None:
    """The routes of all lists."""
    for kind, (what, _) in WARNED.items():
        summary = f"{what}, those first that stand out most"
        app.add_api_route(f"/v1/topics/{kind}", _listing(kind), tags=["early warning"], summary=summary)
        app.add_api_route(
            f"/v1/topics/{kind}.csv",
            _export(kind),
            tags=["early warning"],
            summary="The same list as CSV",
            response_class=Response,
            responses={200: {"content": {"text/csv": {}}}},
        )


def _listing(kind: str) -> Asking:
    async def listing(
        request: Request,
        cursor: Annotated[str, Query(max_length=300)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Response:
        """Those that are open, in what lies inside your boundary. Never who reported or what was said; whom a matter
        is about does not see it."""
        after = _after(cursor)
        found = await _warned(request, kind, after, limit)
        last = found[-1] if len(found) == limit else None
        following = None if last is None else f"{last.score!r}~{last.key}"
        return answer({"items": [_shape(each) for each in found], "next": following})

    listing.__name__ = f"list_{kind}"
    return listing


def _export(kind: str) -> Asking:
    async def export(request: Request) -> Response:
        """At most 10,000 rows. UTF-8 with a byte-order mark, so that spreadsheets read Chinese."""
        columns = WARNED[kind][1]
        found = await _warned(request, kind, None, EXPORT_MOST)
        rows = [[_cell(shape.get(name)) for name in columns] for shape in map(_shape, found)]
        named = {"content-disposition": f'attachment; filename="{kind}.csv"'}
        return Response(BOM + csv_lines([columns, *rows]), media_type="text/csv; charset=utf-8", headers=named)

    export.__name__ = f"export_{kind}"
    return export


async def _warned(request: Request, kind: str, after: tuple[float, str] | None, limit: int) -> list[store.Warned]:
    """Raises Refused `other_unit` for a dispatcher without a unit, and for a unit that the city does not have."""
    caller = principal(request, *WATCHERS)
    atlas: Atlas = request.app.state.force.atlas
    unit = atlas.units.get(caller.unit)
    if unit is None and (caller.unit or caller.role is Role.DISPATCHER):
        raise Refused("other_unit", "no unit of this city in the token")
    divisions = None if unit is None or unit.division == atlas.city.root else atlas.inside(unit.division)
    about = () if unit is None else (subject_key(unit.name), subject_key(unit.unit_id))
    return await store.listed(request.app.state.pool, _KINDS[kind], divisions, about, after, limit)


def _shape(warned: store.Warned) -> dict[str, Any]:
    """A warning as lists show it: the fact, and the number of its order."""
    shape: dict[str, Any] = msgspec.json.decode(warned.body)
    if "order_id" in shape:
        shape["number"] = number_of(UUID(shape["order_id"]))
    shape["class"] = shape.pop("class_ref")
    shape["division"] = shape["place"]["division"]
    return shape | {"found_at": warned.found_at}


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return value["name"]
    if isinstance(value, list):
        return " ".join(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _after(cursor: str) -> tuple[float, str] | None:
    """Raises Refused `cursor_invalid` for what no list gave."""
    if not cursor:
        return None
    score, mark, key = cursor.partition("~")
    try:
        place = float(score)
    except ValueError:
        raise Refused("cursor_invalid") from None
    if not mark or not isfinite(place):
        raise Refused("cursor_invalid")
    return place, key
