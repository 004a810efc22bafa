"""Special cases with their timelines: read and written by the fold of facts. Their clocks lie among those of orders."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from services.chassis.database import Connection
from services.supervision.rules.cases import CaseTimeline

_pack = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_unpack = msgspec.msgpack.Decoder(CaseTimeline).decode


class Known(Struct):
    """A special case as it is stored."""

    seq: int
    timeline: CaseTimeline


async def load(connection: Connection, case_ids: Iterable[UUID]) -> dict[UUID, Known]:
    """The special cases among these that are known."""
    rows = await connection.fetch(
        "SELECT case_id, seq, timeline FROM special_cases WHERE case_id = ANY($1)", list(case_ids)
    )
    return {row["case_id"]: Known(row["seq"], _unpack(row["timeline"])) for row in rows}


async def save(connection: Connection, found: Sequence[tuple[int, CaseTimeline]]) -> None:
    """Write special cases, new or known, as they stand after fact `seq`."""
    await connection.execute(
        "INSERT INTO special_cases (case_id, seq, division, timeline)"
        " SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::bytea[])"
        " ON CONFLICT (case_id) DO UPDATE SET seq = excluded.seq, timeline = excluded.timeline",
        [timeline.case_id for _, timeline in found],
        [seq for seq, _ in found],
        [timeline.division for _, timeline in found],
        [_pack(timeline) for _, timeline in found],
    )
