"""The SQL of key rows."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from schemas.ids import number_of
from services.chassis.database import Connection

KEPT = "45 days"


class KeyRow(Struct, frozen=True):
    """A key row as it stands; `received_at` is when the first of its reports was received."""

    key_id: UUID
    report_id: UUID
    body_hash: bytes
    source: str
    received_at: datetime
    acked: bool = False


async def insert_new(connection: Connection, rows: Sequence[KeyRow]) -> set[UUID]:
    """Write those rows whose key is new; their key ids. Sorted by key, so that two batches never wait crosswise."""
    ordered = sorted(rows, key=lambda row: row.key_id)
    written = await connection.fetch(
        "INSERT INTO keys (key_id, report_id, body_hash, source, received_at, acked)"
        " SELECT k, r, h, s, t, false FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::text[], $5::timestamptz[])"
        " AS rows(k, r, h, s, t) ON CONFLICT DO NOTHING RETURNING key_id",
        [row.key_id for row in ordered],
        [row.report_id for row in ordered],
        [row.body_hash for row in ordered],
        [row.source for row in ordered],
        [row.received_at for row in ordered],
    )
    return {row[0] for row in written}


async def rows_of(connection: Connection, key_ids: Iterable[UUID]) -> dict[UUID, KeyRow]:
    """The rows of these keys."""
    rows = await connection.fetch(
        "SELECT key_id, report_id, body_hash, source, received_at, acked FROM keys WHERE key_id = ANY($1::uuid[])",
        list(key_ids),
    )
    return {row["key_id"]: KeyRow(**row) for row in rows}


async def delete(connection: Connection, key_ids: Iterable[UUID]) -> None:
    """Take rows back that this transaction has written for a report that was then refused."""
    await connection.execute("DELETE FROM keys WHERE key_id = ANY($1::uuid[])", list(key_ids))


async def mark_acked(connection: Connection, key_ids: Iterable[UUID]) -> None:
    """The reports of these keys are safe: a repeat need not be sent again."""
    await connection.execute(
        "UPDATE keys SET acked = true WHERE key_id = ANY($1::uuid[]) AND NOT acked", sorted(key_ids)
    )


async def row_of_number(connection: Connection, number: str) -> KeyRow | None:
    """The row of the report with this number (in proper form). The number is made of the id's first 48 bits and last
    two, so the rows to look at lie side by side in the primary key."""
    first = first_id_of(number)
    rows = await connection.fetch(
        "SELECT key_id, report_id, body_hash, source, received_at, acked FROM keys"
        " WHERE key_id BETWEEN $1 AND $2 AND key_id = report_id",
        first,
        UUID(int=first.int | (1 << 80) - 1),
    )
    return next((KeyRow(**row) for row in rows if number_of(row["report_id"]) == number), None)


def first_id_of(number: str) -> UUID:
    """The lowest id that can have this number."""
    digits = number.replace("-", "")[:10]
    value = 0
    for sign in digits:
        value = value << 5 | "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(sign)
    return UUID(int=value >> 2 << 80)


async def prune(connection: Connection) -> None:
    """Delete rows older than they are kept."""
    await connection.execute(f"DELETE FROM keys WHERE at < clock_timestamp() - interval '{KEPT}'")
