"""Decisions: one row a report."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

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
    """Insert new decisions."""
    if not rows:
        return
    await connection.execute(
        "INSERT INTO decisions (report_id, order_id, kind, source, body_hash, topic, part, off, received_at,"
        " decided_at, explanation) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[],"
        " $5::bytea[], $6::text[], $7::int2[], $8::int8[], $9::timestamptz[], $10::timestamptz[], $11::json[])",
        [r.report_id for r in rows],
        [r.order_id for r in rows],
        [r.kind for r in rows],
        [r.source for r in rows],
        [r.body_hash for r in rows],
        [r.topic for r in rows],
        [r.part for r in rows],
        [r.off for r in rows],
        [r.received_at for r in rows],
        [r.decided_at for r in rows],
        [r.explanation for r in rows],
    )


async def explanation_of(connection: Connection, report_id: UUID) -> str | None:
    """The stored explanation of a report's decision, as JSON text; None when there is none."""
    text: str | None = await connection.fetchval("SELECT explanation FROM decisions WHERE report_id = $1", report_id)
    return text
