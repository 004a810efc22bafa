"""Appeals, and the items they are about."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from services.chassis.database import Connection
from services.supervision.rules.appeals import Appeal
from services.supervision.store.measures import mark
from services.supervision.store.numbers import BITS

_COLUMNS = (
    "appeal_id, kpi, order_id, subject, day, unit, district, effect, reason, filed_by, filed_at, state, version, steps"
)


class Step(Struct, frozen=True):
    """One review: at which step, by whom, what, why, when."""

    step: str
    by: str
    granted: bool
    note: str
    at: datetime


class Filed(Struct, frozen=True):
    """An appeal as it is stored."""

    appeal_id: UUID
    kpi: str
    order_id: UUID
    subject: UUID
    day: date
    unit: str
    district: str
    effect: str
    reason: str
    filed_by: str
    filed_at: datetime
    state: str
    version: int
    steps: tuple[Step, ...] = ()

    def stands(self) -> Appeal:
        """What a review needs of it."""
        return Appeal(
            appeal_id=self.appeal_id,
            kpi=self.kpi,
            order_id=self.order_id,
            subject=self.subject,
            day=self.day,
            unit=self.unit,
            district=self.district,
            effect=self.effect,  # type: ignore[arg-type]  # the table's check holds them
            state=self.state,  # type: ignore[arg-type]
            version=self.version,
            people=(self.filed_by, *(step.by for step in self.steps)),
        )


class AppealItem(Struct, frozen=True):
    """Where an item counts."""

    unit: str
    district: str


async def item(connection: Connection, kpi: str, order_id: UUID, subject: UUID, day: date) -> AppealItem | None:
    """The item of an order in a number on a day; None if it has none."""
    row = await connection.fetchrow(
        "SELECT unit, district FROM measures WHERE order_id = $1 AND subject = $2 AND day = $3 AND den & $4 <> 0"
        " ORDER BY n LIMIT 1",
        order_id,
        subject,
        day,
        1 << BITS[kpi],
    )
    return AppealItem(*row) if row is not None else None


async def file(connection: Connection, filed: Filed) -> bool:
    """Write a new appeal; False when one about the item stands already. Repeats are for the caller to find."""
    made = await connection.fetchval(
        f"INSERT INTO appeals ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '[]')"
        " ON CONFLICT DO NOTHING RETURNING true",
        *(getattr(filed, name) for name in _COLUMNS.split(", ")[:-1]),
    )
    return bool(made)


async def one(connection: Connection | asyncpg.Pool, appeal_id: UUID, *, hold: bool = False) -> Filed | None:
    """An appeal; with `hold` nobody else changes it until the transaction ends."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM appeals WHERE appeal_id = $1{' FOR UPDATE' if hold else ''}", appeal_id
    )
    return _filed(rows[0]) if rows else None


async def review(connection: Connection, filed: Filed, state: str, step: Step) -> Filed:
    """Write a review; a granted appeal has its order counted again."""
    steps = (*filed.steps, step)
    await connection.execute(
        "UPDATE appeals SET state = $2, version = version + 1, steps = $3::text::jsonb WHERE appeal_id = $1",
        filed.appeal_id,
        state,
        msgspec.json.encode(steps).decode(),
    )
    if state == "granted":
        await mark(connection, [filed.order_id], f"Appeal {filed.appeal_id}", first=True)
    return msgspec.structs.replace(filed, state=state, version=filed.version + 1, steps=steps)


async def listed(
    pool: asyncpg.Pool,
    *,
    state: str | None,
    units: Sequence[str] | None,
    districts: Sequence[str] | None,
    order_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Filed]:
    """Appeals, the latest first."""
    at, id_ = after or (None, None)
    rows = await pool.fetch(
        f"SELECT {_COLUMNS} FROM appeals WHERE ($1::text IS NULL OR state = $1)"
        " AND ($2::text[] IS NULL OR unit = ANY($2)) AND ($3::text[] IS NULL OR district = ANY($3))"
        " AND ($4::uuid IS NULL OR order_id = $4)"
        " AND ($5::timestamptz IS NULL OR (filed_at, appeal_id) < ($5, $6::uuid))"
        " ORDER BY filed_at DESC, appeal_id DESC LIMIT $7",
        state,
        None if units is None else list(units),
        None if districts is None else list(districts),
        order_id,
        at,
        id_,
        limit,
    )
    return [_filed(row) for row in rows]


async def waiting(connection: Connection) -> dict[str, int]:
    """How many appeals wait, by step."""
    rows = await connection.fetch(
        "SELECT state, count(*) AS count FROM appeals WHERE state IN ('centre', 'city') GROUP BY state"
    )
    return {"centre": 0, "city": 0} | {row["state"]: row["count"] for row in rows}


def _filed(row: Any) -> Filed:
    values: dict[str, Any] = {name: row[name] for name in _COLUMNS.split(", ")}
    return Filed(**values | {"steps": tuple(msgspec.json.decode(values["steps"], type=list[Step]))})
