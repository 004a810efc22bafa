"""What was corrected in frozen days, as people ask for it."""

from datetime import date
from typing import Any
from uuid import UUID

import asyncpg


async def of_period(
    pool: asyncpg.Pool,
    first: date,
    last: date,
    kpi: str | None,
    order_id: UUID | None,
    before: int | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Corrections of the days of a period, the latest first; `before` is the id that a page ended with."""
    rows = await pool.fetch(
        "SELECT id, at, day, kpi, order_id, subject, unit, tier, district, major, source, num / 10.0 AS num, den, cause"
        " FROM kpi_corrections WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR kpi = $3)"
        " AND ($4::uuid IS NULL OR order_id = $4) AND ($5::bigint IS NULL OR id < $5) ORDER BY id DESC LIMIT $6",
        first,
        last,
        kpi,
        order_id,
        before,
        limit,
    )
    return [
        {
            **{name: row[name] for name in ("id", "at", "day", "kpi", "order_id", "subject", "unit")},
            **{name: row[name] for name in ("tier", "district", "major", "source", "cause")},
            "numerator": float(row["num"]),
            "denominator": row["den"],
        }
        for row in rows
    ]
