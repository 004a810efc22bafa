"""Which pairs of orders were proposed to be one, and how far the sweep has come."""

from collections.abc import Iterable, Sequence
from uuid import UUID
from zlib import crc32

from schemas.facts import MergeProposed
from services.chassis.database import Connection
from services.router.store.decisions import Place

_SWEEP = crc32(b"router:sweep") & 0x7FFFFFFF


async def save_proposals(connection: Connection, asked: Sequence[MergeProposed]) -> None:
    """Remember what was asked."""
    if asked:
        await connection.execute(
            "INSERT INTO proposals (proposal_id, order_id, into_id, score, at) SELECT * FROM"
            " unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::float8[], $5::timestamptz[]) ON CONFLICT DO NOTHING",
            [each.proposal_id for each in asked],
            [each.order_id for each in asked],
            [each.into for each in asked],
            [each.score for each in asked],
            [each.proposed_at for each in asked],
        )


async def asked_before(connection: Connection, ids: Iterable[UUID]) -> set[UUID]:
    """Those of these proposals that were made already."""
    rows = await connection.fetch("SELECT proposal_id FROM proposals WHERE proposal_id = ANY($1)", list(ids))
    return {row["proposal_id"] for row in rows}


async def sweeping(connection: Connection) -> bool:
    """Whether this transaction may sweep: one at a time, in whichever process."""
    mine: bool = await connection.fetchval("SELECT pg_try_advisory_xact_lock(0, $1)", _SWEEP)
    return mine


async def swept_to(connection: Connection) -> Place:
    """Behind which decision the sweep has come."""
    row = await connection.fetchrow("SELECT at, links, report_id FROM sweep_place")
    return Place() if row is None else Place(row["at"], row["links"], row["report_id"])


async def keep_place(connection: Connection, place: Place) -> None:
    """Remember how far the sweep has come."""
    await connection.execute(
        "INSERT INTO sweep_place (one, at, links, report_id) VALUES (true, $1, $2, $3) ON CONFLICT (one)"
        " DO UPDATE SET at = excluded.at, links = excluded.links, report_id = excluded.report_id",
        place.at,
        place.links,
        place.report_id,
    )
