"""Lists of tasks and which orders came of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from schemas.vocabulary import Urgency, Verification
from services.chassis.database import Connection
from services.dispatch.rules.tasks import TaskList
from services.dispatch.store.columns import Columns, copy

_ROWS: Columns = (("list_id", "uuid"), ("order_id", "uuid"), ("unit", "text"), ("row_hash", "bytea"))


class Progress(Struct, frozen=True):
    """How far one unit is with its rows of a list, by the status of their orders."""

    unit: str
    status: str
    count: int


async def announce(pool: asyncpg.Pool, tasks: TaskList) -> TaskList:
    """Keep a list; answers the one that is kept under its id, which was announced before when it differs."""
    await pool.execute(
        "INSERT INTO task_lists (list_id, unit, title, class_key, urgency, verification, principal, due)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        tasks.list_id,
        tasks.unit,
        tasks.title,
        tasks.class_key,
        tasks.urgency,
        tasks.verification,
        tasks.by,
        tasks.due,
    )
    kept = await find(pool, tasks.list_id)
    assert kept is not None
    return kept


async def find(pool: asyncpg.Pool, list_id: UUID) -> TaskList | None:
    """The list of that id."""
    row = await pool.fetchrow("SELECT * FROM task_lists WHERE list_id = $1", list_id)
    return None if row is None else _list_of(row)


async def known(pool: asyncpg.Pool, units: Sequence[str] | None, limit: int) -> list[TaskList]:
    """The lists that these centres (None: any) pushed, the newest first."""
    rows = await pool.fetch(
        "SELECT * FROM task_lists WHERE $1::text[] IS NULL OR unit = ANY($1) ORDER BY at DESC, list_id LIMIT $2",
        units,
        limit,
    )
    return [_list_of(row) for row in rows]


def _list_of(row: asyncpg.Record) -> TaskList:
    due: datetime | None = row["due"]
    return TaskList(
        list_id=row["list_id"],
        unit=row["unit"],
        title=row["title"],
        class_key=row["class_key"],
        urgency=Urgency(row["urgency"]),
        verification=Verification(row["verification"]),
        by=row["principal"],
        due=due,
    )


async def opened(connection: Connection, list_ids: Collection[UUID], order_ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """Which of these orders there are already, each with the hash of the row that it was."""
    rows = await connection.fetch(
        "SELECT order_id, row_hash FROM task_rows WHERE list_id = ANY($1) AND order_id = ANY($2)",
        list(list_ids),
        list(order_ids),
    )
    return {row["order_id"]: row["row_hash"] for row in rows}


async def save(connection: Connection, rows: Sequence[tuple[UUID, UUID, str, bytes]]) -> None:
    """Keep which order and unit each new row of a list came to, and the hash of what it said."""
    await copy(connection, "task_rows", _ROWS, rows)


async def progress(pool: asyncpg.Pool, list_id: UUID) -> list[Progress]:
    """How far each unit is."""
    rows = await pool.fetch(
        "SELECT t.unit, o.status, count(*) AS n FROM task_rows t JOIN orders o USING (order_id) WHERE t.list_id = $1"
        " GROUP BY 1, 2 ORDER BY 1, 2",
        list_id,
    )
    return [Progress(row["unit"], row["status"], row["n"]) for row in rows]
