"""What a unit has to do, today and at any past moment, in the order people work in, with its counts.

Today's parts stand in `assignments`; what stood in a queue and left it, or changed there, is kept with its span of
recorded time in `queue_past`. Both together are any moment's queue.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from services.chassis.cursors import Behind

LIVE = "('offered', 'accepted', 'return_requested')"
LAST = 1e18  # the place of what has no due, no light or no coordinates: at the end
_NOW = (
    "SELECT a.assignment_id, a.order_id, a.status, a.actors, a.unit FROM assignments a"
    f" WHERE a.unit = ANY($1) AND a.status IN {LIVE}"
)
_THEN = (
    "SELECT a.assignment_id, a.order_id, a.status, a.actors, a.unit FROM assignments a"
    f" WHERE a.unit = ANY($1) AND a.status IN {LIVE} AND a.stood_since <= $8 UNION ALL"
    " SELECT p.assignment_id, p.order_id, p.status, p.actors, p.unit FROM queue_past p"
    " WHERE p.unit = ANY($1) AND p.until > $8 AND p.stood_since <= $8"
)
_CHILDREN_NOW = (
    " UNION ALL SELECT c.assignment_id, c.order_id, c.status, c.actors, c.unit FROM own JOIN assignments c"
    f" ON c.order_id = own.order_id AND c.parent = own.assignment_id AND c.status IN {LIVE}"
)
_CHILDREN_THEN = (
    " UNION ALL SELECT c.assignment_id, c.order_id, c.status, c.actors, c.unit FROM own JOIN assignments c"
    f" ON c.order_id = own.order_id AND c.parent = own.assignment_id AND c.status IN {LIVE} AND c.stood_since <= $8"
    " UNION ALL SELECT p.assignment_id, p.order_id, p.status, p.actors, p.unit FROM own JOIN assignments c"
    " ON c.order_id = own.order_id AND c.parent = own.assignment_id JOIN queue_past p"
    " ON p.assignment_id = c.assignment_id AND p.unit = c.unit AND p.until > $8 AND p.stood_since <= $8"
)
_METRES = (  # on a sphere; good to half a percent within a city
    "111195 * sqrt(power(($7 - (o.detail->'place'->>'lat')::float8), 2)"
    " + power(($6 - (o.detail->'place'->>'lon')::float8) * cos(radians($7)), 2))"
)


class By(StrEnum):
    """In which order a queue is shown."""

    DUE = "due"
    LIGHT = "light"
    DISTANCE = "distance"


class Whose(StrEnum):
    """Which parts a queue holds."""

    UNIT = "unit"  # my unit's
    MINE = "mine"  # those of them that I worked on
    ALL = "all"  # my unit's, and those it passed on and still answers for


class Asked(Struct, frozen=True):
    """A look into a queue: whose, how ordered, from where (degrees), at which past moment. `units` are the caller's
    own and those that became part of it."""

    units: tuple[str, ...]
    principal: str
    whose: Whose
    by: By
    lon: float | None = None
    lat: float | None = None
    moment: datetime | None = None


class Item(Struct, frozen=True):
    """One part in a queue, and its place."""

    assignment_id: UUID
    order_id: UUID
    place: Behind
    metres: float | None


class Queue(Struct, frozen=True):
    """A page of a queue, and how many parts the whole queue has by status and by light."""

    items: list[Item]
    counts: dict[str, Any]


async def look(pool: asyncpg.Pool, asked: Asked, after: Behind | None, limit: int) -> Queue:
    """A page of a queue, behind a place."""
    args: list[Any] = [
        list(asked.units),
        None if after is None else after.first,
        None if after is None else after.second,
        None if after is None else after.id,
        limit,
        asked.lon,
        asked.lat,
    ]
    if asked.moment is not None:
        args.append(asked.moment)
    if asked.whose is Whose.MINE:
        args.append(asked.principal)
    rows = await pool.fetch(_statement(asked, len(args)), *args)
    items = [
        Item(r["assignment_id"], r["order_id"], Behind(r["first"], r["second"], r["assignment_id"]), r["metres"])
        for r in rows
        if r["assignment_id"] is not None
    ]
    return Queue(items, msgspec.json.decode(rows[0]["counts"]))


def _statement(asked: Asked, args: int) -> str:
    past = asked.moment is not None
    parts = "SELECT * FROM own"
    if asked.whose is Whose.ALL:
        parts += _CHILDREN_THEN if past else _CHILDREN_NOW
    elif asked.whose is Whose.MINE:
        parts += rf" WHERE string_to_array(actors, E'\n') @> ARRAY[${args}::text]"
    near = asked.by is By.DISTANCE
    first = {
        By.DUE: "0::float8",
        By.LIGHT: "CASE k.light WHEN 'red' THEN 0 WHEN 'yellow' THEN 1 ELSE 2 END::float8",
        By.DISTANCE: f"coalesce({_METRES}, {LAST})",
    }[asked.by]
    return (
        f"WITH own AS MATERIALIZED ({_THEN if past else _NOW}), q AS MATERIALIZED (SELECT DISTINCT ON (n.assignment_id)"
        f" n.assignment_id, n.order_id, n.status, coalesce(k.light, 'green') AS light, {first} AS first,"
        f" coalesce(extract(epoch FROM k.due)::float8, {LAST}) AS second FROM ({parts}) n"
        f"{' JOIN orders o USING (order_id)' if near else ''} LEFT JOIN LATERAL (SELECT due, light FROM clocks"
        f" WHERE order_id = n.order_id{' AND at <= $8' if past else ''} ORDER BY seq DESC, at DESC LIMIT 1) k ON true"
        f" WHERE $6::float8 IS NULL OR $7::float8 IS NOT NULL)"
        " SELECT c.counts, p.* FROM (SELECT json_build_object('total', count(*), 'status', json_build_object("
        f"{_counted('status', ('offered', 'accepted', 'return_requested'))}), 'light', json_build_object("
        f"{_counted('light', ('red', 'yellow', 'green'))})) AS counts FROM q) c LEFT JOIN (SELECT assignment_id,"
        f" order_id, first, second, {'nullif(first, ' + str(LAST) + ')' if near else 'NULL::float8'} AS metres FROM q"
        " WHERE $2::float8 IS NULL OR (first, second, assignment_id) > ($2, $3::float8, $4::uuid)"
        " ORDER BY first, second, assignment_id LIMIT $5) p ON true ORDER BY p.first, p.second, p.assignment_id"
    )


def _counted(column: str, values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}', count(*) FILTER (WHERE {column} = '{value}')" for value in values)
