"""What only a rebuild asks of the database: notices that stand, and where the new view differs from the live one.

Connections see the shadow's `orders`, `special_cases`, `clocks` and `pending` first, and the live schema's other tables
behind them.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from schemas.facts import ClockView
from services.chassis.database import Connection
from services.supervision.rules.audit import Standing
from services.supervision.rules.kpi import Measure
from services.supervision.store.measures import COLUMNS
from services.supervision.store.views import view_of

_LIVE = "supervision"
_SHADOW = "supervision_shadow"
_SEEN = "due, state, owner, start, policy"  # what others see of a clock


class Shown(Struct, frozen=True):
    """An order's clocks after its fact `seq`, with when each warns."""

    seq: int
    clocks: list[tuple[ClockView, datetime]]


async def noticed(connection: Connection, after: UUID, limit: int) -> list[UUID]:
    """Orders of which any notice was given, in the order of their ids."""
    rows = await connection.fetch(
        "SELECT DISTINCT order_id FROM notices WHERE order_id > $1 ORDER BY order_id LIMIT $2", after, limit
    )
    return [row["order_id"] for row in rows]


async def noticed_since(connection: Connection, moment: datetime) -> list[UUID]:
    """Orders of which a notice was given or taken back since a moment."""
    rows = await connection.fetch("SELECT DISTINCT order_id FROM notices WHERE at >= $1 OR withdrawn_at >= $1", moment)
    return [row["order_id"] for row in rows]


async def standing(connection: Connection, order_ids: Sequence[UUID]) -> dict[tuple[UUID, UUID], Standing]:
    """What was announced of the clocks (order, clock) of these orders and was not taken back."""
    rows = await connection.fetch(
        "SELECT order_id, clock_id, (array_agg(due ORDER BY at DESC) FILTER (WHERE notice = 'warn'))[1] AS warned,"
        " (array_agg(due ORDER BY at DESC) FILTER (WHERE notice = 'miss' AND withdrawn_at IS NULL))[1] AS missed"
        " FROM notices WHERE order_id = ANY($1) GROUP BY order_id, clock_id",
        list(order_ids),
    )
    return {(row["order_id"], row["clock_id"]): Standing(row["warned"], row["missed"]) for row in rows}


async def remember_warnings(connection: Connection, rows: Sequence[tuple[UUID, UUID, datetime | None]]) -> None:
    """Write for which deadline each (order, clock) was warned of last."""
    await connection.execute(
        "UPDATE clocks SET warned_due = r.due FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS r(o, c, due)"
        " WHERE order_id = r.o AND clock_id = r.c",
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
    )


async def differing(connection: Connection, order_ids: Sequence[UUID] | None = None) -> list[UUID]:
    """Orders (among these, or all) whose clocks others see otherwise in the live view than in the new one."""
    among = "" if order_ids is None else " WHERE order_id = ANY($1)"
    rows = await connection.fetch(
        f"SELECT DISTINCT order_id FROM (SELECT order_id, clock_id, {_SEEN} FROM {_SHADOW}.clocks{among}) AS new"
        f" FULL JOIN (SELECT order_id, clock_id, {_SEEN} FROM {_LIVE}.clocks{among}) AS old"
        " USING (order_id, clock_id) WHERE (new.due, new.state, new.owner, new.start, new.policy)"
        " IS DISTINCT FROM (old.due, old.state, old.owner, old.start, old.policy)",
        *(() if order_ids is None else (list(order_ids),)),
    )
    return [row["order_id"] for row in rows]


async def shown(connection: Connection, order_ids: Sequence[UUID]) -> dict[UUID, Shown]:
    """The clocks of orders as they stand in the new view; orders it does not know are left out."""
    seqs = await connection.fetch(
        "SELECT order_id, seq FROM orders WHERE order_id = ANY($1)"
        " UNION ALL SELECT case_id, seq FROM special_cases WHERE case_id = ANY($1)",
        list(order_ids),
    )
    found = {row["order_id"]: Shown(row["seq"], []) for row in seqs}
    rows = await connection.fetch(
        "SELECT order_id, clock_id, stage, round, owner, assignment_id, report_id, start, due, state, policy, warn_at"
        " FROM clocks WHERE order_id = ANY($1) ORDER BY order_id, due, clock_id",
        list(found),
    )
    for row in rows:
        found[row["order_id"]].clocks.append((view_of(row), row["warn_at"]))
    return found


async def orders_after(connection: Connection, after: UUID, limit: int) -> list[UUID]:
    """Orders of the new view, in the order of their ids."""
    rows = await connection.fetch(
        "SELECT order_id FROM orders WHERE order_id > $1 AND NOT imported ORDER BY order_id LIMIT $2", after, limit
    )
    return [row["order_id"] for row in rows]


async def crowded(connection: Connection, order_ids: Sequence[UUID]) -> list[UUID]:
    """Those of these orders that share their class and cell with another, or were found to recur."""
    rows = await connection.fetch(
        "SELECT order_id FROM orders o WHERE order_id = ANY($1) AND (EXISTS (SELECT FROM orders p"
        "  WHERE p.spot = o.spot AND p.order_id <> o.order_id)"
        " OR EXISTS (SELECT FROM findings f WHERE f.order_id = o.order_id AND f.kind = 'recurrence'))",
        list(order_ids),
    )
    return [row["order_id"] for row in rows]


async def counting_otherwise(connection: Connection, through: date) -> list[UUID]:
    """Orders that count otherwise in the new view than in the live one, on days up to that one."""
    columns = ", ".join(COLUMNS)
    new, old = (f"SELECT order_id, {columns} FROM {schema}.measures WHERE day <= $1" for schema in (_SHADOW, _LIVE))
    rows = await connection.fetch(
        f"SELECT DISTINCT order_id FROM (({new} EXCEPT {old}) UNION ALL ({old} EXCEPT {new})) AS d ORDER BY 1", through
    )
    return [row["order_id"] for row in rows]


async def live_measures(connection: Connection, order_ids: Sequence[UUID]) -> dict[UUID, list[Measure]]:
    """What these orders count in the live view."""
    found: dict[UUID, list[Measure]] = defaultdict(list)
    rows = await connection.fetch(
        f"SELECT order_id, {', '.join(COLUMNS)} FROM {_LIVE}.measures WHERE order_id = ANY($1)", list(order_ids)
    )
    for row in rows:
        found[row[0]].append(Measure(*row[1:]))
    return found
