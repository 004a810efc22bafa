"""Decisions: one row a report."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from services.chassis.database import Connection
from services.router.rules.merge import Told
from services.router.rules.outcome import Ruling

_pack = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_unpack = msgspec.msgpack.Decoder(Told).decode
_ruling = msgspec.msgpack.Decoder(Ruling).decode


class DecisionRow(Struct, frozen=True):
    """A decision to be kept; `explanation` is the JSON that `GET /v1/explain` tells, `ruling` what the rulebook was
    asked, packed, `matter` what the report told the matters, packed, where it told them anything; `said` is the wording
    that was classified, for orders of people."""

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
    ruling: bytes
    matter: bytes | None = None
    said: str | None = None


class Place(Struct, frozen=True):
    """Behind which decision one has come, in the order in which matters follow from them: as they were decided, and of
    those decided at once the ones first that open a matter."""

    at: datetime = datetime(1, 1, 2, tzinfo=UTC)
    links: bool = False
    report_id: UUID = UUID(int=0)


class Recalled(Struct, frozen=True):
    """What a decision told the matters: of which order, and whether that had a matter before."""

    place: Place
    order_id: UUID
    told: Told


class Ruled(Struct, frozen=True):
    """What a decision asked of the rulebook, with the decision."""

    report_id: UUID
    order_id: UUID | None
    decided_at: datetime
    ruling: Ruling


class Kept(Struct, frozen=True):
    """A decision as it is told to people."""

    order_id: UUID | None
    decided_at: datetime
    explanation: str
    ruling: Ruling


def pack(kept: Told | Ruling) -> bytes:
    """What a report told the matters, or asked of the rulebook, for its row."""
    return _pack(kept)


async def recall(connection: Connection, after: Place, before: datetime | None, limit: int) -> list[Recalled]:
    """Decisions that told the matters something, from a place on, decided before a moment (None: all there are)."""
    rows = await connection.fetch(
        "SELECT decided_at, kind = 'link' AS links, report_id, order_id, matter FROM decisions"
        " WHERE (decided_at, kind = 'link', report_id) > ($1, $2, $3) AND decided_at >= $1 AND matter IS NOT NULL"
        " AND ($4::timestamptz IS NULL OR decided_at < $4)"
        " ORDER BY decided_at, kind = 'link', report_id LIMIT $5",
        after.at,
        after.links,
        after.report_id,
        before,
        limit,
    )
    return [
        Recalled(Place(row["decided_at"], row["links"], row["report_id"]), row["order_id"], _unpack(row["matter"]))
        for row in rows
    ]


async def decided(connection: Connection, reports: Sequence[UUID]) -> dict[UUID, bytes]:
    """The body hashes of those reports that were decided before."""
    rows = await connection.fetch("SELECT report_id, body_hash FROM decisions WHERE report_id = ANY($1)", reports)
    return {row["report_id"]: row["body_hash"] for row in rows}


async def save_decisions(connection: Connection, rows: Sequence[DecisionRow]) -> None:
    """Insert new decisions, by COPY: arrays of so many columns cost asyncpg three times as much."""
    if rows:
        records = [astuple(row) for row in rows]
        await connection.copy_records_to_table("decisions", records=records, columns=DecisionRow.__struct_fields__)


async def decision_of(connection: Connection, report_id: UUID) -> Kept | None:
    """The stored decision on a report; None when there is none."""
    row = await connection.fetchrow(
        "SELECT order_id, decided_at, explanation, ruling FROM decisions WHERE report_id = $1", report_id
    )
    if row is None:
        return None
    return Kept(row["order_id"], row["decided_at"], row["explanation"], _ruling(row["ruling"]))


async def rulings(
    connection: Connection, after: tuple[datetime, UUID], until: datetime | None, limit: int
) -> list[Ruled]:
    """What decisions asked of the rulebook, in the order in which they were taken, those behind a moment and a report
    and before another moment (None: all there are)."""
    rows = await connection.fetch(
        "SELECT report_id, order_id, decided_at, ruling FROM decisions WHERE (decided_at, report_id) > ($1, $2)"
        " AND decided_at >= $1 AND ($3::timestamptz IS NULL OR decided_at < $3)"
        " ORDER BY decided_at, report_id LIMIT $4",
        *after,
        until,
        limit,
    )
    return [Ruled(row["report_id"], row["order_id"], row["decided_at"], _ruling(row["ruling"])) for row in rows]
