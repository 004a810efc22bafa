"""What channels are told later: the last word on each subject, until its moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from services.chassis.database import Connection

PAGE = 1000
_encode = msgspec.json.Encoder().encode


class Later(Struct, frozen=True):
    """One word that waits."""

    channel: str
    subject: UUID
    item: msgspec.Raw
    at: datetime


async def put(connection: Connection, rows: Sequence[tuple[str, UUID, dict[str, Any], datetime, datetime]]) -> None:
    """Let words (channel, subject, item, at, when) wait; a word on the same subject takes the place of an earlier one,
    and is told when that was to be."""
    if rows:
        await connection.execute(
            "INSERT INTO told_later (channel, subject, item, at, flush_at) SELECT c, s, i::json, a, f FROM"
            " unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[]) AS r(c, s, i, a, f)"
            " ON CONFLICT (channel, subject) DO UPDATE SET item = excluded.item, at = excluded.at",
            [row[0] for row in rows],
            [row[1] for row in rows],
            [_encode(row[2]).decode() for row in rows],
            [row[3] for row in rows],
            [row[4] for row in rows],
        )


async def take_back(connection: Connection, subjects: Sequence[UUID]) -> set[tuple[str, UUID]]:
    """Words on subjects that are over before anybody was told: nobody needs them any more. Answers (channel, subject)
    of those that were taken back."""
    rows = await connection.fetch(
        "DELETE FROM told_later WHERE subject = ANY($1) RETURNING channel, subject", list(subjects)
    )
    return {(row["channel"], row["subject"]) for row in rows}


async def due(connection: Connection) -> list[Later]:
    """Words whose moment has come, taken out; other processes find others."""
    rows = await connection.fetch(
        "DELETE FROM told_later WHERE (channel, subject) IN (SELECT channel, subject FROM told_later"
        " WHERE flush_at <= now() ORDER BY channel, at LIMIT $1 FOR UPDATE SKIP LOCKED)"
        " RETURNING channel, subject, item, at",
        PAGE,
    )
    return sorted(
        (Later(row["channel"], row["subject"], msgspec.Raw(row["item"].encode()), row["at"]) for row in rows),
        key=lambda later: (later.channel, later.at, later.subject),
    )
