"""Lists of orders, today and as they stood at any past moment: the youngest first, page by page.

A page looks at no more than `SCAN` orders that fit by what an index knows, so that no filter can hold the database up;
a page may therefore be short, or empty, and still name where the list goes on.
"""

from datetime import datetime
from typing import Any

import asyncpg
from msgspec import Struct

from services.chassis.cursors import After
from services.dispatch.store import filters as by
from services.dispatch.store.filters import Filters, Scope, Where

SCAN = 20_000
ROUNDS = 3  # how often an empty page is tried again further down
_ORDERED = " ORDER BY o.opened_at DESC, o.order_id DESC"
_THEN = (
    " CROSS JOIN LATERAL (SELECT status, urgency, lead, class_key, division, round, closed_at FROM history"
    " WHERE order_id = o.order_id AND recorded_at <= ? ORDER BY seq DESC LIMIT 1) s"
)
_COLUMNS = "o.opened_at, o.order_id, o.status, o.lead, o.division, o.class_key, o.round, o.closed_at"


class Page(Struct, frozen=True):
    """The orders of a page, and behind which the list goes on; None at its end."""

    rows: list[After]
    after: After | None


class _Query:
    """One page's query: what is looked at, and which of it fits."""

    def __init__(self, scope: Scope, f: Filters, after: After | None, moment: datetime | None) -> None:
        self.args: list[Any] = []
        self._candidates, late = Where(self.args), Where(self.args)
        self._joins = ""
        self._source = by.source(self._candidates, f)
        by.fixed(self._candidates, f, after, moment)
        if moment is not None:
            by.about_others(self._candidates, scope)
        else:
            by.within(self._candidates, scope, f)
            by.standing(self._candidates, f, "o")
            if f.unit:
                by.takes_part(self._candidates, f.unit, None)
        self._looked = len(self.args)
        if moment is None:
            by.beside(late, f, "o", None)
        else:
            self._join(_THEN, moment)
            by.within_then(late, scope, moment)
            by.standing(late, f, "s")
            if f.unit:
                by.takes_part(late, f.unit, moment)
            by.beside(late, f, "s", moment)
        if f.light or f.overdue is not None:
            self._join(by.LIGHT_NOW if moment is None else by.LIGHT_THEN, *(() if moment is None else (moment,)))
        self._late = late
        self.bounded = bool(self._joins) or bool(late)

    def _join(self, text: str, *values: Any) -> None:
        for value in values:
            self.args.append(value)
            text = text.replace("?", f"${len(self.args)}", 1)
        self._joins += text

    def hits(self, limit: int) -> str:
        """The orders that fit, at most `limit`."""
        if not self.bounded:
            return f"{self._look(limit)}"
        return (
            f"SELECT o.opened_at, o.order_id FROM ({self._look(SCAN)}) o{self._joins} WHERE {self._late}"
            f"{_ORDERED} LIMIT {limit}"
        )

    def last(self) -> tuple[str, list[Any]]:
        """The last order that is looked at when there are more, and the parameters of that."""
        return f"SELECT opened_at, order_id FROM ({self._look(SCAN)}) o OFFSET {SCAN - 1}", self.args[: self._looked]

    def _look(self, limit: int) -> str:
        return f"SELECT {_COLUMNS} FROM {self._source} WHERE {self._candidates}{_ORDERED} LIMIT {limit}"


async def page(
    pool: asyncpg.Pool,
    scope: Scope,
    f: Filters,
    after: After | None,
    limit: int,
    *,
    moment: datetime | None = None,
) -> Page:
    """The orders a caller may see, or might see at a past moment, that fit the filters as they stand or stood then."""
    place = after
    for _ in range(ROUNDS):
        query = _Query(scope, f, place, moment)
        found = [After(r["opened_at"], r["order_id"]) for r in await pool.fetch(query.hits(limit), *query.args)]
        if len(found) == limit:
            return Page(found, found[-1])
        if not query.bounded:
            return Page(found, None)
        text, args = query.last()
        row = await pool.fetchrow(text, *args)
        place = None if row is None else After(row["opened_at"], row["order_id"])
        if found or place is None:
            return Page(found, place)
    return Page([], place)


async def triage(pool: asyncpg.Pool, scope: Scope, after: After | None, limit: int) -> list[After]:
    """Orders that wait for a dispatcher's decision, the oldest first."""
    where = Where()
    where.add("o.status = 'triage'")
    by.within(where, scope, Filters())
    if after is not None:
        where.add("(o.opened_at, o.order_id) > (?, ?)", after.at, after.id)
    rows = await pool.fetch(
        f"SELECT o.opened_at, o.order_id FROM orders o WHERE {where}"
        f" ORDER BY o.opened_at, o.order_id LIMIT {int(limit)}",
        *where.args,
    )
    return [After(row["opened_at"], row["order_id"]) for row in rows]
