"""Decisions: one row a report."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import astuple

from services.chassis.database import Connection


class DecisionRow(Struct, frozen=True):
    """A decision to be kept; `explanation` is the JSON that `GET /v1/explain` serves."""

    report_id: UUID
    order_id: UUID | None
    kind: str
    source: str
    body_hash: bytes
    topic: str
    part: int
    off: int
    received_at: datetime
    decided_at: datetime
    explanation: str


async def decided(connection: Connection, reports: Sequence[UUID]) -> dict[UUID, bytes]:
    """The body hashes of those reports that were decided before."""
    rows = await connection.fetch("SELECT report_id, body_hash FROM decisions WHERE report_id = ANY($1)", reports)
    return {row["report_id"]: row["body_hash"] for row in rows}


async def save_decisions(connection: Connection, rows: Sequence[DecisionRow]) -> None:
    """Insert new decisions, by COPY: arrays of so many columns cost asyncpg three times as much."""
    if rows:
        records = [astuple(row) for row in rows]
        await connection.copy_records_to_table("decisions", records=records, columns=DecisionRow.__struct_fields__)


async def explanation_of(connection: Connection, report_id: UUID) -> str | None:
    """The stored explanation of a report's decision, as JSON text; None when there is none."""
    text: str | None = await connection.fetchval("SELECT explanation FROM decisions WHERE report_id = $1", report_id)
    return text
